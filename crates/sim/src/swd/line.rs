//! Line sequences: what the last bits on SWDIO mean outside of any transaction. [ADI-13]

use regs::dp;

/// Clocks with SWDIO high that make a line reset.
const RESET_CLOCKS: u32 = 50;
/// Select codes after at least 50 high clocks, first bit sent in bit 0.
const JTAG_TO_SWD: u16 = 0xE79E;
const SWD_TO_JTAG: u16 = 0xE73C;
const SWD_TO_DORMANT: u16 = 0xE3BC;
/// 31 bits after at least five high clocks.
const JTAG_TO_DORMANT: u128 = 0x33BB_BBBA;
/// The selection alert that wakes a dormant port.
const ALERT: u128 = u128::from_le_bytes([
    0x92, 0xF3, 0x09, 0x62, 0x95, 0x2D, 0x85, 0x86, 0xE9, 0xAF, 0xDD, 0xE3, 0xA2, 0x0E, 0xBC, 0x19,
]);
/// Activation code of an SW-DP, sent after four low clocks.
const ACTIVATE_SWD: u16 = 0x1A;

/// A sequence that has just been completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pattern {
    LineReset,
    JtagToSwd,
    SwdToJtag,
    SwdToDormant,
    JtagToDormant,
    DormantToSwd,
    DormantToJtag,
}

impl Pattern {
    /// The name used in recordings.
    pub(crate) fn switch_name(self) -> &'static str {
        match self {
            Pattern::LineReset => dp::LINE_RESET.name,
            Pattern::JtagToSwd => dp::JTAG_TO_SWD.name,
            Pattern::SwdToJtag => dp::SWD_TO_JTAG.name,
            Pattern::SwdToDormant => dp::SWD_TO_DORMANT.name,
            Pattern::JtagToDormant => dp::JTAG_TO_DORMANT.name,
            Pattern::DormantToSwd => dp::DORMANT_TO_SWD.name,
            Pattern::DormantToJtag => dp::DORMANT_TO_JTAG.name,
        }
    }
}

/// Bits that follow a selection alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Activation {
    bits: u16,
    count: u8,
}

/// The last 128 bits on SWDIO; the newest is bit 127, so that a sequence reads with its first bit lowest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct History {
    bits: u128,
    activation: Option<Activation>,
}

impl History {
    /// Takes one bit and says which sequence it completes.
    pub(crate) fn push(&mut self, bit: bool) -> Option<Pattern> {
        self.bits = (self.bits >> 1) | (u128::from(bit) << 127);
        if let Some(pattern) = self.activate(bit) {
            return Some(pattern);
        }
        if self.bits == ALERT {
            self.activation = Some(Activation { bits: 0, count: 0 });
        }
        if bit && self.bits.leading_ones() == RESET_CLOCKS {
            return Some(Pattern::LineReset);
        }
        self.select_code()
    }

    /// Takes `count` bits, the first of them in bit 0, that cannot complete a sequence because they belong to a
    /// transaction: at most 43 of them in a row are high, and the select codes follow 50.
    pub(crate) fn push_transaction(&mut self, bits: u64, count: u32) {
        self.bits = (self.bits >> count) | (u128::from(bits) << (128 - count));
        self.activation = None;
    }

    fn select_code(&self) -> Option<Pattern> {
        let mask = |bits: u32| (1_u128 << bits) - 1;
        let after_reset = (self.bits >> (112 - RESET_CLOCKS)) & mask(RESET_CLOCKS) == mask(RESET_CLOCKS);
        if after_reset {
            match u16::try_from(self.bits >> 112).unwrap_or_default() {
                JTAG_TO_SWD => return Some(Pattern::JtagToSwd),
                SWD_TO_JTAG => return Some(Pattern::SwdToJtag),
                SWD_TO_DORMANT => return Some(Pattern::SwdToDormant),
                _ => {}
            }
        }
        let to_dormant = self.bits >> 97 == JTAG_TO_DORMANT && (self.bits >> 92) & mask(5) == mask(5);
        to_dormant.then_some(Pattern::JtagToDormant)
    }

    fn activate(&mut self, bit: bool) -> Option<Pattern> {
        let activation = self.activation.as_mut()?;
        activation.bits |= u16::from(bit) << activation.count;
        activation.count += 1;
        let Activation { bits, count } = *activation;
        if count == 16 {
            self.activation = None;
        }
        match (count, bits) {
            (12, bits) if bits == ACTIVATE_SWD << 4 => {
                self.activation = None;
                Some(Pattern::DormantToSwd)
            }
            (16, 0) => Some(Pattern::DormantToJtag),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regs::dp::{self, LineSequence};

    fn seen(history: &mut History, sequence: &LineSequence) -> Vec<Pattern> {
        (0..usize::from(sequence.bits))
            .filter_map(|i| history.push(sequence.bytes[i / 8] >> (i % 8) & 1 == 1))
            .collect()
    }

    #[test]
    fn every_published_sequence_is_recognised() {
        let fresh = |s| seen(&mut History::default(), s);
        assert_eq!(fresh(&dp::LINE_RESET), [Pattern::LineReset]);
        assert_eq!(fresh(&dp::JTAG_TO_SWD), [Pattern::LineReset, Pattern::JtagToSwd, Pattern::LineReset]);
        assert_eq!(fresh(&dp::SWD_TO_JTAG), [Pattern::LineReset, Pattern::SwdToJtag]);
        assert_eq!(fresh(&dp::SWD_TO_DORMANT), [Pattern::LineReset, Pattern::SwdToDormant]);
        assert_eq!(fresh(&dp::JTAG_TO_DORMANT), [Pattern::JtagToDormant]);
        assert_eq!(fresh(&dp::DORMANT_TO_SWD), [Pattern::DormantToSwd, Pattern::LineReset]);
        assert_eq!(fresh(&dp::DORMANT_TO_JTAG), [Pattern::DormantToJtag]);
    }

    #[test]
    fn forty_nine_high_clocks_are_no_line_reset_and_a_hundred_are_one() {
        let mut history = History::default();
        assert!((0..49).all(|_| history.push(true).is_none()));
        assert_eq!(history.push(false), None);
        assert_eq!((0..100).filter_map(|_| history.push(true)).collect::<Vec<_>>(), [Pattern::LineReset]);
    }

    #[test]
    fn a_select_code_without_a_line_reset_before_it_is_nothing() {
        let mut history = History::default();
        let code = LineSequence { name: "bare", bytes: &[0x9E, 0xE7], bits: 16 };
        assert!(seen(&mut history, &code).is_empty());
    }

    #[test]
    fn a_wrong_bit_in_the_alert_or_the_activation_code_wakes_nothing() {
        for spoiled in (8..152).step_by(13) {
            let mut history = History::default();
            let any = (0..152).any(|i| {
                let bit = dp::DORMANT_TO_SWD.bytes[i / 8] >> (i % 8) & 1 == 1;
                history.push(bit != (i == spoiled)).is_some_and(|p| p == Pattern::DormantToSwd)
            });
            assert!(!any || spoiled >= 148, "bit {spoiled}");
        }
    }

    #[test]
    fn bits_of_a_transaction_count_towards_a_line_reset_that_follows() {
        let (mut one_by_one, mut at_once) = (History::default(), History::default());
        let bits = 0x3FFF_8000_1234_u64 & ((1 << 46) - 1);
        for i in 0..46 {
            one_by_one.push(bits >> i & 1 == 1);
        }
        at_once.push_transaction(bits, 46);
        assert_eq!(one_by_one, at_once);
    }
}
