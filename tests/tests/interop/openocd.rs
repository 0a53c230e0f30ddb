//! OpenOCD: attach, examine, identification, 64 KiB of SRAM, the core.

use crate::rig::{Served, golden, run, succeeds, tool};
use ackwait_tests::bill::FLASH;
use ackwait_tests::{Rig, pattern};
use h5::{FlashPace, FlashRange};
use std::fs;
use std::path::Path;

/// `movs r0, #0`, then for ever `adds r0, #1`, `nop`, back; behind it a branch to itself.
const LOOP: [u16; 5] = [0x2000, 0x3001, 0xBF00, 0xE7FC, 0xE7FE];
/// What is in flash: stack pointer, entry, a branch to itself.
const FLASHED: [u32; 4] = [0x2000_4000, 0x0800_0009, 0xE7FE_E7FE, 0xE7FE_E7FE];

/// What a session does once the adapter is chosen. The memory goes through the debugger in both directions, and the bytes
/// are compared with those in the chip. It looks at the core once, when it is told: looks in the background come by the clock.
const SESSION: &str = "
gdb_port disabled
tcl_port disabled
telnet_port disabled
swd newdap chip cpu -expected-id 0
dap create chip.dap -chain-position chip.cpu
target create chip.cpu cortex_m -dap chip.dap -ap-num 1
chip.cpu cortex_m reset_config sysresetreq
proc say {name value} { echo [format \"%s 0x%08x\" $name $value] }
proc register {name} { dict get [get_reg $name] $name }
chip.cpu configure -event examine-start { poll off }
init
chip.cpu arp_poll
say DPIDR [chip.dap dpreg 0]
say IDR [chip.dap apreg 1 0xfc]
say CPUID [lindex [read_memory 0xe000ed00 32 1] 0]
halt
say pc [register pc]
say msp [register msp]
load_image pattern.bin 0x20000000 bin
dump_image back.bin 0x20000000 BACK
load_image loop.bin 0x20020000 bin
reg pc 0x20020000
reg xpsr 0x01000000
step
say pc [register pc]
step
say r0 [register r0]
bp 0x20020004 2 hw
resume
wait_halt 5000
say pc [register pc]
say r0 [register r0]
resume
wait_halt 5000
say r0 [register r0]
rbp 0x20020004
reg pc 0x20020008
resume
halt
say pc [register pc]
reset halt
say pc [register pc]
say r0 [register r0]
reset_config srst_only
reset halt
say pc [register pc]
resume
reset run
shutdown
";

/// A board with a program in its flash.
fn board(folder: &Path) -> String {
    let file = folder.join("board.json").display().to_string();
    let mut rig = Rig::new(&format!("h562,state={file}"));
    let bytes = FLASHED.map(u32::to_le_bytes).concat();
    let size = u32::try_from(bytes.len()).expect("a few bytes");
    let mut part = rig.part();
    part.erase(&FlashRange::covering(FLASH, size), &mut |_| {}).expect("erased");
    part.program(FLASH, &bytes, FlashPace::Poll, &mut |_| {}).expect("programmed");
    // From power-on the core runs what is there now.
    let session = rig.into_session();
    let mut bench = session.bench().expect("a simulated board");
    bench.power(false).and_then(|()| bench.power(true)).expect("a supply");
    drop(bench);
    session.close().expect("a board file");
    file
}

/// Lines that other versions or machines would have otherwise, and that say nothing about the simulator.
fn normal(transcript: &str) -> String {
    const TELLING: [&str; 8] =
        ["STLINK", "DPIDR", "processor", "breakpoints", "voltage", "clock speed", "FW Version", "SWCLK/TCK"];
    let mut text = String::new();
    for line in transcript.lines().map(str::trim_end) {
        let told = line.starts_with("Info :") && !TELLING.iter().any(|word| line.contains(word));
        let head = ["Open On-Chip", "Licensed", "For bug", "\thttp", "DEPRECATED"].iter();
        if told || line.is_empty() || head.clone().any(|start| line.starts_with(start)) {
            continue;
        }
        // How long it took.
        let line = line
            .split_once(" in ")
            .filter(|(_, rest)| rest.contains("KiB/s"))
            .map_or(line, |(start, _)| start);
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Runs the session, `back` bytes of it read back, and compares bytes and transcript.
fn session(name: &str, openocd: &str, simprobe: &[&str], adapter: &str, back: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let data = pattern(64 << 10);
    fs::write(path("pattern.bin"), &data).expect("a file");
    fs::write(path("loop.bin"), LOOP.map(u16::to_le_bytes).concat()).expect("a file");
    let state = board(folder.path());
    let dump = format!("0x2000_0000:64k={}", path("sram.bin").display());
    let served = Served::new(&[simprobe, &["--state", &state, "--dump", &dump]].concat());
    let adapter = adapter.replace("PORT", &served.port);
    fs::write(path("session.cfg"), adapter + &SESSION.replace("BACK", &back.to_string())).expect("a file");
    let transcript = run(folder.path(), openocd, &["-f", "session.cfg"]);
    served.end();
    assert!(
        fs::read(path("back.bin")).expect("what was read back") == data[..back],
        "read back\n{transcript}"
    );
    assert!(fs::read(path("sram.bin")).expect("what the chip holds") == data, "in the chip\n{transcript}");
    golden(name, &normal(&transcript));
}

fn st_link(kind: &str, ids: &str) {
    let twelve = |openocd: &str| succeeds(openocd, &["-c", "adapter driver st-link; shutdown"]);
    let Some(openocd) = tool("openocd", &["openocd"], twelve) else { return };
    let adapter = format!(
        "adapter driver st-link\nst-link vid_pid {ids}\nst-link backend tcp PORT\ntransport select dapdirect_swd\nadapter speed 1000\n"
    );
    session(
        &format!("openocd-tcp-{kind}"),
        openocd,
        &["--stlink-tcp", "0", "--probe", kind],
        &adapter,
        64 << 10,
    );
}

#[test]
fn openocd_works_with_an_st_link_v2_over_sts_server() {
    st_link("stlink-v2", "0x0483 0x3748");
}

#[test]
fn openocd_works_with_an_st_link_v2_1_over_sts_server() {
    st_link("stlink-v2-1", "0x0483 0x374b");
}

#[test]
fn openocd_works_with_an_st_link_v3_over_sts_server() {
    st_link("stlink-v3", "0x0483 0x374e");
}

/// One that knows CMSIS-DAP over TCP, and with that remote_bitbang with SWD.
pub(crate) fn newer() -> Option<&'static str> {
    let knows_tcp = |openocd: &str| {
        succeeds(openocd, &["-c", "adapter driver cmsis-dap; cmsis-dap backend tcp; shutdown"])
    };
    tool("openocd-tcp", &["openocd-esp32", "openocd"], knows_tcp)
}

fn cmsis_dap(kind: &str) {
    let Some(openocd) = newer() else { return };
    let adapter = "adapter driver cmsis-dap\ncmsis-dap backend tcp\ncmsis-dap tcp host 127.0.0.1\n\
                   cmsis-dap tcp port PORT\ntransport select swd\nadapter speed 4000\n";
    session(&format!("openocd-tcp-{kind}"), openocd, &["--dap-tcp", "0", "--probe", kind], adapter, 64 << 10);
}

#[test]
fn openocd_works_with_cmsis_dap_v2_over_tcp() {
    cmsis_dap("cmsis-dap-v2");
}

#[test]
fn openocd_works_with_cmsis_dap_v2_at_full_speed_over_tcp() {
    cmsis_dap("cmsis-dap-v2-fs");
}

/// Each bit that is read is a round trip, so only a part is read back.
#[test]
fn openocd_works_with_bare_pins_over_remote_bitbang() {
    let Some(openocd) = newer() else { return };
    let adapter = "adapter driver remote_bitbang\nremote_bitbang host 127.0.0.1\nremote_bitbang port PORT\n\
                   transport select swd\n";
    session("openocd-tcp-pins", openocd, &["--bitbang", "0"], adapter, 4 << 10);
}
