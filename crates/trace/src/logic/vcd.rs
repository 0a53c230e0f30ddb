//! Value change dumps (IEEE 1364): those of sigrok, where changes stand behind their time on one line, and those of
//! simulators, where each has a line.

use super::blocks::Blocks;
use super::changes::{Changes, Level, Pin};
use super::channels::{Channels, Pins};
use super::intake::{Intake, Scale};
use crate::TraceError;
use crate::read::Warning;
use std::io::Read;

const FORMAT: &str = "VCD";
/// Digits of a time that always fit: 584 years in nanoseconds have no more.
const MOST_DIGITS: usize = 19;
/// More signals than this are no board.
const MOST_SIGNALS: usize = 1 << 20;

fn wrong(byte: u64, why: impl Into<String>) -> TraceError {
    TraceError::Capture { format: FORMAT, place: format!("byte {byte}"), why: why.into() }
}

/// The next word and what follows it.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start();
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    if end == 0 { None } else { text.split_at_checked(end) }
}

/// Reads a dump.
pub(super) fn read(
    source: &mut dyn Read,
    channels: &Channels,
    intake: &mut Intake,
) -> Result<(), TraceError> {
    let mut blocks = Blocks::new(source);
    let mut state = State::Header(Header::default());
    loop {
        let (offset, block) = match blocks.next() {
            Ok(Some(block)) => block,
            Ok(None) => break,
            Err(e) => return Err(wrong(blocks.offset, e.to_string())),
        };
        let length = block.len();
        // What is no whole word cannot be trusted.
        let whole = block.iter().rposition(u8::is_ascii_whitespace).map_or(0, |end| end + 1);
        let (text, part) = block.split_at_checked(whole).unwrap_or_default();
        let part = !part.is_empty();
        let at = |rest: &[u8]| offset + u64::try_from(whole - rest.len()).unwrap_or_default();
        let mut text = text;
        if let State::Header(header) = &mut state {
            let Some(rest) = header.take(text, &at)? else { continue };
            let pins = intake.pins(channels, &header.names)?;
            let scale = header.scale.unwrap_or(Scale::Femtos(1_000_000));
            if header.scale.is_none() {
                intake.warnings.push(Warning::NoRate);
            }
            intake.scale = scale;
            intake.note("format", FORMAT);
            state = State::Changes(Body::new(header, pins));
            text = rest;
        }
        if let State::Changes(body) = &mut state {
            body.take(text, &at, intake)?;
            if !body.changes.digest(intake) {
                return Ok(());
            }
        }
        if part {
            intake.warnings.push(Warning::Truncated {
                at: usize::try_from(offset).unwrap_or(usize::MAX).saturating_add(length),
            });
        }
    }
    match state {
        State::Header(_) => Err(wrong(blocks.offset, "it ends before $enddefinitions")),
        State::Changes(_) => Ok(()),
    }
}

enum State {
    Header(Header),
    Changes(Body),
}

/// What the head of the file declares.
#[derive(Default)]
struct Header {
    scale: Option<Scale>,
    scopes: Vec<String>,
    names: Vec<String>,
    codes: Vec<Vec<u8>>,
    /// Words of a declaration whose `$end` has not come.
    open: Vec<String>,
}

