//! How far a long read is: a line on the terminal, of what takes longer than a moment.

use pace::Clock;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::Duration;

/// What is read faster shows no line.
const MOMENT: Duration = Duration::from_secs(1);
/// How long a line stays before it is drawn anew.
const STAYS: Duration = Duration::from_millis(200);
const MEGABYTE: u64 = 1_000_000;
/// Places of the bar.
const WIDTH: u64 = 30;

/// A source that shows how much of it was read.
pub(crate) struct Progress<'a, S> {
    source: S,
    /// How long it is, where that is known.
    total: Option<u64>,
    read: u64,
    clock: &'a dyn Clock,
    /// Where the line is drawn; `None` where nobody would see it.
    screen: Option<&'a mut (dyn Write + Send)>,
    /// When it is drawn next.
    due: Duration,
    is_drawn: bool,
}

impl<'a, S> Progress<'a, S> {
    pub(crate) fn new(
        source: S,
        total: Option<u64>,
        clock: &'a dyn Clock,
        screen: Option<&'a mut (dyn Write + Send)>,
    ) -> Self {
        let due = clock.now() + MOMENT;
        Progress { source, total, read: 0, clock, screen, due, is_drawn: false }
    }

    /// So many more bytes were read.
    fn count(&mut self, bytes: usize) {
        self.read = self.read.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        let Some(screen) = &mut self.screen else { return };
        let now = self.clock.now();
        if now >= self.due {
            self.due = now + STAYS;
            self.is_drawn = true;
            // A terminal that is gone is no reason to stop.
            let _ = write!(screen, "\r\x1b[K{}", line(self.read, self.total)).and_then(|()| screen.flush());
        }
    }
}

/// `[======    ] 60 % of 512 MB`, or `307 MB read` where the end is not known.
fn line(read: u64, total: Option<u64>) -> String {
    let Some(total) = total.filter(|total| *total > 0) else {
        return format!("{} MB read", read / MEGABYTE);
    };
    let part = |of: u64| read.min(total).saturating_mul(of) / total;
    let bar: String = (0..WIDTH).map(|n| if n < part(WIDTH) { '=' } else { ' ' }).collect();
    format!("[{bar}] {} % of {} MB", part(100), total / MEGABYTE)
}

impl<S> Drop for Progress<'_, S> {
    fn drop(&mut self) {
        if let Some(screen) = self.screen.as_mut().filter(|_| self.is_drawn) {
            let _ = write!(screen, "\r\x1b[K").and_then(|()| screen.flush());
        }
    }
}

impl<S: Read> Read for Progress<'_, S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(out)?;
        self.count(count);
        Ok(count)
    }
}

impl<S: Seek> Seek for Progress<'_, S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = self.source.seek(to)?;
        if at == 0 {
            // It is read once more.
            self.read = 0;
        }
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pace::VirtualClock;

    /// What is drawn of a source of ten bytes that gives one every so often.
    fn drawn(each: Duration, total: Option<u64>) -> String {
        let (clock, mut screen) = (VirtualClock::new(), Vec::new());
        let mut progress = Progress::new(&b"0123456789"[..], total, &clock, Some(&mut screen));
        let mut byte = [0];
        while progress.read(&mut byte).unwrap() > 0 {
            clock.sleep(each);
        }
        drop(progress);
        String::from_utf8(screen).unwrap()
    }

    #[test]
    fn what_takes_a_moment_only_shows_nothing() {
        assert_eq!(drawn(Duration::from_millis(99), Some(10)), "");
    }

    #[test]
    fn what_takes_longer_shows_how_far_it_is_and_leaves_no_trace() {
        let all = drawn(Duration::from_millis(500), Some(10));
        let lines: Vec<&str> = all.split("\r\x1b[K").collect();
        assert_eq!(lines[1], format!("[{}{}] 30 % of 0 MB", "=".repeat(9), " ".repeat(21)));
        assert_eq!((lines[0], lines[lines.len() - 1]), ("", ""));
        assert!(lines[lines.len() - 2].contains("100 %"), "{lines:?}");
        assert!(drawn(Duration::from_millis(500), None).contains("0 MB read"));
    }

    #[test]
    fn nothing_is_written_where_there_is_no_terminal() {
        let clock = VirtualClock::new();
        let mut progress = Progress::new(io::repeat(1), Some(10), &clock, None);
        for _ in 0..10 {
            progress.read_exact(&mut [0]).unwrap();
            clock.sleep(MOMENT);
        }
        assert!(!progress.is_drawn);
    }

    #[test]
    fn a_file_that_grew_is_not_more_than_whole() {
        assert!(line(30 * MEGABYTE, Some(20 * MEGABYTE)).contains("] 100 % of 20 MB"));
        assert_eq!(line(30 * MEGABYTE, Some(0)), "30 MB read");
    }
}
