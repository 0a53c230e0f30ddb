//! Code that really runs. Instructions are hand-assembled from the encodings of the Armv8-M architecture.

use super::bench::{FLASH, Rig};
use crate::knobs::MS;
use proptest::prelude::*;
use regs::h5::flash as f;
use regs::m33::{self, aircr, core_register as reg, dcrsr, demcr, dfsr, dhcsr};

const CODE: u32 = 0x2000_0000;
const DATA: u32 = 0x2000_1000;
const STACK: u32 = 0x2000_4000;
const GO: u32 = dhcsr::KEY | dhcsr::C_DEBUGEN;
const HALT: u32 = GO | dhcsr::C_HALT;
const STEP: u32 = GO | dhcsr::C_STEP;
const BKPT: u16 = 0xBE00;
const NOP: u16 = 0xBF00;
/// `b .`
const STAY: u16 = 0xE7FE;
const UDF: u16 = 0xDE00;
const WFI: u16 = 0xBF30;

fn load(rig: &mut Rig, at: u32, code: &[u16]) {
    for (n, pair) in (0..).zip(code.chunks(2)) {
        let high = pair.get(1).copied().unwrap_or(NOP);
        rig.w(at + 4 * n, u32::from(high) << 16 | u32::from(pair[0]));
    }
}

fn get(rig: &mut Rig, selector: u32) -> u32 {
    rig.w(m33::DCRSR, selector);
    rig.r(m33::DCRDR)
}

fn set(rig: &mut Rig, selector: u32, value: u32) {
    rig.w(m33::DCRDR, value);
    rig.w(m33::DCRSR, selector | dcrsr::REGWNR);
}

fn halted(rig: &mut Rig) -> bool {
    rig.r(m33::DHCSR) & dhcsr::S_HALT != 0
}

/// A halted core with code in SRAM and its registers ready.
fn ready(code: &[u16], registers: &[(u32, u32)]) -> Rig {
    let mut rig = Rig::new("h562");
    rig.w(m33::DHCSR, HALT);
    load(&mut rig, CODE, code);
    set(&mut rig, reg::XPSR, m33::XPSR_T);
    set(&mut rig, reg::MSP, STACK);
    set(&mut rig, reg::PC, CODE);
    for (selector, value) in registers {
        set(&mut rig, *selector, *value);
    }
    rig.w(m33::DFSR, 0x1F);
    rig
}

fn go(rig: &mut Rig) {
    rig.w(m33::DHCSR, GO);
}

/// Lets it run until it halts.
fn until_halt(rig: &mut Rig) {
    go(rig);
    for _ in 0..1000 {
        rig.wait(MS / 10);
        if halted(rig) {
            return;
        }
    }
    panic!("it does not halt");
}

fn step(rig: &mut Rig) {
    rig.w(m33::DHCSR, STEP);
}

/// A breakpoint by the first comparator.
fn break_at(rig: &mut Rig, at: u32) {
    rig.w(m33::FP_CTRL, m33::fp_ctrl::KEY | m33::fp_ctrl::ENABLE);
    rig.w(m33::FP_COMP0, at | m33::fp_comp::BE);
}

/// A part whose flash starts with these vectors and this code behind them.
fn boots(vectors: [u32; 4], code: [u16; 8]) -> Rig {
    let mut rig = Rig::new("h562");
    rig.unlock();
    rig.program(FLASH, vectors);
    let mut words = [0; 4];
    for (word, pair) in words.iter_mut().zip(code.chunks(2)) {
        *word = u32::from(pair[1]) << 16 | u32::from(pair[0]);
    }
    rig.program(FLASH + 0x200, words);
    rig
}

const START: u32 = FLASH + 0x201;

#[test]
fn a_copy_loop_in_sram_ends_at_its_bkpt() {
    // ldm r0!,{r3}; stm r1!,{r3}; subs r2,#1; bne
    let code = [0xC808, 0xC108, 0x3A01, 0xD1FB, BKPT];
    let mut rig = ready(&code, &[(0, DATA), (1, DATA + 0x400), (2, 200)]);
    for n in 0..200 {
        rig.w(DATA + 4 * n, 0x1234_0000 + n);
    }
    until_halt(&mut rig);
    assert_eq!(rig.r(m33::DFSR), dfsr::BKPT);
    assert_eq!(get(&mut rig, reg::PC), CODE + 8);
    assert_eq!([get(&mut rig, 0), get(&mut rig, 2)], [DATA + 800, 0]);
    assert!((0..200).all(|n| rig.r(DATA + 0x400 + 4 * n) == 0x1234_0000 + n));
}

