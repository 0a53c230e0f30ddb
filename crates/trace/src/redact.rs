//! Redaction: secrets in a recording of somebody else become masks.
//!
//! Nobody marked anything in a foreign capture, so what is secret is told by where it was moved to or from (`secrets`):
//! OBK storage, what the ROM's provisioning service was told to take, the password, token or certificate in an answer to the
//! debug authentication, and whatever the user names. A value that was secret in one place is masked wherever it is data.
//! What the recording itself marks as secret is masked too.
//!
//! The file stays as it is, byte for byte, but for the secret bytes in the USB packets: lengths, times, status and everything
//! that is no data stay, and equal secrets become equal masks under a key that is stored nowhere. [TRACE-4]

mod dap;
mod secrets;
mod stlink;
#[cfg(test)]
mod tests;

use crate::event::{Body, Event};
use crate::lift::Assume;
use crate::log::Tool;
use crate::logic::Format;
use crate::mask::Masker;
use crate::read::{Protocol, Warning};
use crate::trace::{Options, Trace, open_shared};
use crate::{TraceError, pcapng, recorder};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::ops::Range;
use wire::Level;

pub use secrets::Rules;
use secrets::Secrets;

/// Secrets are masked word by word, so that equal ones stay equal however they are cut into packets.
const WORD: usize = 4;

/// A recording without its secrets.
#[derive(Debug)]
pub struct Redacted {
    /// The file.
    pub bytes: Vec<u8>,
    /// Words that were masked, where they stand in USB packets.
    pub words: usize,
    /// What a reader must know: what could not be looked at, and what was left as it is.
    pub left: Vec<String>,
}

/// Masks the secrets of a recording.
///
/// # Errors
/// As [`open_with`](crate::open_with); [`TraceError::NotRedacted`] for what is no recording of CMSIS-DAP or ST-Link;
/// [`TraceError::Random`].
pub fn redact(bytes: &[u8], rules: &Rules, options: &Options) -> Result<Redacted, TraceError> {
    if Format::of(bytes).is_some() {
        return Err(TraceError::NotRedacted("a capture of the pins".to_owned()));
    }
    if let Some(tool) = Tool::of_head(bytes) {
        return Err(TraceError::NotRedacted(format!("a log of {tool}")));
    }
    let whole = Bytes::copy_from_slice(bytes);
    // Where an access goes is not to be assumed here: what is not known may be a secret.
    let trace = open_shared(&whole, &Options { assume: Assume::Nothing, ..options.clone() })?;
    if let Some(protocol @ (Protocol::List | Protocol::JLink)) = trace.protocol() {
        return Err(TraceError::NotRedacted(format!("this recording ({protocol})")));
    }
    let secrets = Secrets::of(&trace, rules);
    let mut places = Places { whole: &whole, found: BTreeSet::new(), blank: Vec::new(), lost: 0 };
    marked(&trace, &mut places);
    match trace.protocol() {
        Some(Protocol::CmsisDap) => dap::places(&trace, &secrets, &mut places),
        Some(Protocol::StLink) => stlink::places(&trace, &secrets, &mut places),
        _ => {}
    }
    let mut redacted = whole.to_vec();
    let masker = Masker::new()?;
    let words =
        places.found.iter().filter(|place| mask(&masker, &mut redacted, place.start..place.end)).count();
    for range in places.blank {
        redacted.get_mut(range).into_iter().for_each(|bytes| bytes.fill(0));
    }
    say_masked(&mut redacted);
    // What cannot be read may hold anything.
    if let Some(end) = trace.truncated_at() {
        redacted.truncate(end);
    }
    Ok(Redacted { bytes: redacted, words, left: left(&trace, &secrets, places.lost) })
}

/// A place of at most a word in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    start: usize,
    end: usize,
}

/// Where secrets stand in the file.
struct Places<'a> {
    whole: &'a Bytes,
    found: BTreeSet<Place>,
    /// Bytes that mean nothing and become zeros.
    blank: Vec<Range<usize>>,
    /// Secrets whose bytes could not be found.
    lost: usize,
}

impl Places<'_> {
    /// Where a packet stands in the file.
    fn offset(&self, packet: &Bytes) -> Option<usize> {
        let offset = (packet.as_ptr() as usize).checked_sub(self.whole.as_ptr() as usize);
        offset.filter(|offset| offset + packet.len() <= self.whole.len())
    }

    /// Blanks the last bytes of a packet.
    fn blank(&mut self, packet: &Bytes, count: usize) {
        if let Some(end) = self.offset(packet).map(|offset| offset + packet.len()).filter(|_| count > 0) {
            self.blank.push(end - count.min(packet.len())..end);
        }
    }

    /// Adds a range of a packet, word by word. A packet that is no part of the file cannot be masked in it.
    fn add(&mut self, packet: &Bytes, range: Range<usize>) {
        let Some(offset) = self.offset(packet) else {
            self.lost += 1;
            return;
        };
        let end = range.end.min(packet.len());
        for start in range.clone().step_by(WORD).filter(|start| *start < end) {
            let place = Place { start: offset + start, end: offset + (start + WORD).min(end) };
            self.found.insert(place);
        }
    }
}

/// What the recorder marked: a recording of ours that shows its secrets.
fn marked(trace: &Trace, places: &mut Places<'_>) {
    if trace.secrets() == crate::Secrets::Masked {
        return;
    }
    for event in trace.events(Level::Usb) {
        let Body::Transfer(transfer) = &event.body else { continue };
        for range in &transfer.secret {
            places.add(&transfer.data, range.clone());
        }
    }
}

fn mask(masker: &Masker, file: &mut [u8], place: Range<usize>) -> bool {
    file.get_mut(place).map(|bytes| masker.hide(bytes)).is_some()
}

/// The head of a recording of ours no longer says that secrets are shown. The line keeps its length.
fn say_masked(file: &mut [u8]) {
    let head = file.len().min(pcapng::LONGEST_HEAD);
    let shown = recorder::SHOWN.as_bytes();
    let place =
        file.get(..head).and_then(|head| head.windows(shown.len()).position(|window| window == shown));
    if let Some(line) = place.and_then(|at| file.get_mut(at..at + shown.len())) {
        let padded = recorder::MASKED.bytes().chain(std::iter::repeat(b' '));
        line.iter_mut().zip(padded).for_each(|(byte, new)| *byte = new);
    }
}

fn left(trace: &Trace, secrets: &Secrets, lost: usize) -> Vec<String> {
    let mut left = Vec::new();
    for warning in trace.warnings() {
        match warning {
            Warning::OtherDevices { .. } | Warning::Unreadable { .. } | Warning::UnknownInterface { .. } => {
                left.push(format!("{warning}: they were copied as they are"));
            }
            Warning::Truncated { .. } | Warning::Damaged { .. } => {
                left.push(format!("{warning}; what stands behind was cut off"));
            }
            Warning::NotDecoded => left.push(format!("{warning}: nothing could be looked at")),
            _ => {}
        }
    }
    if secrets.nowhere > 0 {
        left.push(format!(
            "{} accesses at places that the recording does not show were masked",
            secrets.nowhere
        ));
    }
    if lost > 0 {
        left.push(format!("{lost} secrets could not be found in the packets: DO NOT hand this file on"));
    }
    left
}

/// The events of level 2 or 1 that each command caused, by its index.
fn of_command(events: &[Event], command: usize) -> Range<usize> {
    let start = events.partition_point(|event| event.cause < Some(command));
    let end = events.partition_point(|event| event.cause <= Some(command));
    start..end
}
