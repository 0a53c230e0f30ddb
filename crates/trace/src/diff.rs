//! Comparing two traces: what does one of them do that the other does not?
//!
//! Both are brought to a list of [`Item`]s of one [`Equality`], whatever probe and whatever tool they come from; the longest
//! common part of the lists is taken out, and what is left are the [`Hunk`]s. Times are shown and not compared. What was
//! written must be equal; what was read is compared where both did the same read, and reported apart, but for the bits of
//! [`Masks`]: a status register or a counter gives what it likes. A value that one of them does not show, because it is
//! masked or because the source does not hold it, is no difference, and is counted ([`Unseen`]).

mod align;
mod cells;
mod digest;
mod items;
mod key;
mod masks;
mod polls;
mod timing;
mod unseen;

use crate::{Names, Trace};
pub use items::Item;
pub use masks::{Masks, mask};
use std::fmt;
use std::ops::Range;
pub use timing::Timing;
pub use unseen::{Hidden, Unseen};

/// What counts as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Equality {
    /// 1: the same SWD transactions with the same ack and data, and the same line sequences.
    Transactions,
    /// 2: the same, but for WAITs that were repeated, line sequences, and SELECT, CSW and TAR written with what they held.
    Performed,
    /// 3: the same memory accesses in the same order, however they were cut into blocks and wherever SELECT, CSW and TAR were
    /// written; the same accesses to other AP registers; the same resets.
    Accesses,
    /// 4: the same, but for how often a register or a loop was polled.
    Polls,
    /// 5: the same actions.
    Actions,
}

impl Equality {
    /// The number people type: 1 to 5.
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The one with this number.
    pub fn from_number(n: u8) -> Option<Equality> {
        use Equality::{Accesses, Actions, Performed, Polls, Transactions};
        [Transactions, Performed, Accesses, Polls, Actions].into_iter().find(|e| e.number() == n)
    }

    /// Whether it needs the transactions themselves.
    const fn needs_the_wire(self) -> bool {
        matches!(self, Equality::Transactions | Equality::Performed)
    }

    /// What is left out of the comparison.
    pub const fn ignores(self) -> &'static str {
        match self {
            Equality::Transactions => "times, USB packets, WAITs that a probe repeats by itself",
            Equality::Performed => {
                "times, USB packets, WAITs that were repeated, line sequences, SELECT, CSW and TAR written with what they \
                 held"
            }
            Equality::Accesses => {
                "times, USB packets, WAITs, how accesses are cut into blocks, connecting, DP registers, SELECT, CSW, TAR"
            }
            Equality::Polls => {
                "times, USB packets, WAITs, how accesses are cut into blocks, connecting, DP registers, SELECT, CSW, TAR, \
                 how often is polled"
            }
            Equality::Actions => {
                "times, USB packets, WAITs, connecting, how an action is done, the data of blocks"
            }
        }
    }
}

impl fmt::Display for Equality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Equality::Transactions => "SWD transactions",
            Equality::Performed => "SWD transactions that were performed",
            Equality::Accesses => "memory accesses",
            Equality::Polls => "memory accesses, polls folded",
            Equality::Actions => "actions",
        })
    }
}

/// Why two traces cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotComparable {
    /// A probe hides what would be compared.
    #[error(
        "level {level} ({what}) cannot be seen in {side}: an ST-Link is given memory commands and keeps its transactions to \
         itself, and a log of accesses has none; level 3 and up can be compared",
        level = level.number(),
        what = level
    )]
    Hidden {
        /// The first or the second.
        side: Side,
        /// The level that was asked for.
        level: Equality,
    },
    /// Nothing in it was understood.
    #[error("nothing in {side} could be decoded")]
    Nothing {
        /// The first or the second.
        side: Side,
    },
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The first.
    A,
    /// The second.
    B,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::A => "A",
            Side::B => "B",
        })
    }
}

/// One line of a hunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Row {
    /// Only the first trace has it.
    OnlyA(usize),
    /// Only the second trace has it.
    OnlyB(usize),
    /// Both go to the same place, with other values or another outcome.
    Changed(usize, usize),
    /// Equal: between what differs, or as far as both are known.
    Same(usize, usize),
}

/// A place where the traces differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Items of the first trace.
    pub a: Range<usize>,
    /// Items of the second trace.
    pub b: Range<usize>,
    /// Side by side.
    pub rows: Vec<Row>,
}

