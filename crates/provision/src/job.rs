//! The job file: what shall become of a part, and how to go about it.

mod read;
pub(crate) mod section;
#[cfg(test)]
mod tests;

use crate::{Exit, Step};
use adi::ConnectMode;
use h5::{BadChange, FlashPace, ObkRoute, OptionChange};
use pace::{BadSetting, Policy};
use regs::h5::device::Family;
use regs::h5::state::ProductState;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use thiserror::Error;
use wire::{Addr, ApSel, Hz};

/// Why a job file is no good. Nothing was touched.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum JobError {
    /// The file cannot be read.
    #[error("the job file {path} cannot be read: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// It is no TOML.
    #[error("the job file is no TOML: {0}")]
    Toml(String),
    /// A key that means nothing here.
    #[error("the job has a key `{key}`{} that nobody knows{}", at(place), hint(nearest.as_deref()))]
    UnknownKey {
        /// The table it stands in, empty for the file itself.
        place: String,
        /// The key.
        key: String,
        /// The known key that looks most like it.
        nearest: Option<String>,
    },
    /// A key that must be there.
    #[error("the job has no `{0}`")]
    Missing(String),
    /// A value that does not fit.
    #[error("the job's `{key}` {why}")]
    Value {
        /// The key, with its table.
        key: String,
        /// What is wrong.
        why: String,
    },
    /// A policy setting is wrong.
    #[error(transparent)]
    Policy(#[from] BadSetting),
    /// An option byte is not there, or cannot have that value.
    #[error("the job's option_bytes: {0}")]
    Option(#[from] BadChange),
    /// What the job asks for is never done by this tool.
    #[error("{0}")]
    Refused(String),
}

fn at(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!(" in [{place}]") }
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default()
}

impl JobError {
    /// 2, or 3 for what is never done.
    pub fn exit(&self) -> Exit {
        match self {
            JobError::Refused(_) => Exit::Refused,
            _ => Exit::Usage,
        }
    }
}

/// Which access port to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApChoice {
    /// The one that fits the part; the plan says which and why.
    Auto,
    /// This one.
    Ap(ApSel),
}

impl ApChoice {
    /// The access port. On every STM32H5 the core and the bus are behind AP1; AP0 sees only DBGMCU. [H5-DBG-1]
    pub fn resolve(self) -> ApSel {
        match self {
            ApChoice::Auto => ApSel(regs::h5::device::AP1.ap),
            ApChoice::Ap(ap) => ap,
        }
    }
}

impl fmt::Display for ApChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApChoice::Auto => write!(f, "{} (auto: the bus and the core are behind it)", self.resolve()),
            ApChoice::Ap(ap) => write!(f, "{ap}"),
        }
    }
}

impl FromStr for ApChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(ApChoice::Auto),
            _ => text
                .parse()
                .map(|n| ApChoice::Ap(ApSel(n)))
                .map_err(|_| format!("takes \"auto\" or a number from 0 to 255, and `{text}` is none")),
        }
    }
}

/// A reset that a job asks for around a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reset {
    /// None.
    None,
    /// A pulse on NRST.
    Hardware,
    /// SYSRESETREQ.
    System,
}

impl Reset {
    /// The word people type.
    pub const fn word(self) -> &'static str {
        match self {
            Reset::None => "none",
            Reset::Hardware => "hardware",
            Reset::System => "system",
        }
    }
}

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Reset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Reset::None, Reset::Hardware, Reset::System]
            .into_iter()
            .find(|r| r.word() == text)
            .ok_or_else(|| format!("takes \"none\", \"hardware\" or \"system\", and `{text}` is none"))
    }
}

/// The product state a job ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Goal {
    /// Programmed, everything still open.
    Open,
    /// The credential is in and discovery vouches for it; not closed.
    Provisioning,
    /// Closed, and proved by discovery.
    Closed,
}

impl Goal {
    /// The product state.
    pub const fn state(self) -> ProductState {
        match self {
            Goal::Open => ProductState::OPEN,
            Goal::Provisioning => ProductState::PROVISIONING,
            Goal::Closed => ProductState::CLOSED,
        }
    }

    /// The word of the job file.
    pub const fn word(self) -> &'static str {
        match self {
            Goal::Open => "OPEN",
            Goal::Provisioning => "PROVISIONING",
            Goal::Closed => "CLOSED",
        }
    }
}

/// An image that belongs into flash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSource {
    /// The file.
    pub path: PathBuf,
    /// What its SHA-256 must be.
    pub sha256: Option<[u8; 32]>,
    /// Where a raw binary goes.
    pub address: Option<Addr>,
}

