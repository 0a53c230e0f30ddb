//! Scenarios: the whole stack, from the driver's calls to the simulated chip and back, on virtual time.

#![expect(clippy::print_stdout, reason = "tests print what they counted")]

mod attach;
mod cost;
mod efficiency;
mod faults;
mod firmware;
mod fuzz;
mod power_cut;
mod probes;
mod recording;
mod routes;
mod stlink_firmware;
mod stray;
mod truth_table;
mod witness;
mod work;
