//! Commands to the probe and its answers, in step.

use ::stlink::{Answer, Command, Mode, Phase, Status};
use bytes::Bytes;
use pace::{Clock, UsbPatience};
use std::sync::Arc;
use std::time::Duration;
use wire::{LinkError, Packet, Pipe, PipeError, Secret};

/// The pipe, and whether its answers are still in step with the commands.
pub(super) struct Talk<P> {
    pub(super) pipe: P,
    usb: UsbPatience,
    clock: Arc<dyn Clock>,
    /// An answer stayed away or made no sense: what comes next may be a late one.
    desynchronised: bool,
    /// Data did not go out whole. The probe may still take whatever comes for data, and write it into the target. [STL-29]
    in_data: bool,
    /// When step was found again, the probe was not in debug mode.
    pub(super) left_debug: bool,
}

/// Bytes of the answer by which step is found again.
const MODE_LEN: usize = 2;

/// An answer of another kind than its command has.
pub(super) fn nonsense(what: &str) -> LinkError {
    LinkError::Protocol(format!("the answer to {what} is of another kind"))
}

/// What the probe says it will not do.
pub(super) fn refused(what: &str, status: Status) -> LinkError {
    LinkError::Refused(format!("{what} (status {status})"))
}

impl<P: Pipe> Talk<P> {
    pub(super) fn new(pipe: P, usb: &UsbPatience, clock: Arc<dyn Clock>) -> Self {
        Talk { pipe, usb: usb.clone(), clock, desynchronised: false, in_data: false, left_debug: false }
    }

    /// How long one transfer may take.
    pub(super) const fn patience(&self) -> Duration {
        self.usb.timeout
    }

    /// Throws answers away until none comes for a while.
    pub(super) fn drain(&mut self) -> Result<(), LinkError> {
        let start = self.clock.now();
        loop {
            match self.pipe.recv(self.usb.drain) {
                Err(PipeError::Timeout(_)) => return Ok(()),
                Err(error) => return Err(error.into()),
                Ok(stale) => log::debug!("a stale answer of {} bytes", stale.len()),
            }
            if self.clock.now().saturating_sub(start) > self.usb.timeout {
                return Err(LinkError::Protocol("it never stops sending answers to nothing".to_owned()));
            }
        }
    }

    /// Gets back into step, if need be.
    pub(super) fn ready(&mut self) -> Result<(), LinkError> {
        if !self.desynchronised {
            return Ok(());
        }
        log::debug!("the probe's answers are out of step; listening until it is quiet");
        if self.in_data {
            self.pipe.reset()?;
            self.in_data = false;
        }
        self.drain()?;
        let command = Command::GetCurrentMode;
        self.send_command(&command, Secret::NONE)?;
        let start = self.clock.now();
        loop {
            let left = self.usb.timeout.saturating_sub(self.clock.now().saturating_sub(start));
            let answer = self.pipe.recv_sized(MODE_LEN, left)?;
            match Answer::decode(&command, &answer).map(|decoded| decoded.value) {
                Ok(Answer::Mode(mode)) if mode.name().is_some() && answer.len() == MODE_LEN => {
                    self.desynchronised = false;
                    self.left_debug = mode != Mode::DEBUG;
                    return Ok(());
                }
                _ => {}
            }
            log::debug!("a late answer of {} bytes", answer.len());
            if left.is_zero() {
                return Err(PipeError::Timeout(self.usb.timeout).into());
            }
        }
    }

    fn send_command(&mut self, command: &Command, reply_secret: Secret) -> Result<(), LinkError> {
        self.send_hiding(command, Secret::NONE, reply_secret)
    }

    fn send_hiding(
        &mut self,
        command: &Command,
        secret: Secret,
        reply_secret: Secret,
    ) -> Result<(), LinkError> {
        let bytes = command.encode().map_err(|e| LinkError::Protocol(e.to_string()))?;
        let answered = matches!(command.phase(), Phase::In(_) | Phase::InResults | Phase::Unknown);
        self.send(Packet { bytes, secret, reply_secret, answered })
    }

    fn send(&mut self, packet: Packet) -> Result<(), LinkError> {
        let sent = self.pipe.send(&packet, self.usb.timeout);
        self.desynchronised |= sent.is_err();
        Ok(sent?)
    }

    /// An answer of `length` bytes. It may come in parts; a part that ends inside a USB packet is the last one.
    fn receive(&mut self, length: usize) -> Result<Bytes, LinkError> {
        let (start, max_packet) = (self.clock.now(), self.pipe.shape().max_packet.max(1));
        let mut all: Option<Vec<u8>> = None;
        loop {
            let left = self.usb.timeout.saturating_sub(self.clock.now().saturating_sub(start));
            let missing = length.saturating_sub(all.as_ref().map_or(0, Vec::len));
            let part = match self.pipe.recv_sized(missing, left) {
                Ok(part) if part.is_empty() && !left.is_zero() => continue,
                Ok(part) => part,
                Err(error) => return Err(self.silent(error)),
            };
            let last = part.len() >= missing || !part.len().is_multiple_of(max_packet) || part.is_empty();
            match (&mut all, last) {
                (None, true) => return Ok(part),
                (all, _) => all.get_or_insert_default().extend_from_slice(&part),
            }
            if last {
                return Ok(all.unwrap_or_default().into());
            }
        }
    }

