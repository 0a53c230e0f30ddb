use super::*;
use adi::Attach;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;
use wire::UsbDevice;

fn options(probe: &str) -> Options {
    Options {
        probe: probe.to_owned(),
        policy: Policy::default(),
        swclk: Hz::khz(4000),
        trace: None,
        trace_secrets: false,
        tool: "tests".to_owned(),
    }
}

/// A simulated probe as a CMSIS-DAP server, for one connection. Its time is its own and passes with its packets.
fn serve(mut stream: TcpStream, mut device: SimProbe) {
    let [out, input] = device.endpoints();
    let mut now = Duration::ZERO;
    let mut header = [0; 8];
    while stream.read_exact(&mut header).is_ok() {
        let mut packet = vec![0; usize::from(u16::from_le_bytes([header[4], header[5]]))];
        stream.read_exact(&mut packet).expect("the packet behind its header");
        now = device.out(out.address, &packet, now).expect("taken");
        while let Some(when) = device.next_in(input.address) {
            now = now.max(when);
            let answer = device.take_in(input.address).expect("an answer");
            let length = u16::try_from(answer.len()).expect("a length").to_le_bytes();
            let mut frame = vec![0x44, 0x41, 0x50, 0x00, length[0], length[1], 2, 0];
            frame.extend(answer);
            stream.write_all(&frame).expect("sent");
        }
    }
}

fn server(scenario: &str) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = format!("tcp:{}", listener.local_addr().expect("an address"));
    let scenario = scenario.to_owned();
    let thread = thread::spawn(move || {
        let device = SimProbe::open(&scenario).expect("a probe");
        serve(listener.accept().expect("a connection").0, device);
    });
    (place, thread)
}

#[test]
fn a_probe_on_tcp_attaches_and_closes_and_has_neither_bench_nor_bill() {
    let (place, server) = server("h562");
    let mut session = open(&options(&place)).expect("a session");
    assert!(!session.is_simulated() && session.bench().is_none() && session.device().is_none());
    assert!(!session.clock().is_virtual());
    let attached = session.adi.attach(&Attach::HOTPLUG).expect("attached");
    assert_eq!(attached.dpidr.0, 0x6BA0_2477);
    let closing = session.close().expect("closed");
    assert!(closing.bill.is_none() && closing.trace.is_none());
    server.join().expect("the server saw the connection end");
}

#[test]
fn a_simulated_probe_has_all_of_them() {
    let session = open(&options("sim:h562")).expect("a session");
    assert!(session.is_simulated() && session.bench().is_some() && session.device().is_some());
    assert!(session.close().expect("closed").bill.is_some());
}

fn refusal(probe: &str) -> (u8, String) {
    let error = open(&options(probe)).expect_err("there is no such probe");
    (error.exit_code(), error.to_string())
}

#[test]
fn a_server_that_is_not_there_is_no_probe() {
    let place = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
    let (code, text) = refusal(&format!("tcp:{place}"));
    assert_eq!(code, 10);
    assert!(text.contains(&place.to_string()), "{text}");
}

#[test]
fn a_probe_that_is_not_plugged_in_is_no_probe() {
    for probe in ["1209:f00d:no-such-serial", "no-such-serial", "usb:250-9.9.9"] {
        assert_eq!(refusal(probe).0, 10, "{probe}");
    }
}

#[test]
fn what_leads_nowhere_is_refused_with_the_reason() {
    assert_eq!(refusal("usb:here").0, 2);
    let (code, text) = refusal("replay:/nonexistent/a.pcapng");
    assert_eq!(code, 2);
    assert!(text.contains("/nonexistent/a.pcapng"), "{text}");
}

#[test]
fn an_alias_opens_the_probe_that_it_stands_for() {
    let text = "bench = \"sim:h562\"\nleft = \"usb:250-9.9.9\"";
    let aliases = Aliases::parse(text, std::path::Path::new("aliases.toml")).expect("aliases");
    let open = |alias: &str| open_named(alias, &aliases, &options(""));
    assert!(open("bench").expect("a session").is_simulated());
    assert_eq!(open("left").expect_err("not plugged in").exit_code(), 10);
    let unknown = open("right").expect_err("no such name");
    assert_eq!(unknown.exit_code(), 2);
    assert!(unknown.to_string().contains("@bench, @left"), "{unknown}");
}

