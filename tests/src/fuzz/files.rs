//! Files that readers of traces take: USB captures of other systems, logic captures, text logs.

use super::seeds::recordings;
use super::{Input, Target, views};
use std::io::Write;
use trace::read::Transfer;
use wire::{Level, TransferKind};

/// The readers, beside that of our own recordings.
pub(super) const READERS: [Target; 3] = [
    Target {
        name: "usb-captures",
        about: "captures of USBPcap, macOS and a J-Link, through every view",
        seeds: usb_captures,
        run: views::file,
    },
    Target {
        name: "logic-captures",
        about: "sigrok sessions, VCD, CSV and Saleae's binary files, through every view",
        seeds: logic_captures,
        run: views::file,
    },
    Target {
        name: "logs",
        about: "text logs of OpenOCD, pyOCD, probe-rs, STM32CubeProgrammer and J-Link, through every view",
        seeds: logs,
        run: views::file,
    },
];

/// How the records behind the first one become a file: the first byte says it.
const AS_THEY_ARE: u8 = 0;
/// Blocks of pcapng, each with its right length twice.
const BLOCKS: u8 = 1;
/// Records of pcap behind its head, each with its right length.
const FRAMES: u8 = 2;
/// Files of a zip archive, each with its name up to the first zero.
const ARCHIVE: u8 = 3;
/// Files of their own for SWCLK and SWDIO.
const CHANNELS: u8 = 4;
const WAYS: u8 = 5;

/// A file that an input stands for: mutated records with right lengths get further than wrong lengths do.
pub(super) enum Assembled {
    File(Vec<u8>),
    Channels(Vec<(String, Vec<u8>)>),
}

impl Assembled {
    pub(super) fn of(input: &Input) -> Assembled {
        let records = input.0.get(1..).unwrap_or_default();
        let way = input.record(0).first().copied().unwrap_or_default() % WAYS;
        let framed = |frame: fn(&[u8]) -> Vec<u8>| records.iter().flat_map(|record| frame(record)).collect();
        Assembled::File(match way {
            BLOCKS => framed(block),
            FRAMES => {
                let (head, rest) =
                    records.split_first().map_or((&[][..], &[][..]), |(h, r)| (h.as_slice(), r));
                let frames = rest.iter().flat_map(|record| frame(record));
                head.iter().copied().chain(frames).collect()
            }
            ARCHIVE => archive(records).unwrap_or_default(),
            CHANNELS => {
                let names = ["SWCLK", "SWDIO", "nRESET"].map(str::to_owned);
                return Assembled::Channels(names.into_iter().zip(records.iter().cloned()).collect());
            }
            _ => records.concat(),
        })
    }
}

/// An input that is assembled in a way.
fn input(way: u8, records: impl IntoIterator<Item = Vec<u8>>) -> Input {
    Input(std::iter::once(vec![way]).chain(records).collect())
}

/// The block with its length set right.
fn block(record: &[u8]) -> Vec<u8> {
    let mut out = record.to_vec();
    out.resize(out.len().max(12).next_multiple_of(4), 0);
    let length = (out.len() as u32).to_le_bytes();
    let end = out.len() - 4;
    out[4..8].copy_from_slice(&length);
    out[end..].copy_from_slice(&length);
    out
}

/// The record with its lengths set right.
fn frame(record: &[u8]) -> Vec<u8> {
    let mut out = record.to_vec();
    out.resize(out.len().max(16), 0);
    let length = (out.len() as u32 - 16).to_le_bytes();
    out[8..12].copy_from_slice(&length);
    out[12..16].copy_from_slice(&length);
    out
}

fn archive(files: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for file in files {
        let end = file.iter().position(|byte| *byte == 0).unwrap_or(file.len());
        let (name, data) = file.split_at(end);
        // Of two files with one name the first stays.
        if zip.start_file(String::from_utf8_lossy(name), zip::write::SimpleFileOptions::default()).is_ok() {
            zip.write_all(data.get(1..).unwrap_or_default()).ok()?;
        }
    }
    Some(zip.finish().ok()?.into_inner())
}

/// Recordings of ours, whole and in blocks.
pub(super) fn own_recordings() -> Vec<Input> {
    let mut all = Vec::new();
    for recording in recordings() {
        let file = recording.0.concat();
        all.push(input(BLOCKS, blocks(&file)));
        all.push(input(AS_THEY_ARE, [file]));
    }
    all
}

