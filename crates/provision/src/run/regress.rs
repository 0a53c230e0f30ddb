//! Back to OPEN: discovery, password, regression, and a look at the flash.

use super::{End, Engine, Limits, Report, Watch};
use crate::Step;
use crate::edge::StopReason;
use crate::error::RunError;
use crate::goods::Goods;
use crate::job::Job;
use crate::journal::{Event, Shelf};
use crate::target::{Target, Vouched};
use h5::{H5Error, Password};
use regs::h5::state::ProductState;

/// What a regression needs to know beside the job.
#[derive(Debug)]
pub struct Regress<'a> {
    /// The password that closed the part.
    pub password: &'a Password,
    /// What limits it.
    pub limits: Limits,
}

/// Takes a part back to OPEN. Everything on it is erased.
pub fn regress(
    job: &Job,
    goods: &Goods,
    target: &mut dyn Target,
    shelf: &dyn Shelf,
    how: &Regress<'_>,
    watch: &mut dyn Watch,
) -> Report {
    let mut engine = Engine::new(job, goods, target, shelf, how.limits, watch);
    engine.command = "regress";
    let result = engine.back(how.password);
    engine.report(result)
}

impl Engine<'_> {
    fn back(&mut self, password: &Password) -> Result<End, RunError> {
        let done = self.step(Step::Discover, Self::where_is_it).and_then(|state| {
            if state == Some(ProductState::OPEN) && !self.left_half_way() {
                return Ok(End::AlreadyDone);
            }
            if state != Some(ProductState::OPEN) {
                self.step(Step::Regress, |engine| engine.regress(password, state))?;
            }
            self.step(Step::Prove, Self::open_and_erased)?;
            Ok(End::Done)
        });
        match done {
            Ok(end) => Ok(end),
            Err(super::Halt::Until(step)) => Ok(End::Until(step)),
            Err(super::Halt::Failed(e)) => Err(e),
        }
    }

    /// A regression was begun before, and nobody saw whether the flash is erased.
    fn left_half_way(&self) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.receipts().regressing)
    }

    fn where_is_it(&mut self) -> Result<(Option<ProductState>, String), RunError> {
        let policy = self.job.policy_of(Step::Discover);
        let how = self.how(Step::Discover);
        self.target.look(&how)?;
        let Vouched { lifecycle, .. } = self.discover(&policy)?;
        match lifecycle {
            Some(ProductState::LOCKED) => Err(RunError::Stop(StopReason::Locked)),
            Some(ProductState::OPEN) => Ok((lifecycle, "already OPEN".to_owned())),
            _ => Ok((lifecycle, self.facts.discovery.as_ref().map(ToString::to_string).unwrap_or_default())),
        }
    }

    fn regress(
        &mut self,
        password: &Password,
        state: Option<ProductState>,
    ) -> Result<((), String), RunError> {
        self.confirm("Everything on the part will be erased, the OBK included. Go on?")?;
        let half_way = self.left_half_way() || state == Some(ProductState::REGRESSION);
        self.log(Event::RegressIntent)?;
        let policy = self.job.policy_of(Step::Discover);
        self.connected = None;
        if state == Some(ProductState::REGRESSION) && self.ends_by_itself() {
            self.wrote = true;
            return Ok(((), "the regression that was under way came to its end".to_owned()));
        }
        match self.target.regress(password, &policy) {
            Ok(summary) => {
                self.wrote = true;
                Ok(((), summary))
            }
            Err(e) => {
                if matches!(e, H5Error::Erasing(_)) {
                    self.under_way = Some(ProductState::OPEN);
                }
                // A regression that was begun before is as far as it was, too.
                if e.is_refusal() && !half_way {
                    self.log(Event::RegressRefused)?;
                }
                Err(e.into())
            }
        }
    }

    /// A regression that lost power goes on at each reset, as the one behind discovery, and may have erased the credential
    /// already. So the password is asked for only where the access port does not open. [H5-STATE-6]
    fn ends_by_itself(&mut self) -> bool {
        let mut how = self.how(Step::Identify);
        how.policy.reset.reconnect = how.policy.da.regression;
        self.target.connect(&how).is_ok()
    }

    fn open_and_erased(&mut self) -> Result<((), String), RunError> {
        self.enter(Step::Identify)?;
        let identity = self.target.identify(self.job.family)?;
        let state = identity.state;
        self.facts.state = Some(state);
        self.facts.identity = Some(identity);
        if state != ProductState::OPEN {
            let (step, wanted) = (Step::Regress, ProductState::OPEN);
            return Err(RunError::NotProven { step, wanted, found: Some(state) });
        }
        let watch = &mut *self.watch;
        let mut progress = |p| watch.progress(Step::Prove, p);
        if let Some(at) = self.target.first_not_erased(&mut progress)? {
            return Err(RunError::NotErased(at));
        }
        self.log(Event::Regressed)?;
        Ok(((), format!("{state}, flash erased")))
    }
}
