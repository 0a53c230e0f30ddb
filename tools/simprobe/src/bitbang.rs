//! OpenOCD's remote_bitbang with SWD: one character for each edge. [TOOL-20]
//!
//! `O` `o` drive SWDIO or let go of it, `d` `e` `f` `g` set SWCLK and SWDIO, `c` asks for SWDIO (answered `0` or `1`), `r` `s`
//! `t` `u` set the resets (the lower bit is nRESET), `B` `b` blink, `Z` `z` let a millisecond or a microsecond pass, `Q` ends.

use crate::device::Offered;
use crate::sockets::{Broken, Protocol};
use bytes::{Buf as _, BufMut as _, BytesMut};
use std::time::Duration;

/// The protocol.
#[derive(Debug, Default)]
pub(crate) struct Bitbang {
    answer: BytesMut,
    /// The host has asked to be left alone until then.
    asleep: Option<Duration>,
}

impl Bitbang {
    fn perform(&mut self, device: &mut Offered, what: u8, now: Duration) -> Result<(), Broken> {
        let mut pins = device.probe_mut().pins(now);
        match what {
            b'O' | b'o' => pins.drive(what == b'O'),
            b'd'..=b'g' => {
                let bits = what - b'd';
                pins.write(bits & 2 != 0, bits & 1 != 0);
            }
            b'c' => self.answer.put_u8(if pins.swdio() { b'1' } else { b'0' }),
            b'r'..=b'u' => pins.reset((what - b'r') & 1 != 0),
            b'Z' => self.asleep = Some(now + Duration::from_millis(1)),
            b'z' => self.asleep = Some(now + Duration::from_micros(1)),
            b'B' | b'b' => {}
            b'Q' => return Err(Broken("it said goodbye".to_owned())),
            b'0'..=b'7' | b'R' => return Err(Broken("it speaks JTAG; only SWD is here".to_owned())),
            other => return Err(Broken(format!("{other:#04x} is nothing that remote_bitbang knows"))),
        }
        Ok(())
    }
}

impl Protocol for Bitbang {
    fn begin(&mut self) {
        *self = Bitbang::default();
    }

    fn take(&mut self, device: &mut Offered, arrived: &mut BytesMut, now: Duration) -> Result<(), Broken> {
        // Sleeps in a row add up, however late each is looked at.
        while let Some(what) = arrived.first().copied() {
            let from = match self.asleep.take() {
                Some(until) if until > now => {
                    self.asleep = Some(until);
                    return Ok(());
                }
                Some(until) if matches!(what, b'Z' | b'z') => until,
                _ => now,
            };
            arrived.advance(1);
            self.perform(device, what, from)?;
        }
        Ok(())
    }

    fn ready(&mut self, _: &mut Offered, _: Duration) -> BytesMut {
        std::mem::take(&mut self.answer)
    }

    fn wake(&self, _: &Offered) -> Option<Duration> {
        self.asleep
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;
    use pace::VirtualClock;
    use sim::SimProbe;
    use std::sync::Arc;

    fn offered() -> Offered {
        let probe = SimProbe::open(&Kind::DapV2.scenario("h563", &[])).unwrap();
        Offered::new(probe, Kind::DapV2, Arc::new(VirtualClock::new()))
    }

    fn send(front: &mut Bitbang, device: &mut Offered, text: &str, now: Duration) -> Result<String, Broken> {
        let mut arrived = BytesMut::from(text.as_bytes());
        front.take(device, &mut arrived, now)?;
        Ok(String::from_utf8(front.ready(device, now).to_vec()).unwrap())
    }

    /// The characters of clocks in which the host drives these bits.
    fn put(bits: impl IntoIterator<Item = bool>) -> String {
        bits.into_iter().map(|bit| if bit { "eg" } else { "df" }).collect()
    }

    #[test]
    fn the_identification_is_read_character_by_character() {
        let (mut front, mut device) = (Bitbang::default(), offered());
        let sequence = (0..60).map(|_| true).chain((0..16).map(|n| 0xE79E_u16 >> n & 1 == 1));
        let sequence = sequence.chain((0..60).map(|_| true)).chain([false; 4]);
        let request = (0..8).map(|n| 0xA5_u8 >> n & 1 == 1);
        let mut text = format!("bO{}", put(sequence.chain(request)));
        text += "odf";
        text += &"dcf".repeat(3 + 33);
        let answer = send(&mut front, &mut device, &text, Duration::from_millis(100)).unwrap();
        let (ack, data) = answer.split_at(3);
        assert_eq!(ack, "100");
        let value = data.bytes().take(32).enumerate().fold(0_u32, |v, (n, c)| v | u32::from(c - b'0') << n);
        assert_eq!(value, 0x6BA0_2477);
    }

    #[test]
    fn sleeps_add_up_and_what_follows_waits() {
        let (mut front, mut device) = (Bitbang::default(), offered());
        let mut arrived = BytesMut::from(&b"ZZzc"[..]);
        let mut now = Duration::ZERO;
        front.take(&mut device, &mut arrived, now).unwrap();
        let mut wakes = Vec::new();
        while let Some(wake) = front.wake(&device) {
            wakes.push(wake.as_micros());
            now = wake;
            front.take(&mut device, &mut arrived, now).unwrap();
        }
        assert_eq!(wakes, [1000, 2000, 2001]);
        assert_eq!(front.ready(&mut device, now), b"1"[..]);
    }

    #[test]
    fn jtag_is_refused() {
        let (mut front, mut device) = (Bitbang::default(), offered());
        let error = send(&mut front, &mut device, "4", Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains("JTAG"), "{error}");
        assert!(send(&mut front, &mut device, "Q", Duration::ZERO).is_err());
    }
}