/// The blocks of a pcapng file, as far as they go.
fn blocks(mut file: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(length) = file.get(4..8).and_then(|length| length.try_into().ok()).map(u32::from_le_bytes)
        && let Some((block, rest)) = file.split_at_checked(length.max(12) as usize)
    {
        all.push(block.to_vec());
        file = rest;
    }
    all
}

/// How a record of a transfer is written: the transfer, whether it is done, what it moved.
type Layout = fn(&Transfer, bool, &[u8]) -> Vec<u8>;

fn usb_captures() -> Vec<Input> {
    let mut all = vec![j_link()];
    for recording in recordings() {
        let Ok(trace) = trace::open(&recording.0.concat()) else { continue };
        let transfers = trace.events(Level::Usb).iter().filter_map(|event| match &event.body {
            trace::Body::Transfer(transfer) => Some(transfer.as_ref()),
            _ => None,
        });
        let transfers: Vec<_> = transfers.take(80).collect();
        all.push(capture(249, &transfers, usbpcap));
        all.push(capture(266, &transfers, darwin));
    }
    all
}

/// A pcap with the two halves of each transfer, a record for each.
fn capture(link: u32, transfers: &[&Transfer], layout: Layout) -> Input {
    let mut records = vec![pcap_head(link)];
    for transfer in transfers {
        let (asked, done) = match transfer.is_in() {
            true => (&[][..], transfer.data.as_ref()),
            false => (transfer.data.as_ref(), &[][..]),
        };
        records.push(pcap_record(&layout(transfer, false, asked)));
        records.push(pcap_record(&layout(transfer, true, done)));
    }
    input(FRAMES, records)
}

fn pcap_head(link: u32) -> Vec<u8> {
    [0xA1B2_C3D4, 0x0004_0002, 0, 0, 0xFFFF, link].iter().flat_map(|word: &u32| word.to_le_bytes()).collect()
}

fn pcap_record(packet: &[u8]) -> Vec<u8> {
    let length = packet.len() as u32;
    let head = [1, 2, length, length].into_iter().flat_map(|word| word.to_le_bytes());
    head.chain(packet.iter().copied()).collect()
}

fn usbpcap(transfer: &Transfer, done: bool, data: &[u8]) -> Vec<u8> {
    let (number, stage) = match transfer.kind {
        TransferKind::Interrupt => (1, None),
        TransferKind::Control => (2, Some(if done { 3 } else { 0 })),
        TransferKind::Bulk => (3, None),
    };
    let setup = transfer.setup.filter(|_| !done);
    let body = [setup.as_ref().map_or(&[][..], |setup| setup), data].concat();
    let mut out = vec![27 + u8::from(stage.is_some()), 0];
    out.extend(transfer.urb.to_le_bytes());
    out.extend([0, 0, 0, 0, 9, 0, u8::from(done), 1, 0, 7, 0, transfer.endpoint, number]);
    out.extend((body.len() as u32).to_le_bytes());
    out.extend(stage);
    out.extend(body);
    out
}

fn darwin(transfer: &Transfer, done: bool, data: &[u8]) -> Vec<u8> {
    let attribute = match transfer.kind {
        TransferKind::Control => 0,
        TransferKind::Bulk => 2,
        TransferKind::Interrupt => 3,
    };
    let mut out = vec![0, 1, 32, u8::from(done)];
    out.extend((data.len() as u32).to_le_bytes());
    out.extend([0; 8]);
    out.extend(transfer.urb.to_le_bytes());
    out.extend([0, 0, 0x10, 1, 2, 7, transfer.endpoint, attribute]);
    out.extend(transfer.setup.filter(|_| !done).into_iter().flatten());
    out.extend(data);
    out
}

/// A J-Link that writes CSW twice.
fn j_link() -> Input {
    let shift = [0xCF, 0, 0x38, 0, 0xFF, 0x83, 255, 255, 255, 255, 255, 0x8C, 2, 9, 0, 0x80, 0x31, 0];
    let mut records = vec![pcap_head(189)];
    for urb in 0..2u64 {
        for (event, endpoint, data) in [(b'S', 6, &shift[..]), (b'C', 0x85, &[0, 4, 0, 0, 0, 0, 0, 0])] {
            let mut packet = urb.to_le_bytes().to_vec();
            packet.extend([event, 3, endpoint, 9, 1, 0, b'-', 0]);
            packet.extend([0; 16]);
            packet.extend((data.len() as u32).to_le_bytes());
            packet.extend((data.len() as u32).to_le_bytes());
            packet.extend([0; 8]);
            packet.extend(data);
            records.push(pcap_record(&packet));
        }
    }
    input(FRAMES, records)
}

