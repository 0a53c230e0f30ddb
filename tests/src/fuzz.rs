//! Decoders and devices against bytes that nobody meant: mutated recordings of our own traffic, panics and hangs caught.
//!
//! An input is a list of records (packets, answers, messages), so that mutations know where a length field or a packet begins.
//! What a target says about an input is its *shape*, a row of features; an input with a feature that was not seen before joins
//! the corpus. That is a cheap stand-in for coverage, and needs no special compiler. A feature is two things said one behind the
//! other, as coverage counts steps from block to block: whole outputs are nearly all different, and tell nothing.

mod files;
mod input;
mod mutate;
mod run;
mod scripted;
mod seeds;
mod targets;
mod views;

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

/// What came of an input, as its features: each thing that was said, without its numbers, together with what was said before
/// it.
#[derive(Debug, Default)]
pub struct Shape {
    features: Vec<u64>,
    before: u64,
}

impl Shape {
    /// Adds the words of a value: names of variants and fields, no numbers, and only the first of them.
    pub fn add(&mut self, value: &impl Debug) {
        let mut words = Words { left: 160, quoted: false, hasher: DefaultHasher::new() };
        // It ends with an error when it has seen enough.
        let _ = write!(words, "{value:?}");
        self.feature(words.hasher.finish());
    }

    /// Adds a small number.
    pub fn number(&mut self, number: u8) {
        self.feature(u64::from(number));
    }

    fn feature(&mut self, what: u64) {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.before);
        hasher.write_u64(what);
        self.before = what;
        self.features.push(hasher.finish());
    }

    /// The features.
    pub fn features(&self) -> &[u64] {
        &self.features
    }

    /// All of it as one number.
    pub fn value(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.features.iter().for_each(|feature| hasher.write_u64(*feature));
        hasher.finish()
    }
}

struct Words {
    left: usize,
    /// Inside a text, which is data.
    quoted: bool,
    hasher: DefaultHasher,
}

impl Write for Words {
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
