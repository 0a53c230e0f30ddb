//! Every setting of the simulated world, and which of them are guesses.
//!
//! One table ([`GUESSES`], in `guesses.rs`) names the settings whose right value nobody knows: key, default, choices, note.
//! [`Knobs`] holds the values; the scenario text sets them by the same keys.

mod guesses;
mod host;
mod reads;

use crate::bus::Time;
pub(crate) use guesses::GUESSES;
pub use guesses::Guess;
pub(crate) use host::{Again, HostKnobs};
pub(crate) use reads::{Reads, Spot};
use wire::Cable;

/// What a word written to the flash meets while the flash is busy. [H5-FLASH-6]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlashBus {
    /// The bus transaction lasts until the flash is free.
    Stall,
    /// One more quad-word is taken, then the bus stalls.
    Buffered,
    /// The word is lost and PGSERR is set.
    Drop,
}

/// What an interrupted option change leaves. [H5-OB-5]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TornOptions {
    /// The old values in the first half of the window, the new ones in the second.
    Half,
    /// The old values.
    Old,
    /// The new values.
    New,
    /// OPTSR old, everything else new.
    Mixed,
}

/// How the life cycle stands in a discovery. [H5-DA-9]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LifeCycle {
    /// The class, then the state.
    ClassFirst,
    /// The state, then the class.
    ClassSecond,
    /// The state with its digits exchanged, then the class.
    N6,
}

/// What the ROM bootloader does to the flash interface while a live USB host is attached. [H5-TIMEOUT-2] [H5-TIMEOUT-12]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RomUsb {
    /// Nothing.
    Off,
    /// It owns the interface for a part of each millisecond, and keeps it for as long as the core is halted.
    HaltedOwner,
    /// It owns the interface from the reset until enumeration is over.
    SlowService,
    /// Its interrupts for USB leave its main loop no time: what that loop was to do is not done. [H5-TIMEOUT-1]
    Starved,
    /// The host's polling ends in resets, again and again. [H5-TIMEOUT-3]
    Resets,
    /// It begins a quad-word and does not end it. [H5-TIMEOUT-6]
    HalfWrite,
    /// It locks the option registers whenever it finds them open. [H5-TIMEOUT-7]
    Relocks,
    /// It does not open AP1. [H5-TIMEOUT-9]
    ShutsPort,
    /// From a moment on no access through AP1 ends. [H5-TIMEOUT-10]
    StallsBus,
    /// It runs the part from its PLL and leaves the wait states as they were. [H5-TIMEOUT-14]
    FastClock,
}

/// Where in a busy window the supply fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CutAt {
    /// When the operation has just begun.
    Start,
    /// Half way.
    Middle,
    /// Just before its end.
    End,
}

/// Settings of ST-Link firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StLinkKnobs {
    /// Bytes of a write that are taken ahead of the wire.
    pub(crate) buffer: usize,
    /// An access port without IDR cannot be opened.
    pub(crate) open_needs_idr: bool,
    /// Nothing of an access port can be had before it is opened, not even AP0 or an IDR.
    pub(crate) all_shut: bool,
    /// The pulse on nRESET.
    pub(crate) pulse: Time,
    /// Tries of a transaction.
    pub(crate) tries: u16,
    /// Sticky flags stay after a failed memory command.
    pub(crate) keep_sticky: bool,
    /// TAR is written once a command.
    pub(crate) one_tar: bool,
    /// A write is looked at by RDBUFF.
    pub(crate) check_with_rdbuff: bool,
}

