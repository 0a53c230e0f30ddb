//! Option bytes as data: values with names, differences, and changes that a person typed.

use regs::h5::device::{Device, Family};
use regs::h5::option::{ON, OPTION_BYTES, OptionByte, UBE_ST_IROT};
use std::fmt;
use thiserror::Error;

/// One option byte of a part. Values are the field shifted down to bit 0.
#[derive(Debug, Clone, Copy)]
pub struct OptionValue {
    /// Which.
    pub byte: &'static OptionByte,
    /// What is in force.
    pub cur: u32,
    /// What the next OPTSTRT makes of it.
    pub prg: u32,
}

impl OptionValue {
    /// A change is written but not started, or was left over.
    pub fn is_pending(&self) -> bool {
        self.cur != self.prg
    }
}

impl fmt::Display for OptionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.byte.name, in_words(self.byte, self.cur))?;
        if self.is_pending() {
            write!(f, " (pending {})", in_words(self.byte, self.prg))?;
        }
        Ok(())
    }
}

/// `0xB4 (on)`, or the bare number.
fn in_words(byte: &OptionByte, value: u32) -> String {
    let digits = usize::from(byte.field.width).div_ceil(4);
    match byte.field.value_name(value) {
        Some(name) => format!("0x{value:0digits$X} ({name})"),
        None => format!("0x{value:0digits$X}"),
    }
}

/// An option byte that differs.
#[derive(Debug, Clone, Copy)]
pub struct OptionDiff {
    /// Which.
    pub byte: &'static OptionByte,
    /// Before, or as read.
    pub from: u32,
    /// After, or as wanted.
    pub to: u32,
}

impl PartialEq for OptionDiff {
    fn eq(&self, other: &Self) -> bool {
        (self.byte.name, self.from, self.to) == (other.byte.name, other.from, other.to)
    }
}

impl fmt::Display for OptionDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, to] = [self.from, self.to].map(|v| in_words(self.byte, v));
        write!(f, "{} {from} -> {to}", self.byte.name)
    }
}

/// All option bytes of a part, in the order of the registers.
#[derive(Debug, Clone)]
pub struct OptionBytes {
    values: Vec<OptionValue>,
    boot_ube: Option<u32>,
}

impl OptionBytes {
    /// The option bytes of a family. `word` gives the value of a register by its non-secure address.
    pub(crate) fn from_registers(family: Family, mut word: impl FnMut(u32) -> u32) -> OptionBytes {
        let values = OPTION_BYTES
            .iter()
            .filter(|byte| byte.is_on(family))
            .map(|byte| OptionValue {
                byte,
                cur: byte.field.get(word(byte.cur)),
                prg: byte.field.get(word(byte.prg)),
            })
            .collect();
        let dies = Device::by_dev_id(family.device().dev_id);
        let boot_ube = dies.filter_map(|d| OptionByte::find("BOOT_UBE", d.family)).next();
        OptionBytes { values, boot_ube: boot_ube.map(|byte| byte.field.get(word(byte.cur))) }
    }

    /// BOOT_UBE selects ST's root of trust: a part that is shut like this without that root's data is dead. It is looked at on
    /// every family of a die of which one has it, because no register tells which of them it is. [H5-STATE-8] [H5-DBG-11]
    pub fn boots_st_irot(&self) -> bool {
        self.boot_ube == Some(UBE_ST_IROT)
    }

