//! A debugger without a wire: accesses at a time of its own.

use crate::bus::{Chip, Outcome, Request, Time};
use crate::chip::{H5, NonVolatile};
use crate::knobs::{MS, US};
use crate::scenario::Scenario;
use regs::h5::flash::{self as f, cr, key, optcr, sr};
use regs::h5::option;
use regs::h5::state::ProductState;
use sha2::{Digest, Sha256};
use wire::Width;

pub(super) const FLASH: u32 = regs::h5::memory::FLASH;
pub(super) const SRAM3: u32 = 0x2005_0000;

/// The chip and the time.
pub(super) struct Rig {
    pub(super) chip: H5,
    pub(super) now: Time,
}

impl Rig {
    /// A factory-new part, powered long enough for the ROM to be through.
    pub(super) fn new(spec: &str) -> Self {
        let scenario = Scenario::parse(spec).unwrap();
        let family = scenario.part();
        let kib = scenario.kib.unwrap_or(family.device().largest_flash_kib());
        let mut chip = H5::new(scenario.knobs, NonVolatile::factory(family, kib, None));
        chip.pins.supply = true;
        chip.power_up();
        let mut rig = Rig { chip, now: 0 };
        rig.wait(100 * MS);
        rig
    }

    pub(super) fn wait(&mut self, time: Time) {
        self.now += time;
        self.chip.advance(self.now);
    }

    pub(super) fn access(&mut self, ap: u8, at: u32, width: Width, write: Option<u32>) -> Outcome {
        self.now += US;
        let outcome = self.chip.access(&Request { ap, at, width, write, secure: false }, self.now);
        if let Outcome::Done { at, .. } | Outcome::Error { at } = outcome {
            self.now = self.now.max(at);
        }
        outcome
    }

    pub(super) fn r(&mut self, at: u32) -> u32 {
        match self.access(1, at, Width::Word, None) {
            Outcome::Done { value, .. } => value,
            other => panic!("read of {at:#x}: {other:?}"),
        }
    }

    pub(super) fn w(&mut self, at: u32, value: u32) {
        let outcome = self.access(1, at, Width::Word, Some(value));
        assert!(matches!(outcome, Outcome::Done { .. }), "write of {at:#x}: {outcome:?}");
    }

    /// Reads through AP0.
    pub(super) fn r0(&mut self, at: u32) -> u32 {
        match self.access(0, at, Width::Word, None) {
            Outcome::Done { value, .. } => value,
            other => panic!("read of {at:#x} through AP0: {other:?}"),
        }
    }

    pub(super) fn w0(&mut self, at: u32, value: u32) {
        assert!(matches!(self.access(0, at, Width::Word, Some(value)), Outcome::Done { .. }));
    }

    pub(super) fn fails(&mut self, at: u32) -> bool {
        matches!(self.access(1, at, Width::Word, None), Outcome::Error { .. })
    }

    pub(super) fn fr(&mut self, register: u32) -> u32 {
        self.r(f::BASE + register)
    }

    pub(super) fn fw(&mut self, register: u32, value: u32) {
        self.w(f::BASE + register, value);
    }

    pub(super) fn keys(&mut self, register: u32, keys: [u32; 2]) {
        keys.into_iter().for_each(|key| self.fw(register, key));
    }

    pub(super) fn unlock(&mut self) {
        self.keys(f::NSKEYR, key::FLASH);
        assert_eq!(self.fr(f::NSCR) & cr::LOCK, 0);
    }

    /// Polls NSSR until nothing is busy; the flags that are left.
    pub(super) fn idle(&mut self) -> u32 {
        for _ in 0..10_000 {
            let flags = self.fr(f::NSSR);
            if flags & sr::BUSY == 0 {
                return flags;
            }
            self.wait(100 * US);
        }
        panic!("busy for a second: {:#x}", self.fr(f::NSSR));
    }

    pub(super) fn clear_flags(&mut self) {
        self.fw(f::NSCCR, sr::CLEARABLE);
    }

