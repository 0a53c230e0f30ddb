//! A USB/IP server: devices of this process on a real host's USB stack.
//!
//! **What it is.** Three parts, each usable without the next:
//! - [`codec`]: the messages of the protocol, both directions, total;
//! - [`Description`]: what the host sees of a device (descriptors, strings, HID reports, BOS, Microsoft OS 2.0), built from
//!   a few declarative lines, with ready ones for probes;
//! - [`Port`]: one exported [`wire::UsbDevice`] with its pending transfers, without I/O and without threads; and
//!   [`Server`], which puts ports behind TCP and AF_UNIX sockets.
//!
//! **What it knows.** USB at the level of transfers: a transfer to an IN endpoint stays pending until the device has an
//! answer (the device says NAK), one to an OUT endpoint until the device took it, both not before the clock reaches the
//! time that the device named; stall, halt, short packets, empty packets, unlink, unplugging.
//!
//! **What it must not know.** What the packets mean, which probe it is, what stands behind it.
//!
//! **Threads.** One thread, the caller of [`Server::run`], owns all devices, so a device need not be `Send`. Each
//! connection has a thread that reads and one that writes; a host that does not read its answers is disconnected.
//!
//! **Specification.** USB/IP 1.1.1 (Linux, Documentation/usb/usbip_protocol.rst); USB 2.0 chapters 8 and 9; HID 1.11;
//! Microsoft OS 2.0 Descriptors Specification (2014); WinUSB as a compatible id.
//!
//! **Not supported.** Isochronous endpoints, more than one configuration, alternate settings, low and SuperSpeed, remote
//! wake-up, encryption and authentication (whoever reaches the socket owns the device: so it is local by default). A
//! USB reset never crosses the protocol; it shows as SET_CONFIGURATION, which resets the device. An OUT transfer that is
//! unlinked while the device still says NAK has reached the device all the same.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

pub mod codec;
mod describe;
#[cfg(test)]
mod fake;
mod port;
mod server;

pub use describe::{Class, Description, DescriptionError, Function, Hid, Interface, Speed};
pub use port::{Port, TooMany};
pub use server::{Address, BadAddress, Handle, Server};
