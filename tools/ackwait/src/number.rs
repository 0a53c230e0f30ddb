//! Numbers, lengths and hexadecimal text as people type and read them.

use wire::Width;

/// A number of 32 bits: decimal, `0x`, `0b`, with underscores where one likes.
pub(crate) fn parse_u32(text: &str) -> Result<u32, String> {
    let plain = text.replace('_', "");
    let lower = plain.to_ascii_lowercase();
    let parsed = if let Some(digits) = lower.strip_prefix("0x") {
        u32::from_str_radix(digits, 16)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        u32::from_str_radix(digits, 2)
    } else {
        lower.parse()
    };
    parsed.map_err(|_| format!("`{text}` is no number of 32 bits (decimal, 0x or 0b)"))
}

/// A length: a number, or one with `k` or `M` (1024) behind it.
pub(crate) fn parse_len(text: &str) -> Result<u32, String> {
    let lower = text.to_ascii_lowercase();
    let lower = lower.trim_end_matches("ib");
    let (digits, unit) = match lower.strip_suffix('k') {
        Some(digits) => (digits, 1 << 10),
        None => lower.strip_suffix('m').map_or((lower, 1), |digits| (digits, 1 << 20)),
    };
    let len = parse_u32(digits).ok().and_then(|n| n.checked_mul(unit)).filter(|n| *n > 0);
    len.ok_or_else(|| format!("`{text}` is no length (64, 0x100, 64k)"))
}

/// A word as people read it: `0x4002_2020`.
pub(crate) fn hex(value: u32) -> String {
    wire::Addr(value).to_string()
}

/// A value of a width: `0x1F`, `0x1234`, `0x4002_2020`.
pub(crate) fn hex_of(value: u32, width: Width) -> String {
    match width {
        Width::Byte => format!("0x{value:02X}"),
        Width::Half => format!("0x{value:04X}"),
        Width::Word => hex(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_the_ways_people_type_them() {
        for (text, value) in
            [("10", 10), ("0x10", 16), ("0X4002_2020", 0x4002_2020), ("0b101", 5), ("4_000", 4000)]
        {
            assert_eq!(parse_u32(text), Ok(value), "{text}");
        }
        for text in ["", "0x", "x", "-1", "0x1_0000_0000", "1k"] {
            assert!(parse_u32(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lengths_may_have_a_unit_and_are_never_zero() {
        for (text, value) in [("64", 64), ("64k", 65536), ("64KiB", 65536), ("0x100", 256), ("1M", 1 << 20)] {
            assert_eq!(parse_len(text), Ok(value), "{text}");
        }
        for text in ["0", "k", "", "8G", "4096M"] {
            assert!(parse_len(text).is_err(), "{text}");
        }
    }

    #[test]
    fn values_print_in_their_width() {
        assert_eq!(hex_of(0x1F, Width::Byte), "0x1F");
        assert_eq!(hex_of(0x1F, Width::Half), "0x001F");
        assert_eq!(hex_of(0x1F, Width::Word), "0x0000_001F");
    }
}
