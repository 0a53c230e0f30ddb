//! What simprobe records: sigrok's decoder sees in the pins, and our own in the USB transfers, what was on the wire.

use crate::rig::{Served, run, succeeds, tool};
use ackwait_tests::{AP1, options, pattern};
use adi::Attach;
use regs::dp;
use std::fs;
use trace::Stat;
use wire::{Addr, Attr};

/// The packets on interface 2 of a recording, without what is said of how they became known (ten bytes that begin with 9).
pub(crate) fn wire_packets(file: &[u8]) -> Vec<Vec<u8>> {
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"));
    let (mut at, mut packets) = (0, Vec::new());
    while at < file.len() {
        if (word(at), word(at + 8)) == (6, 2) {
            let packet = &file[at + 28..][..word(at + 20) as usize];
            packets.push(if packet[0] == 9 { &packet[10..] } else { packet }.to_vec());
        }
        at += word(at + 4) as usize;
    }
    packets
}

/// A transaction in the words of sigrok's decoder: its name, the ack, the data.
pub(crate) fn in_sigroks_words(packet: &[u8]) -> Vec<String> {
    let (header, ack, has_data) = (packet[1], packet[2], packet[3] == 1);
    let (ap, read, a) = (header & 2 != 0, header & 4 != 0, header >> 1 & 0xC);
    let name = match (ap, read, a) {
        (true, true, a) => format!("R AP{a:x}"),
        (true, false, a) => format!("W AP{a:x}"),
        (false, true, dp::DPIDR) => "IDCODE".to_owned(),
        (false, true, dp::CTRL_STAT) => "R CTRL/STAT".to_owned(),
        (false, true, dp::RDBUFF) => "RDBUFF".to_owned(),
        (false, true, _) => "RESEND".to_owned(),
        (false, false, dp::ABORT) => "W ABORT".to_owned(),
        (false, false, dp::CTRL_STAT) => "W CTRL/STAT".to_owned(),
        (false, false, dp::SELECT) => "W SELECT".to_owned(),
        (false, false, _) => "W RESERVED".to_owned(),
    };
    let ack = match ack {
        1 => "OK",
        2 => "WAIT",
        4 => "FAULT",
        _ => "NOREPLY",
    };
    let mut words = vec![name, ack.to_owned()];
    if has_data {
        words.push(format!("0x{:08x}", u32::from_le_bytes(packet[5..9].try_into().expect("a word"))));
    }
    words
}

/// Our own driver works over CMSIS-DAP TCP; what is on the pins is recorded.
fn recorded(probe: &str, scenario: &str, folder: &std::path::Path) -> (usize, Vec<String>) {
    let file = |name: &str| folder.join(name).display().to_string();
    let (vcd, pcapng, usb) = (file("pins.vcd"), file("wire.pcapng"), file("usb.pcapng"));
    let wire = ["--truth", &vcd, "--truth", &pcapng, "--trace", &usb];
    let args = [["--dap-tcp", "0", "--probe", probe, "--scenario", scenario], wire].concat();
    let served = Served::new(&args);
    let mut options = options();
    options.probe = format!("tcp:127.0.0.1:{}", served.port);
    let mut session = session::open(&options).expect("a session");
    session.adi.attach(&Attach::HOTPLUG).expect("attached");
    let words: Vec<u32> =
        pattern(256).chunks(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect();
    let at = Addr(0x2000_0000);
    session.adi.write_words(AP1, Attr::Default, at, &words).expect("written");
    let back = session.adi.read_words(AP1, Attr::Default, at, words.len()).expect("read");
    assert_eq!(back, words);
    session.close().expect("closed");
    served.end();
    let packets = wire_packets(&fs::read(&pcapng).expect("the recording"));
    let transactions: Vec<_> = packets.iter().filter(|packet| packet[0] == 0).collect();
    let lines = transactions.iter().flat_map(|packet| in_sigroks_words(packet)).collect();
    (transactions.len(), lines)
}

#[test]
fn the_recorded_usb_transfers_decode_to_what_was_on_the_wire() {
    let folder = tempfile::tempdir().expect("a folder");
    let (count, _) = recorded("cmsis-dap-v2", "h562", folder.path());
    let trace =
        trace::open(&fs::read(folder.path().join("usb.pcapng")).expect("a file")).expect("a recording");
    assert_eq!(trace.warnings().len(), 0, "{:?}", trace.warnings());
    let transactions = Stat::of(&trace).transactions;
    assert_eq!((transactions.ok, transactions.total), (count as u64, count as u64));
}

#[test]
fn sigrok_decodes_from_the_pins_what_was_on_the_wire() {
    let works = |command: &str| succeeds(command, &["-P", "swd", "--show"]);
    let Some(sigrok) = tool("sigrok-cli", &["sigrok-cli"], works) else { return };
    let sessions =
        [("cmsis-dap-v2", "h562"), ("cmsis-dap-v2", "h562,wait=60:4"), ("cmsis-dap-v2-fs", "h562")];
    for (probe, scenario) in sessions {
        let folder = tempfile::tempdir().expect("a folder");
        let (count, expected) = recorded(probe, scenario, folder.path());
        assert!(count > 100, "{scenario}: only {count} transactions");
        let input = ["-I", "vcd:compress=10000", "-i", "pins.vcd"];
        let decoder = ["-P", "swd:swclk=SWCLK:swdio=SWDIO", "-A", "swd=read:write:ack:data:parity"];
        let text = run(folder.path(), sigrok, &[input, decoder].concat());
        let seen: Vec<_> = text.lines().map(|line| line.trim_start_matches("swd-1: ").to_owned()).collect();
        if let Some(n) = (0..seen.len().max(expected.len())).find(|n| seen.get(*n) != expected.get(*n)) {
            let around = |lines: &[String]| {
                lines.iter().skip(n.saturating_sub(6)).take(12).cloned().collect::<Vec<_>>()
            };
            panic!("{scenario}: at {n}: sigrok {:?}, wire {:?}", around(&seen), around(&expected));
        }
    }
}
