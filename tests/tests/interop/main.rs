//! Other people's programs drive the simulator over sockets: no USB, no virtual machine.
//!
//! A program that is not installed is skipped with a reason, unless `ACKWAIT_INTEROP_REQUIRE` names it: `openocd` (Debian's
//! 0.12), `openocd-tcp` (a newer one, as `openocd-esp32` or `openocd`), `pyocd`, `sigrok-cli`, `tshark`, `perfetto` (its
//! Python package). `UPDATE_GOLDEN=1` accepts the transcripts as `tests/golden/*.txt`.

mod exports;
mod logs;
mod openocd;
mod pins;
mod pyocd;
mod rig;
