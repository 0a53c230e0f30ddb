//! What the part shows: registers by name, program counter samples, frames of the board's USB, how late the host is.

use adi::{Adi, AdiError, CoreAccess, DpReg};
use pace::experiment::LOOKING;
use regs::h5::{dbgmcu, flash, rcc, sbs, usb};
use regs::m33;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wire::{Addr, ApSel, Attr, Batch, Flow, MemOp};

/// The access port that sees DBGMCU whatever the product state.
const AP0: ApSel = ApSel(regs::h5::device::AP0.ap);
/// Program counter samples.
const SAMPLES: usize = 8;
/// Reads of CTRL/STAT, which is never answered WAIT: what is late there is the host.
const HOST_READS: usize = 24;

/// What is read through the core's port, in this order. DHCSR comes first: its sticky bits clear when they are read.
const REGISTERS: [u32; 20] = [
    m33::DHCSR,
    flash::BASE + flash::NSSR,
    flash::BASE + flash::OPTCR,
    flash::BASE + flash::NSCR,
    flash::BASE + flash::NSOBKCFGR,
    flash::BASE + flash::OPSR,
    flash::BASE + flash::ACR,
    flash::BASE + flash::ECCDETR,
    flash::BASE + flash::OPTSR_CUR,
    flash::BASE + flash::OPTSR_PRG,
    sbs::BASE + sbs::HDPLSR,
    rcc::BASE + rcc::RSR,
    rcc::BASE + rcc::CR,
    rcc::BASE + rcc::CFGR1,
    rcc::BASE + rcc::APB2ENR,
    usb::BASE + usb::ISTR,
    usb::BASE + usb::DADDR,
    usb::BASE + usb::BCDR,
    m33::ICSR,
    m33::VTOR,
];

/// A snapshot. What could not be read is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// Registers by name.
    pub registers: BTreeMap<String, u32>,
    /// The frame number before and after some frames.
    pub frames: Option<(u32, u32)>,
    /// Samples of the program counter.
    pub pc: Vec<u32>,
    /// The longest of some reads that are never answered WAIT, in microseconds.
    pub host_us: u64,
}

impl Snapshot {
    /// Takes one. Nothing is written but, for the samples, DEMCR.TRCENA and back.
    pub(crate) fn take(adi: &mut Adi, core: CoreAccess) -> Snapshot {
        let mut registers = BTreeMap::new();
        let mut keep = |at: u32, value: u32| {
            if let Some(hit) = regs::lookup(at) {
                registers.insert(hit.register.name.to_owned(), value);
            }
        };
        let sr = dbgmcu::BASE_AP0 + dbgmcu::SR;
        if let Ok(value) = adi.read_word(AP0, Attr::Default, Addr(sr)) {
            keep(sr, value);
        }
        let values = all_registers(adi, core);
        let reachable = !values.is_empty();
        values.into_iter().for_each(|(at, value)| keep(at, value));
        let (mut frames, mut pc) = (None, Vec::new());
        if reachable {
            frames = two_frames(adi, core);
            pc = adi.sample_pc(core, SAMPLES).unwrap_or_default();
        }
        Snapshot { registers, frames, pc, host_us: host_latency(adi) }
    }

    /// A register by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<u32> {
        self.registers.get(name).copied()
    }

    /// A bit of a register is set; `false` also where it was not read.
    #[must_use]
    pub fn has(&self, name: &str, bits: u32) -> bool {
        self.get(name).is_some_and(|value| value & bits != 0)
    }

    /// The frame number moves: a host is alive.
    #[must_use]
    pub fn host_is_alive(&self) -> bool {
        self.frames.is_some_and(|(a, b)| a != b)
    }

    /// What differs from an earlier one, one line each, decoded.
    #[must_use]
    pub fn changes_since(&self, before: &Snapshot) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, now) in &self.registers {
            match before.get(name) {
                Some(then) if then == *now => {}
                Some(then) => {
                    lines.push(format!("{name}: {} -> {}", described(name, then), described(name, *now)))
                }
                None => lines.push(format!("{name}: (not read) -> {}", described(name, *now))),
            }
        }
        lines
    }

    /// All registers, one line each, decoded.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.registers.iter().map(|(name, value)| format!("{name} {}", described(name, *value))).collect()
    }
}

/// A value with the names of its bits.
pub(crate) fn described(name: &str, value: u32) -> String {
    let words = regs::by_name(name).map(|r| r.describe(value)).unwrap_or_default();
    let hex = format!("0x{:04X}_{:04X}", value >> 16, value & 0xFFFF);
    if words.is_empty() { hex } else { format!("{hex} ({words})") }
}

/// What can be read of them: together, or one by one where the bus answers one of them with an error.
fn all_registers(adi: &mut Adi, core: CoreAccess) -> Vec<(u32, u32)> {
    let ops = REGISTERS.iter().map(|at| MemOp::read(Addr(*at))).collect();
    match adi.run(&Batch { ap: core.ap, attr: core.attr, flow: Flow::Lockstep, ops }) {
        Ok(values) => REGISTERS.into_iter().zip(values).collect(),
        Err(AdiError::Fault { .. }) => {
            let mut one = |at: u32| Some((at, adi.read_word(core.ap, core.attr, Addr(at)).ok()?));
            REGISTERS.into_iter().filter_map(&mut one).collect()
        }
        Err(_) => Vec::new(),
    }
}

fn two_frames(adi: &mut Adi, core: CoreAccess) -> Option<(u32, u32)> {
    let at = Addr(usb::BASE + usb::FNR);
    let first = adi.read_word(core.ap, core.attr, at).ok()?;
    adi.clock().sleep(LOOKING);
    let second = adi.read_word(core.ap, core.attr, at).ok()?;
    Some((first & usb::fnr::FN, second & usb::fnr::FN))
}

fn host_latency(adi: &mut Adi) -> u64 {
    let clock = adi.clock().clone();
    let one = |adi: &mut Adi| {
        let start = clock.now();
        adi.read_dp(DpReg::CTRL_STAT).ok()?;
        u64::try_from(clock.now().saturating_sub(start).as_micros()).ok()
    };
    (0..HOST_READS).filter_map(|_| one(adi)).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_register_of_a_snapshot_has_a_name() {
        assert!(REGISTERS.iter().all(|at| regs::lookup(*at).is_some()));
    }

    #[test]
    fn changes_are_told_with_the_names_of_bits() {
        let with = |value| Snapshot {
            registers: BTreeMap::from([("FLASH_NSSR".to_owned(), value)]),
            ..Snapshot::default()
        };
        let lines = with(3).changes_since(&with(0));
        assert_eq!(lines, ["FLASH_NSSR: 0x0000_0000 -> 0x0000_0003 (BSY=1 WBNE=1)"]);
        assert!(with(3).changes_since(&with(3)).is_empty());
        assert!(with(3).has("FLASH_NSSR", 2) && !with(3).has("FLASH_OPTCR", 1));
    }
}
