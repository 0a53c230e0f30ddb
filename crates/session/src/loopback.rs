//! A simulated device as a pipe: no USB, no threads, virtual time.
//!
//! The device says when it takes a packet and when its answer will have arrived; whoever waits for that moves the clock
//! there. So a run is repeatable to the nanosecond, and a timeout of 30 s takes no time at all.

use bytes::Bytes;
use pace::Clock;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use wire::{Packet, Pipe, PipeError, PipeShape, Setup, TransferKind, UsbDevice, UsbFault};

/// A device of this process as a pipe.
pub struct Loopback<D> {
    device: Rc<RefCell<D>>,
    clock: Arc<dyn Clock>,
    shape: PipeShape,
}

impl<D> std::fmt::Debug for Loopback<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loopback").field("shape", &self.shape).finish_non_exhaustive()
    }
}

impl<D: UsbDevice> Loopback<D> {
    /// A pipe to `device` on this clock.
    pub fn new(device: Rc<RefCell<D>>, clock: Arc<dyn Clock>) -> Self {
        let (identity, [out, input]) = {
            let device = device.borrow();
            (device.identity(), device.endpoints())
        };
        let shape = PipeShape {
            kind: out.kind,
            out_endpoint: out.address,
            in_endpoint: input.address,
            report: (out.kind == TransferKind::Interrupt).then_some(usize::from(out.max_packet)),
            max_packet: usize::from(out.max_packet),
            product: identity.product,
            serial: Some(identity.serial),
            id: (identity.vid, identity.pid),
        };
        Loopback { device, clock, shape }
    }

    /// Lets the rest of the patience pass and says so.
    fn silence(&self, start: Duration, timeout: Duration) -> PipeError {
        self.clock.sleep_until(start + timeout);
        PipeError::Timeout(timeout)
    }

    fn fault(&self, fault: UsbFault, start: Duration, timeout: Duration) -> PipeError {
        match fault {
            UsbFault::Stall => PipeError::Stall,
            UsbFault::Gone => PipeError::Unplugged,
            UsbFault::Lost => self.silence(start, timeout),
        }
    }
}

impl<D: UsbDevice> Pipe for Loopback<D> {
    fn shape(&self) -> &PipeShape {
        &self.shape
    }

    fn send(&mut self, packet: &Packet, timeout: Duration) -> Result<(), PipeError> {
        let start = self.clock.now();
        let (endpoint, until) = (self.shape.out_endpoint, start + timeout);
        let taken = self.device.borrow_mut().out_until(endpoint, &packet.bytes, start, until);
        match taken {
            Ok(taken) if taken.bytes < packet.bytes.len() || taken.when > until => {
                Err(self.silence(start, timeout))
            }
            Ok(taken) => {
                self.clock.sleep_until(taken.when);
                Ok(())
            }
            // A lost packet looks sent: the host learns of it when the answer stays away.
            Err(UsbFault::Lost) => Ok(()),
            Err(fault) => Err(self.fault(fault, start, timeout)),
        }
    }

    fn recv(&mut self, timeout: Duration) -> Result<Bytes, PipeError> {
        let start = self.clock.now();
        let ready = self.device.borrow().next_in(self.shape.in_endpoint);
        if !self.device.borrow().plugged(start) {
            return Err(PipeError::Unplugged);
        }
        match ready {
            Some(when) if when <= start + timeout => {
                self.clock.sleep_until(when);
                self.device.borrow_mut().take_in(self.shape.in_endpoint).ok_or(PipeError::Unplugged)
            }
            _ => Err(self.silence(start, timeout)),
        }
    }

    fn pending(&mut self) -> bool {
        let ready = self.device.borrow().next_in(self.shape.in_endpoint);
        ready.is_some_and(|when| when <= self.clock.now())
    }

    fn control(&mut self, setup: Setup, data: &[u8], timeout: Duration) -> Result<Bytes, PipeError> {
        let start = self.clock.now();
        let answer = self.device.borrow_mut().control(setup, data, start);
        answer.map_err(|fault| self.fault(fault, start, timeout))
    }

