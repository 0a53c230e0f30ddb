mod secrets;
mod views;

use super::*;
use std::time::Duration;
use trace::{ClockKind, Header, Recorder, Secrets};
use wire::{Mark, MarkKind, Record, Secret, Sink, TransferKind};

#[test]
fn the_help_of_every_command_fits_a_terminal_of_24_lines() {
    let mut all = <Cli as clap::CommandFactory>::command().term_width(80);
    all.build();
    let commands = all.get_subcommands_mut().map(|command| command.render_help().to_string());
    let texts: Vec<String> =
        commands.collect::<Vec<_>>().into_iter().chain([all.render_help().to_string()]).collect();
    assert_eq!(texts.len(), 12, "the commands, help and all of them");
    for text in texts {
        assert!(text.lines().count() <= 24, "{} lines: {text}", text.lines().count());
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}

/// A DAP_Transfer of one item with its answer, at a time.
fn exchange(recorder: &mut Recorder, urb: u64, micros: u64, request: &[u8], answer: &[u8]) {
    let (at, kind) = (Duration::from_micros(micros), TransferKind::Bulk);
    let until = Duration::from_micros(micros + 100);
    let secret = &Secret::NONE;
    let (out, inward, length) = (0x04, 0x85, request.len());
    recorder.record(Record::Submit {
        at,
        urb,
        endpoint: out,
        kind,
        setup: None,
        length,
        data: request,
        secret,
    });
    recorder.record(Record::Complete { at, urb, endpoint: out, kind, status: 0, length, data: &[], secret });
    let (urb, length) = (urb + 1000, 64);
    recorder.record(Record::Submit {
        at,
        urb,
        endpoint: inward,
        kind,
        setup: None,
        length,
        data: &[],
        secret,
    });
    let length = answer.len();
    recorder.record(Record::Complete {
        at: until,
        urb,
        endpoint: inward,
        kind,
        status: 0,
        length,
        data: answer,
        secret,
    });
}

fn mark(recorder: &mut Recorder, micros: u64, kind: MarkKind, text: &str) {
    recorder.record(Record::Mark { at: Duration::from_micros(micros), mark: &Mark::new(kind, text) });
}

/// DPIDR, AP 1, then three polls of FLASH_NSSR with sleeps between them.
fn recording() -> Vec<u8> {
    let header = Header::new("test", "1.0", ClockKind::Virtual);
    let mut recorder = Recorder::in_memory(&header, Secrets::Masked).unwrap();
    let r = &mut recorder;
    mark(r, 0, MarkKind::Step, "look at the flash");
    exchange(r, 1, 0, &[5, 0, 1, 2], &[5, 1, 1, 0x77, 0x24, 0xA0, 0x6B]);
    let set_up = [5, 0, 3, 8, 0, 0, 0, 1, 1, 2, 0, 0, 0x23, 5, 0x20, 0x20, 0x02, 0x40];
    exchange(r, 2, 200, &set_up, &[5, 3, 1]);
    for n in 0..3u8 {
        let busy = u8::from(n < 2);
        exchange(r, 3 + u64::from(n), 400 + 1000 * u64::from(n), &[5, 0, 1, 0xF], &[5, 1, 1, busy, 0, 0, 0]);
        mark(r, 500 + 1000 * u64::from(n), MarkKind::Sleep, "900 µs");
    }
    mark(r, 5000, MarkKind::Note, "done");
    recorder.into_bytes()
}

/// Runs the tool on a file with these bytes: exit code, standard output, standard error.
fn on(bytes: &[u8], arguments: &[&str]) -> (u8, String, String) {
    let name = format!("swdtrace-{}-{:?}.pcapng", std::process::id(), std::thread::current().id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, bytes).unwrap();
    let file = path.to_str().unwrap();
    let all: Vec<&str> = ["swdtrace"].iter().chain(arguments).copied().chain([file]).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = run(all, &mut out, &mut err);
    std::fs::remove_file(&path).unwrap();
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn show_reads_as_a_story_with_steps_as_headings() {
    let (code, out, err) = on(&recording(), &["show"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let expected = "\
# secrets: masked
# tool: test 1.0
# clock: virtual
# target: STM32H5, by DPIDR 0x6BA0_2477 (a few other STM32 have it too)
    0.000000  == look at the flash
    0.000000    DPIDR read 0x6BA0_2477 (DPv2, part 0xba, rev 6, designer 0x23b)
    0.000400    wait FLASH_NSSR ×3 over 2.10 ms: BSY=1 (0x0000_0001) to 0x0000_0000
    0.000500    -- sleep: 900 µs (×3)
    0.005000    -- note: done
";
    assert_eq!(out, expected);
}

#[test]
fn sleeps_in_a_row_keep_their_own_lengths() {
    let told = |sleeps: &[&str]| {
        let header = Header::new("test", "1.0", ClockKind::Virtual);
        let mut recorder = Recorder::in_memory(&header, Secrets::Masked).unwrap();
        sleeps.iter().for_each(|length| mark(&mut recorder, 0, MarkKind::Sleep, length));
        let out = on(&recorder.into_bytes(), &["show"]).1;
        out.lines().last().unwrap().trim_start().to_owned()
    };
    assert_eq!(told(&["20ms"]), "0.000000  -- sleep: 20ms");
    assert_eq!(told(&["20ms", "5ms"]), "0.000000  -- sleep: 20ms, 5ms");
    assert_eq!(told(&["1ms", "1ms", "1ms", "1ms"]), "0.000000  -- sleep: 1ms (×4)");
    assert_eq!(told(&["1ms", "2ms", "4ms", "8ms"]), "0.000000  -- sleep: 1ms … 8ms (×4)");
}

#[test]
fn every_level_has_its_own_lines() {
    let at = |level: &str| on(&recording(), &["show", "--no-marks", "--level", level]).1;
    let count = |level: &str| at(level).lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(count("0"), 10);
    assert_eq!(count("1"), 5);
    // Three polls are two transactions each, and the three writes are followed by a check.
    assert_eq!(count("2"), 1 + 4 + 6);
    assert_eq!(count("3"), 2);
    assert!(at("3").contains("AP1 read 0x4002_2020 0x0000_0000, first 0x0000_0001 ×3"), "{}", at("3"));
    assert!(at("4").contains("FLASH_NSSR read 0x0000_0000, first BSY=1 (0x0000_0001) ×3"), "{}", at("4"));
}

#[test]
fn marks_can_be_left_out() {
    let (_, out, _) = on(&recording(), &["show", "--no-marks"]);
    assert!(!out.contains("==") && !out.contains("--"), "{out}");
    let (_, out, _) = on(&recording(), &["show", "--no-marks", "--marks"]);
    assert!(out.contains("=="), "{out}");
}

#[test]
fn jsonl_is_one_object_a_line() {
    let (code, out, _) = on(&recording(), &["show", "--level", "4", "--format", "jsonl"]);
    assert_eq!(code, 0);
    let all: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(all[0]["kind"], "step");
    let poll = all.iter().find(|v| v["kind"] == "access").unwrap();
    assert_eq!((&poll["address"], &poll["count"]), (&0x4002_2020u32.into(), &3.into()));
    assert_eq!((&poll["t_ns"], &poll["until_ns"]), (&400_000.into(), &2_500_000.into()));
}

#[test]
fn stat_counts() {
    let (code, out, _) = on(&recording(), &["stat", "--format", "json"]);
    assert_eq!(code, 0);
    let stat: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(stat["schema"], 1);
    assert_eq!(stat["usb"]["round_trips"], 5);
    assert_eq!(stat["transactions"]["total"], 11);
    assert_eq!(stat["transactions"]["implied"], 4);
    assert_eq!(stat["memory"]["reads"], 3);
    assert_eq!(stat["memory"]["bytes_read"], 12);
    assert_eq!(stat["memory"]["busiest"][0]["name"], "FLASH_NSSR");
    assert_eq!(stat["duration_ns"], 5_000_000);
    let (_, text, _) = on(&recording(), &["stat"]);
    assert!(text.contains("11 (4 added by the probe): 11 OK, 0 WAIT"), "{text}");
}

#[test]
fn a_recording_that_is_cut_off_is_shown_and_has_its_own_exit_code() {
    let mut bytes = recording();
    bytes.truncate(bytes.len() - 3);
    let (code, out, err) = on(&bytes, &["show"]);
    assert_eq!(code, 61);
    assert!(out.contains("wait FLASH_NSSR"), "{out}");
    assert!(err.contains("cut off at byte"), "{err}");
}

#[test]
fn what_is_no_recording_is_refused() {
    let (code, out, err) = on(b"no recording", &["show"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("this is no recording: it is text that begins with \"no recording\""), "{err}");
    assert!(err.contains("read are pcapng"), "{err}");
}

#[test]
fn a_folder_without_channels_is_no_recording() {
    let folder = tempfile::tempdir().unwrap();
    let mut err = Vec::new();
    let code = run(["swdtrace", "show", folder.path().to_str().unwrap()], &mut Vec::new(), &mut err);
    let err = String::from_utf8(err).unwrap();
    assert!(code == 2 && err.contains("there is no digital_N.bin in it"), "{err}");
}

#[test]
fn nothing_that_is_read_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let [file, link] = ["a.pcapng", "link.pcapng"].map(|name| folder.path().join(name).display().to_string());
    std::fs::write(&file, recording()).unwrap();
    std::fs::hard_link(&file, &link).unwrap();
    let commands: [&[&str]; 5] = [
        &["redact", &file, &file],
        &["redact", &file, &link],
        &["export", "--to", "pcapng", "-o", &file, &file],
        &["replay", "--as", "openocd", "-o", &file, &file],
        &["diff", &link, &file, "--html", &file],
    ];
    for command in commands {
        let mut err = Vec::new();
        let code = run([&["swdtrace"], command].concat(), &mut Vec::new(), &mut err);
        let err = String::from_utf8(err).unwrap();
        assert!(code == 2 && err.contains("is what is read: it was not overwritten"), "{command:?}: {err}");
        assert!(std::fs::read(&file).unwrap() == recording(), "{command:?}");
    }
}

#[test]
fn secrets_of_what_is_no_usb_are_not_masked_and_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["in", "out"].map(|name| folder.path().join(name).display().to_string());
    let mut list = Vec::new();
    let (_, vcd, _) = on(&recording(), &["export", "--to", "vcd"]);
    std::fs::write(&from, recording()).unwrap();
    run(["swdtrace", "export", "--to", "pcapng", &from], &mut list, &mut Vec::new());
    let log = b"Open On-Chip Debugger 0.12.0\nDebug: 1 2 cmsis_dap.c:1 x(): y\n".to_vec();
    for (bytes, what) in [
        (vcd.into_bytes(), "a capture of the pins"),
        (log, "a log of OpenOCD"),
        (list, "this recording (list of transactions)"),
    ] {
        std::fs::write(&from, bytes).unwrap();
        let mut err = Vec::new();
        let code = run(["swdtrace", "redact", &from, &to], &mut Vec::new(), &mut err);
        let err = String::from_utf8(err).unwrap();
        assert!(code == 2 && err.contains(&format!("the secrets of {what} cannot be masked")), "{err}");
        assert!(err.contains("show --level 5") && !Path::new(&to).exists(), "{err}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(run(["swdtrace", "stat", "/nonexistent.pcapng"], &mut out, &mut err), 2);
    assert!(String::from_utf8(err).unwrap().contains("/nonexistent.pcapng"));
}

#[test]
fn wrong_arguments_are_explained_on_standard_error_and_help_goes_to_standard_output() {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(run(["swdtrace", "show", "x", "--level", "7"], &mut out, &mut err), 2);
    assert!(out.is_empty() && !err.is_empty());
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(run(["swdtrace", "--help"], &mut out, &mut err), 0);
    assert!(String::from_utf8(out).unwrap().contains("61  not all is there: the recording is cut off"));
    assert!(err.is_empty());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let path = std::env::temp_dir().join(format!("swdtrace-closed-{}.pcapng", std::process::id()));
    std::fs::write(&path, recording()).unwrap();
    let code = run(["swdtrace", "show", path.to_str().unwrap()], &mut Closed, &mut Vec::new());
    std::fs::remove_file(&path).unwrap();
    assert_eq!(code, 0);
}

fn compared(a: &[u8], b: &[u8], more: &[&str]) -> (u8, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["a.pcapng", "b.pcapng"].map(|name| folder.path().join(name));
    std::fs::write(&one, a).unwrap();
    std::fs::write(&other, b).unwrap();
    let mut args = vec!["swdtrace".to_owned(), "diff".to_owned()];
    args.extend([one, other].map(|path| path.display().to_string()));
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = run(args, &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

/// The recording of the other tests, with one more write behind it.
fn one_more() -> Vec<u8> {
    let header = Header::new("test", "1.0", ClockKind::Virtual);
    let mut recorder = Recorder::in_memory(&header, Secrets::Masked).unwrap();
    let r = &mut recorder;
    exchange(r, 1, 0, &[5, 0, 1, 2], &[5, 1, 1, 0x77, 0x24, 0xA0, 0x6B]);
    let set_up = [5, 0, 3, 8, 0, 0, 0, 1, 1, 2, 0, 0, 0x23, 5, 0x20, 0x20, 0x02, 0x40];
    exchange(r, 2, 200, &set_up, &[5, 3, 1]);
    exchange(r, 3, 400, &[5, 0, 1, 0xD, 1, 0, 0, 0], &[5, 1, 1]);
    recorder.into_bytes()
}

#[test]
fn a_recording_is_the_same_as_itself() {
    let (code, out, err) = compared(&recording(), &recording(), &[]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("level 3: memory accesses\nA: "), "{out}");
    assert!(out.ends_with("the same\n"), "{out}");
}

#[test]
fn what_differs_stands_side_by_side_with_its_times() {
    let (code, out, _) = compared(&recording(), &one_more(), &["--level", "4", "--width", "120"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("@@ 1 of 1: A item 1, B item 1, the first difference"), "{out}");
    assert!(out.contains("FLASH_NSSR write"), "{out}");
    assert!(out.ends_with("different in 1 place\n"), "{out}");
    let (code, out, _) = compared(&recording(), &one_more(), &["--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, value["same"].as_bool(), value["hunks"].as_array().unwrap().len()),
        (1, Some(false), 1)
    );
}

#[test]
fn a_recording_that_is_cut_off_is_trouble_even_when_what_is_there_is_the_same() {
    let whole = recording();
    let (code, out, _) = compared(&whole[..whole.len() - 5], &whole[..whole.len() - 5], &[]);
    assert_eq!(code, 2, "{out}");
    assert!(out.contains("is cut off: what is missing was not compared"), "{out}");
}

#[test]
fn what_cannot_be_compared_is_trouble() {
    let (code, _, err) = compared(&recording(), b"not a recording", &[]);
    assert_eq!(code, 2);
    assert!(err.contains("this is no recording"), "{err}");
    let empty = Recorder::in_memory(&Header::new("t", "1", ClockKind::Virtual), Secrets::Masked).unwrap();
    let (code, _, err) = compared(&recording(), empty.bytes(), &[]);
    assert_eq!(code, 2);
    assert!(err.contains("nothing in B could be decoded"), "{err}");
}

/// A block of words, each with this value.
fn block(value: u8) -> Vec<u8> {
    let header = Header::new("test", "1.0", ClockKind::Virtual);
    let mut recorder = Recorder::in_memory(&header, Secrets::Masked).unwrap();
    let r = &mut recorder;
    exchange(r, 1, 0, &[5, 0, 3, 8, 0, 0, 0, 1, 1, 0x12, 0, 0, 0x23, 5, 0, 0, 0, 0x20], &[5, 3, 1]);
    let mut words = vec![6, 0, 16, 0, 0xD];
    words.extend([value; 64]);
    exchange(r, 2, 200, &words, &[6, 16, 0, 1]);
    recorder.into_bytes()
}

#[test]
fn a_block_with_other_values_is_one_line() {
    let (code, out, _) = compared(&block(1), &block(2), &[]);
    assert_eq!(code, 1);
    let line = out.lines().find(|line| line.starts_with("! ")).unwrap();
    assert!(line.contains("write, 64 bytes, first 0x0101_0101"), "{out}");
    assert!(line.contains("write, 64 bytes, first 0x0202_0202"), "{out}");
    assert_eq!(out.lines().filter(|line| line.starts_with("! ")).count(), 1, "{out}");
}

/// SWCLK and SWDIO of a read of DPIDR behind a line reset, as a VCD file with these names.
fn capture(clk: &str, dio: &str) -> Vec<u8> {
    let levels = |value: u64, count: usize| (0..count).map(move |n| value >> n & 1 == 1);
    let bits = levels(u64::MAX, 56)
        .chain(levels(0, 8))
        .chain(levels(0xA5, 8))
        .chain(levels(0b0011, 4))
        .chain(levels(0x6BA0_2477, 32))
        // 15 of its bits are set, so that parity is 1; then the turnaround.
        .chain(levels(0b01, 2))
        .chain(levels(0, 8));
    let mut text = format!(
        "$timescale 1 us $end $var wire 1 ! {clk} $end $var wire 1 \" {dio} $end $enddefinitions $end\n#0 0! 0\"\n"
    );
    for (n, bit) in bits.enumerate() {
        text += &format!("#{} 0! {}\"\n#{} 1!\n", 2 * n, u8::from(bit), 2 * n + 1);
    }
    text.into_bytes()
}

#[test]
fn a_logic_capture_is_shown_and_counted_like_any_recording() {
    let (code, out, err) = on(&capture("SWCLK", "SWDIO"), &["show"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let expected = "\
# format: VCD
# target: STM32H5, by DPIDR 0x6BA0_2477 (a few other STM32 have it too)
    0.000001  connect: line reset, DPIDR 0x6BA0_2477
";
    assert_eq!(out, expected);
    let (code, out, _) = on(&capture("SWCLK", "SWDIO"), &["stat", "--format", "json"]);
    let stat: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &stat["probe"]), (0, &"SWD pins".into()));
    assert_eq!((&stat["transactions"]["ok"], &stat["transactions"]["parity_errors"]), (&1.into(), &0.into()));
    assert_eq!((&stat["line_resets"], &stat["unreadable"]), (&1.into(), &0.into()));
    let (_, out, _) = on(&capture("SWCLK", "SWDIO"), &["stat"]);
    assert!(out.contains("unreadable     0 stretches") && !out.contains("USB"), "{out}");
}

#[test]
fn channels_with_other_names_are_chosen_by_hand() {
    let (code, _, err) = on(&capture("a", "b"), &["show"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("no channel for SWCLK") && err.contains("a (0), b (1)") && err.contains("--swclk"),
        "{err}"
    );
    let (code, out, err) = on(&capture("a", "b"), &["show", "--swclk", "a", "--swdio", "b"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("DPIDR"), "{out}");
}

#[test]
fn a_logic_capture_that_is_cut_off_has_the_same_exit_code_as_a_recording() {
    let mut bytes = capture("SWCLK", "SWDIO");
    bytes.truncate(bytes.len() - 2);
    let (code, out, err) = on(&bytes, &["show"]);
    assert_eq!(code, 61);
    assert!(out.contains("DPIDR") && err.contains("cut off"), "{out}{err}");
}

#[test]
fn clocks_that_could_not_be_read_are_shown_with_their_sample() {
    let mut bytes = capture("SWCLK", "SWDIO");
    let text = String::from_utf8(bytes.clone()).unwrap();
    // The seventh bit of the header should be low.
    let spoiled = text.replace("#140 0! 0\"", "#140 0! 1\"");
    assert_ne!(text, spoiled);
    bytes = spoiled.into_bytes();
    let (_, out, _) = on(&bytes, &["show", "--level", "2"]);
    assert!(out.contains("unreadable: ") && out.contains("from sample 129 on"), "{out}");
}

#[test]
fn export_writes_to_a_file_or_to_standard_output_and_tells_what_was_made_up() {
    let (code, out, err) = on(&recording(), &["export", "--to", "jsonl", "--level", "3"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with('{') && out.lines().count() > 3, "{out}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pins.vcd");
    let (code, out, err) = on(&recording(), &["export", "--to", "vcd", "-o", file.to_str().unwrap()]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(err.contains("SWCLK was drawn at 1 MHz: the trace says nothing of the rate"), "{err}");
    let (code, out, _) = on(&std::fs::read(&file).unwrap(), &["show"]);
    assert_eq!(code, 0);
    assert!(out.contains("wait FLASH_NSSR ×3"), "{out}");
    let (code, out, err) = on(&std::fs::read(&file).unwrap(), &["export", "--to", "jsonl", "--level", "0"]);
    assert!(code == 61 && err.contains("warning: the trace shows nothing at level 0"), "{err}");
    assert_eq!(on(out.as_bytes(), &["stat"]).0, 2, "an export that is not read again");
    let (code, _, err) = on(&recording(), &["export", "--to", "csv", "-o", "/nonexistent/a.csv"]);
    assert_eq!(code, 2);
    assert!(err.contains("/nonexistent/a.csv"), "{err}");
}

#[test]
fn redact_masks_what_it_is_told_to_and_says_how_much() {
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["in.pcapng", "out.pcapng"].map(|name| folder.path().join(name).display().to_string());
    std::fs::write(&from, block(0xA5)).unwrap();
    let redact = |more: &[&str]| {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = run([&["swdtrace", "redact", &from, &to], more].concat(), &mut out, &mut err);
        (code, String::from_utf8(err).unwrap())
    };
    assert_eq!(redact(&[]), (0, "swdtrace: 0 words were masked\n".to_owned()));
    assert_eq!(
        redact(&["--also", "0x2000_0000..0x20000040"]),
        (0, "swdtrace: 16 words were masked\n".to_owned())
    );
    let bytes = std::fs::read(&to).unwrap();
    assert!(!bytes.windows(4).any(|window| window == [0xA5; 4]));
    for wrong in ["0x10", "0x10..0x10", "a..b"] {
        assert_eq!(redact(&["--also", wrong]).0, 2, "{wrong}");
    }
}
