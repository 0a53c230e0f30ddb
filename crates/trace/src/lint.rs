//! Lint: what a session did that works by luck, costs for nothing, or touches what it should leave alone.
//!
//! Each [`Rule`] looks at every access of a trace, nothing folded and nothing left out ([`Trace::accesses`]), and its evidence
//! are places in that list. A rule says nothing where the trace does not show what it would need: an ST-Link, and a log that
//! shows accesses alone, hides SELECT, TAR and sticky flags, so three of the rules have nothing to look at there. What was before a
//! hole in the recording is evidence of nothing behind it.

mod keys;
mod port;
mod session;

use crate::event::{Accessed, Body, Event, RegisterAccess};
use crate::name::canonical;
use crate::read::Marked;
use crate::target::Names;
use crate::{Trace, line};
use serde::Serialize;
use wire::{Ack, ApSel, Mark, MarkKind, Port};

/// How the session connected, which decides what it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Connect {
    /// Nothing is halted, reset or written.
    Hotplug,
    /// The core is halted.
    Normal,
    /// nRESET is held low meanwhile.
    UnderReset,
    /// nRESET is pulsed, then as hotplug.
    Pulse,
}

impl Connect {
    /// All of them.
    pub const ALL: [Connect; 4] = [Connect::Hotplug, Connect::Normal, Connect::UnderReset, Connect::Pulse];

    /// The word used in marks and on command lines.
    pub const fn word(self) -> &'static str {
        match self {
            Connect::Hotplug => "hotplug",
            Connect::Normal => "normal",
            Connect::UnderReset => "under-reset",
            Connect::Pulse => "pulse",
        }
    }

    /// The one with this word.
    pub fn from_word(word: &str) -> Option<Connect> {
        Connect::ALL.into_iter().find(|connect| connect.word() == word)
    }
}

/// What the rules are told beside the trace.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// How the session connected; otherwise its own marks say it.
    pub connect: Option<Connect>,
    /// The only access port that is expected; otherwise AP1, and AP0 for DBGMCU, where the part is an STM32H5.
    pub ap: Option<ApSel>,
}

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its name.
    pub id: &'static str,
    /// What it finds.
    pub finds: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// Id of the note behind it.
    pub note: &'static str,
}

/// All rules, in the order of their findings.
pub const RULES: [Rule; 8] = [
    session::HOTPLUG_HALT,
    session::RESET_PIN,
    session::OTHER_AP,
    keys::UNSEEN_LOCK,
    keys::KEY_TWICE,
    port::TAR_WRAP,
    port::STICKY_LEFT,
    port::SELECT_AGAIN,
];

/// Something that a rule found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// What happened, in words.
    pub what: String,
    /// When the first event of the evidence began, in nanoseconds.
    pub t_ns: u64,
    /// Numbers of the events that show it, as in [`Trace::accesses`].
    pub events: Vec<usize>,
    /// The first of them as lines of text.
    pub lines: Vec<String>,
}

/// The result over a whole trace. `schema` grows when a field changes its meaning or goes away.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Lint {
    /// Version of this form: 1.
    pub schema: u32,
    /// What was found, by rule and then in order of time.
    pub findings: Vec<Finding>,
    /// Rules that could not look, and why.
    pub blind: Vec<Blind>,
}

/// A rule that could not look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blind {
    /// The rule's name.
    pub rule: &'static str,
    /// Why.
    pub why: &'static str,
}

/// Events of a finding that are shown as text.
const LINES: usize = 4;

impl Lint {
    /// Runs all rules over a trace.
    pub fn of(trace: &Trace, settings: &Settings) -> Lint {
        let mut rules = Rules::new(settings);
        rules.look(trace);
        let mut lint = rules.lint();
        lint.show(trace);
        lint
    }

    /// Adds to each finding the lines of its events in a piece of the recording. Findings name events by number, so the
    /// recording is gone through once more for them.
    pub fn show(&mut self, piece: &Trace) {
        let (all, before) = (piece.accesses(), piece.accesses_before());
        for finding in &mut self.findings {
            for (place, number) in finding.events.iter().enumerate().take(LINES) {
                let Some(event) = number.checked_sub(before).and_then(|n| all.get(n)) else { continue };
                if place == 0 {
                    finding.t_ns = u64::try_from(event.at.as_nanos()).unwrap_or(u64::MAX);
                }
                finding.lines.push(named(event));
            }
        }
    }
}

/// The rules at work.
#[derive(Debug, Default)]
pub struct Rules {
    settings: Settings,
    work: Option<(Context, Vec<Box<dyn Look>>)>,
}

impl Rules {
    /// Nothing was looked at yet.
    pub fn new(settings: &Settings) -> Rules {
        Rules { settings: settings.clone(), work: None }
    }

    /// Looks at a piece of a recording, which stands behind the one before.
    pub fn look(&mut self, piece: &Trace) {
        let begin = || {
            let context = Context::of(piece, &self.settings);
            let looks = looks(&context, &self.settings);
            (context, looks)
        };
        let (context, looks) = self.work.get_or_insert_with(begin);
        for (n, event) in (piece.accesses_before()..).zip(piece.accesses()) {
            looks.iter_mut().for_each(|look| look.see(n, event, context));
        }
    }

    /// What was found, without lines.
    pub fn lint(self) -> Lint {
        let Some((context, looks)) = self.work else {
            return Lint { schema: 1, findings: Vec::new(), blind: Vec::new() };
        };
        let found = looks.into_iter().flat_map(|look| look.found());
        Lint {
            schema: 1,
            findings: found.map(Found::finding).collect(),
            blind: context.blind(&self.settings),
        }
    }
}

