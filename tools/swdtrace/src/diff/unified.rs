//! `swdtrace diff --format unified`: lines with `-` and `+`, as in a patch. Without times, so that two runs of one job
//! give the same text.

use super::{Block, Report};
use std::io::{self, Write};
use std::ops::Range;
use trace::diff::Row;

impl Report<'_> {
    pub(crate) fn unified(&self, context: usize, out: &mut dyn Write) -> io::Result<()> {
        let blocks = self.blocks(context);
        if blocks.is_empty() {
            return Ok(());
        }
        writeln!(out, "--- {}\n+++ {}", self.a.0, self.b.0)?;
        for block in &blocks {
            writeln!(out, "@@ -{} +{} @@", place(&block.a), place(&block.b))?;
            self.hunks_of(block, out)?;
        }
        Ok(())
    }

    fn hunks_of(&self, block: &Block<'_>, out: &mut dyn Write) -> io::Result<()> {
        let mut n = block.a.start;
        for hunk in block.hunks {
            self.same(n..hunk.a.start, out)?;
            // What was changed stands on one side and then on the other, so that neither is torn apart.
            let (mut removed, mut added) = (Vec::new(), Vec::new());
            for row in &hunk.rows {
                let [a, b] = self.texts(row, 1).map(|side| side.map(|(_, text)| text));
                if let Row::Same(..) = row {
                    sided(&mut removed, &mut added, out)?;
                    writeln!(out, " {}", a.unwrap_or_default())?;
                } else {
                    removed.extend(a);
                    added.extend(b);
                }
            }
            sided(&mut removed, &mut added, out)?;
            n = hunk.a.end;
        }
        self.same(n..block.a.end, out)
    }

    fn same(&self, items: Range<usize>, out: &mut dyn Write) -> io::Result<()> {
        for n in items {
            if let [Some((_, text)), _] = self.texts(&Row::OnlyA(n), 1) {
                writeln!(out, " {text}")?;
            }
        }
        Ok(())
    }
}

/// What only one side has, and then what only the other has.
fn sided(removed: &mut Vec<String>, added: &mut Vec<String>, out: &mut dyn Write) -> io::Result<()> {
    removed.drain(..).try_for_each(|text| writeln!(out, "-{text}"))?;
    added.drain(..).try_for_each(|text| writeln!(out, "+{text}"))
}

/// First item and number of items, as `diff -u` counts lines.
fn place(items: &Range<usize>) -> String {
    match items.len() {
        0 => format!("{},0", items.start),
        1 => format!("{}", items.start + 1),
        n => format!("{},{n}", items.start + 1),
    }
}