/// `strb r1, [r0]` and `strh r1, [r0]`. [H5-MEM-3]
#[test]
fn a_narrow_store_fills_an_apb_register_and_its_own_lanes_of_an_ahb_register() {
    const STRB: u16 = 0x7001;
    const STRH: u16 = 0x8001;
    let store = |code: u16, at: u32, old: u32, value: u32| {
        let mut rig = ready(&[code, BKPT], &[(0, at), (1, value)]);
        rig.w(at & !3, old);
        go(&mut rig);
        rig.wait(MS);
        assert!(halted(&mut rig));
        rig.r(at & !3)
    };
    let apb = regs::h5::sbs::BASE + regs::h5::sbs::DBGCR;
    assert_eq!(store(STRB, apb + 1, 0x1234_5678, 0xB4), 0xB4B4_B4B4);
    assert_eq!(store(STRH, apb, 0x1234_5678, 0xCAFE), 0xCAFE_CAFE);
    let ahb = regs::h5::rcc::BASE + regs::h5::rcc::APB2ENR;
    assert_eq!(store(STRB, ahb + 1, 0x0070_0001, 0x5A), 0x0070_5A01);
    assert_eq!(store(STRH, ahb + 2, 0x0070_0001, 0x1234), 0x1234_0001);
}

/// The setting for PG is in the lowest byte of NSCR; LOCK in the same byte stays as it reads.
#[test]
fn a_narrow_store_to_the_flash_interface_sets_pg_and_a_narrow_key_is_a_wrong_one() {
    const STRB: u16 = 0x7001;
    let mut rig = ready(&[STRB, BKPT], &[(0, f::BASE + f::NSCR), (1, f::cr::PG)]);
    rig.unlock();
    go(&mut rig);
    rig.wait(MS);
    assert_eq!(rig.fr(f::NSCR), f::cr::PG);
    let mut rig = ready(&[STRB, BKPT], &[(0, f::BASE + f::NSKEYR), (1, 0x23)]);
    go(&mut rig);
    rig.wait(MS);
    f::key::FLASH.into_iter().for_each(|key| rig.fw(f::NSKEYR, key));
    assert_eq!(rig.fr(f::NSCR), f::cr::LOCK, "until the next reset");
}

#[test]
fn a_flash_loader_programs_a_quad_word_and_waits_for_it() {
    // movs r3,#PG; str r3,[r0,#NSCR]; ldm r2!,{r4-r7}; stm r1!,{r4-r7}; ldr r3,[r0,#NSSR]; lsls r3,#31; bne; bkpt
    let code = [0x2302, 0x6283, 0xCAF0, 0xC1F0, 0x6A03, 0x07DB, 0xD1FC, BKPT];
    let mut rig = ready(&code, &[(0, f::BASE), (1, FLASH + 0x2000), (2, DATA)]);
    rig.unlock();
    (0..4).for_each(|n| rig.w(DATA + 4 * n, 0xA000_0000 + n));
    let started = rig.chip.now;
    until_halt(&mut rig);
    assert!((0..4).all(|n| rig.r(FLASH + 0x2000 + 4 * n) == 0xA000_0000 + n));
    assert_eq!(rig.fr(f::NSSR) & f::sr::BUSY, 0);
    assert!(rig.chip.now - started >= rig.chip.knobs.quad_word);
}

#[test]
fn code_that_fetches_from_a_busy_bank_waits() {
    // movs r3,#PG; str; ldm; stm; ldr r3,[r1]; bkpt: the load meets the bank that is being programmed.
    let code = [0x2302, 0x6283, 0xCAF0, 0xC1F0, 0x680B, BKPT];
    let mut rig = ready(&code, &[(0, f::BASE), (1, FLASH + 0x2000), (2, DATA)]);
    rig.unlock();
    go(&mut rig);
    rig.wait(20_000);
    assert!(!halted(&mut rig), "the load takes as long as the programming");
    rig.wait(40_000);
    assert!(halted(&mut rig));
}

#[test]
fn a_step_is_one_instruction_also_inside_an_it_block() {
    // movs r0,#1; cmp r0,#1; ite eq; moveq r1,#5; movne r1,#6; nop
    const IT_STATE: u32 = 0x0600_FC00;
    let mut rig = ready(&[0x2001, 0x2801, 0xBF0C, 0x2105, 0x2106, NOP], &[]);
    let mut it = Vec::new();
    for n in 1..=5 {
        step(&mut rig);
        assert!(halted(&mut rig));
        assert_eq!(get(&mut rig, reg::PC), CODE + 2 * n);
        it.push(get(&mut rig, reg::XPSR) & IT_STATE != 0);
    }
    assert_eq!(it, [false, false, true, true, false]);
    assert_eq!(get(&mut rig, 1), 5);
    assert_eq!(rig.r(m33::DFSR), dfsr::HALTED);
}

