//! Whole sessions: discovery, and regression by password. [H5-DA-6] [H5-DA-10] [H5-DA-11]

use super::mailbox::{Mailbox, Response};
use super::tlv::{Tlv, TlvError};
use super::{Discovery, status_text};
use crate::identity::{ap_open, hex};
use crate::part::{describe, register_name};
use crate::{H5Error, Password};
use adi::{Adi, AdiError};
use pace::{PollEnd, Site, poll};
use regs::h5::state::ProductState;
use regs::h5::{da, dbgmcu, flash};
use std::time::Duration;
use thiserror::Error;
use wire::{Addr, ApSel, Attr, Mark, MarkKind};
use zeroize::Zeroizing;

/// How a session is asked for. The words for the STM32H5 are a guess. [H5-DA-2]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaEntry {
    /// What the debugger writes while NRST is low.
    pub magic_host: u32,
    /// What the ROM answers.
    pub magic_device: u32,
}

impl Default for DaEntry {
    fn default() -> Self {
        DaEntry { magic_host: da::MAGIC_HOST, magic_device: da::MAGIC_DEVICE }
    }
}

/// The protocol broke: somebody answered, but not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DaError {
    /// Another word than the magic one.
    #[error("the ROM answered {} to the magic word, not {}", hex(*got), hex(*want))]
    WrongMagic {
        /// What came.
        got: u32,
        /// What should have come.
        want: u32,
    },
    /// The first word of an answer is no head.
    #[error("{} is no head of an answer", hex(*word))]
    BadHead {
        /// What came.
        word: u32,
    },
    /// An answer announces more words than any has.
    #[error("the answer announces {words} words")]
    TooLong {
        /// How many.
        words: u32,
    },
    /// The items of an answer cannot be taken apart.
    #[error("the answer cannot be taken apart: {0}")]
    Tlv(#[from] TlvError),
    /// An item that must be there is not.
    #[error("the answer lacks {0}")]
    Missing(&'static str),
    /// A step before the credential was refused.
    #[error("the ROM refused {step}: {}", status_text(*status))]
    Refused {
        /// The step.
        step: &'static str,
        /// The status.
        status: u16,
    },
    /// The part takes certificates, and a password was given.
    #[error("this part takes certificates, not a password")]
    NoPassword,
}

/// A regression that the part carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regression {
    /// What the ROM told before.
    pub discovery: Discovery,
    /// From the password until the part was OPEN.
    pub elapsed: Duration,
}

/// Asks the ROM who it is, in what state, and whether its keys are whole. Begins with NRST low and ends with a reset.
///
/// # Errors
/// [`H5Error::TargetBusy`] when the ROM does not answer, [`H5Error::Da`], [`H5Error::Adi`].
pub fn discover(adi: &mut Adi) -> Result<Discovery, H5Error> {
    discover_with(adi, &DaEntry::default())
}

/// [`discover`] with other magic words.
///
/// # Errors
/// As [`discover`].
pub fn discover_with(adi: &mut Adi, entry: &DaEntry) -> Result<Discovery, H5Error> {
    let found = Mailbox::open(adi, entry).and_then(|mut mailbox| ask_discovery(&mut mailbox));
    leave(adi, found)
}

/// Opens a session and takes the ROM's first word, whatever it is. Begins with NRST low and ends with a reset.
///
/// # Errors
/// As [`discover`]; [`DaError::WrongMagic`] holds a word that is no answer to the magic word.
pub fn greet(adi: &mut Adi, entry: &DaEntry) -> Result<u32, H5Error> {
    let word = Mailbox::open(adi, entry).map(|mailbox| mailbox.greeting());
    leave(adi, word)
}

/// Brings the part back to OPEN with its password: everything in flash is erased. Begins with NRST low, and ends when the
/// part reads as OPEN.
///
/// # Errors
/// [`H5Error::AuthenticationFailed`] when the password is wrong: the part is unchanged then. [`H5Error::TargetBusy`] when
/// the ROM does not answer or the part does not open; [`H5Error::Da`], [`H5Error::Adi`].
pub fn regress(adi: &mut Adi, password: &Password) -> Result<Regression, H5Error> {
    regress_with(adi, password, &DaEntry::default())
}

/// [`regress`] with other magic words.
///
/// # Errors
/// As [`regress`].
pub fn regress_with(adi: &mut Adi, password: &Password, entry: &DaEntry) -> Result<Regression, H5Error> {
    let clock = adi.clock().clone();
    let accepted = Mailbox::open(adi, entry).and_then(|mut mailbox| {
        let discovery = ask_discovery(&mut mailbox)?;
        authenticate(&mut mailbox, &discovery, password)?;
        Ok((discovery, clock.now()))
    });
    match accepted {
        Ok((discovery, start)) => {
            wait_open(adi)?;
            Ok(Regression { discovery, elapsed: clock.now().saturating_sub(start) })
        }
        Err(e) => leave(adi, Err(e)),
    }
}

