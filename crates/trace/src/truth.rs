//! What was on the wire, as a list: written by whoever can see it (the simulator), and by exports.
//!
//! Interface 2 of a recording (link type USER1) holds one packet for each event. Its first byte says what it is: 0 a
//! transaction, 1 a line reset, 2 a switch sequence (its name follows), 3 nRESET low, 4 nRESET released, 5 idle (nanoseconds
//! follow, eight bytes), and in exports 6 clocks that no specification names (their count in four bytes, then the bits), 7 a
//! command without an answer, 8 clocks that could not be read (as 6, then one byte why and eight bytes where), 10 a hole
//! (how many USB records are missing, eight bytes).
//!
//! A transaction has four more: the request as it is sent, the ack, 1 when there was a data phase, what is to be known of it
//! (bit 0: the data are secret, bit 1: the probe added it, bit 2: refused, bit 3: matched). Then come four bytes of data if
//! there were any, four bytes that the target refused, and of a match one byte (bit 0: the mask is known, bit 1: it was
//! reached), its mask and its value.
//!
//! What was derived from other records begins with 9, one byte how sure it is and eight bytes how long it took, in nanoseconds.
//! The packet's comment says the same in words. All numbers are little-endian.

mod read;

pub(crate) use read::{Listed, packet as read};

use crate::event::{Match, OnWire, Why, Wired};
use crate::{pcapng, recorder, text};
use std::time::Duration;
use wire::{Certainty, Port, Transaction, WireEvent};

const SECRET: u8 = 1;
const IMPLIED: u8 = 2;
const REFUSED: u8 = 4;
const MATCHED: u8 = 8;
/// What begins so was derived from other records.
const DERIVED: u8 = 9;

/// How sure something is, by number.
const CERTAINTIES: [Certainty; 5] = [
    Certainty::Explicit,
    Certainty::Deterministic,
    Certainty::Inferred,
    Certainty::Hidden,
    Certainty::Assumed,
];
/// Why clocks could not be read, by number.
const REASONS: [Why; 5] = [Why::NoPacket, Why::Began, Why::Cut, Why::NotSwd, Why::Parity];

/// A recording of these events, as a pcapng file. `about` names the source in one line.
pub fn truth(about: &str, events: &[(Duration, WireEvent)]) -> Vec<u8> {
    let mut out = Vec::new();
    let application = concat!("ackwait ", env!("CARGO_PKG_VERSION"));
    let comment = format!("{}\nwire: {}", recorder::SHOWN, about.replace('\n', " "));
    pcapng::recording(&mut out, &comment, application);
    for (at, event) in events {
        let nanos = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        pcapng::packet(&mut out, 2, nanos, &words(event), |out| body(event, out));
    }
    out
}

fn words(event: &WireEvent) -> String {
    let what = OnWire::Event(event.clone());
    text::wired(&Wired { what, secret: false, implied: false, refused: None, matching: None })
}

fn body(event: &WireEvent, out: &mut Vec<u8>) {
    match event {
        WireEvent::Transaction(transaction) => {
            put(transaction, &Wired::plain(OnWire::Event(event.clone())), out);
        }
        WireEvent::LineReset => out.push(1),
        WireEvent::Switch(name) => {
            out.push(2);
            out.extend_from_slice(name.as_bytes());
        }
        WireEvent::Reset(low) => out.push(if *low { 3 } else { 4 }),
        WireEvent::Idle(time) => {
            out.push(5);
            out.extend_from_slice(&u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).to_le_bytes());
        }
    }
}

/// What a trace derived, in the same form.
pub(crate) fn wired(wired: &Wired, certainty: Certainty, took: Duration, out: &mut Vec<u8>) {
    if certainty != Certainty::Explicit || took > Duration::ZERO {
        out.extend_from_slice(&[DERIVED, number(&CERTAINTIES, certainty)]);
        out.extend_from_slice(&u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).to_le_bytes());
    }
    match &wired.what {
        OnWire::Event(WireEvent::Transaction(transaction)) => put(transaction, wired, out),
        OnWire::Event(event) => body(event, out),
        OnWire::Bits { count, data } => clocks(6, *count, data, out),
        OnWire::Lost => out.push(7),
        OnWire::Gap(records) => {
            out.push(10);
            out.extend_from_slice(&records.to_le_bytes());
        }
        OnWire::Unreadable(found) => {
            clocks(8, found.count, &found.data, out);
            out.push(number(&REASONS, found.why));
            out.extend_from_slice(&found.tick.to_le_bytes());
        }
    }
}

