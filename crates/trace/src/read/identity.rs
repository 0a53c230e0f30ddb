//! Which addresses on a bus are one and the same device, one after the other: a device that is plugged in again gets a new one.

use super::{Device, Transfer};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// GET_DESCRIPTOR from a device, and the kinds of descriptors.
const GET_DESCRIPTOR: [u8; 2] = [0x80, 0x06];
const DEVICE: u8 = 1;
const STRING: u8 = 3;
/// Length of a device descriptor, and where in it the number of the serial number's string stands.
const DEVICE_LENGTH: usize = 18;
const SERIAL: usize = 16;

/// What is known of a device.
#[derive(Debug, Default)]
struct Identity {
    descriptor: Option<Vec<u8>>,
    /// Strings by number and language.
    strings: BTreeMap<[u8; 3], Vec<u8>>,
    /// First and last of its records.
    seen: Option<RangeInclusive<u64>>,
}

impl Identity {
    fn take(&mut self, transfer: &Transfer) {
        let first = self.seen.as_ref().map_or(transfer.asked, |seen| *seen.start());
        self.seen = Some(first..=transfer.order.max(transfer.asked));
        let Some([a, b, number, kind, low, high, ..]) = transfer.setup else { return };
        match ([a, b], kind) {
            (GET_DESCRIPTOR, DEVICE) if transfer.data.len() == DEVICE_LENGTH => {
                self.descriptor = Some(transfer.data.to_vec());
            }
            // The head of a string alone is asked for its length.
            (GET_DESCRIPTOR, STRING)
                if transfer.data.first().is_some_and(|n| usize::from(*n) == transfer.data.len()) =>
            {
                self.strings.insert([number, low, high], transfer.data.to_vec());
            }
            _ => {}
        }
    }

    /// The string of the serial number, of whatever language.
    fn serial(&self) -> Option<&[u8]> {
        let number = *self.descriptor.as_ref()?.get(SERIAL)?;
        self.strings.iter().find(|(key, _)| key.first() == Some(&number)).map(|(_, text)| text.as_slice())
    }

    /// Whether nothing speaks against both being one, and the descriptors speak for it.
    fn is_also(&self, other: &Identity) -> bool {
        let (Some(mine), Some(its)) = (&self.descriptor, &other.descriptor) else { return false };
        let serials = match (self.serial(), other.serial()) {
            (Some(mine), Some(its)) => mine == its,
            _ => true,
        };
        let (Some(one), Some(two)) = (&self.seen, &other.seen) else { return false };
        mine == its && serials && (one.end() < two.start() || two.end() < one.start())
    }
}

/// What is known of all devices.
#[derive(Debug, Default)]
pub(super) struct Identities(BTreeMap<Device, Identity>);

impl Identities {
    pub(super) fn take(&mut self, transfer: &Transfer) {
        self.0.entry(transfer.device).or_default().take(transfer);
    }

    /// The other addresses of a device.
    pub(super) fn other_addresses(&self, device: Device) -> Vec<Device> {
        let Some(known) = self.0.get(&device) else { return Vec::new() };
        // Address 0 is every device's, until it gets its own.
        let others = self.0.iter().filter(|(other, _)| other.bus == device.bus && other.address != 0);
        others.filter(|(_, identity)| identity.is_also(known)).map(|(other, _)| *other).collect()
    }
}
