//! Behaviour of the chip, driven through its access ports as a debugger does.

mod bench;
mod certificates;
mod core;
mod exec;
mod flash;
mod fuzz;
mod host;
mod obk;
mod option;
mod power;
mod rom;
