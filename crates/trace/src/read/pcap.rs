//! pcapng and classic pcap, both byte orders, as they come. [TRACE-2]

use super::collect::{Collector, Holds, Keep, Packet, holds};
use super::window::Window;
use super::{Recording, Warning, foreign};
use crate::TraceError;
use crate::pcapng::{EPB_DROPCOUNT, ISB_IFDROP};
use bytes::{Bytes, BytesMut};
use pcap_parser::PcapHeader;
use pcap_parser::pcap::{parse_pcap_frame, parse_pcap_frame_be, parse_pcap_header};
use pcap_parser::pcapng::{Block, EnhancedPacketBlock, parse_block_be, parse_block_le};
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{InterfaceDescriptionBlock, OptionCode, PcapNGOption};
use std::io::Read;
use std::time::Duration;

/// A longer record is none.
const LONGEST: usize = 1 << 26;

const NANOS: u64 = 1_000_000_000;
const MICROS: u64 = 1_000_000;

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
        let rest = ticks % per_second;
        let nanos = match per_second {
            // Most recordings have one of these, and a division of 128 bits takes longer than the rest.
            NANOS => rest,
            MICROS => rest * (NANOS / MICROS),
            _ => u64::try_from(u128::from(rest) * u128::from(NANOS) / u128::from(per_second)).unwrap_or(0),
        };
        Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanos))
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

