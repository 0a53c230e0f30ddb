//! Debug authentication, regression, and what the bootloader does to the flash interface.

use super::bench::{FLASH, Rig, sample_payload};
use crate::bus::Chip;
use crate::knobs::{MS, US};
use regs::h5::da::{self, command, status, tlv};
use regs::h5::dbgmcu::{BASE_AP0, DBG_AUTH_ACK, DBG_AUTH_DEVICE, DBG_AUTH_HOST, ack};
use regs::h5::flash::{self as f, cr, sr};
use regs::h5::state::ProductState as S;
use regs::m33::{self, dhcsr};
use wire::Cable;

const HALT: u32 = dhcsr::KEY | dhcsr::C_DEBUGEN | dhcsr::C_HALT;

/// NRST low, magic, NRST high; the ROM's first word if it says one.
pub(super) fn enter(rig: &mut Rig) -> Option<u32> {
    rig.chip.drive_reset(true, rig.now);
    rig.wait(MS);
    rig.w0(BASE_AP0 + DBG_AUTH_HOST, da::MAGIC_HOST);
    rig.chip.drive_reset(false, rig.now);
    receive(rig)
}

pub(super) fn receive(rig: &mut Rig) -> Option<u32> {
    for _ in 0..100 {
        if rig.r0(BASE_AP0 + DBG_AUTH_ACK) & ack::DEVICE != 0 {
            return Some(rig.r0(BASE_AP0 + DBG_AUTH_DEVICE));
        }
        rig.wait(MS);
    }
    None
}

fn send(rig: &mut Rig, word: u32) {
    rig.w0(BASE_AP0 + DBG_AUTH_HOST, word);
    while rig.r0(BASE_AP0 + DBG_AUTH_ACK) & ack::HOST != 0 {
        rig.wait(10 * US);
    }
}

pub(super) fn ask(rig: &mut Rig, code: u16, data: &[u8]) -> (u16, Vec<u8>) {
    let words: Vec<_> = data
        .chunks(4)
        .map(|chunk| {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            u32::from_le_bytes(word)
        })
        .collect();
    send(rig, u32::from(code) << 16);
    send(rig, words.len() as u32);
    words.into_iter().for_each(|word| send(rig, word));
    let head = receive(rig).expect("an answer");
    let count = receive(rig).expect("a count");
    let bytes = (0..count).flat_map(|_| receive(rig).expect("data").to_le_bytes()).collect();
    ((head >> 16) as u16, bytes)
}

/// The items of a discovery.
fn items(mut bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut found = Vec::new();
    while bytes.len() >= tlv::HEAD {
        let kind = u16::from_le_bytes([bytes[2], bytes[3]]);
        let len = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]) as usize;
        found.push((kind, bytes[8..8 + len].to_vec()));
        bytes = &bytes[8 + len..];
    }
    assert!(bytes.iter().all(|byte| *byte == 0), "only padding to the word is left");
    found
}

fn item(rig: &mut Rig, kind: u16) -> Vec<u8> {
    let (status, bytes) = ask(rig, command::DISCOVERY, &[]);
    assert_eq!(status, status::SUCCESS);
    items(&bytes).into_iter().find(|(k, _)| *k == kind).expect("the item").1
}

pub(super) fn password(text: &[u8]) -> Vec<u8> {
    let mut item = vec![0, 0, 0, 0x80];
    item.extend((text.len() as u32).to_le_bytes());
    item.extend(text);
    item
}

fn closed(spec: &str) -> Rig {
    let mut rig = Rig::new(spec);
    rig.unlock();
    rig.program(FLASH, [0x2000_4000, FLASH + 0x201, 0, 0]);
    rig.set_state(S::PROVISIONING);
    assert_eq!(rig.write_obk(0x100, &sample_payload()) & sr::ERRORS, 0);
    rig.set_state(S::CLOSED);
    rig.nrst();
    rig
}

#[test]
fn discovery_tells_part_lifecycle_and_integrity() {
    let mut rig = Rig::new("h562");
    assert_eq!(enter(&mut rig), Some(da::MAGIC_DEVICE));
    assert_eq!(item(&mut rig, tlv::LIFECYCLE), [0xDE, 0x10]);
    assert_eq!(item(&mut rig, tlv::SOC_CLASS), 0x484u32.to_le_bytes());
    assert_eq!(item(&mut rig, tlv::ST_INTEGRITY), [0xF5; 4]);
    assert_eq!(item(&mut rig, tlv::HW_PERMISSION_MASK), [0; 16]);
    let uid = rig.chip.flash.nv.uid;
    let id = item(&mut rig, tlv::SOC_ID);
    assert_eq!(id[..12], uid);
    assert_eq!(id[12..], [0; 4]);
}

