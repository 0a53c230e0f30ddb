//! A real part: the STM32H5 driver over an ADI engine.

use crate::image::SectorData;
use crate::job::Reset;
use crate::target::{Changed, Connect, OnProgress, Target, Vouched};
use adi::{Adi, Attach, ConnectMode, CoreAccess, Doing, Flown, Seen};
use h5::obk::ObkFile;
use h5::{
    Discovery, FlashPace, H5Error, Identity, ObkRoute, OptionChange, OptionReport, Part, Password, Proof,
    ap_open, da, wait_ap_open,
};
use pace::{Clock, Policy};
use regs::h5::device::Family;
use regs::h5::state::ProductState;
use regs::m33::{AIRCR, aircr};
use std::fmt::Write as _;
use std::sync::Arc;
use wire::{Addr, ApSel, Attr, Batch, Flow, Mark, MarkKind, MemOp};

/// A part behind an engine.
#[derive(Debug)]
pub struct Live<'a> {
    adi: &'a mut Adi,
    ap: ApSel,
    identity: Option<Identity>,
    /// The core was halted here and was not let go.
    halted: bool,
}

impl<'a> Live<'a> {
    /// Whatever is at the end of this engine's wire.
    pub fn new(adi: &'a mut Adi) -> Self {
        Live { adi, ap: ApSel(regs::h5::device::AP1.ap), identity: None, halted: false }
    }

    fn part(&mut self) -> Result<Part<'_>, H5Error> {
        let identity = self.identity.clone().ok_or_else(|| {
            H5Error::Unsupported("the part has not been identified in this session".to_owned())
        })?;
        Ok(Part::new(self.adi, self.ap, identity))
    }

    /// Works on the part and remembers what became of its product state and TrustZone.
    fn change<T>(&mut self, work: impl FnOnce(&mut Part<'_>) -> Result<T, H5Error>) -> Result<T, H5Error> {
        let mut part = self.part()?;
        let done = work(&mut part);
        let now = part.identity().clone();
        self.identity = Some(now);
        done
    }

    fn core(&self) -> CoreAccess {
        CoreAccess { ap: self.ap, attr: Attr::Default }
    }

    fn set_policy(&mut self, policy: &Policy) -> Result<(), H5Error> {
        if self.adi.policy() != policy {
            self.adi.set_policy(policy.clone())?;
        }
        Ok(())
    }

    fn attach(&mut self, mode: ConnectMode) -> Result<(), H5Error> {
        let core = Some(self.core());
        self.adi.attach(&Attach { mode, core })?;
        Ok(())
    }

    /// Undoes a halt of our own; a core that nobody here halted is not touched.
    fn let_core_run(&mut self) -> Result<(), H5Error> {
        if self.halted {
            self.adi.leave_debug(self.core())?;
            self.halted = false;
        }
        Ok(())
    }

    /// SYSRESETREQ through the core's own port. The write is the last thing the old session sees.
    fn system_reset(&mut self) -> Result<(), H5Error> {
        wait_ap_open(self.adi, self.ap)?;
        let request = MemOp::write_once(Addr(AIRCR), aircr::VECTKEY | aircr::SYSRESETREQ);
        let batch = Batch { ap: self.ap, attr: Attr::Default, flow: Flow::Lockstep, ops: vec![request] };
        self.adi.run(&batch)?;
        self.adi.reconnect()?;
        Ok(())
    }
}

fn changed(report: &OptionReport) -> Changed {
    Changed {
        lines: report.changed.iter().map(ToString::to_string).collect(),
        read_back: report.proof != Proof::PortShut,
    }
}

impl From<&Discovery> for Vouched {
    fn from(said: &Discovery) -> Self {
        Vouched {
            soc_id: said.soc_id,
            dev_id: said.soc_class.and_then(|class| u16::try_from(class).ok()),
            lifecycle: said.lifecycle,
            integrity: (said.integrity != da::Integrity::UNTOLD).then_some(said.integrity.0),
            permissions: said.permissions.0,
            takes_password: said.takes_password,
        }
    }
}

/// A line of the flight recorder with the names of registers and fields.
fn flown(flown: &Flown) -> String {
    format!("{flown}{}", named(flown))
}

/// The names of register and fields behind an access, where it has them: two spaces, then `FLASH_NSSR: BSY`.
pub fn named(flown: &Flown) -> String {
    let Doing::Memory { at, .. } = flown.what else { return String::new() };
    let Some(hit) = regs::lookup(at.0) else { return String::new() };
    let mut line = String::new();
    if !flown.what.to_string().contains(hit.register.name) {
        let _ = write!(line, "  {}", hit.register.name);
    }
    if let Seen::Value(value) = flown.seen {
        let words = hit.register.describe(value);
        if !words.is_empty() {
            let _ = write!(line, ": {words}");
        }
    }
    line
}

