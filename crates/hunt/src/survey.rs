//! First contact with silicon: what the notes claim, asked of the part that is there.
//!
//! Each check of the table belongs to a note of `vendor-notes/` that a probe can test. It comes out confirmed, refuted, or not
//! testable here, with what was read. Notes that leave their answer open ("it stalls, or it buffers") are held against what
//! the simulator does by default. What was measured is kept as items of a scenario, so that a simulated board can be made
//! to behave as this one did.

mod flash;
mod mailbox;
mod options;
mod port;
mod report;
mod reset;
mod site;
mod table;
mod word;

pub use report::{SCHEMA, page};
pub use table::{CHECKS, UNASKED};

use adi::{Adi, AdiError};
use h5::{H5Error, Identity};
use regs::Confidence;
use regs::note::NoteId;
use serde::Serialize;
use site::{Found, Gap, Site};
use table::Ask;
use wire::ApSel;

/// What a survey may do to the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Allow {
    /// Look, and write nothing.
    Look,
    /// Reset it, halt its core, use its SRAM. What runs on it begins anew.
    Reset,
    /// Also erase and program the last sector of flash, if it is empty, and change an option byte and change it back.
    Write,
}

/// On which part a check makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Where {
    /// On any.
    Any,
    /// Where the core's access port is open.
    Reached,
    /// In OPEN.
    Open,
    /// In OPEN, with TrustZone off.
    OpenPlain,
    /// In OPEN, with TrustZone on.
    OpenSecure,
    /// In PROVISIONING.
    Provisioning,
    /// Where the core's access port is shut.
    Shut,
}

/// One check of the table.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// The note.
    pub note: &'static str,
    /// What it does to the part.
    pub needs: Allow,
    /// Where it makes sense.
    pub on: Where,
    ask: Ask,
}

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The note holds here.
    Confirmed,
    /// It does not.
    Refuted,
    /// It cannot be tested on this part, in its state, with what was allowed.
    NotHere,
}

impl Verdict {
    /// Two words at most.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Verdict::Confirmed => "confirmed",
            Verdict::Refuted => "refuted",
            Verdict::NotHere => "not here",
        }
    }
}

/// What was found about one note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The note.
    pub note: &'static str,
    /// How sure it was.
    pub confidence: &'static str,
    /// What it claims.
    pub claim: &'static str,
    /// What became of it.
    pub verdict: Verdict,
    /// What was read or measured, or why not.
    pub evidence: String,
    /// What makes a simulated board do the same.
    pub scenario: Vec<String>,
}

/// The report of a survey.
#[derive(Debug, Clone, Serialize)]
pub struct Survey {
    /// Which form this report has.
    pub schema: &'static str,
    /// The part, or the first of the family that cannot be told apart: `H562`.
    pub part: String,
    /// DBGMCU_IDCODE.DEV_ID.
    pub dev_id: u16,
    /// DBGMCU_IDCODE.REV_ID.
    pub rev_id: u16,
    /// The product state; `None` where the core's access port is shut.
    pub state: Option<String>,
    /// TrustZone.
    pub trustzone: Option<String>,
    /// Flash size in KiB.
    pub flash_kib: Option<u16>,
    /// The unique id, where it was asked for.
    pub uid: Option<String>,
    /// What a simulated board must be told to behave so.
    pub scenario: Vec<String>,
    /// Note by note.
    pub findings: Vec<Finding>,
}

/// How a survey is made.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// The access port of the core.
    pub ap: ApSel,
    /// What may be done to the part.
    pub allow: Allow,
    /// The report tells the unique id.
    pub uid: bool,
}

/// Asks everything that can be asked. `progress` hears how many checks are done, of how many; when it says `false` the rest is
/// left out.
///
/// # Errors
/// When there is no STM32H5 to be asked. What fails later is in the findings.
pub fn survey(
    adi: &mut Adi,
    order: &Order,
    progress: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Survey, H5Error> {
    let mut site = Site::open(adi, order.ap)?;
    let mut findings = Vec::new();
    for (done, check) in (1..).zip(CHECKS) {
        findings.push(one(&mut site, check, order.allow));
        if !progress(done, CHECKS.len()) {
            break;
        }
    }
    let identity = site.identity.clone();
    Ok(Survey::of(&site, identity.as_ref(), findings, order.uid))
}

fn one(site: &mut Site<'_>, check: &'static Check, allow: Allow) -> Finding {
    let answer = match site.fits(check, allow) {
        Err(why) => Err(why),
        Ok(()) => {
            let answer = check.ask.of(site);
            // Whatever it did to the part is over with a reset.
            let after = if check.needs > Allow::Look { site.restart() } else { Ok(()) };
            answer.and_then(|found| after.map(|()| found))
        }
    };
    finding(check, answer)
}

fn finding(check: &'static Check, answer: Result<Found, Gap>) -> Finding {
    let note = regs::note::find(check.note);
    let (verdict, evidence, scenario) = match answer {
        Ok(Found { holds: true, evidence, scenario }) => (Verdict::Confirmed, evidence, scenario),
        Ok(Found { holds: false, evidence, scenario }) => (Verdict::Refuted, evidence, scenario),
        Err(Gap(why)) => (Verdict::NotHere, why, Vec::new()),
    };
    let confidence = note.map_or(Confidence::Guess, |n| n.confidence).word();
    Finding { note: check.note, confidence, claim: note.map_or("", |n| n.claim), verdict, evidence, scenario }
}

impl Survey {
    fn of(site: &Site<'_>, identity: Option<&Identity>, findings: Vec<Finding>, uid: bool) -> Survey {
        let uid = identity.and_then(|i| i.uid).filter(|_| uid).map(|uid| uid.to_string());
        let flash_kib = identity.map(|i| i.flash_kib).filter(|kib| site.device.flash_kib.contains(kib));
        let mut scenario: Vec<_> = flash_kib.iter().map(|kib| format!("kib={kib}")).collect();
        scenario.extend(uid.iter().map(|uid| format!("uid={uid}")));
        scenario.extend(identity.and_then(|i| site::product(i.state)).map(|word| format!("product={word}")));
        scenario.extend(findings.iter().flat_map(|f| f.scenario.iter().cloned()));
        Survey {
            schema: SCHEMA,
            part: site.device.family.short_name().to_owned(),
            dev_id: site.dev_id,
            rev_id: site.rev_id,
            state: identity.map(|i| i.state.to_string()),
            trustzone: identity.map(|i| i.tzen.to_string()),
            flash_kib,
            uid,
            scenario,
            findings,
        }
    }

    /// How many findings ended so.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|f| f.verdict == verdict).count()
    }

    /// What was found about a note.
    #[must_use]
    pub fn finding(&self, note: &str) -> Option<&Finding> {
        self.findings.iter().find(|f| f.note == note)
    }
}

/// The notes that no check asks about, with the reason.
pub fn unasked() -> impl Iterator<Item = (NoteId, &'static str)> {
    UNASKED.iter().flat_map(|(why, ids)| ids.iter().map(move |id| (NoteId(id), *why)))
}

impl From<AdiError> for Gap {
    fn from(e: AdiError) -> Gap {
        Gap(format!("the check failed: {e}"))
    }
}

impl From<H5Error> for Gap {
    fn from(e: H5Error) -> Gap {
        Gap(format!("the check failed: {e}"))
    }
}
