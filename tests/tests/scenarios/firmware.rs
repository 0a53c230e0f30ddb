//! Probe firmware that differs: the real driver over simulated firmware of every make, with each of its deviations.
//! [DAP-12] [DAP-14] [DAP-15] [DAP-16] [USB-6]

use ackwait_tests::line::Line;
use ackwait_tests::{AP1, Rig, options, pattern};
use adi::{Attach, ConnectMode, CoreAccess};
use provision::Exit;
use provision::journal::MemoryShelf;
use regs::h5::state::ProductState;
use wire::{Addr, Attr, Batch, Flow, MemOp};

const MAKES: [&str; 13] = [
    "reference",
    "debugprobe",
    "picoprobe-old",
    "daplink",
    "daplink-old",
    "free-dap",
    "dap-rs",
    "edbg",
    "kitprog3",
    "wch-link",
    "orbtrace",
    "mcu-link",
    "jlink-dap",
];

const SRAM: Addr = Addr(0x2000_0000);

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|four| u32::from_le_bytes(*four)).collect()
}

fn rig(make: &str, more: &str) -> Rig {
    let mut rig = Rig::new(&format!("h562,firmware={make}{more}"));
    rig.adi().attach(&Attach::HOTPLUG).expect(make);
    rig
}

#[test]
fn every_make_moves_64_kib_of_sram_both_ways() {
    let image = words(&pattern(64 * 1024));
    for make in MAKES {
        let mut rig = rig(make, "");
        rig.adi().write_words(AP1, Attr::Default, SRAM, &image).unwrap_or_else(|e| panic!("{make}: {e}"));
        let back = rig.adi().read_words(AP1, Attr::Default, SRAM, image.len());
        assert!(back.is_ok_and(|back| back == image), "{make}");
    }
}

#[test]
fn every_make_polls_until_a_value_comes_and_gives_up_when_it_does_not() {
    for make in MAKES {
        let mut rig = rig(make, "");
        rig.adi().write_word(AP1, Attr::Default, SRAM, 0x5A).expect("written");
        let wait = |value| {
            let op = MemOp::WaitUntil { at: SRAM, mask: 0xFF, value };
            Batch { ap: AP1, attr: Attr::Default, flow: Flow::Lockstep, ops: vec![op] }
        };
        rig.adi().run(&wait(0x5A)).unwrap_or_else(|error| panic!("{make}: {error}"));
        let never = rig.adi().run(&wait(0xA5)).expect_err("it never comes").to_string();
        assert!(never.contains("probe.match"), "{make}: {never}");
    }
}

/// Some firmware never tries anything when it is told to repeat nothing.
#[test]
fn a_patience_without_repeats_is_one_try_on_every_make() {
    for make in MAKES {
        let mut options = options();
        options.policy.probe.wait = pace::Patience::Tries(0);
        let mut rig = Rig::with(&format!("h562,firmware={make}"), &options);
        let attached = rig.adi().attach(&Attach::HOTPLUG);
        assert!(attached.is_ok(), "{make}: {attached:?}");
    }
}

/// A storm of WAITs that the firmware's own tries do not outlast, in the middle of reads and of writes.
#[test]
fn every_make_outlasts_a_storm_of_waits_or_says_that_it_cannot_know() {
    let image = words(&pattern(256));
    for make in MAKES {
        for from in (40..90).step_by(3) {
            let mut options = options();
            options.policy.probe.wait = pace::Patience::Tries(8);
            let mut rig = Rig::with(&format!("h562,firmware={make},wait={from}:40"), &options);
            if rig.adi().attach(&Attach::HOTPLUG).is_err() {
                continue;
            }
            let written = rig.adi().write_words(AP1, Attr::Default, SRAM, &image);
            // dap-rs counts in a way of its own: what must not happen twice is not repeated there.
            assert!(written.is_ok() || make == "dap-rs", "{make} from {from}: {written:?}");
            if written.is_ok() {
                let back = rig.adi().read_words(AP1, Attr::Default, SRAM, image.len());
                assert_eq!(back.expect("read"), image, "{make} from {from}");
            }
        }
    }
}

#[test]
fn every_make_names_the_access_that_was_refused() {
    for make in MAKES {
        let mut rig = rig(make, ",fault=0x20000040");
        let image = words(&pattern(256));
        let error = rig.adi().write_words(AP1, Attr::Default, SRAM, &image).expect_err("refused");
        assert!(error.to_string().contains("STICKYERR"), "{make}: {error}");
        rig.adi().write_word(AP1, Attr::Default, SRAM, 1).unwrap_or_else(|e| panic!("{make}, later: {e}"));
        let error = rig.adi().read_word(AP1, Attr::Default, Addr(0x2000_0040)).expect_err("refused");
        assert!(error.to_string().contains("STICKYERR"), "{make}: {error}");
    }
}

