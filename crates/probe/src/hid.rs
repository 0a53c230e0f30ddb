//! CMSIS-DAP v1: one HID report for each packet.
//!
//! The operating system queues reports in both directions, so a window of packets can be written and read afterwards. It
//! takes a write within its own patience (5 s on Linux), which cannot be changed from here.

use crate::identify::{HidPlace, Trouble};
use crate::usb::{self, Location, UsbView, whole_millis};
use bytes::Bytes;
use hidapi::{HidApi, HidDevice, HidError};
use pace::Clock;
use std::ffi::CString;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use wire::{Packet, Pipe, PipeError, PipeShape, Setup, TransferKind};

mod report;

/// The longest report that Linux takes.
const LONGEST_REPORT: usize = 16 * 1024;
/// The longest report descriptor there can be.
const LONGEST_DESCRIPTOR: usize = 4096;
/// There are no report ids, which the library wants to be told with a zero before each report [USB-3].
const NO_REPORT_ID: u8 = 0;

/// The usage page of debug units [USB-3].
const VENDOR_PAGE: u16 = 0xFF00;

/// A HID interface as the operating system offers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    path: CString,
    id: (u16, u16),
    serial: Option<String>,
    usage_page: u16,
    interface: Option<u8>,
    /// Socket and interface, where the system tells.
    socket: Option<(Location, u8)>,
}

impl Node {
    /// Its usage page is that of debug units, or the system does not tell.
    fn may_debug(&self) -> bool {
        [0, VENDOR_PAGE].contains(&self.usage_page)
    }

    fn is(&self, view: &UsbView, interface: u8) -> bool {
        match &self.socket {
            Some((location, number)) => *location == view.location && *number == interface,
            None => {
                let serial = self.serial.as_deref().filter(|serial| !serial.is_empty());
                self.id == view.id
                    && self.interface.is_none_or(|number| number == interface)
                    && serial == view.serial.as_deref()
            }
        }
    }
}

/// Every HID interface. A machine without any has none, which is no error.
pub(crate) fn nodes() -> Vec<Node> {
    let api = match HidApi::new() {
        Ok(api) => api,
        Err(error) => {
            log::debug!("no HID here: {error}");
            return Vec::new();
        }
    };
    let mut all: Vec<_> = api
        .device_list()
        .map(|info| Node {
            path: info.path().to_owned(),
            id: (info.vendor_id(), info.product_id()),
            serial: info.serial_number().map(str::to_owned),
            usage_page: info.usage_page(),
            interface: u8::try_from(info.interface_number()).ok(),
            socket: socket(info.path().to_str().unwrap_or_default()),
        })
        .collect();
    // One that says what it is comes before one that does not.
    all.sort_by_key(|node| node.usage_page != VENDOR_PAGE);
    all
}

/// Where `/dev/hidraw3` hangs, from Linux's table of devices.
fn socket(path: &str) -> Option<(Location, u8)> {
    let name = path.strip_prefix("/dev/")?;
    let device = Path::new("/sys/class/hidraw").join(name).join("device");
    usb::interface_of(&device.canonicalize().ok()?)
}

/// The node of an interface. The usage page decides, except where the interface says what it is.
pub(crate) fn node<'a>(nodes: &'a [Node], view: &UsbView, place: &HidPlace) -> Option<&'a Node> {
    nodes.iter().find(|node| node.is(view, place.interface) && (place.named || node.may_debug()))
}

/// Whether a node can be opened. Several programs may have it open at once, so this cannot tell whether one has.
pub(crate) fn try_open(node: &Node) -> Result<(), Trouble> {
    device(node).map(drop)
}

fn device(node: &Node) -> Result<HidDevice, Trouble> {
    let path = node.path.to_string_lossy();
    if path.starts_with("/dev/") {
        // The library turns the reason into text; the system gives it as a number.
        let opened = std::fs::OpenOptions::new().read(true).write(true).open(&*path);
        opened.map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied => Trouble::Permission(path.to_string()),
            std::io::ErrorKind::NotFound => Trouble::Gone,
            _ if error.raw_os_error() == Some(ENODEV) => Trouble::Gone,
            _ => Trouble::System(format!("{path}: {error}")),
        })?;
    }
    let system = |error: HidError| Trouble::System(error.to_string());
    HidApi::new().and_then(|api| api.open_path(&node.path)).map_err(system)
}

