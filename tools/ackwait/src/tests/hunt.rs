//! `hunt`: verdict, gates, book, reports.

use super::*;

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
    assert_eq!(found["trials"].as_array().unwrap().len(), 102);
}

#[test]
fn the_page_says_the_cause_what_to_do_and_what_speaks_against_it() {
    let page = hunt("cause-02", &[]).out;
    let first = page.lines().next().unwrap();
    assert_eq!(first, "verdict: cause 2: the core is halted that must let the flash interface go");
    for word in
        ["do:      do not halt the core", "hotplug", "95 %", "median", "+ none fails (usb data, hotplug)"]
    {
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
    assert!(err.contains("stopped after 1 of 17 trials"), "{err}");
    assert_eq!(run(&[], false).0, Exit::Storage, "a book is not written over");
    let (exit, err, out) = run(&["--resume"], false);
    assert_eq!(exit, Exit::Done, "{err}");
    assert!(out.starts_with("verdict: not established (0 of 17 trials failed)"), "{out}");
    assert_eq!(std::fs::read_to_string(&book).unwrap().lines().count(), 18);
    assert_eq!(run(&["--resume", "--seed", "2"], false).0, Exit::Usage, "another hunt's book");
}

#[test]
fn the_report_for_a_browser_needs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let done = hunt("cause-05", &["--html", &path.display().to_string()]);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
    let html = std::fs::read_to_string(path).unwrap();
    assert!(html.contains("cause 5") && html.contains("<svg") && html.contains("option change"));
    assert!(!html.contains("http") && !html.contains("src="));
}

#[test]
fn where_nobody_moves_the_cable_nothing_is_tried() {
    let done = hunt("none-00", &["--bench-cmd", "/bin/false"]);
    assert_eq!(done.exit, Exit::Confirm);
    assert!(done.err.contains("cable out"), "{}", done.err);
    let done = hunt("none-00", &["--matrix", "nowhere.toml"]);
    assert_eq!(done.exit, Exit::Usage);
}
