//! What Linux' usbmon gives to `read`, made a recording of one device. [TRACE-1]
//!
//! `/dev/usbmonN` gives records one behind the other: a header of 48 bytes, then as many bytes of data as it says. They are
//! written with the header of 64 bytes that every recording of ours has.

use crate::pcapng;
use crate::read::Device;
use crate::recorder::SHOWN;
use crate::usbmon::{Head, SHORT};

/// More data than this no host controller takes at once: what says so is no record.
const MOST: usize = 16 << 20;

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
}

impl Monitor {
    /// A monitor that keeps the transfers of this device.
    pub fn new(device: Device) -> Self {
        Monitor { device, rest: Vec::new(), read: 0, kept: 0 }
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
        let mut at = 0;
        while let Some(length) = self.length(at)? {
            let record = self.rest.get(at..at + length).unwrap_or_default();
            let big_endian = cfg!(target_endian = "big");
            if let Some((head, data)) = Head::read(record, big_endian, false)
                && (Device { bus: head.bus, address: head.device }) == self.device
            {
                self.kept += 1;
                pcapng::packet(out, 0, nanos(&head), "", |out| {
                    head.write(out);
                    out.extend_from_slice(data);
                });
            }
            at += length;
        }
        self.read += u64::try_from(at).unwrap_or(u64::MAX);
        self.rest.drain(..at);
        Ok(())
    }

    /// Records of the device so far.
    pub fn kept(&self) -> u64 {
        self.kept
    }

    /// The length of the record that begins here, if it is there as a whole.
    fn length(&self, at: usize) -> Result<Option<usize>, NoRecord> {
        let rest = self.rest.get(at..).unwrap_or_default();
        let Some(header) = rest.get(..SHORT) else { return Ok(None) };
        let wrong = NoRecord(self.read + u64::try_from(at).unwrap_or(u64::MAX));
        let (head, _) = Head::read(header, cfg!(target_endian = "big"), false).ok_or(wrong)?;
        let data = usize::try_from(head.data_len).ok().filter(|length| *length <= MOST).ok_or(wrong)?;
        Ok(Some(SHORT + data).filter(|length| *length <= rest.len()))
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
    use crate::usbmon::Half;

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
}
