//! Exit codes: stable, one table, every error maps to one.

use adi::AdiError;
use h5::H5Error;
use h5::da::{ChainError, DaError};
use regs::h5::da::status;
use regs::h5::flash::sr;
use std::fmt;

macro_rules! exits {
    ($($name:ident = $number:literal, $word:literal, $meaning:literal;)*) => {
        /// How a command ends.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Exit {
            $(#[doc = $meaning] $name = $number,)*
        }

        impl Exit {
            /// All codes, in the order of their numbers.
            pub const ALL: &'static [Exit] = &[$(Exit::$name),*];

            /// One word for records and logs.
            pub const fn word(self) -> &'static str {
                match self { $(Exit::$name => $word,)* }
            }

            /// What it means.
            pub const fn meaning(self) -> &'static str {
                match self { $(Exit::$name => $meaning,)* }
            }
        }
    };
}

exits! {
    Done = 0, "done", "Done, or already done.";
    Bug = 1, "bug", "An error inside this program.";
    Usage = 2, "bad-input", "The command line, the job or a file it names is wrong.";
    Refused = 3, "refused", "A safety gate refused; nothing irreversible was done.";
    Confirm = 4, "confirm", "A confirmation is needed and nobody is there to give it.";
    NoProbe = 10, "no-probe", "No such probe.";
    Permission = 11, "permission", "The probe or a file may not be opened by this user.";
    ProbeBusy = 12, "probe-busy", "Another process uses the probe, or this part's journal.";
    AmbiguousProbe = 13, "ambiguous-probe", "More than one probe fits.";
    Probe = 14, "probe-error", "The probe is silent or breaks its protocol.";
    Unsupported = 15, "unsupported", "The probe or the part cannot do that.";
    NoTarget = 20, "no-target", "No target answers on the wire.";
    WrongDevice = 21, "wrong-device", "The part is not the one the job is for.";
    ApClosed = 22, "ap-closed", "The access port is shut; authentication is needed.";
    WaitSpent = 23, "wait-spent", "The target answered WAIT until patience was spent, or to what must not be sent again.";
    Fault = 24, "fault", "The target answered FAULT.";
    Nrst = 25, "nrst", "NRST does not work.";
    ApBusy = 26, "ap-busy", "The access port stays busy.";
    LinkLost = 27, "link-lost", "The target answered and then no more, or nothing that makes sense.";
    TargetBusy = 30, "target-busy", "Flash, option bytes or mailbox stayed busy.";
    FlashFlags = 31, "flash-flags", "The flash interface reports errors.";
    Verify = 32, "verify", "Flash does not hold what was written.";
    Options = 33, "options", "The part did not take the option bytes.";
    ObkRejected = 40, "obk-rejected", "The part did not take the OBK.";
    ObkTimeout = 41, "obk-timeout", "The OBK write did not come to its end.";
    Integrity = 42, "integrity", "Discovery does not vouch for the credential.";
    Credential = 43, "credential", "Credential and OBK, or key and certificates, do not belong together.";
    Authentication = 44, "authentication", "The part refused the credential, or to authenticate at all.";
    Unknown = 50, "state-unknown", "What is in the part cannot be told: put it into quarantine.";
    Deadline = 60, "deadline", "The deadline is over.";
    Truncated = 61, "truncated", "An input file ends too early.";
    Storage = 62, "storage", "A journal, a record, a recording or the output cannot be written, as on a full disk.";
    Interrupted = 130, "interrupted", "Interrupted at a safe point.";
}

impl Exit {
    /// The number a shell sees.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The code with this number.
    pub fn from_code(code: u8) -> Option<Exit> {
        Exit::ALL.iter().copied().find(|e| e.code() == code)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.code(), self.word())
    }
}

