//! Packets to and from the probe, one answer for each, in step.

use ::cmsis_dap::{CommandId, DecodeError, InfoId, Planned, Request, Response, Status};
use bytes::Bytes;
use pace::{Clock, UsbPatience};
use std::sync::Arc;
use std::time::Duration;
use wire::{LinkError, Packet, Pipe, PipeError, Secret};

/// The pipe, and whether its answers are still in step with the packets.
pub(super) struct Packets<P> {
    pub(super) pipe: P,
    usb: UsbPatience,
    clock: Arc<dyn Clock>,
    /// Largest packet of the probe.
    pub(super) packet_size: usize,
    /// An answer stayed away or made no sense: what comes next may be a late one.
    pub(super) desynchronised: bool,
}

/// What getting into step brought to light.
struct Step {
    /// The packet size, if the probe tells it.
    size: Option<u64>,
    /// An answer that came before the one to the question.
    stray: Option<Bytes>,
}

/// Answers to the question by which step is found again: a number. Texts are longer.
const LONGEST_NUMBER: usize = 4;

pub(super) fn protocol(error: DecodeError) -> LinkError {
    LinkError::Protocol(error.to_string())
}

impl<P: Pipe> Packets<P> {
    pub(super) fn new(pipe: P, usb: &UsbPatience, clock: Arc<dyn Clock>) -> Self {
        let packet_size = pipe.shape().report.unwrap_or(pipe.shape().max_packet);
        Packets { pipe, usb: usb.clone(), clock, packet_size, desynchronised: false }
    }

    /// The first words with a probe whose last host may have left in the middle of a sentence. Returns the packet size it
    /// tells, if it does.
    pub(super) fn greet(&mut self) -> Result<Option<u64>, LinkError> {
        self.drain()?;
        Ok(self.find_step()?.size)
    }

    /// The time, for waits that the firmware does not do.
    pub(super) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Gets back into step, if need be. To be called before every packet that nothing is under way for.
    pub(super) fn ready(&mut self) -> Result<(), LinkError> {
        if self.desynchronised {
            log::debug!("the probe's answers are out of step; listening until it is quiet");
            // What still runs is of no use any more: its answer is thrown away.
            self.command(&Request::TransferAbort)?;
            self.drain()?;
            self.find_step()?;
            self.desynchronised = false;
            return Ok(());
        }
        self.expect_quiet()
    }

    /// To be called before a packet when nothing is under way: an answer that lies there belongs to nothing, and it is not
    /// known which of the answers before it were really the ones to their questions.
    pub(super) fn expect_quiet(&mut self) -> Result<(), LinkError> {
        while self.pipe.pending() {
            let stray = self.pipe.recv(Duration::ZERO)?;
            // Some firmware sends an empty one behind a full answer.
            if !stray.is_empty() {
                return Err(self.stray(&stray));
            }
        }
        Ok(())
    }

    /// Shows that every answer has been taken.
    pub(super) fn prove_step(&mut self) -> Result<(), LinkError> {
        match self.find_step()?.stray {
            Some(stray) => Err(self.stray(&stray)),
            None => Ok(()),
        }
    }

    fn stray(&mut self, answer: &[u8]) -> LinkError {
        self.desynchronised = true;
        let command = answer.first().copied().map_or(CommandId::INVALID, CommandId);
        let what =
            format!("an answer to {command} came that nobody asked for; values read before it may be wrong");
        LinkError::Protocol(what)
    }

