//! Identity, option bytes, product state.

use crate::model::chip::Chip;
use crate::model::{bench, provisioning};
use h5::{H5Error, OptionChange, Part, ProductState, Proof, Tzen, identify};
use regs::h5::device::Family;
use regs::h5::flash::{self, key, optcr, sr};
use regs::h5::memory;
use std::time::Duration;
use wire::ApSel;

const AP1: ApSel = ApSel(1);
const OPTCR: u32 = flash::BASE + flash::OPTCR;
const OPTKEYR: u32 = flash::BASE + flash::OPTKEYR;

fn starts(chip: &Chip) -> usize {
    chip.written(OPTCR).iter().filter(|v| *v & optcr::OPTSTRT != 0).count()
}

#[test]
fn identity_is_read_without_a_write_and_waits_for_readings_that_agree() {
    let (mut adi, chip) = bench(|c| c.zero_reads = 5);
    let id = identify(&mut adi, AP1).unwrap();
    assert_eq!((id.dev_id, id.rev_id, id.flash_kib), (0x484, 0x1007, 1024));
    assert_eq!((id.state, id.tzen), (ProductState::OPEN, Tzen::Off));
    assert_eq!(id.uid.unwrap().to_string(), "0102030405060708090a0b0c");
    assert_eq!(chip.lock().unwrap().log, []);
}

#[test]
fn a_state_that_stays_illegal_is_unstable_and_not_zero() {
    let (mut adi, _chip) = bench(|c| c.zero_reads = u32::MAX);
    let e = identify(&mut adi, AP1).unwrap_err();
    assert!(matches!(e, H5Error::UnstableState { register: "FLASH_OPTSR_CUR", .. }), "{e}");
    assert!(e.to_string().contains("reset.reconnect"), "{e}");
}

#[test]
fn a_shut_access_port_is_named_with_what_ap0_says() {
    let (mut adi, _chip) = bench(|c| c.ap1_open = false);
    let e = identify(&mut adi, AP1).unwrap_err();
    assert!(matches!(e, H5Error::ApShut { ap: AP1, sr: 0x0001_0003, .. }), "{e}");
    assert!(identify(&mut adi, ApSel(0)).is_err());
}

#[test]
fn a_unique_id_of_zero_is_none() {
    let (mut adi, _chip) = bench(|c| {
        for at in [0, 4, 8] {
            c.words.insert(memory::UID + at, 0);
        }
    });
    assert_eq!(identify(&mut adi, AP1).unwrap().uid, None);
}

#[test]
fn option_bytes_that_are_so_already_cause_no_write_at_all() {
    let (mut adi, chip) = bench(|_| ());
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let tzen = OptionChange::parse(Family::H562, "TZEN", "off").unwrap();
    let report = part.change_options(&[tzen]).unwrap();
    assert_eq!((report.proof, report.changed.len()), (Proof::AlreadySo, 0));
    assert_eq!(part.change_state(ProductState::OPEN).unwrap().proof, Proof::AlreadySo);
    assert_eq!(chip.lock().unwrap().log, []);
}

#[test]
fn an_option_change_is_started_once_read_back_and_locked_again() {
    let (mut adi, chip) = bench(|_| ());
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let changes =
        [("BOR_LEV", "3"), ("SRAM2_RST", "1")].map(|(n, v)| OptionChange::parse(Family::H562, n, v).unwrap());
    let report = part.change_options(&changes).unwrap();
    assert_eq!((report.proof, report.changed.len()), (Proof::ReadBack, 2));
    assert!(report.busy >= Duration::from_millis(20));
    assert_eq!(part.options().unwrap().get("BOR_LEV").unwrap().cur, 3);
    let chip = chip.lock().unwrap();
    assert_eq!(starts(&chip), 1);
    assert_eq!(chip.written(OPTKEYR), key::OPTION);
    assert!(chip.is_tidy());
}

#[test]
fn a_refused_option_change_names_the_flag_and_is_not_repeated() {
    let (mut adi, chip) = bench(|c| c.option_flags = sr::OPTCHANGEERR);
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let e = part.change_state(ProductState::PROVISIONING).unwrap_err();
    assert!(matches!(e, H5Error::OptionRejected { .. }), "{e}");
    let text = e.to_string();
    assert!(text.contains("OPTCHANGEERR") && text.contains("0xED (OPEN) -> 0x17 (PROVISIONING)"), "{text}");
    let chip = chip.lock().unwrap();
    assert_eq!(starts(&chip), 1);
    assert!(chip.is_tidy());
}

#[test]
fn an_option_change_that_does_not_end_is_a_timeout_under_its_own_key() {
    let (mut adi, chip) = bench(|c| c.option_time = Duration::from_secs(60));
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let e = part.change_state(ProductState::PROVISIONING).unwrap_err();
    let H5Error::TargetBusy { register: "FLASH_NSSR", ref spent, .. } = e else { panic!("{e}") };
    assert_eq!(spent.key, "flash.option");
    assert_eq!(starts(&chip.lock().unwrap()), 1);
}

#[test]
fn illegal_moves_are_refused_before_anything_is_written() {
    let (mut adi, chip) = bench(|_| ());
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    for to in [ProductState::CLOSED, ProductState::TZ_CLOSED, ProductState::LOCKED] {
        let e = part.change_state(to).unwrap_err();
        assert!(matches!(e, H5Error::IllegalMove { .. }) && e.next_step().contains("PROVISIONING"), "{e}");
    }
    // The same through the option byte by name.
    let sneaky = OptionChange::parse(Family::H562, "PRODUCT_STATE", "CLOSED").unwrap();
    assert!(matches!(part.change_options(&[sneaky]), Err(H5Error::IllegalMove { .. })));
    assert_eq!(chip.lock().unwrap().log, []);
}

#[test]
fn a_part_whose_family_nobody_named_is_not_shut() {
    let (mut adi, chip) = bench(provisioning);
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    for to in [ProductState::IROT_PROVISIONED, ProductState::CLOSED, ProductState::LOCKED] {
        assert!(matches!(part.change_state(to), Err(H5Error::FamilyUnnamed { .. })), "{to}");
    }
    assert_eq!(chip.lock().unwrap().log, []);
}

#[test]
fn closing_is_taken_as_done_when_the_port_shuts_and_as_read_when_it_does_not() {
    for (cuts, proof) in [(true, Proof::PortShut), (false, Proof::ReadBack)] {
        let (mut adi, chip) = bench(|c| {
            provisioning(c);
            c.closing_cuts = cuts;
        });
        let id = identify(&mut adi, AP1).unwrap().as_family(Family::H562).unwrap();
        let mut part = Part::new(&mut adi, AP1, id);
        assert_eq!(part.change_state(ProductState::CLOSED).unwrap().proof, proof);
        assert_eq!(part.identity().state, ProductState::CLOSED);
        let chip = chip.lock().unwrap();
        assert_eq!((starts(&chip), chip.state()), (1, 0x72));
    }
}

#[test]
fn an_interrupted_option_change_is_found_and_repaired_with_prg_untouched() {
    let (mut adi, chip) = bench(|c| *c.words.entry(flash::BASE + flash::OPSR).or_default() = 6 << 29);
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    assert!(part.interrupted().unwrap().unwrap().needs_recovery());
    part.recover_selectors().unwrap();
    let chip = chip.lock().unwrap();
    assert_eq!(starts(&chip), 1);
    assert!(chip.is_tidy());
    assert_eq!(chip.written(flash::BASE + flash::OPTSR_PRG), []);
}
