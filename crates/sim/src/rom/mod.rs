//! The ROM: what runs after every reset, debug authentication, key provisioning, regression.
//!
//! [H5-STATE-3] [H5-STATE-6] [H5-OBK-7] [H5-OBK-9] [H5-DA-1]. Its code is not executed; its doings are a short list of
//! phases with times, and lists of flash operations ([`Job`]).

mod adac;
pub(crate) mod chain;
mod service;
mod session;

use crate::bus::Time;
use crate::chip::{Flash, H5, Op, Runs, Who};
use regs::h5::device::Family;
use regs::h5::state::ProductState;
use regs::h5::{memory, rss};
use session::Session;
use std::collections::VecDeque;

/// What vectors read as in erased flash: a core caught at reset stands there, one that runs locks up. [M33-3]
const ERASED: u32 = 0xFFFF_FFFF;

/// What is to happen when a list of flash operations is through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Then {
    /// The service returns to its caller with this result.
    Return(u32),
    /// The service was asked for by SBS_RSSCMDR: leave the result, go on booting.
    Boot(u32),
    /// The part is back in OPEN or TZ-CLOSED: reset.
    Regressed,
}

/// Flash operations that the ROM does one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    ops: VecDeque<Op>,
    then: Then,
}

/// State of the ROM since the last reset.
#[derive(Debug, Clone)]
pub(crate) struct Rom {
    /// When its next doing is due.
    pub(crate) due: Option<Time>,
    /// When reset was released.
    pub(crate) released: Time,
    /// The product state at the reset: it decides about boot and debug. [H5-OB-3]
    pub(crate) boot_state: ProductState,
    /// Since when the bootloader runs, if it was started.
    pub(crate) bootloader_since: Option<Time>,
    /// Enumeration is long over: the board was put away since.
    pub(crate) enumerated: bool,
    /// Operations under way.
    pub(crate) job: Option<Job>,
    /// Where the code that runs was entered.
    pub(crate) entry: u32,
    /// Where the core was halted.
    pub(crate) halted_at: u32,
    session: Option<Session>,
}

impl Rom {
    /// At a reset in this product state.
    pub(crate) fn at_reset(boot_state: ProductState) -> Self {
        Rom { boot_state, ..Rom::default() }
    }
}

impl Default for Rom {
    fn default() -> Self {
        Rom {
            due: None,
            released: 0,
            boot_state: ProductState::OPEN,
            bootloader_since: None,
            enumerated: false,
            job: None,
            entry: 0,
            halted_at: 0,
            session: None,
        }
    }
}

impl H5 {
    /// Reset was released: the first stage runs.
    pub(crate) fn rom_start(&mut self) {
        self.core.runs = Runs::Rss;
        self.rom.released = self.now;
        self.rom.due = Some(self.now + self.knobs.rom_rss);
    }

    /// The time the ROM waited for has come.
    pub(crate) fn rom_event(&mut self) {
        match self.core.runs {
            Runs::Rss if self.rom.job.is_none() => self.after_rss(),
            Runs::Session if self.rom.job.is_none() => self.session_event(),
            Runs::Bootloader | Runs::User | Runs::Lockup => self.late_halt(),
            _ => {}
        }
    }

    /// The end of the first stage: debug authentication if it was asked for, else boot.
    fn after_rss(&mut self) {
        let refuses = self.rom.boot_state == ProductState::LOCKED;
        if !refuses && self.dbgmcu.pending() == Some(self.knobs.da_magic) {
            return self.session_begin();
        }
        match self.rom.boot_state {
            ProductState::REGRESSION => return self.regress(),
            ProductState::NS_REGRESSION => return self.regress_partly(),
            _ => {}
        }
        if !self.command_at_reset() {
            self.boot();
        }
    }

    /// A token opened debug: it holds until the reset that DBGMCU_CR.DCRT names. [H5-DA-18]
    pub(super) fn authorise(&mut self, level: u8, secure: bool) {
        let level = if self.knobs.da_level_waits { level } else { 1 };
        self.authorised = Some(crate::chip::Sbs::debug_from(level, secure));
    }

