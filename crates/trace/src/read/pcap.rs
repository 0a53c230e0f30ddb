//! pcapng and classic pcap, both byte orders. [TRACE-2]

use super::pairs::{Pairs, Taken};
use super::{Gap, Recording, Warning, darwin, usbpcap};
use crate::event::{Body, Event};
use crate::pcapng::{EPB_DROPCOUNT, ISB_IFDROP, LINKTYPE_USB_LINUX_MMAPPED, LINKTYPE_USER0, LINKTYPE_USER1};
use crate::truth;
use crate::usbmon::Head;
use bytes::Bytes;
use pcap_parser::nom;
use pcap_parser::pcap::{parse_pcap_frame, parse_pcap_frame_be, parse_pcap_header};
use pcap_parser::pcapng::{Block, EnhancedPacketBlock, parse_block_be, parse_block_le};
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{InterfaceDescriptionBlock, OptionCode, PcapNGOption};
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

/// Whose header stands before a transfer.
#[derive(Debug, Clone, Copy)]
enum Layout {
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
enum Holds {
    Usb(Layout),
    Marks,
    Wire,
    Other(i32),
}

fn holds(link_type: i32) -> Holds {
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

/// Units per second of an interface's times, and the seconds to add.
#[derive(Debug, Clone, Copy)]
struct Times {
    per_second: u64,
    offset: i64,
}

impl Times {
    fn duration(self, ticks: u64) -> Duration {
        let per_second = self.per_second.max(1);
        let seconds = (ticks / per_second).saturating_add_signed(self.offset);
        let rest = u128::from(ticks % per_second) * 1_000_000_000 / u128::from(per_second);
        Duration::from_secs(seconds).saturating_add(Duration::from_nanos(u64::try_from(rest).unwrap_or(0)))
    }
}

#[derive(Debug, Clone, Copy)]
struct Interface {
    holds: Holds,
    times: Times,
}

impl Interface {
    fn of(block: &InterfaceDescriptionBlock<'_>) -> Interface {
        let times =
            Times { per_second: block.ts_resolution().unwrap_or(1_000_000), offset: block.ts_offset() };
        Interface { holds: holds(block.linktype.0), times }
    }
}

/// Collects what the records hold.
#[derive(Debug, Default)]
struct Collector {
    pairs: Pairs,
    recording: Recording,
    others: BTreeMap<i32, u64>,
    unreadable: u64,
    order: u64,
    /// By interface, what its last statistics say.
    dropped: BTreeMap<u32, u64>,
    origin: Option<Duration>,
}

/// One record, whatever container it came in.
struct Packet<'a> {
    holds: Holds,
    at: Duration,
    big_endian: bool,
    data: &'a [u8],
    comment: Option<&'a str>,
    /// Records that are missing before it.
    missing: u64,
}

impl Collector {
    fn packet(&mut self, packet: &Packet<'_>, whole: &Bytes) {
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
                let known = taken.is_some_and(|taken| self.transfer(packet, &taken, at, whole));
                self.unreadable += u64::from(!known);
            }
            Holds::Marks => match mark(packet.data) {
                Some(mark) => self.recording.marks.push(super::Marked { at, mark, order: self.order }),
                None => self.unreadable += 1,
            },
            Holds::Wire => match truth::read(packet.data) {
                Some(listed) => self.recording.wire.push(on_wire(listed, at, self.order)),
                None => self.unreadable += 1,
            },
            Holds::Other(link_type) => *self.others.entry(link_type).or_default() += 1,
        }
    }

    /// One record of a transfer. Whether it is of a kind that can carry probe traffic.
    fn transfer(&mut self, packet: &Packet<'_>, taken: &Taken<'_>, at: Duration, whole: &Bytes) -> bool {
        match taken {
            Taken::Record { head, data } => {
                let secret = packet.comment.map(secret_ranges).unwrap_or_default();
                self.pairs.record(head, whole.slice_ref(data), secret, at, self.order)
            }
            Taken::More { head, data } => self.pairs.more(head, data),
            Taken::End { head } => self.pairs.end(head, at),
        }
    }

    fn finish(mut self) -> Recording {
        self.recording.transfers = self.pairs.finish();
        let placed = self.recording.gaps.iter().fold(0u64, |sum, gap| sum.saturating_add(gap.records));
        let counted = self.dropped.values().fold(0u64, |sum, dropped| sum.saturating_add(*dropped));
        let records = counted.max(placed);
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

fn comment<'a>(options: &'a [PcapNGOption<'_>]) -> Option<&'a str> {
    options.iter().find(|o| o.code == OptionCode::Comment).and_then(|o| o.as_str().ok())
}

/// An option that is a number of eight bytes.
fn count(options: &[PcapNGOption<'_>], code: u16, big_endian: bool) -> Option<u64> {
    let bytes = options.iter().find(|o| o.code.0 == code)?.value.first_chunk::<8>().copied()?;
    Some(if big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
}

/// Reads a pcapng file as far as it goes.
pub(super) fn pcapng(whole: &Bytes) -> Recording {
    let mut rest: &[u8] = whole;
    let mut out = Collector::default();
    let mut interfaces: Vec<Interface> = Vec::new();
    let mut big_endian = false;
    while !rest.is_empty() {
        let at = whole.len() - rest.len();
        // A section header says its byte order itself; both parsers know it.
        let parsed = if big_endian { parse_block_be(rest) } else { parse_block_le(rest) };
        let (next, block) = match parsed {
            Ok(found) => found,
            Err(nom::Err::Incomplete(_)) => {
                out.recording.warnings.push(Warning::Truncated { at });
                break;
            }
            Err(_) => {
                out.recording.warnings.push(Warning::Damaged { at });
                break;
            }
        };
        if next.len() >= rest.len() {
            out.recording.warnings.push(Warning::Damaged { at });
            break;
        }
        rest = next;
        match &block {
            Block::SectionHeader(section) => {
                big_endian = section.big_endian();
                interfaces.clear();
                if let (true, Some(text)) = (out.recording.comment.is_empty(), comment(&section.options)) {
                    text.clone_into(&mut out.recording.comment);
                }
            }
            Block::InterfaceDescription(block) => interfaces.push(Interface::of(block)),
            Block::EnhancedPacket(block) => enhanced(block, &interfaces, big_endian, whole, &mut out),
            Block::InterfaceStatistics(block) => {
                if let Some(dropped) = count(&block.options, ISB_IFDROP, big_endian) {
                    out.dropped.insert(block.if_id, dropped);
                }
            }
            // It has no time of its own, so it cannot be placed.
            Block::SimplePacket(_) => out.unreadable += 1,
            _ => {}
        }
    }
    out.finish()
}

fn enhanced(
    block: &EnhancedPacketBlock<'_>,
    interfaces: &[Interface],
    big_endian: bool,
    whole: &Bytes,
    out: &mut Collector,
) {
    let interface = usize::try_from(block.if_id).ok().and_then(|n| interfaces.get(n));
    let Some(interface) = interface else {
        out.unreadable += 1;
        return;
    };
    let ticks = u64::from(block.ts_high) << 32 | u64::from(block.ts_low);
    let packet = Packet {
        holds: interface.holds,
        at: interface.times.duration(ticks),
        big_endian,
        data: block.packet_data(),
        comment: comment(&block.options),
        missing: count(&block.options, EPB_DROPCOUNT, big_endian).unwrap_or(0),
    };
    out.packet(&packet, whole);
}

/// Reads a classic pcap file as far as it goes.
pub(super) fn classic(whole: &Bytes) -> Recording {
    let mut out = Collector::default();
    let Ok((mut rest, header)) = parse_pcap_header(whole) else {
        out.recording.warnings.push(Warning::Truncated { at: 0 });
        return out.finish();
    };
    let big_endian = header.is_bigendian();
    let per_second = if header.is_nanosecond_precision() { 1_000_000_000 } else { 1_000_000 };
    while !rest.is_empty() {
        let at = whole.len() - rest.len();
        let parsed = if big_endian { parse_pcap_frame_be(rest) } else { parse_pcap_frame(rest) };
        let Ok((next, frame)) = parsed else {
            out.recording.warnings.push(Warning::Truncated { at });
            break;
        };
        rest = next;
        let fraction = Times { per_second, offset: 0 }.duration(u64::from(frame.ts_usec));
        let packet = Packet {
            holds: holds(header.network.0),
            at: Duration::from_secs(u64::from(frame.ts_sec)) + fraction,
            big_endian,
            data: frame.data,
            comment: None,
            missing: 0,
        };
        out.packet(&packet, whole);
    }
    out.finish()
}
