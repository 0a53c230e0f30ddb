use super::*;
use crate::read::Warning;
use crate::script::lines;
use crate::{Options, Trace};
use proptest::prelude::*;
use wire::{Certainty, Level};

fn open(log: &str) -> Trace {
    crate::open(log.as_bytes()).unwrap()
}

/// How OpenOCD writes a line; the numbers in front do not matter.
fn openocd(lines: &[(&str, &str)]) -> String {
    let lines = lines.iter().enumerate().map(|(n, (function, text))| {
        format!("Debug: {} {} driver.c:80{n} {function}(): {text}\n", n + 7, 100 + n)
    });
    let banner = "Open On-Chip Debugger 0.12.0\nLicensed under something\n".to_owned();
    std::iter::once(banner).chain(lines).collect()
}

const WRITE: &str = "cmsis_dap_swd_write_from_queue";
const READ: &str = "cmsis_dap_swd_read_process";

fn cmsis_dap_log() -> String {
    openocd(&[
        ("cmsis_dap_swd_switch_seq", "JTAG-to-SWD"),
        (WRITE, "Executing 1 queued transactions from FIFO index 0, same swd ops"),
        (WRITE, "DP read reg 0 0"),
        (WRITE, "Executing 5 queued transactions from FIFO index 1"),
        (WRITE, "DP write reg 8 1000000"),
        (WRITE, "AP write reg 0 a2000012"),
        (WRITE, "AP write reg 4 20000000"),
        (WRITE, "AP read reg c 0"),
        (WRITE, "AP read reg c 0"),
        (READ, "Received results of 1 queued transactions FIFO index 0, blocking mode"),
        (READ, "Read result: 6ba02477"),
        (READ, "Received results of 5 queued transactions FIFO index 1, blocking mode"),
        (READ, "Read result: 12345678"),
        (READ, "Read result: 9abcdef0"),
    ])
}

#[test]
fn packets_that_openocd_queued_and_their_results_are_transactions_with_what_the_firmware_adds() {
    let trace = open(&cmsis_dap_log());
    assert_eq!(
        lines(&trace, Level::Transaction),
        [
            "line reset [inferred]",
            "JTAG to SWD [inferred]",
            "line reset [inferred]",
            "DP read 0x0 OK 0x6BA0_2477",
            "DP write 0x8 OK 0x0100_0000",
            "AP write 0x0 OK 0xA200_0012",
            "AP write 0x4 OK 0x2000_0000",
            "AP read 0xC OK",
            "AP read 0xC OK 0x1234_5678",
            "DP read 0xC OK 0x9ABC_DEF0 (added by the probe)",
        ]
    );
    let values: Vec<_> = lines(&trace, Level::Access);
    assert!(values.iter().any(|line| line.contains("0x2000_0000")), "{values:?}");
    assert!(matches!(trace.warnings(), [Warning::Log { tool: Tool::OpenOcd, timed: true, .. }]));
}

#[test]
fn an_event_has_the_number_of_the_line_that_shows_it() {
    let trace = open(&cmsis_dap_log());
    let log = cmsis_dap_log();
    let order = trace.events(Level::Transaction)[3].order;
    let line = log.lines().nth(usize::try_from(order).unwrap() - 1).unwrap();
    assert!(line.contains("Executing 1 queued"), "{line}");
}

#[test]
fn a_refused_packet_of_openocd_ends_with_its_ack_and_one_without_results_is_lost() {
    let log = openocd(&[
        (WRITE, "Executing 2 queued transactions from FIFO index 0"),
        (WRITE, "DP read reg 4 0"),
        (WRITE, "DP write reg 4 50000001"),
        (WRITE, "refusing to enable sticky overrun detection"),
        (WRITE, "Executing 1 queued transactions from FIFO index 1"),
        (WRITE, "AP read reg c 0"),
        (READ, "Received results of 2 queued transactions FIFO index 0, blocking mode"),
        (READ, "Read result: f0000000"),
        (READ, "SWD ack not OK @ 0 FAULT"),
        (WRITE, "Executing 1 queued transactions from FIFO index 2"),
        (WRITE, "AP write reg c 1"),
    ]);
    let shown = lines(&open(&log), Level::Transaction);
    assert_eq!(shown[..2], ["DP read 0x4 OK 0xF000_0000", "DP write 0x4 OK 0x5000_0000"]);
    assert!(shown.iter().any(|line| line.starts_with("AP read 0xC FAULT")), "{shown:?}");
    assert!(shown.last().unwrap().starts_with("no answer"), "{shown:?}");
}

