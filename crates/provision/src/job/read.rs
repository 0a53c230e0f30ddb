//! From the text of a job file to a [`Job`].

use super::section::Section;
use super::{ApChoice, Goal, ImageSource, Job, JobError, ObkSource, StepSettings, named_step};
use crate::Step;
use crate::text::parse_hash;
use h5::{FlashPace, OptionChange};
use pace::Policy;
use regs::h5::device::Family;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::{Table, Value};
use wire::{Addr, ApSel, Hz};

/// The schema this version reads.
const SCHEMA: u32 = 1;
/// SWCLK when the job names none: what the published field reports use.
pub(super) const SPEED: Hz = Hz::khz(4000);

const FILE: &[&str] = &[
    "schema",
    "production",
    "device",
    "connect",
    "policy",
    "image",
    "option_bytes",
    "obk",
    "credential",
    "goal",
    "gate",
    "flash",
    "steps",
];
const STEP: &[&str] = &["connect", "ap", "policy", "reset_before", "reset_after"];

struct Folder<'a>(&'a Path);

impl Folder<'_> {
    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

pub(super) fn job(text: &str, path: &Path) -> Result<Job, JobError> {
    let table: Table = text.parse().map_err(|e: toml::de::Error| JobError::Toml(e.to_string()))?;
    let file = Section::open("", &table, FILE)?;
    let schema = file.number("schema")?.ok_or_else(|| JobError::Missing("schema".to_owned()))?;
    if schema != SCHEMA {
        return Err(file.bad("schema", format!("is {schema}; this version reads {SCHEMA}")));
    }
    let device = file
        .section("device", &["family", "marking"])?
        .ok_or_else(|| JobError::Missing("device".to_owned()))?;
    let family = family(&device)?;
    let folder = Folder(path.parent().unwrap_or(Path::new("")));
    let mut job = Job {
        path: path.to_owned(),
        sha256: Sha256::digest(text.as_bytes()).into(),
        production: file.flag("production")?.unwrap_or(false),
        marking: marking(&device, family)?,
        policy: policy(&file)?,
        images: images(&file, &folder)?,
        options: options(&file, family)?,
        obk: obk(&file, &folder)?,
        goal: goal(&file)?,
        ..Job::of_family(family)
    };
    connect(&file, &mut job)?;
    if let Some(credential) = file.section("credential", &["password_file"])? {
        job.password_file = Some(folder.file(credential.need_text("password_file")?));
    }
    if let Some(gate) = file.section("gate", &["require_nrst"])? {
        job.require_nrst = gate.flag("require_nrst")?.unwrap_or(true);
    }
    if let Some(flash) = file.section("flash", &["pace"])? {
        job.pace = flash.parsed("pace")?.unwrap_or(FlashPace::Stream);
    }
    job.steps = steps(&file, &job.policy)?;
    complete(&job)?;
    Ok(job)
}

/// What a goal needs.
fn complete(job: &Job) -> Result<(), JobError> {
    if job.goal == Goal::Open {
        return Ok(());
    }
    if job.obk.is_none() {
        return Err(JobError::Missing(format!("obk.path (goal.state = \"{}\" needs it)", job.goal.word())));
    }
    if job.password_file.is_none() {
        return Err(JobError::Missing(format!(
            "credential.password_file (goal.state = \"{}\" needs it: the way back is proved before the way in)",
            job.goal.word()
        )));
    }
    Ok(())
}

fn family(device: &Section<'_>) -> Result<Family, JobError> {
    let name = device.need_text("family")?;
    Family::from_name(name).ok_or_else(|| {
        let all: Vec<_> = Family::ALL.iter().map(ToString::to_string).collect();
        device.bad("family", format!("is `{name}`; there are {}", all.join(", ")))
    })
}

/// What is printed on the package: `STM32H562RGT6`, or `H562` where there is little room.
fn marking(device: &Section<'_>, family: Family) -> Result<Option<String>, JobError> {
    let Some(text) = device.text("marking")? else { return Ok(None) };
    let letters: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    if letters.to_ascii_uppercase().contains(family.short_name()) {
        return Ok(Some(text.to_owned()));
    }
    Err(device
        .bad("marking", format!("is `{text}`, and that is no {family}: device.family or the part is wrong")))
}

fn policy(file: &Section<'_>) -> Result<Policy, JobError> {
    let Some(table) = file.table("policy")? else { return Ok(Policy::default()) };
    Ok(Policy::from_toml(&table.to_string())?)
}

fn connect(file: &Section<'_>, job: &mut Job) -> Result<(), JobError> {
    let Some(connect) = file.section("connect", &["mode", "ap", "speed_khz"])? else { return Ok(()) };
    job.mode = connect.parsed("mode")?.unwrap_or(job.mode);
    job.ap = ap(&connect)?.unwrap_or(job.ap);
    if let Some(khz) = connect.number("speed_khz")? {
        if khz == 0 {
            return Err(connect.bad("speed_khz", "is 0"));
        }
        job.speed = Hz::khz(khz);
    }
    Ok(())
}

