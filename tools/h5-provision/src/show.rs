//! `policy show`, `record check`, `exit-codes`.

use crate::cli::{Format, FormatArgs, PolicyArgs, PolicyCommand, RecordArgs, RecordCommand};
use crate::console::Output;
use crate::trouble::Trouble;
use pace::{BadSetting, Policy};
use provision::{Exit, record};
use serde_json::json;

pub(crate) fn policy(args: &PolicyArgs, output: &mut Output) -> Result<Exit, Trouble> {
    let PolicyCommand::Show { preset, format } = &args.command;
    let policy = Policy::preset(preset).ok_or_else(|| BadSetting::Preset(preset.clone()))?;
    if format.format == Format::Text {
        output.print(&format!("preset {} (of {})", policy.name, Policy::PRESETS.join(", ")));
    }
    for (info, value) in policy.settings() {
        match format.format {
            Format::Text => output.print(&format!("{:<18} {value:<8} {}", info.key, info.reason)),
            Format::Json => {
                let line =
                    json!({ "key": info.key, "value": value, "takes": info.unit, "reason": info.reason });
                output.json(&line);
            }
        }
    }
    Ok(Exit::Done)
}

pub(crate) fn record(args: &RecordArgs, output: &mut Output) -> Result<Exit, Trouble> {
    let RecordCommand::Check { file } = &args.command;
    let record::Checked { chain, ahead } = record::check(file)?;
    for line in &chain.torn {
        output
            .say(&format!("line {line} was cut short when it was written; the record behind it says so too"));
    }
    if ahead {
        output.say("the last line was written and its head was not: a run was cut short there; the next one repairs it");
    }
    let (file, last) = (file.display(), provision::text::hex(&chain.last));
    output.print(&format!("{file}: {} records, the chain holds to its end, SHA-256 {last}", chain.records));
    Ok(Exit::Done)
}

pub(crate) fn exit_codes(args: &FormatArgs, output: &mut Output) -> Result<Exit, Trouble> {
    for exit in Exit::ALL {
        match args.format {
            Format::Text => {
                output.print(&format!("{:>3}  {:<16} {}", exit.code(), exit.word(), exit.meaning()))
            }
            Format::Json => {
                let line = json!({ "code": exit.code(), "word": exit.word(), "meaning": exit.meaning() });
                output.json(&line);
            }
        }
    }
    Ok(Exit::Done)
}
