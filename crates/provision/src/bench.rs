//! For tests: a folder with a job and everything it names, and a part made of a few fields whose power can be cut at any call.
//!
//! The part knows no register and no wire. What it is for are the decisions of a run; whether the driver does what a run
//! asks for is shown elsewhere, over a simulated chip.

use crate::image::SectorData;
use crate::job::Reset;
use crate::target::{Changed, Connect, OnProgress, Target, Vouched};
use crate::{FileRule, Goods, Job};
use adi::{AdiError, Doing};
use h5::obk::{ObkFile, ObkSpec};
use h5::{DaError, FlashPace, H5Error, Identity, ObkRoute, OptionChange, Password, Tzen, Uid};
use pace::{Clock, Policy, VirtualClock};
use regs::h5::da::value::{INTEGRITY_BAD, INTEGRITY_OK};
use regs::h5::device::Family;
use regs::h5::state::ProductState;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use wire::{Ack, Addr};

pub(crate) const PASSWORD: &str = "Bench-pass-77";

pub(crate) const JOB: &str = r#"
schema = 1
[device]
family = "STM32H562"
marking = "STM32H562RGT6"
[[image]]
path = "fw.bin"
address = 0x0800_0000
[option_bytes]
SRAM2_RST = 1
[obk]
path = "da.obk"
[credential]
password_file = "pw.txt"
[goal]
state = "CLOSED"
"#;

/// A folder with a job.
pub(crate) struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    pub(crate) fn new() -> Folder {
        let dir = tempfile::tempdir().unwrap();
        let firmware: Vec<u8> = (0..10_000u32).map(|n| ((n * 7) >> 3) as u8).collect();
        std::fs::write(dir.path().join("fw.bin"), firmware).unwrap();
        let password = Password::from_bytes(PASSWORD.as_bytes()).unwrap();
        let obk = ObkFile::build(&ObkSpec::new(Family::H562, &password));
        std::fs::write(dir.path().join("da.obk"), obk.to_bytes()).unwrap();
        let folder = Folder { dir };
        folder.secret("pw.txt", PASSWORD.as_bytes());
        folder
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// A file that only its owner can read.
    pub(crate) fn secret(&self, name: &str, bytes: &[u8]) {
        let path = self.write(name, bytes);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    pub(crate) fn job(&self, text: &str) -> Job {
        Job::parse(text, &self.dir.path().join("job.toml")).unwrap()
    }

    pub(crate) fn goods(&self, job: &Job) -> Goods {
        Goods::load(job, FileRule::Strict).unwrap()
    }
}

/// What survives a loss of power.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cells {
    pub(crate) state: ProductState,
    pub(crate) tzen: Tzen,
    pub(crate) flash: BTreeMap<u32, Vec<u8>>,
    pub(crate) options: BTreeMap<&'static str, u32>,
    /// The OBK file that is in, and whether it is whole.
    pub(crate) obk: Option<(Vec<u8>, bool)>,
    /// A reset cut an option change or an OBK swap short: nothing may be changed before the repair.
    pub(crate) torn: bool,
}

impl Cells {
    pub(crate) fn factory() -> Cells {
        Cells {
            state: ProductState::OPEN,
            tzen: Tzen::Off,
            flash: BTreeMap::new(),
            options: BTreeMap::new(),
            obk: None,
            torn: false,
        }
    }
}

/// When the power goes, relative to the work of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    Before,
    Within,
    After,
}

/// The part.
#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) cells: Rc<RefCell<Cells>>,
    pub(crate) uid: [u32; 3],
    pub(crate) clock: Arc<VirtualClock>,
    /// Every call that changes the part, in order.
    pub(crate) writes: Vec<String>,
    /// Every call, counted.
    pub(crate) calls: usize,
    pub(crate) cut: Option<(usize, Cut)>,
    dead: bool,
    /// NRST is wired.
    pub(crate) nrst: bool,
    /// What discovery permits.
    pub(crate) permissions: u128,
    /// Discovery lies about the integrity.
    pub(crate) integrity: Option<u32>,
    /// The OBK write ends with this.
    pub(crate) obk_fails: bool,
    /// The product state does not take.
    pub(crate) stuck: bool,
    /// What the ROM says to debug authentication, whatever the password is.
    pub(crate) refusal: Option<DaError>,
}

