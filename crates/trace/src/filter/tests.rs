use super::Filter;
use crate::script::{AP, READ, Script};
use std::time::Duration;
use wire::{Ack, ApSel, Level, MarkKind};

const SR: u32 = 0x4002_2020;
const CR: u32 = 0x4002_2028;
const RAM: u32 = 0x2000_0000;

/// Five accesses, the third answered WAIT and repeated, the last refused, in two steps.
fn script() -> Script {
    let mut script = Script::new();
    script.ap1().mark(MarkKind::Step, "first").poke(CR, 1).peek(SR, 1);
    script.write(AP, 4, RAM).ask(&[0x05, 0, 1, AP | READ | 0xC], &[0x05, 0, 2]).read(AP, 0xC, 7);
    script.mark(MarkKind::Step, "second").poke(RAM + 0x100, 2);
    script.write(AP, 4, 0x3000_0000).ask(&[0x05, 0, 1, AP | READ | 0xC], &[0x05, 0, 4]);
    script
}

/// The lines of a level that pass.
fn shown(filter: &Filter, level: Level) -> Vec<String> {
    let trace = script().trace();
    let pass = filter.select(&trace, level);
    assert_eq!(pass.len(), trace.events(level).len());
    let events = trace.events(level).iter().zip(pass);
    events.filter(|(_, pass)| *pass).map(|(event, _)| crate::line(event)).collect()
}

#[test]
fn without_a_wish_everything_passes() {
    let filter = Filter::default();
    assert!(filter.is_open());
    for level in Level::ALL {
        assert_eq!(shown(&filter, level).len(), script().trace().events(level).len());
    }
}

#[test]
fn an_address_range_takes_what_touches_it() {
    let filter = Filter { addresses: vec![RAM + 0x102..=RAM + 0x200], ..Filter::default() };
    assert_eq!(shown(&filter, Level::Access), ["AP1 write 0x2000_0100 0x0000_0002"]);
    assert_eq!(shown(&filter, Level::Transaction).len(), 1, "the data");
    assert_eq!(shown(&filter, Level::Command).len(), 1);
}

#[test]
fn registers_go_by_name_and_by_the_beginning_of_it() {
    let named = |name: &str| Filter { registers: vec![name.to_owned()], ..Filter::default() };
    assert_eq!(shown(&named("flash_nssr"), Level::Meaning).len(), 1);
    assert_eq!(shown(&named("FLASH_*"), Level::Meaning).len(), 2);
    assert_eq!(shown(&named("CSW"), Level::Transaction).len(), 1);
    assert!(shown(&named("OPTCR"), Level::Meaning).is_empty());
}

#[test]
fn acks_are_asked_of_the_transactions_and_of_what_became_of_them() {
    let with = |ack| Filter { ack: Some(ack), ..Filter::default() };
    assert_eq!(shown(&with(Ack::WAIT), Level::Transaction), ["AP read 0xC WAIT"]);
    assert_eq!(shown(&with(Ack::WAIT), Level::Access), ["AP1 read 0x2000_0000 0x0000_0007 (1 WAIT)"]);
    assert_eq!(shown(&with(Ack::FAULT), Level::Access), ["AP1 read 0x3000_0000 -> FAULT"]);
    assert_eq!(
        shown(&with(Ack::FAULT), Level::Usb).len(),
        shown(&with(Ack::FAULT), Level::Command).len() * 2
    );
}

#[test]
fn a_port_a_time_and_a_mark_narrow_it_down() {
    assert!(shown(&Filter { ap: Some(ApSel(0)), ..Filter::default() }, Level::Access).is_empty());
    assert_eq!(shown(&Filter { ap: Some(ApSel(1)), ..Filter::default() }, Level::Access).len(), 5);
    let second = Filter { mark: Some("sec".to_owned()), ..Filter::default() };
    assert_eq!(shown(&second, Level::Access).len(), 2);
    let trace = script().trace();
    let from = trace.events(Level::Access)[3].at;
    assert_eq!(shown(&Filter { from: Some(from), ..Filter::default() }, Level::Access).len(), 2);
    let to = Some(from - Duration::from_nanos(1));
    assert_eq!(shown(&Filter { to, ..Filter::default() }, Level::Access).len(), 3);
}
