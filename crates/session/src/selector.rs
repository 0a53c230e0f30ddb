//! What a person types to name a probe.

use sim::Scenario;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A probe, by whatever name the user gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// `sim:` and a scenario: a simulated probe with a simulated board.
    Sim(String),
    /// `tcp:HOST:PORT`: CMSIS-DAP over TCP.
    Tcp(String),
    /// `replay:FILE`: a recording that plays the probe.
    Replay(String),
    /// `usb:BUS-PORT`: whatever is plugged in there.
    UsbPath(String),
    /// `VID:PID` with or without `:SERIAL`.
    UsbId {
        /// Vendor number.
        vid: u16,
        /// Product number.
        pid: u16,
        /// Serial number, or any.
        serial: Option<String>,
    },
    /// `@alias` of the station file.
    Alias(String),
    /// A serial number on its own.
    Serial(String),
}

/// A selector nobody could mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadSelector(String);

impl fmt::Display for BadSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` names no probe; a probe is sim:SCENARIO, VID:PID[:SERIAL], a serial number, usb:BUS-PORT, \
             tcp:HOST:PORT, replay:FILE or @alias",
            self.0
        )
    }
}

impl std::error::Error for BadSelector {}

impl Selector {
    /// The file that plays the probe, or keeps its board.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match self {
            Selector::Replay(file) => Some(PathBuf::from(file)),
            Selector::Sim(scenario) => Scenario::parse(scenario).ok()?.board_file().map(PathBuf::from),
            _ => None,
        }
    }
}

fn usb_id(text: &str) -> Option<Selector> {
    let mut parts = text.splitn(3, ':');
    let (vid, pid) = (parts.next()?, parts.next()?);
    if vid.len() != 4 || pid.len() != 4 {
        return None;
    }
    let vid = u16::from_str_radix(vid, 16).ok()?;
    let pid = u16::from_str_radix(pid, 16).ok()?;
    Some(Selector::UsbId { vid, pid, serial: parts.next().map(str::to_owned) })
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::Sim(scenario) => write!(f, "sim:{scenario}"),
            Selector::Tcp(place) => write!(f, "tcp:{place}"),
            Selector::Replay(file) => write!(f, "replay:{file}"),
            Selector::UsbPath(path) => write!(f, "usb:{path}"),
            Selector::UsbId { vid, pid, serial: Some(serial) } => write!(f, "{vid:04x}:{pid:04x}:{serial}"),
            Selector::UsbId { vid, pid, serial: None } => write!(f, "{vid:04x}:{pid:04x}"),
            Selector::Alias(alias) => write!(f, "@{alias}"),
            Selector::Serial(serial) => f.write_str(serial),
        }
    }
}

impl FromStr for Selector {
    type Err = BadSelector;

    fn from_str(text: &str) -> Result<Self, BadSelector> {
        let bad = || BadSelector(text.to_owned());
        if let Some(alias) = text.strip_prefix('@') {
            return if alias.is_empty() { Err(bad()) } else { Ok(Selector::Alias(alias.to_owned())) };
        }
        match text.split_once(':') {
            Some(("sim", scenario)) => Ok(Selector::Sim(scenario.to_owned())),
            Some((_, "")) => Err(bad()),
            Some(("tcp", place)) => Ok(Selector::Tcp(place.to_owned())),
            Some(("replay", file)) => Ok(Selector::Replay(file.to_owned())),
            Some(("usb", path)) => Ok(Selector::UsbPath(path.to_owned())),
            Some(_) => usb_id(text).ok_or_else(bad),
            None if text.is_empty() || text.contains(char::is_whitespace) => Err(bad()),
            None => Ok(Selector::Serial(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_name_a_probe_is_recognised() {
        let parse = |text: &str| text.parse::<Selector>().unwrap();
        assert_eq!(parse("sim:h562,state=b.json"), Selector::Sim("h562,state=b.json".into()));
        assert_eq!(parse("sim:"), Selector::Sim(String::new()));
        assert_eq!(parse("tcp:localhost:4441"), Selector::Tcp("localhost:4441".into()));
        assert_eq!(parse("replay:a.pcapng"), Selector::Replay("a.pcapng".into()));
        assert_eq!(parse("usb:1-2.3"), Selector::UsbPath("1-2.3".into()));
        assert_eq!(parse("0483:374e"), Selector::UsbId { vid: 0x0483, pid: 0x374E, serial: None });
        assert_eq!(
            parse("2e8a:000c:E66:1"),
            Selector::UsbId { vid: 0x2E8A, pid: 0x000C, serial: Some("E66:1".into()) }
        );
        assert_eq!(parse("@line3"), Selector::Alias("line3".into()));
        assert_eq!(parse("003A001B"), Selector::Serial("003A001B".into()));
    }

    #[test]
    fn a_selector_is_written_as_it_is_read() {
        for text in [
            "sim:h562",
            "tcp:a:4441",
            "replay:a.pcapng",
            "usb:1-2.3",
            "0483:374e",
            "2e8a:000c:E66:1",
            "@a",
            "003A",
        ] {
            assert_eq!(text.parse::<Selector>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_names_no_probe_is_refused_and_says_what_would() {
        for text in ["", "@", "tcp:", "usb:", "12:34", "xyzw:0001", "two words"] {
            let e = text.parse::<Selector>().unwrap_err().to_string();
            assert!(e.contains("sim:SCENARIO") && e.contains(text), "{e}");
        }
    }
}
