//! Probes: pipes, the recorder's tap and the links over them.
//!
//! **What it is.** What stands between the ADI engine and the USB cable:
//!
//! - [`tap::Tap`] decorates any [`Pipe`](wire::Pipe) and tells a [`Sink`](wire::Sink) everything that passes, without
//!   changing order or content;
//! - [`cmsis_dap::DapLink`] is a [`Link`](wire::Link) over any pipe to a CMSIS-DAP probe.
//!
//! **What it knows.** How a host talks to a probe: what to ask when it is opened, how many packets may be under way, what to
//! do when an answer stays away or belongs to something else.
//!
//! **What it must not know.** What a transfer is for, what WAIT means for the caller, file formats, chips. Retries belong to
//! the engine; the only patience used here is that with USB.
//!
//! **Specification.** Arm CMSIS-DAP 2.1.2, version 1 (HID) and version 2 (bulk) pipes.
//!
//! **Not supported.** USB back ends are not here yet: a pipe has to be given. JTAG, trace data and the UART of a probe.
//! Probes that join two answers in one USB transfer need `usb.in-flight=1`.

pub mod cmsis_dap;
pub mod tap;
