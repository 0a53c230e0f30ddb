//! The way back: by password or by certificates, to OPEN or to TZ-CLOSED. [H5-DA-6] [H5-DA-11] [H5-DA-12] [H5-DA-19]

use super::certified::Certified;
use super::mailbox::Mailbox;
use super::session::{DaEntry, DaError, accepted, ask_discovery, discover_with, leave};
use super::tlv::Tlv;
use super::{Discovery, Permission};
use crate::identity::ap_open;
use crate::part::{describe, register_name};
use crate::{H5Error, Password};
use adi::{Adi, AdiError};
use pace::{PollEnd, Site, poll};
use regs::h5::state::{How, ProductState, legal_move};
use regs::h5::{da, dbgmcu, flash};
use std::time::Duration;
use wire::{Addr, ApSel, Attr};
use zeroize::Zeroizing;

/// A regression that the part carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regression {
    /// What the ROM told before.
    pub discovery: Discovery,
    /// Where the part is now; it was read back.
    pub to: ProductState,
    /// From the credential until the part was there.
    pub elapsed: Duration,
}

impl Regression {
    /// The part was there before: it was not asked for anything.
    pub fn was_there(&self) -> bool {
        self.discovery.lifecycle == Some(self.to)
    }
}

/// How far back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// To OPEN: everything is erased.
    Full,
    /// To TZ-CLOSED: what is non-secure is erased. [H5-DA-19]
    Partial,
}

impl Back {
    /// The state in which it ends.
    pub const fn to(self) -> ProductState {
        match self {
            Back::Full => ProductState::OPEN,
            Back::Partial => ProductState::TZ_CLOSED,
        }
    }

    /// What must be asked for.
    pub const fn permission(self) -> Permission {
        match self {
            Back::Full => Permission::FULL_REGRESSION,
            Back::Partial => Permission::TZ_REGRESSION,
        }
    }
}

/// Brings the part back to OPEN with its password: everything in flash is erased. Begins with NRST low, and ends when the
/// part reads as OPEN.
///
/// # Errors
/// [`H5Error::AuthenticationFailed`] when the password is wrong: the part is unchanged then. [`H5Error::TargetBusy`] when
/// the ROM does not answer; [`H5Error::Da`], [`H5Error::Adi`]; [`H5Error::Erasing`] once the password was given.
pub fn regress(adi: &mut Adi, password: &Password) -> Result<Regression, H5Error> {
    regress_with(adi, password, &DaEntry::default())
}

/// [`regress`] with other magic words.
///
/// # Errors
/// As [`regress`].
pub fn regress_with(adi: &mut Adi, password: &Password, entry: &DaEntry) -> Result<Regression, H5Error> {
    go_back(adi, entry, Back::Full, |mailbox, said| say_password(mailbox, said, password))
}

/// Brings the part back with certificates. A chain that cannot get that far is refused before anything is touched.
///
/// # Errors
/// [`H5Error::Da`] with [`DaError::Chain`] when the chain cannot get it, [`H5Error::ChainRefused`] when the part does not
/// take it: the part is unchanged then. Otherwise as [`regress`].
pub fn regress_certified(
    adi: &mut Adi,
    who: Certified<'_>,
    back: Back,
    entry: &DaEntry,
) -> Result<Regression, H5Error> {
    let wanted = back.permission();
    who.may(wanted)?;
    go_back(adi, entry, back, |mailbox, said| {
        may_go(said, back)?;
        who.authenticate(mailbox, said, wanted)
    })
}

/// A partial regression is known from few states; where the part does not tell its own, it may judge. [H5-STATE-2]
fn may_go(said: &Discovery, back: Back) -> Result<(), H5Error> {
    let Some(from) = said.lifecycle.filter(|_| back == Back::Partial) else { return Ok(()) };
    if legal_move(from, back.to(), How::Regression, true).is_some() {
        return Ok(());
    }
    Err(H5Error::IllegalMove {
        from,
        to: back.to(),
        why: "a partial regression is known from CLOSED".to_owned(),
        instead: "a full regression brings the part back to OPEN".to_owned(),
    })
}

