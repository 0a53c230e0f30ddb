//! Each exit code, provoked.

use super::part::{Desk, pattern};
use super::*;

/// A part that is ready for its credential, and the credential.
fn ready(part: &'static str) -> (Desk, String) {
    let desk = Desk::of(part);
    let password = desk.file("pw", b"benchpass1");
    let obk = desk.path("da.obk");
    desk.done(&["obk", "new", "--family", part, "--password-file", &password, "--out", &obk]);
    desk.done(&["state", "set", "PROVISIONING"]);
    desk.done(&["reset"]);
    (desk, obk)
}

/// Asks for an exit code, and for the advice that must stand with each.
fn expect(done: &Done, exit: Exit) {
    assert_eq!(done.exit, exit, "{}", done.err);
    assert!(done.err.contains("next:") && !done.err.contains("h5-provision"), "{exit}: {}", done.err);
    assert!(
        done.err.contains("state now:") || exit == Exit::Usage || exit == Exit::Storage,
        "{exit}: {}",
        done.err
    );
}

#[test]
fn the_probe_and_its_place() {
    let none = tool(&["info", "--probe", "no-such-serial"]);
    assert_eq!(none.exit, Exit::NoProbe, "{}", none.err);
    expect(&with("h562,power=off", &["info"]), Exit::NoTarget);
    expect(&with("h562,unplug=30", &["status"]), Exit::Probe);
    expect(&with("h562,noack=30", &["mem", "read", "0x2000_0000", "64k"]), Exit::LinkLost);
    expect(&with("h562,nrst=unwired", &["da", "discover"]), Exit::TargetBusy);
    expect(&with("h562,nrst=unwired", &["doctor", "reset"]), Exit::Nrst);
    let busy = Desk::of("h562");
    busy.done(&["info"]);
    let board = busy.path("board.json");
    let held = session::open(&session::Options {
        probe: format!("sim:h562,state={board}"),
        policy: pace::Policy::default(),
        swclk: wire::Hz::khz(1000),
        trace: None,
        trace_secrets: false,
        tool: "test".to_owned(),
    });
    assert!(held.is_ok());
    assert_eq!(busy.run(&["info"]).exit, Exit::ProbeBusy);
}

#[test]
fn more_than_one_probe_and_a_probe_that_may_not_be_opened() {
    // There is no second probe on this machine's USB: the error it would give, as the tool ends with it.
    let found = session::FindError::Ambiguous(vec!["a".to_owned(), "b".to_owned()]);
    let trouble = Trouble::from(session::SessionError::Find(found));
    assert_eq!(trouble.exit, Exit::AmbiguousProbe);
    assert!(trouble.next.unwrap().contains("ackwait list"));
    let trouble = session::Trouble::Permission("usb:1-2".to_owned());
    let found = session::FindError::Unusable { probe: "usb:1-2".to_owned(), trouble };
    assert_eq!(Trouble::from(session::SessionError::Find(found)).exit, Exit::Permission);
}

#[test]
fn the_wire_and_the_ports() {
    expect(&with("h562", &["mem", "read", "0x9000_0000"]), Exit::Fault);
    expect(&with("h562", &["mem", "read", "0x2000_0000", "--ap", "3"]), Exit::ApClosed);
    expect(&with("h562,wait=25:4000000000", &["mem", "read", "0x2000_0000"]), Exit::ApBusy);
    let patience = ["--set", "probe.wait=1x", "--set", "adi.wait=1x"];
    let spent = [&["mem", "read", "0x2000_0000"][..], &patience].concat();
    let ends: Vec<_> = (20..40).map(|n| with(&format!("h562,wait={n}:4"), &spent).exit).collect();
    assert!(ends.contains(&Exit::WaitSpent), "{ends:?}");
    expect(&with("h562", &["status", "--family", "H533"]), Exit::WrongDevice);
    expect(&with("h562,probe=stlink-v2", &["seq", "line-reset"]), Exit::Unsupported);
}

