//! The audit record: one JSON object per run in a file that only grows. Each line names the SHA-256 of the line before it,
//! so a line that was changed or taken out shows; a head beside the file does the same for its end ([`Book`]). No secret stands
//! in it, nor what one could be guessed from: the OBK has the name that the seal of the journals gives its file.

mod book;

pub use book::{Book, Checked, check, head_path};

use crate::goods::Goods;
use crate::job::Job;
use crate::journal::{Store, StoreError};
use crate::run::{End, Report};
use crate::text::hex;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The schema of the lines.
pub const SCHEMA: u32 = 1;
/// What the first line names as the line before it.
const NOTHING: [u8; 32] = [0; 32];

/// Who worked where, for the record.
#[derive(Debug, Clone, Default)]
pub struct Station {
    /// Tool and version.
    pub tool: String,
    /// Who sat there.
    pub operator: Option<String>,
    /// The machine.
    pub station: Option<String>,
    /// The probe in one line.
    pub probe: String,
    /// Time was simulated.
    pub simulated: bool,
    /// The recording, if there is one.
    pub trace: Option<String>,
    /// What was done: `run` or `regress`.
    pub what: &'static str,
}

/// The record of a run, still without its place in the chain.
pub fn record(job: &Job, goods: &Goods, report: &Report, station: &Station) -> Map<String, Value> {
    let facts = &report.facts;
    let identity = facts.identity.as_ref();
    let files: Vec<_> = goods.firmware.files.iter().map(file).collect();
    let steps: Vec<_> = report.steps.iter().map(step).collect();
    let mut record = object(json!({
        "schema": SCHEMA,
        "what": station.what,
        "tool": station.tool,
        "operator": station.operator,
        "station": station.station,
        "probe": station.probe,
        "clock": if station.simulated { "virtual" } else { "real" },
        "trace": station.trace,
        "began": report.began,
        "ended": report.ended,
        "took_ms": millis(report.took),
        "job": job.name(),
        "job_sha256": hex(&job.sha256),
        "production": job.production,
        "goal": job.goal.word(),
        "policy": job.policy.line(),
        "family": job.family.to_string(),
        "uid": facts.uid,
        "dev_id": identity.map(|i| format!("0x{:03X}", i.dev_id)),
        "rev_id": identity.map(|i| format!("0x{:04X}", i.rev_id)),
        "flash_kib": identity.map(|i| i.flash_kib),
        "trust_zone": identity.map(|i| i.tzen.to_string()),
        "images": files,
        "firmware_sha256": goods.firmware_digest(),
        "obk_seal": facts.obk,
        "obk_route": facts.route.map(|r| r.to_string()),
        "options_changed": facts.options_changed,
        "steps": steps,
        "state": facts.state.map(|s| s.to_string()),
        "warnings": facts.warnings,
    }));
    if let Some(said) = &facts.discovery {
        record.insert(
            "discovery".to_owned(),
            json!({
                "lifecycle": said.lifecycle.map(|s| s.to_string()),
                "integrity": said.integrity.map(|i| format!("0x{i:08X}")),
                "permissions": format!("0x{:X}", said.permissions),
                "soc_id": hex(&said.soc_id),
            }),
        );
    }
    record.extend(result(report));
    record
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn millis(span: std::time::Duration) -> f64 {
    // Whole microseconds: more digits would be noise.
    f64::from(u32::try_from(span.as_micros()).unwrap_or(u32::MAX)) / 1e3
}

fn file(file: &crate::image::LoadedFile) -> Value {
    json!({ "path": file.path.display().to_string(), "sha256": hex(&file.sha256), "bytes": file.bytes })
}

/// One step as JSON; the tools print the same.
pub fn step(step: &crate::run::StepRecord) -> Value {
    json!({
        "step": step.step.name(),
        "began": step.began,
        "took_ms": millis(step.took),
        "ok": step.ok,
        "summary": step.summary,
    })
}

/// How it ended, as JSON members; the tools print the same.
pub fn result(report: &Report) -> Map<String, Value> {
    object(match &report.result {
        Ok(End::Done) => json!({ "result": "done", "exit": 0 }),
        Ok(End::AlreadyDone) => json!({ "result": "already done", "exit": 0 }),
        Ok(End::Until(step)) => json!({ "result": format!("stopped after {step}"), "exit": 0 }),
        Err(failure) => json!({
            "result": "failed",
            "exit": failure.exit.code(),
            "exit_word": failure.exit.word(),
            "failed_step": failure.step.name(),
            "error": failure.error.to_string(),
            "state_now": failure.state_line(),
            "recoverable": failure.recoverable,
            "next": failure.next,
        }),
    })
}

/// Adds a record to the end of a chain; durable when it returns.
///
/// # Errors
/// [`StoreError`].
pub fn append(store: &mut dyn Store, mut record: Map<String, Value>) -> Result<(), StoreError> {
    let bytes = store.read()?;
    // A torn last line stays as evidence, on a line of its own: the chain names it like any other.
    let torn = !bytes.is_empty() && !bytes.ends_with(b"\n");
    let previous = lines(&bytes).last().map_or(NOTHING, |line| Sha256::digest(line).into());
    record.insert("previous".to_owned(), Value::String(hex(&previous)));
    let text = serde_json::to_string(&record).map_err(|e| StoreError::Encode(e.to_string()))?;
    store.append(format!("{}{text}\n", if torn { "\n" } else { "" }).as_bytes())
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty())
}