    /// Programs one quad-word and waits.
    pub(super) fn program(&mut self, at: u32, words: [u32; 4]) -> u32 {
        self.fw(f::NSCR, cr::PG);
        for (i, word) in (0..).zip(words) {
            self.w(at + 4 * i, word);
        }
        let flags = self.idle();
        self.fw(f::NSCR, 0);
        flags
    }

    pub(super) fn unlock_options(&mut self) {
        if self.fr(f::OPTCR) & optcr::OPTLOCK != 0 {
            self.keys(f::OPTKEYR, key::OPTION);
        }
        assert_eq!(self.fr(f::OPTCR) & optcr::OPTLOCK, 0);
    }

    /// Changes one option register and waits; the flags that are left.
    pub(super) fn set_option(&mut self, prg: u32, value: u32) -> u32 {
        self.unlock_options();
        self.fw(prg, value);
        self.fw(f::OPTCR, optcr::OPTSTRT);
        self.idle()
    }

    pub(super) fn set_state(&mut self, state: ProductState) -> u32 {
        let optsr = self.fr(f::OPTSR_CUR) & !option::PRODUCT_STATE;
        self.set_option(f::OPTSR_PRG, optsr | u32::from(state.0) << 8)
    }

    pub(super) fn state(&mut self) -> ProductState {
        ProductState::from_optsr(self.fr(f::OPTSR_CUR))
    }

    /// NRST low for a millisecond, then long enough for the ROM.
    pub(super) fn nrst(&mut self) {
        self.chip.drive_reset(true, self.now);
        self.wait(MS);
        self.chip.drive_reset(false, self.now);
        self.wait(50 * MS);
    }

    pub(super) fn power_cycle(&mut self) {
        self.chip.cut_power(self.now);
        self.wait(10 * MS);
        self.chip.pins.failed = false;
        self.chip.power_up();
        self.wait(50 * MS);
    }

    /// Writes a payload to OBK by the flash registers and makes it current; the flags that are left.
    pub(super) fn write_obk(&mut self, offset: u32, payload: &[u8]) -> u32 {
        use regs::h5::flash::obkcfgr as o;
        if self.fr(f::NSCR) & cr::LOCK != 0 {
            self.unlock();
        }
        if self.fr(f::NSOBKCFGR) & o::LOCK != 0 {
            self.keys(f::NSOBKKEYR, key::OBK);
        }
        self.fw(f::NSOBKCFGR, o::ALT_SECT | o::ALT_SECT_ERASE | o::SWAP_OFFSET);
        self.idle();
        self.fw(f::NSCR, cr::PG);
        self.fw(f::NSOBKCFGR, o::ALT_SECT | o::SWAP_OFFSET);
        for (i, word) in (0..).zip(payload.chunks(4)) {
            let word = u32::from_le_bytes(word.try_into().unwrap());
            self.w(regs::h5::memory::OBK + offset + 4 * i, word);
        }
        self.idle();
        self.fw(f::NSCR, 0);
        self.fw(f::NSOBKCFGR, o::SWAP_OFFSET | o::SWAP_SECT_REQ);
        self.idle()
    }
}

/// The payload of ST's published password file (password 0123456789012345), byte for byte.
pub(super) fn sample_payload() -> Vec<u8> {
    let text = "5e9bd65fe48ea17e40ae126f76e7c1013a73bf35c95d48975c5d1575a7198442\
                184aa46d813411727da0dc9e64186bb9907289b5aab4b320d26fff5ea45d8e3d";
    let mut payload = crate::hex::decode(text).unwrap();
    payload.extend([0x77, 0x50]);
    payload.resize(0x60, 0);
    payload
}

#[test]
fn the_published_payload_is_whole() {
    let payload = sample_payload();
    assert_eq!(payload[..32], *Sha256::digest(&payload[32..]));
    assert_eq!(payload[32..64], *Sha256::digest(b"0123456789012345"));
}
