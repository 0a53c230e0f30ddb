//! pcapng for Wireshark: marks and what was on the wire, with the interfaces of every recording of ours.

use super::{Row, marks, nanos, rows};
use crate::event::Body;
use crate::trace::Trace;
use crate::{pcapng, recorder, text, truth};
use std::io::{self, Write};
use wire::Level;

/// Of that many bytes a piece is written out.
const PIECE: usize = 1 << 20;

pub(super) fn write(trace: &Trace, with_marks: bool, out: &mut dyn Write) -> io::Result<Vec<String>> {
    let mut piece = Vec::with_capacity(2 * PIECE);
    let application = concat!("swdtrace ", env!("CARGO_PKG_VERSION"));
    pcapng::recording(&mut piece, trace.comment(), application);
    let mut written = 0u64;
    for row in rows(trace.events(Level::Transaction), marks(trace, with_marks)) {
        match row {
            Row::Event(event) => {
                let Body::Wire(wired) = &event.body else { continue };
                let comment = text::line(event);
                pcapng::packet(&mut piece, 2, nanos(event.at), &comment, |out| truth::wired(wired, out));
                written += 1;
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
    out.write_all(&piece)?;
    let mut notes = Vec::new();
    if written == 0 {
        notes.push("the trace shows nothing of the wire: only marks were written".to_owned());
    } else if trace.usb_hides_times() {
        notes.push("transactions of one packet have the time of the packet".to_owned());
    }
    Ok(notes)
}