    /// Starts the code that the product state and BOOT0 ask for.
    pub(crate) fn boot(&mut self) {
        if let Some(dbgcr) = self.authorised {
            self.sbs.set_debug(dbgcr);
        }
        let bootloader = match self.rom.boot_state {
            // User code never runs here. [H5-STATE-3]
            ProductState::PROVISIONING => true,
            ProductState::OPEN => self.pins.boot0,
            _ => false,
        };
        if bootloader { self.start_bootloader() } else { self.start_user_code() }
    }

    fn start_bootloader(&mut self) {
        self.raise_level();
        self.rom.bootloader_since = Some(self.now);
        let entry = self.device().map.bootloader.start;
        self.enter(Runs::Bootloader, memory::SRAM1 + 0x1000, entry);
    }

    fn start_user_code(&mut self) {
        self.sbs.raise(1);
        match self.vectors() {
            Some((sp, pc)) => self.enter(Runs::User, sp, pc),
            None => self.enter(Runs::Lockup, ERASED & !3, ERASED),
        }
    }

    /// Back to OPEN: everything is erased. That the other option bytes stay, but TrustZone goes off, is inferred.
    /// [H5-STATE-6] [H5-DA-12]
    pub(crate) fn regress(&mut self) {
        let mut regressing = self.flash.nv.options;
        regressing.set_state(ProductState::REGRESSION);
        let mut open = regressing;
        open.set_state(ProductState::OPEN);
        open.trust_zone_off();
        let mut ops = VecDeque::new();
        if self.state() != ProductState::REGRESSION {
            ops.push_back(Op::Options(Box::new(regressing)));
        }
        ops.push_back(Op::Mass);
        if self.flash.nv.family != Family::H503 {
            ops.push_back(Op::ObkEraseAll);
        }
        ops.push_back(Op::Options(Box::new(open)));
        self.start_job(ops, Then::Regressed);
    }

    /// Back to TZ-CLOSED: sectors that are not secure are erased. That everything else stays, OBK included, is a guess.
    /// [H5-DA-19]
    pub(crate) fn regress_partly(&mut self) {
        let mut regressing = self.flash.nv.options;
        regressing.set_state(ProductState::NS_REGRESSION);
        let mut closed = regressing;
        closed.set_state(ProductState::TZ_CLOSED);
        let mut ops = VecDeque::new();
        if self.state() != ProductState::NS_REGRESSION {
            ops.push_back(Op::Options(Box::new(regressing)));
        }
        ops.extend(self.non_secure_sectors().into_iter().map(Op::Sector));
        ops.push_back(Op::Options(Box::new(closed)));
        self.start_job(ops, Then::Regressed);
    }

    pub(crate) fn start_job(&mut self, ops: VecDeque<Op>, then: Then) {
        self.rom.job = Some(Job { ops, then });
        self.rom_job();
    }

    /// Goes on with the operations of the ROM when the flash is free.
    pub(crate) fn rom_job(&mut self) {
        if self.flash.works() {
            return;
        }
        let Some(job) = &mut self.rom.job else { return };
        if let Some(op) = job.ops.pop_front() {
            return self.with_flash(|flash: &mut Flash, env| flash.begin(op, Who::Rom, env));
        }
        match job.then.clone() {
            Then::Return(result) => {
                self.rom.job = None;
                self.service_returns(result);
            }
            Then::Boot(result) => {
                self.rom.job = None;
                self.leave_result(result);
                self.boot();
            }
            Then::Regressed => {
                self.authorised = None;
                self.sram.clear_all();
                self.system_reset(regs::h5::rcc::rsr::SFTRSTF | regs::h5::rcc::rsr::PINRSTF);
            }
        }
    }

    /// Where SRAM3 begins, if the part has one.
    pub(crate) fn staging(&self) -> Option<u32> {
        self.device().map.sram_block("SRAM3").map(|block| block.start)
    }

    /// The result of a command given by SBS_RSSCMDR, at the place both sides agree on (guess). [H5-OBK-9]
    fn leave_result(&mut self, result: u32) {
        if let Some(start) = self.staging() {
            self.sram.write(start + rss::guess::STAGED_RESULT, wire::Width::Word, result);
        }
    }
}