/// A pipe over a node.
pub(crate) fn open(
    node: &Node,
    view: &UsbView,
    place: &HidPlace,
    product: &str,
    clock: Arc<dyn Clock>,
) -> Result<HidPipe, Trouble> {
    let device = device(node)?;
    let mut descriptor = vec![0; LONGEST_DESCRIPTOR];
    let length = device.get_report_descriptor(&mut descriptor).unwrap_or_else(|error| {
        log::debug!("no report descriptor: {error}");
        0
    });
    descriptor.truncate(length);
    let report = report::out_length(&descriptor).unwrap_or(usize::from(place.max_packet));
    let shape = PipeShape {
        kind: TransferKind::Interrupt,
        out_endpoint: place.out,
        in_endpoint: place.input,
        report: Some(report),
        max_packet: usize::from(place.max_packet),
        product: product.to_owned(),
        serial: view.serial.clone(),
        id: view.id,
    };
    Ok(HidPipe { device, view: view.clone(), shape, clock, ahead: None })
}

/// A pipe to an opened HID interface. Dropping it closes the interface.
pub(crate) struct HidPipe {
    device: HidDevice,
    view: UsbView,
    shape: PipeShape,
    clock: Arc<dyn Clock>,
    /// A report that was seen to be there and has not been taken.
    ahead: Option<Bytes>,
}

impl fmt::Debug for HidPipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HidPipe").field("shape", &self.shape).finish_non_exhaustive()
    }
}

// What Linux says when a device is gone, when a transfer went wrong, and when an endpoint stalled or was silent.
const EIO: i32 = 5;
const ENODEV: i32 = 19;
const EPIPE: i32 = 32;
const ETIMEDOUT: i32 = 110;
const ESHUTDOWN: i32 = 108;

fn meaning(error: &HidError, timeout: Duration) -> PipeError {
    match error {
        HidError::IoError { error } => match error.raw_os_error() {
            // hidraw says EIO to whoever reads from a device that is gone.
            Some(EIO | ENODEV | ESHUTDOWN) => PipeError::Unplugged,
            Some(EPIPE) => PipeError::Stall,
            Some(ETIMEDOUT) => PipeError::Timeout(timeout),
            _ => PipeError::Io(error.to_string()),
        },
        HidError::HidApiError { message } if message.contains("disconnected") => PipeError::Unplugged,
        error => PipeError::Io(error.to_string()),
    }
}

fn is_interrupted(error: &HidError) -> bool {
    matches!(error, HidError::IoError { error } if error.kind() == std::io::ErrorKind::Interrupted)
}

/// What the library wants to write: the missing report id and a full report.
fn outgoing(packet: &[u8], report: usize) -> Result<Vec<u8>, PipeError> {
    if packet.len() > report {
        return Err(PipeError::Overflow);
    }
    let mut bytes = Vec::with_capacity(1 + report);
    bytes.push(NO_REPORT_ID);
    bytes.extend(packet);
    bytes.resize(1 + report, 0);
    Ok(bytes)
}

impl Pipe for HidPipe {
    fn shape(&self) -> &PipeShape {
        &self.shape
    }

    fn send(&mut self, packet: &Packet, timeout: Duration) -> Result<(), PipeError> {
        let bytes = outgoing(&packet.bytes, self.shape.report.unwrap_or(self.shape.max_packet))?;
        loop {
            return match self.device.write(&bytes) {
                // How many bytes count as written depends on the system: with or without the report id.
                Ok(went) if went + 1 >= bytes.len() => Ok(()),
                Ok(_) => Err(PipeError::Timeout(timeout)),
                Err(error) if is_interrupted(&error) => continue,
                Err(error) => Err(meaning(&error, timeout)),
            };
        }
    }

    fn pending(&mut self) -> bool {
        if self.ahead.is_none() {
            let mut report = vec![0; LONGEST_REPORT];
            // What goes wrong here goes wrong again in the next transfer, which tells.
            let length = self.device.read_timeout(&mut report, 0).unwrap_or_default();
            report.truncate(length);
            self.ahead = (length > 0).then(|| report.into());
        }
        self.ahead.is_some()
    }

    fn recv(&mut self, timeout: Duration) -> Result<Bytes, PipeError> {
        if let Some(report) = self.ahead.take() {
            return Ok(report);
        }
        let start = self.clock.now();
        let mut report = vec![0; LONGEST_REPORT];
        loop {
            let left = timeout.saturating_sub(self.clock.now().saturating_sub(start));
            let millis = i32::try_from(whole_millis(left).as_millis()).unwrap_or(i32::MAX);
            match self.device.read_timeout(&mut report, millis) {
                Ok(0) if self.clock.now().saturating_sub(start) >= timeout => {
                    return Err(PipeError::Timeout(timeout));
                }
                Ok(0) => {}
                Ok(length) => {
                    report.truncate(length);
                    return Ok(report.into());
                }
                // A signal arrived; whoever catches it is asked elsewhere.
                Err(error) if is_interrupted(&error) => {}
                Err(error) => return Err(meaning(&error, timeout)),
            }
        }
    }

