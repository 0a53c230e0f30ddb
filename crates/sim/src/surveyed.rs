//! A report of `ackwait survey` as part of a scenario: its `scenario` items are set one by one. [`Scenario`]

use crate::scenario::{Scenario, ScenarioError};
use regs::h5::device::Family;
use serde::Deserialize;

/// The reports that are understood.
const SCHEMA: &str = "ackwait.survey/1";
/// Keys that name files: a report comes from somebody else.
const FILES: [&str; 2] = ["state", "survey"];

/// What is used of a report.
#[derive(Debug, Deserialize)]
struct Report {
    schema: String,
    part: String,
    scenario: Vec<String>,
}

impl Scenario {
    /// Takes over what a report says of its board. The part is that of the report unless one is named already.
    pub(crate) fn load_survey(&mut self, file: &str) -> Result<(), ScenarioError> {
        let wrong = |why: String| ScenarioError::Survey { file: file.to_owned(), why };
        let text = std::fs::read_to_string(file).map_err(|e| wrong(e.to_string()))?;
        let report: Report = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        if report.schema != SCHEMA {
            return Err(wrong(format!("its schema is {:?}, not {SCHEMA:?}", report.schema)));
        }
        if self.family.is_none() {
            let part = Family::from_name(&report.part);
            self.family = Some(part.ok_or_else(|| wrong(format!("no part is called {:?}", report.part)))?);
        }
        for item in &report.scenario {
            match item.split_once('=') {
                Some((key, value)) if !FILES.contains(&key) => self.set(key, value)?,
                _ => return Err(wrong(format!("{item:?} is no item of a report"))),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knobs::{FlashBus, Spot};

    fn parse(report: &str, before: &str) -> Result<Scenario, ScenarioError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), report).unwrap();
        Scenario::parse(&format!("{before}survey={}", file.path().display()))
    }

    fn report(items: &str) -> String {
        format!(r#"{{"schema":"ackwait.survey/1","part":"H523","findings":[],"scenario":[{items}]}}"#)
    }

    #[test]
    fn a_report_sets_part_size_settings_and_words() {
        let items = r#""kib=256","flash.bus=drop","reads=ap1.idr:0x8477_0002""#;
        let scenario = parse(&report(items), "").unwrap();
        assert_eq!((scenario.part(), scenario.kib), (Family::H523, Some(256)));
        assert_eq!(scenario.knobs.flash_bus, FlashBus::Drop);
        assert_eq!(scenario.knobs.reads.at(Spot::Idr(1)), Some(0x8477_0002));
    }

    #[test]
    fn a_part_that_is_named_before_counts() {
        assert_eq!(parse(&report(""), "h533,").unwrap().part(), Family::H533);
    }

    #[test]
    fn a_report_cannot_name_files_and_must_be_one() {
        for text in
            ["", "{}", &report(r#""state=/etc/passwd""#), &report(r#""survey=x""#), &report(r#""kib""#)]
        {
            assert!(matches!(parse(text, ""), Err(ScenarioError::Survey { .. })), "{text}");
        }
        let other = report("").replace("survey/1", "survey/2");
        assert!(parse(&other, "").unwrap_err().to_string().contains("survey/2"));
        assert!(matches!(parse(&report(r#""flash.bus=x""#), ""), Err(ScenarioError::BadValue { .. })));
    }
}
