//! Keys: the three routes, levels, reading back.

use super::bench::{FLASH, Rig, SRAM3, sample_payload};
use crate::bus::Chip;
use crate::knobs::MS;
use regs::h5::flash::{self as f, cr, key, obkcfgr as o, sr};
use regs::h5::memory::OBK;
use regs::h5::rss::{self, conf, guess, result};
use regs::h5::state::ProductState as S;
use regs::m33::{self, core_register as reg, dhcsr};

const DA: u32 = 0x100;

#[test]
fn the_direct_route_writes_the_published_payload() {
    let mut rig = Rig::new("h562");
    rig.set_state(S::PROVISIONING);
    assert!(rig.chip.flash.nv.credential().is_none());
    assert_eq!(rig.write_obk(DA, &sample_payload()) & sr::ERRORS, 0);
    let credential = rig.chip.flash.nv.credential().unwrap();
    assert_eq!(credential.hash[..4], [0x18, 0x4A, 0xA4, 0x6D]);
    assert_eq!(credential.permissions[..4], [0x77, 0x50, 0, 0]);
}

#[test]
fn keys_can_be_written_again_in_provisioning() {
    let mut rig = Rig::new("h562");
    rig.set_state(S::PROVISIONING);
    let mut wrong = sample_payload();
    wrong[0] ^= 1;
    assert_eq!(rig.write_obk(DA, &wrong) & sr::ERRORS, 0);
    assert!(rig.chip.flash.nv.credential().is_none(), "its own hash does not fit");
    assert_eq!(rig.write_obk(DA, &sample_payload()) & sr::ERRORS, 0);
    assert!(rig.chip.flash.nv.credential().is_some());
}

#[test]
fn a_slot_that_is_not_virgin_sets_obkwerr() {
    let mut rig = Rig::new("h562");
    rig.write_obk(DA, &sample_payload());
    // Without the erase the alternate sector is virgin only where it was never written.
    rig.fw(f::NSCR, cr::PG);
    rig.fw(f::NSOBKCFGR, o::SWAP_OFFSET);
    rig.w(OBK + DA, 0);
    assert_eq!(rig.fr(f::NSSR) & sr::ERRORS, sr::OBKWERR);
}

#[test]
fn a_slot_of_another_level_sets_obkerr() {
    let mut rig = Rig::new("h562");
    assert_eq!(rig.write_obk(0x900, &[0; 16]) & sr::ERRORS, sr::OBKERR);
    let mut rig = Rig::new("h562");
    rig.w(regs::h5::sbs::BASE + regs::h5::sbs::NEXTHDPLCR, 1);
    assert_eq!(rig.write_obk(0x900, &[0; 16]) & sr::ERRORS, 0);
}

#[test]
fn a_bootloader_at_another_level_makes_the_direct_route_fail() {
    let mut rig = Rig::new("h562,rom.hdpl=3");
    rig.set_state(S::PROVISIONING);
    rig.nrst();
    assert_ne!(rig.write_obk(DA, &sample_payload()) & sr::OBKERR, 0);
}

#[test]
fn the_swap_offset_has_a_least_value() {
    for (units, flags) in [(15, sr::OBKERR), (16, 0)] {
        let mut rig = Rig::new("h562");
        rig.unlock();
        rig.keys(f::NSOBKKEYR, key::OBK);
        rig.fw(f::NSOBKCFGR, units << 16 | o::SWAP_SECT_REQ);
        assert_eq!(rig.idle() & sr::ERRORS, flags);
    }
}

#[test]
fn changing_alt_sect_while_the_buffer_fills_sets_obkerr() {
    let mut rig = Rig::new("h562");
    rig.unlock();
    rig.keys(f::NSOBKKEYR, key::OBK);
    rig.fw(f::NSCR, cr::PG);
    rig.fw(f::NSOBKCFGR, o::ALT_SECT);
    rig.w(OBK + DA, 0);
    rig.fw(f::NSOBKCFGR, 0);
    assert_eq!(rig.fr(f::NSSR), sr::OBKERR);
}

#[test]
fn obk_keys_twice_shut_the_obk_lock() {
    let mut rig = Rig::new("h562");
    rig.keys(f::NSOBKKEYR, key::OBK);
    assert_eq!(rig.fr(f::NSOBKCFGR) & o::LOCK, 0);
    rig.keys(f::NSOBKKEYR, key::OBK);
    rig.keys(f::NSOBKKEYR, key::OBK);
    assert_eq!(rig.fr(f::NSOBKCFGR) & o::LOCK, o::LOCK);
}