    fn reset(&mut self) -> Result<(), PipeError> {
        let now = self.clock.now();
        self.device.borrow_mut().reset(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pace::VirtualClock;
    use std::collections::VecDeque;
    use wire::{Endpoint, UsbIdentity};

    /// Echoes each packet 3 ms after it came, and takes one packet per millisecond.
    #[derive(Default)]
    struct Echo {
        answers: VecDeque<(Duration, Bytes)>,
        free: Duration,
        gone: bool,
    }

    impl UsbDevice for Echo {
        fn identity(&self) -> UsbIdentity {
            UsbIdentity {
                vid: 1,
                pid: 2,
                release: 0,
                manufacturer: String::new(),
                product: "Echo CMSIS-DAP".into(),
                serial: "1".into(),
            }
        }
        fn endpoints(&self) -> [Endpoint; 2] {
            [0x01, 0x81].map(|address| Endpoint { address, kind: TransferKind::Bulk, max_packet: 64 })
        }
        fn control(&mut self, _: Setup, _: &[u8], _: Duration) -> Result<Bytes, UsbFault> {
            Err(UsbFault::Stall)
        }
        fn out(&mut self, _: u8, data: &[u8], at: Duration) -> Result<Duration, UsbFault> {
            if self.gone {
                return Err(UsbFault::Gone);
            }
            let taken = at.max(self.free);
            self.free = taken + Duration::from_millis(1);
            self.answers.push_back((taken + Duration::from_millis(3), Bytes::copy_from_slice(data)));
            Ok(taken)
        }
        fn next_in(&self, _: u8) -> Option<Duration> {
            self.answers.front().map(|(at, _)| *at)
        }
        fn take_in(&mut self, _: u8) -> Option<Bytes> {
            self.answers.pop_front().map(|(_, data)| data)
        }
        fn reset(&mut self, _: Duration) {
            self.answers.clear();
        }
        fn plugged(&self, _: Duration) -> bool {
            !self.gone
        }
    }

    fn pipe() -> (Loopback<Echo>, Rc<RefCell<Echo>>, Arc<VirtualClock>) {
        let device = Rc::new(RefCell::new(Echo::default()));
        let clock = Arc::new(VirtualClock::new());
        (Loopback::new(device.clone(), clock.clone()), device, clock)
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn packets_overlap_and_answers_come_in_order() {
        let (mut pipe, _, clock) = pipe();
        for n in 0..4u8 {
            pipe.send(&Packet::plain(vec![n]), SECOND).unwrap();
        }
        for n in 0..4u8 {
            assert_eq!(pipe.recv(SECOND).unwrap()[..], [n]);
        }
        // The last was taken after 3 ms and answered 3 ms later: four round trips in the time of two.
        assert_eq!(clock.now(), Duration::from_millis(6));
    }

    #[test]
    fn a_late_answer_is_a_timeout_and_comes_all_the_same() {
        let (mut pipe, _, clock) = pipe();
        pipe.send(&Packet::plain(vec![7]), SECOND).unwrap();
        let patience = Duration::from_millis(2);
        assert_eq!(pipe.recv(patience), Err(PipeError::Timeout(patience)));
        assert_eq!(clock.now(), patience);
        assert_eq!(pipe.recv(patience).unwrap()[..], [7]);
    }

    #[test]
    fn a_device_with_nothing_to_say_costs_the_whole_patience() {
        let (mut pipe, _, clock) = pipe();
        assert_eq!(pipe.recv(SECOND), Err(PipeError::Timeout(SECOND)));
        assert_eq!(clock.now(), SECOND);
    }

    #[test]
    fn an_unplugged_device_is_said_to_be_unplugged() {
        let (mut pipe, device, _) = pipe();
        pipe.send(&Packet::plain(vec![1]), SECOND).unwrap();
        device.borrow_mut().gone = true;
        assert_eq!(pipe.recv(SECOND), Err(PipeError::Unplugged));
        assert_eq!(pipe.send(&Packet::plain(vec![1]), SECOND), Err(PipeError::Unplugged));
    }
}
