//! The length of a report, from the report descriptor.
#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

// Item prefixes without their size bits (HID 1.11, 6.2.2).
const OUTPUT: u8 = 0x90;
const REPORT_SIZE: u8 = 0x74;
const REPORT_COUNT: u8 = 0x94;
/// An item with a length byte of its own.
const LONG: u8 = 0xFE;

/// Bytes of the first output report, if the descriptor has one. A descriptor that is cut off counts as far as it goes.
pub(super) fn out_length(descriptor: &[u8]) -> Option<usize> {
    let mut rest = descriptor;
    let (mut bits, mut count) = (0u64, 0u64);
    while let [prefix, behind @ ..] = rest {
        if *prefix == LONG {
            let [length, _tag, behind @ ..] = behind else { return None };
            rest = behind.get(usize::from(*length)..)?;
            continue;
        }
        let length = match prefix & 0x03 {
            3 => 4,
            short => usize::from(short),
        };
        let (data, behind) = behind.split_at_checked(length)?;
        let value = data.iter().rev().fold(0u64, |value, byte| (value << 8) | u64::from(*byte));
        match prefix & 0xFC {
            REPORT_SIZE => bits = value,
            REPORT_COUNT => count = value,
            OUTPUT => {
                let bytes = bits.checked_mul(count)?.div_ceil(8);
                return usize::try_from(bytes).ok().filter(|bytes| *bytes > 0);
            }
            _ => {}
        }
        rest = behind;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As dap-rs has it: 64 bytes in, 64 bytes out, 1 byte of features.
    const DAP_64: [u8; 33] = [
        0x06, 0x00, 0xFF, 0x09, 0x01, 0xA1, 0x01, 0x15, 0x00, 0x25, 0xFF, 0x75, 0x08, 0x95, 0x40, 0x09, 0x01,
        0x81, 0x02, 0x95, 0x40, 0x09, 0x01, 0x91, 0x02, 0x95, 0x01, 0x09, 0x01, 0xB1, 0x02, 0xC0, 0x00,
    ];

    #[test]
    fn the_output_report_of_a_probe_is_measured() {
        assert_eq!(out_length(&DAP_64), Some(64));
        let count_of_512 = [0x75, 0x08, 0x96, 0x00, 0x02, 0x81, 0x02, 0x91, 0x02];
        assert_eq!(out_length(&count_of_512), Some(512));
    }

    #[test]
    fn long_items_are_skipped() {
        let with_long = [0xFE, 0x02, 0x10, 0x91, 0x91, 0x75, 0x08, 0x95, 0x08, 0x91, 0x02];
        assert_eq!(out_length(&with_long), Some(8));
    }

    #[test]
    fn a_descriptor_without_output_or_cut_off_before_it_has_no_length() {
        for length in 0..25 {
            assert_eq!(out_length(&DAP_64[..length]), None, "{length}");
        }
        assert_eq!(out_length(&[0x91, 0x02]), None);
    }

    proptest! {
        #[test]
        fn whatever_a_device_sends_is_measured_or_not(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = out_length(&bytes);
        }
    }
}
