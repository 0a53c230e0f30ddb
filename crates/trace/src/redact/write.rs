//! The file again, with what was masked marked in comments, as a recorder of ours marks it. [TRACE-2] [TRACE-4]
//!
//! Only pcapng has a place for comments, so a pcap becomes one, in its own byte order.

use super::Masks;
use crate::read::{SHORTEST_BLOCK, block_length};
use crate::recorder::MASKED;
use std::ops::Range;

const OPT_COMMENT: u16 = 1;
const IF_TSRESOL: u16 = 9;
const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const BYTE_ORDER: u32 = 0x1A2B_3C4D;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
/// Bytes of a section header, and of a packet, before what has no fixed length.
const SECTION_HEAD: usize = 24;
const PACKET_HEAD: usize = 28;
/// Bytes of the header of a pcap, and of each of its records.
const PCAP_HEAD: usize = 24;
const RECORD_HEAD: usize = 16;

/// In which order the bytes of a number stand.
#[derive(Debug, Clone, Copy)]
struct Order {
    big_endian: bool,
}

impl Order {
    fn short(self, number: u16) -> [u8; 2] {
        if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn word(self, number: u32) -> [u8; 4] {
        if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn word_at(self, bytes: &[u8], at: usize) -> Option<u32> {
        let word = *bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) })
    }

    /// An option of a block.
    fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        let value = value.get(..usize::from(length)).unwrap_or(value);
        padded([&self.short(code)[..], &self.short(length), value].concat())
    }

    /// A block with this between its lengths.
    fn block(self, kind: u32, body: &[u8], out: &mut Vec<u8>) {
        let length = u32::try_from(body.len() + 12).unwrap_or(u32::MAX);
        out.extend([self.word(kind), self.word(length)].concat());
        out.extend_from_slice(body);
        out.extend(self.word(length));
    }

    /// What stands in a block between its lengths, with a comment where its options begin.
    fn with_comment(self, block: &[u8], options: usize, comment: &str) -> Option<Vec<u8>> {
        let end = block.len().checked_sub(4)?;
        Some(self.commented(block.get(8..options)?, block.get(options..end)?, comment))
    }

    /// What stands in a block, with a comment where its options begin.
    fn commented(self, fixed: &[u8], options: &[u8], comment: &str) -> Vec<u8> {
        let end: &[u8] = if options.is_empty() { &[0; 4] } else { &[] };
        [fixed, &self.option(OPT_COMMENT, comment.as_bytes()), options, end].concat()
    }
}

fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// The file, whose secrets are masked, with marks. What makes no sense is left out.
pub(super) fn marked(file: &[u8], masks: &Masks) -> Vec<u8> {
    match file.first_chunk() {
        Some([0x0A, 0x0D, 0x0D, 0x0A]) => pcapng(file, masks),
        Some(magic) => pcap(file, *magic, masks).unwrap_or_default(),
        None => Vec::new(),
    }
}

/// The comment for a packet whose bytes these are.
fn comment(masks: &Masks, packet: Range<usize>) -> Option<String> {
    let (_, ranges) = masks.range(packet).next()?;
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match joined.last_mut().filter(|last| last.end >= range.start) {
            Some(last) => last.end = last.end.max(range.end),
            None => joined.push(range.clone()),
        }
    }
    let all: Vec<String> = joined.iter().map(|range| format!("{}..{}", range.start, range.end)).collect();
    Some(format!("secret: {}", all.join(",")))
}

/// The length of the block at the beginning of these bytes.
fn length(bytes: &[u8], order: Order) -> Option<usize> {
    block_length(bytes, order.big_endian).filter(|length| *length >= SHORTEST_BLOCK)
}

fn pcapng(file: &[u8], masks: &Masks) -> Vec<u8> {
    let mut out = Vec::with_capacity(file.len() + file.len() / 4);
    let (mut order, mut rest) = (Order { big_endian: false }, file);
    while let Some((block, behind)) = length(rest, order).and_then(|length| rest.split_at_checked(length)) {
        let at = file.len() - rest.len();
        if block.starts_with(&SECTION_HEADER.to_le_bytes()) {
            order.big_endian = block.get(8) == Some(&0x1A);
        }
        let said = section(block, at).or_else(|| packet(block, at, order, masks));
        match said.and_then(|(head, comment)| order.with_comment(block, head, &comment)) {
            Some(body) => order.block(order.word_at(block, 0).unwrap_or_default(), &body, &mut out),
            None => out.extend_from_slice(block),
        }
        rest = behind;
    }
    out
}

/// What the first section header says: where its options begin, and the comment to put there.
fn section(block: &[u8], at: usize) -> Option<(usize, String)> {
    let says = block.windows(MASKED.len()).any(|window| window == MASKED.as_bytes());
    (at == 0 && !says).then(|| (SECTION_HEAD, MASKED.to_owned()))
}

/// The same of a packet with something masked.
fn packet(block: &[u8], at: usize, order: Order, masks: &Masks) -> Option<(usize, String)> {
    let length = usize::try_from(order.word_at(block, 20)?).ok()?;
    let start = (order.word_at(block, 0) == Some(PACKET)).then_some(at + PACKET_HEAD)?;
    let comment = comment(masks, start..start.checked_add(length)?)?;
    Some((PACKET_HEAD + length.next_multiple_of(4), comment))
}

fn pcap(file: &[u8], magic: [u8; 4], masks: &Masks) -> Option<Vec<u8>> {
    let order = Order { big_endian: magic.starts_with(&[0xA1]) };
    let nanos = magic.contains(&0x3C);
    let mut out = Vec::with_capacity(file.len() * 2);
    let mut section = order.word(BYTE_ORDER).to_vec();
    section.extend([&order.short(1)[..], &order.short(0), &[0xFF; 8]].concat());
    order.block(SECTION_HEADER, &order.commented(&section, &[], MASKED), &mut out);
    let link = u16::try_from(order.word_at(file, 20)? & 0xFFFF).ok()?;
    let resolution = order.option(IF_TSRESOL, &[if nanos { 9 } else { 6 }]);
    let interface = [&order.short(link)[..], &[0; 6], &resolution, &[0; 4]].concat();
    order.block(INTERFACE, &interface, &mut out);
    let per_second: u64 = if nanos { 1_000_000_000 } else { 1_000_000 };
    let mut rest = file.get(PCAP_HEAD..)?;
    while let Some((head, behind)) = rest.split_at_checked(RECORD_HEAD) {
        let [seconds, fraction, length, whole] =
            [0, 4, 8, 12].map(|at| order.word_at(head, at).unwrap_or_default());
        let Some((data, behind)) = usize::try_from(length).ok().and_then(|n| behind.split_at_checked(n))
        else {
            break;
        };
        let [a, b, c, d, e, f, g, h] = (u64::from(seconds) * per_second + u64::from(fraction)).to_be_bytes();
        let (high, low) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        let fixed = [0, high, low, length, whole].map(|word| order.word(word)).concat();
        let fixed = padded([&fixed, data].concat());
        let start = file.len() - rest.len() + RECORD_HEAD;
        match comment(masks, start..start + data.len()) {
            Some(comment) => order.block(PACKET, &order.commented(&fixed, &[], &comment), &mut out),
            None => order.block(PACKET, &fixed, &mut out),
        }
        rest = behind;
    }
    Some(out)
}
