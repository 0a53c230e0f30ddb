//! `doctor`: is it the probe, the reset line, or the USB side?

use crate::cli::How;
use crate::cli::bench::DoctorCommand;
use crate::output::Output;
use crate::target::{self, Target};
use crate::trouble::Trouble;
use adi::{AdiError, DpReg};
use provision::{Exit, Live, Target as _};
use serde_json::json;
use std::path::Path;
use wire::{Addr, Attr};

/// How often DPIDR is read.
const READS: u32 = 1000;
/// Words of SRAM that are read to see how quick the probe is.
const WORDS: usize = 16 * 1024;

pub(crate) fn doctor(command: &DoctorCommand, how: &How, output: &mut Output) -> Result<(), Trouble> {
    match command {
        DoctorCommand::Probe => examine("doctor-probe", how, output, probe),
        DoctorCommand::Reset => examine("doctor-reset", how, output, reset),
        DoctorCommand::Usb => usb(how, output),
    }
}

/// One thing that was looked at.
struct Check {
    name: &'static str,
    /// `None`: nothing that could be wrong.
    good: Option<bool>,
    found: String,
}

impl Check {
    fn fact(name: &'static str, found: impl Into<String>) -> Check {
        Check { name, good: None, found: found.into() }
    }

    fn judged(name: &'static str, good: bool, found: impl Into<String>) -> Check {
        Check { name, good: Some(good), found: found.into() }
    }
}

fn examine(
    schema: &str,
    how: &How,
    output: &mut Output,
    look: fn(&mut Target, &mut Output) -> Result<Vec<Check>, Trouble>,
) -> Result<(), Trouble> {
    let checks = target::with(how, output, look)?;
    show(schema, &checks, how, output)
}

fn show(schema: &str, checks: &[Check], how: &How, output: &mut Output) -> Result<(), Trouble> {
    let object = json!({ "checks": checks.iter()
        .map(|c| json!({ "name": c.name, "good": c.good, "found": c.found })).collect::<Vec<_>>() });
    output.data(how.format, schema, object, || {
        let line = |c: &Check| {
            let word = match c.good {
                None => "    ",
                Some(true) => "good",
                Some(false) => "BAD ",
            };
            format!("{word} {:<14} {}", c.name, c.found)
        };
        checks.iter().map(line).collect()
    });
    Ok(())
}

fn probe(target: &mut Target, output: &mut Output) -> Result<Vec<Check>, Trouble> {
    let mut checks = vec![Check::fact("probe", target.session.probe_line())];
    let facts = target.adi().probe_facts();
    checks.extend(facts.into_iter().map(|(word, text)| Check::fact(word, text)));
    let caps = target.adi().caps();
    checks.push(Check::judged("nRESET", caps.reset_pin, yes(caps.reset_pin)));
    checks.push(Check::fact("raw sequences", yes(caps.sequences)));
    checks.push(Check::fact("value match", yes(caps.value_match)));
    checks.push(Check::fact("in flight", format!("{} packets", caps.in_flight)));
    checks.push(Check::fact("exact count", yes(caps.exact_count)));
    checks.push(dpidr(target));
    checks.push(speed(target, output)?);
    Ok(checks)
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

/// The same register again and again: a wire that loses one bit in a thousand words shows here.
fn dpidr(target: &mut Target) -> Check {
    const DPIDR: DpReg = DpReg { a: regs::dp::DPIDR, bank: 0 };
    let want = target.attached.dpidr.0;
    let mut wrong = 0;
    let mut first = None;
    for _ in 0..READS {
        match target.adi().read_dp(DPIDR) {
            Ok(got) if got == want => {}
            Ok(got) => {
                wrong += 1;
                first.get_or_insert(format!("it read {}", crate::number::hex(got)));
            }
            Err(e) => {
                wrong += 1;
                first.get_or_insert(e.to_string());
            }
        }
    }
    let found = match first {
        None => format!("{READS} reads of DPIDR, all {}", crate::number::hex(want)),
        Some(first) => {
            format!("{wrong} of {READS} reads of DPIDR went wrong: {first}; try a lower `--speed`")
        }
    };
    Check::judged("wire", wrong == 0, found)
}

/// How much of the wire a block of reads uses.
fn speed(target: &mut Target, output: &mut Output) -> Result<Check, Trouble> {
    let ap = target.part_ap(output);
    let clock = target.clock();
    let began = clock.now();
    match target.adi().read_words(ap, Attr::Default, Addr(regs::h5::memory::SRAM1), WORDS) {
        Ok(words) => {
            let took = clock.now().saturating_sub(began);
            Ok(Check::fact("block read", crate::chip::rate(words.len() * 4, took)))
        }
        Err(e @ (AdiError::Fault { .. } | AdiError::ApClosed { .. })) => {
            Ok(Check::fact("block read", format!("no SRAM to read: {e}")))
        }
        Err(e) => Err(e.into()),
    }
}

/// Does the probe's nRESET follow, and does the chip see it? Resets the target.
fn reset(target: &mut Target, output: &mut Output) -> Result<Vec<Check>, Trouble> {
    let ap = target.part_ap(output);
    let mut checks = Vec::new();
    match target.adi().pulse_reset() {
        Ok(()) => checks.push(Check::judged(
            "pin",
            true,
            "nRESET went low and high again, and the debug port answers",
        )),
        Err(e @ AdiError::NrstNotWorking { .. }) => return Err(e.into()),
        Err(e) => return Err(e.into()),
    }
    if !h5::ap_open(target.adi())?.open(ap) {
        checks.push(Check::fact("chip", "its port is shut, so the core cannot say whether it was reset"));
        return Ok(checks);
    }
    let seen = Live::new(target.adi()).nrst_reaches_the_core()?;
    if !seen {
        return Err(Trouble::new(
            Exit::Nrst,
            "the probe's nRESET moves, and the core saw no reset (S_RESET_ST)",
        )
        .next("wire the probe's nRESET to NRST of the chip; debug authentication needs it"));
    }
    checks.push(Check::judged("chip", true, "the core saw the reset (DHCSR.S_RESET_ST)"));
    Ok(checks)
}

/// Where rules for USB devices lie.
const RULES: [&str; 3] = ["/etc/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d"];

fn usb(how: &How, output: &mut Output) -> Result<(), Trouble> {
    let mut checks: Vec<_> = session::probes(&session::policy(how.policy.as_deref(), &how.set)?)
        .iter()
        .map(|probe| Check::judged("probe", probe.trouble.is_none(), probe.to_string()))
        .collect();
    if checks.is_empty() {
        checks.push(Check::fact(
            "probe",
            "none is plugged in: another cable (some only charge), another port, no hub",
        ));
    }
    if cfg!(target_os = "linux") {
        let ours =
            RULES.iter().map(|folder| Path::new(folder).join(crate::udev::FILE)).find(|path| path.exists());
        checks.push(match ours {
            Some(path) => Check::judged("udev rules", true, path.display().to_string()),
            None => {
                Check::fact("udev rules", "not ours: `ackwait udev install` puts them in /etc/udev/rules.d")
            }
        });
    }
    show("doctor-usb", &checks, how, output)
}