/// All settings with their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Knobs {
    /// A shut AP1 has no IDR.
    pub(crate) ap1_absent: bool,
    /// CLOSED shuts AP1 at once.
    pub(crate) close_now: bool,
    /// Only a write to DBG_AUTH_ACK acknowledges the device's word.
    pub(crate) da_ack_by_write: bool,
    /// Debug of a level opens when the code has reached it, not at the boot.
    pub(crate) da_level_waits: bool,
    /// The ROM waits for RESUME_BOOT behind a token for debug.
    pub(crate) da_resume_waits: bool,
    /// The life cycle in a discovery.
    pub(crate) da_lifecycle: LifeCycle,
    /// The mailbox word that opens a session.
    pub(crate) da_magic: u32,
    /// The ROM answers that word with itself.
    pub(crate) da_echo: bool,
    /// Time for one mailbox word.
    pub(crate) da_word: Time,
    /// Word written while busy.
    pub(crate) flash_bus: FlashBus,
    /// FLASH_OPSR shows the operation that is running. [H5-FLASH-8]
    pub(crate) opsr_running: bool,
    /// EOP is set only where EOPIE is. [H5-FLASH-3]
    pub(crate) eop_needs_ie: bool,
    /// A bank that is written or erased can be read meanwhile. [H5-FLASH-7]
    pub(crate) reads_through: bool,
    /// A lock takes its keys again after wrong ones. [H5-FLASH-2]
    pub(crate) keys_again: bool,
    /// An option change ends in a reset.
    pub(crate) ob_reset: bool,
    /// Interrupted option change.
    pub(crate) ob_torn: TornOptions,
    /// An interrupted option change hides the OBK until the repair. [H5-OB-8]
    pub(crate) ob_torn_hides_obk: bool,
    /// The direct route is open.
    pub(crate) obk_direct: bool,
    /// OBK can be read outside OPEN.
    pub(crate) obk_read: bool,
    /// The SBS_RSSCMDR route is open.
    pub(crate) obk_rss_command: bool,
    /// The RSSLIB route is open.
    pub(crate) obk_rsslib: bool,
    /// Protection level of the bootloader, 0 to 3.
    pub(crate) rom_hdpl: u8,
    /// Reset in PROVISIONING to open AP1.
    pub(crate) rom_open: Time,
    /// First stage of the ROM.
    pub(crate) rom_rss: Time,
    /// The bootloader and USB.
    pub(crate) rom_usb: RomUsb,
    /// Enumeration.
    pub(crate) rom_usb_time: Time,
    /// DataProvisioning checks its CRC.
    pub(crate) rss_crc: bool,
    /// TZ-CLOSED keeps AP1 shut.
    pub(crate) tz_closed_shuts: bool,
    /// Non-secure access to something secure ends in a bus error.
    pub(crate) tz_error: bool,
    /// The probe's nRESET reaches the part.
    pub(crate) nrst_wired: bool,
    /// A supply failure inside the n-th busy window, counted from 1.
    pub(crate) cut_busy: Option<(u64, CutAt)>,
    /// Quad-word programming. [H5-FLASH-5]
    pub(crate) quad_word: Time,
    /// Sector erase. [H5-FLASH-5]
    pub(crate) sector_erase: Time,
    /// Bank and mass erase, a sector.
    pub(crate) mass_sector: Time,
    /// Erase or swap of OBK sectors.
    pub(crate) obk_time: Time,
    /// Option change.
    pub(crate) option_change: Time,
    /// Clock of the core in MHz. [M33-2]
    pub(crate) core_mhz: u32,
    /// What is in the board's USB connector at the start, if the scenario says so.
    pub(crate) cable: Option<Cable>,
    /// BOOT0 at the start, if the scenario says so.
    pub(crate) boot0: Option<bool>,
    /// The supply at the start, if the scenario says so.
    pub(crate) power: Option<bool>,
    /// ST-Link firmware.
    pub(crate) stlink: StLinkKnobs,
    /// What else may keep a write from coming to its end.
    pub(crate) host: HostKnobs,
    /// Words that read otherwise.
    pub(crate) reads: Reads,
}

/// A millisecond in nanoseconds.
pub(crate) const MS: Time = 1_000_000;
/// A microsecond in nanoseconds.
pub(crate) const US: Time = 1_000;

impl Default for Knobs {
    fn default() -> Self {
        Knobs {
            ap1_absent: false,
            close_now: false,
            da_ack_by_write: false,
            da_level_waits: true,
            da_resume_waits: true,
            da_lifecycle: LifeCycle::N6,
            da_magic: regs::h5::da::MAGIC_HOST,
            da_echo: false,
            da_word: 50 * US,
            flash_bus: FlashBus::Stall,
            opsr_running: false,
            eop_needs_ie: false,
            reads_through: false,
            keys_again: false,
            ob_reset: false,
            ob_torn: TornOptions::Half,
            ob_torn_hides_obk: false,
            obk_direct: true,
            obk_read: false,
            obk_rss_command: true,
            obk_rsslib: true,
            rom_hdpl: 1,
            rom_open: 15 * MS,
            rom_rss: 2 * MS,
            rom_usb: RomUsb::Off,
            rom_usb_time: 3000 * MS,
            rss_crc: true,
            tz_closed_shuts: false,
            tz_error: false,
            nrst_wired: true,
            cut_busy: None,
            quad_word: 32 * US,
            sector_erase: 2 * MS,
            mass_sector: 2 * MS,
            obk_time: 5 * MS,
            option_change: 20 * MS,
            core_mhz: 32,
            cable: None,
            boot0: None,
            power: None,
            stlink: StLinkKnobs {
                buffer: 6144,
                open_needs_idr: true,
                all_shut: false,
                pulse: 1000 * US,
                tries: 100,
                keep_sticky: false,
                one_tar: false,
                check_with_rdbuff: false,
            },
            host: HostKnobs::default(),
            reads: Reads::default(),
        }
    }
}

