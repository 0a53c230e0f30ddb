//! The plan: every step with what it writes and how it can be taken back. Pure data, made without touching anything.

mod show;
#[cfg(test)]
mod tests;

use crate::Step;
use crate::edge::{Contents, Edge, Observation, Receipt, next_edge};
use crate::goods::Goods;
use crate::job::{Goal, Job, Reset};
use crate::target::{Connect, Target};
use adi::ConnectMode;
use h5::{H5Error, ObkRoute, Tzen};
use regs::h5::flash;
use regs::h5::state::ProductState;
use serde::Serialize;

/// How a step can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reversible {
    /// It changes nothing.
    NothingWritten,
    /// By writing again.
    Rewrite,
    /// By a regression with the password, which erases the part.
    Regression,
    /// Only by a regression with the password; without it, never.
    OnlyByCredential,
}

impl Reversible {
    /// For a person.
    pub const fn text(self) -> &'static str {
        match self {
            Reversible::NothingWritten => "changes nothing",
            Reversible::Rewrite => "can be written again",
            Reversible::Regression => {
                "taken back only by a regression with the password, which erases the part"
            }
            Reversible::OnlyByCredential => {
                "IRREVERSIBLE without the password: only a regression with it opens the part again"
            }
        }
    }
}

/// One thing that is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Write {
    /// Where: an address range or the name of a register field.
    pub at: String,
    /// What.
    pub what: String,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedStep {
    /// Its name.
    pub step: &'static str,
    /// How it is connected; empty for steps that need no access port.
    pub connect: String,
    /// What it does, in order.
    pub does: Vec<String>,
    /// What it writes to the part.
    pub writes: Vec<Write>,
    /// How it can be taken back.
    pub reversible: Reversible,
    /// What must hold before it.
    pub conditions: Vec<String>,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The job file.
    pub job: String,
    /// SHA-256 of its text.
    pub job_sha256: String,
    /// The part it is for.
    pub family: String,
    /// Where it ends.
    pub goal: &'static str,
    /// For parts that leave the house.
    pub production: bool,
    /// What it starts from, and how that is known.
    pub from: String,
    /// How it is connected where a step says nothing else.
    pub connect: String,
    /// The policy it begins with.
    pub policy: String,
    /// The steps. Empty when nothing is left to do or nothing can be done.
    pub steps: Vec<PlannedStep>,
    /// Why there are no steps.
    pub stop: Option<String>,
    /// What is odd but allowed.
    pub warnings: Vec<String>,
}

/// What a plan starts from.
#[derive(Debug, Clone, Copy)]
pub struct Basis {
    /// What was seen.
    pub seen: Observation,
    /// TrustZone.
    pub tzen: Tzen,
    /// It was read from a part and not assumed.
    pub live: bool,
}

impl Basis {
    /// A factory-new part: OPEN, TrustZone off.
    pub const ASSUMED_OPEN: Basis = Basis {
        seen: Observation {
            state: Some(ProductState::OPEN),
            discovered: false,
            integrity: None,
            receipt: Receipt::None,
            contents: Contents::Unknown,
        },
        tzen: Tzen::Off,
        live: false,
    };

    /// Reads what can be read without a reset, a halt or a write.
    ///
    /// # Errors
    /// [`H5Error`].
    pub fn read(job: &Job, target: &mut dyn Target) -> Result<Basis, H5Error> {
        let how = Connect {
            mode: ConnectMode::Hotplug,
            ap: job.ap_of(Step::Identify).resolve(),
            policy: job.policy_of(Step::Identify),
        };
        let mut basis = Basis { live: true, ..Basis::ASSUMED_OPEN };
        basis.seen.state = None;
        if target.look(&how)? {
            let identity = target.identify(job.family)?;
            basis.seen.state = Some(identity.state);
            basis.tzen = identity.tzen;
        }
        Ok(basis)
    }
}

impl Plan {
    /// Plans a job.
    pub fn new(job: &Job, goods: &Goods, basis: &Basis) -> Plan {
        let edge = next_edge(&basis.seen, job.goal);
        let planner = Planner { job, goods, tzen: basis.tzen };
        let known = if basis.live { "as read from the part" } else { "assumed" };
        let state = basis.seen.state.map_or_else(|| "unknown".to_owned(), |s| s.to_string());
        let (steps, stop) = match edge {
            Edge::Stop(reason) => (Vec::new(), Some(reason.to_string())),
            Edge::Done => (Vec::new(), Some("already done: nothing is left to do".to_owned())),
            Edge::Discover if basis.seen.state != Some(ProductState::PROVISIONING) => {
                (Vec::new(), Some(ASK.to_owned()))
            }
            edge => (planner.steps(edge), None),
        };
        Plan {
            job: job.name(),
            job_sha256: crate::text::hex(&job.sha256),
            family: job.family.to_string(),
            goal: job.goal.word(),
            production: job.production,
            from: format!("{state}, TrustZone {} ({known})", basis.tzen),
            connect: format!("{}, {}, SWCLK {}, policy {}", job.mode, job.ap, job.speed, job.policy.name),
            policy: job.policy.line(),
            steps,
            stop,
            warnings: goods.warnings.clone(),
        }
    }
}