#[test]
fn discovery_of_a_closed_part_proves_closed_and_provisioned() {
    let mut rig = closed("h562");
    assert_eq!(enter(&mut rig), Some(da::MAGIC_DEVICE));
    assert_eq!(item(&mut rig, tlv::LIFECYCLE), [0x27, 0x30]);
    assert_eq!(item(&mut rig, tlv::ST_INTEGRITY), [0xEA; 4]);
    assert_eq!(item(&mut rig, tlv::HW_PERMISSION_MASK)[..4], 0x5077u32.to_le_bytes());
}

/// The bytes are those in ST's code for the N6, and in Arm's reference: the class second.
#[test]
fn the_life_cycle_can_stand_in_any_order_that_is_published() {
    for (order, open, shut) in [
        ("class-first", [0x20, 0xED], [0x20, 0x72]),
        ("class-second", [0xED, 0x10], [0x72, 0x30]),
        ("n6", [0xDE, 0x10], [0x27, 0x30]),
    ] {
        let spec = format!("h562,da.lifecycle={order}");
        for (mut rig, bytes) in [(Rig::new(&spec), open), (closed(&spec), shut)] {
            enter(&mut rig).unwrap();
            let told = item(&mut rig, tlv::LIFECYCLE);
            assert_eq!(told, bytes, "{order}");
            assert_eq!(da::lifecycle::state(&told), Some(rig.chip.state()), "{order}");
        }
    }
}

#[test]
fn the_rom_may_answer_the_magic_word_with_itself() {
    assert_eq!(enter(&mut Rig::new("h562,da.reply=echo")), Some(da::MAGIC_HOST));
}

#[test]
fn a_rom_that_wants_a_write_to_acknowledge_sends_nothing_more_until_it_comes() {
    let mut rig = Rig::new("h562,da.ack=write");
    assert_eq!(enter(&mut rig), Some(da::MAGIC_DEVICE));
    send(&mut rig, u32::from(command::DISCOVERY) << 16);
    send(&mut rig, 0);
    assert_eq!(receive(&mut rig), Some(da::MAGIC_DEVICE), "the old word still stands");
    rig.w0(BASE_AP0 + DBG_AUTH_ACK, 0);
    assert_eq!(receive(&mut rig), Some(u32::from(status::SUCCESS) << 16));
}

#[test]
fn the_right_password_erases_everything_and_opens_the_part() {
    let mut rig = closed("h562,kib=1024");
    assert!(rig.fails(FLASH));
    enter(&mut rig).unwrap();
    let (code, challenge) = ask(&mut rig, command::AUTH_START, &[]);
    assert_eq!((code, challenge.len()), (status::SUCCESS, 36));
    let (code, data) = ask(&mut rig, command::AUTH_RESPONSE, &password(b"0123456789012345"));
    assert_eq!((code, data.len()), (status::SUCCESS, 0));
    rig.wait(1000 * MS);
    assert_eq!(rig.state(), S::OPEN);
    assert_eq!(rig.r(FLASH), u32::MAX);
    assert!(rig.chip.flash.nv.credential().is_none());
    assert_ne!(rig.r(regs::h5::memory::UID), 0);
}

#[test]
fn a_wrong_password_is_status_1_and_changes_nothing() {
    let mut rig = closed("h562");
    let before = rig.chip.flash.nv.options;
    enter(&mut rig).unwrap();
    ask(&mut rig, command::AUTH_START, &[]);
    let (code, _) = ask(&mut rig, command::AUTH_RESPONSE, &password(b"0123456789012346"));
    assert_eq!(code, status::FAILURE);
    rig.wait(2000 * MS);
    assert_eq!(rig.chip.flash.nv.options, before);
    assert!(rig.chip.flash.nv.credential().is_some());
    assert_ne!(rig.chip.flash.nv.array.slot(0), Some([0xFF; 16]));
    ask(&mut rig, command::AUTH_START, &[]);
    let (code, _) = ask(&mut rig, command::AUTH_RESPONSE, &password(b"0123456789012345"));
    assert_eq!(code, status::SUCCESS, "the right one still works");
}

