//! What keeps a write from coming to its end: each mechanism, and what it needs.

use super::bench::{Rig, sample_payload};
use super::rom::provisioning_after_reset as provisioning;
use crate::bus::{Chip, Outcome};
use crate::knobs::{MS, US};
use regs::h5::flash::{self as f, key, optcr, sr};
use regs::h5::{dbgmcu, rcc, sbs};
use regs::m33::{self, dhcsr};
use wire::{Cable, Width};

const RUN_MASKED: u32 = dhcsr::KEY | dhcsr::C_DEBUGEN | dhcsr::C_MASKINTS;
const HALT: u32 = dhcsr::KEY | dhcsr::C_DEBUGEN | dhcsr::C_HALT;

fn writes_keys(rig: &mut Rig) -> bool {
    rig.write_obk(0x100, &sample_payload()) & sr::ERRORS == 0
}

fn level(rig: &mut Rig) -> u32 {
    rig.r(sbs::BASE + sbs::HDPLSR)
}

fn port_is_open(rig: &mut Rig) -> bool {
    rig.r0(dbgmcu::BASE_AP0 + dbgmcu::SR) & dbgmcu::sr::AP1_ENABLED != 0
}

#[test]
fn without_a_data_cable_keys_are_written_whatever_the_host_would_do() {
    for mechanism in [
        "starved",
        "resets",
        "half-write",
        "relocks",
        "shuts-port",
        "stalls-bus",
        "fast-clock",
        "halted-owner",
    ] {
        for cable in ["out", "charge"] {
            let mut rig =
                provisioning(&format!("h562,usb={cable},rom.usb={mechanism},rom.usb.ms=20,rom.init.ms=500"));
            assert!(writes_keys(&mut rig), "{mechanism} {cable}");
        }
    }
}

#[test]
fn a_starved_main_loop_raises_the_level_when_interrupts_are_masked() {
    let mut rig = provisioning("h562,usb=data,rom.usb=starved");
    let active = |rig: &mut Rig| rig.r(m33::ICSR) & m33::icsr::VECTACTIVE;
    assert_eq!((level(&mut rig), active(&mut rig)), (0xB4, 90));
    rig.wait(10_000 * MS);
    assert_eq!(level(&mut rig), 0xB4);
    rig.w(m33::DHCSR, HALT);
    rig.w(m33::DHCSR, HALT | dhcsr::C_MASKINTS);
    assert_eq!(level(&mut rig), 0xB4, "a halted core raises nothing");
    rig.w(m33::DHCSR, RUN_MASKED);
    assert_eq!((level(&mut rig), active(&mut rig)), (0x51, 0));
    assert!(writes_keys(&mut rig));
}

#[test]
fn resets_come_again_and_again_and_leave_their_mark() {
    let mut rig = provisioning("h562,usb=data,rom.usb=resets,rom.usb.ms=25");
    while !port_is_open(&mut rig) {
        rig.wait(MS);
    }
    rig.w(rcc::BASE + rcc::RSR, rcc::rsr::RMVF);
    for _ in 0..3 {
        rig.wait(50 * MS);
        while !port_is_open(&mut rig) {
            rig.wait(MS);
        }
        assert_ne!(rig.r(m33::DHCSR) & dhcsr::S_RESET_ST, 0);
        assert_ne!(rig.r(rcc::BASE + rcc::RSR) & rcc::rsr::PINRSTF, 0);
    }
}

#[test]
fn the_interface_that_needs_something_after_a_swap_is_busy_until_it_has_it() {
    for (again, reset_helps) in [("free", true), ("reset", true), ("power-on", false)] {
        let mut rig = provisioning(&format!("h562,obk.again={again}"));
        assert!(writes_keys(&mut rig));
        rig.wait(20 * MS);
        assert_eq!(rig.fr(f::NSSR) & sr::BSY == 0, again == "free");
        rig.nrst();
        assert_eq!(rig.fr(f::NSSR) & sr::BSY == 0, reset_helps, "{again}");
        rig.power_cycle();
        assert_eq!(rig.fr(f::NSSR) & sr::BSY, 0);
    }
}

#[test]
fn the_supply_of_the_board_is_no_power_cycle_while_a_cable_is_in() {
    let mut rig = provisioning("h562,usb=charge");
    rig.chip.pins.supply = false;
    assert!(rig.chip.has_power());
    rig.chip.pins.cable = Cable::Out;
    assert!(!rig.chip.has_power());
}

