//! The mailbox in DBGMCU: one word each way with an acknowledge bit, and packets made of words. [H5-DA-3] [H5-DA-4]

use super::DaEntry;
use super::session::DaError;
use crate::H5Error;
use crate::busy::{Look, wait_for};
use crate::identity::AP0;
use adi::{Adi, AdiError};
use pace::Site;
use regs::h5::da::{CODE_SHIFT, command};
use regs::h5::dbgmcu::{self, ack};
use wire::{Addr, Attr, Batch, Flow, MemOp, Width};
use zeroize::Zeroizing;

const HOST: Addr = Addr(dbgmcu::BASE_AP0 + dbgmcu::DBG_AUTH_HOST);
const DEVICE: Addr = Addr(dbgmcu::BASE_AP0 + dbgmcu::DBG_AUTH_DEVICE);
const ACK: Addr = Addr(dbgmcu::BASE_AP0 + dbgmcu::DBG_AUTH_ACK);

/// No answer of the protocol comes near this; a longer one is noise.
const MOST_WORDS: u32 = 1024;

/// An answer.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) data: Vec<u8>,
}

/// A session that the ROM has taken up.
pub(super) struct Mailbox<'a> {
    adi: &'a mut Adi,
    /// The request was sent behind which the part acts.
    decided: bool,
    /// The ROM's answer to the magic word.
    greeting: u32,
    /// Reading the device's word does not clear its acknowledge bit here; a write does.
    clear_by_write: bool,
}

impl<'a> Mailbox<'a> {
    /// NRST low, the magic word, NRST released, the ROM's answer. [H5-DA-1]
    pub(super) fn open(adi: &'a mut Adi, entry: &DaEntry) -> Result<Self, H5Error> {
        adi.in_reset(|adi| -> Result<(), H5Error> {
            put(adi, entry.magic_host, false)?;
            Ok(())
        })?;
        let mut mailbox = Mailbox { adi, greeting: 0, decided: false, clear_by_write: false };
        let got = mailbox.first_word()?;
        mailbox.greeting = got;
        // ST's STM32MP2 answers with the same word.
        if ![entry.magic_device, entry.magic_host].contains(&got) {
            return Err(DaError::WrongMagic { got, want: entry.magic_device }.into());
        }
        // The ROM says nothing more until it is asked, so what the bit reads now tells how it is cleared.
        mailbox.clear_by_write = mailbox.ack()? & ack::DEVICE != 0;
        if mailbox.clear_by_write {
            mailbox.write_ack()?;
        }
        Ok(mailbox)
    }

    /// The ROM's answer to the magic word.
    pub(super) fn greeting(&self) -> u32 {
        self.greeting
    }

    /// The ROM's first word. A link that got lost over the reset is taken up again, once.
    fn first_word(&mut self) -> Result<u32, H5Error> {
        let doing = "waiting for the ROM's answer to the magic word";
        match self.take(Site::DaBoot, doing) {
            Err(H5Error::Adi(AdiError::LinkLost { .. })) => {
                self.adi.reconnect()?;
                self.take(Site::DaBoot, doing)
            }
            result => result,
        }
    }

    /// Asks for what the part does at once when it agrees: from here on it may be at it, whatever comes back.
    pub(super) fn decide(&mut self, code: u16, data: &[u8], secret: bool) -> Result<Response, H5Error> {
        self.send(code, data, secret)?;
        self.decided = true;
        self.answer(code)
    }

    /// The last word of [`Mailbox::decide`] was sent.
    pub(super) fn is_decided(&self) -> bool {
        self.decided
    }

    /// Sends a request and reads its answer. Data is filled up to a word with zero; it is secret if `secret` says so.
    pub(super) fn ask(&mut self, code: u16, data: &[u8], secret: bool) -> Result<Response, H5Error> {
        self.send(code, data, secret)?;
        self.answer(code)
    }

    /// Sends a request.
    fn send(&mut self, code: u16, data: &[u8], secret: bool) -> Result<(), H5Error> {
        let name = name(code);
        let (words, secret_from) = request(code, data);
        for (i, word) in words.iter().enumerate() {
            let doing = format!("sending word {} of {} of {name}", i + 1, words.len());
            self.wait_ack(ack::HOST, 0, Site::DaWord, &doing)?;
            put(self.adi, *word, secret && i >= secret_from)?;
        }
        Ok(())
    }

