//! The world behind USB: probe firmware, SWD target, STM32H5, board.
//!
//! **What it is.** A simulated probe ([`SimProbe`], a [`wire::UsbDevice`]) whose CMSIS-DAP or ST-Link firmware drives a
//! simulated SWD target with an STM32H5 and its ROM behind it, on a simulated [`Board`] ([`wire::Bench`]). It has no clock: it is
//! told when something reaches it and says when its answer is ready, so it runs on virtual and on real time.
//!
//! | modules | what they model |
//! |---|---|
//! | `probe`, `usb`, `faults` | the probe as a USB device: latency, lost and late answers |
//! | `firmware` | CMSIS-DAP commands as the reference firmware performs them, and twelve makes that deviate; the probe's pins |
//! | `stlink` | ST-Link V2, V2-1 and V3 commands, each from the firmware that brought it |
//! | `swd` | the two wires, DP and MEM-APs, bit by bit and transaction by transaction |
//! | `bus` | the seam between access ports and chip |
//! | `chip`, `rom` | STM32H5: memories, flash, option bytes, core debug; what its ROM does |
//! | `cpu` | the Armv8-M processor that executes code from SRAM and flash: an emulator behind one module |
//! | `board`, `scenario`, `causes`, `knobs` | cable, supply, buttons, board file; the text behind `sim:`, named ones, and every setting |
//! | `chance` | numbers that fall by a seed |
//! | `bill`, `wiretrace` | what a run cost; the truth about the wire |
//! | `pins` | the wire clock by clock, and a host that drives it itself |
//!
//! **What it knows.** How probe, debug port and chip behave, each behaviour with a note id. What is not public is a
//! setting, listed by [`guesses`].
//!
//! **What it must not know.** The driver: `adi`, `h5` and `probe` are never named here.
//!
//! **Specification.** Arm IHI 0031 (ADIv5.2: SW-DP version 2, MEM-AP), Arm CMSIS-DAP 2.1.2 with its reference firmware,
//! STM32H5 as in `vendor-notes/`.
//!
//! **Not supported.** JTAG beyond its switch sequences, trace and UART commands, execution of ROM code (its services are
//! modelled functions), security states and peripheral interrupts of the core, watchpoints, the debug monitor, multi-drop beyond one target, the transaction counter of pushed operations, an AP
//! write that would wait for the clocks behind it, DAP_TransferAbort inside a transfer.

mod bill;
mod board;
mod bus;
mod causes;
mod chance;
mod chip;
mod cpu;
mod faults;
mod firmware;
mod hex;
mod knobs;
mod pins;
mod probe;
mod rom;
mod scenario;
mod stlink;
mod surveyed;
mod swd;
mod usb;
mod wiretrace;

pub use bill::Bill;
pub use board::{Board, BoardError};
pub use knobs::Guess;
pub use pins::{PinRun, Pins};
pub use probe::{SimError, SimProbe};
pub use scenario::{Scenario, ScenarioError, guesses};
