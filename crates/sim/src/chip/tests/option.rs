//! Option bytes and product states.

use super::bench::{FLASH, Rig};
use crate::bus::{Chip, Outcome};
use crate::knobs::{MS, US};
use regs::h5::flash::{self as f, key, optcr, sr};
use regs::h5::state::ProductState as S;

const SR_OPTSR_IWDG_STOP: u32 = regs::h5::option::IWDG_STOP;

#[test]
fn optlock_locks_the_prg_registers_too() {
    let mut rig = Rig::new("h562");
    let optsr = rig.fr(f::OPTSR_PRG);
    rig.fw(f::OPTSR_PRG, 0);
    rig.fw(f::OPTCR, optcr::OPTSTRT);
    assert_eq!(rig.fr(f::OPTSR_PRG), optsr);
    assert_eq!(rig.fr(f::OPTCR), optcr::OPTLOCK);
    assert_eq!(rig.fr(f::NSSR), 0);
}

#[test]
fn an_option_change_takes_its_time_and_resets_nothing() {
    let mut rig = Rig::new("h562");
    rig.r(regs::m33::DHCSR);
    let new = rig.fr(f::OPTSR_CUR) & !SR_OPTSR_IWDG_STOP;
    rig.unlock_options();
    rig.fw(f::OPTSR_PRG, new);
    assert_ne!(rig.fr(f::OPTSR_CUR), new);
    rig.fw(f::OPTCR, optcr::OPTSTRT);
    assert_eq!(rig.fr(f::OPTCR), optcr::OPTSTRT);
    assert_eq!(rig.fr(f::NSSR), sr::BSY);
    rig.fw(f::OPTSR_PRG, 0);
    assert_eq!(rig.fr(f::OPTSR_PRG), new, "frozen while the change runs");
    rig.wait(19 * MS);
    assert_eq!(rig.fr(f::NSSR), sr::BSY);
    rig.wait(MS);
    assert_eq!(rig.fr(f::NSSR), sr::EOP);
    assert_eq!(rig.fr(f::OPTCR), 0);
    assert_eq!(rig.fr(f::OPTSR_CUR), new);
    assert_eq!(rig.r(regs::m33::DHCSR) & regs::m33::dhcsr::S_RESET_ST, 0);
}

#[test]
fn ob_reset_makes_the_change_end_in_a_reset() {
    let mut rig = Rig::new("h562,ob.reset=on");
    rig.r(regs::m33::DHCSR);
    rig.unlock_options();
    let new = rig.fr(f::OPTSR_CUR) & !SR_OPTSR_IWDG_STOP;
    rig.fw(f::OPTSR_PRG, new);
    rig.fw(f::OPTCR, optcr::OPTSTRT);
    rig.wait(50 * MS);
    assert_eq!(rig.fr(f::OPTCR), optcr::OPTLOCK);
    assert_eq!(rig.fr(f::OPTSR_CUR), new);
    assert_ne!(rig.r(regs::m33::DHCSR) & regs::m33::dhcsr::S_RESET_ST, 0);
}

#[test]
fn an_illegal_change_sets_optchangeerr_and_changes_nothing() {
    let mut rig = Rig::new("h562");
    rig.set_state(S::PROVISIONING);
    rig.clear_flags();
    let before = rig.fr(f::OPTSR_CUR);
    assert_eq!(rig.set_state(S::OPEN), sr::OPTCHANGEERR);
    assert_eq!(rig.fr(f::OPTSR_CUR), before);
    assert_eq!(rig.fr(f::OPTCR), 0, "OPTSTRT has cleared itself");
}

#[test]
fn optstrt_cannot_be_set_while_optchangeerr_is() {
    let mut rig = Rig::new("h562");
    assert_eq!(rig.set_state(S::CLOSED), sr::OPTCHANGEERR);
    assert_eq!(rig.set_state(S::PROVISIONING), sr::OPTCHANGEERR);
    assert_eq!(rig.state(), S::OPEN);
    rig.clear_flags();
    assert_eq!(rig.set_state(S::PROVISIONING), sr::EOP);
    assert_eq!(rig.state(), S::PROVISIONING);
}

#[test]
fn option_keys_twice_shut_the_option_lock() {
    let mut rig = Rig::new("h562");
    rig.unlock_options();
    rig.keys(f::OPTKEYR, key::OPTION);
    assert_eq!(rig.fr(f::OPTCR), optcr::OPTLOCK);
    rig.keys(f::OPTKEYR, key::OPTION);
    assert_eq!(rig.fr(f::OPTCR), optcr::OPTLOCK);
    rig.nrst();
    rig.unlock_options();
}

