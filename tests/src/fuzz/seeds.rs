//! Where inputs begin: what our own driver and simulated probes say to each other.

use super::scripted::Recorded;
use super::{Input, Shape};
use crate::{AP1, options};
use adi::{Adi, Attach};
use h5::{FlashPace, FlashRange, Part, da};
use pace::{Clock, Policy, VirtualClock};
use session::{Loopback, Options, Session};
use sim::SimProbe;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use usbip::codec;
use wire::{Addr, ApSel, Attr, Batch, Flow, Hz, MemOp, Setup, UsbDevice};

/// A packet, and what was answered.
pub(super) type Said = (Vec<u8>, Vec<u8>);

/// Simulated CMSIS-DAP probes.
pub(super) const DAP: [&str; 8] = [
    "h562,profile=hs",
    "h562,profile=hid",
    "h562,profile=fs",
    "h562,firmware=free-dap",
    "h562,firmware=dap-rs",
    "h562,firmware=edbg",
    "h562,firmware=picoprobe-old",
    "h562,firmware=wch-link",
];

/// Simulated ST-Links.
pub(super) const STLINK: [&str; 4] = [
    "h562,probe=stlink-v2",
    "h562,probe=stlink-v21",
    "h562,probe=stlink-v3",
    "h562,probe=stlink-v2,stlink.fw=V2J24S4",
];

/// Words of the blocks.
const WORDS: u32 = 150;

/// What a host does with a probe: attach, look, blocks, a batch, a little flash, the ROM. Nothing stops it.
pub(super) fn host(device: Rc<RefCell<impl UsbDevice + 'static>>, shape: &mut Shape) {
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new());
    let pipe = Box::new(Loopback::new(device, Arc::clone(&clock)));
    let policy = Policy::default();
    let link = match probe::open::link(pipe, &policy.usb, Arc::clone(&clock)) {
        Ok(link) => link,
        Err(error) => return shape.add(&error),
    };
    let mut adi = Adi::new(link, policy, clock);
    shape.add(&adi.set_swclk(Hz::khz(4000)).err());
    shape.add(&adi.attach(&Attach::HOTPLUG).err());
    shape.add(&adi.scan(ApSel(0), ApSel(2)).err());
    let at = Addr(0x2000_03F0);
    let words: Vec<u32> = (0..WORDS).map(|n| n * 0x0101_0101).collect();
    shape.add(&adi.write_words(AP1, Attr::Default, at, &words).err());
    shape.add(&adi.read_words(AP1, Attr::Default, at, words.len()).err());
    shape.add(&adi.run(&mixed(at)).err());
    match h5::identify(&mut adi, AP1) {
        Ok(identity) => {
            let mut part = Part::new(&mut adi, AP1, identity);
            let flash = crate::bill::FLASH;
            shape.add(&part.erase(&FlashRange::covering(flash, 4), &mut |_| {}).err());
            for pace in FlashPace::ALL {
                let at = flash.plus(64 * pace as u32);
                shape.add(&part.program(at, &[0x5A; 48], pace, &mut |_| {}).err());
            }
            shape.add(&part.interrupted().err());
        }
        Err(error) => shape.add(&error),
    }
    shape.add(&da::discover(&mut adi).err());
    shape.add(&adi.detach().err());
}

fn mixed(at: Addr) -> Batch {
    let ops = vec![
        MemOp::write(at, 1),
        MemOp::read(at.plus(4)),
        MemOp::WaitUntil { at, mask: 1, value: 1 },
        MemOp::ReadWords { at, count: 5, secret: true },
        MemOp::write_once(at, 2),
    ];
    Batch { ap: AP1, attr: Attr::NonSecure, flow: Flow::Lockstep, ops }
}

/// What is said while a host does all that with this probe.
pub(super) fn conversation(scenario: &str) -> Vec<Said> {
    let Ok(probe) = SimProbe::open(scenario) else { return Vec::new() };
    let device = Rc::new(RefCell::new(Recorded::new(probe)));
    host(Rc::clone(&device), &mut Shape::default());
    std::mem::take(&mut device.borrow_mut().said)
}