#[test]
fn a_bit_by_bit_driver_of_openocd_shows_each_transaction_with_its_ack() {
    let log = openocd(&[
        ("bitbang_swd_switch_seq", "JTAG-to-SWD"),
        ("bitbang_swd_read_reg", "OK DP read reg 0 = 6ba02477"),
        ("bitbang_swd_write_reg", "WAIT AP write reg C = 00000001"),
        ("bitbang_swd_write_reg", "OK AP write reg C = 00000001"),
        ("bitbang_swd_read_reg", "JUNK DP read reg C = ffffffff"),
    ]);
    let trace = open(&log);
    let shown = lines(&trace, Level::Transaction);
    assert_eq!(shown[3..5], ["DP read 0x0 OK 0x6BA0_2477", "AP write 0xC WAIT"]);
    assert_eq!(shown[5], "AP write 0xC OK 0x0000_0001");
    assert_eq!(trace.events(Level::Transaction)[5].certainty, Certainty::Explicit);
}

#[test]
fn without_transactions_openocd_shows_single_words_and_blocks_of_the_layer_above() {
    let log = openocd(&[
        ("dap_get_ap", "refcount AP#0x1 get 1"),
        ("target_read_u32", "address: 0xe000ed00, value: 0x410fd214"),
        ("target_write_u16", "address: 0x20000002, value: 0x1234"),
        ("target_write_buffer", "writing buffer of 512 byte at 0x20001000"),
        ("script_debug", "command - reset halt"),
    ]);
    let trace = open(&log);
    let shown = lines(&trace, Level::Access);
    assert_eq!(shown.len(), 3, "{shown:?}");
    assert!(shown[0].starts_with("AP1 read 0xE000_ED00 0x410F_D214"), "{shown:?}");
    assert!(trace.hides_the_wire());
    assert_eq!(trace.accesses()[0].certainty, Certainty::Inferred);
    assert_eq!(trace.marks()[0].mark.text, "reset halt");
}

#[test]
fn an_st_link_in_openocds_log_shows_registers_of_dp_and_ap() {
    let log = openocd(&[
        ("stlink_write_dap_register", "dap_write port = 65535, addr = 0x4, value = 0x50000020"),
        ("stlink_read_dap_register", "dap_port_read = 1, addr =  0xfc, value = 0x84770001"),
    ]);
    let shown = lines(&open(&log), Level::Access);
    assert_eq!(shown, ["DP write CTRL/STAT 0x5000_0020", "read AP1 IDR 0x8477_0001"]);
}

const PYOCD_PACKETS: &str = "\
0000100 D Project directory: /somewhere [session]
0000101 D   USB OUT> (4) 05 00 01 02 [pyusb_v2_backend]
0000102 D   USB RD < (64) 05 01 01 77 24 a0 6b [pyusb_v2_backend]
0000103 D read_dp:000001 (addr=0x00000000) -> 0x6ba02477 [dap]
";

#[test]
fn packets_in_pyocds_log_are_decoded_as_if_they_were_captured() {
    let trace = open(PYOCD_PACKETS);
    assert_eq!(lines(&trace, Level::Transaction), ["DP read 0x0 OK 0x6BA0_2477"]);
    assert_eq!((trace.events(Level::Usb).len(), trace.device()), (2, None));
    let Some(crate::Body::Transfer(answer)) = trace.events(Level::Usb).last().map(|e| &e.body) else {
        panic!("a transfer")
    };
    assert_eq!(answer.data.len(), 64, "the zeros at its end are back");
}

