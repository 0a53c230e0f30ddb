//! `@alias`: names that a station gives to its probes, in a file.
//!
//! ```toml
//! line3 = "0483:374e:0020000F533150022034374E"
//! left = "usb:1-2.3"
//! ```
//!
//! The file is `$ACKWAIT_ALIASES`, else `ackwait/aliases.toml` in `$XDG_CONFIG_HOME` or `~/.config`. Two names for one probe
//! are refused, whatever they are spelled like: whoever works by names must be able to trust that two of them are two boards.

use crate::selector::{BadSelector, Selector};
use crate::{FoundProbe, real};
use probe::find::Wanted;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Names the file.
const VARIABLE: &str = "ACKWAIT_ALIASES";

/// Why an alias leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AliasError {
    /// There is no place where the file could be.
    #[error("there is no place for aliases: set {VARIABLE} to a file, or HOME")]
    NoPlace,
    /// The file cannot be read.
    #[error("aliases cannot be read from {}: {why}; a line in it is NAME = \"VID:PID:SERIAL\"", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's words.
        why: String,
    },
    /// The file is not written as it should be.
    #[error("{}: {why}", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// An alias stands for no probe.
    #[error("{}: {alias}: {error}", file.display())]
    Selector {
        /// The file.
        file: PathBuf,
        /// The alias.
        alias: String,
        /// What is wrong.
        error: BadSelector,
    },
    /// Two names for one probe.
    #[error("{}: @{one} and @{other} are the same probe ({probe}): remove one of them", file.display())]
    Twice {
        /// The file.
        file: PathBuf,
        /// A name.
        one: String,
        /// Another.
        other: String,
        /// The probe.
        probe: String,
    },
    /// No such name.
    #[error("{} has no alias @{alias}; it has: {known}", file.display())]
    Unknown {
        /// The file.
        file: PathBuf,
        /// What was asked for.
        alias: String,
        /// What there is.
        known: String,
    },
}

/// The names of a station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aliases {
    file: PathBuf,
    all: BTreeMap<String, Selector>,
}

impl Aliases {
    /// Those of this station.
    ///
    /// # Errors
    /// [`AliasError`]; also when there is no file.
    pub fn load() -> Result<Aliases, AliasError> {
        let file = place(|name| std::env::var_os(name)).ok_or(AliasError::NoPlace)?;
        match std::fs::read_to_string(&file) {
            Ok(text) => Aliases::parse(&text, &file),
            Err(error) => Err(AliasError::Unreadable { file, why: error.to_string() }),
        }
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`AliasError`].
    pub fn parse(text: &str, file: &Path) -> Result<Aliases, AliasError> {
        let malformed = |why: String| AliasError::Malformed { file: file.to_owned(), why };
        let table: toml::Table =
            text.parse().map_err(|e: toml::de::Error| malformed(e.message().to_owned()))?;
        let mut all = BTreeMap::new();
        for (alias, value) in table {
            if !is_name(&alias) {
                return Err(malformed(format!("`{alias}` is no name: letters, digits, `-` and `_`")));
            }
            let toml::Value::String(text) = value else {
                return Err(malformed(format!("{alias} is no text: {alias} = \"VID:PID:SERIAL\"")));
            };
            let bad = |error| AliasError::Selector { file: file.to_owned(), alias: alias.clone(), error };
            let selector: Selector = text.parse().map_err(bad)?;
            if let Selector::Alias(other) = &selector {
                return Err(malformed(format!(
                    "{alias} stands for another alias, @{other}: name the probe itself"
                )));
            }
            all.insert(alias, selector);
        }
        let aliases = Aliases { file: file.to_owned(), all };
        aliases.check_spelling()?;
        Ok(aliases)
    }

    /// No two names with the same selector. Hex digits may be in either case.
    fn check_spelling(&self) -> Result<(), AliasError> {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (alias, selector) in &self.all {
            if let Some(one) = seen.insert(selector.to_string().to_ascii_lowercase(), alias) {
                return Err(self.twice(one, alias, selector.to_string()));
            }
        }
        Ok(())
    }

    fn twice(&self, one: &str, other: &str, probe: String) -> AliasError {
        AliasError::Twice { file: self.file.clone(), one: one.to_owned(), other: other.to_owned(), probe }
    }

    /// What a name stands for.
    ///
    /// # Errors
    /// [`AliasError::Unknown`], with the names that there are.
    pub fn resolve(&self, alias: &str) -> Result<&Selector, AliasError> {
        self.all.get(alias).ok_or_else(|| {
            let known: Vec<_> = self.all.keys().map(|name| format!("@{name}")).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            AliasError::Unknown { file: self.file.clone(), alias: alias.to_owned(), known }
        })
    }