impl From<&AdiError> for Exit {
    fn from(e: &AdiError) -> Exit {
        match e {
            AdiError::ProbeSilent { .. } | AdiError::Probe(_) | AdiError::Other { .. } => Exit::Probe,
            AdiError::WaitSpent { .. } | AdiError::Overrun { .. } | AdiError::Unsure { .. } => {
                Exit::WaitSpent
            }
            AdiError::ApBusy { .. } => Exit::ApBusy,
            AdiError::LinkLost { .. } | AdiError::Parity { .. } => Exit::LinkLost,
            AdiError::Fault { .. } => Exit::Fault,
            AdiError::ApClosed { .. } => Exit::ApClosed,
            AdiError::NoTarget { .. } | AdiError::PowerUp { .. } => Exit::NoTarget,
            AdiError::NrstNotWorking { .. } => Exit::Nrst,
            AdiError::MatchSpent { .. } | AdiError::Core { .. } => Exit::TargetBusy,
            AdiError::Unsupported(_) => Exit::Unsupported,
            AdiError::NoCore { .. } | AdiError::Misaligned { .. } => Exit::Bug,
        }
    }
}

impl From<&H5Error> for Exit {
    fn from(e: &H5Error) -> Exit {
        match e {
            H5Error::Adi(e) => Exit::from(e),
            H5Error::TargetBusy { spent, .. } => match spent.key {
                "flash.obk" | "flash.service" => Exit::ObkTimeout,
                _ => Exit::TargetBusy,
            },
            H5Error::FlashFlags { flags, .. } if flags.bits & (sr::OBKERR | sr::OBKWERR) != 0 => {
                Exit::ObkRejected
            }
            H5Error::OtpStopped { cause, .. } => Exit::from(&**cause),
            H5Error::OtpDiffers { .. } => Exit::Verify,
            H5Error::NoCredential { .. } => Exit::Refused,
            H5Error::FlashFlags { .. } | H5Error::LockedUntilReset { .. } => Exit::FlashFlags,
            H5Error::VerifyMismatch { .. } => Exit::Verify,
            H5Error::OptionRejected { .. } | H5Error::OptionNotTaken { .. } => Exit::Options,
            H5Error::IllegalMove { .. } => Exit::Refused,
            H5Error::WrongDevice(_) => Exit::WrongDevice,
            H5Error::ObkRejected { .. } | H5Error::RouteRefused { .. } => Exit::ObkRejected,
            H5Error::UnstableState { .. } | H5Error::NoUid | H5Error::Erasing(_) => Exit::Unknown,
            H5Error::ApShut { .. } => Exit::ApClosed,
            H5Error::Da(DaError::NoPassword | DaError::NoCertificates) => Exit::Unsupported,
            H5Error::Da(DaError::Chain(e)) => Exit::from(e),
            H5Error::Da(DaError::StillOpen { .. }) => Exit::Unknown,
            H5Error::Da(DaError::Refused { status, .. }) => refused(*status),
            // Something between the ROM and here changed what it said.
            H5Error::Da(_) => Exit::LinkLost,
            H5Error::AuthenticationFailed { .. } | H5Error::ChainRefused { .. } => Exit::Authentication,
            H5Error::NotOpened { .. } => Exit::ApClosed,
            H5Error::Unsupported(_) => Exit::Unsupported,
            H5Error::BadChange(_)
            | H5Error::BadRange(_)
            | H5Error::ObkFile(_)
            | H5Error::NoPort { .. }
            | H5Error::FamilyUnnamed { .. } => Exit::Usage,
            _ => Exit::Bug,
        }
    }
}

impl From<&ChainError> for Exit {
    fn from(e: &ChainError) -> Exit {
        match e {
            ChainError::OtherKey { .. } | ChainError::OtherRoot(_) => Exit::Credential,
            ChainError::Role { .. }
            | ChainError::Signature { .. }
            | ChainError::NotPermitted { .. }
            | ChainError::OtherClass { .. }
            | ChainError::OtherPart { .. } => Exit::Refused,
            _ => Exit::Usage,
        }
    }
}

/// A step of debug authentication that the ROM refused: it does not know it, or it does not let us.
fn refused(status: u16) -> Exit {
    match status {
        status::UNSUPPORTED | status::INVALID_COMMAND => Exit::Unsupported,
        _ => Exit::Authentication,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_by_the_rom_is_not_called_busy() {
        let exit = |status| Exit::from(&H5Error::Da(DaError::Refused { step: "AUTH_START", status }));
        assert_eq!(exit(status::FAILURE), Exit::Authentication);
        assert_eq!(exit(status::UNAUTHORIZED), Exit::Authentication);
        assert_eq!(exit(status::INVALID_COMMAND), Exit::Unsupported);
        assert_eq!(exit(status::UNSUPPORTED), Exit::Unsupported);
    }
}