#[test]
fn some_long_operations_are_in_their_slow_mode() {
    let mut rig = provisioning("h562,time.slow.ms=200,time.slow.share=50");
    let mut took = Vec::new();
    for _ in 0..20 {
        let start = rig.now;
        let optsr = rig.fr(f::OPTSR_CUR);
        rig.set_option(f::OPTSR_PRG, optsr);
        took.push((rig.now - start) / MS);
    }
    let slow = took.iter().filter(|ms| **ms > 200).count();
    assert!((4..17).contains(&slow) && took.iter().all(|ms| *ms < 30 || *ms > 200), "{took:?}");
}

#[test]
fn a_quad_word_that_somebody_began_stays_in_the_buffer_until_a_reset() {
    let mut rig = provisioning("h562,usb=data,rom.usb=half-write,rom.usb.ms=5");
    rig.wait(1000 * MS);
    assert_eq!(rig.fr(f::NSSR), sr::WBNE);
    rig.chip.pins.cable = Cable::Out;
    assert_eq!(rig.fr(f::NSSR), sr::WBNE);
    rig.nrst();
    assert_eq!(rig.fr(f::NSSR), 0);
}

#[test]
fn option_registers_that_are_locked_again_take_no_start_and_show_no_flag() {
    let mut rig = provisioning("h562,usb=data,rom.usb=relocks,rom.relock.us=200");
    rig.keys(f::OPTKEYR, key::OPTION);
    assert_eq!(rig.fr(f::OPTCR) & optcr::OPTLOCK, 0, "it takes a while");
    rig.wait(300 * US);
    rig.fw(f::OPTCR, optcr::OPTSTRT);
    assert_eq!((rig.fr(f::OPTCR), rig.fr(f::NSSR)), (optcr::OPTLOCK, 0));
}

#[test]
fn a_shut_port_stays_shut_and_a_stalled_bus_lets_nothing_through_but_ap0() {
    let mut rig = Rig::new("h562,usb=data,rom.usb=shuts-port");
    rig.set_state(regs::h5::state::ProductState::PROVISIONING);
    rig.nrst();
    rig.wait(20_000 * MS);
    assert!(!port_is_open(&mut rig));
    let mut rig = Rig::new("h562,usb=data,rom.usb=stalls-bus,rom.usb.ms=40");
    rig.set_state(regs::h5::state::ProductState::PROVISIONING);
    rig.nrst();
    assert_eq!(rig.access(1, f::BASE + f::NSSR, Width::Word, None), Outcome::Stuck);
    assert!(port_is_open(&mut rig));
}

#[test]
fn flash_registers_that_stall_answer_at_the_end_as_if_nothing_had_been() {
    let mut rig = provisioning("h562,flash.registers=stall,time.option=150000");
    rig.unlock_options();
    rig.fw(f::OPTCR, optcr::OPTSTRT);
    let start = rig.now;
    assert_eq!(rig.fr(f::NSSR) & sr::BSY, 0);
    assert!(rig.now - start >= 149 * MS);
    assert_eq!(rig.fr(f::OPTCR) & optcr::OPTSTRT, 0);
}

#[test]
fn with_the_clock_of_usb_and_the_wait_states_of_reset_quad_words_go_wrong() {
    let mut rig = provisioning("h562,usb=data,rom.usb=fast-clock");
    assert_eq!(rig.r(rcc::BASE + rcc::CFGR1) & rcc::cfgr1::SWS, rcc::cfgr1::SWS);
    assert_eq!(rig.fr(f::ACR), f::acr::RESET);
    assert_ne!(rig.write_obk(0x100, &sample_payload()) & sr::INCERR, 0);
}

#[test]
fn a_key_that_comes_too_early_collides_and_one_a_little_later_does_not() {
    for (after, collides) in [(1, true), (20, false)] {
        let mut rig = Rig::new("h562,usb=data,rom.init.ms=12");
        rig.set_state(regs::h5::state::ProductState::PROVISIONING);
        rig.chip.drive_reset(true, rig.now);
        rig.chip.drive_reset(false, rig.now);
        rig.wait((15 + after) * MS);
        rig.keys(f::NSKEYR, key::FLASH);
        rig.wait(5000 * MS);
        assert_eq!(rig.fr(f::NSSR) & sr::BSY != 0, collides, "{after} ms after AP1 opened");
    }
}

#[test]
fn the_stand_in_for_an_unknown_cause_leaves_optstrt_set_and_bsy_clear() {
    let mut rig = provisioning("h562,ob.start=stays");
    rig.unlock_options();
    rig.fw(f::OPTCR, optcr::OPTSTRT);
    rig.wait(20_000 * MS);
    assert_eq!((rig.fr(f::OPTCR) & optcr::OPTSTRT, rig.fr(f::NSSR)), (optcr::OPTSTRT, 0));
}
