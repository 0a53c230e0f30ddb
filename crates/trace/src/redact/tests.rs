use super::*;
use crate::event::{Event, OnWire};
use crate::script::{AP, READ, Script, st};
use crate::{Secrets as Shown, open};
use regs::h5::{da, dbgmcu, memory, rss};
use wire::{Secret, WireEvent};

/// Words that nothing else in a recording is like.
const SECRET: [u32; 4] = [0x5EC2_E701, 0xA1B2_C3D4, 0x0BAD_CAFE, 0x7777_1234];

fn done(script: &Script) -> Redacted {
    redact(&script.bytes(), &Rules::default(), &Options::default()).unwrap()
}

fn holds(file: &[u8], word: u32) -> bool {
    let orders = [word.to_le_bytes(), word.to_be_bytes()];
    orders.iter().any(|bytes| file.windows(4).any(|window| window == bytes))
}

/// What happened, without the data.
fn structure(bytes: &[u8]) -> Vec<String> {
    let trace = open(bytes).unwrap();
    let told = |event: &Event| match &event.body {
        Body::Wire(wired) => match &wired.what {
            OnWire::Event(WireEvent::Transaction(t)) => {
                format!("{:?} {:?} {} {:?} {}", event.at, t.reg, t.read, t.ack, t.data.is_some())
            }
            other => format!("{other:?}"),
        },
        other => format!("{other:?}"),
    };
    trace.events(Level::Transaction).iter().map(told).collect()
}

/// The data of all packets.
fn packets(file: &[u8]) -> Vec<Bytes> {
    crate::read::read(file).unwrap().transfers.into_iter().map(|transfer| transfer.data).collect()
}

/// The secrets are gone, and nothing else is.
fn check(before: &[u8], redacted: &Redacted) {
    for word in SECRET {
        assert!(holds(before, word), "the test moves {word:#x}");
        assert!(!holds(&redacted.bytes, word), "{word:#x} is still there");
    }
    let (packets, masked) = (packets(before), packets(&redacted.bytes));
    let lengths = |all: &[Bytes]| all.iter().map(Bytes::len).collect::<Vec<_>>();
    assert_eq!(lengths(&masked), lengths(&packets));
    let bytes = packets.iter().flatten().zip(masked.iter().flatten());
    let other = bytes.filter(|(a, b)| a != b).count();
    assert!(other <= redacted.words * 4 + 64, "{other} bytes changed for {} words", redacted.words);
    assert_eq!(structure(&redacted.bytes), structure(before));
    assert_eq!(redacted.left, [""; 0]);
}

/// A block of the secret words to wherever TAR points.
fn block(script: &mut Script) -> &mut Script {
    let mut request = vec![0x06, 0, 4, 0, AP | 0xC];
    request.extend(SECRET.iter().flat_map(|word| word.to_le_bytes()));
    script.ask(&request, &[0x06, 4, 0, 1])
}

fn items(count: u8, done: u8, ack: u8) -> (Vec<u8>, [u8; 3]) {
    let mut request = vec![0x05, 0, count];
    for word in &SECRET[..usize::from(count)] {
        request.push(AP | 0xC);
        request.extend(word.to_le_bytes());
    }
    (request, [0x05, done, ack])
}

#[test]
fn what_is_written_to_obk_storage_is_masked_in_blocks_and_in_lists() {
    let mut script = Script::new();
    script.ap1().write(AP, 4, memory::OBK_S + 0x100);
    block(&mut script).write(AP, 4, memory::OBK);
    let (request, answer) = items(4, 4, 1);
    script.ask(&request, &answer);
    let redacted = done(&script);
    assert_eq!(redacted.words, 8);
    check(&script.bytes(), &redacted);
}

#[test]
fn words_that_were_asked_for_and_not_done_are_masked_too() {
    let mut script = Script::new();
    script.ap1().write(AP, 4, memory::OBK_S);
    let (request, _) = items(4, 4, 1);
    // The second was answered WAIT; the host sends all of them again. Then nobody answers at all.
    script.ask(&request, &[0x05, 1, 2]).write(AP, 4, memory::OBK_S).ask(&request, &[0x05, 4, 1]);
    script.send(&request).receive_secret(&[], -2, &Secret::NONE);
    check(&script.bytes(), &done(&script));
}