/// Each packet with its answer, equal pairs once.
pub(super) fn pairs(scenarios: &[&str]) -> Vec<Input> {
    let mut all: Vec<Input> = Vec::new();
    for (packet, answer) in scenarios.iter().flat_map(|scenario| conversation(scenario)) {
        let pair = Input(vec![packet, answer]);
        if all.len() < 2000 && !all.contains(&pair) {
            all.push(pair);
        }
    }
    all
}

/// Whole conversations from one side, behind a record that says which probe it is, in pieces.
pub(super) fn sides(scenarios: &[&str], side: fn(Said) -> Vec<u8>, piece: usize) -> Vec<Input> {
    let mut all = Vec::new();
    for (number, scenario) in (0u8..).zip(scenarios) {
        let said: Vec<_> = conversation(scenario).into_iter().map(side).collect();
        all.extend(said.chunks(piece).map(|chunk| Input([&[vec![number]], chunk].concat())));
    }
    all
}

/// USB/IP: a handshake, the first control transfers, packets both ways, transfers taken back.
pub(super) fn usbip() -> Vec<Input> {
    let bulk = |seq, input, data: Vec<u8>| {
        codec::Command::Submit(codec::Submit {
            seq,
            devid: 0x0001_0002,
            endpoint: 1,
            input,
            flags: u32::from(input),
            length: if input { 512 } else { data.len() as u32 },
            interval: 0,
            setup: Setup { request_type: 0, request: 0, value: 0, index: 0, length: 0 },
            data: data.into(),
        })
    };
    let get = |seq, value| {
        let setup = Setup { request_type: 0x80, request: 6, value, index: 0, length: 255 };
        let codec::Command::Submit(submit) = bulk(seq, true, Vec::new()) else {
            return bulk(seq, true, Vec::new());
        };
        codec::Command::Submit(codec::Submit { endpoint: 0, length: 255, setup, ..submit })
    };
    let mut commands: Vec<_> = [0x0100, 0x0200, 0x0300, 0x0302, 0x0F00, 0x2200]
        .into_iter()
        .zip(1..)
        .map(|(value, seq)| get(seq, value))
        .collect();
    let talk = conversation(DAP[0]);
    for (seq, (packet, _)) in (10u32..).step_by(3).zip(talk.into_iter().take(60)) {
        commands.push(bulk(seq, true, Vec::new()));
        commands.push(bulk(seq + 1, false, packet));
        if seq % 4 == 0 {
            commands.push(codec::Command::Unlink { seq: seq + 2, devid: 0x0001_0002, target: seq });
        }
    }
    let stream: Vec<Vec<u8>> = commands.iter().map(|command| command.to_bytes().to_vec()).collect();
    let mut all = vec![Input::one(codec::Request::DevList.to_bytes())];
    all.push(Input::one(codec::Request::Import(codec::BusId::numbered(1, 2)).to_bytes()));
    all.extend(stream.chunks(20).map(|chunk| Input(chunk.to_vec())));
    all
}

/// Recordings of short sessions, whole and cut, and an old pcap with nothing but its head.
pub(super) fn recordings() -> Vec<Input> {
    let mut all = vec![Input::one(classic())];
    for scenario in DAP.iter().take(3).chain(STLINK.iter().take(1)) {
        all.extend(recording(scenario).map(Input::one));
    }
    all
}

fn recording(scenario: &str) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().ok()?;
    let trace = Some(folder.path().join("seed.pcapng"));
    let device = SimProbe::open(scenario).ok()?;
    let mut session = Session::simulated(device, &Options { trace: trace.clone(), ..options() }).ok()?;
    session.adi.attach(&Attach::HOTPLUG).ok()?;
    session.adi.run(&mixed(Addr(0x2000_0000))).ok()?;
    session.close().ok()?;
    std::fs::read(trace?).ok()
}

/// A pcap of version 2.4 with usbmon's link type and one record of 64 zero bytes.
fn classic() -> Vec<u8> {
    let head = [0xA1B2_C3D4u32, 0x0004_0002, 0, 0, 0xFFFF, 220, 1, 2, 64, 64];
    let mut file: Vec<u8> = head.iter().flat_map(|word| word.to_le_bytes()).collect();
    file.resize(file.len() + 64, 0);
    file
}
