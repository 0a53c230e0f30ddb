//! The STM32H5 behind its access ports.
//!
//! There are no events: whoever asks says what time it is, and [`H5::advance`] first does everything that became due.
//! `route.rs` finds out what an address is; `debug.rs` holds halting and resuming, `exec.rs` executes code; the ROM's own doings are in
//! [`crate::rom`].

mod array;
mod core;
mod dbgmcu;
mod debug;
mod exec;
mod flash;
mod host;
mod ids;
mod look;
mod nonvolatile;
mod obk;
mod options;
mod route;
mod sbs;
mod small;
mod sram;
#[cfg(test)]
mod tests;

use crate::bus::{ApIdent, Chip, Outcome, Request, Time};
use crate::cpu::Cpu;
use crate::knobs::{Knobs, Spot};
use crate::rom::Rom;
use regs::h5::device::{AP0, AP1, DPIDR, Device, Family};
use regs::h5::option;
use regs::h5::rcc::rsr;
use regs::h5::state::ProductState;
use route::lanes;
use wire::Cable;

pub(crate) use self::core::{Core, LOCKUP_PC, Runs};
pub(crate) use array::{SLOT, Sector};
pub(crate) use dbgmcu::Dbgmcu;
pub(crate) use flash::{Env, Flash, FlashState, NEVER, Op, Who};
pub(crate) use nonvolatile::{NonVolatile, OTP_HALF_WORDS};
pub(crate) use obk::{Obk, SLOTS, Slot};
pub(crate) use options::Options;
pub(crate) use sbs::Sbs;
pub(crate) use small::Small;
pub(crate) use sram::Sram;

const CSW_SPIDEN: u32 = regs::ap::csw::SPIDEN;
const CSW_DEVICE_EN: u32 = regs::ap::csw::DEVICE_EN;

/// Whether AP1 is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Now.
    Open,
    /// From this time on: the ROM opens it. [H5-STATE-4]
    OpensAt(Time),
    /// Not before the next reset.
    Shut,
}

/// What comes in from outside.
#[derive(Debug, Clone)]
pub(crate) struct Pins {
    /// The probe holds nRESET low.
    pub(crate) probe_low: bool,
    /// Somebody holds the button until then.
    pub(crate) button_until: Option<Time>,
    /// BOOT0 is high.
    pub(crate) boot0: bool,
    /// The board's USB connector.
    pub(crate) cable: Cable,
    /// The board's supply is on.
    pub(crate) supply: bool,
    /// The supply has failed (fault injection) and has not come back.
    pub(crate) failed: bool,
}

/// The chip.
#[derive(Debug, Clone)]
pub(crate) struct H5 {
    pub(crate) knobs: Knobs,
    pub(crate) now: Time,
    pub(crate) flash: Flash,
    pub(crate) core: Core,
    cpu: Option<Box<Cpu<H5>>>,
    pub(crate) dbgmcu: Dbgmcu,
    pub(crate) sbs: Sbs,
    pub(crate) small: Small,
    pub(crate) sram: Sram,
    pub(crate) rom: Rom,
    pub(crate) gate: Gate,
    /// What a token opened, as the ROM writes it into SBS_DBGCR at each boot. [H5-DA-18]
    pub(crate) authorised: Option<u32>,
    pub(crate) pins: Pins,
    pub(crate) power_cycles: u32,
    host: host::Host,
}

impl H5 {
    /// The chip with this memory, without power.
    pub(crate) fn new(knobs: Knobs, nv: NonVolatile) -> Self {
        let pins = Pins {
            probe_low: false,
            button_until: None,
            boot0: knobs.boot0.unwrap_or(false),
            cable: knobs.cable.unwrap_or(Cable::Out),
            supply: false,
            failed: false,
        };
        H5 {
            knobs,
            now: 0,
            flash: Flash::new(nv),
            core: Core::new(),
            cpu: None,
            dbgmcu: Dbgmcu::default(),
            sbs: Sbs::default(),
            small: Small::default(),
            sram: Sram::default(),
            rom: Rom::default(),
            gate: Gate::Shut,
            authorised: None,
            pins,
            power_cycles: 0,
            host: host::Host::default(),
        }
    }

