//! How much of the wire, or of the USB cable, a block of memory uses: counted on virtual time, the same on every machine.

use crate::bill::{CLOCKS_OK, spent};
use crate::{AP1, Rig, options};
use adi::{Adi, Attach};
use sim::Bill;
use std::fmt;
use std::time::Duration;
use wire::{Addr, Attr, Hz};

/// Where blocks go: the largest power of two that the part's SRAM holds, again and again.
const SRAM: Addr = Addr(0x2000_0000);
/// Words of one block.
const BLOCK: usize = (512 << 10) / 4;
/// How many blocks make 1 MiB.
const BLOCKS: usize = (1 << 20) / 4 / BLOCK;

/// One measurement: 1 MiB in one direction.
#[derive(Debug, Clone)]
pub struct Rate {
    /// What was done.
    pub what: &'static str,
    /// The probe.
    pub probe: &'static str,
    /// SWCLK.
    pub swclk: Hz,
    /// Words moved.
    pub words: u64,
    /// What it cost.
    pub cost: Bill,
}

impl Rate {
    /// The share of the time for which one transaction a word would do.
    pub fn of_the_wire(&self) -> f64 {
        let word = Duration::from_nanos(self.swclk.nanos(CLOCKS_OK * self.words));
        word.as_secs_f64() / self.cost.time.as_secs_f64()
    }

    /// Packets a millisecond, in the direction that has more of them.
    pub fn packets_per_ms(&self) -> f64 {
        self.cost.usb_out.max(self.cost.usb_in) as f64 / (self.cost.time.as_secs_f64() * 1e3)
    }

    /// Words in each packet to the probe.
    pub fn words_per_packet(&self) -> f64 {
        self.words as f64 / self.cost.usb_out as f64
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<5} {:<40} {:<7} {:>9.1} ms {:>7.1} KiB/s {:>5.1} % of the wire {:>6.3} packets/ms {:>6.2} words/packet \
             {:>5.2} clk/word",
            self.what,
            self.probe,
            self.swclk.to_string(),
            self.cost.time.as_secs_f64() * 1e3,
            self.words as f64 / 256.0 / self.cost.time.as_secs_f64(),
            self.of_the_wire() * 100.0,
            self.packets_per_ms(),
            self.words_per_packet(),
            (self.cost.swclk_ok + self.cost.swclk_wait + self.cost.swclk_other) as f64 / self.words as f64,
        )
    }
}

/// Words that tell where they belong.
fn words() -> Vec<u32> {
    (0..BLOCK as u32).map(|n| n.wrapping_mul(0x9E37_79B9)).collect()
}

fn costs(rig: &mut Rig, mut act: impl FnMut(&mut Adi)) -> Bill {
    let before = rig.bill();
    for _ in 0..BLOCKS {
        act(rig.adi());
    }
    spent(&before, &rig.bill())
}

/// Writes 1 MiB of SRAM and reads it back; what each cost.
pub fn block(probe: &'static str, swclk: Hz) -> [Rate; 2] {
    let mut options = options();
    options.swclk = swclk;
    let mut rig = Rig::with(probe, &options);
    rig.adi().attach(&Attach::HOTPLUG).expect("attached");
    let words = words();
    // The first access settles SELECT and CSW, as anything before a block does.
    rig.adi().write_word(AP1, Attr::Default, SRAM, 0).expect("written");
    let write = costs(&mut rig, |adi| {
        adi.write_words(AP1, Attr::Default, SRAM, &words).expect("written");
    });
    let read = costs(&mut rig, |adi| {
        assert!(adi.read_words(AP1, Attr::Default, SRAM, BLOCK).expect("read") == words, "{probe}");
    });
    let rate = |what, cost| Rate { what, probe, swclk, words: (BLOCK * BLOCKS) as u64, cost };
    [rate("write", write), rate("read", read)]
}