    /// Reads the answer to a request.
    fn answer(&mut self, code: u16) -> Result<Response, H5Error> {
        let name = name(code);
        let head = self.take(Site::DaReply, &format!("waiting for the answer to {name}"))?;
        let count = self.take(Site::DaWord, &format!("reading the length of the answer to {name}"))?;
        let status = status_of(head)?;
        if count > MOST_WORDS {
            return Err(DaError::TooLong { words: count }.into());
        }
        let mut data = Vec::new();
        for i in 1..=count {
            let word =
                self.take(Site::DaWord, &format!("reading word {i} of {count} of the answer to {name}"))?;
            data.extend_from_slice(&word.to_le_bytes());
        }
        Ok(Response { status, data })
    }

    /// Waits for a word from the device and takes it.
    fn take(&mut self, site: Site, doing: &str) -> Result<u32, H5Error> {
        self.wait_ack(ack::DEVICE, ack::DEVICE, site, doing)?;
        let word = self.adi.read_word(AP0, Attr::Default, DEVICE)?;
        if self.clear_by_write {
            self.write_ack()?;
        }
        Ok(word)
    }

    fn wait_ack(&mut self, bit: u32, value: u32, site: Site, doing: &str) -> Result<(), H5Error> {
        let look = Look { ap: AP0, attr: Attr::Default, at: ACK, site, doing };
        wait_for(self.adi, &look, |v| v & bit == value)?;
        Ok(())
    }

    fn ack(&mut self) -> Result<u32, H5Error> {
        Ok(self.adi.read_word(AP0, Attr::Default, ACK)?)
    }

    /// Clears the device's bit where reading does not. The host's bit is kept.
    fn write_ack(&mut self) -> Result<(), H5Error> {
        let kept = self.ack()? & ack::HOST;
        Ok(self.adi.write_word(AP0, Attr::Default, ACK, kept)?)
    }
}

/// What a request is called.
fn name(code: u16) -> &'static str {
    command::NAMES.iter().find(|(c, _)| *c == u32::from(code)).map_or("request", |(_, n)| *n)
}

/// Gives the device a word. Never repeated: a second one would be the next word.
fn put(adi: &mut Adi, value: u32, secret: bool) -> Result<(), H5Error> {
    let op = MemOp::Write { at: HOST, width: Width::Word, value, once: true, secret };
    adi.run(&Batch { ap: AP0, attr: Attr::Default, flow: Flow::Lockstep, ops: vec![op] })?;
    Ok(())
}

/// The words of a request, and the index of the first one that holds data.
pub(super) fn request(code: u16, data: &[u8]) -> (Zeroizing<Vec<u32>>, usize) {
    let count = u32::try_from(data.len().div_ceil(4)).unwrap_or(u32::MAX);
    let head = [u32::from(code) << CODE_SHIFT, count];
    let mut words = Zeroizing::new(Vec::with_capacity(head.len() + data.len().div_ceil(4)));
    words.extend_from_slice(&head);
    for chunk in data.chunks(4) {
        let mut bytes = [0; 4];
        bytes.iter_mut().zip(chunk).for_each(|(slot, byte)| *slot = *byte);
        words.push(u32::from_le_bytes(bytes));
    }
    (words, head.len())
}

/// The status in the first word of an answer; its lower half is zero.
pub(super) fn status_of(head: u32) -> Result<u16, DaError> {
    let [low0, low1, high0, high1] = head.to_le_bytes();
    if [low0, low1] != [0, 0] {
        return Err(DaError::BadHead { word: head });
    }
    Ok(u16::from_le_bytes([high0, high1]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::da::tlv::Tlv;

    #[test]
    fn a_request_without_data_is_two_words() {
        assert_eq!(*request(command::DISCOVERY, &[]).0, [0x0001_0000, 0]);
    }

    #[test]
    fn a_password_of_16_bytes_makes_6_words_of_data() {
        let item = Tlv { kind: 0x8000, value: b"0123456789012345".to_vec() };
        let (words, secret_from) = request(command::AUTH_RESPONSE, &item.to_bytes());
        assert_eq!(words[..4], [0x0003_0000, 6, 0x8000_0000, 16]);
        assert_eq!(words[4], u32::from_le_bytes(*b"0123"));
        assert_eq!((words.len(), secret_from), (8, 2));
    }

    #[test]
    fn the_last_word_is_filled_with_zero() {
        let (words, _) = request(command::AUTH_RESPONSE, b"abcde");
        assert_eq!(words[1..], [2, u32::from_le_bytes(*b"abcd"), 0x65]);
    }

    #[test]
    fn a_head_whose_lower_half_is_not_zero_is_no_head() {
        assert_eq!(status_of(0x0001_0000), Ok(1));
        assert_eq!(status_of(0x7FFF_0000), Ok(0x7FFF));
        assert_eq!(status_of(0x0001_0002), Err(DaError::BadHead { word: 0x0001_0002 }));
    }
}