/// Ends a session by a reset, so that the part boots as usual and the next tool finds what it expects.
fn leave<T>(adi: &mut Adi, result: Result<T, H5Error>) -> Result<T, H5Error> {
    let unusable =
        |e: &H5Error| e.link_is_gone() || matches!(e, H5Error::Adi(AdiError::NrstNotWorking { .. }));
    if result.as_ref().is_err_and(unusable) {
        return result;
    }
    match (adi.pulse_reset(), result) {
        (Err(reset), Ok(_)) => Err(reset.into()),
        (Err(reset), Err(e)) => {
            let text = format!("no reset after a failed session: {reset}");
            adi.mark(&Mark::new(MarkKind::Note, text));
            Err(e)
        }
        (Ok(()), result) => result,
    }
}

fn ask_discovery(mailbox: &mut Mailbox<'_>) -> Result<Discovery, H5Error> {
    let answer = mailbox.ask(da::command::DISCOVERY, &[], false)?;
    let data = accepted("DISCOVERY", answer)?;
    Ok(Discovery::parse(&data)?)
}

fn authenticate(
    mailbox: &mut Mailbox<'_>,
    discovery: &Discovery,
    password: &Password,
) -> Result<(), H5Error> {
    if discovery.takes_password == Some(false) {
        return Err(DaError::NoPassword.into());
    }
    // The challenge that comes back counts for certificates only.
    let answer = mailbox.ask(da::command::AUTH_START, &[], false)?;
    accepted("AUTH_START", answer)?;
    let mut item = Tlv { kind: da::tlv::ST_PASSWORD, value: password.as_bytes().to_vec() };
    let bytes = Zeroizing::new(item.to_bytes());
    zeroize::Zeroize::zeroize(&mut item.value);
    let answer = mailbox.ask(da::command::AUTH_RESPONSE, &bytes, true)?;
    match answer.status {
        da::status::SUCCESS => Ok(()),
        status => Err(H5Error::AuthenticationFailed { status }),
    }
}

fn accepted(step: &'static str, answer: Response) -> Result<Vec<u8>, DaError> {
    match answer.status {
        da::status::SUCCESS => Ok(answer.data),
        status => Err(DaError::Refused { step, status }),
    }
}

/// Waits until the part is OPEN: the ROM erases it and resets it, and then the core's access port opens. [H5-STATE-6]
///
/// Only here something else than AP0 is read: an open port alone does not tell that the erase is over.
fn wait_open(adi: &mut Adi) -> Result<(), H5Error> {
    let clock = adi.clock().clone();
    let wait = adi.policy().wait(Site::DaRegression);
    let mut last = (Addr(dbgmcu::BASE_AP0 + dbgmcu::SR), 0);
    let end = poll(&*clock, &wait, || match look_for_open(adi, &mut last) {
        Ok(open) => Ok(open.then_some(())),
        // The part is resetting.
        Err(H5Error::Adi(AdiError::LinkLost { .. })) => adi.reconnect().map(|_| None).map_err(H5Error::from),
        Err(H5Error::Adi(AdiError::Fault { .. } | AdiError::ApClosed { .. })) => Ok(None),
        Err(e) => Err(e),
    });
    end.map_err(|end| match end {
        PollEnd::Failed(e) => e,
        PollEnd::Spent(spent) => H5Error::TargetBusy {
            doing: "the password was accepted, waiting for the part to be OPEN".to_owned(),
            register: register_name(last.0),
            address: last.0,
            last: last.1,
            decoded: describe(last.0, last.1),
            spent: Box::new(spent),
        },
    })
}

/// One look; `last` is what was read last.
fn look_for_open(adi: &mut Adi, last: &mut (Addr, u32)) -> Result<bool, H5Error> {
    let enable = ap_open(adi)?;
    *last = (Addr(dbgmcu::BASE_AP0 + dbgmcu::SR), enable.sr);
    if !enable.open(CORE_AP) {
        return Ok(false);
    }
    let at = Addr(flash::BASE + flash::OPTSR_CUR);
    let optsr = adi.read_word(CORE_AP, Attr::NonSecure, at)?;
    *last = (at, optsr);
    Ok(ProductState::from_optsr(optsr) == ProductState::OPEN)
}

/// The core's access port.
const CORE_AP: ApSel = ApSel(1);
