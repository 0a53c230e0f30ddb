//! The composition root: what the user named becomes probe, recorder, policy and clock.
//!
//! **What it is.** The one place that puts the layers together: a [`Selector`] becomes a pipe (a probe on USB, a server on TCP,
//! a simulated device in this process, [`Loopback`], or a recording that plays the probe), the recorder taps it, a link speaks the probe's protocol over it, and
//! the ADI engine drives the link by the policy on the session's clock: the machine's for a real probe, a virtual one for a
//! simulated or recorded one.
//!
//! **What it knows.** Which types exist on both sides of each seam. Which ST-Link a session left without closing it, by a file in
//! the user's state folder.
//!
//! **What it must not know.** What the session is for: no chip, no plan, no command line.
//!
//! **Specification.** None of its own.
//!
//! **Not supported.** A replay has no bench: what a person did to the board is not done again.

mod alias;
mod loopback;
mod policy;
mod real;
mod recording;
mod rehearsal;
mod replayed;
mod selector;
mod simulated;
mod unclosed;

pub use alias::{AliasError, Aliases};
pub use loopback::Loopback;
pub use policy::policy;
pub use probe::find::{FindError, FoundProbe, Location, Protocol, Trouble, known_ids as probe_ids};
pub use recording::{NotSpare, name_recording, spare};
pub use selector::{BadSelector, Selector};

use adi::{Adi, AdiError};
use pace::{BadSetting, Clock, Policy, RealClock, VirtualClock};
use probe::find::NoLocation;
use probe::tap::Tap;
use real::Reached;
use replayed::Replayed;
use sim::{BoardError, SimError, SimProbe};
use simulated::SimBench;
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use thiserror::Error;
use trace::replay::Replay;
use trace::{ClockKind, Header, Recorder, Secrets, TraceError};
use unclosed::Unclosed;
pub use unclosed::state_folder;
use wire::{Bench, Hz, Link, LinkError, Mark, MarkKind, Pipe, PipeError, Record, Sink, UsbDevice};

/// What a session is made of.
#[derive(Debug, Clone)]
pub struct Options {
    /// The probe, as the user typed it.
    pub probe: String,
    /// What we are willing to wait.
    pub policy: Policy,
    /// The SWCLK frequency to ask for.
    pub swclk: Hz,
    /// Where to record, if at all.
    pub trace: Option<PathBuf>,
    /// Record secrets as they are.
    pub trace_secrets: bool,
    /// Who records, for the header.
    pub tool: String,
}

