//! One option byte that does no harm, changed and changed back.

use super::site::{Answer, Found, Gap, Site, micros};
use h5::{H5Error, OptionChange};
use regs::h5::rcc::{self, rsr};
use std::time::Duration;
use wire::{Addr, MemOp};

/// Whether the independent watchdog counts in Stop mode.
const HARMLESS: &str = "IWDG_STOP";
/// [H5-OB-6]
const LEAST: Duration = Duration::from_millis(5);
const MOST: Duration = Duration::from_millis(60);

/// Changes it and changes it back; `between` looks at the part behind the first change.
fn there_and_back<T>(
    site: &mut Site<'_>,
    between: impl FnOnce(&mut Site<'_>) -> Result<T, Gap>,
) -> Result<(Duration, T), Gap> {
    let family = site.device.family;
    let old = {
        let mut part = site.part()?;
        let bytes = part.options()?;
        bytes.get(HARMLESS).map(|value| value.cur)
    };
    let old = old.ok_or_else(|| Gap(format!("this part has no {HARMLESS}")))?;
    let took = change(site, OptionChange::new(family, HARMLESS, 1 - old.min(1)).map_err(H5Error::from)?)?;
    let seen = between(site);
    let back = change(site, OptionChange::new(family, HARMLESS, old).map_err(H5Error::from)?);
    match back {
        Ok(_) => Ok((took, seen?)),
        Err(Gap(why)) => {
            Err(Gap(format!("{HARMLESS} is changed and could not be changed back to {old}: {why}")))
        }
    }
}

fn change(site: &mut Site<'_>, to: OptionChange) -> Result<Duration, Gap> {
    Ok(site.part()?.change_options(&[to])?.busy)
}

/// How long an option change takes. [H5-OB-6]
pub(crate) fn duration(site: &mut Site<'_>) -> Answer {
    let (took, ()) = site.brisk(|site| there_and_back(site, |_| Ok(())))?;
    let found = Found::new((LEAST..=MOST).contains(&took), format!("an option change took {took:.1?}"));
    Ok(found.with("time.option", micros(took)))
}

/// Whether an option change resets the part. [H5-OB-3]
pub(crate) fn resets(site: &mut Site<'_>) -> Answer {
    let at = Addr(rcc::BASE + rcc::RSR);
    site.run(vec![MemOp::write(at, rsr::RMVF), MemOp::write(at, 0)])?;
    let (_, flags) = there_and_back(site, |site| Ok(site.word(at.0)?))?;
    let flags = flags & !rsr::RMVF;
    let evidence = format!("RCC_RSR {} behind an option change", Addr(flags));
    Ok(Found::choice("ob.reset", if flags == 0 { "off" } else { "on" }, "off", evidence))
}
