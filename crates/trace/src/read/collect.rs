//! What the records of a capture hold, whatever container they came in: transfers and marks.

use super::pairs::{Fates, Pairs, Taken};
use super::{Gap, Marked, Recording, Warning, darwin, usbpcap};
use crate::event::{Body, Event, OnWire};
use crate::pcapng::{LINKTYPE_USB_LINUX_MMAPPED, LINKTYPE_USER0, LINKTYPE_USER1};
use crate::truth;
use crate::usbmon::Head;
use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;
use wire::{Level, Mark, MarkKind};

/// Link type of usbmon records with the 48-byte header.
const LINKTYPE_USB_LINUX: u16 = 189;
/// Link type of USBPcap's records (Windows).
const LINKTYPE_USBPCAP: u16 = 249;
/// Link type of macOS' records.
const LINKTYPE_USB_DARWIN: u16 = 266;
/// Times below this count from the start of a clock; later ones are the time of day, and counted from the first record.
const A_CLOCK_RUNS_AT_MOST: Duration = Duration::from_secs(60 * 60 * 24 * 365);
/// Room for copies of data that is taken at a time.
const ROOM: usize = 1 << 18;

/// Whose header stands before a transfer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Layout {
    Usbmon { long: bool },
    UsbPcap,
    Darwin,
}

impl Layout {
    fn read(self, packet: &[u8], big_endian: bool) -> Option<Taken<'_>> {
        match self {
            Layout::Usbmon { long } => {
                Head::read(packet, big_endian, long).map(|(head, data)| Taken::Record { head, data })
            }
            Layout::UsbPcap => usbpcap::read(packet),
            Layout::Darwin => darwin::read(packet),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Holds {
    Usb(Layout),
    Marks,
    Wire,
    Other(i32),
}

pub(super) fn holds(link_type: i32) -> Holds {
    match u16::try_from(link_type) {
        Ok(LINKTYPE_USB_LINUX) => Holds::Usb(Layout::Usbmon { long: false }),
        Ok(LINKTYPE_USB_LINUX_MMAPPED) => Holds::Usb(Layout::Usbmon { long: true }),
        Ok(LINKTYPE_USBPCAP) => Holds::Usb(Layout::UsbPcap),
        Ok(LINKTYPE_USB_DARWIN) => Holds::Usb(Layout::Darwin),
        Ok(LINKTYPE_USER0) => Holds::Marks,
        Ok(LINKTYPE_USER1) => Holds::Wire,
        _ => Holds::Other(link_type),
    }
}

/// How the data of transfers are kept.
#[derive(Debug)]
pub(super) enum Keep {
    /// As parts of the file, which is held whole.
    Parts(Bytes),
    /// Copied one behind the other.
    Copies(BytesMut),
}

impl Keep {
    fn keep(&mut self, data: &[u8]) -> Bytes {
        match self {
            Keep::Parts(whole) => whole.slice_ref(data),
            Keep::Copies(_) if data.is_empty() => Bytes::new(),
            Keep::Copies(room) => {
                if room.capacity() < data.len() {
                    *room = BytesMut::with_capacity(ROOM.max(data.len()));
                }
                room.extend_from_slice(data);
                room.split().freeze()
            }
        }
    }
}

/// What of a recording is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Collect {
    /// All of it.
    All,
    /// All but lists of what was on the wire, which are counted only.
    Counted,
    /// Transfers: the rest is known from an earlier reading.
    Transfers,
}

/// Collects what the records hold.
#[derive(Debug)]
pub(super) struct Collector {
    keep: Keep,
    collect: Collect,
    pub(super) pairs: Pairs,
    /// Events of lists that were counted only.
    pub(super) counted: usize,
    pub(super) recording: Recording,
    others: BTreeMap<i32, u64>,
    pub(super) unreadable: u64,
    order: u64,
    /// By interface of this section, what its last statistics say.
    pub(super) dropped: BTreeMap<u32, u64>,
    /// Records that were lost in the sections before.
    dropped_before: u64,
    /// Records that are missing in holes of a list of what was on the wire.
    listed_holes: u64,
    origin: Option<Duration>,
}

/// One record, whatever container it came in.
pub(super) struct Packet<'a> {
    pub(super) holds: Holds,
    pub(super) at: Duration,
    pub(super) big_endian: bool,
    pub(super) data: &'a [u8],
    pub(super) comment: Option<&'a str>,
    /// Records that are missing before it.
    pub(super) missing: u64,
}

impl Collector {
    pub(super) fn new(keep: Keep) -> Collector {
        Collector {
            keep,
            collect: Collect::All,
            pairs: Pairs::default(),
            counted: 0,
            recording: Recording::default(),
            others: BTreeMap::new(),
            unreadable: 0,
            order: 0,
            dropped: BTreeMap::new(),
            dropped_before: 0,
            listed_holes: 0,
            origin: None,
        }
    }