#[test]
fn the_direct_route_can_be_refused() {
    let mut rig = Rig::new("h562,obk.direct=refuse");
    rig.set_state(S::PROVISIONING);
    assert_ne!(rig.write_obk(DA, &sample_payload()) & sr::OBKERR, 0);
    assert!(rig.chip.flash.nv.credential().is_none());
}

#[test]
fn obk_is_read_back_in_open_and_in_provisioning_only_if_the_setting_says_so() {
    for (spec, readable) in [("h562", false), ("h562,obk.read=allow", true)] {
        let mut rig = Rig::new(spec);
        rig.write_obk(DA, &sample_payload());
        rig.fw(f::NSOBKCFGR, 0);
        assert_eq!(rig.r(OBK + DA), 0x5FD6_9B5E);
        assert!(rig.fails(OBK + 0x1F0), "never written");
        rig.set_state(S::PROVISIONING);
        assert_eq!(rig.r(OBK + DA) == 0x5FD6_9B5E, readable, "{spec}");
    }
}

#[test]
fn a_crypto_part_wants_its_record_encrypted_by_the_rom() {
    let mut rig = Rig::new("h573");
    rig.set_state(S::PROVISIONING);
    rig.write_obk(DA, &sample_payload());
    assert!(rig.chip.flash.nv.credential().is_none());
    rig.nrst();
    assert_eq!(call(&mut rig, guess::DO_ENCRYPTION_YES, None), result::SUCCESS);
    assert!(rig.chip.flash.nv.credential().is_some());
}

fn stage(rig: &mut Rig, do_encryption: u32, crc: Option<u32>) {
    let data = sample_payload();
    let data_at = SRAM3 + guess::STAGED_DATA;
    for (i, word) in (0..).zip(data.chunks(4)) {
        rig.w(data_at + 4 * i, u32::from_le_bytes(word.try_into().unwrap()));
    }
    let fields = [data_at, regs::h5::obk::DA_DESTINATION, 0x60, do_encryption];
    let words = data.chunks(4).map(|w| u32::from_le_bytes(w.try_into().unwrap())).chain(fields);
    let sum = words.fold(guess::CRC_INIT, |crc, word| {
        (0..32).fold(crc ^ word, |c, _| c << 1 ^ if c >> 31 == 1 { guess::CRC_POLY } else { 0 })
    });
    for (i, word) in (0..).zip(fields) {
        rig.w(SRAM3 + 4 * i, word);
    }
    rig.w(SRAM3 + conf::CRC, crc.unwrap_or(sum));
}

fn set_register(rig: &mut Rig, selector: u32, value: u32) {
    rig.w(m33::DCRDR, value);
    rig.w(m33::DCRSR, selector | m33::dcrsr::REGWNR);
}

/// Calls DataProvisioning as a debugger does: halt, registers, breakpoint, go, wait for the halt, R0.
fn call(rig: &mut Rig, do_encryption: u32, crc: Option<u32>) -> u32 {
    stage(rig, do_encryption, crc);
    rig.w(m33::DHCSR, dhcsr::KEY | dhcsr::C_DEBUGEN | dhcsr::C_HALT);
    assert_ne!(rig.r(m33::DHCSR) & dhcsr::S_HALT, 0);
    let table = rig.r(rss::RSSLIB + rss::table::DATA_PROVISIONING);
    rig.w(SRAM3 + 0x800, 0xBE00_BE00);
    set_register(rig, 0, SRAM3);
    set_register(rig, reg::LR, (SRAM3 + 0x800) | 1);
    set_register(rig, reg::PC, table);
    rig.w(m33::DHCSR, dhcsr::KEY | dhcsr::C_DEBUGEN);
    for _ in 0..100 {
        if rig.r(m33::DHCSR) & dhcsr::S_HALT != 0 {
            rig.w(m33::DCRSR, 0);
            return rig.r(m33::DCRDR);
        }
        rig.wait(MS);
    }
    panic!("the service does not come back");
}