fn go_back(
    adi: &mut Adi,
    entry: &DaEntry,
    back: Back,
    authenticate: impl FnOnce(&mut Mailbox<'_>, &Discovery) -> Result<(), H5Error>,
) -> Result<Regression, H5Error> {
    let clock = adi.clock().clone();
    let accepted = Mailbox::open(adi, entry).and_then(|mut mailbox| {
        let discovery = ask_discovery(&mut mailbox)?;
        if !is_there(&discovery, back) {
            let done = authenticate(&mut mailbox, &discovery);
            done.map_err(|e| if mailbox.is_decided() && !e.is_refusal() { erasing(e) } else { e })?;
        }
        Ok((discovery, clock.now()))
    });
    let (discovery, start) = match accepted {
        // Nothing is to be taken back, and the ROM would refuse to.
        Ok((discovery, _)) if is_there(&discovery, back) => {
            return leave(adi, Ok(Regression { discovery, to: back.to(), elapsed: Duration::ZERO }));
        }
        Ok(accepted) => accepted,
        Err(e) => return leave(adi, Err(e)),
    };
    match wait_for(adi, back.to()) {
        // A part in TZ-CLOSED may keep its port shut; its ROM knows the state as well. [H5-DA-19]
        Err(H5Error::TargetBusy { .. })
            if back == Back::Partial && told(adi, entry, back).map_err(erasing)? => {}
        result => result.map_err(erasing)?,
    }
    Ok(Regression { discovery, to: back.to(), elapsed: clock.now().saturating_sub(start) })
}

/// There is nothing to take back. A partial regression of a part in TZ-CLOSED is no known move, and is refused as one. [H5-STATE-2]
fn is_there(said: &Discovery, back: Back) -> bool {
    back == Back::Full && said.lifecycle == Some(back.to())
}

fn erasing(e: H5Error) -> H5Error {
    H5Error::Erasing(Box::new(e))
}

fn told(adi: &mut Adi, entry: &DaEntry, back: Back) -> Result<bool, H5Error> {
    Ok(discover_with(adi, entry)?.lifecycle == Some(back.to()))
}

fn say_password(mailbox: &mut Mailbox<'_>, said: &Discovery, password: &Password) -> Result<(), H5Error> {
    if said.takes_password == Some(false) {
        return Err(DaError::NoPassword.into());
    }
    // The challenge that comes back counts for certificates only.
    let answer = mailbox.ask(da::command::AUTH_START, &[], false)?;
    accepted("AUTH_START", answer)?;
    let mut item = Tlv { kind: da::tlv::ST_PASSWORD, value: password.as_bytes().to_vec() };
    let bytes = Zeroizing::new(item.to_bytes());
    zeroize::Zeroize::zeroize(&mut item.value);
    let answer = mailbox.decide(da::command::AUTH_RESPONSE, &bytes, true)?;
    match answer.status {
        da::status::SUCCESS => Ok(()),
        status => Err(H5Error::AuthenticationFailed { status }),
    }
}

/// Waits until the part is in that state: the ROM erases it and resets it, and then the core's access port opens.
/// [H5-STATE-6]
///
/// Only here something else than AP0 is read: an open port alone does not tell that the erase is over.
fn wait_for(adi: &mut Adi, state: ProductState) -> Result<(), H5Error> {
    let clock = adi.clock().clone();
    let wait = adi.policy().wait(Site::DaRegression);
    let mut last = (Addr(dbgmcu::BASE_AP0 + dbgmcu::SR), 0);
    let end = poll(&*clock, &wait, || match look_for(adi, state, &mut last) {
        Ok(there) => Ok(there.then_some(())),
        // The part is resetting.
        Err(H5Error::Adi(AdiError::LinkLost { .. })) => adi.reconnect().map(|_| None).map_err(H5Error::from),
        Err(H5Error::Adi(AdiError::Fault { .. } | AdiError::ApClosed { .. })) => Ok(None),
        Err(e) => Err(e),
    });
    end.map_err(|end| match end {
        PollEnd::Failed(e) => e,
        PollEnd::Spent(spent) => H5Error::TargetBusy {
            doing: format!("waiting for the part to be {state}"),
            register: register_name(last.0),
            address: last.0,
            last: last.1,
            decoded: describe(last.0, last.1),
            spent: Box::new(spent),
        },
    })
}

/// One look; `last` is what was read last.
fn look_for(adi: &mut Adi, state: ProductState, last: &mut (Addr, u32)) -> Result<bool, H5Error> {
    let enable = ap_open(adi)?;
    *last = (Addr(dbgmcu::BASE_AP0 + dbgmcu::SR), enable.sr);
    if !enable.open(CORE_AP) {
        return Ok(false);
    }
    let at = Addr(flash::BASE + flash::OPTSR_CUR);
    let optsr = adi.read_word(CORE_AP, Attr::NonSecure, at)?;
    *last = (at, optsr);
    Ok(ProductState::from_optsr(optsr) == state)
}

/// The core's access port.
pub(super) const CORE_AP: ApSel = ApSel(1);
