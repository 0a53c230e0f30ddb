use super::*;
use crate::codec::{Return, Submit};
use crate::fake::{Fake, ms};
use crate::{Class, codec::Exported};
use pace::{RealClock, VirtualClock};
use proptest::prelude::*;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use wire::{Setup, UsbFault};

/// A host: the other end of the protocol, written from the documentation.
struct Host<S> {
    stream: S,
    seq: u32,
}

const DEVID: u32 = 0x0001_0002;

impl<S: Read + Write> Host<S> {
    fn new(stream: S) -> Self {
        Host { stream, seq: 0 }
    }

    fn exactly(&mut self, len: usize) -> Bytes {
        let mut bytes = vec![0; len];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes.into()
    }

    fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn list(mut self) -> Vec<(Exported, Vec<Class>)> {
        self.stream.write_all(&Request::DevList.to_bytes()).unwrap();
        match Reply::parse(&self.rest()).unwrap() {
            Reply::DevList(devices) => devices,
            other => panic!("{other:?}"),
        }
    }

    fn import(&mut self, busid: &str) -> Result<Exported, Refusal> {
        let request = Request::Import(BusId::new(busid).unwrap());
        self.stream.write_all(&request.to_bytes()).unwrap();
        let head = self.exactly(Reply::HEADER);
        let more = Reply::needed_for_import(&head).unwrap() - head.len();
        let message = [head, self.exactly(more)].concat();
        match Reply::parse(&message).unwrap() {
            Reply::Import(result) => result,
            other => panic!("{other:?}"),
        }
    }

    fn submit(&mut self, address: u8, setup: Setup, length: u32, data: &[u8]) -> u32 {
        self.seq += 1;
        let submit = Submit {
            seq: self.seq,
            devid: DEVID,
            endpoint: address & 0x0F,
            input: address & 0x80 != 0,
            flags: 0,
            length,
            interval: 0,
            setup,
            data: Bytes::copy_from_slice(data),
        };
        self.stream.write_all(&Command::Submit(submit).to_bytes()).unwrap();
        self.seq
    }

    fn read(&mut self, length: u32) -> u32 {
        self.submit(0x81, NO_SETUP, length, &[])
    }

    fn write(&mut self, data: &[u8]) -> u32 {
        self.submit(0x01, NO_SETUP, u32::try_from(data.len()).unwrap(), data)
    }

    fn unlink(&mut self, target: u32) -> u32 {
        self.seq += 1;
        let unlink = Command::Unlink { seq: self.seq, devid: DEVID, target };
        self.stream.write_all(&unlink.to_bytes()).unwrap();
        self.seq
    }

    /// The next return; `input` says which commands were reads.
    fn next(&mut self, input: impl Fn(u32) -> bool) -> Return {
        let head = self.exactly(Return::HEADER);
        let input = input(Return::answers(&head).unwrap());
        let more = Return::needed(&head, input).unwrap() - head.len();
        let message = [head, self.exactly(more)].concat();
        Return::parse(&message.into(), input).unwrap()
    }

    fn attach(&mut self, busid: &str) {
        let device = self.import(busid).unwrap();
        assert_eq!((device.devid(), device.speed), (DEVID, 2));
        let setup = Setup { request_type: 0, request: 9, value: 1, index: 0, length: 0 };
        let seq = self.submit(0, setup, 0, &[]);
        assert_eq!(self.next(|_| false), taken(seq, 0));
    }
}

const NO_SETUP: Setup = Setup { request_type: 0, request: 0, value: 0, index: 0, length: 0 };

fn taken(seq: u32, actual: u32) -> Return {
    Return::Submit { seq, status: 0, actual, data: Bytes::new() }
}

fn data(seq: u32, data: &'static [u8]) -> Return {
    let actual = u32::try_from(data.len()).unwrap();
    Return::Submit { seq, status: 0, actual, data: Bytes::from_static(data) }
}

fn failed(seq: u32, status: i32) -> Return {
    Return::Submit { seq, status, actual: 0, data: Bytes::new() }
}

/// A running server with these devices, and its thread.
struct Running {
    handle: Handle<Fake>,
    thread: thread::JoinHandle<Vec<Fake>>,
    clock: Arc<dyn Clock>,
    /// At a socket in the file system, so that anybody can connect.
    address: Address,
    _folder: tempfile::TempDir,
}

