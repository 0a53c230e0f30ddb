//! Words and numbers of a line.

use std::borrow::Cow;
use std::time::Duration;

/// The line without the sequences that colour a terminal.
pub(super) fn plain(line: &str) -> Cow<'_, str> {
    if !line.contains('\u{1B}') {
        return Cow::Borrowed(line);
    }
    let mut pieces = line.split('\u{1B}');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let colour = piece.strip_prefix('[').and_then(|rest| rest.split_once('m'));
        text.push_str(colour.map_or(piece, |(_, rest)| rest));
    }
    Cow::Owned(text)
}

/// What stands between two texts.
pub(super) fn between<'a>(text: &'a str, before: &str, behind: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(behind).map(|(found, _)| found)
}

/// What stands behind a text.
pub(super) fn after<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    text.split_once(before).map(|(_, rest)| rest.trim_start())
}

/// A hexadecimal number of 32 bits at the beginning, with or without `0x`.
pub(super) fn hex(text: &str) -> Option<u32> {
    let text = text.trim_start();
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
    u32::from_str_radix(digits.get(..end)?, 16).ok()
}

/// A decimal number at the beginning.
pub(super) fn decimal(text: &str) -> Option<u32> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// A number at the beginning as C writes it: hexadecimal with `0x`, otherwise decimal.
pub(super) fn number(text: &str) -> Option<u32> {
    let text = text.trim_start();
    if text.starts_with("0x") || text.starts_with("0X") { hex(text) } else { decimal(text) }
}

/// Bytes in hexadecimal between these separators; `None` when one of them is none.
pub(super) fn bytes(text: &str, separator: char) -> Option<Vec<u8>> {
    let cells = text.split(separator).map(str::trim).filter(|cell| !cell.is_empty());
    cells.map(|cell| u8::from_str_radix(cell, 16).ok()).collect()
}

/// Hours, minutes, seconds and what follows, each a number: `[hours, minutes, seconds]` and a fraction.
pub(super) fn clock(hours: &str, minutes: &str, seconds: &str, nanos: u32) -> Option<Duration> {
    let two = |text: &str| -> Option<u64> {
        (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let (hours, minutes, seconds) = (two(hours)?, two(minutes)?, two(seconds)?);
    (minutes < 60 && seconds < 61 && nanos < 1_000_000_000)
        .then(|| Duration::new(hours * 3600 + minutes * 60 + seconds, nanos))
}
