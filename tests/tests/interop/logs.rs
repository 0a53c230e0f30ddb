//! The log that a tool writes and what the simulator saw of the same session: equal at the level that the log shows.

use crate::openocd::newer;
use crate::rig::{Served, run, succeeds, tool};
use std::fs;
use std::path::Path;
use trace::diff::{Equality, diff};
use trace::log::Tool;
use trace::read::Warning;
use trace::{Options, Trace};
use wire::Level;

/// Examine, single accesses of each width, a block each way, the core, registers of DP and AP.
const SESSION: &str = "
source [find target/swj-dp.tcl]
swd newdap h5 cpu -expected-id 0
dap create h5.dap -chain-position h5.cpu
target create h5.cpu cortex_m -dap h5.dap -ap-num 1
gdb_port disabled
tcl_port disabled
telnet_port disabled
init
poll off
mww 0x20000000 0x12345678
mdw 0x20000000 4
mwb 0x20000011 0x5a
mdh 0x20000010 2
load_image block.bin 0x20001000 bin
dump_image back.bin 0x20001000 512
halt
h5.dap dpreg 4
h5.dap apreg 1 0xfc
shutdown
";

fn open(path: &Path) -> Trace {
    trace::open_with(&fs::read(path).expect("a file"), &Options::default()).expect("a trace")
}

/// Runs OpenOCD with this adapter and detail in front of the simulator; its log and what the simulator wrote to `truth`.
fn logged(
    openocd: &str,
    adapter: &str,
    detail: &str,
    simprobe: &[&str],
    truth: (&str, &str),
) -> (Trace, Trace) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let file = path(truth.1);
    let written = file.display().to_string();
    let served = Served::new(&[simprobe, &["--scenario", "h562", truth.0, &written]].concat());
    fs::write(path("block.bin"), ackwait_tests::pattern(512)).expect("a file");
    fs::write(path("session.cfg"), adapter.replace("PORT", &served.port) + SESSION).expect("a file");
    let text = run(folder.path(), openocd, &[detail, "-f", "session.cfg"]);
    served.end();
    fs::write(path("log.txt"), text).expect("a file");
    let log = open(&path("log.txt"));
    assert!(
        matches!(log.warnings(), [Warning::Log { tool: Tool::OpenOcd, timed: true, .. }]),
        "{:?}",
        log.warnings()
    );
    (log, open(&file))
}

/// Equal, with the values that were read.
fn equal(log: &Trace, truth: &Trace, level: Equality) {
    let found = diff(log, truth, level).expect("both show this level");
    let first = found.hunks.first().map(|hunk| (&found.a[hunk.a.clone()], &found.b[hunk.b.clone()]));
    assert!(found.same(), "{level:?}: {} differences, the first {first:?}", found.hunks.len());
    assert_eq!(found.values, [], "{level:?}: values");
    assert!(found.a.len() > 50, "{level:?}: only {} items", found.a.len());
}

const DAP: &str = "adapter driver cmsis-dap\ncmsis-dap backend tcp\ncmsis-dap tcp host 127.0.0.1\n\
                   cmsis-dap tcp port PORT\ntransport select swd\nadapter speed 4000\n";

#[test]
fn openocds_log_of_a_cmsis_dap_probe_gives_the_transactions_that_were_recorded() {
    let Some(openocd) = newer() else { return };
    let (log, truth) = logged(openocd, DAP, "-d4", &["--dap-tcp", "0"], ("--trace", "usb.pcapng"));
    for level in [Equality::Transactions, Equality::Performed, Equality::Accesses] {
        equal(&log, &truth, level);
    }
}

#[test]
fn openocds_log_of_bare_pins_gives_the_transactions_that_were_on_them() {
    let Some(openocd) = newer() else { return };
    let adapter = "adapter driver remote_bitbang\nremote_bitbang host 127.0.0.1\nremote_bitbang port PORT\n\
                   transport select swd\n";
    let (log, truth) = logged(openocd, adapter, "-d4", &["--bitbang", "0"], ("--truth", "pins.vcd"));
    for level in [Equality::Performed, Equality::Accesses] {
        equal(&log, &truth, level);
    }
}

/// The single words in a trace: address, direction, value.
fn words(trace: &Trace) -> Vec<(u32, bool, u32)> {
    let word = |event: &trace::Event| match &event.body {
        trace::Body::Access(a) => a.access.value.map(|value| (a.access.at.0, a.access.write, value)),
        _ => None,
    };
    trace.accesses().iter().filter_map(word).collect()
}

/// Every word that the log shows was accessed, in that order.
fn within(log: &Trace, truth: &Trace) {
    assert!(log.hides_the_wire() && log.events(Level::Transaction).is_empty());
    let seen = words(truth);
    let mut left = seen.iter();
    let shown = words(log);
    for word in &shown {
        assert!(
            left.any(|other| other == word),
            "{word:X?} is in the log and not in the recording, or not there"
        );
    }
    assert!(shown.len() > 20, "only {} words", shown.len());
}

#[test]
fn openocds_log_with_less_detail_shows_words_that_were_accessed_in_that_order() {
    let Some(openocd) = newer() else { return };
    let (log, truth) = logged(openocd, DAP, "-d3", &["--dap-tcp", "0"], ("--trace", "usb.pcapng"));
    within(&log, &truth);
}

#[test]
fn openocds_log_of_an_st_link_shows_words_that_were_accessed_in_that_order() {
    let twelve = |openocd: &str| succeeds(openocd, &["-c", "adapter driver st-link; shutdown"]);
    let Some(openocd) = tool("openocd", &["openocd"], twelve) else { return };
    let adapter = "adapter driver st-link\nst-link vid_pid 0x0483 0x374e\nst-link backend tcp PORT\n\
                   transport select dapdirect_swd\nadapter speed 1000\n";
    let simprobe = ["--stlink-tcp", "0", "--probe", "stlink-v3"];
    let (log, truth) = logged(openocd, adapter, "-d4", &simprobe, ("--trace", "usb.pcapng"));
    within(&log, &truth);
}
