//! The part of the command line that works on an STM32H5.

use crate::number::{parse_len, parse_u32};
use clap::{Args, Subcommand};
use h5::{FlashPace, ObkRoute};
use regs::h5::device::Family;
use regs::h5::state::ProductState;
use std::path::PathBuf;

/// Which member of a family of one die, where no register tells.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Which {
    /// What the package says, where one die is several parts: H562, H563, H573.
    #[arg(long, visible_alias = "device", value_parser = parse_family)]
    pub(crate) family: Option<Family>,
}

/// A family as people name it: `H562`, `STM32H562`.
pub(crate) fn parse_family(text: &str) -> Result<Family, String> {
    Family::from_name(text).ok_or_else(|| {
        let all: Vec<_> = Family::ALL.iter().map(|f| f.short_name()).collect();
        format!("there is no family `{text}`; there are {}", all.join(", "))
    })
}

/// A product state by its name or its code.
fn parse_state(text: &str) -> Result<ProductState, String> {
    let by_code = || parse_u32(text).ok().and_then(|code| u8::try_from(code).ok()).map(ProductState);
    ProductState::from_name(text).or_else(by_code).filter(|s| s.is_known()).ok_or_else(|| {
        let all: Vec<_> = ProductState::ALL.iter().filter_map(|s| s.name()).collect();
        format!("`{text}` is no product state; there are {}, or their codes", all.join(", "))
    })
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) which: Which,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FlashCommand {
    /// Erase whole sectors of 8 KiB, or everything.
    Erase {
        #[command(flatten)]
        range: RangeArgs,
        /// All of the flash.
        #[arg(long, conflicts_with_all = ["at", "len"], required_unless_present = "at")]
        all: bool,
        #[command(flatten)]
        which: Which,
    },
    /// Program images and read them back. Sectors that hold their data already are left alone.
    Program {
        #[command(flatten)]
        images: ImageArgs,
        /// How quad-words follow each other: stream (the bus stalls), match (the probe waits), poll (the host waits).
        #[arg(long, default_value_t = FlashPace::Stream)]
        pace: FlashPace,
        #[command(flatten)]
        which: Which,
    },
    /// Compare flash with images.
    Verify {
        #[command(flatten)]
        images: ImageArgs,
        #[command(flatten)]
        which: Which,
    },
    /// Read flash into a file.
    Read {
        #[command(flatten)]
        range: RangeArgs,
        /// The file.
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        which: Which,
    },
    /// Say whether flash is erased, all of it or a range.
    Blank {
        #[command(flatten)]
        range: RangeArgs,
        #[command(flatten)]
        which: Which,
    },
}

/// A range of flash; all of it where none is named.
#[derive(Debug, Args)]
pub(crate) struct RangeArgs {
    /// First address.
    #[arg(value_parser = parse_u32, requires = "len")]
    pub(crate) at: Option<u32>,
    /// How many bytes: 8k, 0x2000.
    #[arg(value_parser = parse_len)]
    pub(crate) len: Option<u32>,
}

/// What to program.
#[derive(Debug, Args)]
pub(crate) struct ImageArgs {
    /// ELF, Intel HEX, or raw binaries.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Where a raw binary goes.
    #[arg(long, value_parser = parse_u32, value_name = "ADDRESS")]
    pub(crate) at: Option<u32>,
}

