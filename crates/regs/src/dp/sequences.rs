//! Line sequences: bits on SWDIO while SWCLK runs, outside of any transaction. [ADI-13]

/// Bits to send on SWDIO, bit 0 of the first byte first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSequence {
    /// Plain name.
    pub name: &'static str,
    /// The bits, packed low bit first.
    pub bytes: &'static [u8],
    /// How many of them are sent; `bytes` holds exactly this many, rounded up to a byte.
    pub bits: u16,
}

const fn sequence(name: &'static str, bytes: &'static [u8]) -> LineSequence {
    // The longest table entry is 28 bytes.
    LineSequence { name, bytes, bits: (bytes.len() * 8) as u16 }
}

/// At least 50 clocks high, then at least two low. The next transfer must be a DPIDR read or a TARGETSEL write.
pub static LINE_RESET: LineSequence =
    sequence("line reset", &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00]);

/// Selects SWD on a port that is in JTAG (select code 0xE79E), with line resets around it.
pub static JTAG_TO_SWD: LineSequence = sequence(
    "JTAG to SWD",
    &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x9E, 0xE7, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00],
);

/// Selects JTAG on a port that is in SWD (select code 0xE73C).
pub static SWD_TO_JTAG: LineSequence =
    sequence("SWD to JTAG", &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x3C, 0xE7, 0xFF]);

/// The deprecated select code 0xEDB6; some old tools still send it. For naming only.
pub static JTAG_TO_SWD_OLD: LineSequence = sequence("JTAG to SWD (deprecated code 0xEDB6)", &[0xB6, 0xED]);

/// Puts an SWD port to sleep (select code 0xE3BC).
pub static SWD_TO_DORMANT: LineSequence =
    sequence("SWD to dormant", &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE3]);

/// Wakes a dormant port into SWD: 128-bit alert, activation code 0x1A, line reset.
pub static DORMANT_TO_SWD: LineSequence = sequence(
    "dormant to SWD",
    &[
        0xFF, 0x92, 0xF3, 0x09, 0x62, 0x95, 0x2D, 0x85, 0x86, 0xE9, 0xAF, 0xDD, 0xE3, 0xA2, 0x0E, 0xBC, 0x19,
        0xA0, 0xF1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00,
    ],
);

/// Puts a JTAG port to sleep (31 bits 0x33BBBBBA).
pub static JTAG_TO_DORMANT: LineSequence = sequence("JTAG to dormant", &[0xFF, 0x75, 0x77, 0x77, 0x67]);

/// Wakes a dormant port into JTAG.
pub static DORMANT_TO_JTAG: LineSequence = sequence(
    "dormant to JTAG",
    &[
        0xFF, 0x92, 0xF3, 0x09, 0x62, 0x95, 0x2D, 0x85, 0x86, 0xE9, 0xAF, 0xDD, 0xE3, 0xA2, 0x0E, 0xBC, 0x19,
        0x00, 0x00, 0x00,
    ],
);

/// All sequences, longest first, so that the first one found in a trace is the right one.
pub static SEQUENCES: &[&LineSequence] = &[
    &DORMANT_TO_SWD,
    &DORMANT_TO_JTAG,
    &JTAG_TO_SWD,
    &SWD_TO_JTAG,
    &SWD_TO_DORMANT,
    &LINE_RESET,
    &JTAG_TO_DORMANT,
    &JTAG_TO_SWD_OLD,
];