    /// The row of the device table.
    pub(crate) fn device(&self) -> &'static Device {
        self.flash.nv.family.device()
    }

    /// The product state in the option bytes.
    pub(crate) fn state(&self) -> ProductState {
        self.flash.nv.options.state()
    }

    /// Revision Z, as on the boards that others read. For H52x no revision is known. [H5-DBG-4]
    pub(crate) fn rev_id(&self) -> u16 {
        0x1001
    }

    /// What the flash needs to know.
    pub(crate) fn env(&self) -> Env<'_> {
        Env {
            knobs: &self.knobs,
            now: self.now,
            claim: self.claim(),
            level: self.sbs.obk_level(),
            upset: self.upset(),
        }
    }

    /// Runs `f` on the flash with what it needs to know.
    pub(crate) fn with_flash<T>(&mut self, f: impl FnOnce(&mut Flash, &Env<'_>) -> T) -> T {
        let (now, claim, level) = (self.now, self.claim(), self.sbs.obk_level());
        let upset = self.upset();
        f(&mut self.flash, &Env { knobs: &self.knobs, now, claim, level, upset })
    }

    /// Lets everything happen that is due up to `now`.
    pub(crate) fn advance(&mut self, now: Time) {
        self.looked_at();
        loop {
            let mut due = self.next_due();
            if self.executes() {
                self.execute(due.min(now));
                due = self.next_due();
            }
            if due <= now && due != NEVER {
                self.now = self.now.max(due);
                self.do_due();
            } else if !self.executes() || self.core.pace.time >= now {
                break;
            }
        }
        self.now = self.now.max(now);
        self.host_acts();
    }

    /// Lets everything end that ends by itself.
    pub(crate) fn settle(&mut self) {
        // Each step ends something; the bound is for a world that never rests.
        for _ in 0..10_000 {
            let due = self.next_due();
            if due == NEVER {
                break;
            }
            self.advance(due);
        }
        if let Gate::OpensAt(time) = self.gate {
            self.advance(self.now.max(time));
        }
    }

    fn next_due(&self) -> Time {
        if !self.has_power() {
            return NEVER;
        }
        let own = [self.flash.cut_at, self.rom.due, self.pins.button_until, self.host.glitch];
        own.into_iter().flatten().min().unwrap_or(NEVER).min(self.flash.next_due(self.now, self.claim()))
    }

    fn do_due(&mut self) {
        let due = |time: Option<Time>| time.is_some_and(|time| time <= self.now);
        if due(self.flash.cut_at) {
            self.fail_supply();
        } else if due(self.pins.button_until) {
            self.pins.button_until = None;
            if !self.pins.probe_low {
                self.reset_end();
            }
        } else if due(self.host.glitch) {
            self.system_reset(rsr::PINRSTF);
        } else if due(self.rom.due) {
            self.rom.due = None;
            self.rom_event();
        } else if let Some(op) = self.with_flash(Flash::step) {
            self.flash_done(&op);
        }
    }

    fn flash_done(&mut self, op: &Op) {
        if matches!(op, Op::Options(_)) && self.rom.job.is_none() {
            let closed = [ProductState::CLOSED, ProductState::LOCKED].contains(&self.state());
            if closed && self.knobs.close_now {
                self.gate = Gate::Shut;
            }
            if self.knobs.ob_reset {
                return self.system_reset(rsr::PINRSTF);
            }
        }
        if *op == Op::ObkSwap(SLOTS) && self.rom.job.is_none() {
            self.host.swapped(self.knobs.host.again, self.now);
        }
        self.rom_job();
    }

    /// Whether the part has power. A cable powers the board as well, unless the supply has failed.
    pub(crate) fn has_power(&self) -> bool {
        !self.pins.failed && (self.pins.supply || self.pins.cable != Cable::Out)
    }

    /// The supply fails: what is under way is torn, everything volatile is gone.
    pub(crate) fn fail_supply(&mut self) {
        self.pins.failed = true;
        self.power_lost();
    }

    /// Everything volatile is gone.
    pub(crate) fn power_lost(&mut self) {
        self.flash.interrupt(self.now, &self.knobs);
        self.pins.button_until = None;
        self.core = Core::new();
        self.cpu = None;
        self.dbgmcu = Dbgmcu::default();
        self.sbs = Sbs::default();
        self.small = Small::default();
        self.sram.clear_all();
        self.rom = Rom::default();
        self.host = host::Host::default();
        self.gate = Gate::Shut;
        self.authorised = None;
    }

    /// The supply is there again.
    pub(crate) fn power_up(&mut self) {
        self.power_cycles += 1;
        self.reset_begin(rsr::BORRSTF | rsr::PINRSTF);
        if !self.reset_is_low() {
            self.reset_end();
        }
    }

    /// Somebody holds nRESET low.
    pub(crate) fn reset_is_low(&self) -> bool {
        (self.pins.probe_low && self.knobs.nrst_wired) || self.pins.button_until.is_some()
    }

    /// Reset goes active.
    pub(crate) fn reset_begin(&mut self, flags: u32) {
        self.flash.interrupt(self.now, &self.knobs);
        self.flash.reset();
        self.core.reset();
        self.cpu = None;
        if !self.dbgmcu.keeps_credentials() {
            self.authorised = None;
        }
        self.dbgmcu.reset();
        self.sbs.reset();
        self.small.reset();
        self.small.reset_flags |= flags;
        self.clear_sram();
        self.rom = Rom::at_reset(self.state());
        self.host.reset(self.knobs.host.again);
        self.gate = if self.state() == ProductState::OPEN { Gate::Open } else { Gate::Shut };
    }

    /// SRAM whose option bit is 0 is erased by a reset. [H5-OB-4]
    fn clear_sram(&mut self) {
        let optsr2 = self.flash.nv.options.get(regs::h5::flash::OPTSR2_CUR);
        let h503 = self.flash.nv.family == Family::H503;
        for block in self.device().map.sram {
            let keep = match block.name {
                "SRAM2" => option::SRAM2_RST,
                _ if h503 => option::SRAM1_RST,
                _ => option::SRAM1_3_RST,
            };
            if optsr2 & keep == 0 {
                self.sram.clear(block.start, block.len);
            }
        }
    }

    /// Reset is released: the ROM starts.
    pub(crate) fn reset_end(&mut self) {
        self.rom_start();
        self.host_begins();
        self.open_ap1_later();
    }

    /// The ROM opens AP1 after a while, in the states in which it does. [H5-STATE-4]
    pub(crate) fn open_ap1_later(&mut self) {
        let opens = [ProductState::PROVISIONING, ProductState::IROT_PROVISIONED, ProductState::TZ_CLOSED];
        let shut = self.rom.boot_state == ProductState::TZ_CLOSED && self.knobs.tz_closed_shuts;
        if opens.contains(&self.rom.boot_state) && !shut && !self.host_shuts_port() {
            self.gate = Gate::OpensAt(self.now + self.knobs.rom_open);
        }
    }

    /// A reset from inside.
    pub(crate) fn system_reset(&mut self, flags: u32) {
        self.reset_begin(flags);
        if !self.reset_is_low() {
            self.reset_end();
        }
    }

    /// Whether memory can be reached through AP1 now.
    pub(crate) fn ap1_open(&self) -> bool {
        self.gate_open() || self.sbs.debug_open()
    }

    /// Whether the product state opens AP1 now.
    pub(crate) fn gate_open(&self) -> bool {
        match self.gate {
            Gate::Open => true,
            Gate::OpensAt(time) => self.now >= time,
            Gate::Shut => false,
        }
    }

    /// Whether a debugger reaches what is secure.
    pub(crate) fn secure_debug(&self) -> bool {
        self.rom.boot_state == ProductState::OPEN || self.sbs.debug_secure()
    }
}

