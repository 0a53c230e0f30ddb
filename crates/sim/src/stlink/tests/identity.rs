//! Version, mode, voltage, frequency, and which firmware has which command.

use super::*;

#[test]
fn a_v2_gives_its_version_as_a_big_endian_word() {
    assert_eq!(Probe::new("V2J45S7").ask(&[0xF1, 0x80]), [0x2B, 0x47, 0x83, 0x04, 0x48, 0x37]);
    assert_eq!(Probe::new("V2J37M26").ask(&[0xF1]), [0x29, 0x5A, 0x83, 0x04, 0x4B, 0x37]);
}

#[test]
fn a_v3_gives_zeros_there_and_its_numbers_as_bytes() {
    let mut probe = Probe::new("V3J9M3B5S1");
    assert_eq!(probe.ask(&[0xF1]), [0x30, 0x00, 0x83, 0x04, 0x4E, 0x37]);
    assert_eq!(probe.ask(&[0xFB]), [3, 1, 9, 3, 5, 0, 0, 0, 0x83, 0x04, 0x4E, 0x37]);
    assert_eq!(Probe::new("V2J37S7").send(&[0xFB], &[]), None);
}

#[test]
fn each_mode_is_left_by_its_own_command_only() {
    let leaving: [&[u8]; 3] = [&[0xF3, 0x07], &[0xF4, 0x01], &[0xF2, 0x21]];
    for (mode, number, own) in [(Mode::Dfu, 0, 0), (Mode::Swim, 3, 1), (Mode::Debug, 2, 2)] {
        for (n, command) in leaving.iter().enumerate() {
            let mut probe = Probe::with("V3J13M4", mode, usual());
            assert_eq!(probe.ask(&[0xF5]), [number, 0]);
            assert_eq!(probe.send(command, &[]), None);
            assert_eq!(probe.ask(&[0xF5]), [if n == own { 1 } else { number }, 0]);
        }
    }
}

#[test]
fn debug_commands_need_debug_mode_and_keep_their_length() {
    let mut probe = Probe::new("V2J37S7");
    assert_eq!(probe.register(0xFFFF, 0), (0x08, 0));
    assert_eq!(probe.ask(&[0xF2, 0x31]).len(), 12);
    assert_eq!(probe.memory(0x07, 0, 8, &[]), Some(vec![0; 8]));
    assert_eq!(probe.last(), (0x08, 0));
    assert_eq!(probe.story(), "");
    let mut probe = Probe::with("V2J37S7", Mode::Dfu, usual());
    assert_eq!(probe.ask(&[0xF2, 0x30, 0xA3]), [0x08, 0]);
}

#[test]
fn the_voltage_is_the_supply_of_the_target() {
    let mut probe = Probe::new("V3J13M4");
    let volts = |probe: &mut Probe| {
        let answer = probe.ask(&[0xF7]);
        2.0 * f64::from(word(&answer, 4)) * 1.2 / f64::from(word(&answer, 0))
    };
    assert!((volts(&mut probe) - 3.3).abs() < 0.01);
    probe.ram().dead = true;
    assert!(volts(&mut probe) < 0.01);
    assert_eq!(Probe::new("V2J12S0").send(&[0xF7], &[]), None);
}

#[test]
fn a_v2_takes_divisors_and_a_v3_kilohertz() {
    let mut probe = Probe::new("V2J37S7");
    assert_eq!(probe.firmware.lines.clock.0, 1_800_000);
    for (divisor, khz) in [(0_u16, 4000), (3, 950), (4, 950), (798, 5), (9999, 5)] {
        let [low, high] = divisor.to_le_bytes();
        assert_eq!(probe.ask(&[0xF2, 0x43, low, high]), [0x80, 0]);
        assert_eq!(probe.firmware.lines.clock.0, khz * 1000);
    }
    assert_eq!(probe.ask(&[0xF2, 0x62, 0]), [0x42, 0]);
    let mut probe = Probe::new("V3J13M4");
    assert_eq!(probe.ask(&[0xF2, 0x43, 0, 0]), [0x42, 0]);
    let table = probe.ask(&[0xF2, 0x62, 0]);
    assert_eq!((table.len(), table[0], word(&table, 8)), (52, 0x80, 7));
    assert_eq!((word(&table, 4), word(&table, 12), word(&table, 36)), (1000, 24_000, 5));
    let set = |khz: u32| [&[0xF2, 0x61, 0, 0][..], &khz.to_le_bytes()].concat();
    assert_eq!(probe.ask(&set(10_000)), [0x80, 0, 0, 0, 0x40, 0x1F, 0, 0]);
    assert_eq!(probe.firmware.lines.clock.0, 8_000_000);
    assert_eq!(probe.ask(&set(4))[0], 0x41);
}

