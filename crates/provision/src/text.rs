//! Small words of our own files: hashes, numbers, points in time.

use std::fmt::Write as _;
use std::time::Duration;

/// Lower-case hex without separators.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing into a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Hex of any even length.
pub fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits?;
    if digits.len() % 2 != 0 {
        return None;
    }
    Some(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

/// 64 hex digits.
pub fn parse_hash(text: &str) -> Option<[u8; 32]> {
    parse_hex(text.trim())?.try_into().ok()
}

/// A number as people write it: `255`, `0xFF`, `0x0800_0000`.
pub fn parse_number(text: &str) -> Option<u32> {
    let text = text.trim().replace('_', "");
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A calendar time as RFC 3339 in UTC, to the millisecond.
pub fn rfc3339(since_1970: Duration) -> String {
    let seconds = since_1970.as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{:03}Z", since_1970.subsec_millis())
}

/// Year, month and day of a day number since 1970-01-01: the usual reckoning by eras of 400 years that begin in March.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// A span for a person: `1.234 s`, `56.7 ms`, `890 us`.
pub fn span(time: Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0..1000 => format!("{micros} us"),
        1000..1_000_000 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.3} s", time.as_secs_f64()),
    }
}

/// A size for a person: `16 KiB`, `512 B`.
pub fn size(bytes: usize) -> String {
    if bytes >= 1024 && bytes.is_multiple_of(1024) {
        format!("{} KiB", bytes / 1024)
    } else {
        format!("{bytes} B")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_times_are_what_the_calendar_says() {
        assert_eq!(rfc3339(Duration::ZERO), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(Duration::from_millis(951_782_400_123)), "2000-02-29T00:00:00.123Z");
        assert_eq!(rfc3339(Duration::from_secs(1_767_225_600)), "2026-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(Duration::from_secs(4_107_542_399)), "2100-02-28T23:59:59.000Z");
        assert_eq!(rfc3339(Duration::from_secs(4_107_542_400)), "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn hex_goes_both_ways_and_odd_or_foreign_text_is_refused() {
        assert_eq!(parse_hex(&hex(&[0, 0x1F, 0xFF])), Some(vec![0, 0x1F, 0xFF]));
        assert_eq!(parse_hex("123"), None);
        assert_eq!(parse_hex("zz"), None);
        assert_eq!(parse_hash("00"), None);
        assert_eq!(parse_hash(&"ab".repeat(32)), Some([0xAB; 32]));
    }

    #[test]
    fn numbers_may_be_hex_and_grouped() {
        assert_eq!(parse_number("0x0800_0000"), Some(0x0800_0000));
        assert_eq!(parse_number("42"), Some(42));
        assert_eq!(parse_number("0xFFFFFFFFF"), None);
        assert_eq!(parse_number("-1"), None);
    }

    #[test]
    fn spans_and_sizes_are_short() {
        assert_eq!(span(Duration::from_micros(890)), "890 us");
        assert_eq!(span(Duration::from_micros(56_700)), "56.7 ms");
        assert_eq!(span(Duration::from_millis(1234)), "1.234 s");
        assert_eq!(size(16_384), "16 KiB");
        assert_eq!(size(100), "100 B");
    }
}
