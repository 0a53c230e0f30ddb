//! The registers of the flash interface. [H5-FLASH-1] [H5-FLASH-2] [H5-FLASH-4] [H5-OB-1] [H5-OB-2] [H5-OBK-4]

use super::super::obk::SLOTS;
use super::super::options::{self, Half};
use super::{Env, Flash, Op, Who};
use crate::bus::{Outcome, Time};
use crate::knobs::Knobs;
use regs::h5::device::{Device, Family};
use regs::h5::flash::{self as f, cr, obkcfgr, optcr, sr};
use regs::h5::obk::swap_offset;
use regs::h5::state::ProductState;

const BKSEL_SHIFT: u32 = 31;
/// Bits of NSCR that keep what was written.
const CR_KEPT: u32 = cr::PG | cr::SER | cr::BER | cr::SNB | cr::MER | cr::IE | cr::INV | cr::BKSEL;

impl Flash {
    /// Reads a register by its offset.
    pub(crate) fn read_register(&self, offset: u32, env: &Env<'_>) -> u32 {
        if self.is_hidden(offset) {
            return 0;
        }
        match offset {
            f::ACR => self.acr,
            f::OPSR => self.read_opsr(env),
            f::OPTCR => self.read_optcr(),
            f::NSSR => self.read_sr(Who::NonSecure, env),
            f::SECSR => self.read_sr(Who::Secure, env),
            f::NSCR => self.read_cr(Who::NonSecure),
            f::SECCR => self.read_cr(Who::Secure),
            f::NSOBKCFGR => self.read_obkcfgr(Who::NonSecure),
            f::SECOBKCFGR => self.read_obkcfgr(Who::Secure),
            f::ECCDETR => self.eccdetr,
            _ => match options::half(offset) {
                Some(Half::Cur(index)) => self.nv.options.at(index),
                Some(Half::Prg(index)) => self.prg.at(index),
                None => 0,
            },
        }
    }

    /// Writes a register by its offset.
    pub(crate) fn write_register(&mut self, offset: u32, value: u32, env: &Env<'_>) {
        if self.is_hidden(offset) {
            return;
        }
        let again = env.knobs.keys_again;
        match offset {
            f::ACR => self.acr = value & (f::acr::LATENCY | f::acr::WRHIGHFREQ | f::acr::PRFTEN),
            f::NSKEYR => self.faces[0].lock.key(f::key::FLASH, value, again),
            f::SECKEYR => self.faces[1].lock.key(f::key::FLASH, value, again),
            f::OPTKEYR => self.option_lock.key(f::key::OPTION, value, again),
            f::NSOBKKEYR => self.faces[0].obk_lock.key(f::key::OBK, value, again),
            f::SECOBKKEYR => self.faces[1].obk_lock.key(f::key::OBK, value, again),
            f::OPTCR => self.write_optcr(value, env),
            f::NSCR => self.write_cr(Who::NonSecure, value, env),
            f::SECCR => self.write_cr(Who::Secure, value, env),
            f::NSCCR => self.faces[0].sr &= !(value & sr::CLEARABLE),
            f::SECCCR => self.faces[1].sr &= !(value & sr::CLEARABLE),
            f::NSOBKCFGR => self.write_obkcfgr(Who::NonSecure, value, env),
            f::SECOBKCFGR => self.write_obkcfgr(Who::Secure, value, env),
            f::ECCDETR => self.eccdetr &= !(value & f::ecc::ECCD),
            _ => {
                if let Some(Half::Prg(index)) = options::half(offset)
                    && !self.option_lock.is_locked()
                    && !self.changes_options()
                {
                    self.prg.write(index, self.nv.family, value);
                }
            }
        }
    }

    /// Registers this part does not have, and the secure ones while TrustZone is off: read as zero, writes ignored.
    fn is_hidden(&self, offset: u32) -> bool {
        let secure =
            matches!(offset, f::SECKEYR | f::SECOBKKEYR | f::SECSR | f::SECCR | f::SECCCR | f::SECOBKCFGR);
        let obk = matches!(offset, f::NSOBKKEYR | f::NSOBKCFGR);
        (secure && !self.trust_zone) || (obk && self.nv.family == Family::H503)
    }

    /// The interrupted operation; whether the running one shows here is a guess. [H5-FLASH-8]
    fn read_opsr(&self, env: &Env<'_>) -> u32 {
        match &self.running {
            Some(running) if env.knobs.opsr_running => running.op.opsr(&self.nv),
            _ => self.opsr,
        }
    }

