//! The ROM's side of the mailbox.

use regs::h5::da::{MAGIC_DEVICE, MAGIC_HOST};
use std::collections::VecDeque;

/// The ROM's debug authentication.
pub(crate) struct Rom {
    /// It answers at all.
    pub(crate) alive: bool,
    pub(crate) password: Vec<u8>,
    pub(crate) integrity: u32,
    pub(crate) crypto: u8,
    /// Reading DBG_AUTH_DEVICE clears its bit; else only a write does.
    pub(crate) clear_on_read: bool,
    pub(crate) magic: u32,
    pub(crate) regressed: bool,
    pending: Option<u32>,
    input: Vec<u32>,
    output: VecDeque<u32>,
    read_once: bool,
    state: u8,
    uid: [u32; 3],
    session: bool,
    challenged: bool,
}

impl Default for Rom {
    fn default() -> Self {
        Rom {
            alive: true,
            password: b"correct horse".to_vec(),
            integrity: 0xEAEA_EAEA,
            crypto: 0x80,
            clear_on_read: true,
            magic: MAGIC_DEVICE,
            regressed: false,
            pending: None,
            input: Vec::new(),
            output: VecDeque::new(),
            read_once: false,
            state: 0,
            uid: [0; 3],
            session: false,
            challenged: false,
        }
    }
}

impl Rom {
    pub(crate) fn reset(&mut self) {
        self.pending = None;
        self.input.clear();
        self.output.clear();
        (self.session, self.challenged, self.read_once) = (false, false, false);
    }

    pub(crate) fn boot(&mut self, state: u8, uid: [u32; 3]) {
        (self.state, self.uid) = (state, uid);
        if self.alive && self.pending.take() == Some(MAGIC_HOST) {
            self.session = true;
            self.output.push_back(self.magic);
        }
    }

    pub(crate) fn put(&mut self, value: u32) {
        if !self.session {
            self.pending = Some(value);
            return;
        }
        self.input.push(value);
        if let [head, count, data @ ..] = self.input.as_slice()
            && data.len() == *count as usize
        {
            let (code, data) = (head >> 16, data.to_vec());
            self.input.clear();
            self.answer(code, &data);
        }
    }

    pub(crate) fn take(&mut self) -> u32 {
        let word = self.output.front().copied().unwrap_or(0);
        if self.clear_on_read {
            self.output.pop_front();
        } else {
            self.read_once = true;
        }
        word
    }

    pub(crate) fn ack(&self) -> u32 {
        u32::from(self.pending.is_some()) | u32::from(!self.output.is_empty()) << 1
    }

    pub(crate) fn write_ack(&mut self, value: u32) {
        if value & 2 == 0 && std::mem::take(&mut self.read_once) {
            self.output.pop_front();
        }
    }

    fn answer(&mut self, code: u32, data: &[u32]) {
        let (status, bytes) = match code {
            1 => (0, self.discovery()),
            2 => {
                self.challenged = true;
                (0, vec![0x5A; 36])
            }
            3 if self.challenged => {
                let bytes: Vec<u8> = data.iter().flat_map(|w| w.to_le_bytes()).collect();
                let len = bytes[4] as usize;
                let right = bytes[..4] == [0, 0, 0, 0x80] && bytes[8..8 + len] == self.password[..];
                self.regressed = right;
                (u32::from(!right), Vec::new())
            }
            _ => (3, Vec::new()),
        };
        self.output.push_back(status << 16);
        self.output.push_back(bytes.len().div_ceil(4) as u32);
        for chunk in bytes.chunks(4) {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            self.output.push_back(u32::from_le_bytes(word));
        }
    }

    fn discovery(&self) -> Vec<u8> {
        let mut soc_id: Vec<u8> = self.uid.iter().flat_map(|w| w.to_le_bytes()).collect();
        soc_id.resize(16, 0);
        let mut mask = vec![0x77, 0x50];
        mask.resize(16, 0);
        let items: [(u16, Vec<u8>); 7] = [
            (0x0001, vec![1, 0]),
            (0x0003, vec![0x84, 0x04, 0, 0]),
            (0x0004, soc_id),
            (0x0007, mask),
            (0x0008, vec![0x20, self.state]),
            (0x0102, vec![self.crypto]),
            (0x8000, self.integrity.to_le_bytes().to_vec()),
        ];
        let mut bytes = Vec::new();
        for (kind, value) in items {
            bytes.extend([0, 0]);
            bytes.extend(kind.to_le_bytes());
            bytes.extend((value.len() as u32).to_le_bytes());
            bytes.extend(value);
        }
        bytes
    }
}