    /// For who wants to know what there is, and keeps no transfers.
    pub(super) fn counting() -> Collector {
        Collector { collect: Collect::Counted, ..Collector::new(Keep::Copies(BytesMut::new())) }
    }

    /// For who reads the same records again.
    pub(super) fn again(fates: Fates) -> Collector {
        let copies = Collector::new(Keep::Copies(BytesMut::new()));
        Collector { collect: Collect::Transfers, pairs: Pairs::foreseeing(fates), ..copies }
    }

    pub(super) fn packet(&mut self, packet: &Packet<'_>) {
        self.order += 1;
        if packet.missing > 0 {
            self.recording.gaps.push(Gap { order: self.order, records: packet.missing });
        }
        let origin = *self.origin.get_or_insert(if packet.at < A_CLOCK_RUNS_AT_MOST {
            Duration::ZERO
        } else {
            packet.at
        });
        let at = packet.at.saturating_sub(origin);
        match packet.holds {
            Holds::Usb(layout) => {
                let taken = layout.read(packet.data, packet.big_endian);
                let known = taken.is_some_and(|taken| self.transfer(packet, &taken, at));
                self.unreadable += u64::from(!known);
            }
            Holds::Marks | Holds::Wire if self.collect == Collect::Transfers => {}
            Holds::Marks => match mark(packet.data) {
                Some(mark) => self.recording.marks.push(Marked { at, mark, order: self.order }),
                None => self.unreadable += 1,
            },
            Holds::Wire => match truth::read(packet.data) {
                Some(_) if self.collect == Collect::Counted => self.counted += 1,
                Some(listed) => self.listed(listed, at),
                None => self.unreadable += 1,
            },
            Holds::Other(link_type) => *self.others.entry(link_type).or_default() += 1,
        }
    }

    /// Another section begins, with interfaces of its own.
    pub(super) fn section(&mut self) {
        let dropped = std::mem::take(&mut self.dropped).into_values();
        self.dropped_before = dropped.fold(self.dropped_before, u64::saturating_add);
    }

    fn listed(&mut self, listed: truth::Listed, at: Duration) {
        if let OnWire::Gap(records) = listed.wired.what {
            self.listed_holes = self.listed_holes.saturating_add(records);
        }
        self.recording.wire.push(on_wire(listed, at, self.order));
    }

    /// One record of a transfer. Whether it is of a kind that can carry probe traffic.
    fn transfer(&mut self, packet: &Packet<'_>, taken: &Taken<'_>, at: Duration) -> bool {
        match taken {
            Taken::Record { head, data } => {
                let secret = packet.comment.map(secret_ranges).unwrap_or_default();
                self.pairs.record(head, self.keep.keep(data), secret, at, self.order)
            }
            Taken::More { head, data } => self.pairs.more(head, data),
            Taken::End { head } => self.pairs.end(head, at),
        }
    }

    pub(super) fn finish(mut self) -> Recording {
        self.section();
        (self.recording.transfers, self.recording.fates) = self.pairs.finish();
        // The list counts where there is nothing else.
        let listed = if self.recording.transfers.is_empty() { self.listed_holes } else { 0 };
        let placed = self.recording.gaps.iter().fold(listed, |sum, gap| sum.saturating_add(gap.records));
        let records = self.dropped_before.max(placed);
        self.recording.lost = records;
        if records > 0 {
            self.recording.warnings.push(Warning::Lost { records, placed });
        }
        if self.unreadable > 0 {
            self.recording.warnings.push(Warning::Unreadable { packets: self.unreadable });
        }
        for (link_type, packets) in self.others {
            self.recording.warnings.push(Warning::UnknownInterface { link_type, packets });
        }
        self.recording
    }
}

fn on_wire(listed: truth::Listed, at: Duration, order: u64) -> Event {
    let truth::Listed { took, certainty, wired } = listed;
    let (level, until) = (Level::Transaction, at.saturating_add(took));
    Event { level, at, until, certainty, cause: None, order, body: Body::Wire(wired) }
}

/// The ranges of a comment `secret: 17..33,40..44`. Other comments have none.
fn secret_ranges(comment: &str) -> Vec<Range<usize>> {
    let Some(list) = comment.strip_prefix("secret: ") else { return Vec::new() };
    list.split(',')
        .filter_map(|range| {
            let (start, end) = range.trim().split_once("..")?;
            Some(start.parse().ok()?..end.parse().ok()?)
        })
        .collect()
}

/// The mark in a packet `{"mark":"step","text":".."}`.
fn mark(packet: &[u8]) -> Option<Mark> {
    #[derive(serde::Deserialize)]
    struct Line {
        mark: String,
        text: String,
    }
    let line: Line = serde_json::from_slice(packet).ok()?;
    Some(Mark::new(MarkKind::from_word(&line.mark), line.text))
}
