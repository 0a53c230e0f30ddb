//! Lists of DAP operations: one command each.

use super::StLink;
use super::talk::{nonsense, refused};
use ::stlink::{Answer, Command, DapPort, Feature, Meaning, Status};
use regs::dp::{self, ctrl_stat, select};
use wire::{Ack, DapOp, LinkError, Pipe, Port, RegSel, Stop, Transferred};

/// What must not be turned on behind the firmware's back. [STL-10]
const FIRMWARE_ONLY: u32 = ctrl_stat::ORUNDETECT | ctrl_stat::TRNMODE;

/// [STL-10]
const NO_MATCH: &str = "an ST-Link has no value match for registers of a port: read the register again and again; for a word of memory it is asked in lists of reads (`probe.match`)";

/// What became of one operation.
enum Done {
    Wrote,
    Read(u32),
    Refused(Ack),
}

impl<P: Pipe> StLink<P> {
    pub(super) fn run(&mut self, ops: &[DapOp]) -> Result<Transferred, LinkError> {
        self.check(ops)?;
        let mut all = Transferred::default();
        if let Some(ack) = self.enter()? {
            all.stop = Some(stop(ack));
            return Ok(all);
        }
        // The last write to an access port, as long as nothing told what became of it.
        let mut unsettled = false;
        for op in ops {
            match self.perform(op)? {
                Done::Refused(ack) => {
                    all.stop = Some(stop(ack));
                    return Ok(all);
                }
                Done::Read(value) => all.values.push(value),
                Done::Wrote => {}
            }
            all.done += 1;
            unsettled = open_end(op, unsettled);
        }
        if unsettled && let Done::Refused(ack) = self.perform(&DapOp::read(RDBUFF))? {
            all.stop = Some(stop(ack));
        }
        Ok(all)
    }

    /// Refuses what the firmware cannot do before anything is sent. [STL-10]
    fn check(&self, ops: &[DapOp]) -> Result<(), LinkError> {
        let mut selected = self.select;
        for op in ops {
            let (reg, read) = match op {
                DapOp::Read { reg, .. } => (reg, true),
                DapOp::Write { reg, value, .. } => {
                    forbidden(*reg, *value)?;
                    if *reg == SELECT {
                        selected = *value;
                    }
                    (reg, false)
                }
                DapOp::SetMask(_) | DapOp::ReadUntil { .. } => {
                    return Err(LinkError::Unsupported(NO_MATCH));
                }
            };
            let bank = selected & select::DPBANKSEL;
            if reg.port == Port::Ap {
                self.reachable(apsel(selected))?;
            } else if bank != 0 && banked(*reg, read) {
                self.need(Feature::BankedDp)?;
            }
        }
        Ok(())
    }

    fn perform(&mut self, op: &DapOp) -> Result<Done, LinkError> {
        let (reg, write, secret) = match *op {
            DapOp::Write { reg: SELECT, value, .. } => {
                self.select = value;
                return Ok(Done::Wrote);
            }
            DapOp::Write { reg, value, secret } => (reg, Some(value), secret),
            DapOp::Read { reg, secret } => (reg, None, secret),
            DapOp::SetMask(_) | DapOp::ReadUntil { .. } => return Err(nonsense("a value match")),
        };
        let (port, reg) = match reg.port {
            Port::Ap => {
                let ap = apsel(self.select);
                if let Some(status) = self.open_ap(ap)? {
                    return refusal("INIT_AP", status);
                }
                (DapPort::ap(ap), (self.select & select::APBANKSEL) | u32::from(reg.a))
            }
            Port::Dp if banked(reg, write.is_none()) => {
                (DapPort::DP, (self.select & select::DPBANKSEL) << 4 | u32::from(reg.a))
            }
            Port::Dp => (DapPort::DP, u32::from(reg.a)),
        };
        let reg = u16::try_from(reg).unwrap_or_default();
        let command = match write {
            Some(value) => Command::WriteDap { port, reg, value },
            None => Command::ReadDap { port, reg },
        };
        let answer = self.talk.ask_value(&command, secret)?;
        let status = answer.status().unwrap_or(Status::UNKNOWN);
        if status.meaning() != Meaning::Done {
            self.heed(status);
            return refusal(command.name(), status);
        }
        match answer {
            Answer::Value { value, .. } => Ok(Done::Read(value)),
            _ => Ok(Done::Wrote),
        }
    }
}

const SELECT: RegSel = RegSel::dp(dp::SELECT);
const RDBUFF: RegSel = RegSel::dp(dp::RDBUFF);

/// SELECT.APSEL.
fn apsel(select: u32) -> u8 {
    let [ap, ..] = select.to_be_bytes();
    ap
}

/// A register of the debug port that DPBANKSEL has a say in.
fn banked(reg: RegSel, read: bool) -> bool {
    reg.port == Port::Dp && (reg.a == dp::CTRL_STAT || (reg.a == dp::DPIDR && read))
}

fn forbidden(reg: RegSel, value: u32) -> Result<(), LinkError> {
    if reg == RegSel::dp(dp::TARGETSEL) {
        return Err(LinkError::Unsupported("an ST-Link has no TARGETSEL (several debug ports on one line)"));
    }
    if reg == RegSel::dp(dp::CTRL_STAT) && value & FIRMWARE_ONLY != 0 {
        let why = "overrun detection and pushed transfers are the business of the ST-Link's firmware";
        return Err(LinkError::Unsupported(why));
    }
    Ok(())
}

/// Whether the last write to an access port is still without an answer after `op`. [STL-8]
fn open_end(op: &DapOp, unsettled: bool) -> bool {
    match op {
        DapOp::Write { reg, .. } if reg.port == Port::Ap => true,
        DapOp::Read { reg, .. } if reg.port == Port::Ap || *reg == RDBUFF => false,
        _ => unsettled,
    }
}

const fn stop(ack: Ack) -> Stop {
    Stop { ack, mismatch: false, overrun: false }
}

fn refusal(what: &str, status: Status) -> Result<Done, LinkError> {
    match (status.meaning(), status) {
        (Meaning::Ack(ack), _) => Ok(Done::Refused(ack)),
        // There is no such port, or it is closed: on the wire that would be a FAULT.
        (_, Status::BAD_AP) => Ok(Done::Refused(Ack::FAULT)),
        _ => Err(refused(what, status)),
    }
}
