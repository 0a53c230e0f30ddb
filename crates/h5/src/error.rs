//! What can go wrong with an STM32H5, one variant per cause.

use crate::da::{DaError, Permission};
use crate::identity::{hex, list};
use crate::obk::{ObkError, ObkRoute};
use crate::options::{BadChange, OptionDiff};
use crate::part::Flags;
use adi::AdiError;
use pace::Spent;
use regs::h5::device::Family;
use regs::h5::state::ProductState;
use thiserror::Error;
use wire::{Addr, ApSel};

/// Why an operation on the part failed. Each variant carries its evidence; [`H5Error::next_step`] says what to type next.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum H5Error {
    /// The link, the access port or the probe.
    #[error(transparent)]
    Adi(#[from] AdiError),
    /// The target stayed busy longer than the policy allows.
    #[error(
        "{doing}: {register} at {address} still reads {} ({decoded}) after {spent}",
        hex(*last)
    )]
    TargetBusy {
        /// What was being done.
        doing: String,
        /// The register that was looked at.
        register: &'static str,
        /// Its address.
        address: Addr,
        /// Its last value.
        last: u32,
        /// The last value in words.
        decoded: String,
        /// Elapsed time, tries and the policy key.
        spent: Box<Spent>,
    },
    /// The flash interface reports errors.
    #[error("{doing}{}: {flags}{detail}", at.map(|a| format!(" at {a}")).unwrap_or_default())]
    FlashFlags {
        /// What was being done.
        doing: String,
        /// The flags, by name.
        flags: Flags,
        /// Where, if the operation has an address.
        at: Option<Addr>,
        /// More evidence, empty or beginning with a separator.
        detail: String,
    },
    /// Memory does not hold what was written.
    #[error("verify failed at {at}: want {}, got {}, {words} of {of} words differ", hex(*want), hex(*got))]
    VerifyMismatch {
        /// The first word that differs.
        at: Addr,
        /// What it should be.
        want: u32,
        /// What it is.
        got: u32,
        /// Words that differ in the block that was compared.
        words: usize,
        /// Words in that block.
        of: usize,
    },
    /// The part refused an option change and said so by a flag.
    #[error("the part refused the option change ({}): {flags}", list(diff))]
    OptionRejected {
        /// What was to be changed.
        diff: Vec<OptionDiff>,
        /// The flags.
        flags: Flags,
    },
    /// An option change ended without a flag and without the change.
    #[error("the option change had no effect although no error flag is set: {}", list(diff))]
    OptionNotTaken {
        /// What differs: `from` is what was read back, `to` what was asked for.
        diff: Vec<OptionDiff>,
    },
    /// The option change cannot be written.
    #[error(transparent)]
    BadChange(#[from] BadChange),
    /// The product state cannot go that way.
    #[error("no way from {from} to {to}: {why}")]
    IllegalMove {
        /// From.
        from: ProductState,
        /// To.
        to: ProductState,
        /// Why not.
        why: String,
        /// What to do instead.
        instead: String,
    },
    /// The part is not what was expected.
    #[error("wrong device: {0}")]
    WrongDevice(String),
    /// The part can be of several families that must not be mistaken for each other, and nobody said which it is. [H5-DBG-11]
    #[error(
        "no register tells {family} from {}, and what is right for one can close the other for ever",
        twins.iter().map(Family::to_string).collect::<Vec<_>>().join(" or ")
    )]
    FamilyUnnamed {
        /// The first one.
        family: Family,
        /// Those with or without the crypto units that this one lacks or has.
        twins: Vec<Family>,
    },
    /// OTP keeps the credential of this part, and it would be locked, or is, without one: no regression could ever lead back.
    /// [H503-1]
    #[error(
        "OTP block 0 {} with {written} of the {of} half-words of a credential in it: there would never be a way back to OPEN",
        if *.locked { "is locked" } else { "would be locked" }
    )]
    NoCredential {
        /// It is locked already.
        locked: bool,
        /// Half-words that are written.
        written: usize,
        /// Half-words of a credential.
        of: usize,
    },
    /// OTP programming stopped on its way. What is in stays in; the same again goes on from there. [H5-DBG-7]
    #[error(
        "OTP programming stopped after {written} of {of} half-words, the next one may be in as well: {cause}"
    )]
    OtpStopped {
        /// Half-words that are in for certain, those that were there before included.
        written: usize,
        /// Half-words in all.
        of: usize,
        /// Why.
        cause: Box<H5Error>,
    },
    /// OTP holds something else than what it should, for ever.
    #[error(
        "OTP holds something else than this credential: {differ} of {of} half-words differ, the first at {at}"
    )]
    OtpDiffers {
        /// The first one that differs. What it holds and should hold are parts of a secret.
        at: Addr,
        /// How many differ.
        differ: usize,
        /// Half-words in all.
        of: usize,
    },
    /// The credential for a regression was given; what the part did then was not seen to its end. [H5-STATE-6]
    #[error("the credential was given, and the part may be erasing itself: {0}")]
    Erasing(Box<H5Error>),
    /// A lock took a wrong or repeated key and stays shut until the next reset. [H5-FLASH-2]
    #[error("{register} at {address} stays locked after its keys were written; only a reset opens it again")]
    LockedUntilReset {
        /// The register with the lock bit.
        register: &'static str,
        /// Its address.
        address: Addr,
    },
    /// The provisioning file is no good.
    #[error(transparent)]
    ObkFile(#[from] ObkError),
    /// The part refused the provisioning data.
    #[error("the {route} route was refused by the ROM: result {} ({})", hex(*code),
        regs::h5::rss::result_name(*code).unwrap_or("no published meaning"))]
    ObkRejected {
        /// The route.
        route: ObkRoute,
        /// The ROM's result word.
        code: u32,
    },
    /// This route cannot work here.
    #[error("the {route} route cannot be used here: {why}")]
    RouteRefused {
        /// The route.
        route: ObkRoute,
        /// Why.
        why: String,
    },
    /// Two readings never agreed on a legal value.
    #[error("{register} is unstable: last readings {}, waited {spent}", readings.iter().map(|r| hex(*r)).collect::<Vec<_>>().join(", "))]
    UnstableState {
        /// The register.
        register: &'static str,
        /// The last readings, oldest first.
        readings: Vec<u32>,
        /// How long it was watched.
        spent: Box<Spent>,
    },
    /// The part keeps this access port shut.
    #[error("{ap} is shut: DBGMCU_SR reads {} (AP0 sees it), waited {spent}", hex(*sr))]
    ApShut {
        /// The access port.
        ap: ApSel,
        /// DBGMCU_SR.
        sr: u32,
        /// How long it was watched.
        spent: Box<Spent>,
    },
    /// The part has no such access port.
    #[error("there is no {ap}: DBGMCU_SR reads {} (AP0 sees it)", hex(*sr))]
    NoPort {
        /// The access port.
        ap: ApSel,
        /// DBGMCU_SR.
        sr: u32,
    },
    /// The debug authentication protocol broke.
    #[error(transparent)]
    Da(#[from] DaError),
    /// The part refused the credential.
    #[error("authentication failed: the part answered {}", crate::da::status_text(*status))]
    AuthenticationFailed {
        /// The status of its answer.
        status: u16,
    },
    /// The part refused a certificate, or the token behind them.
    #[error("authentication failed: the part answered {} to {what}", crate::da::status_text(*status))]
    ChainRefused {
        /// Which certificate, or the token.
        what: String,
        /// The status of its answer.
        status: u16,
    },
    /// The part took the token and its port stayed shut.
    #[error(
        "the part took the token for {permission}, and AP1 is shut: DBGMCU_SR reads {} (AP0 sees it), waited {spent}",
        hex(*sr)
    )]
    NotOpened {
        /// What was asked for.
        permission: Permission,
        /// DBGMCU_SR.
        sr: u32,
        /// How long it was watched.
        spent: Box<Spent>,
    },
    /// The unique id reads as zero in this product state. [H5-DBG-8]
    #[error("the unique id cannot be read in this product state")]
    NoUid,
    /// The driver does not do this.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// The address range does not fit the part's flash.
    #[error("{0}")]
    BadRange(String),
}

