//! Which channel of a capture is which pin.

use crate::TraceError;

/// What a person calls the pins, where the names in the capture do not say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Channels {
    /// The channel of SWCLK: its name, or its number where channels have numbers.
    pub swclk: Option<String>,
    /// The channel of SWDIO.
    pub swdio: Option<String>,
    /// The channel of nRESET.
    pub nrst: Option<String>,
}

/// Names that people give to the pins, in small letters without anything but letters and digits.
const SWCLK: &[&str] = &["swclk", "swclktck", "tckswclk", "swdclk", "tck", "jtck", "clk"];
const SWDIO: &[&str] = &["swdio", "swdiotms", "tmsswdio", "swddio", "tms", "jtms", "dio"];
const NRST: &[&str] = &["nreset", "nrst", "reset", "rst", "resetn", "rstn", "nsrst", "srst"];

/// The pins, as places in the list of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pins {
    pub(super) swclk: usize,
    pub(super) swdio: usize,
    pub(super) nrst: Option<usize>,
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The channel that somebody named: exactly so, or in other letters, or as the last part of a path, or by the number in its
/// name, or by its place, from 0 on (`#1` is always a place).
fn named(names: &[String], wanted: &str) -> Option<usize> {
    let exact = names.iter().position(|name| name == wanted);
    let like = || names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
    let last = |name: &String| name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case(wanted));
    let part = || names.iter().position(last);
    let number = |name: &String| {
        let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
        !digits.is_empty() && digits == wanted
    };
    let place = || wanted.trim_start_matches('#').parse().ok().filter(|place| *place < names.len());
    exact.or_else(like).or_else(part).or_else(|| names.iter().position(number)).or_else(place)
}

/// The channel with one of the usual names.
fn usual(names: &[String], usual: &[&str]) -> Option<usize> {
    let last = |name: &String| plain(name.rsplit('.').next().unwrap_or(name));
    usual.iter().find_map(|usual| names.iter().position(|name| last(name) == *usual))
}

/// The names that there are, each with its place.
fn listed(names: &[String]) -> String {
    /// More are not listed.
    const LISTED: usize = 32;
    let one = |(place, name): (usize, &String)| match name.as_str() {
        "" => format!("{place} without a name"),
        name => format!("{name} ({place})"),
    };
    let all: Vec<String> = names.iter().enumerate().take(LISTED).map(one).collect();
    match names.len() {
        0 => "no channels at all".to_owned(),
        count if count > LISTED => format!("{} and {} more", all.join(", "), count - LISTED),
        _ => all.join(", "),
    }
}

impl Channels {
    /// Finds the pins among the channels of a capture.
    pub(super) fn find(&self, names: &[String]) -> Result<Pins, TraceError> {
        let missing = |pin, wanted: &Option<String>| TraceError::Channel {
            pin,
            wanted: wanted.as_ref().map(|name| format!(" named {name:?}")).unwrap_or_default(),
            has: listed(names),
        };
        let find = |pin, wanted: &Option<String>, known| {
            let found = match wanted {
                Some(name) => named(names, name),
                None => usual(names, known),
            };
            found.ok_or_else(|| missing(pin, wanted))
        };
        let swclk = find("SWCLK", &self.swclk, SWCLK)?;
        let swdio = find("SWDIO", &self.swdio, SWDIO)?;
        let nrst = match &self.nrst {
            Some(_) => Some(find("nRESET", &self.nrst, NRST)?),
            None => usual(names, NRST).filter(|place| *place != swclk && *place != swdio),
        };
        if swclk == swdio || nrst == Some(swclk) || nrst == Some(swdio) {
            return Err(TraceError::SameChannel(names.get(swclk).cloned().unwrap_or_default()));
        }
        Ok(Pins { swclk, swdio, nrst })
    }

    /// SWCLK and SWDIO as far as somebody or a name tells them.
    pub(super) fn told(&self, names: &[String]) -> [Option<usize>; 2] {
        let tell = |wanted: &Option<String>, known| match wanted {
            Some(name) => named(names, name),
            None => usual(names, known),
        };
        [tell(&self.swclk, SWCLK), tell(&self.swdio, SWDIO)]
    }

    /// With these places for SWCLK and SWDIO.
    pub(super) fn at(&self, swclk: usize, swdio: usize) -> Channels {
        let place = |place| Some(format!("#{place}"));
        Channels { swclk: place(swclk), swdio: place(swdio), nrst: self.nrst.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(names: &[&str], channels: &Channels) -> Result<(usize, usize, Option<usize>), String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        channels.find(&names).map(|p| (p.swclk, p.swdio, p.nrst)).map_err(|e| e.to_string())
    }

    #[test]
    fn usual_names_are_found() {
        let none = Channels::default();
        assert_eq!(find(&["SWDIO", "SWCLK", "SWO", "RESET#"], &none), Ok((1, 0, Some(3))));
        assert_eq!(find(&["top.tb.TMS", "top.tb.TCK"], &none), Ok((1, 0, None)));
        assert_eq!(find(&["swclk", "swdio", "2", "3"], &none), Ok((0, 1, None)));
    }

    #[test]
    fn a_channel_can_be_named_by_hand_or_by_number() {
        let by = |clk: &str, dio: &str| Channels {
            swclk: Some(clk.to_owned()),
            swdio: Some(dio.to_owned()),
            nrst: None,
        };
        assert_eq!(find(&["Channel 0", "Channel 1", "Channel 10"], &by("1", "0")), Ok((1, 0, None)));
        assert_eq!(find(&["a.x", "a.y"], &by("y", "a.x")), Ok((1, 0, None)));
        assert_eq!(find(&["D3", "D4"], &by("d4", "3")), Ok((1, 0, None)));
        assert_eq!(find(&["left", "right", "SWO"], &by("1", "0")), Ok((1, 0, None)));
        assert_eq!(find(&["D3", "D4"], &by("#0", "#1")), Ok((0, 1, None)));
        assert_eq!(find(&["", "", ""], &by("2", "0")), Ok((2, 0, None)));
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is_there() {
        let error = find(&["D0", "D1"], &Channels::default()).unwrap_err();
        assert!(error.contains("SWCLK") && error.contains("D0 (0), D1 (1)"), "{error}");
        let same = Channels { swclk: Some("D0".into()), swdio: Some("D0".into()), nrst: None };
        assert!(find(&["D0", "D1"], &same).unwrap_err().contains("D0"));
    }
}
