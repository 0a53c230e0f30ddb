//! The test rig: a session over a simulated probe, with what tests want to see of it.

pub mod bill;
pub mod fuzz;
pub mod line;
pub mod rate;

use adi::{Adi, Attach};
use bill::FLASH;
use h5::{FlashPace, FlashRange, Part};
use pace::Policy;
use session::{Options, Session};
use sim::{Bill, SimProbe};
use wire::{ApSel, Hz, WireEvent};

/// The access port of the system bus.
pub const AP1: ApSel = ApSel(1);

/// A session over a simulated probe.
#[derive(Debug)]
pub struct Rig {
    session: Session,
}

/// Session options for tests: no recording, 4 MHz, the default policy.
pub fn options() -> Options {
    Options {
        probe: String::new(),
        policy: Policy::default(),
        swclk: Hz::khz(4000),
        trace: None,
        trace_secrets: false,
        tool: "tests".to_owned(),
    }
}

impl Rig {
    /// A rig for this scenario. `truth=on` in it keeps the log of the wire.
    pub fn new(scenario: &str) -> Rig {
        Rig::with(scenario, &options())
    }

    /// A rig for this scenario with other options.
    pub fn with(scenario: &str, options: &Options) -> Rig {
        let device = SimProbe::open(scenario).expect("a scenario");
        Rig { session: Session::simulated(device, options).expect("a session") }
    }

    /// The session.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The session, to be closed.
    pub fn into_session(self) -> Session {
        self.session
    }

    /// The engine.
    pub fn adi(&mut self) -> &mut Adi {
        &mut self.session.adi
    }

    /// The part, attached in hotplug and identified.
    pub fn part(&mut self) -> Part<'_> {
        self.adi().attach(&Attach::HOTPLUG).expect("attached");
        let identity = h5::identify(self.adi(), AP1).expect("identified");
        Part::new(self.adi(), AP1, identity)
    }

    /// What it cost so far.
    pub fn bill(&self) -> Bill {
        self.session.device().expect("a simulated probe").borrow().bill()
    }

    /// Everything that was on the wire so far.
    pub fn truth(&self) -> Vec<WireEvent> {
        self.session
            .device()
            .expect("a simulated probe")
            .borrow()
            .truth()
            .iter()
            .map(|(_, event)| event.clone())
            .collect()
    }
}

/// Erases, programs and verifies the first 32 KiB of the flash, a quad-word at a time.
pub fn flash_job(part: &mut Part<'_>) {
    let data = pattern(32 << 10);
    part.erase(&FlashRange::covering(FLASH, 32 << 10), &mut |_| {}).expect("erased");
    part.program(FLASH, &data, FlashPace::Poll, &mut |_| {}).expect("programmed");
    part.verify(FLASH, &data, &mut |_| {}).expect("verified");
}

/// Bytes that repeat nowhere near and are never all ones.
pub fn pattern(len: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .flatten()
    .take(len)
    .collect()
}
