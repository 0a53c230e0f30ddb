use super::*;
use pace::VirtualClock;
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

/// What a sink saw, with the secrets blanked out.
#[derive(Debug, PartialEq, Clone)]
enum Seen {
    Submit { at: u64, urb: u64, endpoint: u8, length: usize, data: String },
    Complete { at: u64, urb: u64, endpoint: u8, status: i32, length: usize, data: String },
    Mark(String),
}

#[derive(Default)]
struct Log(Vec<Seen>);

fn blanked(data: &[u8], secret: &Secret) -> String {
    let hidden = |at| secret.0.iter().any(|range| range.contains(&at));
    assert!(secret.0.iter().all(|range| range.end <= data.len()), "a range beyond the data");
    data.iter().enumerate().map(|(at, b)| if hidden(at) { "**".into() } else { format!("{b:02x}") }).collect()
}

impl Sink for Log {
    fn record(&mut self, record: Record<'_>) {
        let ms = |at: Duration| u64::try_from(at.as_millis()).unwrap();
        self.0.push(match record {
            Record::Submit { at, urb, endpoint, length, data, secret, .. } => {
                Seen::Submit { at: ms(at), urb, endpoint, length, data: blanked(data, secret) }
            }
            Record::Complete { at, urb, endpoint, status, length, data, secret, .. } => {
                Seen::Complete { at: ms(at), urb, endpoint, status, length, data: blanked(data, secret) }
            }
            Record::Mark { mark, .. } => Seen::Mark(mark.to_string()),
        });
    }
}

/// Takes a millisecond for everything and gives the scripted results.
struct Scripted {
    shape: PipeShape,
    clock: Arc<VirtualClock>,
    sends: VecDeque<Result<(), PipeError>>,
    recvs: VecDeque<Result<Bytes, PipeError>>,
    sent: Vec<Packet>,
}

const MS: Duration = Duration::from_millis(1);

impl Pipe for Scripted {
    fn shape(&self) -> &PipeShape {
        &self.shape
    }
    fn send(&mut self, packet: &Packet, _: Duration) -> Result<(), PipeError> {
        self.clock.sleep(MS);
        self.sent.push(packet.clone());
        self.sends.pop_front().unwrap_or(Ok(()))
    }
    fn recv(&mut self, timeout: Duration) -> Result<Bytes, PipeError> {
        self.clock.sleep(MS);
        self.recvs.pop_front().unwrap_or(Err(PipeError::Timeout(timeout)))
    }
    fn control(&mut self, setup: Setup, data: &[u8], _: Duration) -> Result<Bytes, PipeError> {
        self.clock.sleep(MS);
        if setup.request_type & 0x80 == 0 { Ok(Bytes::copy_from_slice(data)) } else { Ok(vec![7; 3].into()) }
    }
    fn reset(&mut self) -> Result<(), PipeError> {
        Ok(())
    }
}

type Sinking = Rc<RefCell<Log>>;

fn tap(recvs: Vec<Result<&'static [u8], PipeError>>) -> (Tap<Scripted, Sinking>, Sinking) {
    let clock = Arc::new(VirtualClock::new());
    let shape = PipeShape {
        kind: TransferKind::Bulk,
        out_endpoint: 0x02,
        in_endpoint: 0x83,
        report: None,
        max_packet: 512,
        product: "CMSIS-DAP".into(),
        serial: None,
        id: (1, 2),
    };
    let recvs = recvs.into_iter().map(|r| r.map(Bytes::from_static)).collect();
    let pipe = Scripted { shape, clock: clock.clone(), sends: VecDeque::new(), recvs, sent: vec![] };
    let log = Sinking::default();
    (Tap::new(pipe, log.clone(), clock), log)
}

fn hidden(range: Range<usize>) -> Secret {
    let mut secret = Secret::NONE;
    secret.add(range);
    secret
}

