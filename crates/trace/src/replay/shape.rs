//! The line `pipe:` of a recording's head: what the driver knew of the probe before it sent the first packet.
//!
//! `pipe: bulk out=0x01 in=0x81 packet=512 id=0483:374e in-flight=1 serial=S product=P`. `report=64` stands in it for a HID
//! probe; `in-flight` and `serial` only where they are known. The product goes to the end of the line.

use wire::{PipeShape, TransferKind};

/// The line for a pipe, without its key.
pub fn line(shape: &PipeShape, in_flight: Option<u8>) -> String {
    let PipeShape { kind, out_endpoint, in_endpoint, report, max_packet, product, serial, id: (vid, pid) } =
        shape;
    let kind = match kind {
        TransferKind::Interrupt => "interrupt",
        TransferKind::Control => "control",
        TransferKind::Bulk => "bulk",
    };
    let mut words = vec![
        kind.to_owned(),
        format!("out=0x{out_endpoint:02x} in=0x{in_endpoint:02x} packet={max_packet} id={vid:04x}:{pid:04x}"),
    ];
    words.extend(report.map(|report| format!("report={report}")));
    words.extend(in_flight.map(|limit| format!("in-flight={limit}")));
    words.extend(
        serial.as_deref().filter(|serial| !serial.contains(' ')).map(|serial| format!("serial={serial}")),
    );
    words.push(format!("product={product}"));
    words.join(" ")
}

/// The pipe of a line.
pub fn parse(line: &str) -> Option<(PipeShape, Option<u8>)> {
    let (head, product) = line.split_once(" product=")?;
    let value = |key: &str| head.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let endpoint = |key: &str| u8::from_str_radix(value(key)?.strip_prefix("0x")?, 16).ok();
    let (vid, pid) = value("id")?.split_once(':')?;
    let shape = PipeShape {
        kind: match head.split(' ').next()? {
            "interrupt" => TransferKind::Interrupt,
            "control" => TransferKind::Control,
            "bulk" => TransferKind::Bulk,
            _ => return None,
        },
        out_endpoint: endpoint("out")?,
        in_endpoint: endpoint("in")?,
        report: value("report").map(str::parse).transpose().ok()?,
        max_packet: value("packet")?.parse().ok()?,
        product: product.to_owned(),
        serial: value("serial").map(str::to_owned),
        id: (u16::from_str_radix(vid, 16).ok()?, u16::from_str_radix(pid, 16).ok()?),
    };
    Some((shape, value("in-flight").map(str::parse).transpose().ok()?))
}
