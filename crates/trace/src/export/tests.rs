mod again;

use super::*;
use crate::event::{Body, OnWire};
use crate::script::{AP, DP, READ, Script};
use serde_json::Value;
use wire::{Ack, MarkKind, Secret, Transaction, WireEvent};

fn written(trace: &Trace, format: Format, level: Level) -> (Vec<u8>, Told) {
    let mut out = Vec::new();
    let notes = export(trace, &Wanted { format, level, marks: true }, &mut out).unwrap();
    (out, notes)
}

/// Connects, writes, reads, is refused and has to wait, over a probe that lists every transaction.
fn session() -> Trace {
    let mut script = Script::new();
    let mut wake = vec![0x12, 136];
    wake.extend(regs::dp::JTAG_TO_SWD.bytes);
    script.mark(MarkKind::Step, "say \"hello\", twice");
    script.ask(&[0x11, 0x40, 0x42, 0x0F, 0x00], &[0x11, 0]).ask(&wake, &[0x12, 0]);
    script.read(DP, 0, 0x6BA0_2477).ap1().poke(0x2000_0000, 0xFFFF_FFFF).peek(0x2000_0004, 0x8000_0001);
    script.ask(&[0x05, 0, 1, AP | READ | 0xC], &[0x05, 0, 2]);
    script.ask(&[0x05, 0, 1, AP | READ | 0xC], &[0x05, 0, 4]);
    script.write(DP, 0, 0x1E).peek(0x2000_0008, 0);
    script.trace()
}

/// What happened on the wire; data that nobody knows are zeros, as they are drawn.
fn transactions(trace: &Trace) -> Vec<Transaction> {
    let on_wire = trace.events(Level::Transaction).iter().filter_map(|event| match &event.body {
        Body::Wire(wired) => match &wired.what {
            OnWire::Event(WireEvent::Transaction(t)) => Some(*t),
            _ => None,
        },
        _ => None,
    });
    let drawn = |t: Transaction| {
        if t.ack == Ack::OK { Transaction { data: Some(t.data.unwrap_or(0)), ..t } } else { t }
    };
    on_wire.map(drawn).collect()
}

fn lines_on_wire(trace: &Trace) -> Vec<String> {
    let named = trace.events(Level::Transaction).iter().filter(|event| match &event.body {
        Body::Wire(wired) => !matches!(&wired.what, OnWire::Event(WireEvent::Transaction(_))),
        _ => false,
    });
    named.map(crate::line).collect()
}

#[test]
fn drawn_pins_decode_to_the_transactions_that_were_drawn() {
    let trace = session();
    let (expected, lines) = (transactions(&trace), lines_on_wire(&trace));
    assert!(expected.len() > 15, "{expected:?}");
    for format in [Format::Vcd, Format::Sr] {
        let (file, notes) = written(&trace, format, Level::Transaction);
        let again = crate::open(&file).unwrap();
        assert_eq!(transactions(&again), expected, "{format:?}");
        assert_eq!(lines_on_wire(&again), lines, "{format:?}");
        assert!(
            notes.made_up[0].contains("SWCLK was drawn at 1 MHz: what the host asked the probe for"),
            "{notes:?}"
        );
        assert!(
            notes.made_up.iter().any(|note| note.contains("data phases")),
            "posted reads begin with unknown data: {notes:?}"
        );
    }
}

#[test]
fn pins_drawn_from_a_capture_keep_its_rate() {
    let (file, _) = written(&session(), Format::Vcd, Level::Transaction);
    let (again, notes) = written(&crate::open(&file).unwrap(), Format::Vcd, Level::Transaction);
    assert!(notes.made_up[0].contains("drawn at 1 MHz: as fast as the fastest transaction"), "{notes:?}");
    let (one, other) = (crate::open(&file).unwrap(), crate::open(&again).unwrap());
    assert_eq!(transactions(&one), transactions(&other));
}

#[test]
fn json_lines_begin_with_the_schema_and_hold_marks_and_events_in_order() {
    let (file, _) = written(&session(), Format::Jsonl, Level::Access);
    let lines: Vec<Value> =
        String::from_utf8(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (&lines[0]["schema"], &lines[0]["kind"], &lines[0]["level"]),
        (&1.into(), &"trace".into(), &3.into())
    );
    assert_eq!(lines[1]["kind"], "step");
    let write = lines.iter().find(|line| line["write"] == true && line["kind"] == "access").unwrap();
    assert_eq!((&write["address"], &write["value"]), (&0x2000_0000u32.into(), &u32::MAX.into()));
}

