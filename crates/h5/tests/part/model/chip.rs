//! The chip: flash interface, option bytes, OBK, core registers.

use super::rom::Rom;
use regs::h5::flash::{self, cr, key, obkcfgr, optcr, sr};
use regs::h5::{dbgmcu, memory, sbs};
use regs::m33;
use std::collections::BTreeMap;
use std::time::Duration;

/// A write that the driver made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Touch {
    pub(crate) ap: usize,
    pub(crate) at: u32,
    pub(crate) value: u32,
    pub(crate) secret: bool,
}

/// What a write to a busy flash does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bus {
    Stall,
    Drop,
}

const OPTSR_CUR: u32 = flash::BASE + flash::OPTSR_CUR;
const OPTSR_PRG: u32 = flash::BASE + flash::OPTSR_PRG;
pub(crate) const QUAD_TIME: Duration = Duration::from_micros(50);
pub(crate) const FLASH_LEN: u32 = 1024 * 1024;

/// A lock with a key register.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeyLock {
    pub(crate) open: bool,
    half: bool,
    pub(crate) dead: bool,
}

impl KeyLock {
    fn key(&mut self, keys: [u32; 2], value: u32) {
        if self.open || self.dead {
            (self.open, self.dead) = (false, true);
        } else if !self.half && value == keys[0] {
            self.half = true;
        } else if self.half && value == keys[1] {
            (self.open, self.half) = (true, false);
        } else {
            self.dead = true;
        }
    }
}

/// The chip and its knobs.
pub(crate) struct Chip {
    pub(crate) now: Duration,
    /// Transactions so far.
    pub(crate) transactions: usize,
    pub(crate) words: BTreeMap<u32, u32>,
    pub(crate) flash: Vec<u32>,
    pub(crate) obk: [Vec<u32>; 2],
    pub(crate) status: u32,
    pub(crate) busy_until: Duration,
    control: u32,
    pub(crate) swap_bank: bool,
    optstrt: bool,
    obkcfg: u32,
    buffer: Vec<(u32, u32)>,
    pub(crate) locks: [KeyLock; 3],
    pub(crate) log: Vec<Touch>,
    pub(crate) marks: Vec<String>,
    pub(crate) stall: Duration,
    pub(crate) bus: Bus,
    /// The word for this address is lost, once.
    pub(crate) lose: Option<u32>,
    pub(crate) ap1_open: bool,
    /// AP1 opens this long after a reset; `None`: never.
    pub(crate) ap1_delay: Option<Duration>,
    ap1_opens: Option<Duration>,
    /// OPTSTRT is answered by these flags.
    pub(crate) option_flags: u32,
    pub(crate) option_time: Duration,
    /// CLOSED shuts AP1 at once.
    pub(crate) closing_cuts: bool,
    /// How many reads of OPTSR return zero.
    pub(crate) zero_reads: u32,
    pub(crate) protected: bool,
    pub(crate) hdpl: u32,
    pub(crate) nrst: bool,
    pub(crate) resets: u32,
    pub(crate) core: [u32; 20],
    pub(crate) halted: bool,
    /// What the service leaves in R0; `None`: it never comes back.
    pub(crate) service: Option<u32>,
    pub(crate) swaps: u32,
    pub(crate) rom: Rom,
}

impl Chip {
    pub(crate) fn h562() -> Chip {
        let mut words = BTreeMap::new();
        for (at, value) in [
            (OPTSR_CUR, 0x0000_EDF8),
            (flash::BASE + flash::OPTSR2_CUR, 0xC300_0000),
            (flash::BASE + flash::OPSR, 0),
            (memory::UID, 0x0403_0201),
            (memory::UID + 4, 0x0807_0605),
            (memory::UID + 8, 0x0C0B_0A09),
            (memory::FLASHSIZE, 1024),
            // The newest descriptor, its magic, and the service.
            (0x0BF9_FBF8, u32::from_le_bytes(*b"DSCT")),
            (0x0BF9_FBFC, u32::from_le_bytes(*b"R484")),
            (0x0BF9_FB68, 0x0FF9_4001),
        ] {
            words.insert(at, value);
        }
        Chip {
            now: Duration::ZERO,
            transactions: 0,
            words,
            flash: vec![u32::MAX; (FLASH_LEN / 4) as usize],
            obk: [vec![u32::MAX; 2048], vec![u32::MAX; 2048]],
            status: 0,
            busy_until: Duration::ZERO,
            control: 0,
            swap_bank: false,
            optstrt: false,
            obkcfg: 0x01FF_0000,
            buffer: Vec::new(),
            locks: [KeyLock::default(); 3],
            log: Vec::new(),
            marks: Vec::new(),
            stall: Duration::ZERO,
            bus: Bus::Stall,
            lose: None,
            ap1_open: true,
            ap1_delay: Some(Duration::from_millis(3)),
            ap1_opens: None,
            option_flags: 0,
            option_time: Duration::from_millis(20),
            closing_cuts: false,
            zero_reads: 0,
            protected: false,
            hdpl: 0x51,
            nrst: true,
            resets: 0,
            core: [0; 20],
            halted: false,
            service: Some(0xEAEA_EAEA),
            swaps: 0,
            rom: Rom::default(),
        }
    }

