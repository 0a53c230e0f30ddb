//! The flash interface: locks, flags, times, and what the bus does while the flash is busy. All of it with the core halted
//! behind a reset, and in the last sector, which must be empty before and is empty after.

use super::site::{Answer, Found, Gap, Site, gap, micros};
use adi::AdiError;
use pace::{Site as At, poll};
use regs::h5::device::Device;
use regs::h5::flash::{self, QUAD_WORD, SECTOR, cr, key, optcr, sr};
use regs::h5::memory::{FLASH, SRAM1};
use std::time::Duration;
use wire::{Addr, MemOp};

const CR: Addr = Addr(flash::BASE + flash::NSCR);
const SR: Addr = Addr(flash::BASE + flash::NSSR);
const KEYS: Addr = Addr(flash::BASE + flash::NSKEYR);
const CLEAR: Addr = Addr(flash::BASE + flash::NSCCR);
const OPSR: Addr = Addr(flash::BASE + flash::OPSR);

/// The data of a quad-word under test.
const PATTERN: [u32; 4] = [0x0123_4567, 0x89AB_CDEF, 0xFEDC_BA98, 0x7654_3210];
/// A quad-word and a sector erase take no longer. [H5-FLASH-5]
const QUAD_MOST: Duration = Duration::from_micros(100);
const ERASE_MOST: Duration = Duration::from_millis(10);
/// Quad-words that are timed one by one, and looks at BSY behind each.
const TIMED: usize = 16;
const LOOKS: usize = 48;
/// Looks that tell what one costs: many and few.
const MANY: usize = 256;
const FEW: usize = 16;
/// Words that are written without a pause, and the quad-words they are.
const STREAM: usize = 256;
const STREAMED: u32 = 64;
/// Two ways that cost nearly the same cannot be told apart.
const APART: f64 = 1.1;

/// The last sector.
struct Scratch {
    at: u32,
    /// SER, SNB and BKSEL.
    command: u32,
}

impl Scratch {
    fn word(&self, index: usize) -> Addr {
        Addr(self.at.saturating_add(u32::try_from(index * 4).unwrap_or(0)))
    }

    fn slot(&self, index: usize) -> [MemOp; 4] {
        let at = |lane: usize| self.word(index * 4 + lane);
        let [a, b, c, d] = PATTERN;
        [(0, a), (1, b), (2, c), (3, d)].map(|(lane, value)| MemOp::write(at(lane), value))
    }

    fn erase(&self) -> [MemOp; 2] {
        [MemOp::write(CR, self.command), MemOp::write(CR, self.command | cr::STRT)]
    }
}

