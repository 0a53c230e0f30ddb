//! Flash: what is written, in which order, and what happens when the part does not play along.

use crate::model::chip::{Bus, Chip};
use crate::model::{bench, bench_with};
use h5::{Doing, FlashPace, FlashRange, H5Error, Part, Progress, identify};
use pace::Policy;
use regs::h5::flash::{self, cr, sr};
use std::sync::{Arc, Mutex};
use wire::{Addr, ApSel};

const AP1: ApSel = ApSel(1);
const START: Addr = Addr(0x0800_0000);
const KEYR: u32 = flash::BASE + flash::NSKEYR;
const CONTROL: u32 = flash::BASE + flash::NSCR;

fn image(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 256) as u8).collect()
}

fn stored(chip: &Arc<Mutex<Chip>>, len: usize) -> Vec<u8> {
    chip.lock().unwrap().flash.iter().flat_map(|w| w.to_le_bytes()).take(len).collect()
}

#[test]
fn every_pace_programs_what_was_asked_for_and_leaves_the_part_locked() {
    for pace in FlashPace::ALL {
        let (mut adi, chip) = bench(|_| ());
        let id = identify(&mut adi, AP1).unwrap();
        let mut part = Part::new(&mut adi, AP1, id);
        let data = image(3 * 8192 + 100);
        let mut seen: Vec<Progress> = Vec::new();
        let range = FlashRange::covering(START, data.len() as u32);
        let erased = part.erase(&range, &mut |p| seen.push(p)).unwrap();
        assert_eq!(erased.sectors, 4);
        let report = part.program(START, &data, pace, &mut |p| seen.push(p)).unwrap();
        assert_eq!((report.pace, report.fallbacks.len()), (pace, 0));
        assert_eq!(report.quad_words, (data.len() as u32).div_ceil(16));
        part.verify(START, &data, &mut |p| seen.push(p)).unwrap();
        assert!(part.matches(START, &data).unwrap());
        assert_eq!(part.read(Addr(START.0 + 3), 10).unwrap(), data[3..13]);
        assert_eq!(stored(&chip, data.len()), data);
        assert!(chip.lock().unwrap().is_tidy(), "{pace}");
        let last = seen.last().unwrap();
        assert_eq!((last.doing, last.done), (Doing::Verify, data.len() as u32));
    }
}

#[test]
fn a_stream_costs_hardly_more_than_one_transaction_a_word() {
    let (mut adi, chip) = bench(|_| ());
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let data = image(1024 * 1024);
    let words = data.len() / 4;
    let count = || chip.lock().unwrap().transactions;
    let before = count();
    part.program(START, &data, FlashPace::Stream, &mut |_| ()).unwrap();
    let programmed = count() - before;
    part.verify(START, &data, &mut |_| ()).unwrap();
    let verified = count() - before - programmed;
    // The first sector is read back at once: one word in 128.
    assert!(programmed * 100 < words * 103, "{programmed} for {words} words");
    assert!(verified * 100 < words * 101, "{verified} for {words} words");
}

#[test]
fn keys_are_written_once_per_operation_and_only_to_a_shut_lock() {
    let (mut adi, chip) = bench(|_| ());
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    part.erase(&FlashRange { at: START, len: 8192 }, &mut |_| ()).unwrap();
    assert_eq!(chip.lock().unwrap().written(KEYR), flash::key::FLASH);
    chip.lock().unwrap().locks[0].open = true;
    part.erase(&FlashRange { at: START, len: 8192 }, &mut |_| ()).unwrap();
    let chip = chip.lock().unwrap();
    assert_eq!(chip.written(KEYR).len(), 2, "an open lock gets no keys");
    assert!(chip.is_tidy());
}

#[test]
fn a_lock_that_stays_shut_is_named_and_nothing_is_erased() {
    let (mut adi, chip) = bench(|c| c.locks[0].dead = true);
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let e = part.erase(&FlashRange { at: START, len: 8192 }, &mut |_| ()).unwrap_err();
    assert!(matches!(e, H5Error::LockedUntilReset { register: "FLASH_NSCR", .. }), "{e}");
    assert!(e.next_step().contains("NRST"));
    assert_eq!(chip.lock().unwrap().written(CONTROL).iter().filter(|v| *v & cr::STRT != 0).count(), 0);
}

#[test]
fn a_part_that_drops_words_is_found_out_and_programmed_again_more_slowly() {
    let (mut adi, chip) = bench(|c| c.bus = Bus::Drop);
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let neighbour = [0x11; 32];
    part.program(START, &neighbour, FlashPace::Poll, &mut |_| ()).unwrap();
    let data = image(2 * 8192);
    let at = Addr(START.0 + 64);
    let report = part.program(at, &data, FlashPace::Stream, &mut |_| ()).unwrap();
    assert_eq!(report.pace, FlashPace::Match);
    assert_eq!(report.fallbacks.len(), 1, "{:?}", report.fallbacks);
    assert!(report.fallbacks[0].to_string().starts_with("pace match instead of stream from the sector"));
    part.verify(at, &data, &mut |_| ()).unwrap();
    part.verify(START, &neighbour, &mut |_| ()).unwrap();
    let chip = chip.lock().unwrap();
    assert!(chip.is_tidy());
    assert!(chip.marks.iter().any(|m| m.contains("pace match instead of stream")));
}