/// A key that is no guess.
pub(crate) type Plain = (&'static str, &'static str);

/// The keys that are no guesses: what the board is and what is done to it.
pub(crate) const PLAIN: &[Plain] = &[
    ("state", "FILE: the board's memory between commands"),
    ("kib", "flash size in KiB"),
    ("uid", "24 hexadecimal digits, for a factory-new board"),
    ("usb", "out|charge|data"),
    ("boot0", "low|high"),
    ("power", "on|off"),
    ("nrst", "wired|unwired"),
    ("product", "open|provisioning: the state of a factory-new board"),
    (
        "reads",
        "WHERE:0xVALUE: a word that reads so; dpidr, apN.idr, apN.base or apN@0xADDRESS; may be said more than once",
    ),
    ("survey", "FILE: behave as the board of this report of `ackwait survey`"),
    ("seed", "a number: another one, and what is given as a range or a share falls otherwise"),
    ("cut", "busy:N:start|middle|end, or tx:N"),
    ("time.quad", "microseconds: programming of a quad-word"),
    ("time.sector", "microseconds: erase of a sector"),
];

impl Knobs {
    /// Sets one value. `None`: no such key here. `Some(false)`: the value does not fit.
    pub(crate) fn set(&mut self, key: &str, value: &str) -> Option<bool> {
        let fits = match key {
            "ap1.locked" => flag(&mut self.ap1_absent, value, "fault", "absent"),
            "close.cuts" => flag(&mut self.close_now, value, "reset", "now"),
            "da.ack" => flag(&mut self.da_ack_by_write, value, "read", "write"),
            "da.lifecycle" => pick(&mut self.da_lifecycle, value, LIFE_CYCLES),
            "da.level" => flag(&mut self.da_level_waits, value, "boot", "code"),
            "da.resume" => flag(&mut self.da_resume_waits, value, "itself", "asked"),
            "da.reply" => flag(&mut self.da_echo, value, "daok", "echo"),
            "da.magic" => {
                let (h5, n6) = (regs::h5::da::MAGIC_HOST, regs::h5::da::MAGIC_HOST_N6);
                pick(&mut self.da_magic, value, &[("h5", h5), ("n6", n6)])
            }
            "da.word.us" => time(&mut self.da_word, value, US),
            "flash.bus" => {
                let choices =
                    [("stall", FlashBus::Stall), ("buffered", FlashBus::Buffered), ("drop", FlashBus::Drop)];
                pick(&mut self.flash_bus, value, &choices)
            }
            "flash.eop" => flag(&mut self.eop_needs_ie, value, "always", "enabled"),
            "flash.keys" => flag(&mut self.keys_again, value, "shut", "again"),
            "flash.read" => flag(&mut self.reads_through, value, "stall", "answer"),
            "flash.opsr" => flag(&mut self.opsr_running, value, "reset", "running"),
            "ob.reset" => flag(&mut self.ob_reset, value, "off", "on"),
            "ob.torn" => pick(&mut self.ob_torn, value, TORN),
            "ob.torn.obk" => flag(&mut self.ob_torn_hides_obk, value, "kept", "lost"),
            "obk.direct" => flag(&mut self.obk_direct, value, "refuse", "allow"),
            "obk.read" => flag(&mut self.obk_read, value, "refuse", "allow"),
            "obk.rss-command" => flag(&mut self.obk_rss_command, value, "refuse", "allow"),
            "obk.rsslib" => flag(&mut self.obk_rsslib, value, "refuse", "allow"),
            "rom.hdpl" => pick(&mut self.rom_hdpl, value, &[("0", 0), ("1", 1), ("2", 2), ("3", 3)]),
            "rom.usb" => pick(&mut self.rom_usb, value, USB),
            "rss.crc" => flag(&mut self.rss_crc, value, "ignore", "check"),
            "stlink.buffer" => match value.parse() {
                Ok(bytes) if bytes > 0 => {
                    self.stlink.buffer = bytes;
                    true
                }
                _ => false,
            },
            "stlink.init" => flag(&mut self.stlink.open_needs_idr, value, "blind", "idr"),
            "stlink.retry" => match value.parse() {
                Ok(tries) if tries > 0 => {
                    self.stlink.tries = tries;
                    true
                }
                _ => false,
            },
            "stlink.shut" => flag(&mut self.stlink.all_shut, value, "idr", "all"),
            "stlink.sticky" => flag(&mut self.stlink.keep_sticky, value, "clear", "keep"),
            "stlink.tar" => flag(&mut self.stlink.one_tar, value, "kib", "once"),
            "stlink.write" => flag(&mut self.stlink.check_with_rdbuff, value, "stat", "rdbuff"),
            "core.mhz" => match value.parse() {
                Ok(mhz) if (1..=250).contains(&mhz) => {
                    self.core_mhz = mhz;
                    true
                }
                _ => false,
            },
            "tz.closed" => flag(&mut self.tz_closed_shuts, value, "open", "shut"),
            "tz.ns" => flag(&mut self.tz_error, value, "raz", "error"),
            _ => {
                let own = self.set_time(key, value).or_else(|| self.host.set(key, value));
                return own.or_else(|| self.set_plain(key, value));
            }
        };
        Some(fits)
    }

