//! Two columns of text beside each other, in which nothing is cut off.

use std::io::{self, Write};
use std::time::Duration;

/// Lines behind the first of a column begin so far in.
const INDENT: usize = 2;
/// What stands around the columns: the sign, the bar and the spaces.
const AROUND: usize = 7;

/// How wide the parts of a line are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    time: usize,
    text: usize,
}

impl Columns {
    /// Columns for a line of this width in which no time is later than `latest`.
    pub(super) fn new(width: usize, latest: Duration) -> Columns {
        let time = seconds(latest).len();
        Columns { time, text: width.saturating_sub(2 * time + AROUND) / 2 }
    }

    /// Writes both sides of a row: a time and a text each, or nothing.
    pub(super) fn write(
        self,
        sign: &str,
        sides: [Option<(Duration, &str)>; 2],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let [left, right] = sides.map(|side| side.map_or_else(Vec::new, |side| self.lines(side)));
        let blank = " ".repeat(self.time + 1 + self.text);
        for n in 0..left.len().max(right.len()) {
            let at = |lines: &[String]| lines.get(n).cloned().unwrap_or_else(|| blank.clone());
            let sign = if n == 0 { sign } else { " " };
            writeln!(out, "{}", format!("{sign} {} | {}", at(&left), at(&right)).trim_end())?;
        }
        Ok(())
    }

    /// One side, with every line as wide as the column.
    fn lines(self, (at, text): (Duration, &str)) -> Vec<String> {
        let Columns { time, text: width } = self;
        let lines = wrapped(text, width);
        let line = |(n, line): (usize, &String)| {
            let at = if n == 0 { seconds(at) } else { String::new() };
            format!("{at:>time$} {line:<width$}")
        };
        lines.iter().enumerate().map(line).collect()
    }
}

pub(super) fn seconds(at: Duration) -> String {
    format!("{:.6}", at.as_secs_f64())
}

/// The words in lines of at most so many columns. Only a word that is longer than a line is cut in two.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(INDENT + 1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let letters: Vec<char> = word.chars().collect();
        let begun = used > if lines.len() > 1 { INDENT } else { 0 };
        if begun && used + 1 + letters.len() > width {
            lines.push(" ".repeat(INDENT));
            used = INDENT;
        } else if begun {
            put(&mut lines, ' ');
            used += 1;
        }
        for letter in letters {
            if used == width {
                lines.push(" ".repeat(INDENT));
                used = INDENT;
            }
            put(&mut lines, letter);
            used += 1;
        }
    }
    lines
}

fn put(lines: &mut [String], letter: char) {
    if let Some(line) = lines.last_mut() {
        line.push(letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_to_the_next_line_and_none_is_lost() {
        assert_eq!(wrapped("FLASH_NSCR write PG=1", 80), ["FLASH_NSCR write PG=1"]);
        assert_eq!(wrapped("FLASH_NSCR write PG=1", 12), ["FLASH_NSCR", "  write PG=1"]);
        assert_eq!(wrapped("abcdefgh i", 5), ["abcde", "  fgh", "  i"]);
        assert_eq!(wrapped("", 5), [""]);
    }

    #[test]
    fn both_columns_are_as_wide_as_they_are_told_and_the_sign_stands_once() {
        let columns = Columns::new(40, Duration::from_secs(1));
        let mut out = Vec::new();
        let at = Duration::from_micros(5);
        columns.write("!", [Some((at, "one two three")), Some((at, "four"))], &mut out).unwrap();
        columns.write("-", [Some((at, "one")), None], &mut out).unwrap();
        let lines: Vec<String> = String::from_utf8(out).unwrap().lines().map(str::to_owned).collect();
        let expected =
            ["! 0.000005 one two  | 0.000005 four", "             three  |", "- 0.000005 one      |"];
        assert_eq!(lines, expected);
    }
}
