//! The debug port: registers, sticky flags, posted accesses. [ADI-2] [ADI-3] [ADI-4] [ADI-5] [ADI-10]
//!
//! While the access port in SELECT works on a posted access, every request is answered WAIT except those that always get
//! an OK: DPIDR read, CTRL/STAT read and ABORT write. That a SELECT write waits too is a guess, the cautious reading of
//! [ADI-2]: a part that takes it would let the host look at another access port meanwhile.

use super::frame::Header;
use super::memap::{ApAccess, Effect, MemAp};
use crate::bus::{Chip, Time};
use regs::ap::DRW;
use regs::dp::{self, abort, bank, ctrl_stat, dlcr};
use std::collections::BTreeMap;

/// From a power-up request to its acknowledge: a guess, long enough that a host has to look twice. [ADI-8]
const POWER_UP_NS: Time = 20_000;
/// Bits of CTRL/STAT that a write sets as they are. The transaction counter is not modelled: it keeps its value.
const CTRL_WRITABLE: u32 = ctrl_stat::ORUNDETECT
    | ctrl_stat::TRNMODE
    | ctrl_stat::MASKLANE
    | ctrl_stat::TRNCNT
    | ctrl_stat::CDBGRSTREQ
    | ctrl_stat::PWRUPREQ;

/// What the debug port says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Accepted; a read has this value.
    Ok(u32),
    /// Busy.
    Wait,
    /// A sticky flag is set.
    Fault,
}

/// A posted access that has not ended.
#[derive(Debug, Clone, Copy)]
struct Posted {
    ap: u8,
    effect: Effect,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Its value goes to RDBUFF.
    Read,
    Write,
    /// A pushed operation: the read value is compared with this one.
    Pushed(u32),
}

/// The debug port and the access ports behind it.
#[derive(Debug)]
pub(crate) struct DebugPort {
    ctrl: u32,
    select: u32,
    dlcr: u32,
    /// The result of the last AP read.
    rdbuff: u32,
    /// What the last AP read or RDBUFF read was answered, for RESEND.
    resend: u32,
    /// When each of the two power-up requests is acknowledged (debug, system).
    acknowledge: [Option<Time>; 2],
    posted: Option<Posted>,
    aps: BTreeMap<u8, MemAp>,
    /// Memory accesses to the word at this address fail (fault injection).
    pub(crate) fault_at: Option<u32>,
}

impl DebugPort {
    /// The state after power-up.
    pub(crate) fn new(fault_at: Option<u32>) -> DebugPort {
        DebugPort {
            ctrl: 0,
            select: 0,
            dlcr: 0,
            rdbuff: 0,
            resend: 0,
            acknowledge: [None; 2],
            posted: None,
            aps: BTreeMap::new(),
            fault_at,
        }
    }

    /// Turnaround clocks that the target keeps (DLCR.TURNROUND).
    pub(crate) fn turnaround(&self) -> u32 {
        1 + ((self.dlcr & dlcr::TURNROUND) >> 8)
    }

    /// CTRL/STAT.ORUNDETECT.
    pub(crate) fn overrun_detect(&self) -> bool {
        self.ctrl & ctrl_stat::ORUNDETECT != 0
    }

    /// A line reset: sticky flags, SELECT and power requests stay. That the turnaround is one clock again is a guess;
    /// otherwise a host that does not know it could not get through. [ADI-9]
    pub(crate) fn line_reset(&mut self) {
        self.dlcr = 0;
    }

    /// When the posted access ends, for a request that would be answered WAIT at `now` and at each try until then.
    pub(crate) fn waits_until(&mut self, header: Header, now: Time) -> Option<Time> {
        self.settle(now);
        let plain = self.ctrl & (ctrl_stat::STICKY | ctrl_stat::ORUNDETECT) == 0;
        let posted = self.posted.filter(|_| plain && !self.always_answered(header))?;
        Some(posted.effect.end.unwrap_or(Time::MAX))
    }