    fn set_time(&mut self, key: &str, value: &str) -> Option<bool> {
        let (slot, unit) = match key {
            "rom.open.ms" => (&mut self.rom_open, MS),
            "rom.rss.ms" => (&mut self.rom_rss, MS),
            "rom.usb.ms" => (&mut self.rom_usb_time, MS),
            "stlink.pulse.us" => (&mut self.stlink.pulse, US),
            "time.mass" => (&mut self.mass_sector, US),
            "time.obk" => (&mut self.obk_time, US),
            "time.option" => (&mut self.option_change, US),
            "time.quad" => (&mut self.quad_word, US),
            "time.sector" => (&mut self.sector_erase, US),
            _ => return None,
        };
        Some(time(slot, value, unit))
    }

    fn set_plain(&mut self, key: &str, value: &str) -> Option<bool> {
        let fits = match key {
            "usb" => {
                let choices = [
                    ("out", Some(Cable::Out)),
                    ("charge", Some(Cable::ChargeOnly)),
                    ("data", Some(Cable::Data)),
                ];
                pick(&mut self.cable, value, &choices)
            }
            "boot0" => pick(&mut self.boot0, value, &[("low", Some(false)), ("high", Some(true))]),
            "power" => pick(&mut self.power, value, &[("off", Some(false)), ("on", Some(true))]),
            "nrst" => flag(&mut self.nrst_wired, value, "unwired", "wired"),
            "reads" => self.reads.add(value),
            "cut" => return self.set_cut(value),
            _ => return None,
        };
        Some(fits)
    }

    /// `busy:N:WHERE` is ours; any other cut belongs to the wire.
    fn set_cut(&mut self, value: &str) -> Option<bool> {
        let rest = value.strip_prefix("busy:")?;
        let parsed = rest.split_once(':').and_then(|(n, place)| {
            let place = match place {
                "start" => CutAt::Start,
                "middle" => CutAt::Middle,
                "end" => CutAt::End,
                _ => return None,
            };
            n.parse().ok().filter(|n| *n > 0).map(|n| (n, place))
        });
        self.cut_busy = parsed;
        Some(parsed.is_some())
    }
}

const TORN: &[(&str, TornOptions)] = &[
    ("half", TornOptions::Half),
    ("old", TornOptions::Old),
    ("new", TornOptions::New),
    ("mixed", TornOptions::Mixed),
];

const LIFE_CYCLES: &[(&str, LifeCycle)] = &[
    ("class-first", LifeCycle::ClassFirst),
    ("class-second", LifeCycle::ClassSecond),
    ("n6", LifeCycle::N6),
];

const USB: &[(&str, RomUsb)] = &[
    ("off", RomUsb::Off),
    ("fast-clock", RomUsb::FastClock),
    ("half-write", RomUsb::HalfWrite),
    ("halted-owner", RomUsb::HaltedOwner),
    ("relocks", RomUsb::Relocks),
    ("resets", RomUsb::Resets),
    ("shuts-port", RomUsb::ShutsPort),
    ("slow-service", RomUsb::SlowService),
    ("stalls-bus", RomUsb::StallsBus),
    ("starved", RomUsb::Starved),
];

fn pick<T: Copy>(slot: &mut T, value: &str, choices: &[(&str, T)]) -> bool {
    match choices.iter().find(|(name, _)| *name == value) {
        Some((_, chosen)) => {
            *slot = *chosen;
            true
        }
        None => false,
    }
}

fn flag(slot: &mut bool, value: &str, no: &str, yes: &str) -> bool {
    pick(slot, value, &[(no, false), (yes, true)])
}

fn time(slot: &mut Time, value: &str, unit: Time) -> bool {
    match value.parse::<u32>() {
        Ok(n) => {
            *slot = Time::from(n) * unit;
            true
        }
        Err(_) => false,
    }
}
