//! The way back: from a packet of link type 148 to what was on the wire.

use super::{DERIVED, IMPLIED, MATCHED, REFUSED, SECRET};
use crate::event::{Match, OnWire, Unreadable, Wired};
use regs::dp::SEQUENCES;
use std::time::Duration;
use wire::{Ack, Certainty, RegSel, Transaction, WireEvent};

/// What one packet says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) took: Duration,
    pub(crate) certainty: Certainty,
    pub(crate) wired: Wired,
}

/// Reads a packet. `None` when it makes no sense, or when anything is left of it.
pub(crate) fn packet(bytes: &[u8]) -> Option<Listed> {
    let mut rest = bytes;
    let (mut certainty, mut took) = (Certainty::Explicit, Duration::ZERO);
    if rest.first() == Some(&DERIVED) {
        let [_, sure] = take(&mut rest)?;
        certainty = super::CERTAINTIES.get(usize::from(sure)).copied()?;
        took = Duration::from_nanos(u64::from_le_bytes(take(&mut rest)?));
    }
    let [kind] = take(&mut rest)?;
    let wired = match kind {
        0 => transaction(&mut rest)?,
        1 => event(WireEvent::LineReset),
        2 => event(WireEvent::Switch(switch(&mut rest)?)),
        3 => event(WireEvent::Reset(true)),
        4 => event(WireEvent::Reset(false)),
        5 => event(WireEvent::Idle(Duration::from_nanos(u64::from_le_bytes(take(&mut rest)?)))),
        6 => {
            let (count, data) = clocks(&mut rest)?;
            Wired::plain(OnWire::Bits { count, data })
        }
        7 => Wired::plain(OnWire::Lost),
        8 => {
            let (count, data) = clocks(&mut rest)?;
            let [why] = take(&mut rest)?;
            let (why, tick) =
                (super::REASONS.get(usize::from(why)).copied()?, u64::from_le_bytes(take(&mut rest)?));
            Wired::plain(OnWire::Unreadable(Box::new(Unreadable { why, tick, count, data })))
        }
        10 => Wired::plain(OnWire::Gap(u64::from_le_bytes(take(&mut rest)?))),
        _ => return None,
    };
    rest.is_empty().then_some(Listed { took, certainty, wired })
}

fn event(event: WireEvent) -> Wired {
    Wired::plain(OnWire::Event(event))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, behind) = rest.split_first_chunk::<N>()?;
    *rest = behind;
    Some(*taken)
}

fn word(rest: &mut &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(take(rest)?))
}

fn transaction(rest: &mut &[u8]) -> Option<Wired> {
    let [request, ack, moved, known] = take(rest)?;
    let (ap, read, a) = (request & 2 != 0, request & 4 != 0, (request >> 3 & 3) << 2);
    if regs::dp::request(ap, read, a) != request || moved > 1 || known > SECRET | IMPLIED | REFUSED | MATCHED
    {
        return None;
    }
    let data = if moved == 1 { Some(word(rest)?) } else { None };
    let refused = if known & REFUSED != 0 { Some(word(rest)?) } else { None };
    let matching = if known & MATCHED != 0 { Some(matching(rest)?) } else { None };
    let reg = if ap { RegSel::ap(a) } else { RegSel::dp(a) };
    let what = OnWire::Event(WireEvent::Transaction(Transaction { reg, read, ack: Ack(ack), data }));
    let (secret, implied) = (known & SECRET != 0, known & IMPLIED != 0);
    Some(Wired { what, secret, implied, refused, matching })
}

fn matching(rest: &mut &[u8]) -> Option<Match> {
    let [flags] = take(rest)?;
    let (mask, value) = (word(rest)?, word(rest)?);
    (flags <= 3).then_some(Match { mask: (flags & 1 != 0).then_some(mask), value, reached: flags & 2 != 0 })
}

