//! The command line, from outside.

use super::*;
use std::sync::mpsc;

/// Runs and gives exit code, standard output and standard error.
fn simprobe(args: &[&str]) -> (u8, String, String) {
    let (stop, stopped) = mpsc::channel();
    drop(stop);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = run([&["simprobe"], args].concat(), &mut out, &mut err, stopped);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn guesses_are_listed_with_their_notes() {
    let (code, text, _) = simprobe(&["--list-guesses"]);
    assert_eq!(code, OK);
    assert!(text.lines().any(|line| line.starts_with("flash.bus=") && line.contains("[H5-")), "{text}");
    let (_, json, _) = simprobe(&["--list-guesses", "--format", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), text.lines().count());
}

#[test]
fn a_run_that_ends_at_once_leaves_bill_dump_trace_and_board_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (state, trace) = (file("board.json"), file("usb.pcapng"));
    let dump = format!("0x0800_0000:32={}", file("flash.bin"));
    let args = ["--usbip", "0", "--state", &state, "--trace", &trace, "--bill", "-", "--dump", &dump];
    let (code, out, err) = simprobe(&args);
    assert_eq!((code, err.as_str()), (OK, ""));
    let (ready, bill) = out.split_once('\n').unwrap();
    let words: Vec<_> = ready.split(' ').collect();
    assert_eq!((words[0], words[1], words[3]), ("ready", "usbip", "1-1"), "{ready}");
    assert!(words[2].starts_with("127.0.0.1:"), "{ready}");
    let bill: serde_json::Value = serde_json::from_str(bill).unwrap();
    assert_eq!(bill["schema"], "ackwait.bill/1");
    assert_eq!(bill["probe"], "cmsis-dap-v2");
    assert_eq!(bill["usb"]["round_trips"], 0);
    assert_eq!(std::fs::read(file("flash.bin")).unwrap(), [0xFF; 32]);
    assert!(std::fs::read_to_string(&state).unwrap().contains("ackwait simulated board"));
    assert!(trace::open(&std::fs::read(&trace).unwrap()).is_ok());
}

#[test]
fn what_cannot_be_used_is_said_with_an_exit_code() {
    let (code, _, err) = simprobe(&["--usbip", "0", "--scenario", "h9"]);
    assert_eq!(code, USAGE);
    assert!(err.contains("h562"), "{err}");
    let (code, _, err) = simprobe(&["--usbip", "0", "--serial", "A,B"]);
    assert_eq!((code, err.contains("comma")), (USAGE, true), "{err}");
    let (code, _, err) = simprobe(&["--usbip", "0", "--dump", "0x5000_0000:4=/dev/null"]);
    assert_eq!((code, err.contains("no SRAM or flash")), (UNWRITTEN, true), "{err}");
    let (code, _, err) = simprobe(&["--dap-tcp", "0", "--probe", "stlink-v3"]);
    assert_eq!((code, err.contains("stlink-v3")), (USAGE, true), "{err}");
    let (code, _, err) = simprobe(&["--stlink-tcp", "0"]);
    assert_eq!((code, err.contains("ST-Links")), (USAGE, true), "{err}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, _, err) = simprobe(&["--usbip", &address]);
    assert_eq!((code, err.contains(&address)), (NO_FRONT, true), "{err}");
}
