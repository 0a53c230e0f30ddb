//! Traces through everything that looks at one: levels, lines, rows, filters, counts, lint, cost, comparison, exports, scripts,
//! redaction, replay. What must hold whatever the file is holds here, or the target falls.

use super::files::Assembled;
use super::{Input, Shape};
use std::io::{self, Cursor, Read, Write};
use std::ops::ControlFlow;
use trace::cost::Cost;
use trace::diff::{Equality, diff};
use trace::export::{Format, Tool, Wanted, export, script};
use trace::filter::Filter;
use trace::lint::{Lint, Settings};
use trace::redact::{Rules, redact};
use trace::replay::Replay;
use trace::{Options, Pieces, Trace, TraceError};
use wire::{Ack, Level};

/// Bytes that an export writes; a file of 64 kilobytes has no reason for more.
const MOST_EXPORTED: usize = 1 << 30;

/// A file, and everything that can be done with it.
pub(super) fn file(input: &Input) -> Shape {
    let mut shape = Shape::default();
    match Assembled::of(input) {
        Assembled::File(bytes) => {
            let trace = trace::open(&bytes);
            piped(&bytes, trace.as_ref());
            in_pieces(&bytes, trace.as_ref());
            shape.add(
                &redact(&bytes, &Rules::default(), &Options::default())
                    .map(|done| redacted(&done.bytes))
                    .err(),
            );
            shape.add(&Replay::of(&bytes).err());
            views(trace, bytes.len(), &mut shape);
        }
        Assembled::Channels(files) => {
            let size = files.iter().map(|(_, bytes)| bytes.len()).sum();
            let mut files: Vec<(String, Cursor<Vec<u8>>)> =
                files.into_iter().map(|(name, bytes)| (name, Cursor::new(bytes))).collect();
            let all = files.iter_mut().map(|(name, file)| (name.clone(), file as &mut dyn Read)).collect();
            views(trace::open_channels(all, &Options::default()), size, &mut shape);
        }
    }
    shape
}

/// Out of a pipe it is the same trace. Only of an archive a pipe may show less.
fn piped(bytes: &[u8], trace: Result<&Trace, &TraceError>) {
    let piped = trace::open_from(&mut { bytes }, &Options::default());
    if bytes.starts_with(b"PK") {
        return;
    }
    match (trace, piped) {
        (Ok(file), Ok(pipe)) => {
            assert_eq!(file.warnings(), pipe.warnings(), "a pipe tells the same");
            assert_eq!(file.writes(), pipe.writes(), "a pipe shows the same");
        }
        (Err(file), Err(pipe)) => assert_eq!(file.to_string(), pipe.to_string(), "a pipe fails the same"),
        (file, pipe) => {
            assert_eq!(
                file.is_ok(),
                pipe.is_ok(),
                "a file {:?}, a pipe {:?}",
                file.err(),
                pipe.as_ref().err()
            );
        }
    }
}

/// Piece by piece it is the same trace.
fn in_pieces(bytes: &[u8], trace: Result<&Trace, &TraceError>) {
    let mut file = Cursor::new(bytes);
    let (trace, mut pieces) = match (trace, Pieces::open(&mut file, &Options::default())) {
        (Ok(trace), Ok(pieces)) => (trace, pieces),
        (Err(whole), Err(error)) => {
            return assert_eq!(whole.to_string(), error.to_string(), "pieces fail the same");
        }
        (whole, pieces) => {
            let (whole, pieces) = (whole.err(), pieces.err());
            return assert_eq!(whole.is_some(), pieces.is_some(), "whole {whole:?}, pieces {pieces:?}");
        }
    };
    let mut lines = Level::ALL.map(|_| Vec::new());
    let all = pieces.each(|piece| {
        for (lines, level) in lines.iter_mut().zip(Level::ALL) {
            lines.extend(piece.events(level).iter().map(trace::line));
        }
        Ok::<_, TraceError>(ControlFlow::Continue(()))
    });
    all.expect("what was opened can be read");
    for (lines, level) in lines.iter().zip(Level::ALL) {
        let whole: Vec<_> = trace.events(level).iter().map(trace::line).collect();
        assert_eq!(*lines, whole, "pieces show the same at {level:?}");
    }
}

/// What was redacted is a recording still.
fn redacted(bytes: &[u8]) {
    if !bytes.is_empty() {
        assert!(trace::open(bytes).is_ok(), "a redacted recording cannot be opened");
    }
}

fn views(trace: Result<Trace, TraceError>, size: usize, shape: &mut Shape) {
    let trace = match trace {
        Ok(trace) => trace,
        Err(error) => return shape.add(&error),
    };
    shape.add(&trace.warnings().first());
    shape.add(&trace.protocol());
    for level in Level::ALL {
        let events = trace.events(level);
        assert_eq!(events.len(), trace.count(level));
        shape.number(events.len().checked_ilog2().map_or(0, |n| n as u8 + 1));
        events.iter().for_each(|event| drop(trace::line(event)));
        let shown: usize = trace.rows(level).iter().map(|row| row.events.len()).sum();
        assert_eq!(shown, events.len(), "rows of {level:?} show each event once");
    }
    let filter =
        Filter { ack: Some(Ack::WAIT), addresses: vec![0x2000_0000..=0x2FFF_FFFF], ..Filter::default() };
    assert_eq!(filter.select(&trace, Level::Access).len(), trace.count(Level::Access));
    drop((trace.writes(), trace::Stat::of(&trace), trace.truncated_at(), Cost::of(&trace)));
    Lint::of(&trace, &Settings::default()).findings.iter().for_each(|finding| shape.add(&finding.rule));
    for level in (1..=5).filter_map(Equality::from_number) {
        match diff(&trace, &trace, level) {
            Ok(found) => assert!(found.same(), "it differs from itself at level {}", level.number()),
            Err(error) => shape.add(&error),
        }
    }
    exports(&trace, size, shape);
}

/// One form for each input, as they take longer than all the rest.
fn exports(trace: &Trace, size: usize, shape: &mut Shape) {
    let formats = [Format::Pcapng, Format::Jsonl, Format::Csv, Format::Perfetto, Format::Vcd, Format::Sr];
    let Some(format) = formats.get(size % formats.len()).copied() else { return };
    for level in [Level::Transaction, Level::Action] {
        let wanted = Wanted { format, level, marks: true };
        shape.add(&export(trace, &wanted, &mut Counted(0)).ok().map(|told| told.left_out.len()));
    }
    for tool in [Tool::OpenOcd, Tool::PyOcd] {
        shape.add(&script(trace, tool, &mut Counted(0)).is_ok());
    }
}

/// Takes what is written, up to a limit.
struct Counted(usize);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        assert!(self.0 < MOST_EXPORTED, "an export without end");
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
