//! `hunt`: verdict, gates, book, reports.

use super::*;
use std::path::Path;

fn hunt(scenario: &str, more: &[&str]) -> Done {
    with(scenario, &[&["hunt", "obk-timeout"], more].concat())
}

#[test]
fn the_verdict_names_the_cause_with_its_confidence() {
    let done = hunt("cause-02,seed=4", &["--format", "json"]);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
    let found = json(&done);
    assert_eq!(found["schema"], "ackwait.hunt/1");
    let verdict = &found["verdict"];
    assert_eq!((&verdict["cause"], &verdict["class"]), (&json!(2), &json!([2])));
    assert!(verdict["confidence"].as_f64().unwrap() > 0.9);
    assert_eq!(found["trials"].as_array().unwrap().len(), 108);
}

#[test]
fn the_page_says_the_cause_what_to_do_and_what_speaks_against_it() {
    let page = hunt("cause-02", &[]).out;
    let first = page.lines().next().unwrap();
    assert_eq!(first, "verdict: cause 2: the core is halted that must let the flash interface go");
    for word in [
        "do:      do not halt the core",
        "p (Holm)",
        "95 %",
        "median",
        "+ none fails (usb data, hotplug)",
        "failed; their cells differ in halt",
        "before the repair of the selectors",
        "gave up",
        "before: the ROM answers",
    ] {
        assert!(page.contains(word), "{word}: {page}");
    }
}

#[test]
fn a_part_on_which_all_is_well_has_no_cause() {
    for (scenario, command) in [("none-00", "obk-timeout"), ("h562", "ob-timeout")] {
        let done = with(scenario, &["hunt", command, "--rounds", "1", "--format", "json"]);
        assert_eq!(done.exit, Exit::Done, "{}", done.err);
        assert_eq!(json(&done)["verdict"]["cause"], serde_json::Value::Null, "{scenario}");
    }
}

#[test]
fn option_bytes_alone_show_who_locks_them_again() {
    let done = with("cause-07", &["hunt", "ob-timeout", "--format", "json"]);
    assert_eq!(json(&done)["verdict"]["cause"], 7, "{}", done.err);
}

#[test]
fn keys_are_written_in_provisioning_only_and_only_with_their_password() {
    let open = hunt("h562", &[]);
    assert_eq!(open.exit, Exit::Refused);
    assert!(open.err.contains("OPEN (0xED)") && open.err.contains("PROVISIONING"), "{}", open.err);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let password = |text: &[u8]| h5::Password::from_bytes(text).unwrap();
    let spec = password(b"the right one");
    let keys = h5::ObkFile::build(&h5::obk::ObkSpec::new(regs::h5::device::Family::H562, &spec));
    std::fs::write(path("da.obk"), keys.to_bytes()).unwrap();
    std::fs::write(path("pw.txt"), "the wrong one").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path("pw.txt"), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let wrong = hunt("none-00", &["--obk", &path("da.obk"), "--password-file", &path("pw.txt")]);
    assert_eq!(wrong.exit, Exit::Refused);
    assert!(wrong.err.contains("nobody could open the part again"), "{}", wrong.err);
}

#[test]
fn a_hunt_that_was_stopped_goes_on_from_its_book() {
    let folder = tempfile::tempdir().unwrap();
    let book = folder.path().join("trials.jsonl").display().to_string();
    let args = ["hunt", "ob-timeout", "--probe", "sim:none-00", "--rounds", "1", "--book", &book];
    let run = |more: &[&str], stop: bool| {
        let (out, err) = (Page::default(), Page::default());
        let mut output = Output::new(Box::new(out.clone()), Box::new(err.clone()));
        output.stop.store(stop, std::sync::atomic::Ordering::Relaxed);
        let all = [&["ackwait"], &args[..], more].concat();
        let exit = run_with(all.into_iter().map(OsString::from), &mut output);
        (exit, err.text(), out.text())
    };
    let (exit, err, _) = run(&[], true);
    assert_eq!(exit, Exit::Interrupted);
    assert!(err.contains("stopped; 1 of 18 trials were made"), "{err}");
    assert!(err.contains("the same command with --resume goes on"), "{err}");
    assert_eq!(run(&[], false).0, Exit::Usage, "a book is not written over");
    let (exit, err, out) = run(&["--resume"], false);
    assert_eq!(exit, Exit::Done, "{err}");
    assert!(out.starts_with("verdict: not established (0 of 18 trials failed)"), "{out}");
    assert_eq!(std::fs::read_to_string(&book).unwrap().lines().count(), 19);
    assert_eq!(run(&["--resume", "--seed", "2"], false).0, Exit::Usage, "another hunt's book");
}

