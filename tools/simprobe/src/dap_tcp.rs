//! CMSIS-DAP over TCP, framed as OpenOCD does it. [USB-5]
//!
//! Each packet has a header of eight bytes: the signature `DAP\0`, the length as u16, a type (1 request, 2 response) and a
//! zero. Behind it the probe is what it would be on USB, with the times of USB.

use crate::device::Offered;
use crate::sockets::{Broken, Protocol};
use bytes::{Buf as _, BufMut as _, BytesMut};
use std::time::Duration;
use wire::{UsbDevice as _, UsbFault};

const SIGNATURE: [u8; 4] = *b"DAP\0";
const HEADER: usize = 8;
const REQUEST: u8 = 1;
const RESPONSE: u8 = 2;

/// The protocol.
#[derive(Debug, Default)]
pub(crate) struct DapTcp {
    /// When the probe took the last packet.
    taken: Duration,
}

/// Takes the next packet: `None` while it is not complete.
fn unframe(arrived: &mut BytesMut) -> Result<Option<BytesMut>, Broken> {
    let Some(header) = arrived.first_chunk::<HEADER>() else { return Ok(None) };
    let [s0, s1, s2, s3, l0, l1, kind, _reserved] = *header;
    if [s0, s1, s2, s3] != SIGNATURE || kind != REQUEST {
        return Err(Broken(format!("{header:02x?} is no header of a CMSIS-DAP request")));
    }
    let length = usize::from(u16::from_le_bytes([l0, l1]));
    if arrived.len() < HEADER + length {
        return Ok(None);
    }
    arrived.advance(HEADER);
    Ok(Some(arrived.split_to(length)))
}

fn frame(answer: &[u8], out: &mut BytesMut) {
    out.put_slice(&SIGNATURE);
    // A simulated probe has packets of 512 bytes at most.
    out.put_u16_le(u16::try_from(answer.len()).unwrap_or(u16::MAX));
    out.put_slice(&[RESPONSE, 0]);
    out.put_slice(answer);
}

impl Protocol for DapTcp {
    fn begin(&mut self) {
        self.taken = Duration::ZERO;
    }

    fn take(&mut self, device: &mut Offered, arrived: &mut BytesMut, now: Duration) -> Result<(), Broken> {
        let [out, _] = device.endpoints();
        while let Some(packet) = unframe(arrived)? {
            match device.out(out.address, &packet, self.taken.max(now)) {
                Ok(taken) => self.taken = taken,
                Err(UsbFault::Lost) => {}
                Err(UsbFault::Stall) => return Err(Broken(format!("{} bytes are no packet", packet.len()))),
                Err(UsbFault::Gone) => return Err(Broken("the probe was pulled out".to_owned())),
            }
        }
        Ok(())
    }

    fn ready(&mut self, device: &mut Offered, now: Duration) -> BytesMut {
        let [_, input] = device.endpoints();
        let mut out = BytesMut::new();
        while device.next_in(input.address).is_some_and(|at| at <= now)
            && let Some(answer) = device.take_in(input.address)
        {
            frame(&answer, &mut out);
        }
        out
    }

    fn wake(&self, device: &Offered) -> Option<Duration> {
        let [_, input] = device.endpoints();
        device.next_in(input.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_taken_when_it_is_complete_and_what_follows_stays() {
        let whole = [b'D', b'A', b'P', 0, 2, 0, 1, 0, 0x00, 0xFE, b'D'];
        for length in 0..10 {
            assert!(unframe(&mut BytesMut::from(&whole[..length])).unwrap().is_none(), "{length} bytes");
        }
        let mut arrived = BytesMut::from(&whole[..]);
        assert_eq!(unframe(&mut arrived).unwrap().unwrap(), [0x00, 0xFE][..]);
        assert_eq!(arrived, b"D"[..]);
    }

    #[test]
    fn another_signature_or_a_response_is_no_request() {
        for wrong in [*b"DAQ\0\x01\x00\x01\x00", *b"DAP\0\x01\x00\x02\x00"] {
            assert!(unframe(&mut BytesMut::from(&wrong[..])).is_err());
        }
    }

    #[test]
    fn a_response_is_framed_with_its_length() {
        let mut out = BytesMut::new();
        frame(&[0x05, 0x01], &mut out);
        assert_eq!(out, [b'D', b'A', b'P', 0, 2, 0, 2, 0, 0x05, 0x01][..]);
    }
}