impl Header {
    /// Takes words until the declarations end; what follows them then.
    fn take<'a>(
        &mut self,
        text: &'a [u8],
        at: &dyn Fn(&[u8]) -> u64,
    ) -> Result<Option<&'a [u8]>, TraceError> {
        let mut text = text;
        while let Some((next, rest)) = word(text) {
            if next == b"$end" {
                let declared = std::mem::take(&mut self.open);
                let declared: Vec<&str> = declared.iter().map(String::as_str).collect();
                if declared.first() == Some(&"$enddefinitions") {
                    return Ok(Some(rest));
                }
                self.declare(&declared).map_err(|why| wrong(at(text), why))?;
            } else if self.open.first().is_none_or(|first| first != "$comment") {
                if self.open.is_empty() && !next.starts_with(b"$") {
                    return Err(wrong(at(text), "a declaration does not begin with $"));
                }
                if self.open.len() > 64 && self.open.first().is_some_and(|f| f == "$var" || f == "$scope") {
                    return Err(wrong(at(text), "a declaration has no $end"));
                }
                if self.open.len() < 64 {
                    self.open.push(String::from_utf8_lossy(next).into_owned());
                }
            }
            text = rest;
        }
        Ok(None)
    }

    fn declare(&mut self, words: &[&str]) -> Result<(), String> {
        match words {
            ["$timescale", rest @ ..] => {
                let text = rest.concat();
                self.scale = Some(scale(&text).ok_or_else(|| format!("{text:?} is no time scale"))?);
            }
            ["$scope", _, name, ..] => self.scopes.push((*name).to_owned()),
            ["$upscope", ..] => {
                self.scopes.pop();
            }
            ["$var", _, width, code, name, ..] => {
                if self.names.len() >= MOST_SIGNALS {
                    return Err("too many signals".to_owned());
                }
                // Only single wires can be pins, but `wire [0:0]` is one too.
                if *width == "1" {
                    let scopes = self.scopes.iter().map(String::as_str);
                    let path: Vec<&str> = scopes.filter(|s| *s != "libsigrok").chain([*name]).collect();
                    self.names.push(path.join("."));
                    self.codes.push(code.as_bytes().to_vec());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// `1ns`, `10ps`, `100us`.
fn scale(text: &str) -> Option<Scale> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "s" => 1_000_000_000_000_000,
        "ms" => 1_000_000_000_000,
        "us" => 1_000_000_000,
        "ns" => 1_000_000,
        "ps" => 1_000,
        "fs" => 1,
        _ => return None,
    };
    let number: u64 = number.parse().ok().filter(|n| matches!(n, 1 | 10 | 100 | 1000))?;
    Some(Scale::Femtos(number.checked_mul(unit)?))
}

/// The changes behind the declarations.
struct Body {
    changes: Changes,
    /// The codes of the pins.
    codes: Vec<(Vec<u8>, Pin)>,
    /// Those of one character.
    short: Vec<(u8, Pin)>,
    /// The last word announced one more: the signal of a vector.
    vector: bool,
    /// Within `$comment`.
    comment: bool,
}

impl Body {
    fn new(header: &Header, pins: Pins) -> Body {
        let places = [(Some(pins.swclk), Pin::Swclk), (Some(pins.swdio), Pin::Swdio), (pins.nrst, Pin::Nrst)];
        let code = |(place, pin): (Option<usize>, Pin)| Some((header.codes.get(place?)?.clone(), pin));
        let codes: Vec<(Vec<u8>, Pin)> = places.into_iter().filter_map(code).collect();
        let short = codes.iter().filter_map(|(code, pin)| match code.as_slice() {
            [code] => Some((*code, *pin)),
            _ => None,
        });
        Body { changes: Changes::new(), short: short.collect(), codes, vector: false, comment: false }
    }

    fn take(
        &mut self,
        text: &[u8],
        at: &dyn Fn(&[u8]) -> u64,
        intake: &mut Intake,
    ) -> Result<(), TraceError> {
        let mut text = text;
        loop {
            text = match text {
                [] => return Ok(()),
                [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] => rest,
                // Nearly everything is a time, or a change of a signal with a short code.
                [b'#', rest @ ..] if !self.vector && !self.comment => {
                    self.time(rest).map_err(|why| wrong(at(text), why))?
                }
                [level @ (b'0' | b'1'), code, b' ' | b'\n', rest @ ..] if !self.vector && !self.comment => {
                    if let Some(pin) = self.short.iter().find_map(|(c, pin)| (c == code).then_some(*pin)) {
                        let level = if *level == b'1' { Level::High } else { Level::Low };
                        self.changes.set(pin, level, intake);
                    }
                    rest
                }
                _ => {
                    let Some((next, rest)) = word(text) else { return Ok(()) };
                    self.word(next, intake).map_err(|why| wrong(at(text), why))?;
                    rest
                }
            };
        }
    }

    /// The digits of a time; what follows them.
    fn time<'a>(&mut self, digits: &'a [u8]) -> Result<&'a [u8], String> {
        let (mut tick, mut rest) = (0u64, digits);
        while let [digit @ b'0'..=b'9', more @ ..] = rest {
            tick = tick.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            rest = more;
        }
        let count = digits.len() - rest.len();
        let ends = rest.first().is_none_or(u8::is_ascii_whitespace) && (1..=MOST_DIGITS).contains(&count);
        let Some(tick) = Some(tick).filter(|_| ends) else {
            let word = word(digits).map_or(digits, |(word, _)| word);
            return Err(format!("{:?} is no time", format!("#{}", String::from_utf8_lossy(word))));
        };
        if !self.changes.now(tick) {
            return Err(format!("time goes back from {} to {tick}", self.changes.tick));
        }
        Ok(rest)
    }

    fn word(&mut self, word: &[u8], intake: &mut Intake) -> Result<(), String> {
        let lossy = |bytes| String::from_utf8_lossy(bytes).into_owned();
        if std::mem::take(&mut self.vector) {
            return Ok(());
        }
        match word {
            [b'$', rest @ ..] => self.comment = rest == b"comment" || self.comment && rest != b"end",
            _ if self.comment => {}
            [b'0', code @ ..] => self.set(code, Level::Low, intake),
            [b'1', code @ ..] => self.set(code, Level::High, intake),
            [b'z' | b'Z', code @ ..] => self.set(code, Level::Open, intake),
            [b'x' | b'X' | b'u' | b'U' | b'-' | b'w' | b'W', code @ ..] => {
                self.set(code, Level::Unknown, intake);
            }
            [b'b' | b'B' | b'r' | b'R' | b's' | b'S', ..] => self.vector = true,
            _ => return Err(format!("{:?} is no change", lossy(word))),
        }
        Ok(())
    }

    fn set(&mut self, code: &[u8], level: Level, intake: &mut Intake) {
        let pin = self.codes.iter().find_map(|(known, pin)| (known == code).then_some(*pin));
        if let Some(pin) = pin {
            self.changes.set(pin, level, intake);
        }
    }
}
