//! What is fuzzed.

use super::files::{READERS, own_recordings};
use super::scripted::Scripted;
use super::seeds::{DAP, STLINK, conversation, host, pairs, sides, usbip as messages};
use super::{Input, Shape, Target, views};
use bytes::Bytes;
use cmsis_dap::{Kind, Model, Planned, expand, settle};
use h5::da::{Certificate, Chain, Permissions, PublicKey, Role, Token};
use sim::SimProbe;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;
use usbip::{Description, Port, codec};
use wire::{Secret, UsbDevice};

/// All targets.
pub const TARGETS: [Target; 12] = [
    Target {
        name: "dap-reply",
        about: "CMSIS-DAP packets and answers through the decoders, the matching of operations and the expansion",
        seeds: || pairs(&DAP),
        run: dap_reply,
    },
    Target {
        name: "stlink-reply",
        about: "ST-Link commands and answers through the decoders",
        seeds: || pairs(&STLINK),
        run: stlink_reply,
    },
    Target {
        name: "dap-host",
        about: "the driver from link to debug authentication, in front of a CMSIS-DAP probe that says what it likes",
        seeds: || host_seeds(&DAP),
        run: dap_host,
    },
    Target {
        name: "stlink-host",
        about: "the driver in front of an ST-Link that says what it likes",
        seeds: || host_seeds(&STLINK),
        run: stlink_host,
    },
    Target {
        name: "dap-device",
        about: "simulated CMSIS-DAP firmware, of eight kinds, with any packets",
        seeds: || sides(&DAP, |(packet, _)| packet, 60),
        run: |input| device(input, &DAP),
    },
    Target {
        name: "stlink-device",
        about: "simulated ST-Link firmware with any packets",
        seeds: || sides(&STLINK, |(packet, _)| packet, 60),
        run: |input| device(input, &STLINK),
    },
    Target {
        name: "usbip",
        about: "USB/IP messages through the decoders, and into a port with a simulated probe",
        seeds: messages,
        run: usbip_messages,
    },
    Target {
        name: "certificates",
        about: "certificate chains, certificates and tokens of debug authentication through their decoders",
        seeds: certificate_seeds,
        run: certificates,
    },
    Target {
        name: "trace",
        about: "recordings of ours, pcapng and pcap, through every reader and every view",
        seeds: own_recordings,
        run: views::file,
    },
    READERS[0],
    READERS[1],
    READERS[2],
];

/// The target with this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

const MODELS: [Model; 3] = [Model::Arm, Model::DapRs, Model::FreeDap];

fn dap_reply(input: &Input) -> Shape {
    let mut shape = Shape::default();
    let (packet, reply) = (input.record(0), input.record(1));
    let request = match cmsis_dap::Request::decode(packet) {
        Ok(request) => request,
        Err(error) => {
            shape.add(&error);
            return shape;
        }
    };
    assert!(request.used + request.padding <= packet.len(), "a decoder used more than there is");
    let response = cmsis_dap::Response::decode(&request.value, reply);
    shape.add(&response);
    for model in MODELS {
        if let Ok(response) = &response {
            assert!(response.used + response.padding <= reply.len(), "a decoder used more than there is");
            shape.number(expand(&request.value, response, model).len().min(255) as u8);
        }
        let (ops, reads, kind) = match &request.value {
            cmsis_dap::Request::Transfer(transfer) => {
                let reads = transfer.items.iter().filter(|item| item.request.is_plain_read()).count();
                (transfer.items.len(), reads, Kind::Transfer)
            }
            cmsis_dap::Request::TransferBlock(block) => {
                let reads = if block.request.is_read() { usize::from(block.count) } else { 0 };
                (usize::from(block.count), reads, Kind::Block)
            }
            _ => continue,
        };
        let command = Bytes::copy_from_slice(packet);
        let planned =
            Planned { command, secret: Secret::NONE, reply_secret: Secret::NONE, ops: 0..ops, kind };
        let outcome = settle(&planned, reply, model);
        shape.add(&outcome);
        if let Ok(outcome) = outcome {
            assert!(outcome.done <= ops, "{} of {ops} operations are done", outcome.done);
            assert!(outcome.values.len() <= reads, "{} values for {reads} reads", outcome.values.len());
        }
    }
    shape
}

fn stlink_reply(input: &Input) -> Shape {
    let mut shape = Shape::default();
    let command = match stlink::Command::decode(input.record(0)) {
        Ok(command) => command.value,
        Err(error) => {
            shape.add(&error);
            return shape;
        }
    };
    shape.add(&command);
    shape.add(&stlink::Answer::decode(&command, input.record(1)));
    let items = u32::from(input.record(0).last().copied().unwrap_or_default());
    shape.add(&stlink::misc::decode_list(items, input.record(1)));
    shape
}

/// One conversation as the probe's side of it, behind the number of the probe.
fn host_seeds(scenarios: &[&str]) -> Vec<Input> {
    let one = |(number, scenario): (u8, &&str)| {
        let answers = conversation(scenario).into_iter().map(|(_, answer)| answer);
        Input([vec![number]].into_iter().chain(answers).collect())
    };
    (0u8..).zip(scenarios).map(one).collect()
}

