//! What ends a command without its result: what failed, the evidence, the state now, what to type next.

use adi::AdiError;
use h5::H5Error;
use h5::da::{ChainError, DaError};
use pace::BadSetting;
use provision::{CredentialError, Exit, ImageError};
use session::SessionError;

/// An error for a person at the bench.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) exit: Exit,
    pub(crate) text: String,
    /// The last accesses.
    pub(crate) evidence: Vec<String>,
    /// What is known of probe and target now.
    pub(crate) state: Option<String>,
    pub(crate) recoverable: Option<&'static str>,
    pub(crate) next: Option<String>,
    /// Data about it stands on standard output already.
    pub(crate) told: bool,
}

impl Trouble {
    pub(crate) fn new(exit: Exit, text: impl Into<String>) -> Trouble {
        Trouble {
            exit,
            text: text.into(),
            evidence: Vec::new(),
            state: None,
            recoverable: None,
            next: None,
            told: false,
        }
    }

    pub(crate) fn usage(text: impl Into<String>) -> Trouble {
        Trouble::new(Exit::Usage, text)
    }

    pub(crate) fn next(mut self, next: impl Into<String>) -> Trouble {
        self.next = Some(next.into());
        self
    }

    /// It came before any probe was opened.
    pub(crate) fn untouched(mut self) -> Trouble {
        self.state = Some("no target was touched".to_owned());
        self
    }

    /// A change of option bytes was started, and nobody saw its end.
    pub(crate) fn unproven(what: &str, why: &str) -> Trouble {
        let mut trouble = Trouble::new(Exit::Unknown, format!("{what} is not proven: {why}"));
        trouble.state = Some("unknown: the change may have begun and must not be repeated".to_owned());
        trouble
    }

    /// Data about it was printed before.
    pub(crate) fn told(mut self) -> Trouble {
        self.told = true;
        self
    }

    /// All of it, line by line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("error: {}", self.text)];
        if !self.evidence.is_empty() {
            lines.push("  last accesses:".to_owned());
            lines.extend(self.evidence.iter().map(|access| format!("    {access}")));
        }
        let mut say = |word: &str, text: &str| lines.push(format!("  {word:<12} {text}"));
        if let Some(state) = &self.state {
            say("state now:", state);
        }
        if let Some(recoverable) = self.recoverable {
            say("recoverable:", recoverable);
        }
        if let Some(next) = &self.next {
            say("next:", next);
        }
        say("exit code:", &self.exit.to_string());
        lines
    }
}

impl From<AdiError> for Trouble {
    fn from(e: AdiError) -> Self {
        let (recoverable, next) = advice(&e);
        let mut trouble = Trouble::new(Exit::from(&e), e.to_string());
        trouble.recoverable = Some(recoverable);
        trouble.next = Some(next.to_owned());
        trouble
    }
}

impl From<H5Error> for Trouble {
    fn from(e: H5Error) -> Self {
        match e {
            H5Error::Adi(e) => Trouble::from(e),
            e => {
                let (recoverable, next) = part_advice(&e);
                let mut trouble = Trouble::new(Exit::from(&e), e.to_string()).next(next);
                trouble.recoverable = Some(recoverable);
                trouble
            }
        }
    }
}

impl From<ImageError> for Trouble {
    fn from(e: ImageError) -> Self {
        Trouble::new(e.exit(), e.to_string()).next(CORRECT)
    }
}

impl From<CredentialError> for Trouble {
    fn from(e: CredentialError) -> Self {
        Trouble::new(e.exit(), e.to_string()).next(CORRECT)
    }
}

/// The same advice for whatever is wrong with the input.
const CORRECT: &str = "correct what is named above; nothing was written";

impl From<h5::BadChange> for Trouble {
    fn from(e: h5::BadChange) -> Self {
        Trouble::usage(e.to_string()).next("`ackwait ob read` lists names and values; nothing was written")
    }
}

impl From<BadSetting> for Trouble {
    fn from(e: BadSetting) -> Self {
        Trouble::usage(e.to_string()).next("`ackwait policy show` lists the keys and what they take")
    }
}

