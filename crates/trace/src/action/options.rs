//! Reading all option registers. [H5-OB-1]

use super::flash::{changes, current_of};
use super::{ActionKind, Found, Known, performed, read, took};
use crate::event::Event;
use regs::h5::{flash, option};
use std::collections::BTreeMap;

/// Fewer registers are shown as reads.
const MANY: usize = 8;

/// An option register: in force, or to be programmed.
fn is_option(register: u32) -> bool {
    let stands_before = |at: u32| current_of(at.saturating_add(4)) == Some(at);
    current_of(register).is_some() || stands_before(register)
}

/// A run of reads, each of one option register.
pub(super) fn dump(rest: &[Event], known: &Known) -> Option<Found> {
    let mut values = BTreeMap::new();
    for event in rest {
        let once = performed(event).is_some_and(|a| a.repeats.same == 1 && a.matching.is_none());
        match read(event).filter(|(register, _)| once && is_option(*register)) {
            Some((register, Some(value))) if !values.contains_key(&register) => {
                values.insert(register, value)
            }
            _ => break,
        };
    }
    let length = values.len();
    if length < MANY {
        return None;
    }
    let state = |offset: u32, mask: u32| {
        let register = flash::BASE + offset;
        let field = regs::lookup(register)?.register.fields.iter().find(|field| field.mask() == mask)?;
        let value = field.get(*values.get(&register)?);
        let name = field.value_name(value).map_or_else(|| format!("{value:#x}"), str::to_owned);
        Some(format!("{}={name}", field.name))
    };
    let mut said = vec![format!("read {length} option registers")];
    said.extend(state(flash::OPTSR_CUR, option::PRODUCT_STATE));
    said.extend(state(flash::OPTSR2_CUR, option::TZEN));
    let since: Vec<String> = values
        .iter()
        .filter(|(register, value)| known.0.get(register).is_some_and(|old| old != *value))
        .filter(|(register, _)| current_of(**register).is_none())
        .flat_map(|(register, value)| changes(*register, *value, known))
        .collect();
    let mut seen = Known::default();
    seen.0.clone_from(&values);
    let pending: Vec<String> = values
        .iter()
        .filter(|(register, value)| {
            current_of(**register).and_then(|current| values.get(&current)).is_some_and(|now| now != *value)
        })
        .flat_map(|(register, value)| changes(*register, *value, &seen))
        .collect();
    for (what, list) in [("changed", since), ("to be programmed", pending)] {
        if !list.is_empty() {
            said.push(format!("{what}: {}", list.join(" ")));
        }
    }
    let took = took(rest.get(..length)?);
    Found::new(length, ActionKind::Option, format!("{}{took}", said.join(", ")))
}
