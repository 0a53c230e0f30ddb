use crate::read::{Device, Protocol};
use crate::script::lines;
use wire::Level;

/// A classic pcap of usbmon records: OUT to endpoint 6, IN from endpoint 0x85.
fn capture(packets: &[(u8, &[u8])]) -> Vec<u8> {
    let mut file: Vec<u8> =
        [0xA1B2_C3D4u32, 0x0004_0002, 0, 0, 0xFFFF, 189].iter().flat_map(|word| word.to_le_bytes()).collect();
    for (n, (endpoint, data)) in (1u32..).zip(packets) {
        let length = u32::try_from(data.len()).unwrap();
        for word in [0, n, 48 + length, 48 + length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(u64::from(n).to_le_bytes());
        file.extend([if endpoint & 0x80 == 0 { b'S' } else { b'C' }, 3, *endpoint, 9, 1, 0, b'-', 0]);
        file.extend([0; 16]);
        file.extend(length.to_le_bytes());
        file.extend(length.to_le_bytes());
        file.extend([0; 8]);
        file.extend_from_slice(data);
    }
    file
}

/// The write of CSW that a public log shows: 2 clocks of idle, request, turnaround, ack, turnaround, data, parity, idle.
const WRITE_CSW: [u8; 18] =
    [0xCF, 0, 0x38, 0, 0xFF, 0x83, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x8C, 2, 9, 0, 0x80, 0x31, 0];
const ACK_OK: [u8; 8] = [0, 4, 0, 0, 0, 0, 0, 0];

/// A frame: 2 clocks of idle, the request, and for a read 38 clocks of listening; 8 of idle.
fn read_frame(request: u8, value: u32) -> (Vec<u8>, Vec<u8>) {
    let (mut driven, mut out, mut seen) = (0u64, u64::from(request) << 2, 0u64);
    for clock in (0..10).chain(48..56) {
        driven |= 1 << clock;
    }
    out &= driven;
    // The first bit of the ack is seen at the clock of the turnaround.
    seen |= 1 << 10 | u64::from(value) << 13 | u64::from(value.count_ones() & 1) << 45;
    let mut command = vec![0xCF, 0, 56, 0];
    command.extend_from_slice(&driven.to_le_bytes()[..7]);
    command.extend_from_slice(&out.to_le_bytes()[..7]);
    let mut answer = seen.to_le_bytes()[..7].to_vec();
    answer.push(0);
    (command, answer)
}

#[test]
fn a_write_that_a_public_log_shows_is_a_write_of_csw() {
    let file = capture(&[(6, &WRITE_CSW), (0x85, &ACK_OK)]);
    let trace = crate::open(&file).unwrap();
    assert_eq!(trace.protocol(), Some(Protocol::JLink));
    assert_eq!(trace.device(), Some(Device { bus: 1, address: 9 }));
    assert_eq!(lines(&trace, Level::Transaction), ["AP write 0x0 OK 0x6300_0012"]);
}

#[test]
fn what_the_target_drives_is_read_one_clock_after_it_was_seen() {
    let (command, answer) = read_frame(0xA5, 0x6BA0_2477);
    let file = capture(&[(6, &command), (0x85, &answer), (6, &WRITE_CSW), (0x85, &ACK_OK)]);
    let trace = crate::open(&file).unwrap();
    let expected = ["DP read 0x0 OK 0x6BA0_2477", "AP write 0x0 OK 0x6300_0012"];
    assert_eq!(lines(&trace, Level::Transaction), expected);
}

#[test]
fn commands_and_answers_may_come_in_pieces() {
    let (command, answer) = read_frame(0xA5, 0x6BA0_2477);
    let (head, rest) = command.split_at(9);
    let whole = [(6, &WRITE_CSW[..]), (0x85, &ACK_OK[..])];
    let pieces = [(6, head), (6, rest), (0x85, &answer[..7]), (0x85, &answer[7..])];
    let trace = crate::open(&capture(&[&whole[..], &pieces].concat())).unwrap();
    let expected = ["AP write 0x0 OK 0x6300_0012", "DP read 0x0 OK 0x6BA0_2477"];
    assert_eq!(lines(&trace, Level::Transaction), expected);
}

#[test]
fn a_shift_without_an_answer_is_lost_and_jtag_is_not_taken_for_swd() {
    let file = capture(&[(6, &WRITE_CSW), (0x85, &ACK_OK), (6, &WRITE_CSW)]);
    let shown = lines(&crate::open(&file).unwrap(), Level::Transaction);
    assert_eq!(shown.len(), 2);
    assert_eq!(shown[0], "AP write 0x0 OK 0x6300_0012");
    let file = capture(&[(6, &[0xC7, 0]), (6, &WRITE_CSW), (0x85, &ACK_OK)]);
    let shown = lines(&crate::open(&file).unwrap(), Level::Transaction);
    assert!(shown.len() == 1 && !shown[0].contains("write"), "{shown:?}");
}

#[test]
fn a_capture_cut_anywhere_shows_no_more_than_the_whole() {
    let (command, answer) = read_frame(0xA5, 0x6BA0_2477);
    let file = capture(&[(6, &WRITE_CSW), (0x85, &ACK_OK), (6, &command), (0x85, &answer)]);
    for length in 24..file.len() {
        let trace = crate::open(&file[..length]).unwrap();
        assert!(trace.events(Level::Transaction).len() <= 2, "cut at {length}");
    }
}

/// A write: 2 clocks of idle, the request, 5 of listening, data with parity, 8 of idle.
fn write_frame(ap: bool, a: u8, value: u32) -> Vec<u8> {
    let driven = (0..10).chain(15..56).fold(0u64, |all, clock| all | 1 << clock);
    let request = u64::from(regs::dp::request(ap, false, a)) << 2;
    let out = request | u64::from(value) << 15 | u64::from(value.count_ones() & 1) << 47;
    [&[0xCF, 0, 56, 0][..], &driven.to_le_bytes()[..7], &out.to_le_bytes()[..7]].concat()
}

#[test]
fn bits_of_a_secret_are_shown_at_no_level() {
    let obk = regs::h5::memory::OBK_S;
    let frames = [
        write_frame(false, 8, 0x0100_0000),
        write_frame(true, 0, 0x2300_0012),
        write_frame(true, 4, obk),
        write_frame(true, 0xC, 0x5EC2_E701),
    ];
    let packets: Vec<(u8, &[u8])> =
        frames.iter().flat_map(|frame| [(6, frame.as_slice()), (0x85, &ACK_OK[..])]).collect();
    let file = capture(&packets);
    let trace = crate::open(&file).unwrap();
    assert_eq!(lines(&trace, Level::Transaction)[3], "AP write 0xC OK «secret»");
    assert_eq!(lines(&trace, Level::Access), ["AP1 write 0x0FFD_0000 «secret»"]);
    assert!(lines(&trace, Level::Usb).iter().all(|line| !line.contains("CF 00") && line.contains("··")));
    let how = crate::Options { show_secrets: true, ..crate::Options::default() };
    let clear = crate::open_with(&file, &how).unwrap();
    assert_eq!(lines(&clear, Level::Access), ["AP1 write 0x0FFD_0000 0x5EC2_E701"]);
    assert!(lines(&clear, Level::Usb)[0].contains("CF 00"));
}
