//! Programming, erasing, busy times.

use super::bench::{FLASH, Rig};
use crate::bus::{Chip, Outcome};
use crate::knobs::{MS, US};
use regs::h5::flash::{self as f, cr, key, sr};
use wire::Width;

fn ready(spec: &str) -> Rig {
    let mut rig = Rig::new(spec);
    rig.unlock();
    rig
}

#[test]
fn after_reset_the_registers_read_as_on_silicon() {
    let mut rig = Rig::new("h563");
    assert_eq!(rig.fr(f::ACR), 0x13);
    assert_eq!(rig.fr(f::NSSR), 0);
    assert_eq!(rig.fr(f::NSCR), 1);
    assert_eq!(rig.fr(f::OPTCR), 1);
    assert_eq!(rig.fr(f::OPTSR_CUR), 0x2D30_EDF8);
    assert_eq!(rig.fr(f::OPTSR_PRG), 0x2D30_EDF8);
    assert_eq!(rig.fr(f::NSOBKCFGR), 0x01FF_0001);
    assert_eq!(rig.r0(0xE004_4000), 0x1001_6484);
}

#[test]
fn nssr_shows_wbne_after_the_first_word_and_eop_after_the_fourth() {
    let mut rig = ready("h563");
    rig.fw(f::NSCR, cr::PG);
    rig.w(FLASH, 1);
    assert_eq!(rig.fr(f::NSSR), 0x2);
    rig.w(FLASH + 4, 2);
    rig.w(FLASH + 8, 3);
    assert_eq!(rig.fr(f::NSSR), 0x2);
    rig.w(FLASH + 12, 4);
    assert_eq!(rig.fr(f::NSSR), sr::BSY);
    rig.wait(32 * US);
    assert_eq!(rig.fr(f::NSSR), 0x1_0000);
    assert_eq!([rig.r(FLASH), rig.r(FLASH + 12)], [1, 4]);
}

#[test]
fn four_words_over_two_slots_set_incerr_alone_and_write_nothing() {
    let mut rig = ready("h563");
    rig.fw(f::NSCR, cr::PG);
    for at in [8, 12, 16, 20] {
        rig.w(FLASH + at, 0);
    }
    rig.wait(MS);
    assert_eq!(rig.fr(f::NSSR), 0x10_0000);
    for at in (0..32).step_by(4) {
        assert_eq!(rig.r(FLASH + at), u32::MAX);
    }
}

#[test]
fn programming_over_old_data_sets_no_error_and_gives_old_and_new() {
    let mut rig = ready("h563");
    assert_eq!(rig.program(FLASH, [0xFFFF_0000; 4]), sr::EOP);
    rig.clear_flags();
    assert_eq!(rig.program(FLASH, [0xFF00_FF00; 4]), sr::EOP);
    assert_eq!(rig.r(FLASH), 0xFF00_0000);
}

#[test]
fn flags_clear_through_nsccr_only() {
    let mut rig = ready("h563");
    rig.program(FLASH, [0; 4]);
    rig.fw(f::NSSR, u32::MAX);
    rig.fw(f::NSSR, 0);
    assert_eq!(rig.fr(f::NSSR), sr::EOP);
    rig.fw(f::NSCCR, sr::EOP);
    assert_eq!(rig.fr(f::NSSR), 0);
}

#[test]
fn a_write_without_pg_or_with_the_lock_closed_sets_pgserr() {
    let mut rig = Rig::new("h562");
    rig.w(FLASH, 0);
    assert_eq!(rig.fr(f::NSSR), sr::PGSERR);
    rig.clear_flags();
    rig.unlock();
    rig.w(FLASH, 0);
    assert_eq!(rig.fr(f::NSSR), sr::PGSERR);
}

#[test]
fn the_same_word_twice_sets_strberr() {
    let mut rig = ready("h562");
    rig.fw(f::NSCR, cr::PG);
    rig.w(FLASH, 0);
    rig.w(FLASH, 0);
    assert_eq!(rig.fr(f::NSSR), sr::STRBERR);
}

#[test]
fn fw_writes_an_unfinished_quad_word_with_ones() {
    let mut rig = ready("h562");
    rig.fw(f::NSCR, cr::PG);
    rig.w(FLASH, 0x1234_5678);
    rig.fw(f::NSCR, cr::PG | cr::FW);
    assert_eq!(rig.idle(), sr::EOP);
    assert_eq!([rig.r(FLASH), rig.r(FLASH + 4)], [0x1234_5678, u32::MAX]);
}

