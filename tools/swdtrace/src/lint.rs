//! `swdtrace lint`: what a session did that it should not.

use super::{DIFFERENT, Failure, Input, OK, StatFormat, USAGE, open};
use std::io::{self, Write};
use std::time::Duration;
use trace::lint::{Connect, Finding, Lint, RULES, Settings};
use wire::ApSel;

/// Columns of a line of help for the name of a rule, and for all of it.
const ID: usize = 17;
const WIDTH: usize = 77;

#[derive(Debug, clap::Args)]
#[command(after_long_help = rules())]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,
    /// How the session connected (hotplug, normal, under-reset, pulse), where its marks do not say it.
    #[arg(long, value_name = "MODE", value_parser = connect)]
    connect: Option<Connect>,
    /// The only access port that is expected (default: what an STM32H5 needs, AP1, and AP0 for DBGMCU).
    #[arg(long, value_name = "N")]
    ap: Option<u8>,
    /// Leave a rule out. May be given again.
    #[arg(long, value_name = "RULE", value_parser = clap::builder::PossibleValuesParser::new(RULES.map(|rule| rule.id)))]
    without: Vec<String>,
    /// The form of the output.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = StatFormat::Text)]
    format: StatFormat,
}

fn connect(text: &str) -> Result<Connect, String> {
    let words = Connect::ALL.map(Connect::word).join(", ");
    Connect::from_word(text).ok_or_else(|| format!("there are {words}"))
}

/// What the rules are, for the help.
fn rules() -> String {
    let rules = RULES.map(|rule| entry(rule.id, &format!("{} [{}]", rule.finds, rule.note)));
    format!(
        "Rules:\n{}\nEvents are numbered as `show --level 3 --expand` numbers them.\n\nExit codes: 0 nothing found, 1 \
         something found, 2 trouble (a recording\nthat is cut off and in which nothing is found counts as that)",
        rules.concat()
    )
}

/// A word and, beside it, what it means, in lines that fit a terminal.
fn entry(word: &str, meaning: &str) -> String {
    let mut text = format!("  {word:<ID$}");
    let mut used = ID;
    for word in meaning.split(' ') {
        if used + 1 + word.len() > WIDTH && used > ID {
            text.push_str(&format!("\n  {:ID$}", ""));
            used = ID;
        }
        let lead = if used > ID { " " } else { "" };
        text.push_str(&format!("{lead}{word}"));
        used += lead.len() + word.len();
    }
    text + "\n"
}

pub(crate) fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Failure> {
    let trace = open(&args.input, err)?;
    if trace.protocol().is_none() {
        return Err(Failure::NothingDecoded(args.input.file.clone()));
    }
    let settings = Settings { connect: args.connect, ap: args.ap.map(ApSel) };
    let mut lint = Lint::of(&trace, &settings);
    lint.findings.retain(|finding| !args.without.iter().any(|id| id == finding.rule.id));
    lint.blind.retain(|blind| !args.without.iter().any(|id| id == blind.rule));
    match args.format {
        StatFormat::Text => text(&lint, out)?,
        StatFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, &lint).map_err(io::Error::from)?;
            writeln!(out)?;
        }
    }
    Ok(match (lint.findings.is_empty(), trace.truncated_at()) {
        (false, _) => DIFFERENT,
        (true, Some(_)) => USAGE,
        (true, None) => OK,
    })
}

fn text(lint: &Lint, out: &mut dyn Write) -> io::Result<()> {
    for finding in &lint.findings {
        self::finding(finding, out)?;
    }
    for blind in &lint.blind {
        writeln!(out, "not checked: {}: {}", blind.rule, blind.why)?;
    }
    match lint.findings.len() {
        0 => writeln!(out, "nothing found"),
        1 => writeln!(out, "1 finding"),
        n => writeln!(out, "{n} findings"),
    }
}

fn finding(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let at = Duration::from_nanos(finding.t_ns).as_secs_f64();
    writeln!(out, "{at:>12.6}  {}: {}", finding.rule.id, finding.what)?;
    for (n, line) in finding.events.iter().zip(&finding.lines) {
        writeln!(out, "{:14}#{n} {line}", "")?;
    }
    if finding.events.len() > finding.lines.len() {
        writeln!(out, "{:14}… {} events in all (--format json numbers them)", "", finding.events.len())?;
    }
    writeln!(out, "{:14}{} [{}]", "", finding.rule.why, finding.rule.note)
}
