//! What must not happen to a part, whatever is left out on the command line.

use super::part::{Desk, pattern};
use super::*;

/// A password and a part in PROVISIONING that holds its credential, reset.
fn with_credential(desk: &Desk, family: &str) -> String {
    let (password, obk) = desk.provisioning(family);
    desk.done(&["obk", "provision", &obk, "--family", family, "--password-file", &password]);
    desk.done(&["reset"]);
    password
}

#[test]
fn a_part_that_would_boot_st_s_root_of_trust_is_not_shut_whoever_forgets_or_mistakes_its_family() {
    let desk = Desk::of("h573");
    desk.done(&["ob", "write", "BOOT_UBE=0xC3", "--family", "H573"]);
    with_credential(&desk, "h573");
    let status = desk.done(&["status"]);
    assert_eq!(status.matches("would be dead").count(), 3, "{status}");
    for to in ["CLOSED", "IROT-PROVISIONED", "LOCKED"] {
        let set = ["state", "set", to, "--accept-irreversible=LOCKED"];
        let unnamed = desk.run(&set);
        assert_eq!(unnamed.exit, Exit::Usage, "{to}: {}", unnamed.err);
        assert!(unnamed.err.contains("--family H562"), "{to}: {}", unnamed.err);
        for family in ["H573", "H563"] {
            let named = desk.run(&[&set[..], &["--family", family]].concat());
            assert_eq!(named.exit, Exit::Refused, "{to} {family}: {}", named.err);
            assert!(named.err.contains("ST-iRoT"), "{to} {family}: {}", named.err);
        }
    }
    assert!(desk.done(&["state", "get"]).contains("PROVISIONING"));
}

#[test]
fn a_part_that_takes_certificates_gets_no_credential_that_may_be_a_password_s() {
    let desk = Desk::of("h562");
    desk.done(&["ob", "write", "TZEN=on"]);
    desk.done(&["reset"]);
    let (_, obk) = desk.provisioning("h562");
    let unsaid = desk.run(&["obk", "provision", &obk, "--family", "H562"]);
    assert_eq!(unsaid.exit, Exit::Refused, "{}", unsaid.err);
    assert!(unsaid.err.contains("`--cert`"), "{}", unsaid.err);
    assert_eq!(tool(&["obk", "lint", &obk, "--family", "H562", "--tzen", "on"]).exit, Exit::Refused);
}

#[test]
fn a_part_is_closed_with_the_kind_of_credential_that_it_takes() {
    let desk = Desk::of("h562");
    with_credential(&desk, "h562");
    let set = ["state", "set", "CLOSED", "--family", "H562"];
    let gate = desk.run(&[&set[..], &["--certificate"]].concat());
    assert_eq!(gate.exit, Exit::Integrity, "{}", gate.err);
    assert!(
        gate.err.contains("the part takes a password, and certificates would not open it"),
        "{}",
        gate.err
    );
    desk.done(&set);
}

#[test]
fn a_change_of_option_bytes_that_was_cut_short_is_never_called_nothing() {
    for (part, args) in [
        ("h503", &["otp", "lock", "3", "--accept-irreversible=LOCKBL"][..]),
        ("h562", &["ob", "write", "BOR_LEV=2"]),
    ] {
        for moment in ["middle", "end"] {
            let desk = Desk::of(part);
            desk.done(&["info"]);
            let cut = desk.with(&format!(",cut=busy:1:{moment}"), args);
            assert_eq!(cut.exit, Exit::Unknown, "{args:?} {moment}: {}", cut.err);
            assert!(!cut.err.contains("nothing was"), "{args:?} {moment}: {}", cut.err);
            assert!(cut.err.contains("may have begun"), "{args:?} {moment}: {}", cut.err);
        }
    }
}

#[test]
fn an_option_change_that_is_refused_leaves_nothing_pending() {
    let desk = Desk::of("h562");
    desk.done(&["state", "set", "PROVISIONING"]);
    let refused = desk.run(&["ob", "write", "TZEN=on"]);
    assert_eq!(refused.exit, Exit::Options, "{}", refused.err);
    let status = desk.done(&["status"]);
    assert!(!status.contains("pending"), "{status}");
}

