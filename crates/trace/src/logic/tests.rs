//! One session in every format, spoiled files, and files that only pretend.

mod archive;
mod captures;
mod write;

use super::*;
use crate::cost::Cost;
use crate::event::{Body, OnWire};
use crate::swd::tests::writer::{Rng, Setting, session};
use crate::{Options, Stat, Trace, open_from, open_with};
use proptest::prelude::*;
use wire::{Level, Transaction, WireEvent};
use write::{Pins, saleae_binary, saleae_csv};

fn options() -> Options {
    let name = |name: &str| Some(name.to_owned());
    Options {
        channels: Channels { swclk: name("clk"), swdio: name("dio"), nrst: None },
        ..Options::default()
    }
}

fn transactions(trace: &Trace) -> Vec<Transaction> {
    let transaction = |event: &Event| match &event.body {
        Body::Wire(wired) => match &wired.what {
            OnWire::Event(WireEvent::Transaction(t)) => Some(*t),
            _ => None,
        },
        _ => None,
    };
    trace.events(Level::Transaction).iter().filter_map(transaction).collect()
}

/// A session and what is in it.
fn example(packets: usize) -> (Pins, Vec<Transaction>) {
    let writer = session(Setting { idle: 3, ..Setting::default() }, packets, Rng(77));
    (Pins::of(&writer.bits), writer.expected)
}

/// The files of all formats that consist of one file.
fn files(pins: &Pins) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("sr", write::sr(pins, 1, 1000)),
        ("sr, two bytes a sample", write::sr(pins, 2, 999)),
        ("vcd", write::vcd(pins, "\n")),
        ("vcd, changes behind their time", write::vcd(pins, " ")),
        ("csv", write::csv(pins)),
        ("saleae csv", saleae_csv(pins)),
    ]
}

#[test]
fn a_session_is_the_same_in_every_format() {
    let (pins, expected) = example(300);
    for (name, file) in files(&pins) {
        let trace = open_with(&file, &options()).unwrap();
        assert_eq!(transactions(&trace), expected, "{name}");
        assert!(trace.warnings().is_empty(), "{name}: {:?}", trace.warnings());
        let piped = open_from(&mut file.as_slice(), &options()).unwrap();
        assert_eq!(transactions(&piped), expected, "{name}, piped");
    }
    for version in [0, 1] {
        let (clk, dio) = saleae_binary(&pins, version);
        let (mut clk, mut dio) = (clk.as_slice(), dio.as_slice());
        let files: Vec<(String, &mut dyn Read)> =
            vec![("dio".to_owned(), &mut dio), ("clk".to_owned(), &mut clk)];
        let trace = crate::open_channels(files, &options()).unwrap();
        assert_eq!(transactions(&trace), expected, "binary {version}");
        assert!(trace.warnings().is_empty(), "binary {version}");
    }
}

#[test]
fn a_capture_costs_the_clocks_that_are_in_it() {
    for turnaround in 1..=4 {
        let setting = Setting { idle: 5, turnaround, ..Setting::default() };
        let writer = session(setting, 100, Rng(8));
        let trace = open_with(&write::sr(&Pins::of(&writer.bits), 1, 1000), &options()).unwrap();
        let cost = Cost::of(&trace);
        let wire = cost.wire.unwrap();
        let packets: usize = writer.begins.iter().zip(&writer.ends).map(|(begin, end)| end - begin).sum();
        let rises = writer.bits.len() as u64;
        let parts = wire.idle_clocks + wire.sequence_clocks + packets as u64;
        assert_eq!((wire.clocks, parts, wire.other_clocks), (rises, rises, 0), "{turnaround}");
        assert!(wire.idle_clocks >= 5 * 80, "{wire:?}");
        assert!(Stat::of(&trace).latency.iter().any(|latency| latency.of == "transactions"));
        assert_eq!(cost.floor.clocks, cost.floor.transactions * (44 + 2 * turnaround as u64));
    }
}

#[test]
fn every_format_gives_the_same_times() {
    let (pins, _) = example(20);
    let times = |file: &[u8]| -> Vec<u128> {
        let trace = open_with(file, &options()).unwrap();
        trace.events(Level::Transaction).iter().map(|event| event.at.as_nanos()).collect()
    };
    let files = files(&pins);
    let first = times(&files[0].1);
    // Four samples a clock at 4 MHz, and the first clock rises with the third sample.
    assert_eq!(first[0], 500);
    for (name, file) in &files[1..] {
        assert_eq!(times(file), first, "{name}");
    }
}

