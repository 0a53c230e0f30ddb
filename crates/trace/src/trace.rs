//! A whole trace: a recording, decoded and lifted once, readable at every level.

use crate::event::{Body, Event};
use crate::read::{Choice, Device, Marked, Protocol, Recording, Warning, choose};
use crate::{TraceError, action, decode, fold, lift, read};
use cmsis_dap::Model;
use std::time::Duration;
use wire::{Ack, Addr, ApSel, Certainty, Level, Port, Width};

/// How to open a recording.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Which device is the probe; otherwise the payload decides.
    pub device: Option<Device>,
}

/// A recording with everything that is derived from it.
#[derive(Debug)]
pub struct Trace {
    comment: String,
    marks: Vec<Marked>,
    warnings: Vec<Warning>,
    device: Option<Device>,
    protocol: Option<Protocol>,
    model: Model,
    usb: Vec<Event>,
    commands: Vec<Event>,
    wire: Vec<Event>,
    lifted: Vec<Event>,
    folded: Vec<Event>,
    meanings: Vec<Event>,
    actions: Vec<Event>,
}

/// A write to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Write {
    /// When.
    pub at: Duration,
    /// What was written to.
    pub to: WriteTo,
    /// The value; `None` when it is secret or not known.
    pub value: Option<u32>,
    /// How it ended. With [`Ack::OK`] it was accepted, which does not say that the target performed it.
    pub ack: Ack,
}

/// What was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteTo {
    /// Memory, through an access port.
    Memory {
        /// The access port.
        ap: ApSel,
        /// The address.
        at: Addr,
        /// The width.
        width: Width,
    },
    /// A register of the debug port.
    Dp {
        /// Its name.
        name: &'static str,
    },
    /// A register of an access port that moves no data (CSW, TAR).
    Ap {
        /// The access port; `None` when SELECT was not seen.
        ap: Option<ApSel>,
        /// Its name.
        name: &'static str,
    },
}

/// Opens a recording.
///
/// # Errors
/// [`TraceError::Unknown`] when the bytes are no recording.
pub fn open(bytes: &[u8]) -> Result<Trace, TraceError> {
    open_with(bytes, &Options::default())
}

/// Opens a recording, with options.
///
/// # Errors
/// [`TraceError::Unknown`] when the bytes are no recording, [`TraceError::NoSuchDevice`] when the chosen device is not in it.
pub fn open_with(bytes: &[u8], options: &Options) -> Result<Trace, TraceError> {
    let mut recording = read::read(bytes)?;
    let choice = choose(&mut recording, options.device)?;
    Ok(Trace::derive(recording, choice))
}

impl Trace {
    fn derive(recording: Recording, choice: Option<Choice>) -> Trace {
        let Recording { comment, transfers, marks, warnings } = recording;
        let decoding = choice.map(|choice| decode::decode(&transfers, choice)).unwrap_or_default();
        let lifted = match choice.map(|choice| choice.protocol) {
            Some(Protocol::StLink) => lift::native::lift(&decoding.commands),
            _ => lift::lift(&decoding.wire),
        };
        let breaks = fold::Breaks::of(&marks);
        let folded = fold::fold(&lifted, &breaks);
        let mut meanings = folded.clone();
        meanings.iter_mut().for_each(|event| event.level = Level::Meaning);
        let actions = action::find(&meanings, &breaks);
        let usb = transfers
            .into_iter()
            .map(|transfer| Event {
                level: Level::Usb,
                at: transfer.submitted.unwrap_or(transfer.at()),
                until: transfer.completed.unwrap_or(transfer.at()),
                certainty: Certainty::Explicit,
                cause: None,
                order: transfer.order,
                body: Body::Transfer(Box::new(transfer)),
            })
            .collect();
        Trace {
            comment,
            marks,
            warnings,
            device: choice.map(|c| c.device),
            protocol: choice.map(|c| c.protocol),
            model: decoding.model,
            usb,
            commands: decoding.commands,
            wire: decoding.wire,
            lifted,
            folded,
            meanings,
            actions,
        }
    }

    /// The events of a level, in order of time. From level 3 on, polls and block transfers are one event each.
    pub fn events(&self, level: Level) -> &[Event] {
        match level {
            Level::Usb => &self.usb,
            Level::Command => &self.commands,
            Level::Transaction => &self.wire,
            Level::Access => &self.folded,
            Level::Meaning => &self.meanings,
            Level::Action => &self.actions,
        }
    }

    /// Every memory access and every access to a DP or AP register, nothing folded and nothing left out.
    pub fn accesses(&self) -> &[Event] {
        &self.lifted
    }

    /// The marks.
    pub fn marks(&self) -> &[Marked] {
        &self.marks
    }

    /// What of the recording could not be used.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The comment at the head of the recording, lines `key: value` in a recording of ours.
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// The value of a line `key: value` of the comment.
    pub fn header(&self, key: &str) -> Option<&str> {
        self.comment.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
    }

    /// The device that was decoded.
    pub fn device(&self) -> Option<Device> {
        self.device
    }

    /// What the probe speaks, where that was recognised.
    pub fn protocol(&self) -> Option<Protocol> {
        self.protocol
    }

    /// The CMSIS-DAP firmware that the probe seems to have, which decides what it added to the wire.
    pub fn model(&self) -> Model {
        self.model
    }

    /// Where the recording was cut off, if it was.
    pub fn truncated_at(&self) -> Option<usize> {
        self.warnings.iter().find_map(|warning| match warning {
            Warning::Truncated { at } | Warning::Damaged { at } => Some(*at),
            _ => None,
        })
    }

    /// Every write that went to the target, in order: memory, DP and AP registers, housekeeping included, and those that were
    /// refused too. An access whose address is not known is [`WriteTo::Ap`].
    pub fn writes(&self) -> Vec<Write> {
        self.lifted.iter().filter_map(write).collect()
    }
}

fn write(event: &Event) -> Option<Write> {
    match &event.body {
        Body::Access(a) if a.access.write => {
            let to = WriteTo::Memory { ap: a.access.ap, at: a.access.at, width: a.access.width };
            Some(Write { at: event.at, to, value: a.access.value.filter(|_| !a.secret), ack: a.ack })
        }
        Body::Register(r) if r.write => {
            let to = match (r.port, r.bank) {
                (Port::Dp, bank) => WriteTo::Dp { name: regs::dp::name(false, r.a, bank.unwrap_or(0)) },
                (Port::Ap, Some(bank)) => WriteTo::Ap { ap: r.ap, name: regs::ap::name(bank, r.a) },
                (Port::Ap, None) => WriteTo::Ap { ap: r.ap, name: "AP (unknown register)" },
            };
            Some(Write { at: event.at, to, value: r.value.filter(|_| !r.secret), ack: r.ack })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