    pub(crate) fn tick(&mut self, now: Duration) {
        self.now = now;
        self.transactions += 1;
        if self.ap1_opens.is_some_and(|at| now >= at) {
            (self.ap1_open, self.ap1_opens) = (true, None);
        }
        if self.optstrt && !self.busy() {
            self.optstrt = false;
            self.finish_option_change();
        }
        if self.rom.regressed {
            self.rom.regressed = false;
            self.flash.fill(u32::MAX);
            self.set_state(0xED);
            self.ap1_opens = Some(now + Duration::from_millis(200));
        }
    }

    pub(crate) fn set_state(&mut self, code: u32) {
        let optsr = self.words.entry(OPTSR_CUR).or_default();
        *optsr = (*optsr & !0xFF00) | (code << 8);
        self.words.remove(&OPTSR_PRG);
    }

    pub(crate) fn state(&self) -> u32 {
        (self.words[&OPTSR_CUR] >> 8) & 0xFF
    }

    fn finish_option_change(&mut self) {
        self.status |= self.option_flags;
        if self.option_flags != 0 {
            return;
        }
        let pending: Vec<_> =
            self.words.iter().filter(|(at, _)| is_prg(**at)).map(|(a, v)| (*a, *v)).collect();
        for (at, value) in pending {
            self.words.insert(at - 4, value);
        }
        if self.closing_cuts && self.state() == 0x72 {
            self.ap1_open = false;
        }
    }

    pub(crate) fn nrst(&mut self, high: bool, now: Duration) {
        if self.nrst && !high {
            self.resets += 1;
            self.locks = [KeyLock::default(); 3];
            (self.control, self.status, self.optstrt) = (0, 0, false);
            self.buffer.clear();
            self.halted = false;
            self.words.retain(|at, _| !is_prg(*at));
            self.ap1_open = false;
            self.rom.reset();
        } else if !self.nrst && high {
            self.ap1_opens = self.ap1_delay.map(|d| now + d).filter(|_| self.state() != 0x72);
            self.run_rss_command();
            let (state, uid) = (self.state() as u8, memory::UID);
            let uid = [0, 4, 8].map(|o| self.words[&(uid + o)]);
            self.rom.boot(state, uid);
        }
        self.nrst = high;
    }

    fn busy(&self) -> bool {
        self.now < self.busy_until
    }

    fn start(&mut self, time: Duration) {
        self.busy_until = self.now + time;
    }

    pub(crate) fn read(&mut self, ap: usize, at: u32) -> Option<u32> {
        if ap == 0 {
            return Some(self.read_dbgmcu(at.wrapping_sub(dbgmcu::BASE_AP0)));
        }
        if !self.ap1_open {
            return None;
        }
        let flash_offset = at.wrapping_sub(memory::FLASH);
        if flash_offset < FLASH_LEN {
            return Some(self.flash[(flash_offset / 4) as usize]);
        }
        Some(match at {
            OPTSR_CUR if self.zero_reads > 0 => {
                self.zero_reads -= 1;
                0
            }
            m33::DHCSR => 1 << 16 | u32::from(self.halted) << 17,
            m33::DCRDR => self.core[19],
            _ if at == sbs::BASE + sbs::HDPLSR => self.hdpl,
            _ => match at.wrapping_sub(flash::BASE) {
                flash::NSSR => self.status_now(),
                flash::NSCR => self.control | u32::from(!self.locks[0].open),
                flash::OPTCR => {
                    u32::from(!self.locks[1].open)
                        | u32::from(self.optstrt) << 1
                        | if self.swap_bank { optcr::SWAP_BANK } else { 0 }
                }
                flash::NSOBKCFGR => self.obkcfg | u32::from(!self.locks[2].open),
                _ if is_prg(at) => self.words.get(&at).or(self.words.get(&(at - 4))).copied().unwrap_or(0),
                _ => self.words.get(&at).copied().unwrap_or(0),
            },
        })
    }