/// What is wrong with a chain of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub why: String,
}

/// A chain that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Records in it.
    pub records: usize,
    /// Lines that were cut short when they were written, each followed by a record that names it.
    pub torn: Vec<usize>,
    /// SHA-256 of the last line.
    pub last: [u8; 32],
}

/// Checks a chain of records.
///
/// # Errors
/// [`Break`] at the first line that does not follow from the one before.
pub fn check_chain(bytes: &[u8]) -> Result<Chain, Break> {
    let mut chain = Chain { records: 0, torn: Vec::new(), last: NOTHING };
    let mut torn: Option<Break> = None;
    for (number, line) in (1..).zip(lines(bytes)) {
        let at = |why: String| Break { line: number, why };
        match serde_json::from_slice::<Map<String, Value>>(line) {
            Ok(record)
                if record.get("previous").and_then(Value::as_str) != Some(hex(&chain.last).as_str()) =>
            {
                return Err(torn.unwrap_or_else(|| at("does not follow from the line before it".to_owned())));
            }
            Ok(_) => {
                chain.records += 1;
                chain.torn.extend(torn.take().map(|torn| torn.line));
            }
            // Evidence of a run that was cut short, if the next line says so by its name.
            Err(e) if torn.is_none() => torn = Some(at(format!("is no record: {e}"))),
            Err(e) => return Err(at(format!("is no record: {e}"))),
        }
        chain.last = Sha256::digest(line).into();
    }
    torn.map_or(Ok(chain), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::MemoryStore;

    fn three() -> MemoryStore {
        let mut store = MemoryStore::default();
        for n in 0..3 {
            append(&mut store, object(json!({ "n": n }))).unwrap();
        }
        store
    }

    #[test]
    fn a_chain_of_records_holds() {
        let chain = check_chain(&three().bytes()).unwrap();
        assert_eq!((chain.records, chain.torn.len()), (3, 0));
        assert_eq!(check_chain(b"").unwrap().records, 0);
    }

    #[test]
    fn a_changed_a_missing_and_a_torn_line_show() {
        let text = String::from_utf8(three().bytes()).unwrap();
        let changed = text.replace("\"n\":1", "\"n\":9");
        assert_eq!(check_chain(changed.as_bytes()).unwrap_err().line, 3);
        let missing: Vec<_> = text.lines().enumerate().filter(|(n, _)| *n != 0).map(|(_, l)| l).collect();
        assert_eq!(check_chain(missing.join("\n").as_bytes()).unwrap_err().line, 1);
        let torn = text.trim_end().strip_suffix('}').unwrap();
        assert_eq!(check_chain(torn.as_bytes()).unwrap_err().line, 3);
    }

    #[test]
    fn a_record_after_a_torn_line_gets_a_line_of_its_own() {
        let mut store = MemoryStore::holding(b"{\"previous\":\"x\",\"to");
        append(&mut store, Map::new()).unwrap();
        assert_eq!(store.bytes().iter().filter(|b| **b == b'\n').count(), 2);
        assert_eq!(check_chain(&store.bytes()).unwrap().torn, [1]);
        let forged = String::from_utf8(store.bytes()).unwrap().replacen("\"to", "\"so", 1);
        assert_eq!(check_chain(forged.as_bytes()).unwrap_err().line, 1);
    }
}
