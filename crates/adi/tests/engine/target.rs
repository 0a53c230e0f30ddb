//! A debug port with two access ports and a core, from the specification: posted reads, sticky bits, WAIT, power-up.
//!
//! It is a witness for the engine, so it shares nothing with it but the register names.

use regs::ap::csw;
use regs::dp::{abort, ctrl_stat};
use regs::m33::{AIRCR, DCRDR, DCRSR, DEMCR, DHCSR, DWT_PCSR, aircr, core_register, demcr, dhcsr};
use std::collections::BTreeMap;
use wire::{Ack, Port, RegSel};

pub(crate) const RAM: u32 = 0x2000_0000;
pub(crate) const RAM_BYTES: usize = 0x4000;
/// A register that counts how often it is written.
pub(crate) const KEY: u32 = 0x4002_2004;
/// A register that reads as BUSY for a while.
pub(crate) const STATUS: u32 = 0x4002_2020;
pub(crate) const DPIDR: u32 = 0x6BA0_2477;
pub(crate) const TARGETID: u32 = 0x1484_0041;
pub(crate) const AP1_CSW: u32 = 0xC380_0040;

/// What is done to the n-th transaction on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// This one and those after it are answered WAIT, so many in all.
    Wait(u32),
    /// A sticky error appears.
    Sticky(u32),
    /// Nobody answers any more, until a line reset.
    Silence,
    /// The wire is cut.
    Cut,
    /// The data of a read comes with wrong parity.
    Parity,
    /// This one is answered FAULT though no sticky bit is set.
    FalseFault,
}

/// One transaction as it went over the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) port: Port,
    /// DP: A[3:2]. AP: the byte offset with its bank.
    pub(crate) reg: u8,
    pub(crate) ap: u8,
    pub(crate) write: Option<u32>,
    pub(crate) ack: Ack,
    pub(crate) nreset_low: bool,
}

#[derive(Debug, Default)]
struct Ap {
    csw: u32,
    tar: u32,
    idr: u32,
    base: u32,
}

#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) ram: Vec<u8>,
    pub(crate) key_writes: Vec<u32>,
    /// STATUS reads as 1 so often, then as 0.
    pub(crate) status_busy: u32,
    pub(crate) log: Vec<Seen>,
    pub(crate) mishaps: BTreeMap<usize, Mishap>,
    pub(crate) count: usize,
    pub(crate) dormant: bool,
    pub(crate) powers_up: bool,
    pub(crate) abort_frees: bool,
    pub(crate) ap1_open: bool,
    pub(crate) ap1_open_in_reset: bool,
    pub(crate) nreset_works: bool,
    pub(crate) nreset_low: bool,
    pub(crate) halts: bool,
    /// Instructions could run since the last release of nRESET.
    pub(crate) ran: bool,
    pub(crate) core: [u32; 32],
    pub(crate) csw_written: Vec<u32>,
    /// What was written to DHCSR, without the key.
    pub(crate) dhcsr_written: Vec<u32>,
    pub(crate) aircr_written: Vec<u32>,
    /// SYSRESETREQ does something.
    pub(crate) resets: bool,
    was_reset: bool,
    halted: bool,
    debugen: bool,
    demcr: u32,
    dcrdr: u32,
    ready_in: u32,
    cut: bool,
    silent: bool,
    fresh: bool,
    busy: u32,
    select: u32,
    stat: u32,
    rdbuff: u32,
    aps: [Ap; 2],
}

impl Target {
    pub(crate) fn new() -> Target {
        let ap0 = Ap { csw: 0x8000_0040, idr: 0x5477_0002, base: 0xE00E_0003, ..Ap::default() };
        let ap1 = Ap { csw: AP1_CSW, idr: 0x8477_0001, base: 0xE00F_E003, ..Ap::default() };
        Target {
            ram: vec![0; RAM_BYTES],
            key_writes: Vec::new(),
            status_busy: 0,
            log: Vec::new(),
            mishaps: BTreeMap::new(),
            count: 0,
            dormant: false,
            powers_up: true,
            abort_frees: true,
            ap1_open: true,
            ap1_open_in_reset: true,
            nreset_works: true,
            nreset_low: false,
            halts: true,
            ran: true,
            core: [0; 32],
            csw_written: Vec::new(),
            dhcsr_written: Vec::new(),
            aircr_written: Vec::new(),
            resets: true,
            was_reset: false,
            halted: false,
            debugen: false,
            demcr: 0,
            dcrdr: 0,
            ready_in: 0,
            cut: false,
            silent: true,
            fresh: false,
            busy: 0,
            select: 0,
            stat: 0,
            rdbuff: 0,
            aps: [ap0, ap1],
        }
    }

    pub(crate) fn line(&mut self, bytes: &[u8]) {
        if self.cut {
            return;
        }
        if bytes.starts_with(&[0xFF, 0x92, 0xF3]) {
            self.dormant = false;
        }
        let ones = bytes.windows(7).any(|w| w.iter().all(|b| *b == 0xFF));
        if ones && !self.dormant {
            self.silent = false;
            self.fresh = true;
        }
    }

