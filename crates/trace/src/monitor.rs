//! What Linux' usbmon gives to `read`, made a recording of one device. [TRACE-1]
//!
//! `/dev/usbmonN` gives records one behind the other: a header of 48 bytes, then as many bytes of data as it says. They are
//! written with the header of 64 bytes that every recording of ours has.
//!
//! When nobody reads fast enough the kernel drops records and says nothing of it in what it gives. Two things tell: each
//! transfer is asked for and done in turn, so that one half without the other is a hole in a known place; and the kernel
//! counts the events of the bus, in the file `Ns` of debugfs. What is known is written as pcapng has it: before which packet
//! how many are missing, and at the end how many in all.

use crate::pcapng;
use crate::read::Device;
use crate::recorder::SHOWN;
use crate::usbmon::{Half, Head, SHORT};
use std::collections::HashMap;

/// More data than this no host controller takes at once: what says so is no record.
const MOST: usize = 16 << 20;

/// Transfers that are remembered.
const MOST_TRANSFERS: usize = 1 << 16;

/// What the monitor gives makes no sense; nothing behind it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what usbmon gives is no record, {0} bytes behind the beginning")]
pub struct NoRecord(pub u64);

/// Takes the bytes of the monitor and gives those of the recording.
#[derive(Debug)]
pub struct Monitor {
    device: Device,
    rest: Vec<u8>,
    read: u64,
    kept: u64,
    /// Records of all devices.
    records: u64,
    /// Of each transfer of the bus that was seen, whether it is under way.
    under_way: HashMap<u64, bool>,
    /// Records that must have been there, in all and since the last one that was kept.
    missing: u64,
    gap: u64,
    last: u64,
}

impl Monitor {
    /// A monitor that keeps the transfers of this device.
    pub fn new(device: Device) -> Self {
        Monitor {
            device,
            rest: Vec::new(),
            read: 0,
            kept: 0,
            records: 0,
            under_way: HashMap::new(),
            missing: 0,
            gap: 0,
            last: 0,
        }
    }

    /// The head of the recording. `about` are lines `key: value`.
    pub fn head(&self, about: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let application = concat!("swdtrace record ", env!("CARGO_PKG_VERSION"));
        pcapng::section(&mut out, &format!("{SHOWN}\n{about}\nclock: real"), application);
        pcapng::interface(
            &mut out,
            pcapng::LINKTYPE_USB_LINUX_MMAPPED,
            &format!("usbmon{}", self.device.bus),
        );
        out
    }

    /// Takes what was read, however it was cut, and appends what goes to the recording.
    ///
    /// # Errors
    /// [`NoRecord`].
    pub fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), NoRecord> {
        self.rest.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.rest);
        let mut rest = all.as_slice();
        while let Some((record, behind)) = rest.split_at_checked(self.length(rest)?) {
            let big_endian = cfg!(target_endian = "big");
            if let Some((head, data)) = Head::read(record, big_endian, false) {
                self.record(&head, data, out);
            }
            self.read += u64::try_from(record.len()).unwrap_or(u64::MAX);
            rest = behind;
        }
        self.rest = rest.to_vec();
        Ok(())
    }

    fn record(&mut self, head: &Head, data: &[u8], out: &mut Vec<u8>) {
        self.records += 1;
        let missing = self.missing_before(head);
        self.missing += missing;
        self.gap += missing;
        if !self.is_of_the_device(head) {
            return;
        }
        self.kept += 1;
        self.last = nanos(head);
        pcapng::packet_behind(out, 0, self.last, std::mem::take(&mut self.gap), |out| {
            head.write(out);
            out.extend_from_slice(data);
        });
    }

    fn is_of_the_device(&self, head: &Head) -> bool {
        Device { bus: head.bus, address: head.device } == self.device
    }

    /// How many records a transfer must have had before this one: each is asked for and done in turn.
    fn missing_before(&mut self, head: &Head) -> u64 {
        if self.under_way.len() > MOST_TRANSFERS {
            // What is done may be forgotten: it is asked for anew.
            self.under_way.retain(|_, under_way| *under_way);
        }
        let asks = head.half == Half::Submit;
        match self.under_way.insert(head.urb, asks) {
            Some(under_way) => u64::from(under_way == asks),
            // A read may have waited since before the recording began, and of another device a write too.
            None => u64::from(!asks && head.endpoint & 0x80 == 0 && self.is_of_the_device(head)),
        }
    }

    /// Records of all devices so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The end of the recording: how many records the kernel lost, by its own count where that is known and by what must have
    /// been there.
    pub fn end(&self, counted: Option<u64>, out: &mut Vec<u8>) -> u64 {
        let by_count = counted.map_or(0, |events| events.saturating_sub(self.records));
        let lost = by_count.max(self.missing);
        pcapng::statistics(out, 0, self.last, self.records.saturating_add(lost), lost);
        lost
    }

    /// Records of the device so far.
    pub fn kept(&self) -> u64 {
        self.kept
    }

    /// The length of the record that begins here; more than there is while its header is not complete.
    fn length(&self, rest: &[u8]) -> Result<usize, NoRecord> {
        let Some(header) = rest.get(..SHORT) else { return Ok(SHORT) };
        let wrong = NoRecord(self.read);
        let (head, _) = Head::read(header, cfg!(target_endian = "big"), false).ok_or(wrong)?;
        let data = usize::try_from(head.data_len).ok().filter(|length| *length <= MOST).ok_or(wrong)?;
        Ok(SHORT + data)
    }
}

