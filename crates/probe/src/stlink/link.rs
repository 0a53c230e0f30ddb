//! The [`Link`] over [`StLink`].

use super::StLink;
use super::talk::nonsense;
use ::stlink::{Answer, ComPort, Command, DapPort, Feature, Nrst, clock};
use regs::dp;
use std::time::Duration;
use wire::{
    Bits, DapOp, Flow, Hz, Link, LinkCaps, LinkConfig, LinkError, Mark, MarkKind, Mem, Pins, Pipe, SwdItem,
    Transferred,
};

/// How the firmware turns the line around.
const TURNAROUND: u8 = 1;

impl<P: Pipe> StLink<P> {
    /// A V3 is asked which frequencies it has. [STL-11]
    fn set_clock_v3(&mut self, wanted: Hz) -> Result<Hz, LinkError> {
        let port = ComPort::SWD;
        let Answer::ComFreq { count, khz, .. } = self.talk.must(&Command::GetComFreq(port))? else {
            return Err(nonsense("GET_COM_FREQ"));
        };
        let listed = usize::try_from(count).unwrap_or(usize::MAX);
        let Some(khz) = clock::at_most(khz.into_iter().take(listed), wanted) else {
            return Err(LinkError::Protocol("it lists no SWCLK frequency".to_owned()));
        };
        match self.talk.must(&Command::SetComFreq { port, khz })? {
            Answer::Value { value: 0, .. } => Ok(Hz::khz(khz)),
            Answer::Value { value, .. } => Ok(Hz::khz(value)),
            _ => Err(nonsense("SET_COM_FREQ")),
        }
    }

    fn set_clock_v2(&mut self, wanted: Hz) -> Result<Hz, LinkError> {
        let entry = clock::divided(&clock::SWD_V2, wanted).filter(|_| self.has(Feature::SwdSetFreq));
        let Some(entry) = entry else { return Ok(clock::SWD_V2_DEFAULT) };
        self.talk.must(&Command::SwdSetFreq(entry.divisor))?;
        Ok(Hz::khz(entry.khz))
    }

    /// What nRESET is told to be; the firmware cannot read it back.
    fn told(&self) -> Pins {
        if self.nreset_low { Pins(0) } else { Pins::NRESET }
    }
}

impl<P: Pipe> Link for StLink<P> {
    fn caps(&self) -> LinkCaps {
        LinkCaps {
            sequences: false,
            value_match: false,
            reset_pin: true,
            in_flight: 1,
            group: 1,
            // One command is one register. A write that is answered WAIT was not performed. [STL-16]
            overrun_detection: false,
            exact_count: true,
        }
    }

    fn configure(&mut self, config: &LinkConfig) -> Result<(), LinkError> {
        if config.turnaround != TURNAROUND || config.data_phase {
            let why = "turnaround and overrun detection are the business of the ST-Link's firmware";
            return Err(LinkError::Unsupported(why));
        }
        self.looks = u32::from(config.match_retry) + 1;
        self.look_time = config.match_time;
        let text = format!(
            "the ST-Link's firmware keeps to itself: idle clocks (wanted {}), repeats after WAIT (wanted {})",
            config.idle_cycles, config.wait_retry
        );
        self.talk.pipe.mark(&Mark::new(MarkKind::Policy, text));
        Ok(())
    }

    fn set_clock(&mut self, clock: Hz) -> Result<Hz, LinkError> {
        self.swclk =
            if self.has(Feature::ComFreq) { self.set_clock_v3(clock) } else { self.set_clock_v2(clock) }?;
        Ok(self.swclk)
    }

    fn transfer(&mut self, ops: &[DapOp], _flow: Flow) -> Result<Transferred, LinkError> {
        self.run(ops)
    }

    fn swj_sequence(&mut self, _bits: &Bits) -> Result<(), LinkError> {
        Err(LinkError::Unsupported("an ST-Link has no line sequences"))
    }

    fn swd_sequence(&mut self, _items: &[SwdItem]) -> Result<Vec<Bits>, LinkError> {
        Err(LinkError::Unsupported("an ST-Link has no line sequences"))
    }

    fn pins(&mut self, out: Pins, select: Pins, _wait: Duration) -> Result<Pins, LinkError> {
        if select.0 & !Pins::NRESET.0 != 0 {
            return Err(LinkError::Unsupported("an ST-Link drives no pin but nRESET by itself"));
        }
        if select.has(Pins::NRESET) {
            let low = !out.has(Pins::NRESET);
            // From here on it may be low, even if the probe does not answer.
            self.nreset_low |= low;
            self.talk.must(&Command::DriveNrst(if low { Nrst::LOW } else { Nrst::HIGH }))?;
            self.nreset_low = low;
        }
        Ok(self.told())
    }

    fn write_abort(&mut self, value: u32) -> Result<(), LinkError> {
        let command = Command::WriteDap { port: DapPort::DP, reg: u16::from(dp::ABORT), value };
        let answer = self.talk.ask(&command)?;
        answer.status().map(|status| self.heed(status)).ok_or_else(|| nonsense(command.name()))
    }

    fn release(&mut self) -> Result<(), LinkError> {
        if self.nreset_low {
            self.pins(Pins::NRESET, Pins::NRESET, Duration::ZERO)?;
        }
        self.entered = false;
        self.lost = false;
        self.talk.tell(&Command::DebugExit)
    }

    fn mark(&mut self, mark: &Mark) {
        self.talk.pipe.mark(mark);
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts =
            vec![("speaks", self.info.family.to_string()), ("firmware", self.info.version.to_string())];
        facts.extend(self.info.oddity.map(|why| ("perhaps a clone", why.to_owned())));
        facts.extend(self.info.millivolts.map(|millivolts| ("supply", format!("{millivolts} mV"))));
        facts
    }

    fn mem(&mut self) -> Option<&mut dyn Mem> {
        Some(self)
    }
}
