//! What a stretch of clocks most likely is, where the next packet is not obvious.
//!
//! Every way to take the next clocks apart has a price: a clock that belongs to nothing, a packet with an ack that nobody
//! sends, a data phase that was not expected. The cheapest way wins. So a capture that begins in the middle of a packet, a
//! lost or doubled clock, a data phase after WAIT and another turnaround all come out of the same calculation, and nothing
//! is taken for a packet only because eight bits look like a header.

use super::clocks::Clocks;
use super::lines::{LINE_RESET_CLOCKS, Switch};
use super::packet::{DataPhase, HEADER, Kind, Packet};

/// Clocks that are weighed at once.
pub(crate) const WINDOW: usize = 512;

/// So many packets are a foothold: what follows them is decided anew.
pub(crate) const FOOTHOLD: usize = 2;

/// Prices. They only have to stand in the right relation to each other.
mod price {
    /// A stretch of clocks that belong to nothing begins.
    pub(super) const STRAY: u32 = 32;
    /// The same at the beginning of a capture, where it is to be expected.
    pub(super) const STRAY_AT_FIRST: u32 = 8;
    /// Each clock of it.
    pub(super) const STRAY_CLOCK: u32 = 1;
    /// The capture ends within the packet.
    pub(super) const CUT: u32 = 4;
    /// WAIT or FAULT.
    pub(super) const REFUSED: u32 = 2;
    /// A data phase behind it that was not there the last time, or the other way round: dearer than a packet that went wrong
    /// and might be taken for it.
    pub(super) const OTHER_PHASE: u32 = 45;
    /// The same against CTRL/STAT: dearer than a packet of stray clocks.
    pub(super) const OTHER_PHASE_THAN_TOLD: u32 = 90;
    /// A write that nobody answers because nobody may.
    pub(super) const TARGETSEL: u32 = 2;
    /// Nobody answers.
    pub(super) const SILENT: u32 = 14;
    /// An ack that nobody sends.
    pub(super) const STRANGE: u32 = 20;
    /// Data with the wrong parity.
    pub(super) const SPOILED: u32 = 24;
    /// Any packet, directly behind stray clocks: without the parity of data, so few clocks prove nothing.
    pub(super) const OK_BEHIND_STRAY: u32 = 8;
    pub(super) const OTHER_BEHIND_STRAY: u32 = 48;
}

/// What stands at a place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Item {
    /// A low clock between packets.
    Idle,
    /// A clock that belongs to nothing.
    Stray,
    /// A packet.
    Packet(Packet, DataPhase),
    /// The beginning of a packet that the end of the capture cuts off.
    Cut,
    /// A line reset of so many clocks.
    LineReset(usize),
    /// A switch sequence.
    Switch(Switch),
}

impl Item {
    /// How many clocks it takes.
    pub(crate) fn clocks(&self) -> usize {
        match self {
            Item::Idle | Item::Stray => 1,
            Item::Packet(packet, phase) => packet.clocks(*phase),
            Item::Cut => usize::MAX / 2,
            Item::LineReset(clocks) => *clocks,
            Item::Switch(switch) => switch.clocks,
        }
    }
}

/// What is known when a search begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// Turnaround clocks.
    pub(crate) turnaround: usize,
    /// Whether WAIT and FAULT have a data phase.
    pub(crate) phase: DataPhase,
    /// CTRL/STAT says so.
    pub(crate) told: bool,
    /// The clock before belongs to nothing.
    pub(crate) astray: bool,
    /// Nothing was recognised yet.
    pub(crate) at_first: bool,
    /// No more clocks will come.
    pub(crate) ended: bool,
}

/// The first packets of a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Foothold {
    /// The price of the clocks up to their end.
    pub(crate) price: u32,
    /// One of them has data that fit.
    pub(crate) with_data: bool,
    /// One of them was answered WAIT or FAULT.
    pub(crate) refused: bool,
}

/// The cheapest way from a place, and what it begins with.
#[derive(Debug, Clone, Copy)]
struct Way {
    price: u32,
    first: Item,
}

const NOTHING: Way = Way { price: 0, first: Item::Idle };

/// The cheapest ways from every place of a window on: coming from recognised clocks, and from stray ones.
#[derive(Debug)]
pub(crate) struct Search {
    from_sound: Vec<Way>,
    from_stray: Vec<Way>,
    known: Known,
    /// Where stray clocks would be those with which the capture begins.
    first: Option<usize>,
}

impl Search {
    /// Weighs the clocks from `at` on.
    pub(crate) fn new(clocks: &Clocks, at: usize, known: Known) -> Search {
        let length = clocks.len().saturating_sub(at).min(WINDOW);
        let empty = || Vec::with_capacity(length);
        // Filled from the end; turned round when done.
        let first = known.at_first.then(|| at + clocks.zeros(at));
        let mut search = Search { from_sound: empty(), from_stray: empty(), known, first };
        for place in (0..length).rev() {
            search.weigh(clocks, at + place, length - place);
        }
        search.from_sound.reverse();
        search.from_stray.reverse();
        search
    }

