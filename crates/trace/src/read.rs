//! Readers: from the bytes of a recording to USB transfers and marks.
//!
//! The format is found by content. A reader yields level 0 in the order in which data moved: the data of an OUT transfer at
//! its submit, the data of an IN transfer at its completion.

mod choose;
mod collect;
mod darwin;
pub(crate) mod foreign;
mod identity;
mod pairs;
mod pcap;
mod survey;
mod usbpcap;
mod window;

use crate::TraceError;
use crate::event::Event;
use crate::log::Tool;
use bytes::Bytes;
use std::fmt;
use std::io::Read;
use std::ops::Range;
use std::time::Duration;
use wire::{Mark, TransferKind};

pub(crate) use choose::Choice;
pub use choose::Protocol;
pub(crate) use choose::{carries_in, carries_out, choose};
pub(crate) use pcap::{SHORTEST_BLOCK, block_length};
pub(crate) use survey::{Again, Batch, Survey};

/// Where a device sits: bus and address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device {
    /// Bus number.
    pub bus: u16,
    /// Address on the bus.
    pub address: u8,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.bus, self.address)
    }
}

impl std::str::FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{text:?} is not BUS.ADDRESS, for example 1.7");
        let (bus, address) = text.split_once('.').ok_or_else(wrong)?;
        let bus = bus.parse().map_err(|_| wrong())?;
        let address = address.parse().map_err(|_| wrong())?;
        Ok(Device { bus, address })
    }
}

/// One USB transfer: a submit record, a complete record, or (where the recording cuts one off) just one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The number that pairs submit and complete.
    pub urb: u64,
    /// Which device.
    pub device: Device,
    /// Endpoint address; bit 7 set means IN.
    pub endpoint: u8,
    /// How the endpoint moves data.
    pub kind: TransferKind,
    /// The request of a control transfer.
    pub setup: Option<[u8; 8]>,
    /// When it was asked for.
    pub submitted: Option<Duration>,
    /// When it was done.
    pub completed: Option<Duration>,
    /// 0, or a negative Linux error number. `None` when the completion is missing.
    pub status: Option<i32>,
    /// The data that moved.
    pub data: Bytes,
    /// Byte ranges of `data` that are secret.
    pub secret: Vec<Range<usize>>,
    /// The recording holds fewer bytes than moved.
    pub clipped: bool,
    /// Place in the recording of the record that carries the data.
    pub order: u64,
    /// Place in the recording of the first of its records.
    pub asked: u64,
}

impl Transfer {
    /// Whether data moved to the host.
    pub fn is_in(&self) -> bool {
        self.endpoint & 0x80 != 0
    }

    /// When its data moved.
    pub fn at(&self) -> Duration {
        let (first, second) =
            if self.is_in() { (self.completed, self.submitted) } else { (self.submitted, self.completed) };
        first.or(second).unwrap_or_default()
    }
}

/// A mark with its time and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// When.
    pub at: Duration,
    /// The mark.
    pub mark: Mark,
    /// Place in the recording.
    pub order: u64,
}

