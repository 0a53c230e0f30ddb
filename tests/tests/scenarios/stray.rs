//! No word ever lands at a wrong address, however the probe's patience with WAIT ends: with any number of packets under way, on
//! any probe, at any pace, whatever the bus does while the flash is busy.
//!
//! Every word of the image is another one, so a word at another's place is seen. What is not the image's must be what was
//! there before, or blank.

use ackwait_tests::bill::FLASH;
use ackwait_tests::{AP1, Rig, options};
use adi::Attach;
use h5::{FlashPace, FlashRange, H5Error, Part, ProgramReport};
use pace::{Patience, Policy};
use proptest::prelude::*;
use provision::Exit;
use regs::h5::flash::{ERASED, SECTOR};
use session::Options;
use std::collections::BTreeMap;
use std::time::Duration;
use wire::{Addr, Attr, Hz};

/// Where the SRAM test works.
const SRAM: Addr = Addr(0x2000_0400);

/// Transactions that attaching, identifying and erasing take at least.
const AFTER_ERASE: u64 = 150;

/// The world in which one case takes place.
#[derive(Debug, Clone)]
struct World {
    probe: &'static str,
    /// Most packets under way.
    packets: u8,
    swclk: Hz,
    bus: &'static str,
    /// How long a quad-word takes.
    quad_us: u32,
    /// Tries of ST-Link firmware.
    stlink_tries: u16,
    /// WAITs out of nowhere: from which transaction on, and how many.
    storms: Vec<(u64, u64)>,
    /// The patience with which words are written.
    probe_tries: u32,
    adi_tries: u32,
    abort: bool,
}

impl World {
    fn scenario(&self) -> String {
        let World { probe, bus, quad_us, stlink_tries, .. } = self;
        let mut text =
            format!("h562,{probe},flash.bus={bus},time.quad={quad_us},stlink.retry={stlink_tries}");
        self.storms.iter().for_each(|(from, n)| text += &format!(",wait={from}:{n}"));
        text
    }

    /// A rig that is attached, with patience for everything.
    fn rig(&self) -> Rig {
        let mut policy = Policy::default();
        policy.usb.in_flight = self.packets;
        policy.adi.wait = Patience::ms(120_000);
        let mut rig = Rig::with(&self.scenario(), &Options { policy, swclk: self.swclk, ..options() });
        rig.adi().attach(&Attach::HOTPLUG).expect("attached");
        rig
    }

    /// The patience that may end in the middle of a block. `flash.program` is as short as a pace needs to be tried at all.
    fn short(&self, patient: &Policy) -> Policy {
        let mut policy = patient.clone();
        policy.probe.wait = Patience::Tries(self.probe_tries);
        policy.adi.wait = Patience::Tries(self.adi_tries);
        policy.adi.abort = self.abort;
        policy.flash.program = Patience::Time(Duration::from_micros(1));
        policy
    }
}

fn worlds() -> impl Strategy<Value = World> {
    let probes =
        ["profile=hs", "profile=fs", "profile=hid", "probe=stlink-v2", "probe=stlink-v21", "probe=stlink-v3"];
    let storm = (AFTER_ERASE..3000, prop_oneof![1..20u64, 20..1500u64]);
    let wire =
        (prop::sample::select(probes.to_vec()), 1..=8u8, prop::sample::select(&[1000u32, 4000, 10_000][..]));
    let flash =
        (prop::sample::select(&["stall", "buffered", "drop"][..]), prop_oneof![5..200u32, 200..5000u32]);
    let patience = (prop_oneof![0..10u32, 10..2000u32], 0..6u32, any::<bool>(), 1..200u16);
    let storms = prop::collection::vec(storm, 0..4);
    (wire, flash, patience, storms).prop_map(|(wire, flash, patience, storms)| {
        let ((probe, packets, khz), (bus, quad_us)) = (wire, flash);
        let (probe_tries, adi_tries, abort, stlink_tries) = patience;
        let swclk = Hz::khz(khz);
        World { probe, packets, swclk, bus, quad_us, stlink_tries, storms, probe_tries, adi_tries, abort }
    })
}

