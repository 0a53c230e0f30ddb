//! A small register model of an STM32H5 behind a fake link: enough to see what the driver writes, in which order, and what it
//! makes of the answers. It knows nothing of wires and probes, and every fault is switched on by hand.

pub(crate) mod chip;
pub(crate) mod rom;

use adi::{Adi, Attach};
use chip::{Chip, Touch};
use h5::Password;
use pace::{Clock, Policy, VirtualClock};
use regs::dp::ctrl_stat;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use wire::{
    Ack, Bits, DapOp, Flow, Hz, Link, LinkCaps, LinkConfig, LinkError, Mark, Pins, Port, RegSel, Stop,
    SwdItem, Transferred,
};

/// Time of one transaction.
const EACH: Duration = Duration::from_nanos(11_500);

/// Debug port and access ports in front of the chip.
struct FakeLink {
    chip: Arc<Mutex<Chip>>,
    clock: Arc<VirtualClock>,
    select: u32,
    control: u32,
    aps: [(u32, u32); 2],
    mask: u32,
    match_retry: u16,
}

impl FakeLink {
    fn chip(&self) -> MutexGuard<'_, Chip> {
        self.chip.lock().unwrap()
    }

    fn ap(&self) -> usize {
        ((self.select >> 24) & 1) as usize
    }

    /// One access; `Err` is an ack other than OK.
    fn access(&mut self, reg: RegSel, write: Option<(u32, bool)>) -> Result<u32, Ack> {
        self.clock.sleep(EACH);
        let now = self.clock.now();
        self.chip().tick(now);
        match reg.port {
            Port::Dp => Ok(self.dp(reg.a, write.map(|w| w.0))),
            Port::Ap if self.control & ctrl_stat::STICKYERR != 0 => Err(Ack::FAULT),
            Port::Ap => self.ap_access(reg.a, write),
        }
    }

    fn dp(&mut self, a: u8, write: Option<u32>) -> u32 {
        match (a, write) {
            (0x0, None) => regs::h5::device::DPIDR,
            (0x0, Some(_)) => {
                self.control &= !ctrl_stat::STICKYERR;
                0
            }
            (0x4, None) if self.select & 0xF == 2 => regs::h5::device::Family::H562.device().target_id,
            (0x4, None) => self.control,
            (0x4, Some(value)) => {
                let requests = value & ctrl_stat::PWRUPREQ;
                self.control = requests | (requests << 1) | (self.control & ctrl_stat::STICKYERR);
                0
            }
            (0x8, Some(value)) => {
                self.select = value;
                0
            }
            _ => 0,
        }
    }

    fn ap_access(&mut self, a: u8, write: Option<(u32, bool)>) -> Result<u32, Ack> {
        let ap = self.ap();
        let register = (self.select as u8 & 0xF0) | a;
        let (csw, tar) = self.aps[ap];
        match (register, write) {
            (0x00, None) => Ok(csw | 0x40),
            (0x00, Some((value, _))) => Ok({
                self.aps[ap].0 = value;
                0
            }),
            (0x04, None) => Ok(tar),
            (0x04, Some((value, _))) => Ok({
                self.aps[ap].1 = value;
                0
            }),
            (0x0C, _) => {
                let value = self.memory(ap, tar, write)?;
                self.aps[ap].1 = (tar & !0x3FF) | ((tar + 4) & 0x3FF);
                Ok(value)
            }
            (0x10 | 0x14 | 0x18 | 0x1C, _) => {
                self.memory(ap, (tar & !0xF) | u32::from(register & 0xC), write)
            }
            (0xFC, None) => Ok(if ap == 0 { 0x5477_0002 } else { 0x8477_0001 }),
            _ => Ok(0),
        }
    }

    fn memory(&mut self, ap: usize, at: u32, write: Option<(u32, bool)>) -> Result<u32, Ack> {
        let (value, stalled) = {
            let mut chip = self.chip();
            let secret = write.is_some_and(|w| w.1);
            let value = match write {
                Some((value, _)) => {
                    chip.log.push(Touch { ap, at, value, secret });
                    chip.write(ap, at, value).map(|()| 0)
                }
                None => chip.read(ap, at),
            };
            (value, std::mem::take(&mut chip.stall))
        };
        // A stalled bus is a probe that repeats until it is through.
        self.clock.sleep(stalled);
        value.ok_or_else(|| {
            self.control |= ctrl_stat::STICKYERR;
            Ack::FAULT
        })
    }

    fn one(&mut self, op: &DapOp) -> Result<Option<u32>, Stop> {
        let stop = |ack, mismatch| Stop { ack, mismatch, overrun: false };
        match *op {
            DapOp::Read { reg, .. } => self.access(reg, None).map(Some).map_err(|ack| stop(ack, false)),
            DapOp::Write { reg, value, secret } => {
                self.access(reg, Some((value, secret))).map(|_| None).map_err(|ack| stop(ack, false))
            }
            DapOp::SetMask(mask) => {
                self.mask = mask;
                Ok(None)
            }
            DapOp::ReadUntil { reg, value } => {
                for _ in 0..=self.match_retry {
                    let seen = self.access(reg, None).map_err(|ack| stop(ack, false))?;
                    if seen & self.mask == value {
                        return Ok(None);
                    }
                }
                Err(stop(Ack::OK, true))
            }
        }
    }
}

