//! From what the user named to an attached target, and away from it again.

use crate::cli::{ApChoice, How};
use crate::dry::{self, Needs};
use crate::output::Output;
use crate::trouble::Trouble;
use adi::{Adi, AdiError, Attach, Attached, ConnectMode, CoreAccess, Doing};
use provision::Exit;
use regs::ap::{IDR, Idr};
use session::{Options, Session};
use wire::{ApSel, Attr, Hz};

/// How many of the last accesses an error shows.
const EVIDENCE: usize = 6;
/// Access ports that are looked at when the user named none.
const MOST_PORTS: u8 = 16;

/// An attached target.
pub(crate) struct Target {
    pub(crate) session: Session,
    pub(crate) attached: Attached,
    choice: ApChoice,
    chosen: Option<ApSel>,
}

impl Target {
    pub(crate) fn adi(&mut self) -> &mut Adi {
        &mut self.session.adi
    }

    /// The access port that was named, or that `auto` chose. What it chose is said once.
    pub(crate) fn ap(&mut self, output: &mut Output) -> Result<ApSel, Trouble> {
        if let ApChoice::This(ap) = self.choice {
            return Ok(ap);
        }
        if let Some(ap) = self.chosen {
            return Ok(ap);
        }
        let (ap, why) = choose(&mut self.session.adi)?;
        output.say(&format!("access port: {ap} ({why})"));
        self.chosen = Some(ap);
        Ok(ap)
    }

    /// The access port to the part: the one that was named, or the one behind which an STM32H5 has its flash. It is asked
    /// for by number, because it may be shut.
    pub(crate) fn part_ap(&mut self, output: &mut Output) -> ApSel {
        if let ApChoice::This(ap) = self.choice {
            return ap;
        }
        if let Some(ap) = self.chosen {
            return ap;
        }
        let ap = ApSel(regs::h5::device::AP1.ap);
        output.say(&format!("access port: {ap} (auto: where an STM32H5 has its flash)"));
        *self.chosen.insert(ap)
    }

    /// The way to the core.
    pub(crate) fn core(&mut self, output: &mut Output) -> Result<CoreAccess, Trouble> {
        Ok(CoreAccess { ap: self.ap(output)?, attr: Attr::Default })
    }
}

/// Attaches, does `work`, and lets go of the probe whatever came of it.
pub(crate) fn with<T>(
    how: &How,
    output: &mut Output,
    work: impl FnOnce(&mut Target, &mut Output) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let session = open(how, output)?;
    on(session, how, output, work)
}

/// The same for work that changes the target. With `--dry-run` it is rehearsed instead, the accesses are shown, and there is
/// nothing more to tell.
pub(crate) fn writing<T>(
    how: &How,
    output: &mut Output,
    work: impl FnOnce(&mut Target, &mut Output) -> Result<T, Trouble>,
) -> Result<Option<T>, Trouble> {
    writing_part(Needs::default(), how, output, work)
}

/// The same for work on the part, of which a rehearsal must know more.
pub(crate) fn writing_part<T>(
    needs: Needs,
    how: &How,
    output: &mut Output,
    work: impl FnOnce(&mut Target, &mut Output) -> Result<T, Trouble>,
) -> Result<Option<T>, Trouble> {
    if !how.dry_run {
        return with(how, output, work).map(Some);
    }
    // The board that was named is only read, whichever way the rehearsal attaches.
    let quiet = How { connect: ConnectMode::Hotplug, ..how.clone() };
    let stage = with(&quiet, output, |target, output| dry::stage(target, needs, how, output))?;
    let rehearsed = on(stage, how, output, |target, output| {
        target.adi().remember_all();
        let before = target.adi().flight().iter().count();
        work(target, output)?;
        let flight = target.adi().flight().clone();
        dry::show(flight.iter().skip(before), how, output);
        Ok(None)
    });
    rehearsed.map_err(dry::rehearsed)
}

/// Opens the probe, does `work` without attaching to a target, and lets go.
pub(crate) fn unattached<T>(
    how: &How,
    output: &mut Output,
    work: impl FnOnce(&mut Session, &mut Output) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let mut session = open(how, output)?;
    let done = work(&mut session, output).map_err(|trouble| explained(trouble, &session));
    let closed = session.close().map_err(Trouble::closing);
    let done = done?;
    closed?;
    Ok(done)
}

fn on<T>(
    mut session: Session,
    how: &How,
    output: &mut Output,
    work: impl FnOnce(&mut Target, &mut Output) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let attached = attach(&mut session.adi, how, output);
    let (done, session) = match attached {
        Err(trouble) => (Err(explained(trouble, &session)), session),
        Ok((attached, chosen)) => {
            let mut target = Target { session, attached, choice: how.ap, chosen };
            let done = work(&mut target, output);
            (done.map_err(|trouble| explained(trouble, &target.session)), target.session)
        }
    };
    let closed = session.close().map_err(Trouble::closing);
    if let (Ok(closing), true) = (&closed, how.bill) {
        let bill = closing.bill.as_deref().unwrap_or("only a simulated probe has one");
        bill.lines().for_each(|line| output.say(&format!("bill  {line}")));
    }
    let done = done?;
    closed?;
    Ok(done)
}