impl Chip for H5 {
    fn dpidr(&self) -> u32 {
        self.knobs.reads.at(Spot::Dpidr).unwrap_or(DPIDR)
    }

    fn targetid(&self) -> u32 {
        // The revision is in the upper four bits; which number stands for revision Z is not known. [H5-DBG-1]
        self.device().target_id
    }

    fn ap(&mut self, ap: u8, now: Time) -> Option<ApIdent> {
        self.advance(now);
        let (port, enabled) = match ap {
            0 => (AP0, true),
            1 => (AP1, self.ap1_open()),
            _ => return None,
        };
        if !enabled && self.knobs.ap1_absent {
            return None;
        }
        let secure_enabled = ap == 1 && self.secure_debug();
        let csw = port.csw & !(CSW_SPIDEN | CSW_DEVICE_EN);
        let reads = &self.knobs.reads;
        let idr = reads.at(Spot::Idr(ap)).unwrap_or(port.idr);
        let base = reads.at(Spot::Base(ap)).unwrap_or(port.base);
        Some(ApIdent { idr, base, csw, enabled, secure_enabled })
    }

    fn access(&mut self, request: &Request, now: Time) -> Outcome {
        self.advance(now);
        if !self.has_power() {
            return Outcome::Error { at: self.now };
        }
        let said = self.knobs.reads.at(Spot::Word(request.ap, request.at & !3));
        if let (Some(word), None, true) = (said, request.write, request.ap == 0 || self.ap1_open()) {
            return Outcome::Done { value: lanes(word, request.at, request.width), at: self.now };
        }
        match request.ap {
            0 => self.access_ap0(request),
            1 if self.bus_is_stalled() => Outcome::Stuck,
            1 if self.ap1_open() => self.access_ap1(request),
            _ => Outcome::Error { at: self.now },
        }
    }

