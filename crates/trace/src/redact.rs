//! Redaction: secrets in a recording of somebody else become masks.
//!
//! Nobody marked anything in a foreign capture, so what is secret is told by where it was moved to or from (`secrets`):
//! OBK storage, what the ROM's provisioning service was told to take, the password, token or certificate in an answer to the
//! debug authentication, and whatever the user names. A value that was secret in one place is masked wherever it is data.
//! What the recording itself marks as secret is masked too.
//!
//! Of the packets nothing changes but the secret bytes: lengths, times, status and everything that is no data stay, and equal
//! secrets become equal masks under a key that is stored nowhere. [TRACE-4] The file says at its head that secrets are masked,
//! and a comment of each packet says where, as in a recording of ours: whoever reads it does not take masks for values.

#[cfg(test)]
mod tests;
mod write;

use crate::event::Body;
use crate::lift::Assume;
use crate::log::Tool;
use crate::logic::Format;
use crate::mask::Masker;
use crate::read::{Protocol, Transfer, Warning};
use crate::secrets::{Look, Marked, WORD, padding};
use crate::trace::{Options, Trace, open_shared};
use crate::{TraceError, pcapng, recorder};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use wire::Level;

pub use crate::secrets::Rules;

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
    let options = Options { assume: Assume::Nothing, show_secrets: false, ..options.clone() };
    let look = Look { rules: rules.clone(), nowhere: true };
    let (trace, found) = open_shared(&whole, &options, &look)?;
    if let Some(protocol @ (Protocol::List | Protocol::JLink)) = trace.protocol() {
        return Err(TraceError::NotRedacted(format!("this recording ({protocol})")));
    }
    if trace.warnings().iter().any(|warning| matches!(warning, Warning::WireBesideUsb { .. })) {
        let what = "the list of what was on the wire (link type 148) that stands in this recording beside USB packets";
        return Err(TraceError::NotRedacted(what.to_owned()));
    }
    let mut file = whole.to_vec();
    let mut marks = Marks { whole: &whole, masks: Masks::new(), lost: found.lost };
    trace.events(Level::Usb).iter().for_each(|event| marks.transfer(&event.body));
    let blank = marks.left_over(&trace);
    let words = marks.mask(&mut file)?;
    for range in blank {
        file.get_mut(range).into_iter().for_each(|bytes| bytes.fill(0));
    }
    say_masked(&mut file);
    // What cannot be read may hold anything.
    if let Some(end) = trace.truncated_at() {
        file.truncate(end);
    }
    let left = left(&trace, &Marked { lost: marks.lost, ..found });
    Ok(Redacted { bytes: write::marked(&file, &marks.masks), words, left })
}

/// By where the data of a packet begin in the file, what of them is secret.
type Masks = BTreeMap<usize, Vec<Range<usize>>>;

/// Where secrets stand in the file.
struct Marks<'a> {
    whole: &'a Bytes,
    masks: Masks,
    /// Secrets that are no part of the file.
    lost: usize,
}

impl Marks<'_> {
    /// Where a packet stands in the file.
    fn offset(&self, packet: &Bytes) -> Option<usize> {
        let offset = (packet.as_ptr() as usize).checked_sub(self.whole.as_ptr() as usize);
        offset.filter(|offset| offset + packet.len() <= self.whole.len())
    }

    fn transfer(&mut self, body: &Body) {
        let Body::Transfer(transfer) = body else { return };
        let Transfer { data, secret, .. } = transfer.as_ref();
        if secret.is_empty() {
            return;
        }
        let Some(offset) = self.offset(data) else {
            self.lost += secret.len();
            return;
        };
        let mut ranges: Vec<Range<usize>> =
            secret.iter().map(|range| range.start..range.end.min(data.len())).collect();
        ranges.sort_unstable_by_key(|range| (range.start, range.end));
        self.masks.insert(offset, ranges);
    }

    /// What stands behind commands in their packets.
    fn left_over(&self, trace: &Trace) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for event in trace.events(Level::Command) {
            let Body::Command(command) = &event.body else { continue };
            for (packet, count) in
                [&command.request_bytes, &command.response_bytes].into_iter().zip(padding(command))
            {
                if let Some(end) =
                    self.offset(packet).map(|offset| offset + packet.len()).filter(|_| count > 0)
                {
                    found.push(end - count.min(packet.len())..end);
                }
            }
        }
        found
    }

    /// Masks every word once. How many there are.
    fn mask(&self, file: &mut [u8]) -> Result<usize, TraceError> {
        let masker = Masker::new()?;
        let mut words = BTreeSet::new();
        for (offset, ranges) in &self.masks {
            for range in ranges {
                let starts = range.clone().step_by(WORD);
                words.extend(starts.map(|start| (offset + start, offset + (start + WORD).min(range.end))));
            }
        }
        words.iter().for_each(|(start, end)| {
            file.get_mut(*start..*end).into_iter().for_each(|bytes| masker.hide(bytes));
        });
        Ok(words.len())
    }
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

fn left(trace: &Trace, found: &Marked) -> Vec<String> {
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
    if found.nowhere > 0 {
        left.push(format!(
            "{} accesses at places that the recording does not show were masked",
            found.nowhere
        ));
    }
    if found.lost > 0 {
        left.push(format!(
            "{} secrets could not be found in the packets: DO NOT hand this file on",
            found.lost
        ));
    }
    left
}