fn looks(context: &Context, settings: &Settings) -> Vec<Box<dyn Look>> {
    let mut looks: Vec<Box<dyn Look>> = vec![
        Box::new(session::HotplugHalt::default()),
        Box::new(session::ResetPin::default()),
        Box::new(session::OtherAp::of(settings, context.h5)),
    ];
    if context.h5 {
        looks.push(Box::new(keys::UnseenLock::default()));
        looks.push(Box::new(keys::KeyTwice::default()));
    }
    if !context.hidden {
        looks.push(Box::new(port::TarWrap::default()));
        looks.push(Box::new(port::StickyLeft::default()));
        looks.push(Box::new(port::SelectAgain::default()));
    }
    looks
}

/// What rules need to know beside the event they look at.
#[derive(Debug)]
struct Context {
    chosen: Option<Connect>,
    /// Where marks say how the session attached.
    attached: Vec<(u64, Connect)>,
    /// Where the session says that it connects, whatever it was before.
    anew: Vec<u64>,
    /// The source hides SELECT, TAR and sticky flags.
    hidden: bool,
    /// The target is an STM32H5.
    h5: bool,
}

impl Context {
    fn of(trace: &Trace, settings: &Settings) -> Context {
        let said = |marked: &Marked| {
            let word = marked.mark.text.strip_prefix("attach ")?;
            Some((marked.order, Connect::from_word(word)?))
        };
        Context {
            chosen: settings.connect,
            attached: trace.marks().iter().filter_map(said).collect(),
            anew: trace.marks().iter().filter(|marked| connects(marked)).map(|marked| marked.order).collect(),
            hidden: trace.hides_the_wire(),
            h5: trace.target().names == Names::Stm32H5,
        }
    }

    /// How the session was connected when this happened.
    fn connect(&self, event: &Event) -> Option<Connect> {
        let before = self.attached.partition_point(|(order, _)| *order < event.order);
        let said = before.checked_sub(1).and_then(|last| self.attached.get(last));
        self.chosen.or_else(|| said.map(|(_, connect)| *connect))
    }

    /// Where the session says for the first time behind this event that it connects.
    fn connects_anew_behind(&self, event: &Event) -> Option<u64> {
        self.anew.get(self.anew.partition_point(|order| *order < event.order)).copied()
    }

    fn blind(&self, settings: &Settings) -> Vec<Blind> {
        let mut blind = Vec::new();
        if self.chosen.is_none() && self.attached.is_empty() {
            let why = "the recording does not say how the session connected (--connect says it)";
            blind.push(Blind { rule: session::HOTPLUG_HALT.id, why });
        }
        if settings.ap.is_none() && !self.h5 {
            let why = "the target is not known to be an STM32H5, nor which access port is expected (--target or --ap says it)";
            blind.push(Blind { rule: session::OTHER_AP.id, why });
        }
        if !self.h5 {
            let why = "the target is not known to be an STM32H5 (--target says it)";
            blind.extend([keys::UNSEEN_LOCK, keys::KEY_TWICE].map(|rule| Blind { rule: rule.id, why }));
        }
        if self.hidden {
            let why = "the source keeps its transactions to itself (an ST-Link, or a log of accesses)";
            blind.extend(
                [port::TAR_WRAP, port::STICKY_LEFT, port::SELECT_AGAIN].map(|r| Blind { rule: r.id, why }),
            );
        }
        blind
    }
}

/// Whether a mark says that the session connects: for the first time, or again behind a reset.
fn connects(marked: &Marked) -> bool {
    let Mark { kind, text } = &marked.mark;
    *kind == MarkKind::Attempt && (text == "reconnect" || text.starts_with("attach "))
}

/// A rule at work: it sees every access in order.
trait Look: std::fmt::Debug {
    fn see(&mut self, n: usize, event: &Event, context: &Context);
    fn found(self: Box<Self>) -> Vec<Found>;
}

/// What a rule found, with its evidence.
#[derive(Debug)]
struct Found {
    rule: Rule,
    what: String,
    events: Vec<usize>,
}

impl Found {
    fn finding(self) -> Finding {
        let Found { rule, what, events } = self;
        Finding { rule, what, t_ns: 0, events, lines: Vec::new() }
    }
}

/// An access with registers by name.
fn named(event: &Event) -> String {
    line(&Event { level: wire::Level::Meaning, ..event.clone() })
}

/// A word written to a register that was accepted: its canonical address and value.
fn written(event: &Event) -> Option<(u32, Option<u32>)> {
    accepted(event).filter(|a| a.access.write).map(|a| (canonical(a.access.at.0), a.access.value))
}

/// A word read from a register: its canonical address and value.
fn read(event: &Event) -> Option<(u32, Option<u32>)> {
    accepted(event).filter(|a| !a.access.write).map(|a| (canonical(a.access.at.0), a.access.value))
}

fn accepted(event: &Event) -> Option<&Accessed> {
    match &event.body {
        Body::Access(a) if a.ack == Ack::OK => Some(a),
        _ => None,
    }
}

/// So many of something.
fn counted(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// A register of the debug port.
fn dp_register(event: &Event) -> Option<&RegisterAccess> {
    match &event.body {
        Body::Register(r) if r.port == Port::Dp => Some(r),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
