//! Halting, resets, what runs.

use super::bench::{FLASH, Rig};
use crate::bus::Chip;
use crate::chip::LOCKUP_PC;
use crate::knobs::MS;
use regs::h5::{rcc, sbs};
use regs::m33::{self, aircr, core_register as reg, demcr, dhcsr};

const HALT: u32 = dhcsr::KEY | dhcsr::C_DEBUGEN | dhcsr::C_HALT;
const GO: u32 = dhcsr::KEY | dhcsr::C_DEBUGEN;

fn with_code(spec: &str) -> Rig {
    let mut rig = Rig::new(spec);
    rig.unlock();
    rig.program(FLASH, [0x2000_4000, FLASH + 0x201, u32::MAX, u32::MAX]);
    // movs r0,#1; adds r0,#1; b back; nop
    rig.program(FLASH + 0x200, [0x3001_2001, 0xBF00_E7FD, u32::MAX, u32::MAX]);
    rig.nrst();
    rig
}

fn register(rig: &mut Rig, selector: u32) -> u32 {
    rig.w(m33::DCRSR, selector);
    rig.r(m33::DCRDR)
}

#[test]
fn identification_is_that_of_a_cortex_m33() {
    let mut rig = Rig::new("h562");
    assert_eq!(rig.r(m33::CPUID), 0x410F_D214);
    assert_eq!(rig.r(m33::AIRCR), 0xFA05_0000);
}

#[test]
fn a_halt_ends_a_lockup_and_letting_go_brings_it_back() {
    const BOTH: u32 = dhcsr::S_LOCKUP | dhcsr::S_HALT;
    let mut rig = Rig::new("h562");
    assert_eq!(rig.r(m33::DHCSR) & BOTH, dhcsr::S_LOCKUP);
    rig.w(m33::DHCSR, HALT);
    assert_eq!(rig.r(m33::DHCSR) & BOTH, dhcsr::S_HALT);
    assert_eq!(register(&mut rig, reg::PC), LOCKUP_PC);
    rig.w(m33::DHCSR, GO);
    assert_eq!(rig.r(m33::DHCSR) & BOTH, dhcsr::S_LOCKUP);
}

#[test]
fn code_in_flash_runs_halts_steps_and_goes_on() {
    let mut rig = with_code("h562");
    assert_eq!(rig.r(m33::DHCSR) & (dhcsr::S_HALT | dhcsr::S_LOCKUP), 0);
    rig.w(m33::DHCSR, HALT);
    assert_eq!(register(&mut rig, reg::MSP), 0x2000_4000);
    let pc = register(&mut rig, reg::PC);
    let next = |pc| if pc == FLASH + 0x204 { FLASH + 0x202 } else { pc + 2 };
    assert!((FLASH + 0x200..FLASH + 0x206).contains(&pc), "{pc:#x}");
    rig.w(m33::DHCSR, GO | dhcsr::C_STEP);
    assert_ne!(rig.r(m33::DHCSR) & dhcsr::S_HALT, 0);
    assert_eq!(register(&mut rig, reg::PC), next(pc));
    rig.w(m33::DHCSR, GO);
    assert_eq!(rig.r(m33::DHCSR) & dhcsr::S_HALT, 0);
}

#[test]
fn vector_catch_halts_at_the_first_instruction_after_the_rom() {
    let mut rig = with_code("h562");
    rig.w(m33::DHCSR, GO);
    rig.w(m33::DEMCR, demcr::VC_CORERESET);
    rig.w(m33::AIRCR, aircr::VECTKEY | aircr::SYSRESETREQ);
    rig.wait(10 * MS);
    let status = rig.r(m33::DHCSR);
    assert_eq!(status & (dhcsr::S_HALT | dhcsr::S_RESET_ST), dhcsr::S_HALT | dhcsr::S_RESET_ST);
    assert_eq!(register(&mut rig, reg::PC), FLASH + 0x200);
    assert_eq!(rig.r(m33::DFSR), m33::dfsr::VCATCH);
}

