use super::*;
use rusb::Error;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use wire::TransferKind;

/// What a device does, shared with the test.
#[derive(Default)]
struct Device {
    answers: Mutex<VecDeque<Result<Vec<u8>, Error>>>,
    sent: Mutex<Vec<Vec<u8>>>,
    cleared: Mutex<Vec<u8>>,
    rooms: Mutex<Vec<usize>>,
    write_fails: Mutex<Option<Error>>,
    resets: AtomicUsize,
    releases: AtomicUsize,
    reading: AtomicBool,
    released_while_reading: AtomicBool,
    absent: AtomicBool,
}

struct Fake(Arc<Device>);

impl Bus for Fake {
    fn read(&self, _: u8, into: &mut [u8], _: Duration) -> Result<usize, Error> {
        self.0.reading.store(true, Ordering::SeqCst);
        self.0.rooms.lock().unwrap().push(into.len());
        let next = self.0.answers.lock().unwrap().pop_front();
        self.0.reading.store(false, Ordering::SeqCst);
        let next = next.unwrap_or_else(|| {
            std::thread::yield_now();
            Err(Error::Timeout)
        })?;
        into[..next.len()].copy_from_slice(&next);
        Ok(next.len())
    }
    fn write(&self, _: u8, data: &[u8], _: Duration) -> Result<usize, Error> {
        if let Some(error) = self.0.write_fails.lock().unwrap().take() {
            return Err(error);
        }
        self.0.sent.lock().unwrap().push(data.to_vec());
        self.0.answers.lock().unwrap().push_back(Ok(data.to_vec()));
        Ok(data.len())
    }
    fn control(&self, setup: Setup, _: &[u8], _: Duration) -> Result<Bytes, Error> {
        Ok(Bytes::from(vec![0; usize::from(setup.length)]))
    }
    fn clear_halt(&self, endpoint: u8) -> Result<(), Error> {
        self.0.cleared.lock().unwrap().push(endpoint);
        Ok(())
    }
    fn reset(&self) -> Result<(), Error> {
        self.0.resets.fetch_add(1, Ordering::SeqCst);
        if self.0.absent.load(Ordering::SeqCst) { Err(Error::NotFound) } else { Ok(()) }
    }
    fn present(&self) -> bool {
        !self.0.absent.load(Ordering::SeqCst)
    }
    fn release(&self) {
        self.0.releases.fetch_add(1, Ordering::SeqCst);
        self.0.released_while_reading.fetch_or(self.0.reading.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

const SECOND: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_millis(2);

fn pipe(listening: Listening) -> (BulkPipe<Fake>, Arc<Device>) {
    let device = Arc::new(Device::default());
    let shape = PipeShape {
        kind: TransferKind::Bulk,
        out_endpoint: 0x04,
        in_endpoint: 0x85,
        report: None,
        max_packet: 64,
        product: "CMSIS-DAP".into(),
        serial: None,
        id: (0x2E8A, 0x000C),
    };
    (BulkPipe::new(Fake(Arc::clone(&device)), shape, listening), device)
}

#[test]
fn several_packets_are_answered_in_order() {
    let (mut pipe, device) = pipe(Listening::Ahead);
    for n in 0..8u8 {
        pipe.send(&Packet::plain(vec![n, 0xAA]), SECOND).unwrap();
    }
    for n in 0..8u8 {
        assert_eq!(pipe.recv(SECOND).unwrap()[..], [n, 0xAA]);
    }
    assert_eq!(device.sent.lock().unwrap().len(), 8);
}

#[test]
fn silence_is_a_timeout_with_the_patience_that_was_given() {
    for listening in [Listening::Ahead, Listening::OnDemand] {
        let (mut pipe, _) = pipe(listening);
        assert_eq!(pipe.recv(SOON), Err(PipeError::Timeout(SOON)));
    }
}

#[test]
fn a_stale_answer_is_there_before_anything_was_sent() {
    let (mut pipe, device) = pipe(Listening::Ahead);
    device.answers.lock().unwrap().push_back(Ok(vec![5]));
    assert_eq!(pipe.recv(SECOND).unwrap()[..], [5]);
}

#[test]
fn a_stalled_answer_is_said_once_and_cleared_before_the_next() {
    let (mut pipe, device) = pipe(Listening::Ahead);
    device.answers.lock().unwrap().push_back(Err(Error::Pipe));
    assert_eq!(pipe.recv(SECOND), Err(PipeError::Stall));
    pipe.send(&Packet::plain(vec![1]), SECOND).unwrap();
    assert_eq!(pipe.recv(SECOND).unwrap()[..], [1]);
    assert_eq!(*device.cleared.lock().unwrap(), [0x85]);
}

#[test]
fn a_stalled_packet_clears_its_own_endpoint() {
    let (mut pipe, device) = pipe(Listening::Ahead);
    *device.write_fails.lock().unwrap() = Some(Error::Pipe);
    assert_eq!(pipe.send(&Packet::plain(vec![1]), SECOND), Err(PipeError::Stall));
    pipe.send(&Packet::plain(vec![2]), SECOND).unwrap();
    assert_eq!(*device.cleared.lock().unwrap(), [0x04]);
}

#[test]
fn a_probe_that_was_pulled_out_stays_unplugged() {
    let (mut pipe, device) = pipe(Listening::Ahead);
    device.answers.lock().unwrap().push_back(Err(Error::NoDevice));
    assert_eq!(pipe.recv(SECOND), Err(PipeError::Unplugged));
    assert_eq!(pipe.send(&Packet::plain(vec![1]), SECOND), Err(PipeError::Unplugged));
    assert_eq!(pipe.recv(SECOND), Err(PipeError::Unplugged));
    assert_eq!(pipe.reset(), Err(PipeError::Unplugged));
}

#[test]
fn a_transfer_error_of_a_device_that_is_gone_is_an_unplug() {
    let (mut pipe, device) = pipe(Listening::Ahead);
    *device.write_fails.lock().unwrap() = Some(Error::Io);
    device.absent.store(true, Ordering::SeqCst);
    assert_eq!(pipe.send(&Packet::plain(vec![1]), SECOND), Err(PipeError::Unplugged));
}

#[test]
fn a_transfer_error_of_a_device_that_is_there_is_told_and_survived() {
    let (mut pipe, device) = pipe(Listening::Ahead);
    device.answers.lock().unwrap().push_back(Err(Error::Io));
    assert!(matches!(pipe.recv(SECOND), Err(PipeError::Io(_))));
    pipe.send(&Packet::plain(vec![1]), SECOND).unwrap();
    assert_eq!(pipe.recv(SECOND).unwrap()[..], [1]);
}

#[test]
fn a_reset_ends_what_was_heard_and_the_pipe_goes_on() {
    let (mut pipe, device) = pipe(Listening::Ahead);
    pipe.send(&Packet::plain(vec![1]), SECOND).unwrap();
    while device.answers.lock().unwrap().front().is_some() {
        std::thread::yield_now();
    }
    pipe.reset().unwrap();
    assert_eq!(pipe.recv(SOON), Err(PipeError::Timeout(SOON)));
    pipe.send(&Packet::plain(vec![2]), SECOND).unwrap();
    assert_eq!(pipe.recv(SECOND).unwrap()[..], [2]);
}

#[test]
fn a_device_that_comes_back_from_a_reset_as_another_is_unplugged() {
    let (mut pipe, device) = pipe(Listening::Ahead);
    device.absent.store(true, Ordering::SeqCst);
    assert_eq!(pipe.reset(), Err(PipeError::Unplugged));
}

#[test]
fn on_demand_nothing_is_read_ahead_and_whole_packets_are_asked_for() {
    let (mut pipe, device) = pipe(Listening::OnDemand);
    pipe.send(&Packet::plain(vec![9; 128]), SECOND).unwrap();
    assert_eq!(device.rooms.lock().unwrap().len(), 0);
    assert_eq!(pipe.recv_sized(128, SECOND).unwrap().len(), 128);
    pipe.send(&Packet::plain(vec![9; 2]), SECOND).unwrap();
    assert_eq!(pipe.recv_sized(2, SECOND).unwrap().len(), 2);
    assert_eq!(*device.rooms.lock().unwrap(), [128, 64]);
}

#[test]
fn on_demand_an_answer_of_unknown_length_may_come_slices_later() {
    let (mut pipe, device) = pipe(Listening::OnDemand);
    device.answers.lock().unwrap().extend([Err(Error::Timeout), Err(Error::Timeout), Ok(vec![1, 2])]);
    assert_eq!(pipe.recv(SECOND).unwrap()[..], [1, 2]);
    assert_eq!(device.rooms.lock().unwrap().len(), 3);
}

#[test]
fn dropping_the_pipe_stops_the_reader_first_and_releases_once() {
    let (mut pipe, device) = pipe(Listening::Ahead);
    assert_eq!(pipe.recv(SOON), Err(PipeError::Timeout(SOON)));
    drop(pipe);
    assert_eq!(device.releases.load(Ordering::SeqCst), 1);
    assert!(!device.released_while_reading.load(Ordering::SeqCst));
    // Nobody holds the device any more but this test: the reader's share is gone.
    assert_eq!(Arc::strong_count(&device), 1);
}