    fn status_now(&self) -> u32 {
        let wbne = if self.buffer.is_empty() { 0 } else { sr::WBNE };
        self.status | wbne | if self.busy() { sr::BSY } else { 0 }
    }

    fn read_dbgmcu(&mut self, offset: u32) -> u32 {
        match offset {
            dbgmcu::IDCODE => 0x1007_6484,
            dbgmcu::SR => 0x0001_0003 | u32::from(self.ap1_open) << 17,
            dbgmcu::DBG_AUTH_DEVICE => self.rom.take(),
            dbgmcu::DBG_AUTH_ACK => self.rom.ack(),
            _ => 0,
        }
    }

    pub(crate) fn write(&mut self, ap: usize, at: u32, value: u32) -> Option<()> {
        if ap == 0 {
            match at.wrapping_sub(dbgmcu::BASE_AP0) {
                dbgmcu::DBG_AUTH_HOST => self.rom.put(value),
                dbgmcu::DBG_AUTH_ACK => self.rom.write_ack(value),
                _ => {}
            }
            return Some(());
        }
        if !self.ap1_open {
            return None;
        }
        if at.wrapping_sub(memory::FLASH) < FLASH_LEN || at.wrapping_sub(memory::OBK) < memory::OBK_LEN {
            self.write_array(at, value);
            return Some(());
        }
        match at {
            m33::DHCSR => self.write_dhcsr(value),
            m33::DCRDR => self.core[19] = value,
            m33::DCRSR if value & (1 << 16) != 0 => self.core[(value & 0x1F) as usize] = self.core[19],
            m33::DCRSR => self.core[19] = self.core[(value & 0x1F) as usize],
            _ => self.write_flash_register(at, value),
        }
        Some(())
    }

    fn write_flash_register(&mut self, at: u32, value: u32) {
        match at.wrapping_sub(flash::BASE) {
            flash::NSKEYR => self.locks[0].key(key::FLASH, value),
            flash::OPTKEYR => self.locks[1].key(key::OPTION, value),
            flash::NSOBKKEYR => self.locks[2].key(key::OBK, value),
            flash::NSCCR => self.status &= !value,
            flash::NSCR if self.locks[0].open => self.write_control(value),
            flash::OPTCR if self.locks[1].open => {
                self.locks[1].open = value & 1 == 0;
                if value & optcr::OPTSTRT != 0 {
                    self.optstrt = true;
                    self.start(self.option_time);
                }
            }
            flash::NSOBKCFGR if self.locks[2].open => self.write_obk_config(value),
            flash::NSCR | flash::OPTCR | flash::NSOBKCFGR => {}
            _ if is_prg(at) && !self.locks[1].open => {}
            _ => drop(self.words.insert(at, value)),
        }
    }

    fn write_control(&mut self, value: u32) {
        self.locks[0].open = value & 1 == 0;
        self.control = value & (cr::PG | cr::SER);
        if value & cr::FW != 0 {
            self.buffer.clear();
            self.start(QUAD_TIME);
        }
        if value & cr::STRT != 0 && value & cr::SER != 0 {
            if self.protected {
                self.status |= sr::WRPERR;
                return;
            }
            if self.busy() || !self.buffer.is_empty() {
                self.status |= sr::PGSERR;
                return;
            }
            let number = (value & cr::SNB) >> cr::SNB_SHIFT;
            let physical_second = value & cr::BKSEL != 0;
            let bank = u32::from(physical_second != self.swap_bank);
            let words = flash::SECTOR / 4;
            let first = (bank * FLASH_LEN / 8 + number * words) as usize;
            self.flash[first..first + words as usize].fill(u32::MAX);
            self.status |= sr::EOP;
            self.start(Duration::from_millis(2));
        }
    }

