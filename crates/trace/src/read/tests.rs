mod stream;

use super::*;
use crate::script::{AP, DP, READ, Script, lines, st, with_a_hole};
use wire::{Level, MarkKind};

/// A small recording with everything in it.
fn small() -> Vec<u8> {
    let mut script = Script::new();
    script.mark(MarkKind::Step, "begin").read(DP, 0, 0x6BA0_2477).ap1().poke(0x2000_0000, 1);
    script.send_secret(&[0x05, 0, 1, AP | 0xC, 1, 2, 3, 4], &wire::Secret(std::iter::once(4..8).collect()));
    script.receive(&[0x05, 1, 1]);
    script.bytes()
}

#[test]
fn what_was_recorded_is_read() {
    let recording = read(&small()).unwrap();
    assert_eq!(recording.warnings, []);
    assert!(recording.comment.contains("tool: test 1.0"), "{}", recording.comment);
    assert_eq!(recording.marks.len(), 1);
    assert_eq!(recording.marks[0].mark, Mark::new(MarkKind::Step, "begin"));
    assert_eq!(recording.transfers.len(), 12);
    let first = &recording.transfers[0];
    assert_eq!((first.endpoint, first.kind, first.status), (0x04, TransferKind::Bulk, Some(0)));
    assert_eq!(&first.data[..], [0x05, 0, 1, DP | READ]);
    assert_eq!((first.submitted, first.completed), (Some(Duration::ZERO), Some(Duration::from_micros(10))));
    let secrets: Vec<_> = recording.transfers.iter().flat_map(|t| t.secret.clone()).collect();
    assert_eq!(secrets.len(), 1);
    assert_eq!(secrets[0], 4..8);
}

#[test]
fn a_recording_cut_anywhere_gives_what_stands_before_the_cut() {
    let whole = small();
    let all = read(&whole).unwrap().transfers.len();
    let mut seen = 0;
    for length in 4..whole.len() {
        let recording = read(&whole[..length]).unwrap();
        let at_a_block = recording.warnings.is_empty();
        assert!(
            at_a_block || matches!(recording.warnings[..], [Warning::Truncated { .. }]),
            "at {length}: {:?}",
            recording.warnings
        );
        assert!(recording.transfers.len() >= seen && recording.transfers.len() <= all, "at {length}");
        seen = recording.transfers.len();
        // And everything above the reader copes with it.
        let trace = crate::open(&whole[..length]).unwrap();
        assert_eq!(trace.truncated_at().is_none(), at_a_block);
    }
    for length in 0..4 {
        assert!(matches!(read(&whole[..length]), Err(TraceError::Unknown(_))));
    }
}

#[test]
fn the_offset_of_a_cut_is_that_of_the_record_that_is_cut() {
    let whole = small();
    let Warning::Truncated { at } = read(&whole[..whole.len() - 1]).unwrap().warnings[0] else {
        panic!("cut")
    };
    assert!(read(&whole[..at]).unwrap().warnings.is_empty(), "up to there the file is whole");
}

#[test]
fn other_files_are_refused_with_what_they_begin_with() {
    let error = read(b"PK\x03\x04....").unwrap_err().to_string();
    assert!(error.contains("50 4B 03 04"), "{error}");
}

/// A classic pcap file with usbmon records of link type 189 (48-byte header).
fn classic(big_endian: bool, records: &[(u64, u8, u8, u8, &[u8])]) -> Vec<u8> {
    let u32_ = |n: u32| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let u16_ = |n: u16| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let u64_ = |n: u64| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let mut out = Vec::new();
    out.extend(u32_(0xA1B2_C3D4));
    out.extend(u16_(2));
    out.extend(u16_(4));
    out.extend([0; 8]);
    out.extend(u32_(65535));
    out.extend(u32_(189));
    for (n, (urb, event, endpoint, device, data)) in records.iter().enumerate() {
        let length = u32::try_from(data.len()).unwrap();
        out.extend(u32_(1_700_000_000));
        out.extend(u32_(u32::try_from(n).unwrap()));
        out.extend(u32_(48 + length));
        out.extend(u32_(48 + length));
        out.extend(u64_(*urb));
        out.extend([*event, 3, *endpoint, *device]);
        out.extend(u16_(1));
        out.extend([b'-', 0]);
        out.extend(u64_(1_700_000_000));
        out.extend(u32_(0));
        out.extend(u32_(if *event == b'S' { (-115i32).cast_unsigned() } else { 0 }));
        out.extend(u32_(length));
        out.extend(u32_(length));
        out.extend([0; 8]);
        out.extend_from_slice(data);
    }
    out
}

