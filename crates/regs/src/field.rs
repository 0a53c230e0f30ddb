//! What a register and a field of it are, and how a value is put into words.

use std::fmt::Write as _;

/// A run of bits in a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The specification's name.
    pub name: &'static str,
    /// Lowest bit, 0 to 31.
    pub lsb: u8,
    /// Number of bits, 1 to 32.
    pub width: u8,
    /// Names of values, where there are any (a value is the field shifted down to bit 0).
    pub values: &'static [(u32, &'static str)],
}

impl Field {
    /// The field covered by `mask`, a run of ones without a gap.
    #[must_use]
    pub const fn new(name: &'static str, mask: u32) -> Self {
        Self::named(name, mask, &[])
    }

    /// The field covered by `mask`, with names for some of its values.
    #[must_use]
    pub const fn named(name: &'static str, mask: u32, values: &'static [(u32, &'static str)]) -> Self {
        // Lossless: both counts are at most 32. A wrong mask stops the build, the tables are constants.
        let lsb = mask.trailing_zeros() as u8;
        let width = mask.count_ones() as u8;
        assert!(mask != 0 && mask.leading_zeros() as u8 + lsb + width == 32, "a field is a run of ones");
        Self { name, lsb, width, values }
    }

    /// The bits of this field in place.
    #[must_use]
    pub const fn mask(&self) -> u32 {
        let ones = if self.width >= 32 { u32::MAX } else { (1 << self.width) - 1 };
        ones << self.lsb
    }

    /// This field's value in `value`, shifted down to bit 0.
    #[must_use]
    pub const fn get(&self, value: u32) -> u32 {
        (value & self.mask()) >> self.lsb
    }

    /// `value` with this field replaced by `x`; bits of `x` that do not fit are dropped.
    #[must_use]
    pub const fn set(&self, value: u32, x: u32) -> u32 {
        (value & !self.mask()) | ((x << self.lsb) & self.mask())
    }

    /// The largest value the field can hold.
    #[must_use]
    pub const fn max(&self) -> u32 {
        self.mask() >> self.lsb
    }

    /// The name of field value `x` (shifted down), if it has one.
    #[must_use]
    pub fn value_name(&self, x: u32) -> Option<&'static str> {
        self.values.iter().find(|(v, _)| *v == x).map(|(_, n)| *n)
    }

    /// The field value called `name` (letter case does not matter).
    #[must_use]
    pub fn value_of(&self, name: &str) -> Option<u32> {
        self.values.iter().find(|(_, n)| n.eq_ignore_ascii_case(name)).map(|(v, _)| *v)
    }
}

/// A register: name, place, fields, note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register {
    /// The specification's name; peripherals of the STM32H5 have their block in front (`FLASH_NSSR`).
    pub name: &'static str,
    /// Memory-mapped: the absolute non-secure address. DP and AP: the offset.
    pub address: u32,
    /// Fields, lowest bit first. Empty when the value is one number.
    pub fields: &'static [Field],
    /// Id of the note in `vendor-notes/`, for example `H5-FLASH-1`.
    pub note: &'static str,
}

impl Register {
    /// The field called `name`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|f| f.name == name)
    }

    /// `value` in words: `BSY=1 WBNE=1`. Single bits are shown only when set; wider fields when they
    /// are not zero or their values have names. Empty when there is nothing to say.
    #[must_use]
    pub fn describe(&self, value: u32) -> String {
        let mut out = String::new();
        for field in self.fields {
            let x = field.get(value);
            let shown = x != 0 || (field.width > 1 && !field.values.is_empty());
            if !shown {
                continue;
            }
            if !out.is_empty() {
                out.push(' ');
            }
            // Writing into a String cannot fail.
            let _ = match field.value_name(x) {
                Some(name) => write!(out, "{}={name}", field.name),
                None if field.width == 1 => write!(out, "{}={x}", field.name),
                None => write!(out, "{}={x:#x}", field.name),
            };
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: &[(u32, &str)] = &[(0, "idle"), (2, "busy")];
    const REGISTER: Register = Register {
        name: "TEST",
        address: 0,
        fields: &[
            Field::new("FLAG", 1 << 0),
            Field::named("STATE", 0b11 << 1, STATES),
            Field::new("COUNT", 0xFF << 8),
            Field::new("TOP", 1 << 31),
        ],
        note: "ADI-12",
    };

    #[test]
    fn a_field_is_read_and_replaced_in_place() {
        let field = Field::new("COUNT", 0xFF << 8);
        assert_eq!((field.lsb, field.width, field.mask(), field.max()), (8, 8, 0xFF00, 0xFF));
        assert_eq!(field.get(0x1234_5678), 0x56);
        assert_eq!(field.set(0x1234_5678, 0xAB), 0x1234_AB78);
    }

    #[test]
    fn bits_that_do_not_fit_are_dropped() {
        assert_eq!(Field::new("BIT", 1 << 3).set(0, 0xFF), 1 << 3);
        assert_eq!(Field::new("TOP", 0xF << 28).set(0, 0x1F), 0xF000_0000);
    }

    #[test]
    fn a_field_may_be_the_whole_register() {
        let field = Field::new("ALL", u32::MAX);
        assert_eq!((field.width, field.mask()), (32, u32::MAX));
        assert_eq!(field.set(0, 0xDEAD_BEEF), 0xDEAD_BEEF);
        assert_eq!(field.get(0xDEAD_BEEF), 0xDEAD_BEEF);
    }

    #[test]
    #[should_panic(expected = "a run of ones")]
    fn a_mask_with_a_gap_is_no_field() {
        let _ = Field::new("GAP", 0b101);
    }

    #[test]
    #[should_panic(expected = "a run of ones")]
    fn an_empty_mask_is_no_field() {
        let _ = Field::new("NOTHING", 0);
    }

    #[test]
    fn clear_bits_are_left_out_and_named_values_never_are() {
        assert_eq!(REGISTER.describe(0), "STATE=idle");
        assert_eq!(REGISTER.describe(1), "FLAG=1 STATE=idle");
    }

    #[test]
    fn a_value_without_a_name_is_shown_as_a_number() {
        assert_eq!(REGISTER.describe(0b11 << 1), "STATE=0x3");
        assert_eq!(REGISTER.describe(0x8000_1204), "STATE=busy COUNT=0x12 TOP=1");
    }

    #[test]
    fn a_register_without_fields_has_nothing_to_say() {
        assert_eq!(Register { fields: &[], ..REGISTER }.describe(u32::MAX), "");
    }

    #[test]
    fn names_and_values_find_each_other() {
        let field = REGISTER.field("STATE").expect("a field");
        assert_eq!(field.value_name(2), Some("busy"));
        assert_eq!(field.value_name(1), None);
        assert_eq!(field.value_of("BUSY"), Some(2));
        assert_eq!(field.value_of("gone"), None);
    }
}
