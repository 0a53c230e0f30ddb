//! The text behind `sim:`: which board, and how the world around it behaves.
//!
//! `h562,state=board.json,usb=data,rom.usb=halted-owner`: the part first (`h562` when left out), then `key=value`
//! items. Keys of the chip and the board are in [`crate::knobs`]; keys of the probe and the wire are named in
//! [`PROBE_KEYS`] and handed on as they are. In place of the part the name of a cause may stand (`cause-05`, see
//! [`crate::causes`]). A number may be a range, `3..9`: which one it is follows from `seed`.

use crate::knobs::{GUESSES, Guess, Knobs, PLAIN, Plain};
use regs::h5::device::Family;
use std::path::{Path, PathBuf};

/// Keys that the probe's half reads for itself. `cut=tx:N` goes there too.
pub(crate) const PROBE_KEYS: &[Plain] = &[
    ("probe", "cmsis-dap|stlink-v2|stlink-v21|stlink-v3"),
    ("profile", "hs|fs|hid: the USB of a CMSIS-DAP probe"),
    (
        "firmware",
        "reference|debugprobe|picoprobe-old|daplink|daplink-old|free-dap|dap-rs|edbg|kitprog3|wch-link|orbtrace|mcu-link|jlink-dap: who made a CMSIS-DAP probe",
    ),
    ("serial", "1 to 126 letters and digits: serial number of the probe; each kind has its own"),
    ("stlink.fw", "firmware of an ST-Link of that kind, like V2J37S7, V2J37M26 or V3J13M4"),
    ("stlink.mode", "mass|dfu|debug|swim: the mode that an ST-Link is found in"),
    ("stlink.pid", "0x374B: the USB product number of an ST-Link, one of its kind"),
    ("start", "jtag|dormant: what the debug port listens to after power-up"),
    ("truth", "off|on: keep a log of everything on the wire"),
    ("wait", "N:n: from transaction N on, n answers WAIT; may be said more than once"),
    ("parity", "N: wrong parity in transaction N"),
    ("noack", "N: no answer to transaction N"),
    ("fault", "ADDRESS: the bus answers with an error there"),
    ("unplug", "N: the probe is pulled out at packet N"),
    ("lost", "N: answer N is lost"),
    ("delay", "N:ms: answer N is late"),
    ("dup", "N: answer N comes twice"),
    ("corrupt", "N: answer N is changed"),
    ("half", "N: answer N ends after half of its bytes"),
    ("stall", "N: packet N is refused with STALL"),
    ("hang", "N: from packet N on the probe takes packets and does nothing"),
    ("short", "N: CMSIS-DAP transfer N of several operations does half of them and says OK"),
    ("stale", "N: N answers lie in the probe that a killed host has asked for"),
];

/// The part when none is named.
const DEFAULT_PART: Family = Family::H562;

/// What a scenario text says.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The part, if one is named.
    pub(crate) family: Option<Family>,
    /// Flash size in KiB, if it is named.
    pub(crate) kib: Option<u16>,
    /// Unique id of a factory-new board.
    pub(crate) uid: Option<[u8; 12]>,
    /// Board file.
    pub(crate) state: Option<PathBuf>,
    /// Settings of chip and board.
    pub(crate) knobs: Knobs,
    /// Items for the probe and the wire, in order.
    pub(crate) probe: Vec<(String, String)>,
}