impl From<SessionError> for Trouble {
    fn from(e: SessionError) -> Self {
        match e {
            SessionError::Adi(e) => Trouble::from(e),
            SessionError::Policy(e) => Trouble::from(e),
            e => {
                let exit = Exit::from_code(e.exit_code()).unwrap_or(Exit::Bug);
                let mut trouble = Trouble::new(exit, e.to_string());
                trouble.state = Some("no target was touched".to_owned());
                let looks =
                    matches!(exit, Exit::NoProbe | Exit::AmbiguousProbe | Exit::ProbeBusy | Exit::Permission);
                if looks { trouble.next("`ackwait list` shows what is plugged in") } else { trouble }
            }
        }
    }
}

impl Trouble {
    /// A session that did not end well, behind whatever the command did.
    pub(crate) fn closing(e: SessionError) -> Trouble {
        let mut trouble = Trouble::from(e);
        trouble.text = format!("closing the session: {}", trouble.text);
        trouble.state = Some("what the command did stands; letting go of probe and target failed".to_owned());
        trouble
    }
}

/// The same for what the part itself did, in the words of this tool.
fn part_advice(e: &H5Error) -> (&'static str, String) {
    const UNCHANGED: &str = "yes: nothing was written";
    let (recoverable, next) = match e {
        H5Error::TargetBusy { spent, .. } if spent.key.starts_with("da.") => {
            ("yes: the part is unchanged", e.next_step())
        }
        H5Error::Erasing(_) => (
            "likely: a regression that was begun ends by itself at the next power-up",
            "do not repeat it: cut the board's power once, then `ackwait da discover`",
        ),
        H5Error::NoCredential { locked: false, .. } => {
            (UNCHANGED, "`ackwait otp program --password-file FILE --accept-irreversible=OTP` comes first")
        }
        H5Error::NoCredential { locked: true, .. } => {
            ("no: what is locked stays as it is", "leave the part OPEN, or take another one")
        }
        H5Error::OtpStopped { .. } => (
            "yes: what is in stays in, and the same command writes only what is missing",
            "`ackwait reset`, then the same command again",
        ),
        H5Error::OtpDiffers { .. } => (
            "no: what OTP holds is for ever",
            "find the password that belongs to it; where an interruption tore it none does, and the part must not be closed",
        ),
        H5Error::TargetBusy { spent, .. } => {
            return (
                "by a reset: NRST ends what is under way",
                format!("`ackwait reset`, `ackwait status`; `--set {}=TIME` waits longer", spent.key),
            );
        }
        H5Error::IllegalMove { .. } => (UNCHANGED, "`ackwait status` lists the moves that work from here"),
        H5Error::FlashFlags { .. } => (
            "yes: the flags are cleared by the next operation",
            "`ackwait ob read` shows what is protected; `ackwait status`",
        ),
        H5Error::VerifyMismatch { .. } => {
            ("yes: erase and program it again", "`ackwait flash program FILE --pace poll`")
        }
        H5Error::OptionRejected { .. } | H5Error::OptionNotTaken { .. } => {
            ("yes: the option bytes are as they were", "`ackwait reset`, then `ackwait ob read`")
        }
        H5Error::BadChange(_) => (UNCHANGED, "`ackwait ob read` lists names and values"),
        H5Error::WrongDevice(_) => {
            (UNCHANGED, "`ackwait info` says which part it is; `--family` must be one of its")
        }
        H5Error::NoPort { .. } => (UNCHANGED, "`ackwait info` shows the access ports; leave `--ap` out"),
        H5Error::FamilyUnnamed { .. } => (UNCHANGED, "name what the package says: `--family H562`"),
        H5Error::LockedUntilReset { .. } => ("by a reset", "`ackwait reset`, then the same command"),
        H5Error::ObkFile(_) => (UNCHANGED, "`ackwait obk inspect FILE`"),
        H5Error::ObkRejected { .. } | H5Error::RouteRefused { .. } => (
            "yes: the part stays in PROVISIONING",
            "another way in: `--route direct`, `rsslib` or `rss-command`",
        ),
        H5Error::UnstableState { .. } => (UNCHANGED, "`--set reset.reconnect=10s` gives it time"),
        H5Error::ApShut { .. } => {
            ("by authentication, where the product state shuts it", "`ackwait da discover` asks the ROM")
        }
        H5Error::ChainRefused { .. } => (
            "yes: the part is unchanged",
            "`ackwait obk match OBK --cert CERT` tells whether the root key is the one that the part was given",
        ),
        H5Error::NotOpened { .. } => (
            "yes: it is as it was but for a reset",
            "debug opens when the program reaches that level: `--permission debug-l1`, or let it run and `ackwait info`",
        ),
        H5Error::Da(e) => da_advice(e),
        H5Error::AuthenticationFailed { .. } => (
            "yes: the part is unchanged",
            "`ackwait obk match FILE --password-file PW` tells which password it is",
        ),
        H5Error::NoUid => (UNCHANGED, "`ackwait da discover` shows it as SOC_ID"),
        H5Error::Unsupported(_) | H5Error::BadRange(_) => {
            (UNCHANGED, "`ackwait status` says what the part is and can do now")
        }
        _ => ("not known", "`ackwait status`"),
    };
    (recoverable, next.to_owned())
}

