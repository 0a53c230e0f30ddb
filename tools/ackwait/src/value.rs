//! Registers and their values in words, and what a write changed.

use crate::number::{hex, hex_of};
use regs::Register;
use serde_json::{Value, json};
use wire::Width;

/// A value that was read.
pub(crate) struct Reading {
    pub(crate) name: String,
    pub(crate) value: u32,
    pub(crate) width: Width,
    /// For its fields.
    pub(crate) register: Option<&'static Register>,
}

impl Reading {
    pub(crate) fn line(&self) -> String {
        let words = self.register.map(|r| r.describe(self.value)).unwrap_or_default();
        format!("{}  {}  {words}", self.name, hex_of(self.value, self.width)).trim_end().to_owned()
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "register": self.name, "value": self.value, "hex": hex_of(self.value, self.width),
            "fields": self.register.map(|r| fields(r, self.value)) })
    }
}

/// The fields of a value.
pub(crate) fn fields(register: &Register, value: u32) -> Value {
    let each = register.fields.iter().map(|field| {
        let x = field.get(value);
        (field.name.to_owned(), json!({ "value": x, "name": field.value_name(x) }))
    });
    Value::Object(each.collect())
}

/// A write, with what was there before and afterwards where looking is harmless.
pub(crate) struct Change {
    pub(crate) name: String,
    pub(crate) width: Width,
    pub(crate) old: Option<u32>,
    pub(crate) wrote: u32,
    pub(crate) now: Option<u32>,
    /// Why nobody looked.
    pub(crate) unread: Option<String>,
    pub(crate) register: Option<&'static Register>,
}

impl Change {
    pub(crate) fn line(&self) -> String {
        let show = |value| hex_of(value, self.width);
        let (Some(old), Some(now)) = (self.old, self.now) else {
            let why = self.unread.as_deref().unwrap_or("it cannot be read");
            return format!("{}  wrote {}  (not looked at: {why})", self.name, show(self.wrote));
        };
        let mut line = format!("{}  {} -> {}", self.name, show(old), show(now));
        if now != self.wrote {
            line += &format!("  (wrote {})", show(self.wrote));
        }
        let changed = self.fields(old, now);
        if changed.is_empty() { line } else { format!("{line}  {}", changed.join(", ")) }
    }

    /// Each field that changed: `BSY 0 -> 1`.
    fn fields(&self, old: u32, now: u32) -> Vec<String> {
        let fields = self.register.map(|r| r.fields).unwrap_or_default();
        let changed = fields.iter().filter(|field| field.get(old) != field.get(now));
        changed
            .map(|field| {
                let show = |value| {
                    let x = field.get(value);
                    field.value_name(x).map_or_else(|| format!("{x:#x}"), str::to_owned)
                };
                format!("{} {} -> {}", field.name, show(old), show(now))
            })
            .collect()
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "register": self.name, "wrote": self.wrote, "old": self.old, "now": self.now,
            "hex": { "wrote": hex(self.wrote), "old": self.old.map(hex), "now": self.now.map(hex) },
            "unread": self.unread })
    }
}
