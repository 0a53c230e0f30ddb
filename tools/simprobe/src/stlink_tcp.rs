//! The protocol of ST's server, by which programs share an ST-Link. [TOOL-21]
//!
//! A request is a command byte with arguments of a fixed length. The answer begins with a status, but for two commands that
//! answer with plain numbers. A USB command carries the probe's sixteen bytes, the direction, and the length of the data.

use crate::device::Offered;
use crate::sockets::{Broken, Protocol};
use bytes::{BufMut as _, BytesMut};
use pace::Policy;
use std::time::Duration;
use wire::{UsbDevice as _, UsbFault};

/// Commands.
mod command {
    pub(super) const REFRESH: u8 = 0x00;
    pub(super) const COUNT: u8 = 0x01;
    pub(super) const ABOUT: u8 = 0x02;
    pub(super) const OPEN: u8 = 0x03;
    pub(super) const CLOSE: u8 = 0x04;
    pub(super) const USB: u8 = 0x05;
    pub(super) const VERSION: u8 = 0x06;
}

/// Statuses.
mod status {
    pub(super) const OK: u32 = 0x0001;
    pub(super) const TIMEOUT: u32 = 0x1001;
    pub(super) const BAD_PARAMETER: u32 = 0x1002;
    pub(super) const TRUNCATED: u32 = 0x1052;
    pub(super) const UNKNOWN: u32 = 0x1053;
}

/// Directions of a USB command.
const WRITE: u8 = 0;
const READ: u8 = 1;

/// The version of the interface. With 1, hosts would send 1 KiB at most in a command.
const API: u32 = 2;
/// The one device's number, and the number of the one connection to it.
const DEVICE: u32 = 1;
const CONNECTION: u32 = 1;
/// Bytes of a serial number.
const SERIAL: usize = 32;
/// Bytes of a USB command without data.
const USB_COMMAND: usize = 32;
/// More data than any command of an ST-Link has.
const MOST: usize = 1 << 16;

/// Something that a host waits for.
#[derive(Debug)]
enum Pending {
    /// The probe takes data until then.
    Write(Duration),
    /// So many bytes, waited for until then.
    Read(usize, Duration),
}

/// The protocol.
#[derive(Debug)]
pub(crate) struct StLinkTcp {
    pending: Option<Pending>,
    answer: BytesMut,
    patience: Duration,
}

impl StLinkTcp {
    /// A server that waits for the probe as long as a host waits for USB.
    pub(crate) fn new() -> StLinkTcp {
        StLinkTcp { pending: None, answer: BytesMut::new(), patience: Policy::default().usb.timeout }
    }

    fn status(&mut self, status: u32) {
        self.answer.put_u32_le(status);
    }

    /// Data of a known length behind the status, zeros where there are none.
    fn data(&mut self, status: u32, data: &[u8], length: usize) {
        self.status(status);
        let end = self.answer.len() + length;
        self.answer.extend(data.iter().take(length));
        self.answer.resize(end, 0);
    }

    fn simple(&mut self, device: &Offered, message: &[u8]) {
        let identity = device.identity();
        let number =
            message.get(4..8).map_or(0, |bytes| bytes.iter().rev().fold(0, |n, b| n << 8 | u32::from(*b)));
        match (message.first().copied(), message.get(1).copied()) {
            (Some(command::VERSION), _) => [API, 0, 1, 0].iter().for_each(|n| self.answer.put_u32_le(*n)),
            (Some(command::REFRESH), _) => self.status(status::OK),
            (Some(command::COUNT), _) => self.answer.put_u32_le(1),
            (Some(command::ABOUT), Some(0)) => {
                self.status(status::OK);
                self.answer.put_u32_le(DEVICE);
                let end = self.answer.len() + SERIAL;
                self.answer.extend(identity.serial.bytes().take(SERIAL));
                self.answer.resize(end, 0);
                self.answer.put_u16_le(identity.vid);
                self.answer.put_u16_le(identity.pid);
                self.answer.put_u8(0); // nobody has it for himself
            }
            (Some(command::ABOUT), _) => self.data(status::BAD_PARAMETER, &[], 41),
            (Some(command::OPEN), _) if number == DEVICE => {
                self.status(status::OK);
                self.answer.put_u32_le(CONNECTION);
            }
            (Some(command::OPEN), _) => self.data(status::BAD_PARAMETER, &[], 4),
            (Some(command::CLOSE), _) if number == CONNECTION => self.status(status::OK),
            _ => self.status(status::BAD_PARAMETER),
        }
    }

