//! The steps that write: flash, option bytes, PROVISIONING, OBK.

use super::{Engine, ObkWritten};
use crate::Step;
use crate::error::RunError;
use crate::goods::options_digest;
use crate::image::SectorData;
use crate::job::Goal;
use crate::journal::Event;
use crate::text::size;
use regs::h5::state::ProductState;

/// Sectors that are written between two safe points: at 4 MHz a second of work, so that Ctrl-C is answered soon.
const STRETCH: usize = 16;

impl<'a> Engine<'a> {
    /// Images into flash. Sectors that hold their data already are left alone.
    pub(super) fn flash(&mut self) -> Result<((), String), RunError> {
        let goods = self.goods;
        if goods.firmware.sectors.is_empty() {
            self.log(Event::FlashRight { firmware: goods.firmware_digest() })?;
            return Ok(((), "the job has no image".to_owned()));
        }
        self.enter(Step::Flash)?;
        let wrong = self.wrong_sectors()?;
        let written: usize = wrong.iter().map(|s| s.data.len()).sum();
        for stretch in wrong.chunks(STRETCH) {
            self.check()?;
            self.wrote = true;
            let watch = &mut *self.watch;
            let mut progress = |p| watch.progress(Step::Flash, p);
            let notes = self.target.write_sectors(stretch, self.job.pace, &mut progress)?;
            notes.into_iter().for_each(|note| self.warn(note));
        }
        self.log(Event::FlashRight { firmware: goods.firmware_digest() })?;
        self.reset(self.job.reset_after(Step::Flash))?;
        let all = goods.firmware.sectors.len();
        Ok((
            (),
            match (written, wrong.len()) {
                (0, _) => format!("{} already there ({all} sectors compared)", goods.firmware.line()),
                (_, n) if n == all => format!("{}; programmed and verified", goods.firmware.line()),
                (bytes, n) => format!(
                    "{}; {n} of {all} sectors ({}) programmed, all verified",
                    goods.firmware.line(),
                    size(bytes)
                ),
            },
        ))
    }

    fn wrong_sectors(&mut self) -> Result<Vec<&'a SectorData>, RunError> {
        let goods = self.goods;
        let mut wrong = Vec::new();
        for sector in &goods.firmware.sectors {
            if !self.target.sector_holds(sector)? {
                wrong.push(sector);
            }
        }
        Ok(wrong)
    }

    /// The option bytes of the job.
    pub(super) fn options(&mut self) -> Result<((), String), RunError> {
        let digest = options_digest(self.job);
        if self.job.options.is_empty() {
            self.log(Event::OptionsRight { options: digest })?;
            return Ok(((), "the job sets none".to_owned()));
        }
        self.enter(Step::Options)?;
        let changed = self.target.change_options(&self.job.options)?;
        self.wrote |= !changed.lines.is_empty();
        self.log(Event::OptionsRight { options: digest })?;
        self.reset(self.job.reset_after(Step::Options))?;
        let summary = match changed.lines.as_slice() {
            [] => format!("{} already so", self.job.options.len()),
            lines => lines.join(", "),
        };
        self.facts.options_changed.extend(changed.lines);
        Ok(((), summary))
    }

    /// To PROVISIONING.
    pub(super) fn provisioning(&mut self) -> Result<((), String), RunError> {
        let then = if self.job.goal == Goal::Closed {
            " Then it will be CLOSED, and only the password opens it."
        } else {
            ""
        };
        self.confirm(&format!(
            "The part goes to PROVISIONING: its program does not run there, and the way back is a regression with the \
             password.{then}{} Go on?",
            self.package()
        ))?;
        self.enter(Step::Provisioning)?;
        let to = ProductState::PROVISIONING;
        self.move_state(to)?;
        self.log(Event::StateReached { state: to.to_string() })?;
        let reset = self.job.reset_after(Step::Provisioning);
        self.reset(reset)?;
        Ok(((), format!("{to}; reset afterwards: {reset}")))
    }

    /// What a person is asked to look at, because nothing else can tell. [H5-DBG-11]
    pub(super) fn package(&self) -> String {
        let twins: Vec<_> = self.job.family.device().crypto_twins().map(|d| d.family.to_string()).collect();
        if twins.is_empty() {
            return String::new();
        }
        format!(" Its package must say {} and not {}.", self.job.family, twins.join(" or "))
    }

    /// A part that was found in PROVISIONING: is what it holds what the job wants? Nothing is written there. What the journal
    /// says of it does not count: since it was written another tool may have been at work.
    pub(super) fn contents(&mut self) -> Result<((), String), RunError> {
        let goods = self.goods;
        self.enter(Step::Flash)?;
        let wrong = self.wrong_sectors()?;
        if let Some(first) = wrong.first() {
            let text = format!("{} sectors from {} on do not hold the job's image", wrong.len(), first.at);
            return Err(RunError::WrongContents(text));
        }
        let needed = self.target.options_needed(&self.job.options)?;
        if !needed.is_empty() {
            return Err(RunError::WrongContents(format!("option bytes differ: {}", needed.join(", "))));
        }
        self.log(Event::FlashRight { firmware: goods.firmware_digest() })?;
        self.log(Event::OptionsRight { options: options_digest(self.job) })?;
        Ok(((), "flash and option bytes compared: right".to_owned()))
    }

    /// The credential.
    pub(super) fn obk(&mut self) -> Result<(ObkWritten, String), RunError> {
        let goods = self.goods;
        let Some(obk) = &goods.obk else {
            return Err(RunError::Refused(
                "the job has no OBK, so there is no way back from CLOSED".to_owned(),
            ));
        };
        self.enter(Step::Obk)?;
        let wanted = self.job.obk.as_ref().and_then(|o| o.route);
        let route = wanted.unwrap_or_else(|| self.target.default_route());
        self.facts.route = Some(route);
        let name = self.sealed(&goods.obk_digest());
        self.log(Event::ObkIntent { obk: name.clone() })?;
        self.wrote = true;
        let summary = self.target.provision_obk(&obk.file, route)?;
        self.log(Event::ObkReceipt { obk: name, route: route.to_string() })?;
        self.reset(self.job.reset_after(Step::Obk))?;
        Ok((ObkWritten(()), format!("{summary}; connected {}", self.job.mode_of(Step::Obk))))
    }
}
