use super::*;
use crate::script::{AP, DP, READ, Script};
use wire::Secret;
use wire::{Ack, Addr, ApSel, Width};

#[test]
fn every_write_is_listed_with_housekeeping_and_refusals() {
    let mut script = Script::new();
    script.read(DP, 0, 0x6BA0_2477).ap1().peek(0x2000_0000, 1).poke(0x2000_0010, 7);
    script.ask(&[0x05, 0, 1, AP | 0xC, 8, 0, 0, 0], &[0x05, 0, 4]);
    let all: Vec<_> = script.trace().writes().iter().map(|w| (w.to, w.value, w.ack)).collect();
    let memory = |at| WriteTo::Memory { ap: ApSel(1), at: Addr(at), width: Width::Word };
    let ap1 = |name| WriteTo::Ap { ap: Some(ApSel(1)), name };
    assert_eq!(
        all,
        [
            (WriteTo::Dp { name: "SELECT" }, Some(0x0100_0000), Ack::OK),
            (ap1("CSW"), Some(0x2300_0012), Ack::OK),
            (ap1("TAR"), Some(0x2000_0000), Ack::OK),
            (ap1("TAR"), Some(0x2000_0010), Ack::OK),
            (memory(0x2000_0010), Some(7), Ack::OK),
            (memory(0x2000_0014), Some(8), Ack::FAULT),
        ]
    );
}

#[test]
fn a_write_at_an_unknown_place_is_listed_too() {
    let mut script = Script::new();
    script.write(AP, 0xC, 1);
    let writes = script.trace().writes();
    assert_eq!(writes[0].to, WriteTo::Ap { ap: None, name: "AP (unknown register)" });
}

#[test]
fn secret_values_are_not_listed() {
    let mut script = Script::with(Secrets::Shown);
    script.ap1().write(AP, 4, 0x2000_0000);
    let request = [0x05, 0, 1, AP | 0xC, 1, 2, 3, 4];
    script.send_secret(&request, &Secret(std::iter::once(4..8).collect())).receive(&[0x05, 1, 1]);
    let writes = script.trace().writes();
    assert_eq!(writes.last().map(|w| w.value), Some(None));
}

#[test]
fn a_write_that_the_probe_gave_up_and_the_host_repeated_is_one_access() {
    let mut script = Script::new();
    script.ap1().write(AP, 4, 0x2000_0000);
    let two = [0x05, 0, 2, AP | 0xC, 1, 0, 0, 0, AP | 0xC, 2, 0, 0, 0];
    script.ask(&two, &[0x05, 1, 2]).write(AP, 0xC, 2);
    let trace = script.trace();
    let memory: Vec<_> = trace
        .accesses()
        .iter()
        .filter_map(|event| match &event.body {
            Body::Access(a) => Some((a.access.at.0, a.access.value, a.repeats.waits, a.ack)),
            _ => None,
        })
        .collect();
    assert_eq!(memory, [(0x2000_0000, Some(1), 0, Ack::OK), (0x2000_0004, Some(2), 1, Ack::OK)]);
}

#[test]
fn a_read_whose_value_the_probe_could_not_fetch_is_fetched_by_the_next_read_of_rdbuff() {
    let mut script = Script::new();
    script.ap1().write(AP, 4, 0x2000_0000);
    // The posting read is counted, its value is missing: the fetch was answered WAIT.
    script.ask(&[0x05, 0, 1, AP | READ | 0xC], &[0x05, 1, 2]).read(DP, 0xC, 0x1234_5678);
    let trace = script.trace();
    let last = trace.accesses().last().map(crate::line);
    assert_eq!(last.as_deref(), Some("AP1 read 0x2000_0000 0x1234_5678"));
}

#[test]
fn causes_point_to_the_level_below() {
    let mut script = Script::new();
    script.ap1().poke(0x4002_2028, 0xE4).peek(0x4002_2020, 0);
    let trace = script.trace();
    let below = |level| match level {
        Level::Usb => None,
        Level::Command => Some(Level::Usb),
        Level::Transaction => Some(Level::Command),
        Level::Access | Level::Meaning => Some(Level::Transaction),
        Level::Action => Some(Level::Meaning),
    };
    for level in Level::ALL {
        for event in trace.events(level) {
            match (below(level), event.cause) {
                (Some(below), Some(cause)) => {
                    let cause = &trace.events(below)[cause];
                    assert!(cause.at <= event.until && cause.order <= event.order, "{level:?}");
                }
                (None, None) => {}
                other => panic!("{level:?}: {other:?}"),
            }
        }
    }
}