/// Resets, halts, finds the last sector empty, and unlocks. What `work` leaves in the sector is erased.
fn in_scratch<T>(
    site: &mut Site<'_>,
    work: impl FnOnce(&mut Site<'_>, &Scratch) -> Result<T, Gap>,
) -> Result<T, Gap> {
    site.at_reset()?;
    let scratch = scratch(site)?;
    unlock(site)?;
    let done = work(site, &scratch);
    let tidied = tidy(site, &scratch);
    let done = done?;
    tidied?;
    Ok(done)
}

fn scratch(site: &mut Site<'_>) -> Result<Scratch, Gap> {
    let kib = site.identity.as_ref().map(|i| i.flash_kib).unwrap_or_default();
    if !site.device.flash_kib.contains(&kib) {
        return gap(format!("the part says that it has {kib} KiB of flash"));
    }
    let len = u32::from(kib) * 1024;
    let at = FLASH + len - SECTOR;
    let count = SECTOR as usize / 4;
    let words = site.run(vec![MemOp::ReadWords { at: Addr(at), count, secret: true }])?;
    if words.iter().any(|word| *word != u32::MAX) {
        return gap(format!("the last sector, {}, is not empty", Addr(at)));
    }
    let swapped = site.flash_word(flash::OPTCR)? & optcr::SWAP_BANK != 0;
    let number = Device::sectors_per_bank(kib) - 1;
    let bank = if swapped { 0 } else { cr::BKSEL };
    Ok(Scratch { at, command: cr::SER | number << cr::SNB_SHIFT | bank })
}

/// The keys, once. [H5-FLASH-2]
fn unlock(site: &mut Site<'_>) -> Result<(), Gap> {
    keys(site)?;
    match site.flash_word(flash::NSCR)? & cr::LOCK {
        0 => Ok(()),
        _ => gap("the flash lock does not open"),
    }
}

fn keys(site: &mut Site<'_>) -> Result<(), AdiError> {
    for word in key::FLASH {
        match site.run(vec![MemOp::write_once(KEYS, word)]) {
            // A part may answer a key that it does not want with a bus error.
            Ok(_) | Err(AdiError::Fault { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Clears flags, erases the sector and locks.
fn tidy(site: &mut Site<'_>, scratch: &Scratch) -> Result<(), Gap> {
    idle(site)?;
    site.run(vec![MemOp::write(CR, 0), MemOp::write(CLEAR, sr::CLEARABLE)])?;
    site.run(scratch.erase().to_vec())?;
    idle(site)?;
    site.run(vec![MemOp::write(CR, 0), MemOp::write(CR, cr::LOCK)])?;
    Ok(())
}

/// Waits until the flash is idle.
fn idle(site: &mut Site<'_>) -> Result<(), Gap> {
    let clock = site.adi.clock().clone();
    let wait = site.adi.policy().wait(At::FlashErase);
    let end = poll(&*clock, &wait, || {
        let status = site.flash_word(flash::NSSR)?;
        Ok::<_, AdiError>((status & sr::BUSY == 0).then_some(()))
    });
    match end {
        Ok(()) => Ok(()),
        Err(pace::PollEnd::Failed(e)) => Err(e.into()),
        Err(pace::PollEnd::Spent(spent)) => gap(format!("the flash stays busy: {spent}")),
    }
}

/// Keys on an open lock. [H5-FLASH-2]
pub(crate) fn lock(site: &mut Site<'_>) -> Answer {
    site.at_reset()?;
    unlock(site)?;
    keys(site)?;
    let shut = site.flash_word(flash::NSCR)? & cr::LOCK != 0;
    keys(site)?;
    let stays = site.flash_word(flash::NSCR)? & cr::LOCK != 0;
    let words = match (shut, stays) {
        (true, true) => "the keys on an open lock shut it, and it took them no more",
        (true, false) => "the keys on an open lock shut it, and it took them again",
        (false, _) => "the keys on an open lock changed nothing",
    };
    let seen = if shut && stays { "shut" } else { "again" };
    Ok(Found::choice("flash.keys", seen, "shut", words))
}

/// Flags word by word. [H5-FLASH-3]
pub(crate) fn quad_word(site: &mut Site<'_>) -> Answer {
    in_scratch(site, |site, scratch| {
        let mut ops = vec![MemOp::write(CR, cr::PG)];
        ops.extend(scratch.slot(0).into_iter().flat_map(|write| [write, MemOp::read(SR)]));
        let during = site.run(ops)?;
        idle(site)?;
        let end = site.flash_word(flash::NSSR)?;
        let data = site.run(vec![MemOp::ReadWords { at: scratch.word(0), count: 4, secret: false }])?;
        let [first @ .., last] = during.as_slice() else { return gap("the probe returned no values") };
        let fills = first.iter().all(|value| value & sr::BUSY == sr::WBNE);
        let starts = last & sr::WBNE == 0 && last & (sr::BSY | sr::EOP) != 0;
        let ends = end & (sr::EOP | sr::ERRORS) == sr::EOP;
        let words: Vec<_> = during.iter().map(|value| Addr(*value).to_string()).collect();
        let kept = if data == PATTERN { "the data are there" } else { "the data are not there" };
        let evidence = format!("NSSR word by word {}, at the end {}; {kept}", words.join(" "), Addr(end));
        let found = Found::new(fills && starts && ends && data == PATTERN, evidence);
        Ok(found.with("flash.eop", if end & sr::EOP == 0 { "enabled" } else { "always" }))
    })
}

/// How long a quad-word keeps the flash busy: looks that saw BSY, times what a look takes. The first look comes two
/// transactions behind the last word (TAR, and the look itself), and on average BSY clears half-way between two.
fn quad_time(site: &mut Site<'_>, scratch: &Scratch) -> Result<Duration, Gap> {
    let looks = |count: usize| vec![MemOp::read(SR); count];
    let (_, many) = site.timed(looks(MANY))?;
    let (_, few) = site.timed(looks(FEW))?;
    let each = many.saturating_sub(few) / u32::try_from(MANY - FEW).unwrap_or(1);
    let mut busy = 0u32;
    for slot in 0..TIMED {
        let mut ops = vec![MemOp::write(CR, cr::PG)];
        ops.extend(scratch.slot(slot));
        ops.extend(looks(LOOKS));
        let values = site.run(ops)?;
        busy += u32::try_from(values.iter().filter(|value| *value & sr::BSY != 0).count()).unwrap_or(0);
        idle(site)?;
    }
    let slots = u32::try_from(TIMED).unwrap_or(1);
    Ok(each * (2 * busy + 3 * slots) / (2 * slots))
}

/// How long a quad-word and a sector erase take. [H5-FLASH-5]
pub(crate) fn durations(site: &mut Site<'_>) -> Answer {
    in_scratch(site, |site, scratch| {
        let quad = quad_time(site, scratch)?;
        site.run(vec![MemOp::write(CR, 0), MemOp::write(CLEAR, sr::CLEARABLE)])?;
        let erase = site.brisk(|site| {
            let start = site.adi.clock().now();
            site.run(scratch.erase().to_vec())?;
            idle(site)?;
            Ok(site.adi.clock().now().saturating_sub(start))
        })?;
        let holds = quad <= QUAD_MOST && erase <= ERASE_MOST;
        let evidence = format!("a quad-word took {quad:.1?}, a sector erase {erase:.2?}");
        Ok(Found::new(holds, evidence).with("time.quad", micros(quad)).with("time.sector", micros(erase)))
    })
}

/// What becomes of words that come while the flash is busy. [H5-FLASH-6]
pub(crate) fn stream(site: &mut Site<'_>) -> Answer {
    in_scratch(site, |site, scratch| {
        let quad = quad_time(site, scratch)?.as_secs_f64();
        site.run(scratch.erase().to_vec())?;
        idle(site)?;
        site.run(vec![MemOp::write(CLEAR, sr::CLEARABLE), MemOp::write(CR, cr::PG)])?;
        let write =
            |at: Addr| vec![MemOp::WriteWords { at, words: vec![0x5A5A_5A5A; STREAM], secret: false }];
        let (_, plain) = site.timed(write(Addr(SRAM1)))?;
        let (_, taken) = site.timed(write(scratch.word(0)))?;
        idle(site)?;
        let flags = site.flash_word(flash::NSSR)?;
        let [plain, taken] = [plain, taken].map(|span| (span / STREAMED).as_secs_f64());
        let figures = format!(
            "{:.1} us a quad-word, {:.1} us to SRAM, busy {:.1} us, NSSR {}",
            taken * 1e6,
            plain * 1e6,
            quad * 1e6,
            Addr(flags)
        );
        if flags & sr::ERRORS != 0 {
            return Ok(Found::choice("flash.bus", "drop", "stall", format!("words are lost: {figures}")));
        }
        // The first word waits for the end, the others follow; or all four travel meanwhile.
        let stalled = quad.max(plain / 4.0) + plain * 0.75;
        let buffered = quad.max(plain);
        if stalled < buffered * APART {
            return gap(format!("SWCLK is too slow to tell: {figures}"));
        }
        let stalls = (taken - stalled).abs() < (taken - buffered).abs();
        let seen = if stalls { "stall" } else { "buffered" };
        let words = if stalls { "the bus stalls" } else { "a quad-word is buffered" };
        Ok(Found::choice("flash.bus", seen, "stall", format!("{words}: {figures}")))
    })
}

/// What a look at `at` during an erase of the last sector saw, and NSSR behind it.
fn during_erase(site: &mut Site<'_>, scratch: &Scratch, at: Addr) -> Result<(u32, u32), Gap> {
    let mut ops = scratch.erase().to_vec();
    ops.extend([MemOp::read(at), MemOp::read(SR)]);
    let values = site.run(ops)?;
    idle(site)?;
    match values.as_slice() {
        [seen, status] => Ok((*seen, *status)),
        _ => gap("the probe returned no values"),
    }
}

/// Reading the bank that is erased, and the other one. [H5-FLASH-7]
pub(crate) fn same_bank(site: &mut Site<'_>) -> Answer {
    in_scratch(site, |site, scratch| {
        let (_, own) = during_erase(site, scratch, Addr(scratch.at - QUAD_WORD))?;
        let (_, other) = during_erase(site, scratch, Addr(FLASH))?;
        let [own, other] = [own, other].map(|status| status & sr::BSY != 0);
        let said = |busy: bool| if busy { "at once" } else { "at the end" };
        let evidence = format!(
            "a read of the bank that is erased is answered {}, of the other {}",
            said(own),
            said(other)
        );
        if !other {
            return Ok(Found::new(false, evidence));
        }
        Ok(Found::choice("flash.read", if own { "answer" } else { "stall" }, "stall", evidence))
    })
}

/// What FLASH_OPSR shows of an operation that is running. [H5-FLASH-8]
pub(crate) fn operation(site: &mut Site<'_>) -> Answer {
    in_scratch(site, |site, scratch| {
        let before = site.flash_word(flash::OPSR)?;
        if before != 0 {
            return gap(format!("FLASH_OPSR {}: an operation was interrupted before", Addr(before)));
        }
        let (seen, status) = during_erase(site, scratch, OPSR)?;
        if status & sr::BSY == 0 {
            return gap("the erase was over before anybody could look");
        }
        let shows = if seen == 0 { "reset" } else { "running" };
        let evidence = format!("FLASH_OPSR {} while a sector is erased", Addr(seen));
        Ok(Found::choice("flash.opsr", shows, "reset", evidence))
    })
}
