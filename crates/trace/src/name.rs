//! Names for addresses and values (level 4).

use crate::event::{Accessed, Match, RegisterAccess};
use crate::target::Names;
use regs::h5::{dbgmcu, flash, memory};
use regs::{Hit, Register, ap, dp};
use std::fmt::Write as _;
use std::time::Duration;
use wire::{Addr, Port, Width};

/// What stands in the place of a secret value.
pub(crate) const SECRET: &str = "«secret»";

/// A 32-bit number as the project writes them.
pub(crate) fn hex(value: u32) -> String {
    Addr(value).to_string()
}

/// A value of a width.
pub(crate) fn hex_of(value: u32, width: Width) -> String {
    match width {
        Width::Byte => format!("0x{value:02X}"),
        Width::Half => format!("0x{value:04X}"),
        Width::Word => hex(value),
    }
}

/// A time span in the unit a person would choose.
pub fn span(time: Duration) -> String {
    let nanos = time.as_nanos();
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{:.1} µs", time.as_secs_f64() * 1e6),
        1_000_000..1_000_000_000 => format!("{:.2} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.3} s", time.as_secs_f64()),
    }
}

/// A number of bytes.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        n if n >= 1 << 20 && n % (1 << 20) == 0 => format!("{} MiB", n >> 20),
        n if n >= 1024 && n % 1024 == 0 => format!("{} KiB", n >> 10),
        n => format!("{n} bytes"),
    }
}

/// The address under which the register tables know a register: non-secure, and DBGMCU at its place on the bus.
pub(crate) fn canonical(address: u32) -> u32 {
    if (dbgmcu::BASE_AP0..dbgmcu::BASE_AP0 + dbgmcu::LEN).contains(&address) {
        address - dbgmcu::BASE_AP0 + dbgmcu::BASE
    } else {
        memory::non_secure(address)
    }
}

/// An address by name: a register, a region with the address, or the address alone.
pub(crate) fn place(names: Names, at: Addr) -> String {
    match (names.register(at), names.region(at)) {
        (Some(Hit { register, secure_alias: true, .. }), _) => format!("{} (secure alias)", register.name),
        (Some(Hit { register, .. }), _) => register.name.to_owned(),
        (None, Some(region)) => format!("{region} {at}"),
        (None, None) => at.to_string(),
    }
}

/// The key that `value` is, when it is written to the key register at `address`.
pub(crate) fn key(address: u32, value: u32) -> Option<&'static str> {
    let keys = match canonical(address).checked_sub(flash::BASE)? {
        flash::NSKEYR | flash::SECKEYR => flash::key::FLASH,
        flash::OPTKEYR => flash::key::OPTION,
        flash::NSOBKKEYR | flash::SECOBKKEYR => flash::key::OBK,
        _ => return None,
    };
    match keys.iter().position(|key| *key == value) {
        Some(0) => Some("key 1"),
        Some(_) => Some("key 2"),
        None => Some("a wrong key"),
    }
}

/// A register's value in words, with the number.
fn described(register: Option<&Register>, value: u32) -> String {
    match register.map(|r| r.describe(value)).filter(|words| !words.is_empty()) {
        Some(words) => format!("{words} ({})", hex(value)),
        None => hex(value),
    }
}

/// An identification register: the number, then what it says in brackets.
fn identified(value: u32, told: &str) -> String {
    match told.split_once(' ') {
        Some((_, words)) => format!("{} {words}", hex(value)),
        None => hex(value),
    }
}

/// The value of a memory access in words.
pub(crate) fn value(access: &Accessed, value: Option<u32>) -> String {
    let Some(value) = value else { return "?".to_owned() };
    if access.secret {
        return SECRET.to_owned();
    }
    let (at, names) = (access.access.at, access.names);
    if let Some(key) = key(at.0, value).filter(|_| access.access.write && names == Names::Stm32H5) {
        return key.to_owned();
    }
    match names.register(at) {
        Some(hit) if access.access.width == Width::Word => {
            described(Some(hit.register_for(access.access.write)), value)
        }
        _ => hex_of(value, access.access.width),
    }
}

/// The name of a DP or AP register.
pub(crate) fn register_name(access: &RegisterAccess) -> String {
    match (access.port, access.ap, access.bank) {
        (Port::Dp, _, _) => dp::name(!access.write, access.a, access.dp_bank()).to_owned(),
        (Port::Ap, Some(number), Some(bank)) if access.offset().is_some() => {
            format!("{number} {}", ap::name(bank, access.a))
        }
        (Port::Ap, Some(number), _) if let Some(offset) = access.long_offset() => {
            format!("{number} register 0x{offset:03X}")
        }
        (Port::Ap, _, _) => format!("AP register 0x{:X}", access.a),
    }
}

