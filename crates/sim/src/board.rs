//! The board around the chip: supply, BOOT0, reset button, USB cable, and its memory between commands.
//!
//! The bench acts at the latest time the board has seen ([`Board::advance`] moves it on).

mod file;
mod image;

use crate::bus::{ApIdent, Chip, Outcome, Request, Time};
use crate::chip::{H5, NonVolatile, Sector};
use crate::scenario::Scenario;
use file::{BoardFile, Stored};
use image::Image;
use regs::h5::rcc::rsr;
use regs::h5::state::ProductState;
use std::path::PathBuf;
use std::time::Duration;
use wire::{Bench, BenchError, Cable};

/// Why a board could not be opened or kept.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The board file could not be read or written.
    #[error("board file {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// Somebody else works with this board.
    #[error("board file {}: another program is using this board", path.display())]
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// The board file is damaged or of another kind. It was not touched.
    #[error("board file {}: {what}; the file was left as it is", path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A non-volatile image is not one of ours.
    #[error("board image: {0}")]
    Image(String),
    /// The scenario asks for another board than the one in the file.
    #[error("the board in the file is an {found}, the scenario asks for an {wanted}")]
    OtherPart {
        /// What is in the file.
        found: String,
        /// What was asked for.
        wanted: String,
    },
}

/// A simulated board. It is the chip's bus for an access port, and a bench for a person.
#[derive(Debug)]
pub struct Board {
    chip: H5,
    file: Option<BoardFile>,
}

impl Board {
    /// The board of this scenario: from its board file, which stays locked, or factory-new. It is powered unless the
    /// file or the scenario says otherwise.
    ///
    /// # Errors
    /// [`BoardError`] for a board file that is in use, unreadable, damaged or of another part.
    pub fn open(scenario: &Scenario) -> Result<Self, BoardError> {
        let Some(path) = &scenario.state else { return Ok(Board::new(scenario, factory(scenario))) };
        let file = BoardFile::lock(path)?;
        let mut board = match file.load()? {
            None => Board::new(scenario, factory(scenario)),
            Some(stored) => Board::stored(scenario, stored, &file)?,
        };
        board.file = Some(file);
        Ok(board)
    }

    /// A board with this non-volatile memory, powered on, and no board file.
    ///
    /// # Errors
    /// [`BoardError::Image`] when the bytes are no image, [`BoardError::OtherPart`] when it is of another part.
    pub fn from_nonvolatile(scenario: &Scenario, image: &[u8]) -> Result<Self, BoardError> {
        let image: Image = serde_json::from_slice(image).map_err(|e| BoardError::Image(e.to_string()))?;
        let nv = image.into_memory().map_err(BoardError::Image)?;
        check_part(scenario, &nv)?;
        Ok(Board::new(scenario, nv))
    }

    fn new(scenario: &Scenario, nv: NonVolatile) -> Self {
        let mut chip = H5::new(scenario.knobs.clone(), nv);
        chip.pins.supply = scenario.knobs.power.unwrap_or(true);
        if chip.has_power() {
            chip.power_up();
        }
        Board { chip, file: None }
    }

    fn stored(scenario: &Scenario, stored: Stored, file: &BoardFile) -> Result<Self, BoardError> {
        let nv = stored.memory.into_memory().map_err(|what| file.corrupt(what))?;
        check_part(scenario, &nv)?;
        let mut chip = H5::new(scenario.knobs.clone(), nv);
        let outside = stored.outside;
        chip.pins.supply = scenario.knobs.power.unwrap_or(outside.supply);
        chip.pins.cable = scenario.knobs.cable.unwrap_or(outside.cable());
        chip.pins.boot0 = scenario.knobs.boot0.unwrap_or(outside.boot0);
        match stored.core {
            Some(core) if chip.has_power() => core.put_into(&mut chip),
            _ if chip.has_power() => chip.power_up(),
            _ => {}
        }
        Ok(Board { chip, file: None })
    }

    /// Everything that survives without power, canonical: equal memories give equal bytes.
    #[must_use]
    pub fn nonvolatile(&self) -> Vec<u8> {
        // An image holds numbers and strings only, so writing it cannot fail.
        serde_json::to_vec(&Image::of(&self.chip.flash.nv)).unwrap_or_default()
    }