const DPIDR: [u8; 7] = [0x05, 1, 1, 0x77, 0x24, 0xA0, 0x6B];

#[test]
fn classic_pcap_is_read_in_both_byte_orders_and_counted_from_its_first_record() {
    for big_endian in [false, true] {
        let file = classic(
            big_endian,
            &[
                (1, b'S', 0x02, 7, &[0x05, 0, 1, DP | READ]),
                (1, b'C', 0x02, 7, &[]),
                (2, b'S', 0x81, 7, &[]),
                (2, b'C', 0x81, 7, &DPIDR),
            ],
        );
        let trace = crate::open(&file).unwrap();
        assert_eq!(lines(&trace, Level::Transaction), ["DP read 0x0 OK 0x6BA0_2477"]);
        assert_eq!(trace.events(Level::Usb)[1].until, Duration::from_micros(3));
        assert_eq!(trace.device(), Some(Device { bus: 1, address: 7 }));
    }
}

#[test]
fn the_probe_is_found_among_other_devices_by_its_payload() {
    let file = classic(
        false,
        &[
            (9, b'S', 0x01, 3, &[0x55, 0x53, 0x42, 0x43]),
            (9, b'C', 0x01, 3, &[]),
            (8, b'C', 0x82, 3, &[0x55, 0x53, 0x42, 0x53, 1]),
            (1, b'S', 0x02, 7, &[0x05, 0, 1, DP | READ]),
            (2, b'C', 0x81, 7, &DPIDR),
            (3, b'S', 0x02, 7, &[0x05, 0, 1, DP | READ]),
            (4, b'C', 0x81, 7, &DPIDR),
            (5, b'C', 0x83, 4, &[0, 0, 4, 0]),
        ],
    );
    let trace = crate::open(&file).unwrap();
    assert_eq!(trace.device(), Some(Device { bus: 1, address: 7 }));
    assert_eq!(trace.events(Level::Transaction).len(), 2);
    let kept = Device { bus: 1, address: 7 };
    assert_eq!(trace.warnings(), [Warning::OtherDevices { kept, transfers: 3 }]);
    let missing =
        crate::Options { device: Some(Device { bus: 1, address: 99 }), ..crate::Options::default() };
    assert!(matches!(crate::open_with(&file, &missing), Err(TraceError::NoSuchDevice(_))));
}

