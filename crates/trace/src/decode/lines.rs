//! Line sequences: bits become "line reset" and "JTAG to SWD". [ADI-13]

use crate::event::OnWire;
use regs::dp::{
    DORMANT_TO_JTAG, DORMANT_TO_SWD, JTAG_TO_SWD, JTAG_TO_SWD_OLD, LineSequence, SWD_TO_DORMANT, SWD_TO_JTAG,
};
use wire::WireEvent;

/// A line reset has at least so many clocks with SWDIO high.
const LINE_RESET_CLOCKS: usize = 50;
/// Bytes of ones at the head of the sequences that have a select code.
const RESET_BYTES: usize = 7;
/// Bytes of a select code.
const CODE_BYTES: usize = 2;
/// Bytes of ones before the selection alert.
const ALERT_LEAD: usize = 1;

/// The bits of packed bytes, least significant first.
pub(super) fn bits(data: &[u8], count: usize) -> Vec<bool> {
    data.iter().flat_map(|byte| (0..8).map(move |n| byte >> n & 1 != 0)).take(count).collect()
}

fn packed(bits: &[bool]) -> Vec<u8> {
    bits.chunks(8).map(|byte| byte.iter().rev().fold(0u8, |all, bit| all << 1 | u8::from(*bit))).collect()
}

/// What tells a switch sequence from others: its select code, or the alert with what follows it.
fn tells(sequence: &LineSequence) -> Vec<bool> {
    let alerted = std::ptr::eq(sequence, &DORMANT_TO_SWD) || std::ptr::eq(sequence, &DORMANT_TO_JTAG);
    let bytes = if alerted {
        // Lead, 128 bits of alert, four low clocks, eight bits of activation code.
        sequence.bytes.get(ALERT_LEAD..ALERT_LEAD + 16 + 2)
    } else if sequence.bytes.len() > RESET_BYTES {
        sequence.bytes.get(RESET_BYTES..RESET_BYTES + CODE_BYTES)
    } else {
        sequence.bytes.get(..CODE_BYTES)
    };
    let bytes = bytes.unwrap_or(sequence.bytes);
    bits(bytes, if alerted { 128 + 4 + 8 } else { bytes.len() * 8 })
}

/// Takes a bit string apart.
pub(super) fn recognise(bits: &[bool]) -> Vec<OnWire> {
    let switches =
        [&DORMANT_TO_SWD, &DORMANT_TO_JTAG, &JTAG_TO_SWD, &SWD_TO_JTAG, &SWD_TO_DORMANT, &JTAG_TO_SWD_OLD];
    let mut found = Vec::new();
    let mut rest = bits;
    let mut unnamed: Vec<bool> = Vec::new();
    while let Some(first) = rest.first() {
        let ones = rest.iter().take_while(|bit| **bit).count();
        let switch = switches.iter().find_map(|s| {
            let tells = tells(s);
            rest.starts_with(&tells).then_some((s.name, tells.len()))
        });
        let (named, length) = match switch {
            Some((name, length)) => (Some(WireEvent::Switch(name)), length),
            None if ones >= LINE_RESET_CLOCKS => (Some(WireEvent::LineReset), ones),
            None => (None, 1),
        };
        match named {
            Some(event) => {
                flush(&mut unnamed, &mut found);
                found.push(OnWire::Event(event));
            }
            None => unnamed.push(*first),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    flush(&mut unnamed, &mut found);
    found
}

/// Clocks around what was named that are all low, or all high and few, are only spacing.
fn flush(unnamed: &mut Vec<bool>, found: &mut Vec<OnWire>) {
    let bits = std::mem::take(unnamed);
    let spacing = bits.iter().all(|bit| !bit) || bits.iter().all(|bit| *bit);
    if bits.is_empty() || spacing && !found.is_empty() {
        return;
    }
    found.push(OnWire::Bits { count: bits.len(), data: packed(&bits) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use regs::dp::LINE_RESET;

    fn names(sequence: &LineSequence) -> Vec<String> {
        recognise(&bits(sequence.bytes, usize::from(sequence.bits)))
            .into_iter()
            .map(|found| match found {
                OnWire::Event(WireEvent::LineReset) => "line reset".to_owned(),
                OnWire::Event(WireEvent::Switch(name)) => name.to_owned(),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn the_sequences_of_the_register_tables_are_recognised() {
        assert_eq!(names(&LINE_RESET), ["line reset"]);
        assert_eq!(names(&JTAG_TO_SWD), ["line reset", "JTAG to SWD", "line reset"]);
        assert_eq!(names(&SWD_TO_JTAG), ["line reset", "SWD to JTAG"]);
        assert_eq!(names(&SWD_TO_DORMANT), ["line reset", "SWD to dormant"]);
    }

    #[test]
    fn a_dormant_wake_up_is_recognised_with_the_line_reset_behind_it() {
        let found = names(&DORMANT_TO_SWD);
        assert!(found.contains(&"dormant to SWD".to_owned()), "{found:?}");
        assert_eq!(found.last().map(String::as_str), Some("line reset"));
        assert!(names(&DORMANT_TO_JTAG).contains(&"dormant to JTAG".to_owned()));
    }

    #[test]
    fn a_select_code_sent_alone_is_recognised() {
        assert_eq!(recognise(&bits(&[0x9E, 0xE7], 16)), [OnWire::Event(WireEvent::Switch("JTAG to SWD"))]);
    }

    #[test]
    fn forty_nine_high_clocks_are_no_line_reset() {
        assert_eq!(recognise(&[true; 49]), [OnWire::Bits { count: 49, data: packed(&[true; 49]) }]);
        assert_eq!(recognise(&[true; 50]), [OnWire::Event(WireEvent::LineReset)]);
    }

    #[test]
    fn bits_without_a_name_are_kept() {
        assert_eq!(recognise(&bits(&[0xA5], 8)), [OnWire::Bits { count: 8, data: vec![0xA5] }]);
    }
}
