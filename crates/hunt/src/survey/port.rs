//! Doors: access ports, security, memory that cannot be read.

use super::site::{Answer, Found, Site, gap, is_refused};
use regs::ap::{CSW, IDR, csw};
use regs::h5::device::{AP1, Family};
use regs::h5::memory::{FLASH_S, OBK, OTP, OTP_BLOCK, OTP_LEN};
use regs::h5::{flash, memory};
use wire::{Addr, Attr, MemOp};

/// The last block of OTP.
const LAST_OTP: u32 = OTP + OTP_LEN - OTP_BLOCK;
/// Words of the area of level 1 that are looked at, behind those of level 0.
const KEY_WORDS: usize = 24;

/// What a shut access port looks like. [H5-DBG-6]
pub(crate) fn shut(site: &mut Site<'_>) -> Answer {
    let idr = match site.adi.read_ap(site.ap, IDR) {
        Err(e) if is_refused(&e) => 0,
        idr => idr?,
    };
    if idr == 0 {
        return Ok(Found::choice("ap1.locked", "absent", "fault", format!("{} has no IDR", site.ap)));
    }
    let control = site.adi.read_ap(site.ap, CSW)?;
    let refused = match site.word(memory::SRAM1) {
        Err(e) if is_refused(&e) => true,
        Err(e) => return Err(e.into()),
        Ok(_) => false,
    };
    let holds = idr == AP1.idr && control & csw::DEVICE_EN == 0 && refused;
    let answer = if refused { "refused" } else { "answered" };
    let evidence = format!("{} IDR {}, CSW {}, a read is {answer}", site.ap, Addr(idr), Addr(control));
    Ok(Found::new(holds, evidence).with("ap1.locked", "fault"))
}

/// What a non-secure access to something secure meets. [H5-DBG-5]
pub(crate) fn secure_read(site: &mut Site<'_>) -> Answer {
    let secure = site.adi.read_word(site.ap, Attr::Secure, Addr(FLASH_S))?;
    if secure == 0 {
        return gap(format!("{} holds zero, so nothing tells a refusal", Addr(FLASH_S)));
    }
    let (seen, words) = match site.adi.read_word(site.ap, Attr::NonSecure, Addr(FLASH_S)) {
        Ok(0) => ("raz", "zero".to_owned()),
        Ok(value) => {
            return Ok(Found::new(
                false,
                format!("a non-secure read of {} gives {}", Addr(FLASH_S), Addr(value)),
            ));
        }
        Err(e) if is_refused(&e) => ("error", "FAULT".to_owned()),
        Err(e) => return Err(e.into()),
    };
    let evidence = format!("{}: secure {}, non-secure {words}", Addr(FLASH_S), Addr(secure));
    Ok(Found::choice("tz.ns", seen, "raz", evidence))
}

/// A read of OTP that was never written. [H5-DBG-9]
pub(crate) fn unwritten(site: &mut Site<'_>) -> Answer {
    match site.word(LAST_OTP) {
        Err(e) if is_refused(&e) => {
            let detected = site.flash_word(flash::ECCDETR)?;
            Ok(Found::new(
                true,
                format!("{} is answered with FAULT, ECCDETR {}", Addr(LAST_OTP), Addr(detected)),
            ))
        }
        Err(e) => Err(e.into()),
        Ok(u32::MAX) => {
            let reads = format!("ap{}@{}:{}", site.ap.0, Addr(LAST_OTP), Addr(u32::MAX));
            Ok(Found::new(false, format!("{} reads 0xFFFF_FFFF", Addr(LAST_OTP))).with("reads", reads))
        }
        Ok(_) => gap("the last block of OTP is written"),
    }
}

/// Whether keys can be read back. Their value is not told. [H5-OBK-13]
pub(crate) fn keys_read(site: &mut Site<'_>) -> Answer {
    if site.device.family == Family::H503 {
        return gap("this part has no OBK");
    }
    let area = site.device.map.obk.get(1).map_or(OBK, |area| memory::non_secure(area.start));
    let read = site.run(vec![MemOp::ReadWords { at: Addr(area), count: KEY_WORDS, secret: true }]);
    let words = match read {
        Err(e) if is_refused(&e) => {
            return Ok(Found::new(true, format!("{} is answered with FAULT", Addr(area))));
        }
        words => words?,
    };
    let blank = words.iter().all(|word| *word == 0 || *word == u32::MAX);
    let shows = if blank { "reads as zero or ones" } else { "reads as data" };
    Ok(Found::choice(
        "obk.read",
        if blank { "refuse" } else { "allow" },
        "refuse",
        format!("{} {shows}", Addr(area)),
    ))
}
