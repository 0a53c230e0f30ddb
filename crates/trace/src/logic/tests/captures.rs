//! Real captures, made by others with other probes: every one decodes to the counts that two other decoders agree on, and to
//! the same events whichever format it comes in.
//!
//! They are looked for in `$ACKWAIT_CAPTURES` (default: `../shared/captures` beside the workspace) and are no part of it.

use super::write::zip;
use crate::event::{OnWire, Why};
use crate::read::Warning;
use crate::{Body, Event, Names, Options, Stat, Trace};
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use wire::Level;

/// A line of the list of captures.
#[derive(Debug)]
struct Listed {
    file: String,
    samples: u64,
    /// OK, WAIT, FAULT, no ack.
    acks: [u64; 4],
    line_resets: u64,
    parity_errors: u64,
}

fn folder() -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    let folder = std::env::var_os("ACKWAIT_CAPTURES").map_or_else(default, PathBuf::from);
    if folder.join("MANIFEST.txt").is_file() {
        return Some(folder);
    }
    skip("captures", &format!("none in {}; ACKWAIT_CAPTURES says where they are", folder.display()));
    None
}

fn listed(folder: &Path) -> Vec<Listed> {
    let text = std::fs::read_to_string(folder.join("MANIFEST.txt")).unwrap();
    let rows = text.lines().filter(|line| line.contains(".sr |"));
    let all: Vec<Listed> = rows
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let acks: Vec<u64> = cells[4].split('/').map(|n| n.parse().unwrap()).collect();
            Listed {
                file: cells[0].to_owned(),
                samples: cells[2].parse().unwrap(),
                acks: acks.try_into().unwrap(),
                line_resets: cells[5].parse().unwrap(),
                parity_errors: cells[6].parse().unwrap(),
            }
        })
        .collect();
    assert!(!all.is_empty(), "the list is empty");
    println!("{} captures in {}", all.len(), folder.display());
    all
}

fn open(path: &Path) -> Trace {
    let mut file = std::fs::File::open(path).unwrap();
    crate::open_from(&mut file, &Options::default()).unwrap()
}

/// Acks, line resets and parity errors.
fn counts(trace: &Trace) -> ([u64; 4], u64, u64) {
    let stat = Stat::of(trace);
    let t = stat.transactions;
    ([t.ok, t.wait, t.fault, t.no_ack], stat.line_resets, t.parity_errors)
}

fn unreadable(event: &Event) -> Option<Why> {
    match &event.body {
        Body::Wire(wired) => match &wired.what {
            OnWire::Unreadable(unreadable) => Some(unreadable.why),
            _ => None,
        },
        _ => None,
    }
}

#[test]
fn every_listed_capture_decodes_to_its_counts() {
    let Some(folder) = folder() else { return };
    for listed in listed(&folder) {
        let trace = open(&folder.join(&listed.file));
        let expected = (listed.acks, listed.line_resets, listed.parity_errors);
        assert_eq!(counts(&trace), expected, "{}", listed.file);
        assert_eq!(trace.header("samples"), Some(listed.samples.to_string().as_str()), "{}", listed.file);
        let only_assumed = trace.warnings().iter().all(|warning| matches!(warning, Warning::Assumed { .. }));
        assert!(only_assumed, "{}: {:?}", listed.file, trace.warnings());
        let unreadable: Vec<Why> = trace.events(Level::Transaction).iter().filter_map(unreadable).collect();
        assert!(unreadable.len() <= 1 && unreadable.iter().all(|why| *why == Why::Began), "{unreadable:?}");
    }
}

/// They are of an nRF51 and an STM32F4.
#[test]
fn no_capture_of_another_chip_shows_a_name_or_an_action_of_the_stm32h5() {
    let Some(folder) = folder() else { return };
    for listed in listed(&folder) {
        let trace = open(&folder.join(&listed.file));
        assert_eq!(trace.target().names, Names::CortexM, "{}: {}", listed.file, trace.target());
        let stat = Stat::of(&trace);
        let mut lines = crate::script::lines(&trace, Level::Meaning);
        lines.extend(crate::script::lines(&trace, Level::Action));
        lines.extend(stat.memory.busiest.into_iter().map(|busy| busy.name));
        let own = [
            "FLASH_", "DBGMCU", "SBS_", "RCC_", "PWR_", "ICACHE", "USB_", "OBK", "SRAM1", "unlock", "mailbox",
        ];
        let found = lines.iter().find(|line| own.iter().any(|own| line.contains(own)));
        assert_eq!(found, None, "{}", listed.file);
    }
}

/// Four of them begin in the middle of a session.
#[test]
fn captures_that_begin_behind_select_show_memory_accesses_and_say_that_they_are_assumed() {
    let Some(folder) = folder() else { return };
    for (name, first) in [
        ("stlink_openocd/wait_retry.sr", "write 0x2000_0020 0x2000_0240 [assumed]"),
        ("stlinkv2_win_utility/stm32f429zit6_core_halt.sr", "write 0xE000_EDF0 0xA05F_0003 [assumed]"),
        (
            "stlinkv2_win_utility/stm32f429zit6_core_step.sr",
            "read 0xE000_EDF0 0x0003_0003 (1 WAIT) [assumed]",
        ),
        (
            "stlinkv2_win_utility/stm32f429zit6_get_option_bytes.sr",
            "read 0xE004_2000 0x1007_6419 (1 WAIT) [assumed]",
        ),
    ] {
        let trace = open(&folder.join(name));
        let lines = crate::script::lines(&trace, Level::Access);
        assert_eq!(lines.first(), Some(&format!("AP0 {first}")), "{name}");
        let unknown = lines.iter().filter(|line| line.contains("not seen")).count();
        assert_eq!(unknown, 0, "{name}: {lines:?}");
    }
}

