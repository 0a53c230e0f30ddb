//! Which device on the bus is the probe, by what the system knows of it: not a word is said to any device.

use std::fs;
use std::path::Path;
use trace::read::Device;

/// A probe on the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) device: Device,
    /// Product and numbers.
    pub(crate) text: String,
}

/// SEGGER's vendor number.
const SEGGER: &str = "1366";

/// The one probe, or the one that was named.
pub(super) fn probe(sysfs: &Path, wanted: Option<Device>) -> Result<Found, String> {
    if let Some(device) = wanted {
        let named = devices(sysfs).into_iter().find(|(found, _)| found.device == device);
        return named
            .map(|(found, _)| found)
            .ok_or_else(|| format!("no device {device} is plugged in (lsusb lists them)"));
    }
    match probes(sysfs).as_slice() {
        [one] => Ok(one.clone()),
        [] => {
            Err("no CMSIS-DAP, ST-Link or J-Link is plugged in; name the probe: --device BUS.ADDRESS (lsusb)"
                .to_owned())
        }
        several => {
            let lines: Vec<String> =
                several.iter().map(|found| format!("  --device {}  {}", found.device, found.text)).collect();
            Err(format!("{} probes are plugged in; name one of them:\n{}", several.len(), lines.join("\n")))
        }
    }
}

/// All probes.
pub(crate) fn probes(sysfs: &Path) -> Vec<Found> {
    devices(sysfs).into_iter().filter(|(_, probe)| *probe).map(|(found, _)| found).collect()
}

/// Every device, and whether it is a probe.
fn devices(sysfs: &Path) -> Vec<(Found, bool)> {
    let entries = fs::read_dir(sysfs).into_iter().flatten().flatten();
    let mut found: Vec<(Found, bool)> = entries.filter_map(|entry| device(&entry.path())).collect();
    found.sort_by_key(|(found, _)| found.device);
    found
}

fn device(folder: &Path) -> Option<(Found, bool)> {
    let text = |name: &str| Some(fs::read_to_string(folder.join(name)).ok()?.trim().to_owned());
    let device = Device { bus: text("busnum")?.parse().ok()?, address: text("devnum")?.parse().ok()? };
    let (vid, pid) = (text("idVendor")?, text("idProduct")?);
    let product = text("product").unwrap_or_default();
    let st_link = u16::from_str_radix(&vid, 16) == Ok(stlink::device::VID)
        && u16::from_str_radix(&pid, 16).is_ok_and(|pid| stlink::device(pid).is_some());
    let says = |text: &str| text.contains("CMSIS-DAP");
    let probe = st_link || vid == SEGGER || says(&product) || interfaces(folder).any(|text| says(&text));
    Some((Found { device, text: format!("{product} ({vid}:{pid})").trim_start().to_owned() }, probe))
}

/// What the interfaces of a device call themselves.
fn interfaces(folder: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| fs::read_to_string(entry.path().join("interface")).ok())
}
