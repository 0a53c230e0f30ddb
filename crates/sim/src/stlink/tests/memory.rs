//! Memory commands: widths, lengths, transactions, status.

use super::*;
use proptest::prelude::*;

const SLOW: u32 = 0x00C8_0000;
const BROKEN: u32 = 0x00F0_0000;

#[test]
fn words_are_read_one_behind_the_other_and_the_last_is_fetched() {
    let mut probe = Probe::attached("V3J13M4");
    probe.ram().words.extend([(0x100, 0x4433_2211), (0x104, 0x8877_6655)]);
    let read = probe.memory(0x07, 0x100, 8, &[]).unwrap();
    assert_eq!(read, [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]);
    assert_eq!(probe.last(), (0x80, 0));
    assert_eq!(probe.ask(&[0xF2, 0x3B]), [0x80, 0]);
    assert_eq!(probe.story(), "wdp8 wap0 wap4 rapC rapC rdpC");
    probe.memory(0x07, 0x100, 4, &[]);
    assert_eq!(probe.story(), "wap4 rapC rdpC", "SELECT and CSW are as they were");
}

#[test]
fn a_write_has_no_answer_and_is_looked_at_in_ctrl_stat_or_in_rdbuff() {
    let mut probe = Probe::attached("V3J13M4");
    assert_eq!(probe.memory(0x08, 0x100, 8, &[1, 0, 0, 0, 2, 0, 0, 0]), None);
    assert_eq!(probe.story(), "wdp8 wap0 wap4 wapC wapC rdp4");
    assert_eq!(probe.last(), (0x80, 0));
    assert_eq!((probe.ram().words[&0x100], probe.ram().words[&0x104]), (1, 2));
    let mut probe = Probe::attached_with("V3J13M4", StLinkKnobs { check_with_rdbuff: true, ..usual() });
    probe.memory(0x08, 0x100, 4, &[1, 0, 0, 0]);
    assert_eq!(probe.story(), "wdp8 wap0 wap4 wapC rdpC");
}

#[test]
fn bytes_and_half_words_travel_in_their_lanes() {
    let mut probe = Probe::attached("V2J37S7");
    probe.memory(0x0D, 0x101, 5, &[1, 2, 3, 4, 5]);
    probe.memory(0x48, 0x106, 4, &[6, 7, 8, 9]);
    let mut whole = Vec::new();
    for at in [0x100, 0x104, 0x108] {
        whole.extend(probe.ram().words[&at].to_le_bytes());
    }
    assert_eq!(whole, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0]);
    assert_eq!(probe.memory(0x0C, 0x101, 5, &[]).unwrap(), [1, 2, 3, 4, 5]);
    assert_eq!(probe.memory(0x47, 0x102, 4, &[]).unwrap(), [2, 3, 4, 5]);
}

#[test]
fn a_write_may_be_longer_than_any_read() {
    let mut probe = Probe::attached("V3J13M4");
    let data: Vec<u8> = (0..65532_u32).map(|n| (n % 253) as u8).collect();
    assert_eq!(probe.memory(0x08, 0x1000, 65532, &data), None);
    assert_eq!(probe.last(), (0x80, 0));
    let last = u32::from_le_bytes([data[65528], data[65529], data[65530], data[65531]]);
    assert_eq!(probe.ram().words[&(0x1000 + 65528)], last);
    probe.memory(0x07, 0x1000, 6148, &[]);
    assert_eq!(probe.last(), (0x08, 0x1000), "command error");
}

#[test]
fn one_byte_comes_as_two() {
    let mut probe = Probe::attached("V2J37S7");
    probe.ram().words.insert(0x100, 0xAA55_1234);
    assert_eq!(probe.memory(0x0C, 0x103, 1, &[]).unwrap(), [0xAA, 0]);
}

