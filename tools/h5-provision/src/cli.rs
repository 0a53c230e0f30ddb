//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Takes an STM32H5 from OPEN to CLOSED and back, and proves it.
#[derive(Debug, Parser)]
#[command(name = "h5-provision", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Do a job: program, provision, close, prove. Can be run again at any time: it goes on where the part is.
    Run(RunArgs),
    /// Show every step of a job, what it writes and what cannot be taken back. Writes nothing.
    Plan(PlanArgs),
    /// Bring a part back to OPEN with its password. Erases it.
    Regress(RegressArgs),
    /// Ask the ROM who the part is and whether its credential is whole. Pulses NRST; works on a closed part.
    Discover(DiscoverArgs),
    /// Look at, check and make provisioning files.
    Obk(ObkArgs),
    /// Show what the tool is willing to wait, and the keys to change it.
    Policy(PolicyArgs),
    /// Check a file of records.
    Record(RecordArgs),
    /// List the exit codes.
    ExitCodes(FormatArgs),
}

impl Command {
    /// The recording that was asked for.
    pub(crate) fn trace(&mut self) -> Option<&mut PathBuf> {
        let recording = match self {
            Command::Run(args) => &mut args.recording,
            Command::Plan(args) => &mut args.recording,
            Command::Regress(args) => &mut args.recording,
            Command::Discover(args) => &mut args.recording,
            Command::Obk(_) | Command::Policy(_) | Command::Record(_) | Command::ExitCodes(_) => return None,
        };
        recording.trace.as_mut()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct FormatArgs {
    /// How data is printed.
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: Format,
}

/// How the probe is used. Wins over the job.
#[derive(Debug, Args)]
pub(crate) struct Tuning {
    /// Policy: a preset's name (`policy show` lists them) or a TOML file.
    #[arg(long, value_name = "FILE|PRESET")]
    pub(crate) policy: Option<String>,
    /// One policy key, for all steps or for one: `flash.obk=10s`, `obk/flash.obk=10s`. Can be repeated.
    #[arg(long, value_name = "[STEP/]KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Connect mode, for all steps or for one: `hotplug`, `normal`, `under-reset`, `pulse`, `obk=normal`. A core that a mode
    /// halted runs on when the command ends.
    #[arg(long, value_name = "[STEP=]MODE")]
    pub(crate) connect: Vec<String>,
    /// Access port, for all steps or for one: `auto`, `1`, `obk=1`.
    #[arg(long, value_name = "[STEP=]AP")]
    pub(crate) ap: Vec<String>,
    /// SWCLK in kHz.
    #[arg(long, value_name = "KHZ")]
    pub(crate) speed: Option<u32>,
}

/// What is recorded.
#[derive(Debug, Args)]
pub(crate) struct Recording {
    /// Record every transfer to this pcapng file.
    #[arg(long, hide_env = true, env = "ACKWAIT_TRACE", value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// Record secrets as they are. Without it they are masked.
    #[arg(long, requires = "trace")]
    pub(crate) trace_secrets: bool,
}

/// Where results are kept.
#[derive(Debug, Args)]
pub(crate) struct Keeping {
    /// Append one JSON object about this run to a file. FILE.head beside it names its end.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Folder of the journals, one per part. Default: $XDG_STATE_HOME/ackwait/journal or ~/.local/state/ackwait/journal.
    #[arg(long, value_name = "DIR")]
    pub(crate) journal: Option<PathBuf>,
    /// Who is working, for the record.
    #[arg(long, env = "USER")]
    pub(crate) operator: Option<String>,
    /// Where, for the record.
    #[arg(long, env = "HOSTNAME")]
    pub(crate) station: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The job file.
    pub(crate) job: PathBuf,
    /// The probe: sim:SCENARIO, VID:PID[:SERIAL], SERIAL, usb:BUS-PORT, tcp:HOST:PORT, @alias.
    #[arg(long, short)]
    pub(crate) probe: String,
    #[command(flatten)]
    pub(crate) tuning: Tuning,
    #[command(flatten)]
    pub(crate) recording: Recording,
    #[command(flatten)]
    pub(crate) keeping: Keeping,
    /// Stop after this step: identify, preflight, flash, options, provisioning, obk, discover, close, prove.
    #[arg(long, value_name = "STEP")]
    pub(crate) until: Option<String>,
    /// Stop at the first safe point after this time: `60s`.
    #[arg(long, value_name = "TIME")]
    pub(crate) deadline: Option<String>,
    /// Do not ask. What the job itself refuses stays refused.
    #[arg(long, short)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The job file.
    pub(crate) job: PathBuf,
    /// Plan from what this part is now; it is only read. Without it a factory-new part is assumed.
    #[arg(long, short)]
    pub(crate) probe: Option<String>,
    #[command(flatten)]
    pub(crate) tuning: Tuning,
    #[command(flatten)]
    pub(crate) recording: Recording,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RegressArgs {
    /// The job that closed the part; it names family and password.
    #[arg(required_unless_present = "family")]
    pub(crate) job: Option<PathBuf>,
    /// The family, where there is no job.
    #[arg(long, conflicts_with = "job", requires = "password_file")]
    pub(crate) family: Option<String>,
    /// The probe.
    #[arg(long, short)]
    pub(crate) probe: String,
    /// The password; default: the job's.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) tuning: Tuning,
    #[command(flatten)]
    pub(crate) recording: Recording,
    #[command(flatten)]
    pub(crate) keeping: Keeping,
    /// Stop at the first safe point after this time: `60s`.
    #[arg(long, value_name = "TIME")]
    pub(crate) deadline: Option<String>,
    /// Do not ask.
    #[arg(long, short)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DiscoverArgs {
    /// The probe.
    #[arg(long, short)]
    pub(crate) probe: String,
    /// Policy: a preset's name or a TOML file.
    #[arg(long, value_name = "FILE|PRESET")]
    pub(crate) policy: Option<String>,
    /// One policy key: `da.boot=20s`. Can be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// SWCLK in kHz.
    #[arg(long, value_name = "KHZ")]
    pub(crate) speed: Option<u32>,
    #[command(flatten)]
    pub(crate) recording: Recording,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ObkArgs {
    #[command(subcommand)]
    pub(crate) command: ObkCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ObkCommand {
    /// Show what a file holds, without its secrets.
    Inspect {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Check a file against a family, TrustZone and a password.
    Lint {
        /// The file.
        file: PathBuf,
        /// The family it is for.
        #[arg(long)]
        family: String,
        /// TrustZone of the part when it is closed.
        #[arg(long, value_enum, default_value = "off")]
        tzen: TrustZone,
        /// The password that shall open the part again.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// The part leaves the house: public samples are refused.
        #[arg(long)]
        production: bool,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Make a file for a password.
    Build {
        /// The family it is for.
        #[arg(long)]
        family: String,
        /// The password; the file must be readable by you alone.
        #[arg(long, value_name = "FILE")]
        password_file: PathBuf,
        /// What the password permits, as a number.
        #[arg(long, default_value = "0x5077")]
        permissions: String,
        /// Where it goes; must not exist yet.
        #[arg(long, short)]
        output: PathBuf,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TrustZone {
    /// TZEN = 0xB4.
    On,
    /// TZEN = 0xC3.
    Off,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show every key with its value and its reason.
    Show {
        /// Which preset.
        #[arg(long, default_value = "default")]
        preset: String,
        #[command(flatten)]
        format: FormatArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    #[command(subcommand)]
    pub(crate) command: RecordCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RecordCommand {
    /// Check that no line was changed or taken out, the last one included: by the chain and by the head beside the file.
    #[command(visible_alias = "verify")]
    Check {
        /// The file.
        file: PathBuf,
    },
}