    /// A USB command whose data is complete.
    fn usb(&mut self, device: &mut Offered, message: &[u8], now: Duration) -> Result<(), Broken> {
        let (head, data) = message.split_at_checked(USB_COMMAND).unwrap_or((message, &[]));
        let length = data_length(head);
        let direction = head.get(24).copied().unwrap_or_default();
        if head.get(4..8) != Some(&CONNECTION.to_le_bytes()) {
            self.data(status::BAD_PARAMETER, &[], if direction == WRITE { 0 } else { length });
            return Ok(());
        }
        if direction != WRITE && direction != READ {
            self.data(status::UNKNOWN, &[], length); // trace
            return Ok(());
        }
        let bytes = head.get(8..24).unwrap_or_default();
        let [out, input] = device.endpoints();
        // What an earlier command left behind is not the answer to this one.
        while device.next_in(input.address).is_some_and(|at| at <= now) {
            device.take_in(input.address);
        }
        let mut taken = offer(device, out.address, bytes, now)?;
        if direction == WRITE && !data.is_empty() {
            taken = offer(device, out.address, data, taken)?;
        }
        self.pending = Some(match direction {
            READ if length > 0 => Pending::Read(length, now + self.patience),
            _ => Pending::Write(taken),
        });
        Ok(())
    }
}

/// Offers a transfer to the probe; when it was taken.
fn offer(device: &mut Offered, endpoint: u8, data: &[u8], at: Duration) -> Result<Duration, Broken> {
    match device.out(endpoint, data, at) {
        Ok(taken) => Ok(taken),
        Err(UsbFault::Lost) => Ok(at),
        Err(UsbFault::Stall) => Err(Broken(format!("the probe does not take {} bytes", data.len()))),
        Err(UsbFault::Gone) => Err(Broken("the probe was pulled out".to_owned())),
    }
}

fn data_length(head: &[u8]) -> usize {
    let length =
        head.get(28..32).map_or(0, |bytes| bytes.iter().rev().fold(0, |n, b| n << 8 | usize::from(*b)));
    length.min(MOST)
}

/// The length of the message that begins like this; `None` when more must come before that is known.
fn needed(arrived: &[u8]) -> Result<Option<usize>, Broken> {
    let Some(first) = arrived.first() else { return Ok(None) };
    Ok(match *first {
        command::REFRESH => Some(2),
        command::COUNT => Some(1),
        command::VERSION => Some(4),
        command::ABOUT | command::OPEN | command::CLOSE => Some(8),
        command::USB if arrived.len() < USB_COMMAND => None,
        command::USB => {
            let writes = arrived.get(24) == Some(&WRITE);
            Some(USB_COMMAND + if writes { data_length(arrived) } else { 0 })
        }
        other => return Err(Broken(format!("{other:#04x} is no command of the server"))),
    })
}

impl Protocol for StLinkTcp {
    fn begin(&mut self) {
        self.pending = None;
        self.answer.clear();
    }

    fn take(&mut self, device: &mut Offered, arrived: &mut BytesMut, now: Duration) -> Result<(), Broken> {
        while self.pending.is_none()
            && let Some(length) = needed(arrived)?
            && arrived.len() >= length
        {
            let message = arrived.split_to(length);
            match message.first() {
                Some(&command::USB) => self.usb(device, &message, now)?,
                _ => self.simple(device, &message),
            }
        }
        Ok(())
    }

    fn ready(&mut self, device: &mut Offered, now: Duration) -> BytesMut {
        let [_, input] = device.endpoints();
        match self.pending {
            Some(Pending::Write(until)) if until <= now => {
                self.pending = None;
                self.status(status::OK);
            }
            Some(Pending::Read(length, _)) if device.next_in(input.address).is_some_and(|at| at <= now) => {
                self.pending = None;
                let mut data = device.take_in(input.address).unwrap_or_default();
                let status = if data.len() < length { status::TRUNCATED } else { status::OK };
                self.data(status, &data.split_to(length.min(data.len())), length);
            }
            Some(Pending::Read(length, deadline)) if deadline <= now => {
                self.pending = None;
                self.data(status::TIMEOUT, &[], length);
            }
            _ => {}
        }
        std::mem::take(&mut self.answer)
    }