    pub(crate) fn drive_nreset(&mut self, low: bool) {
        if !self.nreset_works {
            return;
        }
        if self.nreset_low && !low {
            self.halted = self.halts && self.debugen && self.demcr & demcr::VC_CORERESET != 0;
            self.ran = !self.halted;
        }
        if low {
            self.aps[1].csw = AP1_CSW;
        }
        self.nreset_low = low;
    }

    /// One transaction, first try only.
    pub(crate) fn transact(&mut self, reg: RegSel, write: Option<u32>) -> (Ack, u32) {
        let mishap = self.mishaps.get(&self.count).copied();
        self.count += 1;
        match mishap {
            Some(Mishap::Wait(n)) => self.busy += n,
            Some(Mishap::Sticky(bits)) => self.stat |= bits,
            Some(Mishap::Silence) => self.silent = true,
            Some(Mishap::Cut) => {
                self.cut = true;
                self.silent = true;
            }
            Some(Mishap::Parity | Mishap::FalseFault) | None => {}
        }
        let bank = (self.select >> 4) as u8 & 0xF;
        let full = if reg.port == Port::Ap { bank << 4 | reg.a } else { reg.a };
        let (mut ack, value) = match mishap {
            Some(Mishap::FalseFault) => (Ack::FAULT, 0),
            _ => self.answer(reg, full, write),
        };
        if mishap == Some(Mishap::Parity) && ack == Ack::OK && write.is_none() {
            ack = Ack::PARITY;
        }
        let ap = (self.select >> 24) as u8;
        let nreset_low = self.nreset_low;
        self.log.push(Seen { port: reg.port, reg: full, ap, write, ack, nreset_low });
        (ack, value)
    }

    fn answer(&mut self, reg: RegSel, full: u8, write: Option<u32>) -> (Ack, u32) {
        let dpidr = reg == RegSel::dp(0) && write.is_none();
        if self.silent || self.dormant || (self.fresh && !dpidr) {
            self.silent = true;
            return (Ack::NONE, u32::MAX);
        }
        self.fresh = false;
        let exempt = dpidr || reg == RegSel::dp(0) || (reg == RegSel::dp(4) && write.is_none());
        if !exempt {
            if self.busy > 0 {
                self.busy -= 1;
                return (Ack::WAIT, 0);
            }
            if self.stat & ctrl_stat::STICKY != 0 {
                return (Ack::FAULT, 0);
            }
        }
        match (reg.port, write) {
            (Port::Dp, None) => (Ack::OK, self.read_dp(reg.a)),
            (Port::Dp, Some(value)) => {
                self.write_dp(reg.a, value);
                (Ack::OK, 0)
            }
            (Port::Ap, None) => {
                let before = self.rdbuff;
                self.rdbuff = self.access(full, None);
                (Ack::OK, before)
            }
            (Port::Ap, Some(value)) => {
                self.access(full, Some(value));
                (Ack::OK, 0)
            }
        }
    }

    fn read_dp(&mut self, a: u8) -> u32 {
        match (a, self.select & 0xF) {
            (0, _) => DPIDR,
            (4, 0) => self.stat,
            (4, 2) => TARGETID,
            (0xC, _) => self.rdbuff,
            _ => 0,
        }
    }

    fn write_dp(&mut self, a: u8, value: u32) {
        match (a, self.select & 0xF) {
            (0, _) => {
                let pairs = [
                    (abort::STKCMPCLR, ctrl_stat::STICKYCMP),
                    (abort::STKERRCLR, ctrl_stat::STICKYERR),
                    (abort::WDERRCLR, ctrl_stat::WDATAERR),
                    (abort::ORUNERRCLR, ctrl_stat::STICKYORUN),
                ];
                for (clear, bit) in pairs {
                    if value & clear != 0 {
                        self.stat &= !bit;
                    }
                }
                if value & abort::DAPABORT != 0 && self.abort_frees {
                    self.busy = 0;
                }
            }
            (4, 0) => {
                let requests = value & ctrl_stat::PWRUPREQ;
                self.stat = self.stat & ctrl_stat::STICKY | requests;
                if self.powers_up {
                    self.stat |= requests << 1;
                }
            }
            (8, _) => self.select = value,
            _ => {}
        }
    }

