//! The [`Link`] over [`DapLink`].

use super::DapLink;
use super::quirks::Quirk;
use ::cmsis_dap::{Led, Request, Response, Status, SwdConfig, SwdSequenceItem};
use std::time::Duration;
use wire::{
    Bits, DapOp, Flow, Hz, Link, LinkCaps, LinkConfig, LinkError, Mark, Pins, Pipe, SwdItem, Transferred,
};

/// Bits of the longest DAP_SWJ_Sequence that every firmware drives: 256, which is written as 0, is nothing to free-dap
/// [DAP-14].
const LONGEST_SEQUENCE: usize = 248;
/// Items of the longest DAP_SWD_Sequence.
const MOST_ITEMS: usize = 255;
/// The firmware waits for pins at most so long.
const LONGEST_PIN_WAIT: u32 = 3_000_000;
/// The pins whose level a probe can tell and a target may hold.
const READABLE: u8 = Pins::SWCLK.0 | Pins::SWDIO.0 | Pins::NRESET.0;

impl<P: Pipe> DapLink<P> {
    fn repeats(&self, repeats: u16) -> u16 {
        repeats.saturating_add(u16::from(self.quirks.has(Quirk::CountsTries)))
    }

    /// Sets pins and lets the firmware wait for them.
    fn ask_pins(&mut self, out: Pins, select: Pins, wait: Duration) -> Result<Pins, LinkError> {
        let wait_micros = u32::try_from(wait.as_micros()).unwrap_or(u32::MAX).min(LONGEST_PIN_WAIT);
        let request = Request::SwjPins { out, select, wait_micros };
        let more = Duration::from_micros(u64::from(wait_micros));
        match self.packets.ask_patiently(&request, more)? {
            Response::SwjPins(pins) => Ok(pins),
            _ => Err(LinkError::Refused("DAP_SWJ_Pins, which it does not know".to_owned())),
        }
    }

    /// Sets pins and looks until they are as they should be, or `wait` is over.
    fn look_at_pins(&mut self, out: Pins, select: Pins, wait: Duration) -> Result<Pins, LinkError> {
        let start = self.packets.now();
        let mut pins = self.ask_pins(out, select, Duration::ZERO)?;
        while (pins.0 ^ out.0) & select.0 & READABLE != 0 && self.packets.now().saturating_sub(start) < wait {
            pins = self.ask_pins(Pins(0), Pins(0), Duration::ZERO)?;
        }
        Ok(pins)
    }

    /// Tells a setting, unless it is what was told last.
    fn tell_once(&mut self, request: Request) -> Result<(), LinkError> {
        if self.told.contains(&request) {
            return Ok(());
        }
        // Until it is answered nobody knows what holds.
        self.told.retain(|told| told.id() != request.id());
        self.packets.tell(&request)?;
        self.told.push(request);
        Ok(())
    }

    /// As many items as one packet and its answer hold.
    fn swd_packet(&mut self, items: &[SwdItem]) -> Result<Vec<Bits>, LinkError> {
        let items = items.iter().map(SwdSequenceItem::new).collect::<Result<Vec<_>, _>>();
        let items = items.map_err(|_| LinkError::Unsupported("an SWD sequence item has 1 to 64 clocks"))?;
        let heard = match self.packets.ask(&Request::SwdSequence(items.clone()))? {
            Response::SwdSequence { status: Status::OK, data } => data,
            Response::Unimplemented => return Err(LinkError::Unsupported("it has no DAP_SWD_Sequence")),
            _ => return Err(LinkError::Refused("DAP_SWD_Sequence".to_owned())),
        };
        let mut rest = &heard[..];
        let mut all = Vec::new();
        for item in items.iter().filter(|item| item.is_input()) {
            let (bits, tail) = rest.split_at_checked(item.answer_len()).unwrap_or_default();
            rest = tail;
            all.push(Bits { data: bits.to_vec(), len: usize::from(item.clocks()) });
        }
        Ok(all)
    }
}

