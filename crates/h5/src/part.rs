//! `Part`: an identified STM32H5 behind an ADI engine, and how its registers are reached.

use crate::identity::{Identity, hex};
use crate::obk::RssGuesses;
use crate::{H5Error, Tzen};
use adi::Adi;
use regs::h5::{SECURE_ALIAS, SECURE_ALIAS_CODE, flash, memory};
use std::fmt;
use wire::{Addr, ApSel, Attr, Batch, Flow, Mark, MarkKind, MemOp};

/// What a long operation is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Doing {
    /// Looking which sectors differ.
    Compare,
    /// Erasing flash.
    Erase,
    /// Programming flash.
    Program,
    /// Reading flash back and comparing.
    Verify,
    /// Reading flash.
    Read,
}

/// How far a long operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub doing: Doing,
    /// Bytes done.
    pub done: u32,
    /// Bytes in all.
    pub total: u32,
}

/// Flags of a status register, with names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    /// The register.
    pub register: &'static str,
    /// Its address.
    pub address: Addr,
    /// Its value.
    pub bits: u32,
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = describe(self.address, self.bits);
        let words = if words.is_empty() { "no flag" } else { words.as_str() };
        write!(f, "{} at {} = {} ({words})", self.register, self.address, hex(self.bits))
    }
}

/// The name of the register at an address.
pub(crate) fn register_name(at: Addr) -> &'static str {
    regs::lookup(at.0).map_or("memory", |hit| hit.register.name)
}

/// A value of the register at an address, in words.
pub(crate) fn describe(at: Addr, value: u32) -> String {
    regs::lookup(at.0).map(|hit| hit.register.describe(value)).unwrap_or_default()
}

/// An identified STM32H5 behind an ADI engine.
pub struct Part<'a> {
    pub(crate) adi: &'a mut Adi,
    pub(crate) ap: ApSel,
    pub(crate) identity: Identity,
    pub(crate) guesses: RssGuesses,
    pub(crate) under_way: bool,
}

impl fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("ap", &self.ap).field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl<'a> Part<'a> {
    /// Works on the part that [`identify`](crate::identify) found behind `ap`.
    pub fn new(adi: &'a mut Adi, ap: ApSel, identity: Identity) -> Self {
        Part { adi, ap, identity, guesses: RssGuesses::default(), under_way: false }
    }

    /// What was identified. Product state and TrustZone follow the changes made through this `Part`.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// OPTSTRT was sent, and how that ended was not seen: whatever error came, the option bytes may be the old ones, the new
    /// ones, or torn.
    pub fn change_under_way(&self) -> bool {
        self.under_way
    }

    /// The engine under it.
    pub fn adi(&mut self) -> &mut Adi {
        self.adi
    }

    /// Other guesses for the ROM's provisioning service. [H5-OBK-8] [H5-OBK-9]
    pub fn set_rss_guesses(&mut self, guesses: RssGuesses) {
        self.guesses = guesses;
    }

    /// Secure registers and the secure alias are used: TrustZone is on and debug is not limited to the non-secure side,
    /// as it is from PROVISIONING on. [H5-DBG-5]
    pub(crate) fn secure(&self) -> bool {
        self.identity.tzen == Tzen::On && self.identity.state == regs::h5::state::ProductState::OPEN
    }

    pub(crate) fn attr(&self) -> Attr {
        if self.secure() { Attr::Secure } else { Attr::NonSecure }
    }

    /// A flash register by its offset, in the alias that this access may use.
    pub(crate) fn reg(&self, offset: u32) -> Addr {
        Addr(if self.secure() { flash::BASE_S } else { flash::BASE } + offset)
    }

    /// The secure or the non-secure one of a register pair.
    pub(crate) fn banked(&self, non_secure: u32, secure: u32) -> Addr {
        self.reg(if self.secure() { secure } else { non_secure })
    }

    pub(crate) fn sr(&self) -> Addr {
        self.banked(flash::NSSR, flash::SECSR)
    }

    pub(crate) fn cr(&self) -> Addr {
        self.banked(flash::NSCR, flash::SECCR)
    }

    pub(crate) fn ccr(&self) -> Addr {
        self.banked(flash::NSCCR, flash::SECCCR)
    }

    /// An address of the code region or SRAM in the alias that this access may use.
    pub(crate) fn alias(&self, at: Addr) -> Addr {
        let plain = memory::non_secure(at.0);
        if !self.secure() {
            return Addr(plain);
        }
        Addr(match plain >> 24 {
            0x08..=0x0B => plain + SECURE_ALIAS_CODE,
            0x20..=0x2F | 0x40..=0x4F => plain + SECURE_ALIAS,
            _ => plain,
        })
    }

    pub(crate) fn run(&mut self, flow: Flow, ops: Vec<MemOp>) -> Result<Vec<u32>, H5Error> {
        Ok(self.adi.run(&Batch { ap: self.ap, attr: self.attr(), flow, ops })?)
    }

    pub(crate) fn read_reg(&mut self, at: Addr) -> Result<u32, H5Error> {
        Ok(self.adi.read_word(self.ap, self.attr(), at)?)
    }

    pub(crate) fn write_reg(&mut self, at: Addr, value: u32) -> Result<(), H5Error> {
        Ok(self.adi.write_word(self.ap, self.attr(), at, value)?)
    }

    /// A line in the recording.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        log::debug!("{text}");
        self.adi.mark(&Mark::new(MarkKind::Note, text));
    }
}

/// A link that answers with fewer values than were read has a bug; it must not become an index out of range here.
pub(crate) fn short_answer() -> H5Error {
    H5Error::Unsupported("the link returned fewer values than were read".to_owned())
}
