//! The recorder: takes what passes between host and probe and appends it to a pcapng file.
//!
//! It sits between the host and the probe, so [`Recorder`] only copies bytes into a buffer that was allocated beforehand.
//! The buffer goes to the file in pieces, so that somebody can read along: with every step, every few records, when it is long,
//! on [`Recorder::finish`] and on drop.

use crate::mask::Masker;
use crate::usbmon::{EINPROGRESS, Half, Head, setup_bytes, transfer_number};
use crate::{TraceError, pcapng};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wire::{Mark, MarkKind, Record, Secret, Sink};

/// Allocated at the start.
const BUFFER: usize = 2 << 20;
/// Written to the file from this fill on. What is left holds the longest record there is.
const FLUSH_AT: usize = 256 << 10;
/// Or when so many records wait, so that somebody who reads along is never far behind.
const FLUSH_RECORDS: u64 = 64;

/// The first line of a recording's head.
pub(crate) const MASKED: &str = "secrets: masked";
/// The same where they are not.
pub(crate) const SHOWN: &str = "secrets: SHOWN - THIS FILE CONTAINS SECRETS IN CLEAR";

/// Whether the head of a recording says that its secrets are masked.
pub(crate) fn says_masked(comment: &str) -> bool {
    comment.lines().any(|line| line.trim_end() == MASKED)
}

/// Whether secret bytes are hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// Replaced by a mask of the same length.
    Masked,
    /// Written as they are; the file says so at its beginning.
    Shown,
}

/// What kind of clock gave the times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockKind {
    /// A simulated clock.
    Virtual,
    /// A real one.
    Real,
}

impl ClockKind {
    /// The word in the file's header.
    pub const fn word(self) -> &'static str {
        match self {
            ClockKind::Virtual => "virtual",
            ClockKind::Real => "real",
        }
    }
}

/// What a reader should know before the first record. Each text is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The program.
    pub tool: String,
    /// Its version.
    pub version: String,
    /// The policy in force, in the words of `--set`.
    pub policy_line: String,
    /// The probe: product, serial, USB numbers.
    pub probe: String,
    /// The pipe in the words of [`replay::line`](crate::replay::line), for a replay.
    pub pipe: String,
    /// What kind of clock gave the times.
    pub clock: ClockKind,
    /// Bus number that the records carry. Any will do where there is no real bus.
    pub bus: u16,
    /// Device address that the records carry, 1 to 127.
    pub device: u8,
}

impl Header {
    /// A header with the address 1.1, and nothing said about policy, probe and pipe.
    pub fn new(tool: impl Into<String>, version: impl Into<String>, clock: ClockKind) -> Self {
        Header {
            tool: tool.into(),
            version: version.into(),
            policy_line: String::new(),
            probe: String::new(),
            pipe: String::new(),
            clock,
            bus: 1,
            device: 1,
        }
    }

    fn comment(&self, secrets: Secrets) -> String {
        let secret_line = match secrets {
            Secrets::Masked => MASKED,
            Secrets::Shown => SHOWN,
        };
        let mut lines = vec![
            secret_line.to_owned(),
            format!("tool: {} {}", one_line(&self.tool), one_line(&self.version)),
            format!("clock: {}", self.clock.word()),
        ];
        for (key, value) in [("probe", &self.probe), ("pipe", &self.pipe), ("policy", &self.policy_line)] {
            if !value.is_empty() {
                lines.push(format!("{key}: {}", one_line(value)));
            }
        }
        lines.join("\n")
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// What a finished recording holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Bytes of the file.
    pub bytes: u64,
    /// Submit and complete records.
    pub records: u64,
    /// Marks.
    pub marks: u64,
}

/// Writes a recording. See the [module](self).
#[derive(Debug)]
pub struct Recorder {
    buffer: Vec<u8>,
    file: Option<(PathBuf, File)>,
    failed: Option<std::io::Error>,
    masker: Option<Masker>,
    comment: String,
    bus: u16,
    device: u8,
    written: Written,
}

impl Recorder {
    /// Begins a recording in a new file (an old one of that name is overwritten). Only its owner may read it.
    ///
    /// # Errors
    /// [`TraceError::File`] and [`TraceError::Random`].
    pub fn create(path: impl AsRef<Path>, header: &Header, secrets: Secrets) -> Result<Self, TraceError> {
        let path = path.as_ref().to_path_buf();
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(&path)
            .and_then(|file| only_for_its_owner(&file).map(|()| file))
            .map_err(|source| TraceError::File { path: path.clone(), source })?;
        Self::begin(Some((path, file)), header, secrets)
    }

    /// Begins a recording that stays in memory.
    ///
    /// # Errors
    /// [`TraceError::Random`].
    pub fn in_memory(header: &Header, secrets: Secrets) -> Result<Self, TraceError> {
        Self::begin(None, header, secrets)
    }

    fn begin(file: Option<(PathBuf, File)>, header: &Header, secrets: Secrets) -> Result<Self, TraceError> {
        let masker = match secrets {
            Secrets::Masked => Some(Masker::new()?),
            Secrets::Shown => None,
        };
        // A recording in memory grows with what it holds; tests make thousands of them.
        let mut buffer = Vec::with_capacity(if file.is_some() { BUFFER } else { 64 << 10 });
        let application = format!("{} {}", header.tool, header.version);
        pcapng::section(&mut buffer, &header.comment(secrets), &application);
        pcapng::interface(&mut buffer, pcapng::LINKTYPE_USB_LINUX_MMAPPED, "usb");
        pcapng::interface(&mut buffer, pcapng::LINKTYPE_USER0, "marks");
        Ok(Recorder {
            buffer,
            file,
            failed: None,
            masker,
            comment: String::with_capacity(256),
            bus: header.bus,
            device: header.device,
            written: Written::default(),
        })
    }