#[test]
fn tar_is_written_again_at_each_kib_unless_the_setting_says_once() {
    let tars = |knobs| {
        let mut probe = Probe::attached_with("V3J13M4", knobs);
        probe.memory(0x07, 0x3F8, 2056, &[]);
        let story = probe.story();
        (story.matches("wap4").count(), story.matches("rdpC").count(), probe.ram().log.last().unwrap().0.at)
    };
    assert_eq!(tars(usual()), (3, 3, 0xBFC));
    assert_eq!(tars(StLinkKnobs { one_tar: true, ..usual() }), (1, 1, 0x3FC));
}

#[test]
fn without_increment_every_access_is_to_one_address() {
    let mut probe = Probe::attached("V3J13M4");
    probe.memory(0x50, 0x104, 12, &[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
    assert_eq!(probe.story(), "wdp8 wap0 wap4 wapC wapC wapC rdp4");
    assert_eq!(probe.memory(0x54, 0x104, 8, &[]).unwrap(), [3, 0, 0, 0, 3, 0, 0, 0]);
    assert!(probe.ram().log.iter().all(|(request, _)| request.at == 0x104));
}

#[test]
fn csw_comes_from_the_command_with_size_and_increment_of_the_operation() {
    let mut probe = Probe::attached("V3J13M4");
    probe.send(&memory_command(0x07, 0x100, 4, 1, 0x4B00_0000), &[]);
    let csw = probe.register(1, 0).1;
    assert_eq!(csw & 0x7F00_0037, 0x4B00_0012);
    assert!(!probe.ram().log[0].0.secure);
    probe.memory(0x0C, 0x100, 2, &[]);
    assert_eq!(probe.register(1, 0).1 & 0x7F00_0037, 0x2300_0010);
    let mut old = Probe::attached("V2J31S7");
    old.send(&memory_command(0x07, 0x100, 4, 1, 0x4B00_0000), &[]);
    assert!(old.ram().log[0].0.secure, "before J32 CSW is not heard");
}

#[test]
fn before_j28_every_command_is_for_the_first_access_port() {
    let mut probe = Probe::attached("V2J27S7");
    probe.memory(0x07, 0x100, 4, &[]);
    assert_eq!(probe.ram().log[0].0.ap, 0);
}

#[test]
fn what_is_not_aligned_or_too_long_is_refused_in_its_usual_length() {
    let mut probe = Probe::attached("V2J37S7");
    for (op, at, len, status) in [
        (0x07, 0x102, 4, 0x0A),
        (0x07, 0x100, 6, 0x0A),
        (0x47, 0x101, 2, 0x0A),
        (0x07, 0x100, 6148, 0x08),
        (0x0C, 0x100, 65, 0x08),
    ] {
        assert_eq!(probe.memory(op, at, len, &[]).unwrap(), vec![0; len.into()]);
        assert_eq!(probe.last(), (status, at));
    }
    assert_eq!(probe.story(), "");
    let longest = |version: &str, len: u16| {
        let mut probe = Probe::attached(version);
        probe.memory(0x0C, 0x100, len, &[]);
        probe.last().0
    };
    assert_eq!((longest("V3J5", 65), longest("V3J6", 512), longest("V3J6", 513)), (0x08, 0x80, 0x08));
}

#[test]
fn a_bus_error_names_the_address_and_the_flags_are_cleared() {
    let mut probe = Probe::attached("V3J13M4");
    let read = probe.memory(0x07, BROKEN - 8, 16, &[]).unwrap();
    assert_eq!(read.len(), 16);
    assert_eq!(probe.last(), (0x11, BROKEN));
    probe.memory(0x08, BROKEN - 4, 12, &[7; 12]);
    assert_eq!(probe.last(), (0x11, BROKEN));
    probe.memory(0x07, 0x100, 4, &[]);
    assert_eq!(probe.last(), (0x80, 0));
}

#[test]
fn sticky_flags_that_are_kept_spoil_the_next_command() {
    let mut probe = Probe::attached_with("V3J13M4", StLinkKnobs { keep_sticky: true, ..usual() });
    probe.memory(0x07, BROKEN, 4, &[]);
    probe.memory(0x07, 0x100, 4, &[]);
    assert_eq!(probe.last(), (0x11, 0x100));
}

#[test]
fn a_last_write_that_the_bus_has_not_taken_looks_done_in_ctrl_stat_only() {
    let write = |check_with_rdbuff| {
        let mut probe = Probe::attached_with("V3J13M4", StLinkKnobs { check_with_rdbuff, ..impatient() });
        probe.memory(0x08, SLOW, 4, &[1; 4]);
        probe.last()
    };
    assert_eq!((write(false), write(true)), ((0x80, 0), (0x10, SLOW)));
}

#[test]
fn a_v3_goes_on_with_a_read_that_had_to_wait() {
    let mut probe = Probe::attached_with("V3J13M4", impatient());
    probe.ram().words.extend([(SLOW, 1), (SLOW + 4, 2)]);
    let mut statuses = Vec::new();
    let read = loop {
        let read = probe.memory(0x07, SLOW, 8, &[]).unwrap();
        statuses.push(probe.last().0);
        if statuses.last() == Some(&0x80) {
            break read;
        }
        probe.pause(60_000);
    };
    assert_eq!(read, [1, 0, 0, 0, 2, 0, 0, 0]);
    assert_eq!(probe.ram().log.len(), 2, "nothing was read twice");
    assert_eq!(statuses[..2], [0x10, 0x11]);
    assert!(statuses[2..statuses.len() - 1].iter().all(|status| *status == 0x11));
}

#[test]
fn a_write_that_is_sent_again_begins_at_its_first_address() {
    let mut probe = Probe::attached_with("V3J13M4", impatient());
    let (command, data) = (memory_command(0x50, SLOW, 8, 1, 0), [1; 8]);
    probe.send(&command, &data);
    assert_eq!(probe.last().0, 0x10);
    probe.send(&command, &data);
    assert_eq!(probe.last().0, 0x11);
    probe.pause(300_000);
    let before = probe.ram().log.len();
    assert_eq!(before, 1);
    probe.send(&command, &data);
    assert_eq!(probe.ram().log.len(), 2);
}

proptest! {
    #[test]
    fn what_is_written_in_any_width_is_read_back_in_any_other(
        start in 0_u32..0x800, words in 1_usize..300, write in 0_usize..3, read in 0_usize..3, v3: bool,
    ) {
        let (at, len) = (start * 4, words * 4);
        let data: Vec<u8> = (0..len).map(|n| (n * 7 + 3) as u8).collect();
        let mut probe = Probe::attached(if v3 { "V3J13M4" } else { "V2J37S7" });
        let pieces = |op: usize| if op == 0 { 64 } else { 6144 };
        for (n, piece) in data.chunks(pieces(write)).enumerate() {
            let at = at + (n * pieces(write)) as u32;
            probe.memory([0x0D, 0x48, 0x08][write], at, piece.len() as u16, piece);
            prop_assert_eq!(probe.last(), (0x80, 0));
        }
        let mut back = Vec::new();
        while back.len() < len {
            let piece = pieces(read).min(len - back.len());
            let at = at + back.len() as u32;
            back.extend(probe.memory([0x0C, 0x47, 0x07][read], at, piece as u16, &[]).unwrap());
            prop_assert_eq!(probe.last(), (0x80, 0));
        }
        prop_assert_eq!(back, data);
    }

    #[test]
    fn no_command_upsets_the_firmware(
        commands in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..=16), 1..20), debug: bool, v3: bool,
    ) {
        let mut probe = Probe::attached(if v3 { "V3J13M4" } else { "V2J37S7" });
        for mut bytes in commands {
            if debug {
                bytes[0] = 0xF2;
            }
            let command = Command::new(&bytes);
            let data = vec![0x5A; command.payload()];
            probe.firmware.perform(&command, &data, 0);
        }
    }
}
