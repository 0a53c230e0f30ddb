use super::*;
use crate::script::{AP, Script};
use crate::{ClockKind, Header, Recorder, Secrets};
use wire::{Record, Secret, Sink};

const SECOND: Duration = Duration::from_secs(1);

fn send(replay: &mut Replay, bytes: &[u8]) -> Result<(), PipeError> {
    replay.send(&Packet::plain(bytes.to_vec()), SECOND)
}

fn said(error: &PipeError) -> String {
    error.to_string()
}

#[test]
fn the_same_packets_get_the_same_answers_at_the_same_times() {
    let mut script = Script::new();
    script.read(0, 0, 0x6BA0_2477).write(AP, 4, 0x2000_0000);
    let mut replay = Replay::of(&script.bytes()).unwrap();
    assert!(!replay.pending(), "the host speaks first");
    send(&mut replay, &[5, 0, 1, 2]).unwrap();
    assert_eq!(replay.at(), Duration::from_micros(10));
    assert!(replay.pending());
    assert_eq!(replay.recv(SECOND).unwrap()[..], [5, 1, 1, 0x77, 0x24, 0xA0, 0x6B]);
    assert_eq!(replay.at(), Duration::from_micros(100));
    send(&mut replay, &[5, 0, 1, 5, 0, 0, 0, 0x20]).unwrap();
    assert_eq!((replay.recv(SECOND).unwrap()[..].to_vec(), replay.rest()), (vec![5, 1, 1], 0));
    let end = said(&send(&mut replay, &[5, 0, 1, 2]).unwrap_err());
    assert!(end.contains("the recording ends here"), "{end}");
}

#[test]
fn the_first_other_packet_is_an_error_that_shows_both_and_stays() {
    let mut script = Script::new();
    script.write(AP, 4, 0x2000_0000).write(AP, 0xC, 1);
    let mut replay = Replay::of(&script.bytes()).unwrap();
    let wrong = [5, 0, 1, 5, 4, 0, 0, 0x20];
    let error = said(&send(&mut replay, &wrong).unwrap_err());
    assert!(error.contains("at transfer 1 of 4: expected 05 00 01 05 00 00 00 20"), "{error}");
    assert!(error.contains("came 05 00 01 05 04 00 00 20") && error.contains("write AP 0x4"), "{error}");
    assert_eq!(said(&replay.recv(SECOND).unwrap_err()), error, "it does not go on as if nothing were");
    assert!(!replay.pending());
}

#[test]
fn who_listens_where_the_recording_sends_is_told_so() {
    let mut replay = Replay::of(&Script::new().write(AP, 4, 0).bytes()).unwrap();
    let error = said(&replay.recv(SECOND).unwrap_err());
    assert!(error.contains("expected 05 00 01 05") && error.contains("came a host that listens"), "{error}");
    let mut replay = Replay::of(&Script::new().write(AP, 4, 0).bytes()).unwrap();
    send(&mut replay, &[5, 0, 1, 5, 0, 0, 0, 0]).unwrap();
    let error = said(&send(&mut replay, &[5, 0, 1, 2]).unwrap_err());
    assert!(error.contains("expected the host to listen"), "{error}");
}

#[test]
fn silence_ends_as_it_did_then() {
    let mut script = Script::new();
    script.send(&[5, 0, 1, 2]).receive_secret(&[], -2, &Secret::NONE);
    script.ask(&[5, 0, 1, 2], &[5, 1, 1, 1, 2, 3, 4]);
    let mut replay = Replay::of(&script.bytes()).unwrap();
    send(&mut replay, &[5, 0, 1, 2]).unwrap();
    assert_eq!(replay.recv(SECOND), Err(PipeError::Timeout(SECOND)));
    assert_eq!(replay.at(), Duration::from_micros(100));
    send(&mut replay, &[5, 0, 1, 2]).unwrap();
    assert!(replay.recv(SECOND).is_ok());
}

#[test]
fn masked_secrets_are_taken_as_they_come_and_shown_ones_are_compared() {
    let mut secret = Secret::NONE;
    secret.add(4..8);
    let request = [5, 0, 1, 0xD, 1, 2, 3, 4];
    for (how, other_is_taken) in [(Secrets::Masked, true), (Secrets::Shown, false)] {
        let mut script = Script::with(how);
        let mut answered = Secret::NONE;
        answered.add(3..7);
        script.send_secret(&request, &secret).receive_secret(&[5, 1, 1, 9, 9, 9, 9], 0, &answered);
        let bytes = script.bytes();
        let mut replay = Replay::of(&bytes).unwrap();
        assert_eq!(replay.masked_answers(), usize::from(other_is_taken));
        assert_eq!(send(&mut replay, &[5, 0, 1, 0xD, 9, 9, 9, 9]).is_ok(), other_is_taken);
        assert!(
            send(&mut Replay::of(&bytes).unwrap(), &[5, 0, 1, 0xF, 9, 9, 9, 9]).is_err(),
            "another register"
        );
    }
}

#[test]
fn the_pipe_is_what_the_head_of_the_recording_says() {
    let shape = PipeShape {
        kind: TransferKind::Interrupt,
        out_endpoint: 1,
        in_endpoint: 0x82,
        report: Some(64),
        max_packet: 64,
        product: "A CMSIS-DAP of mine".to_owned(),
        serial: Some("00A1".to_owned()),
        id: (0xC251, 0xF001),
    };
    assert_eq!(parse(&line(&shape, Some(2))), Some((shape.clone(), Some(2))));
    let bulk = PipeShape { kind: TransferKind::Bulk, report: None, serial: None, ..shape.clone() };
    assert_eq!(parse(&line(&bulk, None)), Some((bulk, None)));
    assert_eq!(parse("bulk out=0x01"), None);
    let header = Header { pipe: line(&shape, Some(2)), ..Header::new("t", "1", ClockKind::Virtual) };
    let mut recorder = Recorder::in_memory(&header, Secrets::Masked).unwrap();
    let (at, data, secret) = (Duration::ZERO, &[0u8, 1][..], &Secret::NONE);
    let kind = TransferKind::Interrupt;
    recorder.record(Record::Submit { at, urb: 1, endpoint: 1, kind, setup: None, length: 2, data, secret });
    let replay = Replay::of(recorder.bytes()).unwrap();
    assert_eq!((replay.shape(), replay.in_flight()), (&shape, Some(2)));
}

#[test]
fn what_holds_no_transfers_plays_no_probe() {
    let header = Header::new("t", "1", ClockKind::Virtual);
    let empty = Recorder::in_memory(&header, Secrets::Masked).unwrap();
    assert!(Replay::of(empty.bytes()).unwrap_err().to_string().contains("no USB transfers"));
    assert!(Replay::of(b"PK").is_err());
}