/// What was agreed to.
#[derive(Debug, Args)]
pub(crate) struct Consent {
    /// Agree to what can never be taken back, by its name: LOCKED, LOCKBL, NS_EPOCH, OTP. Can be repeated.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub(crate) accept_irreversible: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ObCommand {
    /// Show option bytes: all, or the named ones.
    Read {
        /// Which.
        names: Vec<String>,
        #[command(flatten)]
        which: Which,
    },
    /// Change option bytes. What is so already is not written; every change is shown, old -> new.
    Write {
        /// NAME=VALUE: a number, or a word such as on, off.
        #[arg(required_unless_present = "input")]
        changes: Vec<String>,
        /// NAME=VALUE lines of this file, as `ob export` writes them.
        #[arg(long = "in", id = "input", value_name = "FILE")]
        input: Option<PathBuf>,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        which: Which,
    },
    /// Show in what the part differs from a file that `ob export` wrote.
    Diff {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        which: Which,
    },
    /// Write all option bytes as NAME=VALUE lines: to standard output, or to a file.
    Export {
        /// The file.
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        which: Which,
    },
    /// Repair what a reset left of an option change or an OBK swap, as ST's boot code does.
    Repair {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// Show the product state.
    Get {
        #[command(flatten)]
        which: Which,
    },
    /// Move the product state. What shuts the part needs a discovery that vouches for its credential.
    Set {
        /// PROVISIONING, IROT-PROVISIONED, TZ-CLOSED, CLOSED, LOCKED, or a code.
        #[arg(value_parser = parse_state)]
        state: ProductState,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ObkCommand {
    /// Make a provisioning file for a password.
    New {
        /// The family it is for.
        #[arg(long, visible_alias = "device", value_parser = parse_family)]
        family: Family,
        /// The password; its file must be yours alone.
        #[arg(long, value_name = "FILE")]
        password_file: PathBuf,
        /// What the password permits.
        #[arg(long, visible_alias = "mask", default_value = "0x5077", value_parser = parse_u32)]
        permissions: u32,
        /// Where it goes; must not exist yet.
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
    },
    /// Show what a file holds, without its secrets.
    Inspect {
        /// The file.
        file: PathBuf,
    },
    /// Check a file against a family, TrustZone and a password.
    Lint {
        /// The file.
        file: PathBuf,
        /// The family it is for.
        #[arg(long, visible_alias = "device", value_parser = parse_family)]
        family: Family,
        /// TZEN when the part is closed.
        #[arg(long, value_enum, default_value = "off")]
        tzen: OnOff,
        /// The password that shall open the part again.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// The part leaves the house: public samples are refused.
        #[arg(long)]
        production: bool,
    },
    /// Say whether a password belongs to a file.
    Match {
        /// The file.
        file: PathBuf,
        /// The password.
        #[arg(long, value_name = "FILE")]
        password_file: PathBuf,
    },
    /// Bring a file into a part that is in PROVISIONING.
    Provision {
        /// The file.
        file: PathBuf,
        /// The password that belongs to it, to be compared first.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// direct, rsslib or rss-command. Default: what fits family and TrustZone.
        #[arg(long)]
        route: Option<ObkRoute>,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OnOff {
    On,
    Off,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OtpCommand {
    /// Show which half-words of a block were written, and whether it is locked. Contents only with --show.
    Read {
        /// Which block.
        #[arg(default_value = "0", value_parser = parse_u32)]
        block: u32,
        /// Show what is in it. Block 0 of an H503 may hold the hash of its password.
        #[arg(long)]
        show: bool,
        #[command(flatten)]
        which: Which,
    },
    /// Program the hash of a password into block 0 of an STM32H503: once, for ever.
    Program {
        /// The password.
        #[arg(long, value_name = "FILE")]
        password_file: PathBuf,
        #[command(flatten)]
        consent: Consent,
    },
    /// Lock a block for ever.
    Lock {
        /// Which block.
        #[arg(value_parser = parse_u32)]
        block: u32,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DaCommand {
    /// Ask the ROM who the part is, in which state, and whether its credential is whole. Resets the part.
    Discover,
    /// Back to OPEN with the password. Erases the flash.
    Regress {
        /// The password.
        #[arg(long, value_name = "FILE")]
        password_file: PathBuf,
    },
    /// Open debug with a certificate. Not supported yet.
    Auth {
        /// The private key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The certificate chain.
        #[arg(long, value_name = "FILE")]
        cert: PathBuf,
    },
    /// Close an open debug session. Not supported yet: there is none without certificates.
    Close,
}