/// The place of something in a list that has it.
fn number<T: PartialEq>(list: &[T], one: T) -> u8 {
    list.iter().position(|other| *other == one).and_then(|n| u8::try_from(n).ok()).unwrap_or(u8::MAX)
}

fn clocks(kind: u8, count: usize, data: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(data);
}

fn put(transaction: &Transaction, known: &Wired, out: &mut Vec<u8>) {
    let Transaction { reg, read, ack, data } = transaction;
    let Wired { secret, implied, refused, matching, .. } = known;
    let request = regs::dp::request(reg.port == Port::Ap, *read, reg.a);
    let flags =
        [(*secret, SECRET), (*implied, IMPLIED), (refused.is_some(), REFUSED), (matching.is_some(), MATCHED)];
    let flags = flags.iter().filter(|(set, _)| *set).fold(0, |all, (_, bit)| all | bit);
    out.extend_from_slice(&[0, request, ack.0, u8::from(data.is_some()), flags]);
    for word in data.iter().chain(refused) {
        out.extend_from_slice(&word.to_le_bytes());
    }
    if let Some(Match { mask, value, reached }) = matching {
        out.push(u8::from(mask.is_some()) | u8::from(*reached) << 1);
        out.extend_from_slice(&mask.unwrap_or(0).to_le_bytes());
        out.extend_from_slice(&value.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Ack, RegSel};

    fn event(event: WireEvent) -> (Vec<u8>, String) {
        let mut bytes = Vec::new();
        body(&event, &mut bytes);
        (bytes, words(&event))
    }

    #[test]
    fn a_transaction_is_its_request_ack_and_data_with_a_comment_in_words() {
        let read = Transaction { reg: RegSel::dp(0), read: true, ack: Ack::OK, data: Some(0x6BA0_2477) };
        let (bytes, words) = event(WireEvent::Transaction(read));
        assert_eq!(bytes, [0, 0xA5, 1, 1, 0, 0x77, 0x24, 0xA0, 0x6B]);
        assert_eq!(words, "DP read 0x0 OK 0x6BA0_2477");
        let refused = Transaction { reg: RegSel::ap(0xC), read: false, ack: Ack::WAIT, data: None };
        assert_eq!(
            event(WireEvent::Transaction(refused)),
            (vec![0, 0xBB, 2, 0, 0], "AP write 0xC WAIT".to_owned())
        );
    }

    #[test]
    fn sequences_and_the_reset_pin_are_there_too() {
        assert_eq!(event(WireEvent::LineReset), (vec![1], "line reset".to_owned()));
        assert_eq!(event(WireEvent::Switch("JTAG to SWD")).0, b"\x02JTAG to SWD");
        assert_eq!(event(WireEvent::Reset(true)), (vec![3], "nRESET low".to_owned()));
        assert_eq!(event(WireEvent::Reset(false)).0, [4]);
    }

    #[test]
    fn the_file_has_three_interfaces_and_a_packet_for_each_event() {
        let events = [
            (Duration::from_micros(5), WireEvent::LineReset),
            (Duration::from_micros(9), WireEvent::LineReset),
        ];
        let file = truth("a probe", &events);
        let mut rest = file.as_slice();
        let mut kinds = Vec::new();
        while let Some((kind, length)) =
            rest.first_chunk::<8>().map(|h| (h[0], u32::from_le_bytes([h[4], h[5], h[6], h[7]])))
        {
            kinds.push(kind);
            rest = &rest[length as usize..];
        }
        assert_eq!((kinds, rest.len()), (vec![0x0A, 1, 1, 1, 6, 6], 0));
    }
}
