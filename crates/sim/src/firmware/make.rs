//! Firmware that differs from Arm's reference: who it says it is, and in what it deviates. A table, one line for each
//! deviation. [DAP-12]
//!
//! Texts and sizes are those of one release that somebody has published; other releases have others. Sizes that nobody
//! has published (KitProg3, WCH-Link, J-Link, the old picoprobe's two packets) are ours.

use super::Profile;
use cmsis_dap::CommandId;

/// In what a firmware does not do as the reference does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deviation {
    /// A transaction is attempted wait_retry times, not once more; with 0 it is never made and the ack is 0. [DAP-14]
    CountsTries,
    /// A value match reads match_retry times, not once more; with 0 it never reads and does not match. [DAP-14]
    CountsMatchReads,
    /// When the value of the last read cannot be fetched, the answer has a word without meaning for it. [DAP-14]
    WordForFailedFetch,
    /// DAP_SWJ_Sequence of 256 bits (written as 0) drives none. [DAP-14]
    NoLongSequence,
    /// DAP_SWJ_Pins takes its wait for milliseconds, and lets all of it pass. [DAP-14]
    PinWaitInMillis,
    /// DAP_SWJ_Pins lets all of its wait pass before it looks. [DAP-15]
    PinWaitWhole,
    /// Each AP read is followed by an RDBUFF read. [DAP-15]
    NeverPosts,
    /// Nothing is read behind the last write. [DAP-15]
    NoWriteCheck,
    /// Idle clocks are not made. [DAP-15]
    NoIdle,
    /// The count includes the item that was refused. [DAP-15]
    CountsRefused,
    /// The mismatch bit is set in the count. [DAP-15]
    MismatchInCount,
    /// The match mask is forgotten behind each packet. [DAP-15]
    ForgetsMask,
    /// No ack and bad parity both answer 0x0F. [DAP-15]
    LumpsErrors,
    /// DAP_SWD_Configure takes one clock of turnaround without data phase, and refuses all else. [DAP-15]
    PlainSwdOnly,
    /// A command is performed when a full report of bytes has come, whatever it is made of. [DAP-16]
    WaitsForFullReport,
    /// SWCLK is what it was at power-on after a DAP_SWJ_Sequence. [DAP-16]
    ForgetsClock,
    /// Answers that wait together go as one transfer; so do packets that wait, of which only the first is seen. [USB-6]
    JoinsPackets,
    /// An answer that fills the packet size is followed by an empty transfer. [DAP-18]
    EmptyBehindFull,
    /// A command that it does not know. [DAP-10]
    Lacks(CommandId),
    /// Texts of DAP_Info end without a zero byte. [DAP-15]
    TextsWithoutZero,
}

use Deviation::*;

/// A command that lists others, and one that holds them back: newer than most firmware.
const NO_LISTS: [Deviation; 2] = [Lacks(CommandId::EXECUTE_COMMANDS), Lacks(CommandId::QUEUE_COMMANDS)];

/// What DAP_Info tells; empty where it has nothing to tell.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) vendor: &'static str,
    pub(crate) product: &'static str,
    /// The serial number is told, not only in the descriptor.
    pub(crate) serial: bool,
    pub(crate) protocol: &'static str,
    pub(crate) firmware: &'static str,
}

/// What the descriptors say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: (u16, u16),
    /// Release number, binary coded decimal.
    pub(crate) release: u16,
    pub(crate) manufacturer: &'static str,
    pub(crate) product: &'static str,
    pub(crate) serial: &'static str,
    /// Name and class of the debug interface.
    pub(crate) interface: (&'static str, u8),
}

/// A firmware.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Make {
    /// The word in a scenario.
    pub(crate) name: &'static str,
    /// `None`: the simulator's own, by profile.
    pub(crate) identity: Option<Identity>,
    pub(crate) texts: Texts,
    /// Byte 0 of its capabilities: bit 0 SWD, 1 JTAG, 4 lists of commands, 5 timer, 6 SWO by endpoint.
    pub(crate) capabilities: u8,
    pub(crate) profile: Profile,
    /// WAIT and match retries at power-on.
    pub(crate) retries: (u16, u16),
    pub(crate) deviations: &'static [Deviation],
}

