//! `survey`: what the notes claim, asked of the part that is there.

use crate::chip::line;
use crate::cli::How;
use crate::cli::part::Which;
use crate::output::{Output, wrapped_at};
use crate::target::{self, Target};
use crate::trouble::Trouble;
use clap::Args;
use hunt::survey::{Allow, Order, Survey, page, survey as ask};
use provision::Exit;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Columns of a verdict and its note.
const WORDS: usize = 21;

#[derive(Debug, Args)]
pub(crate) struct SurveyArgs {
    /// It may reset the part, halt its core and use its SRAM: what runs on it begins anew.
    #[arg(long)]
    allow_reset: bool,
    /// It may also erase and program the last sector, if that is empty, and change an option byte and change it back.
    /// Only in OPEN.
    #[arg(long)]
    allow_writes: bool,
    /// Write the report to this file. `sim:survey=FILE` is then a board that behaves as this one.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Put the unique id into the report.
    #[arg(long)]
    uid: bool,
    #[command(flatten)]
    which: Which,
}

impl SurveyArgs {
    fn allow(&self) -> Allow {
        match (self.allow_writes, self.allow_reset) {
            (true, _) => Allow::Write,
            (false, true) => Allow::Reset,
            (false, false) => Allow::Look,
        }
    }
}

pub(crate) fn survey(args: &SurveyArgs, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let made = target::writing(how, output, |target, output| made(args, target, output))?;
    let Some(mut survey) = made else { return Ok(()) };
    if let Some(family) = args.which.family {
        survey.part = family.short_name().to_owned();
    }
    if let Some(path) = &args.out {
        keep(&survey, path)?;
        output.say(&format!(
            "report: {}; `--probe sim:survey={}` is such a board",
            path.display(),
            path.display()
        ));
    }
    let object = json(&survey)?;
    output.data(how.format, "survey", object, || lines(&survey, args.allow()));
    Ok(())
}

fn made(args: &SurveyArgs, target: &mut Target, output: &mut Output) -> Result<Survey, Trouble> {
    if let Some(family) = args.which.family {
        let part = target.part(args.which, output)?;
        output.say(&format!("part: {family} of {}", line(part.identity())));
    }
    let order = Order { ap: target.part_ap(output), allow: args.allow(), uid: args.uid };
    let survey = ask(target.adi(), &order, &mut |done, of| {
        output.progress("checks", done, of);
        !output.stopped()
    })?;
    if output.stopped() {
        return Err(Trouble::new(Exit::Interrupted, "the survey was stopped; there is no report"));
    }
    Ok(survey)
}

fn json(survey: &Survey) -> Result<Value, Trouble> {
    serde_json::to_value(survey).map_err(|e| Trouble::new(Exit::Bug, format!("the report: {e}")))
}

fn keep(survey: &Survey, path: &Path) -> Result<(), Trouble> {
    let text = serde_json::to_string_pretty(&json(survey)?).unwrap_or_default();
    std::fs::write(path, text + "\n")
        .map_err(|e| Trouble::new(Exit::Storage, format!("{}: {e}", path.display())))
}

fn lines(survey: &Survey, allow: Allow) -> Vec<String> {
    let state = survey.state.as_deref().unwrap_or("its core's access port is shut");
    let head = format!("DEV_ID 0x{:03X}, REV_ID 0x{:04X}, {state}", survey.dev_id, survey.rev_id);
    let head = wrapped_at(WORDS, &format!("STM32{}", survey.part), &head);
    head.into_iter()
        .chain(page(survey, allow).iter().flat_map(|(word, text)| wrapped_at(WORDS, word, text)))
        .collect()
}
