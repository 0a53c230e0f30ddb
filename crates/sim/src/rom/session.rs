//! The word side of debug authentication: the mailbox between debugger and ROM. [H5-DA-1] [H5-DA-3] [H5-DA-4] [H5-DA-10]

use super::adac::After;
use super::chain::Progress;
use crate::bus::Time;
use crate::chip::{H5, Runs};
use crate::knobs::MS;
use regs::h5::da::{CODE_SHIFT, HEAD_WORDS, MAGIC_DEVICE, status};
use std::collections::VecDeque;

/// How long the ROM waits for its last word to be taken before it goes on. [H5-DA-10]
const PATIENCE: Time = 1000 * MS;
/// Longest packet the ROM takes, in data words (inferred: three certificates fit).
const LONGEST: u32 = 1024;

/// A session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Session {
    received: Vec<u32>,
    to_send: VecDeque<u32>,
    after: After,
    give_up: Option<Time>,
    /// How far an authentication has come.
    pub(super) progress: Progress,
    /// Debug was shut: AP1 does not open before a reset. [H5-DA-20]
    pub(super) locked: bool,
    /// How many challenges were given.
    pub(super) count: u32,
}

impl H5 {
    /// The magic word was there: take it and answer.
    pub(super) fn session_begin(&mut self) {
        self.dbgmcu.take();
        self.core.runs = Runs::Session;
        self.shut_ap1();
        let reply = if self.knobs.da_echo { self.knobs.da_magic } else { MAGIC_DEVICE };
        self.rom.session = Some(Session { to_send: VecDeque::from([reply]), ..Session::default() });
        self.rom.due = Some(self.now + self.knobs.da_word);
    }

    /// A session that was open when the board was put away.
    pub(crate) fn session_again(&mut self) {
        self.core.runs = Runs::Session;
        self.rom.session = Some(Session::default());
    }

    /// The debugger left a word or took one.
    pub(crate) fn rom_rang(&mut self) {
        if self.core.runs == Runs::Session && self.rom.job.is_none() {
            self.rom.due = Some(self.now + self.knobs.da_word);
        }
    }

    /// One step of the ROM's loop: send a word, take a word, or do what was promised.
    pub(super) fn session_event(&mut self) {
        let Some(mut session) = self.rom.session.take() else { return };
        if self.dbgmcu.is_free()
            && let Some(word) = session.to_send.pop_front()
        {
            self.dbgmcu.put(word);
            if session.to_send.is_empty() && session.after != After::Nothing {
                session.give_up = Some(self.now + PATIENCE);
                self.rom.due = session.give_up;
            }
            self.rom.session = Some(session);
            return;
        }
        let late = session.give_up.is_some_and(|time| time <= self.now);
        if session.to_send.is_empty() && session.after != After::Nothing && (late || self.dbgmcu.is_free()) {
            return self.session_ends(&session);
        }
        if let Some(word) = self.dbgmcu.take() {
            session.received.push(word);
            if let Some(reply) = self.packet(&mut session) {
                session.to_send.extend(reply);
                session.received.clear();
            }
            self.rom.due = Some(self.now + self.knobs.da_word);
        }
        self.rom.session = Some(session);
    }

    /// Answers a packet that is complete.
    fn packet(&mut self, session: &mut Session) -> Option<Vec<u32>> {
        let (head, count) = match session.received[..] {
            [head, count, ..] => (head, count),
            _ => return None,
        };
        if count > LONGEST {
            return Some(vec![u32::from(status::INVALID_PARAMETERS) << CODE_SHIFT, 0]);
        }
        let data = session.received.get(HEAD_WORDS as usize..).unwrap_or_default();
        if data.len() < count as usize {
            return None;
        }
        let bytes: Vec<u8> = data.iter().flat_map(|word| word.to_le_bytes()).collect();
        // Lossless: the upper half.
        let command = (head >> CODE_SHIFT) as u16;
        let answer = self.command(command, &bytes, session);
        session.after = answer.after;
        let words = answer.data.chunks(4).map(|chunk| {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            u32::from_le_bytes(word)
        });
        let mut reply = vec![u32::from(answer.status) << CODE_SHIFT, 0];
        reply.extend(words);
        // Lossless: a packet is short.
        reply[1] = reply.len() as u32 - HEAD_WORDS;
        Some(reply)
    }

    fn session_ends(&mut self, session: &Session) {
        match session.after {
            After::Regress => self.regress(),
            After::RegressPartly => self.regress_partly(),
            After::Boot | After::Nothing => {
                self.core.runs = Runs::Rss;
                if !session.locked {
                    self.open_ap1_later();
                }
                self.boot();
            }
        }
    }
}
