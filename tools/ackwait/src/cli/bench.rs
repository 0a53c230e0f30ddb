//! The part of the command line for the bench itself: raw bits, what may be wrong, what a system needs.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct SeqArgs {
    /// line-reset, jtag-to-swd, dormant-to-swd, ..., or VALUE:BITS, the lowest bit first: 0xE79E:16.
    #[arg(required = true)]
    pub(crate) sequences: Vec<String>,
    /// Read DPIDR afterwards.
    #[arg(long)]
    pub(crate) dpidr: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DoctorCommand {
    /// What the probe can do, whether the wire loses bits, how quick it is. Changes nothing.
    Probe,
    /// Whether NRST works from end to end. Resets the target.
    Reset,
    /// Which probes are there and why one cannot be used. Touches no target.
    Usb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UdevCommand {
    /// Show the rules.
    Print,
    /// Write them into a folder.
    Install {
        /// The folder.
        #[arg(long, value_name = "DIR", default_value = "/etc/udev/rules.d")]
        to: PathBuf,
    },
}
