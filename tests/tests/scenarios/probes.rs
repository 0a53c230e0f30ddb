//! One job on every kind of probe: what reaches the target is the same.

use ackwait_tests::line::Line;
use ackwait_tests::{AP1, Rig, options};
use adi::Attach;
use proptest::prelude::*;
use provision::Exit;
use session::Options;
use std::path::Path;
use trace::Trace;
use trace::diff::{Equality, Row, diff};
use wire::{Addr, Attr, Batch, Flow, MemOp, Width};

const PROBES: [&str; 6] =
    ["profile=hs", "profile=fs", "profile=hid", "probe=stlink-v2", "probe=stlink-v21", "probe=stlink-v3"];

fn job(probe: &str, folder: &Path) -> Trace {
    let path = folder.join("job.pcapng");
    let outcome = Line::load("job.toml").recorded(&format!("h562,{probe}"), &path);
    assert_eq!(outcome.report.exit(), Exit::Done, "{probe}: {:?}", outcome.report);
    trace::open(&std::fs::read(path).expect("the recording")).expect("a recording")
}

fn rows(a: &Trace, b: &Trace, level: Equality) -> Vec<String> {
    let found = diff(a, b, level).expect("both show it");
    let one = |n: usize| found.a[n].text(a, level);
    let other = |n: usize| found.b[n].text(b, level);
    let rows = found.hunks.iter().flat_map(|hunk| &hunk.rows);
    rows.filter_map(|row| match *row {
        Row::OnlyA(n) => Some(format!("- {}", one(n))),
        Row::OnlyB(m) => Some(format!("+ {}", other(m))),
        Row::Changed(n, m) => Some(format!("! {} | {}", one(n), other(m))),
        Row::Same(..) => None,
    })
    .collect()
}

#[test]
fn the_same_job_does_the_same_on_every_probe_but_for_how_often_it_polls() {
    let folder = tempfile::tempdir().expect("a folder");
    let traces: Vec<Trace> = PROBES.iter().map(|probe| job(probe, folder.path())).collect();
    let Some((first, others)) = traces.split_first() else { unreachable!() };
    for (probe, trace) in PROBES.iter().skip(1).zip(others) {
        for level in [Equality::Polls, Equality::Actions] {
            assert_eq!(rows(first, trace, level), [""; 0], "{probe}, level {}", level.number());
        }
        for row in rows(first, trace, Equality::Accesses) {
            let one_more_look = !row.starts_with('!') && row.contains(" read ");
            assert!(one_more_look, "{probe}: {row}");
        }
        let hidden = diff(first, trace, Equality::Performed).is_err();
        assert_eq!(hidden, probe.contains("stlink"), "{probe}");
    }
}

const SRAM: Addr = Addr(0x2000_0000);

/// Steps within 512 bytes of SRAM.
fn step() -> impl Strategy<Value = MemOp> {
    let width = prop_oneof![Just(Width::Byte), Just(Width::Half), Just(Width::Word)];
    let place = |n: u32, width: Width| SRAM.plus(n / width.bytes() * width.bytes());
    let words = proptest::collection::vec(any::<u32>(), 1..64);
    prop_oneof![
        (0u32..256, width.clone()).prop_map(move |(n, width)| MemOp::Read {
            at: place(n, width),
            width,
            secret: false
        }),
        (0u32..256, width, any::<u32>()).prop_map(move |(n, width, value)| MemOp::Write {
            at: place(n, width),
            width,
            value: value & width.mask(),
            once: false,
            secret: false,
        }),
        (0u32..64, 1usize..64).prop_map(|(n, count)| MemOp::ReadWords {
            at: SRAM.plus(n * 4),
            count,
            secret: false
        }),
        (0u32..64, words).prop_map(|(n, words)| MemOp::WriteWords {
            at: SRAM.plus(n * 4),
            words,
            secret: false
        }),
    ]
}

/// Runs the batches on a probe, recorded.
fn played(probe: &str, batches: &[Vec<MemOp>], folder: &Path) -> (Trace, Vec<u32>) {
    let path = folder.join("batches.pcapng");
    let options = Options { trace: Some(path.clone()), ..options() };
    let mut rig = Rig::with(&format!("h562,{probe}"), &options);
    rig.adi().attach(&Attach::HOTPLUG).expect("attached");
    let mut values = Vec::new();
    for ops in batches {
        let batch = Batch { ap: AP1, attr: Attr::Default, flow: Flow::Pipelined, ops: ops.clone() };
        values.extend(rig.adi().run(&batch).expect("done"));
    }
    rig.into_session().close().expect("closed");
    (trace::open(&std::fs::read(path).expect("the recording")).expect("a recording"), values)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_is_read_and_written_every_probe_shows_the_same_accesses(
        batches in proptest::collection::vec(proptest::collection::vec(step(), 1..12), 1..6),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let (first, wanted) = played(PROBES[0], &batches, folder.path());
        for probe in &PROBES[1..] {
            let (trace, values) = played(probe, &batches, folder.path());
            prop_assert_eq!(&values, &wanted, "{}", probe);
            let found = diff(&first, &trace, Equality::Accesses).expect("both show it");
            prop_assert_eq!(rows(&first, &trace, Equality::Accesses), [""; 0], "{}", probe);
            prop_assert_eq!(found.values, [], "{}", probe);
        }
    }
}