/// Something that a reader could not use. None of these hides what came before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// The recording ends in the middle of a record.
    Truncated {
        /// Offset of that record in bytes.
        at: usize,
    },
    /// A record makes no sense; reading ended there.
    Damaged {
        /// Offset of that record in bytes.
        at: usize,
    },
    /// Packets of an interface that holds neither usbmon records nor marks.
    UnknownInterface {
        /// Its link type.
        link_type: i32,
        /// How many packets.
        packets: u64,
    },
    /// Packets that should be usbmon records or marks and are not.
    Unreadable {
        /// How many.
        packets: u64,
    },
    /// Transfers of other devices were left out.
    OtherDevices {
        /// The one that was kept.
        kept: Device,
        /// How many transfers of others.
        transfers: u64,
    },
    /// The probe had other addresses too: it was plugged in again, or reset.
    Moved {
        /// The address with most to decode.
        kept: Device,
        /// The others.
        others: Vec<Device>,
    },
    /// The recorder lost records.
    Lost {
        /// How many at least.
        records: u64,
        /// How many of them at places that are known.
        placed: u64,
    },
    /// A list of what was on the wire stands beside USB transfers from which the same follows.
    WireBesideUsb {
        /// How many events.
        events: usize,
    },
    /// A logic capture ends before its end, or cannot be read from there on.
    CutAtSample {
        /// How many samples could be read.
        sample: u64,
    },
    /// More events than fit into memory.
    TooMuch {
        /// How many are there.
        events: usize,
        /// When the last of them was over.
        at: Duration,
    },
    /// This is a text log of a tool.
    Log {
        /// Whose.
        tool: Tool,
        /// What it does not show.
        hides: &'static str,
        /// Whether it says when things happened.
        timed: bool,
    },
    /// A log has no line that shows an access or a packet.
    NothingLogged {
        /// How many lines it has.
        lines: u64,
    },
    /// Neither names nor anybody told which channels of a logic capture are the pins.
    Guessed {
        /// The channel of SWCLK.
        swclk: String,
        /// The channel of SWDIO.
        swdio: String,
        /// How many transactions stand in the beginning of the capture when it is read so.
        transactions: usize,
    },
    /// The recording begins in the middle of a session.
    Assumed {
        /// How many accesses are only what they seem.
        accesses: usize,
    },
    /// A logic capture does not say how long a sample takes.
    NoRate,
    /// The traffic of the chosen device looks like that of no probe that is known here.
    NotDecoded,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Truncated { at } => {
                write!(f, "the recording is cut off at byte {at}; what stands before is shown")
            }
            Warning::Damaged { at } => {
                write!(f, "the recording is damaged at byte {at}; what stands before is shown")
            }
            Warning::UnknownInterface { link_type, packets } => {
                write!(f, "{packets} packets of link type {link_type} were left out")
            }
            Warning::Unreadable { packets } => write!(f, "{packets} packets could not be read"),
            Warning::OtherDevices { kept, transfers } => {
                write!(f, "device {kept} is shown; {transfers} transfers of other devices were left out")
            }
            Warning::Moved { kept, others } => {
                let others: Vec<String> = others.iter().map(Device::to_string).collect();
                write!(f, "device {kept} is also {}, by its descriptors: the probe was connected anew", others.join(", "))
            }
            Warning::Lost { records, placed } if placed >= records => {
                write!(f, "the recorder lost {records} records at least; each hole is shown where it is")
            }
            Warning::Lost { records, placed } => write!(
                f,
                "the recorder lost {records} records at least, of which only {placed} have a known place: what is shown may \
                 reach over a hole"
            ),
            Warning::WireBesideUsb { events } => write!(
                f,
                "{events} packets of link type 148 were left out: what was on the wire is derived from the USB transfers"
            ),
            Warning::CutAtSample { sample } => {
                write!(f, "the capture is cut off or damaged after sample {sample}; what stands before is shown")
            }
            Warning::TooMuch { events, at } => {
                let at = at.as_secs_f64();
                write!(
                    f,
                    "the capture has more than {events} events; what comes after {at:.6} s was left out (of a recording of \
                     USB in a file show, stat, lint, cost and exports as jsonl, csv and pcapng hold a part at a time and take \
                     all of it)"
                )
            }
            Warning::Log { tool, hides, timed } => {
                let times = if *timed { "" } else { "; it has no times" };
                let hides = if hides.is_empty() { "how anything was done" } else { hides };
                write!(f, "this is a log of {tool}, which does not show {hides}{times}")
            }
            Warning::NothingLogged { lines } => {
                write!(f, "none of the {lines} lines shows an access or a packet: was the log written in full detail?")
            }
            Warning::Guessed { swclk, swdio, transactions } => write!(
                f,
                "nothing tells the pins: SWCLK is taken to be channel {swclk} and SWDIO channel {swdio}, which give \
                 {transactions} transactions at the beginning (--swclk, --swdio)"
            ),
            Warning::Assumed { accesses } => write!(
                f,
                "SELECT or CSW were not written before {accesses} accesses, marked [assumed]: they are as usual (--assume)"
            ),
            Warning::NoRate => {
                f.write_str("the capture does not say how long a sample takes: times are counted in samples as ns")
            }
            Warning::NotDecoded => f.write_str(
                "no commands of CMSIS-DAP or ST-Link and no shifts of a J-Link were seen from this device: only USB \
                 transfers are shown",
            ),
        }
    }
}

/// What a reader found.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// The comment at the head of the file: lines `key: value` in a recording of ours.
    pub comment: String,
    /// All transfers of all devices.
    pub transfers: Vec<Transfer>,
    /// The marks.
    pub marks: Vec<Marked>,
    /// What was on the wire (level 2), in exports and in what a simulator saw.
    pub wire: Vec<Event>,
    /// Where the recorder lost records.
    pub gaps: Vec<Gap>,
    /// How many records it lost, those at places that are not known included.
    pub lost: u64,
    /// Transfers that stay where they began.
    pub(crate) fates: pairs::Fates,
    /// What could not be used.
    pub warnings: Vec<Warning>,
}

/// A hole in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Place in the recording of the record behind it.
    pub order: u64,
    /// How many records are missing at least.
    pub records: u64,
}

/// Reads a recording in any format that is known.
///
/// # Errors
/// [`TraceError::Unknown`] when no reader takes it.
pub fn read(bytes: &[u8]) -> Result<Recording, TraceError> {
    read_from(&mut { bytes })
}

/// The same, as it comes.
pub(crate) fn read_from(source: &mut dyn Read) -> Result<Recording, TraceError> {
    pcap::read(source)
}

/// The same, where the data of the transfers are to be parts of these bytes.
pub(crate) fn read_shared(bytes: &Bytes) -> Result<Recording, TraceError> {
    pcap::read_shared(bytes)
}

#[cfg(test)]
mod tests;
