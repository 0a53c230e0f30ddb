//! `status`: which state the part is in, what that means, what may be done next and what can be taken back.

use crate::chip::{credential_kind, line, part_json};
use crate::cli::How;
use crate::cli::part::StatusArgs;
use crate::number::hex;
use crate::output::{Output, wrapped};
use crate::target::{self, Target};
use crate::trouble::Trouble;
use h5::{ApEnable, Identity, ProductState, Tzen};
use provision::Exit;
use regs::h5::state::{How as By, MOVES, Move};
use regs::h5::{dbgmcu, flash};
use serde_json::{Value, json};
use wire::{Addr, ApSel, Attr};

/// What can be told without a reset.
struct Status {
    enabled: ApEnable,
    ap: ApSel,
    /// `None`: the core's access port is shut.
    open: Option<Open>,
    /// DEV_ID, by DBGMCU, which never shuts.
    dev_id: u16,
}

/// What an open access port shows.
struct Open {
    part: Identity,
    interrupted: Option<String>,
    needs_recovery: bool,
    /// Option bytes that were changed and not started.
    pending: Vec<String>,
    /// BOOT_UBE selects ST-iRoT.
    st_irot: bool,
    /// Name, value, words.
    registers: Vec<(&'static str, u32, String)>,
}

pub(crate) fn status(args: &StatusArgs, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let status = target::with(how, output, |target, output| look(target, args, output))?;
    output.data(how.format, "status", status.json(), || status.lines());
    Ok(())
}

fn look(target: &mut Target, args: &StatusArgs, output: &mut Output) -> Result<Status, Trouble> {
    let attached = target.attached;
    if attached.targetid.is_some_and(|id| id.designer() != regs::dp::DESIGNER_ST) {
        return Err(Trouble::new(Exit::WrongDevice, "the debug port is not ST's")
            .next("`ackwait info` says who is there"));
    }
    let ap = target.part_ap(output);
    let enabled = h5::ap_open(target.adi())?;
    enabled.must_have(ap)?;
    let idcode = Addr(dbgmcu::BASE_AP0 + dbgmcu::IDCODE);
    let idcode = target.adi().read_word(ApSel(regs::h5::device::AP0.ap), Attr::Default, idcode)?;
    let dev_id = u16::try_from(idcode & dbgmcu::idcode::DEV_ID).unwrap_or_default();
    let open = if enabled.open(ap) { Some(look_inside(target, args, output)?) } else { None };
    Ok(Status { enabled, ap, open, dev_id })
}

fn look_inside(target: &mut Target, args: &StatusArgs, output: &mut Output) -> Result<Open, Trouble> {
    let ap = target.part_ap(output);
    let mut part = target.part(args.which, output)?;
    let options = part.options()?;
    let interrupted = part.interrupted()?;
    let identity = part.identity().clone();
    let mut registers = Vec::new();
    for offset in [flash::NSSR, flash::NSCR, flash::OPTCR] {
        let at = Addr(flash::BASE + offset);
        let value = target.adi().read_word(ap, Attr::NonSecure, at)?;
        let (name, words) = regs::lookup(at.0)
            .map_or(("memory", String::new()), |hit| (hit.register.name, hit.register.describe(value)));
        registers.push((name, value, words));
    }
    Ok(Open {
        part: identity,
        interrupted: interrupted.map(|i| i.to_string()),
        needs_recovery: interrupted.is_some_and(|i| i.needs_recovery()),
        pending: options.pending().iter().map(ToString::to_string).collect(),
        st_irot: options.boots_st_irot(),
        registers,
    })
}

/// What a state means for somebody at the bench. [H5-STATE-1] [H5-STATE-3] [H5-STATE-5]
fn meaning(state: ProductState) -> &'static str {
    match state {
        ProductState::OPEN => "everything is open; the program runs",
        ProductState::PROVISIONING => {
            "normal on the way to CLOSED: the program does not run here, the ROM does; the credential goes in now"
        }
        ProductState::IROT_PROVISIONED => "the program runs; with TrustZone the root of trust is closed",
        ProductState::TZ_CLOSED => "the secure side is closed; non-secure debug stays open",
        ProductState::CLOSED => "no debug; only the credential opens it",
        ProductState::LOCKED => "no debug, for ever",
        ProductState::REGRESSION | ProductState::NS_REGRESSION => {
            "the ROM is taking it back: wait, then reset"
        }
        _ => "no state that is known: reset the part and read again",
    }
}

/// What it takes to get back from a state.
fn way_back(state: ProductState) -> &'static str {
    match state {
        ProductState::OPEN => "there is nothing to take back",
        ProductState::LOCKED => "there is none",
        _ => "regression with the credential that is in the part; it erases the flash",
    }
}