#[test]
fn each_trouble_has_its_exit_code() {
    let unusable = |trouble| {
        let find = FindError::Unusable { probe: String::new(), trouble };
        SessionError::from(find).exit_code()
    };
    assert_eq!(unusable(Trouble::Permission("node".into())), 11);
    assert_eq!(unusable(Trouble::Busy), 12);
    assert_eq!(unusable(Trouble::Loader), 15);
    assert_eq!(unusable(Trouble::Firmware("old")), 15);
    assert_eq!(unusable(Trouble::Gone), 10);
    assert_eq!(unusable(Trouble::System("odd".into())), 14);
    assert_eq!(SessionError::from(FindError::Ambiguous(vec![])).exit_code(), 13);
    assert_eq!(SessionError::from(FindError::None(vec![])).exit_code(), 10);
}

/// Attaches, writes and reads back, fails at something. What came of it, and when it was over.
fn job(probe: &str, trace: Option<PathBuf>) -> (String, Duration) {
    let mut options = options(probe);
    options.trace = trace;
    let mut session = open(&options).expect("a session");
    let mut told = format!("{:?}", session.adi.attach(&Attach::HOTPLUG));
    let (ap, at) = (wire::ApSel(1), wire::Addr(0x2000_0000));
    told += &format!("{:?}", session.adi.write_words(ap, wire::Attr::Default, at, &[1, 2, 3]));
    told += &format!("{:?}", session.adi.read_words(ap, wire::Attr::Default, at, 3));
    told += &format!("{:?}", session.adi.read_words(ap, wire::Attr::Default, wire::Addr(0x7000_0000), 1));
    let clock = session.clock();
    session.close().expect("closed");
    (told, clock.now())
}

#[test]
fn a_recording_plays_the_probe_to_the_nanosecond() {
    let folder = tempfile::tempdir().expect("a folder");
    for probe in ["sim:h562", "sim:h562,probe=stlink-v2", "sim:h562,probe=stlink-v3"] {
        let file = folder.path().join("a.pcapng");
        let simulated = job(probe, Some(file.clone()));
        let again = folder.path().join("b.pcapng");
        let replayed = job(&format!("replay:{}", file.display()), Some(again.clone()));
        assert_eq!(replayed, simulated, "{probe}");
        let bytes = |path| std::fs::read(path).expect("a recording");
        assert_eq!(bytes(again), bytes(file), "{probe}: the recordings are the same byte for byte");
    }
}

#[test]
fn what_goes_another_way_than_the_recording_is_an_error_with_both_ways() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.pcapng");
    job("sim:h562", Some(file.clone()));
    let mut options = options(&format!("replay:{}", file.display()));
    options.swclk = Hz::khz(1000);
    let error = open(&options).expect_err("the recording has another rate").to_string();
    assert!(error.contains("expected 11 00 09 3D 00") && error.contains("came 11 40 42 0F 00"), "{error}");
}

/// An ST-Link in the middle of a block, and what the SRAM held before it.
const BLOCK: std::ops::Range<usize> = 0x400..0x800;
const GIVEN: usize = 300;

/// A probe whose host was killed: SRAM holds 0xAA, and 300 bytes of 0x55 of a block of 1 KiB have come.
fn killed_in_a_block(scenario: &str) -> Rc<RefCell<SimProbe>> {
    let mut device = SimProbe::open(scenario).expect("a probe");
    let [out, input] = device.endpoints();
    let mut now = Duration::from_millis(100);
    let mut send = |bytes: &[u8]| {
        now = device.out(out.address, bytes, now).expect("taken") + Duration::from_millis(100);
        while device.take_in(input.address).is_some() {}
    };
    let command = |head: &[u8]| [head, &[0; 16][head.len()..]].concat();
    send(&command(&[0xF2, 0x30, 0xA3]));
    send(&command(&[0xF2, 0x4B, 1]));
    send(&command(&[0xF2, 0x08, 0, 0, 0, 0x20, 0, 0x10, 1]));
    send(&[0xAA; 0x1000]);
    send(&command(&[0xF2, 0x08, 0, 4, 0, 0x20, 0, 4, 1]));
    send(&[0x55; GIVEN]);
    Rc::new(RefCell::new(device))
}