#[test]
fn columns_are_quoted_where_they_must_be_and_hexadecimal_where_people_read_so() {
    let (file, _) = written(&session(), Format::Csv, Level::Access);
    let text = String::from_utf8(file).unwrap();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert!(lines[0].starts_with("t_ns,until_ns,level,kind"), "{}", lines[0]);
    assert!(lines[1].ends_with(",\"say \"\"hello\"\", twice\""), "{}", lines[1]);
    assert!(text.contains(",0x20000000,4,true,0xFFFFFFFF,OK,"), "{text}");
}

#[test]
fn no_form_shows_a_value_that_is_secret() {
    let mut script = Script::new();
    script.ap1().write(AP, 4, 0x2000_0000);
    let mut request = vec![0x05, 0, 1, AP | 0xC];
    request.extend(0x5EC2_E75A_u32.to_le_bytes());
    let mut secret = Secret::NONE;
    secret.add(4..8);
    script.send_secret(&request, &secret).receive(&[0x05, 1, 1]);
    let trace = script.trace();
    let hidden = trace.accesses().iter().find_map(|event| match &event.body {
        Body::Access(access) if access.secret => access.access.value,
        _ => None,
    });
    let (shown, hidden) = (hidden.unwrap().to_string(), format!("{:08X}", hidden.unwrap()));
    for format in [Format::Jsonl, Format::Csv, Format::Perfetto] {
        let (file, _) = written(&trace, format, Level::Access);
        let text = String::from_utf8_lossy(&file);
        assert!(text.contains("«secret»"), "{format:?}");
        assert!(!text.contains(&shown) && !text.contains(&hidden), "{format:?}");
    }
}

#[test]
fn wireshark_gets_marks_and_transactions_with_a_comment() {
    let trace = session();
    let (file, _) = written(&trace, Format::Pcapng, Level::Transaction);
    let whole = crate::read::read(&file).unwrap();
    assert_eq!(whole.marks.len(), 1);
    assert_eq!(whole.comment, format!("{}\ntimes of packets: CMSIS-DAP", trace.comment()));
    let words = b"DP read 0x0 OK 0x6BA0_2477";
    assert!(file.windows(words.len()).any(|window| window == words));
    let packet = [0, 0xA5, 1, 1, 0, 0x77, 0x24, 0xA0, 0x6B];
    assert!(file.windows(packet.len()).any(|window| window == packet));
}

/// Fields of a protobuf message: number, and the varint or the bytes.
fn fields(mut bytes: &[u8]) -> Vec<(u64, u64, &[u8])> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for n in 0.. {
            let (first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(first & 0x7F) << (7 * n);
            if first & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let value = varint(&mut bytes);
        let length = if key & 7 == 2 { usize::try_from(value).unwrap() } else { 0 };
        found.push((key >> 3, value, &bytes[..length]));
        bytes = &bytes[length..];
    }
    found
}

#[test]
fn perfetto_gets_slices_that_begin_and_end_in_turn_on_every_track() {
    let (file, notes) = written(&session(), Format::Perfetto, Level::Action);
    assert_eq!(notes.made_up.len(), 1, "{notes:?}");
    let (mut tracks, mut open, mut slices) = (Vec::new(), std::collections::BTreeMap::new(), 0);
    for (number, _, packet) in fields(&file) {
        assert_eq!(number, 1);
        let packet = fields(packet);
        assert_eq!(packet.last().map(|f| (f.0, f.1)), Some((10, 1)), "one sequence");
        if let Some((_, _, track)) = packet.iter().find(|f| f.0 == 60) {
            tracks.push(String::from_utf8_lossy(fields(track)[1].2).into_owned());
        }
        if let Some((_, _, event)) = packet.iter().find(|f| f.0 == 11) {
            let event = fields(event);
            let at = packet.iter().find(|f| f.0 == 8).unwrap().1;
            let (kind, track) = (event[0].1, event[1].1);
            match kind {
                1 => assert!(open.insert(track, at).is_none(), "a slice within a slice"),
                2 => assert!(open.remove(&track).unwrap() <= at),
                _ => assert_eq!(kind, 3),
            }
            slices += usize::from(kind == 2);
        }
    }
    assert!(open.is_empty() && slices > 40, "{slices}");
    assert_eq!(tracks[..2], ["marks", "0 USB transfers"]);
    assert!(tracks.iter().any(|name| name == "5 actions"), "{tracks:?}");
}

