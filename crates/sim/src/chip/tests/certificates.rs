//! Authentication by certificates on the whole part: what each permission does to it.

use super::bench::{FLASH, Rig};
use super::rom::{ask, enter, password};
use crate::bus::{Chip, Outcome, Request};
use crate::chip::{SLOT, Slot};
use crate::knobs::MS;
use crate::rom::chain::tests::{Draft, certificate, public, token};
use regs::h5::adac::role;
use regs::h5::da::{command, permission as p, status, tlv};
use regs::h5::dbgmcu::{BASE_AP0, CR, SR, cr as dbgmcu_cr};
use regs::h5::flash as f;
use regs::h5::option;
use regs::h5::state::ProductState as S;
use sha2::{Digest, Sha256};
use wire::Width;

const ALL: u32 = 0x5077;
/// Where a second sector begins, which is not secure here.
const SECOND: u32 = FLASH + f::SECTOR;

/// A part with TrustZone on and the hash of root key 1, in this state; the first sector of each bank is secure.
fn part(spec: &str, state: S) -> Rig {
    let mut rig = Rig::new(spec);
    rig.unlock();
    rig.program(FLASH, [0x2000_4000, FLASH + 0x201, 0, 0]);
    rig.program(SECOND, [1, 2, 3, 4]);
    rig.set_option(f::SECWM1R_CUR + 4, 0);
    rig.set_option(f::SECWM2R_CUR + 4, 0);
    let optsr2 = rig.fr(f::OPTSR2_CUR) & !option::TZEN;
    rig.set_option(f::OPTSR2_CUR + 4, optsr2 | option::ON << option::TZEN_SHIFT);
    rig.set_state(S::PROVISIONING);
    let mut covered = Sha256::digest(public(1)).to_vec();
    covered.extend(ALL.to_le_bytes());
    covered.resize(64, 0);
    let payload = [Sha256::digest(&covered).to_vec(), covered].concat();
    let encrypted = rig.chip.device().crypto;
    for (slot, bytes) in (0x100 / SLOT..).zip(payload.as_chunks::<SLOT>().0) {
        rig.chip.flash.nv.obk.write(false, slot, Slot::Written { bytes: *bytes, encrypted });
    }
    rig.set_state(state);
    rig.nrst();
    rig
}

fn response(rig: &mut Rig, kind: u16, bytes: &[u8]) -> u16 {
    let mut item = vec![0, 0];
    item.extend(kind.to_le_bytes());
    item.extend((bytes.len() as u32).to_le_bytes());
    item.extend(bytes);
    ask(rig, command::AUTH_RESPONSE, &item).0
}

/// A session, a root, a leaf, and a token for `wanted`: the last status.
fn authenticate(rig: &mut Rig, leaf: Draft, wanted: u32) -> u16 {
    enter(rig).unwrap();
    let challenge = ask(rig, command::AUTH_START, &[]).1[4..].to_vec();
    let root = certificate(role::ROOT, 1, ALL).by(1);
    assert_eq!(response(rig, tlv::CERTIFICATE, &root), status::NEED_MORE_DATA);
    assert_eq!(response(rig, tlv::CERTIFICATE, &leaf.by(1)), status::NEED_MORE_DATA);
    response(rig, tlv::TOKEN, &token(wanted).over(&challenge, 3))
}

fn leaf() -> Draft {
    certificate(role::LEAF, 3, ALL)
}

fn ap1_is_open(rig: &mut Rig) -> bool {
    rig.r0(BASE_AP0 + SR) & 1 << 17 != 0
}

/// A read of a word with a secure transaction, where the part lets one through.
fn secure_read(rig: &mut Rig, at: u32) -> Option<u32> {
    let secure = rig.chip.ap(1, rig.now).unwrap().secure_enabled;
    match rig.chip.access(&Request { ap: 1, at, width: Width::Word, write: None, secure }, rig.now) {
        Outcome::Done { value, .. } => Some(value),
        _ => None,
    }
}