#[test]
fn an_st_link_is_recognised_and_not_taken_for_a_cmsis_dap_probe() {
    let command: [u8; 16] = [0xF2, 0x36, 0, 0xED, 0, 0xE0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let file = classic(
        false,
        &[(1, b'S', 0x01, 5, &command), (2, b'C', 0x81, 5, &[0x80, 0, 0, 0, 0x14, 0xD2, 0x0F, 0x41])],
    );
    let trace = crate::open(&file).unwrap();
    assert_eq!((trace.warnings(), trace.protocol()), (&[][..], Some(Protocol::StLink)));
    assert_eq!(lines(&trace, Level::Access), ["AP1 read 0xE000_ED00 0x410F_D214"]);
    assert_eq!(trace.events(Level::Transaction).len(), 0, "what the probe did on the wire is not made up");
}

#[test]
fn a_device_that_is_no_probe_is_said_to_be_none() {
    let file = classic(false, &[(9, b'S', 0x01, 3, b"USBC"), (8, b'C', 0x82, 3, b"USBS")]);
    let trace = crate::open(&file).unwrap();
    assert!(matches!(trace.warnings(), [Warning::NotDecoded]), "{:?}", trace.warnings());
    assert_eq!(trace.events(Level::Command).len(), 0);
}

#[test]
fn interfaces_of_other_link_types_are_counted_and_left_out() {
    let mut file = small();
    // A second section whose only interface is Ethernet, with one packet.
    let mut section = Vec::new();
    crate::pcapng::section(&mut section, "", "");
    crate::pcapng::interface(&mut section, 1, "eth0");
    crate::pcapng::packet(&mut section, 0, 5, "", |out| out.extend_from_slice(&[0; 60]));
    file.extend(section);
    let recording = read(&file).unwrap();
    assert_eq!(recording.warnings, [Warning::UnknownInterface { link_type: 1, packets: 1 }]);
    assert_eq!(recording.transfers.len(), 12);
}

#[test]
fn a_set_report_is_a_packet_for_a_probe_without_an_out_endpoint() {
    let mut file = Vec::new();
    crate::pcapng::section(&mut file, "", "");
    crate::pcapng::interface(&mut file, 220, "usb");
    let head = |urb, half, endpoint, transfer, setup, length: usize| crate::usbmon::Head {
        urb,
        half,
        transfer,
        endpoint,
        device: 4,
        bus: 1,
        setup,
        seconds: 0,
        micros: 0,
        status: 0,
        urb_len: u32::try_from(length).unwrap(),
        data_len: u32::try_from(length).unwrap(),
        descriptors: 0,
    };
    let request = [0x05, 0, 1, DP | READ];
    let setup = Some([0x21, 9, 0, 2, 0, 0, 4, 0]);
    crate::pcapng::packet(&mut file, 0, 1, "", |out| {
        head(1, crate::usbmon::Half::Submit, 0, 2, setup, 4).write(out);
        out.extend(request);
    });
    crate::pcapng::packet(&mut file, 0, 2, "", |out| {
        head(2, crate::usbmon::Half::Complete, 0x81, 1, None, 7).write(out);
        out.extend(DPIDR);
    });
    let trace = crate::open(&file).unwrap();
    assert_eq!(lines(&trace, Level::Transaction), ["DP read 0x0 OK 0x6BA0_2477"]);
}

#[test]
fn device_addresses_parse_as_they_print() {
    assert_eq!("1.7".parse(), Ok(Device { bus: 1, address: 7 }));
    assert_eq!(Device { bus: 1, address: 7 }.to_string(), "1.7");
    assert!("1".parse::<Device>().is_err());
    assert!("1.x".parse::<Device>().is_err());
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(0u8.., 0..400)) {
        let _ = crate::open(&bytes);
        for head in [[0x0A, 0x0D, 0x0D, 0x0A], [0xD4, 0xC3, 0xB2, 0xA1], [0xA1, 0xB2, 0x3C, 0x4D]] {
            let mut bytes = bytes.clone();
            bytes.splice(..0, head);
            let _ = crate::open(&bytes);
        }
    }

    #[test]
    fn a_recording_with_damaged_bytes_is_read_as_far_as_it_goes(
        damage in proptest::collection::vec((0usize..3000, 0u8..), 1..12)
    ) {
        let mut bytes = small();
        let length = bytes.len();
        for (at, byte) in damage {
            bytes[at % length] = byte;
        }
        if let Ok(trace) = crate::open(&bytes) {
            for level in Level::ALL {
                let _ = lines(&trace, level);
            }
            let _ = crate::Stat::of(&trace);
        }
    }

    /// Packets of any content decode at every level without a panic.
    #[test]
    fn any_packets_are_decoded(packets in proptest::collection::vec(
        (proptest::bool::ANY, proptest::collection::vec(0u8..0x20, 1..40)), 0..40)
    ) {
        let mut script = Script::new();
        for (out, data) in &packets {
            if *out { script.send(data) } else { script.receive(data) };
        }
        let trace = script.trace();
        for level in Level::ALL {
            let _ = lines(&trace, level);
        }
    }
}

/// A classic pcap of this link type around these packets, a microsecond apart.
fn pcap(link: u32, packets: &[Vec<u8>]) -> Vec<u8> {
    let head = [0xA1B2_C3D4u32, 0x0004_0002, 0, 0, 0xFFFF, link];
    let mut file: Vec<u8> = head.iter().flat_map(|word| word.to_le_bytes()).collect();
    for (n, packet) in (0u32..).zip(packets) {
        let length = u32::try_from(packet.len()).unwrap();
        file.extend([0, n, length, length].iter().flat_map(|word| word.to_le_bytes()));
        file.extend_from_slice(packet);
    }
    file
}

/// One record as USBPcap writes it: bus 1, device 7.
fn usbpcap(urb: u64, done: bool, endpoint: u8, kind: TransferKind, data: &[u8]) -> Vec<u8> {
    let transfer = match kind {
        TransferKind::Interrupt => 1,
        TransferKind::Control => 2,
        TransferKind::Bulk => 3,
    };
    let mut out = vec![27, 0];
    out.extend(urb.to_le_bytes());
    out.extend([0; 4]); // USBD_STATUS
    out.extend([9, 0, u8::from(done), 1, 0, 7, 0, endpoint, transfer]);
    out.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
    out.extend_from_slice(data);
    out
}

