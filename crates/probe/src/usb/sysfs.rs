//! What Linux already read from a device when it was plugged in. Reading it there disturbs no device and needs no permission.

use super::view::Location;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder with one entry for each device and each interface.
pub(super) const DEVICES: &str = "/sys/bus/usb/devices";

/// A text of a device: `product`, `serial`.
pub(super) fn device_text(devices: &Path, location: &Location, name: &str) -> Option<String> {
    text(devices.join(location.to_string()).join(name))
}

/// The name of an interface of the active configuration.
pub(super) fn interface_name(
    devices: &Path,
    location: &Location,
    configuration: u8,
    interface: u8,
) -> Option<String> {
    text(devices.join(format!("{location}:{configuration}.{interface}")).join("interface"))
}

/// The kernel adds one line end; anything else belongs to the text.
fn text(path: PathBuf) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    let text = String::from_utf8_lossy(bytes.strip_suffix(b"\n").unwrap_or(&bytes)).into_owned();
    (!text.is_empty()).then_some(text)
}

/// Location and interface number in the path of something that hangs on a USB interface, such as a hidraw node:
/// the last part of the form `1-2.3:1.0`.
pub(crate) fn interface_of(path: &Path) -> Option<(Location, u8)> {
    path.iter().rev().find_map(|part| {
        let (location, rest) = part.to_str()?.split_once(':')?;
        let (_configuration, interface) = rest.split_once('.')?;
        Some((location.parse().ok()?, interface.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_without_the_kernel_s_line_end_and_empty_ones_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let socket: Location = "1-2.3".parse().unwrap();
        let device = folder.path().join("1-2.3");
        let interface = folder.path().join("1-2.3:1.4");
        fs::create_dir(&device).unwrap();
        fs::create_dir(&interface).unwrap();
        fs::write(device.join("product"), "Debug Probe (CMSIS-DAP)\n").unwrap();
        fs::write(device.join("serial"), "\n").unwrap();
        fs::write(interface.join("interface"), "CMSIS-DAP v2 Interface\n").unwrap();
        let text = |name| device_text(folder.path(), &socket, name);
        assert_eq!(text("product").as_deref(), Some("Debug Probe (CMSIS-DAP)"));
        assert_eq!(text("serial"), None);
        assert_eq!(text("manufacturer"), None);
        let name = interface_name(folder.path(), &socket, 1, 4);
        assert_eq!(name.as_deref(), Some("CMSIS-DAP v2 Interface"));
    }

    #[test]
    fn a_serial_number_of_raw_bytes_keeps_its_line_ends() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("1-1")).unwrap();
        fs::write(folder.path().join("1-1/serial"), "Q\n\n").unwrap();
        let serial = device_text(folder.path(), &"1-1".parse().unwrap(), "serial");
        assert_eq!(serial.as_deref(), Some("Q\n"));
    }

    #[test]
    fn a_hidraw_node_tells_its_socket_and_interface() {
        let node = "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2.3/1-2.3:1.0/0003:0D28:0204.0004";
        assert_eq!(interface_of(Path::new(node)), Some(("1-2.3".parse().unwrap(), 0)));
        assert_eq!(interface_of(Path::new("/sys/devices/virtual/misc/uhid/0003:0D28:0204.0004")), None);
    }
}