/// The provisioning file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObkSource {
    /// The file.
    pub path: PathBuf,
    /// What its SHA-256 must be.
    pub sha256: Option<[u8; 32]>,
    /// How it goes in; `None`: the default for the part.
    pub route: Option<ObkRoute>,
}

/// What a job says about one step only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StepSettings {
    /// Connect mode.
    pub connect: Option<ConnectMode>,
    /// Access port.
    pub ap: Option<ApChoice>,
    /// Policy settings on top of the job's.
    pub policy: Vec<(String, String)>,
    /// Reset before the step.
    pub reset_before: Option<Reset>,
    /// Reset after the step.
    pub reset_after: Option<Reset>,
}

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Where it came from.
    pub path: PathBuf,
    /// SHA-256 of its text.
    pub sha256: [u8; 32],
    /// For real parts that leave the house: no public sample credentials, no exceptions for file modes.
    pub production: bool,
    /// The part it is for.
    pub family: Family,
    /// What is printed on its package, as a person read it. [H5-DBG-11]
    pub marking: Option<String>,
    /// Connect mode of every step that says nothing else.
    pub mode: ConnectMode,
    /// Access port of every step that says nothing else.
    pub ap: ApChoice,
    /// SWCLK.
    pub speed: Hz,
    /// Policy of every step, before its own settings.
    pub policy: Policy,
    /// Images.
    pub images: Vec<ImageSource>,
    /// Option bytes.
    pub options: Vec<OptionChange>,
    /// The provisioning file.
    pub obk: Option<ObkSource>,
    /// The password that belongs to it.
    pub password_file: Option<PathBuf>,
    /// Where it ends.
    pub goal: Goal,
    /// NRST must be seen to reach the chip before anything is written.
    pub require_nrst: bool,
    /// How quad-words are paced.
    pub pace: FlashPace,
    /// What single steps say.
    pub steps: BTreeMap<Step, StepSettings>,
}

/// What the command line says; it wins over the job.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Replaces the job's policy.
    pub policy: Option<Policy>,
    /// `key=value`, or `STEP/key=value` for one step.
    pub set: Vec<String>,
    /// `MODE`, or `STEP=MODE`.
    pub connect: Vec<String>,
    /// `N` or `auto`, or `STEP=N`.
    pub ap: Vec<String>,
    /// SWCLK.
    pub speed: Option<Hz>,
}

/// Splits `STEP=value` into its halves; a value alone is for all steps.
fn per_step(text: &str) -> Result<(Option<Step>, &str), JobError> {
    match text.split_once('=') {
        None => Ok((None, text)),
        Some((step, value)) => Ok((Some(named_step(step)?), value)),
    }
}

/// What is for all steps first: what is said of one step counts more, whatever the order on the command line.
fn of_steps(texts: &[String]) -> Result<Vec<(Option<Step>, &str)>, JobError> {
    let mut all: Vec<_> = texts.iter().map(|text| per_step(text)).collect::<Result<_, _>>()?;
    all.sort_by_key(|(step, _)| step.is_some());
    Ok(all)
}

fn named_step(name: &str) -> Result<Step, JobError> {
    Step::from_name(name).filter(|s| Step::SETTABLE.contains(s)).ok_or_else(|| {
        let words: Vec<_> = Step::SETTABLE.iter().map(|s| s.name()).collect();
        JobError::Value {
            key: "steps".to_owned(),
            why: format!("has no `{name}`: there are {}", words.join(", ")),
        }
    })
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

fn flag_error(flag: &str) -> impl Fn(String) -> JobError + '_ {
    move |why| JobError::Value { key: format!("--{flag}"), why }
}

impl Job {
    /// A job without a file: it says no more than the family, and opens.
    pub fn of_family(family: Family) -> Job {
        Job {
            path: PathBuf::new(),
            sha256: Sha256::digest([]).into(),
            production: false,
            family,
            marking: None,
            mode: ConnectMode::Hotplug,
            ap: ApChoice::Auto,
            speed: read::SPEED,
            policy: Policy::default(),
            images: Vec::new(),
            options: Vec::new(),
            obk: None,
            password_file: None,
            goal: Goal::Open,
            require_nrst: true,
            pace: FlashPace::Stream,
            steps: BTreeMap::new(),
        }
    }