#[test]
fn an_answer_needs_a_challenge_and_a_known_command() {
    let mut rig = closed("h562");
    enter(&mut rig).unwrap();
    let (code, _) = ask(&mut rig, command::AUTH_RESPONSE, &password(b"0123456789012345"));
    assert_eq!(code, status::UNAUTHORIZED);
    assert_eq!(ask(&mut rig, 0x55, &[]).0, status::INVALID_COMMAND);
    assert_eq!(ask(&mut rig, command::LCS_CHANGE, &[]).0, status::UNSUPPORTED);
}

#[test]
fn challenges_differ_and_are_the_same_on_every_run() {
    let run = || {
        let mut rig = closed("h562");
        enter(&mut rig).unwrap();
        [ask(&mut rig, command::AUTH_START, &[]).1, ask(&mut rig, command::AUTH_START, &[]).1]
    };
    let [first, second] = run();
    assert_ne!(first, second);
    assert_eq!(run(), [first, second]);
}

#[test]
fn resume_boot_goes_on_as_without_a_session() {
    let mut rig = Rig::new("h562");
    enter(&mut rig).unwrap();
    assert_eq!(ask(&mut rig, command::RESUME_BOOT, &[]).0, status::SUCCESS);
    rig.wait(10 * MS);
    assert_ne!(rig.r(m33::DHCSR) & dhcsr::S_LOCKUP, 0);
}

#[test]
fn ap1_is_shut_in_a_session_in_provisioning_and_opens_when_the_boot_goes_on() {
    let mut rig = Rig::new("h562");
    rig.set_state(S::PROVISIONING);
    enter(&mut rig).unwrap();
    rig.wait(100 * MS);
    assert!(rig.fails(f::BASE));
    ask(&mut rig, command::RESUME_BOOT, &[]);
    rig.wait(100 * MS);
    assert_eq!(rig.state(), S::PROVISIONING);
}

#[test]
fn without_the_magic_word_under_reset_nobody_answers() {
    let mut rig = Rig::new("h562");
    rig.w0(BASE_AP0 + DBG_AUTH_HOST, da::MAGIC_HOST);
    assert_eq!(receive(&mut rig), None);
    rig.nrst();
    assert_eq!(receive(&mut rig), None, "a word written before the reset is gone");
    let mut rig = Rig::new("h562,nrst=unwired");
    assert_eq!(enter(&mut rig), None);
}

#[test]
fn a_locked_part_refuses_debug_authentication() {
    let mut rig = Rig::new("h562");
    rig.set_state(S::PROVISIONING);
    rig.write_obk(0x100, &sample_payload());
    rig.set_state(S::LOCKED);
    rig.nrst();
    assert_eq!(enter(&mut rig), None);
    assert_eq!(rig.r0(BASE_AP0), 0x1001_6484, "IDCODE is still readable");
}

#[test]
fn a_regression_cut_by_a_power_failure_goes_on_at_power_on() {
    for window in 1..=4 {
        let mut rig = closed("h562,kib=1024");
        rig.chip.knobs.cut_busy = Some((rig.chip.flash.windows + window, crate::knobs::CutAt::Middle));
        enter(&mut rig).unwrap();
        ask(&mut rig, command::AUTH_START, &[]);
        ask(&mut rig, command::AUTH_RESPONSE, &password(b"0123456789012345"));
        rig.wait(1000 * MS);
        assert!(!rig.chip.powered(rig.now), "window {window}");
        rig.power_cycle();
        rig.wait(1000 * MS);
        if window > 1 {
            assert_eq!(rig.state(), S::OPEN, "window {window}");
            assert_eq!(rig.r(FLASH), u32::MAX);
        }
    }
}

#[test]
fn an_h503_checks_the_hash_in_its_otp() {
    let mut rig = Rig::new("h503");
    rig.unlock();
    rig.fw(f::NSCR, cr::PG);
    let hash = regs::h5::obk::PUBLIC_SAMPLES[1].credential;
    for (i, half) in (0..).zip(hash.chunks(2)) {
        let value = u32::from(u16::from_le_bytes([half[0], half[1]]));
        rig.access(1, regs::h5::memory::OTP + 2 * i, wire::Width::Half, Some(value));
        rig.idle();
    }
    rig.set_state(S::PROVISIONING);
    enter(&mut rig).unwrap();
    assert_eq!(item(&mut rig, tlv::ST_INTEGRITY), [0xEA; 4]);
    ask(&mut rig, command::AUTH_START, &[]);
    let bytes: Vec<u8> = (0..12).collect();
    assert_eq!(ask(&mut rig, command::AUTH_RESPONSE, &password(&bytes)).0, status::SUCCESS);
    rig.wait(1000 * MS);
    assert_eq!(rig.state(), S::OPEN);
}