#[test]
fn a_file_that_is_cut_off_gives_what_was_there_and_says_so() {
    let (pins, expected) = example(60);
    for (name, file) in files(&pins) {
        let (mut opened, mut told) = (0, 0);
        for part in 1..40 {
            let cut = &file[..file.len() * part / 40];
            let Ok(trace) = open_with(cut, &options()) else { continue };
            opened += 1;
            told += usize::from(trace.truncated_at().is_some());
            let seen = transactions(&trace);
            let common = seen.iter().zip(&expected).take_while(|(a, b)| a == b).count();
            // The last one may be cut within itself.
            assert!(common + 1 >= seen.len(), "{name} {part}: {common} of {}", seen.len());
        }
        assert!(opened > 25, "{name}: {opened}");
        // A line of text may end where the file does.
        assert!(told * 2 > opened, "{name}: {told} of {opened}");
    }
}

#[test]
fn channels_that_are_not_there_are_told_with_those_that_are() {
    let (pins, _) = example(3);
    for (name, file) in files(&pins) {
        let channels = Channels { swclk: Some("D7".to_owned()), ..Channels::default() };
        let wanted = Options { channels, ..Options::default() };
        let error = open_with(&file, &wanted).unwrap_err().to_string();
        assert!(error.contains("\"D7\" for SWCLK") && error.contains("clk ("), "{name}: {error}");
    }
}

/// A capture of four channels: of the pins, the halves of SWCLK, and one that rests.
fn crowded(pins: &Pins) -> Vec<[bool; 4]> {
    let mut half = false;
    let mut before = false;
    let row = |(clk, dio): &(bool, bool)| {
        half ^= *clk && !before;
        before = *clk;
        [half, *dio, true, *clk]
    };
    pins.0.iter().map(row).collect()
}

fn rows(samples: &[[bool; 4]], head: &str) -> Vec<u8> {
    let row = |sample: &[bool; 4]| sample.map(|level| u8::from(level).to_string()).join(",") + "\n";
    samples.iter().map(row).fold(head.to_owned(), |text, row| text + &row).into_bytes()
}

#[test]
fn a_csv_without_names_or_without_any_head_is_read_by_numbers_and_by_what_decodes() {
    let (pins, expected) = example(60);
    let samples = crowded(&pins);
    let by_number = Options {
        channels: Channels { swclk: Some("3".to_owned()), swdio: Some("1".to_owned()), nrst: None },
        ..Options::default()
    };
    for head in [
        "",
        "logic,logic,logic,logic\n",
        "a,b,c,d\n",
        "; CSV\n; Samplerate: 4 MHz\nlogic,logic,logic,logic\n",
    ] {
        let file = rows(&samples, head);
        let told = open_with(&file, &by_number).unwrap();
        assert_eq!(transactions(&told), expected, "{head:?}");
        let guessed = open_with(&file, &Options::default()).unwrap();
        assert_eq!(transactions(&guessed), expected, "{head:?}");
        let said: Vec<String> = guessed.warnings().iter().map(ToString::to_string).collect();
        let name = if head.starts_with('a') { "channel d (3) and SWDIO channel b (1)" } else { "(3)" };
        assert!(
            said.iter().any(|said| said.contains(name) && said.contains("SWCLK is taken")),
            "{head:?}: {said:?}"
        );
    }
}

#[test]
fn changes_with_times_need_no_head_either() {
    let (pins, expected) = example(40);
    let text = String::from_utf8(saleae_csv(&pins)).unwrap();
    let (_, rows) = text.split_once('\n').unwrap();
    let trace = open_with(rows.as_bytes(), &Options::default()).unwrap();
    assert_eq!(transactions(&trace), expected);
    // Times are numbers, and whole ones are numbers too.
    let later = |line: &str| {
        let (time, levels) = line.split_once(',').unwrap();
        format!("{:.9},{levels}\n", time.parse::<f64>().unwrap() + 20.0)
    };
    let rows: String = rows.lines().map(later).collect();
    let levels = rows.lines().next().unwrap().split_once(',').unwrap().1;
    for time in ["-7", "-1e1", "0", "12"] {
        let whole = format!("{time},{levels}\n{rows}");
        let trace = open_with(whole.as_bytes(), &Options::default()).unwrap();
        assert_eq!(transactions(&trace), expected, "{time}");
    }
}