    fn silent(&mut self, error: PipeError) -> LinkError {
        self.desynchronised = true;
        match error {
            // The whole patience, not what an earlier part left of it.
            PipeError::Timeout(_) => PipeError::Timeout(self.usb.timeout).into(),
            error => error.into(),
        }
    }

    /// Sends a command that has no answer.
    pub(super) fn tell(&mut self, command: &Command) -> Result<(), LinkError> {
        self.ready()?;
        self.send_command(command, Secret::NONE)
    }

    /// Sends a command and its data.
    pub(super) fn give(&mut self, command: &Command, data: Bytes, secret: bool) -> Result<(), LinkError> {
        self.tell(command)?;
        let secret = whole(secret, data.len());
        let sent = self.send(Packet { bytes: data, secret, reply_secret: Secret::NONE, answered: false });
        self.in_data = sent.is_err();
        sent
    }

    /// Sends a command and waits for its answer.
    pub(super) fn ask(&mut self, command: &Command) -> Result<Answer, LinkError> {
        self.ask_hiding(command, false, Secret::NONE)
    }

    /// As [`Talk::ask`], for a register: the value it writes or reads may be secret.
    pub(super) fn ask_value(&mut self, command: &Command, secret: bool) -> Result<Answer, LinkError> {
        let mut reply = Secret::NONE;
        if secret && command.phase() == Phase::In(VALUE_END) {
            reply.add(VALUE_END - 4..VALUE_END);
        }
        self.ask_hiding(command, secret, reply)
    }

    fn ask_hiding(&mut self, command: &Command, secret: bool, reply: Secret) -> Result<Answer, LinkError> {
        self.ready()?;
        let mut hidden = Secret::NONE;
        if let Some(range) = command.value_at().filter(|_| secret) {
            hidden.add(range);
        }
        self.send_hiding(command, hidden, reply)?;
        let Phase::In(length) = command.phase() else { return Err(nonsense(command.name())) };
        let bytes = self.receive(length)?;
        self.understand(command, &bytes)
    }

    /// An answer longer than its kind is as suspicious as a shorter one.
    fn understand(&mut self, command: &Command, bytes: &[u8]) -> Result<Answer, LinkError> {
        let wrong = match Answer::decode(command, bytes) {
            Ok(decoded) if decoded.padding == 0 => return Ok(decoded.value),
            Ok(decoded) => format!("{command}: {} bytes too many", decoded.padding),
            Err(error) => error.to_string(),
        };
        self.desynchronised = true;
        Err(LinkError::Protocol(wrong))
    }

    /// Sends a command and returns `length` bytes as they come; fewer, where the probe sends fewer.
    pub(super) fn take(
        &mut self,
        command: &Command,
        length: usize,
        secret: bool,
    ) -> Result<Bytes, LinkError> {
        self.take_hiding(command, length, whole(secret, length))
    }

    /// As [`Talk::take`], with parts of the answer secret.
    pub(super) fn take_hiding(
        &mut self,
        command: &Command,
        length: usize,
        reply_secret: Secret,
    ) -> Result<Bytes, LinkError> {
        self.ready()?;
        self.send_command(command, reply_secret)?;
        let bytes = self.receive(length)?;
        if bytes.len() > length {
            self.desynchronised = true;
            return Err(LinkError::Protocol(format!("{command}: {} bytes too many", bytes.len() - length)));
        }
        Ok(bytes)
    }

    /// Sends a command that answers with a status only.
    pub(super) fn status(&mut self, command: &Command) -> Result<Status, LinkError> {
        self.ask(command)?.status().ok_or_else(|| nonsense(command.name()))
    }

    /// Sends a command about the probe that must go well.
    pub(super) fn must(&mut self, command: &Command) -> Result<Answer, LinkError> {
        let answer = self.ask(command)?;
        match answer.status() {
            Some(Status::OK) => Ok(answer),
            Some(status) => Err(refused(command.name(), status)),
            None => Err(nonsense(command.name())),
        }
    }

    /// What the probe is doing.
    pub(super) fn mode(&mut self) -> Result<Mode, LinkError> {
        match self.ask(&Command::GetCurrentMode)? {
            Answer::Mode(mode) => Ok(mode),
            _ => Err(nonsense("GET_CURRENT_MODE")),
        }
    }
}

/// Where an answer with one value ends.
const VALUE_END: usize = 8;

fn whole(secret: bool, length: usize) -> Secret {
    let mut all = Secret::NONE;
    if secret && length > 0 {
        all.add(0..length);
    }
    all
}