/// A switch sequence that is known by its name.
fn switch(rest: &mut &[u8]) -> Option<&'static str> {
    let name = std::mem::take(rest);
    SEQUENCES.iter().map(|sequence| sequence.name).find(|known| known.as_bytes() == name)
}

fn clocks(rest: &mut &[u8]) -> Option<(usize, Vec<u8>)> {
    let count = usize::try_from(word(rest)?).ok()?;
    let (data, behind) = rest.split_at_checked(count.div_ceil(8))?;
    *rest = behind;
    Some((count, data.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::wired;
    use proptest::prelude::*;

    fn any_wired() -> impl Strategy<Value = Wired> {
        let word = proptest::option::of(any::<u32>());
        let matching = proptest::option::of((word.clone(), any::<u32>(), any::<bool>()));
        let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
        let transaction = (flags, 0u8..4, any::<u8>(), word.clone(), word, matching).prop_map(
            |((ap, read, secret, implied), a, ack, data, refused, matching)| {
                let reg = if ap { RegSel::ap(a << 2) } else { RegSel::dp(a << 2) };
                let transaction = Transaction { reg, read, ack: Ack(ack), data };
                let matching = matching.map(|(mask, value, reached)| Match { mask, value, reached });
                let what = OnWire::Event(WireEvent::Transaction(transaction));
                Wired { what, secret, implied, refused, matching }
            },
        );
        // Of the last byte up to seven bits may be no clocks.
        let bits = (proptest::collection::vec(any::<u8>(), 0..9), 0..8usize)
            .prop_map(|(data, spare)| ((data.len() * 8).saturating_sub(spare), data));
        let line = prop_oneof![
            Just(WireEvent::LineReset),
            (0..SEQUENCES.len()).prop_map(|n| WireEvent::Switch(SEQUENCES[n].name)),
            any::<bool>().prop_map(WireEvent::Reset),
            any::<u64>().prop_map(|nanos| WireEvent::Idle(Duration::from_nanos(nanos))),
        ];
        prop_oneof![
            transaction,
            line.prop_map(event),
            Just(Wired::plain(OnWire::Lost)),
            any::<u64>().prop_map(|records| Wired::plain(OnWire::Gap(records))),
            bits.clone().prop_map(|(count, data)| Wired::plain(OnWire::Bits { count, data })),
            (bits, any::<u64>(), 0..5usize).prop_map(|((count, data), tick, why)| {
                let why = crate::truth::REASONS[why];
                Wired::plain(OnWire::Unreadable(Box::new(Unreadable { why, tick, count, data })))
            }),
        ]
    }

    fn written(listed: &Listed) -> Vec<u8> {
        let mut bytes = Vec::new();
        wired(&listed.wired, listed.certainty, listed.took, &mut bytes);
        bytes
    }

    proptest! {
        #[test]
        fn what_was_written_reads_back_and_what_is_cut_does_not(
            wired in any_wired(), sure in 0..5usize, nanos in any::<u64>(),
        ) {
            let (certainty, took) = (crate::truth::CERTAINTIES[sure], Duration::from_nanos(nanos));
            let listed = Listed { took, certainty, wired };
            let bytes = written(&listed);
            prop_assert_eq!(packet(&bytes), Some(listed));
            for n in 0..bytes.len() {
                // A shorter name may be that of another sequence.
                prop_assert!(packet(&bytes[..n]).is_none_or(|found| matches!(found.wired.what, OnWire::Event(WireEvent::Switch(_)))), "{} bytes", n);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(listed) = packet(&bytes) {
                prop_assert_eq!(packet(&written(&listed)), Some(listed));
            }
        }
    }

    #[test]
    fn what_stands_behind_a_packet_is_an_error() {
        assert_eq!(packet(&[1]).map(|found| found.wired), Some(event(WireEvent::LineReset)));
        assert_eq!(packet(&[1, 0]), None);
        assert_eq!(packet(b"\x02no such sequence"), None);
        assert_eq!(packet(&[0, 0x81, 1, 0, 0, 0]), None, "a request whose parity is wrong");
    }
}