#[test]
fn a_secret_value_is_masked_wherever_it_is_data() {
    let mut script = Script::new();
    script.ap1();
    for (n, word) in (0..).zip(SECRET) {
        script.poke(0x2000_1000 + 4 * n, word);
    }
    script.write(AP, 4, memory::OBK_S);
    block(&mut script);
    script.peek(0x2000_1000, SECRET[0]);
    let redacted = done(&script);
    assert_eq!(redacted.words, 9);
    check(&script.bytes(), &redacted);
}

#[test]
fn equal_secrets_stay_equal_and_others_stay_different() {
    let mut script = Script::new();
    script
        .ap1()
        .poke(memory::OBK_S, SECRET[0])
        .poke(memory::OBK_S + 4, SECRET[1])
        .peek(memory::OBK_S, SECRET[0]);
    let redacted = done(&script);
    let trace = open(&redacted.bytes).unwrap();
    let values: Vec<u32> = trace
        .accesses()
        .iter()
        .filter_map(|event| match &event.body {
            Body::Access(access) => access.access.value,
            _ => None,
        })
        .collect();
    assert!(values[0] == values[2] && values[0] != values[1], "{values:X?}");
    let again = done(&script);
    assert_ne!(again.bytes, redacted.bytes, "the key is another one each time");
}

#[test]
fn what_the_provisioning_service_was_told_to_take_is_secret_wherever_it_lies() {
    let mut script = Script::new();
    script.ap1().write(AP, 4, 0x2000_4000);
    block(&mut script);
    let conf = 0x2000_0100;
    // The ROM is told the secure address of the same RAM.
    script.poke(conf + rss::conf::SOURCE, 0x3000_4000).poke(conf + rss::conf::DESTINATION, memory::OBK_S);
    script.poke(conf + rss::conf::SIZE, 16);
    let redacted = done(&script);
    assert_eq!(redacted.words, 4);
    check(&script.bytes(), &redacted);
}

#[test]
fn of_the_mailbox_the_answer_to_the_challenge_is_masked_and_the_rest_is_not() {
    let mut script = Script::new();
    script.write(0, 8, 0).write(AP, 0, 0x2300_0012);
    let host = dbgmcu::BASE_AP0 + dbgmcu::DBG_AUTH_HOST;
    let code = |command: u16| u32::from(command) << da::CODE_SHIFT;
    for word in [da::MAGIC_HOST, code(da::command::DISCOVERY), 0, code(da::command::AUTH_RESPONSE), 4] {
        script.poke(host, word);
    }
    for word in SECRET {
        script.poke(host, word);
    }
    script.poke(host, code(da::command::CLOSE_SESSION));
    let redacted = done(&script);
    assert_eq!(redacted.words, 4);
    check(&script.bytes(), &redacted);
}

#[test]
fn what_went_to_a_place_that_the_recording_does_not_show_is_masked_and_told() {
    let mut script = Script::new();
    let redacted = done(block(&mut script));
    assert_eq!((redacted.words, redacted.left.len()), (4, 1), "{:?}", redacted.left);
    assert!(SECRET.iter().all(|word| !holds(&redacted.bytes, *word)));
    assert_eq!(structure(&redacted.bytes), structure(&script.bytes()));
}

#[test]
fn what_a_report_still_holds_of_the_one_before_is_blanked() {
    let mut script = Script::new();
    script.ap1().write(AP, 4, memory::OBK_S);
    block(&mut script);
    let mut report = vec![0x05, 0, 1, 2];
    report.extend(SECRET.iter().flat_map(|word| word.to_be_bytes()).skip(1));
    script.ask(&report, &[0x05, 1, 1, 0x77, 0x24, 0xA0, 0x6B]);
    check(&script.bytes(), &done(&script));
}

