//! `seq`: raw bits on SWDIO.

use crate::cli::How;
use crate::cli::bench::SeqArgs;
use crate::output::Output;
use crate::target;
use crate::trouble::Trouble;
use regs::dp::{self, LineSequence};
use serde_json::json;
use wire::Bits;

/// The sequences that have a name here.
const NAMED: [(&str, &LineSequence); 6] = [
    ("line-reset", &dp::LINE_RESET),
    ("jtag-to-swd", &dp::JTAG_TO_SWD),
    ("swd-to-jtag", &dp::SWD_TO_JTAG),
    ("swd-to-dormant", &dp::SWD_TO_DORMANT),
    ("dormant-to-swd", &dp::DORMANT_TO_SWD),
    ("jtag-to-dormant", &dp::JTAG_TO_DORMANT),
];

pub(crate) fn seq(args: &SeqArgs, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let sent: Vec<_> = args.sequences.iter().map(|text| parse(text)).collect::<Result<_, _>>()?;
    if how.dry_run {
        sent.iter().for_each(|s| output.print(&format!("* {} bits: {}", s.bits.len, hex(&s.bits))));
        output.say("dry run: nothing was sent");
        return Ok(());
    }
    let dpidr = target::unattached(how, output, |session, _| {
        for sequence in &sent {
            session.adi.send_bits(&sequence.bits)?;
        }
        Ok(if args.dpidr { Some(session.adi.ask_dpidr()?) } else { None })
    })?;
    let answer =
        dpidr.as_ref().map(|found| found.map_or_else(|| "nobody answers".to_owned(), |id| id.to_string()));
    let object = json!({ "sequences": sent.iter()
        .map(|s| json!({ "name": s.name, "bits": s.bits.len, "data": hex(&s.bits) })).collect::<Vec<_>>(),
        "dpidr": dpidr.flatten().map(|id| id.0) });
    output.data(how.format, "seq", object, || {
        let mut lines: Vec<_> =
            sent.iter().map(|s| format!("{}: {} bits: {}", s.name, s.bits.len, hex(&s.bits))).collect();
        lines.extend(answer.map(|text| format!("DPIDR  {text}")));
        lines
    });
    Ok(())
}

/// Bits with a name for the output.
struct Sequence {
    name: String,
    bits: Bits,
}

/// A name, or `VALUE:BITS` with at most 64 bits, the lowest first.
fn parse(text: &str) -> Result<Sequence, Trouble> {
    if let Some((name, sequence)) = NAMED.iter().find(|(name, _)| *name == text) {
        let bits = Bits { data: sequence.bytes.to_vec(), len: usize::from(sequence.bits) };
        return Ok(Sequence { name: (*name).to_owned(), bits });
    }
    let bad = || {
        let names: Vec<_> = NAMED.iter().map(|(name, _)| *name).collect();
        Trouble::usage(format!("`{text}` is neither VALUE:BITS (0xE79E:16) nor one of {}", names.join(", ")))
    };
    let (value, len) = text.split_once(':').ok_or_else(bad)?;
    let len: usize = len.parse().ok().filter(|len| (1..=64).contains(len)).ok_or_else(bad)?;
    let value = number(value).filter(|v| len == 64 || v >> len == 0).ok_or_else(bad)?;
    let data = value.to_le_bytes().into_iter().take(len.div_ceil(8)).collect();
    Ok(Sequence { name: text.to_owned(), bits: Bits { data, len } })
}

fn number(text: &str) -> Option<u64> {
    let text = text.replace('_', "").to_ascii_lowercase();
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// As it goes over the wire: the first byte first, its lowest bit first.
fn hex(bits: &Bits) -> String {
    bits.data.iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_a_name_or_a_value_with_a_length() {
        let bits = |text| parse(text).map(|s| (hex(&s.bits), s.bits.len)).ok();
        assert_eq!(bits("0xE79E:16"), Some(("9E E7".to_owned(), 16)));
        assert_eq!(bits("5:3"), Some(("05".to_owned(), 3)));
        assert_eq!(bits("line-reset").map(|(_, len)| len >= 50), Some(true));
        for bad in ["8:3", "1:0", "1:65", "x:4", "nothing"] {
            assert_eq!(bits(bad), None, "{bad}");
        }
    }
}