#[test]
fn without_packets_pyocd_shows_registers_and_memory_but_not_how_the_memory_was_reached() {
    let log = "\
0000100 D read_dp:000001 (addr=0x00000000) -> 0x6ba02477 [dap]
0000101 D read_ap:000002 (addr=0x010000fc) -> ... [dap]
0000102 D read_ap:000002 ...(addr=0x010000fc) -> 0x84770001 [dap]
0000103 D write_mem:000003 (ap=0x1; addr=0x20000000, size=32) = 0x00000007 { [ap]
0000104 D write_ap:000004 (addr=0x01000004) = 0x20000000 [dap]
0000105 D write_mem:000003 } [ap]
0000106 D read_mem:000005 (ap=0x1; addr=0x20000002, size=16) { [ap]
0000107 D read_ap:000006 (addr=0x0100000c) -> 0x00070000 [dap]
0000108 D read_mem:000005 (ap=0x1; addr=0x20000002, size=16) -> 0x00000007 } [ap]
0000109 D _read_block32:000007 (ap=0x1; addr=0xe00ff000, size=9) { [ap]
0000110 D _read_block32:000007 } [ap]
";
    let shown = lines(&open(log), Level::Access);
    assert_eq!(shown.len(), 4 + 9, "{shown:?}");
    assert_eq!(shown[..2], ["DP read DPIDR 0x6BA0_2477", "read AP1 IDR 0x8477_0001"]);
    assert!(shown[2].starts_with("AP1 write 0x2000_0000 0x0000_0007"), "{shown:?}");
    assert!(shown[4].contains("0xE00F_F000"), "{shown:?}");
}

const PROBE_RS_PACKETS: &str = "\
\u{1b}[2m2026-01-02T10:20:30.000500Z\u{1b}[0m \u{1b}[35mTRACE\u{1b}[0m attach: probe_rs::probe::cmsisdap::commands: Transmit buffer: [00, 05, 00, 02, 02, 08]...
2026-01-02T10:20:30.001500Z TRACE attach: probe_rs::probe::cmsisdap::commands: Receive buffer: [05, 02, 01, 77, 24, A0, 6B]...
";

#[test]
fn packets_in_the_log_of_probe_rs_get_their_zeros_back_and_lose_the_report_number() {
    let trace = open(PROBE_RS_PACKETS);
    let shown = lines(&trace, Level::Transaction);
    assert_eq!(shown[..2], ["DP read 0x0 OK 0x6BA0_2477", "DP write 0x8 OK 0x0000_0000"]);
    assert_eq!(trace.events(Level::Usb)[1].at, std::time::Duration::from_millis(1));
}

#[test]
fn an_st_link_in_the_log_of_probe_rs_shows_what_it_was_told_but_no_answer() {
    let log = "\
TRACE a: probe_rs::probe::stlink::usb_interface: Sending command [f2, 45, 1, 0, fc, 0] to STLink, timeout: 1s
TRACE a: probe_rs::probe::stlink::usb_interface: Read 8 bytes, 0 bytes remaining
TRACE a: probe_rs::probe::stlink::usb_interface: Sending command [f2, 7, 0, 0, 0, 20, 8, 0, 1] to STLink, timeout: 1s
";
    let trace = open(log);
    let shown = lines(&trace, Level::Access);
    assert_eq!(shown, ["read AP1 IDR ?", "AP1 read 0x2000_0000, 8 bytes, first ?"]);
    assert!(matches!(trace.warnings(), [Warning::Log { timed: false, .. }]));
}

#[test]
fn a_j_link_in_the_log_of_probe_rs_is_decoded_bit_by_bit() {
    let log = "\
DEBUG probe_rs::probe::jlink: Attaching
TRACE jaylink: write 18 bytes: [cf, 0, 38, 0, ff, 83, ff, ff, ff, ff, ff, 8c, 2, 9, 0, 80, 31, 0]
TRACE jaylink: read 8 bytes: [0, 4, 0, 0, 0, 0, 0, 0]
";
    assert_eq!(lines(&open(log), Level::Transaction), ["AP write 0x0 OK 0x6300_0012"]);
}

const CUBE: &str = "\
      -------------------------------------------------------------------
                       STM32CubeProgrammer v2.20.0
      -------------------------------------------------------------------
10:00:00:000 : ST-LINK SN  : 000000000000000000000000
10:00:00:010 : halt ap 1
10:00:00:020 : r ap 1 @0x40022020 0x00000004 bytes Data 0x00000001
10:00:00:030 : w ap 1 @0x20001000 0x00000200 bytes Data 0x11223344
10:00:00:040 : w ap 1 reg 15 PC   (0x20000000)
";