#[test]
fn otp_programming_that_was_stopped_goes_on_and_tells_how_far_it_is() {
    let desk = Desk::of("h503");
    let password = desk.file("pw", b"benchpass1");
    desk.done(&["state", "set", "PROVISIONING"]);
    desk.done(&["reset"]);
    let program = ["otp", "program", "--password-file", &password, "--accept-irreversible=OTP"];
    let before = desk.board();
    // The probe is pulled out later and later, until some half-words are in.
    let stopped = (20..400).step_by(5).map(|packet| desk.with(&format!(",unplug={packet}"), &program));
    let stopped = stopped
        .map(|done| done.err)
        .find(|err| !err.contains("stopped after 0 of") && err.contains("stopped"));
    let stopped = stopped.expect("it was stopped on its way");
    assert!(
        stopped.contains(" of 16 half-words") && stopped.contains("writes only what is missing"),
        "{stopped}"
    );
    assert!(desk.board() != before);
    let other = desk.file("other", b"otherpass2");
    let wrong = desk.run(&["otp", "program", "--password-file", &other, "--accept-irreversible=OTP"]);
    assert_eq!(wrong.exit, Exit::Verify, "{}", wrong.err);
    assert!(wrong.err.contains("half-words differ") && wrong.err.contains("for ever"), "{}", wrong.err);
    let rest = desk.done(&program);
    assert!(rest.contains("half-words of the password's hash were in"), "{rest}");
    desk.done(&["reset"]);
    assert!(desk.done(&["state", "set", "CLOSED"]).contains("proven by discovery"));
    assert!(desk.done(&["da", "regress", "--password-file", &password]).contains("-> OPEN"));
}

#[test]
fn a_half_word_of_otp_that_lost_its_power_is_not_written_again() {
    let desk = Desk::of("h503");
    let password = desk.file("pw", b"benchpass1");
    desk.done(&["state", "set", "PROVISIONING"]);
    desk.done(&["reset"]);
    let program = ["otp", "program", "--password-file", &password, "--accept-irreversible=OTP"];
    let cut = desk.with(",cut=busy:5:end", &program);
    assert!(cut.err.contains("stopped after 4 of 16 half-words, the next one may be in"), "{}", cut.err);
    let again = desk.run(&program);
    assert_eq!(again.exit, Exit::Verify, "{}", again.err);
    assert!(again.err.contains("1 of 16 half-words differ, the first at 0x08FF_F008"), "{}", again.err);
}

#[test]
fn the_place_of_a_credential_is_not_locked_without_one_and_a_part_that_lost_it_stays_open() {
    let desk = Desk::of("h503");
    desk.done(&["info"]);
    let accept = "--accept-irreversible=LOCKBL";
    for args in [["otp", "lock", "0", accept], ["ob", "write", "LOCKBL=0x9", accept]] {
        let refused = desk.run(&args);
        assert_eq!(refused.exit, Exit::Refused, "{args:?}: {}", refused.err);
        assert!(refused.err.contains("never be a way back"), "{args:?}: {}", refused.err);
    }
    desk.done(&["otp", "lock", "3", accept]);
    // Somebody else locks it: LOCKBL stands between its neighbours in the board file, in force and programmed.
    let board = String::from_utf8(desk.board()).unwrap();
    assert_eq!(board.matches("134217923,0,8,0,").count(), 2, "{board}");
    desk.file("board.json", board.replace("134217923,0,8,0,", "134217923,0,9,0,").as_bytes());
    let refused = desk.run(&["state", "set", "PROVISIONING"]);
    assert_eq!(refused.exit, Exit::Refused, "{}", refused.err);
    assert!(refused.err.contains("block 0 is locked with 0 of the 16"), "{}", refused.err);
}