    /// The names of a probe that was found.
    #[must_use]
    pub fn of(&self, probe: &FoundProbe) -> Vec<&str> {
        self.fitting(|wanted| wanted.fits(probe)).collect()
    }

    fn fitting(&self, fits: impl Fn(&Wanted) -> bool) -> impl Iterator<Item = &str> {
        let fits = move |selector: &Selector| real::wanted(selector).is_ok_and(|wanted| fits(&wanted));
        self.all.iter().filter(move |(_, selector)| fits(selector)).map(|(alias, _)| alias.as_str())
    }

    /// That the probe which `alias` led to has no other name, in whatever other way it is spelled.
    pub(crate) fn sole(&self, alias: &str, probe: &FoundProbe) -> Result<(), AliasError> {
        self.sole_among(alias, &probe.to_string(), |wanted| wanted.fits(probe))
    }

    fn sole_among(&self, alias: &str, probe: &str, fits: impl Fn(&Wanted) -> bool) -> Result<(), AliasError> {
        match self.fitting(fits).find(|name| *name != alias) {
            Some(other) => Err(self.twice(alias, other, probe.to_owned())),
            None => Ok(()),
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Where the file is, by the variables of the environment.
fn place(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let absolute = |name| set(name).filter(|path: &PathBuf| path.is_absolute());
    if let Some(file) = set(VARIABLE) {
        return Some(file);
    }
    let config = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(config.join("ackwait/aliases.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Aliases, AliasError> {
        Aliases::parse(text, Path::new("aliases.toml"))
    }

    fn refusal(text: &str) -> String {
        parse(text).expect_err("refused").to_string()
    }

    #[test]
    fn a_name_stands_for_the_probe_behind_it() {
        let aliases = parse("line3 = \"0483:374e:0042\"\nleft = \"usb:1-2.3\"\nsim = \"sim:h563\"").unwrap();
        let serial = Some("0042".to_owned());
        assert_eq!(aliases.resolve("line3").unwrap(), &Selector::UsbId { vid: 0x0483, pid: 0x374E, serial });
        assert_eq!(aliases.resolve("left").unwrap(), &Selector::UsbPath("1-2.3".into()));
        let unknown = aliases.resolve("right").unwrap_err().to_string();
        assert!(unknown.contains("@right") && unknown.contains("@left, @line3, @sim"), "{unknown}");
    }

    #[test]
    fn two_names_for_one_probe_are_refused_in_either_case_of_the_digits() {
        let text = refusal("a = \"0483:374e:00AB\"\nb = \"0483:374E:00ab\"");
        assert!(text.contains("@a") && text.contains("@b") && text.contains("same probe"), "{text}");
        assert!(parse("a = \"usb:1-2\"\nb = \"usb:1-3\"").is_ok());
    }

    #[test]
    fn two_names_that_lead_to_one_probe_by_other_ways_are_refused_when_one_is_used() {
        let aliases = parse("a = \"0483:374e:0042\"\nb = \"usb:1-2\"\nc = \"usb:1-3\"").unwrap();
        // The probe with this serial number is in that socket.
        let fits = |wanted: &Wanted| match wanted {
            Wanted::Id { serial, .. } => serial.as_deref() == Some("0042"),
            Wanted::Serial(_) => false,
            Wanted::Socket(location) => location.to_string() == "1-2",
        };
        let twice = aliases.sole_among("a", "the probe", fits).unwrap_err().to_string();
        assert!(twice.contains("@a and @b are the same probe"), "{twice}");
        assert_eq!(aliases.sole_among("c", "another", |wanted| matches!(wanted, Wanted::Serial(_))), Ok(()));
    }

    #[test]
    fn what_is_no_file_of_aliases_is_refused_with_what_it_should_be() {
        for (text, why) in [
            ("a = 3", "VID:PID:SERIAL"),
            ("a = \"12:34\"", "names no probe"),
            ("a = \"@b\"", "another alias"),
            ("\"two words\" = \"usb:1-2\"", "is no name"),
            ("a b", "aliases.toml"),
            ("a = \"usb:1-2\"\na = \"usb:1-3\"", "aliases.toml"),
        ] {
            let refused = refusal(text);
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }

    #[test]
    fn the_file_is_the_named_one_or_the_one_of_the_configuration() {
        let at = |set: &[(&str, &str)]| {
            place(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into()))
        };
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(at(&[("ACKWAIT_ALIASES", "my.toml"), ("HOME", "/h")]), path("my.toml"));
        assert_eq!(at(&[("XDG_CONFIG_HOME", "/c"), ("HOME", "/h")]), path("/c/ackwait/aliases.toml"));
        assert_eq!(at(&[("ACKWAIT_ALIASES", ""), ("HOME", "/h")]), path("/h/.config/ackwait/aliases.toml"));
        assert_eq!(at(&[("XDG_CONFIG_HOME", "relative")]), None);
    }
}
