//! Keys: a lock is looked at before its keys are written, and they are written once.

use super::{Context, Found, Look, Rule, read, written};
use crate::event::{Body, Event};
use crate::target::Names;
use regs::h5::flash;
use wire::WireEvent;

pub(super) const UNSEEN_LOCK: Rule = Rule {
    id: "key-unseen-lock",
    finds: "a key written to a lock whose state was not read since the last reset",
    why: "the right keys written to a lock that is open shut it until the next system reset",
    note: "H5-FLASH-2",
};

pub(super) const KEY_TWICE: Rule = Rule {
    id: "key-twice",
    finds: "a key written to a lock that is open, or the same key of a sequence written again",
    why: "a repeated or wrong key shuts the lock until the next system reset, and nothing but that reset opens it",
    note: "H5-FLASH-2",
};

/// A lock: its key register, the register that shows whether it is shut and by which bit, its keys.
struct Lock {
    key: u32,
    control: u32,
    shut: u32,
    keys: [u32; 2],
}

const fn lock(key: u32, control: u32, shut: u32, keys: [u32; 2]) -> Lock {
    Lock { key: flash::BASE + key, control: flash::BASE + control, shut, keys }
}

const LOCKS: [Lock; 5] = [
    lock(flash::NSKEYR, flash::NSCR, flash::cr::LOCK, flash::key::FLASH),
    lock(flash::SECKEYR, flash::SECCR, flash::cr::LOCK, flash::key::FLASH),
    lock(flash::OPTKEYR, flash::OPTCR, flash::optcr::OPTLOCK, flash::key::OPTION),
    lock(flash::NSOBKKEYR, flash::NSOBKCFGR, flash::obkcfgr::LOCK, flash::key::OBK),
    lock(flash::SECOBKKEYR, flash::SECOBKCFGR, flash::obkcfgr::LOCK, flash::key::OBK),
];

/// Keys for a lock that nobody has looked at.
#[derive(Debug, Default)]
pub(super) struct UnseenLock {
    /// Of each lock, whether its state is known.
    known: [bool; LOCKS.len()],
    found: Vec<Found>,
}

impl Look for UnseenLock {
    fn see(&mut self, n: usize, event: &Event, _: &Context) {
        match event.body {
            Body::Line(WireEvent::Reset(true)) => self.known = Default::default(),
            // It may have been read where nothing is to be seen.
            Body::Gap(_) => self.known = [true; LOCKS.len()],
            _ => {}
        }
        for (lock, known) in LOCKS.iter().zip(&mut self.known) {
            match (read(event), written(event)) {
                (Some((at, _)), _) if at == lock.control => *known = true,
                // Whoever shuts it knows that it is shut.
                (_, Some((at, Some(value)))) if at == lock.control && value & lock.shut != 0 => *known = true,
                (_, Some((at, _))) if at == lock.key && !*known => {
                    // Once a sequence: the second key belongs to the first.
                    *known = true;
                    let what = format!(
                        "{} is written and its lock was never read",
                        crate::name::place(Names::Stm32H5, wire::Addr(at))
                    );
                    self.found.push(Found { rule: UNSEEN_LOCK, what, events: vec![n] });
                }
                _ => {}
            }
        }
    }

    fn found(self: Box<Self>) -> Vec<Found> {
        self.found
    }
}

/// How far the key sequence of a lock has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Sequence {
    /// It is shut, or nobody knows.
    #[default]
    Shut,
    /// The first key was written here.
    Begun(usize),
    /// Open; the last key was written here.
    Open(usize),
}

/// Keys written again.
#[derive(Debug, Default)]
pub(super) struct KeyTwice {
    at: [Sequence; LOCKS.len()],
    found: Vec<Found>,
}

impl KeyTwice {
    fn key(sequence: Sequence, lock: &Lock, n: usize, value: Option<u32>) -> (Sequence, Option<usize>) {
        let [first, second] = lock.keys;
        match (sequence, value) {
            (Sequence::Open(before), _) => (Sequence::Open(n), Some(before)),
            (Sequence::Begun(before), Some(value)) if value == first => (Sequence::Begun(n), Some(before)),
            (Sequence::Begun(_), Some(value)) if value == second => (Sequence::Open(n), None),
            (Sequence::Shut, Some(value)) if value == first => (Sequence::Begun(n), None),
            _ => (Sequence::Shut, None),
        }
    }
}

impl Look for KeyTwice {
    fn see(&mut self, n: usize, event: &Event, _: &Context) {
        if matches!(event.body, Body::Line(WireEvent::Reset(true)) | Body::Gap(_)) {
            self.at = Default::default();
        }
        for (lock, sequence) in LOCKS.iter().zip(&mut self.at) {
            let shut = |value: Option<u32>| value.is_none_or(|value| value & lock.shut != 0);
            match (read(event), written(event)) {
                (Some((at, value)), _) | (_, Some((at, value))) if at == lock.control && shut(value) => {
                    *sequence = Sequence::Shut;
                }
                (_, Some((at, value))) if at == lock.key => {
                    let (next, before) = KeyTwice::key(*sequence, lock, n, value);
                    *sequence = next;
                    if let Some(before) = before {
                        let what = format!(
                            "{} gets a key again",
                            crate::name::place(Names::Stm32H5, wire::Addr(at))
                        );
                        self.found.push(Found { rule: KEY_TWICE, what, events: vec![before, n] });
                    }
                }
                _ => {}
            }
        }
    }

    fn found(self: Box<Self>) -> Vec<Found> {
        self.found
    }
}