#[test]
fn a_lost_last_word_leaves_the_buffer_half_full_and_is_repaired() {
    let (mut adi, chip) = bench(|c| c.lose = Some(START.0 + 8192 - 4));
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let data = image(2 * 8192);
    let report = part.program(START, &data, FlashPace::Stream, &mut |_| ()).unwrap();
    assert_eq!((report.pace, report.fallbacks.len()), (FlashPace::Match, 1), "{:?}", report.fallbacks);
    part.verify(START, &data, &mut |_| ()).unwrap();
    assert!(chip.lock().unwrap().is_tidy());
}

#[test]
fn a_probe_without_patience_is_not_trusted_with_a_stream() {
    let policy = Policy::preset("openocd").unwrap();
    let (mut adi, _chip) = bench_with(policy, |_| ());
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let data = image(8192);
    let report = part.program(START, &data, FlashPace::Stream, &mut |_| ()).unwrap();
    assert_eq!(report.pace, FlashPace::Poll);
    assert!(report.fallbacks[0].why.contains("probe.wait"), "{:?}", report.fallbacks);
    assert!(report.fallbacks[1].why.contains("probe.match"), "{:?}", report.fallbacks);
    part.verify(START, &data, &mut |_| ()).unwrap();
}

#[test]
fn stale_flags_are_cleared_and_reported() {
    let (mut adi, chip) = bench(|c| c.status = sr::PGSERR | sr::EOP);
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let report = part.erase(&FlashRange { at: START, len: 8192 }, &mut |_| ()).unwrap();
    let stale = report.stale.unwrap();
    assert_eq!(stale.bits, sr::PGSERR);
    assert!(stale.to_string().contains("PGSERR"), "{stale}");
    assert_eq!(chip.lock().unwrap().status & sr::PGSERR, 0);
}

#[test]
fn write_protection_is_an_error_with_flag_and_address_and_the_part_is_locked_again() {
    let (mut adi, chip) = bench(|c| c.protected = true);
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let e = part.erase(&FlashRange { at: Addr(0x0800_2000), len: 8192 }, &mut |_| ()).unwrap_err();
    assert!(e.to_string().contains("0x0800_2000") && e.to_string().contains("WRPERR"), "{e}");
    let e = part.program(START, &[0; 16], FlashPace::Stream, &mut |_| ()).unwrap_err();
    assert!(e.to_string().contains("WRPERR"), "{e}");
    assert!(chip.lock().unwrap().is_tidy());
}

#[test]
fn a_busy_flash_is_a_timeout_with_all_its_evidence_and_nothing_is_written() {
    let (mut adi, chip) = bench(|c| c.busy_until = std::time::Duration::from_secs(3600));
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let e = part.erase(&FlashRange { at: START, len: 8192 }, &mut |_| ()).unwrap_err();
    let H5Error::TargetBusy { register, address, last, ref decoded, ref spent, .. } = e else {
        panic!("{e}")
    };
    assert_eq!((register, address, last), ("FLASH_NSSR", Addr(0x4002_2020), 1));
    assert_eq!((decoded.as_str(), spent.key), ("BSY=1", "flash.erase"));
    assert!(spent.tries > 10 && e.to_string().contains("flash.erase = 1s"), "{e}");
    assert_eq!(chip.lock().unwrap().log, []);
}

#[test]
fn the_second_bank_and_swapped_banks_are_erased_where_their_addresses_are() {
    for swapped in [false, true] {
        let (mut adi, chip) = bench(|c| {
            c.swap_bank = swapped;
            c.flash.fill(0);
        });
        let id = identify(&mut adi, AP1).unwrap();
        let mut part = Part::new(&mut adi, AP1, id);
        let at = Addr(0x0808_2000);
        part.erase(&FlashRange { at, len: 8192 }, &mut |_| ()).unwrap();
        assert_eq!(part.read(at, 8192).unwrap(), [0xFF; 8192]);
        let chip = chip.lock().unwrap();
        assert_eq!(chip.flash.iter().filter(|w| **w != 0).count(), 2048);
        let second = chip.written(CONTROL).iter().any(|v| v & cr::BKSEL != 0);
        assert_eq!(second, !swapped);
    }
}

#[test]
fn a_mismatch_names_the_word() {
    let (mut adi, chip) = bench(|c| c.flash[5] = 0x1234_5678);
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let e = part.verify(START, &[0xFF; 64], &mut |_| ()).unwrap_err();
    assert!(e.to_string().contains("0x0800_0014") && e.to_string().contains("1 of 16 words"), "{e}");
    assert!(!part.matches(START, &[0xFF; 64]).unwrap());
    assert_eq!(chip.lock().unwrap().log, []);
}

#[test]
fn programming_over_old_data_is_noticed_and_repaired_by_an_erase() {
    let (mut adi, _chip) = bench(|c| c.flash[0] = 0);
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let data = image(64);
    let report = part.program_verified(START, &data, FlashPace::Stream, &mut |_| ()).unwrap();
    assert!(report.verified && report.fallbacks[0].why.contains("verify failed"), "{:?}", report.fallbacks);
    part.verify(START, &data, &mut |_| ()).unwrap();
}
