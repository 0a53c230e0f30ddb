//! What probes do differently, and which of it the link allows for. A table: who does it, what it is, who reported it.
//!
//! A deviation that is met by a rule for all probes has no line here: sequences of 248 bits at most [DAP-14], packets that
//! leave a byte free [DAP-18], full reports [DAP-16], data words by length [DAP-5], no conclusion from versions [DAP-17].

use ::cmsis_dap::Model;

/// What the link allows for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quirk {
    /// The firmware counts tries where the specification counts repeats: one more is asked for.
    CountsTries,
    /// It does not wait for pins as it should: it is told not to wait, and looked at again and again.
    WaitsBadlyForPins,
    /// Nothing is read behind the last write, so nobody knows what became of it: a read of RDBUFF goes along.
    ChecksNoWrite,
    /// SWCLK has to be set again behind each sequence.
    ForgetsClock,
}

/// Who does it.
#[derive(Debug, Clone, Copy)]
enum Who {
    /// A family of firmware, whoever sells it.
    Firmware(Model),
    /// Everything of a vendor.
    Vendor(u16),
}

/// One line of the table. The note in brackets names the report.
struct Line {
    who: Who,
    quirk: Quirk,
}

const TABLE: &[Line] = &[
    // free-dap, all releases: `dap.c`, dap_transfer_word. [DAP-14]
    Line { who: Who::Firmware(Model::FreeDap), quirk: Quirk::CountsTries },
    // free-dap, all releases: `dap.c`, dap_swj_pins takes microseconds for milliseconds. [DAP-14]
    Line { who: Who::Firmware(Model::FreeDap), quirk: Quirk::WaitsBadlyForPins },
    // dap-rs up to 2025: `swd.rs`, read and write. [DAP-15]
    Line { who: Who::Firmware(Model::DapRs), quirk: Quirk::CountsTries },
    // dap-rs up to 2025: `dap.rs`, process_transfer. [DAP-15]
    Line { who: Who::Firmware(Model::DapRs), quirk: Quirk::ChecksNoWrite },
    // Atmel's EDBG and its relatives: `cmsis_dap.c` of OpenOCD. [DAP-16]
    Line { who: Who::Vendor(0x03EB), quirk: Quirk::ForgetsClock },
];

/// What is known of one probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quirks(Vec<Quirk>);

impl Quirks {
    /// Those of a probe with this firmware, of this vendor.
    pub(super) fn of(model: Model, vid: u16) -> Quirks {
        let fits = |who| match who {
            Who::Firmware(other) => other == model,
            Who::Vendor(other) => other == vid,
        };
        Quirks(TABLE.iter().filter(|line| fits(line.who)).map(|line| line.quirk).collect())
    }

    pub(super) fn has(&self, quirk: Quirk) -> bool {
        self.0.contains(&quirk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_belongs_to_its_probe_only() {
        assert_eq!(Quirks::of(Model::Arm, 0x0D28), Quirks(vec![]));
        assert_eq!(Quirks::of(Model::Arm, 0x03EB), Quirks(vec![Quirk::ForgetsClock]));
        let free = Quirks::of(Model::FreeDap, 0x6666);
        assert!(free.has(Quirk::CountsTries) && free.has(Quirk::WaitsBadlyForPins));
        assert!(!free.has(Quirk::ChecksNoWrite) && !free.has(Quirk::ForgetsClock));
        assert!(Quirks::of(Model::DapRs, 0x1209).has(Quirk::ChecksNoWrite));
    }
}
