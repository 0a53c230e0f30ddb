use super::*;
use crate::cmsis_dap::DapLink;
use ::cmsis_dap::{BlockReply, DebugPort, InfoData, Request, Response, TransferReply, TransferStatus};
use pace::{Policy, RealClock};
use proptest::prelude::*;
use std::net::TcpListener;
use std::thread::{self, JoinHandle};
use wire::{DapOp, Flow, Link, RegSel};

const SECOND: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_millis(20);

fn response(payload: &[u8]) -> Vec<u8> {
    let mut all = frame(payload).unwrap();
    all[6] = RESPONSE;
    all
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(RealClock::start())
}

/// A server for one connection after another, each served by `serve`.
fn server(
    connections: usize,
    mut serve: impl FnMut(usize, TcpStream) + Send + 'static,
) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let thread = thread::spawn(move || {
        for n in 0..connections {
            serve(n, listener.accept().unwrap().0);
        }
    });
    (place, thread)
}

fn connect(place: &str) -> TcpPipe {
    TcpPipe::connect(place, SECOND, clock()).unwrap()
}

/// The packet of the next frame, or `None` at the end of the connection.
fn next_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut header = [0; HEADER];
    stream.read_exact(&mut header).ok()?;
    assert_eq!(header[..4], SIGNATURE);
    assert_eq!(header[6..], [REQUEST, 0]);
    let mut packet = vec![0; usize::from(u16::from_le_bytes([header[4], header[5]]))];
    stream.read_exact(&mut packet).ok()?;
    Some(packet)
}

fn perform(request: &Request) -> Response {
    match request {
        Request::Info(id) => Response::Info(InfoData(match id.0 {
            0x02 => Bytes::from_static(b"Net Probe\0"),
            0xF0 => Bytes::from_static(&[0x01]),
            0xFE => Bytes::from_static(&[4]),
            0xFF => Bytes::from_static(&[0x00, 0x04]),
            _ => Bytes::new(),
        })),
        Request::Connect(_) => Response::Connect(DebugPort::SWD),
        Request::Transfer(list) => {
            let reads = list.items.iter().filter(|item| item.request.is_plain_read()).count();
            let count = u8::try_from(list.items.len()).unwrap();
            let words = vec![0x6BA0_2477; reads];
            Response::Transfer(TransferReply { count, status: TransferStatus::OK, words })
        }
        Request::TransferBlock(block) => {
            let words = vec![0x6BA0_2477; if block.request.is_read() { usize::from(block.count) } else { 0 }];
            Response::TransferBlock(BlockReply { count: block.count, status: TransferStatus::OK, words })
        }
        other => Response::ok(other.id()),
    }
}

#[test]
fn a_frame_is_what_openocd_sends() {
    assert_eq!(frame(&[0x00, 0xFF]).unwrap(), [0x44, 0x41, 0x50, 0x00, 2, 0, 1, 0, 0x00, 0xFF]);
    assert_eq!(frame(&vec![0; 0x1_0000]), None);
}

#[test]
fn a_link_reads_a_register_over_a_local_socket() {
    let (place, server) = server(1, |_, mut stream| {
        while let Some(packet) = next_request(&mut stream) {
            let answer = perform(&Request::decode(&packet).unwrap().value).encode().unwrap();
            stream.write_all(&response(&answer)).unwrap();
        }
    });
    let pipe = connect(&place);
    assert!(pipe.shape().product.contains(&place));
    let mut link = DapLink::open(pipe, &Policy::default().usb, clock()).unwrap();
    assert_eq!(link.info().product, "Net Probe");
    assert_eq!((link.info().packet_size, link.info().packet_count), (1024, 4));
    let reads = vec![DapOp::Read { reg: RegSel::dp(0), secret: false }; 1000];
    let all = link.transfer(&reads, Flow::Pipelined).unwrap();
    assert_eq!((all.done, all.stop), (1000, None));
    assert!(all.values.iter().all(|value| *value == 0x6BA0_2477));
    drop(link);
    server.join().unwrap();
}