/// Why a scenario text was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// The part is not in the device table.
    #[error("no simulated part is called {name:?}; known: {known}")]
    UnknownPart {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A key that nobody reads.
    #[error("a scenario has no key {key:?}; known: {known}")]
    UnknownKey {
        /// The key.
        key: String,
        /// All keys.
        known: String,
    },
    /// An item that is no `key=value`.
    #[error("{item:?} is no key=value item of a scenario")]
    NotAnItem {
        /// The item.
        item: String,
    },
    /// A report that cannot be used.
    #[error("{file} is no report of a survey: {why}")]
    Survey {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// A value that does not fit its key.
    #[error("{key}={value}: expected {choices}")]
    BadValue {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What would fit.
        choices: String,
    },
}

impl Scenario {
    /// A factory-new part with everything at its default.
    #[must_use]
    pub fn of(family: Family) -> Self {
        Scenario {
            family: Some(family),
            kib: None,
            uid: None,
            state: None,
            knobs: Knobs::default(),
            probe: Vec::new(),
        }
    }

    /// The file that keeps the board, if one is named.
    #[must_use]
    pub fn board_file(&self) -> Option<&Path> {
        self.state.as_deref()
    }

    /// The part, named or not.
    pub(crate) fn part(&self) -> Family {
        self.family.unwrap_or(DEFAULT_PART)
    }

    /// Reads the text after `sim:`. An empty text is an STM32H562 with everything at its default.
    ///
    /// # Errors
    /// [`ScenarioError`], with the known keys or the fitting values.
    pub fn parse(spec: &str) -> Result<Self, ScenarioError> {
        let first = spec.split(',').next().unwrap_or_default().trim();
        if let Some(named) = crate::causes::text(first) {
            let rest = spec.split_once(',').map_or("", |(_, rest)| rest);
            return Scenario::parse(&format!("{named},{rest}"));
        }
        let mut items = spec.split(',').map(str::trim).filter(|item| !item.is_empty()).peekable();
        let seed = spec.split(',').filter_map(|item| item.trim().strip_prefix("seed=")).next_back();
        let seed = seed.and_then(|seed| seed.trim().parse().ok()).unwrap_or_default();
        let mut scenario = match items.peek() {
            Some(first) if !first.contains('=') => {
                let family = Family::from_name(first).ok_or_else(|| unknown_part(first))?;
                items.next();
                Scenario::of(family)
            }
            _ => Scenario { family: None, ..Scenario::of(DEFAULT_PART) },
        };
        for item in items {
            let Some((key, value)) = item.split_once('=') else {
                return Err(ScenarioError::NotAnItem { item: item.to_owned() });
            };
            let (key, value) = (key.trim(), value.trim());
            scenario.set(key, chosen(key, value, seed).as_deref().unwrap_or(value))?;
        }
        Ok(scenario)
    }

    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<(), ScenarioError> {
        let fits = match key {
            "state" => {
                self.state = Some(PathBuf::from(value));
                !value.is_empty()
            }
            "kib" => {
                let sizes = self.part().device().flash_kib;
                self.kib = value.parse().ok().filter(|kib| sizes.contains(kib));
                if self.kib.is_none() {
                    return Err(bad(key, value, &format!("{sizes:?}")));
                }
                true
            }
            "survey" => {
                self.load_survey(value)?;
                true
            }
            "uid" => {
                self.uid = parse_uid(value);
                self.uid.is_some()
            }
            _ => match self.knobs.set(key, value) {
                Some(fits) => fits,
                None if key == "cut" || PROBE_KEYS.iter().any(|(name, _)| *name == key) => {
                    self.probe.push((key.to_owned(), value.to_owned()));
                    true
                }
                None => return Err(unknown_key(key)),
            },
        };
        if fits { Ok(()) } else { Err(bad(key, value, choices(key))) }
    }
}

/// The number of a range that falls for this key by the seed. `None`: the value is no range.
fn chosen(key: &str, value: &str, seed: u64) -> Option<String> {
    let (first, last) = value.split_once("..")?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let width = last.checked_sub(first)?.checked_add(1)?;
    let chance = crate::chance::mixed(seed, crate::chance::occasion(key));
    Some((first + chance % width).to_string())
}

fn bad(key: &str, value: &str, choices: &str) -> ScenarioError {
    ScenarioError::BadValue { key: key.to_owned(), value: value.to_owned(), choices: choices.to_owned() }
}

/// What fits a key.
fn choices(key: &str) -> &'static str {
    let plain = PLAIN.iter().chain(PROBE_KEYS).find(|(name, _)| *name == key).map(|(_, what)| *what);
    plain.or_else(|| GUESSES.iter().find(|g| g.key == key).map(|g| g.choices)).unwrap_or("something else")
}

fn unknown_part(name: &str) -> ScenarioError {
    let known: Vec<_> = Family::ALL.iter().map(|f| f.short_name().to_ascii_lowercase()).collect();
    ScenarioError::UnknownPart { name: name.to_owned(), known: known.join(", ") }
}

fn unknown_key(key: &str) -> ScenarioError {
    let mut known: Vec<_> = GUESSES.iter().map(|g| g.key).collect();
    known.extend(PLAIN.iter().chain(PROBE_KEYS).map(|(name, _)| *name));
    known.sort_unstable();
    ScenarioError::UnknownKey { key: key.to_owned(), known: known.join(", ") }
}

fn parse_uid(text: &str) -> Option<[u8; 12]> {
    let bytes = crate::hex::decode(text)?;
    bytes.try_into().ok()
}