/// The result of a comparison.
#[derive(Debug)]
pub struct Diff {
    /// What counted as equal.
    pub level: Equality,
    /// What the first trace does.
    pub a: Vec<Item>,
    /// What the second trace does.
    pub b: Vec<Item>,
    /// Where they differ, in order.
    pub hunks: Vec<Hunk>,
    /// Equal reads that gave different values.
    pub values: Vec<(usize, usize)>,
    /// Equal polls of different length.
    pub polls: Vec<(usize, usize)>,
    /// Values that were not compared.
    pub unseen: Unseen,
}

impl Diff {
    /// Whether both do the same. What reads gave does not count.
    pub fn same(&self) -> bool {
        self.hunks.is_empty()
    }

    /// How many bytes of a secret two items move, where both traces hold it in clear and it is not the same.
    pub fn differing_secret(&self, a: usize, b: usize) -> Option<u32> {
        let (a, b) = (self.a.get(a)?, self.b.get(b)?);
        a.keeps_another_secret_than(b).then(|| a.bytes())
    }

    /// The pairs of equal items in order: everything outside of the hunks.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        outside(&self.hunks, self.a.len(), self.b.len())
    }
}

fn outside(hunks: &[Hunk], a: usize, b: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
    let ends = hunks.iter().map(|hunk| (hunk.a.clone(), hunk.b.clone())).chain(std::iter::once((a..a, b..b)));
    ends.scan((0, 0), |from, (a, b)| {
        let run = (from.0..a.start).zip(from.1..b.start);
        *from = (a.end, b.end);
        Some(run)
    })
    .flatten()
}

/// Compares two traces.
///
/// # Errors
/// [`NotComparable`] when one of them does not show what would be compared.
pub fn diff(a: &Trace, b: &Trace, level: Equality) -> Result<Diff, NotComparable> {
    diff_with(a, b, level, &Masks::default())
}

/// Compares two traces; bits of `masks` do not count in what reads gave.
///
/// # Errors
/// [`NotComparable`] when one of them does not show what would be compared.
pub fn diff_with(a: &Trace, b: &Trace, level: Equality, masks: &Masks) -> Result<Diff, NotComparable> {
    for (side, trace) in [(Side::A, a), (Side::B, b)] {
        match trace.protocol() {
            None => return Err(NotComparable::Nothing { side }),
            Some(_) if trace.hides_the_wire() && level.needs_the_wire() => {
                return Err(NotComparable::Hidden { side, level });
            }
            Some(_) => {}
        }
    }
    let names = if [a, b].iter().all(|trace| trace.target().names == Names::Stm32H5) {
        Names::Stm32H5
    } else {
        Names::CortexM
    };
    let (a, b) = (items::items(a, level), items::items(b, level));
    let hunks = align::hunks(&a, &b);
    let (values, polls, unseen) = (Vec::new(), Vec::new(), Unseen::default());
    let mut diff = Diff { level, a, b, hunks, values, polls, unseen };
    diff.look_at_pairs(masks, names);
    Ok(diff)
}

impl Diff {
    /// What is told of items that stand beside each other.
    fn look_at_pairs(&mut self, masks: &Masks, names: Names) {
        let hunks = std::mem::take(&mut self.hunks);
        for (n, m) in outside(&hunks, self.a.len(), self.b.len()) {
            self.look(n, m, true, masks, names);
        }
        for row in hunks.iter().flat_map(|hunk| &hunk.rows) {
            match *row {
                Row::Same(n, m) => self.look(n, m, true, masks, names),
                Row::Changed(n, m) => self.look(n, m, false, masks, names),
                Row::OnlyA(_) | Row::OnlyB(_) => {}
            }
        }
        self.hunks = hunks;
        self.values.sort_unstable();
        self.polls.sort_unstable();
    }

    fn look(&mut self, n: usize, m: usize, equal: bool, masks: &Masks, names: Names) {
        let (Some(one), Some(other)) = (self.a.get_mut(n), self.b.get_mut(m)) else { return };
        // What one of them must not show the other must not show either.
        let secret = one.secret || other.secret;
        (one.secret, other.secret) = (secret, secret);
        if !equal {
            return;
        }
        self.unseen.count(one, other);
        if one.gave_another_value_than(other, masks, names) {
            self.values.push((n, m));
        }
        if one.turns != other.turns {
            self.polls.push((n, m));
        }
    }
}

#[cfg(test)]
mod tests;