    /// The one with this name (letter case does not matter).
    pub fn get(&self, name: &str) -> Option<&OptionValue> {
        self.values.iter().find(|v| v.byte.name.eq_ignore_ascii_case(name))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &OptionValue> {
        self.values.iter()
    }

    /// Those where `_PRG` differs from `_CUR`: `from` is in force, `to` is pending.
    pub fn pending(&self) -> Vec<OptionDiff> {
        let pending = self.values.iter().filter(|v| v.is_pending());
        pending.map(|v| OptionDiff { byte: v.byte, from: v.cur, to: v.prg }).collect()
    }

    /// What is in force here and differs in `later`: `from` is here, `to` there.
    pub fn diff(&self, later: &OptionBytes) -> Vec<OptionDiff> {
        let pairs = self.values.iter().filter_map(|v| Some((v, later.get(v.byte.name)?)));
        pairs
            .filter(|(a, b)| a.cur != b.cur)
            .map(|(a, b)| OptionDiff { byte: a.byte, from: a.cur, to: b.cur })
            .collect()
    }

    /// What `changes` would change: `from` is in force, `to` is wanted. Empty when all of it is so already.
    pub fn needed(&self, changes: &[OptionChange]) -> Vec<OptionDiff> {
        let wanted = changes.iter().filter_map(|c| Some((c, self.get(c.byte.name)?)));
        wanted
            .filter(|(change, value)| change.value != value.cur)
            .map(|(change, value)| OptionDiff { byte: value.byte, from: value.cur, to: change.value })
            .collect()
    }
}

/// A wish: this option byte shall have this value.
#[derive(Debug, Clone, Copy)]
pub struct OptionChange {
    /// Which.
    pub byte: &'static OptionByte,
    /// The value, shifted down to bit 0.
    pub value: u32,
}

/// A wish that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadChange {
    /// No such option byte on this family.
    #[error("{family} has no option byte `{name}`{}", hint.map(|h| format!("; did you mean {h}?")).unwrap_or_default())]
    Name {
        /// What was asked for.
        name: String,
        /// The family.
        family: Family,
        /// The nearest one.
        hint: Option<&'static str>,
    },
    /// Neither a number nor a name of a value.
    #[error("`{text}` is no value of {name}: it takes a number up to 0x{max:X}{names}")]
    Value {
        /// The option byte.
        name: &'static str,
        /// What was asked for.
        text: String,
        /// The largest number that fits.
        max: u32,
        /// Names of values, beginning with a separator, or empty.
        names: String,
    },
    /// The same option byte twice.
    #[error("{0} is asked for twice")]
    Twice(&'static str),
}

impl OptionChange {
    /// A change by name and number.
    ///
    /// # Errors
    /// [`BadChange`] when the family has no such option byte or the number does not fit.
    pub fn new(family: Family, name: &str, value: u32) -> Result<OptionChange, BadChange> {
        let byte = OptionByte::find(name, family).ok_or_else(|| BadChange::Name {
            name: name.to_owned(),
            family,
            hint: nearest(name, family),
        })?;
        if value > byte.field.max() {
            return Err(bad_value(byte, &format!("0x{value:X}")));
        }
        Ok(OptionChange { byte, value })
    }

    /// Why this value can never be taken back, where it cannot. [H5-DBG-7] [H5-OB-4]
    pub fn one_way(&self) -> Option<&'static str> {
        one_way(self.byte, self.value)
    }

    /// A change as a person types it: the value is `0xB4`, `180`, or a name such as `on` or `CLOSED`.
    ///
    /// # Errors
    /// [`BadChange`].
    pub fn parse(family: Family, name: &str, text: &str) -> Result<OptionChange, BadChange> {
        let change = OptionChange::new(family, name, 0)?;
        let field = &change.byte.field;
        let value = number(text).or_else(|| field.value_of(text)).filter(|v| *v <= field.max());
        match value {
            Some(value) => Ok(OptionChange { value, ..change }),
            None => Err(bad_value(change.byte, text)),
        }
    }
}

impl fmt::Display for OptionChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.byte.name, in_words(self.byte, self.value))
    }
}

fn one_way(byte: &OptionByte, value: u32) -> Option<&'static str> {
    match byte.name {
        "LOCKBL" if value != 0 => Some("it locks OTP blocks for ever"),
        "NS_EPOCH" | "SEC_EPOCH" => Some("an epoch counts upwards only"),
        "NSBOOT_LOCK" | "SECBOOT_LOCK" if value == ON => Some("a boot lock cannot be taken back"),
        _ => None,
    }
}

/// A change that asks twice for the same option byte.
pub(crate) fn asked_twice(changes: &[OptionChange]) -> Option<BadChange> {
    let twice = changes
        .iter()
        .enumerate()
        .find(|(i, c)| changes.iter().take(*i).any(|earlier| earlier.byte.name == c.byte.name));
    twice.map(|(_, c)| BadChange::Twice(c.byte.name))
}