/// What SWDIO is at each rise of SWCLK: a line reset and two reads of DPIDR, the second cut.
fn clocks() -> Vec<bool> {
    let bits = |value: u64, count: u32| (0..count).map(move |n| value >> n & 1 == 1);
    let read = || bits(0xA5, 8).chain(bits(0b0011, 4)).chain(bits(0x1_6BA0_2477, 33)).chain(bits(1, 1));
    bits(u64::MAX, 56).chain(bits(0, 4)).chain(read()).chain(bits(0, 8)).chain(read().take(30)).collect()
}

fn logic_captures() -> Vec<Input> {
    let samples: Vec<(bool, bool)> =
        clocks().iter().flat_map(|level| [(false, *level), (true, *level)]).collect();
    let digit = |level: bool| if level { '1' } else { '0' };
    let mut vcd = vec![
        b"$timescale 1 ns $end\n$scope module pins $end\n".to_vec(),
        b"$var wire 1 ! SWCLK $end\n$var wire 1 \" SWDIO $end\n$enddefinitions $end\n".to_vec(),
    ];
    let mut sigrok = vec![b"; CSV generated by a test\n; Samplerate: 1 MHz\nlogic,logic\n".to_vec()];
    let mut saleae = vec![b"Time [s],SWCLK,SWDIO\n".to_vec()];
    for (n, (clock, data)) in samples.iter().enumerate() {
        let (clock, data) = (digit(*clock), digit(*data));
        vcd.push(format!("#{} {clock}! {data}\"\n", n * 100).into_bytes());
        sigrok.push(format!("{clock},{data}\n").into_bytes());
        saleae.push(format!("{:.9},{clock},{data}\n", n as f64 * 1e-7).into_bytes());
    }
    let texts = [vcd, sigrok, saleae].into_iter().map(|lines| input(AS_THEY_ARE, lines));
    let files = session(&samples);
    let whole = archive(&files).map(|file| input(AS_THEY_ARE, [file]));
    texts.chain(whole).chain([input(ARCHIVE, files), saleae_binary(&samples)]).collect()
}

/// The samples as the files of a sigrok session in two pieces.
fn session(samples: &[(bool, bool)]) -> Vec<Vec<u8>> {
    let packed: Vec<u8> =
        samples.iter().map(|(clock, data)| u8::from(*clock) | u8::from(*data) << 1).collect();
    let metadata = "[device 1]\ncapturefile=logic-1\ntotal probes=2\nsamplerate=1 MHz\nprobe1=SWCLK\nprobe2=SWDIO\nunitsize=1\n";
    let (one, other) = packed.split_at(packed.len() / 2);
    let parts: [(&str, &[u8]); 4] =
        [("version", b"2"), ("metadata", metadata.as_bytes()), ("logic-1-1", one), ("logic-1-2", other)];
    parts.into_iter().map(|(name, data)| [name.as_bytes(), &[0], data].concat()).collect()
}

/// The samples as two binary files of Saleae's, version 0: the times at which each level changes.
fn saleae_binary(samples: &[(bool, bool)]) -> Input {
    let file = |level: fn(&(bool, bool)) -> bool| {
        let changes = samples.windows(2).enumerate().filter(|(_, pair)| level(&pair[0]) != level(&pair[1]));
        let times: Vec<f64> = changes.map(|(n, _)| (n + 1) as f64 * 1e-6).collect();
        let mut out = b"<SALEAE>".to_vec();
        out.extend(0i32.to_le_bytes());
        out.extend(0i32.to_le_bytes());
        out.extend(u32::from(samples.first().is_some_and(level)).to_le_bytes());
        out.extend(0f64.to_le_bytes());
        out.extend((samples.len() as f64 * 1e-6).to_le_bytes());
        out.extend((times.len() as u64).to_le_bytes());
        out.extend(times.into_iter().flat_map(f64::to_le_bytes));
        out
    };
    input(CHANNELS, [file(|(clock, _)| *clock), file(|(_, data)| *data)])
}

