//! The part of the command line that works on an STM32H5.

use crate::number::{parse_len, parse_u32};
use clap::{Args, Subcommand};
use h5::{FlashPace, ObkRoute, Permission};
use provision::CredentialKind;
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

/// Which kind of credential opens the part again.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Kind {
    /// The credential is for certificates (TrustZone on), not a password. Only you can tell.
    #[arg(long)]
    pub(crate) certificate: bool,
}

impl From<Kind> for CredentialKind {
    fn from(kind: Kind) -> CredentialKind {
        if kind.certificate { CredentialKind::Certificate } else { CredentialKind::Password }
    }
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
    /// Agree to what can never be taken back, by its name: LOCKED, LOCKBL, NS_EPOCH, OTP, OPTSTRT. Can be repeated.
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
        kind: Kind,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ObkCommand {
    /// Make a provisioning file for a password, or for the root key of certificates.
    #[command(override_usage = "ackwait obk new --family FAMILY --out FILE [OPTIONS]")]
    New {
        /// The family it is for.
        #[arg(long, visible_alias = "device", value_parser = parse_family)]
        family: Family,
        #[command(flatten)]
        credential: CredentialArgs,
        /// What the credential permits.
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
    /// Check a file against a family, TrustZone and a credential.
    Lint {
        /// The file.
        file: PathBuf,
        /// The family it is for.
        #[arg(long, visible_alias = "device", value_parser = parse_family)]
        family: Family,
        /// TZEN when the part is closed.
        #[arg(long, value_enum, default_value = "off")]
        tzen: OnOff,
        #[command(flatten)]
        credential: CredentialArgs,
        /// The part leaves the house: public samples are refused.
        #[arg(long)]
        production: bool,
    },
    /// Say whether a password, or a chain of certificates, belongs to a file.
    Match {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        credential: CredentialArgs,
    },
    /// Bring a file into a part that is in PROVISIONING.
    Provision {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        credential: CredentialArgs,
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

/// What opens a part again.
#[derive(Debug, Args)]
pub(crate) struct CredentialArgs {
    /// The password (TrustZone off); its file must be yours alone. `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// The certificates (TrustZone on): their root key counts.
    #[arg(long, value_name = "FILE", conflicts_with = "password_file")]
    pub(crate) cert: Option<PathBuf>,
}

/// A chain of certificates, and the key that may use it.
#[derive(Debug, Args)]
pub(crate) struct CertifiedArgs {
    /// The private key of the last certificate (PEM); its file must be yours alone. `-` is standard input.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: PathBuf,
    /// The certificates, the root first: items, or Base64 of them.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: PathBuf,
    /// The OBK file that the part was given, to be compared first.
    #[arg(long, value_name = "FILE")]
    pub(crate) obk: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RegressArgs {
    /// The password (TrustZone off).
    #[arg(long, value_name = "FILE", required_unless_present = "key", conflicts_with_all = ["key", "cert", "obk"])]
    pub(crate) password_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) certified: Option<CertifiedArgs>,
    /// To TZ-CLOSED only: what is secure stays. Needs certificates.
    #[arg(long, requires = "key")]
    pub(crate) partial: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DaCommand {
    /// Ask the ROM who the part is, in which state, and whether its credential is whole. Resets the part.
    Discover,
    /// Back to OPEN with the password or certificates. Erases the flash.
    Regress(RegressArgs),
    /// Open debug with certificates, until the part is reset. Resets the part first.
    Auth {
        #[command(flatten)]
        certified: CertifiedArgs,
        /// debug-l3, -l2, -l1: from which protection level on; debug-ns-l3, ...: non-secure only.
        #[arg(long, value_parser = parse_debug, value_name = "WHAT")]
        permission: Permission,
    },
    /// Shut debug that was opened. Resets the part.
    Close,
    /// Certificates: make them, show them.
    #[command(subcommand)]
    Cert(CertCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum CertCommand {
    /// Make a root certificate, or add one to a chain.
    New {
        /// The key that signs (PEM): the root key, or the key of the last certificate of the chain.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The chain to which a certificate is added. Without it a root certificate is made.
        #[arg(long, value_name = "FILE", requires = "subject")]
        chain: Option<PathBuf>,
        /// The public key that the new certificate is for (PEM).
        #[arg(long = "for", id = "subject", value_name = "FILE", requires = "chain")]
        subject: Option<PathBuf>,
        /// More certificates may follow the new one.
        #[arg(long, requires = "chain")]
        intermediate: bool,
        /// What it permits.
        #[arg(long, visible_alias = "mask", default_value = "0x5077", value_parser = parse_u32)]
        permissions: u32,
        /// Only for parts with this DEV_ID.
        #[arg(long, value_parser = parse_u32)]
        soc_class: Option<u32>,
        /// Only for the part with this SOC_ID: 32 hexadecimal digits, as `da discover` shows them.
        #[arg(long, value_name = "HEX", value_parser = parse_soc_id)]
        soc_id: Option<[u8; 16]>,
        /// Where the whole chain goes; must not exist yet.
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
    },
    /// Show the certificates of a file and whether a part would take them.
    Show {
        /// The file.
        file: PathBuf,
    },
}

/// A permission that opens debug, by its word.
fn parse_debug(text: &str) -> Result<Permission, String> {
    Permission::debug().find(|p| p.word() == text).ok_or_else(|| {
        let all: Vec<_> = Permission::debug().map(Permission::word).collect();
        let regression = Permission::from_word(text).map_or("", |_| "; `da regress` takes a part back");
        format!("`{text}` opens no debug; there are {}{regression}", all.join(", "))
    })
}

fn parse_soc_id(text: &str) -> Result<[u8; 16], String> {
    let bytes = provision::text::parse_hex(text).and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| format!("`{text}` is not 32 hexadecimal digits"))
}
