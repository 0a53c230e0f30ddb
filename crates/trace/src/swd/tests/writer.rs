//! Writes SWD clock by clock: what a host with any number of idle clocks and any turnaround sends, and what a target answers.

use regs::dp;
use wire::{Ack, Port, RegSel, Transaction};

/// Numbers that look random and are always the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 33) % end
    }
}

/// How host and target are set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) idle: usize,
    pub(crate) turnaround: usize,
    /// CTRL/STAT.ORUNDETECT: WAIT and FAULT have a data phase.
    pub(crate) overrun: bool,
    /// What the line is where nobody drives it.
    pub(crate) floating: bool,
}

impl Default for Setting {
    fn default() -> Self {
        Setting { idle: 0, turnaround: 1, overrun: false, floating: true }
    }
}

impl Setting {
    pub(crate) fn any(rng: &mut Rng) -> Setting {
        Setting {
            idle: rng.below(17) as usize,
            turnaround: 1 + rng.below(4) as usize,
            overrun: rng.below(2) == 1,
            floating: rng.below(4) != 0,
        }
    }
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Ok,
    Wait,
    Fault,
    /// Accepted, with a wrong parity bit.
    Spoiled,
    /// Nobody answers; the host clocks the data phase all the same.
    Silent,
    /// A write of TARGETSEL.
    Targetsel,
}

/// What was written, and what should be found in it.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pub(crate) setting: Setting,
    pub(crate) bits: Vec<bool>,
    pub(crate) expected: Vec<Transaction>,
    /// Where each packet begins, and where it ends without its idle clocks.
    pub(crate) begins: Vec<usize>,
    pub(crate) ends: Vec<usize>,
    pub(crate) rng: Rng,
    /// Turnaround and ORUNDETECT as the target has them now.
    turnaround: usize,
    overrun: bool,
}

impl Writer {
    /// With turnaround and ORUNDETECT already set.
    pub(crate) fn new(setting: Setting, rng: Rng) -> Writer {
        let (turnaround, overrun) = (setting.turnaround, setting.overrun);
        let (bits, expected, begins, ends) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Writer { setting, bits, expected, begins, ends, rng, turnaround, overrun }
    }

    pub(crate) fn idle(&mut self, count: usize) {
        self.bits.extend(std::iter::repeat_n(false, count));
    }

    fn put(&mut self, value: u64, count: usize) {
        self.bits.extend((0..count).map(|n| value >> n & 1 == 1));
    }

    /// Clocks in which nobody drives the line: mostly it is pulled, but while it changes hands it may be anything.
    fn float(&mut self, count: usize) {
        self.bits.extend(std::iter::repeat_n(self.setting.floating, count));
    }

    fn turn(&mut self) {
        for _ in 0..self.turnaround {
            let level = self.rng.below(8) != 0;
            self.bits.push(level == self.setting.floating);
        }
    }

    pub(crate) fn sequence(&mut self, sequence: &dp::LineSequence) {
        for byte in sequence.bytes {
            self.put(u64::from(*byte), 8);
        }
    }

    /// Line reset, select code, line reset, DPIDR, and the settings.
    pub(crate) fn connect(&mut self) {
        (self.turnaround, self.overrun) = (1, false);
        self.sequence(&dp::JTAG_TO_SWD);
        self.dpidr();
        if self.setting.turnaround != 1 {
            self.whole(RegSel::dp(dp::SELECT), false, u32::from(dp::bank::DLCR), Fate::Ok);
            let turnround = (self.setting.turnaround as u32 - 1) << 8;
            self.whole(RegSel::dp(dp::DLCR), false, turnround, Fate::Ok);
            self.turnaround = self.setting.turnaround;
            self.whole(RegSel::dp(dp::SELECT), false, 0, Fate::Ok);
        }
        let control = dp::ctrl_stat::PWRUPREQ | u32::from(self.setting.overrun);
        self.whole(RegSel::dp(dp::CTRL_STAT), false, control, Fate::Ok);
        self.overrun = self.setting.overrun;
    }

    pub(crate) fn dpidr(&mut self) {
        self.whole(RegSel::dp(dp::DPIDR), true, 0x6BA0_2477, Fate::Ok);
    }

    /// A packet to any register that does not change the settings.
    pub(crate) fn packet(&mut self, fate: Fate) {
        if fate == Fate::Targetsel {
            let value = self.rng.next() as u32;
            return self.whole(RegSel::dp(dp::TARGETSEL), false, value, fate);
        }
        let read = self.rng.below(2) == 1;
        let a = 4 * self.rng.below(4) as u8;
        let dp = self.rng.below(3) == 0 && (read && a != dp::CTRL_STAT || !read && a == dp::ABORT);
        let reg = if dp { RegSel::dp(a) } else { RegSel::ap(a) };
        // Zeros and ones are what real data are full of.
        let value = match self.rng.below(4) {
            0 => 0,
            1 => u32::MAX >> self.rng.below(32),
            _ => self.rng.next() as u32,
        };
        self.whole(reg, read, value, fate);
    }

    fn whole(&mut self, reg: RegSel, read: bool, value: u32, fate: Fate) {
        self.begins.push(self.bits.len());
        self.put(u64::from(dp::request(reg.port == Port::Ap, read, reg.a)), 8);
        self.turn();
        let (ack, driven) = match fate {
            Fate::Ok | Fate::Spoiled => (1, true),
            Fate::Wait => (2, true),
            Fate::Fault => (4, true),
            Fate::Silent | Fate::Targetsel => (7, false),
        };
        if driven {
            self.put(ack, 3)
        } else {
            self.bits.extend([true; 3])
        }
        let refused = matches!(fate, Fate::Wait | Fate::Fault);
        let parity = u64::from(value.count_ones() % 2) ^ u64::from(fate == Fate::Spoiled);
        let data = u64::from(value) | parity << 32;
        if refused && !self.overrun {
            self.turn();
        } else if read {
            // Where the target refuses or nobody answers, nobody drives.
            if refused || fate == Fate::Silent {
                self.float(33)
            } else {
                self.put(data, 33)
            }
            self.turn();
        } else {
            self.turn();
            if fate == Fate::Silent { self.float(33) } else { self.put(data, 33) }
        }
        self.ends.push(self.bits.len());
        self.idle(self.setting.idle);
        let (ack, data) = match fate {
            Fate::Ok | Fate::Targetsel => (Ack::OK, Some(value)),
            Fate::Spoiled => (Ack::PARITY, Some(value)),
            Fate::Wait => (Ack::WAIT, None),
            Fate::Fault => (Ack::FAULT, None),
            Fate::Silent => (Ack::NONE, None),
        };
        self.expected.push(Transaction { reg, read, ack, data });
    }
}

/// A session from the line reset on, with packets of every fate.
pub(crate) fn session(setting: Setting, packets: usize, rng: Rng) -> Writer {
    let mut writer = Writer::new(setting, rng);
    writer.connect();
    let mut last = Fate::Ok;
    for _ in 0..packets {
        let fate = match writer.rng.below(40) {
            // Two that went wrong in a row, and nobody can tell where the second one begins.
            8 | 9 if matches!(last, Fate::Spoiled | Fate::Silent) => Fate::Ok,
            0..=5 => Fate::Wait,
            6 | 7 => Fate::Fault,
            8 => Fate::Spoiled,
            9 => Fate::Silent,
            10 => Fate::Targetsel,
            _ => Fate::Ok,
        };
        writer.packet(fate);
        last = fate;
    }
    writer
}
