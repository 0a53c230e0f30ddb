//! Line sequences among the clocks of a capture. [ADI-13]

use super::clocks::Clocks;
use regs::dp::{
    DORMANT_TO_JTAG, DORMANT_TO_SWD, JTAG_TO_DORMANT, JTAG_TO_SWD, JTAG_TO_SWD_OLD, LineSequence,
    SWD_TO_DORMANT, SWD_TO_JTAG,
};

/// A line reset has at least so many clocks with SWDIO high.
pub(crate) const LINE_RESET_CLOCKS: usize = 50;
/// High clocks before a select code that are enough where the capture begins with them.
const SHORTEST_LEAD: usize = 8;
/// Clocks of a select code.
const CODE: usize = 16;
/// Clocks of the selection alert, and of the longest activation code with the low clocks before it.
const ALERT: usize = 128;
const ACTIVATION: usize = 16;
/// The longest sequence that is looked for.
const LONGEST: usize = ALERT + ACTIVATION;
/// High clocks before the sequence that puts a JTAG port to sleep.
const LEAD: usize = 5;
const TO_DORMANT: usize = 31;

/// What a port listens to behind a switch sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listens {
    /// To SWD, as far as is known.
    Swd,
    /// To JTAG, or to nothing but a wake-up.
    Elsewhere,
}

/// A switch sequence with its length in clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Switch {
    pub(crate) name: &'static str,
    pub(crate) clocks: usize,
    pub(crate) to: Listens,
}

impl Switch {
    fn new(sequence: &'static LineSequence, clocks: usize) -> Switch {
        let to_swd = [&JTAG_TO_SWD, &JTAG_TO_SWD_OLD, &DORMANT_TO_SWD];
        let to =
            if to_swd.iter().any(|s| s.name == sequence.name) { Listens::Swd } else { Listens::Elsewhere };
        Switch { name: sequence.name, clocks, to }
    }

    /// The switch sequence that begins at a clock.
    pub(crate) fn at(clocks: &Clocks, at: usize) -> Option<Switch> {
        let word = clocks.word(at);
        // Every one of them begins with a low clock.
        if word & 1 == 1 {
            return None;
        }
        let left = clocks.len().saturating_sub(at);
        select_code(clocks, at, word, left)
            .or_else(|| alert(clocks, at, word, left))
            .or_else(|| to_dormant(clocks, at, word, left))
    }
}

/// The 16 bits of a sequence from byte `skip` on.
fn code(sequence: &LineSequence, skip: usize) -> Option<u64> {
    let bytes = sequence.bytes.get(skip..)?.first_chunk()?;
    Some(u64::from(u16::from_le_bytes(*bytes)))
}

fn select_code(clocks: &Clocks, at: usize, word: u64, left: usize) -> Option<Switch> {
    // At the beginning of a capture a part of the high clocks may be missing.
    let lead = at.min(LINE_RESET_CLOCKS);
    if left < CODE || lead < SHORTEST_LEAD {
        return None;
    }
    let known = [(&JTAG_TO_SWD, 7), (&SWD_TO_JTAG, 7), (&SWD_TO_DORMANT, 7), (&JTAG_TO_SWD_OLD, 0)];
    let (sequence, _) = known.into_iter().find(|(s, skip)| code(s, *skip) == Some(word & 0xFFFF))?;
    let reset = (1 << lead) - 1;
    let after_reset = clocks.word(at - lead) & reset == reset;
    after_reset.then(|| Switch::new(sequence, CODE))
}

fn alert(clocks: &Clocks, at: usize, word: u64, left: usize) -> Option<Switch> {
    let alert = u128::from_le_bytes(*DORMANT_TO_SWD.bytes.get(1..)?.first_chunk()?);
    if left < LONGEST || u128::from(word) | u128::from(clocks.word(at + 64)) << 64 != alert {
        return None;
    }
    let activation = |s: &LineSequence| code(s, 1 + ALERT / 8);
    let seen = clocks.word(at + ALERT);
    // Four low clocks and eight of the activation code.
    if activation(&DORMANT_TO_SWD).is_some_and(|code| (code ^ seen) & 0xFFF == 0) {
        return Some(Switch::new(&DORMANT_TO_SWD, ALERT + 12));
    }
    let jtag = activation(&DORMANT_TO_JTAG).is_some_and(|code| (code ^ seen) & 0xFFFF == 0);
    jtag.then(|| Switch::new(&DORMANT_TO_JTAG, ALERT + ACTIVATION))
}

fn to_dormant(clocks: &Clocks, at: usize, word: u64, left: usize) -> Option<Switch> {
    if left < TO_DORMANT || at < LEAD || clocks.word(at - LEAD) & 0x1F != 0x1F {
        return None;
    }
    let sent = u64::from(u32::from_le_bytes(*JTAG_TO_DORMANT.bytes.get(1..)?.first_chunk()?));
    // The sequence begins with the last of the high clocks.
    let code = sent >> 1;
    (word & ((1 << TO_DORMANT) - 1) == code).then(|| Switch::new(&JTAG_TO_DORMANT, TO_DORMANT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clocks(sequence: &LineSequence) -> Clocks {
        let mut clocks = Clocks::default();
        for n in 0..usize::from(sequence.bits) {
            clocks.push(sequence.bytes[n / 8] >> (n % 8) & 1 == 1, 0);
        }
        for _ in 0..32 {
            clocks.push(false, 0);
        }
        clocks
    }

    #[test]
    fn every_switch_sequence_is_found_at_its_place_and_nowhere_else() {
        let all = [
            (&JTAG_TO_SWD, 56, 16, Listens::Swd),
            (&SWD_TO_JTAG, 56, 16, Listens::Elsewhere),
            (&SWD_TO_DORMANT, 56, 16, Listens::Elsewhere),
            (&DORMANT_TO_SWD, 8, 140, Listens::Swd),
            (&DORMANT_TO_JTAG, 8, 144, Listens::Elsewhere),
            (&JTAG_TO_DORMANT, 9, 31, Listens::Elsewhere),
        ];
        for (sequence, place, length, to) in all {
            let clocks = clocks(sequence);
            let found: Vec<(usize, Switch)> =
                (0..clocks.len()).filter_map(|at| Some((at, Switch::at(&clocks, at)?))).collect();
            assert_eq!(found.len(), 1, "{}: {found:?}", sequence.name);
            let (at, switch) = found[0];
            assert_eq!((at, switch.name, switch.clocks), (place, sequence.name, length));
            assert_eq!(switch.to, to, "{}", sequence.name);
        }
    }
}