#[test]
fn a_protected_sector_takes_no_word_and_no_erase() {
    let mut rig = ready("h562");
    let wrp = rig.fr(f::WRP1R_CUR);
    rig.set_option(f::WRP1R_PRG, wrp & !0b10);
    rig.clear_flags();
    let protected = FLASH + 4 * f::SECTOR;
    rig.fw(f::NSCR, cr::PG);
    rig.w(protected, 0);
    assert_eq!(rig.fr(f::NSSR), sr::WRPERR);
    rig.clear_flags();
    rig.fw(f::NSCR, cr::SER | 4 << cr::SNB_SHIFT | cr::STRT);
    assert_eq!(rig.fr(f::NSSR), sr::WRPERR);
    rig.clear_flags();
    assert_eq!(rig.program(FLASH, [0; 4]), sr::EOP);
}

#[test]
fn a_sector_erase_takes_two_milliseconds_and_clears_strt_not_ser() {
    let mut rig = ready("h562");
    rig.program(FLASH, [0; 4]);
    rig.program(FLASH + f::SECTOR, [0; 4]);
    rig.clear_flags();
    rig.fw(f::NSCR, cr::SER | cr::STRT);
    let start = rig.now;
    assert_eq!(rig.fr(f::NSSR), sr::BSY);
    assert_eq!(rig.fr(f::NSCR), cr::SER | cr::STRT);
    while rig.fr(f::NSSR) & sr::BSY != 0 {}
    assert!((2 * MS..2 * MS + 10 * US).contains(&(rig.now - start)), "{}", rig.now - start);
    assert_eq!(rig.fr(f::NSCR), cr::SER);
    assert_eq!(rig.fr(f::NSSR), sr::EOP);
    assert_eq!([rig.r(FLASH), rig.r(FLASH + f::SECTOR)], [u32::MAX, 0]);
}

#[test]
fn bank_and_mass_erase_reach_their_sectors_only() {
    let mut rig = ready("h562,kib=1024");
    let bank2 = FLASH + 0x8_0000;
    rig.program(FLASH, [0; 4]);
    rig.program(bank2, [0; 4]);
    rig.fw(f::NSCR, cr::BER | cr::BKSEL | cr::STRT);
    rig.idle();
    assert_eq!([rig.r(FLASH), rig.r(bank2)], [0, u32::MAX]);
    rig.fw(f::NSCR, cr::MER | cr::STRT);
    rig.idle();
    assert_eq!(rig.r(FLASH), u32::MAX);
}

#[test]
fn mer_with_ser_or_ber_sets_pgserr() {
    for other in [cr::SER, cr::BER] {
        let mut rig = ready("h562");
        rig.fw(f::NSCR, cr::MER | other | cr::STRT);
        assert_eq!(rig.fr(f::NSSR), sr::PGSERR);
    }
}

#[test]
fn bksel_is_the_physical_bank_whatever_swap_bank_says() {
    let mut rig = ready("h562,kib=1024");
    rig.program(FLASH, [0x1111_1111; 4]);
    let optsr = rig.fr(f::OPTSR_CUR);
    rig.set_option(f::OPTSR_PRG, optsr | regs::h5::option::SWAP_BANK);
    assert_eq!(rig.r(FLASH), 0x1111_1111, "takes effect at the next reset");
    rig.nrst();
    let bank2 = FLASH + 0x8_0000;
    assert_eq!([rig.r(FLASH), rig.r(bank2)], [u32::MAX, 0x1111_1111]);
    rig.unlock();
    rig.fw(f::NSCR, cr::SER | cr::STRT);
    rig.idle();
    assert_eq!(rig.r(bank2), u32::MAX);
}

#[test]
fn keys_in_the_wrong_order_shut_the_lock_until_the_next_reset() {
    let mut rig = Rig::new("h562");
    rig.keys(f::NSKEYR, [key::FLASH[1], key::FLASH[0]]);
    rig.keys(f::NSKEYR, key::FLASH);
    assert_eq!(rig.fr(f::NSCR), cr::LOCK);
    rig.nrst();
    rig.unlock();
}

#[test]
fn keys_again_on_an_open_lock_shut_it_until_the_next_reset() {
    let mut rig = ready("h562");
    rig.keys(f::NSKEYR, key::FLASH);
    assert_eq!(rig.fr(f::NSCR), cr::LOCK);
    rig.keys(f::NSKEYR, key::FLASH);
    assert_eq!(rig.fr(f::NSCR), cr::LOCK);
}