fn start(clock: Arc<dyn Clock>, devices: Vec<Fake>) -> Running {
    let mut server = Server::new(clock.clone());
    for device in devices {
        let about = Description::cmsis_dap(&device);
        server.export(device, about).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let address = server.listen(&Address::Unix(folder.path().join("usbip"))).unwrap();
    let handle = server.handle();
    let thread = thread::spawn(move || server.run());
    Running { handle, thread, clock, address, _folder: folder }
}

impl Running {
    fn host(&self) -> Host<UnixStream> {
        let Address::Unix(path) = &self.address else { panic!("not a path") };
        Host::new(UnixStream::connect(path).unwrap())
    }

    fn stop(self) -> Vec<Fake> {
        self.handle.stop();
        self.thread.join().unwrap()
    }
}

fn echo(delay: Duration) -> Fake {
    Fake { delay: Some(delay), ..Fake::default() }
}

fn real() -> Arc<dyn Clock> {
    Arc::new(RealClock::start())
}

#[test]
fn a_host_lists_two_devices_and_attaches_each_once() {
    let running = start(real(), vec![echo(ms(0)), Fake { hid: true, ..echo(ms(0)) }]);
    let devices = running.host().list();
    let names: Vec<_> = devices.iter().map(|(device, _)| device.busid.as_str()).collect();
    assert_eq!(names, ["1-1", "1-2"]);
    assert_eq!(devices[0].1, [Class::VENDOR]);
    assert_eq!(devices[1].1, [Class::HID]);
    assert_ne!(devices[0].0.devid(), devices[1].0.devid());
    let mut first = running.host();
    first.attach("1-1");
    assert_eq!(running.host().import("1-1"), Err(Refusal::Busy));
    assert_eq!(running.host().import("1-3"), Err(Refusal::NoDevice));
    let second = running.host().import("1-2").unwrap();
    assert_eq!((second.devnum, second.vid), (3, 0x1209));
    running.stop();
}

#[test]
fn a_pair_of_sockets_is_a_cable_too() {
    let mut server = Server::new(real());
    let device = echo(ms(0));
    let about = Description::cmsis_dap(&device);
    server.export(device, about).unwrap();
    let (here, there) = UnixStream::pair().unwrap();
    server.serve(there);
    let handle = server.handle();
    let thread = thread::spawn(move || server.run());
    let mut host = Host::new(here);
    host.attach("1-1");
    let read = host.read(64);
    let write = host.write(b"ping");
    assert_eq!(host.next(|_| false), taken(write, 4));
    assert_eq!(host.next(|seq| seq == read), data(read, b"ping"));
    handle.stop();
    assert_eq!(thread.join().unwrap()[0].got.len(), 1);
    assert_eq!(host.rest(), b"", "the server closed the connection");
}

#[test]
fn an_answer_comes_not_before_its_time_on_the_real_clock() {
    let running = start(real(), vec![Fake { gap: ms(20), ..echo(ms(40)) }]);
    let mut host = running.host();
    host.attach("1-1");
    let start = running.clock.now();
    let read = host.read(64);
    let write = host.write(b"slow");
    assert_eq!(host.next(|_| false), taken(write, 4));
    assert!(running.clock.now() - start >= ms(20), "the device said NAK");
    assert_eq!(host.next(|_| true), data(read, b"slow"));
    assert!(running.clock.now() - start >= ms(60));
    running.stop();
}

#[test]
fn an_hour_of_waiting_takes_no_time_on_a_virtual_clock() {
    let hour = Duration::from_secs(3600);
    let running = start(Arc::new(VirtualClock::new()), vec![echo(hour)]);
    let mut host = running.host();
    host.attach("1-1");
    let read = host.read(64);
    let write = host.write(b"late");
    assert_eq!(host.next(|_| false), taken(write, 4));
    assert_eq!(host.next(|_| true), data(read, b"late"));
    assert_eq!(running.clock.now(), hour);
    running.stop();
}

#[test]
fn a_silent_device_blocks_neither_control_nor_unlink() {
    let running = start(real(), vec![Fake::default()]);
    let mut host = running.host();
    host.attach("1-1");
    let reads = [host.read(64), host.read(64)];
    let status = Setup { request_type: 0x80, request: 0, value: 0, index: 0, length: 2 };
    let asked = host.submit(0x80, status, 2, &[]);
    assert_eq!(host.next(|_| true), data(asked, b"\0\0"));
    let unlinked = host.unlink(reads[0]);
    assert_eq!(host.next(|_| false), Return::Unlink { seq: unlinked, status: -104 });
    let again = host.unlink(reads[0]);
    assert_eq!(host.next(|_| false), Return::Unlink { seq: again, status: 0 });
    running.handle.with(0, |device, now| device.answers.push_back((now, Bytes::from_static(b"!"))));
    assert_eq!(host.next(|_| true), data(reads[1], b"!"), "the read that was left gets the answer");
    running.stop();
}

#[test]
fn a_stall_is_epipe_and_unplugging_is_enodev_and_the_end_of_the_connection() {
    let running = start(real(), vec![Fake { fault: Some(UsbFault::Stall), ..echo(ms(0)) }]);
    let mut host = running.host();
    host.attach("1-1");
    let stalled = host.write(b"a");
    assert_eq!(host.next(|_| false), failed(stalled, -32));
    let read = host.read(64);
    let clear = Setup { request_type: 2, request: 1, value: 0, index: 1, length: 0 };
    let cleared = host.submit(0, clear, 0, &[]);
    assert_eq!(host.next(|_| false), taken(cleared, 0));
    running.handle.with(0, |device, _| device.unplugged = true);
    assert_eq!(host.next(|_| true), failed(read, -19));
    assert_eq!(host.rest(), b"");
    assert_eq!(running.host().import("1-1"), Err(Refusal::NoDevice));
    assert_eq!(running.host().list(), []);
    running.handle.with(0, |device, _| device.unplugged = false);
    let mut again = running.host();
    again.attach("1-1");
    let write = again.write(b"back");
    assert_eq!(again.next(|_| false), taken(write, 4));
    running.stop();
}

#[test]
fn a_host_that_goes_away_leaves_the_device_for_the_next_one() {
    let running = start(real(), vec![echo(ms(0))]);
    for round in 0..50u32 {
        let mut host = running.host();
        // The end of the host before is noticed by another thread.
        while host.import("1-1") == Err(Refusal::Busy) {
            host = running.host();
        }
        let asked = host.submit(0, Setup { request: 9, value: 1, ..NO_SETUP }, 0, &[]);
        assert_eq!(host.next(|_| false), taken(asked, 0), "round {round}");
        host.read(64);
    }
    assert!(running.stop()[0].resets >= 100, "each host finds a fresh device");
}

#[test]
fn tcp_works_and_stays_on_the_local_machine_by_default() {
    let mut server = Server::new(real());
    let device = echo(ms(0));
    let about = Description::cmsis_dap(&device);
    server.export(device, about).unwrap();
    let Address::Tcp(at) = server.listen(&"0".parse().unwrap()).unwrap() else { panic!("TCP was asked for") };
    assert!(at.ip().is_loopback() && at.port() != 0);
    let handle = server.handle();
    let thread = thread::spawn(move || server.run());
    let mut host = Host::new(TcpStream::connect(at).unwrap());
    host.attach("1-1");
    let read = host.read(64);
    let write = host.write(b"tcp");
    assert_eq!(host.next(|_| false), taken(write, 3));
    assert_eq!(host.next(|_| true), data(read, b"tcp"));
    handle.stop();
    thread.join().unwrap();
    assert!(TcpStream::connect(at).is_err(), "nobody listens any more");
}

#[test]
fn addresses_are_read_as_they_are_written() {
    assert_eq!(Address::default().to_string(), "127.0.0.1:3240");
    for (text, meant) in [
        ("4000", "127.0.0.1:4000"),
        ("0.0.0.0", "0.0.0.0:3240"),
        ("[::1]:5", "[::1]:5"),
        ("unix:/run/x", "unix:/run/x"),
    ] {
        assert_eq!(text.parse::<Address>().unwrap().to_string(), meant);
    }
    for text in ["", "localhost", "unix:", "1:2:3:4:5", "70000", "127.0.0.1:x"] {
        assert!(text.parse::<Address>().is_err(), "{text}");
    }
}

#[test]
fn a_socket_that_was_left_behind_is_replaced_and_anything_else_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let mut server = Server::<Fake>::new(real());
    server.listen(&Address::Unix(path.clone())).unwrap();
    assert!(server.listen(&Address::Unix(path.clone())).is_err(), "somebody listens there");
    server.handle().stop();
    server.run();
    assert!(!path.exists(), "a server that ends takes its socket along");
    std::fs::write(&path, "precious").unwrap();
    assert!(Server::<Fake>::new(real()).listen(&Address::Unix(path.clone())).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn a_command_for_another_device_ends_the_connection() {
    let running = start(real(), vec![echo(ms(0))]);
    let mut host = running.host();
    host.attach("1-1");
    let foreign = Command::Unlink { seq: 5, devid: 0x0001_0003, target: 1 };
    host.stream.write_all(&foreign.to_bytes()).unwrap();
    assert_eq!(host.rest(), b"");
    running.stop();
}

/// Sends this, says that nothing more will come, and waits until the server has closed the connection.
fn send_and_hang_up(mut host: Host<UnixStream>, bytes: &[u8]) {
    // The server may close in the middle, which is its good right.
    let _closed = host.stream.write_all(bytes);
    let _closed = host.stream.shutdown(std::net::Shutdown::Write);
    let _reset = host.stream.read_to_end(&mut Vec::new());
}

/// Whether a well-behaved host is served.
fn still_works(running: &Running) -> bool {
    let mut host = running.host();
    while host.import("1-1") == Err(Refusal::Busy) {
        host = running.host();
    }
    let asked = host.submit(0, Setup { request: 9, value: 1, ..NO_SETUP }, 0, &[]);
    host.next(|_| false) == taken(asked, 0)
}

#[test]
fn a_host_that_stops_in_the_middle_of_a_message_harms_nobody() {
    let running = start(real(), vec![echo(ms(0))]);
    let import = Request::Import(BusId::numbered(1, 1)).to_bytes();
    for end in 0..import.len() {
        send_and_hang_up(running.host(), &import[..end]);
    }
    let submit = Submit {
        seq: 1,
        devid: DEVID,
        endpoint: 1,
        input: false,
        flags: 0,
        length: 4,
        interval: 0,
        setup: NO_SETUP,
        data: Bytes::from_static(b"abcd"),
    };
    let submit = Command::Submit(submit).to_bytes();
    for end in 0..submit.len() {
        let mut host = running.host();
        while host.import("1-1") == Err(Refusal::Busy) {
            host = running.host();
        }
        send_and_hang_up(host, &submit[..end]);
    }
    assert!(still_works(&running));
    running.stop();
}

#[test]
fn a_claim_of_sixteen_megabytes_costs_nothing_until_they_come() {
    let running = start(real(), vec![echo(ms(0))]);
    let mut host = running.host();
    host.attach("1-1");
    let submit = Submit {
        seq: 1,
        devid: DEVID,
        endpoint: 1,
        input: false,
        flags: 0,
        length: crate::codec::MAX_TRANSFER,
        interval: 0,
        setup: NO_SETUP,
        data: Bytes::new(),
    };
    host.stream.write_all(&Command::Submit(submit).to_bytes()).unwrap();
    drop(host);
    assert!(still_works(&running));
    running.stop();
}

#[test]
fn whatever_a_hostile_host_sends_the_next_one_is_served() {
    let running = start(real(), vec![Fake { gap: ms(1), ..echo(ms(1)) }]);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(200));
    let heads = prop_oneof![
        Just(Vec::new()),
        Just(Request::Import(BusId::numbered(1, 1)).to_bytes().to_vec()),
        Just(Request::DevList.to_bytes().to_vec()),
    ];
    // Words that are likely to mean something: small numbers in network order.
    let words = prop::collection::vec(prop_oneof![3 => 0u32..4, 1 => any::<u32>(), 1 => Just(DEVID)], 0..120);
    runner
        .run(&(heads, words), |(head, words)| {
            let words = words.into_iter().flat_map(u32::to_be_bytes);
            let bytes: Vec<u8> = head.into_iter().chain(words).collect();
            send_and_hang_up(running.host(), &bytes);
            Ok(())
        })
        .unwrap();
    assert!(still_works(&running));
    running.stop();
}