    /// HID leaves endpoint 0 to the operating system.
    fn control(&mut self, _: Setup, _: &[u8], _: Duration) -> Result<Bytes, PipeError> {
        Err(PipeError::Io("a HID probe's control endpoint belongs to the operating system".to_owned()))
    }

    fn reset(&mut self) -> Result<(), PipeError> {
        self.ahead = None;
        usb::reset(&self.view).map_err(|error| match error {
            rusb::Error::NoDevice | rusb::Error::NotFound => PipeError::Unplugged,
            error => PipeError::Io(error.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(serial: Option<&str>, interface: Option<u8>, socket: Option<&str>) -> Node {
        Node {
            path: c"/dev/hidraw0".to_owned(),
            id: (0x0D28, 0x0204),
            serial: serial.map(str::to_owned),
            usage_page: VENDOR_PAGE,
            interface,
            socket: socket.map(|text| (text.parse().unwrap(), 1)),
        }
    }

    fn view(serial: Option<&str>) -> UsbView {
        UsbView {
            location: "1-2".parse().unwrap(),
            address: 3,
            id: (0x0D28, 0x0204),
            release: 0,
            product: None,
            serial: serial.map(str::to_owned),
            interfaces: vec![],
        }
    }

    #[test]
    fn a_node_is_known_by_its_socket_whatever_else_is_equal() {
        assert!(node(Some("x"), Some(1), Some("1-2")).is(&view(Some("x")), 1));
        assert!(!node(Some("x"), Some(1), Some("1-3")).is(&view(Some("x")), 1));
        assert!(!node(Some("x"), Some(1), Some("1-2")).is(&view(Some("x")), 0));
    }

    #[test]
    fn without_a_socket_numbers_and_serial_decide() {
        assert!(node(Some("x"), Some(1), None).is(&view(Some("x")), 1));
        assert!(node(Some("x"), None, None).is(&view(Some("x")), 1));
        assert!(node(Some(""), Some(1), None).is(&view(None), 1));
        assert!(!node(Some("x"), Some(1), None).is(&view(Some("y")), 1));
        assert!(!node(Some("x"), Some(2), None).is(&view(Some("x")), 1));
    }

    #[test]
    fn a_packet_goes_out_as_a_full_report_behind_a_zero() {
        assert_eq!(outgoing(&[1, 2], 4).unwrap(), [0, 1, 2, 0, 0]);
        assert_eq!(outgoing(&[1, 2, 3, 4], 4).unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(outgoing(&[1; 5], 4), Err(PipeError::Overflow));
    }

    #[test]
    fn the_system_s_numbers_become_the_pipe_s_errors() {
        let io = |number| HidError::IoError { error: std::io::Error::from_raw_os_error(number) };
        let meaning = |error: HidError| meaning(&error, Duration::ZERO);
        assert_eq!(meaning(io(ENODEV)), PipeError::Unplugged);
        assert_eq!(meaning(io(EPIPE)), PipeError::Stall);
        assert_eq!(meaning(io(ETIMEDOUT)), PipeError::Timeout(Duration::ZERO));
        assert!(matches!(meaning(io(22)), PipeError::Io(_)));
        let gone = HidError::HidApiError { message: "unexpected poll error (device disconnected)".into() };
        assert_eq!(meaning(gone), PipeError::Unplugged);
        assert!(is_interrupted(&io(4)));
    }

    #[test]
    fn a_node_that_is_not_there_is_gone() {
        let node = Node { path: c"/dev/hidraw-that-never-was".to_owned(), ..node(None, None, None) };
        assert_eq!(try_open(&node), Err(Trouble::Gone));
    }

    #[test]
    fn looking_for_hid_is_no_error_on_a_machine_without_any() {
        for node in nodes() {
            assert!(!node.path.is_empty());
        }
    }

    #[test]
    fn a_usage_page_that_is_no_debug_unit_s_counts_only_where_the_interface_has_no_name() {
        let keyboard = Node { usage_page: 0x0001, ..node(Some("x"), Some(1), Some("1-2")) };
        let place = |named| HidPlace { interface: 1, out: 1, input: 0x81, max_packet: 64, named };
        let nodes = [keyboard];
        assert!(super::node(&nodes, &view(Some("x")), &place(true)).is_some());
        assert!(super::node(&nodes, &view(Some("x")), &place(false)).is_none());
    }
}
