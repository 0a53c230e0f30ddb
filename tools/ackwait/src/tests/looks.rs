//! Commands that only look leave the target as it is, bit by bit.

use super::part::Desk;
use super::*;

/// Every command that only looks. `core pcsample` is none: it switches DWT on for a moment.
fn looks(out: &str) -> Vec<Vec<&str>> {
    let all: [&[&str]; 17] = [
        &["info"],
        &["status"],
        &["dp", "read", "CTRL/STAT"],
        &["ap", "read", "CSW"],
        &["mem", "read", "0x2000_0000", "4k"],
        &["mem", "read", "FLASH_OPTSR_CUR"],
        &["mem", "watch", "FLASH_NSSR", "--reads", "500"],
        &["flash", "verify", "OUT", "--at", "0x0800_0000"],
        &["flash", "read", "0x0800_0000", "16k", "--out", "OUT"],
        &["flash", "blank", "0x0800_4000", "16k"],
        &["ob", "read"],
        &["ob", "export"],
        &["state", "get"],
        &["otp", "read"],
        &["survey"],
        &["doctor", "probe"],
        &["reset", "--dry-run"],
    ];
    all.iter().map(|args| args.iter().map(|arg| if *arg == "OUT" { out } else { arg }).collect()).collect()
}

/// A write that a debugger makes to look: to the debug port (ABORT, CTRL/STAT, SELECT), and to CSW and TAR of an access port. DRW is
/// where memory would be written.
fn is_housekeeping(line: &str) -> bool {
    line.contains(" DP write ") || line.contains(" AP write 0x0 ") || line.contains(" AP write 0x4 ")
}

/// The lines of a trace at a level that are writes.
fn writes(trace: &str, level: &str) -> Vec<String> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = ["swdtrace", "show", "--level", level, trace];
    assert_eq!(swdtrace::run(args, &mut out, &mut err), 0, "{}", String::from_utf8_lossy(&err));
    let shown = String::from_utf8(out).unwrap();
    assert!(shown.lines().count() > 10, "{shown}");
    shown.lines().filter(|line| line.contains(" write ") || line.contains(" W ")).map(str::to_owned).collect()
}

#[test]
fn every_command_that_only_looks_leaves_the_board_as_it_was_and_writes_no_memory() {
    for state in ["OPEN", "PROVISIONING"] {
        let desk = Desk::of("h562");
        let image = desk.file("fw.bin", &part::pattern(16 * 1024));
        desk.done(&["flash", "program", &image, "--at", "0x0800_0000"]);
        desk.done(&["state", "set", state]);
        desk.done(&["reset"]);
        let (out, trace) = (desk.file("out.bin", &part::pattern(16 * 1024)), desk.path("t.pcapng"));
        desk.done(&["info"]);
        let before = desk.board();
        for args in looks(&out) {
            let all = [args.as_slice(), &["--trace", &trace]].concat();
            let done = desk.run(&all);
            assert_eq!(done.exit, Exit::Done, "{state} {args:?}: {}", done.err);
            assert!(desk.board() == before, "{state} {args:?}: the board changed");
            let memory = writes(&trace, "3");
            let memory: Vec<_> =
                memory.iter().filter(|l| l.contains("AP0 0x") || l.contains("AP1 0x")).collect();
            assert!(memory.is_empty(), "{state} {args:?}: {memory:?}");
            let odd: Vec<_> = writes(&trace, "2").into_iter().filter(|line| !is_housekeeping(line)).collect();
            assert!(odd.is_empty(), "{state} {args:?}: {odd:?}");
        }
    }
}

#[test]
fn flash_read_back_is_what_was_programmed_before_the_looks() {
    let desk = Desk::of("h562");
    let out = desk.path("out.bin");
    desk.done(&["flash", "read", "0x0800_0000", "8k", "--out", &out]);
    assert_eq!(std::fs::read(&out).unwrap(), vec![0xFF; 8192]);
}