/// The same of a control transfer, which has a byte more for its stage.
fn usbpcap_control(urb: u64, done: bool, endpoint: u8, stage: u8, data: &[u8]) -> Vec<u8> {
    let mut out = usbpcap(urb, done, endpoint, TransferKind::Control, data);
    out[0] = 28;
    out.insert(27, stage);
    out
}

/// One record as macOS writes it.
fn darwin(urb: u64, done: bool, endpoint: u8, kind: TransferKind, data: &[u8]) -> Vec<u8> {
    let attribute = match kind {
        TransferKind::Interrupt => 3,
        TransferKind::Control => 0,
        TransferKind::Bulk => 2,
    };
    let mut out = vec![0x00, 0x01, 32, u8::from(done)];
    out.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
    out.extend([0; 8]); // status, isochronous frames
    out.extend(urb.to_le_bytes());
    out.extend([0, 0, 0x10, 1]); // location: bus 1
    out.extend([2, 7, endpoint, attribute]);
    out.extend_from_slice(data);
    out
}

/// A small recording without secrets and marks.
fn open_recording() -> Vec<u8> {
    let mut script = Script::new();
    script.read(DP, 0, 0x6BA0_2477).ap1().poke(0x2000_0000, 1).poke(0x2000_0004, 2);
    script.bytes()
}

/// All its records, written by `write`.
fn rewritten(write: fn(u64, bool, u8, TransferKind, &[u8]) -> Vec<u8>) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    for t in read(&open_recording()).unwrap().transfers {
        let (asked, done) = if t.is_in() { (&[][..], &t.data[..]) } else { (&t.data[..], &[][..]) };
        records.push(write(t.urb, false, t.endpoint, t.kind, asked));
        records.push(write(t.urb, true, t.endpoint, t.kind, done));
    }
    records
}

#[test]
fn a_recording_rewritten_as_usbpcap_or_darwin_decodes_to_the_same_events() {
    let original = crate::open(&open_recording()).unwrap();
    for (link, records) in [(249, rewritten(usbpcap)), (266, rewritten(darwin))] {
        let trace = crate::open(&pcap(link, &records)).unwrap();
        assert_eq!(trace.warnings(), [], "{link}");
        assert_eq!(trace.device(), Some(Device { bus: 1, address: 7 }), "{link}");
        for level in [Level::Command, Level::Transaction, Level::Access, Level::Meaning] {
            assert_eq!(lines(&trace, level), lines(&original, level), "{link}, {level:?}");
        }
    }
}

#[test]
fn a_control_transfer_of_usbpcap_has_its_request_and_its_data() {
    let setup = [0x80, 6, 0, 1, 0, 0, 4, 0];
    let descriptor = [18, 1, 0, 2];
    let newer = [usbpcap_control(5, false, 0, 0, &setup), usbpcap_control(5, true, 0x80, 3, &descriptor)];
    let older = [
        usbpcap_control(5, false, 0, 0, &setup),
        usbpcap_control(5, true, 0x80, 1, &descriptor),
        usbpcap_control(5, true, 0x80, 2, &[]),
    ];
    for records in [&newer[..], &older[..]] {
        let recording = read(&pcap(249, records)).unwrap();
        assert_eq!((recording.warnings, recording.transfers.len()), (vec![], 1));
        let transfer = &recording.transfers[0];
        assert_eq!((transfer.setup, &transfer.data[..]), (Some(setup), &descriptor[..]));
        assert!(transfer.is_in() && transfer.status == Some(0));
    }
}

#[test]
fn a_report_sent_to_endpoint_0_is_whole_in_both_ways_of_usbpcap() {
    let setup = [0x21, 9, 0, 2, 0, 0, 4, 0];
    let report = [0x05, 0, 1, DP | READ];
    let newer = [
        usbpcap_control(5, false, 0, 0, &[&setup[..], &report].concat()),
        usbpcap_control(5, true, 0, 3, &[]),
    ];
    let older = [
        usbpcap_control(5, false, 0, 0, &setup),
        usbpcap_control(5, false, 0, 1, &report),
        usbpcap_control(5, true, 0, 2, &[]),
    ];
    for records in [&newer[..], &older[..]] {
        let recording = read(&pcap(249, records)).unwrap();
        assert_eq!(recording.transfers.len(), 1);
        let transfer = &recording.transfers[0];
        assert_eq!((transfer.setup, &transfer.data[..]), (Some(setup), &report[..]));
        assert!(!transfer.is_in() && transfer.completed.is_some());
    }
}