#[test]
fn a_reset_lets_a_halted_core_go() {
    let mut rig = with_code("h562");
    rig.w(m33::DHCSR, HALT);
    rig.nrst();
    assert_eq!(rig.r(m33::DHCSR) & (dhcsr::S_HALT | dhcsr::C_HALT), 0);
}

#[test]
fn a_halt_asked_for_under_reset_happens_before_the_code_runs() {
    let mut rig = with_code("h562");
    rig.chip.drive_reset(true, rig.now);
    rig.w(m33::DHCSR, HALT);
    assert_eq!(rig.r(m33::DHCSR) & dhcsr::S_HALT, 0);
    rig.chip.drive_reset(false, rig.now);
    rig.wait(10 * MS);
    assert_ne!(rig.r(m33::DHCSR) & dhcsr::S_HALT, 0);
    assert_eq!(register(&mut rig, reg::PC), FLASH + 0x200);
}

#[test]
fn reset_flags_tell_pin_from_software_from_power() {
    let mut rig = Rig::new("h562");
    let rsr = rcc::BASE + rcc::RSR;
    assert_eq!(rig.r(rsr), 0x0C00_0000, "pin and brown-out");
    rig.w(rsr, rcc::rsr::RMVF);
    rig.nrst();
    assert_eq!(rig.r(rsr), rcc::rsr::PINRSTF);
    rig.w(m33::AIRCR, aircr::VECTKEY | aircr::SYSRESETREQ);
    rig.wait(10 * MS);
    assert_eq!(rig.r(rsr), rcc::rsr::PINRSTF | rcc::rsr::SFTRSTF);
}

#[test]
fn aircr_without_its_key_does_nothing() {
    let mut rig = Rig::new("h562");
    rig.r(m33::DHCSR);
    rig.w(m33::AIRCR, aircr::SYSRESETREQ);
    assert_eq!(rig.r(m33::DHCSR) & dhcsr::S_RESET_ST, 0);
}

#[test]
fn user_code_runs_at_level_1() {
    let mut rig = with_code("h562");
    assert_eq!(rig.r(sbs::BASE + sbs::HDPLSR), 0x51);
}

#[test]
fn boot0_starts_the_bootloader_in_open() {
    let mut rig = with_code("h562,boot0=high");
    rig.w(m33::DHCSR, HALT);
    let pc = register(&mut rig, reg::PC);
    assert!(rig.chip.device().map.bootloader.contains(pc), "{pc:#x}");
}

#[test]
fn an_unwired_nrst_resets_nothing() {
    let mut rig = Rig::new("h562,nrst=unwired");
    rig.r(m33::DHCSR);
    rig.nrst();
    assert_eq!(rig.r(m33::DHCSR) & dhcsr::S_RESET_ST, 0);
}

#[test]
fn sram_keeps_its_content_over_a_reset_as_the_option_bytes_say() {
    use regs::h5::flash::{OPTSR2_CUR, OPTSR2_PRG};
    use regs::h5::option;
    let mut rig = Rig::new("h562");
    rig.w(0x2005_0000, 7);
    rig.w(0x2004_0000, 8);
    let keep3 = (rig.fr(OPTSR2_CUR) | option::SRAM1_3_RST) & !option::SRAM2_RST;
    rig.set_option(OPTSR2_PRG, keep3);
    rig.nrst();
    assert_eq!([rig.r(0x2005_0000), rig.r(0x2004_0000)], [7, 0]);
}

#[test]
fn vector_catch_in_erased_flash_stands_where_the_vector_points_and_locks_up_when_it_runs() {
    let mut rig = Rig::new("h562");
    rig.w(m33::DHCSR, GO);
    rig.w(m33::DEMCR, demcr::VC_CORERESET);
    rig.nrst();
    assert_eq!((register(&mut rig, reg::PC), register(&mut rig, reg::MSP)), (0xFFFF_FFFE, 0xFFFF_FFFC));
    rig.w(m33::DHCSR, GO);
    rig.wait(MS);
    assert_ne!(rig.r(m33::DHCSR) & dhcsr::S_LOCKUP, 0);
}