#[test]
fn addresses_that_the_user_names_are_masked() {
    let mut script = Script::new();
    script.ap1().write(AP, 4, 0x2005_0000);
    block(&mut script);
    assert_eq!(done(&script).words, 0);
    let rules = Rules { also: vec![0x2005_0000..0x2005_0010, 0..4] };
    let redacted = redact(&script.bytes(), &rules, &Options::default()).unwrap();
    check(&script.bytes(), &redacted);
}

#[test]
fn an_st_link_block_is_masked_in_every_transfer_that_it_came_in() {
    let mut script = Script::new();
    let [a0, a1, a2, a3] = memory::OBK_S.to_le_bytes();
    let bytes: Vec<u8> = SECRET.iter().flat_map(|word| word.to_le_bytes()).collect();
    // WRITEMEM_32BIT of 16 bytes on AP 1, in two transfers; then its status.
    script.send(&st(&[0xF2, 0x08, a0, a1, a2, a3, 16, 0, 1])).send(&bytes[..6]).send(&bytes[6..]);
    script.ask(&st(&[0xF2, 0x3E]), &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let redacted = done(&script);
    for word in SECRET {
        assert!(!holds(&redacted.bytes, word));
    }
    assert_eq!(redacted.left, [""; 0]);
    assert_eq!(
        open(&redacted.bytes).unwrap().accesses().len(),
        open(&script.bytes()).unwrap().accesses().len()
    );
}

#[test]
fn a_recording_of_ours_that_shows_its_secrets_says_masked_afterwards() {
    let mut script = Script::with(Shown::Shown);
    script.ap1().write(AP, 4, 0x2000_0000);
    let mut request = vec![0x05, 0, 1, AP | 0xC];
    request.extend(SECRET[0].to_le_bytes());
    let mut secret = Secret::NONE;
    secret.add(4..8);
    script.send_secret(&request, &secret).receive(&[0x05, 1, 1]);
    script.ask(&[0x05, 0, 1, AP | READ | 4], &[0x05, 1, 1, 0, 0, 0, 0x20]);
    let redacted = done(&script);
    assert!(!holds(&redacted.bytes, SECRET[0]));
    let head = open(&redacted.bytes).unwrap().comment().to_owned();
    assert_eq!(head.lines().next().unwrap().trim_end(), "secrets: masked");
}

#[test]
fn what_is_cut_off_is_cut_off_and_what_is_no_recording_of_usb_is_refused() {
    let mut script = Script::new();
    script.ap1().poke(memory::OBK_S, SECRET[0]);
    let mut bytes = script.bytes();
    bytes.truncate(bytes.len() - 3);
    let redacted = redact(&bytes, &Rules::default(), &Options::default()).unwrap();
    assert!(
        redacted.bytes.len() < bytes.len() && redacted.left[0].contains("cut off"),
        "{:?}",
        redacted.left
    );
    assert!(!holds(&redacted.bytes, SECRET[0]));
    let pins = b"$timescale 1 ns $end $var wire 1 ! SWCLK $end";
    assert!(redact(pins, &Rules::default(), &Options::default()).is_err());
}

#[test]
fn a_list_of_the_wire_beside_the_packets_is_refused() {
    let mut script = Script::with(Shown::Shown);
    script.ap1().poke(memory::OBK_S, SECRET[0]);
    let clear = Options { show_secrets: true, ..Options::default() };
    let trace = crate::open_with(&script.bytes(), &clear).unwrap();
    let wanted = crate::export::Wanted {
        format: crate::export::Format::Pcapng,
        level: Level::Transaction,
        marks: true,
    };
    let mut list = Vec::new();
    crate::export::export(&trace, &wanted, &mut list).unwrap();
    let both = [script.bytes(), list].concat();
    assert!(open(&both).unwrap().warnings().iter().any(|w| matches!(w, Warning::WireBesideUsb { .. })));
    let refused = redact(&both, &Rules::default(), &Options::default()).unwrap_err().to_string();
    assert!(refused.starts_with("the secrets of the list of what was on the wire"), "{refused}");
}

/// The packets of a recording as a pcap, which has no place for a word on secrets.
fn as_pcap(recording: &[u8], big_endian: bool) -> Vec<u8> {
    let word = |n: u32| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let mut file = [word(0xA1B2_3C4D), [0, 0, 0, 0], word(0), word(0), word(1 << 18), word(220)].concat();
    if big_endian {
        file[4..8].copy_from_slice(&[0, 2, 0, 4]);
    } else {
        file[4..8].copy_from_slice(&[2, 0, 4, 0]);
    }
    let number = |at: usize| u32::from_le_bytes(recording[at..at + 4].try_into().unwrap());
    let mut at = 0;
    while at < recording.len() {
        if number(at) == 6 {
            let length = number(at + 20) as usize;
            file.extend(
                [word(0), word(number(at + 16)), word(number(at + 20)), word(number(at + 20))].concat(),
            );
            let mut packet = recording[at + 28..at + 28 + length].to_vec();
            if big_endian {
                swap(&mut packet);
            }
            file.extend(packet);
        }
        at += number(at + 4) as usize;
    }
    file
}

/// The numbers of a usbmon header the other way round.
fn swap(packet: &mut [u8]) {
    for field in [0..8, 12..14, 16..24, 24..28, 28..32, 32..36, 36..40, 48..52, 52..56, 56..60, 60..64] {
        packet[field].reverse();
    }
}

#[test]
fn a_pcap_of_either_byte_order_becomes_a_pcapng_that_says_what_is_masked() {
    for big_endian in [false, true] {
        let mut script = Script::new();
        script.ap1().write(AP, 4, memory::OBK_S);
        let before = as_pcap(&block(&mut script).bytes(), big_endian);
        assert_eq!(structure(&before), structure(&script.bytes()));
        let redacted = redact(&before, &Rules::default(), &Options::default()).unwrap();
        check(&before, &redacted);
        assert_eq!(redacted.bytes[..4], [0x0A, 0x0D, 0x0D, 0x0A]);
        assert_eq!(hidden(&redacted.bytes), 4, "big endian: {big_endian}");
    }
}

/// How many accesses of a redacted file are known to hold masks.
fn hidden(file: &[u8]) -> usize {
    let trace = open(file).unwrap();
    assert_eq!(trace.secrets(), Shown::Masked);
    trace.accesses().iter().filter(|e| matches!(&e.body, Body::Access(a) if a.secret)).count()
}

#[test]
fn masks_are_known_as_masks_wherever_they_stand() {
    let mut script = Script::with(Shown::Shown);
    script.ap1().write(AP, 4, 0x2005_0000);
    block(&mut script).poke(memory::OBK_S, SECRET[1]).peek(0x2000_0000, 7);
    let rules = Rules { also: std::iter::once(0x2005_0000..0x2005_0010).collect() };
    let redacted = redact(&script.bytes(), &rules, &Options::default()).unwrap();
    assert_eq!(hidden(&redacted.bytes), 5);
    // Once more with other masks: nothing says that they are the same, and nothing says that they are not.
    let again = redact(&script.bytes(), &rules, &Options::default()).unwrap();
    let [one, other] = [&redacted.bytes, &again.bytes].map(|bytes| open(bytes).unwrap());
    let found = crate::diff::diff(&one, &other, crate::diff::Equality::Accesses).unwrap();
    assert!(found.same(), "{:?}", found.hunks);
    assert_eq!((found.unseen.written.masked, found.values.len()), (5, 0));
    // What was redacted can be redacted again.
    let twice = redact(&redacted.bytes, &Rules::default(), &Options::default()).unwrap();
    assert_eq!((hidden(&twice.bytes), packets(&twice.bytes).len()), (5, packets(&redacted.bytes).len()));
}

#[test]
fn the_head_of_a_file_keeps_what_it_said() {
    let mut bytes = Vec::new();
    pcapng::recording(&mut bytes, "somebody: else", "test");
    let redacted = redact(&bytes, &Rules::default(), &Options::default()).unwrap();
    assert_eq!(crate::read::read(&redacted.bytes).unwrap().comment, "secrets: masked\nsomebody: else");
}
