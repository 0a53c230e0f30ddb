//! Commands about the core, on a simulated part.

use super::word;
use crate::SimProbe;
use std::time::Duration;
use wire::UsbDevice;

const MS: Duration = Duration::from_millis(1);

/// A probe on an STM32H562 whose access port 1 is open.
struct Bench {
    probe: SimProbe,
    now: Duration,
}

impl Bench {
    fn attached(spec: &str) -> Bench {
        let mut bench = Bench { probe: SimProbe::open(spec).unwrap(), now: 100 * MS };
        assert_eq!(bench.ask(&[0xF2, 0x30, 0xA3]), [0x80, 0]);
        assert_eq!(bench.ask(&[0xF2, 0x4B, 1]), [0x80, 0]);
        bench
    }

    fn ask(&mut self, command: &[u8]) -> Vec<u8> {
        let [out, input] = self.probe.endpoints().map(|endpoint| endpoint.address);
        let mut whole = command.to_vec();
        whole.resize(16, 0);
        self.probe.out(out, &whole, self.now).unwrap();
        self.now = self.probe.next_in(input).unwrap();
        self.probe.take_in(input).unwrap().to_vec()
    }

    fn read(&mut self, at: u32) -> u32 {
        let answer = self.ask(&[&[0xF2, 0x36][..], &at.to_le_bytes(), &[1]].concat());
        assert_eq!(answer[0], 0x80);
        word(&answer, 4)
    }

    fn write(&mut self, at: u32, value: u32) -> u8 {
        self.ask(&[&[0xF2, 0x35][..], &at.to_le_bytes(), &value.to_le_bytes(), &[1]].concat())[0]
    }
}

#[test]
fn every_model_reads_dpidr_and_cpuid_of_the_part() {
    for spec in ["h562,probe=stlink-v2", "h562,probe=stlink-v21", "h562,probe=stlink-v3"] {
        let mut bench = Bench::attached(spec);
        assert_eq!(word(&bench.ask(&[0xF2, 0x31]), 4), 0x6BA0_2477);
        assert_eq!(bench.read(regs::m33::CPUID), 0x410F_D214, "{spec}");
    }
}

#[test]
fn a_halted_core_shows_and_takes_its_registers() {
    use regs::m33::{DHCSR, dhcsr};
    let mut bench = Bench::attached("h562,probe=stlink-v3");
    assert_eq!(bench.ask(&[0xF2, 0x33, 15, 1])[0], 0x81, "the core runs");
    assert_eq!(bench.write(DHCSR, dhcsr::KEY | dhcsr::C_DEBUGEN | dhcsr::C_HALT), 0x80);
    assert_ne!(bench.read(DHCSR) & dhcsr::S_HALT, 0);
    assert_eq!(bench.ask(&[0xF2, 0x34, 3, 0x78, 0x56, 0x34, 0x12, 1]), [0x80, 0]);
    let answer = bench.ask(&[0xF2, 0x33, 3, 1]);
    assert_eq!((answer[0], word(&answer, 4)), (0x80, 0x1234_5678));
    let all = bench.ask(&[0xF2, 0x3A, 1]);
    assert_eq!((all.len(), all[0], word(&all, 4 + 3 * 4)), (88, 0x80, 0x1234_5678));
}

#[test]
fn a_reset_of_the_core_and_one_by_the_pin_are_seen_in_dhcsr() {
    use regs::m33::{DHCSR, dhcsr};
    let commands: [&[&[u8]]; 3] =
        [&[&[0xF2, 0x32]], &[&[0xF2, 0x3C, 2]], &[&[0xF2, 0x3C, 0], &[0xF2, 0x3C, 1]]];
    for commands in commands {
        let mut bench = Bench::attached("h562,probe=stlink-v3");
        bench.read(DHCSR);
        assert_eq!(bench.read(DHCSR) & dhcsr::S_RESET_ST, 0);
        for command in commands {
            assert_eq!(bench.ask(command), [0x80, 0]);
        }
        bench.now += 100 * MS;
        assert_ne!(bench.read(DHCSR) & dhcsr::S_RESET_ST, 0, "{commands:X?}");
    }
}

#[test]
fn sram_is_written_and_read_back_over_usb_with_a_bill() {
    let mut bench = Bench::attached("h563,probe=stlink-v3,truth=on");
    let [out, _] = bench.probe.endpoints().map(|endpoint| endpoint.address);
    let data: Vec<u8> = (0..6144_u32).map(|n| (n % 251) as u8).collect();
    let mut command = super::memory_command(0x08, 0x2000_0000, 6144, 1, 0);
    command.resize(16, 0);
    bench.probe.out(out, &command, bench.now).unwrap();
    bench.probe.out(out, &data, bench.now).unwrap();
    assert_eq!(bench.ask(&[0xF2, 0x3E])[0], 0x80);
    let (before, wire) = (bench.probe.bill(), bench.probe.truth().len());
    let back = bench.ask(&super::memory_command(0x07, 0x2000_0000, 6144, 1, 0));
    assert_eq!(back, data);
    let after = bench.probe.bill();
    assert_eq!((after.usb_out - before.usb_out, after.usb_in - before.usb_in), (1, 1));
    // Each of the six pieces of a KiB: TAR, 256 words, RDBUFF.
    assert_eq!(after.transactions() - before.transactions(), 6 * 258);
    assert_eq!((bench.probe.truth().len() - wire) as u64, 6 * 258);
    assert_eq!(after.swclk_wait, before.swclk_wait);
}
