//! The settings of a session: what its samples are called, how wide they are, how fast they came.

use super::wrong;
use crate::TraceError;

/// What the settings say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Settings {
    /// How the pieces are called.
    pub(super) capture: String,
    pub(super) rate: Option<u64>,
    pub(super) unit: usize,
    /// Names by bit; unnamed where a channel was off.
    pub(super) names: Vec<String>,
}

impl Settings {
    /// Reads the settings of the first device.
    pub(super) fn read(text: &str) -> Result<Settings, TraceError> {
        let place = "metadata";
        let mut settings = Settings { capture: String::new(), rate: None, unit: 1, names: Vec::new() };
        let device = text.lines().map(str::trim).skip_while(|line| *line != "[device 1]").skip(1);
        for line in device.take_while(|line| !line.starts_with('[')) {
            let Some((key, value)) = line.split_once('=') else { continue };
            let number = || value.parse().map_err(|_| wrong(place, format!("{line:?} holds no number")));
            match key {
                "capturefile" => value.clone_into(&mut settings.capture),
                "samplerate" => {
                    let rate = rate(value).ok_or_else(|| wrong(place, format!("{line:?} is no rate")))?;
                    settings.rate = Some(rate);
                }
                "unitsize" => settings.unit = number()?,
                _ => {
                    if let Some(bit) = key.strip_prefix("probe").and_then(|n| n.parse::<usize>().ok()) {
                        settings.name(bit, value);
                    }
                }
            }
        }
        if settings.capture.is_empty() {
            return Err(wrong(place, "it names no logic samples"));
        }
        // sigrok has at most 64 channels or so; a kilobyte a sample is nobody's.
        if !(1..=1024).contains(&settings.unit) {
            return Err(wrong(place, format!("samples of {} bytes", settings.unit)));
        }
        Ok(settings)
    }

    fn name(&mut self, bit: usize, name: &str) {
        let most = 8 * 1024;
        if (1..=most).contains(&bit) {
            if self.names.len() < bit {
                self.names.resize(bit, String::new());
            }
            if let Some(place) = self.names.get_mut(bit - 1) {
                name.clone_into(place);
            }
        }
    }
}

/// `8 MHz`, `200 kHz`, `1000000`.
pub(in crate::logic) fn rate(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit.trim() {
        "" | "Hz" => 1,
        "kHz" => 1_000,
        "MHz" => 1_000_000,
        "GHz" => 1_000_000_000,
        _ => return None,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let mut rate = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let mut place = scale;
    for digit in part.chars() {
        place /= 10;
        rate = rate.checked_add(u64::from(digit.to_digit(10)?) * place)?;
    }
    (rate > 0).then_some(rate)
}

/// The number of a piece: `logic-1-12` is 12, `logic-1` alone is 0.
pub(super) fn number(name: &str, capture: &str) -> Option<u64> {
    match name.strip_prefix(capture)? {
        "" => Some(0),
        rest => rest.strip_prefix('-')?.parse().ok(),
    }
}
