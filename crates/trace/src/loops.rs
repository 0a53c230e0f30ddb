//! Loops: a list of things that is repeated at once, perhaps with addresses that move on by the same step each time.

/// Longest body of a loop.
pub(crate) const LONGEST: usize = 16;
/// Loops in loops in loops.
pub(crate) const DEEPEST: usize = 3;

/// What the search looks at in place of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Equal for things that are the same but for their address.
    pub(crate) key: usize,
    /// An address that may move on; 0 where none does.
    pub(crate) at: u32,
    /// It may be part of a loop.
    pub(crate) foldable: bool,
    /// It looks at something.
    pub(crate) reads: bool,
    /// It changes something.
    pub(crate) writes: bool,
}

/// Turns from which a body that only reads, and one that writes too, is a loop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Least {
    pub(crate) reads: usize,
    pub(crate) writes: usize,
}

/// A loop: the length of its body and the number of turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turns {
    pub(crate) period: usize,
    pub(crate) turns: usize,
}

/// The loop at the head of a list that covers most. A body that does nothing but write is none: doing something twice is
/// not waiting for it.
pub(crate) fn best(marks: &[Mark], least: Least) -> Option<Turns> {
    let first = marks.first()?;
    let mut found: Option<Turns> = None;
    let (mut reads, mut writes) = (false, false);
    for (period, last) in (1..=LONGEST.min(marks.len() / 2)).zip(marks) {
        // A longer body holds this one too.
        if !last.foldable {
            break;
        }
        reads |= last.reads;
        writes |= last.writes;
        if marks.get(period).map(|mark| mark.key) != Some(first.key) || !reads {
            continue;
        }
        let turns = turns(marks, period);
        let enough = if writes { least.writes } else { least.reads };
        if turns >= enough && found.is_none_or(|best| period * turns > best.period * best.turns) {
            found = Some(Turns { period, turns });
        }
    }
    found
}

/// How often the first `period` marks are there in a row. The second turn says how far each address moves.
fn turns(marks: &[Mark], period: usize) -> usize {
    let mut rest = marks.chunks_exact(period);
    let (Some(body), Some(second)) = (rest.next(), marks.get(period..2 * period)) else { return 1 };
    let mut moved: Vec<u32> = vec![0; body.len()];
    let goes_on = |turn: &&[Mark]| {
        body.iter().zip(second).zip(turn.iter()).zip(&mut moved).all(|(((first, second), mark), moved)| {
            *moved = moved.wrapping_add(second.at.wrapping_sub(first.at));
            mark.key == first.key && mark.at == first.at.wrapping_add(*moved)
        })
    };
    1 + rest.take_while(goes_on).count()
}
