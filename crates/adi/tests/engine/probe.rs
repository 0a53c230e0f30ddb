//! A probe in front of the target, with the reference firmware's rules: posted reads, repeats on WAIT, value match, the
//! check after the last write, packets.

use crate::target::Target;
use pace::{Clock, VirtualClock};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use wire::{
    Ack, Bits, DapOp, Flow, Hz, Link, LinkCaps, LinkConfig, LinkError, Mark, Pins, PipeError, Port, RegSel,
    Stop, SwdItem, Transferred,
};

/// Everything a test can look at and tamper with.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) target: Target,
    pub(crate) caps: LinkCaps,
    /// Banked debug-port registers cannot be reached.
    pub(crate) no_banks: bool,
    pub(crate) config: LinkConfig,
    /// DAP operations in one packet.
    pub(crate) packet: usize,
    /// The n-th call of the link is not answered.
    pub(crate) silent_call: Option<usize>,
    pub(crate) calls: usize,
    pub(crate) transfers: usize,
    pub(crate) released: usize,
    pub(crate) marks: Vec<String>,
    clock: Arc<VirtualClock>,
}

pub(crate) struct Probe(pub Rc<RefCell<Bench>>);

impl Bench {
    pub(crate) fn new(clock: Arc<VirtualClock>) -> Rc<RefCell<Bench>> {
        let caps = LinkCaps {
            sequences: true,
            value_match: true,
            reset_pin: true,
            in_flight: 4,
            group: 10,
            overrun_detection: false,
            exact_count: true,
        };
        let config = LinkConfig {
            idle_cycles: 0,
            wait_retry: 0,
            match_retry: 0,
            match_time: None,
            turnaround: 1,
            data_phase: false,
        };
        Rc::new(RefCell::new(Bench {
            target: Target::new(),
            caps,
            no_banks: false,
            config,
            packet: 10,
            silent_call: None,
            calls: 0,
            transfers: 0,
            released: 0,
            marks: Vec::new(),
            clock,
        }))
    }

    fn call(&mut self) -> Result<(), LinkError> {
        let this = self.calls;
        self.calls += 1;
        if self.silent_call == Some(this) {
            return Err(PipeError::Timeout(Duration::from_secs(6)).into());
        }
        Ok(())
    }

    fn transact(&mut self, reg: RegSel, write: Option<u32>) -> (Ack, u32) {
        let mut left = self.config.wait_retry;
        loop {
            let (ack, value) = self.target.transact(reg, write);
            let clocks = if matches!(ack, Ack::WAIT | Ack::FAULT) { 13 } else { 46 };
            self.clock.sleep(Duration::from_nanos(clocks * 250));
            if ack != Ack::WAIT || left == 0 {
                return (ack, value);
            }
            left -= 1;
        }
    }

    fn packet(&mut self, ops: &[DapOp]) -> Transferred {
        let mut run = Run { bench: self, out: Transferred::default(), posted: false, mask: 0, check: false };
        let stop = run.all(ops);
        let mut out = run.out;
        out.stop = stop.err();
        out
    }
}

struct Run<'a> {
    bench: &'a mut Bench,
    out: Transferred,
    posted: bool,
    mask: u32,
    check: bool,
}

const RDBUFF: RegSel = RegSel::dp(0xC);

fn ok(ack: Ack) -> Result<(), Stop> {
    if ack == Ack::OK { Ok(()) } else { Err(Stop { ack, mismatch: false, overrun: false }) }
}

impl Run<'_> {
    fn value(&mut self, value: u32) {
        self.out.values.push(value);
        self.out.done += 1;
    }

    fn flush(&mut self) -> Result<(), Stop> {
        if std::mem::take(&mut self.posted) {
            let (ack, value) = self.bench.transact(RDBUFF, None);
            ok(ack)?;
            self.value(value);
        }
        Ok(())
    }

    fn all(&mut self, ops: &[DapOp]) -> Result<(), Stop> {
        for op in ops {
            self.one(op)?;
        }
        self.flush()?;
        if self.check {
            let (ack, _) = self.bench.transact(RDBUFF, None);
            ok(ack)?;
        }
        Ok(())
    }

    fn one(&mut self, op: &DapOp) -> Result<(), Stop> {
        match *op {
            DapOp::Read { reg, .. } if reg.port == Port::Ap => {
                let (ack, value) = self.bench.transact(reg, None);
                ok(ack)?;
                if self.posted {
                    self.value(value);
                }
                self.posted = true;
                self.check = false;
            }
            DapOp::Read { reg, .. } => {
                self.flush()?;
                let (ack, value) = self.bench.transact(reg, None);
                ok(ack)?;
                self.value(value);
                self.check = false;
            }
            DapOp::Write { reg, value, .. } => {
                self.flush()?;
                ok(self.bench.transact(reg, Some(value)).0)?;
                self.out.done += 1;
                self.check = true;
            }
            DapOp::SetMask(mask) => {
                self.flush()?;
                self.mask = mask;
                self.out.done += 1;
            }
            DapOp::ReadUntil { reg, value } => {
                self.flush()?;
                self.until(reg, value)?;
                self.out.done += 1;
                self.check = false;
            }
        }
        Ok(())
    }

    fn until(&mut self, reg: RegSel, wanted: u32) -> Result<(), Stop> {
        if reg.port == Port::Ap {
            ok(self.bench.transact(reg, None).0)?;
        }
        for _ in 0..=self.bench.config.match_retry {
            let (ack, value) = self.bench.transact(reg, None);
            ok(ack)?;
            if value & self.mask == wanted {
                return Ok(());
            }
        }
        Err(Stop { ack: Ack::OK, mismatch: true, overrun: false })
    }
}

