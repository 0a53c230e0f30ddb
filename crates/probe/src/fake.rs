//! What the fake probes of both links' tests have in common: answers on their way, and the clock of who waits for them.

use bytes::Bytes;
use pace::{Clock, VirtualClock};
use std::collections::VecDeque;
use std::time::Duration;
use wire::PipeError;

/// Answers, and when each is there.
pub(crate) type Answers = VecDeque<(Duration, Bytes)>;

/// The next answer; who waits in vain has waited all the time.
pub(crate) fn next_answer(
    answers: &mut Answers,
    clock: &VirtualClock,
    timeout: Duration,
) -> Result<Bytes, PipeError> {
    let end = clock.now() + timeout;
    let there = answers.front().map(|(when, _)| *when).filter(|when| *when <= end);
    clock.sleep_until(there.unwrap_or(end));
    there.and_then(|_| answers.pop_front()).map(|(_, answer)| answer).ok_or(PipeError::Timeout(timeout))
}
