//! Samples that stand one behind the other, a few bytes each with a bit for each channel.

use super::channels::Pins;
use super::intake::Intake;
use std::ops::ControlFlow;

/// Samples that are looked at together.
const GROUP: usize = 64;
/// Samples between two calls of the decoder.
const BATCH: usize = 1 << 14;
/// Samples that are compared at a time, where it is likely that nothing happens.
const PAGE: usize = 1 << 12;
/// Bit 0 of every byte of a word.
const LOWEST: u64 = 0x0101_0101_0101_0101;
/// Brings bit 0 of byte n to bit 56 + n.
const GATHER: u64 = 0x0102_0408_1020_4080;

/// Where a channel is in a sample.
#[derive(Debug, Clone, Copy)]
struct Place {
    byte: usize,
    bit: u32,
}

impl Place {
    fn new(channel: usize) -> Place {
        Place { byte: channel / 8, bit: u32::try_from(channel % 8).unwrap_or_default() }
    }

    /// The channel in 64 samples of one byte, the first in bit 0.
    fn of_bytes(self, group: &[u8; GROUP]) -> u64 {
        let (words, _) = group.as_chunks::<8>();
        words.iter().rev().fold(0, |mask, word| {
            let bits = (u64::from_le_bytes(*word) >> self.bit) & LOWEST;
            mask << 8 | bits.wrapping_mul(GATHER) >> 56
        })
    }

    /// The channel in up to 64 samples of several bytes.
    fn of_samples(self, samples: &[u8], unit: usize) -> u64 {
        samples.chunks_exact(unit).rev().fold(0, |mask, sample| {
            let byte = sample.get(self.byte).copied().unwrap_or_default();
            mask << 1 | u64::from(byte >> self.bit & 1)
        })
    }
}

/// Finds the rises of SWCLK in packed samples.
#[derive(Debug)]
pub(super) struct Packed {
    unit: usize,
    swclk: Place,
    swdio: Place,
    nrst: Option<Place>,
    /// The levels of the last sample in bit 0; `None` before the first.
    last: Option<Last>,
    /// How many samples have been seen.
    pub(super) samples: u64,
    /// Bytes of a sample that is not complete.
    part: Vec<u8>,
}

/// Samples of one byte in which SWCLK and nRESET stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Still {
    first: u8,
    last: u8,
    count: u64,
}

impl Still {
    /// The samples, if the watched bits stay in all of them.
    pub(super) fn of(bytes: &[u8], watched: u8) -> Option<Still> {
        let (first, last) = (*bytes.first()?, *bytes.last()?);
        let stays = |page: &[u8]| page.iter().fold(0, |seen, byte| seen | (byte ^ first)) & watched == 0;
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        bytes.chunks(PAGE).all(stays).then_some(Still { first, last, count })
    }

    /// Both together, if the watched bits stay between them too.
    pub(super) fn join(self, next: Still, watched: u8) -> Option<Still> {
        let stays = (self.first ^ next.first) & watched == 0;
        let count = self.count.saturating_add(next.count);
        stays.then_some(Still { last: next.last, count, ..self })
    }
}

#[derive(Debug, Clone, Copy)]
struct Last {
    swclk: u64,
    swdio: u64,
    nrst: u64,
    /// The sample itself, where it is one byte.
    byte: u8,
}

impl Packed {
    /// For samples of `unit` bytes.
    pub(super) fn new(unit: usize, pins: Pins) -> Packed {
        Packed {
            unit: unit.max(1),
            swclk: Place::new(pins.swclk),
            swdio: Place::new(pins.swdio),
            nrst: pins.nrst.map(Place::new),
            last: None,
            samples: 0,
            part: Vec::new(),
        }
    }