#[test]
fn the_report_for_a_browser_needs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let done = hunt("cause-05", &["--html", &path.display().to_string()]);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
    let html = std::fs::read_to_string(path).unwrap();
    for word in ["cause 5", "<svg", "option change", "step beside step", "What looking changes", "(Holm)"] {
        assert!(html.contains(word), "{word}");
    }
    assert!(!html.contains("http") && !html.contains("src="));
}

#[test]
fn the_page_fits_a_terminal_of_80_columns() {
    for scenario in
        ["none-00", "none-01", "cause-02", "cause-04", "cause-09", "cause-11", "cause-13", "cause-15"]
    {
        let page = hunt(scenario, &[]).out;
        let wide: Vec<_> = page.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{scenario}: {wide:#?}");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_found_out_before_the_first_trial() {
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("there.html");
    std::fs::write(&there, "mine").unwrap();
    let book = folder.path().join("book").display().to_string();
    for path in [there.clone(), folder.path().join("no/report.html")] {
        let done = hunt("none-00", &["--html", &path.display().to_string(), "--book", &book]);
        assert_eq!((done.exit, done.out.as_str()), (Exit::Storage, ""), "{}", done.err);
        assert!(done.err.contains("nothing was tried") && !Path::new(&book).exists(), "{}", done.err);
    }
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "mine");
    // A hunt that is refused leaves nothing in its place.
    let new = folder.path().join("new.html");
    let done = hunt("h562", &["--html", &new.display().to_string()]);
    assert!(done.exit == Exit::Refused && !new.exists(), "{}", done.err);
}

#[test]
fn a_hunt_without_a_book_does_not_promise_to_go_on_and_shows_what_there_is() {
    let (out, err) = (Page::default(), Page::default());
    let mut output = Output::new(Box::new(out.clone()), Box::new(err.clone()));
    output.stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let args = ["ackwait", "hunt", "obk-timeout", "--probe", "sim:cause-08"];
    assert_eq!(run_with(args.into_iter().map(OsString::from), &mut output), Exit::Interrupted);
    assert!(err.text().contains("`--book FILE` keeps trials"), "{}", err.text());
    let page = out.text();
    assert!(page.starts_with("verdict: not established (1 of 1 trials failed)"), "{page}");
    assert!(page.contains("1 of 108 trials were made"), "{page}");
}

#[test]
fn what_the_trials_vary_cannot_be_set_and_a_dry_run_touches_nothing() {
    let done = hunt("none-00", &["--set", "flash.obk=30s"]);
    assert_eq!(done.exit, Exit::Usage);
    assert!(done.err.contains("`flash.obk` is one of the things that the trials vary"), "{}", done.err);
    let done = tool(&["hunt", "obk-timeout", "--probe", "usb:250-9", "--dry-run"]);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
    assert!(done.out.starts_with("108 trials: each of these cells 6 times"), "{}", done.out);
}

#[test]
fn the_rom_must_vouch_for_the_part() {
    let done = hunt("none-00,da.magic=n6", &["--rounds", "1"]);
    assert_eq!(done.exit, Exit::Refused);
    assert!(done.err.contains("--without-discovery"), "{}", done.err);
    let done = hunt("none-00,da.magic=n6", &["--rounds", "1", "--without-discovery"]);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
    assert!(done.out.contains("before: the hunt was let through all the same"), "{}", done.out);
}

#[test]
#[cfg(unix)]
fn a_board_that_is_not_left_as_it_was_is_no_success() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    // Whoever moves the cable does it until the data cable was in, and then goes home.
    let hands =
        format!("#!/bin/sh\n[ -e {0} ] && exit 7\n[ \"$2\" = data ] && touch {0}\nexit 0\n", path("gone"));
    std::fs::write(path("hands"), hands).unwrap();
    std::fs::set_permissions(path("hands"), std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::write(path("m.toml"), "rounds = 2\n[[cell]]\ncable = \"data\"\n").unwrap();
    let done = hunt("none-00", &["--matrix", &path("m.toml"), "--bench-cmd", &path("hands")]);
    assert_eq!(done.exit, Exit::Unknown, "{}", done.err);
    assert!(done.out.contains("2 trials failed") && done.out.contains("left behind: bench:"), "{}", done.out);
    assert!(done.err.contains("cable out: exit status: 7"), "{}", done.err);
}

#[test]
fn where_nobody_moves_the_cable_nothing_is_tried() {
    let done = hunt("none-00", &["--bench-cmd", "/bin/false"]);
    assert_eq!(done.exit, Exit::Confirm);
    assert!(done.err.contains("cable out"), "{}", done.err);
    let done = hunt("none-00", &["--matrix", "nowhere.toml"]);
    assert_eq!(done.exit, Exit::Usage);
}