fn secret(bytes: &'static [u8], range: Range<usize>) -> Packet {
    Packet { reply_secret: hidden(range), ..Packet::plain(bytes) }
}

/// The data of all IN transfers that brought some.
fn heard(log: &Sinking) -> Vec<String> {
    let incoming = |seen: &Seen| match seen {
        Seen::Complete { endpoint: 0x83, status: 0, data, .. } => Some(data.clone()),
        _ => None,
    };
    log.borrow().0.iter().filter_map(incoming).collect()
}

#[test]
fn each_transfer_is_a_submit_and_a_complete_with_its_own_number_and_times() {
    let (mut tap, log) = tap(vec![Ok(&[9, 8, 7])]);
    let packet = Packet { secret: hidden(1..2), ..Packet::plain(vec![1, 2, 3]) };
    tap.send(&packet, MS).unwrap();
    assert_eq!(tap.recv(MS).unwrap()[..], [9, 8, 7]);
    assert_eq!(
        log.borrow().0,
        [
            Seen::Submit { at: 0, urb: 1, endpoint: 2, length: 3, data: "01**03".into() },
            Seen::Complete { at: 1, urb: 1, endpoint: 2, status: 0, length: 3, data: String::new() },
            Seen::Submit { at: 1, urb: 2, endpoint: 0x83, length: 512, data: String::new() },
            Seen::Complete { at: 2, urb: 2, endpoint: 0x83, status: 0, length: 3, data: "090807".into() },
        ]
    );
    assert_eq!(tap.pipe.sent, [packet], "the packet went on as it was");
}