/// `ap = 1` and `ap = "auto"` are both natural.
fn ap(section: &Section<'_>) -> Result<Option<ApChoice>, JobError> {
    if let Ok(Some(n)) = section.number("ap") {
        let n = u8::try_from(n).map_err(|_| section.bad("ap", format!("is {n}; there are 0 to 255")))?;
        return Ok(Some(ApChoice::Ap(ApSel(n))));
    }
    section.parsed("ap")
}

fn hash(section: &Section<'_>) -> Result<Option<[u8; 32]>, JobError> {
    let Some(text) = section.text("sha256")? else { return Ok(None) };
    parse_hash(text).map(Some).ok_or_else(|| section.bad("sha256", "is not 64 hex digits"))
}

fn images(file: &Section<'_>, folder: &Folder<'_>) -> Result<Vec<ImageSource>, JobError> {
    let read = |image: Section<'_>| {
        Ok(ImageSource {
            path: folder.file(image.need_text("path")?),
            sha256: hash(&image)?,
            address: image.number("address")?.map(Addr),
        })
    };
    file.sections("image", &["path", "sha256", "address"])?.into_iter().map(read).collect()
}

fn obk(file: &Section<'_>, folder: &Folder<'_>) -> Result<Option<ObkSource>, JobError> {
    let Some(obk) = file.section("obk", &["path", "sha256", "route"])? else { return Ok(None) };
    let route = match obk.text("route")? {
        None | Some("auto") => None,
        Some(_) => obk.parsed("route")?,
    };
    Ok(Some(ObkSource { path: folder.file(obk.need_text("path")?), sha256: hash(&obk)?, route }))
}

fn goal(file: &Section<'_>) -> Result<Goal, JobError> {
    let goal = file.section("goal", &["state"])?.ok_or_else(|| JobError::Missing("goal".to_owned()))?;
    let word = goal.need_text("state")?;
    match word.to_ascii_uppercase().replace('_', "-").as_str() {
        "OPEN" => Ok(Goal::Open),
        "PROVISIONING" => Ok(Goal::Provisioning),
        "CLOSED" => Ok(Goal::Closed),
        "LOCKED" => Err(JobError::Refused(
            "goal.state = \"LOCKED\" is for ever, and this tool does not do it".to_owned(),
        )),
        _ => Err(goal.bad("state", format!("is `{word}`; there are OPEN, PROVISIONING and CLOSED"))),
    }
}

fn options(file: &Section<'_>, family: Family) -> Result<Vec<OptionChange>, JobError> {
    let Some(table) = file.table("option_bytes")? else { return Ok(Vec::new()) };
    table.iter().map(|(name, value)| option(name, value, family)).collect()
}

fn option(name: &str, value: &Value, family: Family) -> Result<OptionChange, JobError> {
    let text = match value {
        Value::String(s) => s.clone(),
        Value::Boolean(b) => u8::from(*b).to_string(),
        other => other.to_string(),
    };
    let change = OptionChange::parse(family, name, &text)?;
    refuse_for_ever(&change)?;
    Ok(change)
}

/// What cannot be taken back is not written from a job's option bytes.
fn refuse_for_ever(change: &OptionChange) -> Result<(), JobError> {
    let name = change.byte.name;
    let state = "the product state is the goal's business: say [goal] state";
    match change.one_way().or((name == "PRODUCT_STATE").then_some(state)) {
        None => Ok(()),
        Some(why) => Err(JobError::Refused(format!("option_bytes.{name} is refused: {why}"))),
    }
}

fn steps(file: &Section<'_>, base: &Policy) -> Result<BTreeMap<Step, StepSettings>, JobError> {
    let known: Vec<_> = Step::SETTABLE.iter().map(|s| s.name()).collect();
    let Some(steps) = file.section("steps", &known)? else { return Ok(BTreeMap::new()) };
    let mut out = BTreeMap::new();
    for name in known {
        if let Some(section) = steps.section(name, STEP)? {
            out.insert(named_step(name)?, step(&section, base)?);
        }
    }
    Ok(out)
}

fn step(section: &Section<'_>, base: &Policy) -> Result<StepSettings, JobError> {
    let mut settings = StepSettings {
        connect: section.parsed("connect")?,
        ap: ap(section)?,
        policy: Vec::new(),
        reset_before: section.parsed("reset_before")?,
        reset_after: section.parsed("reset_after")?,
    };
    if let Some(table) = section.table("policy")? {
        // Applied once here, so that a wrong key is an error of the job and not of the run.
        base.clone().apply_table(table)?;
        settings.policy = flat(table);
    }
    Ok(settings)
}

fn flat(table: &Table) -> Vec<(String, String)> {
    let plain = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let mut out = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(group) => out.extend(group.iter().map(|(k, v)| (format!("{key}.{k}"), plain(v)))),
            value => out.push((key.clone(), plain(value))),
        }
    }
    out
}
