//! Words that must read as a note says, in a moment that the note names.

use super::site::{Answer, Found, Gap, Site, gap};
use adi::{AdiError, DpReg};
use regs::ap::{BASE, IDR};
use regs::h5::device::Device;
use std::fmt;
use wire::{Addr, ApSel, Attr};

/// Where a word is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spot {
    Dpidr,
    Idr(u8),
    Base(u8),
    Word(u8, u32),
}

impl Spot {
    fn read(self, site: &mut Site<'_>) -> Result<u32, AdiError> {
        match self {
            Spot::Dpidr => site.adi.read_dp(DpReg::DPIDR),
            Spot::Idr(ap) => site.adi.read_ap(ApSel(ap), IDR),
            Spot::Base(ap) => site.adi.read_ap(ApSel(ap), BASE),
            Spot::Word(ap, at) if ApSel(ap) == site.ap => site.word(at),
            Spot::Word(ap, at) => site.adi.read_word(ApSel(ap), Attr::Default, Addr(at)),
        }
    }

    /// As a scenario names it.
    fn key(self) -> String {
        match self {
            Spot::Dpidr => "dpidr".to_owned(),
            Spot::Idr(ap) => format!("ap{ap}.idr"),
            Spot::Base(ap) => format!("ap{ap}.base"),
            Spot::Word(ap, at) => format!("ap{ap}@{}", Addr(at)),
        }
    }
}

/// As a person reads it.
impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Spot::Dpidr => f.write_str("DPIDR"),
            Spot::Idr(ap) => write!(f, "{} IDR", ApSel(ap)),
            Spot::Base(ap) => write!(f, "{} BASE", ApSel(ap)),
            Spot::Word(ap, at) => match regs::lookup(at) {
                Some(hit) => write!(f, "{} through {}", hit.register.name, ApSel(ap)),
                None => write!(f, "{} through {}", Addr(at), ApSel(ap)),
            },
        }
    }
}

/// What a word must be, under its mask.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Is {
    Value(u32),
    /// The same as another word.
    Same(Spot),
    /// What fits the part, in words. `None`: the note is not about this part.
    Fits(fn(&Device, u32) -> Option<bool>, &'static str),
}

/// One word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word {
    pub(crate) spot: Spot,
    pub(crate) mask: u32,
    pub(crate) is: Is,
    /// What it reads, if it is not what it must be, tells who the part is: it is not told.
    pub(crate) private: bool,
}

impl Word {
    pub(crate) const fn is(spot: Spot, value: u32) -> Word {
        Word { spot, mask: u32::MAX, is: Is::Value(value), private: false }
    }

    pub(crate) const fn same(spot: Spot, other: Spot) -> Word {
        Word { spot, mask: u32::MAX, is: Is::Same(other), private: false }
    }

    pub(crate) const fn fits(spot: Spot, fits: fn(&Device, u32) -> Option<bool>, what: &'static str) -> Word {
        Word { spot, mask: u32::MAX, is: Is::Fits(fits, what), private: false }
    }

    pub(crate) const fn under(self, mask: u32) -> Word {
        Word { mask, ..self }
    }

    pub(crate) const fn private(self) -> Word {
        Word { private: true, ..self }
    }
}

/// When words are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// As the part was found.
    Now,
    /// The core halted before its first instruction.
    AtReset,
    /// Behind a pulse on NRST.
    AfterPulse,
}

/// Reads the words and holds each against what it must be.
pub(crate) fn words(site: &mut Site<'_>, moment: Moment, words: &[Word]) -> Answer {
    match moment {
        Moment::Now => {}
        Moment::AtReset => site.at_reset()?,
        Moment::AfterPulse => site.restart()?,
    }
    let mut found = Found::new(true, "");
    let mut told = Vec::new();
    for word in words {
        let value = word.spot.read(site)?;
        let (holds, must) = judged(site, word, value)?;
        let shown =
            if word.private { "a value that is not told".to_owned() } else { Addr(value).to_string() };
        if holds {
            told.push(format!("{} {shown}", word.spot));
            continue;
        }
        told.push(format!("{} is {shown}, not {must}", word.spot));
        found.holds = false;
        if !word.private {
            found = found.with("reads", format!("{}:{}", word.spot.key(), Addr(value)));
        }
    }
    found.evidence = told.join("; ");
    Ok(found)
}

/// Whether a value is what it must be, and what that is.
fn judged(site: &mut Site<'_>, word: &Word, value: u32) -> Result<(bool, String), Gap> {
    let seen = value & word.mask;
    let equal = |must: u32| {
        let under = if word.mask == u32::MAX { String::new() } else { format!(" under {}", Addr(word.mask)) };
        (seen == must & word.mask, format!("{}{under}", Addr(must)))
    };
    Ok(match word.is {
        Is::Value(must) => equal(must),
        Is::Same(other) => {
            let must = other.read(site)?;
            let (holds, must) = equal(must);
            (holds, format!("{must} as {other}"))
        }
        Is::Fits(fits, what) => match fits(site.device, seen) {
            Some(holds) => (holds, what.to_owned()),
            None => return gap("the note is not about this part"),
        },
    })
}
