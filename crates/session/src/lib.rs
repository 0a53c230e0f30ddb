//! The composition root: what the user named becomes probe, recorder, policy and clock.
//!
//! **What it is.** The one place that puts the layers together: a [`Selector`] becomes a pipe (today: a simulated device
//! in this process, [`Loopback`]), the recorder taps it, a link speaks the probe's protocol over it, and the ADI engine
//! drives the link by the policy on the session's clock.
//!
//! **What it knows.** Which types exist on both sides of each seam.
//!
//! **What it must not know.** What the session is for: no chip, no plan, no command line.
//!
//! **Specification.** None of its own.
//!
//! **Not supported.** Probes on USB or TCP and recordings that play a probe are recognised as selectors and refused with
//! a reason; they need the USB back ends, which are not in this version.

mod loopback;
mod selector;

pub use loopback::Loopback;
pub use selector::{BadSelector, Selector};

use adi::{Adi, AdiError};
use pace::{BadSetting, Clock, Policy, VirtualClock};
use probe::cmsis_dap::DapLink;
use probe::tap::Tap;
use sim::{Board, SimError, SimProbe};
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use trace::{ClockKind, Header, Recorder, Secrets, TraceError};
use wire::{Bench, BenchError, Cable, Hz, LinkError, Pipe};

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
    /// The selector is right, and this version cannot follow it.
    #[error("{0} cannot be used yet: this version drives simulated probes (sim:...) only")]
    NotYet(String),
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
    /// The policy is wrong.
    #[error(transparent)]
    Policy(#[from] BadSetting),
}

impl SessionError {
    /// The exit code a tool ends with: 2 usage, 14 probe error, 15 not supported.
    pub fn exit_code(&self) -> u8 {
        match self {
            SessionError::Selector(_)
            | SessionError::Sim(_)
            | SessionError::Trace(_)
            | SessionError::Policy(_) => 2,
            SessionError::NotYet(_) => 15,
            SessionError::Probe(_) | SessionError::Adi(_) => 14,
        }
    }
}

/// A probe with its engine, from open to close.
#[derive(Debug)]
pub struct Session {
    /// The engine.
    pub adi: Adi,
    clock: Arc<dyn Clock>,
    recorder: Option<Rc<RefCell<Recorder>>>,
    device: Rc<RefCell<SimProbe>>,
    line: String,
    trace: Option<PathBuf>,
}

/// What is left of a session.
#[derive(Debug, Clone, Default)]
pub struct Closing {
    /// What the simulated wire cost, where there was one.
    pub bill: Option<String>,
    /// The recording, where there is one.
    pub trace: Option<PathBuf>,
}

/// Opens a session.
///
/// # Errors
/// [`SessionError`]; nothing was written to a target.
pub fn open(options: &Options) -> Result<Session, SessionError> {
    match options.probe.parse()? {
        Selector::Sim(scenario) => {
            let device = SimProbe::open(&scenario)?;
            Session::simulated(device, options)
        }
        _ => Err(SessionError::NotYet(options.probe.clone())),
    }
}

impl Session {
    /// A session over a simulated probe of this process, on a virtual clock.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn simulated(device: SimProbe, options: &Options) -> Result<Session, SessionError> {
        let device = Rc::new(RefCell::new(device));
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new());
        let pipe = Loopback::new(Rc::clone(&device), Arc::clone(&clock));
        let line = describe(pipe.shape());
        let recorder = recorder(options, &line, &clock)?;
        let pipe: Box<dyn Pipe> = match &recorder {
            Some(sink) => Box::new(Tap::new(pipe, Rc::clone(sink), Arc::clone(&clock))),
            None => Box::new(pipe),
        };
        let link = DapLink::open(pipe, &options.policy.usb, Arc::clone(&clock))?;
        let mut adi = Adi::new(Box::new(link), options.policy.clone(), Arc::clone(&clock));
        adi.set_swclk(options.swclk)?;
        Ok(Session { adi, clock, recorder, device, line, trace: options.trace.clone() })
    }

    /// The probe in one line: product, numbers, serial.
    pub fn probe_line(&self) -> String {
        self.line.clone()
    }

    /// Whether the board is simulated.
    pub fn is_simulated(&self) -> bool {
        true
    }

    /// The session's clock.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Somebody who can plug, switch and press at the board.
    pub fn bench(&self) -> Box<dyn Bench> {
        Box::new(SimBench { device: Rc::clone(&self.device), clock: Arc::clone(&self.clock) })
    }

    /// The simulated probe, for tests and bills.
    pub fn device(&self) -> Rc<RefCell<SimProbe>> {
        Rc::clone(&self.device)
    }

    /// Lets go of the target, writes the board file and the recording.
    ///
    /// # Errors
    /// [`SessionError`], the first of what failed; everything is tried.
    pub fn close(mut self) -> Result<Closing, SessionError> {
        let detached = self.adi.detach();
        let saved = self.device.borrow_mut().save(self.clock.now());
        let bill = Some(self.device.borrow().bill().to_string());
        let trace = match &self.recorder {
            Some(recorder) => {
                recorder.borrow_mut().finish()?;
                self.trace
            }
            None => None,
        };
        saved?;
        detached?;
        Ok(Closing { bill, trace })
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
    clock: &Arc<dyn Clock>,
) -> Result<Option<Rc<RefCell<Recorder>>>, SessionError> {
    let Some(path) = &options.trace else { return Ok(None) };
    let kind = if clock.is_virtual() { ClockKind::Virtual } else { ClockKind::Real };
    let header = Header {
        policy_line: options.policy.line(),
        probe: probe.to_owned(),
        ..Header::new(options.tool.clone(), env!("CARGO_PKG_VERSION"), kind)
    };
    let secrets = if options.trace_secrets { Secrets::Shown } else { Secrets::Masked };
    Ok(Some(Rc::new(RefCell::new(Recorder::create(path, &header, secrets)?))))
}

/// The simulated board's bench: the hands act at the session's time.
struct SimBench {
    device: Rc<RefCell<SimProbe>>,
    clock: Arc<dyn Clock>,
}

impl SimBench {
    fn hands<T>(&self, act: impl FnOnce(&mut Board) -> T) -> T {
        let mut device = self.device.borrow_mut();
        act(device.board_at(self.clock.now()))
    }
}

impl Bench for SimBench {
    fn cable(&mut self, cable: Cable) -> Result<(), BenchError> {
        self.hands(|board| board.cable(cable))
    }

    fn boot0(&mut self, high: bool) -> Result<(), BenchError> {
        self.hands(|board| board.boot0(high))
    }

    fn power(&mut self, on: bool) -> Result<(), BenchError> {
        self.hands(|board| board.power(on))
    }

    fn press_reset(&mut self, hold: Duration) -> Result<(), BenchError> {
        self.hands(|board| board.press_reset(hold))?;
        self.clock.sleep(hold);
        Ok(())
    }
}
