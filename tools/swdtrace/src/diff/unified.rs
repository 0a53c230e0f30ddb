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
            for row in hunk.rows.iter().chain(std::iter::once(&Row::Same(usize::MAX, usize::MAX))) {
                match *row {
                    Row::OnlyA(n) => removed.push(n),
                    Row::OnlyB(m) => added.push(m),
                    Row::Changed(n, m) => {
                        removed.push(n);
                        added.push(m);
                    }
                    Row::Same(same, _) => {
                        self.sided(&mut removed, &mut added, out)?;
                        self.same(same..same.saturating_add(1), out)?;
                    }
                }
            }
            n = hunk.a.end;
        }
        self.same(n..block.a.end, out)
    }

    fn sided(&self, removed: &mut Vec<usize>, added: &mut Vec<usize>, out: &mut dyn Write) -> io::Result<()> {
        for n in removed.drain(..) {
            writeln!(out, "-{}", self.text_a(n).map_or_else(String::new, |(_, text)| text))?;
        }
        for m in added.drain(..) {
            writeln!(out, "+{}", self.text_b(m).map_or_else(String::new, |(_, text)| text))?;
        }
        Ok(())
    }

    fn same(&self, items: Range<usize>, out: &mut dyn Write) -> io::Result<()> {
        items.filter_map(|n| self.text_a(n)).try_for_each(|(_, text)| writeln!(out, " {text}"))
    }
}

/// First item and number of items, as `diff -u` counts lines.
fn place(items: &Range<usize>) -> String {
    match items.len() {
        0 => format!("{},0", items.start),
        1 => format!("{}", items.start + 1),
        n => format!("{},{n}", items.start + 1),
    }
}