fn nanos(head: &Head) -> u64 {
    let seconds = u64::try_from(head.seconds).unwrap_or(0);
    let micros = u64::try_from(head.micros).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(micros * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record as the kernel gives it: the first 48 bytes of the long header, then the data.
    fn record(device: u8, half: Half, endpoint: u8, micros: i32, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap();
        let head = Head {
            urb: u64::from(endpoint) | 0xFFFF_8880_0000_0000,
            half,
            transfer: 3,
            endpoint,
            device,
            bus: 3,
            setup: None,
            seconds: 1_790_000_000,
            micros,
            status: if half == Half::Submit { -115 } else { 0 },
            urb_len: length,
            data_len: length,
            descriptors: 0,
        };
        let mut bytes = Vec::new();
        head.write(&mut bytes);
        bytes.truncate(SHORT);
        bytes.extend_from_slice(data);
        bytes
    }

    fn session(device: u8) -> Vec<u8> {
        let answer = [5, 1, 1, 0x77, 0x24, 0xA0, 0x6B];
        [
            record(device, Half::Submit, 0x04, 0, &[5, 0, 1, 2]),
            record(device, Half::Complete, 0x04, 10, &[]),
            record(device, Half::Submit, 0x85, 20, &[]),
            record(9, Half::Complete, 0x81, 30, &[1; 100]),
            record(device, Half::Complete, 0x85, 40, &answer),
        ]
        .concat()
    }

    #[test]
    fn records_of_the_device_become_a_recording_however_they_are_cut() {
        let bytes = session(7);
        for cut in [1, 3, 47, 48, 49, 1000] {
            let mut monitor = Monitor::new(Device { bus: 3, address: 7 });
            let mut file = monitor.head("tool: test");
            bytes.chunks(cut).for_each(|chunk| monitor.take(chunk, &mut file).unwrap());
            assert_eq!(monitor.kept(), 4);
            let trace = crate::open(&file).unwrap();
            assert_eq!(trace.warnings(), []);
            let lines = crate::script::lines(&trace, wire::Level::Transaction);
            assert_eq!(lines, ["DP read 0x0 OK 0x6BA0_2477"]);
            assert_eq!(trace.events(wire::Level::Command)[0].until.as_micros(), 40);
            assert_eq!(trace.header("tool"), Some("test"));
        }
    }

    #[test]
    fn what_is_no_record_is_told_with_its_place() {
        let mut monitor = Monitor::new(Device { bus: 3, address: 7 });
        let mut bytes = session(7);
        let good = bytes.len() as u64;
        bytes.extend([0xEE; 100]);
        assert_eq!(monitor.take(&bytes, &mut Vec::new()), Err(NoRecord(good)));
    }

    #[test]
    fn a_half_without_the_other_is_a_hole_before_the_packet_that_shows_it() {
        let [ask, done] = [(Half::Submit, 1), (Half::Complete, 2)].map(|(half, at)| {
            record(7, half, 0x04, at, if half == Half::Submit { &[5, 0, 1, 2] } else { &[] })
        });
        let lost = |records: &[&[u8]]| {
            let mut monitor = Monitor::new(Device { bus: 3, address: 7 });
            let mut file = monitor.head("tool: test");
            monitor.take(&records.concat(), &mut file).unwrap();
            let lost = monitor.end(None, &mut file);
            let recording = crate::read::read(&file).unwrap();
            let told: u64 = recording.gaps.iter().map(|gap| gap.records).sum();
            assert_eq!((told, recording.lost), (lost, lost));
            lost
        };
        assert_eq!(lost(&[&ask, &done, &ask, &done]), 0);
        assert_eq!(lost(&[&ask, &ask, &done]), 1);
        assert_eq!(lost(&[&ask, &done, &done]), 1);
        assert_eq!(lost(&[&done]), 1, "nobody waits long for a write");
        assert_eq!(lost(&[&record(7, Half::Complete, 0x85, 1, &[1])]), 0, "a read may wait since before");
    }

    #[test]
    fn a_write_of_another_device_that_began_before_the_recording_is_no_hole() {
        let mut monitor = Monitor::new(Device { bus: 3, address: 7 });
        let mut file = monitor.head("tool: test");
        let records = [record(9, Half::Complete, 0x02, 1, &[]), session(7)].concat();
        monitor.take(&records, &mut file).unwrap();
        assert_eq!((monitor.end(None, &mut file), crate::open(&file).unwrap().lost()), (0, 0));
    }

    #[test]
    fn what_is_done_is_forgotten_before_what_is_under_way() {
        let mut monitor = Monitor::new(Device { bus: 3, address: 7 });
        let mut file = monitor.head("tool: test");
        monitor.take(&record(7, Half::Submit, 0x04, 0, &[5]), &mut file).unwrap();
        monitor.under_way.extend((0..=MOST_TRANSFERS as u64).map(|urb| (urb, false)));
        monitor.take(&record(7, Half::Complete, 0x04, 1, &[]), &mut file).unwrap();
        assert_eq!((monitor.under_way.len(), monitor.end(None, &mut file)), (1, 0));
    }

    #[test]
    fn the_count_of_the_kernel_tells_of_holes_whose_place_is_not_known() {
        let mut monitor = Monitor::new(Device { bus: 3, address: 7 });
        let mut file = monitor.head("tool: test");
        monitor.take(&session(7), &mut file).unwrap();
        assert_eq!(monitor.end(Some(monitor.records() + 12), &mut file), 12);
        let recording = crate::read::read(&file).unwrap();
        assert_eq!((recording.lost, recording.gaps), (12, vec![]));
    }
}