#[test]
fn a_full_regression_opens_the_part_erased_and_with_trust_zone_off() {
    for family in ["h563,kib=1024", "h573,kib=1024"] {
        let mut rig = part(family, S::CLOSED);
        assert!(!ap1_is_open(&mut rig));
        assert_eq!(authenticate(&mut rig, leaf(), p::FULL_REGRESSION), status::SUCCESS);
        rig.wait(1000 * MS);
        assert_eq!(rig.state(), S::OPEN, "{family}");
        assert_eq!((rig.r(FLASH), rig.r(SECOND)), (u32::MAX, u32::MAX));
        assert!(!rig.chip.flash.trust_zone());
    }
}

#[test]
fn a_partial_regression_keeps_what_is_secure_and_ends_in_tz_closed() {
    for window in [None, Some(1), Some(3)] {
        let mut rig = part("h563,kib=1024", S::CLOSED);
        let busy = rig.chip.flash.windows;
        rig.chip.knobs.cut_busy = window.map(|n| (busy + n, crate::knobs::CutAt::Middle));
        assert_eq!(authenticate(&mut rig, leaf(), p::TO_TZ_REGRESSION), status::SUCCESS);
        rig.wait(1000 * MS);
        if window.is_some() {
            rig.power_cycle();
            rig.wait(1000 * MS);
        }
        if window != Some(1) {
            assert_eq!(rig.chip.state(), S::TZ_CLOSED, "{window:?}");
            assert_eq!(rig.r(SECOND), u32::MAX);
        }
        assert_eq!(rig.chip.look(FLASH + 1), Some(0x40), "secure code stays");
        assert!(rig.chip.flash.nv.credential().is_some() && rig.chip.flash.trust_zone());
    }
}

#[test]
fn intrusive_debug_of_level_1_opens_the_port_for_secure_accesses_until_a_reset() {
    let mut rig = part("h563", S::CLOSED);
    assert_eq!(authenticate(&mut rig, leaf(), p::LEVEL1_INTRUSIVE_DEBUG), status::SUCCESS);
    rig.wait(100 * MS);
    assert!(!ap1_is_open(&mut rig), "the ROM waits");
    assert_eq!(ask(&mut rig, command::RESUME_BOOT, &[]).0, status::SUCCESS);
    rig.wait(100 * MS);
    assert!(ap1_is_open(&mut rig));
    assert_eq!(secure_read(&mut rig, FLASH), Some(0x2000_4000));
    assert_eq!(rig.r(SECOND), 1);
    rig.nrst();
    assert!(!ap1_is_open(&mut rig));
}

#[test]
fn non_secure_debug_shows_nothing_that_is_secure() {
    let mut rig = part("h563,da.resume=itself", S::CLOSED);
    assert_eq!(authenticate(&mut rig, leaf(), p::LEVEL1_NON_SECURE_DEBUG), status::SUCCESS);
    rig.wait(100 * MS);
    assert!(ap1_is_open(&mut rig));
    assert_eq!(secure_read(&mut rig, FLASH), Some(0));
    assert_eq!(rig.r(SECOND), 1);
}

#[test]
fn debug_of_a_level_that_is_not_reached_stays_shut_unless_the_setting_says_otherwise() {
    for (spec, open) in [("h563", false), ("h563,da.level=boot", true)] {
        let mut rig = part(spec, S::CLOSED);
        assert_eq!(authenticate(&mut rig, leaf(), p::LEVEL3_INTRUSIVE_DEBUG), status::SUCCESS);
        ask(&mut rig, command::RESUME_BOOT, &[]);
        rig.wait(100 * MS);
        assert_eq!(ap1_is_open(&mut rig), open, "{spec}");
    }
}

/// `ldr r0, =SBS_HDPLCR; movs r1, #0x6A; str r1, [r0]; str r1, [r0]; b .`, where the vectors lead.
const TO_LEVEL_3: [u32; 4] = [0x216A_4802, 0x6001_6001, 0xBF00_E7FE, 0x4400_0410];

#[test]
fn debug_of_level_3_opens_when_the_program_gets_there() {
    let mut rig = part("h563", S::CLOSED);
    let bytes: Vec<u8> = TO_LEVEL_3.iter().flat_map(|word| word.to_le_bytes()).collect();
    rig.chip.flash.nv.array.program(0x200, &bytes.try_into().unwrap());
    assert_eq!(authenticate(&mut rig, leaf(), p::LEVEL3_INTRUSIVE_DEBUG), status::SUCCESS);
    ask(&mut rig, command::RESUME_BOOT, &[]);
    rig.wait(100 * MS);
    assert!(ap1_is_open(&mut rig));
    assert_eq!(secure_read(&mut rig, FLASH), Some(0x2000_4000));
}

