//! `info`: who is there.

use crate::chip::{line, part_json};
use crate::cli::{How, InfoArgs};
use crate::number::hex;
use crate::output::Output;
use crate::target::{self, Target};
use crate::trouble::Trouble;
use adi::{AdiError, ApInfo, Attached, Component};
use h5::{ApEnable, Identity};
use regs::h5::device::{AP0, ApIdentity};
use regs::m33;
use serde_json::{Value, json};
use wire::{Addr, ApSel, Attr};

/// What was found.
struct Found {
    probe: String,
    facts: Vec<(&'static str, String)>,
    swclk: String,
    attached: Attached,
    ports: Vec<ApInfo>,
    /// The components behind each open port.
    components: Vec<(ApSel, Vec<Component>)>,
    enabled: Option<ApEnable>,
    /// The core's access port and CPUID.
    cpu: Option<(ApSel, u32)>,
    part: Result<Identity, String>,
}

pub(crate) fn info(args: &InfoArgs, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let found = target::with(how, output, |target, _| look(target, args))?;
    output.data(how.format, "info", found.json(), || found.lines());
    Ok(())
}

fn look(target: &mut Target, args: &InfoArgs) -> Result<Found, Trouble> {
    let (probe, attached) = (target.session.probe_line(), target.attached);
    let adi = target.adi();
    let (facts, swclk) = (adi.probe_facts(), adi.swclk().to_string());
    let ports = scan(target, args.last_ap)?;
    let cpu = cpu(target, &ports)?;
    let mut components = Vec::new();
    for port in ports.iter().filter(|port| port.device_en()) {
        // All ones, or nothing present: no table.
        let present = port.base.filter(|base| *base != u32::MAX && base & regs::ap::base::PRESENT != 0);
        if let Some(base) = present {
            components.push((port.ap, target.adi().rom_table(port.ap, base)?));
        }
    }
    let adi = target.adi();
    let st = is_st(&attached, &ports);
    let enabled = if st { h5::ap_open(adi).ok() } else { None };
    let part = match (st, cpu) {
        (false, _) => Err("debug port and access ports are not an STM32H5's".to_owned()),
        (true, None) => Err("no core answers, so the part cannot be asked".to_owned()),
        (true, Some((ap, _))) => h5::identify(adi, ap).map_err(|e| e.to_string()),
    };
    Ok(Found { probe, facts, swclk, attached, ports, components, enabled, cpu, part })
}

/// DBGMCU is ST's: it is asked only where the debug port says so, or, where that cannot be read, the access ports look so.
fn is_st(attached: &Attached, ports: &[ApInfo]) -> bool {
    let alike =
        |known: &ApIdentity| ports.iter().any(|port| port.ap.0 == known.ap && port.idr.0 == known.idr);
    attached.targetid.map_or_else(|| alike(&AP0), |id| id.designer() == regs::dp::DESIGNER_ST)
}

/// All access ports up to the last; a probe that cannot reach so far ends the scan.
fn scan(target: &mut Target, last: u8) -> Result<Vec<ApInfo>, Trouble> {
    let mut ports = Vec::new();
    for ap in (0..=last).map(ApSel) {
        match target.adi().scan(ap, ap) {
            Ok(found) => ports.extend(found),
            Err(AdiError::Unsupported(why)) => {
                log::info!("{ap} and up: {why}");
                break;
            }
            Err(e) => return Err(e.into()),
        }
    }
    Ok(ports)
}

/// CPUID, behind the first open port on the system bus.
fn cpu(target: &mut Target, ports: &[ApInfo]) -> Result<Option<(ApSel, u32)>, Trouble> {
    let Some(port) = ports.iter().find(|port| port.idr.is_system_bus() && port.device_en()) else {
        return Ok(None);
    };
    match target.adi().read_word(port.ap, Attr::Default, Addr(m33::CPUID)) {
        Ok(cpuid) => Ok(Some((port.ap, cpuid))),
        Err(AdiError::Fault { .. } | AdiError::ApClosed { .. }) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

impl Found {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut say = |word: &str, text: String| lines.push(format!("{word:<9} {text}"));
        say("probe", self.probe.clone());
        self.facts.iter().for_each(|(word, text)| say(word, text.clone()));
        say("SWCLK", self.swclk.clone());
        say("DPIDR", self.attached.dpidr.to_string());
        say("TARGETID", self.attached.targetid.map_or_else(|| "none".to_owned(), |id| id.to_string()));
        for port in &self.ports {
            say(&port.ap.to_string(), self.port(port));
        }
        for (ap, found) in &self.components {
            found.iter().for_each(|component| say(&format!("{ap} ROM"), component_words(component)));
        }
        if let Some(enabled) = self.enabled {
            say("DBGMCU_SR", format!("{} ({enabled})", hex(enabled.sr)));
        }
        match self.cpu {
            Some((ap, cpuid)) => say("CPUID", format!("{} {} behind {ap}", hex(cpuid), cpu_words(cpuid))),
            None => say("CPUID", "no core answers".to_owned()),
        }
        match &self.part {
            Ok(part) => part_lines(part).into_iter().for_each(|(word, text)| say(word, text)),
            Err(why) => say("part", format!("not known: {why}")),
        }
        lines
    }

    fn port(&self, port: &ApInfo) -> String {
        let mut text = port.idr.to_string();
        if let Some(csw) = port.csw {
            let open = if port.device_en() { "open" } else { "shut" };
            text += &format!("; CSW {} {open}, SPIDEN={}", hex(csw), u8::from(port.spiden()));
        }
        if let Some(base) = port.base {
            text += &format!("; BASE {}", hex(base));
        }
        text
    }

    fn json(&self) -> Value {
        let facts = self.facts.iter().map(|(word, text)| ((*word).to_owned(), json!(text))).collect();
        let ports: Vec<_> = (self.ports.iter())
            .map(|p| {
                json!({ "ap": p.ap.0, "idr": p.idr.0, "bus": p.idr.bus(), "csw": p.csw, "base": p.base,
                "device_en": p.device_en(), "spiden": p.spiden() })
            })
            .collect();
        json!({
            "probe": self.probe,
            "probe_facts": Value::Object(facts),
            "swclk": self.swclk,
            "mode": self.attached.mode.to_string(),
            "dpidr": self.attached.dpidr.0,
            "targetid": self.attached.targetid.map(|id| id.0),
            "access_ports": ports,
            "components": self.components.iter().flat_map(|(ap, found)| found.iter().map(|c| component_json(*ap, c))).collect::<Vec<_>>(),
            "dbgmcu_sr": self.enabled.map(|e| e.sr),
            "cpuid": self.cpu.map(|(_, cpuid)| cpuid),
            "core_ap": self.cpu.map(|(ap, _)| ap.0),
            "part": self.part.as_ref().ok().map(part_json),
            "part_unknown": self.part.as_ref().err(),
        })
    }
}

/// Indented by the tables that lead to it.
fn component_words(component: &Component) -> String {
    let what = match component.identity {
        None => "does not say what it is".to_owned(),
        Some(id) => {
            let maker = id.maker().map_or_else(|| format!("designer {:#05x}", id.designer), str::to_owned);
            format!("{maker} {:#05x}, {}", id.part, id.name())
        }
    };
    format!("{}{}  {what}", "  ".repeat(component.depth), component.at)
}

fn component_json(ap: ApSel, component: &Component) -> Value {
    let id = component.identity;
    json!({ "ap": ap.0, "address": component.at.0, "depth": component.depth, "name": id.map(|id| id.name()),
        "designer": id.map(|id| id.designer), "part": id.map(|id| id.part), "class": id.map(|id| id.class),
        "devarch": id.and_then(|id| id.devarch) })
}

fn cpu_words(cpuid: u32) -> String {
    let known = cpuid & m33::CPUID_PART_MASK == m33::CPUID_M33;
    let name = if known { "Cortex-M33 " } else { "" };
    format!("({name}r{}p{})", (cpuid >> 20) & 0xF, cpuid & 0xF)
}

fn part_lines(part: &Identity) -> Vec<(&'static str, String)> {
    let uid = part.uid.map_or_else(|| "reads as zero in this state".to_owned(), |uid| uid.to_string());
    let flash =
        if part.flash_kib == 0 { "size unknown".to_owned() } else { format!("{} KiB", part.flash_kib) };
    vec![
        ("part", format!("{} (DEV_ID 0x{:03X})", line(part), part.dev_id)),
        ("flash", flash),
        ("UID", uid),
        ("state", format!("{}, TrustZone {}", part.state, part.tzen)),
    ]
}