/// The settings whose right value nobody knows, with the note that says why.
#[must_use]
pub fn guesses() -> &'static [Guess] {
    GUESSES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knobs::{CutAt, FlashBus, RomUsb};
    use wire::Cable;

    #[test]
    fn an_empty_text_is_an_h562_at_its_defaults() {
        let scenario = Scenario::parse("").unwrap();
        assert_eq!(scenario.part(), Family::H562);
        assert_eq!(scenario.knobs, Knobs::default());
    }

    #[test]
    fn keys_of_chip_board_and_probe_are_told_apart() {
        let text = "h563,kib=1024,usb=data,rom.usb=halted-owner,flash.bus=drop,profile=fs,cut=tx:7";
        let scenario = Scenario::parse(text).unwrap();
        assert_eq!(scenario.part(), Family::H563);
        assert_eq!(scenario.kib, Some(1024));
        assert_eq!(scenario.knobs.cable, Some(Cable::Data));
        assert_eq!(scenario.knobs.rom_usb, RomUsb::HaltedOwner);
        assert_eq!(scenario.knobs.flash_bus, FlashBus::Drop);
        let probe = [("profile".to_owned(), "fs".to_owned()), ("cut".to_owned(), "tx:7".to_owned())];
        assert_eq!(scenario.probe, probe);
    }

    #[test]
    fn a_cut_in_a_busy_window_belongs_to_the_chip() {
        let scenario = Scenario::parse("cut=busy:3:middle").unwrap();
        assert_eq!(scenario.knobs.cut_busy, Some((3, CutAt::Middle)));
        assert!(scenario.probe.is_empty());
        assert!(Scenario::parse("cut=busy:0:start").is_err());
        assert!(Scenario::parse("cut=busy:1:later").is_err());
    }

    #[test]
    fn an_unknown_key_is_answered_with_the_known_ones() {
        let error = Scenario::parse("h562,colour=red").unwrap_err().to_string();
        assert!(
            error.contains("colour") && error.contains("flash.bus") && error.contains("profile"),
            "{error}"
        );
    }

    #[test]
    fn a_wrong_value_is_answered_with_what_fits() {
        let error = Scenario::parse("flash.bus=maybe").unwrap_err().to_string();
        assert!(error.contains("stall|buffered|drop"), "{error}");
        assert!(Scenario::parse("h562,kib=512").is_err());
        assert!(Scenario::parse("uid=12").is_err());
        assert!(Scenario::parse("h7xx").is_err());
    }

    #[test]
    fn every_guess_takes_its_default_and_keeps_it() {
        for guess in guesses() {
            let mut knobs = Knobs::default();
            assert_eq!(knobs.set(guess.key, guess.default), Some(true), "{}", guess.key);
            assert_eq!(knobs, Knobs::default(), "{}", guess.key);
        }
        assert!(guesses().is_sorted_by_key(|g| g.key));
    }

    #[test]
    fn every_choice_of_every_guess_is_taken() {
        for guess in guesses().iter().filter(|g| g.choices.contains('|')) {
            for choice in guess.choices.split('|') {
                assert_eq!(Knobs::default().set(guess.key, choice), Some(true), "{}={choice}", guess.key);
            }
            assert_eq!(Knobs::default().set(guess.key, "nonsense"), Some(false));
        }
    }

    #[test]
    fn a_range_falls_by_the_seed_wherever_that_stands() {
        let slow = |text: &str| Scenario::parse(text).unwrap().knobs.host.slow.0;
        let all: std::collections::BTreeSet<_> =
            (0..40).map(|seed| slow(&format!("time.slow.ms=3..9,seed={seed}"))).collect();
        assert_eq!(all, (3..=9).map(|ms| ms * crate::knobs::MS).collect());
        assert_eq!(slow("seed=5,time.slow.ms=3..9"), slow("time.slow.ms=3..9,seed=5"));
        assert!(Scenario::parse("time.slow.ms=9..3").is_err());
        assert!(Scenario::parse("flash.bus=a..b").is_err());
    }

    #[test]
    fn what_stands_behind_the_name_of_a_cause_wins() {
        let knobs = Scenario::parse("cause-12,rom.usb.ms=7,usb=data").unwrap().knobs;
        assert_eq!((knobs.rom_usb, knobs.rom_usb_time), (RomUsb::SlowService, 7 * crate::knobs::MS));
        assert_eq!(knobs.cable, Some(Cable::Data));
    }

    proptest::proptest! {
        #[test]
        fn no_text_upsets_the_reader(text in "(h5[0-9]{2})?(,[a-z.]{0,9}=?[a-z0-9:]{0,9}){0,4}|.{0,40}") {
            let _ = Scenario::parse(&text);
        }
    }
}
