//! The keys of the policy: read, set, explain. One table, so that the command line, the recording's header, policy files
//! and error messages use the same words.

use crate::patience::{read, show};
use crate::{Patience, Policy};
use std::time::Duration;
use thiserror::Error;

/// One key of the policy.
#[derive(Debug, Clone, Copy)]
pub struct KeyInfo {
    /// What people type, such as `probe.wait`.
    pub key: &'static str,
    /// What kind of value it takes.
    pub unit: &'static str,
    /// Why it is there and why its default is what it is.
    pub reason: &'static str,
}

/// A setting that was refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BadSetting {
    /// No such key.
    #[error("there is no policy key `{0}`; `policy show` lists them all")]
    Key(String),
    /// The value does not fit.
    #[error("policy key `{key}` takes {unit}, and `{value}` is none")]
    Value {
        /// The key.
        key: &'static str,
        /// What it takes.
        unit: &'static str,
        /// What was given.
        value: String,
    },
    /// Not `key=value`.
    #[error("`{0}` is not of the form key=value")]
    Form(String),
    /// The policy file is no TOML.
    #[error("the policy file cannot be read: {0}")]
    File(String),
    /// No such preset.
    #[error("there is no policy preset `{0}`; there are default, openocd, pyocd, probe-rs and bmda")]
    Preset(String),
}

/// A value that can stand in a policy.
trait Setting: Sized {
    const UNIT: &'static str;
    fn write(&self) -> String;
    fn parse(text: &str) -> Option<Self>;
}

impl Setting for Duration {
    const UNIT: &'static str = "a time (200ms, 1.5s, 30us)";
    fn write(&self) -> String {
        show(*self)
    }
    fn parse(text: &str) -> Option<Self> {
        read(text)
    }
}

impl Setting for Patience {
    const UNIT: &'static str = "a time (200ms) or a count (64x)";
    fn write(&self) -> String {
        self.to_string()
    }
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Setting for u8 {
    const UNIT: &'static str = "a number from 0 to 255";
    fn write(&self) -> String {
        self.to_string()
    }
    fn parse(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }
}

impl Setting for bool {
    const UNIT: &'static str = "true or false";
    fn write(&self) -> String {
        self.to_string()
    }
    fn parse(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }
}

fn unit_of<S: Setting>(_: fn(&Policy) -> &S) -> &'static str {
    S::UNIT
}

macro_rules! keys {
    ($($key:literal => $group:ident . $field:ident : $ty:ty, $reason:literal;)*) => {
        /// Every key of the policy, in the order in which it is shown.
        pub const KEYS: &[KeyInfo] = &[$(KeyInfo { key: $key, unit: <$ty as Setting>::UNIT, reason: $reason }),*];

        impl Policy {
            /// The value behind a key, as text.
            pub fn get(&self, key: &str) -> Option<String> {
                match key {
                    $($key => Some(self.$group.$field.write()),)*
                    _ => None,
                }
            }

            /// Sets a key from text.
            ///
            /// # Errors
            /// [`BadSetting`] when there is no such key or the value does not fit.
            pub fn set(&mut self, key: &str, value: &str) -> Result<(), BadSetting> {
                match key {
                    $($key => match <$ty as Setting>::parse(value) {
                        Some(v) => self.$group.$field = v,
                        None => {
                            let unit = unit_of(|p| &p.$group.$field);
                            return Err(BadSetting::Value { key: $key, unit, value: value.to_owned() });
                        }
                    },)*
                    _ => return Err(BadSetting::Key(key.to_owned())),
                }
                if !self.name.ends_with('+') {
                    self.name.push('+');
                }
                Ok(())
            }
        }
    };
}

keys! {
    "usb.timeout" => usb.timeout: Duration, "How long the probe may take to answer. 6 s outlasts the 5 s for which a host controller was seen to stall when the target's own USB device stops answering, and every WAIT budget below.";
    "usb.drain" => usb.drain: Duration, "How long to listen for stale answers of a killed host when a probe is opened.";
    "usb.in-flight" => usb.in_flight: u8, "Most packets under way at once; the probe's own limit holds too. 1 turns queueing off.";
    "probe.idle-cycles" => probe.idle_cycles: u8, "Idle clocks that the probe adds after each transaction.";
    "probe.wait" => probe.wait: Patience, "How long the probe repeats a transaction that is answered WAIT. A time is turned into a count for the SWCLK in use; 80 ms outlasts the longest sector erase, so a bus that stalls while the flash is busy is absorbed by the probe. A count is what other tools set.";
    "probe.match" => probe.matching: Patience, "How long the probe repeats a value match.";
    "adi.wait" => adi.wait: Patience, "How long the engine goes on asking after the probe gave up on WAIT.";
    "adi.abort" => adi.abort: bool, "Write DAPABORT when adi.wait is spent, so that the access port is usable again.";
    "adi.power-up" => adi.power_up: Patience, "How long the debug domain may take to acknowledge its power-up.";
    "poll.interval" => poll.interval: Duration, "Pause after the first look at something that is busy.";
    "poll.ceiling" => poll.ceiling: Duration, "Longest pause between looks; each pause doubles until then. Equal to poll.interval it makes an even rhythm.";
    "flash.program" => flash.program: Patience, "One quad-word: 100 us at most by the data sheet, with room.";
    "flash.erase" => flash.erase: Patience, "One sector erase: 10 ms at most by the data sheet, with room.";
    "flash.mass-erase" => flash.mass_erase: Patience, "A bank or mass erase; not published.";
    "flash.option" => flash.option: Patience, "An option change (OPTSTRT); not published. ST's HAL gives up after 1 s, ST's OpenOCD after 250 polls of 1 ms.";
    "flash.obk" => flash.obk: Patience, "One step of an OBK write through the flash registers; not published.";
    "flash.service" => flash.service: Patience, "The ROM's provisioning service; not published.";
    "da.boot" => da.boot: Patience, "Until the ROM answers the magic word after a reset.";
    "da.word" => da.word: Patience, "Until the other side took or gave one mailbox word.";
    "da.reply" => da.reply: Patience, "Until a reply begins.";
    "da.regression" => da.regression: Patience, "Until a regression has erased the part.";
    "reset.hold" => reset.hold: Duration, "How long nRESET is held low.";
    "reset.settle" => reset.settle: Duration, "Pause after nRESET is released.";
    "reset.reconnect" => reset.reconnect: Patience, "How long the link and the access port may stay away after a reset.";
}

