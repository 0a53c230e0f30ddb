//! Each exit code that a board, a probe or a file can lead to. Code 13 needs two probes on USB and is provoked in `tests/vm`; 4 needs a
//! part that may be real, and its test is that of the run in `provision`; 1 is for what must not happen.

use super::*;

/// A run on the bench's board with something on top of its scenario.
fn run(bench: &Bench, knobs: &str, more: &[&str]) -> Done {
    let (job, journal) = (bench.path("job.toml"), bench.path("journal"));
    let probe = format!("{}{knobs}", bench.probe());
    tool(&[&["run", &job, "--probe", &probe, "--journal", &journal], more].concat())
}

#[test]
fn each_trouble_with_the_part_has_its_exit_code_and_says_what_to_do() {
    let troubles = [
        (",unplug=30", Exit::Probe),
        (",probe=stlink-v2,stlink.fw=V2J17S4", Exit::Unsupported),
        (",power=off", Exit::NoTarget),
        (",product=provisioning,rom.open.ms=900000", Exit::ApClosed),
        (",fault=0x40022050", Exit::Fault),
        (",nrst=unwired", Exit::Nrst),
        (",wait=200:4000000000", Exit::ApBusy),
        (",noack=100", Exit::LinkLost),
        (",time.option=900000000", Exit::TargetBusy),
        // A word of the image, the flags of the flash, an option byte: read otherwise than they were written.
        (",reads=ap1@0x0800_0100:0x0", Exit::Verify),
        (",reads=ap1@0x4002_2020:0x0002_0000", Exit::FlashFlags),
        (",reads=ap1@0x4002_2070:0xC300_0008", Exit::Options),
        (",obk.direct=refuse", Exit::ObkRejected),
    ];
    for (knobs, exit) in troubles {
        let done = run(&Bench::new(), knobs, &[]);
        assert_eq!(done.exit, exit, "{knobs}: {}", done.err);
        for line in ["error: ", "state now:", "next:", &format!("exit code:   {}", exit.code())] {
            assert!(done.err.contains(line), "{knobs}: {line}? {}", done.err);
        }
    }
}

#[test]
fn a_probe_that_may_not_repeat_a_wait_says_so() {
    let done = run(&Bench::new(), ",wait=60:4", &["--set", "probe.wait=1x", "--set", "adi.wait=1x"]);
    assert_eq!(done.exit, Exit::WaitSpent, "{}", done.err);
}

/// The die is the same and the part decrypts: keys in clear do not become whole.
#[test]
fn keys_that_the_part_does_not_find_whole_keep_it_open() {
    let bench = Bench::new();
    let probe = bench.probe().replace("h562", "h573");
    let (job, journal) = (bench.path("job.toml"), bench.path("journal"));
    let done = tool(&["run", &job, "--probe", &probe, "--journal", &journal]);
    assert_eq!(done.exit, Exit::Integrity, "{}", done.err);
}

#[test]
fn no_probe_a_board_in_use_and_an_image_that_ends_too_early() {
    let bench = Bench::new();
    let job = bench.path("job.toml");
    assert_eq!(tool(&["run", &job, "--probe", "no-such-serial"]).exit, Exit::NoProbe);
    let options = session::Options {
        probe: bench.probe(),
        policy: pace::Policy::default(),
        swclk: wire::Hz::khz(1000),
        trace: None,
        trace_secrets: false,
        tool: "test".to_owned(),
    };
    let held = session::open(&options).expect("a session");
    assert_eq!(bench.run(&[]).exit, Exit::ProbeBusy);
    drop(held);
    bench.edit("firmware.bin\"\naddress = 0x0800_0000", "firmware.hex\"");
    bench.write("firmware.hex", b":020000040800F2\n:0400000001020304F2\n");
    let torn = bench.run(&[]);
    assert_eq!(torn.exit, Exit::Truncated, "{}", torn.err);
}

#[cfg(unix)]
#[test]
fn a_password_that_others_can_read_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    bench.edit("production = false", "production = true");
    std::fs::set_permissions(bench.path("password.txt"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let done = bench.run(&[]);
    assert_eq!(done.exit, Exit::Permission, "{}", done.err);
}

/// Whoever adds a code provokes it here or says why it cannot be.
#[test]
fn every_exit_code_stands_in_a_test_that_provokes_it() {
    let tests = [include_str!("codes.rs"), include_str!("keeping.rs"), include_str!("../tests.rs")].concat();
    let elsewhere = [Exit::Bug, Exit::AmbiguousProbe, Exit::Confirm];
    for exit in Exit::ALL.iter().filter(|exit| !elsewhere.contains(exit)) {
        assert!(tests.contains(&format!("Exit::{exit:?}")), "{exit:?} is provoked nowhere");
    }
}
