//! `survey`: page, report, what it may do, what it never tells.

use super::part::Desk;
use super::*;

#[test]
fn a_page_says_what_is_confirmed_what_was_not_asked_and_why() {
    let page = done(&["survey"]);
    assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    let flat = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in
        ["confirmed H5-DBG-1", "it resets the part: --allow-reset", "0 refuted", "nothing was written"]
    {
        assert!(flat.contains(text), "{text}: {page}");
    }
}

#[test]
fn a_refuted_note_stands_with_its_claim_and_the_exit_is_that_of_a_survey_that_was_made() {
    let done = with("h562,flash.bus=drop", &["survey", "--allow-writes"]);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
    let flat = done.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("refuted H5-FLASH-6 words are lost"), "{flat}");
    assert!(flat.contains("The note says (guess): What happens to a word"), "{flat}");
}

#[test]
fn a_report_is_a_scenario() {
    let desk = Desk::of("h563");
    let report = desk.path("report.json");
    let odd =
        with("h563,kib=1024,flash.bus=buffered,ob.reset=on", &["survey", "--allow-writes", "--out", &report]);
    assert_eq!(odd.exit, Exit::Done, "{}", odd.err);
    assert!(odd.err.contains("sim:survey="), "{}", odd.err);
    let again = with(&format!("survey={report}"), &["survey", "--allow-writes", "--format", "json"]);
    let found = json(&again);
    assert_eq!((&found["schema"], &found["flash_kib"]), (&"ackwait.survey/1".into(), &1024.into()));
    let refuted = |f: &serde_json::Value| f["verdict"] == "refuted";
    let notes: Vec<_> = found["findings"].as_array().unwrap().iter().filter(|f| refuted(f)).collect();
    let notes: Vec<_> = notes.iter().map(|f| f["note"].as_str().unwrap()).collect();
    assert_eq!(notes, ["H5-FLASH-6", "H5-OB-3"]);
    let bad = with("h563,survey=/nowhere/x.json", &["survey"]);
    assert_eq!(bad.exit, Exit::Usage, "{}", bad.err);
    assert_eq!(with("h563", &["survey", "--out", "/nowhere/x.json"]).exit, Exit::Storage);
}

#[test]
fn the_report_of_a_provisioned_part_holds_nothing_of_its_keys() {
    let desk = Desk::of("h562");
    let password = desk.file("pw", b"benchpass1");
    let obk = desk.path("da.obk");
    desk.done(&["obk", "new", "--family", "H562", "--password-file", &password, "--out", &obk]);
    desk.done(&["state", "set", "PROVISIONING"]);
    desk.done(&["reset"]);
    desk.done(&["obk", "provision", &obk, "--family", "H562"]);
    let done = desk.with(",obk.read=allow", &["survey", "--format", "json"]);
    let found = json(&done);
    let keys = found["findings"].as_array().unwrap().iter().find(|f| f["note"] == "H5-OBK-13").unwrap();
    assert_eq!(keys["verdict"], "refuted", "{keys}");
    let held = std::fs::read(&obk).unwrap();
    for word in held[12..].chunks(4).filter(|word| word.iter().any(|byte| *byte != 0)) {
        let word = u32::from_le_bytes(word.try_into().unwrap());
        let shown = [wire::Addr(word).to_string(), format!("{word:08x}"), word.to_string()];
        for text in shown {
            assert!(!done.out.contains(&text) && !done.err.contains(&text), "{text}");
        }
    }
}
