//! `flash`: erase, program, verify, read, blank.

use crate::chip::rate;
use crate::cli::How;
use crate::cli::part::{FlashCommand, ImageArgs, RangeArgs, Which};
use crate::dry::Needs;
use crate::output::Output;
use crate::target::{self, Target};
use crate::trouble::Trouble;
use h5::{Doing, FlashPace, FlashRange, H5Error, Part, Progress};
use provision::{Exit, Firmware, ImageSource, Images};
use serde_json::json;
use std::path::Path;
use wire::Addr;

pub(crate) fn flash(command: &FlashCommand, how: &How, output: &mut Output) -> Result<(), Trouble> {
    match command {
        FlashCommand::Erase { range, which, .. } => erase(range, *which, how, output),
        FlashCommand::Program { images, pace, which } => program(images, *pace, *which, how, output),
        FlashCommand::Verify { images, which } => verify(images, *which, how, output),
        FlashCommand::Read { range, out, which } => read(range, out, *which, how, output),
        FlashCommand::Blank { range, which } => blank(range, *which, how, output),
    }
}

/// Flash that is written under a running program changes under it.
fn warn_running(target: &Target, output: &mut Output) {
    if !target.attached.halted {
        output.say("the core is not halted: its program may run into what is written (`--connect under-reset` halts it)");
    }
}

fn erase(range: &RangeArgs, which: Which, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let done = target::writing_part(Needs::of(which), how, output, |target, output| {
        warn_running(target, output);
        let mut part = target.part_to_change(which, output)?;
        let range = chosen(range, &part)?;
        let report = watched(output, |progress| part.erase(&range, progress))?;
        Ok((range, report))
    })?;
    let Some((range, report)) = done else { return Ok(()) };
    let span = provision::text::span(report.elapsed);
    let object = json!({ "address": range.at.0, "bytes": range.len, "sectors": report.sectors,
        "elapsed_us": micros(report.elapsed) });
    let line = format!("erased {range}: {} sectors in {span}", report.sectors);
    output.data(how.format, "flash-erase", object, || vec![line]);
    Ok(())
}

fn program(
    images: &ImageArgs,
    pace: FlashPace,
    which: Which,
    how: &How,
    output: &mut Output,
) -> Result<(), Trouble> {
    let images = load(images)?;
    let done = target::writing_part(Needs::of(which).and_flash(), how, output, |target, output| {
        warn_running(target, output);
        let mut part = target.part_to_change(which, output)?;
        let firmware = fitted(&images, &part)?;
        let report = watched(output, |progress| part.update(&pieces(&firmware), pace, progress))?;
        Ok((report, firmware))
    })?;
    let Some((report, firmware)) = done else { return Ok(()) };
    report.fallbacks.iter().for_each(|f| output.say(&format!("slower: {f}")));
    let object = json!({
        "image": firmware.line(), "sectors": report.sectors, "kept": report.kept, "bytes": report.bytes,
        "pace": report.pace.word(), "fallbacks": report.fallbacks.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "verified": true, "comparing_us": micros(report.comparing), "writing_us": micros(report.writing),
    });
    output.data(how.format, "flash-program", object, || {
        let written = report.sectors - report.kept;
        vec![
            firmware.line(),
            format!("{} of {} sectors held their data already", report.kept, report.sectors),
            format!(
                "{written} sectors erased, programmed and read back: {}",
                rate(report.bytes, report.writing)
            ),
        ]
    });
    Ok(())
}

fn verify(images: &ImageArgs, which: Which, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let images = load(images)?;
    let (firmware, elapsed) = target::with(how, output, |target, output| {
        let clock = target.clock();
        let mut part = target.part(which, output)?;
        let firmware = fitted(&images, &part)?;
        let began = clock.now();
        for (at, data) in pieces(&firmware) {
            watched(output, |progress| part.verify(at, data, progress))?;
        }
        Ok((firmware, clock.now().saturating_sub(began)))
    })?;
    let object = json!({ "image": firmware.line(), "bytes": firmware.bytes(), "equal": true,
        "elapsed_us": micros(elapsed) });
    let line = format!("{}: equal, {}", firmware.line(), rate(firmware.bytes(), elapsed));
    output.data(how.format, "flash-verify", object, || vec![line]);
    Ok(())
}

