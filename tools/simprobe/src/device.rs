//! The probe as it is offered: a simulated one, perhaps with a second pair of endpoints, counted and recorded.

use crate::kind::Kind;
use crate::tape::Tape;
use bytes::{Bytes, BytesMut};
use pace::Clock;
use sim::SimProbe;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use trace::TraceError;
use usbip::Description;
use wire::{Endpoint, InterfaceText, Setup, TransferKind, UsbDevice, UsbFault, UsbIdentity};

/// Endpoints of the HID interface of a composite device.
const HID: [Endpoint; 2] = [hid(0x02), hid(0x82)];

const fn hid(address: u8) -> Endpoint {
    Endpoint { address, kind: TransferKind::Interrupt, max_packet: 64 }
}

/// A probe that is offered to other programs.
pub(crate) struct Offered {
    probe: SimProbe,
    clock: Arc<dyn Clock>,
    /// Answers that wait at the HID interface and at the bulk interface, where there are two.
    second: Option<[VecDeque<(Duration, Bytes)>; 2]>,
    tape: Option<Tape>,
    round_trips: u64,
}

impl Offered {
    /// A probe of this kind.
    pub(crate) fn new(probe: SimProbe, kind: Kind, clock: Arc<dyn Clock>) -> Offered {
        let second = (kind == Kind::Composite).then(Default::default);
        Offered { probe, clock, second, tape: None, round_trips: 0 }
    }

    /// The same, recorded.
    ///
    /// # Errors
    /// [`TraceError`].
    pub(crate) fn recorded(mut self, path: &Path) -> Result<Offered, TraceError> {
        let UsbIdentity { vid, pid, product, serial, .. } = self.identity();
        self.tape = Some(Tape::create(path, format!("{product} ({vid:04x}:{pid:04x}, {serial})"))?);
        Ok(self)
    }

    /// The simulated probe.
    pub(crate) fn probe(&self) -> &SimProbe {
        &self.probe
    }

    /// The simulated probe.
    pub(crate) fn probe_mut(&mut self) -> &mut SimProbe {
        &mut self.probe
    }

    /// Answers that the host has taken.
    pub(crate) fn round_trips(&self) -> u64 {
        self.round_trips
    }

    /// What a USB host sees.
    pub(crate) fn description(&self) -> Description {
        match (&self.second, self.identity().vid) {
            (Some(_), _) => Description::cmsis_dap_composite(self.identity(), HID, self.endpoints()),
            (None, 0x0483) => Description::st_link(self),
            (None, _) => Description::cmsis_dap(self),
        }
    }

    /// Ends the recording.
    ///
    /// # Errors
    /// [`TraceError`].
    pub(crate) fn finish_recording(&mut self) -> Result<(), TraceError> {
        match &mut self.tape {
            Some(tape) => tape.finish().map(|_| ()),
            None => Ok(()),
        }
    }

    /// The endpoint with this address.
    fn endpoint(&self, address: u8) -> Option<Endpoint> {
        let second = if self.second.is_some() { HID.as_slice() } else { &[] };
        self.probe.endpoints().iter().chain(second).copied().find(|endpoint| endpoint.address == address)
    }

    /// A composite device sends each answer where its command came from.
    fn sort_answers(&mut self, from_hid: bool) {
        let [_, input] = self.probe.endpoints();
        let Some([hid, bulk]) = &mut self.second else { return };
        while let Some(at) = self.probe.next_in(input.address)
            && let Some(answer) = self.probe.take_in(input.address)
        {
            if from_hid { hid.push_back((at, report(&answer))) } else { bulk.push_back((at, answer)) }
        }
    }

    /// The queue of answers at this endpoint of a composite device.
    fn queue(&self, address: u8) -> Option<&VecDeque<(Duration, Bytes)>> {
        let [hid, bulk] = self.second.as_ref()?;
        Some(if address == HID[1].address { hid } else { bulk })
    }
}

/// An answer as a report.
fn report(answer: &Bytes) -> Bytes {
    let mut report = BytesMut::from(&answer[..]);
    report.resize(answer.len().max(usize::from(HID[1].max_packet)), 0);
    report.freeze()
}

impl UsbDevice for Offered {
    fn identity(&self) -> UsbIdentity {
        let identity = self.probe.identity();
        match &self.second {
            Some(_) => UsbIdentity { product: "Simulated CMSIS-DAP composite".to_owned(), ..identity },
            None => identity,
        }
    }

    fn interface(&self) -> Option<InterfaceText> {
        self.probe.interface()
    }

    fn endpoints(&self) -> [Endpoint; 2] {
        self.probe.endpoints()
    }

    fn control(&mut self, setup: Setup, data: &[u8], at: Duration) -> Result<Bytes, UsbFault> {
        self.probe.control(setup, data, at)
    }

    fn out(&mut self, address: u8, data: &[u8], at: Duration) -> Result<Duration, UsbFault> {
        let from_hid = self.second.is_some() && address == HID[0].address;
        let [command, _] = self.probe.endpoints();
        let taken = self.probe.out(if from_hid { command.address } else { address }, data, at);
        self.sort_answers(from_hid);
        if let (Some(endpoint), Some(tape)) = (self.endpoint(address), &mut self.tape) {
            // A packet that is lost on its way looks sent.
            match taken {
                Ok(taken) => tape.out(endpoint, data, at, taken),
                Err(UsbFault::Lost) => tape.out(endpoint, data, at, at),
                Err(UsbFault::Stall | UsbFault::Gone) => {}
            }
        }
        taken
    }