/// A pcapng of either byte order: two interfaces, and the records of each as they are told.
fn two_interfaces(big_endian: bool, links: [u16; 2], records: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let u32_ = |n: u32| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let u16_ = |n: u16| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let block = |kind: u32, body: Vec<u8>| {
        let length = u32_(u32::try_from(body.len()).unwrap() + 12);
        [&u32_(kind)[..], &length, &body, &length].concat()
    };
    let section = [&u32_(0x1A2B_3C4D)[..], &u16_(1), &u16_(0), &[0xFF; 8]].concat();
    let mut file = block(0x0A0D_0D0A, section);
    for link in links {
        file.extend(block(1, [&u16_(link)[..], &u16_(0), &u32_(0)].concat()));
    }
    for (n, (interface, packet)) in (0u32..).zip(records) {
        let length = u32_(u32::try_from(packet.len()).unwrap());
        let padding = vec![0; packet.len().next_multiple_of(4) - packet.len()];
        let head = [&u32_(*interface)[..], &u32_(0), &u32_(n), &length, &length];
        file.extend(block(6, [&head.concat()[..], packet, &padding].concat()));
    }
    file
}

#[test]
fn interfaces_of_different_kinds_and_both_byte_orders_are_read_side_by_side() {
    for big_endian in [false, true] {
        let mut records: Vec<_> = rewritten(usbpcap).into_iter().map(|record| (0, record)).collect();
        // A keyboard on the other interface, and something that is no USB at all.
        records.insert(3, (1, darwin(99, true, 0x81, TransferKind::Interrupt, &[0, 0, 4, 0])));
        records.insert(9, (1, vec![1, 2, 3]));
        for record in &mut records {
            if record.0 == 1 && record.1.len() > 29 {
                record.1[29] = 3;
            }
        }
        let trace = crate::open(&two_interfaces(big_endian, [249, 266], &records)).unwrap();
        let kept = Device { bus: 1, address: 7 };
        assert_eq!(
            trace.warnings(),
            [Warning::Unreadable { packets: 1 }, Warning::OtherDevices { kept, transfers: 1 }]
        );
        assert_eq!(lines(&trace, Level::Transaction)[0], "DP read 0x0 OK 0x6BA0_2477");
    }
}

#[test]
fn a_record_cut_anywhere_is_unreadable_and_no_reader_falls() {
    for record in [
        usbpcap(1, false, 2, TransferKind::Bulk, &[1, 2, 3]),
        usbpcap_control(1, false, 0, 0, &[0x80, 6, 0, 1, 0, 0, 18, 0]),
        darwin(1, true, 0x81, TransferKind::Bulk, &[1, 2, 3]),
    ] {
        for length in 0..record.len() {
            let cut = record[..length].to_vec();
            for link in [249, 266] {
                let recording = read(&pcap(link, std::slice::from_ref(&cut))).unwrap();
                let clipped = recording.transfers.iter().all(|t| t.clipped || t.data.len() <= 3);
                assert!(clipped && recording.transfers.len() <= 1, "{link}, {length}");
            }
        }
    }
}

/// A device at an address: its descriptor, its serial number, and one DAP_Transfer.
fn plugged(urb: u64, address: u8, serial: &str) -> Vec<Vec<u8>> {
    let mut descriptor = vec![18, 1, 0, 2, 0, 0, 0, 64, 0x28, 0x0D, 4, 2, 0, 1, 1, 2, 3, 1];
    let text: Vec<u8> = serial.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut string = vec![u8::try_from(text.len()).unwrap() + 2, 3];
    string.extend(text);
    let mut all = vec![
        usbpcap_control(urb, false, 0, 0, &[0x80, 6, 0, 1, 0, 0, 18, 0]),
        usbpcap_control(urb, true, 0x80, 3, &std::mem::take(&mut descriptor)),
        usbpcap_control(urb, false, 0, 0, &[0x80, 6, 3, 3, 9, 4, 255, 0]),
        usbpcap_control(urb, true, 0x80, 3, &string),
        usbpcap(urb, false, 2, TransferKind::Bulk, &[0x05, 0, 1, DP | READ]),
        usbpcap(urb, true, 2, TransferKind::Bulk, &[]),
        usbpcap(urb, true, 0x81, TransferKind::Bulk, &DPIDR),
    ];
    all.iter_mut().for_each(|record| record[19] = address);
    all
}

