//! `policy`: what the tool is willing to wait.

use crate::cli::{How, PolicyCommand};
use crate::output::Output;
use crate::trouble::Trouble;
use pace::Policy;
use serde_json::json;

pub(crate) fn policy(command: &PolicyCommand, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let policy = session::policy(how.policy.as_deref(), &how.set)?;
    match command {
        PolicyCommand::Show => show(&policy, how, output),
        PolicyCommand::Diff { other } => diff(&session::policy(Some(other), &[])?, &policy, how, output),
    }
    Ok(())
}

fn show(policy: &Policy, how: &How, output: &mut Output) {
    let keys = policy.settings().map(
        |(info, value)| json!({ "key": info.key, "value": value, "takes": info.unit, "reason": info.reason }),
    );
    let object =
        json!({ "policy": policy.name, "presets": Policy::PRESETS, "keys": keys.collect::<Vec<_>>() });
    output.data(how.format, "policy", object, || {
        let head = format!("policy {} (presets: {})", policy.name, Policy::PRESETS.join(", "));
        let keys =
            policy.settings().map(|(info, value)| format!("{:<18} {value:<8} {}", info.key, info.reason));
        std::iter::once(head).chain(keys).collect()
    });
}

fn diff(from: &Policy, to: &Policy, how: &How, output: &mut Output) {
    let differ: Vec<_> = (from.settings().zip(to.settings()))
        .filter(|((_, one), (_, other))| one != other)
        .map(|((info, one), (_, other))| (info.key, one, other))
        .collect();
    let keys: Vec<_> =
        differ.iter().map(|(key, one, other)| json!({ "key": key, "from": one, "to": other })).collect();
    let object = json!({ "from": from.name, "to": to.name, "keys": keys });
    output.data(how.format, "policy-diff", object, || {
        let head = match differ.as_slice() {
            [] => format!("{} and {} are the same", from.name, to.name),
            _ => format!("{} -> {}", from.name, to.name),
        };
        let keys = differ.iter().map(|(key, one, other)| format!("{key:<18} {one} -> {other}"));
        std::iter::once(head).chain(keys).collect()
    });
}
