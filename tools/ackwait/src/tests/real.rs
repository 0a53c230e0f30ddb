//! A probe behind a socket, which counts as a real one: rehearsals of what is meant for its board.

use super::part::{Desk, pattern};
use super::*;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

/// `simprobe --dap-tcp` in a thread of this process.
struct Served {
    probe: String,
    stop: Sender<()>,
    thread: JoinHandle<u8>,
}

/// Standard output, handed on line by line.
struct Lines(Sender<String>, Vec<u8>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.extend_from_slice(bytes);
        while let Some(end) = self.1.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.1.drain(..=end).collect();
            // Nobody reads on after the first line.
            let _ = self.0.send(String::from_utf8_lossy(&line).trim().to_owned());
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Served {
    fn new(scenario: &str) -> Served {
        let (stop, stopped) = mpsc::channel();
        let (lines, out): (_, Receiver<String>) = mpsc::channel();
        let args = ["simprobe", "--for", "240s", "--dap-tcp", "0", "--scenario", scenario].map(str::to_owned);
        let thread = std::thread::spawn(move || {
            simprobe::run(args.to_vec(), &mut Lines(lines, Vec::new()), &mut io::sink(), stopped)
        });
        let ready = out.recv().expect("simprobe is ready");
        let port = ready.split(' ').nth(2).and_then(|at| at.rsplit(':').next()).expect("a port").to_owned();
        Served { probe: format!("tcp:127.0.0.1:{port}"), stop, thread }
    }

    fn run(&self, args: &[&str]) -> Done {
        tool(&[args, &["--probe", &self.probe]].concat())
    }

    fn end(self) {
        drop(self.stop);
        self.thread.join().expect("it ended");
    }
}

#[test]
fn a_rehearsal_for_a_real_board_reads_it_only_and_says_what_it_cannot_know() {
    let desk = Desk::of("h573");
    desk.done(&["ob", "write", "BOR_LEV=1", "--family", "H573"]);
    let (password, obk) = desk.provisioning("h573");
    let before = desk.board();
    let served = Served::new(&format!("h573,state={}", desk.path("board.json")));
    let shown = served.run(&["ob", "write", "BOR_LEV=2", "--dry-run", "--connect", "under-reset"]);
    assert_eq!(shown.exit, Exit::Done, "{}", shown.err);
    assert!(shown.out.contains("OPTSTRT") && shown.err.contains("the part was only read"), "{}", shown.err);
    let provisioned = served.run(&["obk", "provision", &obk, "--family", "H573", "--dry-run"]);
    assert_eq!(provisioned.exit, Exit::Done, "{}", provisioned.err);
    for args in [
        &["state", "set", "CLOSED", "--family", "H573"][..],
        &["da", "regress", "--password-file", &password],
    ] {
        let refused = served.run(&[args, &["--dry-run"]].concat());
        assert_eq!(refused.exit, Exit::Unsupported, "{args:?}: {}", refused.err);
        assert!(refused.err.contains("error: rehearsal: this depends on a credential"), "{}", refused.err);
    }
    let illegal = served.run(&["ob", "write", "TZEN=on", "--dry-run"]);
    assert_eq!(illegal.exit, Exit::Options, "{}", illegal.err);
    assert!(
        illegal.err.contains("error: rehearsal: ") && illegal.err.contains("only read"),
        "{}",
        illegal.err
    );
    served.end();
    let after = desk.board();
    assert_eq!(String::from_utf8(after), String::from_utf8(before));
}

#[test]
fn a_rehearsal_of_programming_compares_with_what_the_real_flash_holds() {
    let desk = Desk::of("h503");
    let image = desk.file("fw.bin", &pattern(100));
    let served = Served::new("h503");
    let fresh = served.run(&["flash", "program", &image, "--at", "0x0800_0000", "--dry-run"]);
    assert!(fresh.out.contains("FLASH_NSKEYR"), "{} {}", fresh.out, fresh.err);
    assert_eq!(served.run(&["flash", "program", &image, "--at", "0x0800_0000"]).exit, Exit::Done);
    let again = served.run(&["flash", "program", &image, "--at", "0x0800_0000", "--dry-run"]);
    assert!(again.exit == Exit::Done && !again.out.contains('*'), "{} {}", again.out, again.err);
    served.end();
}

/// What the access port remembers between commands only a probe keeps that goes on living.
#[test]
fn the_data_registers_of_an_access_port_are_no_way_around_a_consent() {
    let served = Served::new("h562");
    for (register, tar) in [("DRW", "0x4002_201C"), ("BD3", "0x4002_2010")] {
        let write = |register, value| served.run(&["ap", "write", register, value, "--ap", "1"]);
        assert_eq!(write("TAR", tar).exit, Exit::Done);
        let asked = write(register, "2");
        assert_eq!(asked.exit, Exit::Confirm, "{register}: {}", asked.err);
        assert!(asked.err.contains("--accept-irreversible=OPTSTRT"), "{register}: {}", asked.err);
        assert_eq!(write("TAR", "0x2000_0000").exit, Exit::Done);
        assert_eq!(write(register, "2").exit, Exit::Done, "{register}");
    }
    served.end();
}
