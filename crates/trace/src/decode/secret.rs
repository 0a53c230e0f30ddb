//! From secret byte ranges of a packet to the items of a transfer whose values they are.

use super::Command;
use cmsis_dap::Request;
use std::ops::Range;

/// Which items of a command hold secret values.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    written: Vec<bool>,
    read: Vec<bool>,
    /// Everything is: a list of commands with any secret byte, where the places are not worked out.
    all: bool,
}

impl Secrets {
    pub(super) fn of(command: &Command) -> Self {
        let (written, read) = (&command.request_secret, &command.response_secret);
        if written.is_empty() && read.is_empty() {
            return Secrets::default();
        }
        match &command.request {
            Some(Request::Transfer(transfer)) => {
                let (mut sent, mut answered) = (3usize, 3usize);
                let mut secrets = Secrets::default();
                for item in &transfer.items {
                    let word = usize::from(item.request.has_word()) * 4;
                    secrets.written.push(word > 0 && touches(written, sent + 1..sent + 1 + word));
                    sent += 1 + word;
                    let words = item.request.answer_words() * 4;
                    secrets.read.push(words > 0 && touches(read, answered..answered + words));
                    answered += words;
                }
                secrets
            }
            Some(Request::TransferBlock(block)) => {
                let mut secrets = Secrets::default();
                for n in 0..usize::from(block.count) {
                    secrets.written.push(touches(written, 5 + n * 4..9 + n * 4));
                    secrets.read.push(touches(read, 4 + n * 4..8 + n * 4));
                }
                secrets
            }
            _ => Secrets { all: true, ..Secrets::default() },
        }
    }

    /// Whether the value of an item is secret.
    pub(super) fn item(&self, item: usize, read: bool) -> bool {
        let list = if read { &self.read } else { &self.written };
        self.all || list.get(item).copied().unwrap_or(false)
    }
}

pub(super) fn touches(ranges: &[Range<usize>], word: Range<usize>) -> bool {
    ranges.iter().any(|range| range.start < word.end && word.start < range.end)
}