/// Opens the probe only.
fn open(how: &How, output: &mut Output) -> Result<Session, Trouble> {
    let policy = session::policy(how.policy.as_deref(), &how.set)?;
    let probe = match &how.probe {
        Some(probe) => probe.clone(),
        None => {
            let only = session::only_probe(&policy)?;
            output.say(&format!("probe: {only} (the only one)"));
            only
        }
    };
    Ok(session::open(&options(how, &probe)?)?)
}

/// What a session over this probe is made of.
pub(crate) fn options(how: &How, probe: &str) -> Result<Options, Trouble> {
    Ok(Options {
        probe: probe.to_owned(),
        policy: session::policy(how.policy.as_deref(), &how.set)?,
        swclk: Hz::khz(how.speed),
        trace: how.trace.clone(),
        trace_secrets: false,
        tool: "ackwait".to_owned(),
    })
}

/// Adds what is known of probe and target to an error.
fn explained(mut trouble: Trouble, session: &Session) -> Trouble {
    if trouble.evidence.is_empty() {
        trouble.evidence = evidence(&session.adi, trouble.exit);
    }
    trouble.state = trouble.state.or_else(|| Some(state(&session.adi, trouble.exit)));
    trouble
}

/// The last accesses, where they have to do with how the command ended.
fn evidence(adi: &Adi, exit: Exit) -> Vec<String> {
    let all: Vec<_> = adi.flight().iter().collect();
    let end = match exit {
        // A rule said no, and what it says is the evidence.
        Exit::Usage | Exit::Refused | Exit::Confirm | Exit::Integrity => 0,
        // The session ended with a reset, which has nothing to do with what the part said before.
        Exit::Authentication => {
            let reset = all.iter().rposition(|flown| matches!(flown.what, Doing::Nreset { low: true }));
            reset.unwrap_or(all.len())
        }
        _ => all.len(),
    };
    all.into_iter().take(end).skip(end.saturating_sub(EVIDENCE)).map(ToString::to_string).collect()
}

/// What is known of target and reset line.
fn state(adi: &Adi, exit: Exit) -> String {
    if exit == Exit::Probe {
        return "not known, nor whether NRST is released: the probe does not answer as it should".to_owned();
    }
    let nrst = if adi.reset_may_be_low() { "NRST may still be low" } else { "NRST is released" };
    match adi.attached() {
        None => format!("not attached; {nrst}"),
        Some(a) => {
            let halted = if a.halted { "was halted" } else { "was not halted by this command" };
            format!("attached ({}), the core {halted}; {nrst}", a.mode)
        }
    }
}

/// Attaches in the mode that was asked for. The modes that halt the core must know where it is.
fn attach(adi: &mut Adi, how: &How, output: &mut Output) -> Result<(Attached, Option<ApSel>), Trouble> {
    let mode = how.connect;
    if matches!(mode, ConnectMode::Hotplug | ConnectMode::Pulse) {
        return Ok((adi.attach(&Attach { mode, core: None })?, None));
    }
    let (ap, chosen) = match how.ap {
        ApChoice::This(ap) => (ap, None),
        ApChoice::Auto => {
            let (ap, why) = look_first(adi)?;
            output.say(&format!("access port: {ap} ({why})"));
            (ap, Some(ap))
        }
    };
    let core = Some(CoreAccess { ap, attr: Attr::Default });
    Ok((adi.attach(&Attach { mode, core })?, chosen))
}

/// Where the core is, before anything is halted or reset.
fn look_first(adi: &mut Adi) -> Result<(ApSel, String), Trouble> {
    match adi.attach(&Attach::HOTPLUG) {
        Ok(_) => choose(adi),
        // The program may have turned the pins off; that is what connecting under reset is for.
        Err(AdiError::NoTarget { .. } | AdiError::LinkLost { .. }) => {
            let ap = ApSel(regs::h5::device::AP1.ap);
            Ok((
                ap,
                "auto: nobody answers without a reset, and this is where an STM32H5 has its core".to_owned(),
            ))
        }
        Err(e) => Err(e.into()),
    }
}

/// The first access port on the system bus, where the core is; else the first that reaches any memory.
fn choose(adi: &mut Adi) -> Result<(ApSel, String), Trouble> {
    let mut first = None;
    for number in 0..MOST_PORTS {
        let ap = ApSel(number);
        let Some(idr) = identify(adi, ap)? else { break };
        if idr.is_system_bus() {
            return Ok((ap, format!("auto: the first one on the system bus, {}", idr.bus())));
        }
        if idr.is_mem_ap() {
            first = first.or(Some((ap, idr)));
        }
    }
    let (ap, idr) = first.ok_or_else(|| {
        Trouble::new(Exit::ApClosed, "no access port reaches memory")
            .next("`ackwait info`; name one with `--ap N`")
    })?;
    Ok((ap, format!("auto: none on the system bus answers; this one is on {}", idr.bus())))
}

/// IDR of an access port; `None` where there is none, or the probe cannot reach it.
fn identify(adi: &mut Adi, ap: ApSel) -> Result<Option<Idr>, Trouble> {
    match adi.read_ap(ap, IDR) {
        Ok(value) => Ok(Some(Idr(value)).filter(|idr| idr.is_present())),
        Err(AdiError::Fault { .. } | AdiError::Unsupported(_)) => Ok(None),
        Err(e) => Err(e.into()),
    }
}