#[test]
fn a_comparator_halts_before_its_instruction_when_unit_and_comparator_are_on() {
    let code = [NOP, NOP, NOP, STAY];
    let mut rig = ready(&code, &[]);
    break_at(&mut rig, CODE + 4);
    until_halt(&mut rig);
    assert_eq!((get(&mut rig, reg::PC), rig.r(m33::DFSR)), (CODE + 4, dfsr::BKPT));
    for (ctrl, comparator) in [(m33::fp_ctrl::KEY, (CODE + 4) | 1), (m33::fp_ctrl::KEY | 1, CODE + 4)] {
        rig.w(m33::FP_CTRL, ctrl);
        rig.w(m33::FP_COMP0, comparator);
        set(&mut rig, reg::PC, CODE);
        go(&mut rig);
        rig.wait(MS);
        assert!(!halted(&mut rig));
        rig.w(m33::DHCSR, HALT);
        assert_eq!(get(&mut rig, reg::PC), CODE + 6);
    }
}

#[test]
fn without_a_debugger_a_bkpt_is_a_hard_fault() {
    let mut rig = boots([STACK, START, 0, FLASH + 0x205], [BKPT, STAY, STAY, NOP, NOP, NOP, NOP, NOP]);
    rig.nrst();
    assert_eq!(rig.r(m33::HFSR) >> 31, 1, "DEBUGEVT");
    rig.w(m33::DHCSR, HALT);
    assert_eq!(get(&mut rig, reg::PC), FLASH + 0x204);
    assert_eq!(get(&mut rig, reg::XPSR) & m33::XPSR_EXCEPTION, 3);
    assert_eq!(rig.r(STACK - 8), FLASH + 0x202, "the return address on the stack");
}

#[test]
fn a_fault_without_a_handler_locks_up_and_a_halt_ends_it() {
    let mut rig = boots([STACK, START, 0, 0], [UDF, NOP, NOP, NOP, NOP, NOP, NOP, NOP]);
    rig.nrst();
    assert_eq!(rig.r(m33::DHCSR) & (dhcsr::S_LOCKUP | dhcsr::S_HALT), dhcsr::S_LOCKUP);
    rig.w(m33::DHCSR, HALT);
    assert_eq!(rig.r(m33::DHCSR) & (dhcsr::S_LOCKUP | dhcsr::S_HALT), dhcsr::S_HALT);
    assert_eq!(get(&mut rig, reg::PC), crate::chip::LOCKUP_PC);
    load(&mut rig, CODE, &[0x2007, BKPT]);
    set(&mut rig, reg::PC, CODE);
    set(&mut rig, reg::XPSR, m33::XPSR_T);
    until_halt(&mut rig);
    assert_eq!(get(&mut rig, 0), 7, "code runs behind a lockup");
}

#[test]
fn vector_catch_stops_at_the_first_instruction_of_the_fault_handler() {
    let handler = FLASH + 0x205;
    let mut rig = boots([STACK, START, 0, handler], [UDF, NOP, STAY, NOP, NOP, NOP, NOP, NOP]);
    rig.w(m33::DHCSR, GO);
    rig.w(m33::DEMCR, demcr::VC_HARDERR);
    rig.nrst();
    assert!(halted(&mut rig));
    assert_eq!((get(&mut rig, reg::PC), rig.r(m33::DFSR)), (handler & !1, dfsr::VCATCH));
    assert_eq!(rig.r(m33::CFSR), 1 << 16, "UNDEFINSTR");
}

#[test]
fn an_access_to_nothing_is_a_precise_bus_fault() {
    // ldr r1,[r0]
    let mut rig = ready(&[0x6801, STAY], &[(0, 0x7000_0000)]);
    rig.w(m33::DEMCR, demcr::VC_HARDERR);
    rig.w(m33::VTOR, CODE + 0x200);
    rig.w(CODE + 0x20C, CODE + 3);
    until_halt(&mut rig);
    assert_eq!(rig.r(m33::CFSR), 0x8200, "PRECISERR, BFARVALID");
    assert_eq!(rig.r(0xE000_ED38), 0x7000_0000, "BFAR");
}

