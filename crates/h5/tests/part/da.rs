//! Discovery and regression over the mailbox.

use crate::model::chip::Chip;
use crate::model::{bench, password, provisioning};
use h5::{Discovery, H5Error, Integrity, ProductState, da, identify};
use regs::h5::dbgmcu;
use wire::ApSel;

const AP1: ApSel = ApSel(1);

fn discovered(set_up: impl FnOnce(&mut Chip)) -> Result<Discovery, H5Error> {
    let (mut adi, chip) = bench(set_up);
    let found = da::discover(&mut adi);
    let chip = chip.lock().unwrap();
    assert!(chip.nrst, "nRESET is released");
    assert!(chip.log.iter().all(|t| t.ap == 0), "only AP0 is written");
    found
}

#[test]
fn discovery_works_on_a_closed_part_and_ends_with_a_reset() {
    for clear_on_read in [true, false] {
        let found = discovered(|c| {
            c.set_state(0x72);
            c.ap1_open = false;
            c.rom.clear_on_read = clear_on_read;
        })
        .unwrap();
        assert_eq!((found.lifecycle, found.integrity), (Some(ProductState::CLOSED), Integrity::OK));
        assert!(found.permissions.full_regression());
        assert_eq!(&found.soc_id[..4], [1, 2, 3, 4]);
    }
    let (mut adi, chip) = bench(provisioning);
    da::discover(&mut adi).unwrap();
    assert_eq!(chip.lock().unwrap().resets, 2);
    assert_eq!(identify(&mut adi, AP1).unwrap().state, ProductState::PROVISIONING);
}

#[test]
fn a_rom_that_does_not_answer_and_one_that_answers_nonsense_are_told_apart() {
    let e = discovered(|c| c.rom.alive = false).unwrap_err();
    let H5Error::TargetBusy { register: "DBGMCU_DBG_AUTH_ACK", ref spent, .. } = e else { panic!("{e}") };
    assert_eq!(spent.key, "da.boot");
    assert!(e.next_step().contains("NRST"));
    let e = discovered(|c| c.rom.magic = 0xDEAD_BEEF).unwrap_err();
    assert!(matches!(e, H5Error::Da(da::DaError::WrongMagic { got: 0xDEAD_BEEF, .. })), "{e}");
}

#[test]
fn the_right_password_opens_the_part_and_is_secret_all_the_way() {
    let (mut adi, chip) = bench(|c| {
        c.set_state(0x72);
        c.ap1_open = false;
        c.flash.fill(0);
    });
    let done = da::regress(&mut adi, &password("correct horse")).unwrap();
    assert_eq!(done.discovery.lifecycle, Some(ProductState::CLOSED));
    assert_eq!(identify(&mut adi, AP1).unwrap().state, ProductState::OPEN);
    let chip = chip.lock().unwrap();
    assert!(chip.flash.iter().all(|w| *w == u32::MAX));
    let host = dbgmcu::BASE_AP0 + dbgmcu::DBG_AUTH_HOST;
    let sent: Vec<_> = chip.log.iter().filter(|t| t.at == host).collect();
    let secret = sent.iter().filter(|t| t.secret).count();
    assert_eq!(secret, 6, "the words of the password item");
    assert!(!sent.iter().any(|t| !t.secret && t.value == u32::from_le_bytes(*b"corr")));
}

#[test]
fn a_wrong_password_changes_nothing_and_leaves_the_part_as_it_was() {
    let (mut adi, chip) = bench(|c| {
        c.set_state(0x72);
        c.ap1_open = false;
        c.flash.fill(0);
    });
    let e = da::regress(&mut adi, &password("wrong horse")).unwrap_err();
    assert!(matches!(e, H5Error::AuthenticationFailed { status: 1 }), "{e}");
    assert!(e.to_string().contains("FAILURE (0x0001)"), "{e}");
    let chip = chip.lock().unwrap();
    assert!(chip.flash.iter().all(|w| *w == 0) && chip.state() == 0x72 && chip.nrst);
}

#[test]
fn a_part_that_is_open_is_asked_for_nothing() {
    let (mut adi, chip) = bench(|_| ());
    let done = da::regress(&mut adi, &password("wrong horse")).unwrap();
    assert!(done.was_there() && done.elapsed.is_zero());
    let chip = chip.lock().unwrap();
    assert!(chip.log.iter().all(|t| !t.secret) && chip.nrst);
}

#[test]
fn a_part_for_certificates_is_not_asked_with_a_password() {
    let (mut adi, chip) = bench(|c| {
        c.set_state(0x72);
        c.rom.crypto = 1;
    });
    let e = da::regress(&mut adi, &password("correct horse")).unwrap_err();
    assert!(matches!(e, H5Error::Da(da::DaError::NoPassword)), "{e}");
    assert!(chip.lock().unwrap().log.iter().all(|t| !t.secret));
}
