//! The probes that can be had, and what each is in the words of a scenario.

use clap::ValueEnum;

/// A kind of probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Kind {
    /// CMSIS-DAP v2: bulk endpoints, high speed, packets of 512 bytes.
    #[default]
    #[value(name = "cmsis-dap-v2")]
    DapV2,
    /// CMSIS-DAP v2 at full speed, packets of 64 bytes.
    #[value(name = "cmsis-dap-v2-fs")]
    DapV2Fs,
    /// CMSIS-DAP v1: a HID at full speed, packets of 64 bytes.
    #[value(name = "cmsis-dap-v1")]
    DapV1,
    /// CMSIS-DAP v1 and v2 in one device at full speed; both interfaces talk to the same firmware.
    #[value(name = "cmsis-dap-composite")]
    Composite,
    /// ST-Link V2: the stand-alone box.
    #[value(name = "stlink-v2")]
    StLinkV2,
    /// ST-Link V2-1, the debug interface only (no mass storage, no serial port).
    #[value(name = "stlink-v2-1")]
    StLinkV21,
    /// ST-Link V3, the debug interface only (no mass storage, no serial port).
    #[value(name = "stlink-v3")]
    StLinkV3,
}

impl Kind {
    /// The items of a scenario that make this probe.
    fn items(self) -> &'static str {
        match self {
            Kind::DapV2 => "probe=cmsis-dap,profile=hs",
            Kind::DapV2Fs => "probe=cmsis-dap,profile=fs",
            Kind::DapV1 => "probe=cmsis-dap,profile=hid",
            Kind::Composite => "probe=cmsis-dap,profile=fs,serial=SIM0004",
            Kind::StLinkV2 => "probe=stlink-v2",
            Kind::StLinkV21 => "probe=stlink-v21",
            Kind::StLinkV3 => "probe=stlink-v3",
        }
    }

    /// The whole text of a scenario: what was asked for, then the probe, then further items. The last word counts. A firmware
    /// that was asked for brings its own USB; only the composite device is one whatever runs in it.
    pub(crate) fn scenario(self, asked: &str, further: &[String]) -> String {
        let named = asked.split(',').any(|item| item.trim_start().starts_with("firmware="));
        let own = match self {
            Kind::DapV2 | Kind::DapV2Fs | Kind::DapV1 if named => "probe=cmsis-dap",
            kind => kind.items(),
        };
        let mut items = vec![asked, own];
        items.extend(further.iter().map(String::as_str));
        items.join(",")
    }

    /// Whether it is an ST-Link.
    pub(crate) fn is_st_link(self) -> bool {
        matches!(self, Kind::StLinkV2 | Kind::StLinkV21 | Kind::StLinkV3)
    }

    /// The word on the command line.
    pub(crate) fn word(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::SimProbe;
    use std::collections::BTreeSet;
    use wire::UsbDevice as _;

    #[test]
    fn every_kind_is_a_probe_with_a_serial_number_of_its_own() {
        let serials: BTreeSet<_> = Kind::value_variants()
            .iter()
            .map(|kind| SimProbe::open(&kind.scenario("h563", &[])).unwrap().identity().serial)
            .collect();
        assert_eq!(serials.len(), Kind::value_variants().len(), "{serials:?}");
    }

    #[test]
    fn what_comes_last_counts() {
        let text = Kind::StLinkV3.scenario("h562,probe=cmsis-dap", &["serial=ABC".to_owned()]);
        let identity = SimProbe::open(&text).unwrap().identity();
        assert_eq!((identity.pid, identity.serial.as_str()), (0x374E, "ABC"));
    }

    #[test]
    fn a_firmware_that_is_named_brings_its_own_usb() {
        let probe = SimProbe::open(&Kind::DapV2.scenario("h562,firmware=edbg", &[])).unwrap();
        let [out, _] = probe.endpoints();
        assert_eq!((out.kind, out.max_packet), (wire::TransferKind::Interrupt, 512));
    }
}