/// An option that is a number of eight bytes.
fn count(options: &[PcapNGOption<'_>], code: u16, big_endian: bool) -> Option<u64> {
    let bytes = options.iter().find(|o| o.code.0 == code)?.value.first_chunk::<8>().copied()?;
    Some(if big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
}

/// All comments, one below the other.
fn comments(options: &[PcapNGOption<'_>]) -> String {
    let all = options.iter().filter(|o| o.code == OptionCode::Comment);
    let texts: Vec<&str> = all.filter_map(|o| o.as_str().ok()).collect();
    texts.join("\n")
}

fn comment<'a>(options: &'a [PcapNGOption<'_>]) -> Option<&'a str> {
    options.iter().find(|o| o.code == OptionCode::Comment).and_then(|o| o.as_str().ok())
}

/// The magic numbers of a pcapng section and of pcap in both byte orders, with times in microseconds and in nanoseconds.
const PCAPNG: [u8; 4] = [0x0A, 0x0D, 0x0D, 0x0A];
const PCAP: [[u8; 4]; 4] =
    [[0xA1, 0xB2, 0xC3, 0xD4], [0xD4, 0xC3, 0xB2, 0xA1], [0xA1, 0xB2, 0x3C, 0x4D], [0x4D, 0x3C, 0xB2, 0xA1]];

/// A file that is read as it comes.
pub(super) struct Records<'a> {
    window: Window<'a>,
    file: Reading,
    /// Why there are no more.
    end: Option<End>,
}

impl<'a> Records<'a> {
    pub(super) fn new(source: &'a mut dyn Read, out: Collector) -> Result<Records<'a>, TraceError> {
        let mut window = Window::new(source);
        while window.rest().len() < PCAPNG.len() && window.more().map_err(TraceError::Source)? {}
        let file = Reading::of(window.rest(), out)?;
        Ok(Records { window, file, end: None })
    }

    /// Takes the records that are there and reads on. Whether more may come.
    pub(super) fn more(&mut self) -> Result<bool, TraceError> {
        let (used, end) = self.file.records(self.window.rest());
        self.window.take(used);
        if end == End::Damaged || !self.window.more().map_err(TraceError::Source)? {
            self.end = Some(end);
        }
        Ok(self.end.is_none())
    }

    /// What was collected so far.
    pub(super) fn out(&mut self) -> &mut Collector {
        &mut self.file.out
    }

    pub(super) fn finish(self) -> Recording {
        let end = self.end.unwrap_or(End::Missing);
        self.file.finish(self.window.offset(), self.window.rest().is_empty(), end)
    }
}

/// Reads a file as far as it goes.
pub(super) fn read(source: &mut dyn Read) -> Result<Recording, TraceError> {
    let mut records = Records::new(source, Collector::new(Keep::Copies(BytesMut::new())))?;
    while records.more()? {}
    Ok(records.finish())
}

/// The same, where the data of the transfers are to be parts of these bytes.
pub(super) fn read_shared(whole: &Bytes) -> Result<Recording, TraceError> {
    let mut file = Reading::of(whole, Collector::new(Keep::Parts(whole.clone())))?;
    let (used, end) = file.records(whole);
    Ok(file.finish(used, used == whole.len(), end))
}

/// Why the records end where they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The next one is not there, or not all of it.
    Missing,
    /// The next one makes no sense.
    Damaged,
}

/// A file in the course of being read.
struct Reading {
    container: Container,
    out: Collector,
}

enum Container {
    Pcapng {
        big_endian: bool,
        interfaces: Vec<Interface>,
    },
    /// The header is `None` before it was read.
    Pcap(Option<PcapHeader>),
}

impl Reading {
    /// A file that begins so.
    fn of(head: &[u8], out: Collector) -> Result<Reading, TraceError> {
        let container = match head.first_chunk() {
            Some(magic) if *magic == PCAPNG => {
                Container::Pcapng { big_endian: false, interfaces: Vec::new() }
            }
            Some(magic) if PCAP.contains(magic) => Container::Pcap(None),
            _ => return Err(TraceError::Unknown(foreign::describe(head))),
        };
        Ok(Reading { container, out })
    }

    /// Takes records off the front of these bytes as long as they are whole: how many bytes that was, and why no more.
    fn records(&mut self, bytes: &[u8]) -> (usize, End) {
        let mut rest = bytes;
        let end = loop {
            match self.record(rest) {
                Ok(next) => rest = next,
                Err(end) => break end,
            }
        };
        (bytes.len() - rest.len(), end)
    }

    /// Takes one record off, and gives what stands behind it.
    fn record<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], End> {
        match &mut self.container {
            Container::Pcapng { big_endian, interfaces } => {
                block(bytes, big_endian, interfaces, &mut self.out)
            }
            Container::Pcap(Some(header)) => frame(bytes, header, &mut self.out),
            Container::Pcap(header @ None) => {
                let (rest, found) = parse_pcap_header(bytes).map_err(|_| End::Missing)?;
                *header = Some(found);
                Ok(rest)
            }
        }
    }

    fn finish(mut self, at: usize, at_the_end: bool, end: End) -> Recording {
        match end {
            End::Damaged => self.out.recording.warnings.push(Warning::Damaged { at }),
            End::Missing if !at_the_end => self.out.recording.warnings.push(Warning::Truncated { at }),
            End::Missing => {}
        }
        self.out.finish()
    }
}

/// First byte of the byte-order magic in a section header that is big-endian.
const SECTION_BIG_ENDIAN: u8 = 0x1A;
/// A block has its kind and, twice, its length.
pub(crate) const SHORTEST_BLOCK: usize = 12;

/// The length that a block of pcapng says it has, once its head is there.
pub(crate) fn block_length(bytes: &[u8], big_endian: bool) -> Option<usize> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    let [kind @ .., a, b, c, d] = *head;
    // A section header says its byte order itself.
    let big_endian = match kind {
        PCAPNG => *rest.first()? == SECTION_BIG_ENDIAN,
        _ => big_endian,
    };
    let length = if big_endian { u32::from_be_bytes([a, b, c, d]) } else { u32::from_le_bytes([a, b, c, d]) };
    usize::try_from(length).ok()
}

/// Takes a block of pcapng.
fn block<'a>(
    bytes: &'a [u8],
    big_endian: &mut bool,
    interfaces: &mut Vec<Interface>,
    out: &mut Collector,
) -> Result<&'a [u8], End> {
    let length = block_length(bytes, *big_endian).ok_or(End::Missing)?;
    if !(SHORTEST_BLOCK..=LONGEST).contains(&length) {
        return Err(End::Damaged);
    }
    let (block, rest) = bytes.split_at_checked(length).ok_or(End::Missing)?;
    if let Some(packet) = plain_packet(block, *big_endian) {
        self::packet(&packet, interfaces, *big_endian, None, 0, out);
        return Ok(rest);
    }
    let parsed = if *big_endian { parse_block_be(block) } else { parse_block_le(block) };
    let (_, block) = parsed.map_err(|_| End::Damaged)?;
    match &block {
        Block::SectionHeader(section) => {
            *big_endian = section.big_endian();
            interfaces.clear();
            out.section();
            if out.recording.comment.is_empty() {
                out.recording.comment = comments(&section.options);
            }
        }
        Block::InterfaceDescription(block) => interfaces.push(Interface::of(block)),
        Block::EnhancedPacket(block) => enhanced(block, interfaces, *big_endian, out),
        Block::InterfaceStatistics(block) => {
            if let Some(dropped) = count(&block.options, ISB_IFDROP, *big_endian) {
                out.dropped.insert(block.if_id, dropped);
            }
        }
        // It has no time of its own, so it cannot be placed.
        Block::SimplePacket(_) => out.unreadable += 1,
        _ => {}
    }
    Ok(rest)
}

