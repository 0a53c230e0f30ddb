//! Which part is this, and where does the run go on?

use super::Engine;
use crate::Step;
use crate::edge::{Contents, Edge, Observation, Receipt, next_edge};
use crate::error::RunError;
use crate::goods::{boot_ube_bricks, options_digest};
use crate::job::Goal;
use crate::journal::{Event, Journal, Receipts};
use crate::target::Vouched;
use h5::{H5Error, Identity};
use pace::Policy;

impl Engine<'_> {
    /// The first step: from a probe to an edge of the state machine. Writes nothing to the part, except the repair that a
    /// reset in the middle of an option change makes necessary.
    pub(super) fn identify(&mut self) -> Result<(Edge, String), RunError> {
        let how = self.how(Step::Identify);
        if self.target.look(&how)? {
            self.read_part()?;
        } else {
            self.ask_the_rom_and_read(&how.policy)?;
        }
        let edge = loop {
            match next_edge(&self.observe(), self.job.goal) {
                Edge::Discover => {
                    self.discover(&how.policy)?;
                }
                edge => break edge,
            }
        };
        if let Some(state) = self.facts.state {
            let content = self.sealed(self.goods.content());
            if !matches!(edge, Edge::Done | Edge::Stop(_)) {
                self.log(Event::Begin { content, state: state.to_string() })?;
            }
        }
        if edge == Edge::Done && self.journal.as_ref().is_some_and(|j| j.receipts().closed.is_none()) {
            self.warn(
                "an earlier run began the change to CLOSED and did not live to prove it: what is inside is told by its \
                 receipts alone"
                    .to_owned(),
            );
        }
        let done = if edge == Edge::Done { "; already done" } else { "" };
        Ok((edge, format!("{}{done}", self.who())))
    }

    /// One line: family, revision, unique id, state.
    fn who(&self) -> String {
        let mut line = self.job.family.to_string();
        if let Some(identity) = &self.facts.identity {
            match identity.revision() {
                Some(letter) => line += &format!(" rev {letter}"),
                None => line += &format!(" rev 0x{:04X}", identity.rev_id),
            }
            line += &format!(", {} KiB, TrustZone {}", identity.flash_kib, identity.tzen);
        }
        if let Some(uid) = &self.facts.uid {
            line += &format!(", UID {uid}");
        }
        if let Some(state) = self.facts.state {
            line += &format!(", {state}");
        }
        line
    }

    /// The access port is shut. The ROM tells why through AP0; where it says that the port should open, or does not answer,
    /// the port is waited for after a reset.
    fn ask_the_rom_and_read(&mut self, policy: &Policy) -> Result<(), RunError> {
        self.note("the access port is shut: asking the ROM by debug authentication");
        match self.discover(policy) {
            // In the other states the ROM opens the port after a reset. [H5-STATE-4]
            Ok(Vouched { lifecycle: Some(state), .. }) if state.shuts() => Ok(()),
            Ok(_) => self.read_part(),
            Err(RunError::Part(discovery)) => match self.read_part() {
                Ok(()) => Ok(()),
                Err(RunError::Part(options)) => {
                    let (discovery, options) = (Box::new(discovery), Box::new(options));
                    Err(RunError::Unreadable { discovery, options })
                }
                Err(e) => Err(e),
            },
            Err(e) => Err(e),
        }
    }

    /// Reads the part through its access port, and repairs what a reset interrupted.
    fn read_part(&mut self) -> Result<(), RunError> {
        self.enter(Step::Identify)?;
        let mut identity = self.target.identify(self.job.family)?;
        // Whatever is wrong with the journal, the state is known from here on.
        self.facts.state = Some(identity.state);
        if let Some(uid) = identity.uid {
            self.meet(&uid.to_string())?;
        }
        if let Some((what, repair)) = self.target.interrupted()? {
            self.note(&what);
            if repair {
                self.target.recover_selectors()?;
                self.wrote = true;
                self.warn(format!("{what}; the selectors were repaired"));
                identity = self.target.identify(self.job.family)?;
            }
        }
        self.facts.state = Some(identity.state);
        self.facts.identity = Some(identity);
        Ok(())
    }

    /// Debug authentication's discovery, and everything that follows from it.
    pub(super) fn discover(&mut self, policy: &Policy) -> Result<Vouched, RunError> {
        // Discovery begins and ends with a reset.
        self.connected = None;
        let said = self.target.discover(policy)?;
        self.discovered = true;
        if let Some(dev_id) = said.dev_id.filter(|id| *id != self.job.family.device().dev_id) {
            let text =
                format!("the job is for {}, and discovery reports DEV_ID 0x{dev_id:03X}", self.job.family);
            return Err(H5Error::WrongDevice(text).into());
        }
        if said.lifecycle.is_some() {
            self.facts.state = said.lifecycle;
        }
        self.facts.discovery = Some(said.clone());
        self.meet(&said.uid())?;
        Ok(said)
    }

    /// The part tells who it is: for the first time, which opens its journal, or again, which must be the same.
    fn meet(&mut self, uid: &str) -> Result<(), RunError> {
        match &self.facts.uid {
            Some(began) if began != uid => {
                Err(RunError::OtherPart { began: began.clone(), found: uid.to_owned() })
            }
            Some(_) => Ok(()),
            None => {
                let seal = self.shelf.seal()?;
                self.journal = Some(Journal::open(self.shelf.open(uid)?, uid, seal)?);
                self.facts.obk = self.goods.obk.as_ref().map(|_| self.sealed(&self.goods.obk_digest()));
                self.facts.uid = Some(uid.to_owned());
                Ok(())
            }
        }
    }

    fn observe(&self) -> Observation {
        let mut receipts = self.journal.as_ref().map(|j| j.receipts().clone()).unwrap_or_default();
        if let Some(state) = self.facts.state {
            receipts.seen_in(&state.to_string());
        }
        Observation {
            state: self.facts.state,
            discovered: self.discovered,
            integrity: self.facts.discovery.as_ref().and_then(|d| d.integrity),
            receipt: self.receipt(&receipts),
            contents: self.contents_by(&receipts),
        }
    }

    fn receipt(&self, receipts: &Receipts) -> Receipt {
        match &receipts.obk {
            None => Receipt::None,
            Some(obk) if *obk == self.sealed(&self.goods.obk_digest()) => Receipt::Same,
            Some(_) => Receipt::Other,
        }
    }

    /// Whether the journal vouches for what is in a closed part. A run that lost power within or after the last write left no
    /// `ClosedProven`, but every receipt on the way, the intent to close included. A journal without that intent says nothing:
    /// then somebody else closed the part.
    fn contents_by(&self, receipts: &Receipts) -> Contents {
        if receipts.regressing {
            return Contents::Unknown;
        }
        match &receipts.closed {
            Some(content) if *content == self.sealed(self.goods.content()) => Contents::Same,
            Some(_) => Contents::Other,
            None if receipts.closing && self.written_before(receipts) => {
                if self.receipt(receipts) == Receipt::Same { Contents::Same } else { Contents::Other }
            }
            None => Contents::Unknown,
        }
    }

    /// Flash and option bytes were right for this job when they could still be read.
    fn written_before(&self, receipts: &Receipts) -> bool {
        receipts.firmware.as_ref() == Some(&self.goods.firmware_digest())
            && receipts.options.as_ref() == Some(&options_digest(self.job))
    }

    /// The checks that need the part, all before the first write.
    pub(super) fn preflight(&mut self, edge: Edge) -> Result<((), String), RunError> {
        if self.facts.identity.is_none() {
            // Discovery alone brought us here: the port opens again after a reset.
            self.read_part()?;
        }
        if let Some(identity) = self.facts.identity.clone() {
            self.fits(&identity)?;
        }
        let mut checked = vec!["images", "credential"];
        if edge == Edge::Open && self.job.require_nrst && self.job.goal != Goal::Open {
            self.enter(Step::Identify)?;
            self.connected = None;
            if !self.target.nrst_reaches_the_core()? {
                return Err(RunError::NrstUnseen);
            }
            checked.push("NRST");
        } else if self.discovered {
            checked.push("NRST (by discovery)");
        }
        Ok(((), format!("{} fit", checked.join(", "))))
    }

    fn fits(&mut self, identity: &Identity) -> Result<(), RunError> {
        let warnings = self.goods.check(self.job, identity.tzen)?;
        for warning in warnings {
            if !self.facts.warnings.contains(&warning) {
                self.warn(warning);
            }
        }
        // The size reads as zero where the factory area is hidden.
        if identity.flash_kib != 0 {
            self.goods.firmware.fits(identity.device, identity.flash_kib)?;
        }
        if identity.device.crypto && self.job.goal == Goal::Closed {
            self.enter(Step::Identify)?;
            let boot_ube = self.target.option("BOOT_UBE")?;
            if boot_ube_bricks(self.job, boot_ube) {
                return Err(RunError::Refused(
                    "BOOT_UBE selects ST's root of trust, which has no data here: closed like this the part is dead"
                        .to_owned(),
                ));
            }
        }
        Ok(())
    }
}
