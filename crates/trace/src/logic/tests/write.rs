//! Writes captures in every format that is read.

use std::io::{Cursor, Write as _};
use zip::write::SimpleFileOptions;

/// Nanoseconds a sample: 4 MHz.
const NANOS: u64 = 250;

/// Samples of SWCLK and SWDIO.
pub(super) struct Pins(pub(super) Vec<(bool, bool)>);

impl Pins {
    /// Four samples a clock: the level is there when SWCLK rises, and changes with the rise.
    pub(super) fn of(bits: &[bool]) -> Pins {
        let mut samples = Vec::new();
        for (n, bit) in bits.iter().enumerate() {
            let next = bits.get(n + 1).unwrap_or(bit);
            samples.extend([(false, *bit), (false, *bit), (true, *next), (true, *next)]);
        }
        Pins(samples)
    }

    /// The same with a rest of so many samples every so many clocks.
    pub(super) fn resting(bits: &[bool], every: usize, rest: usize) -> Pins {
        let mut samples = Vec::new();
        for bits in bits.chunks(every) {
            samples.extend(Pins::of(bits).0);
            samples.extend(std::iter::repeat_n(samples.last().copied().unwrap_or_default(), rest));
        }
        Pins(samples)
    }

    /// The samples that differ from the one before, and the first.
    fn changes(&self) -> impl Iterator<Item = (u64, Option<(bool, bool)>, (bool, bool))> + '_ {
        let before = std::iter::once(None).chain(self.0.iter().copied().map(Some));
        let all = self.0.iter().copied().zip(before).enumerate();
        all.filter(|(_, (now, before))| *before != Some(*now)).map(|(n, (now, b))| (n as u64, b, now))
    }
}