    /// Writes out what is still in the buffer and says what the recording holds so far. Recording may go on.
    ///
    /// # Errors
    /// [`TraceError::File`] when writing fails now or failed before.
    pub fn finish(&mut self) -> Result<Written, TraceError> {
        self.flush();
        match (self.failed.take(), &self.file) {
            (Some(source), Some((path, _))) => Err(TraceError::File { path: path.clone(), source }),
            _ => {
                let pending = u64::try_from(self.buffer.len()).unwrap_or(u64::MAX);
                Ok(Written { bytes: self.written.bytes + pending, ..self.written })
            }
        }
    }

    /// The recording so far, if it is kept in memory; otherwise what has not yet gone to the file.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Ends a recording that is kept in memory.
    pub fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// A failed write is kept for [`Recorder::finish`]: the traffic must go on whatever the disk does.
    fn flush(&mut self) {
        let Some((_, file)) = &mut self.file else { return };
        if self.failed.is_none() {
            match file.write_all(&self.buffer) {
                Ok(()) => self.written.bytes += u64::try_from(self.buffer.len()).unwrap_or(u64::MAX),
                Err(e) => self.failed = Some(e),
            }
        }
        self.buffer.clear();
    }

    fn transfer(&mut self, at: Duration, head: &Head, data: &[u8], secret: &Secret) {
        self.comment.clear();
        for range in &secret.0 {
            let end = range.end.min(data.len());
            if range.start < end {
                let lead = if self.comment.is_empty() { "secret: " } else { "," };
                // Writing into a String cannot fail.
                let _ = write!(self.comment, "{lead}{}..{end}", range.start);
            }
        }
        let masker = &self.masker;
        pcapng::packet(&mut self.buffer, 0, nanos(at), &self.comment, |out| {
            head.write(out);
            let start = out.len();
            out.extend_from_slice(data);
            for range in &secret.0 {
                let end = range.end.min(data.len());
                if let (Some(masker), Some(bytes)) = (masker, out.get_mut(start + range.start..start + end)) {
                    masker.hide(bytes);
                }
            }
        });
        self.written.records += 1;
    }

    fn mark(&mut self, at: Duration, mark: &Mark) {
        pcapng::packet(&mut self.buffer, 1, nanos(at), "", |out| mark_text(mark, out));
        self.written.marks += 1;
    }
}

/// A mark as it stands in a packet.
pub(crate) fn mark_text(mark: &Mark, out: &mut Vec<u8>) {
    let text = MarkText { mark: mark.kind.word(), text: &mark.text };
    // Two strings always serialise, and a Vec always takes them.
    let _ = serde_json::to_writer(out, &text);
}

#[derive(serde::Serialize)]
struct MarkText<'a> {
    mark: &'a str,
    text: &'a str,
}

fn nanos(at: Duration) -> u64 {
    u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl Sink for Recorder {
    fn record(&mut self, record: Record<'_>) {
        let (bus, device) = (self.bus, self.device);
        match record {
            Record::Submit { at, urb, endpoint, kind, setup, length: asked, data, secret } => {
                let head = Head {
                    urb,
                    half: Half::Submit,
                    transfer: transfer_number(kind),
                    endpoint,
                    device,
                    bus,
                    setup: setup_bytes(setup),
                    seconds: at.as_secs().cast_signed(),
                    micros: at.subsec_micros().cast_signed(),
                    status: EINPROGRESS,
                    urb_len: length(asked),
                    data_len: length(data.len()),
                    descriptors: 0,
                };
                self.transfer(at, &head, data, secret);
            }
            Record::Complete { at, urb, endpoint, kind, status, length: moved, data, secret } => {
                let head = Head {
                    urb,
                    half: Half::Complete,
                    transfer: transfer_number(kind),
                    endpoint,
                    device,
                    bus,
                    setup: None,
                    seconds: at.as_secs().cast_signed(),
                    micros: at.subsec_micros().cast_signed(),
                    status,
                    urb_len: length(moved),
                    data_len: length(data.len()),
                    descriptors: 0,
                };
                self.transfer(at, &head, data, secret);
            }
            Record::Mark { at, mark } => self.mark(at, mark),
        }
        let step = matches!(record, Record::Mark { mark, .. } if mark.kind == MarkKind::Step);
        let many = self.written.records.is_multiple_of(FLUSH_RECORDS);
        if self.file.is_some() && (step || many || self.buffer.len() >= FLUSH_AT) {
            self.flush();
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.flush();
        if let (Some(e), Some((path, _))) = (&self.failed, &self.file) {
            log::warn!("the trace {} is incomplete: {e}", path.display());
        }
    }
}

/// A file that was there before keeps its mode when it is opened, whoever may read it.
#[cfg(unix)]
fn only_for_its_owner(file: &File) -> std::io::Result<()> {
    // Not for `/dev/null` and its like.
    if !file.metadata()?.is_file() {
        return Ok(());
    }
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
}

#[cfg(not(unix))]
fn only_for_its_owner(_: &File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
