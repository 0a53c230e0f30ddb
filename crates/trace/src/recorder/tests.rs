use super::*;
use crate::script::{AP, Script};
use std::process::Command;
use wire::{MarkKind, TransferKind};

const PASSWORD: &[u8; 16] = b"correcthorsebatt";

fn header() -> Header {
    Header {
        policy_line: "wait.budget=200ms".into(),
        probe: "Test\nProbe 1234".into(),
        ..Header::new("tool", "1.2", ClockKind::Virtual)
    }
}

/// A recording in which a secret goes out in a block, twice, and comes back once.
fn with_secrets(secrets: Secrets) -> Vec<u8> {
    let mut script = Script::with(secrets);
    script.mark(MarkKind::Step, "password \"quoted\" µ").ap1();
    let mut request = vec![0x06, 0, 4, 0, AP | 0xC];
    request.extend(PASSWORD);
    let ranges = |range: std::ops::Range<usize>| Secret(std::iter::once(range).collect());
    for _ in 0..2 {
        script.send_secret(&request, &ranges(5..21)).receive(&[0x06, 4, 0, 1]);
    }
    let mut answer = vec![0x06, 4, 0, 1];
    answer.extend(PASSWORD);
    script.send(&[0x06, 0, 4, 0, AP | 2 | 0xC]).receive_secret(&answer, 0, &ranges(4..20));
    script.bytes()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn the_file_is_pcapng_with_two_interfaces_in_nanoseconds() {
    let mut recorder = Recorder::in_memory(&header(), Secrets::Masked).unwrap();
    recorder.record(Record::Submit {
        at: Duration::from_nanos(1_500_000_001),
        urb: 7,
        endpoint: 0x04,
        kind: TransferKind::Bulk,
        setup: None,
        length: 2,
        data: &[0x00, 0xFE],
        secret: &Secret::NONE,
    });
    let bytes = recorder.into_bytes();
    assert_eq!(bytes[..4], [0x0A, 0x0D, 0x0D, 0x0A]);
    assert_eq!(bytes[8..12], [0x4D, 0x3C, 0x2B, 0x1A]);
    // An interface description: length 40, link type 220, the options if_name, if_tsresol and the end.
    let mut usb = vec![1, 0, 0, 0, 40, 0, 0, 0, 220, 0, 0, 0, 0, 0, 0, 0];
    usb.extend([2, 0, 3, 0, b'u', b's', b'b', 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0]);
    assert!(contains(&bytes, &usb), "the USB interface");
    let nanos: u64 = 1_500_000_001;
    let mut packet = vec![6, 0, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0];
    packet.extend(u32::try_from(nanos >> 32).unwrap().to_le_bytes());
    packet.extend(u32::try_from(nanos & 0xFFFF_FFFF).unwrap().to_le_bytes());
    packet.extend([66, 0, 0, 0, 66, 0, 0, 0]);
    packet.extend([7, 0, 0, 0, 0, 0, 0, 0, b'S', 3, 4, 1, 1, 0, b'-', 0]);
    packet.extend([1, 0, 0, 0, 0, 0, 0, 0, 0x20, 0xA1, 7, 0]);
    assert!(contains(&bytes, &packet), "the packet");
    assert_eq!(bytes.len() % 4, 0);
}

#[test]
fn the_header_says_tool_clock_probe_policy_and_how_secrets_were_treated() {
    let bytes = Recorder::in_memory(&header(), Secrets::Masked).unwrap().into_bytes();
    let trace = crate::open(&bytes).unwrap();
    assert_eq!(trace.header("tool"), Some("tool 1.2"));
    assert_eq!(trace.header("clock"), Some("virtual"));
    assert_eq!(trace.header("probe"), Some("Test Probe 1234"), "a line break would forge a line");
    assert_eq!(trace.header("policy"), Some("wait.budget=200ms"));
    assert_eq!(trace.header("secrets"), Some("masked"));
    let shown = Recorder::in_memory(&header(), Secrets::Shown).unwrap().into_bytes();
    assert!(contains(&shown, b"THIS FILE CONTAINS SECRETS IN CLEAR"));
}

#[test]
fn secrets_are_not_in_the_file() {
    let bytes = with_secrets(Secrets::Masked);
    for part in PASSWORD.windows(3) {
        assert!(!contains(&bytes, part), "{part:?}");
    }
    assert!(contains(&with_secrets(Secrets::Shown), PASSWORD));
}

#[test]
fn equal_secrets_look_equal_inside_one_trace_and_different_in_two() {
    let masks = |bytes: &[u8]| -> Vec<Vec<u8>> {
        let recording = crate::read::read(bytes).unwrap();
        let secret = recording.transfers.iter().filter(|t| !t.secret.is_empty());
        secret.map(|t| t.data[t.secret[0].clone()].to_vec()).collect()
    };
    let (one, two) = (masks(&with_secrets(Secrets::Masked)), masks(&with_secrets(Secrets::Masked)));
    assert_eq!(one.len(), 3);
    assert!(one.iter().all(|mask| *mask == one[0] && mask.len() == PASSWORD.len()));
    assert_ne!(one[0], two[0]);
    assert_ne!(one[0], PASSWORD);
}

#[test]
fn masking_changes_neither_length_nor_structure() {
    let (masked, shown) = (with_secrets(Secrets::Masked), with_secrets(Secrets::Shown));
    let (masked, shown) = (crate::open(&masked).unwrap(), crate::open(&shown).unwrap());
    for level in wire::Level::ALL {
        assert_eq!(
            crate::script::lines(&masked, level),
            crate::script::lines(&shown, level),
            "level {level:?}"
        );
    }
}

#[test]
fn a_mask_longer_than_one_digest_does_not_repeat() {
    let masker = Masker::new().unwrap();
    let mut secret = [0u8; 100];
    masker.hide(&mut secret);
    assert_ne!(secret[..32], secret[32..64]);
    assert_ne!(secret[96..], [0; 4]);
}

#[test]
fn secret_ranges_beyond_a_short_packet_are_cut() {
    let mut script = Script::new();
    let beyond = Secret(vec![2..6, 50..60]);
    script.receive_secret(&[5, 1, 1, 9], 0, &beyond);
    let recording = crate::read::read(&script.bytes()).unwrap();
    assert_eq!(recording.transfers[0].secret.len(), 1);
    assert_eq!(recording.transfers[0].secret[0], 2..4);
}

#[test]
fn a_file_gets_everything_and_only_its_owner_may_read_it() {
    let folder = std::env::temp_dir().join(format!("trace-test-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("a.pcapng");
    // It was there before, and everybody could read it.
    std::fs::write(&path, "old").unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let mut recorder = Recorder::create(&path, &header(), Secrets::Masked).unwrap();
    let data = vec![0xA5; 1 << 20];
    for urb in 0..20 {
        recorder.record(Record::Submit {
            at: Duration::ZERO,
            urb,
            endpoint: 4,
            kind: TransferKind::Bulk,
            setup: None,
            length: data.len(),
            data: &data,
            secret: &Secret::NONE,
        });
    }
    let capacity = recorder.buffer.capacity();
    assert_eq!(capacity, BUFFER, "the buffer never grew");
    let written = recorder.finish().unwrap();
    let file = std::fs::metadata(&path).unwrap();
    assert_eq!((written.records, written.marks), (20, 0));
    assert_eq!(written.bytes, file.len());
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o777, 0o600);
    assert_eq!(crate::read::read(&std::fs::read(&path).unwrap()).unwrap().transfers.len(), 20);
    drop(recorder);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_recorder_that_is_dropped_writes_what_it_holds() {
    let folder = std::env::temp_dir().join(format!("trace-drop-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("a.pcapng");
    let mut recorder = Recorder::create(&path, &header(), Secrets::Masked).unwrap();
    recorder.record(Record::Mark { at: Duration::ZERO, mark: &Mark::new(MarkKind::Note, "x") });
    drop(recorder);
    assert_eq!(crate::read::read(&std::fs::read(&path).unwrap()).unwrap().marks.len(), 1);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_file_that_cannot_be_made_is_an_error_with_its_name() {
    let error = Recorder::create("/nonexistent/x.pcapng", &header(), Secrets::Masked).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/x.pcapng"), "{error}");
}

/// Runs a tool of the Wireshark family on a recording; `None` with a reason on stdout where it is not installed.
fn wireshark(tool: &str, arguments: &[&str]) -> Option<(String, String)> {
    let required = std::env::var("ACKWAIT_INTEROP_REQUIRE").unwrap_or_default();
    let path = std::env::temp_dir().join(format!("trace-{tool}-{}.pcapng", std::process::id()));
    std::fs::write(&path, with_secrets(Secrets::Masked)).unwrap();
    let run = Command::new(tool).args(arguments).arg(&path).output();
    std::fs::remove_file(&path).unwrap();
    match run {
        Ok(output) => {
            assert!(output.status.success(), "{tool} failed: {output:?}");
            let text = |bytes| String::from_utf8(bytes).unwrap();
            Some((text(output.stdout), text(output.stderr)))
        }
        Err(e) => {
            assert!(!required.split(',').any(|name| name == "tshark"), "{tool} is required: {e}");
            println!("skipped: {tool} cannot be run ({e})");
            None
        }
    }
}

#[test]
fn capinfos_takes_the_file_for_what_it_is() {
    let Some((text, complaint)) = wireshark("capinfos", &[]) else { return };
    assert_eq!(complaint, "");
    assert!(text.contains("pcapng"), "{text}");
    // Two requests to select AP 1, three blocks: ten transfers of two records each, and a mark.
    assert!(text.contains("Number of packets:   21"), "{text}");
    assert!(text.contains("nanosecond"), "{text}");
}

#[test]
fn tshark_dissects_every_record_as_usb() {
    let fields = [
        "-T",
        "fields",
        "-e",
        "usb.endpoint_address",
        "-e",
        "usb.data_len",
        "-e",
        "usb.urb_status",
        "-e",
        "frame.comment",
        "-r",
    ];
    let Some((text, complaint)) = wireshark("tshark", &fields) else { return };
    let complaint: Vec<&str> = complaint.lines().filter(|line| !line.contains("as user \"root\"")).collect();
    assert_eq!(complaint, [""; 0]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 21);
    assert_eq!(lines[1].split('\t').collect::<Vec<_>>()[..3], ["0x04", "8", "-115"], "{text}");
    assert_eq!(lines.iter().filter(|line| line.contains("secret: ")).count(), 3, "{text}");
}
