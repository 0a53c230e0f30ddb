//! What a trace is exported to is read by those it is for: sigrok, Wireshark, Perfetto's own schema, OpenOCD.

use crate::openocd::newer;
use crate::pins::{in_sigroks_words, wire_packets};
use crate::rig::{Served, run, succeeds, tool};
use ackwait_tests::{AP1, options, pattern};
use adi::Attach;
use std::fs;
use std::path::Path;
use trace::export::{Format, Tool, Wanted, export, script};
use trace::{Trace, Write, WriteTo};
use wire::{Addr, Attr, Level};

const RAM: Addr = Addr(0x2000_0000);
/// Bytes that the job moves.
pub(crate) const BYTES: usize = 1024;

/// Our own driver attaches, writes, reads back, is refused, and is recorded.
pub(crate) fn recorded(folder: &Path, scenario: &str) -> Trace {
    let file = folder.join("job.pcapng");
    let mut options = options();
    options.probe = format!("sim:{scenario}");
    options.trace = Some(file.clone());
    let mut session = session::open(&options).expect("a session");
    session.adi.attach(&Attach::HOTPLUG).expect("attached");
    let words: Vec<u32> =
        pattern(BYTES).chunks(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect();
    session.adi.write_words(AP1, Attr::Default, RAM, &words).expect("written");
    assert_eq!(session.adi.read_words(AP1, Attr::Default, RAM, words.len()).expect("read"), words);
    session.adi.read_words(AP1, Attr::Default, Addr(0x7000_0000), 1).expect_err("nothing is there");
    session.close().expect("closed");
    trace::open(&fs::read(file).expect("a recording")).expect("a recording")
}

fn written(trace: &Trace, format: Format, path: &Path) -> Vec<u8> {
    let mut file = Vec::new();
    export(trace, &Wanted { format, level: Level::Meaning, marks: true }, &mut file).expect("exported");
    fs::write(path, &file).expect("written");
    file
}

/// A packet as sigrok shows it where data that nobody knows were drawn as zeros.
fn drawn(packet: &[u8]) -> Vec<String> {
    let unknown = packet[2] == 1 && packet[3] == 0;
    if unknown {
        in_sigroks_words(&[&[0, packet[1], 1, 1, 0], &[0; 4][..]].concat())
    } else {
        in_sigroks_words(packet)
    }
}

#[test]
fn sigrok_decodes_drawn_pins_to_the_transactions_that_were_drawn() {
    let works = |command: &str| succeeds(command, &["-P", "swd", "--show"]);
    let Some(sigrok) = tool("sigrok-cli", &["sigrok-cli"], works) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let trace = recorded(folder.path(), "h562");
    let packets = wire_packets(&written(&trace, Format::Pcapng, &path("wire.pcapng")));
    let transactions = packets.iter().filter(|packet| packet[0] == 0);
    let expected: Vec<String> = transactions.flat_map(|packet| drawn(packet)).collect();
    assert!(expected.len() > 1000, "{}", expected.len());
    written(&trace, Format::Vcd, &path("pins.vcd"));
    written(&trace, Format::Sr, &path("pins.sr"));
    let decoder = ["-P", "swd:swclk=SWCLK:swdio=SWDIO", "-A", "swd=read:write:ack:data:parity"];
    for input in [&["-I", "vcd:compress=10000", "-i", "pins.vcd"][..], &["-i", "pins.sr"]] {
        let text = run(folder.path(), sigrok, &[input, &decoder].concat());
        let seen: Vec<&str> = text.lines().map(|line| line.trim_start_matches("swd-1: ")).collect();
        let other = (0..seen.len().max(expected.len()))
            .find(|n| seen.get(*n).copied() != expected.get(*n).map(String::as_str));
        let around = |n: usize| {
            (seen.iter().skip(n.saturating_sub(4)).take(8), expected.iter().skip(n.saturating_sub(4)).take(8))
        };
        assert!(other.is_none(), "{input:?}, at {other:?}: {:?}", other.map(around));
    }
}

#[test]
fn wireshark_shows_marks_and_transactions_in_words_and_warns_of_nothing() {
    let Some(tshark) = tool("tshark", &["tshark"], |command| succeeds(command, &["--version"])) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let trace = recorded(folder.path(), "h562");
    written(&trace, Format::Pcapng, &folder.path().join("wire.pcapng"));
    let dissector = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/swdtrace/wireshark/ackwait.lua");
    let lua = format!("lua_script:{}", dissector.display());
    for file in ["wire.pcapng", "job.pcapng"] {
        let text = run(folder.path(), tshark, &["-X", &lua, "-r", file, "-q", "-z", "expert"]);
        for bad in ["Errors", "Warns", "Lua Error", "Malformed"] {
            assert!(!text.contains(bad), "{file}: {text}");
        }
    }
    let fields = ["-T", "fields", "-e", "_ws.col.Info"];
    let text = run(
        folder.path(),
        tshark,
        &[&["-X", &lua, "-r", "wire.pcapng", "-Y", "ackwait_swd"][..], &fields].concat(),
    );
    let shown = text.lines().filter(|line| line.contains(" read ") || line.contains(" write ")).count();
    let packets = wire_packets(&fs::read(folder.path().join("wire.pcapng")).expect("a file"));
    assert_eq!(shown, packets.iter().filter(|packet| packet[0] == 0).count());
    assert!(text.contains("DP read 0x0 OK 0x6BA0_2477") && text.contains("FAULT"), "{text}");
}

/// Perfetto's own schema, as its Python package brings it.
const SLICES: &str = "
import sys
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent
trace = Trace.FromString(open(sys.argv[1], 'rb').read())
names = {p.track_descriptor.uuid: p.track_descriptor.name for p in trace.packet if p.HasField('track_descriptor')}
begun = [p for p in trace.packet if p.HasField('track_event') and p.track_event.type == TrackEvent.TYPE_SLICE_BEGIN]
assert all(p.timestamp is not None and p.trusted_packet_sequence_id == 1 for p in begun)
wire = [p for p in begun if names[p.track_event.track_uuid].startswith('2 ')]
print(len(wire), sorted(names.values())[:2], any(p.track_event.name.startswith('DP read 0x0 OK') for p in wire))
";

#[test]
fn perfettos_own_schema_reads_the_slices() {
    let works = |command: &str| {
        succeeds(command, &["-c", "import perfetto.protos.perfetto.trace.perfetto_trace_pb2"])
    };
    let Some(python) = tool("perfetto", &["python3"], works) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let trace = recorded(folder.path(), "h562");
    written(&trace, Format::Perfetto, &folder.path().join("a.perfetto"));
    let text = run(folder.path(), python, &["-c", SLICES, "a.perfetto"]);
    let count = trace.events(Level::Transaction).len();
    assert_eq!(text.trim(), format!("{count} ['0 USB transfers', '1 probe commands'] True"));
}

#[test]
fn openocd_does_the_accesses_of_a_recording_again() {
    let Some(openocd) = newer() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let trace = recorded(folder.path(), "h562");
    let mut again = Vec::new();
    script(&trace, Tool::OpenOcd, &mut again).expect("a script");
    fs::write(path("again.tcl"), again).expect("a file");
    let usb = path("openocd.pcapng").display().to_string();
    let served =
        Served::new(&["--dap-tcp", "0", "--probe", "cmsis-dap-v2", "--scenario", "h562", "--trace", &usb]);
    let adapter = format!(
        "adapter driver cmsis-dap\ncmsis-dap backend tcp\ncmsis-dap tcp host 127.0.0.1\ncmsis-dap tcp port {}\n\
         transport select swd\nadapter speed 4000\n",
        served.port
    );
    fs::write(path("adapter.cfg"), adapter).expect("a file");
    let text = run(folder.path(), openocd, &["-f", "adapter.cfg", "-f", "again.tcl"]);
    served.end();
    assert!(text.contains("0 reads gave something else"), "{text}");
    let theirs = trace::open(&fs::read(usb).expect("a recording")).expect("a recording");
    assert_eq!(to_ram(&theirs), to_ram(&trace));
    assert_eq!(to_ram(&trace).len(), BYTES / 4);
}

/// The writes to memory, in order.
pub(crate) fn to_ram(trace: &Trace) -> Vec<(Addr, Option<u32>)> {
    let memory = |write: Write| match write.to {
        WriteTo::Memory { at, .. } if (RAM.0..RAM.0 + 0x1_0000).contains(&at.0) => Some((at, write.value)),
        _ => None,
    };
    trace.writes().into_iter().filter_map(memory).collect()
}
