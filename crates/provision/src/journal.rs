//! The journal: what was done to one part, one line per event, written before and after everything that counts.
//!
//! A line is a JSON object with a checksum of its own. A run that loses power in the middle of a line leaves a torn last
//! line; it is dropped when the journal is opened again. Anything else that is wrong with a journal is an error.

mod seal;
mod store;
#[cfg(test)]
mod tests;

pub use seal::Seal;
pub use store::{FileStore, Folder, MemoryShelf, MemoryStore, Shelf, Store, StoreError, journal_path};

use crate::text::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A run began.
    Begin {
        /// What the job puts into a part, by its sealed name.
        content: String,
        /// The product state it found.
        state: String,
    },
    /// Flash was compared with the images and is right.
    FlashRight {
        /// Digest of sectors and their data.
        firmware: String,
    },
    /// The option bytes are as the job wants them.
    OptionsRight {
        /// Digest of names and values.
        options: String,
    },
    /// The product state is about to be changed.
    StateIntent {
        /// To what.
        to: String,
    },
    /// The product state was read and is this.
    StateReached {
        /// The state.
        state: String,
    },
    /// The OBK is about to be written.
    ObkIntent {
        /// The file, by its sealed name.
        obk: String,
    },
    /// The part took the OBK.
    ObkReceipt {
        /// The file, by its sealed name.
        obk: String,
        /// By which route.
        route: String,
    },
    /// Discovery vouched for the credential.
    GatePassed {
        /// SOC_ID, hex.
        soc_id: String,
    },
    /// Discovery proved CLOSED.
    ClosedProven {
        /// What the job put into the part, by its sealed name.
        content: String,
    },
    /// The part is about to be taken back to OPEN.
    RegressIntent,
    /// The part refused to authenticate; it is as it was.
    RegressRefused,
    /// The part is OPEN again and its flash is erased: nothing above holds any more.
    Regressed,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    /// Number of the line, from 0.
    n: u64,
    /// The part, so that a file under a wrong name is noticed.
    uid: String,
    /// Calendar time, RFC 3339.
    time: String,
    #[serde(flatten)]
    event: Event,
    /// First bytes of the SHA-256 of the line without this field.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    sum: String,
}

impl Line {
    fn text(mut self) -> Result<String, StoreError> {
        let encode = |line: &Line| serde_json::to_string(line).map_err(|e| StoreError::Encode(e.to_string()));
        self.sum.clear();
        self.sum = sum(&encode(&self)?);
        encode(&self)
    }

    fn parse(text: &str) -> Option<Line> {
        let line: Line = serde_json::from_str(text).ok()?;
        (line.clone().text().ok()? == text).then_some(line)
    }
}

fn sum(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())).chars().take(16).collect()
}

/// What the journal says about the part as it is now. A run decides by nothing else in the journal, so journals with equal
/// receipts lead to equal runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Receipts {
    /// Flash is right for this digest.
    pub firmware: Option<String>,
    /// Option bytes are right for this digest.
    pub options: Option<String>,
    /// The OBK with this sealed name is in.
    pub obk: Option<String>,
    /// Discovery vouched for that OBK.
    pub gate: bool,
    /// Behind that gate the change to CLOSED was begun, and the part was not seen in PROVISIONING since.
    pub closing: bool,
    /// CLOSED was proven with this content.
    pub closed: Option<String>,
    /// A regression was begun and not seen to end.
    pub regressing: bool,
}

impl Receipts {
    /// Voids what cannot hold any more in a part that is in this product state.
    ///
    /// Only a regression leads back, and a regression takes everything. It may have been done by somebody who does not
    /// write this journal, or by us without living to see its end: what the part holds since then is not known here.
    pub fn seen_in(&mut self, state: &str) {
        let went_back = match state {
            _ if state.starts_with("OPEN") => true,
            _ if state.starts_with("PROVISIONING") => self.closed.is_some() || self.regressing,
            _ => false,
        };
        if went_back {
            *self = Receipts::default();
        }
        if state.starts_with("PROVISIONING") {
            self.closing = false;
        }
    }