impl Fake {
    pub(crate) fn new(cells: &Rc<RefCell<Cells>>) -> Fake {
        Fake {
            cells: Rc::clone(cells),
            uid: [0x0011_2233, 0x4455_6677, 0x8899_AABB],
            clock: Arc::new(VirtualClock::new()),
            writes: Vec::new(),
            calls: 0,
            cut: None,
            dead: false,
            nrst: true,
            permissions: 0x5077,
            integrity: None,
            obk_fails: false,
            stuck: false,
            refusal: None,
        }
    }

    pub(crate) fn factory() -> Fake {
        Fake::new(&Rc::new(RefCell::new(Cells::factory())))
    }

    /// One call: time passes, and the power may go. `Some`: it goes now.
    fn call(&mut self) -> Result<Option<Cut>, H5Error> {
        self.clock.sleep(Duration::from_millis(3));
        if self.dead {
            return Err(gone());
        }
        self.calls += 1;
        match self.cut {
            Some((at, Cut::Before)) if at == self.calls => {
                self.dead = true;
                Err(gone())
            }
            Some((at, cut)) if at == self.calls => {
                self.dead = true;
                Ok(Some(cut))
            }
            _ => Ok(None),
        }
    }

    fn write(&mut self, what: impl Into<String>) -> Result<Option<Cut>, H5Error> {
        let cut = self.call()?;
        self.writes.push(what.into());
        assert!(!self.cells.borrow().torn, "{:?} before the selectors were repaired", self.writes);
        Ok(cut)
    }

    /// The end of a call that worked, unless the power went.
    fn end<T>(&self, value: T) -> Result<T, H5Error> {
        if self.dead { Err(gone()) } else { Ok(value) }
    }

    fn open(&self) -> bool {
        matches!(self.cells.borrow().state, ProductState::OPEN | ProductState::PROVISIONING)
    }

    fn uid(&self) -> Uid {
        Uid(self.uid)
    }

    fn matches(&self, sector: &SectorData) -> bool {
        self.cells.borrow().flash.get(&sector.at.0) == Some(&sector.data)
    }
}

fn gone() -> H5Error {
    AdiError::LinkLost { doing: Doing::Setup, ack: Ack::NONE, answers_again: false }.into()
}

