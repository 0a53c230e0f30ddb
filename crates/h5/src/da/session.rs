//! How every session begins and ends, and discovery. [H5-DA-1] [H5-DA-10]

use super::mailbox::{Mailbox, Response};
use super::tlv::TlvError;
use super::{ChainError, Discovery, status_text};
use crate::H5Error;
use crate::identity::hex;
use adi::{Adi, AdiError};
use regs::h5::da;
use thiserror::Error;
use wire::{Mark, MarkKind};

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
    /// The part takes a password, and certificates were given.
    #[error("this part takes a password, not certificates")]
    NoCertificates,
    /// The chain cannot grant what is asked for. Neither it nor a token was sent.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The ROM shut debug, and the core's port is open.
    #[error("the ROM says that debug is shut, and AP1 is open: DBGMCU_SR reads {}", hex(*sr))]
    StillOpen {
        /// DBGMCU_SR.
        sr: u32,
    },
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

/// Ends a session by a reset, so that the part boots as usual and the next tool finds what it expects.
pub(super) fn leave<T>(adi: &mut Adi, result: Result<T, H5Error>) -> Result<T, H5Error> {
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

pub(super) fn ask_discovery(mailbox: &mut Mailbox<'_>) -> Result<Discovery, H5Error> {
    let answer = mailbox.ask(da::command::DISCOVERY, &[], false)?;
    let data = accepted("DISCOVERY", answer)?;
    Ok(Discovery::parse(&data)?)
}

pub(super) fn accepted(step: &'static str, answer: Response) -> Result<Vec<u8>, DaError> {
    match answer.status {
        da::status::SUCCESS => Ok(answer.data),
        status => Err(DaError::Refused { step, status }),
    }
}
