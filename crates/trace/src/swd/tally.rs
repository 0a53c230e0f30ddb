//! What the clocks of a capture were spent on.

/// Rises of SWCLK, by what they were for. What is in none of the parts is idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// All.
    pub(crate) clocks: u64,
    /// Transactions, those that were answered WAIT too.
    pub(crate) transactions: u64,
    /// Transactions that were answered WAIT.
    pub(crate) waits: u64,
    /// Line resets and switch sequences.
    pub(crate) sequences: u64,
    /// Clocks that belong to nothing, and those of a port that was switched away from SWD.
    pub(crate) others: u64,
    /// Turnaround at the end.
    pub(crate) turnaround: u64,
}

impl Tally {
    /// Clocks on which nothing happened.
    pub(crate) fn idle(&self) -> u64 {
        self.clocks.saturating_sub(self.transactions + self.sequences + self.others)
    }
}

/// A number of clocks.
pub(super) fn count(clocks: usize) -> u64 {
    u64::try_from(clocks).unwrap_or(u64::MAX)
}