/// The scenario that an input's first record names.
fn chosen<'a>(input: &Input, scenarios: &[&'a str]) -> Option<&'a str> {
    let number = usize::from(input.record(0).first().copied().unwrap_or_default());
    scenarios.get(number % scenarios.len()).copied()
}

fn dap_host(input: &Input) -> Shape {
    scripted_host(input, &DAP)
}

fn stlink_host(input: &Input) -> Shape {
    scripted_host(input, &STLINK)
}

fn scripted_host(input: &Input, scenarios: &[&str]) -> Shape {
    let mut shape = Shape::default();
    let Some(Ok(probe)) = chosen(input, scenarios).map(SimProbe::open) else { return shape };
    let device = Scripted {
        identity: probe.identity(),
        endpoints: probe.endpoints(),
        script: input.0.iter().skip(1).cloned().collect(),
        waiting: VecDeque::new(),
    };
    host(Rc::new(RefCell::new(device)), &mut shape);
    shape
}

fn device(input: &Input, scenarios: &[&str]) -> Shape {
    let mut shape = Shape::default();
    let Some(Ok(mut probe)) = chosen(input, scenarios).map(SimProbe::open) else { return shape };
    let [out, back] = probe.endpoints();
    let mut now = Duration::ZERO;
    for packet in input.0.iter().skip(1) {
        if probe.bill().time > HOST_PATIENCE {
            break;
        }
        match probe.out(out.address, packet, now) {
            Ok(taken) => now = now.max(taken),
            Err(fault) => shape.add(&fault),
        }
        while let Some(when) = probe.next_in(back.address) {
            now = now.max(when);
            let answer = probe.take_in(back.address).unwrap_or_default();
            assert!(answer.len() <= LARGEST_ANSWER, "an answer of {} bytes", answer.len());
            answer.iter().take(3).for_each(|byte| shape.number(*byte));
        }
    }
    shape.number(probe.board().product_state().0);
    shape
}

/// No host waits longer for one answer; what comes behind an input that takes longer is not looked at.
const HOST_PATIENCE: Duration = Duration::from_secs(6);

/// No answer is larger: the largest transfer of an ST-Link.
const LARGEST_ANSWER: usize = 0x1_0000;

fn usbip_messages(input: &Input) -> Shape {
    let mut shape = Shape::default();
    let Ok(probe) = SimProbe::open(DAP[0]) else { return shape };
    let about = Description::cmsis_dap(&probe);
    let Ok(mut port) = Port::new(probe, about) else { return shape };
    port.attach(Duration::ZERO);
    let mut now = Duration::ZERO;
    for record in &input.0 {
        handshake(record, &mut shape);
        let message = Bytes::copy_from_slice(record);
        for input in [false, true] {
            shape.add(&codec::Return::needed(record, input));
            shape.add(&codec::Return::parse(&message, input));
        }
        let command = codec::Command::parse(&message);
        shape.add(&command);
        let Ok(command) = command else { continue };
        assert_eq!(codec::Command::needed(record), Ok(record.len()), "the length told and the length read");
        let again = codec::Command::parse(&command.to_bytes());
        assert_eq!(again.as_ref(), Ok(&command), "what is written is read");
        if port.command(command, now).is_err() {
            break;
        }
        for done in port.advance(now) {
            shape.add(&done);
        }
        now = now.max(port.wake().unwrap_or(now)) + Duration::from_micros(1);
    }
    shape
}

fn certificate_seeds() -> Vec<Input> {
    let one = |role| Certificate::new(role, PublicKey([0x5A; 64]), Permissions(0x5077));
    let chain = Chain::of(vec![one(Role::ROOT), one(Role::INTERMEDIATE), one(Role::LEAF)]);
    let text = chain.map(|chain| chain.to_base64()).unwrap_or_default();
    let mut token = vec![1, 0, 1, 0];
    token.resize(120, 0);
    vec![Input::one(text), Input::one(one(Role::ROOT).to_bytes()), Input::one(token)]
}

fn certificates(input: &Input) -> Shape {
    let mut shape = Shape::default();
    let bytes = input.record(0);
    shape.add(&Chain::read(bytes).map(|chain| (chain.permissions(), chain.check())));
    let certificate = Certificate::parse(bytes);
    shape.add(&certificate.as_ref().map(|c| (c.role, c.is_signed_by(&c.public_key))));
    if let Ok(certificate) = certificate {
        assert_eq!(certificate.to_bytes(), bytes, "what is read is written");
    }
    let token = Token::parse(bytes);
    shape.add(&token.as_ref().map(|t| t.permissions));
    if let Ok(token) = token {
        assert_eq!(token.to_bytes(), bytes, "what is read is written");
    }
    shape
}

fn handshake(record: &[u8], shape: &mut Shape) {
    shape.add(&codec::Request::needed(record));
    let request = codec::Request::parse(record);
    shape.add(&request);
    if let Ok(request) = request {
        assert_eq!(codec::Request::parse(&request.to_bytes()), Ok(request), "what is written is read");
    }
    shape.add(&codec::Reply::needed_for_import(record));
    shape.add(&codec::Reply::parse(record));
}