    fn next_in(&self, address: u8) -> Option<Duration> {
        match &self.second {
            Some(_) if self.probe.plugged(self.clock.now()) => Some(self.queue(address)?.front()?.0),
            Some(_) => None,
            None => self.probe.next_in(address),
        }
    }

    fn take_in(&mut self, address: u8) -> Option<Bytes> {
        let ready = self.next_in(address)?;
        let answer = match &mut self.second {
            Some([hid, bulk]) => {
                let queue = if address == HID[1].address { hid } else { bulk };
                queue.pop_front()?.1
            }
            None => self.probe.take_in(address)?,
        };
        self.round_trips += 1;
        let now = self.clock.now().max(ready);
        if let (Some(endpoint), Some(tape)) = (self.endpoint(address), &mut self.tape) {
            tape.input(endpoint, &answer, now);
        }
        Some(answer)
    }

    fn reset(&mut self, at: Duration) {
        self.probe.reset(at);
        if let Some(queues) = &mut self.second {
            queues.iter_mut().for_each(VecDeque::clear);
        }
    }

    fn plugged(&self, at: Duration) -> bool {
        self.probe.plugged(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pace::VirtualClock;

    fn offered(kind: Kind) -> (Offered, Arc<VirtualClock>) {
        let clock = Arc::new(VirtualClock::new());
        let probe = SimProbe::open(&kind.scenario("h563", &[])).unwrap();
        (Offered::new(probe, kind, Arc::<VirtualClock>::clone(&clock)), clock)
    }

    /// DAP_Info of the packet size, and where the answer comes.
    fn ask(device: &mut Offered, clock: &VirtualClock, out: u8, input: u8) -> Bytes {
        device.out(out, &[0x00, 0xFF], clock.now()).unwrap();
        clock.sleep_until(device.next_in(input).unwrap());
        device.take_in(input).unwrap()
    }

    /// Who it is, its interface and its endpoints: of simulated firmware that a scenario names, as in this process.
    #[test]
    fn a_named_firmware_shows_a_usb_host_what_it_shows_in_process() {
        let makes = ["debugprobe", "daplink-old", "free-dap", "edbg", "kitprog3", "orbtrace", "mcu-link"];
        for make in makes {
            let inside = SimProbe::open(&format!("h563,firmware={make}")).unwrap();
            let clock = Arc::new(VirtualClock::new());
            let probe = SimProbe::open(&Kind::default().scenario(&format!("h563,firmware={make}"), &[]));
            let device = Offered::new(probe.unwrap(), Kind::default(), Arc::<VirtualClock>::clone(&clock));
            let about = device.description();
            let [interface] = &about.interfaces[..] else { panic!("{make}: one interface") };
            let text = inside.interface().unwrap();
            assert_eq!((&interface.name, interface.class.class), (&text.name, text.class), "{make}");
            assert_eq!(
                (&about.identity, device.endpoints()),
                (&inside.identity(), inside.endpoints()),
                "{make}"
            );
            let taken = usbip::Server::new(clock).export(device, about);
            assert!(taken.is_ok(), "{make}: {taken:?}");
        }
    }

    /// KitProg3's class is 0, and only Orbtrace's interface says CMSIS-DAP.
    #[test]
    fn class_and_name_of_the_interface_are_those_of_the_firmware() {
        for (make, name, class) in
            [("kitprog3", "KitProg3 CMSIS-DAP BULK", 0x00), ("orbtrace", "CMSIS-DAP v2", 0xFF)]
        {
            let probe = SimProbe::open(&Kind::default().scenario(&format!("h563,firmware={make}"), &[]));
            let device = Offered::new(probe.unwrap(), Kind::default(), Arc::new(VirtualClock::new()));
            let [interface] = &device.description().interfaces[..] else { panic!("{make}") };
            assert_eq!((interface.name.as_str(), interface.class.class), (name, class));
        }
    }

    #[test]
    fn both_interfaces_of_a_composite_device_answer_where_they_were_asked() {
        let (mut device, clock) = offered(Kind::Composite);
        assert_eq!(ask(&mut device, &clock, 0x01, 0x81), [0x00, 2, 64, 0][..]);
        let report = ask(&mut device, &clock, 0x02, 0x82);
        assert_eq!((report.len(), &report[..4]), (64, &[0x00, 2, 64, 0][..]));
        assert_eq!((device.next_in(0x81), device.next_in(0x82)), (None, None));
        assert_eq!(device.round_trips(), 2);
        let about = device.description();
        let numbers: Vec<_> = about.interfaces.iter().flat_map(|i| &i.endpoints).map(|e| e.address).collect();
        assert_eq!(numbers, [0x01, 0x81, 0x82, 0x02]);
    }

    #[test]
    fn a_reset_forgets_what_waits_at_both_interfaces() {
        let (mut device, clock) = offered(Kind::Composite);
        device.out(0x01, &[0x00, 0xFF], clock.now()).unwrap();
        device.out(0x02, &[0x00, 0xFF], clock.now()).unwrap();
        device.reset(clock.now());
        assert_eq!((device.next_in(0x81), device.next_in(0x82)), (None, None));
    }

    #[test]
    fn a_device_with_one_interface_has_no_other_endpoints() {
        let (mut device, clock) = offered(Kind::DapV2);
        assert_eq!(device.out(0x02, &[0x00, 0xFF], clock.now()), Err(UsbFault::Stall));
        assert_eq!(device.next_in(0x82), None);
    }
}