    fn void_obk(&mut self) {
        (self.obk, self.gate, self.closing, self.closed) = (None, false, false, None);
    }

    /// Takes one event into account. An intent voids what it puts at risk: only the receipt behind it restores it.
    fn take(&mut self, event: &Event) {
        match event {
            Event::Begin { state, .. } => self.seen_in(state),
            Event::FlashRight { firmware } => self.firmware = Some(firmware.clone()),
            Event::OptionsRight { options } => self.options = Some(options.clone()),
            Event::StateIntent { to } if to.starts_with("PROVISIONING") => {
                // A part that is sent to PROVISIONING has no OBK yet that could be vouched for.
                self.void_obk();
            }
            Event::StateIntent { to } if to.starts_with("CLOSED") => self.closing = self.gate,
            Event::StateIntent { .. } | Event::StateReached { .. } => {}
            Event::ObkIntent { .. } => self.void_obk(),
            Event::ObkReceipt { obk, .. } => {
                self.void_obk();
                self.obk = Some(obk.clone());
            }
            Event::GatePassed { .. } => self.gate = self.obk.is_some(),
            Event::ClosedProven { content } => self.closed = Some(content.clone()),
            Event::RegressIntent => self.regressing = true,
            Event::RegressRefused => self.regressing = false,
            Event::Regressed => *self = Receipts::default(),
        }
    }
}

/// A part's journal, open.
#[derive(Debug)]
pub struct Journal<S> {
    store: S,
    uid: String,
    seal: Seal,
    next: u64,
    receipts: Receipts,
    events: Vec<Event>,
}

impl<S: Store> Journal<S> {
    /// Opens the journal of a part in a store, and drops a torn last line.
    ///
    /// # Errors
    /// [`StoreError`], also when a line that is not the last makes no sense, or is about another part.
    pub fn open(mut store: S, uid: &str, seal: Seal) -> Result<Self, StoreError> {
        let bytes = store.read()?;
        let mut journal_lines = Vec::new();
        let mut good = 0usize;
        let mut rest = bytes.as_slice();
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            let (line, tail) = rest.split_at(end);
            let tail = tail.split_first().map(|(_, tail)| tail).unwrap_or_default();
            let number = journal_lines.len() as u64;
            let line = std::str::from_utf8(line).ok().and_then(Line::parse).filter(|l| l.n == number);
            match line {
                Some(line) if line.uid != uid => {
                    return Err(StoreError::OtherPart { part: uid.to_owned(), found: line.uid });
                }
                Some(line) => journal_lines.push(line),
                // The system may have written the end of a block before its beginning.
                None if tail.is_empty() => break,
                None => {
                    let path = store.path().to_owned();
                    return Err(StoreError::Damaged { path, line: number + 1 });
                }
            }
            good += end + 1;
            rest = tail;
        }
        if good < bytes.len() {
            store.truncate(good as u64)?;
        }
        let events: Vec<_> = journal_lines.into_iter().map(|l| l.event).collect();
        let mut receipts = Receipts::default();
        events.iter().for_each(|e| receipts.take(e));
        Ok(Journal { store, uid: uid.to_owned(), seal, next: events.len() as u64, receipts, events })
    }

    /// Appends an event and makes it durable before it returns.
    ///
    /// # Errors
    /// [`StoreError`]; the event then counts as not written.
    pub fn append(&mut self, time: &str, event: Event) -> Result<(), StoreError> {
        let (uid, time) = (self.uid.clone(), time.to_owned());
        let line = Line { n: self.next, uid, time, event: event.clone(), sum: String::new() };
        let mut text = line.text()?;
        text.push('\n');
        self.store.append(text.as_bytes())?;
        self.next += 1;
        self.receipts.take(&event);
        self.events.push(event);
        Ok(())
    }

    /// What this journal names secrets by.
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// What holds now.
    pub fn receipts(&self) -> &Receipts {
        &self.receipts
    }

    /// Everything that happened, without times: equal journals make equal decisions.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Nothing was ever written.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}