pub(super) fn provisioning_after_reset(spec: &str) -> Rig {
    let mut rig = Rig::new(spec);
    rig.set_state(S::PROVISIONING);
    rig.nrst();
    rig.wait(100 * MS);
    rig
}

/// Whether BSY is 1 in every one of 250 polls, a bit more than a millisecond apart.
fn always_busy(rig: &mut Rig) -> bool {
    (0..250).all(|_| {
        rig.wait(1007 * US);
        rig.fr(f::NSSR) & sr::BSY != 0
    })
}

#[test]
fn a_halted_bootloader_with_a_live_host_keeps_the_flash_busy() {
    let spec = "h562,usb=data,rom.usb=halted-owner";
    let mut rig = provisioning_after_reset(spec);
    assert!(!always_busy(&mut rig));
    rig.w(m33::DHCSR, HALT);
    assert!(always_busy(&mut rig));
    assert_eq!(rig.r(m33::ICSR), 90);
    rig.w(m33::DHCSR, dhcsr::KEY | dhcsr::C_DEBUGEN);
    assert!(!always_busy(&mut rig));
}

#[test]
fn a_running_bootloader_with_a_live_host_is_busy_for_less_than_a_millisecond_at_a_time() {
    let mut rig = provisioning_after_reset("h562,usb=data,rom.usb=halted-owner");
    let mut seen = 0;
    for _ in 0..50 {
        let start = rig.now;
        while rig.fr(f::NSSR) & sr::BSY != 0 {
            seen += 1;
            rig.wait(10 * US);
        }
        assert!(rig.now - start <= MS);
        rig.wait(130 * US);
    }
    assert!(seen > 0);
    assert_eq!(rig.write_obk(0x100, &sample_payload()) & sr::ERRORS, 0);
    assert!(rig.chip.flash.nv.credential().is_some());
}

#[test]
fn nothing_of_this_happens_without_cable_without_reset_or_with_the_setting_off() {
    for spec in ["h562,rom.usb=halted-owner", "h562,usb=charge,rom.usb=halted-owner", "h562,usb=data"] {
        let mut rig = provisioning_after_reset(spec);
        rig.w(m33::DHCSR, HALT);
        assert_eq!(rig.fr(f::NSSR) & sr::BSY, 0, "{spec}");
    }
    for mechanism in ["halted-owner", "slow-service"] {
        let mut rig = Rig::new(&format!("h562,usb=data,rom.usb={mechanism}"));
        rig.set_state(S::PROVISIONING);
        rig.w(m33::DHCSR, HALT);
        assert_eq!(rig.write_obk(0x100, &sample_payload()) & sr::ERRORS, 0);
    }
}

#[test]
fn slow_service_is_busy_until_enumeration_is_over_halted_or_not() {
    let mut rig = provisioning_after_reset("h562,usb=data,rom.usb=slow-service,rom.usb.ms=1000");
    assert!(always_busy(&mut rig));
    rig.w(m33::DHCSR, HALT);
    assert!(always_busy(&mut rig));
    rig.wait(600 * MS);
    assert_eq!(rig.fr(f::NSSR) & sr::BSY, 0);
}

#[test]
fn pulling_the_cable_lets_the_flash_go() {
    let mut rig = provisioning_after_reset("h562,usb=data,rom.usb=halted-owner");
    rig.w(m33::DHCSR, HALT);
    assert_ne!(rig.fr(f::NSSR) & sr::BSY, 0);
    rig.chip.pins.cable = Cable::Out;
    assert_eq!(rig.fr(f::NSSR) & sr::BSY, 0);
}

#[test]
fn an_operation_asked_for_meanwhile_waits_and_is_done_when_the_core_goes_on() {
    let mut rig = provisioning_after_reset("h562,usb=data,rom.usb=halted-owner");
    rig.w(m33::DHCSR, HALT);
    rig.unlock();
    rig.fw(f::NSCR, cr::SER | cr::STRT);
    rig.wait(500 * MS);
    assert_ne!(rig.fr(f::NSSR) & sr::BSY, 0);
    rig.w(m33::DHCSR, dhcsr::KEY | dhcsr::C_DEBUGEN);
    rig.wait(10 * MS);
    assert_ne!(rig.fr(f::NSSR) & sr::EOP, 0);
}
