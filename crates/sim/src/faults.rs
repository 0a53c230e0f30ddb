//! What a scenario says about the probe and the wire: profile, truth, and what goes wrong.

use crate::bus::Time;
use crate::firmware::{self, Make, Profile};
use crate::scenario::{PROBE_KEYS, ScenarioError};
use crate::stlink::{Mode, Model, Setup, Version};
use crate::swd::{Faults, PowerUpMode};

/// What goes wrong between host and probe. Packets and answers are counted from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UsbFaults {
    /// The probe is pulled out when this packet comes.
    pub(crate) unplug: Option<u64>,
    /// This answer is lost.
    pub(crate) lost: Option<u64>,
    /// This answer is late, and by how much.
    pub(crate) delay: Option<(u64, Time)>,
    /// This answer comes twice.
    pub(crate) duplicate: Option<u64>,
    /// This answer's command byte is inverted.
    pub(crate) corrupt: Option<u64>,
    /// This answer ends after half of its bytes.
    pub(crate) half: Option<u64>,
    /// This transfer is refused.
    pub(crate) stall: Option<u64>,
    /// The firmware hangs when this transfer comes: it takes packets, and does and answers nothing.
    pub(crate) hang: Option<u64>,
}

/// The probe's part of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `None`: a CMSIS-DAP probe.
    pub(crate) model: Option<Model>,
    make: &'static Make,
    /// `None`: the one of its make.
    profile: Option<Profile>,
    short: Option<u64>,
    /// Answers left behind by another host.
    pub(crate) stale: u64,
    /// `None`: the one of its kind.
    pub(crate) serial: Option<String>,
    pub(crate) stlink: Setup,
    pub(crate) truth: bool,
    pub(crate) power_up: PowerUpMode,
    pub(crate) usb: UsbFaults,
    pub(crate) wire: Faults,
}

impl Settings {
    /// Reads the items that a scenario hands on.
    ///
    /// # Errors
    /// [`ScenarioError::BadValue`].
    pub(crate) fn parse(items: &[(String, String)]) -> Result<Settings, ScenarioError> {
        let mut settings = Settings {
            model: None,
            make: &Make::REFERENCE,
            profile: None,
            short: None,
            stale: 0,
            serial: None,
            stlink: Setup { version: None, product: None, mode: Mode::Mass },
            truth: false,
            power_up: PowerUpMode::default(),
            usb: UsbFaults::default(),
            wire: Faults::default(),
        };
        for (key, value) in items {
            let fits = settings.set(key, value).is_some() && settings.model.is_none_or(|m| settings.fits(m));
            if !fits {
                return Err(bad(key, value));
            }
        }
        Ok(settings)
    }

    /// The CMSIS-DAP probe that it says.
    pub(crate) fn setup(&self) -> firmware::Setup {
        let usual = firmware::Setup::of(self.make, self.profile.unwrap_or(self.make.profile));
        let serial = self.serial.clone().unwrap_or(usual.serial);
        firmware::Setup { serial, short: self.short, ..usual }
    }

    /// Whether firmware and product number are those of this kind of probe.
    fn fits(&self, model: Model) -> bool {
        let Setup { version, product, .. } = self.stlink;
        version.is_none_or(|version| model.takes(version)) && model.product(product).is_some()
    }

    fn set(&mut self, key: &str, value: &str) -> Option<()> {
        match key {
            "profile" => self.profile = Some(Profile::named(value)?),
            "firmware" => self.make = Make::named(value)?,
            "short" => self.short = Some(number(value)?),
            "stale" => self.stale = number(value)?,
            "probe" => {
                let models = [
                    ("cmsis-dap", None),
                    ("stlink-v2", Some(Model::V2)),
                    ("stlink-v21", Some(Model::V21)),
                    ("stlink-v3", Some(Model::V3)),
                ];
                self.model = choice(value, &models)?;
            }
            "serial" => self.serial = Some(serial(value)?),
            "stlink.fw" => self.stlink.version = Some(Version::parse(value)?),
            "stlink.mode" => {
                let modes =
                    [("mass", Mode::Mass), ("dfu", Mode::Dfu), ("debug", Mode::Debug), ("swim", Mode::Swim)];
                self.stlink.mode = choice(value, &modes)?;
            }
            "stlink.pid" => {
                let digits = value.strip_prefix("0x")?;
                self.stlink.product = Some(u16::from_str_radix(digits, 16).ok()?);
            }
            "truth" => self.truth = choice(value, &[("off", false), ("on", true)])?,
            "start" => {
                let modes = [("jtag", PowerUpMode::Jtag), ("dormant", PowerUpMode::Dormant)];
                self.power_up = choice(value, &modes)?;
            }
            "cut" => self.wire.cut_at = Some(number(value.strip_prefix("tx:")?)?),
            "wait" => {
                let (from, count) = value.split_once(':')?;
                let (from, count) = (number(from)?, number(count)?);
                self.wire.wait.push(from..from.saturating_add(count));
            }
            "parity" => self.wire.parity_at = Some(number(value)?),
            "noack" => self.wire.no_ack_at = Some(number(value)?),
            "fault" => self.wire.fault_at = Some(address(value)?),
            "unplug" => self.usb.unplug = Some(number(value)?),
            "lost" => self.usb.lost = Some(number(value)?),
            "delay" => {
                let (answer, by) = value.split_once(':')?;
                let by: Time = by.parse().ok()?;
                self.usb.delay = Some((number(answer)?, by.checked_mul(1_000_000)?));
            }
            "dup" => self.usb.duplicate = Some(number(value)?),
            "corrupt" => self.usb.corrupt = Some(number(value)?),
            "half" => self.usb.half = Some(number(value)?),
            "stall" => self.usb.stall = Some(number(value)?),
            "hang" => self.usb.hang = Some(number(value)?),
            _ => return None,
        }
        Some(())
    }
}