#[test]
fn a_regression_that_was_begun_is_told_as_one_whatever_happens_to_the_probe() {
    let (mut erasing, mut ends) = (0, std::collections::BTreeSet::new());
    let desk = Desk::of("h562");
    let password = with_credential(&desk, "h562");
    desk.done(&["state", "set", "CLOSED", "--family", "H562"]);
    let closed = desk.board();
    let regress = ["da", "regress", "--password-file", &password];
    for packet in (20..300).step_by(5) {
        std::fs::write(desk.path("board.json"), &closed).unwrap();
        let done = desk.with(&format!(",unplug={packet}"), &regress);
        let still_closed = desk.done(&["da", "discover"]).contains("CLOSED (0x72)");
        ends.insert(done.exit);
        match done.exit {
            Exit::Done => break,
            Exit::Unknown => {
                erasing += 1;
                assert!(done.err.contains("may be erasing itself"), "{packet}: {}", done.err);
            }
            exit => assert!(still_closed, "{packet}: {exit}, and it is not closed: {}", done.err),
        }
    }
    assert!(erasing > 0 && ends.contains(&Exit::Probe), "{ends:?}");
}

#[test]
fn impatience_with_an_erase_does_not_advise_a_reset_in_the_middle_of_it() {
    let desk = Desk::of("h562");
    let password = with_credential(&desk, "h562");
    desk.done(&["state", "set", "CLOSED", "--family", "H562"]);
    let regress = ["da", "regress", "--password-file", &password];
    let hasty = desk.run(&[&regress[..], &["--set", "da.regression=10ms"]].concat());
    assert_eq!(hasty.exit, Exit::Unknown, "{}", hasty.err);
    assert!(
        hasty.err.contains("cut the board's power once") && !hasty.err.contains("ackwait reset"),
        "{}",
        hasty.err
    );
    let again = desk.done(&regress);
    assert!(again.contains("already OPEN"), "{again}");
}

#[test]
fn a_recording_is_not_written_over_a_file_that_the_command_names() {
    let desk = Desk::of("h562");
    let (password, image) = (desk.file("pw", b"benchpass1"), desk.file("fw.bin", &pattern(64)));
    let board = desk.path("board.json");
    desk.done(&["info"]);
    let cases: [(&[&str], &str); 4] = [
        (&["da", "regress", "--password-file", &password], &password),
        (&["flash", "program", &image, "--at", "0x0800_0000"], &image),
        (&["mem", "read", "0x2000_0000", "64", "--out", &desk.path("out.bin")], &desk.path("out.bin")),
        (&["info"], &board),
    ];
    for (args, trace) in cases {
        let before = std::fs::read(trace).ok();
        let done = desk.run(&[args, &["--trace", trace]].concat());
        assert_eq!(done.exit, Exit::Usage, "{args:?}: {}", done.err);
        assert!(done.err.contains("would be written over"), "{args:?}: {}", done.err);
        assert_eq!(std::fs::read(trace).ok(), before, "{args:?}");
    }
}

#[test]
fn a_probe_that_is_gone_is_called_that_and_nothing_is_said_of_nrst() {
    for packet in 3..60 {
        let done = with(&format!("h562,unplug={packet}"), &["da", "discover"]);
        assert!(matches!(done.exit, Exit::Probe | Exit::Done), "{packet}: {}", done.err);
        assert!(
            !done.err.contains("NRST is released;") && !done.err.contains("; NRST is released"),
            "{}",
            done.err
        );
    }
}

#[test]
fn an_access_port_that_does_not_exist_is_not_called_shut() {
    for args in [&["status"][..], &["state", "get"], &["ob", "read"]] {
        let done = with("h562", &[args, &["--ap", "7"]].concat());
        assert_eq!(done.exit, Exit::Usage, "{args:?}: {}", done.err);
        assert!(done.err.contains("there is no AP7") && !done.err.contains("da regress"), "{}", done.err);
    }
}

