use super::*;
use proptest::prelude::*;
use std::path::Path;

const TIME: &str = "2026-01-01T00:00:00.000Z";
const UID: &str = "0102";

fn open<S: Store>(store: S) -> Result<Journal<S>, StoreError> {
    Journal::open(store, UID, Seal::with([1; 32]))
}

fn story() -> Vec<Event> {
    vec![
        Event::Begin { content: "c1".into(), state: "OPEN (0xED)".into() },
        Event::FlashRight { firmware: "f1".into() },
        Event::OptionsRight { options: "o1".into() },
        Event::StateIntent { to: "PROVISIONING (0x17)".into() },
        Event::StateReached { state: "PROVISIONING (0x17)".into() },
        Event::ObkIntent { obk: "k1".into() },
        Event::ObkReceipt { obk: "k1".into(), route: "direct".into() },
        Event::GatePassed { soc_id: "00".into() },
        Event::StateIntent { to: "CLOSED (0x72)".into() },
        Event::ClosedProven { content: "c1".into() },
    ]
}

fn written(events: &[Event]) -> MemoryStore {
    let store = MemoryStore::default();
    let mut journal = open(store.clone()).unwrap();
    for event in events {
        journal.append(TIME, event.clone()).unwrap();
    }
    store
}

#[test]
fn what_was_written_is_read_back() {
    let store = written(&story());
    let journal = open(store).unwrap();
    assert_eq!(journal.events(), story());
    assert_eq!(journal.receipts().closed.as_deref(), Some("c1"));
}

#[test]
fn a_journal_cut_at_any_byte_loses_at_most_its_last_line() {
    let store = written(&story());
    let bytes = store.bytes();
    for end in 0..=bytes.len() {
        let cut = MemoryStore::holding(&bytes[..end]);
        let mut journal = open(cut.clone()).unwrap_or_else(|e| panic!("cut at {end}: {e}"));
        let whole = bytes[..end].iter().filter(|b| **b == b'\n').count();
        assert_eq!(journal.events(), &story()[..whole], "cut at {end}");
        journal.append(TIME, Event::Regressed).unwrap();
        assert_eq!(open(cut).unwrap().events().len(), whole + 1, "cut at {end}");
    }
}

#[test]
fn a_last_line_with_a_hole_is_dropped_like_a_torn_one() {
    let store = written(&story());
    let mut bytes = store.bytes();
    let len = bytes.len();
    bytes[len - 30..len - 10].fill(0);
    assert_eq!(open(MemoryStore::holding(&bytes)).unwrap().events().len(), story().len() - 1);
}

#[test]
fn a_changed_line_in_the_middle_is_an_error_that_names_it() {
    let store = written(&story());
    let text =
        String::from_utf8(store.bytes()).unwrap().replacen("\"firmware\":\"f1\"", "\"firmware\":\"f2\"", 1);
    let e = open(MemoryStore::holding(text.as_bytes())).unwrap_err();
    assert!(matches!(e, StoreError::Damaged { line: 2, .. }), "{e}");
}

#[test]
fn the_journal_of_another_part_is_refused_and_left_as_it_is() {
    let store = written(&story());
    let bytes = store.bytes();
    let e = Journal::open(store.clone(), "0103", Seal::with([1; 32])).unwrap_err();
    assert!(matches!(&e, StoreError::OtherPart { part, found } if part == "0103" && found == UID), "{e}");
    assert_eq!(store.bytes(), bytes);
}

#[test]
fn a_missing_line_is_noticed() {
    let store = written(&story());
    let text = String::from_utf8(store.bytes()).unwrap();
    let without: Vec<_> = text.lines().enumerate().filter(|(n, _)| *n != 3).map(|(_, l)| l).collect();
    let e = open(MemoryStore::holding((without.join("\n") + "\n").as_bytes())).unwrap_err();
    assert!(matches!(e, StoreError::Damaged { line: 4, .. }), "{e}");
}

