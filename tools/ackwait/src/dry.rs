//! `--dry-run`: the command is rehearsed on a simulated board in the state of the one that was named, and the accesses it makes
//! there are shown. The board that was named is only read.

use crate::cli::How;
use crate::cli::part::Which;
use crate::output::Output;
use crate::target::{self, Target};
use crate::trouble::Trouble;
use adi::{Doing, Flown};
use h5::{FlashPace, OptionChange, Part, ProductState};
use provision::Exit;
use regs::h5::device::Family;
use serde_json::json;
use session::Session;
use wire::Addr;

/// What a command needs of the part, so that a rehearsal finds it as it is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Needs {
    /// What the package says.
    family: Option<Family>,
    /// Its flash is looked at.
    flash: bool,
    /// Something that cannot be copied from a real part.
    hidden: Option<&'static str>,
}

impl Needs {
    /// Option bytes and product state.
    pub(crate) fn of(which: Which) -> Needs {
        Needs { family: which.family, ..Needs::default() }
    }

    pub(crate) fn and_flash(self) -> Needs {
        Needs { flash: true, ..self }
    }

    pub(crate) fn and_hidden(self, what: &'static str) -> Needs {
        Needs { hidden: Some(what), ..self }
    }

    /// Only what cannot be copied.
    pub(crate) const fn hidden(what: &'static str) -> Needs {
        Needs { family: None, flash: false, hidden: Some(what) }
    }
}

/// An error of a rehearsal. The board that was named has nothing to do with it.
pub(crate) fn rehearsed(mut trouble: Trouble) -> Trouble {
    trouble.text = format!("rehearsal: {}", trouble.text);
    trouble.state = Some("the board that was named was only read".to_owned());
    trouble
}

/// A board like this one.
pub(crate) fn stage(
    target: &mut Target,
    needs: Needs,
    how: &How,
    output: &mut Output,
) -> Result<Session, Trouble> {
    let options = target::options(how, how.probe.as_deref().unwrap_or_default())?;
    if let Some(same) = target.session.copy(&options) {
        output.say("dry run: rehearsed on a copy of the simulated board");
        return Ok(same?);
    }
    let unable = |why: String| {
        let trouble = Trouble::new(Exit::Unsupported, why);
        rehearsed(trouble.next("`--probe sim:h562,state=FILE` is a board on which it can be done for good"))
    };
    if target.session.is_simulated() {
        return Err(unable("a recording that plays the probe cannot be rehearsed on".to_owned()));
    }
    if let Some(what) = needs.hidden {
        return Err(unable(format!("this depends on {what}, which cannot be copied from a real part")));
    }
    let like = Like::read(target, needs, output)?;
    let mut session = Session::stand_in(&like.scenario(), &options)?;
    like.put_on(&mut session).map_err(rehearsed)?;
    output.say(&format!(
        "dry run: rehearsed on a simulated {} in the same state; the part was only read",
        like.family
    ));
    Ok(session)
}

/// What a rehearsal copies of a real part.
struct Like {
    family: Family,
    kib: u16,
    state: ProductState,
    options: Vec<(&'static str, u32)>,
    flash: Option<(Addr, Vec<u8>)>,
}

impl Like {
    fn read(target: &mut Target, needs: Needs, output: &mut Output) -> Result<Like, Trouble> {
        let mut part = target.part(Which { family: needs.family }, output)?;
        let (family, kib, state) =
            (part.identity().device.family, part.identity().flash_kib, part.identity().state);
        if !matches!(state, ProductState::OPEN | ProductState::PROVISIONING) {
            let text = format!("a part in {state} cannot be copied for a rehearsal");
            return Err(rehearsed(Trouble::new(Exit::Unsupported, text)));
        }
        let options = part.options()?;
        let options = options.iter().map(|v| (v.byte.name, v.cur)).collect();
        let flash = if needs.flash {
            let range = part.whole_flash()?;
            Some((range.at, part.read(range.at, range.len as usize)?))
        } else {
            None
        };
        Ok(Like { family, kib, state, options, flash })
    }

    fn scenario(&self) -> String {
        format!("{},kib={}", self.family.short_name().to_ascii_lowercase(), self.kib)
    }