/// Including the last word of a list, behind which some firmware reads nothing.
#[test]
fn a_refused_last_write_is_noticed_at_once_by_every_make() {
    for make in MAKES {
        let mut rig = rig(make, ",fault=0x20000040");
        let error = rig.adi().write_word(AP1, Attr::Default, Addr(0x2000_0040), 1).expect_err("refused");
        assert!(error.to_string().contains("0x2000_0040"), "{make}: {error}");
    }
}

#[test]
fn every_make_holds_the_part_in_reset_and_lets_go() {
    for make in MAKES {
        let core = CoreAccess { ap: AP1, attr: Attr::Default };
        let mut rig = Rig::new(&format!("h562,firmware={make}"));
        let attach = Attach { mode: ConnectMode::UnderReset, core: Some(core) };
        let attached = rig.adi().attach(&attach).unwrap_or_else(|error| panic!("{make}: {error}"));
        assert!(attached.halted, "{make}");
        let time = rig.bill().time;
        assert!(time.as_secs() < 2, "{make} took {time:?}");
    }
}

#[test]
fn every_make_wakes_a_dormant_part() {
    for make in MAKES {
        rig(make, ",start=dormant");
    }
}

#[test]
fn swclk_stays_what_was_asked_for_when_the_firmware_forgets_it() {
    for make in ["reference", "edbg"] {
        let mut rig = rig(make, "");
        let before = rig.bill();
        rig.adi().read_words(AP1, Attr::Default, SRAM, 1000).expect("read");
        let after = rig.bill();
        let cycles = after.swclk_ok - before.swclk_ok;
        let time = after.time - before.time;
        // 46000 clocks are 11.5 ms at 4 MHz and 46 ms at 1 MHz.
        assert!(cycles > 46_000 && time.as_millis() < 30, "{make}: {cycles} clocks in {time:?}");
    }
}

#[test]
fn what_a_killed_host_left_is_thrown_away_by_every_kind_of_probe() {
    for probe in ["firmware=debugprobe", "profile=hid", "probe=stlink-v2", "probe=stlink-v3"] {
        let mut rig = Rig::new(&format!("h562,{probe},stale=3"));
        let attached = rig.adi().attach(&Attach::HOTPLUG).unwrap_or_else(|error| panic!("{probe}: {error}"));
        assert_eq!(attached.dpidr.0, 0x6BA0_2477, "{probe}");
    }
}

#[test]
fn a_transfer_that_is_cut_short_is_finished() {
    let image = words(&pattern(4096));
    for make in ["reference", "daplink-old", "free-dap"] {
        for short in 1..30 {
            let mut rig = rig(make, &format!(",short={short}"));
            let moved = rig.adi().write_words(AP1, Attr::Default, SRAM, &image);
            let back = rig.adi().read_words(AP1, Attr::Default, SRAM, image.len());
            // Where others were under way behind it, an error that says so.
            match (moved, back) {
                (Ok(()), Ok(back)) => assert_eq!(back, image, "{make} {short}"),
                (Err(error), _) | (_, Err(error)) => {
                    assert!(error.to_string().contains("ended a packet early"), "{make} {short}: {error}");
                }
            }
        }
    }
}

/// An answer that comes twice is noticed, or nothing comes of it: never a value that is another's.
#[test]
fn an_answer_that_comes_twice_is_noticed_by_the_job_or_does_no_harm() {
    let mut noticed = 0;
    for n in (16..400).step_by(11) {
        let outcome = Line::load("job.toml").fresh(&format!("h562,dup={n}"), &MemoryShelf::default());
        let (state, exit) = (outcome.state, outcome.report.exit());
        assert!(state != ProductState::CLOSED || outcome.credential, "{n}");
        assert!(exit != Exit::Done || state == ProductState::CLOSED, "{n}");
        noticed += usize::from(exit != Exit::Done);
        if exit != Exit::Done {
            println!("dup={n}: {exit:?}: {}", outcome.report.result.expect_err("a failure").error);
        }
    }
    assert!(noticed > 0);
}

#[test]
fn the_job_runs_to_closed_on_every_make() {
    for make in MAKES {
        let outcome = Line::load("job.toml").fresh(&format!("h562,firmware={make}"), &MemoryShelf::default());
        assert_eq!(outcome.report.exit(), Exit::Done, "{make}: {:?}", outcome.report.result);
        assert_eq!((outcome.state, outcome.credential), (ProductState::CLOSED, true), "{make}");
    }
}