/// The value of a DP or AP register in words.
pub(crate) fn register_value(access: &RegisterAccess, value: Option<u32>) -> String {
    let Some(value) = value else { return "?".to_owned() };
    if access.secret {
        return SECRET.to_owned();
    }
    match (access.port, access.bank) {
        (Port::Dp, _) if !access.write && access.a == dp::DPIDR && access.dp_bank() == 0 => {
            identified(value, &dp::Dpidr(value).to_string())
        }
        (Port::Dp, _) => described(dp::register(!access.write, access.a, access.dp_bank()), value),
        (Port::Ap, _) if access.offset() == Some(ap::IDR) => identified(value, &ap::Idr(value).to_string()),
        (Port::Ap, Some(bank)) if access.offset().is_some() => described(ap::register(bank, access.a), value),
        (Port::Ap, _) => hex(value),
    }
}

/// What a value match waited for: the fields of the mask by name.
pub(crate) fn condition(register: Option<&Register>, matching: &Match) -> String {
    let Some(mask) = matching.mask else { return format!("some bits = {}", hex(matching.value)) };
    let mut words = String::new();
    let mut rest = mask;
    for field in register.map_or(&[][..], |r| r.fields) {
        if field.mask() & mask == field.mask() {
            let lead = if words.is_empty() { "" } else { " " };
            // Writing into a String cannot fail.
            let _ = write!(words, "{lead}{}={}", field.name, field.get(matching.value));
            rest &= !field.mask();
        }
    }
    if rest == 0 && !words.is_empty() { words } else { format!("& {} = {}", hex(mask), hex(matching.value)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_named_with_their_alias_and_memory_with_its_region() {
        assert_eq!(place(Names::Stm32H5, Addr(0x4002_2020)), "FLASH_NSSR");
        assert_eq!(place(Names::Stm32H5, Addr(0x5002_2020)), "FLASH_NSSR (secure alias)");
        assert_eq!(place(Names::Stm32H5, Addr(0xE004_4104)), "DBGMCU_DBG_AUTH_DEVICE");
        assert!(place(Names::Stm32H5, Addr(0x0800_2000)).ends_with(" 0x0800_2000"));
    }

    #[test]
    fn another_chip_has_only_the_names_that_every_cortex_m_has() {
        let place = |at| place(Names::CortexM, Addr(at));
        assert_eq!(place(0x4002_2020), "peripherals 0x4002_2020");
        assert_eq!(place(0xE004_4000), "private peripheral bus 0xE004_4000");
        assert_eq!((place(0xE000_EDF0), place(0x0800_0000)), ("DHCSR".into(), "code 0x0800_0000".into()));
    }

    #[test]
    fn keys_are_named_by_their_place_in_the_sequence() {
        assert_eq!(key(0x4002_200C, 0x0819_2A3B), Some("key 1"));
        assert_eq!(key(0x4002_200C, 0x4C5D_6E7F), Some("key 2"));
        assert_eq!(key(0x4002_200C, 0x4567_0123), Some("a wrong key"));
        assert_eq!(key(0x4002_2020, 0x4567_0123), None);
    }

    #[test]
    fn a_write_to_dhcsr_shows_its_key_where_a_read_shows_status() {
        let mut script = crate::script::Script::new();
        script.ap1().poke(0xE000_EDF0, 0xA05F_0003).peek(0xE000_EDF0, 0x0003_0003);
        let found = crate::script::lines(&script.trace(), wire::Level::Meaning);
        assert_eq!(
            found,
            [
                "DHCSR write C_DEBUGEN=1 C_HALT=1 DBGKEY=key (0xA05F_0003)",
                "DHCSR read C_DEBUGEN=1 C_HALT=1 S_REGRDY=1 S_HALT=1 (0x0003_0003)"
            ]
        );
    }

    #[test]
    fn a_match_is_told_by_fields_where_the_mask_covers_them() {
        let nssr = regs::lookup(0x4002_2020).map(|hit| hit.register);
        let busy = Match { mask: Some(0b1011), value: 0, reached: true };
        assert_eq!(condition(nssr, &busy), "BSY=0 WBNE=0 DBNE=0");
        assert_eq!(condition(None, &busy), "& 0x0000_000B = 0x0000_0000");
    }

    #[test]
    fn spans_and_sizes_are_in_the_unit_a_person_would_choose() {
        assert_eq!(span(Duration::from_nanos(80)), "80 ns");
        assert_eq!(span(Duration::from_micros(1500)), "1.50 ms");
        assert_eq!(span(Duration::from_millis(1830)), "1.830 s");
        assert_eq!((size(1), size(100), size(8192)), ("1 byte".into(), "100 bytes".into(), "8 KiB".into()));
    }
}