impl Link for Probe {
    fn caps(&self) -> LinkCaps {
        self.0.borrow().caps
    }

    fn configure(&mut self, config: &LinkConfig) -> Result<(), LinkError> {
        let mut bench = self.0.borrow_mut();
        bench.config = *config;
        bench.call()
    }

    fn set_clock(&mut self, clock: Hz) -> Result<Hz, LinkError> {
        self.0.borrow_mut().call().map(|()| clock)
    }

    fn transfer(&mut self, ops: &[DapOp], flow: Flow) -> Result<Transferred, LinkError> {
        let mut bench = self.0.borrow_mut();
        bench.call()?;
        let banked = |op: &DapOp| matches!(op, DapOp::Write { reg, value, .. } if *reg == RegSel::dp(8) && value & 0xF != 0);
        if bench.no_banks && ops.iter().any(banked) {
            return Err(LinkError::Unsupported("no banks"));
        }
        bench.transfers += 1;
        let mut all = Transferred::default();
        let size = if flow == Flow::Grouped { bench.caps.group } else { bench.packet };
        let flight = bench.caps.in_flight;
        let mut packets = ops.chunks(size);
        let mut mask = None;
        while let Some(ops) = packets.next() {
            mask = ops
                .iter()
                .rev()
                .find_map(|op| if let DapOp::SetMask(m) = op { Some(*m) } else { None })
                .or(mask);
            // A mask lasts for the call: a packet that begins behind it gets it again.
            let mut with_mask = Vec::new();
            if let (Some(m), false) = (mask, matches!(ops.first(), Some(DapOp::SetMask(_)))) {
                with_mask.push(DapOp::SetMask(m));
            }
            let extra = with_mask.len();
            with_mask.extend(ops);
            let moved = bench.packet(&with_mask);
            all.done += moved.done.saturating_sub(extra);
            all.values.extend(&moved.values);
            if let Some(stop) = moved.stop {
                let mut overrun = false;
                if flow != Flow::Lockstep {
                    for ops in packets.by_ref().take(flight - 1) {
                        bench.packet(ops);
                        overrun = true;
                    }
                }
                all.stop = Some(Stop { overrun, ..stop });
                break;
            }
        }
        if !bench.caps.exact_count
            && let Some(stop) = all.stop
            && stop.ack != Ack::OK
            && matches!(ops.get(all.done), Some(DapOp::Write { .. }))
        {
            // This firmware counts the write that was refused.
            all.done += 1;
        }
        Ok(all)
    }

    fn swj_sequence(&mut self, bits: &Bits) -> Result<(), LinkError> {
        let mut bench = self.0.borrow_mut();
        bench.call()?;
        assert_eq!(bits.len.div_ceil(8), bits.data.len());
        bench.target.line(&bits.data);
        Ok(())
    }

    fn swd_sequence(&mut self, _items: &[SwdItem]) -> Result<Vec<Bits>, LinkError> {
        Err(LinkError::Unsupported("swd_sequence"))
    }

    fn pins(&mut self, out: Pins, select: Pins, _wait: Duration) -> Result<Pins, LinkError> {
        let mut bench = self.0.borrow_mut();
        if select.has(Pins::NRESET) {
            bench.target.drive_nreset(!out.has(Pins::NRESET));
        }
        // The pin moves even when the answer is lost.
        bench.call()?;
        Ok(if bench.target.nreset_low { Pins(0) } else { Pins::NRESET })
    }

    fn write_abort(&mut self, value: u32) -> Result<(), LinkError> {
        let mut bench = self.0.borrow_mut();
        bench.call()?;
        bench.transact(RegSel::dp(0), Some(value));
        Ok(())
    }

    fn release(&mut self) -> Result<(), LinkError> {
        let mut bench = self.0.borrow_mut();
        bench.released += 1;
        bench.call()
    }

    fn mark(&mut self, mark: &Mark) {
        self.0.borrow_mut().marks.push(mark.to_string());
    }
}