    /// Writes the board file, if there is one: as the board will be when everything under way has ended.
    ///
    /// # Errors
    /// [`BoardError::Io`].
    pub fn save(&mut self) -> Result<(), BoardError> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut chip = self.chip.clone();
        chip.settle();
        file.store(&Stored::of(&chip))
    }

    /// Lets the world come to this point in time.
    pub fn advance(&mut self, now: Duration) {
        self.chip.advance(nanos(now));
    }

    /// The supply is on again, after a cut or after somebody switched it off.
    pub fn power_on(&mut self) {
        let before = self.chip.has_power();
        self.chip.pins.failed = false;
        self.chip.pins.supply = true;
        if !before {
            self.chip.power_up();
        }
    }

    /// Whether the part has power now.
    #[must_use]
    pub fn has_power(&self) -> bool {
        self.chip.has_power()
    }

    /// How many operations the flash has begun since the board was opened.
    #[must_use]
    pub fn busy_windows(&self) -> u64 {
        self.chip.flash.windows
    }

    /// How long the flash was busy with operations since the board was opened.
    #[must_use]
    pub fn busy_time(&self) -> Duration {
        Duration::from_nanos(self.chip.flash.busy_total)
    }

    /// The product state in the option bytes, whatever a debugger may see.
    #[must_use]
    pub fn product_state(&self) -> ProductState {
        self.chip.state()
    }

    /// Whether debug authentication has a credential whose integrity is right.
    #[must_use]
    pub fn has_credential(&self) -> bool {
        self.credential().is_some()
    }

    /// What debug authentication goes by, where its integrity is right: the hash of the password, then the permissions.
    #[must_use]
    pub fn credential(&self) -> Option<Vec<u8>> {
        self.chip.flash.nv.credential().map(|found| [&found.hash[..], &found.permissions[..]].concat())
    }

    /// Flash sectors that are not blank, as (number through both physical banks, contents, a slot is torn).
    pub fn sectors(&self) -> impl Iterator<Item = (u32, &[u8], bool)> {
        let torn = |sector: &Sector| sector.torn.iter().any(|bits| *bits != 0);
        self.chip.flash.nv.array.used().map(move |(n, sector)| (n, &*sector.bytes, torn(sector)))
    }

    /// What SRAM or flash holds there, through any of its addresses, whoever may read it on the chip's buses. `None` when
    /// a byte of it is in neither.
    #[must_use]
    pub fn memory(&self, at: u32, len: u32) -> Option<Vec<u8>> {
        let end = at.checked_add(len.checked_sub(1)?)?;
        (at..=end).map(|at| self.chip.look(at)).collect()
    }

    /// What SRAM holds from this address on, whatever a debugger may see.
    #[must_use]
    pub fn ram(&self, at: u32, len: u32) -> Vec<u8> {
        self.chip.sram.bytes(at, len)
    }

    /// What is plugged into the board's USB connector.
    #[must_use]
    pub fn cable_now(&self) -> Cable {
        self.chip.pins.cable
    }

    /// Changes something outside, with what it means for the supply.
    fn outside(&mut self, change: impl FnOnce(&mut H5)) {
        let before = self.chip.has_power();
        change(&mut self.chip);
        match (before, self.chip.has_power()) {
            (true, false) => self.chip.power_lost(),
            (false, true) => self.chip.power_up(),
            _ => {}
        }
    }
}

fn factory(scenario: &Scenario) -> NonVolatile {
    let family = scenario.part();
    let kib = scenario.kib.unwrap_or(family.device().largest_flash_kib());
    let mut nv = NonVolatile::factory(family, kib, scenario.uid);
    if let Some(state) = scenario.knobs.host.product {
        nv.options.set_state(state);
    }
    nv
}

fn check_part(scenario: &Scenario, nv: &NonVolatile) -> Result<(), BoardError> {
    let other = scenario.family.is_some_and(|family| family != nv.family)
        || scenario.kib.is_some_and(|kib| kib != nv.kib);
    if !other {
        return Ok(());
    }
    let name = |family: regs::h5::device::Family, kib: u16| format!("{family} with {kib} KiB");
    let wanted = name(scenario.part(), scenario.kib.unwrap_or(nv.kib));
    Err(BoardError::OtherPart { found: name(nv.family, nv.kib), wanted })
}

fn nanos(time: Duration) -> Time {
    Time::try_from(time.as_nanos()).unwrap_or(Time::MAX - 1)
}

impl Chip for Board {
    fn dpidr(&self) -> u32 {
        self.chip.dpidr()
    }

    fn targetid(&self) -> u32 {
        self.chip.targetid()
    }

    fn ap(&mut self, ap: u8, now: Time) -> Option<ApIdent> {
        self.chip.ap(ap, now)
    }

    fn access(&mut self, request: &Request, now: Time) -> Outcome {
        self.chip.access(request, now)
    }

    fn drive_reset(&mut self, low: bool, now: Time) {
        self.chip.drive_reset(low, now);
    }

    fn reset_level(&mut self, now: Time) -> bool {
        self.chip.reset_level(now)
    }

    fn powered(&mut self, now: Time) -> bool {
        self.chip.powered(now)
    }

    fn cut_power(&mut self, now: Time) {
        self.chip.cut_power(now);
    }

    fn power_cycles(&self) -> u32 {
        self.chip.power_cycles()
    }

    fn power_certain_until(&self, now: Time) -> Time {
        self.chip.power_certain_until(now)
    }

    fn steady_until(&mut self, request: Option<&Request>, now: Time) -> Time {
        self.chip.steady_until(request, now)
    }

    fn reset_level_until(&self, now: Time) -> Time {
        self.chip.reset_level_until(now)
    }
}

impl Bench for Board {
    fn cable(&mut self, cable: Cable) -> Result<(), BenchError> {
        self.outside(|chip| chip.pins.cable = cable);
        Ok(())
    }

    fn boot0(&mut self, high: bool) -> Result<(), BenchError> {
        self.chip.pins.boot0 = high;
        Ok(())
    }

    fn power(&mut self, on: bool) -> Result<(), BenchError> {
        self.outside(|chip| {
            chip.pins.supply = on;
            chip.pins.failed &= !on;
        });
        Ok(())
    }

    fn press_reset(&mut self, hold: Duration) -> Result<(), BenchError> {
        if self.chip.has_power() {
            let low = self.chip.reset_is_low();
            self.chip.pins.button_until = Some(self.chip.now + nanos(hold));
            if !low {
                self.chip.reset_begin(rsr::PINRSTF);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
