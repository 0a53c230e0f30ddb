//! The one place that reacts to WAIT, FAULT and sticky bits. [ADI-2] [ADI-4] [ADI-10]
//!
//! It drives anything that can say how far it got: registers and memory over a [`Link`], and a probe's own memory
//! commands ([`Native`](crate::Native)).
//!
//! | what came | what is done |
//! |---|---|
//! | WAIT | the transaction was not performed: go on from there within `adi.wait`; when that is spent, DAPABORT if `adi.abort`, and an error |
//! | FAULT | read CTRL/STAT, clear the sticky bits found, and an error; never repeated |
//! | no ack | one line reset, only to find out whether the debug port is still there, and an error |
//! | wrong parity | a debug-port read is read once more; anything else is an error |
//! | silence of the probe | an error; whether anything happened is not known |

use crate::error::{AdiError, Cause, CtrlStat, Stuck};
use crate::{Doing, line};
use pace::{Clock, Patience, Policy, PollEnd, Site, Spent, poll};
use regs::ap::csw;
use regs::dp::{abort, ctrl_stat, select};
use std::time::Duration;
use wire::{Ack, Addr, ApSel, DapOp, Flow, Link, LinkError, PipeError, RegSel};

/// How one call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Everything was done.
    Done,
    /// The target answers WAIT.
    Wait {
        /// Something was done before it did.
        moved: bool,
        /// Why it may not be gone on with.
        hazard: Option<Hazard>,
    },
    /// The target answers FAULT.
    Fault {
        /// Why it may not be gone on with, should the FAULT be none.
        hazard: Option<Hazard>,
    },
    /// Nobody answers, or with something that is no ack.
    Silent(Ack),
    /// Read data with the wrong parity.
    Parity {
        /// Reading again has no effect on the target.
        again: bool,
    },
    /// A value match ran out of tries.
    Mismatch {
        /// The step of the batch.
        op: usize,
        /// Which bits.
        mask: u32,
        /// What they should have become.
        value: u32,
        /// The word as it was seen last, where the probe tells.
        last: Option<u32>,
        /// How often was looked.
        tries: u32,
    },
    /// A probe's own number.
    Other(u32),
}

/// Why a WAIT may not be gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hazard {
    /// Writes behind the stop were performed; from this address on it is not known which.
    Overrun(Addr),
    /// Whether a write that must happen only once has happened is not known, or how much of a block that nobody called
    /// harmless to write twice.
    Unsure,
}

/// Something on its way to the target that remembers how far it got.
pub trait Attempt {
    /// Sends what is left, as far as it goes.
    ///
    /// # Errors
    /// When the link fails or answers nonsense.
    fn send(&mut self) -> Result<End, LinkError>;

    /// Where it stands.
    fn doing(&self) -> Doing;

    /// What a FAULT that came now is about.
    fn suspect(&self) -> Doing;

    /// Whether a FAULT leaves no sticky bit behind, because the probe looks at them and clears them by itself. [STL-22]
    fn clears_sticky(&self) -> bool {
        false
    }

    /// The link, for a look at the debug port; `None` when the probe keeps the debug port to itself.
    fn link(&mut self) -> Option<&mut dyn Link>;
}

/// Sends until everything is done, within the policy. Returns how often it went on after a WAIT.
///
/// # Errors
/// One per cause, see the table above. After an error nothing that was believed of the target's debug registers holds.
pub fn react(attempt: &mut dyn Attempt, policy: &Policy, clock: &dyn Clock) -> Result<u32, AdiError> {
    let mut waits = 0;
    let mut reread = false;
    let mut sent = send(attempt, policy, clock)?;
    loop {
        sent = match sent.end {
            End::Done => return Ok(waits),
            End::Wait { hazard: None, .. } => outlast(attempt, policy, clock, &mut waits)?,
            End::Wait { hazard: Some(Hazard::Overrun(dirty)), .. } => {
                return Err(AdiError::Overrun { doing: attempt.doing(), dirty });
            }
            End::Wait { hazard: Some(Hazard::Unsure), .. } => {
                return Err(AdiError::Unsure { doing: attempt.doing() });
            }
            End::Parity { again: true } if !reread => {
                reread = true;
                send(attempt, policy, clock)?
            }
            End::Parity { .. } => return Err(AdiError::Parity { doing: attempt.doing() }),
            End::Fault { .. } => return Err(fault(attempt, policy)),
            End::Silent(ack) => return Err(lost(attempt, ack)),
            End::Mismatch { op, mask, value, last, tries } => {
                let (patience, elapsed) = (policy.probe.matching, sent.elapsed);
                let spent = Box::new(Spent { key: "probe.match", patience, elapsed, tries });
                let doing = attempt.doing();
                return Err(AdiError::MatchSpent { doing, op, mask, value, last, spent });
            }
            End::Other(status) => return Err(AdiError::Other { doing: attempt.doing(), status }),
        };
    }
}

