//! Supply failures: what is torn and what is not.

use super::bench::{FLASH, Rig};
use crate::bus::Chip;
use crate::knobs::{MS, US};
use regs::h5::flash::{self as f, cr, ecc, optcr};
use regs::h5::opsr;
use regs::h5::state::ProductState as S;

#[test]
fn a_quad_word_cut_in_programming_reads_as_a_bus_error_until_its_sector_is_erased() {
    for place in ["start", "middle", "end"] {
        let mut rig = Rig::new(&format!("h562,cut=busy:1:{place}"));
        rig.unlock();
        rig.fw(f::NSCR, cr::PG);
        for i in 0..4 {
            rig.w(FLASH + 32 + 4 * i, 0);
        }
        rig.wait(MS);
        assert!(!rig.chip.powered(rig.now), "{place}");
        rig.power_cycle();
        assert_eq!(rig.fr(f::OPSR), opsr::QUAD_WORD << 29 | 32);
        assert!(rig.fails(FLASH + 32));
        assert_eq!(rig.fr(f::ECCDETR), ecc::ECCD | 2);
        assert_eq!(rig.r(FLASH + 16), u32::MAX);
        rig.unlock();
        rig.fw(f::NSCR, cr::SER | cr::STRT);
        rig.idle();
        assert_eq!(rig.r(FLASH + 32), u32::MAX);
    }
}

/// A guess, selectable: [H5-FLASH-8].
#[test]
fn opsr_tells_of_the_running_operation_only_where_the_setting_says_so() {
    for (setting, code) in [("reset", opsr::NONE), ("running", opsr::SECTOR_ERASE)] {
        let mut rig = Rig::new(&format!("h562,flash.opsr={setting}"));
        rig.unlock();
        rig.fw(f::NSCR, cr::SER | cr::STRT | 3 << cr::SNB_SHIFT);
        assert_eq!(rig.fr(f::OPSR) >> opsr::CODE_SHIFT, code, "{setting}");
        rig.idle();
        assert_eq!(rig.fr(f::OPSR), 0, "{setting}");
    }
}

#[test]
fn a_sector_cut_in_its_erase_reads_as_bus_errors() {
    let mut rig = Rig::new("h562,cut=busy:2:middle");
    rig.unlock();
    rig.program(FLASH, [0; 4]);
    rig.fw(f::NSCR, cr::SER | cr::STRT);
    rig.wait(5 * MS);
    rig.power_cycle();
    assert_eq!(rig.fr(f::OPSR) >> 29, opsr::SECTOR_ERASE);
    assert!(rig.fails(FLASH) && rig.fails(FLASH + 0x1FF0));
    assert_eq!(rig.r(FLASH + f::SECTOR), u32::MAX);
}

#[test]
fn an_option_change_cut_early_is_old_and_cut_late_is_new_and_both_are_told() {
    for (place, state) in [("start", S::OPEN), ("middle", S::PROVISIONING), ("end", S::PROVISIONING)] {
        let mut rig = Rig::new(&format!("h562,cut=busy:1:{place}"));
        rig.unlock_options();
        let optsr = rig.fr(f::OPTSR_CUR) & !0xFF00;
        rig.fw(f::OPTSR_PRG, optsr | 0x1700);
        rig.fw(f::OPTCR, optcr::OPTSTRT);
        rig.wait(50 * MS);
        rig.power_cycle();
        assert_eq!(rig.state(), state, "{place}");
        assert_eq!(rig.fr(f::OPSR) >> 29, opsr::OPTION_CHANGE);
        rig.unlock_options();
        rig.fw(f::OPTCR, optcr::OPTSTRT);
        rig.idle();
        assert_eq!((rig.state(), rig.fr(f::OPSR)), (state, 0));
    }
}

#[test]
fn a_reset_in_the_middle_tears_like_a_power_cut() {
    let mut rig = Rig::new("h562");
    rig.unlock();
    rig.fw(f::NSCR, cr::PG);
    for i in 0..4 {
        rig.w(FLASH + 4 * i, 0);
    }
    rig.chip.drive_reset(true, rig.now + US);
    rig.wait(MS);
    rig.chip.drive_reset(false, rig.now);
    rig.wait(10 * MS);
    assert_eq!(rig.fr(f::OPSR) >> 29, opsr::QUAD_WORD);
    assert!(rig.fails(FLASH));
    rig.nrst();
    assert_eq!(rig.fr(f::OPSR), 0, "tells of the last reset only");
}

#[test]
fn words_in_the_buffer_are_lost_without_a_trace() {
    let mut rig = Rig::new("h562");
    rig.unlock();
    rig.fw(f::NSCR, cr::PG);
    rig.w(FLASH, 0);
    rig.power_cycle();
    assert_eq!((rig.fr(f::OPSR), rig.fr(f::NSSR)), (0, 0));
    assert_eq!(rig.r(FLASH), u32::MAX);
}

#[test]
fn power_on_counts_for_the_debug_port_and_a_reset_does_not() {
    let mut rig = Rig::new("h562");
    let cycles = rig.chip.power_cycles();
    rig.nrst();
    assert_eq!(rig.chip.power_cycles(), cycles);
    rig.power_cycle();
    assert_eq!(rig.chip.power_cycles(), cycles + 1);
}

#[test]
fn a_cut_between_operations_leaves_everything_as_it_was() {
    let mut rig = Rig::new("h562");
    rig.unlock();
    rig.program(FLASH, [1, 2, 3, 4]);
    rig.chip.cut_power(rig.now);
    assert!(
        rig.chip.access(
            &crate::bus::Request {
                ap: 0,
                at: 0xE004_4000,
                width: wire::Width::Word,
                write: None,
                secure: false
            },
            rig.now
        ) == crate::bus::Outcome::Error { at: rig.now }
    );
    rig.power_cycle();
    assert_eq!(rig.r(FLASH + 12), 4);
    assert_eq!(rig.fr(f::NSCR), cr::LOCK);
}