    /// Until when a read that was just answered with `value` would be answered so again, with nothing else changed.
    pub(crate) fn steady_until(
        &mut self,
        chip: &mut impl Chip,
        header: Header,
        value: u32,
        now: Time,
    ) -> Time {
        self.settle(now);
        if self.posted.is_some() || self.ctrl & ctrl_stat::STICKY != 0 {
            return now;
        }
        if !header.ap {
            return self.acknowledge.into_iter().flatten().filter(|at| *at > now).min().unwrap_or(Time::MAX);
        }
        // The value that was answered is that of the read before; the newest one is in RDBUFF.
        let powered = self.acknowledged(now) & ctrl_stat::CDBGPWRUPACK != 0;
        let [_, _, _, ap] = self.select.to_le_bytes();
        match self.aps.get(&ap).filter(|_| powered && self.rdbuff == value) {
            Some(port) => {
                let offset = self.offset(header.a);
                port.steady_until(chip, ApAccess { ap, offset, write: None, fault_at: self.fault_at }, now)
            }
            None => now,
        }
    }

    /// Whether WAIT and FAULT are never given to this request. [ADI-2]
    pub(crate) fn always_answered(&self, header: Header) -> bool {
        header.is_dp_read(dp::DPIDR)
            || header.is_dp_write(dp::ABORT)
            || (header.is_dp_read(dp::CTRL_STAT) && self.bank() == bank::CTRL_STAT)
    }

    /// Refuses a request from outside the model (fault injection).
    pub(crate) fn refuse_with_wait(&mut self, header: Header) -> Verdict {
        self.refused(header, Verdict::Wait)
    }

    /// Decides on a request and performs it when it is a read.
    pub(crate) fn request(&mut self, chip: &mut impl Chip, header: Header, now: Time) -> Verdict {
        self.settle(now);
        if !self.always_answered(header) {
            if self.ctrl & ctrl_stat::STICKY != 0 {
                return self.refused(header, Verdict::Fault);
            }
            if self.posted.is_some() {
                return self.refused(header, Verdict::Wait);
            }
        }
        match header {
            Header { read: false, .. } => Verdict::Ok(0),
            Header { ap: true, a, .. } => Verdict::Ok(self.read_ap(chip, a, now)),
            Header { a, .. } => Verdict::Ok(self.read_dp(chip, a, now)),
        }
    }

    /// The data of an accepted write has arrived.
    pub(crate) fn write(
        &mut self,
        chip: &mut impl Chip,
        header: Header,
        value: u32,
        intact: bool,
        now: Time,
    ) {
        if !intact {
            self.ctrl |= ctrl_stat::WDATAERR; // [ADI-6]
        } else if header.ap {
            self.write_ap(chip, header.a, value, now);
        } else {
            self.write_dp(header.a, value, now);
        }
    }

    fn refused(&mut self, header: Header, verdict: Verdict) -> Verdict {
        if self.overrun_detect() {
            self.ctrl |= ctrl_stat::STICKYORUN;
        }
        if header.ap && header.read || header.is_dp_read(dp::RDBUFF) {
            self.ctrl &= !ctrl_stat::READOK;
        }
        verdict
    }

    /// Takes over the result of a posted access that has ended.
    fn settle(&mut self, now: Time) {
        let Some(posted) = self.posted.filter(|p| p.effect.end.is_some_and(|end| end <= now)) else { return };
        self.posted = None;
        if posted.effect.error {
            self.ctrl |= ctrl_stat::STICKYERR;
            return;
        }
        match posted.kind {
            Kind::Read => self.rdbuff = posted.effect.value,
            Kind::Write => {}
            Kind::Pushed(expected) => self.compare(posted.effect.value, expected),
        }
    }

    fn bank(&self) -> u8 {
        self.select.to_le_bytes()[0] & 0xF
    }

    fn read_dp(&mut self, chip: &impl Chip, a: u8, now: Time) -> u32 {
        match (a, self.bank()) {
            (dp::DPIDR, _) => chip.dpidr(),
            (dp::CTRL_STAT, bank::CTRL_STAT) => self.ctrl | self.acknowledged(now),
            (dp::CTRL_STAT, bank::DLCR) => self.dlcr,
            (dp::CTRL_STAT, bank::TARGETID) => chip.targetid(),
            (dp::CTRL_STAT, bank::DLPIDR) => 1, // instance 0, SWD version 2
            (dp::CTRL_STAT, bank::EVENTSTAT) => 1, // no event is pending
            (dp::RESEND, _) => self.resend,
            (dp::RDBUFF, _) => self.answer_data(),
            _ => 0,
        }
    }