/// What a test does where a tool is missing: it says so, or fails where the tool is required.
fn skip(tool: &str, why: &str) {
    let required = std::env::var("ACKWAIT_INTEROP_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|name| name == tool), "{tool} is required: {why}");
    println!("skipped: {tool} cannot be run ({why})");
}

/// The same capture in another format, made by sigrok-cli.
fn converted(capture: &Path, format: &str, file: &Path) -> Option<()> {
    let run = Command::new("sigrok-cli").arg("-i").arg(capture).args(["-O", format, "-o"]).arg(file).output();
    match run {
        Ok(output) => {
            assert!(output.status.success(), "sigrok-cli failed: {output:?}");
            Some(())
        }
        Err(e) => {
            skip("sigrok-cli", &e.to_string());
            None
        }
    }
}

/// What is on the wire, without times.
fn told(trace: &Trace) -> Vec<&OnWire> {
    let events = trace.events(Level::Transaction).iter();
    events
        .filter_map(|event| if let Body::Wire(wired) = &event.body { Some(&wired.what) } else { None })
        .collect()
}

/// Some samples of a session, as a session.
fn cut(capture: &Path, samples: Range<usize>, to: &Path) {
    let mut archive = ::zip::ZipArchive::new(std::fs::File::open(capture).unwrap()).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    let mut pieces: Vec<(u32, &String)> =
        names.iter().filter_map(|name| Some((name.strip_prefix("logic-1-")?.parse().ok()?, name))).collect();
    pieces.sort();
    let mut read = |name: &str| {
        let mut bytes = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    let metadata = read("metadata");
    assert!(String::from_utf8_lossy(&metadata).contains("unitsize=1"), "{}", capture.display());
    let all: Vec<u8> = pieces.into_iter().flat_map(|(_, name)| read(name)).collect();
    let samples = all[samples.start..samples.end.min(all.len())].to_vec();
    let files = [("version", b"2".to_vec()), ("metadata", metadata), ("logic-1-1", samples)];
    std::fs::write(to, zip(&files)).unwrap();
}

/// The samples from shortly before the tenth transaction on: the first ones may stand alone.
fn busy(capture: &Trace, count: usize) -> Range<usize> {
    let rate: u128 = capture.header("rate").unwrap().split(' ').next().unwrap().parse().unwrap();
    let first = capture.events(Level::Transaction).iter().map(|event| event.at).nth(10).unwrap();
    let from = usize::try_from(first.as_nanos() * rate / 1_000_000_000).unwrap().saturating_sub(1000);
    from..from + count
}

#[track_caller]
fn assert_same(other: &Trace, session: &Trace, context: &str) {
    assert_eq!(counts(other), counts(session), "{context}");
    let transactions = |trace: &Trace| -> Vec<OnWire> {
        told(trace).into_iter().filter(|what| matches!(what, OnWire::Event(_))).cloned().collect()
    };
    assert_eq!(transactions(other), transactions(session), "{context}");
    let times = session.events(Level::Transaction).iter().zip(other.events(Level::Transaction));
    for (a, b) in times {
        assert!(a.at.abs_diff(b.at).as_nanos() < 130, "{context}: {:?} and {:?}", a.at, b.at);
    }
}

#[test]
fn a_capture_has_the_same_transactions_at_the_same_times_in_every_format() {
    /// CSV has a line for each sample: half a gigabyte, and minutes, for the longer captures. Of those a part is compared.
    const MOST_IN_CSV: u64 = 5_000_000;
    const PART: usize = 2_000_000;
    let Some(folder) = folder() else { return };
    let scratch = tempfile::tempdir().unwrap();
    for listed in listed(&folder) {
        let whole = folder.join(&listed.file);
        let session = open(&whole);
        let file = |format: &str| scratch.path().join(format!("capture.{format}"));
        let compare = |capture: &Path, session: &Trace, format: &str| -> Option<()> {
            converted(capture, format, &file(format))?;
            assert_same(&open(&file(format)), session, &format!("{} as {format}", listed.file));
            Some(())
        };
        let Some(()) = compare(&whole, &session, "vcd") else { return };
        let Some(()) = (if listed.samples < MOST_IN_CSV {
            compare(&whole, &session, "csv")
        } else {
            let part = scratch.path().join("part.sr");
            cut(&whole, busy(&session, PART), &part);
            let session = open(&part);
            assert!(Stat::of(&session).transactions.ok > 20, "{}", listed.file);
            compare(&part, &session, "csv").and_then(|()| compare(&part, &session, "vcd"))
        }) else {
            return;
        };
    }
}