#[test]
fn code_in_peripheral_space_cannot_be_fetched() {
    let mut rig = ready(&[NOP], &[(reg::PC, 0x4002_2000)]);
    go(&mut rig);
    rig.wait(MS);
    assert_ne!(rig.r(m33::DHCSR) & dhcsr::S_LOCKUP, 0);
}

#[test]
fn every_core_register_keeps_what_a_debugger_writes_over_a_step() {
    let mut rig = ready(&[NOP, NOP], &[]);
    let values: Vec<(u32, u32)> = (0..13)
        .map(|n| (n, 0x1111_0000 + n))
        .chain([(reg::LR, 0xFFFF_FFBD), (reg::MSP, 0x2000_3000), (reg::PSP, 0x2000_2000)])
        .chain([(reg::SPECIAL, 0x0200_8001), (reg::FPSCR, 0x0300_0000), (reg::S0 + 31, 0x4048_F5C3)])
        .chain([(reg::MSPLIM_S, 0x2000_0100), (reg::PSPLIM_NS, 0x2000_0200)])
        .collect();
    for (selector, value) in &values {
        set(&mut rig, *selector, *value);
    }
    step(&mut rig);
    for (selector, value) in &values {
        assert_eq!(get(&mut rig, *selector), *value, "selector {selector}");
    }
    assert_eq!(get(&mut rig, reg::SP), 0x2000_2000, "CONTROL.SPSEL");
    assert_eq!(get(&mut rig, reg::PC), CODE + 2);
}

#[test]
fn load_acquire_and_store_release_work() {
    // lda r1,[r0]; stl r1,[r2]; bkpt
    let code = [0xE8D0, 0x1FAF, 0xE8C2, 0x1FAF, BKPT];
    let mut rig = ready(&code, &[(0, DATA), (2, DATA + 4)]);
    rig.w(DATA, 0xCAFE_F00D);
    until_halt(&mut rig);
    assert_eq!(rig.r(DATA + 4), 0xCAFE_F00D);
}

#[test]
fn the_program_counter_sample_follows_the_code() {
    // adds r0,#1; b
    let mut rig = ready(&[0x3001, 0xE7FD], &[]);
    rig.w(m33::DEMCR, demcr::TRCENA);
    assert_eq!(rig.r(m33::DWT_PCSR), u32::MAX, "halted");
    go(&mut rig);
    let samples: Vec<u32> = (0..20).map(|_| rig.r(m33::DWT_PCSR)).collect();
    assert!(samples.iter().all(|pc| [CODE, CODE + 2].contains(pc)), "{samples:x?}");
    rig.w(m33::DHCSR, HALT);
    let turns = get(&mut rig, 0);
    assert!((100..2000).contains(&turns), "{turns} turns in some 20 us at 32 MHz");
}

#[test]
fn the_cycle_counter_counts_cycles_of_the_core() {
    let mut rig = ready(&[STAY], &[]);
    rig.w(m33::DEMCR, demcr::TRCENA);
    rig.w(m33::DWT_CTRL, 1);
    rig.w(m33::DWT_CYCCNT, 0);
    go(&mut rig);
    rig.wait(10 * MS);
    rig.w(m33::DHCSR, HALT);
    let cycles = rig.r(m33::DWT_CYCCNT);
    assert!((320_000..321_000).contains(&cycles), "{cycles} in 10 ms at 32 MHz");
}

#[test]
fn idle_code_costs_the_simulator_nothing() {
    for idle in [[STAY, NOP], [WFI, 0xE7FD]] {
        let mut rig = ready(&idle, &[]);
        go(&mut rig);
        for _ in 0..1000 {
            rig.wait(1000 * MS);
        }
        assert_eq!(rig.r(m33::DHCSR) & dhcsr::S_SLEEP != 0, idle[0] == WFI);
        rig.w(m33::DHCSR, HALT);
        assert!((CODE..CODE + 4).contains(&get(&mut rig, reg::PC)));
    }
}

/// SysTick every millisecond; the handler counts in memory.
fn ticking(control: u32) -> Rig {
    // wfi; b; handler: ldr r1,[r0]; adds r1,#1; str r1,[r0]; bx lr
    let code = [WFI, 0xE7FD, 0x6801, 0x3101, 0x6001, 0x4770];
    let mut rig = ready(&code, &[(0, DATA)]);
    rig.w(m33::VTOR, CODE + 0x200);
    rig.w(CODE + 0x200 + 4 * 15, CODE + 5);
    rig.w(0xE000_E014, 32_000 - 1);
    rig.w(0xE000_E018, 0);
    rig.w(0xE000_E010, 0b111);
    rig.w(m33::DHCSR, GO | control);
    rig
}