#[test]
fn the_rsslib_route_runs_the_service_under_the_debugger() {
    let mut rig = Rig::new("h562");
    rig.set_state(S::PROVISIONING);
    rig.nrst();
    assert_eq!(call(&mut rig, rss::DO_ENCRYPTION_NONE, None), result::SUCCESS);
    assert!(rig.chip.flash.nv.credential().is_some());
    rig.w(m33::DCRSR, reg::PC);
    assert_eq!(rig.r(m33::DCRDR), SRAM3 + 0x800);
}

#[test]
fn the_service_says_what_is_wrong() {
    let provisioning = |spec: &str| {
        let mut rig = Rig::new(spec);
        rig.set_state(S::PROVISIONING);
        rig.nrst();
        rig
    };
    let none = rss::DO_ENCRYPTION_NONE;
    assert_eq!(call(&mut provisioning("h562"), none, Some(1)), result::CRC_ERROR);
    assert_eq!(call(&mut provisioning("h562,rss.crc=ignore"), none, Some(1)), result::SUCCESS);
    assert_eq!(call(&mut provisioning("h562"), guess::DO_ENCRYPTION_YES, None), result::ERROR);
    assert_eq!(call(&mut provisioning("h562,obk.rsslib=refuse"), none, None), result::ERROR);
}

#[test]
fn in_open_the_service_needs_the_bootloader() {
    let none = rss::DO_ENCRYPTION_NONE;
    assert_eq!(call(&mut Rig::new("h562"), none, None), result::ERROR);
    assert_eq!(call(&mut Rig::new("h562,boot0=high"), none, None), result::SUCCESS);
}

#[test]
fn the_command_route_runs_the_service_at_the_next_reset() {
    for (spec, code) in [("h562", result::SUCCESS), ("h562,obk.rss-command=refuse", result::ERROR)] {
        let mut rig = Rig::new(spec);
        rig.set_state(S::PROVISIONING);
        stage(&mut rig, rss::DO_ENCRYPTION_NONE, None);
        rig.w(regs::h5::sbs::BASE + regs::h5::sbs::RSSCMDR, guess::COMMAND_DATA_PROVISIONING);
        assert!(rig.chip.flash.nv.credential().is_none());
        rig.nrst();
        assert_eq!(rig.r(SRAM3 + guess::STAGED_RESULT), code, "{spec}");
        assert_eq!(rig.chip.flash.nv.credential().is_some(), code == result::SUCCESS);
        assert_eq!(rig.r(regs::h5::sbs::BASE + regs::h5::sbs::RSSCMDR), 0);
    }
}

#[test]
fn an_interrupted_swap_leaves_the_selectors_undefined_until_the_repair() {
    let mut rig = Rig::new("h562,cut=busy:8:middle");
    rig.unlock();
    // One erase, six slots, then the swap: the eighth busy window.
    rig.keys(f::NSOBKKEYR, key::OBK);
    rig.fw(f::NSOBKCFGR, o::ALT_SECT | o::ALT_SECT_ERASE | o::SWAP_OFFSET);
    rig.idle();
    rig.fw(f::NSCR, cr::PG);
    for (i, word) in (0..).zip(sample_payload().chunks(4)) {
        rig.w(OBK + DA + 4 * i, u32::from_le_bytes(word.try_into().unwrap()));
    }
    rig.idle();
    rig.fw(f::NSCR, 0);
    rig.fw(f::NSOBKCFGR, o::SWAP_OFFSET | o::SWAP_SECT_REQ);
    rig.wait(10 * MS);
    assert!(!rig.chip.powered(rig.now));
    rig.power_cycle();
    assert_eq!(rig.fr(f::OPSR) >> 29, regs::h5::opsr::OBK_SWAP);
    assert!(rig.chip.flash.nv.credential().is_none());
    assert_eq!(rig.write_obk(DA, &sample_payload()) & sr::OBKERR, sr::OBKERR);
    rig.nrst();
    assert_eq!(rig.fr(f::OPSR) >> 29, regs::h5::opsr::OBK_SWAP, "stays until the repair");
    rig.unlock_options();
    rig.fw(f::OPTCR, f::optcr::OPTSTRT);
    rig.idle();
    assert_eq!(rig.fr(f::OPSR), 0);
    assert_eq!(rig.write_obk(DA, &sample_payload()) & sr::ERRORS, 0);
    assert!(rig.chip.flash.nv.credential().is_some());
    assert_eq!(rig.r(FLASH), u32::MAX);
}
