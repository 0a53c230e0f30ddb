//! The settings that nobody outside ST knows the right value of.

/// A setting that stands for something that is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guess {
    /// The key in a scenario.
    pub key: &'static str,
    /// What it is when nothing is said.
    pub default: &'static str,
    /// What can be said, `|` between choices; a number of milliseconds or microseconds where the key ends in a unit.
    pub choices: &'static str,
    /// Id of the note in `vendor-notes/`.
    pub note: &'static str,
    /// What it changes, in one line.
    pub what: &'static str,
}

const fn guess(
    key: &'static str,
    default: &'static str,
    choices: &'static str,
    note: &'static str,
    what: &'static str,
) -> Guess {
    Guess { key, default, choices, note, what }
}

/// All guesses, ordered by key.
pub(crate) static GUESSES: &[Guess] = &[
    guess(
        "ap1.locked",
        "fault",
        "fault|absent",
        "H5-DBG-6",
        "what a shut AP1 looks like: IDR readable, or no port",
    ),
    guess("close.cuts", "reset", "now|reset", "H5-STATE-5", "when the option change to CLOSED shuts AP1"),
    guess("core.mhz", "32", "megahertz", "M33-2", "the clock of the core, at about a cycle an instruction"),
    guess(
        "da.ack",
        "read",
        "read|write",
        "H5-DA-3",
        "what clears the bit that says the debugger has taken the device's word: reading it, or writing DBG_AUTH_ACK",
    ),
    guess(
        "da.lifecycle",
        "n6",
        "class-first|class-second|n6",
        "H5-DA-9",
        "the bytes of the life cycle in a discovery: class and state, state and class, or state with exchanged digits and class",
    ),
    guess("da.magic", "h5", "h5|n6", "H5-DA-2", "the word that opens a debug authentication session"),
    guess("da.reply", "daok", "daok|echo", "H5-DA-2", "how the ROM answers the magic word"),
    guess("da.word.us", "50", "microseconds", "H5-DA-10", "how long the ROM takes for one mailbox word"),
    guess(
        "flash.bus",
        "stall",
        "stall|buffered|drop",
        "H5-FLASH-6",
        "what becomes of a word written while the flash is busy",
    ),
    guess(
        "flash.opsr",
        "reset",
        "reset|running",
        "H5-FLASH-8",
        "whether FLASH_OPSR tells of an interrupted operation only, or also of the one that is running",
    ),
    guess(
        "flash.registers",
        "answer",
        "answer|stall",
        "H5-TIMEOUT-10",
        "what an access to a flash register meets while an operation runs: an answer, or a bus that waits for its end",
    ),
    guess("ob.reset", "off", "off|on", "H5-OB-3", "whether an option change ends in a system reset"),
    guess(
        "ob.start",
        "clears",
        "clears|stays",
        "H5-TIMEOUT-0",
        "what becomes of OPTSTRT: a stand-in for a cause that nobody has thought of",
    ),
    guess("ob.torn", "half", "half|old|new|mixed", "H5-OB-5", "what an interrupted option change leaves"),
    guess(
        "ob.torn.obk",
        "kept",
        "kept|lost",
        "H5-OB-8",
        "whether an interrupted option change hides the OBK until the repair",
    ),
    guess(
        "obk.again",
        "free",
        "free|reset|power-on",
        "H5-TIMEOUT-4",
        "what the flash interface needs after a swap of OBK before it works again",
    ),
    guess(
        "obk.direct",
        "allow",
        "allow|refuse",
        "H5-OBK-10",
        "whether a debugger may program OBK through the flash registers",
    ),
    guess("obk.read", "refuse", "allow|refuse", "H5-OBK-13", "whether a debugger reads OBK outside OPEN"),
    guess(
        "obk.rss-command",
        "allow",
        "allow|refuse",
        "H5-OBK-10",
        "whether the ROM serves SBS_RSSCMDR at the next reset",
    ),
    guess(
        "obk.rsslib",
        "allow",
        "allow|refuse",
        "H5-OBK-10",
        "whether DataProvisioning works when a debugger calls it",
    ),
    guess(
        "rom.hdpl",
        "1",
        "0|1|2|3",
        "H5-TIMEOUT-8",
        "the protection level at which the ROM bootloader runs",
    ),
    guess(
        "rom.init.ms",
        "0",
        "milliseconds",
        "H5-TIMEOUT-15",
        "with a live host: for how long after AP1 opened a key written to the flash interface collides with the ROM's own set-up",
    ),
    guess("rom.open.ms", "15", "milliseconds", "H5-STATE-4", "from a reset in PROVISIONING to an open AP1"),
    guess(
        "rom.relock.us",
        "200",
        "microseconds",
        "H5-TIMEOUT-7",
        "how long an open option lock stays open (relocks)",
    ),
    guess(
        "rom.rss.ms",
        "2",
        "milliseconds",
        "H5-STATE-3",
        "how long the ROM's first stage takes after each reset",
    ),
    guess(
        "rom.usb",
        "off",
        "off|fast-clock|half-write|halted-owner|relocks|resets|shuts-port|slow-service|stalls-bus|starved",
        "H5-TIMEOUT-2",
        "what the ROM bootloader does while a USB host is there",
    ),
    guess(
        "rom.usb.ms",
        "3000",
        "milliseconds",
        "H5-TIMEOUT-12",
        "how long enumeration takes (slow-service); how long after a reset the other things happen",
    ),
    guess("rss.crc", "check", "check|ignore", "H5-OBK-8", "whether DataProvisioning looks at its CRC"),
    guess(
        "stlink.buffer",
        "6144",
        "bytes",
        "STL-30",
        "how much data of a write an ST-Link takes ahead of the wire",
    ),
    guess(
        "stlink.init",
        "idr",
        "idr|blind",
        "STL-23",
        "whether an ST-Link refuses to open an access port whose IDR is 0",
    ),
    guess("stlink.pulse.us", "1000", "microseconds", "STL-25", "how long an ST-Link's nRESET pulse is"),
    guess(
        "stlink.retry",
        "100",
        "tries",
        "STL-21",
        "how often an ST-Link tries a transaction that is answered WAIT",
    ),
    guess(
        "stlink.shut",
        "idr",
        "idr|all",
        "STL-28",
        "what an ST-Link that wants access ports to be opened gives before that: AP0 and each IDR, or nothing",
    ),
    guess(
        "stlink.sticky",
        "clear",
        "clear|keep",
        "STL-22",
        "whether an ST-Link clears the sticky flags behind a failed memory command",
    ),
    guess(
        "stlink.tar",
        "kib",
        "kib|once",
        "STL-24",
        "whether an ST-Link writes TAR again at each KiB of a memory command",
    ),
    guess(
        "stlink.write",
        "stat",
        "stat|rdbuff",
        "STL-20",
        "how an ST-Link looks at a write: CTRL/STAT, which never waits, or RDBUFF",
    ),
    guess("time.mass", "2000", "microseconds", "H5-FLASH-5", "bank and mass erase, for each sector"),
    guess("time.obk", "5000", "microseconds", "H5-FLASH-5", "erase or swap of the OBK sectors"),
    guess("time.option", "20000", "microseconds", "H5-OB-6", "an option change"),
    guess(
        "time.slow.ms",
        "0",
        "milliseconds",
        "H5-TIMEOUT-5",
        "how much longer an option change, an OBK erase or swap takes in its slow mode",
    ),
    guess(
        "time.slow.share",
        "0",
        "percent",
        "H5-TIMEOUT-5",
        "how many of these operations are in the slow mode",
    ),
    guess("tz.ns", "raz", "raz|error", "H5-DBG-5", "a non-secure access to something secure"),
    guess(
        "usb.gap.ms",
        "0",
        "milliseconds",
        "H5-TIMEOUT-16",
        "how late an answer of the probe is where the board's own USB shares its hub",
    ),
    guess("usb.gap.share", "0", "percent", "H5-TIMEOUT-16", "how many of the answers are"),
];