    fn drive_reset(&mut self, low: bool, now: Time) {
        self.advance(now);
        let before = self.reset_is_low();
        self.pins.probe_low = low;
        match (before, self.reset_is_low()) {
            _ if !self.has_power() => {}
            (false, true) => self.reset_begin(rsr::PINRSTF),
            (true, false) => self.reset_end(),
            _ => {}
        }
    }

    fn reset_level(&mut self, now: Time) -> bool {
        self.advance(now);
        // Not wired, the probe reads its own pin.
        !(self.pins.probe_low || self.reset_is_low()) && self.has_power()
    }

    fn powered(&mut self, now: Time) -> bool {
        self.advance(now);
        self.has_power()
    }

    fn cut_power(&mut self, now: Time) {
        self.advance(now);
        self.fail_supply();
    }

    fn power_cycles(&self) -> u32 {
        self.power_cycles
    }

    fn power_certain_until(&self, now: Time) -> Time {
        match self.knobs.cut_busy {
            Some((window, _)) if self.flash.windows < window => now,
            Some(_) => self.flash.cut_at.unwrap_or(NEVER),
            None => NEVER,
        }
    }

    fn steady_until(&mut self, request: Option<&Request>, now: Time) -> Time {
        self.advance(now);
        let quiet = !self.executes() && self.has_power() && self.host_is_quiet();
        if !quiet || request.is_some_and(|request| !self.is_steady(request)) {
            return now;
        }
        match self.gate {
            Gate::OpensAt(opens) if opens > self.now => self.next_due().min(opens),
            _ => self.next_due(),
        }
    }

    fn reset_level_until(&self, now: Time) -> Time {
        // Without its supply a part pulls nRESET low.
        self.power_certain_until(now).min(self.pins.button_until.unwrap_or(NEVER))
    }
}