/// What to do where the ROM does not answer as it should, or credential and part do not fit.
fn da_advice(e: &DaError) -> (&'static str, &'static str) {
    const NOT_SENT: &str = "yes: nothing was sent";
    match e {
        DaError::NoPassword => (NOT_SENT, "`ackwait da regress --key KEY --cert CERT`"),
        DaError::NoCertificates => (NOT_SENT, "`ackwait da regress --password-file PW`"),
        DaError::Chain(ChainError::OtherRoot(_)) => {
            (NOT_SENT, "`ackwait obk match OBK --cert CERT`: another chain, or another OBK file")
        }
        DaError::Chain(_) => (
            NOT_SENT,
            "`ackwait da cert show CERT` says for which key each certificate is and what it permits",
        ),
        DaError::StillOpen { .. } => (
            "by a reset or a power cycle",
            "cut the board's power, then `ackwait info` shows which ports are open",
        ),
        _ => ("yes: the part is unchanged", "`ackwait doctor reset`, then `ackwait da discover`"),
    }
}

/// Whether it can be recovered from, and the next thing to do.
fn advice(e: &AdiError) -> (&'static str, &'static str) {
    const NOT_DONE: &str = "yes: the access was not made";
    const PERHAPS: &str = "yes; whether the access was made is not known";
    match e {
        AdiError::ProbeSilent { .. } | AdiError::Probe(_) => {
            (PERHAPS, "plug the probe in anew, then `ackwait info`; `--set usb.timeout=20s` waits longer")
        }
        AdiError::WaitSpent { .. } => (
            "yes: the access was given up and the access port is free again",
            "something behind the access port is busy: `--set adi.wait=5s` waits longer, `--ap N` looks through another port",
        ),
        AdiError::ApBusy { .. } => (
            "by a reset: the access port does not finish its access",
            "`ackwait reset`, or `--connect under-reset`",
        ),
        AdiError::LinkLost { .. } => {
            (PERHAPS, "the target was reset or lost power, or SWCLK is too fast: `ackwait info --speed 1000`")
        }
        AdiError::Fault { .. } => (
            "yes: the sticky bits are cleared",
            "check the address, its width, and whether `--attr secure` or `non-secure` is meant; `ackwait info` shows the ports",
        ),
        AdiError::Parity { .. } => ("yes", "`--speed 1000`, shorter wires, a better ground"),
        AdiError::ApClosed { .. } => (
            "by authentication only, where the product state shuts it",
            "`ackwait info` shows which ports are open; after a reset it may take a moment",
        ),
        AdiError::NoTarget { .. } => (
            "yes: nothing was changed",
            "check supply, ground, SWDIO and SWCLK; `--speed 100`; `--connect under-reset` where the program turns the pins off",
        ),
        AdiError::NrstNotWorking { .. } => {
            ("yes: NRST is released", "wire the probe's nRESET to NRST of the chip")
        }
        AdiError::PowerUp { .. } => ("yes", "`--connect under-reset`, or a power cycle of the target"),
        AdiError::MatchSpent { .. } => (
            "yes: it was only looked at",
            "`--set probe.match=1s` or `64x` decides how long or how often is looked",
        ),
        AdiError::Overrun { .. } => {
            ("yes: write that memory again", "the same command again with `--set usb.in-flight=1`")
        }
        AdiError::Unsure { .. } => (PERHAPS, "look at what the write should have done before doing it again"),
        AdiError::Other { .. } => (PERHAPS, "plug the probe in anew; its firmware may need an update"),
        AdiError::Core { .. } => {
            ("yes", "`ackwait core status`; `ackwait reset --halt` stops it at its first instruction")
        }
        AdiError::NoCore { .. } | AdiError::Misaligned { .. } | AdiError::Unsupported(_) => {
            (NOT_DONE, "`ackwait help` and `ackwait info` show what there is")
        }
    }
}