    fn write_obk_config(&mut self, value: u32) {
        self.locks[2].open = value & 1 == 0;
        self.obkcfg = value & !(obkcfgr::LOCK | obkcfgr::ALT_SECT_ERASE | obkcfgr::SWAP_SECT_REQ);
        if value & obkcfgr::ALT_SECT_ERASE != 0 {
            self.obk[1].fill(u32::MAX);
            self.start(Duration::from_millis(2));
        }
        if value & obkcfgr::SWAP_SECT_REQ != 0 {
            self.swaps += 1;
            let [current, alternate] = &mut self.obk;
            for (new, old) in alternate.iter_mut().zip(current.iter()) {
                if *new == u32::MAX {
                    *new = *old;
                }
            }
            self.obk.swap(0, 1);
            self.start(Duration::from_millis(4));
        }
    }

    /// A word on its way into flash or OBK through the quad-word buffer.
    fn write_array(&mut self, at: u32, value: u32) {
        if self.lose == Some(at) {
            self.lose = None;
            return;
        }
        if self.busy() {
            match self.bus {
                Bus::Stall => self.stall = self.busy_until - self.now,
                Bus::Drop => return,
            }
        }
        if !self.locks[0].open || self.control & cr::PG == 0 {
            self.status |= sr::PGSERR;
            return;
        }
        if self.buffer.first().is_some_and(|(first, _)| first & !0xF != at & !0xF) {
            self.status |= sr::INCERR;
            self.buffer.clear();
            return;
        }
        self.buffer.push((at, value));
        if self.buffer.len() < 4 {
            return;
        }
        for (at, value) in std::mem::take(&mut self.buffer) {
            self.store(at, value);
        }
        self.status |= sr::EOP;
        self.busy_until = self.now + self.stall + QUAD_TIME;
    }

    fn store(&mut self, at: u32, value: u32) {
        let obk = at.wrapping_sub(memory::OBK);
        if obk < memory::OBK_LEN {
            if self.hdpl != 0x51 || !self.locks[2].open || self.obkcfg & obkcfgr::ALT_SECT == 0 {
                self.status |= sr::OBKERR;
            } else {
                self.obk[1][(obk / 4) as usize] &= value;
            }
        } else if self.protected {
            self.status |= sr::WRPERR;
        } else {
            self.flash[((at - memory::FLASH) / 4) as usize] &= value;
        }
    }

    /// The core runs into the service: it takes the structure in R0 and comes back to LR.
    fn write_dhcsr(&mut self, value: u32) {
        let halt = value & 2 != 0;
        if self.halted && !halt && self.core[15] == 0x0FF9_4000 {
            let Some(code) = self.service else {
                self.halted = false;
                return;
            };
            self.provision(self.core[0], code);
            (self.core[0], self.core[15]) = (code, self.core[14] & !1);
            return;
        }
        self.halted = halt;
    }

    fn run_rss_command(&mut self) {
        let command = self.words.remove(&(sbs::BASE + sbs::RSSCMDR)).unwrap_or(0);
        if command != 0
            && let Some(code) = self.service
        {
            self.provision(0x2005_0000, code);
            self.words.insert(0x2005_0010, code);
        }
    }

    fn provision(&mut self, conf: u32, code: u32) {
        let word = |at: u32| self.words.get(&at).copied().unwrap_or(0);
        let (source, destination, size) = (word(conf), word(conf + 4), word(conf + 8));
        let data: Vec<_> = (0..size / 4).map(|i| word(source + i * 4)).collect();
        if code == 0xEAEA_EAEA {
            let first = ((destination - memory::OBK_S) / 4) as usize;
            self.obk[0][first..first + data.len()].copy_from_slice(&data);
        }
    }

    /// Values written to an address, in order.
    pub(crate) fn written(&self, at: u32) -> Vec<u32> {
        self.log.iter().filter(|t| t.at == at).map(|t| t.value).collect()
    }

    /// All locks are shut and nothing is armed.
    pub(crate) fn is_tidy(&self) -> bool {
        self.locks.iter().all(|l| !l.open) && self.control == 0 && self.obkcfg & obkcfgr::ALT_SECT == 0
    }
}

/// `_PRG` option registers: every second word from OPTSR on.
fn is_prg(at: u32) -> bool {
    regs::h5::option::OPTION_BYTES.iter().any(|b| b.prg == at)
}
