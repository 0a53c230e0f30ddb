//! Which note is asked how, and why the others are not.

use super::site::{Answer, Site};
use super::word::{Moment, Spot, Word, words};
use super::{Allow, Check, Where, flash, mailbox, options, port, reset};
use Allow::{Look, Reset, Write};
use Spot::{Base, Dpidr, Idr};
use Where::{Any, Open, OpenPlain, OpenSecure, Provisioning, Reached, Shut};
use regs::h5::device::{AP0, AP1, DPIDR, Device, Family, rom_table_pidr};
use regs::h5::rcc::{self, rsr};
use regs::h5::sbs::{self, Hdpl};
use regs::h5::{dbgmcu, flash as f, memory, rss};
use regs::{coresight, m33};

/// How a note is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ask {
    /// Words, in a moment.
    Words(Moment, &'static [Word]),
    /// A measurement.
    Measure(fn(&mut Site<'_>) -> Answer),
}

impl Ask {
    pub(super) fn of(self, site: &mut Site<'_>) -> Answer {
        match self {
            Ask::Words(moment, list) => words(site, moment, list),
            Ask::Measure(measure) => measure(site),
        }
    }
}

const fn now(note: &'static str, on: Where, list: &'static [Word]) -> Check {
    Check { note, needs: Look, on, ask: Ask::Words(Moment::Now, list) }
}

const fn measure(note: &'static str, needs: Allow, on: Where, how: fn(&mut Site<'_>) -> Answer) -> Check {
    Check { note, needs, on, ask: Ask::Measure(how) }
}

/// A word behind AP0, which sees DBGMCU and ST's ROM table.
const fn debug(at: u32) -> Spot {
    Spot::Word(AP0.ap, at)
}

/// A word on the core's bus.
const fn bus(at: u32) -> Spot {
    Spot::Word(AP1.ap, at)
}

/// Peripheral id N of the ROM table behind AP0.
const fn pidr(offset: u32) -> Spot {
    debug((AP0.base & !0xFFF) + offset)
}

/// DBGMCU_SR without the bits of AP1 and of ports that do not exist: AP0 is open.
const SR_FIXED: u32 = 0x0001_FFFF;
const SR_PORTS: u32 = 0x0001_0003;
/// Bits of OPTSR that no name belongs to, so that nobody changed them: 5, 18, 19, 30.
const OPTSR_UNNAMED: u32 = 0x400C_0020;
const OPTSR_NEW: u32 = 0x0000_0020;
/// OPTCR without SWAP_BANK.
const OPTCR_FIXED: u32 = 0x7FFF_FFFF;
/// CIDR1 of a debug component.
const COMPONENT: u32 = 0x90;
/// Blocks of every Cortex-M: SCS, DWT, FPB, ITM.
const fn cidr1(block: u32) -> Word {
    Word::is(bus(block + coresight::CIDR0 + 4), COMPONENT).under(0xF0)
}

const fn new_optsr(register: u32) -> Word {
    Word::fits(bus(f::BASE + register), is_new_optsr, "0x0000_0020 in the bits without a name")
        .under(OPTSR_UNNAMED)
}

fn is_size(device: &Device, word: u32) -> Option<bool> {
    Some(device.flash_kib.iter().any(|kib| u32::from(*kib) == word))
}

fn is_idcode(device: &Device, word: u32) -> Option<bool> {
    Some(word == dbgmcu::idcode::FIXED_VALUE | u32::from(device.dev_id))
}

fn is_level(_: &Device, word: u32) -> Option<bool> {
    Some(Hdpl::ALL.iter().any(|level| level.code() == word))
}

fn pidr_is(device: &Device, index: usize, word: u32) -> Option<bool> {
    Some(rom_table_pidr(device.dev_id, 0).get(index) == Some(&word))
}

fn is_service(device: &Device, word: u32) -> Option<bool> {
    device.descriptor_magic.map(|_| device.map.rom_library.contains(word & !1))
}

fn is_magic(device: &Device, half: usize, word: u32) -> Option<bool> {
    device.descriptor_magic.map(|magic| magic.chunks(4).nth(half) == Some(word.to_le_bytes().as_slice()))
}

fn is_new_optsr(device: &Device, word: u32) -> Option<bool> {
    (device.dev_id == Family::H563.device().dev_id).then_some(word == OPTSR_NEW)
}

/// All checks, first those that only look.
pub static CHECKS: &[Check] = &[
    now(
        "H5-DBG-1",
        Reached,
        &[
            Word::is(Dpidr, DPIDR),
            Word::is(Idr(0), AP0.idr),
            Word::is(Base(0), AP0.base),
            Word::is(Idr(1), AP1.idr),
            Word::is(Base(1), AP1.base),
            Word::is(Idr(2), 0),
        ],
    ),
    now(
        "H5-DBG-2",
        Reached,
        &[Word::same(bus(dbgmcu::BASE + dbgmcu::IDCODE), debug(dbgmcu::BASE_AP0 + dbgmcu::IDCODE))],
    ),
    now("H5-DBG-3", Any, &[Word::is(debug(dbgmcu::BASE_AP0 + dbgmcu::SR), SR_PORTS).under(SR_FIXED)]),
    now(
        "H5-DBG-4",
        Any,
        &[Word::fits(debug(dbgmcu::BASE_AP0 + dbgmcu::IDCODE), is_idcode, "0x6 and a known DEV_ID")
            .under(0xFFFF)],
    ),
    measure("H5-DBG-5", Look, OpenSecure, port::secure_read),
    measure("H5-DBG-6", Look, Shut, port::shut),
    now(
        "H5-DBG-7",
        Open,
        &[Word::fits(bus(memory::FLASHSIZE), is_size, "a size of this part in KiB").under(0xFFFF)],
    ),
    now(
        "H5-DBG-8",
        Provisioning,
        &[
            Word::is(bus(memory::UID), 0).private(),
            Word::is(bus(memory::UID + 4), 0).private(),
            Word::is(bus(memory::UID + 8), 0).private(),
        ],
    ),
    now(
        "H5-DBG-10",
        Any,
        &[
            Word::fits(pidr(coresight::PIDR0), |d, v| pidr_is(d, 0, v), "the part number"),
            Word::fits(pidr(coresight::PIDR0 + 4), |d, v| pidr_is(d, 1, v), "the part number and ST"),
            Word::fits(pidr(coresight::PIDR0 + 8), |d, v| pidr_is(d, 2, v), "ST").under(0x0F),
            Word::fits(pidr(coresight::PIDR4), |d, v| pidr_is(d, 4, v), "ST"),
        ],
    ),
    now("H5-SBS-1", Reached, &[Word::fits(bus(sbs::BASE + sbs::HDPLSR), is_level, "a level")]),
    now("H5-OB-7", Open, &[new_optsr(f::OPTSR_CUR), new_optsr(f::OPTSR_PRG)]),
    now(
        "H5-OBK-7",
        Open,
        &[
            Word::fits(bus(rss::DESCRIPTORS[0] + rss::MAGIC_OFFSET), |d, v| is_magic(d, 0, v), "DSCT"),
            Word::fits(
                bus(rss::DESCRIPTORS[0] + rss::MAGIC_OFFSET + 4),
                |d, v| is_magic(d, 1, v),
                "the part",
            ),
            Word::fits(bus(rss::RSSLIB), is_service, "an address in RSSLIB"),
        ],
    ),
    measure("H5-OBK-13", Look, Provisioning, port::keys_read),
    now(
        "M33-1",
        Reached,
        &[
            Word::is(bus(m33::CPUID), m33::CPUID_M33).under(m33::CPUID_PART_MASK),
            Word::is(bus(m33::DAUTHSTATUS), m33::dauthstatus::NSID).under(m33::dauthstatus::NSID),
        ],
    ),
    now("M33-4", Reached, &[cidr1(0xE000_E000), cidr1(0xE000_1000), cidr1(0xE000_2000), cidr1(0xE000_0000)]),
    Check {
        note: "H5-RCC-1",
        needs: Reset,
        on: Reached,
        ask: Ask::Words(
            Moment::AfterPulse,
            &[Word::is(bus(rcc::BASE + rcc::RSR), rsr::PINRSTF).under(rsr::PINRSTF)],
        ),
    },
    Check {
        note: "H5-FLASH-1",
        needs: Reset,
        on: OpenPlain,
        ask: Ask::Words(
            Moment::AtReset,
            &[
                Word::is(bus(f::BASE + f::ACR), f::acr::RESET),
                Word::is(bus(f::BASE + f::NSSR), 0),
                Word::is(bus(f::BASE + f::NSCR), f::cr::LOCK),
                Word::is(bus(f::BASE + f::OPTCR), f::optcr::OPTLOCK).under(OPTCR_FIXED),
            ],
        ),
    },
    measure("H5-DBG-9", Reset, OpenPlain, port::unwritten),
    measure("H5-STATE-3", Reset, Provisioning, reset::rom_runs),
    measure("H5-STATE-4", Reset, Provisioning, reset::opening),
    measure("H5-STATE-9", Reset, OpenPlain, reset::early_options),
    measure("M33-2", Reset, OpenPlain, reset::core_clock),
    measure("H5-FLASH-2", Reset, OpenPlain, flash::lock),
    measure("H5-DA-2", Reset, Any, mailbox::greeting),
    measure("H5-DA-9", Reset, Any, mailbox::life_cycle),
    measure("H5-DA-10", Reset, Any, mailbox::pace),
    measure("H5-FLASH-3", Write, OpenPlain, flash::quad_word),
    measure("H5-FLASH-5", Write, OpenPlain, flash::durations),
    measure("H5-FLASH-6", Write, OpenPlain, flash::stream),
    measure("H5-FLASH-7", Write, OpenPlain, flash::same_bank),
    measure("H5-FLASH-8", Write, OpenPlain, flash::operation),
    measure("H5-OB-3", Write, OpenPlain, options::resets),
    measure("H5-OB-6", Write, OpenPlain, options::duration),
];

/// Notes that are less than verified and that no check asks about, by the reason.
pub static UNASKED: &[(&str, &[&str])] = &[
    (
        "it is about a probe, its firmware or a file, not about the part",
        &[
            "DAP-13", "DAP-16", "DAP-18", "DAP-19", "DAP-20", "STL-7", "STL-9", "STL-13", "STL-14", "STL-16",
            "STL-21", "STL-22", "STL-23", "STL-24", "STL-25", "STL-26", "STL-27", "STL-28", "STL-29",
            "STL-30", "USB-6", "TRACE-3", "TRACE-6", "TRACE-8",
        ],
    ),
    (
        "it takes the wire bit by bit, or a wire that is disturbed: `ackwait seq` and a logic analyser",
        &["ADI-2", "ADI-4", "ADI-6", "ADI-10", "ADI-11"],
    ),
    (
        "it is a suspected cause: `ackwait hunt` asks for it",
        &[
            "H5-TIMEOUT-0",
            "H5-TIMEOUT-1",
            "H5-TIMEOUT-2",
            "H5-TIMEOUT-3",
            "H5-TIMEOUT-4",
            "H5-TIMEOUT-5",
            "H5-TIMEOUT-6",
            "H5-TIMEOUT-7",
            "H5-TIMEOUT-8",
            "H5-TIMEOUT-9",
            "H5-TIMEOUT-10",
            "H5-TIMEOUT-11",
            "H5-TIMEOUT-12",
            "H5-TIMEOUT-13",
            "H5-TIMEOUT-14",
            "H5-TIMEOUT-15",
            "H5-TIMEOUT-16",
        ],
    ),
    (
        "it closes, regresses or provisions the part, or needs its credential",
        &[
            "H5-STATE-5",
            "H5-STATE-6",
            "H5-STATE-7",
            "H5-DA-6",
            "H5-DA-8",
            "H5-DA-11",
            "H5-DA-12",
            "H5-DA-14",
            "H5-DA-15",
            "H5-DA-16",
            "H5-DA-17",
            "H5-DA-18",
            "H5-DA-19",
            "H5-DA-20",
            "H5-OBK-6",
            "H5-OBK-8",
            "H5-OBK-9",
            "H5-OBK-10",
        ],
    ),
    ("it needs a supply that fails in the middle of a write", &["H5-FLASH-11", "H5-OB-8"]),
    (
        "it provokes an error whose end on silicon nobody knows",
        &["H5-FLASH-9", "H5-OB-2", "H5-OBK-5", "H5-MEM-3"],
    ),
    ("it needs code on the part that fails: `ackwait core`", &["M33-3"]),
    ("it compares two parts", &["H5-DBG-11"]),
];
