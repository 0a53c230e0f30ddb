//! Commands that stand for accesses to single words.

use crate::decode::StLinkCommand;
use regs::m33;
use stlink::{Answer, Command};
use wire::{Ack, Addr, Certainty};

/// One access as a command says it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Single {
    pub(super) ap: u8,
    pub(super) at: Addr,
    pub(super) write: bool,
    pub(super) value: Option<u32>,
    pub(super) ack: Ack,
    pub(super) secret: bool,
    pub(super) certainty: Certainty,
}

impl Single {
    pub(super) fn word(ap: u8, at: u32, write: bool, value: Option<u32>) -> Self {
        let certainty = Certainty::Explicit;
        Single { ap, at: Addr(at), write, value, ack: Ack::OK, secret: false, certainty }
    }

    /// It is what the probe must have done, not what it was told to do.
    fn inferred(self) -> Self {
        Single { certainty: Certainty::Inferred, ..self }
    }
}

/// The word accesses that a command stands for: what it says itself, and for registers of the core and RESETSYS the
/// registers of the core's debug unit that there is no other way to reach them by.
pub(super) fn singles(command: Command, exchange: &StLinkCommand, last_ap: u8) -> Vec<Single> {
    let answered = match exchange.answer {
        Some(Answer::Value { value, .. }) => Some(value),
        _ => None,
    };
    let hidden = command.value_at().map_or_else(|| exchange.hides_data(4..8), |range| exchange.hides(range));
    let secret = |single: Single| Single { secret: hidden, ..single };
    let select = |ap, reg: u32| Single::word(ap, m33::DCRSR, true, Some(reg)).inferred();
    match command {
        Command::ReadDebugReg { at, ap } => vec![secret(Single::word(ap, at.0, false, answered))],
        Command::WriteDebugReg { at, value, ap } => {
            vec![secret(Single::word(ap, at.0, true, Some(value)))]
        }
        Command::ReadReg { reg, ap } => {
            let value = secret(Single::word(ap, m33::DCRDR, false, answered)).inferred();
            vec![select(ap, u32::from(reg)), value]
        }
        Command::WriteReg { reg, value, ap } => {
            let value = secret(Single::word(ap, m33::DCRDR, true, Some(value))).inferred();
            vec![value, select(ap, u32::from(reg) | m33::dcrsr::REGWNR)]
        }
        Command::ReadAllRegs { ap } => {
            let Some(Answer::Registers { values, .. }) = exchange.answer else { return Vec::new() };
            // What the last two are, nobody says.
            let numbered = (0u32..).zip(values).take(19);
            numbered
                .flat_map(|(reg, value)| {
                    let value = Single::word(ap, m33::DCRDR, false, Some(value)).inferred();
                    let [start, end] = [4, 8].map(|n: usize| n + usize::try_from(reg).unwrap_or(0) * 4);
                    [select(ap, reg), Single { secret: exchange.hides_data(start..end), ..value }]
                })
                .collect()
        }
        Command::ResetSys => {
            let request = m33::aircr::VECTKEY | m33::aircr::SYSRESETREQ;
            vec![Single::word(last_ap, m33::AIRCR, true, Some(request)).inferred()]
        }
        _ => Vec::new(),
    }
}