    /// Reads a job file.
    ///
    /// # Errors
    /// [`JobError`].
    pub fn load(path: &Path) -> Result<Job, JobError> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| JobError::File { path: path.to_owned(), why: e.to_string() })?;
        Job::parse(&text, path)
    }

    /// Reads a job from its text; relative paths in it are relative to `path`'s folder.
    ///
    /// # Errors
    /// [`JobError`].
    pub fn parse(text: &str, path: &Path) -> Result<Job, JobError> {
        read::job(text, path)
    }

    /// Applies what the command line says.
    ///
    /// # Errors
    /// [`JobError`] when a flag makes no sense; the job is then half changed and must not be used.
    pub fn apply(&mut self, overrides: &Overrides) -> Result<(), JobError> {
        if let Some(policy) = &overrides.policy {
            self.policy = policy.clone();
        }
        if let Some(speed) = overrides.speed {
            self.speed = speed;
        }
        for (step, mode) in of_steps(&overrides.connect)? {
            let mode = mode.parse().map_err(flag_error("connect"))?;
            self.mode = if step.is_none() { mode } else { self.mode };
            self.settings(step, |settings| settings.connect = Some(mode));
        }
        for (step, ap) in of_steps(&overrides.ap)? {
            let ap = ap.parse().map_err(flag_error("ap"))?;
            self.ap = if step.is_none() { ap } else { self.ap };
            self.settings(step, |settings| settings.ap = Some(ap));
        }
        overrides.set.iter().try_for_each(|text| self.set(text))
    }

    /// Changes the settings of one step, or of all.
    fn settings(&mut self, step: Option<Step>, mut change: impl FnMut(&mut StepSettings)) {
        for each in Step::SETTABLE.iter().filter(|s| step.is_none_or(|step| step == **s)) {
            change(self.steps.entry(*each).or_default());
        }
    }

    /// One `key=value` or `STEP/key=value`. Without a step it holds for every step, even where the job says otherwise.
    fn set(&mut self, text: &str) -> Result<(), JobError> {
        let (step, setting) = match text.split_once('/') {
            Some((step, setting)) => (Some(named_step(step)?), setting),
            None => (None, text),
        };
        let mut probe = self.policy.clone();
        probe.apply(setting)?;
        let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
        let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
        match step {
            Some(step) => self.steps.entry(step).or_default().policy.push((key, value)),
            None => {
                self.policy = probe;
                for settings in self.steps.values_mut() {
                    settings.policy.retain(|(k, _)| *k != key);
                }
            }
        }
        Ok(())
    }

    fn step(&self, step: Step) -> Option<&StepSettings> {
        self.steps.get(&step)
    }

    /// The policy of a step.
    pub fn policy_of(&self, step: Step) -> Policy {
        let mut policy = self.policy.clone();
        for (key, value) in self.step(step).map(|s| s.policy.as_slice()).unwrap_or_default() {
            // Each was applied once when it was read, so it fits.
            let _ = policy.set(key, value);
        }
        policy
    }

    /// The connect mode of a step. The OBK step is hotplug unless the job says otherwise: it is the only mode that is
    /// known to work with and without the board's USB cable. [H5-TIMEOUT-0]
    pub fn mode_of(&self, step: Step) -> ConnectMode {
        let own = self.step(step).and_then(|s| s.connect);
        own.unwrap_or(if step == Step::Obk { ConnectMode::Hotplug } else { self.mode })
    }

    /// The access port of a step.
    pub fn ap_of(&self, step: Step) -> ApChoice {
        self.step(step).and_then(|s| s.ap).unwrap_or(self.ap)
    }

    /// The reset before a step.
    pub fn reset_before(&self, step: Step) -> Reset {
        self.step(step).and_then(|s| s.reset_before).unwrap_or(Reset::None)
    }

    /// The reset after a step.
    pub fn reset_after(&self, step: Step) -> Reset {
        self.step(step).and_then(|s| s.reset_after).unwrap_or(Reset::None)
    }

    /// The job's folder and name, for messages.
    pub fn name(&self) -> String {
        if self.has_file() { self.path.display().to_string() } else { "(no job)".to_owned() }
    }

    /// It was read from a file.
    pub(crate) fn has_file(&self) -> bool {
        !self.path.as_os_str().is_empty()
    }

    /// What a person types to name this job to a command that can do without one.
    pub(crate) fn argument(&self) -> String {
        if self.has_file() {
            quoted(&self.name())
        } else {
            format!("--family {} --password-file FILE", self.family)
        }
    }

    /// What a person types to name this job to a command that needs one.
    pub(crate) fn file_argument(&self) -> String {
        if self.has_file() { quoted(&self.name()) } else { "JOB".to_owned() }
    }
}