    fn put_on(&self, session: &mut Session) -> Result<(), Trouble> {
        session.adi.attach(&adi::Attach::HOTPLUG)?;
        let ap = wire::ApSel(regs::h5::device::AP1.ap);
        let identity = h5::identify(&mut session.adi, ap)?.as_family(self.family)?;
        let mut part = Part::new(&mut session.adi, ap, identity);
        if let Some((at, data)) = &self.flash {
            part.update(&[(*at, data)], FlashPace::Stream, &mut |_| {})?;
        }
        let plain = self.options.iter().filter(|(name, _)| *name != "PRODUCT_STATE");
        let changes: Result<Vec<_>, _> =
            plain.map(|(name, value)| OptionChange::new(self.family, name, *value)).collect();
        part.change_options(&changes.map_err(h5::H5Error::from)?)?;
        part.change_state(self.state)?;
        session.adi.pulse_reset()?;
        Ok(())
    }
}

/// Something that was done so often in a row.
struct Line {
    last: Flown,
    times: usize,
}

/// The accesses of a rehearsal, the same one in a row as one. A program gets all of them.
pub(crate) fn show<'f>(accesses: impl Iterator<Item = &'f Flown>, how: &How, output: &mut Output) {
    let mut lines: Vec<Line> = Vec::new();
    for flown in accesses {
        match lines.last_mut() {
            Some(line) if line.last.what == flown.what && is_read(&flown.what) => {
                line.last = *flown;
                line.times += 1;
            }
            _ => lines.push(Line { last: *flown, times: 1 }),
        }
    }
    let rows: Vec<_> =
        lines.iter().map(|line| (line.text(), line.times, !is_read(&line.last.what))).collect();
    let object = json!({ "accesses": rows.iter()
        .map(|(text, times, write)| json!({ "text": text, "times": times, "write": write })).collect::<Vec<_>>() });
    output.data(how.format, "dry-run", object, || brief(&rows));
    output.say("dry run: nothing was written; a line with * would be");
}

/// For a person: every write, and what was read before it in one line.
fn brief(rows: &[(String, usize, bool)]) -> Vec<String> {
    let mut lines = Vec::new();
    for run in rows.chunk_by(|a, b| !a.2 && !b.2) {
        match run {
            [(text, _, true)] => lines.push(format!("* {text}")),
            [.., (last, _, _)] => {
                let reads: usize = run.iter().map(|(_, times, _)| times).sum();
                let last = if reads == 1 { last.clone() } else { format!("{reads} reads; the last: {last}") };
                lines.push(format!("  {last}"));
            }
            [] => {}
        }
    }
    lines
}

impl Line {
    fn text(&self) -> String {
        format!("{}{}{}", self.last.what, self.last.seen, provision::named(&self.last))
    }
}

const fn is_read(what: &Doing) -> bool {
    match what {
        Doing::Dp { write, .. } | Doing::Ap { write, .. } | Doing::Memory { write, .. } => !*write,
        Doing::Line(_) | Doing::Nreset { .. } | Doing::Setup => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser as _;

    /// What a real part would be copied like, tried on a simulated one.
    #[test]
    fn a_stand_in_has_flash_option_bytes_and_state_of_the_part_it_stands_for() {
        let dir = tempfile::tempdir().unwrap();
        let scenario = format!("sim:h533,state={}", dir.path().join("board.json").display());
        let cli = Cli::try_parse_from(["ackwait", "status", "--probe", &scenario]).unwrap();
        let mut output = Output::new(Box::new(std::io::sink()), Box::new(std::io::sink()));
        let data = [0x5A; 16];
        let like = target::with(&cli.how, &mut output, |target, output| {
            let mut part = target.part(Which { family: None }, output)?;
            part.update(&[(Addr(0x0800_4000), &data)], FlashPace::Stream, &mut |_| {})?;
            part.change_options(&[OptionChange::new(part.identity().device.family, "BOR_LEV", 2).unwrap()])?;
            part.change_state(ProductState::PROVISIONING)?;
            Like::read(target, Needs::default().and_flash(), output)
        });
        let like = like.unwrap();
        let mut session =
            Session::stand_in(&like.scenario(), &target::options(&cli.how, &scenario).unwrap()).unwrap();
        like.put_on(&mut session).unwrap();
        let identity = h5::identify(&mut session.adi, wire::ApSel(1)).unwrap();
        assert_eq!((identity.state, identity.flash_kib), (ProductState::PROVISIONING, 512));
        let mut part = Part::new(&mut session.adi, wire::ApSel(1), identity);
        assert_eq!(part.options().unwrap().get("BOR_LEV").unwrap().cur, 2);
        assert_eq!(part.read(Addr(0x0800_4000), 16).unwrap(), data);
    }
}