#[test]
fn a_memory_command_of_cubeprogrammer_is_an_access_of_which_the_first_word_is_known() {
    let trace = open(CUBE);
    let shown = lines(&trace, Level::Access);
    assert_eq!(shown.len(), 4, "{shown:?}");
    assert!(shown[1].starts_with("AP1 read 0x4002_2020 0x0000_0001"), "{shown:?}");
    assert_eq!(shown[2], "AP1 write 0x2000_1000, 512 bytes, first 0x1122_3344");
    assert!(trace.marks().iter().any(|mark| mark.mark.text.contains("ST-LINK SN")));
}

const J_LINK: &str = "\
SEGGER J-Link Log File
T10A4 000:001.000 JLINK_ReadMem(0x20000010, 0x4 Bytes, ...)
T10A4 000:001.100   CPU_ReadMem(4 bytes @ 0x20000010)
T10A4 000:001.200   Data:  78 56 34 12
T10A4 000:001.300 - 0.300ms returns 0
T10A4 000:002.000 JLINK_ReadMem(0x20000010, 0x4 Bytes, ...)
T10A4 000:002.100    -- Read from C cache (4 bytes @ 0x20000010)
T10A4 000:002.200   Data:  78 56 34 12
T10A4 000:002.300 - 0.300ms returns 0
T10A4 000:003.000 JLINK_CORESIGHT_ReadAPDPReg(AP reg 0x03)
T10A4 000:003.100   Value=0x00000005
T10A4 000:003.200 - 0.200ms returns 0
T10A4 000:004.000 JLINK_WriteU32(0x40022004, 0x45670123)
T10A4 000:004.100   CPU_WriteMem(4 bytes @ 0x40022004)
T10A4 000:004.200 - 0.200ms returns 0
";

#[test]
fn only_what_reached_the_target_is_an_access_in_the_log_of_a_j_link() {
    let trace = open(J_LINK);
    let shown = lines(&trace, Level::Access);
    assert_eq!(shown.len(), 3, "{shown:?}");
    assert!(shown[0].contains("read 0x2000_0010 0x1234_5678"), "{shown:?}");
    assert!(shown[2].contains("write 0x4002_2004"), "{shown:?}");
}

/// One log of each kind.
fn all() -> Vec<String> {
    let texts = [PYOCD_PACKETS, PROBE_RS_PACKETS, CUBE, J_LINK].map(str::to_owned);
    texts.into_iter().chain([cmsis_dap_log()]).collect()
}

#[test]
fn a_log_cut_anywhere_shows_what_stands_before_the_cut() {
    for log in all() {
        let whole = open(&log).accesses().len();
        for length in 64..log.len() {
            if let Ok(trace) = crate::open(&log.as_bytes()[..length]) {
                assert!(trace.accesses().len() <= whole, "cut at {length} of\n{log}");
                let line = log.as_bytes()[..length].last() == Some(&b'\n');
                assert_eq!(trace.truncated_at().is_none(), line, "cut at {length}");
            }
        }
    }
}

#[test]
fn a_log_is_the_same_from_a_pipe_and_a_log_without_accesses_says_so() {
    let log = cmsis_dap_log();
    let piped = crate::open_from(&mut log.as_bytes(), &Options::default()).unwrap();
    assert_eq!(lines(&piped, Level::Transaction), lines(&open(&log), Level::Transaction));
    let empty = open("Open On-Chip Debugger 0.12.0\nnothing\n");
    assert!(matches!(empty.warnings()[1], Warning::NothingLogged { lines: 2 }), "{:?}", empty.warnings());
}

proptest! {
    #[test]
    fn no_log_brings_a_reader_down(
        log in 0usize..5,
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0usize..4), 0..12),
    ) {
        let mut bytes = all()[log].clone().into_bytes();
        for (place, byte, kind) in cuts {
            let at = place.index(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            match kind {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, byte),
                _ => { let line = bytes[at..].to_vec(); bytes.extend(line.into_iter().take(200)); }
            }
        }
        if let Ok(trace) = crate::open(&bytes) {
            for level in [Level::Transaction, Level::Access, Level::Meaning, Level::Action] {
                lines(&trace, level);
            }
        }
    }
}
