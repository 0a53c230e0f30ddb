//! Probes: pipes, the recorder's tap and the links over them.
//!
//! **What it is.** What stands between the ADI engine and the USB cable:
//!
//! - [`tap::Tap`] decorates any [`Pipe`](wire::Pipe) and tells a [`Sink`](wire::Sink) everything that passes, without
//!   changing order or content;
//! - [`find`](mod@find) lists the probes on USB, with the reason where one cannot be used, and opens a pipe to one: bulk by
//!   libusb, HID by the operating system's driver;
//! - [`tcp::TcpPipe`] is a pipe to a CMSIS-DAP server;
//! - [`cmsis_dap::DapLink`] is a [`Link`](wire::Link) over any pipe to a CMSIS-DAP probe;
//! - [`stlink::StLink`] is a [`Link`](wire::Link) and a [`Mem`](wire::Mem) over any pipe to an ST-Link V2, V2-1 or V3.
//!
//! **What it knows.** How a host talks to a probe: what to ask when it is opened, how many packets may be under way, what to
//! do when an answer stays away or belongs to something else; what firmware does differently, as a table.
//!
//! **What it must not know.** What a transfer is for, what WAIT means for the caller, file formats, chips. Retries belong to
//! the engine; the only patience used here is that with USB.
//!
//! **Specification.** Arm CMSIS-DAP 2.1.2, version 1 (HID) and version 2 (bulk) pipes; CMSIS-DAP over TCP as OpenOCD frames
//! it; USB HID 1.11 as far as the length of a report.
//!
//! **Not supported.** JTAG, trace data and the UART of a probe. CMSIS-DAP packets above 16 KiB. HID probes where libusb finds no
//! USB at all. A HID probe that another program uses is not seen to be busy: systems let both in. A probe that joins two
//! answers in one USB transfer is noticed when it has happened, unless it is one that is known. Answers of CMSIS-DAP and ST-Link
//! carry no number: one that comes twice passes for the answer to the next question of the same shape [DAP-21]. It is noticed
//! as soon as a question of another shape is asked, or none is under way; until then a value may be the one before it. So
//! nothing that matters rests on one reading: flash is compared word by word, identity and states are read back, and a part
//! is called CLOSED by what the ROM says of itself.

pub mod cmsis_dap;
#[cfg(test)]
mod fake;
pub mod find;
mod hid;
mod identify;
pub mod open;
pub mod stlink;
pub mod tap;
pub mod tcp;
mod usb;
