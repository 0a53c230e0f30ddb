//! A disk that is full.

use super::*;
use crate::journal::{Seal, StoreError};
use std::path::Path;

/// A disk that is full after some lines.
#[derive(Debug)]
struct Full {
    shelf: MemoryShelf,
    room: Rc<RefCell<usize>>,
}

#[derive(Debug)]
struct FullStore {
    store: Box<dyn Store>,
    room: Rc<RefCell<usize>>,
}

impl Shelf for Full {
    fn open(&self, uid: &str) -> Result<Box<dyn Store>, StoreError> {
        Ok(Box::new(FullStore { store: self.shelf.open(uid)?, room: Rc::clone(&self.room) }))
    }

    fn seal(&self) -> Result<Seal, StoreError> {
        self.shelf.seal()
    }
}

impl Store for FullStore {
    fn path(&self) -> &Path {
        self.store.path()
    }

    fn read(&mut self) -> Result<Vec<u8>, StoreError> {
        self.store.read()
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let mut room = self.room.borrow_mut();
        if *room == 0 {
            return Err(StoreError::Kept { path: "journal".into(), why: "no space left".to_owned() });
        }
        *room -= 1;
        self.store.append(bytes)
    }

    fn truncate(&mut self, len: u64) -> Result<(), StoreError> {
        self.store.truncate(len)
    }
}

#[test]
fn a_disk_that_is_full_at_any_line_has_its_own_code_a_state_and_a_way_on() {
    let mut failed = 0;
    for room in 0..20 {
        let bench = Bench::new();
        let part = Fake::factory();
        let full = Full { shelf: bench.shelf.clone(), room: Rc::new(RefCell::new(room)) };
        let mut first = Fake::new(&part.cells);
        let report = run(&bench.job, &bench.goods, &mut first, &full, Limits::default(), &mut Quiet);
        never_closed_without_a_way_back(&part.cells.borrow());
        if report.result.is_ok() {
            continue;
        }
        failed += 1;
        assert_eq!(report.exit(), Exit::Storage, "{room} lines");
        let state = part.cells.borrow().state;
        let text = failure(&report).to_string();
        let seen = if state == ProductState::CLOSED { "CLOSED".to_owned() } else { state.to_string() };
        assert!(text.contains(&format!("state now:   {seen}")), "{room} lines: {text}");
        assert!(text.contains("room on the disk"), "{text}");
        assert!(bench.run(&mut Fake::new(&part.cells)).result.is_ok(), "{room} lines, then room again");
        assert_eq!(part.cells.borrow().state, ProductState::CLOSED);
    }
    assert_eq!(failed, 10, "one line of the journal after the other");
}