    fn answer_data(&mut self) -> u32 {
        self.ctrl |= ctrl_stat::READOK;
        self.resend = self.rdbuff;
        self.rdbuff
    }

    fn write_dp(&mut self, a: u8, value: u32, now: Time) {
        match (a, self.bank()) {
            (dp::ABORT, _) => self.abort(value, now),
            (dp::CTRL_STAT, bank::CTRL_STAT) => self.write_ctrl(value, now),
            (dp::CTRL_STAT, bank::DLCR) => self.dlcr = value & dlcr::TURNROUND,
            (dp::SELECT, _) => self.select = value,
            _ => {}
        }
    }

    fn abort(&mut self, value: u32, now: Time) {
        let pairs = [
            (abort::STKCMPCLR, ctrl_stat::STICKYCMP),
            (abort::STKERRCLR, ctrl_stat::STICKYERR),
            (abort::WDERRCLR, ctrl_stat::WDATAERR),
            (abort::ORUNERRCLR, ctrl_stat::STICKYORUN),
        ];
        for (_, flag) in pairs.into_iter().filter(|(clear, _)| value & clear != 0) {
            self.ctrl &= !flag;
        }
        if value & abort::DAPABORT != 0
            && let Some(posted) = self.posted.take()
            && let Some(end) = posted.effect.end.filter(|end| *end > now)
        {
            self.aps.entry(posted.ap).or_default().abandon(end);
        }
    }

    fn write_ctrl(&mut self, value: u32, now: Time) {
        self.ctrl = (self.ctrl & !CTRL_WRITABLE) | (value & CTRL_WRITABLE);
        let requests = [ctrl_stat::CDBGPWRUPREQ, ctrl_stat::CSYSPWRUPREQ];
        for (acknowledge, request) in self.acknowledge.iter_mut().zip(requests) {
            let asked = value & request != 0;
            *acknowledge = asked.then(|| acknowledge.unwrap_or(now + POWER_UP_NS));
        }
    }

    fn acknowledged(&self, now: Time) -> u32 {
        let bits = [ctrl_stat::CDBGPWRUPACK, ctrl_stat::CSYSPWRUPACK];
        let up = self.acknowledge.iter().zip(bits).filter(|(at, _)| at.is_some_and(|at| at <= now));
        up.fold(0, |all, (_, bit)| all | bit)
    }

    fn read_ap(&mut self, chip: &mut impl Chip, a: u8, now: Time) -> u32 {
        let earlier = self.answer_data();
        self.start(chip, a, None, Kind::Read, now);
        earlier
    }

    fn write_ap(&mut self, chip: &mut impl Chip, a: u8, value: u32, now: Time) {
        // Pushed operations turn a data register write into a read that is compared.
        if self.ctrl & ctrl_stat::TRNMODE != 0 && self.offset(a) == DRW {
            self.start(chip, a, None, Kind::Pushed(value), now);
        } else {
            self.start(chip, a, Some(value), Kind::Write, now);
        }
    }

    fn offset(&self, a: u8) -> u8 {
        (self.select.to_le_bytes()[0] & 0xF0) | a
    }

    fn start(&mut self, chip: &mut impl Chip, a: u8, write: Option<u32>, kind: Kind, now: Time) {
        let [_, _, _, ap] = self.select.to_le_bytes();
        let effect = if self.acknowledged(now) & ctrl_stat::CDBGPWRUPACK == 0 {
            Effect { value: 0, end: Some(now), error: true } // a guess: no debug power, no access port [ADI-8]
        } else {
            let access = ApAccess { ap, offset: self.offset(a), write, fault_at: self.fault_at };
            self.aps.entry(ap).or_default().access(chip, access, now)
        };
        self.posted = Some(Posted { ap, effect, kind });
        self.settle(now);
    }

    fn compare(&mut self, read: u32, expected: u32) {
        let lanes = (self.ctrl & ctrl_stat::MASKLANE) >> 8;
        let mask = (0..4).filter(|n| lanes >> n & 1 == 1).fold(0_u32, |m, n| m | (0xFF << (8 * n)));
        let equal = (read ^ expected) & mask == 0;
        let pushed_verify = (self.ctrl & ctrl_stat::TRNMODE) >> 2 == 1;
        if equal != pushed_verify {
            self.ctrl |= ctrl_stat::STICKYCMP;
        }
    }
}