#[test]
fn systick_wakes_a_sleeping_core() {
    let mut rig = ticking(0);
    for _ in 0..20 {
        rig.wait(5 * MS);
    }
    let ticks = rig.r(DATA);
    assert!((99..=101).contains(&ticks), "{ticks} in 100 ms");
}

#[test]
fn c_maskints_holds_interrupts_back() {
    let mut rig = ticking(dhcsr::C_HALT);
    rig.w(m33::DHCSR, HALT | dhcsr::C_MASKINTS);
    rig.w(m33::DHCSR, GO | dhcsr::C_MASKINTS);
    rig.wait(20 * MS);
    assert_eq!(rig.r(DATA), 0);
    rig.w(m33::DHCSR, HALT | dhcsr::C_MASKINTS);
    rig.w(m33::DHCSR, HALT);
    go(&mut rig);
    rig.wait(20 * MS);
    assert!(rig.r(DATA) > 15);
}

#[test]
fn code_can_reset_the_part() {
    // str r1,[r0]; b .
    let value = aircr::VECTKEY | aircr::SYSRESETREQ;
    let mut rig = ready(&[0x6001, STAY], &[(0, m33::AIRCR), (1, value)]);
    rig.r(m33::DHCSR);
    go(&mut rig);
    rig.wait(20 * MS);
    assert_ne!(rig.r(m33::DHCSR) & dhcsr::S_RESET_ST, 0);
}

#[test]
fn a_long_stretch_of_work_is_bounded() {
    // subs r0,#1; bne; bkpt: four thousand million turns
    let mut rig = ready(&[0x3801, 0xD1FD, BKPT], &[(0, u32::MAX)]);
    go(&mut rig);
    rig.wait(3600 * 1000 * MS);
    rig.w(m33::DHCSR, HALT);
    let turns = u32::MAX - get(&mut rig, 0);
    assert!((100_000..1_000_000).contains(&turns), "{turns}");
}

/// 16-bit instructions that only work on r0 to r7.
fn plain() -> impl Strategy<Value = u16> {
    let registers = || (0u16..8, 0u16..8);
    prop_oneof![
        (0u16..8, any::<u8>()).prop_map(|(d, imm)| 0x2000 | d << 8 | u16::from(imm)), // movs
        (0u16..8, any::<u8>()).prop_map(|(d, imm)| 0x3000 | d << 8 | u16::from(imm)), // adds
        (registers(), 0u16..16).prop_map(|((d, m), op)| 0x4000 | op << 6 | m << 3 | d), // ands to mvns
        (registers(), 0u16..32).prop_map(|((d, m), imm)| imm << 6 | m << 3 | d),      // lsls
    ]
}

fn state(rig: &mut Rig) -> Vec<u32> {
    (0..=reg::PSP).map(|selector| get(rig, selector)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn stepping_and_running_to_a_breakpoint_agree(code in proptest::collection::vec(plain(), 1..40), seed: [u32; 8]) {
        let registers: Vec<(u32, u32)> = (0..).zip(seed).collect();
        let ended: Vec<u16> = code.iter().copied().chain([BKPT]).collect();
        let end = CODE + 2 * (ended.len() as u32 - 1);
        let mut stepped = ready(&ended, &registers);
        for _ in &code {
            step(&mut stepped);
        }
        let mut ran = ready(&ended, &registers);
        until_halt(&mut ran);
        let mut compared = ready(&ended, &registers);
        break_at(&mut compared, end);
        until_halt(&mut compared);
        prop_assert_eq!(get(&mut stepped, reg::PC), end);
        prop_assert_eq!(state(&mut stepped), state(&mut ran));
        prop_assert_eq!(state(&mut ran), state(&mut compared));
    }
}

#[test]
fn polling_a_busy_flash_costs_the_simulator_little() {
    // str r3,[r0,#NSCR]; ldr r1,[r0,#NSSR]; lsls r1,#31; bne; bkpt: a mass erase takes half a second.
    let code = [0x6283, 0x6A01, 0x07C9, 0xD1FC, BKPT];
    let mut rig = ready(&code, &[(0, f::BASE), (3, f::cr::MER | f::cr::STRT)]);
    rig.unlock();
    go(&mut rig);
    rig.wait(10_000 * MS);
    assert!(halted(&mut rig));
    assert!(rig.chip.core.pace.stretch < 2000, "{} instructions", rig.chip.core.pace.stretch);
}