    /// Until when an access to these registers keeps the bus waiting, where they do. [H5-TIMEOUT-10]
    pub(crate) fn registers_stall_until(&self, knobs: &Knobs) -> Option<Time> {
        let running = self.running.as_ref().filter(|_| knobs.host.registers_stall)?;
        Some(running.ends)
    }

    /// What a register will read as when the operation under way has ended; `word` is what it reads as now.
    pub(crate) fn read_at_end(
        &self,
        offset: u32,
        word: u32,
        at: Time,
        lanes: impl Fn(u32) -> u32,
    ) -> Outcome {
        let value = match offset {
            f::NSSR | f::SECSR => word & !sr::BSY | sr::EOP,
            f::OPTCR => word & !optcr::OPTSTRT,
            f::NSCR | f::SECCR => word & !cr::STRT,
            f::NSOBKCFGR | f::SECOBKCFGR => word & !(obkcfgr::ALT_SECT_ERASE | obkcfgr::SWAP_SECT_REQ),
            _ => word,
        };
        Outcome::Done { value: lanes(value), at }
    }

    /// The option lock is open.
    pub(crate) fn options_are_open(&self) -> bool {
        !self.option_lock.is_locked()
    }

    /// Somebody else shuts it. [H5-TIMEOUT-7]
    pub(crate) fn lock_options(&mut self) {
        self.option_lock.lock();
    }

    fn read_optcr(&self) -> u32 {
        let lock = if self.option_lock.is_locked() { optcr::OPTLOCK } else { 0 };
        let start = if self.changes_options() || self.start_stays { optcr::OPTSTRT } else { 0 };
        let swap = if self.swapped { optcr::SWAP_BANK } else { 0 };
        lock | start | swap
    }

    fn read_sr(&self, who: Who, env: &Env<'_>) -> u32 {
        let busy = if self.busy(env) { sr::BSY } else { 0 };
        let buffer = if self.buffer.is_filling(who) { sr::WBNE } else { 0 };
        self.faces[usize::from(who == Who::Secure)].sr | busy | buffer
    }

    fn read_cr(&self, who: Who) -> u32 {
        let face = &self.faces[usize::from(who == Who::Secure)];
        let lock = if face.lock.is_locked() { cr::LOCK } else { 0 };
        let erases = |op: &Op| matches!(op, Op::Sector(_) | Op::Bank(_) | Op::Mass);
        let start = if self.has(who, erases) { cr::STRT } else { 0 };
        face.cr | lock | start
    }

    fn read_obkcfgr(&self, who: Who) -> u32 {
        let face = &self.faces[usize::from(who == Who::Secure)];
        let lock = if face.obk_lock.is_locked() { obkcfgr::LOCK } else { 0 };
        let erase = if self.has(who, |op| *op == Op::ObkErase) { obkcfgr::ALT_SECT_ERASE } else { 0 };
        let swaps = |op: &Op| matches!(op, Op::ObkSwap(_));
        let swap = if self.has(who, swaps) { obkcfgr::SWAP_SECT_REQ } else { 0 };
        face.obkcfgr | lock | erase | swap
    }

    /// Whether an operation of this kind is under way or waits.
    fn has(&self, who: Who, is: impl Fn(&Op) -> bool) -> bool {
        let running = self.running.as_ref().is_some_and(|running| running.who == who && is(&running.op));
        running || self.waiting.as_ref().is_some_and(|(op, owner)| *owner == who && is(op))
    }

    fn changes_options(&self) -> bool {
        self.has(Who::NonSecure, |op| matches!(op, Op::Options(_)))
    }

    fn write_optcr(&mut self, value: u32, env: &Env<'_>) {
        if self.option_lock.is_locked() {
            return;
        }
        // While the error flag is set OPTSTRT cannot be set. [H5-OB-2]
        let refused = self.faces.iter().any(|face| face.sr & sr::OPTCHANGEERR != 0);
        if value & optcr::OPTSTRT != 0 && env.knobs.host.start_stays_at(env.now) {
            self.start_stays = true;
        } else if value & optcr::OPTSTRT != 0 && !refused && !self.works() {
            if self.nv.options.takes(&self.prg, self.nv.family) {
                self.begin(Op::Options(Box::new(self.prg)), Who::NonSecure, env);
            } else {
                self.faces[0].sr |= sr::OPTCHANGEERR;
            }
        }
        if value & optcr::OPTLOCK != 0 {
            self.option_lock.lock();
        }
    }

    fn write_cr(&mut self, who: Who, value: u32, env: &Env<'_>) {
        if self.face(who).lock.is_locked() {
            return;
        }
        self.face(who).cr = value & CR_KEPT;
        if value & cr::FW != 0 && self.buffer.is_filling(who) {
            self.force_buffer(who, env);
        }
        if value & cr::STRT != 0 {
            self.start_erase(who, value, env);
        }
        if value & cr::LOCK != 0 {
            self.face(who).lock.lock();
        }
    }

