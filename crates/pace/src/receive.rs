//! Waiting for another thread of this process.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// What came of waiting for another thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received<T> {
    /// It sent this.
    Value(T),
    /// It sent nothing for the whole time.
    Nothing,
    /// It has ended.
    Ended,
}

/// Waits for what another thread sends. The thread lives in real time, so this waits in real time whatever clock the
/// session runs on: only pipes to real devices have such threads.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that waits for a thread; its patience is the caller's policy"
)]
pub fn receive<T>(from: &Receiver<T>, patience: Duration) -> Received<T> {
    match from.recv_timeout(patience) {
        Ok(value) => Received::Value(value),
        Err(RecvTimeoutError::Timeout) => Received::Nothing,
        Err(RecvTimeoutError::Disconnected) => Received::Ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn what_was_sent_comes_first_then_silence_then_the_end() {
        let (to, from) = mpsc::channel();
        to.send(7).unwrap();
        assert_eq!(receive(&from, Duration::ZERO), Received::Value(7));
        assert_eq!(receive(&from, Duration::from_millis(1)), Received::Nothing);
        drop(to);
        assert_eq!(receive(&from, Duration::from_secs(60)), Received::Ended);
    }
}