#[test]
fn listening_in_vain_ends_its_transfer_and_the_next_one_has_a_new_number() {
    let (mut tap, log) = tap(vec![Err(PipeError::Timeout(MS)), Ok(&[1])]);
    assert!(tap.recv(MS).is_err());
    tap.recv(MS).unwrap();
    let ends: Vec<_> = log
        .borrow()
        .0
        .iter()
        .filter_map(|seen| match seen {
            Seen::Complete { urb, status, .. } => Some((*urb, *status)),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [(1, -2), (2, 0)]);
}

#[test]
fn failures_have_the_numbers_of_linux() {
    let errors = [PipeError::Stall, PipeError::Unplugged, PipeError::Overflow, PipeError::Io("x".into())];
    let (mut tap, log) = tap(errors.into_iter().map(Err).collect());
    for expected in [-32, -108, -75, -71] {
        assert!(tap.recv(MS).is_err());
        let last = log.borrow().0.last().cloned();
        assert!(matches!(last, Some(Seen::Complete { status, .. }) if status == expected), "{last:?}");
    }
    tap.pipe.sends.push_back(Err(PipeError::Unplugged));
    assert!(tap.send(&Packet::plain(vec![1]), MS).is_err());
    let last = log.borrow().0.last().cloned();
    assert!(matches!(last, Some(Seen::Complete { endpoint: 2, status: -108, length: 0, .. })), "{last:?}");
}

#[test]
fn the_secrets_of_answers_follow_the_order_of_the_packets() {
    let (mut tap, log) = tap(vec![Ok(&[1, 1, 1]), Ok(&[2, 2, 2]), Ok(&[3, 3, 3])]);
    tap.send(&secret(&[1], 1..3), MS).unwrap();
    tap.send(&Packet { answered: false, ..secret(&[7], 0..3) }, MS).unwrap();
    tap.send(&Packet::plain(vec![2]), MS).unwrap();
    tap.send(&secret(&[3], 0..90), MS).unwrap();
    for _ in 0..3 {
        tap.recv(MS).unwrap();
    }
    assert_eq!(heard(&log), ["01****", "020202", "******"]);
}

#[test]
fn a_late_secret_answer_is_hidden_wherever_it_turns_up() {
    let silence = || Err(PipeError::Timeout(MS));
    // It comes while the host still listens for it.
    let (mut first, log) = tap(vec![silence(), Ok(&[5, 5, 5])]);
    first.send(&secret(&[1], 1..3), MS).unwrap();
    assert!(first.recv(MS).is_err());
    first.recv(MS).unwrap();
    assert_eq!(heard(&log), ["05****"]);
    // The host has given up and sent another packet; both answers come.
    let (mut second, log) = tap(vec![silence(), Ok(&[5, 5, 5]), Ok(&[6, 6, 6])]);
    second.send(&secret(&[1], 1..3), MS).unwrap();
    assert!(second.recv(MS).is_err());
    second.send(&Packet::plain(vec![2]), MS).unwrap();
    second.recv(MS).unwrap();
    second.recv(MS).unwrap();
    assert_eq!(heard(&log), ["05****", "06****"], "too much rather than too little");
    // A reset of the device ends all doubt.
    second.reset().unwrap();
    second.pipe.recvs.push_back(Ok(Bytes::from_static(&[8, 8, 8])));
    second.recv(MS).unwrap();
    assert_eq!(heard(&log)[2], "080808");
}

#[test]
fn the_double_of_a_secret_answer_and_the_answer_to_a_failed_packet_are_hidden() {
    let (mut tap, log) = tap(vec![Ok(&[5, 5, 5]), Ok(&[5, 5, 5]), Ok(&[6, 6, 6])]);
    tap.send(&secret(&[1], 0..2), MS).unwrap();
    tap.recv(MS).unwrap();
    tap.recv(MS).unwrap();
    tap.pipe.sends.push_back(Err(PipeError::Timeout(MS)));
    assert!(tap.send(&secret(&[2], 2..3), MS).is_err());
    tap.recv(MS).unwrap();
    assert_eq!(heard(&log), ["****05", "****05", "******"]);
}

#[test]
fn control_transfers_carry_their_data_in_one_direction() {
    let (mut tap, log) = tap(vec![]);
    let out = Setup { request_type: 0x21, request: 9, value: 0x200, index: 0, length: 2 };
    tap.control(out, &[1, 2], MS).unwrap();
    tap.control(Setup { request_type: 0xA1, length: 3, ..out }, &[], MS).unwrap();
    assert_eq!(
        log.borrow().0,
        [
            Seen::Submit { at: 0, urb: 1, endpoint: 0, length: 2, data: "0102".into() },
            Seen::Complete { at: 1, urb: 1, endpoint: 0, status: 0, length: 2, data: String::new() },
            Seen::Submit { at: 1, urb: 2, endpoint: 0x80, length: 3, data: String::new() },
            Seen::Complete { at: 2, urb: 2, endpoint: 0x80, status: 0, length: 3, data: "070707".into() },
        ]
    );
}

#[test]
fn marks_and_resets_stand_in_the_recording() {
    let (mut tap, log) = tap(vec![]);
    tap.mark(&Mark::new(MarkKind::Step, "erase"));
    tap.reset().unwrap();
    assert_eq!(log.borrow().0, [Seen::Mark("step: erase".into()), Seen::Mark("note: USB reset".into())]);
}

#[test]
fn ranges_are_joined_sorted_and_apart() {
    let mut all = Secret(vec![4..6, 10..12]);
    join(&mut all, &Secret(vec![5..8, 0..1, 12..13]));
    assert_eq!(all, Secret(vec![0..1, 4..8, 10..13]));
}

#[test]
fn an_answer_of_known_length_is_recorded_with_it_and_keeps_its_secrets() {
    let (mut tap, log) = tap(vec![Ok(b"abcd")]);
    tap.send(&secret(b"r", 1..3), MS).unwrap();
    assert_eq!(tap.recv_sized(6144, MS).unwrap(), "abcd");
    assert_eq!(heard(&log), ["61****64"]);
    let asked =
        log.borrow().0.iter().any(|seen| matches!(seen, Seen::Submit { endpoint: 0x83, length: 6144, .. }));
    assert!(asked);
}