impl Make {
    /// Arm's reference firmware, with a name of our own.
    pub(crate) const REFERENCE: Make = Make {
        name: "reference",
        identity: None,
        texts: Texts {
            vendor: "ackwait",
            product: "",
            serial: true,
            protocol: "2.1.2",
            firmware: env!("CARGO_PKG_VERSION"),
        },
        capabilities: 0x31,
        profile: Profile::HS,
        retries: (100, 0),
        deviations: &[],
    };

    /// The firmware with this name.
    pub(crate) fn named(name: &str) -> Option<&'static Make> {
        MAKES.iter().find(|make| make.name == name)
    }

    pub(crate) fn does(&self, deviation: Deviation) -> bool {
        self.deviations.contains(&deviation)
    }

    /// Name and class of the debug interface.
    pub(crate) fn interface(&self) -> Option<(&'static str, u8)> {
        self.identity.as_ref().map(|identity| identity.interface)
    }
}

const VENDOR: u8 = 0xFF;
const HID: u8 = 0x03;

/// DAPLink says more than the reference only in its name.
const DAPLINK: Identity = Identity {
    id: (0x0D28, 0x0204),
    release: 0x1000,
    manufacturer: "Arm",
    product: "DAPLink CMSIS-DAP",
    serial: "02400201E6DB3C5A00000000000000000000000097969902",
    interface: ("CMSIS-DAP v2", VENDOR),
};