/// A packet as its block says it.
struct Plain<'a> {
    interface: u32,
    ticks: u64,
    data: &'a [u8],
}

/// The kind of an enhanced packet block.
const ENHANCED_PACKET: u32 = 6;
/// What stands before its data, and behind them where it has no options.
const PACKET_HEAD: usize = 28;
const PACKET_TAIL: usize = 4;

/// A packet without options, which nearly all are, read without a parser. `None` for every other block, right or wrong.
fn plain_packet(block: &[u8], big_endian: bool) -> Option<Plain<'_>> {
    let word = |at: usize| -> Option<u32> {
        let bytes = *block.get(at..)?.first_chunk()?;
        Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    let captured = usize::try_from(word(20)?).ok()?;
    let whole = PACKET_HEAD.checked_add(captured.checked_next_multiple_of(4)?)?.checked_add(PACKET_TAIL)?;
    if word(0)? != ENHANCED_PACKET || block.len() != whole || word(4)? != word(whole - PACKET_TAIL)? {
        return None;
    }
    let ticks = u64::from(word(12)?) << 32 | u64::from(word(16)?);
    Some(Plain { interface: word(8)?, ticks, data: block.get(PACKET_HEAD..PACKET_HEAD + captured)? })
}

fn enhanced(
    block: &EnhancedPacketBlock<'_>,
    interfaces: &[Interface],
    big_endian: bool,
    out: &mut Collector,
) {
    let ticks = u64::from(block.ts_high) << 32 | u64::from(block.ts_low);
    let plain = Plain { interface: block.if_id, ticks, data: block.packet_data() };
    let missing = count(&block.options, EPB_DROPCOUNT, big_endian).unwrap_or(0);
    packet(&plain, interfaces, big_endian, comment(&block.options), missing, out);
}

fn packet(
    plain: &Plain<'_>,
    interfaces: &[Interface],
    big_endian: bool,
    comment: Option<&str>,
    missing: u64,
    out: &mut Collector,
) {
    let interface = usize::try_from(plain.interface).ok().and_then(|n| interfaces.get(n));
    let Some(interface) = interface else {
        out.unreadable += 1;
        return;
    };
    out.packet(&Packet {
        holds: interface.holds,
        at: interface.times.duration(plain.ticks),
        big_endian,
        data: plain.data,
        comment,
        missing,
    });
}

/// Takes a record of pcap.
fn frame<'a>(bytes: &'a [u8], header: &PcapHeader, out: &mut Collector) -> Result<&'a [u8], End> {
    let big_endian = header.is_bigendian();
    let length = bytes.get(8..12).and_then(|length| length.try_into().ok()).ok_or(End::Missing)?;
    let length = if big_endian { u32::from_be_bytes(length) } else { u32::from_le_bytes(length) };
    if usize::try_from(length).map_or(true, |length| length > LONGEST) {
        return Err(End::Damaged);
    }
    let parsed = if big_endian { parse_pcap_frame_be(bytes) } else { parse_pcap_frame(bytes) };
    let (rest, frame) = parsed.map_err(|_| End::Missing)?;
    let per_second = if header.is_nanosecond_precision() { 1_000_000_000 } else { 1_000_000 };
    let fraction = Times { per_second, offset: 0 }.duration(u64::from(frame.ts_usec));
    out.packet(&Packet {
        holds: holds(header.network.0),
        at: Duration::from_secs(u64::from(frame.ts_sec)) + fraction,
        big_endian,
        data: frame.data,
        comment: None,
        missing: 0,
    });
    Ok(rest)
}