impl Target for Live<'_> {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(self.adi.clock())
    }

    fn mark(&mut self, text: &str) {
        self.adi.mark(&Mark::new(MarkKind::Step, text));
    }

    fn flight(&self) -> String {
        let flight = self.adi.flight();
        let mut out = String::new();
        for line in flight.iter().map(flown) {
            let _ = writeln!(out, "{line}");
        }
        out
    }

    fn connect(&mut self, how: &Connect) -> Result<(), H5Error> {
        self.ap = how.ap;
        self.set_policy(&how.policy)?;
        match how.mode {
            ConnectMode::Hotplug | ConnectMode::Pulse => {
                self.attach(how.mode)?;
                wait_ap_open(self.adi, how.ap)?;
                // The step before may have been one that halts.
                self.let_core_run()?;
            }
            // The core can be halted only when its port is open, and the ROM may still keep it shut. [H5-STATE-4]
            ConnectMode::Normal => {
                self.attach(ConnectMode::Hotplug)?;
                wait_ap_open(self.adi, how.ap)?;
                self.halted = true;
                self.attach(ConnectMode::Normal)?;
            }
            ConnectMode::UnderReset => {
                self.halted = true;
                self.attach(ConnectMode::UnderReset)?;
            }
        }
        Ok(())
    }

    fn let_go(&mut self) -> Result<(), H5Error> {
        // Behind a shut port nobody holds the core.
        if self.halted && ap_open(self.adi)?.open(self.ap) {
            self.let_core_run()?;
        }
        Ok(())
    }

    fn look(&mut self, how: &Connect) -> Result<bool, H5Error> {
        self.ap = how.ap;
        self.set_policy(&how.policy)?;
        self.attach(ConnectMode::Hotplug)?;
        Ok(ap_open(self.adi)?.open(how.ap))
    }

    fn reset(&mut self, kind: Reset) -> Result<(), H5Error> {
        match kind {
            Reset::None => Ok(()),
            Reset::Hardware => Ok(self.adi.pulse_reset()?),
            Reset::System => self.system_reset(),
        }
    }

    fn nrst_reaches_the_core(&mut self) -> Result<bool, H5Error> {
        let core = self.core();
        // Reading clears the bit that says "was reset", so that only the pulse can set it.
        self.adi.core_status(core)?;
        self.adi.pulse_reset()?;
        wait_ap_open(self.adi, self.ap)?;
        Ok(self.adi.core_status(core)?.was_reset())
    }

    fn identify(&mut self, family: Family) -> Result<Identity, H5Error> {
        let identity = h5::identify(self.adi, self.ap)?.as_family(family)?;
        self.identity = Some(identity.clone());
        Ok(identity)
    }

    fn interrupted(&mut self) -> Result<Option<(String, bool)>, H5Error> {
        Ok(self.part()?.interrupted()?.map(|i| (i.to_string(), i.needs_recovery())))
    }

    fn recover_selectors(&mut self) -> Result<(), H5Error> {
        self.change(|part| part.recover_selectors())
    }

    fn sector_holds(&mut self, sector: &SectorData) -> Result<bool, H5Error> {
        self.part()?.holds(sector.at, &sector.data)
    }

    fn write_sectors(
        &mut self,
        sectors: &[&SectorData],
        pace: FlashPace,
        progress: OnProgress<'_>,
    ) -> Result<Vec<String>, H5Error> {
        let pieces: Vec<_> = sectors.iter().map(|s| (s.at, s.data.as_slice())).collect();
        let (_, fallbacks) = self.part()?.rewrite(&pieces, pace, progress)?;
        Ok(fallbacks.iter().map(ToString::to_string).collect())
    }

    fn first_not_erased(&mut self, progress: OnProgress<'_>) -> Result<Option<Addr>, H5Error> {
        let mut part = self.part()?;
        let all = part.whole_flash()?;
        part.first_not_erased(&all, progress)
    }

    fn options_needed(&mut self, changes: &[OptionChange]) -> Result<Vec<String>, H5Error> {
        Ok(self.part()?.options()?.needed(changes).iter().map(ToString::to_string).collect())
    }

    fn option(&mut self, name: &str) -> Result<Option<u32>, H5Error> {
        Ok(self.part()?.options()?.get(name).map(|o| o.cur))
    }

    fn change_options(&mut self, changes: &[OptionChange]) -> Result<Changed, H5Error> {
        Ok(changed(&self.change(|part| part.change_options(changes))?))
    }

    fn change_state(&mut self, to: ProductState) -> Result<Changed, H5Error> {
        Ok(changed(&self.change(|part| part.change_state(to))?))
    }

    fn default_route(&self) -> ObkRoute {
        self.identity.as_ref().map_or(ObkRoute::Rsslib, |i| ObkRoute::default_for(i.device, i.tzen))
    }

    fn provision_obk(&mut self, file: &ObkFile, route: ObkRoute) -> Result<String, H5Error> {
        let report = self.part()?.provision_obk(file, route)?;
        let hdpl = report.hdpl.map(|h| format!(", HDPL {h:?}")).unwrap_or_default();
        Ok(format!("{} bytes to {} by the {} route{hdpl}", report.bytes, report.destination, report.route))
    }

    fn discover(&mut self, policy: &Policy) -> Result<Vouched, H5Error> {
        self.set_policy(policy)?;
        Ok(Vouched::from(&da::discover(self.adi)?))
    }

    fn regress(&mut self, password: &Password, policy: &Policy) -> Result<String, H5Error> {
        self.set_policy(policy)?;
        let done = da::regress(self.adi, password)?;
        Ok(format!("the part took the password and erased itself in {}", crate::text::span(done.elapsed)))
    }

    fn state_now(&mut self) -> Option<ProductState> {
        self.adi.reconnect().ok()?;
        if !ap_open(self.adi).ok()?.open(self.ap) {
            return None;
        }
        match self.part() {
            Ok(mut part) => part.state().ok(),
            Err(_) => h5::identify(self.adi, self.ap).ok().map(|i| i.state),
        }
    }
}
