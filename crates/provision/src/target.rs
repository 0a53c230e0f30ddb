//! The seam between a run and a part: what a run needs done, without saying how.
//!
//! [`Live`](crate::Live) does it with the STM32H5 driver over an ADI engine. The tests of the run's decisions do it with a
//! part made of a few fields, and cut its power wherever they like.

use crate::image::SectorData;
use crate::job::Reset;
use adi::ConnectMode;
use h5::{FlashPace, H5Error, Identity, ObkFile, ObkRoute, OptionChange, Password, Progress};
use pace::{Clock, Policy};
use regs::h5::da::permission;
use regs::h5::da::value::INTEGRITY_OK;
use regs::h5::device::Family;
use regs::h5::state::ProductState;
use std::fmt;
use std::sync::Arc;
use wire::ApSel;

/// What discovery said, as far as a run decides by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// The part: its unique id, then zero.
    pub soc_id: [u8; 16],
    /// The product state, where it is told.
    pub lifecycle: Option<ProductState>,
    /// The word about the credential, where it is told.
    pub integrity: Option<u32>,
    /// DEV_ID of the part, where it is told.
    pub dev_id: Option<u16>,
    /// What the credential would permit, little-endian bits.
    pub permissions: u128,
    /// The part takes a password, else certificates; `None` where it does not say.
    pub takes_password: Option<bool>,
}

/// What kind of credential somebody means to open a part with again. From outside the one looks like the other. [H5-STATE-7]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// A password.
    Password,
    /// Certificates, under a root key.
    Certificate,
}

impl CredentialKind {
    /// What a part takes, that says so.
    fn taken(password: bool) -> CredentialKind {
        if password { CredentialKind::Password } else { CredentialKind::Certificate }
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CredentialKind::Password => "a password",
            CredentialKind::Certificate => "certificates",
        })
    }
}

impl Vouched {
    /// The credential is there and whole. [H5-DA-7]
    pub fn integrity_is_good(&self) -> bool {
        self.integrity == Some(INTEGRITY_OK)
    }

    /// The way back to OPEN is permitted. [H5-DA-8]
    pub fn permits_full_regression(&self) -> bool {
        self.permissions & u128::from(permission::FULL_REGRESSION) != 0
    }

    /// What must hold before a part may be closed whose way back is `credential`.
    ///
    /// # Errors
    /// Why it must not be, for a person.
    pub fn may_be_closed(&self, credential: CredentialKind) -> Result<(), String> {
        // What cannot be told now could not be proven afterwards either.
        if self.lifecycle != Some(ProductState::PROVISIONING) {
            return Err(format!("the part is not in PROVISIONING: {self}"));
        }
        if !self.integrity_is_good() {
            return Err(format!("the credential is not whole: {self}"));
        }
        if !self.permits_full_regression() {
            return Err(format!("there would be no way back to OPEN: {self}"));
        }
        match self.takes_password.map(CredentialKind::taken).filter(|taken| *taken != credential) {
            Some(taken) => Err(format!("the part takes {taken}, and {credential} would not open it: {self}")),
            None => Ok(()),
        }
    }

    /// The unique id in SOC_ID: its first 12 bytes. [H5-DA-5]
    pub fn uid(&self) -> String {
        self.soc_id.iter().take(12).map(|b| format!("{b:02x}")).collect()
    }
}

impl fmt::Display for Vouched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lifecycle {
            Some(state) => write!(f, "lifecycle {state}")?,
            None => f.write_str("lifecycle not told")?,
        }
        match self.integrity {
            Some(INTEGRITY_OK) => f.write_str(", integrity 0xEAEA_EAEA (good)")?,
            Some(word) => write!(f, ", integrity 0x{:04X}_{:04X}", word >> 16, word & 0xFFFF)?,
            None => f.write_str(", integrity not told")?,
        }
        let regression = if self.permits_full_regression() { "permitted" } else { "not permitted" };
        write!(f, ", full regression {regression}, SOC_ID {}", self.uid())
    }
}

/// What an option change came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    /// What changed, one line each; empty when all was so already and nothing was written.
    pub lines: Vec<String>,
    /// The new value was read back. `false`: the port shut before it could be.
    pub read_back: bool,
}

/// How a run wants to be connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// Connect mode.
    pub mode: ConnectMode,
    /// Access port.
    pub ap: ApSel,
    /// Policy.
    pub policy: Policy,
}

/// Told how far flash work is.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress);

