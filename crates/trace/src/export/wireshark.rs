//! pcapng for Wireshark: marks and what was on the wire, with the interfaces of every recording of ours.

use super::veil::Veil;
use super::{HIDDEN, Row, TIMES, marks, nanos, rows};
use crate::event::Body;
use crate::trace::Trace;
use crate::{pcapng, recorder, text, truth};
use std::io::{self, Write};
use wire::Level;

/// Of that many bytes a piece is written out.
const PIECE: usize = 1 << 20;

/// Writes a piece of a recording, behind so many events of others.
pub(super) fn write(
    trace: &Trace,
    begins: bool,
    with_marks: bool,
    received: &mut u64,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut piece = Vec::with_capacity(2 * PIECE);
    if begins {
        let application = concat!("swdtrace ", env!("CARGO_PKG_VERSION"));
        pcapng::recording(&mut piece, &head(trace), application);
    }
    let (veil, mut last) = (Veil::of(trace)?, 0);
    for row in rows(trace.events(Level::Transaction), marks(trace, with_marks)) {
        match row {
            Row::Event(event) => {
                let Body::Wire(wired) = &event.body else { continue };
                let comment = text::line(event);
                (*received, last) = (*received + 1, nanos(event.at));
                pcapng::packet(&mut piece, 2, nanos(event.at), &comment, |out| {
                    let took = event.until.saturating_sub(event.at);
                    truth::wired(&veil.over(wired), event.certainty, took, out);
                });
            }
            Row::Mark(marked) => pcapng::packet(&mut piece, 1, nanos(marked.at), "", |out| {
                recorder::mark_text(&marked.mark, out);
            }),
        }
        if piece.len() >= PIECE {
            out.write_all(&piece)?;
            piece.clear();
        }
    }
    if trace.lost() > 0 && trace.is_last() {
        // Holes stand in their places; those without a place are counted here alone.
        pcapng::statistics(&mut piece, 2, last, received.saturating_add(trace.lost()), trace.lost());
    }
    out.write_all(&piece)
}

/// The comment of the recording, which says that secrets are masked where there are any.
fn masked(trace: &Trace) -> String {
    let comment = trace.comment().trim_end();
    let any =
        trace.events(Level::Transaction).iter().any(|e| matches!(&e.body, Body::Wire(wired) if wired.secret));
    if !any || recorder::says_masked(comment) {
        return comment.to_owned();
    }
    let others = comment.lines().filter(|line| *line != recorder::SHOWN);
    std::iter::once(recorder::MASKED).chain(others).collect::<Vec<_>>().join("\n")
}

/// The comment of the recording, and what its readers cannot know from the events.
fn head(trace: &Trace) -> String {
    let mut head = masked(trace);
    let source = trace.protocol().map_or_else(String::new, |protocol| protocol.to_string());
    for (key, holds) in [(TIMES, trace.usb_hides_times()), (HIDDEN, trace.hides_the_wire())] {
        if holds && trace.header(key).is_none() {
            head.push_str(&format!("\n{key}: {source}"));
        }
    }
    head
}