/// A word that no other place has.
fn own(at: u32) -> u32 {
    // An odd factor keeps words apart; the addresses used here never give a blank one.
    at.wrapping_mul(0x9E37_79B1)
}

fn bytes_of(at: Addr, len: u32) -> Vec<u8> {
    (0..len / 4).flat_map(|n| own(at.0 + n * 4).to_le_bytes()).collect()
}

/// The words of the flash that are not blank, as the chip has them.
fn flash_words(rig: &mut Rig) -> BTreeMap<u32, u32> {
    let device = rig.session().device().expect("a simulated probe");
    let device = device.borrow();
    let sectors = device.board().sectors().flat_map(|(number, bytes, torn)| {
        assert!(!torn, "sector {number}: only a power cut tears a slot");
        let words = bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
        (FLASH.0 + number * SECTOR..).step_by(4).zip(words).collect::<Vec<_>>()
    });
    sectors.filter(|(_, word)| *word != ERASED).collect()
}

fn ram_words(rig: &mut Rig, len: u32) -> Vec<u32> {
    let device = rig.session().device().expect("a simulated probe");
    let bytes = device.borrow().board().ram(SRAM.0, len);
    bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
}

fn program(part: &mut Part<'_>, range: (Addr, u32), pace: FlashPace) -> Result<ProgramReport, H5Error> {
    part.program_verified(range.0, &bytes_of(range.0, range.1), pace, &mut |_| {})
}

fn erase(part: &mut Part<'_>, at: Addr, len: u32) -> Result<(), H5Error> {
    part.erase(&FlashRange::covering(at, len), &mut |_| {}).map(drop)
}

/// What one case was about, for the count at the end.
#[derive(Debug, Default)]
struct Seen {
    cases: u32,
    whole: u32,
    fallbacks: u32,
    errors: BTreeMap<u8, u32>,
}

impl Seen {
    fn show(&self, title: &str) {
        let Seen { cases, whole, fallbacks, errors } = self;
        println!(
            "{title}: {cases} cases, {whole} whole ({fallbacks} at a slower pace), exit codes {errors:?}"
        );
    }
}

/// Programs under a short patience; whatever came of it, what stands in the flash stands where it belongs.
fn flash_case(
    world: &World,
    pace: FlashPace,
    offset: u32,
    len: u32,
    seen: &mut Seen,
) -> Result<(), TestCaseError> {
    let mut rig = world.rig();
    let (at, before) = (FLASH.plus(offset), (FLASH, 64));
    let patient = rig.adi().policy().clone();
    let short = world.short(&patient);
    // Somebody else's words are in the first sector.
    with_patience(&mut rig, |part| {
        erase(part, FLASH, offset + len)?;
        program(part, before, FlashPace::Poll)
    });
    let mut part = rig.part();
    part.adi().set_policy(short).expect("set");
    let result = program(&mut part, (at, len), pace);
    let stand = flash_words(&mut rig);
    for (at, word) in &stand {
        prop_assert_eq!(*word, own(*at), "at {:#010x}, after {:?}", at, result.as_ref().map(drop));
        let place = at - FLASH.0;
        prop_assert!(place < before.1 || (offset..offset + len).contains(&place), "{:#010x} was blank", at);
    }
    seen.cases += 1;
    match &result {
        Ok(report) => {
            prop_assert_eq!(stand.len() as u32, (before.1 + len) / 4, "called whole: {:?}", report);
            seen.whole += 1;
            seen.fallbacks += u32::from(!report.fallbacks.is_empty());
        }
        Err(error) => *seen.errors.entry(Exit::from(error).code()).or_default() += 1,
    }
    if result.is_err() {
        rig.adi().set_policy(patient).expect("set");
        with_patience(&mut rig, |part| {
            erase(part, FLASH, offset + len)?;
            program(part, (at, len), FlashPace::Poll)
        });
        prop_assert_eq!(flash_words(&mut rig).len() as u32, len / 4);
    }
    Ok(())
}

