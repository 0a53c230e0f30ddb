//! The ways into OBK, and the ways to pace quad-words. Which of them silicon accepts is not public, so each can be refused.

use ackwait_tests::bill::FLASH;
use ackwait_tests::line::{Line, Outcome};
use ackwait_tests::{Rig, pattern};
use h5::{FlashPace, FlashRange};
use provision::journal::MemoryShelf;
use provision::{Exit, Step};

/// Runs the example by this route. The ROM's services need the ROM to be what runs: a reset after PROVISIONING.
fn by_route(route: &str, scenario: &str) -> Outcome {
    let path = ackwait_tests::line::example("job.toml");
    let text = std::fs::read_to_string(&path).expect("the job");
    let text = text.replace("route = \"auto\"", &format!("route = \"{route}\""));
    let text = format!("{text}\n[steps.provisioning]\nreset_after = \"hardware\"\n");
    Line::parse(&text, &path).fresh(&format!("h562,{scenario}"), &MemoryShelf::default())
}

#[test]
fn each_route_works_where_the_part_allows_it() {
    for route in ["direct", "rsslib", "rss-command"] {
        let outcome = by_route(route, "usb=out");
        assert_eq!(outcome.report.exit(), Exit::Done, "{route}: {:?}", outcome.report.result);
        assert!(outcome.credential, "{route}");
    }
}

#[test]
fn a_route_that_the_part_refuses_is_named_and_nothing_is_closed() {
    for (route, knob) in
        [("direct", "obk.direct"), ("rsslib", "obk.rsslib"), ("rss-command", "obk.rss-command")]
    {
        let outcome = by_route(route, &format!("{knob}=refuse"));
        let failure = outcome.report.result.expect_err("refused");
        assert_eq!(failure.step, Step::Obk, "{route}");
        assert!([Exit::ObkRejected, Exit::ObkTimeout].contains(&failure.exit), "{route}: {failure}");
        assert!(failure.to_string().contains(route), "{failure}");
        assert_eq!(outcome.state, regs::h5::state::ProductState::PROVISIONING, "{route}");
        assert!(!outcome.credential, "{route}");
    }
}

/// Right after a reset the part is still at level 0, and OBK programmed then is refused.
#[test]
fn the_direct_route_waits_until_the_rom_has_come_up_to_the_level_of_the_credential() {
    let slow = by_route("direct", "usb=out,rom.rss.ms=4000");
    assert_eq!(slow.report.exit(), Exit::Done, "{:?}", slow.report.result);
    assert!(slow.credential);
    let never = by_route("direct", "usb=out,rom.rss.ms=12000");
    let failure = never.report.result.expect_err("the level is never reached");
    let text = failure.to_string();
    for evidence in ["level 1", "0x0FFD_0100", "SBS_HDPLSR at 0x4400_0414", "HDPL0", "reset.reconnect = 5s"] {
        assert!(text.contains(evidence), "`{evidence}` is missing:\n{text}");
    }
    assert_eq!(failure.step, Step::Obk);
}

#[test]
fn a_bus_that_drops_words_is_noticed_and_streaming_is_given_up_with_a_message() {
    let mut rig = Rig::new("h562,flash.bus=drop");
    let data = pattern(16 * 1024);
    let mut part = rig.part();
    part.erase(&FlashRange::covering(FLASH, 16 * 1024), &mut |_| {}).expect("erased");
    let report = part.program_verified(FLASH, &data, FlashPace::Stream, &mut |_| {}).expect("programmed");
    assert_ne!(report.pace, FlashPace::Stream);
    assert!(!report.fallbacks.is_empty());
    for fallback in &report.fallbacks {
        println!("{fallback}");
    }
    part.verify(FLASH, &data, &mut |_| {}).expect("the right data in the end");
}

#[test]
fn a_patience_that_is_too_short_to_stream_is_noticed_before_anything_is_written() {
    let mut options = ackwait_tests::options();
    options.policy.probe.wait = pace::Patience::Tries(64);
    let mut rig = Rig::with("h562", &options);
    let data = pattern(8 * 1024);
    let mut part = rig.part();
    part.erase(&FlashRange::covering(FLASH, 8 * 1024), &mut |_| {}).expect("erased");
    let report = part.program_verified(FLASH, &data, FlashPace::Stream, &mut |_| {}).expect("programmed");
    assert_ne!(report.pace, FlashPace::Stream);
    part.verify(FLASH, &data, &mut |_| {}).expect("the right data");
}

/// How the ROM words its answers is not public for the H5: whatever it is of what related parts do, the job ends CLOSED.
#[test]
fn the_mailbox_is_understood_in_every_form_that_related_parts_use() {
    for (key, forms) in mailbox_guesses() {
        for form in forms {
            let outcome =
                Line::load("job.toml").fresh(&format!("h562,{key}={form}"), &MemoryShelf::default());
            assert_eq!(outcome.report.exit(), Exit::Done, "{key}={form}: {:?}", outcome.report.result);
        }
    }
}

fn mailbox_guesses() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let settings = ["da.ack", "da.lifecycle", "da.reply"];
    let guesses = settings.map(|key| sim::guesses().iter().find(|guess| guess.key == key).expect("a guess"));
    guesses.into_iter().map(|guess| (guess.key, guess.choices.split('|').collect()))
}