#[test]
fn an_intent_voids_the_receipt_until_the_next_one() {
    let mut receipts = Receipts::default();
    story().iter().for_each(|e| receipts.take(e));
    assert!(receipts.gate);
    receipts.take(&Event::ObkIntent { obk: "k2".into() });
    assert_eq!((receipts.obk.clone(), receipts.gate, receipts.closed.clone()), (None, false, None));
    receipts.take(&Event::GatePassed { soc_id: "00".into() });
    assert!(!receipts.gate, "a gate without a receipt vouches for nothing");
    receipts.take(&Event::ObkReceipt { obk: "k2".into(), route: "direct".into() });
    assert_eq!(receipts.obk.as_deref(), Some("k2"));
    assert!(!receipts.gate);
}

#[test]
fn a_regression_voids_everything() {
    let mut receipts = Receipts::default();
    story().iter().for_each(|e| receipts.take(e));
    receipts.take(&Event::RegressIntent);
    assert!(receipts.regressing && receipts.closed.is_some(), "the part may still be closed");
    receipts.take(&Event::Regressed);
    assert_eq!(receipts, Receipts::default());
}

#[test]
fn a_part_that_is_seen_further_back_than_the_journal_took_it_was_regressed_elsewhere() {
    let mut closed = Receipts::default();
    story().iter().for_each(|e| closed.take(e));
    let seen = |state: &str, receipts: &Receipts| {
        let mut receipts = receipts.clone();
        receipts.take(&Event::Begin { content: "c1".into(), state: state.into() });
        receipts
    };
    assert_eq!(seen("CLOSED (0x72)", &closed), closed);
    assert_eq!(seen("PROVISIONING (0x17)", &closed), Receipts::default());
    assert_eq!(seen("OPEN (0xED)", &closed), Receipts::default());
    let mut gated = Receipts::default();
    story().iter().take(8).for_each(|e| gated.take(e));
    assert_eq!(seen("PROVISIONING (0x17)", &gated), gated, "on its way, nothing went back");
    gated.take(&Event::StateIntent { to: "CLOSED (0x72)".into() });
    assert!(gated.closing);
    assert!(!seen("PROVISIONING (0x17)", &gated).closing, "that change did not take");
    assert!(seen("CLOSED (0x72)", &gated).closing);
    gated.take(&Event::RegressIntent);
    assert_eq!(seen("PROVISIONING (0x17)", &gated), Receipts::default());
}

#[cfg(unix)]
#[test]
fn a_device_is_no_place_to_keep_anything() {
    let e = FileStore::open(Path::new("/dev/null")).unwrap_err();
    assert!(e.to_string().contains("no regular file"), "{e}");
}

#[test]
fn a_record_waits_for_its_turn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.jsonl");
    let first = FileStore::open_in_turn(&path).unwrap();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| FileStore::open_in_turn(&path).and_then(|mut s| s.append(b"second\n")));
        { first }.append(b"first\n").unwrap();
        second.join().unwrap().unwrap();
    });
    assert_eq!(std::fs::read(&path).unwrap(), b"first\nsecond\n");
}

#[test]
fn a_file_is_locked_while_it_is_open_and_survives() {
    let folder = tempfile::tempdir().unwrap();
    let path = journal_path(folder.path(), UID);
    let mut journal = open(FileStore::open(&path).unwrap()).unwrap();
    journal.append(TIME, Event::Regressed).unwrap();
    assert!(matches!(FileStore::open(&path), Err(StoreError::Locked(_))));
    drop(journal);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(b"{\"n\":1,\"ti");
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(open(FileStore::open(&path).unwrap()).unwrap().events(), [Event::Regressed]);
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
}

proptest! {
    #[test]
    fn no_bytes_make_the_journal_panic_or_gain_an_event(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        at in 0usize..2000,
    ) {
        let mut journal = written(&story()).bytes();
        for (slot, byte) in journal.iter_mut().skip(at).zip(&bytes) {
            *slot = *byte;
        }
        for content in [&bytes, &journal] {
            if let Ok(journal) = open(MemoryStore::holding(content)) {
                prop_assert!(journal.events().iter().zip(story()).all(|(found, written)| *found == written));
            }
        }
    }
}