#[test]
fn the_uid_reads_as_zero_in_provisioning() {
    let mut rig = Rig::new("h562");
    assert_ne!(rig.r(regs::h5::memory::UID), 0);
    rig.set_state(S::PROVISIONING);
    let uid = [0, 4, 8].map(|i| rig.r(regs::h5::memory::UID + i));
    assert_eq!(uid, [0; 3]);
    assert_eq!(rig.r(regs::h5::memory::FLASHSIZE) & 0xFFFF, 2048);
}

#[test]
fn without_a_reset_ap1_stays_open_in_provisioning_and_the_old_code_goes_on() {
    let mut rig = Rig::new("h562");
    rig.set_state(S::PROVISIONING);
    rig.wait(100 * MS);
    assert_eq!(rig.r0(0xE004_40FC), 0x0003_0003);
    assert_ne!(rig.r(regs::m33::DHCSR) & regs::m33::dhcsr::S_LOCKUP, 0, "erased flash locks up");
}

#[test]
fn after_a_reset_in_provisioning_ap1_is_shut_until_the_rom_opens_it() {
    let mut rig = Rig::new("h562,rom.open.ms=15");
    rig.set_state(S::PROVISIONING);
    rig.chip.drive_reset(true, rig.now);
    rig.wait(MS);
    assert_eq!(rig.r0(0xE004_40FC), 0x0001_0003);
    rig.chip.drive_reset(false, rig.now);
    let released = rig.now;
    rig.wait(14 * MS);
    assert!(!rig.chip.ap(1, rig.now).unwrap().enabled);
    assert!(rig.fails(f::BASE));
    while rig.r0(0xE004_40FC) & 1 << 17 == 0 {}
    assert!((15 * MS..15 * MS + 10 * US).contains(&(rig.now - released)));
    assert_eq!(rig.state(), S::PROVISIONING);
    rig.w(regs::m33::DEMCR, regs::m33::demcr::TRCENA);
    let pc = rig.r(regs::m33::DWT_PCSR);
    assert!(rig.chip.device().map.bootloader.contains(pc), "{pc:#x}");
}

#[test]
fn closing_cuts_ap1_at_the_next_reset_or_at_once() {
    for (spec, at_once) in [("h562,close.cuts=reset", false), ("h562,close.cuts=now", true)] {
        let mut rig = Rig::new(spec);
        rig.set_state(S::PROVISIONING);
        rig.unlock_options();
        let optsr = rig.fr(f::OPTSR_CUR) & !0xFF00;
        rig.fw(f::OPTSR_PRG, optsr | 0x7200);
        rig.fw(f::OPTCR, optcr::OPTSTRT);
        rig.wait(25 * MS);
        assert_eq!(rig.fails(FLASH), at_once, "{spec}");
        rig.nrst();
        assert!(rig.fails(FLASH));
        assert_eq!(rig.r0(0xE004_40FC), 0x0001_0003);
        assert!(rig.chip.ap(1, rig.now).is_some());
        assert_eq!(rig.chip.state(), S::CLOSED);
    }
}

#[test]
fn a_shut_ap1_can_be_absent() {
    let mut rig = Rig::new("h562,ap1.locked=absent");
    rig.set_state(S::PROVISIONING);
    rig.set_state(S::CLOSED);
    rig.nrst();
    assert!(rig.chip.ap(1, rig.now).is_none());
    assert!(rig.chip.ap(0, rig.now).is_some());
}

#[test]
fn while_reset_is_held_option_registers_read_as_zero() {
    let mut rig = Rig::new("h562");
    rig.chip.drive_reset(true, rig.now);
    assert_eq!(rig.fr(f::OPTSR_CUR), 0);
    assert!(!rig.chip.reset_level(rig.now));
}

#[test]
fn with_trust_zone_on_a_non_secure_access_reaches_nothing_secure() {
    for (spec, error) in [("h562,tz.ns=raz", false), ("h562,tz.ns=error", true)] {
        let mut rig = Rig::new(spec);
        let optsr2 = rig.fr(f::OPTSR2_CUR) & 0x00FF_FFFF;
        rig.set_option(f::OPTSR2_PRG, optsr2 | 0xB400_0000);
        rig.nrst();
        let outcome = rig.access(1, 0x0C00_0000, wire::Width::Word, None);
        assert_eq!(matches!(outcome, Outcome::Error { .. }), error, "{spec}");
        let request = crate::bus::Request {
            ap: 1,
            at: 0x5002_2000 + f::SECCR,
            width: wire::Width::Word,
            write: None,
            secure: true,
        };
        assert!(matches!(rig.chip.access(&request, rig.now), Outcome::Done { value: 1, .. }));
    }
}
