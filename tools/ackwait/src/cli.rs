//! The command line.

pub(crate) mod bench;
pub(crate) mod help;
pub(crate) mod part;

use crate::number::{parse_len, parse_u32};
use adi::ConnectMode;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;
use wire::{ApSel, Attr, Width};

/// The whole STM32H5 by hand, through a CMSIS-DAP or ST-Link probe.
#[derive(Debug, Parser)]
#[command(
    name = "ackwait",
    version,
    disable_help_subcommand = true,
    max_term_width = 80,
    after_help = "Nothing halts, resets or writes unless asked. Numbers: decimal, 0x, 0b, with \
                  underscores; registers go by name or address. Environment: ACKWAIT_PROBE, \
                  _CONNECT, _AP, _SPEED, _TRACE, _FORMAT."
)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) how: How,
}

/// How probe and target are reached. The same for every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "How")]
pub(crate) struct How {
    /// VID:PID[:SERIAL], SERIAL, usb:BUS-PORT, tcp:HOST:PORT, sim:SCENARIO, @alias; default: the only one.
    #[arg(long, short, global = true, hide_env = true, env = "ACKWAIT_PROBE")]
    pub(crate) probe: Option<String>,
    /// hotplug (no reset, no halt), normal (halts), under-reset, pulse.
    #[arg(
        long,
        global = true,
        hide_env = true,
        env = "ACKWAIT_CONNECT",
        default_value = "hotplug",
        value_name = "MODE"
    )]
    pub(crate) connect: ConnectMode,
    /// Access port: a number, or the first on the system bus.
    #[arg(
        long,
        global = true,
        hide_env = true,
        env = "ACKWAIT_AP",
        default_value = "auto",
        value_name = "auto|N"
    )]
    pub(crate) ap: ApChoice,
    /// SWCLK in kHz.
    #[arg(long, global = true, hide_env = true, env = "ACKWAIT_SPEED", default_value_t = 4000, value_name = "KHZ",
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) speed: u32,
    /// What to wait: a preset (`policy show`) or a TOML file.
    #[arg(long, global = true, value_name = "FILE|PRESET")]
    pub(crate) policy: Option<String>,
    /// One key of it: `probe.wait=200ms`; again and again.
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Record every transfer (`swdtrace show FILE`).
    #[arg(long, global = true, hide_env = true, env = "ACKWAIT_TRACE", value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// Show the accesses, made on a simulated copy.
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
    /// Say afterwards what the simulated wire cost.
    #[arg(long, global = true)]
    pub(crate) bill: bool,
    /// How data is printed.
    #[arg(
        long,
        global = true,
        value_enum,
        hide_possible_values = true,
        value_name = "text|json",
        hide_env = true,
        env = "ACKWAIT_FORMAT",
        default_value = "text"
    )]
    pub(crate) format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    // For a person.
    Text,
    // One object, with its schema.
    Json,
}

/// Which access port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApChoice {
    /// Look for it.
    Auto,
    /// This one.
    This(ApSel),
}

impl std::str::FromStr for ApChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(ApChoice::Auto);
        }
        let number = parse_u32(text).ok().and_then(|n| u8::try_from(n).ok());
        number
            .map(|n| ApChoice::This(ApSel(n)))
            .ok_or_else(|| format!("`{text}` is neither auto nor a number from 0 to 255"))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The probes on USB, also those that cannot be used. Touches no target.
    List,
    /// Who is there: probe, debug port, access ports, core, part.
    Info(InfoArgs),
    /// The state of the part, what it means, what may be done next.
    Status(part::StatusArgs),
    /// Flash: erase, program, verify, read, blank.
    #[command(subcommand)]
    Flash(part::FlashCommand),
    /// Option bytes: read, write, diff, export.
    #[command(subcommand)]
    Ob(part::ObCommand),
    /// The product state: get, set.
    #[command(subcommand)]
    State(part::StateCommand),
    /// Provisioning files (option-byte keys): make, check, provision.
    #[command(subcommand)]
    Obk(part::ObkCommand),
    /// One-time memory, where an STM32H503 has its credential.
    #[command(subcommand)]
    Otp(part::OtpCommand),
    /// Debug authentication: ask the ROM, take a part back, open and shut debug.
    #[command(subcommand)]
    Da(part::DaCommand),
    /// Debug-port registers.
    #[command(subcommand)]
    Dp(DpCommand),
    /// Access-port registers.
    #[command(subcommand)]
    Ap(ApCommand),
    /// Memory and memory-mapped registers.
    #[command(subcommand)]
    Mem(MemCommand),
    /// The core: halt, run, step, registers.
    #[command(subcommand)]
    Core(CoreCommand),
    /// Reset the target. It runs afterwards unless --halt is given.
    Reset(ResetArgs),
    /// Why does a write time out? Trials under changing conditions, statistics, a verdict.
    #[command(subcommand)]
    Hunt(crate::hunt::HuntCommand),
    /// Hold what is said of the STM32H5 against the part that is there.
    Survey(crate::survey::SurveyArgs),
    /// Clock raw bits out on SWDIO.
    Seq(bench::SeqArgs),
    /// What is wrong: with the probe, the reset line, USB.
    #[command(subcommand)]
    Doctor(bench::DoctorCommand),
    /// What the tool is willing to wait.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Print the completions for a shell.
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// Write manual pages into a folder.
    Man {
        /// The folder.
        #[arg(long, short, value_name = "DIR")]
        out: PathBuf,
    },
    /// Rules for Linux that give probes to whoever is logged in.
    #[command(subcommand)]
    Udev(bench::UdevCommand),
    /// List the exit codes.
    ExitCodes,
}