impl H5Error {
    /// The ROM refused debug authentication before or at the credential: the part is as it was.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(
            self,
            H5Error::AuthenticationFailed { .. }
                | H5Error::ChainRefused { .. }
                | H5Error::Da(
                    DaError::Refused { .. }
                        | DaError::NoPassword
                        | DaError::NoCertificates
                        | DaError::Chain(_)
                )
        )
    }

    /// The error of link and probe behind it, where it is one.
    #[must_use]
    pub fn link_error(&self) -> Option<&AdiError> {
        match self {
            H5Error::Adi(e) => Some(e),
            H5Error::OtpStopped { cause, .. } | H5Error::Erasing(cause) => cause.link_error(),
            _ => None,
        }
    }

    /// What a person may do next; a sentence with the command or the setting.
    pub fn next_step(&self) -> &str {
        match self {
            H5Error::Adi(AdiError::NrstNotWorking { .. }) => {
                "wire the probe's nRESET to NRST of the chip; debug authentication needs it"
            }
            H5Error::Adi(_) => {
                "check cable and supply, then read the state: `h5-provision discover --probe ...` needs AP0 only"
            }
            H5Error::TargetBusy { spent, .. } => busy_step(spent.key),
            H5Error::FlashFlags { .. } => {
                "look the flags up (WRPERR: write protection, OBKERR: wrong HDPL level); a reset clears them, then run again"
            }
            H5Error::VerifyMismatch { .. } => {
                "run again with `--set probe.wait=200ms` or a slower pace (`[flash] pace = \"poll\"`)"
            }
            H5Error::OptionRejected { .. } | H5Error::OptionNotTaken { .. } => {
                "reset the part and run again: the state is read first and nothing is written twice"
            }
            H5Error::BadChange(_) => "correct the option byte's name or value in the job",
            H5Error::IllegalMove { instead, .. } => instead,
            H5Error::WrongDevice(_) => "check [device] family in the job and the board on the bench",
            H5Error::NoPort { .. } => "name another access port, or none",
            H5Error::FamilyUnnamed { .. } => "name the family that is printed on the package",
            H5Error::NoCredential { .. } => {
                "bring the credential in first; where the block is locked without one, the part stays OPEN for ever"
            }
            H5Error::OtpStopped { .. } => "run again: it goes on where it stopped, and writes nothing twice",
            H5Error::OtpDiffers { .. } => {
                "what OTP holds is for ever: do not close this part, or find the password that belongs to it"
            }
            H5Error::Erasing(_) => "do not repeat it: cut the board's power once, then read the state",
            H5Error::LockedUntilReset { .. } => "pulse NRST, then run again",
            H5Error::ObkFile(_) => "inspect the file: `h5-provision obk inspect FILE`",
            H5Error::ObkRejected { .. } | H5Error::RouteRefused { .. } => {
                "try another route: `[obk] route = \"direct\" | \"rsslib\" | \"rss-command\"`; the part stays in PROVISIONING"
            }
            H5Error::UnstableState { .. } => "give it time: `--set reset.reconnect=10s`, then run again",
            H5Error::ApShut { .. } => "ask the ROM: `h5-provision discover --probe ...` works through AP0",
            H5Error::Da(DaError::Refused { .. }) => {
                "the ROM is there and refuses: cut the board's power once, then `h5-provision discover --probe ...`"
            }
            H5Error::Da(_) => "check that NRST reaches the chip, then `h5-provision discover --probe ...`",
            H5Error::AuthenticationFailed { .. } => {
                "check the password file against the OBK: `h5-provision obk lint FILE --password-file PW`; the part is unchanged"
            }
            H5Error::ChainRefused { .. } => {
                "compare the root key with the OBK file that the part was given; the part is unchanged"
            }
            H5Error::NotOpened { .. } => {
                "debug opens when the program reaches the level that was asked for: ask for a lower one, or let it run"
            }
            H5Error::NoUid => "read it in OPEN, or take SOC_ID from `h5-provision discover`",
            H5Error::Unsupported(_) | H5Error::BadRange(_) => "change the job; nothing was written",
        }
    }

    /// The link or the probe is gone, so writing anything more is pointless.
    pub(crate) fn link_is_gone(&self) -> bool {
        matches!(self.link_error(), Some(AdiError::ProbeSilent { .. } | AdiError::LinkLost { .. }))
    }
}

fn busy_step(key: &str) -> &'static str {
    match key {
        "da.boot" | "da.reply" | "da.word" => {
            "the ROM does not answer: check that NRST reaches the chip and that the part is not LOCKED; `--set da.boot=20s`"
        }
        "flash.erase" | "flash.program" => {
            "pulse NRST (it also clears a half-filled write buffer, WBNE), then run again, with more patience for the key above"
        }
        "flash.option" => {
            "do not repeat it blindly: pulse NRST and read the state; more patience: `--set flash.option=10s`"
        }
        "flash.obk" | "flash.service" => {
            "the part stays in PROVISIONING: run again without the board's USB cable, or in hotplug without a reset, or with `--set flash.obk=10s`"
        }
        _ => "run again with more patience for the key named above (`--set key=time`)",
    }
}