#[test]
fn the_probes_own_clock_says_when_it_changed() {
    let mut probe = Probe::new("V3J13M4");
    assert_eq!(probe.ask(&[0xF2, 0x63, 1]), [0x80, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(probe.ask(&[0xF2, 0x63, 2])[0], 0x40);
    assert_eq!(probe.ask(&[0xF2, 0x63, 2])[0], 0x80);
    assert_eq!(probe.ask(&[0xF2, 0x63, 3])[0], 0x41);
}

#[test]
fn a_command_is_unknown_to_the_firmware_before_the_one_that_brought_it() {
    let known = |version: &str, command: &[u8]| Probe::attached(version).ask(command)[0] != 0x42;
    let since: &[(&[u8], &str, &str)] = &[
        (&[0xF2, 0x41], "V2J12S0", "V2J13S0"),
        (&[0xF2, 0x3E], "V2J14S0", "V2J15S0"),
        (&[0xF2, 0x43], "V2J21S0", "V2J22S0"),
        (&[0xF2, 0x44], "V2J23S0", "V2J24S0"),
        (&[0xF2, 0x45], "V2J23S0", "V2J24S0"),
        (&[0xF2, 0x46], "V2J23S0", "V2J24S0"),
        (&[0xF2, 0x4B, 1], "V2J27S0", "V2J28S0"),
        (&[0xF2, 0x53], "V2J31S0", "V2J32S0"),
        (&[0xF2, 0x53], "V3J1", "V3J2"),
        (&[0xF2, 0x56], "V2J35S7", "V2J36S7"),
        (&[0xF2, 0x56], "V3J5", "V3J6"),
    ];
    for (command, before, from) in since {
        assert!(!known(before, command), "{command:X?} {before}");
        assert!(known(from, command), "{command:X?} {from}");
    }
    assert!(!known("V3J13M4", &[0xF2, 0xEE]));
}

#[test]
fn memory_commands_of_later_firmware_come_to_nothing_before() {
    let status = |version: &str, op: u8, data: &[u8]| {
        let mut probe = Probe::attached(version);
        probe.memory(op, 0x100, 4, data);
        probe.last().0
    };
    assert_eq!((status("V2J25S0", 0x47, &[]), status("V2J26S0", 0x47, &[])), (0x42, 0x80));
    assert_eq!((status("V2J25S0", 0x50, &[0; 4]), status("V2J26S0", 0x50, &[0; 4])), (0x42, 0x80));
    assert_eq!((status("V2J31S0", 0x54, &[]), status("V2J32S0", 0x54, &[])), (0x42, 0x80));
    assert_eq!((status("V3J1", 0x54, &[]), status("V3J2", 0x54, &[])), (0x42, 0x80));
}

#[test]
fn the_board_identifier_is_a_text_of_four_letters() {
    let answer = Probe::new("V3J13M4").ask(&[0xF2, 0x56]);
    assert_eq!((answer.len(), &answer[2..6]), (128, &b"SIM1"[..]));
}

#[test]
fn trace_is_not_available() {
    let mut probe = Probe::attached("V2J37S7");
    assert_eq!(probe.ask(&[0xF2, 0x40]), [0x20, 0]);
    assert_eq!(probe.ask(&[0xF2, 0x42]), [0, 0]);
}