/// Why there is no session, or why it did not end well.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The selector names nothing.
    #[error(transparent)]
    Selector(#[from] BadSelector),
    /// The alias leads nowhere.
    #[error(transparent)]
    Alias(#[from] AliasError),
    /// The selector is right, and this version cannot follow it.
    #[error(
        "{probe} cannot be used: {why}; name the probe by VID:PID, serial number, usb:BUS-PORT, tcp:HOST:PORT, sim: or replay:FILE"
    )]
    NotYet {
        /// What was named.
        probe: String,
        /// What is missing.
        why: &'static str,
    },
    /// A socket that is none.
    #[error(transparent)]
    Location(#[from] NoLocation),
    /// No probe on USB that fits, or none that can be used.
    #[error(transparent)]
    Find(#[from] FindError),
    /// Nobody answers where a server should be.
    #[error("there is no CMSIS-DAP server at {place}: {error}")]
    NoServer {
        /// Where it should be.
        place: String,
        /// What came instead.
        error: PipeError,
    },
    /// The simulated probe or board cannot be set up or saved.
    #[error(transparent)]
    Sim(#[from] SimError),
    /// The probe does not talk.
    #[error("the probe cannot be opened: {0}")]
    Probe(#[from] LinkError),
    /// The engine failed.
    #[error(transparent)]
    Adi(#[from] AdiError),
    /// The recording failed.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The recording would be written over what plays the probe or keeps the board.
    #[error(transparent)]
    NotSpare(#[from] NotSpare),
    /// The policy is wrong.
    #[error(transparent)]
    Policy(#[from] BadSetting),
    /// The policy is neither a preset nor a file that can be read.
    #[error("`{name}` is no preset ({}), and as a file: {error}", Policy::PRESETS.join(", "))]
    PolicyFile {
        /// What was named.
        name: String,
        /// What the system says.
        error: String,
    },
}

impl SessionError {
    /// The exit code a tool ends with: 2 usage, 10 no probe, 11 permission, 12 busy, 13 ambiguous, 14 probe error, 15 not
    /// supported.
    pub fn exit_code(&self) -> u8 {
        match self {
            SessionError::Sim(SimError::Board(BoardError::InUse { .. })) => 12,
            SessionError::Selector(_)
            | SessionError::Alias(_)
            | SessionError::Location(_)
            | SessionError::Sim(_)
            | SessionError::Trace(_)
            | SessionError::NotSpare(_)
            | SessionError::Policy(_)
            | SessionError::PolicyFile { .. } => 2,
            SessionError::NoServer { .. } | SessionError::Find(FindError::None(_)) => 10,
            SessionError::Find(FindError::Ambiguous(_)) => 13,
            SessionError::Find(FindError::Unusable { trouble, .. }) => trouble_code(trouble),
            SessionError::NotYet { .. } | SessionError::Probe(LinkError::Unsupported(_)) => 15,
            SessionError::Probe(_) | SessionError::Adi(_) => 14,
        }
    }
}

fn trouble_code(trouble: &Trouble) -> u8 {
    match trouble {
        Trouble::Gone => 10,
        Trouble::Permission(_) => 11,
        Trouble::Busy => 12,
        Trouble::System(_) => 14,
        Trouble::Loader | Trouble::Firmware(_) => 15,
    }
}

/// A probe with its engine, from open to close.
#[derive(Debug)]
pub struct Session {
    /// The engine.
    pub adi: Adi,
    clock: Arc<dyn Clock>,
    recorder: Option<Rc<RefCell<Recorder>>>,
    /// The simulated probe, where it is one.
    device: Option<Rc<RefCell<SimProbe>>>,
    line: String,
    trace: Option<PathBuf>,
    /// A recording plays the probe.
    replayed: bool,
    /// The file that tells of a session which was not closed.
    unclosed: Option<Unclosed>,
}

/// What is left of a session.
#[derive(Debug, Clone, Default)]
pub struct Closing {
    /// What the simulated wire cost, where there was one.
    pub bill: Option<String>,
    /// The recording, where there is one.
    pub trace: Option<PathBuf>,
}

/// Every probe on USB, with the reason where one cannot be used.
pub fn probes(policy: &Policy) -> Vec<FoundProbe> {
    probe::find::find(&policy.usb)
}

/// The selector of the one probe on USB, for a user who named none.
///
/// # Errors
/// [`SessionError::Find`]: there is none, more than one, or it cannot be used.
pub fn only_probe(policy: &Policy) -> Result<String, SessionError> {
    let all = probes(policy);
    let [only] = all.as_slice() else {
        let lines = all.iter().map(FoundProbe::to_string).collect::<Vec<_>>();
        let none = lines.is_empty();
        return Err(if none { FindError::None(lines) } else { FindError::Ambiguous(lines) }.into());
    };
    let selector = format!("usb:{}", only.location);
    match &only.trouble {
        Some(trouble) => Err(FindError::Unusable { probe: selector, trouble: trouble.clone() }.into()),
        None => Ok(selector),
    }
}

/// Opens a session.
///
/// # Errors
/// [`SessionError`]; nothing was written to a target.
pub fn open(options: &Options) -> Result<Session, SessionError> {
    let selector: Selector = options.probe.parse()?;
    match &selector {
        Selector::Alias(alias) => open_named(alias, &Aliases::load()?, options),
        selector => open_selected(selector, None, options),
    }
}

fn open_named(alias: &str, aliases: &Aliases, options: &Options) -> Result<Session, SessionError> {
    open_selected(aliases.resolve(alias)?, Some((alias, aliases)), options)
}

fn open_selected(
    selector: &Selector,
    named: Option<(&str, &Aliases)>,
    options: &Options,
) -> Result<Session, SessionError> {
    let needed = selector.file();
    spare(options.trace.as_deref(), needed.iter().map(PathBuf::as_path))?;
    match selector {
        Selector::Sim(scenario) => Session::simulated(SimProbe::open(scenario)?, options),
        Selector::Replay(file) => Session::replayed(file, options),
        selector => Session::real(selector, named, options),
    }
}

impl Session {
    /// A session over a simulated probe of this process, on a virtual clock.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn simulated(device: SimProbe, options: &Options) -> Result<Session, SessionError> {
        Session::over(Rc::new(RefCell::new(device)), options)
    }

    /// The same over a probe that the caller keeps, to look at it where no session comes of it.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn over(device: Rc<RefCell<SimProbe>>, options: &Options) -> Result<Session, SessionError> {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new());
        let pipe = Loopback::new(Rc::clone(&device), Arc::clone(&clock));
        let identity = device.borrow().identity();
        let limit = probe::find::in_flight((identity.vid, identity.pid), identity.release);
        let mut setup = Setup::new(options, clock, pipe.shape(), limit)?;
        let link = setup.link(Box::new(pipe), limit)?;
        setup.session(link, Some(device))
    }

    /// A session over a recording that plays the probe, on a virtual clock that follows the recorded times.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn replayed(file: &str, options: &Options) -> Result<Session, SessionError> {
        let replay = Replay::open(file)?;
        let (limit, masked) = (replay.in_flight(), replay.masked_answers());
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new());
        let pipe = Replayed::new(replay, Arc::clone(&clock));
        let mut setup = Setup::new(options, clock, pipe.shape(), limit)?;
        if masked > 0 {
            setup.note(&format!(
                "replay: {masked} answers hold secrets that the recording masks; what depends on them goes another way"
            ));
        }
        let link = setup.link(Box::new(pipe), limit)?;
        let session = setup.session(link, None)?;
        Ok(Session { replayed: true, ..session })
    }

    /// A session over a probe on USB or TCP, on the machine's clock. A probe on USB that says nothing is reset once, and one
    /// that may still wait for data is before anything is said to it. [STL-29]
    fn real(
        selector: &Selector,
        named: Option<(&str, &Aliases)>,
        options: &Options,
    ) -> Result<Session, SessionError> {
        let clock: Arc<dyn Clock> = Arc::new(RealClock::start());
        let mut reached = real::reach(selector, named, &options.policy, &clock)?;
        let found = reached.found.take();
        let unclosed = found.as_ref().and_then(Unclosed::of);
        let left = unclosed.as_ref().is_some_and(Unclosed::is_left);
        let mut setup = Setup::new(options, Arc::clone(&clock), reached.pipe.shape(), reached.in_flight)?;
        let link = match found {
            Some(found) => {
                setup.link_or_reset(reached, left, || real::reset(&found, &options.policy, &clock))?
            }
            None => setup.reached(reached)?,
        };
        // Nothing was written to the target yet, so no data can be missing before this.
        unclosed.iter().for_each(Unclosed::begin);
        Ok(Session { unclosed, ..setup.session(link, None)? })
    }

    /// The probe in one line: product, numbers, serial.
    pub fn probe_line(&self) -> String {
        self.line.clone()
    }

    /// Whether no real board is at the other end: it is simulated, or a recording plays it.
    pub fn is_simulated(&self) -> bool {
        self.device.is_some() || self.replayed
    }

    /// The session's clock.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Somebody who can plug, switch and press at the board; nobody where the board is real.
    pub fn bench(&self) -> Option<Box<dyn Bench>> {
        let device = Rc::clone(self.device.as_ref()?);
        Some(Box::new(SimBench { device, clock: Arc::clone(&self.clock) }))
    }

    /// The simulated probe, for tests and bills.
    pub fn device(&self) -> Option<Rc<RefCell<SimProbe>>> {
        self.device.clone()
    }

    /// Lets go of the target, writes the board file and the recording.
    ///
    /// # Errors
    /// [`SessionError`], the first of what failed; everything is tried.
    pub fn close(mut self) -> Result<Closing, SessionError> {
        let detached = self.adi.detach();
        let saved = match &self.device {
            Some(device) => device.borrow_mut().save(self.clock.now()),
            None => Ok(()),
        };
        let bill = self.device.as_ref().map(|device| device.borrow().bill().to_string());
        let trace = match &self.recorder {
            Some(recorder) => {
                recorder.borrow_mut().finish()?;
                self.trace
            }
            None => None,
        };
        saved?;
        detached?;
        self.unclosed.iter().for_each(Unclosed::end);
        Ok(Closing { bill, trace })
    }
}

/// A session that is being put together.
struct Setup<'a> {
    options: &'a Options,
    clock: Arc<dyn Clock>,
    recorder: Option<Rc<RefCell<Recorder>>>,
    line: String,
}

impl<'a> Setup<'a> {
    fn new(
        options: &'a Options,
        clock: Arc<dyn Clock>,
        shape: &wire::PipeShape,
        in_flight: Option<u8>,
    ) -> Result<Self, SessionError> {
        let line = describe(shape);
        let pipe = trace::replay::line(shape, in_flight);
        let recorder = recorder(options, &line, pipe, &clock)?;
        Ok(Setup { options, clock, recorder, line })
    }

    /// The link over a pipe, with the recorder between them.
    fn link(&mut self, pipe: Box<dyn Pipe>, in_flight: Option<u8>) -> Result<Box<dyn Link>, SessionError> {
        let pipe = match &self.recorder {
            Some(sink) => Box::new(Tap::new(pipe, Rc::clone(sink), Arc::clone(&self.clock))),
            None => pipe,
        };
        let mut usb = self.options.policy.usb.clone();
        usb.in_flight = in_flight.map_or(usb.in_flight, |limit| limit.min(usb.in_flight));
        Ok(probe::open::link(pipe, &usb, Arc::clone(&self.clock))?)
    }

    /// Something that happens outside a pipe.
    fn note(&self, text: &str) {
        log::warn!("{text}");
        if let Some(recorder) = &self.recorder {
            let mark = Mark::new(MarkKind::Note, text);
            recorder.borrow_mut().record(Record::Mark { at: self.clock.now(), mark: &mark });
        }
    }

    fn reached(&mut self, reached: Reached) -> Result<Box<dyn Link>, SessionError> {
        let Reached { pipe, in_flight, .. } = reached;
        self.link(pipe, in_flight)
    }

    /// The link of a probe that can be reset: at once if the session before was not closed, else if it does not answer.
    fn link_or_reset(
        &mut self,
        reached: Reached,
        left: bool,
        reset: impl FnOnce() -> Result<Reached, SessionError>,
    ) -> Result<Box<dyn Link>, SessionError> {
        let why = if left {
            drop(reached);
            "a session with this probe was not closed"
        } else {
            match self.reached(reached) {
                Err(SessionError::Probe(LinkError::Pipe(PipeError::Timeout(_) | PipeError::Stall))) => {
                    "the probe does not answer"
                }
                link => return link,
            }
        };
        self.note(&format!("{why}: USB reset"));
        self.reached(reset()?)
    }

    fn session(
        self,
        link: Box<dyn Link>,
        device: Option<Rc<RefCell<SimProbe>>>,
    ) -> Result<Session, SessionError> {
        let Setup { options, clock, recorder, line } = self;
        let mut adi = Adi::new(link, options.policy.clone(), Arc::clone(&clock));
        adi.set_swclk(options.swclk)?;
        let trace = options.trace.clone();
        Ok(Session { adi, clock, recorder, device, line, trace, replayed: false, unclosed: None })
    }
}

fn describe(shape: &wire::PipeShape) -> String {
    let (vid, pid) = shape.id;
    let serial = shape.serial.as_deref().unwrap_or("no serial");
    format!("{} ({vid:04x}:{pid:04x}, {serial})", shape.product)
}

fn recorder(
    options: &Options,
    probe: &str,
    pipe: String,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Rc<RefCell<Recorder>>>, SessionError> {
    let Some(path) = &options.trace else { return Ok(None) };
    let kind = if clock.is_virtual() { ClockKind::Virtual } else { ClockKind::Real };
    let header = Header {
        policy_line: options.policy.line(),
        probe: probe.to_owned(),
        pipe,
        ..Header::new(options.tool.clone(), env!("CARGO_PKG_VERSION"), kind)
    };
    let secrets = if options.trace_secrets { Secrets::Shown } else { Secrets::Masked };
    Ok(Some(Rc::new(RefCell::new(Recorder::create(path, &header, secrets)?))))
}

#[cfg(test)]
mod tests;
