//! The core by hand: steps, registers, samples, resets; and ROM tables.

use crate::target::RAM;
use crate::{AP1, CORE, Rig};
use adi::AdiError;
use pace::{Patience, Policy};
use regs::m33::{aircr, core_register as reg, demcr, dhcsr};
use wire::{Addr, Attr};

fn halted() -> Rig {
    let mut rig = Rig::attached(Policy::default());
    rig.adi.halt_core(CORE).unwrap();
    rig.with(|t| {
        t.core[reg::PC as usize] = 0x0800_0100;
        t.dhcsr_written.clear();
    });
    rig
}

#[test]
fn a_step_is_asked_for_once_and_ends_halted() {
    let mut rig = halted();
    rig.adi.step_core(CORE, false).unwrap();
    assert_eq!(rig.adi.read_core_reg(CORE, reg::PC).unwrap(), 0x0800_0102);
    rig.with(|t| {
        assert!(t.halted());
        assert_eq!(t.dhcsr_written, [dhcsr::C_DEBUGEN | dhcsr::C_STEP]);
    });
}

#[test]
fn interrupts_are_masked_while_the_core_stands_and_only_for_the_step() {
    let mut rig = halted();
    rig.adi.step_core(CORE, true).unwrap();
    let (on, mask) = (dhcsr::C_DEBUGEN, dhcsr::C_MASKINTS);
    let wanted = [on | mask | dhcsr::C_HALT, on | mask | dhcsr::C_STEP, on | dhcsr::C_HALT];
    rig.with(|t| assert_eq!(t.dhcsr_written, wanted));
}

#[test]
fn a_core_that_never_halts_again_after_a_step_is_reported() {
    let mut rig = halted();
    rig.with(|t| t.halts = false);
    let error = rig.adi.step_core(CORE, false).unwrap_err();
    assert!(matches!(error, AdiError::Core { bit: "S_HALT", .. }), "{error}");
    rig.with(|t| assert_eq!(t.dhcsr_written.len(), 1, "stepped twice"));
}

#[test]
fn all_core_registers_come_in_one_batch() {
    let mut rig = halted();
    rig.with(|t| (0..32).for_each(|n| t.core[n as usize] = 0x100 + n));
    let before = rig.bench.borrow().transfers;
    let selectors: Vec<u32> = (0..=reg::PSP).collect();
    let values = rig.adi.read_core_regs(CORE, &selectors).unwrap();
    assert_eq!(values, (0x100..=0x100 + reg::PSP).collect::<Vec<_>>());
    assert_eq!(rig.bench.borrow().transfers - before, 1);
}

#[test]
fn samples_of_the_program_counter_leave_demcr_as_it_was() {
    let mut rig = halted();
    let samples = rig.adi.sample_pc(CORE, 40).unwrap();
    assert_eq!((samples.len(), samples[0]), (40, 0x0800_0102));
    rig.with(|t| assert_eq!(t.demcr() & demcr::TRCENA, 0));
    rig.adi.write_word(AP1, Attr::Default, Addr(regs::m33::DEMCR), demcr::TRCENA).unwrap();
    rig.adi.sample_pc(CORE, 1).unwrap();
    rig.with(|t| assert_eq!(t.demcr(), demcr::TRCENA, "what others had switched on stays on"));
}

#[test]
fn a_system_reset_is_asked_for_once_and_seen_to_have_happened() {
    for halt in [false, true] {
        let mut rig = Rig::attached(Policy::default());
        rig.adi.system_reset(CORE, halt).unwrap();
        rig.with(|t| {
            assert_eq!(t.aircr_written, [aircr::VECTKEY | aircr::SYSRESETREQ]);
            assert_eq!(t.halted(), halt);
            assert_eq!(t.demcr() & demcr::VC_CORERESET, 0, "later resets do not halt the core");
        });
    }
}

#[test]
fn a_reset_that_does_not_happen_is_told_from_a_halt_that_does_not() {
    let mut policy = Policy::default();
    policy.reset.reconnect = Patience::ms(20);
    for (resets, halts, bit) in [(false, true, "S_RESET_ST"), (true, false, "S_HALT")] {
        let mut rig = Rig::attached(policy.clone());
        rig.with(|t| (t.resets, t.halts) = (resets, halts));
        match rig.adi.system_reset(CORE, true).unwrap_err() {
            AdiError::Core { bit: missing, .. } => assert_eq!(missing, bit),
            error => panic!("{error}"),
        }
        rig.with(|t| assert_eq!(t.aircr_written.len(), 1));
    }
}

/// Puts a component with these ids into the target's memory.
fn component(rig: &mut Rig, at: u32, class: u32, part: u32, entries: &[u32]) {
    let mut put = |offset: u32, value: u32| {
        rig.adi.write_word(AP1, Attr::Default, Addr(at + offset), value).unwrap();
    };
    entries.iter().zip(0..).for_each(|(entry, index)| put(index * 4, *entry));
    let pidr = [part & 0xFF, 0xB0 | part >> 8, 0x0B, 0];
    pidr.iter().zip(0..).for_each(|(value, index)| put(0xFE0 + index * 4, *value));
    put(0xFD0, 4);
    [0x0D, class << 4, 0x05, 0xB1].iter().zip(0..).for_each(|(value, index)| put(0xFF0 + index * 4, *value));
}

#[test]
fn a_rom_table_is_followed_into_the_tables_that_it_names() {
    let mut rig = Rig::attached(Policy::default());
    // A table names another (present), one that is not present, and an address where nothing answers.
    component(&mut rig, RAM, 1, 0x484, &[0x1003, 0x2002, 0x9000_0003]);
    component(&mut rig, RAM + 0x1000, 1, 0x4C9, &[0x1003]);
    component(&mut rig, RAM + 0x2000, 9, 0xD21, &[]);
    let found = rig.adi.rom_table(AP1, RAM | 3).unwrap();
    let short: Vec<_> = found.iter().map(|c| (c.at.0, c.depth, c.identity.map(|id| id.part))).collect();
    let wanted = [
        (RAM, 0, Some(0x484)),
        (RAM + 0x1000, 1, Some(0x4C9)),
        (RAM + 0x2000, 2, Some(0xD21)),
        (RAM.wrapping_add(0x9000_0000), 1, None),
    ];
    assert_eq!(short, wanted);
}

#[test]
fn a_rom_table_that_names_itself_comes_to_an_end() {
    let mut rig = Rig::attached(Policy::default());
    component(&mut rig, RAM, 1, 0x484, &[3, 3, 3]);
    let found = rig.adi.rom_table(AP1, RAM).unwrap();
    assert!((4..=64).contains(&found.len()), "{}", found.len());
}
