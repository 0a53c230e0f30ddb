//! Decoders and devices against bytes that nobody meant: mutated recordings of our own traffic, panics and hangs caught.
//!
//! An input is a list of records (packets, answers, messages), so that mutations know where a length field or a packet begins.
//! What a target says about an input is hashed into a *shape*; an input with a shape that was not seen before joins the
//! corpus. That is a cheap stand-in for coverage, and needs no special compiler.

mod input;
mod mutate;
mod run;
mod scripted;
mod seeds;
mod targets;

pub use input::{BadInput, Input};
pub use mutate::Random;
pub use run::{Finding, Report, Stop, fuzz};
pub use targets::{TARGETS, target};

use std::fmt::{self, Debug, Write};
use std::hash::{DefaultHasher, Hasher};

/// Something to be fuzzed.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// What people type.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Input>,
    /// Takes one input; what came of it, as a shape. Panics when something does not hold.
    pub run: fn(&Input) -> Shape,
}

/// What came of an input, without its numbers.
#[derive(Debug, Default)]
pub struct Shape(DefaultHasher);

impl Shape {
    /// Adds the words of a value: names of variants and fields, no numbers, and only the first of them.
    pub fn add(&mut self, value: &impl Debug) {
        let mut words = Words { left: 160, quoted: false, hasher: &mut self.0 };
        // It ends with an error when it has seen enough.
        let _ = write!(words, "{value:?}");
        self.0.write_u8(0xFF);
    }

    /// Adds a small number.
    pub fn number(&mut self, number: u8) {
        self.0.write_u8(number);
    }

    /// As a number.
    pub fn value(&self) -> u64 {
        self.0.finish()
    }
}

struct Words<'a> {
    left: usize,
    /// Inside a text, which is data.
    quoted: bool,
    hasher: &'a mut DefaultHasher,
}

impl Write for Words<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.quoted ^= byte == b'"';
            if byte.is_ascii_alphabetic() && !self.quoted {
                self.hasher.write_u8(byte);
            }
        }
        self.left = self.left.checked_sub(text.len()).ok_or(fmt::Error)?;
        Ok(())
    }
}