pub(super) fn zip(files: &[(impl AsRef<str>, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in files {
        zip.start_file(name.as_ref(), SimpleFileOptions::default()).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// With sizes of 64 bits in the headers, or else with sizes behind the data as who writes into a pipe must.
pub(super) fn unusual(files: &[(String, Vec<u8>)], wide: bool) -> Vec<u8> {
    let mut out = Vec::new();
    if wide {
        let mut zip = zip::ZipWriter::new(Cursor::new(&mut out));
        for (name, data) in files {
            zip.start_file(name, SimpleFileOptions::default().large_file(true)).unwrap();
            zip.write_all(data).unwrap();
        }
        zip.finish().unwrap();
    } else {
        let mut zip = zip::ZipWriter::new_stream(&mut out);
        for (name, data) in files {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(data).unwrap();
        }
        zip.finish().unwrap();
    }
    out
}

/// What a local header, an entry of the list of contents and the end of that list begin with.
pub(super) const LOCAL: &[u8] = b"PK\x03\x04";
pub(super) const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";

/// Where headers of a kind stand.
pub(super) fn headers(zip: &[u8], magic: &[u8]) -> Vec<usize> {
    (0..zip.len()).filter(|at| zip[*at..].starts_with(magic)).collect()
}

/// An archive whose last file stands in the list of contents many times, as `logic-1-2` and so on.
pub(super) fn shares_its_data(files: &[(&str, Vec<u8>)], times: u16) -> Vec<u8> {
    let plain = zip(files);
    let (list, end) = (headers(&plain, CENTRAL), headers(&plain, END)[0]);
    let last = &plain[list[list.len() - 1]..end];
    let fields = &last[..46];
    let mut out = plain[..end].to_vec();
    for n in 0..times {
        let name = format!("logic-1-{}", n + 2);
        let mut entry = fields.to_vec();
        entry[28..30].copy_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
        // Neither extra fields nor a comment.
        entry[30..34].fill(0);
        out.extend(entry);
        out.extend(name.as_bytes());
    }
    let size = u32::try_from(out.len() - list[0]).unwrap();
    let mut tail = plain[end..].to_vec();
    let count = times + u16::try_from(list.len()).unwrap();
    tail[8..10].copy_from_slice(&count.to_le_bytes());
    tail[10..12].copy_from_slice(&count.to_le_bytes());
    tail[12..16].copy_from_slice(&size.to_le_bytes());
    out.extend(tail);
    out
}

/// A session with `unit` bytes a sample, in pieces of so many bytes.
pub(super) fn sr(pins: &Pins, unit: usize, piece: usize) -> Vec<u8> {
    sr_without(pins, unit, piece, &[])
}

pub(super) fn sr_without(pins: &Pins, unit: usize, piece: usize, missing: &[usize]) -> Vec<u8> {
    let mut files = session_files(pins, unit, piece);
    let missing: Vec<String> = missing.iter().map(|n| format!("logic-1-{n}")).collect();
    files.retain(|(name, _)| !missing.contains(name));
    zip(&files)
}

/// The files of a session with a byte a sample.
pub(super) fn session_of(pins: &Pins, piece: usize) -> Vec<(String, Vec<u8>)> {
    session_files(pins, 1, piece)
}

fn session_files(pins: &Pins, unit: usize, piece: usize) -> Vec<(String, Vec<u8>)> {
    let dio = 8 * unit - 1;
    let metadata = format!(
        "[global]\nsigrok version=0.5.2\n\n[device 1]\ncapturefile=logic-1\ntotal probes={}\nsamplerate=4 MHz\n\
         total analog=0\nprobe1=clk\nprobe{}=dio\nunitsize={unit}\n",
        8 * unit,
        dio + 1,
    );
    let sample =
        |(c, d): &(bool, bool)| (u64::from(*c) | u64::from(*d) << dio).to_le_bytes()[..unit].to_vec();
    let bytes: Vec<u8> = pins.0.iter().flat_map(sample).collect();
    let settings = [("version", b"2".to_vec()), ("metadata", metadata.into_bytes())];
    let pieces =
        bytes.chunks(piece).enumerate().map(|(n, data)| (format!("logic-1-{}", n + 1), data.to_vec()));
    settings.into_iter().map(|(name, data)| (name.to_owned(), data)).chain(pieces).collect()
}

/// A dump whose changes stand behind `separator`.
pub(super) fn vcd(pins: &Pins, separator: &str) -> Vec<u8> {
    let mut text = String::from(
        "$date today $end\n$version by hand $end\n$comment of no interest: # 1! $end\n$timescale 1 ns $end\n\
         $scope module top $end\n$var wire 1 ! clk $end\n$var wire 1 dd dio $end\n$var wire 8 # bus [7:0] $end\n\
         $upscope $end\n$enddefinitions $end\n",
    );
    for (n, before, (clk, dio)) in pins.changes() {
        text += &format!("#{}", n * NANOS);
        if before.is_none_or(|(_, b)| b != dio) {
            text += &format!("{separator}{}dd", u8::from(dio));
        }
        if before.is_none_or(|(c, _)| c != clk) {
            text += &format!("{separator}{}!", u8::from(clk));
        }
        if n % 50 == 0 {
            text += &format!("{separator}b01x0 #");
        }
        text.push('\n');
    }
    text.into_bytes()
}

pub(super) fn csv(pins: &Pins) -> Vec<u8> {
    let head =
        "; CSV generated by libsigrok 0.5.2\n; Channels (2/2): clk, dio\n; Samplerate: 4 MHz\nlogic,logic\n";
    let rows = pins.0.iter().map(|(clk, dio)| format!("{},{}\n", u8::from(*clk), u8::from(*dio)));
    rows.fold(head.to_owned(), |text, row| text + &row).into_bytes()
}

pub(super) fn saleae_csv(pins: &Pins) -> Vec<u8> {
    let row = |(n, _, (clk, dio)): (u64, _, (bool, bool))| {
        // Before the trigger times are negative.
        let nanos = n as i64 * NANOS as i64 - 1500;
        let (sign, nanos) = if nanos < 0 { ("-", -nanos) } else { ("", nanos) };
        format!(
            "{sign}{}.{:09},{},{}\n",
            nanos / 1_000_000_000,
            nanos % 1_000_000_000,
            u8::from(clk),
            u8::from(dio)
        )
    };
    pins.changes().map(row).fold("Time [s],clk,dio\n".to_owned(), |text, row| text + &row).into_bytes()
}

/// The files of SWCLK and SWDIO.
pub(super) fn saleae_binary(pins: &Pins, version: i32) -> (Vec<u8>, Vec<u8>) {
    let channel = |of: fn(&(bool, bool)) -> bool| {
        let levels: Vec<bool> = pins.0.iter().map(of).collect();
        let changed = (1..levels.len()).filter(|n| levels[*n] != levels[n - 1]);
        let times: Vec<f64> = changed.map(|n| n as f64 * 250e-9).collect();
        let mut file = b"<SALEAE>".to_vec();
        file.extend_from_slice(&version.to_le_bytes());
        file.extend_from_slice(&0i32.to_le_bytes());
        if version == 1 {
            file.extend_from_slice(&1u64.to_le_bytes());
        }
        file.extend_from_slice(&u32::from(levels[0]).to_le_bytes());
        if version == 1 {
            file.extend_from_slice(&4e6f64.to_le_bytes());
        }
        for time in [0.0, levels.len() as f64 * 250e-9] {
            file.extend_from_slice(&f64::to_le_bytes(time));
        }
        file.extend_from_slice(&(times.len() as u64).to_le_bytes());
        times.iter().for_each(|time| file.extend_from_slice(&time.to_le_bytes()));
        file
    };
    (channel(|sample| sample.0), channel(|sample| sample.1))
}