fn choice<T: Copy>(value: &str, choices: &[(&str, T)]) -> Option<T> {
    choices.iter().find(|(name, _)| *name == value).map(|(_, chosen)| *chosen)
}

/// A text that fits a string descriptor and needs no quotes anywhere.
fn serial(value: &str) -> Option<String> {
    let fits = (1..=126).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_alphanumeric());
    fits.then(|| value.to_owned())
}

/// A number from 1 on.
fn number(value: &str) -> Option<u64> {
    value.parse().ok().filter(|n| *n > 0)
}

/// The word at an address, hexadecimal with `0x` and underscores as one likes.
fn address(value: &str) -> Option<u32> {
    let digits = value.strip_prefix("0x")?.replace('_', "");
    u32::from_str_radix(&digits, 16).ok().map(|at| at & !3)
}

fn bad(key: &str, value: &str) -> ScenarioError {
    let known = PROBE_KEYS.iter().find(|(name, _)| *name == key).map(|(_, what)| *what);
    ScenarioError::BadValue {
        key: key.to_owned(),
        value: value.to_owned(),
        choices: known.unwrap_or("busy:N:start|middle|end, or tx:N").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(key: &str, value: &str) -> Result<Settings, ScenarioError> {
        Settings::parse(&[(key.to_owned(), value.to_owned())])
    }

    #[test]
    fn every_probe_key_is_read() {
        let fitting = [
            ("probe", "stlink-v3"),
            ("profile", "fs"),
            ("serial", "0020000A"),
            ("firmware", "free-dap"),
            ("short", "3"),
            ("stale", "3"),
            ("stlink.fw", "V2J37S7"),
            ("stlink.mode", "dfu"),
            ("stlink.pid", "0x3752"),
            ("truth", "on"),
            ("start", "dormant"),
            ("cut", "tx:9"),
            ("wait", "5:3"),
            ("parity", "7"),
            ("noack", "8"),
            ("fault", "0x4002_2020"),
            ("unplug", "2"),
            ("lost", "3"),
            ("delay", "4:20"),
            ("dup", "5"),
            ("corrupt", "6"),
            ("half", "7"),
            ("stall", "8"),
            ("hang", "9"),
        ];
        let usual = Settings::parse(&[]).unwrap();
        for (key, value) in fitting {
            assert_ne!(parse(key, value).unwrap(), usual, "{key}");
        }
        for (key, _) in PROBE_KEYS {
            assert!(fitting.iter().any(|(known, _)| known == key), "{key}");
        }
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused_with_what_would() {
        for (key, value) in [
            ("profile", "usb3"),
            ("serial", "two words"),
            ("wait", "5"),
            ("cut", "7"),
            ("parity", "0"),
            ("fault", "12"),
        ] {
            let error = parse(key, value).unwrap_err();
            assert!(matches!(error, ScenarioError::BadValue { .. }), "{key}");
        }
        assert!(parse("profile", "usb3").unwrap_err().to_string().contains("hs|fs|hid"));
    }

    #[test]
    fn firmware_and_product_number_must_be_those_of_the_probe_in_any_order() {
        let parse = |text: &str| {
            let items = text.split(',').filter_map(|item| item.split_once('='));
            Settings::parse(&items.map(|(k, v)| (k.to_owned(), v.to_owned())).collect::<Vec<_>>())
        };
        for fitting in [
            "probe=stlink-v2,stlink.fw=V2J24S4",
            "stlink.fw=V2J37M26,stlink.pid=0x3752,probe=stlink-v21",
            "probe=stlink-v3,stlink.fw=V3J9M3B5S1,stlink.pid=0x3754",
            "probe=stlink-v3,stlink.fw=V3J2",
        ] {
            assert!(parse(fitting).is_ok(), "{fitting}");
        }
        for wrong in [
            "probe=stlink-v2,stlink.fw=V3J13M4",
            "stlink.fw=V2J37S7,probe=stlink-v21",
            "probe=stlink-v21,stlink.fw=V2J37M7",
            "probe=stlink-v2,stlink.pid=0x374B",
            "probe=stlink-v3,stlink.fw=J9",
            "probe=stlink-v3,stlink.fw=V3J9é",
            "probe=stlink-v3,stlink.fw=V3J999",
            "probe=stlink-v3,stlink.fw=V3J9J9",
        ] {
            assert!(matches!(parse(wrong), Err(ScenarioError::BadValue { .. })), "{wrong}");
        }
    }

    #[test]
    fn a_wait_storm_is_a_range_of_transactions() {
        assert_eq!(parse("wait", "5:3").unwrap().wire.wait.first(), Some(&(5..8)));
        assert_eq!(parse("delay", "4:20").unwrap().usb.delay, Some((4, 20_000_000)));
    }
}
