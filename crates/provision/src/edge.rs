//! Where a run goes on: from what was seen of a part to the next edge of the state machine. Pure.

use crate::job::Goal;
use regs::h5::da::value::INTEGRITY_OK;
use regs::h5::state::ProductState;
use std::fmt;

/// What the journal says about the credential that is in the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Receipt {
    /// Nothing.
    None,
    /// The job's own OBK was taken.
    Same,
    /// Another OBK was taken.
    Other,
}

/// What the journal says about a closed part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Contents {
    /// Nothing.
    Unknown,
    /// It holds what the job wants.
    Same,
    /// It holds something else.
    Other,
}

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Observation {
    /// The product state, read or reported by discovery; `None` while neither worked.
    pub state: Option<ProductState>,
    /// Discovery was asked in this session.
    pub discovered: bool,
    /// What it said about the credential.
    pub integrity: Option<u32>,
    /// The journal about the credential.
    pub receipt: Receipt,
    /// The journal about the contents.
    pub contents: Contents,
}

/// Why a run stops. The part is in a named state and nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// Neither the option bytes nor discovery can be read.
    Unreadable,
    /// CLOSED is proven; what is inside cannot be.
    ContentsUnknown,
    /// CLOSED, and discovery does not vouch for a credential.
    NoCredential,
    /// CLOSED, and the journal says: by another job.
    OtherContents,
    /// The part is further than the job goes.
    BeyondGoal(ProductState),
    /// A state that this job has no way through.
    NoWay(ProductState),
    /// A regression is under way.
    Regressing,
    /// For ever.
    Locked,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StopReason::Unreadable => {
                f.write_str("neither the option bytes nor debug authentication tell the product state")
            }
            StopReason::ContentsUnknown => {
                f.write_str("CLOSED is proven, its contents can't be: there is no journal of this part here")
            }
            StopReason::NoCredential => f.write_str(
                "the part is CLOSED, and the ROM does not vouch for a credential that would open it",
            ),
            StopReason::OtherContents => {
                f.write_str("CLOSED is proven, but the journal says that another job's contents are inside")
            }
            StopReason::BeyondGoal(state) => {
                write!(f, "the part is {state}, which is further than the job goes")
            }
            StopReason::NoWay(state) => {
                write!(f, "the part is {state}, and no step of this job begins there")
            }
            StopReason::Regressing => f.write_str("a regression is under way"),
            StopReason::Locked => f.write_str("the part is LOCKED: there is no way back by any tool"),
        }
    }
}

/// Where the run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edge {
    /// Ask the ROM first.
    Discover,
    /// From the beginning: flash, option bytes, and on.
    Open,
    /// The credential must be written (again: in PROVISIONING that is allowed). Every way to CLOSED from PROVISIONING
    /// begins here.
    Obk,
    /// The credential is in, by all that can be told without writing it; the gate decides. Never leads to CLOSED.
    Gate,
    /// Nothing is left to do.
    Done,
    /// Not from here.
    Stop(StopReason),
}

/// Picks the edge.
pub fn next_edge(seen: &Observation, goal: Goal) -> Edge {
    let Some(state) = seen.state else {
        return if seen.discovered { Edge::Stop(StopReason::Unreadable) } else { Edge::Discover };
    };
    match state {
        ProductState::OPEN => Edge::Open,
        ProductState::PROVISIONING => provisioning(seen, goal),
        ProductState::CLOSED => closed(seen, goal),
        ProductState::LOCKED => Edge::Stop(StopReason::Locked),
        ProductState::REGRESSION | ProductState::NS_REGRESSION => Edge::Stop(StopReason::Regressing),
        other if other.is_known() => Edge::Stop(StopReason::NoWay(other)),
        // A byte that is no state: the register was read at a bad moment, or is torn. The ROM knows better.
        _ if !seen.discovered => Edge::Discover,
        _ => Edge::Stop(StopReason::Unreadable),
    }
}

fn provisioning(seen: &Observation, goal: Goal) -> Edge {
    if goal == Goal::Open {
        return Edge::Stop(StopReason::BeyondGoal(ProductState::PROVISIONING));
    }
    if !seen.discovered {
        return Edge::Discover;
    }
    // What is in OBK cannot be read back, and discovery's word tells only that something whole is there: since the receipt
    // was written another tool may have put its own credential in. So the run that closes a part has written the credential
    // itself; a receipt is enough only for a part that stays where it is. [H5-OBK-13]
    match (goal, seen.integrity, seen.receipt) {
        (Goal::Provisioning, Some(INTEGRITY_OK), Receipt::Same) => Edge::Gate,
        _ => Edge::Obk,
    }
}