/// How a call ended, and how long it took.
#[derive(Clone, Copy)]
struct Sent {
    end: End,
    elapsed: Duration,
}

fn send(attempt: &mut dyn Attempt, policy: &Policy, clock: &dyn Clock) -> Result<Sent, AdiError> {
    let start = clock.now();
    let end = attempt.send().map_err(|e| probe_error(e, attempt.doing(), policy))?;
    Ok(Sent { end, elapsed: clock.now().saturating_sub(start) })
}

/// What a failure of the link is called.
pub(crate) fn probe_error(error: LinkError, doing: Doing, policy: &Policy) -> AdiError {
    match error {
        LinkError::Pipe(PipeError::Timeout(elapsed)) => {
            let patience = Patience::Time(policy.usb.timeout);
            let spent = Spent { key: "usb.timeout", patience, elapsed, tries: 1 };
            AdiError::ProbeSilent { doing, spent: Box::new(spent) }
        }
        LinkError::Unsupported(why) => AdiError::Unsupported(why),
        other => AdiError::Probe(other),
    }
}

/// Goes on after a WAIT. Returns as soon as something else comes, or something was done: then patience begins anew.
fn outlast(
    attempt: &mut dyn Attempt,
    policy: &Policy,
    clock: &dyn Clock,
    waits: &mut u32,
) -> Result<Sent, AdiError> {
    // The WAIT that brought us here counts as the first look.
    let (mut first, mut faulted) = (true, false);
    let end = poll(clock, &policy.wait(Site::ApWait), || {
        if std::mem::take(&mut first) {
            return Ok(None);
        }
        *waits = waits.saturating_add(1);
        let sent = send(attempt, policy, clock)?;
        Ok(match sent.end {
            End::Wait { moved: false, hazard: None } => {
                faulted = false;
                None
            }
            // Some probes turn the second WAIT of a busy port into a FAULT. Without a sticky bit it is none.
            End::Fault { hazard } if looks_busy(attempt) => {
                faulted = true;
                hazard.map(|_| Sent { end: End::Wait { moved: false, hazard }, ..sent })
            }
            _ => Some(sent),
        })
    });
    match end {
        Ok(sent) => Ok(sent),
        Err(PollEnd::Failed(error)) => Err(error),
        Err(PollEnd::Spent(spent)) => Err(match give_up(attempt, policy, spent) {
            // A probe that clears the sticky bits by itself leaves nothing to tell a FAULT by but an idle access port. [STL-22]
            AdiError::WaitSpent { .. } if faulted => fault(attempt, policy),
            error => error,
        }),
    }
}

fn looks_busy(attempt: &mut dyn Attempt) -> bool {
    let stat = attempt.link().and_then(|link| ctrl_stat_now(link).ok().flatten());
    stat.is_some_and(|stat| stat.sticky() == 0)
}

/// Patience with WAIT is spent: free the access port, and look what is the matter with it.
fn give_up(attempt: &mut dyn Attempt, policy: &Policy, spent: Spent) -> AdiError {
    let (doing, spent) = (attempt.doing(), Box::new(spent));
    let mut stuck = Stuck { ctrl_stat: None, csw: None, aborted: false };
    let mut busy = false;
    if let Some(link) = attempt.link() {
        stuck.aborted = policy.adi.abort && link.write_abort(abort::DAPABORT).is_ok();
        stuck.ctrl_stat = ctrl_stat_now(link).ok().flatten();
        clear_sticky(link, stuck.ctrl_stat);
        if let Some(ap) = doing.ap() {
            match csw_now(link, ap) {
                Ok(value) => {
                    stuck.csw = Some(value);
                    busy = value & csw::TR_IN_PROG != 0;
                }
                Err(ack) => busy = ack == Some(Ack::WAIT),
            }
        }
    }
    let stuck = Box::new(stuck);
    if busy { AdiError::ApBusy { doing, spent, stuck } } else { AdiError::WaitSpent { doing, spent, stuck } }
}