#[test]
fn what_a_reset_interrupted_is_repaired_before_anything_else_is_written() {
    let desk = Desk::of("h562");
    let image = desk.file("fw.bin", &pattern(64));
    desk.done(&["info"]);
    desk.with(",cut=busy:1:middle", &["ob", "write", "BOR_LEV=2"]);
    for args in [
        &["ob", "write", "BOR_LEV=1"][..],
        &["flash", "program", &image, "--at", "0x0800_0000"],
        &["flash", "erase", "--all"],
        &["state", "set", "PROVISIONING"],
    ] {
        let refused = desk.run(args);
        assert_eq!(refused.exit, Exit::Refused, "{args:?}: {}", refused.err);
        assert!(refused.err.contains("ackwait ob repair"), "{args:?}: {}", refused.err);
        assert!(!refused.err.contains("last accesses"), "a rule is its own evidence: {}", refused.err);
    }
    desk.done(&["ob", "repair"]);
    desk.done(&["ob", "write", "BOR_LEV=1"]);
}

#[test]
fn a_part_that_is_where_it_shall_be_is_found_there_though_its_port_is_shut() {
    let desk = Desk::of("h562");
    let password = with_credential(&desk, "h562");
    desk.done(&["state", "set", "CLOSED", "--family", "H562"]);
    assert!(desk.done(&["state", "set", "CLOSED"]).contains("already so, says discovery"));
    let other = desk.run(&["state", "set", "PROVISIONING"]);
    assert_eq!(other.exit, Exit::Refused, "{}", other.err);
    let wrong = desk.file("wrong", b"wrongpass9");
    let refused = desk.run(&["da", "regress", "--password-file", &wrong]);
    assert_eq!(refused.exit, Exit::Authentication, "{}", refused.err);
    assert!(refused.err.contains("DBG_AUTH") && !refused.err.contains("nRESET"), "{}", refused.err);
    desk.done(&["da", "regress", "--password-file", &password]);
}

#[test]
fn a_raw_write_that_starts_an_option_change_or_burns_otp_needs_its_name() {
    let desk = Desk::of("h562");
    desk.done(&["info"]);
    let before = desk.board();
    let file = desk.file("words", &2u32.to_le_bytes());
    for (args, name) in [
        (&["mem", "write", "FLASH_OPTCR", "2"][..], "OPTSTRT"),
        (&["mem", "write", "0x5002_201C", "0x8000_0002"], "OPTSTRT"),
        (&["mem", "write", "0x4002_201C", "--in", &file], "OPTSTRT"),
        (&["mem", "write", "0x4002_2018", "0", "2"], "OPTSTRT"),
        (&["mem", "write", "0x08FF_F010", "1", "--width", "16"], "OTP"),
    ] {
        let asked = desk.run(args);
        assert_eq!(asked.exit, Exit::Confirm, "{args:?}: {}", asked.err);
        assert!(asked.err.contains(&format!("--accept-irreversible={name}")), "{args:?}: {}", asked.err);
    }
    assert!(desk.board() == before);
    assert_eq!(desk.run(&["mem", "write", "FLASH_OPTCR", "1"]).exit, Exit::Done);
    assert_eq!(
        desk.run(&["mem", "write", "FLASH_OPTCR", "2", "--accept-irreversible=OPTSTRT"]).exit,
        Exit::Done
    );
}

#[test]
fn images_are_read_before_a_probe_is_touched_and_told_where_they_begin() {
    let nobody = ["--probe", "tcp:127.0.0.1:1"];
    let missing =
        tool(&[&["flash", "program", "/nowhere/fw.bin", "--at", "0x0800_0000"][..], &nobody].concat());
    assert_eq!(missing.exit, Exit::Usage, "{}", missing.err);
    let desk = Desk::of("h562");
    let image = desk.file("fw.bin", &pattern(64));
    let odd = desk.done(&["flash", "program", &image, "--at", "0x0800_0001"]);
    assert!(odd.contains("from 0x0800_0001"), "{odd}");
    assert!(desk.done(&["flash", "verify", &image, "--at", "0x0800_0001"]).contains("equal"));
}
