//! `mem`: memory and memory-mapped registers.

mod access;
mod dump;
mod read;
mod watch;
mod write;

use crate::cli::{How, MemCommand, Place};
use crate::number::parse_u32;
use crate::output::Output;
use crate::trouble::Trouble;
use wire::{Addr, ApSel, Attr, Width};

pub(crate) fn mem(command: &MemCommand, how: &How, output: &mut Output) -> Result<(), Trouble> {
    match command {
        MemCommand::Read(args) => read::read(args, how, output),
        MemCommand::Write(args) => write::write(args, how, output),
        MemCommand::Watch(args) => watch::watch(args, how, output),
    }
}

/// The way to some memory.
#[derive(Debug, Clone, Copy)]
struct Way {
    ap: ApSel,
    attr: Attr,
}

/// Where it begins and how wide its accesses are.
struct Start {
    at: Addr,
    width: Option<Width>,
    attr: Attr,
}

impl Start {
    fn of(place: &Place) -> Result<Start, Trouble> {
        let width = place.width.map(Width::from);
        let at = address(&place.at)?;
        if let Some(width) = width.filter(|width| !at.0.is_multiple_of(width.bytes())) {
            let text = format!("{at} is not aligned to {} bytes", width.bytes());
            return Err(Trouble::usage(text).next("take a narrower `--width`, or leave it out"));
        }
        Ok(Start { at, width, attr: place.attr.into() })
    }

    /// The width of one value here.
    fn unit(&self) -> Width {
        self.width.unwrap_or(match self.at.0 {
            at if at.is_multiple_of(4) => Width::Word,
            at if at.is_multiple_of(2) => Width::Half,
            _ => Width::Byte,
        })
    }
}

/// An address: a number, or the name of a register.
fn address(text: &str) -> Result<Addr, Trouble> {
    if let Ok(number) = parse_u32(text) {
        return Ok(Addr(number));
    }
    regs::by_name(text).map(|register| Addr(register.address)).ok_or_else(|| {
        Trouble::usage(format!("`{text}` is neither an address nor a register that has a name here"))
            .next("give the address: 0x4002_2020")
    })
}

/// The name of what lies at an address, if it has one.
fn name(at: Addr) -> Option<&'static str> {
    regs::lookup(at.0).map(|hit| hit.register.name)
}
