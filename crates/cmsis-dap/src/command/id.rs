//! Numbers with names. Each is a newtype, so a value that no specification names survives and prints as its number.

use std::fmt;

macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($(#[$item:meta])* $name:ident = $value:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(pub u8);

        impl $type {
            $($(#[$item])* pub const $name: $type = $type($value);)*

            /// Its name in the specification, if it has one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{:#04X}", self.0),
                }
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

named! {
    /// The first byte of a request, repeated as the first byte of its response.
    CommandId {
        /// Ask for a property of the probe.
        INFO = 0x00, "DAP_Info";
        /// Set a status LED.
        HOST_STATUS = 0x01, "DAP_HostStatus";
        /// Take the pins for SWD or JTAG.
        CONNECT = 0x02, "DAP_Connect";
        /// Release the pins.
        DISCONNECT = 0x03, "DAP_Disconnect";
        /// Idle cycles and retry counts.
        TRANSFER_CONFIGURE = 0x04, "DAP_TransferConfigure";
        /// A list of register accesses.
        TRANSFER = 0x05, "DAP_Transfer";
        /// Many accesses to one register.
        TRANSFER_BLOCK = 0x06, "DAP_TransferBlock";
        /// End a running transfer early; never answered.
        TRANSFER_ABORT = 0x07, "DAP_TransferAbort";
        /// Write the ABORT register.
        WRITE_ABORT = 0x08, "DAP_WriteABORT";
        /// Wait.
        DELAY = 0x09, "DAP_Delay";
        /// A device-specific reset sequence.
        RESET_TARGET = 0x0A, "DAP_ResetTarget";
        /// Drive and read pins.
        SWJ_PINS = 0x10, "DAP_SWJ_Pins";
        /// Set the SWCLK/TCK frequency.
        SWJ_CLOCK = 0x11, "DAP_SWJ_Clock";
        /// Drive SWDIO/TMS with a bit string.
        SWJ_SEQUENCE = 0x12, "DAP_SWJ_Sequence";
        /// Turnaround and data phase.
        SWD_CONFIGURE = 0x13, "DAP_SWD_Configure";
        /// Shift JTAG data.
        JTAG_SEQUENCE = 0x14, "DAP_JTAG_Sequence";
        /// Describe the JTAG chain.
        JTAG_CONFIGURE = 0x15, "DAP_JTAG_Configure";
        /// Read an IDCODE.
        JTAG_IDCODE = 0x16, "DAP_JTAG_IDCODE";
        /// How trace data travels.
        SWO_TRANSPORT = 0x17, "DAP_SWO_Transport";
        /// Trace capture mode.
        SWO_MODE = 0x18, "DAP_SWO_Mode";
        /// Trace baud rate.
        SWO_BAUDRATE = 0x19, "DAP_SWO_Baudrate";
        /// Start or stop trace capture.
        SWO_CONTROL = 0x1A, "DAP_SWO_Control";
        /// Trace capture status.
        SWO_STATUS = 0x1B, "DAP_SWO_Status";
        /// Captured trace data.
        SWO_DATA = 0x1C, "DAP_SWO_Data";
        /// Drive and listen in turn.
        SWD_SEQUENCE = 0x1D, "DAP_SWD_Sequence";
        /// More trace capture status.
        SWO_EXTENDED_STATUS = 0x1E, "DAP_SWO_ExtendedStatus";
        /// How UART data travels.
        UART_TRANSPORT = 0x1F, "DAP_UART_Transport";
        /// UART frame and baud rate.
        UART_CONFIGURE = 0x20, "DAP_UART_Configure";
        /// UART data both ways.
        UART_TRANSFER = 0x21, "DAP_UART_Transfer";
        /// Enable, disable and flush the UART.
        UART_CONTROL = 0x22, "DAP_UART_Control";
        /// UART buffer fill.
        UART_STATUS = 0x23, "DAP_UART_Status";
        /// Hold commands until a packet that is none of these arrives.
        QUEUE_COMMANDS = 0x7E, "DAP_QueueCommands";
        /// Several commands in one packet.
        EXECUTE_COMMANDS = 0x7F, "DAP_ExecuteCommands";
        /// The answer to a command that the probe does not know; never a request.
        INVALID = 0xFF, "DAP_Invalid";
    }
}

named! {
    /// What DAP_Info is asked for.
    InfoId {
        /// Vendor name (text).
        VENDOR = 0x01, "vendor";
        /// Product name (text).
        PRODUCT = 0x02, "product";
        /// Serial number (text).
        SERIAL = 0x03, "serial number";
        /// Protocol version (text).
        PROTOCOL = 0x04, "protocol version";
        /// Vendor of the target device (text).
        TARGET_VENDOR = 0x05, "target vendor";
        /// Name of the target device (text).
        TARGET_NAME = 0x06, "target name";
        /// Vendor of the board (text).
        BOARD_VENDOR = 0x07, "board vendor";
        /// Name of the board (text).
        BOARD_NAME = 0x08, "board name";
        /// Version of the probe's own firmware (text).
        FIRMWARE = 0x09, "firmware version";
        /// Capabilities (one or two bytes).
        CAPABILITIES = 0xF0, "capabilities";
        /// Frequency of the test domain timer (number).
        TIMER = 0xF1, "test domain timer";
        /// UART receive buffer (number).
        UART_RX = 0xFB, "UART receive buffer size";
        /// UART transmit buffer (number).
        UART_TX = 0xFC, "UART transmit buffer size";
        /// Trace buffer (number).
        SWO_BUFFER = 0xFD, "trace buffer size";
        /// Packets the probe can hold (number).
        PACKET_COUNT = 0xFE, "packet count";
        /// Largest packet (number).
        PACKET_SIZE = 0xFF, "packet size";
    }
}

named! {
    /// The status byte of most answers.
    Status {
        /// Done.
        OK = 0x00, "OK";
        /// Refused.
        ERROR = 0xFF, "ERROR";
    }
}

named! {
    /// A debug port protocol: what to connect as, and what was connected.
    DebugPort {
        /// The probe's default in a request; "not connected" in an answer.
        DEFAULT = 0, "default";
        /// Serial Wire Debug.
        SWD = 1, "SWD";
        /// JTAG.
        JTAG = 2, "JTAG";
    }
}

named! {
    /// A status LED.
    Led {
        /// Lit while a debugger is connected.
        CONNECTED = 0, "connected";
        /// Lit while the target runs.
        RUNNING = 1, "running";
    }
}

/// What a probe can do (DAP_Info 0xF0), both bytes in one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Capabilities(pub u16);

impl Capabilities {
    /// Serial Wire Debug.
    pub const SWD: Capabilities = Capabilities(1 << 0);
    /// JTAG.
    pub const JTAG: Capabilities = Capabilities(1 << 1);
    /// Trace over UART.
    pub const SWO_UART: Capabilities = Capabilities(1 << 2);
    /// Trace, Manchester coded.
    pub const SWO_MANCHESTER: Capabilities = Capabilities(1 << 3);
    /// DAP_ExecuteCommands and DAP_QueueCommands.
    pub const ATOMIC: Capabilities = Capabilities(1 << 4);
    /// Test domain timer (timestamps in DAP_Transfer).
    pub const TIMER: Capabilities = Capabilities(1 << 5);
    /// Trace through an endpoint of its own.
    pub const SWO_STREAMING: Capabilities = Capabilities(1 << 6);
    /// UART.
    pub const UART: Capabilities = Capabilities(1 << 7);
    /// UART as a USB COM port.
    pub const USB_COM: Capabilities = Capabilities(1 << 8);

    /// Whether all of `other` are there.
    pub const fn has(self, other: Capabilities) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The byte of DAP_SWD_Configure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SwdConfig(pub u8);

impl SwdConfig {
    /// Turnaround clocks (1 to 4; outside, the nearest) and whether a data phase follows WAIT and FAULT too.
    pub fn new(turnaround: u8, data_phase: bool) -> Self {
        SwdConfig((turnaround.clamp(1, 4) - 1) | u8::from(data_phase) << 2)
    }

    /// Turnaround clocks, 1 to 4.
    pub const fn turnaround(self) -> u8 {
        (self.0 & 3) + 1
    }

    /// Whether a data phase follows WAIT and FAULT too.
    pub const fn data_phase(self) -> bool {
        self.0 & 4 != 0
    }
}

/// Pins of DAP_SWJ_Pins that [`wire::Pins`] does not name.
pub mod pins {
    use wire::Pins;

    /// TDI.
    pub const TDI: Pins = Pins(0x04);
    /// TDO.
    pub const TDO: Pins = Pins(0x08);
    /// nTRST; 1 means released.
    pub const NTRST: Pins = Pins(0x20);
}
