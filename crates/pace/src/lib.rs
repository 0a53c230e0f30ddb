//! Time and patience: clocks, the policy and the one loop that waits.
//!
//! **What it is.** The only crate that reads a clock or sleeps. [`Clock`] is time ([`RealClock`], [`VirtualClock`]);
//! [`Policy`] is everything we are willing to wait, repeat or give up, each with a key that a person can set; [`poll`] is
//! the one loop that waits for something; [`experiment`] holds the times that an experiment varies.
//!
//! **What it knows.** Durations, counts and their reasons.
//!
//! **What it must not know.** What is being waited for.
//!
//! **Specification.** None; the presets named after other tools carry the numbers of `vendor-notes/tools.md`.
//!
//! **Not supported.** Asynchronous waiting. Everything here blocks its thread.

mod clock;
pub mod experiment;
mod keys;
mod patience;
mod policy;
mod poll;
mod presets;
mod receive;

pub use clock::{Clock, RealClock, VirtualClock};
pub use keys::{BadSetting, KEYS, KeyInfo};
pub use patience::Patience;
pub use policy::{
    AdiPatience, DaPatience, FlashPatience, Policy, PollPace, ProbePatience, ResetPace, UsbPatience,
};
pub use poll::{PollEnd, Site, Spent, Wait, poll};
pub use receive::{Received, receive};