    /// Throws answers away until none comes for a while.
    fn drain(&mut self) -> Result<(), LinkError> {
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

    /// Asks for the packet size until the answer is one to that question. Answers come in order, so all older ones have
    /// come then.
    fn find_step(&mut self) -> Result<Step, LinkError> {
        let mut stray = None;
        let question = Request::Info(InfoId::PACKET_SIZE);
        self.command(&question)?;
        let start = self.clock.now();
        loop {
            let left = self.usb.timeout.saturating_sub(self.clock.now().saturating_sub(start));
            let answer = self.pipe.recv(left)?;
            match Response::decode(&question, &answer).map(|decoded| decoded.value) {
                Ok(Response::Info(data)) if data.0.len() <= LONGEST_NUMBER => {
                    return Ok(Step { size: data.number(), stray });
                }
                _ if answer.is_empty() => {}
                _ => {
                    log::debug!("a late answer of {} bytes", answer.len());
                    stray = Some(answer);
                }
            }
            if left.is_zero() {
                return Err(PipeError::Timeout(self.usb.timeout).into());
            }
        }
    }

    /// Sends a command.
    fn command(&mut self, request: &Request) -> Result<(), LinkError> {
        let bytes = request.encode().map_err(|e| LinkError::Protocol(e.to_string()))?;
        self.send(&bytes, Secret::NONE, Secret::NONE, request.is_answered())
    }

    /// Sends a planned packet.
    pub(super) fn send_planned(&mut self, planned: &Planned) -> Result<(), LinkError> {
        let (secret, reply_secret) = (planned.secret.clone(), planned.reply_secret.clone());
        self.send(&planned.command, secret, reply_secret, true)
    }

    fn send(
        &mut self,
        command: &Bytes,
        secret: Secret,
        reply_secret: Secret,
        answered: bool,
    ) -> Result<(), LinkError> {
        let packet = Packet { bytes: self.padded(command), secret, reply_secret, answered };
        let sent = self.pipe.send(&packet, self.usb.timeout);
        self.desynchronised |= sent.is_err();
        Ok(sent?)
    }

    /// As the pipe wants it: a full report, or for bulk no packet that would need an empty one behind it.
    fn padded(&self, command: &Bytes) -> Bytes {
        let shape = self.pipe.shape();
        let length = command.len();
        let wanted = match shape.report {
            Some(report) => length.max(report),
            None if length < self.packet_size && length.is_multiple_of(shape.max_packet) => length + 1,
            None => length,
        };
        if wanted == length {
            return command.clone();
        }
        let mut bytes = command.to_vec();
        bytes.resize(wanted, 0);
        bytes.into()
    }

    /// The next answer. The probe may take `more` than usual.
    pub(super) fn receive(&mut self, more: Duration) -> Result<Bytes, LinkError> {
        let patience = self.usb.timeout.saturating_add(more);
        let start = self.clock.now();
        loop {
            let left = patience.saturating_sub(self.clock.now().saturating_sub(start));
            match self.pipe.recv(left) {
                Ok(answer) if answer.is_empty() && !left.is_zero() => {}
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    self.desynchronised = true;
                    // The whole patience, not what an empty answer left of it.
                    let whole =
                        matches!(error, PipeError::Timeout(_)).then_some(PipeError::Timeout(patience));
                    return Err(whole.unwrap_or(error).into());
                }
            }
        }
    }

    /// Sends a command and waits for its answer.
    pub(super) fn ask(&mut self, request: &Request) -> Result<Response, LinkError> {
        self.ask_patiently(request, Duration::ZERO)
    }

    /// Sends a command that takes `more` time than the usual patience allows for.
    pub(super) fn ask_patiently(&mut self, request: &Request, more: Duration) -> Result<Response, LinkError> {
        self.try_ask(request, more)?.map_err(|error| {
            self.desynchronised = true;
            protocol(error)
        })
    }

    /// As [`Packets::ask`], with an answer that makes no sense apart from a pipe that fails.
    pub(super) fn try_ask(
        &mut self,
        request: &Request,
        more: Duration,
    ) -> Result<Result<Response, DecodeError>, LinkError> {
        self.ready()?;
        self.command(request)?;
        let answer = self.receive(more)?;
        Ok(Response::decode(request, &answer).map(|decoded| decoded.value))
    }

    /// Sends a command that answers with a status only.
    pub(super) fn tell(&mut self, request: &Request) -> Result<(), LinkError> {
        match self.ask(request)? {
            Response::Status { status: Status::OK, .. } => Ok(()),
            Response::Status { id, status } => Err(LinkError::Refused(format!("{id} (status {status})"))),
            _ => Err(LinkError::Refused(format!("{}, which it does not know", request.id()))),
        }
    }
}
