//! Accesses to memory without regard to how they are cut: one item for each word, whatever the width and the block.

use super::items::{Item, access, lanes};
use super::key::{Key, Place, Value};
use crate::Secrets;
use crate::event::{Accessed, Event};
use crate::fold::is_memory;
use wire::{Ack, Addr, ApSel, Width};

/// Bytes of one word that were moved by neighbouring accesses in one direction.
#[derive(Debug)]
struct Open {
    item: Item,
    ap: ApSel,
    word: Addr,
    lanes: u8,
    write: bool,
    value: Option<u32>,
    secret: bool,
    /// Where the next access must begin to belong to it.
    next: Addr,
}

/// Collects items.
#[derive(Debug)]
pub(super) struct Cells {
    secrets: Secrets,
    out: Vec<Item>,
    open: Option<Open>,
}

impl Cells {
    pub(super) fn with_capacity(items: usize, secrets: Secrets) -> Cells {
        Cells { secrets, out: Vec::with_capacity(items), open: None }
    }

    pub(super) fn other(&mut self, item: Item) {
        self.close();
        self.out.push(item);
    }

    pub(super) fn access(&mut self, event: &Event, index: usize, a: &Accessed) {
        if a.ack != Ack::OK || !is_memory(a.access) {
            let (key, value) = access(a, self.secrets);
            self.other(Item::of(event, index, key, value));
            return;
        }
        let Accessed { access: one, secret, .. } = *a;
        let (word, lanes) = (Addr(one.at.0 & !3), lanes(one.at, one.width));
        let shift = (one.at.0 & 3) * 8;
        let value = one.value.map(|value| (value & one.width.mask()) << shift);
        let next = one.at.plus(one.width.bytes());
        if let Some(open) = &mut self.open
            && (open.ap, open.word, open.write, open.next) == (one.ap, word, one.write, one.at)
        {
            open.item.ended = super::items::nanos(event.until);
            open.item.events += 1;
            open.lanes |= lanes;
            open.value = open.value.zip(value).map(|(a, b)| a | b);
            open.secret |= secret;
            open.next = next;
        } else {
            self.close();
            let item = Item::of(event, index, access(a, self.secrets).0, None);
            let write = one.write;
            self.open = Some(Open { item, ap: one.ap, word, lanes, write, value, secret, next });
        }
        // A word is complete at its end: what follows in the next one is another.
        if self.open.as_ref().is_some_and(|open| open.next.0 & 3 == 0) {
            self.close();
        }
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let place = Place::Memory { ap: open.ap, at: open.word, lanes: open.lanes, width: None::<Width> };
        let value = Some(Value::of(open.value, open.secret, self.secrets));
        let (written, read) = if open.write { (value, None) } else { (None, value) };
        let key = Key { place, written, ack: Ack::OK, read: None, matching: None };
        self.out.push(Item { key, read, secret: open.secret, ..open.item });
    }

    pub(super) fn finish(mut self) -> Vec<Item> {
        self.close();
        self.out
    }
}