    /// Takes more bytes.
    pub(super) fn feed(&mut self, bytes: &[u8], intake: &mut Intake) -> ControlFlow<()> {
        let mut rest = bytes;
        if !self.part.is_empty() {
            let missing = (self.unit - self.part.len()).min(rest.len());
            let (head, tail) = rest.split_at(missing);
            self.part.extend_from_slice(head);
            rest = tail;
            if self.part.len() < self.unit {
                return ControlFlow::Continue(());
            }
            let sample = std::mem::take(&mut self.part);
            self.samples_of_any_size(&sample, intake);
        }
        let whole = rest.len() - rest.len() % self.unit;
        let (samples, part) = rest.split_at(whole);
        for batch in samples.chunks(BATCH * self.unit) {
            if self.unit == 1 {
                self.bytes(batch, intake);
            } else {
                batch.chunks(GROUP * self.unit).for_each(|group| self.samples_of_any_size(group, intake));
            }
            if !intake.digest() {
                return ControlFlow::Break(());
            }
        }
        self.part.extend_from_slice(part);
        ControlFlow::Continue(())
    }

    /// The bits of a sample that must stay for nothing to happen; `None` where samples have more bytes than one.
    pub(super) fn watched(&self) -> Option<u8> {
        let bit = |place: Place| 1u8 << place.bit;
        (self.unit == 1).then(|| bit(self.swclk) | self.nrst.map_or(0, bit))
    }

    /// Takes samples of one byte in which nothing happens but at their beginning.
    pub(super) fn still(&mut self, still: Still, intake: &mut Intake) -> ControlFlow<()> {
        self.feed(&[still.first], intake)?;
        self.samples += still.count.saturating_sub(1);
        if let Some(last) = &mut self.last {
            // What is watched stayed; SWDIO may be another.
            last.swdio = u64::from(still.last >> self.swdio.bit & 1);
        }
        ControlFlow::Continue(())
    }

    /// How many bytes came.
    pub(super) fn volume(&self) -> u64 {
        self.samples.saturating_mul(u64::try_from(self.unit).unwrap_or(u64::MAX))
    }

    /// How many bytes of an incomplete sample are left over.
    pub(super) fn left_over(&self) -> usize {
        self.part.len()
    }

    fn bytes(&mut self, bytes: &[u8], intake: &mut Intake) {
        let watched = self.watched().unwrap_or(u8::MAX);
        let (groups, rest) = bytes.as_chunks::<GROUP>();
        for group in groups {
            match &mut self.last {
                Some(last) if is_still(group, last.byte, watched) => {
                    // Only SWDIO may have changed, and of that only what it is now counts.
                    let byte = group.last().copied().unwrap_or_default();
                    last.swdio = u64::from(byte >> self.swdio.bit & 1);
                    self.samples += GROUP as u64;
                }
                _ => {
                    let nrst = self.nrst.map_or(u64::MAX, |place| place.of_bytes(group));
                    let masks = (self.swclk.of_bytes(group), self.swdio.of_bytes(group), nrst);
                    let byte = group.last().copied().unwrap_or_default();
                    self.masks(masks, GROUP, byte, intake);
                }
            }
        }
        if !rest.is_empty() {
            self.samples_of_any_size(rest, intake);
        }
    }

    /// Up to 64 samples.
    fn samples_of_any_size(&mut self, samples: &[u8], intake: &mut Intake) {
        let count = samples.len() / self.unit;
        let of = |place: Place| place.of_samples(samples, self.unit);
        let masks = (of(self.swclk), of(self.swdio), self.nrst.map_or(u64::MAX, of));
        self.masks(masks, count, samples.last().copied().unwrap_or_default(), intake);
    }