fn read(range: &RangeArgs, out: &Path, which: Which, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let (range, bytes, elapsed) = target::with(how, output, |target, output| {
        let clock = target.clock();
        let mut part = target.part(which, output)?;
        let range = chosen(range, &part)?;
        let began = clock.now();
        let bytes = part.read(range.at, range.len as usize)?;
        Ok((range, bytes, clock.now().saturating_sub(began)))
    })?;
    std::fs::write(out, &bytes).map_err(|e| {
        Trouble::new(Exit::Storage, format!("{} cannot be written: {e}", out.display()))
            .next("name another file: the part was only read")
    })?;
    let object =
        json!({ "address": range.at.0, "bytes": range.len, "file": out, "elapsed_us": micros(elapsed) });
    let line = format!("{range} -> {}: {}", out.display(), rate(bytes.len(), elapsed));
    output.data(how.format, "flash-read", object, || vec![line]);
    Ok(())
}

fn blank(range: &RangeArgs, which: Which, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let (range, first) = target::with(how, output, |target, output| {
        let mut part = target.part(which, output)?;
        let range = chosen(range, &part)?;
        let first = watched(output, |progress| part.first_not_erased(&range, progress))?;
        Ok((range, first))
    })?;
    if let Some(at) = first {
        let text = format!("{range} is not blank: the first byte that is not 0xFF is at {at}");
        return Err(Trouble::new(Exit::Verify, text).next("`ackwait flash erase` erases whole sectors"));
    }
    let object = json!({ "address": range.at.0, "bytes": range.len, "blank": true });
    output.data(how.format, "flash-blank", object, || vec![format!("{range} is blank")]);
    Ok(())
}

/// The range that was named, or all of the flash.
fn chosen(range: &RangeArgs, part: &Part<'_>) -> Result<FlashRange, H5Error> {
    match (range.at, range.len) {
        (Some(at), Some(len)) => part.flash_range(FlashRange { at: Addr(at), len }),
        _ => part.whole_flash(),
    }
}

/// The images, read before a probe is touched.
fn load(images: &ImageArgs) -> Result<Images, Trouble> {
    let source = |path: &std::path::PathBuf| ImageSource {
        path: path.clone(),
        sha256: None,
        address: images.at.map(Addr).filter(|_| provision::is_raw(path)),
    };
    let sources: Vec<_> = images.files.iter().map(source).collect();
    Images::read(&sources).map_err(|e| Trouble::from(e).untouched())
}

/// The images, as this part's sectors shall hold them.
fn fitted(images: &Images, part: &Part<'_>) -> Result<Firmware, Trouble> {
    let device = part.identity().device;
    let firmware = images.lay_out(device)?;
    firmware.fits(device, part.identity().flash_kib)?;
    Ok(firmware)
}

fn pieces(firmware: &Firmware) -> Vec<(Addr, &[u8])> {
    firmware.sectors.iter().map(|s| (s.at, s.data.as_slice())).collect()
}

/// Shows how far a long operation is.
fn watched<T>(
    output: &mut Output,
    work: impl FnOnce(&mut dyn FnMut(Progress)) -> Result<T, H5Error>,
) -> Result<T, H5Error> {
    work(&mut |p| {
        let doing = match p.doing {
            Doing::Compare => "comparing",
            Doing::Erase => "erasing",
            Doing::Program => "programming",
            Doing::Verify => "verifying",
            Doing::Read => "reading",
        };
        output.progress(doing, p.done as usize, p.total as usize);
    })
}

fn micros(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