/// All of them.
pub(crate) const MAKES: &[Make] = &[
    Make::REFERENCE,
    Make {
        name: "debugprobe",
        identity: Some(Identity {
            id: (0x2E8A, 0x000C),
            release: 0x0231,
            manufacturer: "Raspberry Pi",
            product: "Debug Probe (CMSIS-DAP)",
            serial: "E6616407E3625B29",
            interface: ("CMSIS-DAP v2 Interface", VENDOR),
        }),
        texts: Texts {
            vendor: "Raspberry Pi",
            product: "",
            serial: true,
            protocol: "2.1.1",
            firmware: "2.3.1",
        },
        profile: Profile::FS,
        ..Make::REFERENCE
    },
    Make {
        name: "picoprobe-old",
        identity: Some(Identity {
            id: (0x2E8A, 0x000C),
            release: 0x0100,
            manufacturer: "Raspberry Pi",
            product: "Picoprobe CMSIS-DAP",
            serial: "E6614103E7176A23",
            interface: ("CMSIS-DAP v2 Interface", VENDOR),
        }),
        texts: Texts { vendor: "Raspberry Pi", product: "", serial: true, protocol: "2.0.0", firmware: "" },
        capabilities: 0x11,
        profile: Profile { packet_count: 2, ..Profile::FS },
        deviations: &[JoinsPackets],
        ..Make::REFERENCE
    },
    Make {
        name: "daplink",
        identity: Some(DAPLINK),
        texts: Texts { vendor: "Arm", product: "DAPLink", serial: true, protocol: "2.1.0", firmware: "0257" },
        capabilities: 0x13,
        profile: Profile { packet_count: 5, ..Profile::FS },
        ..Make::REFERENCE
    },
    // Its own version stands where the protocol's belongs. [DAP-17]
    Make {
        name: "daplink-old",
        identity: Some(Identity { interface: ("CMSIS-DAP v1", HID), ..DAPLINK }),
        texts: Texts { vendor: "Arm", product: "DAPLink", serial: true, protocol: "0254", firmware: "" },
        capabilities: 0x13,
        profile: Profile { packet_count: 5, ..Profile::HID },
        ..Make::REFERENCE
    },
    Make {
        name: "free-dap",
        identity: Some(Identity {
            id: (0x6666, 0x9901),
            release: 0x0100,
            manufacturer: "Alex Taradov",
            product: "Generic CMSIS-DAP Adapter",
            serial: "8E04A32F",
            interface: ("CMSIS-DAP v1 Adapter", HID),
        }),
        texts: Texts {
            vendor: "Alex Taradov",
            product: "Generic CMSIS-DAP Adapter",
            serial: true,
            protocol: "v1.2",
            firmware: "",
        },
        capabilities: 0x01,
        profile: Profile { packet_count: 1, ..Profile::HID },
        retries: (100, 100),
        deviations: &[
            CountsTries,
            CountsMatchReads,
            WordForFailedFetch,
            NoLongSequence,
            PinWaitInMillis,
            NO_LISTS[0],
            NO_LISTS[1],
        ],
    },
    Make {
        name: "dap-rs",
        identity: Some(Identity {
            id: (0x1209, 0x4853),
            release: 0x0010,
            manufacturer: "Probe-rs development team",
            product: "Rusty Probe with CMSIS-DAP v1/v2 Support",
            serial: "E4635063233D5B2F",
            interface: ("CMSIS-DAP v2 Interface", VENDOR),
        }),
        texts: Texts { vendor: "", product: "", serial: false, protocol: "v0.2.0-git", firmware: "" },
        capabilities: 0x43,
        profile: Profile { packet_count: 1, ..Profile::FS },
        retries: (5, 8),
        deviations: &[
            CountsTries,
            NeverPosts,
            NoWriteCheck,
            NoIdle,
            CountsRefused,
            MismatchInCount,
            ForgetsMask,
            LumpsErrors,
            PlainSwdOnly,
            PinWaitWhole,
            TextsWithoutZero,
            NO_LISTS[0],
            NO_LISTS[1],
        ],
    },
    Make {
        name: "edbg",
        identity: Some(Identity {
            id: (0x03EB, 0x2111),
            release: 0x0101,
            manufacturer: "Atmel Corp.",
            product: "EDBG CMSIS-DAP",
            serial: "ATML2407060200000332",
            interface: ("EDBG CMSIS-DAP", HID),
        }),
        texts: Texts {
            vendor: "Atmel Corp.",
            product: "EDBG CMSIS-DAP",
            serial: true,
            protocol: "03.25.01B6",
            firmware: "",
        },
        capabilities: 0x03,
        profile: Profile {
            packet_size: 512,
            packet_count: 1,
            latency: Profile::HS.latency,
            gap: Profile::HS.gap,
            ..Profile::HID
        },
        deviations: &[WaitsForFullReport, ForgetsClock, NO_LISTS[0], NO_LISTS[1]],
        ..Make::REFERENCE
    },
    // The class of its bulk interface is 0. [USB-2]
    Make {
        name: "kitprog3",
        identity: Some(Identity {
            id: (0x04B4, 0xF155),
            release: 0x0221,
            manufacturer: "Cypress Semiconductor",
            product: "KitProg3 CMSIS-DAP",
            serial: "1A0F0C1500184400",
            interface: ("KitProg3 CMSIS-DAP BULK", 0x00),
        }),
        texts: Texts {
            vendor: "Cypress Semiconductor",
            product: "KitProg3",
            serial: true,
            protocol: "2.0.0",
            firmware: "",
        },
        capabilities: 0x13,
        profile: Profile { packet_count: 1, ..Profile::FS },
        ..Make::REFERENCE
    },
    // Nothing but its numbers says what it is. [DAP-19]
    Make {
        name: "wch-link",
        identity: Some(Identity {
            id: (0x1A86, 0x8011),
            release: 0x0105,
            manufacturer: "wch.cn",
            product: "WCH-Link",
            serial: "0001A0000001",
            interface: ("WCH-Link", HID),
        }),
        texts: Texts { vendor: "wch.cn", product: "WCH-Link", serial: true, protocol: "1.0", firmware: "" },
        capabilities: 0x03,
        profile: Profile { packet_count: 1, ..Profile::HID },
        deviations: &[Lacks(CommandId::SWD_SEQUENCE), NO_LISTS[0], NO_LISTS[1]],
        ..Make::REFERENCE
    },
    // Only its interface has the text. [USB-1]
    Make {
        name: "orbtrace",
        identity: Some(Identity {
            id: (0x1209, 0x3443),
            release: 0x0000,
            manufacturer: "Orbcode",
            product: "Orbtrace",
            serial: "35886192A2189006",
            interface: ("CMSIS-DAP v2", VENDOR),
        }),
        texts: Texts {
            vendor: "Orbcode",
            product: "Orbtrace",
            serial: true,
            protocol: "2.1.0",
            firmware: "",
        },
        capabilities: 0x03,
        profile: Profile { packet_count: 1, ..Profile::HS },
        deviations: &[EmptyBehindFull, NO_LISTS[0], NO_LISTS[1]],
        ..Make::REFERENCE
    },
    // 1.10 is no version of the protocol. [DAP-17]
    Make {
        name: "mcu-link",
        identity: Some(Identity {
            id: (0x1FC9, 0x0143),
            release: 0x0100,
            manufacturer: "NXP Semiconductors",
            product: "MCU-LINK (r0E7) CMSIS-DAP V3.108",
            serial: "BBQBZ3ZB4F0VH",
            interface: ("MCU-Link CMSIS-DAP", HID),
        }),
        texts: Texts {
            vendor: "NXP Semiconductors",
            product: "MCU-LINK (r0E7) CMSIS-DAP V3.108",
            serial: true,
            protocol: "1.10",
            firmware: "",
        },
        capabilities: 0x13,
        profile: Profile {
            packet_size: 1024,
            latency: Profile::HS.latency,
            gap: Profile::HS.gap,
            ..Profile::HID
        },
        ..Make::REFERENCE
    },
    // Its vendor's other probes speak another protocol. [USB-4]
    Make {
        name: "jlink-dap",
        identity: Some(Identity {
            id: (0x1366, 0x1080),
            release: 0x0100,
            manufacturer: "SEGGER",
            product: "J-Link",
            serial: "000821009099",
            interface: ("CMSIS-DAP v2", VENDOR),
        }),
        texts: Texts { vendor: "SEGGER", product: "J-Link", serial: true, protocol: "2.1.0", firmware: "" },
        capabilities: 0x03,
        profile: Profile { packet_count: 1, ..Profile::HS },
        deviations: &NO_LISTS,
        ..Make::REFERENCE
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::PROBE_KEYS;

    #[test]
    fn every_make_has_a_name_and_a_serial_number_of_its_own() {
        let names: std::collections::BTreeSet<_> = MAKES.iter().map(|make| make.name).collect();
        assert_eq!(names.len(), MAKES.len());
        for make in MAKES {
            assert_eq!(Make::named(make.name), Some(make));
        }
    }

    #[test]
    fn the_scenario_key_names_all_of_them() {
        let names: Vec<_> = MAKES.iter().map(|make| make.name).collect();
        let key = PROBE_KEYS.iter().find(|(key, _)| *key == "firmware");
        assert!(key.is_some_and(|(_, what)| what.starts_with(&names.join("|"))), "{names:?}");
    }

    #[test]
    fn capabilities_and_commands_agree() {
        for make in MAKES {
            let lists = !make.does(Lacks(CommandId::EXECUTE_COMMANDS));
            assert_eq!(make.capabilities & 0x10 != 0, lists, "{}", make.name);
            assert_eq!(make.capabilities & 1, 1, "{}", make.name);
        }
    }

    #[test]
    fn the_class_of_the_interface_fits_what_the_endpoints_are() {
        for make in MAKES {
            let Some((_, class)) = make.interface() else { continue };
            assert_eq!(class == HID, make.profile.is_hid(), "{}", make.name);
        }
    }
}