fn number(text: &str) -> Option<u32> {
    let text = text.trim().replace('_', "");
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn bad_value(byte: &OptionByte, text: &str) -> BadChange {
    let names: Vec<_> = byte.field.values.iter().map(|(_, name)| *name).collect();
    let names = if names.is_empty() { String::new() } else { format!(", or one of {}", names.join(", ")) };
    BadChange::Value { name: byte.name, text: text.to_owned(), max: byte.field.max(), names }
}

/// The name with the longest common beginning, if there is any.
fn nearest(name: &str, family: Family) -> Option<&'static str> {
    let name = name.to_ascii_uppercase();
    let shared = |other: &str| name.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let names = OPTION_BYTES.iter().filter(|byte| byte.is_on(family)).map(|byte| byte.name);
    names.max_by_key(|other| shared(other)).filter(|other| shared(other) >= 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use regs::h5::option::OPTSR_H563_FACTORY;

    const OPTSR_CUR: u32 = 0x4002_2050;
    const OPTSR_PRG: u32 = 0x4002_2054;

    fn factory() -> OptionBytes {
        OptionBytes::from_registers(Family::H563, |at| match at {
            OPTSR_CUR | OPTSR_PRG => OPTSR_H563_FACTORY,
            _ => 0,
        })
    }

    #[test]
    fn values_are_found_by_name_whatever_the_letter_case() {
        let options = factory();
        assert_eq!(options.get("product_state").unwrap().cur, 0xED);
        assert_eq!(options.get("PRODUCT_STATE").unwrap().to_string(), "PRODUCT_STATE = 0xED (OPEN)");
        assert!(options.get("BOOT_UBE").is_none(), "the H563 has no BOOT_UBE");
        assert!(options.pending().is_empty());
    }

    #[test]
    fn st_s_root_of_trust_is_seen_whichever_family_of_the_die_was_named() {
        let boots = |family, ube: u32| {
            let optsr = OPTSR_H563_FACTORY & !(0xFF << 22) | ube << 22;
            OptionBytes::from_registers(family, |at| if at == OPTSR_CUR { optsr } else { 0 }).boots_st_irot()
        };
        for family in [Family::H562, Family::H573, Family::H523, Family::H533] {
            assert!(boots(family, 0xC3) && !boots(family, 0xB4) && !boots(family, 0), "{family}");
        }
        assert!(!boots(Family::H503, 0xC3), "its OPTSR has no such field");
    }

    #[test]
    fn each_name_appears_once_per_family() {
        for family in Family::ALL {
            let options = OptionBytes::from_registers(*family, |_| 0);
            let mut names: Vec<_> = options.iter().map(|v| v.byte.name).collect();
            names.sort_unstable();
            let all = names.len();
            names.dedup();
            assert_eq!(names.len(), all, "{family}");
        }
    }

    #[test]
    fn changes_are_read_as_people_type_them() {
        let parse = |name, text| OptionChange::parse(Family::H562, name, text);
        assert_eq!(parse("TZEN", "on").unwrap().value, 0xB4);
        assert_eq!(parse("tzen", "0xC3").unwrap().value, 0xC3);
        assert_eq!(parse("BOR_LEV", "2").unwrap().value, 2);
        assert_eq!(parse("PRODUCT_STATE", "closed").unwrap().value, 0x72);
        assert!(matches!(parse("BOR_LEV", "4"), Err(BadChange::Value { max: 3, .. })));
        assert!(matches!(parse("TZEN", "maybe"), Err(BadChange::Value { .. })));
        let Err(BadChange::Name { hint, .. }) = parse("PRODUCT_STAT", "1") else { panic!("no such name") };
        assert_eq!(hint, Some("PRODUCT_STATE"));
    }

    #[test]
    fn locks_and_epochs_are_one_way_and_other_option_bytes_are_not() {
        let one_way = |name, value| OptionChange::new(Family::H562, name, value).unwrap().one_way().is_some();
        assert!(one_way("LOCKBL", 1) && one_way("NS_EPOCH", 2) && one_way("SECBOOT_LOCK", 0xB4));
        assert!(!one_way("LOCKBL", 0) && !one_way("SECBOOT_LOCK", 0xC3) && !one_way("BOR_LEV", 1));
    }

    #[test]
    fn what_is_so_already_is_not_needed() {
        let options = factory();
        let same = OptionChange::new(Family::H563, "PRODUCT_STATE", 0xED).unwrap();
        let other = OptionChange::new(Family::H563, "BOR_LEV", 3).unwrap();
        assert!(options.needed(&[same]).is_empty());
        let needed = options.needed(&[same, other]);
        assert_eq!(needed.len(), 1);
        assert_eq!(needed[0].to_string(), "BOR_LEV 0x0 -> 0x3");
        assert_eq!(asked_twice(&[other, same, other]), Some(BadChange::Twice("BOR_LEV")));
        assert_eq!(asked_twice(&[other, same]), None);
    }

    #[test]
    fn a_left_over_change_is_pending() {
        let options = OptionBytes::from_registers(Family::H562, |at| match at {
            OPTSR_CUR => 0x0000_ED00,
            OPTSR_PRG => 0x0000_1700,
            _ => 0,
        });
        let pending = options.pending();
        assert_eq!(pending.len(), 1);
        assert_eq!(pending[0].to_string(), "PRODUCT_STATE 0xED (OPEN) -> 0x17 (PROVISIONING)");
    }
}
