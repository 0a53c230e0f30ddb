//! What is made to go wrong on the wire. Transactions are counted from 1.

use std::ops::Range;

/// A script of faults; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// The supply fails before this transaction is performed.
    pub(crate) cut_at: Option<u64>,
    /// These transactions are answered WAIT unless they are of the kind that never is.
    pub(crate) wait: Vec<Range<u64>>,
    /// The parity bit of this transaction's data is wrong on the wire.
    pub(crate) parity_at: Option<u64>,
    /// This transaction is not understood by the target, which is then silent until a line reset.
    pub(crate) no_ack_at: Option<u64>,
    /// Memory accesses to the word at this address fail.
    pub(crate) fault_at: Option<u32>,
}

impl Faults {
    /// The first transaction from `next` on that one of the scripted faults touches.
    pub(crate) fn next_from(&self, next: u64) -> Option<u64> {
        let points = [self.cut_at, self.parity_at, self.no_ack_at].into_iter().flatten();
        let storms = self.wait.iter().filter(|w| next < w.end).map(|w| w.start.max(next));
        points.filter(|n| *n >= next).chain(storms).min()
    }
}