/// Bytes of an item in the request and in the answer.
fn item_bytes(item: &SwdItem) -> (usize, usize) {
    match item {
        SwdItem::Out(bits) => (1 + bits.len.div_ceil(8), 0),
        SwdItem::In(clocks) => (1, usize::from(*clocks).div_ceil(8)),
    }
}

/// How many of the items fit into one packet of `room` bytes and its answer; at least one.
fn fitting(items: &[SwdItem], room: usize) -> usize {
    let (mut out, mut back) = (2, 2);
    let fits = |item: &&SwdItem| {
        let (more_out, more_back) = item_bytes(item);
        (out, back) = (out + more_out, back + more_back);
        out <= room && back <= room
    };
    items.iter().take(MOST_ITEMS).take_while(fits).count().max(1)
}

impl<P: Pipe> Link for DapLink<P> {
    fn caps(&self) -> LinkCaps {
        LinkCaps {
            sequences: true,
            value_match: self.info.model.matches_values(),
            reset_pin: true,
            in_flight: self.in_flight,
            group: self.limits.group(),
            overrun_detection: self.info.model.clocks_data_phases(),
            exact_count: self.info.model.counts_exactly(),
        }
    }

    fn configure(&mut self, config: &LinkConfig) -> Result<(), LinkError> {
        let transfers = Request::TransferConfigure {
            idle_cycles: config.idle_cycles,
            wait_retry: self.repeats(config.wait_retry),
            match_retry: self.repeats(config.match_retry),
        };
        let line = Request::SwdConfigure(SwdConfig::new(config.turnaround, config.data_phase));
        self.tell_once(transfers)?;
        self.tell_once(line)
    }

    fn set_clock(&mut self, clock: Hz) -> Result<Hz, LinkError> {
        self.packets.tell(&Request::SwjClock(clock))?;
        self.clock = Some(clock);
        Ok(clock)
    }

    fn transfer(&mut self, ops: &[DapOp], flow: Flow) -> Result<Transferred, LinkError> {
        self.run(ops, flow)
    }

    fn swj_sequence(&mut self, bits: &Bits) -> Result<(), LinkError> {
        let mut left = bits.len;
        if left > bits.data.len() * 8 {
            return Err(LinkError::Unsupported("a sequence with fewer bytes than bits"));
        }
        for chunk in bits.data.chunks(LONGEST_SEQUENCE / 8) {
            let len = left.min(chunk.len() * 8);
            if len == 0 {
                break;
            }
            left -= len;
            self.packets.tell(&Request::SwjSequence(Bits { data: chunk.to_vec(), len }))?;
        }
        match self.clock {
            Some(clock) if self.quirks.has(Quirk::ForgetsClock) => {
                self.packets.tell(&Request::SwjClock(clock))
            }
            _ => Ok(()),
        }
    }

    fn swd_sequence(&mut self, items: &[SwdItem]) -> Result<Vec<Bits>, LinkError> {
        let room = self.limits.request.min(self.limits.response);
        let mut heard = Vec::new();
        let mut rest = items;
        while !rest.is_empty() {
            let (now, later) = rest.split_at_checked(fitting(rest, room)).unwrap_or((rest, &[]));
            heard.extend(self.swd_packet(now)?);
            rest = later;
        }
        Ok(heard)
    }

    fn pins(&mut self, out: Pins, select: Pins, wait: Duration) -> Result<Pins, LinkError> {
        match self.quirks.has(Quirk::WaitsBadlyForPins) {
            true => self.look_at_pins(out, select, wait),
            false => self.ask_pins(out, select, wait),
        }
    }

    fn write_abort(&mut self, value: u32) -> Result<(), LinkError> {
        self.packets.tell(&Request::WriteAbort { index: 0, value })
    }

    fn release(&mut self) -> Result<(), LinkError> {
        self.packets.tell(&Request::Disconnect)?;
        self.light(Led::CONNECTED, false)
    }

    fn mark(&mut self, mark: &Mark) {
        self.packets.pipe.mark(mark);
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        self.info.facts()
    }
}
