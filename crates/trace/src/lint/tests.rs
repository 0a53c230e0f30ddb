use super::{Connect, Lint, RULES, Settings};
use crate::Trace;
use crate::script::{AP, DP, READ, Script};
use regs::h5::flash;
use wire::{ApSel, MarkKind};

const OPTKEYR: u32 = flash::BASE + flash::OPTKEYR;
const OPTCR: u32 = flash::BASE + flash::OPTCR;
const KEYS: [u32; 2] = flash::key::OPTION;
const DHCSR: u32 = 0xE000_EDF0;
const RAM: u32 = 0x2000_0000;
/// DAP_SWJ_Pins: nRESET low, and its answer.
const RESET_LOW: ([u8; 7], [u8; 2]) = ([0x10, 0x00, 0x80, 0, 0, 0, 0], [0x10, 0x00]);

fn trace(build: impl FnOnce(&mut Script)) -> Trace {
    let mut script = Script::new();
    script.read(DP, 0, 0x6BA0_2477).ap1();
    build(&mut script);
    script.trace()
}

/// The rules that found something, with the numbers of the events.
fn found_with(settings: &Settings, build: impl FnOnce(&mut Script)) -> Vec<(&'static str, Vec<usize>)> {
    Lint::of(&trace(build), settings).findings.into_iter().map(|f| (f.rule.id, f.events)).collect()
}

fn found(build: impl FnOnce(&mut Script)) -> Vec<&'static str> {
    found_with(&Settings::default(), build).into_iter().map(|(rule, _)| rule).collect()
}

#[test]
fn every_rule_has_a_name_of_its_own_and_a_note_that_exists() {
    let mut ids: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), RULES.len());
    for rule in RULES {
        assert!(regs::note::find(rule.note).is_some(), "{}", rule.note);
    }
}

#[test]
fn a_write_to_dhcsr_is_found_in_hotplug_and_in_no_other_mode() {
    let session = |mode: &'static str| {
        found(|s| {
            s.mark(MarkKind::Attempt, mode).poke(DHCSR, 0xA05F_0003);
        })
    };
    assert_eq!(session("attach hotplug"), ["hotplug-halt"]);
    assert!(session("attach normal").is_empty());
    let settings = Settings { connect: Some(Connect::Hotplug), ap: None };
    assert_eq!(
        found_with(&settings, |s| {
            s.poke(DHCSR, 0xA05F_0003);
        }),
        [("hotplug-halt", vec![7])]
    );
    assert!(
        found(|s| {
            s.mark(MarkKind::Attempt, "attach hotplug").peek(DHCSR, 0);
        })
        .is_empty()
    );
}

#[test]
fn a_rule_that_cannot_look_says_so() {
    let blind = |trace: &Trace| -> Vec<_> {
        Lint::of(trace, &Settings::default()).blind.into_iter().map(|blind| blind.rule).collect()
    };
    assert_eq!(blind(&trace(|_| {})), ["hotplug-halt"]);
    let mut script = Script::new();
    script.ask(&crate::script::st(&[0xF2, 0x3E]), &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let other_chip = ["other-ap", "key-unseen-lock", "key-twice"];
    let all = [&["hotplug-halt"], &other_chip[..], &["tar-wrap", "sticky-left", "select-again"]].concat();
    assert_eq!(blind(&crate::open(&script.bytes()).unwrap()), all);
}

#[test]
fn the_reset_pin_is_found_unless_the_session_connects_with_it() {
    let (request, answer) = RESET_LOW;
    let pulled = |mode: &'static str| {
        found(|s| {
            s.mark(MarkKind::Attempt, mode).ask(&request, &answer);
        })
    };
    assert_eq!(pulled("attach hotplug"), ["reset-pin"]);
    assert_eq!(pulled("attach normal"), ["reset-pin"]);
    assert!(pulled("attach under-reset").is_empty());
    assert!(pulled("attach pulse").is_empty());
}

#[test]
fn a_reset_behind_which_the_session_connects_anew_is_one_that_it_knows_of() {
    let (low, answer) = RESET_LOW;
    let with = |behind: &dyn Fn(&mut Script)| {
        found(|s| {
            s.mark(MarkKind::Attempt, "attach hotplug").ask(&low, &answer);
            behind(s);
        })
    };
    assert!(
        with(&|s| {
            s.mark(MarkKind::Attempt, "reconnect").peek(RAM, 0);
        })
        .is_empty()
    );
    assert!(
        with(&|s| {
            s.mark(MarkKind::Attempt, "attach hotplug");
        })
        .is_empty()
    );
    assert_eq!(
        with(&|s| {
            s.peek(RAM, 0).mark(MarkKind::Attempt, "reconnect");
        }),
        ["reset-pin"],
        "it went on before"
    );
    assert_eq!(
        with(&|s| {
            s.mark(MarkKind::Sleep, "20ms").peek(RAM, 0).ask(&low, &answer);
        }),
        ["reset-pin"],
        "two resets are one finding"
    );
}

#[test]
fn memory_through_ap0_is_found_and_dbgmcu_is_not() {
    let through_ap0 = |address: u32| {
        found(|s| {
            s.write(DP, 8, 0).write(AP, 0, 0x2300_0012).peek(address, 0);
        })
    };
    assert_eq!(through_ap0(RAM), ["other-ap"]);
    assert!(through_ap0(0xE004_4000).is_empty());
    let settings = Settings { connect: None, ap: Some(ApSel(0)) };
    assert_eq!(
        found_with(&settings, |s| {
            s.peek(RAM, 0).peek(RAM, 0);
        }),
        [("other-ap", vec![7, 10])]
    );
}