    /// A start with no kind or two kinds of erase, with words in the buffer or with an operation under way sets
    /// PGSERR. [H5-FLASH-4] Only the mix with MER is documented, the rest follows it.
    fn start_erase(&mut self, who: Who, value: u32, env: &Env<'_>) {
        let bank = value >> BKSEL_SHIFT;
        let per_bank = Device::sectors_per_bank(self.nv.kib);
        let number = (value & cr::SNB) >> cr::SNB_SHIFT;
        let op = match value & (cr::SER | cr::BER | cr::MER) {
            cr::SER if number < per_bank => Op::Sector(bank * per_bank + number),
            cr::BER => Op::Bank(bank),
            cr::MER => Op::Mass,
            _ => return self.flag(who, sr::PGSERR),
        };
        if self.works() || self.buffer.is_filling(who) {
            self.flag(who, sr::PGSERR);
        } else if self.is_protected(&op) {
            self.flag(who, sr::WRPERR);
        } else {
            self.begin(op, who, env);
        }
    }

    fn is_protected(&self, op: &Op) -> bool {
        let per_bank = Device::sectors_per_bank(self.nv.kib);
        let any = |sectors: std::ops::Range<u32>| sectors.into_iter().any(|s| self.is_write_protected(s));
        match op {
            Op::Sector(sector) => any(*sector..sector + 1),
            Op::Bank(bank) => any(bank * per_bank..(bank + 1) * per_bank),
            Op::Mass => any(0..2 * per_bank),
            _ => false,
        }
    }

    /// WRP: a zero bit protects four sectors, one on the H503. [H5-OB-4]
    pub(super) fn is_write_protected(&self, sector: u32) -> bool {
        let per_bank = Device::sectors_per_bank(self.nv.kib);
        let register = if sector < per_bank { f::WRP1R_CUR } else { f::WRP2R_CUR };
        let group = if self.nv.family == Family::H503 { 1 } else { 4 };
        self.nv.options.get(register) >> (sector % per_bank / group) & 1 == 0
    }

    fn write_obkcfgr(&mut self, who: Who, value: u32, env: &Env<'_>) {
        if self.face(who).obk_lock.is_locked() {
            return;
        }
        let old = self.face(who).obkcfgr;
        if (old ^ value) & obkcfgr::ALT_SECT != 0 && self.buffer.is_filling(who) {
            self.drop_buffer();
            self.flag(who, sr::OBKERR);
        }
        self.face(who).obkcfgr = value & (obkcfgr::ALT_SECT | obkcfgr::SWAP_OFFSET);
        if value & obkcfgr::ALT_SECT_ERASE != 0 {
            self.obk_operation(who, Op::ObkErase, env);
        } else if value & obkcfgr::SWAP_SECT_REQ != 0 {
            let units = (value & obkcfgr::SWAP_OFFSET) >> obkcfgr::SWAP_OFFSET_SHIFT;
            self.swap_request(who, units, env);
        }
        if value & obkcfgr::LOCK != 0 {
            self.face(who).obk_lock.lock();
        }
    }

    fn swap_request(&mut self, who: Who, units: u32, env: &Env<'_>) {
        // Smaller offsets would lose keys of lower levels. [H5-OBK-6]
        let least = env.level.checked_sub(1).map_or(0, |above| swap_offset::MIN[usize::from(above).min(2)]);
        if units < least {
            return self.flag(who, sr::OBKERR);
        }
        let slots = if units == swap_offset::ALL { SLOTS } else { units as usize };
        self.obk_operation(who, Op::ObkSwap(slots), env);
    }

    fn obk_operation(&mut self, who: Who, op: Op, env: &Env<'_>) {
        if self.works() || self.buffer.is_filling(who) {
            self.flag(who, sr::PGSERR);
        } else if self.obk_is_open(who, env) {
            self.begin(op, who, env);
        } else {
            self.flag(who, sr::OBKERR);
        }
    }

    /// Whether these registers may change OBK now: setting, state, TrustZone, selectors. [H5-OBK-4] [H5-OBK-10]
    pub(super) fn obk_is_open(&self, who: Who, env: &Env<'_>) -> bool {
        let state = self.nv.options.state();
        let fits =
            [ProductState::OPEN, ProductState::PROVISIONING, ProductState::IROT_PROVISIONED].contains(&state);
        let face = if self.trust_zone { Who::Secure } else { Who::NonSecure };
        env.knobs.obk_direct && fits && who == face && !self.nv.obk.undefined
    }
}