#[test]
fn an_answer_in_pieces_is_one_answer_and_a_timeout_between_them_loses_nothing() {
    let (place, server) = server(1, |_, mut stream| {
        let packet = next_request(&mut stream).unwrap();
        let all = response(&packet);
        stream.write_all(&all[..5]).unwrap();
        assert_eq!(next_request(&mut stream).unwrap(), [7]);
        stream.write_all(&all[5..]).unwrap();
        stream.write_all(&response(&[7])).unwrap();
    });
    let mut pipe = connect(&place);
    pipe.send(&Packet::plain(vec![1, 2, 3]), SECOND).unwrap();
    assert_eq!(pipe.recv(SOON), Err(PipeError::Timeout(SOON)));
    pipe.send(&Packet::plain(vec![7]), SECOND).unwrap();
    assert_eq!(pipe.recv(SECOND).unwrap()[..], [1, 2, 3]);
    assert_eq!(pipe.recv(SECOND).unwrap()[..], [7]);
    server.join().unwrap();
}

#[test]
fn a_server_that_hangs_up_is_an_unplugged_probe_and_a_reset_connects_again() {
    let (place, server) = server(2, |n, mut stream| {
        if n == 1 {
            let packet = next_request(&mut stream).unwrap();
            stream.write_all(&response(&packet)).unwrap();
        }
    });
    let mut pipe = connect(&place);
    assert_eq!(pipe.recv(SECOND), Err(PipeError::Unplugged));
    assert_eq!(pipe.send(&Packet::plain(vec![1]), SECOND), Err(PipeError::Unplugged));
    pipe.reset().unwrap();
    pipe.send(&Packet::plain(vec![1]), SECOND).unwrap();
    assert_eq!(pipe.recv(SECOND).unwrap()[..], [1]);
    server.join().unwrap();
}

#[test]
fn bytes_that_are_no_header_end_the_connection() {
    for wrong in [*b"HTTP/1.1", [0x44, 0x41, 0x50, 0, 1, 0, REQUEST, 0]] {
        let (place, server) = server(1, move |_, mut stream| stream.write_all(&wrong).unwrap());
        let mut pipe = connect(&place);
        assert!(matches!(pipe.recv(SECOND), Err(PipeError::Io(_))));
        assert_eq!(pipe.recv(SECOND), Err(PipeError::Unplugged));
        server.join().unwrap();
    }
}

#[test]
fn nobody_listening_is_said_with_the_place() {
    let place = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let error = TcpPipe::connect(&place, SECOND, clock()).unwrap_err();
    assert!(error.to_string().contains(&place), "{error}");
}

#[test]
fn a_place_without_a_port_means_the_usual_one() {
    assert_eq!(with_port("lab7"), "lab7:4441");
    assert_eq!(with_port("lab7:5000"), "lab7:5000");
    assert_eq!(with_port("[::1]"), "[::1]:4441");
    assert_eq!(with_port("[::1]:5000"), "[::1]:5000");
}

#[test]
fn a_response_that_is_cut_off_anywhere_is_not_complete() {
    let all = response(&[1, 2, 3]);
    for length in 0..all.len() {
        let mut arrived = BytesMut::from(&all[..length]);
        assert_eq!(unframe(&mut arrived), Ok(None));
        assert_eq!(arrived.len(), length);
    }
}

proptest! {
    #[test]
    fn responses_behind_one_another_come_apart_again(all in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..6)) {
        let mut arrived: BytesMut = all.iter().flat_map(|payload| response(payload)).collect();
        for payload in &all {
            prop_assert_eq!(unframe(&mut arrived).unwrap().unwrap(), payload.clone());
        }
        prop_assert!(arrived.is_empty());
    }

    #[test]
    fn whatever_arrives_is_a_response_or_not_yet_or_nonsense(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut arrived = BytesMut::from(&bytes[..]);
        let _ = unframe(&mut arrived);
    }
}