#[test]
fn a_key_needs_a_look_at_its_lock_before() {
    let unlock = |s: &mut Script| {
        s.poke(OPTKEYR, KEYS[0]).poke(OPTKEYR, KEYS[1]);
    };
    assert_eq!(found(unlock), ["key-unseen-lock"]);
    let looked = |s: &mut Script| {
        s.peek(OPTCR, 1);
        unlock(s);
    };
    assert!(found(looked).is_empty());
    let reset_between = |s: &mut Script| {
        s.mark(MarkKind::Attempt, "attach pulse").peek(OPTCR, 1).ask(&RESET_LOW.0, &RESET_LOW.1);
        unlock(s);
    };
    assert_eq!(found(reset_between), ["key-unseen-lock"]);
}

#[test]
fn keys_written_to_an_open_lock_are_found_and_those_behind_a_lock_are_not() {
    let unlock = |s: &mut Script| {
        s.peek(OPTCR, 1).poke(OPTKEYR, KEYS[0]).poke(OPTKEYR, KEYS[1]);
    };
    let again = |s: &mut Script| {
        unlock(s);
        s.poke(OPTKEYR, KEYS[0]);
    };
    assert_eq!(found_with(&Settings::default(), again), [("key-twice", vec![14, 18])]);
    let locked = |s: &mut Script| {
        unlock(s);
        s.poke(OPTCR, 1);
        unlock(s);
    };
    assert!(found(locked).is_empty());
    let first_twice = |s: &mut Script| {
        s.peek(OPTCR, 1).poke(OPTKEYR, KEYS[0]).poke(OPTKEYR, KEYS[0]);
    };
    assert_eq!(found(first_twice), ["key-twice"]);
}

#[test]
fn a_block_over_the_end_of_a_kibibyte_needs_tar_again() {
    let end = RAM + 0x3FC;
    assert_eq!(
        found_with(&Settings::default(), |s| {
            s.poke(end, 1).write(AP, 0xC, 2);
        }),
        [("tar-wrap", vec![7, 9])]
    );
    assert!(
        found(|s| {
            s.poke(end, 1).poke(RAM + 0x400, 2);
        })
        .is_empty()
    );
    assert!(
        found(|s| {
            s.poke(end, 1).poke(RAM, 2);
        })
        .is_empty()
    );
    assert!(
        found(|s| {
            s.poke(end - 4, 1).write(AP, 0xC, 2);
        })
        .is_empty()
    );
}

#[test]
fn an_access_behind_a_fault_needs_abort_before() {
    let fault = |s: &mut Script| {
        s.write(AP, 4, RAM).ask(&[0x05, 0, 1, AP | READ | 0xC], &[0x05, 0, 4]);
    };
    let goes_on = |s: &mut Script| {
        fault(s);
        s.read(DP, 4, 0xF000_0020);
        fault(s);
    };
    assert_eq!(found_with(&Settings::default(), goes_on), [("sticky-left", vec![7, 9])]);
    let clears = |s: &mut Script| {
        fault(s);
        s.read(DP, 4, 0xF000_0020).write(DP, 0, 0x1E).peek(RAM, 1);
    };
    assert!(found(clears).is_empty());
    let seen_in_ctrl_stat = |s: &mut Script| {
        s.read(DP, 4, 0xF000_0020).peek(RAM, 1);
    };
    assert_eq!(found(seen_in_ctrl_stat), ["sticky-left"]);
}

#[test]
fn select_with_what_it_holds_is_found_unless_the_line_was_reset() {
    let select = 0x0100_0000;
    assert_eq!(
        found_with(&Settings::default(), |s| {
            s.write(DP, 8, select).write(DP, 8, select);
        }),
        [("select-again", vec![5, 7])]
    );
    assert!(
        found(|s| {
            s.write(DP, 8, select + 0x10).write(DP, 8, select);
        })
        .is_empty()
    );
    // DAP_SWJ_Sequence, 51 clocks high.
    let mut reset = vec![0x12, 51];
    reset.extend([0xFF; 7]);
    assert!(
        found(|s| {
            s.ask(&reset, &[0x12, 0]).write(DP, 8, select);
        })
        .is_empty()
    );
}

#[test]
fn evidence_is_told_with_registers_by_name() {
    let trace = trace(|s| {
        s.poke(OPTKEYR, KEYS[0]);
    });
    let lint = Lint::of(&trace, &Settings::default());
    let [finding] = &lint.findings[..] else { panic!("{lint:?}") };
    assert_eq!(finding.lines, ["FLASH_OPTKEYR write key 1"]);
    assert_eq!(finding.t_ns, u64::try_from(trace.accesses()[finding.events[0]].at.as_nanos()).unwrap());
}

#[test]
fn what_stands_before_a_hole_is_no_evidence_behind_it() {
    let rules = |trace: &Trace| -> Vec<&'static str> {
        Lint::of(trace, &Settings::default()).findings.into_iter().map(|finding| finding.rule.id).collect()
    };
    let mut script = Script::new();
    script.read(DP, 0, 0x6BA0_2477).ap1().peek(OPTCR, 1).poke(OPTKEYR, KEYS[0]);
    script.ask(&[0x05, 0, 1, AP | READ | 0xC], &[0x05, 0, 4]);
    let place = script.trace().events(wire::Level::Usb).len();
    script.ap1().poke(OPTKEYR, KEYS[0]).poke(OPTKEYR, KEYS[1]);
    assert_eq!(rules(&script.trace()), ["key-twice", "sticky-left", "select-again"]);
    assert_eq!(rules(&crate::script::with_a_hole(&script, place)), [""; 0]);
}
