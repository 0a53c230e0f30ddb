//! RW_MISC: a list of single words through access ports, each with its own status. [STL-9]

use super::StLink;
use super::command::{Command, misc_bytes};
use super::port::Done;
use super::status::Status;
use crate::bus::Chip;
use std::mem;

/// Most items of a V2 and of a V3.
const MOST_V2: usize = 64;
const MOST_V3: usize = 1227;

/// The list that runs or has run.
#[derive(Debug, Default)]
pub(super) struct Misc {
    /// Value and status of each item.
    results: Vec<(u32, Status)>,
    /// Where the next write goes.
    address: u32,
    ap: u8,
}

impl<C: Chip> StLink<C> {
    /// The longest list.
    pub(super) fn misc_most(&self) -> usize {
        if self.version.hardware == 3 { MOST_V3 } else { MOST_V2 }
    }

    /// RW_MISC_OUT.
    pub(super) fn misc_out(&mut self, command: &Command, data: &[u8]) {
        let items = command.word(2) as usize;
        let fits = items <= self.misc_most() && data.len() == misc_bytes(items) && self.is_debugging();
        let (ops, words) = data.split_at_checked(items.next_multiple_of(4)).unwrap_or_default();
        let words = words.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes));
        let mut results = mem::take(&mut self.misc.results);
        results.clear();
        for (op, word) in ops.iter().take(items).zip(words) {
            let done = if fits { self.item(*op, word) } else { Err(Status::COMMAND_ERROR) };
            results.push(match done {
                Ok(value) => (value, Status::OK),
                Err(status) => (0, status),
            });
        }
        self.misc.results = results;
    }

    fn item(&mut self, op: u8, word: u32) -> Done {
        match op {
            1 => self.misc.address = word,
            2 => {
                let ap = self.usable(self.misc.ap.into())?;
                self.write_word(ap, self.misc.address, word)?;
            }
            3 => {
                let ap = self.usable(self.misc.ap.into())?;
                return self.read_word(ap, word);
            }
            5 => {
                let port = u16::try_from(word).map_err(|_| Status::BAD_AP)?;
                self.misc.ap = self.usable(port)?;
            }
            _ => return Err(Status::COMMAND_ERROR),
        }
        Ok(0)
    }

    /// RW_MISC_IN: all values, then all statuses.
    pub(super) fn misc_in(&mut self) -> Vec<u8> {
        let results = mem::take(&mut self.misc.results);
        let values = results.iter().map(|(value, _)| *value);
        let statuses = results.iter().map(|(_, status)| u32::from(status.0));
        values.chain(statuses).flat_map(u32::to_le_bytes).collect()
    }
}
