//! What a pipe needs of a USB library, and the library that gives it.

use bytes::Bytes;
use rusb::{Context, DeviceHandle, Error};
use std::time::Duration;
use wire::Setup;

/// An opened device with one claimed interface. Shared between the pipe and its reader.
pub(super) trait Bus: Send + Sync + 'static {
    fn read(&self, endpoint: u8, into: &mut [u8], timeout: Duration) -> Result<usize, Error>;
    fn write(&self, endpoint: u8, data: &[u8], timeout: Duration) -> Result<usize, Error>;
    fn control(&self, setup: Setup, data: &[u8], timeout: Duration) -> Result<Bytes, Error>;
    fn clear_halt(&self, endpoint: u8) -> Result<(), Error>;
    fn reset(&self) -> Result<(), Error>;
    /// Whether the device still answers to the operating system.
    fn present(&self) -> bool;
    /// Lets go of the interface.
    fn release(&self);
}

/// A patience as libusb takes it: whole milliseconds, cut off by rusb, and 0 means forever. So it is rounded up.
pub(crate) fn whole_millis(timeout: Duration) -> Duration {
    let millis = timeout.as_nanos().div_ceil(1_000_000).clamp(1, u128::from(u32::MAX));
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::from(u32::MAX)))
}

/// libusb's device, with the interface that was claimed.
pub(super) struct Claimed {
    handle: DeviceHandle<Context>,
    interface: u8,
}

impl Claimed {
    /// Opens a device and claims an interface in one of its settings.
    pub(super) fn open(device: &rusb::Device<Context>, interface: u8, alternate: u8) -> Result<Self, Error> {
        let handle = device.open()?;
        // Not every system has drivers that could be in the way.
        if let Err(error) = handle.set_auto_detach_kernel_driver(true) {
            log::debug!("kernel drivers stay attached: {error}");
        }
        handle.claim_interface(interface)?;
        let claimed = Claimed { handle, interface };
        if alternate != 0 {
            claimed.handle.set_alternate_setting(interface, alternate).inspect_err(|_| claimed.release())?;
        }
        Ok(claimed)
    }
}

/// Bit 7 of `bmRequestType`: towards the host.
const TO_HOST: u8 = 0x80;

impl Bus for Claimed {
    fn read(&self, endpoint: u8, into: &mut [u8], timeout: Duration) -> Result<usize, Error> {
        self.handle.read_bulk(endpoint, into, whole_millis(timeout))
    }

    fn write(&self, endpoint: u8, data: &[u8], timeout: Duration) -> Result<usize, Error> {
        self.handle.write_bulk(endpoint, data, whole_millis(timeout))
    }

    fn control(&self, setup: Setup, data: &[u8], timeout: Duration) -> Result<Bytes, Error> {
        let Setup { request_type, request, value, index, length } = setup;
        let timeout = whole_millis(timeout);
        if request_type & TO_HOST == 0 {
            self.handle.write_control(request_type, request, value, index, data, timeout)?;
            return Ok(Bytes::new());
        }
        let mut answer = vec![0; usize::from(length)];
        let came = self.handle.read_control(request_type, request, value, index, &mut answer, timeout)?;
        answer.truncate(came);
        Ok(answer.into())
    }

    fn clear_halt(&self, endpoint: u8) -> Result<(), Error> {
        self.handle.clear_halt(endpoint)
    }

    fn reset(&self) -> Result<(), Error> {
        self.handle.reset()
    }

    fn present(&self) -> bool {
        self.handle.active_configuration() != Err(Error::NoDevice)
    }

    fn release(&self) {
        if let Err(error) = self.handle.release_interface(self.interface) {
            log::debug!("interface {} was not released: {error}", self.interface);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patience_is_never_cut_to_forever_or_to_less() {
        assert_eq!(whole_millis(Duration::ZERO), Duration::from_millis(1));
        assert_eq!(whole_millis(Duration::from_micros(1)), Duration::from_millis(1));
        assert_eq!(whole_millis(Duration::from_micros(1001)), Duration::from_millis(2));
        assert_eq!(whole_millis(Duration::from_secs(6)), Duration::from_secs(6));
        assert_eq!(whole_millis(Duration::MAX), Duration::from_millis(u64::from(u32::MAX)));
    }
}
