//! The few pcapng blocks that are written, little-endian. [TRACE-2]

/// Link type of USB transfers as Linux' usbmon gives them, with a 64-byte header.
pub(crate) const LINKTYPE_USB_LINUX_MMAPPED: u16 = 220;
/// Link type for private use 0: marks.
pub(crate) const LINKTYPE_USER0: u16 = 147;

/// Link type for private use 1: what was on the wire.
pub(crate) const LINKTYPE_USER1: u16 = 148;

/// A section header of ours is shorter.
pub(crate) const LONGEST_HEAD: usize = 64 << 10;

const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const BYTE_ORDER: u32 = 0x1A2B_3C4D;
const INTERFACE_DESCRIPTION: u32 = 1;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

const OPT_END: u16 = 0;
const OPT_COMMENT: u16 = 1;
const SHB_USERAPPL: u16 = 4;
/// Packets that were lost between this one and the one before it.
pub(crate) const EPB_DROPCOUNT: u16 = 4;
/// Packets that an interface gave, and those that it lost.
const ISB_IFRECV: u16 = 4;
pub(crate) const ISB_IFDROP: u16 = 5;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;

/// Appends a section header with a comment and the name of the tool.
pub(crate) fn section(out: &mut Vec<u8>, comment: &str, application: &str) {
    block(out, SECTION_HEADER, |out| {
        out.extend_from_slice(&BYTE_ORDER.to_le_bytes());
        out.extend_from_slice(&[1, 0, 0, 0]); // version 1.0
        out.extend_from_slice(&u64::MAX.to_le_bytes()); // length of the section: not known
        option(out, OPT_COMMENT, comment.as_bytes());
        option(out, SHB_USERAPPL, application.as_bytes());
        option(out, OPT_END, &[]);
    });
}

/// Appends an interface whose times are in nanoseconds.
pub(crate) fn interface(out: &mut Vec<u8>, link_type: u16, name: &str) {
    block(out, INTERFACE_DESCRIPTION, |out| {
        out.extend_from_slice(&link_type.to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&0u32.to_le_bytes()); // no limit on the length of a packet
        option(out, IF_NAME, name.as_bytes());
        option(out, IF_TSRESOL, &[9]);
        option(out, OPT_END, &[]);
    });
}

/// Appends the head of a file with the three interfaces of ours: USB transfers, marks, what was on the wire.
pub(crate) fn recording(out: &mut Vec<u8>, comment: &str, application: &str) {
    section(out, comment, application);
    interface(out, LINKTYPE_USB_LINUX_MMAPPED, "usb");
    interface(out, LINKTYPE_USER0, "marks");
    interface(out, LINKTYPE_USER1, "wire");
}

/// Appends how many packets an interface gave and how many were lost.
pub(crate) fn statistics(out: &mut Vec<u8>, interface: u32, nanos: u64, received: u64, dropped: u64) {
    block(out, INTERFACE_STATISTICS, |out| {
        for word in [interface, high(nanos), low(nanos)] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        option(out, ISB_IFRECV, &received.to_le_bytes());
        option(out, ISB_IFDROP, &dropped.to_le_bytes());
        option(out, OPT_END, &[]);
    });
}

/// Appends a packet behind which as many are known to be missing as `dropped` says, before it.
pub(crate) fn packet_behind(
    out: &mut Vec<u8>,
    interface: u32,
    nanos: u64,
    dropped: u64,
    body: impl FnOnce(&mut Vec<u8>),
) {
    let options = |out: &mut Vec<u8>| {
        if dropped > 0 {
            option(out, EPB_DROPCOUNT, &dropped.to_le_bytes());
            option(out, OPT_END, &[]);
        }
    };
    packet_with(out, interface, nanos, body, options);
}

/// Appends a packet. `body` writes it; `comment` is added when it is not empty.
pub(crate) fn packet(
    out: &mut Vec<u8>,
    interface: u32,
    nanos: u64,
    comment: &str,
    body: impl FnOnce(&mut Vec<u8>),
) {
    let options = |out: &mut Vec<u8>| {
        if !comment.is_empty() {
            option(out, OPT_COMMENT, comment.as_bytes());
            option(out, OPT_END, &[]);
        }
    };
    packet_with(out, interface, nanos, body, options);
}

fn packet_with(
    out: &mut Vec<u8>,
    interface: u32,
    nanos: u64,
    body: impl FnOnce(&mut Vec<u8>),
    options: impl FnOnce(&mut Vec<u8>),
) {
    block(out, ENHANCED_PACKET, |out| {
        out.extend_from_slice(&interface.to_le_bytes());
        out.extend_from_slice(&high(nanos).to_le_bytes());
        out.extend_from_slice(&low(nanos).to_le_bytes());
        let lengths = out.len();
        out.extend_from_slice(&[0; 8]);
        let start = out.len();
        body(out);
        let length = length(out.len() - start).to_le_bytes();
        patch(out, lengths, length);
        patch(out, lengths + 4, length);
        pad(out);
        options(out);
    });
}

fn high(nanos: u64) -> u32 {
    u32::try_from(nanos >> 32).unwrap_or(u32::MAX)
}

fn low(nanos: u64) -> u32 {
    u32::try_from(nanos & 0xFFFF_FFFF).unwrap_or(u32::MAX)
}

/// A length as the format holds it. No block of ours comes near the limit.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn block(out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    body(out);
    pad(out);
    let total = length(out.len() - start + 4).to_le_bytes();
    patch(out, start + 4, total);
    out.extend_from_slice(&total);
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    let value = value.get(..usize::from(length)).unwrap_or(value);
    out.extend_from_slice(&code.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(value);
    // All blocks start at a multiple of four, so padding the whole is padding the option.
    pad(out);
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(4), 0);
}

fn patch(out: &mut [u8], at: usize, value: [u8; 4]) {
    if let Some(slot) = out.get_mut(at..at + 4) {
        slot.copy_from_slice(&value);
    }
}