#[test]
fn dcrt_keeps_debug_open_over_a_system_reset_and_lock_debug_takes_it_back() {
    let mut rig = part("h563", S::CLOSED);
    authenticate(&mut rig, leaf(), p::LEVEL1_INTRUSIVE_DEBUG);
    ask(&mut rig, command::RESUME_BOOT, &[]);
    rig.wait(100 * MS);
    rig.w0(BASE_AP0 + CR, dbgmcu_cr::DCRT);
    rig.nrst();
    assert!(ap1_is_open(&mut rig));
    enter(&mut rig).unwrap();
    assert!(!ap1_is_open(&mut rig), "shut while the ROM talks");
    assert_eq!(ask(&mut rig, command::LOCK_DEBUG, &[]).0, status::SUCCESS);
    rig.nrst();
    assert!(!ap1_is_open(&mut rig));
    authenticate(&mut rig, leaf(), p::LEVEL1_INTRUSIVE_DEBUG);
    ask(&mut rig, command::RESUME_BOOT, &[]);
    rig.power_cycle();
    assert!(!ap1_is_open(&mut rig), "power goes, and with it the credentials");
}

#[test]
fn lock_debug_keeps_the_port_shut_until_a_reset() {
    let mut rig = part("h563", S::PROVISIONING);
    assert!(ap1_is_open(&mut rig));
    enter(&mut rig).unwrap();
    ask(&mut rig, command::LOCK_DEBUG, &[]);
    ask(&mut rig, command::RESUME_BOOT, &[]);
    rig.wait(100 * MS);
    assert!(!ap1_is_open(&mut rig));
    rig.nrst();
    assert!(ap1_is_open(&mut rig));
}

#[test]
fn a_refusal_changes_nothing_and_asks_for_a_new_challenge() {
    let mut rig = part("h563", S::CLOSED);
    let before = rig.chip.flash.nv.options;
    let narrow = certificate(role::LEAF, 3, p::LEVEL3_INTRUSIVE_DEBUG);
    assert_eq!(authenticate(&mut rig, narrow, p::FULL_REGRESSION), status::FAILURE);
    let root = certificate(role::ROOT, 1, ALL).by(1);
    assert_eq!(response(&mut rig, tlv::CERTIFICATE, &root), status::UNAUTHORIZED);
    // The token of an earlier challenge.
    let old = ask(&mut rig, command::AUTH_START, &[]).1[4..].to_vec();
    ask(&mut rig, command::AUTH_START, &[]);
    response(&mut rig, tlv::CERTIFICATE, &root);
    let replayed = token(p::FULL_REGRESSION).over(&old, 1);
    assert_eq!(response(&mut rig, tlv::TOKEN, &replayed), status::FAILURE);
    // A token before any certificate, and a password.
    let challenge = ask(&mut rig, command::AUTH_START, &[]).1[4..].to_vec();
    let early = token(p::FULL_REGRESSION).over(&challenge, 1);
    assert_eq!(response(&mut rig, tlv::TOKEN, &early), status::FAILURE);
    ask(&mut rig, command::AUTH_START, &[]);
    assert_eq!(ask(&mut rig, command::AUTH_RESPONSE, &password(b"0123")).0, status::UNSUPPORTED);
    rig.wait(1000 * MS);
    assert_eq!(rig.chip.flash.nv.options, before);
    assert_eq!(rig.chip.look(FLASH + 1), Some(0x40));
}

#[test]
fn a_part_for_passwords_takes_no_certificate() {
    let mut rig = Rig::new("h563");
    enter(&mut rig).unwrap();
    ask(&mut rig, command::AUTH_START, &[]);
    let root = certificate(role::ROOT, 1, ALL).by(1);
    assert_eq!(response(&mut rig, tlv::CERTIFICATE, &root), status::UNSUPPORTED);
}
