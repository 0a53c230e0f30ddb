//! The three routes into OBK.

use crate::model::chip::Chip;
use crate::model::{bench, password, provisioning};
use h5::obk::ObkSpec;
use h5::{H5Error, ObkFile, ObkRoute, Part, identify};
use regs::h5::device::Family;
use regs::h5::flash::{self, obkcfgr};
use regs::h5::{memory, rss};
use wire::ApSel;

const AP1: ApSel = ApSel(1);

fn file() -> ObkFile {
    ObkFile::build(&ObkSpec::new(Family::H562, &password("correct horse")))
}

fn obk_holds(chip: &Chip, file: &ObkFile) -> bool {
    let words: Vec<_> =
        file.to_bytes()[12..].chunks(4).map(|c| u32::from_le_bytes(c.try_into().unwrap())).collect();
    chip.obk[0][0x40..0x40 + words.len()] == words[..]
}

#[test]
fn the_direct_route_swaps_once_and_every_word_of_the_payload_is_secret() {
    let (mut adi, chip) = bench(provisioning);
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let report = part.provision_obk(&file(), ObkRoute::Direct).unwrap();
    assert_eq!((report.bytes, report.result), (0x60, None));
    let chip = chip.lock().unwrap();
    assert!(obk_holds(&chip, &file()));
    assert_eq!(chip.swaps, 1);
    assert!(chip.is_tidy());
    let obk: Vec<_> = chip.log.iter().filter(|t| t.at.wrapping_sub(memory::OBK) < memory::OBK_LEN).collect();
    assert_eq!(obk.len(), 24);
    assert!(obk.iter().all(|t| t.secret));
    let config = chip.written(flash::BASE + flash::NSOBKCFGR);
    assert!(config.iter().any(|v| v & obkcfgr::SWAP_OFFSET == obkcfgr::SWAP_OFFSET));
}

#[test]
fn the_wrong_level_is_an_error_that_names_it_and_nothing_is_swapped() {
    let (mut adi, chip) = bench(|c| c.hdpl = 0x6F);
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let e = part.provision_obk(&file(), ObkRoute::Direct).unwrap_err();
    assert!(e.to_string().contains("OBKERR") && e.to_string().contains("level 3"), "{e}");
    let chip = chip.lock().unwrap();
    assert_eq!(chip.swaps, 0);
    assert!(chip.is_tidy());
}

#[test]
fn the_service_is_called_the_core_put_back_and_the_staging_buffer_wiped() {
    let (mut adi, chip) = bench(|c| {
        provisioning(c);
        c.core[15] = 0x0BF9_7123;
        c.core[0] = 42;
    });
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let report = part.provision_obk(&file(), ObkRoute::Rsslib).unwrap();
    assert_eq!(report.result, Some(rss::result::SUCCESS));
    let chip = chip.lock().unwrap();
    assert!(obk_holds(&chip, &file()));
    assert_eq!((chip.core[15], chip.core[0], chip.halted), (0x0BF9_7123, 42, false));
    let staged = chip.log.iter().filter(|t| (0x2005_0000..0x2005_0080).contains(&t.at));
    assert!(staged.clone().count() >= 64 && staged.clone().all(|t| t.secret));
    assert!((0x2005_0000u32..0x2005_0080).step_by(4).all(|at| chip.words.get(&at) == Some(&0)));
}

#[test]
fn a_refusal_by_the_rom_and_a_service_that_never_returns_are_told_apart() {
    for route in [ObkRoute::Rsslib, ObkRoute::RssCommand] {
        let (mut adi, _chip) = bench(|c| c.service = Some(rss::result::CRC_ERROR));
        let id = identify(&mut adi, AP1).unwrap();
        let mut part = Part::new(&mut adi, AP1, id);
        let e = part.provision_obk(&file(), route).unwrap_err();
        assert!(matches!(e, H5Error::ObkRejected { code: 0xF5F5_8080, .. }), "{e}");
        let (mut adi, chip) = bench(|c| c.service = None);
        let id = identify(&mut adi, AP1).unwrap();
        let mut part = Part::new(&mut adi, AP1, id);
        let e = part.provision_obk(&file(), route).unwrap_err();
        let H5Error::TargetBusy { ref spent, .. } = e else { panic!("{e}") };
        assert_eq!(spent.key, "flash.service");
        let wiped = (0x2005_0000u32..0x2005_0080).step_by(4);
        assert!(wiped.into_iter().all(|at| chip.lock().unwrap().words.get(&at) == Some(&0)));
    }
}

#[test]
fn the_command_route_resets_once_and_reads_the_result() {
    let (mut adi, chip) = bench(provisioning);
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let report = part.provision_obk(&file(), ObkRoute::RssCommand).unwrap();
    assert_eq!(report.result, Some(rss::result::SUCCESS));
    let chip = chip.lock().unwrap();
    assert!(obk_holds(&chip, &file()) && chip.nrst);
    assert_eq!(chip.resets, 1);
}

#[test]
fn a_file_that_asks_for_encryption_is_not_written_directly() {
    let (mut adi, chip) = bench(provisioning);
    let id = identify(&mut adi, AP1).unwrap();
    let mut part = Part::new(&mut adi, AP1, id);
    let crypto = ObkFile::build(&ObkSpec::new(Family::H573, &password("correct horse")));
    let e = part.provision_obk(&crypto, ObkRoute::Direct).unwrap_err();
    assert!(matches!(e, H5Error::RouteRefused { route: ObkRoute::Direct, .. }), "{e}");
    assert_eq!(chip.lock().unwrap().log, []);
}