impl Target for Fake {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as Arc<dyn Clock>
    }

    fn mark(&mut self, _: &str) {}

    fn flight(&self) -> String {
        (1..=self.calls).map(|n| format!("call {n}\n")).collect()
    }

    fn connect(&mut self, _: &Connect) -> Result<(), H5Error> {
        self.call()?;
        if !self.open() {
            return Err(H5Error::Unsupported("the port is shut".to_owned()));
        }
        self.end(())
    }

    fn let_go(&mut self) -> Result<(), H5Error> {
        Ok(())
    }

    fn look(&mut self, _: &Connect) -> Result<bool, H5Error> {
        self.call()?;
        self.end(self.open())
    }

    fn reset(&mut self, _: Reset) -> Result<(), H5Error> {
        self.call()?;
        self.end(())
    }

    fn nrst_reaches_the_core(&mut self) -> Result<bool, H5Error> {
        self.call()?;
        self.end(self.nrst)
    }

    fn identify(&mut self, family: Family) -> Result<Identity, H5Error> {
        self.call()?;
        let cells = self.cells.borrow();
        let uid = (cells.state == ProductState::OPEN).then(|| self.uid());
        let device = family.device();
        self.end(Identity {
            device,
            named: true,
            dev_id: device.dev_id,
            rev_id: 0x1007,
            uid,
            flash_kib: 1024,
            state: cells.state,
            tzen: cells.tzen,
        })
    }

    fn interrupted(&mut self) -> Result<Option<(String, bool)>, H5Error> {
        self.call()?;
        let torn = self.cells.borrow().torn;
        self.end(torn.then(|| ("a reset interrupted this: option change".to_owned(), true)))
    }

    fn recover_selectors(&mut self) -> Result<(), H5Error> {
        self.call()?;
        self.writes.push("recover".to_owned());
        self.cells.borrow_mut().torn = false;
        self.end(())
    }

    fn sector_holds(&mut self, sector: &SectorData) -> Result<bool, H5Error> {
        self.call()?;
        self.end(self.matches(sector))
    }

    fn write_sectors(
        &mut self,
        sectors: &[&SectorData],
        _: FlashPace,
        _: OnProgress<'_>,
    ) -> Result<Vec<String>, H5Error> {
        for sector in sectors {
            let cut = self.write(format!("flash {}", sector.at))?;
            let mut data = sector.data.clone();
            if cut == Some(Cut::Within) {
                data.truncate(64);
            }
            self.cells.borrow_mut().flash.insert(sector.at.0, data);
        }
        self.end(Vec::new())
    }

    fn first_not_erased(&mut self, _: OnProgress<'_>) -> Result<Option<Addr>, H5Error> {
        self.call()?;
        let first = self.cells.borrow().flash.keys().next().copied();
        self.end(first.map(Addr))
    }

    fn options_needed(&mut self, changes: &[OptionChange]) -> Result<Vec<String>, H5Error> {
        self.call()?;
        let cells = self.cells.borrow();
        let needed = changes.iter().filter(|c| cells.options.get(c.byte.name) != Some(&c.value));
        self.end(needed.map(ToString::to_string).collect())
    }

    fn option(&mut self, _: &str) -> Result<Option<u32>, H5Error> {
        self.call()?;
        self.end(None)
    }

    fn change_options(&mut self, changes: &[OptionChange]) -> Result<Changed, H5Error> {
        let lines = self.options_needed(changes)?;
        if !lines.is_empty() {
            let cut = self.write(format!("options {}", lines.join(", ")))?;
            let mut cells = self.cells.borrow_mut();
            if cut == Some(Cut::Within) {
                cells.torn = true;
            } else {
                cells.options.extend(changes.iter().map(|c| (c.byte.name, c.value)));
            }
        }
        self.end(Changed { lines, read_back: true })
    }

    fn change_state(&mut self, to: ProductState) -> Result<Changed, H5Error> {
        let cut = self.write(format!("state {to}"))?;
        let mut cells = self.cells.borrow_mut();
        match cut {
            Some(Cut::Within) => cells.torn = true,
            _ if self.stuck => {}
            _ => cells.state = to,
        }
        self.end(Changed { lines: vec![format!("PRODUCT_STATE: {to}")], read_back: true })
    }

    fn default_route(&self) -> ObkRoute {
        ObkRoute::Direct
    }

    fn provision_obk(&mut self, file: &ObkFile, route: ObkRoute) -> Result<String, H5Error> {
        let cut = self.write("obk")?;
        assert_eq!(self.cells.borrow().state, ProductState::PROVISIONING);
        if self.obk_fails {
            self.cells.borrow_mut().obk = None;
            return Err(H5Error::ObkRejected { route, code: INTEGRITY_BAD });
        }
        self.cells.borrow_mut().obk = Some((file.to_bytes(), cut != Some(Cut::Within)));
        self.end("written".to_owned())
    }

    fn discover(&mut self, _: &Policy) -> Result<Vouched, H5Error> {
        self.call()?;
        let cells = self.cells.borrow();
        let mut soc_id = [0; 16];
        soc_id[..12].copy_from_slice(&self.uid().bytes());
        let whole = cells.obk.as_ref().is_some_and(|(_, whole)| *whole);
        let integrity = self.integrity.unwrap_or(if whole { INTEGRITY_OK } else { INTEGRITY_BAD });
        self.end(Vouched {
            soc_id,
            dev_id: Some(0x484),
            lifecycle: Some(cells.state),
            integrity: Some(integrity),
            permissions: if whole { self.permissions } else { 0 },
            takes_password: Some(!cells.tzen.is_on()),
        })
    }

    fn regress(&mut self, password: &Password, _: &Policy) -> Result<String, H5Error> {
        let cut = self.call()?;
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone().into());
        }
        let obk = self.cells.borrow().obk.clone();
        let opens = obk.is_some_and(|(bytes, whole)| {
            whole && ObkFile::parse(&bytes).is_ok_and(|file| file.matches_password(password))
        });
        if !opens {
            return Err(H5Error::AuthenticationFailed { status: 1 });
        }
        self.writes.push("regress".to_owned());
        // A regression that is cut short goes on at the next power-up.
        let _ = cut;
        *self.cells.borrow_mut() = Cells::factory();
        self.end("erased".to_owned()).map_err(|e| H5Error::Erasing(Box::new(e)))
    }

    fn state_now(&mut self) -> Option<ProductState> {
        self.call().ok()?;
        self.open().then(|| self.cells.borrow().state)
    }
}
