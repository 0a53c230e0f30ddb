//! Memory as lines.

use super::name;
use crate::number::hex_of;
use crate::value::Reading;
use wire::{Addr, Width};

/// Bytes on a line.
const LINE: usize = 16;

/// Values of a width out of bytes.
pub(super) fn values(bytes: &[u8], width: Width) -> impl Iterator<Item = u32> + '_ {
    bytes
        .chunks(width.bytes() as usize)
        .map(|chunk| chunk.iter().rev().fold(0, |v, byte| v << 8 | u32::from(*byte)))
}

/// One line a register where registers with names are read, else 16 bytes a line with their characters.
pub(super) fn lines(at: Addr, bytes: &[u8], width: Width) -> Vec<String> {
    let one = bytes.len() == width.bytes() as usize;
    if one || name(at).is_some() {
        return registers(at, bytes, width).iter().map(Reading::line).collect();
    }
    let line = |(index, chunk): (usize, &[u8])| {
        let here = at.plus(u32::try_from(index * LINE).unwrap_or(u32::MAX));
        let text: Vec<_> = values(chunk, width).map(|value| bare(value, width)).collect();
        let room = (LINE / width.bytes() as usize) * (bare(0, width).len() + 1) - 1;
        format!("{here}  {:<room$}  {}", text.join(" "), characters(chunk))
    };
    bytes.chunks(LINE).enumerate().map(line).collect()
}

/// Each value with the name of its register.
pub(super) fn registers(at: Addr, bytes: &[u8], width: Width) -> Vec<Reading> {
    let reading = |(index, value)| {
        let here = at.plus(u32::try_from(index * width.bytes() as usize).unwrap_or(u32::MAX));
        let register = regs::lookup(here.0).map(|hit| hit.register).filter(|_| width == Width::Word);
        let name = register.map_or_else(|| here.to_string(), |r| format!("{here}  {}", r.name));
        Reading { name, value, width, register }
    };
    values(bytes, width).enumerate().map(reading).collect()
}

/// Without the 0x, which would repeat on every value of a line.
fn bare(value: u32, width: Width) -> String {
    hex_of(value, width).trim_start_matches("0x").to_owned()
}

fn characters(bytes: &[u8]) -> String {
    let show = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
    format!("|{}|", bytes.iter().map(show).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_shown_16_bytes_a_line_in_the_width_it_was_read_with() {
        let bytes: Vec<u8> = (0x3E..0x52).collect();
        assert_eq!(
            lines(Addr(0x2000_0000), &bytes, Width::Word),
            [
                "0x2000_0000  4140_3F3E 4544_4342 4948_4746 4D4C_4B4A  |>?@ABCDEFGHIJKLM|",
                "0x2000_0010  5150_4F4E                                |NOPQ|",
            ]
        );
        let line = &lines(Addr(0x2000_0000), &[0, 0x41, 0xFF], Width::Byte)[0];
        assert!(line.starts_with("0x2000_0000  00 41 FF   ") && line.ends_with("  |.A.|"), "{line}");
    }

    #[test]
    fn registers_are_shown_by_name_with_their_fields() {
        let lines = lines(Addr(0x4002_2020), &1u32.to_le_bytes(), Width::Word);
        assert_eq!(lines, ["0x4002_2020  FLASH_NSSR  0x0000_0001  BSY=1"]);
    }
}