/// A part, as a run sees it. Every method returns when its work is over, or with the error that stopped it.
pub trait Target {
    /// Time.
    fn clock(&self) -> Arc<dyn Clock>;

    /// A line for the recording.
    fn mark(&mut self, text: &str);

    /// The last accesses, for a person.
    fn flight(&self) -> String;

    /// Attaches by this mode and policy, and waits until the access port is open.
    ///
    /// # Errors
    /// [`H5Error`].
    fn connect(&mut self, how: &Connect) -> Result<(), H5Error>;

    /// Lets a core run on that a connect mode halted, and leaves halting debug.
    ///
    /// # Errors
    /// [`H5Error`].
    fn let_go(&mut self) -> Result<(), H5Error>;

    /// Attaches without touching anything and asks AP0 whether the access port is open.
    ///
    /// # Errors
    /// [`H5Error`].
    fn look(&mut self, how: &Connect) -> Result<bool, H5Error>;

    /// A reset, and the link back afterwards.
    ///
    /// # Errors
    /// [`H5Error`].
    fn reset(&mut self, kind: Reset) -> Result<(), H5Error>;

    /// Pulses NRST and says whether the core saw a reset.
    ///
    /// # Errors
    /// [`H5Error`].
    fn nrst_reaches_the_core(&mut self) -> Result<bool, H5Error>;

    /// Which part is this?
    ///
    /// # Errors
    /// [`H5Error`], [`H5Error::WrongDevice`] when it is not of this family.
    fn identify(&mut self, family: Family) -> Result<Identity, H5Error>;

    /// What a reset interrupted, in words, and whether the selectors must be repaired.
    ///
    /// # Errors
    /// [`H5Error`].
    fn interrupted(&mut self) -> Result<Option<(String, bool)>, H5Error>;

    /// Repairs the selectors of option bytes and OBK.
    ///
    /// # Errors
    /// [`H5Error`].
    fn recover_selectors(&mut self) -> Result<(), H5Error>;

    /// Whether a sector holds this data already. Cells that cannot be read do not.
    ///
    /// # Errors
    /// [`H5Error`].
    fn sector_holds(&mut self, sector: &SectorData) -> Result<bool, H5Error>;

    /// Erases the sectors, programs them and compares. The answer is what a person should know (a pace that was given up).
    ///
    /// # Errors
    /// [`H5Error`].
    fn write_sectors(
        &mut self,
        sectors: &[&SectorData],
        pace: FlashPace,
        progress: OnProgress<'_>,
    ) -> Result<Vec<String>, H5Error>;

    /// The first address of flash that does not read as erased.
    ///
    /// # Errors
    /// [`H5Error`].
    fn first_not_erased(&mut self, progress: OnProgress<'_>) -> Result<Option<wire::Addr>, H5Error>;

    /// What these wishes would change, one line each.
    ///
    /// # Errors
    /// [`H5Error`].
    fn options_needed(&mut self, changes: &[OptionChange]) -> Result<Vec<String>, H5Error>;

    /// The value of an option byte, if the family has it.
    ///
    /// # Errors
    /// [`H5Error`].
    fn option(&mut self, name: &str) -> Result<Option<u32>, H5Error>;

    /// Changes option bytes and reads them back.
    ///
    /// # Errors
    /// [`H5Error`].
    fn change_options(&mut self, changes: &[OptionChange]) -> Result<Changed, H5Error>;

    /// Changes the product state.
    ///
    /// # Errors
    /// [`H5Error`].
    fn change_state(&mut self, to: ProductState) -> Result<Changed, H5Error>;

    /// The route that fits the part when the job names none.
    fn default_route(&self) -> ObkRoute;

    /// Writes the OBK. The answer is one line for a person.
    ///
    /// # Errors
    /// [`H5Error`].
    fn provision_obk(&mut self, file: &ObkFile, route: ObkRoute) -> Result<String, H5Error>;

    /// Debug authentication: who are you? Begins with NRST and ends with a reset.
    ///
    /// # Errors
    /// [`H5Error`].
    fn discover(&mut self, policy: &Policy) -> Result<Vouched, H5Error>;

    /// Debug authentication: back to OPEN.
    ///
    /// # Errors
    /// [`H5Error`], [`H5Error::AuthenticationFailed`] when the password is wrong; the part is then unchanged.
    fn regress(&mut self, password: &Password, policy: &Policy) -> Result<String, H5Error>;

    /// The product state as it can be told now, without a reset or a write; `None` when it cannot.
    fn state_now(&mut self) -> Option<ProductState>;
}