/// Writes eight words without looking at BSY; the times at which the bus took them.
fn eight_words(rig: &mut Rig) -> Vec<u64> {
    rig.fw(f::NSCR, cr::PG);
    (0..8)
        .map(|i| {
            let before = rig.now;
            rig.w(FLASH + 4 * i, i);
            rig.now - before
        })
        .collect()
}

#[test]
fn stall_keeps_the_bus_until_the_flash_is_free() {
    let mut rig = ready("h562,flash.bus=stall");
    let times = eight_words(&mut rig);
    assert!(times[..4].iter().all(|t| *t == US));
    assert_eq!(times[4], 32 * US, "the access comes a microsecond after the operation began");
    assert!(times[5..].iter().all(|t| *t == US));
    rig.idle();
    assert_eq!([rig.r(FLASH), rig.r(FLASH + 16), rig.r(FLASH + 28)], [0, 4, 7]);
}

#[test]
fn buffered_takes_one_more_quad_word_and_then_stalls() {
    let mut rig = ready("h562,flash.bus=buffered");
    let times = eight_words(&mut rig);
    assert!(times.iter().all(|t| *t == US), "{times:?}");
    let before = rig.now;
    rig.w(FLASH + 32, 8);
    assert!(rig.now - before > 20 * US);
    for i in 9..12 {
        rig.w(FLASH + 4 * i, i);
    }
    rig.idle();
    assert_eq!([rig.r(FLASH), rig.r(FLASH + 16), rig.r(FLASH + 44)], [0, 4, 11]);
}

#[test]
fn drop_loses_the_word_and_sets_pgserr() {
    let mut rig = ready("h562,flash.bus=drop");
    eight_words(&mut rig);
    let flags = rig.idle();
    assert_eq!(flags, sr::EOP | sr::PGSERR);
    assert_eq!([rig.r(FLASH), rig.r(FLASH + 16)], [0, u32::MAX]);
}

#[test]
fn reading_the_busy_bank_stalls_and_the_other_bank_answers_at_once() {
    let mut rig = ready("h562,kib=1024");
    rig.program(FLASH, [0; 4]);
    rig.fw(f::NSCR, cr::SER | cr::STRT);
    let start = rig.now;
    assert_eq!(rig.r(FLASH + 0x8_0000), u32::MAX);
    assert_eq!(rig.now - start, US);
    assert_eq!(rig.r(FLASH), u32::MAX, "sees the memory as it is at the end");
    assert_eq!(rig.now - start, 2 * MS);
}

#[test]
fn a_quad_word_costs_32_microseconds_and_is_counted() {
    let mut rig = ready("h562");
    rig.program(FLASH, [0; 4]);
    assert_eq!(rig.chip.flash.windows, 1);
    assert_eq!(rig.chip.flash.busy_total, 32 * US);
}

#[test]
fn unmapped_addresses_are_bus_errors_and_unknown_registers_read_as_zero() {
    let mut rig = Rig::new("h562");
    assert!(rig.fails(0x6000_0000));
    assert!(rig.fails(0x0820_0000));
    assert!(rig.fails(0x1000_0000));
    assert_eq!(rig.r(0x4000_0000), 0);
    assert_eq!(rig.r(0x0BF9_FBF8), u32::from_le_bytes(*b"DSCT"));
    let outcome = rig.chip.access(
        &crate::bus::Request { ap: 2, at: 0, width: Width::Word, write: None, secure: false },
        rig.now,
    );
    assert!(matches!(outcome, Outcome::Error { .. }));
}

#[test]
fn otp_takes_half_words_once_and_reads_an_error_before() {
    let mut rig = ready("h562");
    let otp = regs::h5::memory::OTP;
    assert!(rig.fails(otp));
    rig.fw(f::NSCR, cr::PG);
    for (at, value) in [(0, 0x1234), (2, 0x5678)] {
        rig.access(1, otp + at, Width::Half, Some(value));
        rig.idle();
    }
    assert_eq!(rig.r(otp), 0x5678_1234);
    rig.clear_flags();
    rig.w(otp + 4, 0);
    assert_eq!(rig.fr(f::NSSR), sr::PGSERR, "words are refused");
}

#[test]
fn a_locked_otp_block_sets_wrperr() {
    let mut rig = ready("h562");
    rig.set_option(f::OTPBLR_PRG, 1);
    rig.clear_flags();
    rig.fw(f::NSCR, cr::PG);
    rig.access(1, regs::h5::memory::OTP, Width::Half, Some(0));
    assert_eq!(rig.fr(f::NSSR), sr::WRPERR);
}
