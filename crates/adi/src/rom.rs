//! ROM tables: which components are behind an access port.

use crate::{Adi, AdiError};
use regs::coresight::{CIDR0, DEVARCH, ENTRIES_END, Identity, PIDR0, PIDR4, entry};
use wire::{Addr, ApSel, Attr};

/// A component that a ROM table names, or the table itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Component {
    /// Where its 4 KiB begin.
    pub at: Addr,
    /// How many tables lead to it.
    pub depth: usize,
    /// What it says it is; `None` where nothing is, or nothing answers.
    pub identity: Option<Identity>,
}

/// Components that are looked at; a table that names more is broken.
const MOST: usize = 64;
/// Tables in tables; a table that names itself would have no end.
const DEEPEST: usize = 4;
/// Entries that are read at once.
const ENTRIES: usize = 8;

impl Adi {
    /// Reads the ROM table at BASE of an access port and everything that it names. A component that answers FAULT is in the
    /// list without an identity.
    ///
    /// # Errors
    /// [`AdiError`] other than FAULT.
    pub fn rom_table(&mut self, ap: ApSel, base: u32) -> Result<Vec<Component>, AdiError> {
        let mut found = Vec::new();
        let mut next = vec![(Addr(base & entry::OFFSET), 0)];
        while let Some((at, depth)) = next.pop().filter(|_| found.len() < MOST) {
            let identity = self.identity(ap, at)?;
            found.push(Component { at, depth, identity });
            if depth < DEEPEST && identity.is_some_and(|id| id.is_rom_table()) {
                let entries = self.entries(ap, at)?;
                next.extend(entries.into_iter().rev().map(|at| (at, depth + 1)));
            }
        }
        Ok(found)
    }

    fn identity(&mut self, ap: ApSel, at: Addr) -> Result<Option<Identity>, AdiError> {
        const WORDS: u32 = (0x1000 - DEVARCH) / 4;
        let Some(words) = self.unless_fault(ap, at.plus(DEVARCH), WORDS as usize)? else { return Ok(None) };
        let word = |offset: u32| words.get(((offset - DEVARCH) / 4) as usize).copied().unwrap_or_default();
        let pidr = [PIDR0, PIDR0 + 4, PIDR0 + 8, PIDR0 + 12, PIDR4].map(word);
        let cidr = [CIDR0, CIDR0 + 4, CIDR0 + 8, CIDR0 + 12].map(word);
        Ok(Identity::new(word(DEVARCH), pidr, cidr))
    }

    /// The components that a table names and that are there. An entry of zero ends it.
    fn entries(&mut self, ap: ApSel, table: Addr) -> Result<Vec<Addr>, AdiError> {
        let mut found = Vec::new();
        for offset in (0..ENTRIES_END).step_by(ENTRIES * 4) {
            let words = self.unless_fault(ap, table.plus(offset), ENTRIES)?.unwrap_or_default();
            let end = words.iter().position(|word| *word == 0).unwrap_or(words.len());
            let there = words.iter().take(end).filter(|word| **word & entry::PRESENT != 0);
            found.extend(there.map(|word| table.plus(word & entry::OFFSET)));
            if end < ENTRIES {
                break;
            }
        }
        Ok(found)
    }

    fn unless_fault(&mut self, ap: ApSel, at: Addr, count: usize) -> Result<Option<Vec<u32>>, AdiError> {
        match self.read_words(ap, Attr::Default, at, count) {
            Ok(words) => Ok(Some(words)),
            Err(AdiError::Fault { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
