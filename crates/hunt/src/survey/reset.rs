//! What a part does behind a reset: who answers when, what runs, and how fast.

use super::site::{Answer, Found, Site, gap, is_refused};
use adi::AdiError;
use h5::{ProductState, wait_ap_open};
use regs::h5::memory::{SRAM1, SYSTEM_FLASH, SYSTEM_FLASH_MAPPED, non_secure};
use regs::h5::{flash, rcc};
use regs::m33::{self, core_register, demcr};
use std::time::Duration;
use wire::{Addr, MemOp};

/// Looks at the option register behind a reset.
const EARLY_LOOKS: usize = 16;
/// Samples of the program counter.
const SAMPLES: usize = 64;
/// How long cycles are counted.
const COUNTED: Duration = Duration::from_millis(20);
/// `b .`, twice.
const LOOP: u32 = 0xE7FE_E7FE;
/// xPSR.T.
const THUMB: u32 = 1 << 24;
/// DWT_CTRL.CYCCNTENA.
const CYCCNTENA: u32 = 1;
/// The core's clock behind a reset: HSI at 64 MHz by two. [M33-2]
const CLOCK_MHZ: f64 = 32.0;
/// How far HSI and the host's clock may be off.
const CLOCK_OFF: f64 = 0.05;

/// When AP1 opens behind a reset. [H5-STATE-4]
pub(crate) fn opening(site: &mut Site<'_>) -> Answer {
    let (first, took) = site.brisk(|site| {
        let clock = site.adi.clock().clone();
        let mut released = Duration::ZERO;
        site.adi.in_reset(|adi| {
            released = adi.clock().now();
            Ok::<_, AdiError>(())
        })?;
        site.adi.reconnect()?;
        let first = site.enabled()?;
        wait_ap_open(site.adi, site.ap)?;
        Ok((first, clock.now().saturating_sub(released)))
    })?;
    if first.open(site.ap) {
        let evidence =
            format!("{} was open at the first look, {took:.1?} after the release of NRST", site.ap);
        return Ok(Found::new(false, evidence).with("rom.open.ms", 0));
    }
    let evidence = format!("{} was shut ({first}) and opened {took:.1?} after the release of NRST", site.ap);
    Ok(Found::new(true, evidence).with("rom.open.ms", took.as_millis()))
}

/// What the option register reads as in a reset and right behind it. [H5-STATE-9]
pub(crate) fn early_options(site: &mut Site<'_>) -> Answer {
    let mut seen = Vec::new();
    site.brisk(|site| {
        let (ap, at) = (site.ap, Addr(flash::BASE + flash::OPTSR_CUR));
        let look = |adi: &mut adi::Adi| adi.read_word(ap, wire::Attr::NonSecure, at);
        site.adi.in_reset(|adi| {
            seen.push(look(adi));
            Ok::<_, AdiError>(())
        })?;
        site.adi.reconnect()?;
        seen.extend((0..EARLY_LOOKS).map(|_| look(site.adi)));
        Ok(())
    })?;
    let looks = seen.len();
    let values: Vec<_> = seen.into_iter().flatten().collect();
    let odd = values.iter().find(|value| !ProductState::from_optsr(**value).is_known());
    let Some(last) = values.last() else { return gap("nobody answered in a reset or right behind it") };
    Ok(match odd {
        Some(odd) => Found::new(true, format!("FLASH_OPTSR_CUR {} first, {} later", Addr(*odd), Addr(*last))),
        None => Found::new(
            false,
            format!("FLASH_OPTSR_CUR was a state in each of {looks} looks, {} last", Addr(*last)),
        ),
    })
}

/// The core's clock behind a reset, by a loop in SRAM and the cycle counter. [M33-2]
pub(crate) fn core_clock(site: &mut Site<'_>) -> Answer {
    site.at_reset()?;
    let core = site.core();
    let switch = site.word(rcc::BASE + rcc::CFGR1)? & rcc::cfgr1::SWS;
    let ops = vec![
        MemOp::write(Addr(SRAM1), LOOP),
        MemOp::write(Addr(m33::DEMCR), demcr::TRCENA),
        MemOp::write(Addr(m33::DWT_CYCCNT), 0),
        MemOp::write(Addr(m33::DWT_CTRL), CYCCNTENA),
    ];
    site.run(ops)?;
    site.adi.write_core_reg(core, core_register::XPSR, THUMB)?;
    site.adi.write_core_reg(core, core_register::PC, SRAM1)?;
    site.adi.resume_core(core)?;
    let (first, start) = cycles(site)?;
    site.adi.clock().sleep(COUNTED);
    let (last, end) = cycles(site)?;
    let mhz = f64::from(last.wrapping_sub(first)) / end.saturating_sub(start).as_secs_f64() / 1e6;
    let holds = (mhz / CLOCK_MHZ - 1.0).abs() < CLOCK_OFF && switch == 0;
    let evidence = format!("{mhz:.2} MHz by DWT_CYCCNT, RCC_CFGR1.SWS {}", switch);
    Ok(Found::new(holds, evidence).with("core.mhz", format!("{mhz:.0}")))
}

/// The cycle counter, and when it was read.
fn cycles(site: &mut Site<'_>) -> Result<(u32, Duration), AdiError> {
    let count = site.word(m33::DWT_CYCCNT)?;
    Ok((count, site.adi.clock().now()))
}

/// What runs in PROVISIONING. [H5-STATE-3]
pub(crate) fn rom_runs(site: &mut Site<'_>) -> Answer {
    site.restart()?;
    let core = site.core();
    let rom = |pc: &u32| non_secure(*pc).wrapping_sub(SYSTEM_FLASH) < SYSTEM_FLASH_MAPPED;
    let samples = match site.adi.sample_pc(core, SAMPLES) {
        Err(e) if is_refused(&e) => return gap("the program counter cannot be sampled in this state"),
        samples => samples?,
    };
    let known: Vec<u32> = samples.into_iter().filter(|pc| *pc != u32::MAX && *pc != 0).collect();
    if known.is_empty() {
        return gap("the core gives no samples of its program counter");
    }
    match known.iter().find(|pc| !rom(pc)) {
        Some(pc) => Ok(Found::new(false, format!("the program counter was at {}", Addr(*pc)))),
        None => Ok(Found::new(
            true,
            format!("{} samples of the program counter, all in system flash", known.len()),
        )),
    }
}