impl Policy {
    /// Applies one `key=value`.
    ///
    /// # Errors
    /// [`BadSetting`].
    pub fn apply(&mut self, setting: &str) -> Result<(), BadSetting> {
        let (key, value) = setting.split_once('=').ok_or_else(|| BadSetting::Form(setting.to_owned()))?;
        self.set(key.trim(), value.trim())
    }

    /// Reads a policy file: TOML with an optional `preset` and the keys, dotted or in tables.
    ///
    /// # Errors
    /// [`BadSetting`].
    pub fn from_toml(text: &str) -> Result<Policy, BadSetting> {
        let table: toml::Table =
            text.parse().map_err(|e: toml::de::Error| BadSetting::File(e.message().to_owned()))?;
        let preset = match table.get("preset") {
            None => "default",
            Some(v) => v.as_str().ok_or_else(|| BadSetting::File("`preset` is not a string".to_owned()))?,
        };
        let mut policy = Policy::preset(preset).ok_or_else(|| BadSetting::Preset(preset.to_owned()))?;
        policy.apply_table(&table)?;
        Ok(policy)
    }

    /// Applies the keys of a TOML table; `preset` is left to the caller.
    ///
    /// # Errors
    /// [`BadSetting`].
    pub fn apply_table(&mut self, table: &toml::Table) -> Result<(), BadSetting> {
        for (group, entry) in table.iter().filter(|(group, _)| *group != "preset") {
            match entry {
                toml::Value::Table(keys) => {
                    for (key, value) in keys {
                        self.set(&format!("{group}.{key}"), &plain(value))?;
                    }
                }
                value => self.set(group, &plain(value))?,
            }
        }
        Ok(())
    }

    /// All keys and values, in order.
    pub fn settings(&self) -> impl Iterator<Item = (&'static KeyInfo, String)> + '_ {
        KEYS.iter().map(|info| (info, self.get(info.key).unwrap_or_default()))
    }

    /// One line for the recording's header: `default: probe.wait=80ms …`.
    pub fn line(&self) -> String {
        let all: Vec<_> = self.settings().map(|(info, value)| format!("{}={value}", info.key)).collect();
        format!("{}: {}", self.name, all.join(" "))
    }
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_at_most_25_keys_and_each_can_be_read_and_set_back() {
        assert!(KEYS.len() <= 25);
        for preset in Policy::PRESETS {
            let original = Policy::preset(preset).unwrap();
            let mut copy = original.clone();
            for (info, value) in original.settings() {
                copy.set(info.key, &value).unwrap_or_else(|e| panic!("{}: {e}", info.key));
            }
            copy.name.clone_from(&original.name);
            assert_eq!(copy, original, "{preset}");
        }
    }

    #[test]
    fn setting_one_key_changes_that_key_only_and_marks_the_name() {
        let mut p = Policy::default();
        p.apply("probe.wait = 200ms").unwrap();
        assert_eq!(p.probe.wait, Patience::ms(200));
        assert_eq!(p.name, "default+");
        p.name = "default".into();
        p.probe.wait = Policy::default().probe.wait;
        assert_eq!(p, Policy::default());
    }

    #[test]
    fn a_wrong_key_a_wrong_value_and_a_wrong_form_are_told_apart() {
        let mut p = Policy::default();
        assert_eq!(p.apply("wait=1s"), Err(BadSetting::Key("wait".into())));
        assert!(matches!(p.apply("usb.timeout=64x"), Err(BadSetting::Value { key: "usb.timeout", .. })));
        assert!(matches!(p.apply("usb.in-flight=900"), Err(BadSetting::Value { .. })));
        assert!(matches!(p.apply("adi.abort"), Err(BadSetting::Form(_))));
        assert_eq!(p, Policy::default());
    }

    #[test]
    fn a_policy_file_may_use_tables_or_dotted_keys_and_name_a_preset() {
        let p = Policy::from_toml("preset = \"openocd\"\n[flash]\noption = \"250x\"\n").unwrap();
        assert_eq!(p.probe.wait, Patience::Tries(64));
        assert_eq!(p.flash.option, Patience::Tries(250));
        assert!(matches!(Policy::from_toml("preset = \"jlink\""), Err(BadSetting::Preset(_))));
        assert!(matches!(Policy::from_toml("flash ="), Err(BadSetting::File(_))));
        assert!(matches!(Policy::from_toml("[flash]\noptoin = \"1s\""), Err(BadSetting::Key(_))));
    }

    #[test]
    fn presets_carry_the_numbers_of_the_tools_they_are_named_after() {
        let wait = |name| Policy::preset(name).unwrap().probe.wait;
        assert_eq!(wait("openocd"), Patience::Tries(64));
        assert_eq!(wait("pyocd"), Patience::Tries(150));
        assert_eq!(wait("probe-rs"), Patience::Tries(0xFFFF));
        assert_eq!(wait("bmda"), Patience::Tries(128));
    }
}