/// FAULT: say why, clear the sticky bits, and tell a closed port from a refused address. A probe that does not even answer that
/// question is the trouble itself: one that is pulled out may answer FAULT last.
fn fault(attempt: &mut dyn Attempt, policy: &Policy) -> AdiError {
    let doing = attempt.doing();
    let (access, cleared) = (attempt.suspect(), attempt.clears_sticky());
    let Some(link) = attempt.link() else {
        return AdiError::Fault { access, ctrl_stat: None, cause: Cause::Unknown };
    };
    let ctrl_stat = match ctrl_stat_now(link) {
        Ok(stat) => stat,
        Err(error) => return probe_error(error, doing, policy),
    };
    clear_sticky(link, ctrl_stat);
    let cause = match ctrl_stat.map_or(Cause::Unknown, CtrlStat::cause) {
        // A memory command that faults through an open port met an error on the bus.
        Cause::Unknown if cleared && ctrl_stat.is_some() => Cause::BusError,
        cause => cause,
    };
    if let (Doing::Memory { ap, .. }, Cause::BusError | Cause::Unknown) = (access, cause)
        && let Ok(value) = csw_now(link, ap)
        && value & csw::DEVICE_EN == 0
    {
        return AdiError::ApClosed { ap, csw: value };
    }
    AdiError::Fault { access, ctrl_stat, cause }
}

fn lost(attempt: &mut dyn Attempt, ack: Ack) -> AdiError {
    let doing = attempt.doing();
    let answers_again = attempt.link().is_some_and(line::answers);
    AdiError::LinkLost { doing, ack, answers_again }
}

// Looks at the debug port. They do not react: what the target does not answer here is only missing evidence.

const CTRL_STAT: RegSel = RegSel::dp(regs::dp::CTRL_STAT);

/// CTRL/STAT, which is never answered WAIT or FAULT. [ADI-2] DPBANKSEL is 0 whenever this is called.
fn ctrl_stat_now(link: &mut dyn Link) -> Result<Option<CtrlStat>, LinkError> {
    match link.transfer(&[DapOp::read(CTRL_STAT)], Flow::Lockstep) {
        Ok(moved) => Ok(moved.values.first().copied().map(CtrlStat)),
        // This probe has no way to it.
        Err(LinkError::Unsupported(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Clears the sticky bits that were seen; all of them when none could be read.
fn clear_sticky(link: &mut dyn Link, stat: Option<CtrlStat>) {
    let clear = match stat {
        None => abort::CLEAR_ALL,
        Some(stat) => [
            (ctrl_stat::STICKYCMP, abort::STKCMPCLR),
            (ctrl_stat::STICKYERR, abort::STKERRCLR),
            (ctrl_stat::WDATAERR, abort::WDERRCLR),
            (ctrl_stat::STICKYORUN, abort::ORUNERRCLR),
        ]
        .into_iter()
        .filter(|(sticky, _)| stat.0 & sticky != 0)
        .fold(0, |bits, (_, clear)| bits | clear),
    };
    if clear != 0 {
        let op = DapOp::write(RegSel::dp(regs::dp::ABORT), clear);
        if let Err(error) = link.transfer(&[op], Flow::Lockstep) {
            log::debug!("sticky bits could not be cleared: {error}");
        }
    }
}

/// CSW of an access port, or the ack that came instead.
fn csw_now(link: &mut dyn Link, ap: ApSel) -> Result<u32, Option<Ack>> {
    let ops = [
        DapOp::write(RegSel::dp(regs::dp::SELECT), select::value(ap.0, 0, 0)),
        DapOp::read(RegSel::ap(regs::ap::CSW)),
    ];
    let moved = link.transfer(&ops, Flow::Lockstep).map_err(|_| None)?;
    moved.values.first().copied().ok_or_else(|| moved.stop.map(|stop| stop.ack))
}