/// Again and again until every storm is over: an ST-Link that gives up does not tell how far it got, and keys that were lost
/// want a reset.
fn with_patience(rig: &mut Rig, mut act: impl FnMut(&mut Part<'_>) -> Result<ProgramReport, H5Error>) {
    let mut once = || {
        let done = act(&mut rig.part());
        if done.is_err() {
            rig.adi().pulse_reset().and_then(|()| rig.adi().reconnect()).expect("reset");
        }
        done
    };
    assert!((0..50).any(|_| once().is_ok()), "no storm lasts for ever: {:?}", once());
}

/// A block of SRAM under a short patience: each word is the old or the new one, and all are new where that is said.
fn ram_case(world: &World, len: u32, seen: &mut Seen) -> Result<(), TestCaseError> {
    let mut rig = world.rig();
    let old: Vec<u32> = (0..len / 4).map(|n| !own(SRAM.0 + n * 4)).collect();
    let new: Vec<u32> = (0..len / 4).map(|n| own(SRAM.0 + n * 4)).collect();
    write_with_patience(&mut rig, &old);
    let patient = rig.adi().policy().clone();
    let short = world.short(&patient);
    rig.adi().set_policy(short).expect("set");
    let result = rig.adi().write_words(AP1, Attr::Default, SRAM, &new);
    let stand = ram_words(&mut rig, len);
    for (n, word) in stand.iter().enumerate() {
        prop_assert!([old[n], new[n]].contains(word), "word {} is {:#010x} after {:?}", n, word, result);
    }
    seen.cases += 1;
    match result {
        Ok(()) => {
            prop_assert_eq!(&stand, &new);
            seen.whole += 1;
        }
        Err(error) => *seen.errors.entry(Exit::from(&error).code()).or_default() += 1,
    }
    rig.adi().set_policy(patient).expect("set");
    write_with_patience(&mut rig, &new);
    prop_assert_eq!(ram_words(&mut rig, len), new);
    Ok(())
}

fn write_with_patience(rig: &mut Rig, words: &[u32]) {
    let mut once = || rig.adi().write_words(AP1, Attr::Default, SRAM, words);
    assert!((0..5000).any(|_| once().is_ok()), "no storm lasts for ever");
}

const CASES: u32 = 300;

fn cases<S: Strategy>(strategy: S, mut case: impl FnMut(S::Value) -> Result<(), TestCaseError>) {
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    // The same cases on every machine; PROPTEST_CASES for more of them.
    let config = Config { failure_persistence: None, ..Config::with_cases(CASES) };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let case = std::cell::RefCell::new(&mut case);
    let run = TestRunner::new_with_rng(config, rng).run(&strategy, |value| (case.borrow_mut())(value));
    if let Err(failure) = run {
        unreachable!("{failure}");
    }
}

#[test]
fn a_word_of_the_image_is_at_its_own_place_or_nowhere_however_patience_ends() {
    let mut seen = Seen::default();
    let paces = prop::sample::select(&FlashPace::ALL[..]);
    let places = (4..600u32).prop_map(|n| n * 16);
    cases((worlds(), paces, places, 1..256u32), |(world, pace, offset, quads)| {
        flash_case(&world, pace, offset, quads * 16, &mut seen)
    });
    seen.show("flash");
    assert!(seen.whole > CASES / 10 && seen.errors.values().sum::<u32>() > CASES / 10, "both happen");
}

#[test]
fn a_word_of_a_block_of_ram_is_at_its_own_place_or_not_yet_written_however_patience_ends() {
    let mut seen = Seen::default();
    cases((worlds(), 1..1500u32), |(world, words)| ram_case(&world, words * 4, &mut seen));
    seen.show("SRAM");
    assert!(seen.whole > CASES / 10 && seen.errors.values().sum::<u32>() > 0, "both happen");
}