    /// The price of the whole window.
    pub(crate) fn price(&self) -> u32 {
        let ways = if self.known.astray { &self.from_stray } else { &self.from_sound };
        ways.first().unwrap_or(&NOTHING).price
    }

    /// The first packets. What comes later may be subject to what they set.
    pub(crate) fn foothold(&self) -> Foothold {
        let mut beyond = None;
        let mut foothold = Foothold { price: 0, with_data: false, refused: false };
        let packets = self.items().filter_map(|(place, item)| match item {
            Item::Packet(packet, _) => Some((place + item.clocks(), packet.kind())),
            _ => None,
        });
        for (end, kind) in packets.take(FOOTHOLD) {
            beyond = self.from_sound.get(end);
            foothold.with_data |= kind == Kind::Ok;
            foothold.refused |= kind == Kind::Refused;
        }
        foothold.price = self.price().saturating_sub(beyond.unwrap_or(&NOTHING).price);
        foothold
    }

    /// The items from the beginning of the window on, each with its distance from there.
    pub(crate) fn items(&self) -> impl Iterator<Item = (usize, Item)> + '_ {
        let (mut place, mut astray) = (0, self.known.astray);
        std::iter::from_fn(move || {
            let ways = if astray { &self.from_stray } else { &self.from_sound };
            let item = ways.get(place)?.first;
            let here = place;
            astray = matches!(item, Item::Stray);
            place += item.clocks();
            Some((here, item))
        })
    }

    /// The cheapest way that is `ahead` clocks before the end of the window.
    fn beyond(ways: &[Way], left: usize, clocks: usize) -> u32 {
        // The ways lie in the order of their distance from the end, so this place is `left - clocks - 1`.
        left.checked_sub(clocks + 1).and_then(|place| ways.get(place)).map_or(0, |way| way.price)
    }

    /// Weighs the place that has `left` clocks of the window before it.
    fn weigh(&mut self, clocks: &Clocks, at: usize, left: usize) {
        let after_stray = Self::beyond(&self.from_stray, left, 1) + price::STRAY_CLOCK;
        let begin = if self.first == Some(at) { price::STRAY_AT_FIRST } else { price::STRAY };
        let mut sound = Way { price: after_stray + begin, first: Item::Stray };
        let mut stray = Way { price: after_stray, first: Item::Stray };
        let mut offer = |item: Item, own: u32, behind_stray: u32| {
            let price = own + Self::beyond(&self.from_sound, left, item.clocks());
            // Of two ways with one price the one that explains more is taken.
            if price <= sound.price {
                sound = Way { price, first: item };
            }
            if price + behind_stray <= stray.price {
                stray = Way { price: price + behind_stray, first: item };
            }
        };
        if clocks.bit(at) {
            packets(clocks, at, self.known, &mut offer);
            let ones = clocks.ones(at);
            if ones >= LINE_RESET_CLOCKS {
                offer(Item::LineReset(ones), 0, 0);
            }
        } else {
            offer(Item::Idle, 0, 0);
            if let Some(switch) = Switch::at(clocks, at) {
                offer(Item::Switch(switch), 0, 0);
            }
        }
        self.from_sound.push(sound);
        self.from_stray.push(stray);
    }
}

/// The packets that may begin at a place.
fn packets(clocks: &Clocks, at: usize, known: Known, offer: &mut impl FnMut(Item, u32, u32)) {
    let left = clocks.len().saturating_sub(at);
    if left < HEADER && known.ended {
        offer(Item::Cut, price::CUT, price::OTHER_BEHIND_STRAY);
    }
    let Some(packet) = Packet::at(clocks, at, known.turnaround) else { return };
    if left < packet.answered() {
        if known.ended {
            offer(Item::Cut, price::CUT, price::OTHER_BEHIND_STRAY);
        }
        return;
    }
    let mut put = |phase: DataPhase, own: u32, behind_stray: u32| {
        if left >= packet.needs(phase) {
            offer(Item::Packet(packet, phase), own, behind_stray);
        } else if known.ended {
            offer(Item::Cut, price::CUT + own, price::OTHER_BEHIND_STRAY);
        }
    };
    let other = if known.told { price::OTHER_PHASE_THAN_TOLD } else { price::OTHER_PHASE };
    match packet.kind() {
        Kind::Ok => put(DataPhase::With, 0, price::OK_BEHIND_STRAY),
        Kind::Spoiled => put(DataPhase::With, price::SPOILED, price::OTHER_BEHIND_STRAY),
        Kind::Targetsel => put(DataPhase::With, price::TARGETSEL, price::OTHER_BEHIND_STRAY),
        kind => {
            for phase in [DataPhase::Without, DataPhase::With] {
                let own = match kind {
                    Kind::Refused if phase != known.phase => price::REFUSED + other,
                    Kind::Refused => price::REFUSED,
                    Kind::Silent => price::SILENT,
                    _ => price::STRANGE,
                };
                put(phase, own, price::OTHER_BEHIND_STRAY);
            }
        }
    }
}