fn scripted(trace: &Trace, tool: Tool) -> (String, Vec<String>) {
    let mut out = Vec::new();
    let notes = script(trace, tool, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), notes)
}

#[test]
fn a_script_holds_the_accesses_and_none_of_what_serves_them() {
    let mut script = Script::new();
    script.read(DP, 0, 0x6BA0_2477).ap1().poke(0x2000_0000, 1).poke(0x2000_0004, 2).peek(0x2000_0000, 1);
    for value in [1, 1, 0] {
        script.peek(0x4002_2020, value);
    }
    script.ask(&[0x10, 0x00, 0x80, 0, 0, 0, 0], &[0x10, 0]);
    let (tcl, notes) = scripted(&script.trace(), Tool::OpenOcd);
    let steps: Vec<&str> = tcl.lines().skip_while(|line| *line != "poll off").skip(1).collect();
    let expected = [
        "compare \"DP 0x0\" [chip.dap dpreg 0x0] 0x6ba02477",
        "chip.ap1 write_memory 0x20000000 32 {0x1 0x2}",
        "reads chip.ap1 0x20000000 32 {0x1}",
        "until chip.ap1 0x40022020 32 0xffffffff 0x0 ;# 3 reads",
        "adapter assert srst",
        "echo \"$other reads gave something else\"",
        "shutdown",
    ];
    assert_eq!((steps.as_slice(), notes.len()), (&expected[..], 0));
    assert!(tcl.contains("target create chip.ap1 mem_ap -dap chip.dap -ap-num 1\n"));
    let (python, _) = scripted(&script.trace(), Tool::PyOcd);
    assert!(
        python.contains(
            "\n    writes(ap1, 0x20000000, 32, [0x1, 0x2])\n    reads(ap1, 0x20000000, 32, [0x1])\n"
        )
    );
    assert!(python.contains("\n    ap1 = session.target.aps[APv1Address(1)]\n"), "{python}");
}

#[test]
fn what_cannot_be_done_again_is_a_comment_and_is_told() {
    let mut script = Script::new();
    script.ap1().write(AP, 4, 0x2000_0000).ask(&[0x05, 0, 1, AP | READ | 0xC], &[0x05, 0, 4]);
    let (tcl, notes) = scripted(&script.trace(), Tool::OpenOcd);
    assert!(tcl.contains("\n# AP1 read 0x2000_0000 -> FAULT\n"), "{tcl}");
    assert!(notes[0].starts_with("1 things"), "{notes:?}");
}

#[test]
fn access_ports_of_adiv6_are_called_by_their_addresses() {
    let mut script = Script::new();
    script.read(DP, 0, 0x4C01_3477).write(DP, 8, 0x2D00).write(AP, 0, 0x2300_0012);
    script.write(AP, 4, 0x2000_0000).write(AP, 0xC, 7).write(DP, 8, 0x2DF0).read(AP, 0xC, 0x3477_0008);
    let (tcl, notes) = scripted(&script.trace(), Tool::OpenOcd);
    for line in [
        "dap create chip.dap -adiv6 -chain-position chip.cpu",
        "target create chip.ap0 mem_ap -dap chip.dap -ap-num 0x2000",
        "compare \"AP0 0xdfc\" [chip.dap apreg 0x2000 0xdfc] 0x34770008",
    ] {
        assert!(tcl.lines().any(|found| found == line), "{line}: {tcl}");
    }
    assert_eq!(notes, [""; 0]);
    let (python, _) = scripted(&script.trace(), Tool::PyOcd);
    for line in [
        "from pyocd.coresight.ap import APv2Address",
        "    ap0 = session.target.aps[APv2Address(0x2000)]",
        "    compare(\"ap0 0xdfc\", [ap0.read_reg(0xdfc)], [0x34770008])",
    ] {
        assert!(python.lines().any(|found| found == line), "{line}: {python}");
    }
}