/// A few lines of each tool.
fn logs() -> Vec<Input> {
    const LOGS: [&str; 5] = [
        "Open On-Chip Debugger 0.12.0
Debug: 1 2 cmsis_dap.c:1 cmsis_dap_swd_switch_seq(): JTAG-to-SWD
Debug: 2 2 cmsis_dap.c:2 cmsis_dap_swd_write_from_queue(): Executing 3 queued transactions from FIFO index 0
Debug: 3 3 cmsis_dap.c:3 cmsis_dap_swd_write_from_queue(): DP write reg 8 1000000
Debug: 4 3 cmsis_dap.c:3 cmsis_dap_swd_write_from_queue(): AP write reg 4 20000000
Debug: 5 3 cmsis_dap.c:3 cmsis_dap_swd_write_from_queue(): AP read reg c 0
Debug: 6 4 cmsis_dap.c:4 cmsis_dap_swd_read_process(): Received results of 3 queued transactions FIFO index 0, blocking mode
Debug: 7 4 cmsis_dap.c:5 cmsis_dap_swd_read_process(): Read result: 12345678
Debug: 8 5 cmsis_dap.c:2 cmsis_dap_swd_write_from_queue(): Executing 1 queued transactions from FIFO index 0, same swd ops
Debug: 9 5 cmsis_dap.c:3 cmsis_dap_swd_write_from_queue(): AP read reg c 0
Debug: 10 5 cmsis_dap.c:6 cmsis_dap_swd_read_process(): SWD ack not OK @ 0 WAIT
",
        "Open On-Chip Debugger 0.12.0
Debug: 1 1 bitbang.c:1 bitbang_swd_read_reg(): OK DP read reg 0 = 6ba02477
Debug: 2 1 bitbang.c:2 bitbang_swd_write_reg(): WAIT AP write reg C = 00000001
Debug: 3 2 stlink_usb.c:1 stlink_read_dap_register(): dap_port_read = 1, addr =  0xfc, value = 0x84770001
Debug: 4 2 target.c:1 target_read_u32(): address: 0xe000ed00, value: 0x410fd214
Debug: 5 3 target.c:2 target_write_buffer(): writing buffer of 512 byte at 0x20001000
",
        "0000100 D   USB OUT> (4) 05 00 01 02 [pyusb_v2_backend]
0000101 D   USB RD < (64) 05 01 01 77 24 a0 6b [pyusb_v2_backend]
0000102 D   USB CMD> (16) f2 45 ff ff 00 00 [usb]
0000103 D read_mem:000005 (ap=0x1; addr=0x20000002, size=16) { [ap]
0000104 D read_mem:000005 (ap=0x1; addr=0x20000002, size=16) -> 0x00000007 } [ap]
",
        "TRACE a: probe_rs::probe::cmsisdap::commands: Transmit buffer: [00, 05, 00, 02, 02, 08]...
TRACE a: probe_rs::probe::cmsisdap::commands: Receive buffer: [05, 02, 01, 77, 24, A0, 6B]...
TRACE a: probe_rs::probe::stlink::usb_interface: Sending command [f2, 7, 0, 0, 0, 20, 8, 0, 1] to STLink, timeout: 1s
TRACE jaylink: write 18 bytes: [cf, 0, 38, 0, ff, 83, ff, ff, ff, ff, ff, 8c, 2, 9, 0, 80, 31, 0]
TRACE jaylink: read 8 bytes: [0, 4, 0, 0, 0, 0, 0, 0]
",
        "10:00:00:020 : r ap 1 @0x40022020 0x00000004 bytes Data 0x00000001
10:00:00:030 : w ap 1 @0x20001000 0x00000200 bytes Data 0x11223344
T10A4 000:001.000 JLINK_ReadMem(0x20000010, 0x4 Bytes, ...)
T10A4 000:001.100   CPU_ReadMem(4 bytes @ 0x20000010)
T10A4 000:001.200   Data:  78 56 34 12
",
    ];
    let lines = |log: &str| -> Vec<Vec<u8>> {
        log.split_inclusive('\n').map(|line| line.as_bytes().to_vec()).collect()
    };
    let swapped = |log: &str| lines(log).into_iter().rev().collect();
    LOGS.iter().flat_map(|log| [lines(log), swapped(log)]).map(|lines| input(AS_THEY_ARE, lines)).collect()
}