/// A plan touches nothing, and asking the ROM begins with a reset.
const ASK: &str = "the option bytes do not tell the state (the access port may be shut): a run asks the ROM first, which \
                   pulses NRST; `h5-provision discover` does that alone";

struct Planner<'a> {
    job: &'a Job,
    goods: &'a Goods,
    tzen: Tzen,
}

impl Planner<'_> {
    fn steps(&self, edge: Edge) -> Vec<PlannedStep> {
        let mut steps = vec![self.identify(), self.preflight(edge)];
        match edge {
            Edge::Open => {
                steps.extend([self.flash(), self.options()]);
                if self.job.goal == Goal::Open {
                    steps.push(record());
                    return steps;
                }
                steps.extend([self.provisioning(), self.obk()]);
            }
            Edge::Gate => steps.push(self.contents()),
            // In PROVISIONING it depends on what the ROM and the journal say: the longer way is planned.
            _ => steps.extend([self.contents(), self.obk()]),
        }
        steps.push(self.gate());
        if self.job.goal == Goal::Closed {
            steps.extend([self.close(), self.prove()]);
        }
        steps.push(record());
        steps
    }

    fn plain(&self, step: Step, does: &[&str]) -> PlannedStep {
        PlannedStep {
            step: step.name(),
            connect: String::new(),
            does: does.iter().map(|s| (*s).to_owned()).collect(),
            writes: Vec::new(),
            reversible: Reversible::NothingWritten,
            conditions: Vec::new(),
        }
    }

    fn connected(&self, step: Step, does: &[&str]) -> PlannedStep {
        let mut planned = self.plain(step, does);
        planned.connect = format!("{}, {}", self.job.mode_of(step), self.job.ap_of(step).resolve());
        let changes = self.job.steps.get(&step).map(|s| s.policy.as_slice()).unwrap_or_default();
        for (key, value) in changes {
            planned.connect += &format!(", {key}={value}");
        }
        if let Some(line) = reset_line("before", self.job.reset_before(step)) {
            planned.does.insert(0, line);
        }
        planned.does.extend(reset_line("after", self.job.reset_after(step)));
        planned
    }

    fn identify(&self) -> PlannedStep {
        let mut step = self.connected(
            Step::Identify,
            &[
                "ask AP0 which access ports are open; when the core's is shut, ask the ROM (NRST pulse, discovery)",
                "read DEV_ID, REV_ID, unique id, flash size, product state, TrustZone",
                "read FLASH_OPSR; when a reset interrupted an option change or an OBK swap, repair the selectors",
            ],
        );
        step.conditions.push(format!("DEV_ID fits {}", self.job.family));
        step
    }

    fn preflight(&self, edge: Edge) -> PlannedStep {
        let mut step = self.plain(Step::Preflight, &[]);
        if edge == Edge::Open && self.job.require_nrst && self.job.goal != Goal::Open {
            step.does.push("pulse NRST; the core must see the reset".to_owned());
        }
        step.conditions.push("every image fits the flash".to_owned());
        step.conditions.extend(self.package());
        if self.goods.obk.is_some() {
            step.conditions.extend(
                [
                    "the OBK is whole and holds the hash of the password",
                    "the OBK's DoEncryption fits the family",
                    "the kind of credential fits TrustZone",
                    "the OBK permits full regression",
                ]
                .map(str::to_owned),
            );
        }
        if self.job.production {
            step.conditions.push("the credential is no public sample".to_owned());
        }
        step
    }

    /// What only a person can tell. [H5-DBG-11]
    fn package(&self) -> Option<String> {
        let twins: Vec<_> = self.job.family.device().crypto_twins().map(|d| d.family.to_string()).collect();
        let marking = self.job.marking.as_deref().unwrap_or("nothing");
        (!twins.is_empty() && self.job.goal != Goal::Open).then(|| {
            format!(
                "the package is no {}: that cannot be read over a debugger (the job says {marking} is printed on it)",
                twins.join(" or ")
            )
        })
    }

    fn flash(&self) -> PlannedStep {
        let mut step = self
            .connected(Step::Flash, &["compare each sector; erase, program and verify those that differ"]);
        step.does.push(format!("pace: {}", self.job.pace));
        step.writes = self.goods.firmware.sectors.iter().map(sector_write).collect();
        step.reversible = Reversible::Rewrite;
        if self.goods.firmware.sectors.is_empty() {
            return self.plain(Step::Flash, &["the job has no image"]);
        }
        step
    }

    fn options(&self) -> PlannedStep {
        if self.job.options.is_empty() {
            return self.plain(Step::Options, &["the job sets no option bytes"]);
        }
        let mut step =
            self.connected(Step::Options, &["read; write those that differ; OPTSTRT once; read back"]);
        let write = |c: &h5::OptionChange| Write { at: register(c.byte.prg), what: c.to_string() };
        step.writes = self.job.options.iter().map(write).collect();
        step.reversible = Reversible::Rewrite;
        step
    }

    fn provisioning(&self) -> PlannedStep {
        let mut step = self.connected(Step::Provisioning, &["OPTSTRT once; read back"]);
        if self.job.reset_after(Step::Provisioning) == Reset::None {
            step.does.push("no reset afterwards: what runs on the part goes on running".to_owned());
        }
        step.writes = vec![state_write("PROVISIONING (0x17)")];
        step.reversible = Reversible::Regression;
        step.conditions.push("flash verified and option bytes read back".to_owned());
        step
    }

    fn contents(&self) -> PlannedStep {
        let mut step = self.connected(
            Step::Flash,
            &["compare flash and option bytes, whatever the journal says; write nothing"],
        );
        step.conditions.push("flash and option bytes are as the job wants them".to_owned());
        step
    }

    fn obk(&self) -> PlannedStep {
        let device = self.job.family.device();
        let tzen = crate::credential::tzen_after(self.job, self.tzen);
        let wanted = self.job.obk.as_ref().and_then(|o| o.route);
        let route = wanted.unwrap_or_else(|| ObkRoute::default_for(device, tzen));
        let mut step = self.connected(Step::Obk, &["write the credential"]);
        step.does.push(format!("route: {route}{}", if wanted.is_none() { " (auto)" } else { "" }));
        if let Some(obk) = &self.goods.obk {
            // Not its hash: short passwords can be guessed from that.
            let what = format!("{} bytes, OBK file {}", obk.file.payload_len(), obk.path.display());
            step.writes = vec![Write { at: obk.file.destination().to_string(), what }];
        }
        step.reversible = Reversible::Rewrite;
        step.conditions.push("the part is in PROVISIONING".to_owned());
        step
    }

    fn gate(&self) -> PlannedStep {
        let mut step = self.plain(
            Step::Discover,
            &["NRST low, magic word, NRST high; debug authentication through AP0: discovery; NRST again"],
        );
        step.conditions = [
            "integrity is 0xEAEA_EAEA",
            "full regression is permitted",
            "SOC_ID is the unique id the run began with",
        ]
        .map(str::to_owned)
        .to_vec();
        step
    }

    fn close(&self) -> PlannedStep {
        let mut step = self.connected(Step::Close, &["OPTSTRT once; read back"]);
        step.writes = vec![state_write("CLOSED (0x72)")];
        step.reversible = Reversible::OnlyByCredential;
        step.conditions.push("the gate was passed in this run".to_owned());
        step
    }

    fn prove(&self) -> PlannedStep {
        let mut step = self.plain(Step::Prove, &["discovery again, through AP0"]);
        step.conditions =
            ["lifecycle is CLOSED", "integrity is 0xEAEA_EAEA", "the core's access port is shut"]
                .map(str::to_owned)
                .to_vec();
        step
    }
}

fn record() -> PlannedStep {
    PlannedStep {
        step: Step::Record.name(),
        connect: String::new(),
        does: vec!["one line into the audit record, one into the journal".to_owned()],
        writes: Vec::new(),
        reversible: Reversible::NothingWritten,
        conditions: Vec::new(),
    }
}

fn reset_line(when: &str, reset: Reset) -> Option<String> {
    (reset != Reset::None).then(|| format!("reset {when}: {reset}"))
}

fn sector_write(sector: &crate::image::SectorData) -> Write {
    let last = sector.at.plus(u32::try_from(sector.data.len()).unwrap_or(u32::MAX).saturating_sub(1));
    let number = (sector.at.0 - regs::h5::memory::FLASH) / flash::SECTOR;
    Write {
        at: format!("{}..{last}", sector.at),
        what: format!("sector {number} erased, {} bytes programmed", sector.data.len()),
    }
}

/// The name of the register at an address.
fn register(address: u32) -> String {
    regs::lookup(address).map_or_else(|| format!("0x{address:08X}"), |hit| hit.register.name.to_owned())
}

fn state_write(state: &str) -> Write {
    Write { at: register(flash::BASE + flash::OPTSR_PRG), what: format!("PRODUCT_STATE = {state}") }
}