    fn access(&mut self, reg: u8, write: Option<u32>) -> u32 {
        if self.stat & ctrl_stat::PWRUPACK != ctrl_stat::PWRUPACK {
            self.stat |= ctrl_stat::STICKYERR;
            return 0;
        }
        let index = (self.select >> 24) as usize;
        let Some(ap) = self.aps.get(index) else { return 0 };
        let (tar, open) = (ap.tar, index == 0 || self.is_open());
        let busy = if self.busy > 0 { csw::TR_IN_PROG } else { 0 };
        match (reg, write) {
            (regs::ap::CSW, None) => ap.csw & !csw::DEVICE_EN | if open { csw::DEVICE_EN } else { 0 } | busy,
            (regs::ap::CSW, Some(value)) => {
                self.csw_written.push(value);
                self.aps[index].csw = value;
                0
            }
            (regs::ap::TAR, None) => tar,
            (regs::ap::TAR, Some(value)) => {
                self.aps[index].tar = value;
                0
            }
            (regs::ap::DRW, _) => {
                let value = self.memory(index, tar, write, open);
                let size = 1 << (self.aps[index].csw & csw::SIZE);
                if self.aps[index].csw & csw::ADDR_INC == csw::ADDR_INC_SINGLE {
                    self.aps[index].tar = tar & !0x3FF | (tar + size) & 0x3FF;
                }
                value
            }
            (regs::ap::BD0..=regs::ap::BD3, _) => {
                assert_eq!(ap.csw & csw::SIZE, csw::SIZE_32, "banked data registers need a word size");
                self.memory(index, tar & !0xF | u32::from(reg & 0xC), write, open)
            }
            (regs::ap::IDR, None) => ap.idr,
            (regs::ap::BASE, None) => ap.base,
            _ => 0,
        }
    }

    fn is_open(&self) -> bool {
        self.ap1_open && (!self.nreset_low || self.ap1_open_in_reset)
    }

    fn memory(&mut self, index: usize, at: u32, write: Option<u32>, open: bool) -> u32 {
        let size = 1usize << (self.aps[index].csw & csw::SIZE);
        let word = at & !3;
        if !open {
            self.stat |= ctrl_stat::STICKYERR;
            return 0;
        }
        match at {
            KEY => {
                self.key_writes.extend(write);
                0
            }
            STATUS => {
                let value = u32::from(self.status_busy > 0);
                self.status_busy = self.status_busy.saturating_sub(1);
                value
            }
            DHCSR | DCRSR | DCRDR | DEMCR | AIRCR | DWT_PCSR => self.core_register(at, write),
            _ => {
                let Some(offset) = word.checked_sub(RAM).map(|o| o as usize).filter(|o| *o < RAM_BYTES)
                else {
                    self.stat |= ctrl_stat::STICKYERR;
                    return 0;
                };
                let lane = (at & 3) as usize;
                if let Some(value) = write {
                    let bytes = value.to_le_bytes();
                    self.ram[offset + lane..offset + lane + size].copy_from_slice(&bytes[lane..lane + size]);
                }
                // What the other lanes read is nobody's business; make it obvious when somebody looks.
                let mut bytes = [0xEE; 4];
                bytes[lane..lane + size].copy_from_slice(&self.ram[offset + lane..offset + lane + size]);
                u32::from_le_bytes(bytes)
            }
        }
    }

    fn core_register(&mut self, at: u32, write: Option<u32>) -> u32 {
        match (at, write) {
            (DHCSR, Some(value)) if value & 0xFFFF_0000 == dhcsr::KEY => {
                self.dhcsr_written.push(value & 0xFFFF);
                self.debugen = value & dhcsr::C_DEBUGEN != 0;
                let step = self.halted && value & (dhcsr::C_STEP | dhcsr::C_HALT) == dhcsr::C_STEP;
                self.core[core_register::PC as usize] += if step { 2 } else { 0 };
                if !self.nreset_low {
                    self.halted = self.halts && self.debugen && (step || value & dhcsr::C_HALT != 0);
                }
            }
            (DHCSR, None) => {
                let ready = self.ready_in == 0;
                self.ready_in = self.ready_in.saturating_sub(1);
                let was_reset = std::mem::take(&mut self.was_reset);
                return (u32::from(self.debugen) * dhcsr::C_DEBUGEN)
                    | (u32::from(was_reset) * dhcsr::S_RESET_ST)
                    | (u32::from(self.halted) * dhcsr::S_HALT)
                    | (u32::from(ready) * dhcsr::S_REGRDY);
            }
            (AIRCR, Some(value)) => {
                self.aircr_written.push(value);
                if self.resets && value == aircr::VECTKEY | aircr::SYSRESETREQ {
                    self.was_reset = true;
                    self.halted = self.halts && self.debugen && self.demcr & demcr::VC_CORERESET != 0;
                }
            }
            // A sample each time, while the unit is on.
            (DWT_PCSR, None) if self.demcr & demcr::TRCENA != 0 => {
                self.core[core_register::PC as usize] += 2;
                return self.core[core_register::PC as usize];
            }
            (DWT_PCSR, None) => return u32::MAX,
            (DEMCR, Some(value)) => self.demcr = value,
            (DEMCR, None) => return self.demcr,
            (DCRDR, Some(value)) => self.dcrdr = value,
            (DCRDR, None) => return self.dcrdr,
            (DCRSR, Some(value)) => {
                self.ready_in = 2;
                let register = &mut self.core[(value & 0x1F) as usize];
                if value & regs::m33::dcrsr::REGWNR != 0 {
                    *register = self.dcrdr;
                } else {
                    self.dcrdr = *register;
                }
            }
            _ => {}
        }
        0
    }

    pub(crate) fn demcr(&self) -> u32 {
        self.demcr
    }

    pub(crate) fn halted(&self) -> bool {
        self.halted
    }
}