/// Opens it as a probe on USB is opened; how many packets that took.
fn next_session(device: &Rc<RefCell<SimProbe>>, left: bool) -> u64 {
    let options = options("");
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new());
    clock.sleep(Duration::from_secs(1));
    let reach = || {
        let pipe = Box::new(Loopback::new(Rc::clone(device), Arc::clone(&clock)));
        Reached { pipe, in_flight: None, found: None }
    };
    let before = device.borrow().bill().usb_out;
    let reached = reach();
    let mut setup = Setup::new(&options, Arc::clone(&clock), reached.pipe.shape(), None).expect("a set-up");
    let reset = || {
        device.borrow_mut().reset(clock.now());
        Ok(reach())
    };
    let link = setup.link_or_reset(reached, left, reset).expect("a link");
    let opening = device.borrow().bill().usb_out - before;
    let mut session = setup.session(link, Some(Rc::clone(device))).expect("a session");
    session.adi.attach(&Attach::HOTPLUG).expect("attached");
    opening
}

/// [STL-29]
#[test]
fn a_probe_whose_host_was_killed_in_a_block_is_opened_and_the_target_keeps_what_it_holds() {
    for probe in ["probe=stlink-v2", "probe=stlink-v21", "probe=stlink-v3"] {
        let idle = SimProbe::open(&format!("{probe},stlink.mode=debug")).expect("a probe");
        let usual = next_session(&Rc::new(RefCell::new(idle)), false);
        for left in [true, false] {
            let device = killed_in_a_block(probe);
            let ram = || device.borrow().board().ram(0x2000_0000, 0x1000);
            let before = ram();
            let mut stands = vec![0xAA; 0x1000];
            stands[BLOCK][..GIVEN].fill(0x55);
            assert_eq!(before, stands, "{probe}");
            let opening = next_session(&device, left);
            let after = ram();
            if left {
                assert_eq!(
                    (opening, after == before),
                    (usual, true),
                    "{probe}: nothing is said before the reset"
                );
            } else {
                // Another program was killed: its block swallows the first question.
                assert_eq!(opening, usual + 1, "{probe}");
                assert_eq!(after[..BLOCK.start], before[..BLOCK.start]);
                assert_eq!(after[BLOCK.end..], before[BLOCK.end..]);
            }
        }
    }
}

/// A block of 20 KiB in which the target answers WAIT twice for longer than the firmware tries: the whole result, the words in
/// SRAM, and how often was gone on.
fn written_through_waits(probe: &str, harmless: bool) -> (Result<(), AdiError>, Vec<u8>, u64) {
    let mut session = open(&options(&format!("sim:h562,{probe},stlink.retry=4,wait=900:30,wait=3000:30")))
        .expect("a session");
    session.adi.attach(&Attach::HOTPLUG).expect("attached");
    let (ap, at, attr) = (wire::ApSel(1), wire::Addr(0x2000_0000), wire::Attr::Default);
    let words = vec![0x5A5A_5A5A; 5 * 1024];
    let device = session.device().expect("simulated");
    let before = device.borrow().bill().wait;
    let result = if harmless {
        session.adi.write_words(ap, attr, at, &words)
    } else {
        let ops = vec![wire::MemOp::WriteWords { at, words, secret: false }];
        session.adi.run(&wire::Batch { ap, attr, flow: wire::Flow::Lockstep, ops }).map(drop)
    };
    let waits = device.borrow().bill().wait - before;
    let ram = device.borrow().board().ram(at.0, 20 * 1024);
    (result, ram, waits)
}

#[test]
fn a_block_that_an_st_link_meets_wait_in_is_written_whole_where_writing_twice_is_harmless_and_left_otherwise()
{
    for probe in ["probe=stlink-v2", "probe=stlink-v21", "probe=stlink-v3"] {
        let (result, ram, waits) = written_through_waits(probe, true);
        assert_eq!(result, Ok(()), "{probe}");
        // Of the 60 some fall on looks at CTRL/STAT, which is never answered so.
        assert!(waits > 40 && ram.iter().all(|byte| *byte == 0x5A), "{probe}: {waits}");
        let (result, ram, waits) = written_through_waits(probe, false);
        assert!(matches!(result, Err(AdiError::Unsure { .. })), "{probe}: {result:?}");
        assert!(waits < 30 && ram.contains(&0x5A) && ram.contains(&0), "{probe}: {waits}");
    }
}
