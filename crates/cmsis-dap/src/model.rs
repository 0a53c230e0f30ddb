//! Which firmware is in the probe, as far as it changes what a transfer does on the wire [DAP-12].

use crate::TransferStatus;
use wire::Ack;

/// A family of probe firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Model {
    /// Arm's reference firmware and what is derived from it (DAPLink, debugprobe, most vendors' probes).
    #[default]
    Arm,
    /// `dap-rs`: no posted reads, no check after the last write, and the count includes the failing item.
    DapRs,
    /// `free-dap`: as the reference, but it gives a value without meaning for a last read that failed.
    FreeDap,
}

impl Model {
    /// The model that a product and firmware text suggest; [`Model::Arm`] when they say nothing. A guess [DAP-12].
    pub fn guess(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        if ["hs-probe", "rusty probe", "dap-rs"].iter().any(|name| text.contains(name)) {
            Model::DapRs
        } else if ["free-dap", "alex taradov", "generic cmsis-dap adapter"]
            .iter()
            .any(|name| text.contains(name))
        {
            Model::FreeDap
        } else {
            Model::Arm
        }
    }

    /// Whether the count of a refused transfer leaves no doubt which write was refused.
    pub const fn counts_exactly(self) -> bool {
        !matches!(self, Model::DapRs)
    }

    /// The ack that a status means. `dap-rs` has one value for silence and for bad parity: it is taken for silence, which
    /// is looked into more closely [DAP-15].
    pub(crate) fn ack(self, status: TransferStatus) -> Ack {
        if self == Model::DapRs && status.0 == 0x0F { Ack::NONE } else { status.ack() }
    }

    /// Whether the data phase is clocked after WAIT and FAULT when DAP_SWD_Configure says so. Known of Arm's reference only.
    pub const fn clocks_data_phases(self) -> bool {
        matches!(self, Model::Arm)
    }

    /// Whether value matches can be used: `dap-rs` forgets the mask between packets and puts the mismatch bit into the
    /// count.
    pub const fn matches_values(self) -> bool {
        !matches!(self, Model::DapRs)
    }
}
