//! `swdtrace lint`: what a session did that it should not.

use super::{DIFFERENT, Failure, Input, OK, StatFormat, USAGE, Unread, json, warn, with_pieces};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::time::Duration;
use trace::lint::{Connect, Finding, Lint, RULES, Rules, Settings};
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
    let mut rules = Rules::new(&Settings { connect: args.connect, ap: args.ap.map(ApSel) });
    let (mut is_cut, mut told, mut lint) = (false, 0, None);
    let read = with_pieces(&args.input, |pieces| {
        pieces.each(|piece| {
            warn(piece, &mut told, err);
            if piece.protocol().is_none() {
                return Err(Unread::Failure(Failure::NothingDecoded(args.input.file.clone())));
            }
            is_cut = piece.truncated_at().is_some();
            rules.look(piece);
            Ok(ControlFlow::Continue(()))
        })?;
        let found = lint.insert(std::mem::take(&mut rules).lint());
        found.findings.retain(|finding| !args.without.iter().any(|id| id == finding.rule.id));
        found.blind.retain(|blind| !args.without.iter().any(|id| id == blind.rule));
        if found.findings.is_empty() {
            return Ok(());
        }
        pieces.each(|piece| {
            found.show(piece);
            Ok(ControlFlow::Continue(()))
        })
    });
    read.map_err(|unread| unread.about(&args.input.file))?;
    let lint = lint.unwrap_or_default();
    match args.format {
        StatFormat::Text => text(&lint, out)?,
        StatFormat::Json => json(&lint, out)?,
    }
    Ok(match (lint.findings.is_empty(), is_cut) {
        (false, _) => DIFFERENT,
        (true, true) => USAGE,
        (true, false) => OK,
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
