//! `mem read`.

use super::{Start, Way, access, dump};
use crate::cli::{How, ReadArgs};
use crate::output::Output;
use crate::target;
use crate::trouble::Trouble;
use crate::value::Reading;
use serde_json::json;
use wire::Width;

pub(super) fn read(args: &ReadArgs, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let start = Start::of(&args.place)?;
    let unit = start.unit();
    let len = match (args.len, args.count) {
        (Some(len), _) => len,
        (None, count) => count.unwrap_or(1).saturating_mul(unit.bytes()),
    };
    if start.width.is_some() && !len.is_multiple_of(unit.bytes()) {
        let text = format!("{len} bytes are not a whole number of {}-bit values", unit.bytes() * 8);
        return Err(Trouble::usage(text));
    }
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let at = start.at;
    let (ap, bytes) = target::with(how, output, |target, output| {
        let way = Way { ap: target.ap(output)?, attr: start.attr };
        Ok((way.ap, access::read(target.adi(), way, at, len, start.width, output)?))
    })?;
    if let Some(path) = &args.out {
        std::fs::write(path, &bytes)
            .map_err(|e| Trouble::usage(format!("{} cannot be written: {e}", path.display())))?;
        output.say(&format!("{} bytes from {at} through {ap} are in {}", bytes.len(), path.display()));
        let object = json!({ "ap": ap.0, "address": at.0, "bytes": bytes.len(), "file": path });
        output.data(how.format, "mem-read", object, Vec::new);
        return Ok(());
    }
    // Ends that are not aligned were read as bytes, so the whole is shown as bytes.
    let shown = if bytes.len().is_multiple_of(unit.bytes() as usize) { unit } else { Width::Byte };
    let values: Vec<_> = dump::registers(at, &bytes, shown).iter().map(Reading::json).collect();
    let object = json!({ "ap": ap.0, "address": at.0, "width": shown.bytes() * 8, "values": values });
    output.data(how.format, "mem-read", object, || dump::lines(at, &bytes, shown));
    Ok(())
}