impl Link for FakeLink {
    fn caps(&self) -> LinkCaps {
        LinkCaps {
            sequences: true,
            value_match: true,
            reset_pin: true,
            in_flight: 4,
            group: 101,
            overrun_detection: false,
            exact_count: true,
        }
    }

    fn configure(&mut self, config: &LinkConfig) -> Result<(), LinkError> {
        self.match_retry = config.match_retry;
        Ok(())
    }

    fn set_clock(&mut self, clock: Hz) -> Result<Hz, LinkError> {
        Ok(clock)
    }

    fn transfer(&mut self, ops: &[DapOp], _: Flow) -> Result<Transferred, LinkError> {
        let mut out = Transferred::default();
        for op in ops {
            match self.one(op) {
                Ok(value) => out.values.extend(value),
                Err(stop) => {
                    out.stop = Some(stop);
                    return Ok(out);
                }
            }
            out.done += 1;
        }
        Ok(out)
    }

    fn swj_sequence(&mut self, _: &Bits) -> Result<(), LinkError> {
        Ok(())
    }

    fn swd_sequence(&mut self, _: &[SwdItem]) -> Result<Vec<Bits>, LinkError> {
        Ok(Vec::new())
    }

    fn pins(&mut self, out: Pins, select: Pins, _: Duration) -> Result<Pins, LinkError> {
        if select.has(Pins::NRESET) {
            let now = self.clock.now();
            self.chip().nrst(out.has(Pins::NRESET), now);
        }
        Ok(out)
    }

    fn write_abort(&mut self, _: u32) -> Result<(), LinkError> {
        self.control &= !ctrl_stat::STICKYERR;
        Ok(())
    }

    fn release(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    fn mark(&mut self, mark: &Mark) {
        self.chip().marks.push(mark.to_string());
    }
}

/// A chip on the bench, and an engine attached to it by hotplug.
pub(crate) fn bench(set_up: impl FnOnce(&mut Chip)) -> (Adi, Arc<Mutex<Chip>>) {
    bench_with(Policy::default(), set_up)
}

/// The same with another policy.
pub(crate) fn bench_with(policy: Policy, set_up: impl FnOnce(&mut Chip)) -> (Adi, Arc<Mutex<Chip>>) {
    let clock = Arc::new(VirtualClock::new());
    let mut chip = Chip::h562();
    set_up(&mut chip);
    let chip = Arc::new(Mutex::new(chip));
    let (select, control) = (0, 0);
    let aps = [(0x8000_0040, 0), (0xC380_0040, 0)];
    let link = FakeLink {
        chip: Arc::clone(&chip),
        clock: Arc::clone(&clock),
        select,
        control,
        aps,
        mask: 0,
        match_retry: 0,
    };
    let mut adi = Adi::new(Box::new(link), policy, clock);
    adi.set_swclk(Hz::khz(4000)).unwrap();
    adi.attach(&Attach::HOTPLUG).unwrap();
    (adi, chip)
}

/// A part that has just been brought to PROVISIONING.
pub(crate) fn provisioning(chip: &mut Chip) {
    chip.set_state(0x17);
}

/// A password.
pub(crate) fn password(text: &str) -> Password {
    Password::from_bytes(text.as_bytes()).unwrap()
}