    fn wake(&self, device: &Offered) -> Option<Duration> {
        let [_, input] = device.endpoints();
        match self.pending.as_ref()? {
            Pending::Write(until) => Some(*until),
            Pending::Read(_, deadline) => {
                Some(device.next_in(input.address).map_or(*deadline, |at| at.min(*deadline)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;
    use pace::VirtualClock;
    use sim::SimProbe;
    use std::sync::Arc;

    fn offered() -> Offered {
        let probe = SimProbe::open(&Kind::StLinkV3.scenario("h563", &[])).unwrap();
        Offered::new(probe, Kind::StLinkV3, Arc::new(VirtualClock::new()))
    }

    /// Sends a message and gives the answer, whenever it comes.
    fn ask(server: &mut StLinkTcp, device: &mut Offered, message: &[u8]) -> Vec<u8> {
        let mut arrived = BytesMut::from(message);
        server.take(device, &mut arrived, Duration::ZERO).unwrap();
        let now = server.wake(device).unwrap_or_default();
        server.ready(device, now).to_vec()
    }

    fn usb(direction: u8, bytes: &[u8], length: u32, data: &[u8]) -> Vec<u8> {
        let mut message = vec![command::USB, 0, 0, 0, 1, 0, 0, 0];
        message.extend(bytes);
        message.resize(24, 0);
        message.extend([direction, 0, 0, 0]);
        message.extend(length.to_le_bytes());
        message.extend(data);
        message
    }

    #[test]
    fn the_one_probe_is_listed_and_opened() {
        let (mut server, mut device) = (StLinkTcp::new(), offered());
        let mut ask = |message: &[u8]| ask(&mut server, &mut device, message);
        assert_eq!(ask(&[6, 1, 0, 0]).len(), 16);
        assert_eq!(ask(&[0, 0]), [1, 0, 0, 0]);
        assert_eq!(ask(&[1]), [1, 0, 0, 0]);
        let about = ask(&[2, 0, 0, 0, 41, 0, 0, 0]);
        assert_eq!((about.len(), &about[40..]), (45, &[0x83, 0x04, 0x4E, 0x37, 0][..]));
        assert!(about[8..32].iter().all(u8::is_ascii_hexdigit));
        assert_eq!(ask(&[3, 0, 0, 0, 1, 0, 0, 0]), [1, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(ask(&[3, 0, 0, 0, 9, 0, 0, 0])[..4], [0x02, 0x10, 0, 0]);
        assert_eq!(ask(&[4, 0, 0, 0, 1, 0, 0, 0]), [1, 0, 0, 0]);
    }

    #[test]
    fn a_command_reaches_the_probe_and_its_answer_comes_back() {
        let (mut server, mut device) = (StLinkTcp::new(), offered());
        let version = ask(&mut server, &mut device, &usb(READ, &[0xFB], 12, &[]));
        assert_eq!((version.len(), version[..5].to_vec()), (16, vec![1, 0, 0, 0, 3]));
        // A mode command without an answer.
        assert_eq!(ask(&mut server, &mut device, &usb(WRITE, &[0xF3, 0x07], 0, &[])), [1, 0, 0, 0]);
        // A command that the probe does not answer.
        assert_eq!(ask(&mut server, &mut device, &usb(READ, &[0xF3, 0x07], 2, &[]))[..4], [0x01, 0x10, 0, 0]);
        // More is asked for than the probe has.
        let short = ask(&mut server, &mut device, &usb(READ, &[0xFB], 100, &[]));
        assert_eq!((short.len(), &short[..4]), (104, &[0x52, 0x10, 0, 0][..]));
        assert_eq!(ask(&mut server, &mut device, &usb(3, &[], 8, &[]))[..4], [0x53, 0x10, 0, 0]);
    }

    #[test]
    fn a_message_waits_until_it_is_complete() {
        let whole = usb(WRITE, &[0xF2, 0x08], 3, &[1, 2, 3]);
        for length in 0..whole.len() {
            let (mut server, mut device) = (StLinkTcp::new(), offered());
            let mut arrived = BytesMut::from(&whole[..length]);
            server.take(&mut device, &mut arrived, Duration::ZERO).unwrap();
            assert_eq!((arrived.len(), server.pending.is_none()), (length, true));
        }
        assert!(needed(&[0x77]).is_err());
    }
}