#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// Look for access ports up to this number.
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub(crate) last_ap: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DpCommand {
    /// Read a register: DPIDR, CTRL/STAT, DLCR, TARGETID, DLPIDR, EVENTSTAT, RESEND, RDBUFF, or 0x4.2 (address.bank).
    Read {
        /// Name or address.
        register: String,
    },
    /// Write a register: ABORT, CTRL/STAT, DLCR, SELECT.
    Write {
        /// Name or address.
        register: String,
        /// The value.
        #[arg(value_parser = parse_u32)]
        value: u32,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApCommand {
    /// Read a register of the access port (--ap N): CSW, TAR, DRW, BD0..BD3, CFG, BASE, IDR, or its address.
    Read {
        /// Name or address.
        register: String,
    },
    /// Write a register of the access port (--ap N).
    Write {
        /// Name or address.
        register: String,
        /// The value.
        #[arg(value_parser = parse_u32)]
        value: u32,
        #[command(flatten)]
        consent: part::Consent,
    },
}

/// Which memory, and how.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Address, or the name of a register.
    pub(crate) at: String,
    /// Bits of each access. Default: 32, less at unaligned ends.
    #[arg(long, value_enum, value_name = "8|16|32", hide_possible_values = true)]
    pub(crate) width: Option<Bits>,
    /// Security attribute: default, secure, non-secure.
    #[arg(long, value_enum, default_value = "default", hide_possible_values = true)]
    pub(crate) attr: Security,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Bits {
    #[value(name = "8")]
    Eight,
    #[value(name = "16")]
    Sixteen,
    #[value(name = "32")]
    ThirtyTwo,
}

impl From<Bits> for Width {
    fn from(bits: Bits) -> Width {
        match bits {
            Bits::Eight => Width::Byte,
            Bits::Sixteen => Width::Half,
            Bits::ThirtyTwo => Width::Word,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Security {
    // As the access port has it.
    Default,
    Secure,
    NonSecure,
}

impl From<Security> for Attr {
    fn from(security: Security) -> Attr {
        match security {
            Security::Default => Attr::Default,
            Security::Secure => Attr::Secure,
            Security::NonSecure => Attr::NonSecure,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum MemCommand {
    /// Read memory.
    Read(ReadArgs),
    /// Write values or a file. Values are shown old -> new where looking is harmless.
    Write(WriteArgs),
    /// Read one value again and again, or until it is what is waited for.
    Watch(WatchArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ReadArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// How many bytes: 64, 0x100, 64k. Default: one value.
    #[arg(value_parser = parse_len, conflicts_with = "count")]
    pub(crate) len: Option<u32>,
    /// How many values, instead of bytes.
    #[arg(long, value_parser = parse_len, value_name = "N")]
    pub(crate) count: Option<u32>,
    /// Write the bytes to this file and show nothing.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct WriteArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The values, one behind the other.
    #[arg(value_parser = parse_u32, required_unless_present = "input", conflicts_with = "input")]
    pub(crate) values: Vec<u32>,
    /// Write the bytes of this file.
    #[arg(long = "in", id = "input", value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Read the memory back and compare.
    #[arg(long)]
    pub(crate) verify: bool,
    #[command(flatten)]
    pub(crate) consent: part::Consent,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Stop when these bits are as --value says. Default: all bits.
    #[arg(long, value_parser = parse_u32, requires = "value")]
    pub(crate) mask: Option<u32>,
    /// Stop when the value, under --mask, is this.
    #[arg(long, value_parser = parse_u32)]
    pub(crate) value: Option<u32>,
    /// Look at most so often.
    #[arg(long, alias = "count", value_parser = parse_len, default_value = "1000", value_name = "N")]
    pub(crate) reads: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CoreCommand {
    /// Say whether the core runs, and why it halted. Reading DHCSR clears its sticky bits.
    Status,
    /// Halt the core.
    Halt,
    /// Let the core run, and switch halting debug off.
    Run {
        /// Leave halting debug on, so that breakpoints halt.
        #[arg(long)]
        debug: bool,
    },
    /// Execute instructions one by one.
    Step {
        /// How many.
        #[arg(default_value = "1", value_parser = parse_len)]
        count: u32,
        /// Take no interrupts.
        #[arg(long)]
        mask_interrupts: bool,
    },
    /// Show the registers of a halted core: all, or the named ones (R0, SP, PC, MSP, SPECIAL).
    Regs {
        /// Which.
        names: Vec<String>,
    },
    /// Write a register of a halted core.
    Set {
        /// Which.
        name: String,
        /// The value.
        #[arg(value_parser = parse_u32)]
        value: u32,
    },
    /// Sample the program counter without halting. Sets DEMCR.TRCENA for it and puts it back.
    Pcsample {
        /// How many samples.
        #[arg(long, short, default_value = "1000", value_parser = parse_len)]
        n: u32,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ResetArgs {
    /// A pulse on NRST (hw) or AIRCR.SYSRESETREQ (sys).
    #[arg(long, value_enum, default_value = "hw")]
    pub(crate) kind: ResetKind,
    /// Halt the core at its first instruction.
    #[arg(long)]
    pub(crate) halt: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResetKind {
    Hw,
    Sys,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show every key with its value and its reason.
    Show,
    /// Show the keys in which a policy differs from another one.
    Diff {
        /// Preset or TOML file to compare with.
        #[arg(default_value = "default")]
        other: String,
    },
}