#[test]
fn pins_that_no_name_tells_are_found_by_what_decodes_in_every_format() {
    let (pins, expected) = example(80);
    for (name, file) in files(&pins) {
        // The names of the channels, with others of the same length.
        let text = |bytes: &[u8], from: &str, to: &str| {
            let places: Vec<usize> =
                (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
            let mut bytes = bytes.to_vec();
            places.iter().for_each(|at| bytes[*at..*at + from.len()].copy_from_slice(to.as_bytes()));
            bytes
        };
        if name.starts_with("sr") {
            continue;
        }
        let renamed = text(&text(&file, "clk", "one"), "dio", "two");
        let trace = open_with(&renamed, &Options::default()).unwrap();
        assert_eq!(transactions(&trace), expected, "{name}");
        assert!(matches!(trace.warnings(), [.., Warning::Guessed { .. }]), "{name}");
    }
    let metadata = b"[device 1]\ncapturefile=logic-1\nsamplerate=4 MHz\nprobe1=one\nprobe2=two\n";
    let samples = pins.0.iter().map(|(clk, dio)| u8::from(*clk) << 1 | u8::from(*dio)).collect();
    let session = write::zip(&[("metadata", metadata.to_vec()), ("logic-1-1", samples)]);
    assert_eq!(transactions(&open_with(&session, &Options::default()).unwrap()), expected);
    let (clk, dio) = saleae_binary(&pins, 1);
    let (mut clk, mut dio) = (clk.as_slice(), dio.as_slice());
    let files: Vec<(String, &mut dyn Read)> =
        vec![("digital_0".to_owned(), &mut dio), ("digital_1".to_owned(), &mut clk)];
    let trace = crate::open_channels(files, &Options::default()).unwrap();
    assert_eq!(transactions(&trace), expected);
}

#[test]
fn a_capture_in_which_nothing_decodes_asks_for_the_pins() {
    let noise: Vec<[bool; 4]> =
        (0..4000u32).map(|n| [n & 1 == 1, n % 3 == 1, n % 5 == 2, n % 7 == 3]).collect();
    let error = open_with(&rows(&noise, ""), &Options::default()).unwrap_err().to_string();
    assert!(error.contains("0 (0), 1 (1), 2 (2), 3 (3)") && error.contains("SWCLK"), "{error}");
}

#[test]
fn a_missing_piece_of_a_session_ends_it_there() {
    let (pins, expected) = example(60);
    let file = write::sr_without(&pins, 1, 1000, &[3]);
    let trace = open_with(&file, &options()).unwrap();
    assert_eq!(trace.truncated_at(), Some(2000));
    let seen = transactions(&trace);
    assert!(seen.len() > 3 && expected.starts_with(&seen));
}

#[test]
fn what_a_person_may_try_is_refused_with_advice() {
    let refused = |bytes: &[u8]| open_with(bytes, &options()).unwrap_err().to_string();
    let sal = write::zip(&[("meta.json", b"{}".to_vec()), ("digital-0.bin", vec![0])]);
    assert!(refused(&sal).contains("export"), "{}", refused(&sal));
    assert!(refused(&write::zip(&[("a.txt", b"a".to_vec())])).contains("no metadata"));
    let one = saleae_binary(&example(3).0, 0).0;
    assert!(refused(&one).contains("folder"), "{}", refused(&one));
    assert!(refused(b"Time,Channel 0\n2025-01-01T00:00:00Z,1\n").contains("seconds"));
}

#[test]
fn nonsense_is_an_error_with_its_place() {
    let refused = |text: &str| open_with(text.as_bytes(), &options()).unwrap_err().to_string();
    let head = "$timescale 1 ns $end $var wire 1 ! clk $end $var wire 1 \" dio $end $enddefinitions $end\n";
    for (body, says) in [
        ("#1 0!\n#0 1!\n", "time goes back from 1 to 0"),
        ("#1 0!\nhello\n", "\"hello\" is no change"),
        ("#x\n", "\"#x\" is no time"),
        ("#99999999999999999999\n", "is no time"),
    ] {
        let error = refused(&format!("{head}{body}"));
        assert!(error.contains(says) && error.contains("byte"), "{error}");
    }
    assert!(refused("$timescale 1 parsec $end\n").contains("no time scale"));
    assert!(refused("$date today $end\n").contains("ends before"));
    let csv = "; CSV generated\n; Channels (2/2): clk, dio\nlogic,logic\n0,1\n0,2\n0,0\n";
    assert!(refused(csv).contains("\"0,2\" is not 2 values"), "{}", refused(csv));
    assert!(refused("Time [s],clk,dio\n0.5,0,1\n0.25,1,1\n1,1,1\n").contains("time goes back"));
    assert!(refused("Time [s],clk,dio\n0.5,0,?\n1,1,1\n").contains("neither 0 nor 1"));
}

#[test]
fn a_session_that_promises_more_than_it_holds_is_no_danger() {
    let refused = |metadata: &str| {
        let zip = write::zip(&[("metadata", metadata.as_bytes().to_vec()), ("logic-1-1", vec![0; 10])]);
        open_with(&zip, &options()).unwrap_err().to_string()
    };
    let channels = "probe1=clk\nprobe2=dio\n";
    let device = |lines: &str| format!("[device 1]\ncapturefile=logic-1\n{channels}{lines}");
    assert!(refused(&device("unitsize=0\n")).contains("samples of 0 bytes"));
    assert!(refused(&device("unitsize=999999999\n")).contains("999999999"));
    assert!(refused(&device("unitsize=x\n")).contains("no number"));
    assert!(refused(&device("samplerate=often\n")).contains("no rate"));
    assert!(refused(&device("probe4000000000=x\nunitsize=0\n")).contains("samples of 0"));
    assert!(refused("[global]\n").contains("no logic samples"));
    let far = "[device 1]\ncapturefile=logic-1\nprobe1=clk\nprobe9=dio\n";
    assert!(refused(far).contains("channel 8"), "{}", refused(far));
}

#[test]
fn a_long_idle_clock_that_is_packed_away_takes_little_memory() {
    // 100 million samples in which nothing happens are a hundred kilobytes of archive.
    let zip = write::zip(&[
        ("metadata", b"[device 1]\ncapturefile=logic-1\nsamplerate=1 GHz\nprobe1=clk\nprobe2=dio\n".to_vec()),
        ("logic-1-1", vec![2; 100_000_000]),
    ]);
    assert!(zip.len() < 200_000);
    let trace = open_with(&zip, &options()).unwrap();
    assert_eq!(trace.header("samples"), Some("100000000"));
    assert!(trace.events(Level::Transaction).is_empty());
}

#[test]
fn rates_are_read_with_their_units() {
    let read = |text| sr::rate(text);
    assert_eq!([read("8 MHz"), read("200 kHz"), read("12.5MHz")], [8_000_000, 200_000, 12_500_000].map(Some));
    assert_eq!([read("1 GHz"), read("1000")], [Some(1_000_000_000), Some(1000)]);
    assert_eq!([read("0 Hz"), read("8 furlongs"), read(""), read("99999999999 GHz")], [None; 4]);
}

/// Bytes with some of them changed, left out or doubled.
fn spoil(bytes: &mut Vec<u8>, changes: &[(usize, u8, u8)]) {
    for (place, byte, how) in changes {
        let place = place % bytes.len().max(1);
        match (how % 3, bytes.get_mut(place)) {
            (0, Some(there)) => *there = *byte,
            (1, Some(_)) => {
                bytes.remove(place);
            }
            _ => bytes.insert(place.min(bytes.len()), *byte),
        }
    }
}

proptest! {
    #[test]
    fn no_file_makes_a_reader_panic(
        which in 0usize..6,
        changes in proptest::collection::vec((0usize..4000, any::<u8>(), any::<u8>()), 1..30),
    ) {
        let (pins, _) = example(6);
        let (_, mut file) = files(&pins).swap_remove(which);
        spoil(&mut file, &changes);
        let _ = open_with(&file, &options());
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "(\\$var wire 1 ! clk \\$end|\\$enddefinitions \\$end|#[0-9]{1,5}|[01xz][!\"]|b01 !|Time \\[s\\],clk,dio|; Channels \\(2/2\\): clk, dio|logic,logic|[01],[01]|[ -~]{0,6}|\n){0,40}") {
        for head in ["$date\n", "; CSV\n", "Time [s],clk,dio\n", "logic,logic\n"] {
            let _ = open_with(format!("{head}{text}").as_bytes(), &options());
        }
    }

    #[test]
    fn no_binary_export_makes_a_reader_panic(
        version in 0i32..2, changes in proptest::collection::vec((0usize..2000, any::<u8>(), any::<u8>()), 1..20),
    ) {
        let (mut clk, dio) = saleae_binary(&example(4).0, version);
        spoil(&mut clk, &changes);
        let (mut clk, mut dio) = (clk.as_slice(), dio.as_slice());
        let files: Vec<(String, &mut dyn Read)> =
            vec![("dio".to_owned(), &mut dio), ("clk".to_owned(), &mut clk)];
        let _ = crate::open_channels(files, &options());
    }
}

#[test]
fn a_session_of_a_version_that_nobody_knows_is_refused() {
    let of_version = |version: &[u8]| {
        let metadata = b"[device 1]\ncapturefile=logic-1\nprobe1=clk\nprobe2=dio\nunitsize=1\n".to_vec();
        let files = [("version", version.to_vec()), ("metadata", metadata), ("logic-1-1", vec![0; 8])];
        open_with(&write::zip(&files), &options()).map_err(|e| e.to_string())
    };
    assert!(of_version(b"2\n").is_ok() && of_version(b"1").is_ok());
    let why = of_version(b"3").unwrap_err();
    assert!(why.contains("version \"3\" of sigrok's sessions is not known; 1 and 2 are"), "{why}");
}
