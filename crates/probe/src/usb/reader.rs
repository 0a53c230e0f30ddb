//! A thread that listens ahead, so that answers come in while the next packets go out.

use bytes::Bytes;
use pace::{Received, UsbPatience, receive};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Answers that may wait to be fetched. More than packets a probe holds (255), so that the thread stops listening only when
/// a probe sends what nobody asked for.
const ANSWERS: usize = 256;

/// The listening thread. It ends with the first error, which is the last thing it sends, and when the reader is dropped.
#[derive(Debug)]
pub(super) struct Reader {
    /// `None` only while it is being dropped.
    answers: Option<Receiver<Result<Bytes, rusb::Error>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    /// Starts listening with `read`, which fills a buffer of `room` bytes and waits no longer than it is told.
    pub(super) fn start(
        room: usize,
        read: impl FnMut(&mut [u8], Duration) -> Result<usize, rusb::Error> + Send + 'static,
    ) -> std::io::Result<Reader> {
        let (to, answers) = sync_channel(ANSWERS);
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("usb reader".into())
            .spawn(move || run(room, read, &to, &seen))?;
        Ok(Reader { answers: Some(answers), stop, thread: Some(thread) })
    }

    /// The next answer.
    pub(super) fn next(&self, patience: Duration) -> Received<Result<Bytes, rusb::Error>> {
        self.answers.as_ref().map_or(Received::Ended, |answers| receive(answers, patience))
    }
}

impl Drop for Reader {
    /// Waits for the thread: at most one slice, for the channel is gone and cannot hold it up.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.answers = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the USB reader ended in a panic");
        }
    }
}

fn run(
    room: usize,
    mut read: impl FnMut(&mut [u8], Duration) -> Result<usize, rusb::Error>,
    to: &SyncSender<Result<Bytes, rusb::Error>>,
    stop: &AtomicBool,
) {
    let mut buffer = vec![0; room];
    while !stop.load(Ordering::Relaxed) {
        let heard = match read(&mut buffer, UsbPatience::READ_SLICE) {
            // A slice that was taken back is no event.
            Err(rusb::Error::Timeout | rusb::Error::Interrupted) => continue,
            Ok(length) => Ok(Bytes::copy_from_slice(buffer.get(..length).unwrap_or(&buffer))),
            Err(error) => Err(error),
        };
        let failed = heard.is_err();
        if to.send(heard).is_err() || failed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::Mutex;

    type Script = Arc<Mutex<VecDeque<Result<Vec<u8>, rusb::Error>>>>;

    fn scripted(
        script: &Script,
    ) -> impl FnMut(&mut [u8], Duration) -> Result<usize, rusb::Error> + Send + 'static {
        let script = Arc::clone(script);
        move |buffer, _| {
            let next = script.lock().unwrap().pop_front().unwrap_or(Err(rusb::Error::Timeout))?;
            buffer[..next.len()].copy_from_slice(&next);
            Ok(next.len())
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn slices_that_were_taken_back_are_not_seen() {
        let script = Script::default();
        script.lock().unwrap().extend([
            Err(rusb::Error::Timeout),
            Ok(vec![1]),
            Err(rusb::Error::Interrupted),
            Ok(vec![2]),
        ]);
        let reader = Reader::start(64, scripted(&script)).unwrap();
        assert_eq!(reader.next(SECOND), Received::Value(Ok(Bytes::from_static(&[1]))));
        assert_eq!(reader.next(SECOND), Received::Value(Ok(Bytes::from_static(&[2]))));
        assert_eq!(reader.next(Duration::from_millis(1)), Received::Nothing);
    }

    #[test]
    fn an_error_comes_behind_the_answers_before_it_and_ends_the_thread() {
        let script = Script::default();
        script.lock().unwrap().extend([Ok(vec![1]), Err(rusb::Error::NoDevice), Ok(vec![2])]);
        let reader = Reader::start(64, scripted(&script)).unwrap();
        assert!(matches!(reader.next(SECOND), Received::Value(Ok(_))));
        assert_eq!(reader.next(SECOND), Received::Value(Err(rusb::Error::NoDevice)));
        assert_eq!(reader.next(SECOND), Received::Ended);
    }

    #[test]
    fn a_reader_that_nobody_fetches_from_can_be_dropped() {
        let reader = Reader::start(1, |_, _| Ok(1)).unwrap();
        assert!(matches!(reader.next(SECOND), Received::Value(_)));
        drop(reader);
    }
}