    /// SWCLK, SWDIO and nRESET of up to 64 samples.
    fn masks(&mut self, masks: (u64, u64, u64), count: usize, byte: u8, intake: &mut Intake) {
        let (swclk, swdio, nrst) = masks;
        let used = if count >= GROUP { u64::MAX } else { (1 << count) - 1 };
        let last = match self.last {
            Some(last) => last,
            None => {
                if nrst & 1 == 0 {
                    intake.decoder.reset(self.samples, true);
                }
                Last { swclk: swclk & 1, swdio: swdio & 1, nrst: nrst & 1, byte }
            }
        };
        let rises = swclk & !(swclk << 1 | last.swclk) & used;
        intake.decoder.clocks.push_all(rises, swdio << 1 | last.swdio, self.samples);
        let mut changes = (nrst ^ (nrst << 1 | last.nrst)) & used;
        while changes != 0 {
            let place = changes.trailing_zeros();
            intake.decoder.reset(self.samples + u64::from(place), nrst >> place & 1 == 0);
            changes &= changes - 1;
        }
        let end = |mask: u64| mask >> count.saturating_sub(1) & 1;
        self.last = Some(Last { swclk: end(swclk), swdio: end(swdio), nrst: end(nrst), byte });
        self.samples += u64::try_from(count).unwrap_or_default();
    }
}

/// Whether the watched bits are in all samples what they were in the last one.
fn is_still(group: &[u8; GROUP], last: u8, watched: u8) -> bool {
    group.iter().fold(0, |changed, sample| changed | (sample ^ last)) & watched == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The clocks that a straightforward loop finds.
    fn slowly(samples: &[(bool, bool)]) -> Vec<(bool, u64)> {
        let pairs = samples.windows(2).enumerate();
        pairs.filter(|(_, pair)| !pair[0].0 && pair[1].0).map(|(n, pair)| (pair[0].1, n as u64 + 1)).collect()
    }

    fn quickly(samples: &[(bool, bool)], unit: usize, pins: Pins, cut: usize) -> Vec<(bool, u64)> {
        let mut bytes = Vec::new();
        for (clk, dio) in samples {
            let sample = u64::from(*clk) << pins.swclk | u64::from(*dio) << pins.swdio | 0x4000_0000;
            bytes.extend_from_slice(&sample.to_le_bytes()[..unit]);
        }
        let (mut packed, mut intake) = (Packed::new(unit, pins), Intake::new());
        let (head, tail) = bytes.split_at(cut.min(bytes.len()));
        for bytes in [head, tail] {
            let _ = match packed.watched().and_then(|watched| Still::of(bytes, watched)) {
                Some(still) => packed.still(still, &mut intake),
                None => packed.feed(bytes, &mut intake),
            };
        }
        assert_eq!((packed.samples, packed.left_over()), (samples.len() as u64, 0));
        let clocks = &intake.decoder.clocks;
        (0..clocks.len()).map(|n| (clocks.bit(n), clocks.tick(n))).collect()
    }

    proptest::proptest! {
        #[test]
        fn clocks_are_those_of_a_straightforward_loop(
            runs in proptest::collection::vec((1usize..200, proptest::prelude::any::<(bool, bool)>()), 0..40),
            unit in 1usize..4, swclk in 0usize..8, swdio in 0usize..8, cut in 0usize..300,
        ) {
            proptest::prop_assume!(swclk != swdio);
            let samples: Vec<(bool, bool)> =
                runs.into_iter().flat_map(|(count, levels)| std::iter::repeat_n(levels, count)).collect();
            let pins = Pins { swclk, swdio: swdio + 8 * (unit - 1), nrst: None };
            proptest::prop_assert_eq!(quickly(&samples, unit, pins, cut), slowly(&samples));
        }
    }

    #[test]
    fn the_reset_pin_is_seen_at_its_sample() {
        let pins = Pins { swclk: 0, swdio: 1, nrst: Some(2) };
        let (mut packed, mut intake) = (Packed::new(1, pins), Intake::new());
        let samples: Vec<u8> = (0..1000).map(|n| if (300..700).contains(&n) { 0 } else { 4 }).collect();
        let _ = packed.feed(&samples, &mut intake);
        intake.scale = super::super::intake::Scale::Rate(1000);
        intake.end();
        let told: Vec<String> =
            intake.events.iter().map(|e| format!("{} {}", e.at.as_millis(), crate::text::line(e))).collect();
        assert_eq!(told, ["300 nRESET low", "700 nRESET released"]);
    }
}