#[test]
fn a_probe_that_comes_back_at_another_address_is_followed_where_its_descriptors_agree() {
    let again = [plugged(1, 7, "A1"), plugged(2, 9, "A1")].concat();
    let trace = crate::open(&pcap(249, &again)).unwrap();
    assert_eq!(trace.events(Level::Transaction).len(), 2);
    let (kept, other) = (trace.device().unwrap(), |address| Device { bus: 1, address });
    assert_eq!(kept, other(7));
    assert_eq!(trace.warnings(), [Warning::Moved { kept, others: vec![other(9)] }]);
    // Another serial number, or both at the same time: two probes.
    let twins = [plugged(1, 7, "A1"), plugged(2, 9, "B2")].concat();
    let mut mixed = [plugged(1, 7, "A1"), plugged(2, 9, "A1")].concat();
    mixed.swap(0, 13);
    for records in [twins, mixed] {
        let trace = crate::open(&pcap(249, &records)).unwrap();
        assert!(matches!(trace.warnings(), [Warning::OtherDevices { .. }]), "{:?}", trace.warnings());
    }
}

#[test]
fn nothing_is_folded_or_lifted_over_a_hole_and_it_is_shown_at_every_level() {
    let mut dap = Script::new();
    dap.ap1();
    for _ in 0..4 {
        dap.peek(0x4002_2020, 1);
    }
    let whole = dap.trace();
    assert_eq!(lines(&whole, Level::Access).len(), 1);
    let count = whole.events(Level::Usb).len();
    let holed = with_a_hole(&dap, count - 4);
    let hole = "HOLE: 3 USB records at least are missing here; what they did is not known";
    for level in [Level::Command, Level::Transaction, Level::Access, Level::Meaning, Level::Action] {
        assert_eq!(lines(&holed, level).iter().filter(|line| *line == hole).count(), 1, "{level:?}");
    }
    let told = lines(&holed, Level::Access);
    assert!(told[0].contains("0x4002_2020 0x0000_0001 ×3"), "{told:?}");
    assert!(told[3].contains("SELECT not seen"), "TAR and SELECT may have changed: {told:?}");
    let mut st_link = Script::new();
    for _ in 0..4 {
        let command = st(&[0xF2, 0x36, 0x20, 0x20, 0x02, 0x40]);
        st_link.ask(&command, &[0x80, 0, 0, 0, 1, 0, 0, 0]);
    }
    let count = st_link.trace().events(Level::Usb).len();
    let holed = with_a_hole(&st_link, count - 4);
    let told = lines(&holed, Level::Access);
    assert_eq!(told[1], hole, "{told:?}");
    assert!(told[0].contains("×2"), "{told:?}");
}

#[test]
fn an_answer_behind_a_hole_is_not_put_to_a_request_before_it() {
    let mut dap = Script::new();
    dap.ap1().write(AP, 4, 0x2000_0000).send(&[0x05, 0, 1, AP | READ | 0xC]);
    let place = dap.trace().events(Level::Usb).len();
    dap.receive(&[0x05, 1, 1, 9, 0, 0, 0]);
    let told = lines(&with_a_hole(&dap, place), Level::Command);
    assert!(told[told.len() - 3].ends_with("-> no answer"), "{told:?}");
    assert!(told[told.len() - 1].contains("stale answer"), "{told:?}");
}

#[test]
fn what_was_lost_in_sections_one_behind_the_other_is_added_up() {
    let section = |dropped: u64| {
        let mut bytes = small();
        crate::pcapng::statistics(&mut bytes, 0, 0, 100, 1);
        // The last word holds.
        crate::pcapng::statistics(&mut bytes, 0, 0, 100, dropped);
        bytes
    };
    let both = read(&[section(3), small(), section(4)].concat()).unwrap();
    assert_eq!((both.lost, both.warnings), (7, vec![Warning::Lost { records: 7, placed: 0 }]));
}