fn closed(seen: &Observation, goal: Goal) -> Edge {
    if goal != Goal::Closed {
        return Edge::Stop(StopReason::BeyondGoal(ProductState::CLOSED));
    }
    if !seen.discovered {
        return Edge::Discover;
    }
    // What the journal says about the contents counts only in a part that can be taken back. [H5-OB-8]
    if seen.integrity != Some(INTEGRITY_OK) {
        return Edge::Stop(StopReason::NoCredential);
    }
    match seen.contents {
        Contents::Same => Edge::Done,
        Contents::Unknown => Edge::Stop(StopReason::ContentsUnknown),
        Contents::Other => Edge::Stop(StopReason::OtherContents),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regs::h5::da::value::INTEGRITY_BAD;

    const RECEIPTS: [Receipt; 3] = [Receipt::None, Receipt::Same, Receipt::Other];
    const CONTENTS: [Contents; 3] = [Contents::Unknown, Contents::Same, Contents::Other];
    const GOALS: [Goal; 3] = [Goal::Open, Goal::Provisioning, Goal::Closed];

    fn seen(state: Option<u8>) -> Observation {
        Observation {
            state: state.map(ProductState),
            discovered: true,
            integrity: Some(INTEGRITY_OK),
            receipt: Receipt::Same,
            contents: Contents::Same,
        }
    }

    #[test]
    fn each_state_has_its_edge() {
        use Edge::{Discover, Done, Gate, Obk, Open, Stop};
        let plain = seen(Some(0xED));
        let p17 = seen(Some(0x17));
        let c72 = seen(Some(0x72));
        let blind = |o: Observation| Observation { discovered: false, integrity: None, ..o };
        #[rustfmt::skip]
        let table: &[(&str, Observation, Goal, Edge)] = &[
            ("open", plain, Goal::Closed, Open),
            ("open, nothing asked", blind(plain), Goal::Open, Open),
            ("17, not asked", blind(p17), Goal::Closed, Discover),
            ("17, EA, own receipt", p17, Goal::Closed, Obk),
            ("17, EA, own receipt, to stay there", p17, Goal::Provisioning, Gate),
            ("17, EA, no receipt, to stay there", Observation { receipt: Receipt::None, ..p17 }, Goal::Provisioning, Obk),
            ("17, EA, no receipt", Observation { receipt: Receipt::None, ..p17 }, Goal::Closed, Obk),
            ("17, EA, other receipt", Observation { receipt: Receipt::Other, ..p17 }, Goal::Closed, Obk),
            ("17, F5, own receipt", Observation { integrity: Some(INTEGRITY_BAD), ..p17 }, Goal::Closed, Obk),
            ("17, no integrity", Observation { integrity: None, ..p17 }, Goal::Provisioning, Obk),
            ("17, job stops at open", p17, Goal::Open, Stop(StopReason::BeyondGoal(ProductState(0x17)))),
            ("72, not asked", blind(c72), Goal::Closed, Discover),
            ("72, own contents", c72, Goal::Closed, Done),
            ("72, F5", Observation { integrity: Some(INTEGRITY_BAD), ..c72 }, Goal::Closed, Stop(StopReason::NoCredential)),
            ("72, no integrity", Observation { integrity: None, ..c72 }, Goal::Closed, Stop(StopReason::NoCredential)),
            ("72, no journal", Observation { contents: Contents::Unknown, ..c72 }, Goal::Closed, Stop(StopReason::ContentsUnknown)),
            ("72, other job", Observation { contents: Contents::Other, ..c72 }, Goal::Closed, Stop(StopReason::OtherContents)),
            ("72, job stops at 17", c72, Goal::Provisioning, Stop(StopReason::BeyondGoal(ProductState(0x72)))),
            ("2E", seen(Some(0x2E)), Goal::Closed, Stop(StopReason::NoWay(ProductState(0x2E)))),
            ("C6", seen(Some(0xC6)), Goal::Closed, Stop(StopReason::NoWay(ProductState(0xC6)))),
            ("5C", seen(Some(0x5C)), Goal::Closed, Stop(StopReason::Locked)),
            ("9A", seen(Some(0x9A)), Goal::Closed, Stop(StopReason::Regressing)),
            ("A3", seen(Some(0xA3)), Goal::Closed, Stop(StopReason::Regressing)),
            ("no legal byte, not asked", blind(seen(Some(0x00))), Goal::Closed, Discover),
            ("no legal byte, asked", seen(Some(0x00)), Goal::Closed, Stop(StopReason::Unreadable)),
            ("nothing, not asked", blind(seen(None)), Goal::Closed, Discover),
            ("nothing, asked", seen(None), Goal::Closed, Stop(StopReason::Unreadable)),
        ];
        for (name, observation, goal, edge) in table {
            assert_eq!(next_edge(observation, *goal), *edge, "{name}");
        }
    }

    fn all() -> impl Iterator<Item = (Observation, Goal)> {
        let states = (0..=255).map(Some).chain([None]);
        states.flat_map(|state| {
            GOALS.into_iter().flat_map(move |goal| {
                [false, true].into_iter().flat_map(move |discovered| {
                    [None, Some(INTEGRITY_OK), Some(INTEGRITY_BAD), Some(0)].into_iter().flat_map(
                        move |integrity| {
                            RECEIPTS.into_iter().flat_map(move |receipt| {
                                CONTENTS.into_iter().map(move |contents| {
                                    let state = state.map(ProductState);
                                    (Observation { state, discovered, integrity, receipt, contents }, goal)
                                })
                            })
                        },
                    )
                })
            })
        })
    }

    #[test]
    fn the_gate_is_reached_without_a_write_only_by_a_part_that_is_not_closed() {
        for (seen, goal) in all().filter(|(seen, goal)| next_edge(seen, *goal) == Edge::Gate) {
            assert_eq!(seen.state, Some(ProductState::PROVISIONING));
            assert!(seen.discovered && seen.receipt == Receipt::Same && seen.integrity == Some(INTEGRITY_OK));
            assert_eq!(goal, Goal::Provisioning);
        }
    }

    #[test]
    fn nothing_is_asked_twice_and_only_open_begins_from_the_beginning() {
        for (seen, goal) in all() {
            match next_edge(&seen, goal) {
                Edge::Discover => assert!(!seen.discovered),
                Edge::Open => assert_eq!(seen.state, Some(ProductState::OPEN)),
                Edge::Obk => assert_eq!(seen.state, Some(ProductState::PROVISIONING)),
                Edge::Done => {
                    assert!(seen.state == Some(ProductState::CLOSED) && seen.contents == Contents::Same)
                }
                Edge::Gate | Edge::Stop(_) => {}
            }
        }
    }
}