#[test]
fn flash_and_option_bytes() {
    let desk = Desk::of("h562");
    let image = desk.file("fw.bin", &pattern(100));
    expect(&desk.with(",time.sector=900000000", &["flash", "erase", "0x0800_0000", "8k"]), Exit::TargetBusy);
    let program = ["flash", "program", &image, "--at", "0x0800_0000"];
    let torn = desk.file("fw.hex", b":020000040800F2\n:0400000001020304F2\n");
    expect(&desk.run(&["flash", "program", &torn]), Exit::Truncated);
    desk.done(&["ob", "write", "WRPSG1=0xFFFF_FFFE"]);
    expect(&desk.run(&program), Exit::FlashFlags);
    desk.done(&["ob", "write", "WRPSG1=0xFFFF_FFFF"]);
    expect(&desk.run(&["flash", "verify", &image, "--at", "0x0800_0000"]), Exit::Verify);
    expect(&desk.run(&["flash", "read", "0x0800_0000", "16", "--out", "/nowhere/x"]), Exit::Storage);
    desk.done(&["ob", "write", "LOCKBL=1", "--accept-irreversible=LOCKBL"]);
    expect(&desk.run(&["ob", "write", "LOCKBL=0"]), Exit::Options);
    expect(&desk.run(&["ob", "write", "LOCKBL=3"]), Exit::Confirm);
    expect(&desk.run(&["state", "set", "CLOSED", "--family", "h562"]), Exit::Refused);
}

#[test]
fn the_credential() {
    let (desk, obk) = ready("h562");
    let provision = ["obk", "provision", &obk, "--family", "H562"];
    expect(&desk.with(",obk.direct=refuse", &provision), Exit::ObkRejected);
    let slow = [&provision[..], &["--set", "flash.obk=1x"]].concat();
    expect(&desk.with(",time.obk=900000000", &slow), Exit::ObkTimeout);
    let (desk, obk) = ready("h562");
    expect(&desk.run(&["state", "set", "CLOSED", "--family", "h562"]), Exit::Integrity);
    let other = desk.file("other", b"otherpass2");
    let mismatch = desk.run(&["obk", "provision", &obk, "--family", "H562", "--password-file", &other]);
    expect(&mismatch, Exit::Credential);
    desk.done(&["obk", "provision", &obk, "--family", "H562"]);
    desk.done(&["reset"]);
    expect(&desk.run(&["da", "regress", "--password-file", &other]), Exit::Authentication);
}

#[cfg(unix)]
#[test]
fn a_password_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::of("h562");
    let password = desk.file("pw", b"benchpass1");
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o644)).unwrap();
    let new =
        tool(&["obk", "new", "--family", "H562", "--password-file", &password, "-o", &desk.path("x.obk")]);
    assert_eq!(new.exit, Exit::Permission, "{}", new.err);
    assert!(new.err.contains("chmod 600"), "{}", new.err);
}

/// Wherever the probe is pulled out while a part is closed: the part is as it was, or its state is said to be unknown, or it
/// is done.
#[test]
fn a_probe_that_is_pulled_out_while_closing_leaves_a_part_of_which_nothing_is_pretended() {
    let mut seen = std::collections::BTreeSet::new();
    for packet in (60..400).step_by(4) {
        let (desk, obk) = ready("h562");
        desk.done(&["obk", "provision", &obk, "--family", "H562"]);
        desk.done(&["reset"]);
        let done = desk.with(&format!(",unplug={packet}"), &["state", "set", "CLOSED", "--family", "h562"]);
        let closed = desk.done(&["da", "discover"]).contains("CLOSED");
        match done.exit {
            Exit::Unknown => {}
            Exit::Probe if closed => {
                assert!(done.err.contains("what the command did stands"), "{}", done.err)
            }
            Exit::Done => assert!(closed, "{packet}: {}", done.err),
            exit => assert!(!closed, "{packet}: exit {exit} and yet it is closed: {}", done.err),
        }
        seen.insert(done.exit);
        if done.exit == Exit::Done {
            break;
        }
    }
    assert!(seen.contains(&Exit::Unknown), "{seen:?}");
}

/// Whoever adds a code provokes it or says why it cannot be: 1 is for what must not happen, 60 is that of a job's deadline.
#[test]
fn every_exit_code_stands_in_a_test_that_provokes_it() {
    let tests = [
        include_str!("codes.rs"),
        include_str!("bench.rs"),
        include_str!("part.rs"),
        include_str!("hunt.rs"),
        include_str!("../tests.rs"),
    ]
    .concat();
    for exit in Exit::ALL.iter().filter(|exit| ![Exit::Bug, Exit::Deadline].contains(exit)) {
        assert!(tests.contains(&format!("Exit::{exit:?}")), "{exit:?} is provoked nowhere");
    }
}
