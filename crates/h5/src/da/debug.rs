//! Opening debug on a part that keeps it shut, and shutting it again. [H5-DA-18] [H5-DA-20]

use super::certified::Certified;
use super::mailbox::Mailbox;
use super::regression::CORE_AP;
use super::session::{DaEntry, accepted, ask_discovery, leave};
use super::{Discovery, Permission};
use crate::identity::{ApEnable, ap_open, wait_ap_open};
use crate::{DaError, H5Error};
use adi::{Adi, AdiError};
use regs::h5::da::command;
use wire::{Mark, MarkKind};

/// Debug that the part opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What the ROM told before.
    pub discovery: Discovery,
    /// What was asked for.
    pub permission: Permission,
    /// Which access ports are open now.
    pub ports: ApEnable,
}

/// Debug that the part shut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shut {
    /// What the ROM told before.
    pub discovery: Discovery,
    /// Which access ports were open once the ROM had shut debug.
    pub ports: ApEnable,
}

/// Opens debug with certificates. Begins with NRST low; no reset follows, because one would shut it again. [H5-DA-18]
///
/// # Errors
/// [`H5Error::Da`] with [`DaError::Chain`] when the chain cannot get it; [`H5Error::ChainRefused`] when the part does not take
/// it; [`H5Error::NotOpened`] when it took it and the port stayed shut; [`H5Error::TargetBusy`], [`H5Error::Adi`].
pub fn open_debug(
    adi: &mut Adi,
    who: Certified<'_>,
    permission: Permission,
    entry: &DaEntry,
) -> Result<Opened, H5Error> {
    who.may(permission)?;
    let accepted = Mailbox::open(adi, entry).and_then(|mut mailbox| {
        let discovery = ask_discovery(&mut mailbox)?;
        who.authenticate(&mut mailbox, &discovery, permission)?;
        Ok((discovery, go_on(&mut mailbox)?))
    });
    let (discovery, unheard) = match accepted {
        Ok(accepted) => accepted,
        Err(e) => return leave(adi, Err(e)),
    };
    if let Some(why) = unheard {
        adi.mark(&Mark::new(MarkKind::Note, format!("nobody took RESUME_BOOT: {why}")));
    }
    match wait_ap_open(adi, CORE_AP) {
        Ok(ports) => Ok(Opened { discovery, permission, ports }),
        Err(H5Error::ApShut { sr, spent, .. }) => Err(H5Error::NotOpened { permission, sr, spent }),
        Err(e) => Err(e),
    }
}

/// Asks the ROM to go on booting. One that has gone on by itself does not hear it: the reason is no error then.
fn go_on(mailbox: &mut Mailbox<'_>) -> Result<Option<String>, H5Error> {
    match mailbox.ask(command::RESUME_BOOT, &[], false) {
        Ok(answer) => {
            accepted("RESUME_BOOT", answer)?;
            Ok(None)
        }
        Err(e @ (H5Error::TargetBusy { .. } | H5Error::Adi(AdiError::LinkLost { .. }))) => {
            Ok(Some(e.to_string()))
        }
        Err(e) => Err(e),
    }
}

/// Shuts debug that was opened, and resets the part. [H5-DA-20]
///
/// # Errors
/// [`H5Error::Da`] with [`DaError::Refused`] when the ROM does not do it, with [`DaError::StillOpen`] when the port is open
/// although it said so; [`H5Error::TargetBusy`] when it does not answer; [`H5Error::Adi`].
pub fn close_debug(adi: &mut Adi, entry: &DaEntry) -> Result<Shut, H5Error> {
    let shut = Mailbox::open(adi, entry).and_then(|mut mailbox| {
        let discovery = ask_discovery(&mut mailbox)?;
        accepted("LOCK_DEBUG", mailbox.ask(command::LOCK_DEBUG, &[], false)?)?;
        Ok(discovery)
    });
    let shut = shut.and_then(|discovery| {
        let ports = ap_open(adi)?;
        if ports.open(CORE_AP) {
            return Err(DaError::StillOpen { sr: ports.sr }.into());
        }
        Ok(Shut { discovery, ports })
    });
    leave(adi, shut)
}