/// The moves that are known to work from here. [H5-STATE-2]
fn moves(state: ProductState, tzen: Tzen) -> impl Iterator<Item = &'static Move> {
    MOVES.iter().filter(move |m| m.from == state && m.trust_zone.is_none_or(|on| on == tzen.is_on()))
}

/// A move as a command, with what it costs.
fn advice(m: &Move, part: &Identity, st_irot: bool) -> Option<String> {
    let to = m.to;
    let name = to.name().unwrap_or("unknown");
    match m.how {
        By::Firmware => None,
        By::Regression => {
            let credential = if part.tzen.is_on() { "--key KEY --cert CERT" } else { "--password-file FILE" };
            let (partial, erased) = match to {
                ProductState::TZ_CLOSED => (" --partial", "what is not secure"),
                _ => ("", "the flash"),
            };
            Some(format!("{to} by `ackwait da regress {credential}{partial}`: erases {erased}"))
        }
        By::OptionByte => {
            let cost = match to {
                _ if st_irot && to.shuts() => {
                    "BOOT_UBE selects ST-iRoT: without its data the part would be dead"
                }
                ProductState::LOCKED => "for ever",
                ProductState::PROVISIONING => "the way back is regression",
                _ => {
                    "`ackwait da discover` must vouch for the credential; the way back is regression with it"
                }
            };
            let unnamed = to.shuts() && part.must_be_named().is_err();
            let family = if unnamed { " --family NAME" } else { "" };
            Some(format!("{to} by `ackwait state set {name}{family}`: {cost}"))
        }
    }
}

const ASK: &str = "unknown: `ackwait da discover` resets the part and asks its ROM";

impl Status {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut say = |word: &str, text: &str| lines.extend(wrapped(word, text));
        let port = if self.open.is_some() { "open" } else { "shut" };
        match &self.open {
            None => {
                say("part", &format!("DEV_ID 0x{:03X}", self.dev_id));
                say(
                    "state",
                    &format!(
                        "not readable: {} is shut, as in CLOSED, LOCKED, or right after a reset",
                        self.ap
                    ),
                );
                say("credential", ASK);
                say(
                    "next",
                    "`ackwait da discover` names the state; `ackwait da regress` takes the part back",
                );
            }
            Some(open) => open.lines(&mut say),
        }
        say("ports", &format!("{} {port}; DBGMCU_SR {} ({})", self.ap, hex(self.enabled.sr), self.enabled));
        lines
    }

    fn json(&self) -> Value {
        let mut all = json!({ "dev_id": self.dev_id, "ap": self.ap.0, "ap_open": self.open.is_some(),
            "dbgmcu_sr": self.enabled.sr, "credential": "unknown" });
        let Some(open) = &self.open else { return all };
        if let (Some(all), Value::Object(more)) = (all.as_object_mut(), open.json()) {
            all.extend(more);
        }
        all
    }
}

impl Open {
    fn lines(&self, say: &mut impl FnMut(&str, &str)) {
        let part = &self.part;
        say("part", &line(part));
        say("state", &format!("{}: {}", part.state, meaning(part.state)));
        say("way back", way_back(part.state));
        say("TrustZone", credential_kind(part.tzen));
        say("credential", ASK);
        for advice in moves(part.state, part.tzen).filter_map(|m| advice(m, part, self.st_irot)) {
            say("next", &advice);
        }
        if let Some(interrupted) = &self.interrupted {
            say("reset", interrupted);
        }
        if self.needs_recovery {
            say("next", "the selectors of option bytes and OBK need a repair: `ackwait ob repair`");
        }
        self.pending.iter().for_each(|diff| say("pending", diff));
        for (name, value, words) in &self.registers {
            say("flash", &format!("{name} {} {words}", hex(*value)));
        }
    }

    fn json(&self) -> Value {
        let part = &self.part;
        let next: Vec<_> = moves(part.state, part.tzen)
            .map(|m| json!({ "to": m.to.name(), "by": by(m.how), "reversible": !m.to.is_final() }))
            .collect();
        let registers = self.registers.iter().map(|(name, value, _)| ((*name).to_owned(), json!(value)));
        json!({
            "part": part_json(part), "state": part.state.name(), "state_code": part.state.0,
            "meaning": meaning(part.state), "way_back": way_back(part.state),
            "trustzone": part.tzen.to_string(), "next": next, "interrupted": self.interrupted,
            "needs_repair": self.needs_recovery, "pending": self.pending,
            "registers": Value::Object(registers.collect()),
        })
    }
}

fn by(how: By) -> &'static str {
    match how {
        By::OptionByte => "option-byte",
        By::Regression => "regression",
        By::Firmware => "firmware",
    }
}
