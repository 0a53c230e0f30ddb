//! RW_MISC.

use super::*;

const BROKEN: u32 = 0x00F0_0000;

/// Runs a list; values and statuses.
fn run(probe: &mut Probe, items: &[(u8, u32)]) -> (Vec<u32>, Vec<u32>) {
    let mut data: Vec<u8> = items.iter().map(|(op, _)| *op).collect();
    data.resize(items.len().next_multiple_of(4), 0);
    data.extend(items.iter().flat_map(|(_, word)| word.to_le_bytes()));
    let mut command = vec![0xF2, 0x51];
    command.extend((items.len() as u32).to_le_bytes());
    assert_eq!(probe.send(&command, &data), None);
    let answer = probe.ask(&[0xF2, 0x52]);
    assert_eq!(answer.len(), 8 * items.len());
    let words: Vec<u32> = answer.chunks(4).map(|bytes| word(bytes, 0)).collect();
    let (values, statuses) = words.split_at(items.len());
    (values.to_vec(), statuses.to_vec())
}

#[test]
fn a_list_reads_and_writes_words_through_the_access_port_it_names() {
    let mut probe = Probe::attached("V3J13M4");
    probe.ram().words.insert(0x100, 7);
    let (values, statuses) = run(&mut probe, &[(5, 1), (3, 0x100), (1, 0x104), (2, 9), (3, 0x104)]);
    assert_eq!((values[1], values[4]), (7, 9));
    assert_eq!(statuses, [0x80; 5]);
    assert!(probe.ram().log.iter().all(|(request, _)| request.ap == 1));
}

#[test]
fn an_item_that_fails_has_its_own_status_and_the_others_go_on() {
    let mut probe = Probe::attached("V3J13M4");
    let (_, statuses) = run(&mut probe, &[(5, 1), (3, BROKEN), (3, 0x100), (9, 0), (5, 7)]);
    assert_eq!(statuses, [0x80, 0x11, 0x80, 0x08, 0x1D]);
}

#[test]
fn a_list_that_is_too_long_comes_to_nothing() {
    for (version, most) in [("V2J37S7", 64), ("V3J13M4", 1227)] {
        let mut probe = Probe::attached(version);
        let list = vec![(5, 1); most];
        assert_eq!(run(&mut probe, &list).1, vec![0x80; most]);
        let list = vec![(5, 1); most + 1];
        assert_eq!(run(&mut probe, &list).1, vec![0x08; most + 1]);
        assert_eq!(word(&probe.ask(&[0xF2, 0x53]), 4), most as u32);
    }
}

#[test]
fn results_are_fetched_once() {
    let mut probe = Probe::attached("V2J32S7");
    run(&mut probe, &[(5, 1)]);
    assert_eq!(probe.ask(&[0xF2, 0x52]), [0_u8; 0]);
}
