//! Who is there: device, revision, unique id, flash size, product state, and which access ports are open.

use crate::H5Error;
use adi::{Adi, Waited};
use pace::{PollEnd, Site, Spent, poll};
use regs::h5::dbgmcu::{self, idcode, sr};
use regs::h5::device::{Device, Family, OTHER_DEV_IDS};
use regs::h5::state::ProductState;
use regs::h5::{flash, memory, option};
use std::fmt;
use wire::{Addr, ApSel, Attr, Batch, Flow, MemOp};

/// AP0: the debug APB with DBGMCU. Never shut. [H5-DBG-3]
pub(crate) const AP0: ApSel = ApSel(0);

/// A number with its full width: `0x4002_2000`.
pub(crate) fn hex(value: u32) -> String {
    Addr(value).to_string()
}

/// Items with commas between them.
pub(crate) fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// The 96-bit unique id, as its three words lie in memory. [H5-DBG-7]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Uid(pub [u32; 3]);

impl Uid {
    /// The 12 bytes in memory order, as discovery's SOC_ID begins. [H5-DA-5]
    pub fn bytes(&self) -> [u8; 12] {
        let mut bytes = [0; 12];
        for (chunk, word) in bytes.chunks_exact_mut(4).zip(self.0) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uid({self})")
    }
}

/// TrustZone, as OPTSR2.TZEN says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tzen {
    /// On.
    On,
    /// Off.
    Off,
    /// The family has none.
    Absent,
    /// Neither code: kept as it was read.
    Other(u8),
}

impl Tzen {
    /// What a value of OPTSR2 says for a device.
    pub fn from_optsr2(device: &Device, optsr2: u32) -> Tzen {
        if !device.trust_zone {
            return Tzen::Absent;
        }
        match optsr2 >> option::TZEN_SHIFT {
            option::ON => Tzen::On,
            option::OFF => Tzen::Off,
            other => Tzen::Other(other.to_le_bytes()[0]),
        }
    }

    /// TrustZone is on.
    pub fn is_on(self) -> bool {
        self == Tzen::On
    }
}

impl fmt::Display for Tzen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tzen::On => f.write_str("on"),
            Tzen::Off => f.write_str("off"),
            Tzen::Absent => f.write_str("none on this family"),
            Tzen::Other(code) => write!(f, "unknown (0x{code:02X})"),
        }
    }
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The row of the device table. Families of one die share their DEV_ID and cannot be told apart by it: this is the
    /// first of them until [`Identity::as_family`] names another.
    pub device: &'static Device,
    /// Somebody said which family it is, by [`Identity::as_family`].
    pub named: bool,
    /// DBGMCU_IDCODE.DEV_ID.
    pub dev_id: u16,
    /// DBGMCU_IDCODE.REV_ID.
    pub rev_id: u16,
    /// The unique id; `None` where it reads as zero, as in PROVISIONING. [H5-DBG-8]
    pub uid: Option<Uid>,
    /// Flash size in KiB as the part says; 0 where it cannot be read.
    pub flash_kib: u16,
    /// Product state.
    pub state: ProductState,
    /// TrustZone.
    pub tzen: Tzen,
}

impl Identity {
    /// The same part, taken for a member of `family`.
    ///
    /// # Errors
    /// [`H5Error::WrongDevice`] when the family has another DEV_ID.
    pub fn as_family(mut self, family: Family) -> Result<Identity, H5Error> {
        let device = family.device();
        if device.dev_id != self.dev_id {
            let found: Vec<_> = Device::by_dev_id(self.dev_id).map(|d| d.family.to_string()).collect();
            return Err(H5Error::WrongDevice(format!(
                "expected {family} (DEV_ID 0x{:03X}), found DEV_ID 0x{:03X} ({})",
                device.dev_id,
                self.dev_id,
                found.join(" or ")
            )));
        }
        self.device = device;
        self.named = true;
        Ok(self)
    }

    /// What depends on the family of the part must not be done on a guess: where one die is several families, somebody must
    /// have named it. [H5-DBG-11]
    ///
    /// # Errors
    /// [`H5Error::FamilyUnnamed`].
    pub fn must_be_named(&self) -> Result<(), H5Error> {
        let twins: Vec<_> = self.device.crypto_twins().map(|d| d.family).collect();
        if self.named || twins.is_empty() {
            return Ok(());
        }
        Err(H5Error::FamilyUnnamed { family: self.device.family, twins })
    }

    /// The families it can be, by its DEV_ID.
    pub fn families(&self) -> Vec<Family> {
        Device::by_dev_id(self.dev_id).map(|d| d.family).collect()
    }

    /// The letter of the revision, where it is known.
    pub fn revision(&self) -> Option<&'static str> {
        self.device.revision_name(self.rev_id)
    }
}

/// DBGMCU_SR: which access ports exist and which are open. [H5-DBG-3]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApEnable {
    /// The register.
    pub sr: u32,
}

impl ApEnable {
    /// The access port exists.
    pub fn present(self, ap: ApSel) -> bool {
        ap.0 < 16 && self.sr & (1 << ap.0) != 0
    }

    /// An access port that does not exist cannot be waited for.
    ///
    /// # Errors
    /// [`H5Error::NoPort`].
    pub fn must_have(self, ap: ApSel) -> Result<(), H5Error> {
        // AP0 exists on every part: a value that does not say so says nothing.
        if self.present(AP0) && !self.present(ap) { Err(H5Error::NoPort { ap, sr: self.sr }) } else { Ok(()) }
    }

    /// The access port is open.
    pub fn open(self, ap: ApSel) -> bool {
        ap.0 < 16 && self.sr & (1 << (16 + u32::from(ap.0))) != 0
    }
}

impl fmt::Display for ApEnable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "present 0x{:04X}, open 0x{:04X}", self.sr & sr::AP_PRESENT, self.sr >> 16)
    }
}

/// Reads through AP0 which access ports are open. Works in every state in which AP0 works.
///
/// # Errors
/// [`H5Error::Adi`].
pub fn ap_open(adi: &mut Adi) -> Result<ApEnable, H5Error> {
    Ok(ApEnable { sr: adi.read_word(AP0, Attr::Default, Addr(dbgmcu::BASE_AP0 + dbgmcu::SR))? })
}

/// Waits until an access port is open; after a reset the ROM takes its time. [H5-STATE-4]
///
/// # Errors
/// [`H5Error::ApShut`] when `reset.reconnect` is spent, [`H5Error::NoPort`], [`H5Error::Adi`].
pub fn wait_ap_open(adi: &mut Adi, ap: ApSel) -> Result<ApEnable, H5Error> {
    let clock = adi.clock().clone();
    let wait = adi.policy().wait(Site::Reconnect);
    let mut last = 0;
    let mut waited = Waited::begin(format!("{ap} open"), wait.key, clock.now());
    let end = poll(&*clock, &wait, || {
        let begun = clock.now();
        let found = ap_open(adi)?;
        found.must_have(ap)?;
        last = found.sr;
        let seen = [(Addr(dbgmcu::BASE_AP0 + dbgmcu::SR), last)];
        waited.look(begun, clock.now(), seen.into_iter(), found.open(ap));
        Ok(found.open(ap).then_some(found))
    });
    adi.keep_wait(waited);
    end.map_err(|end| match end {
        PollEnd::Failed(e) => e,
        PollEnd::Spent(spent) => H5Error::ApShut { ap, sr: last, spent: Box::new(spent) },
    })
}

/// Reads who is there: DBGMCU through AP0, the rest through `ap`, which is waited for while the ROM still keeps it shut.
///
/// A reading counts when it came twice and is legal: right after a reset the option registers can read as zero. [H5-STATE-9]
/// Nothing on the part is written.
///
/// # Errors
/// [`H5Error::WrongDevice`], [`H5Error::ApShut`], [`H5Error::UnstableState`], [`H5Error::Adi`].
pub fn identify(adi: &mut Adi, ap: ApSel) -> Result<Identity, H5Error> {
    if ap == AP0 {
        return Err(H5Error::Unsupported("AP0 sees DBGMCU only; the flash is behind AP1".to_owned()));
    }
    let at = Addr(dbgmcu::BASE_AP0 + dbgmcu::IDCODE);
    let idcode = stable(
        adi,
        "DBGMCU_IDCODE",
        |adi| Ok(adi.read_word(AP0, Attr::Default, at)?),
        |v| v & idcode::DEV_ID != 0,
    )?;
    let [dev_id, rev_id] = [idcode & idcode::DEV_ID, idcode >> 16].map(half);
    let device = device(dev_id)?;
    wait_ap_open(adi, ap)?;
    let (state, tzen) = read_state(adi, ap, device)?;
    let (uid, flash_kib) = read_factory(adi, ap)?;
    Ok(Identity { device, named: false, dev_id, rev_id, uid, flash_kib, state, tzen })
}

fn half(value: u32) -> u16 {
    // The callers pass at most 16 bits.
    u16::try_from(value & 0xFFFF).unwrap_or(u16::MAX)
}

fn device(dev_id: u16) -> Result<&'static Device, H5Error> {
    Device::by_dev_id(dev_id).next().ok_or_else(|| {
        let known = OTHER_DEV_IDS.iter().find(|(id, _)| *id == dev_id);
        H5Error::WrongDevice(match known {
            Some((_, name)) => {
                format!("DEV_ID 0x{dev_id:03X} is {name}, which this driver does not know well enough")
            }
            None => format!("DEV_ID 0x{dev_id:03X} is no STM32H5"),
        })
    })
}

/// Product state and TrustZone, from two readings that agree and are legal.
pub(crate) fn read_state(adi: &mut Adi, ap: ApSel, device: &Device) -> Result<(ProductState, Tzen), H5Error> {
    let word = |offset| Addr(flash::BASE + offset);
    let read = |at| move |adi: &mut Adi| Ok(adi.read_word(ap, Attr::NonSecure, at)?);
    let optsr = stable(adi, "FLASH_OPTSR_CUR", read(word(flash::OPTSR_CUR)), |v| {
        ProductState::from_optsr(v).is_known()
    })?;
    let tzen = if device.trust_zone {
        let optsr2 = stable(adi, "FLASH_OPTSR2_CUR", read(word(flash::OPTSR2_CUR)), |v| {
            !matches!(Tzen::from_optsr2(device, v), Tzen::Other(_))
        })?;
        Tzen::from_optsr2(device, optsr2)
    } else {
        Tzen::Absent
    };
    Ok((ProductState::from_optsr(optsr), tzen))
}

fn read_factory(adi: &mut Adi, ap: ApSel) -> Result<(Option<Uid>, u16), H5Error> {
    // One block: the unique id, then FLASHSIZE and PACKAGE in one word. Narrow reads of this area can fault. [H5-DBG-9]
    let ops = vec![MemOp::ReadWords { at: Addr(memory::UID), count: 4, secret: false }];
    let words = adi.run(&Batch { ap, attr: Attr::NonSecure, flow: Flow::Lockstep, ops })?;
    let &[a, b, c, size] = words.as_slice() else {
        return Err(H5Error::Unsupported("the link returned fewer words than were read".to_owned()));
    };
    let uid = [a, b, c];
    let uid = (uid != [0; 3] && uid != [u32::MAX; 3]).then_some(Uid(uid));
    let size = half(size);
    Ok((uid, if size == u16::MAX { 0 } else { size }))
}

/// Reads until two readings in a row agree and `legal` likes them.
fn stable(
    adi: &mut Adi,
    register: &'static str,
    mut read: impl FnMut(&mut Adi) -> Result<u32, H5Error>,
    legal: impl Fn(u32) -> bool,
) -> Result<u32, H5Error> {
    let clock = adi.clock().clone();
    let wait = adi.policy().wait(Site::Reconnect);
    let mut readings: Vec<u32> = Vec::new();
    let end = poll(&*clock, &wait, || {
        // Two at once, so that the usual case costs no pause.
        for _ in 0..2 {
            readings.push(read(adi)?);
        }
        if readings.len() > KEPT {
            readings.drain(..readings.len() - KEPT);
        }
        Ok(match readings.as_slice() {
            [.., a, b] if a == b && legal(*b) => Some(*b),
            _ => None,
        })
    });
    end.map_err(|end: PollEnd<H5Error>| match end {
        PollEnd::Failed(e) => e,
        PollEnd::Spent(spent) => unstable(register, &readings, spent),
    })
}

/// Readings kept for the error.
const KEPT: usize = 6;

fn unstable(register: &'static str, readings: &[u32], spent: Spent) -> H5Error {
    H5Error::UnstableState { register, readings: readings.to_vec(), spent: Box::new(spent) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unique_id_prints_its_bytes_in_memory_order() {
        let uid = Uid([0x0403_0201, 0x0807_0605, 0x0C0B_0A09]);
        assert_eq!(uid.to_string(), "0102030405060708090a0b0c");
    }

    #[test]
    fn access_port_bits_are_present_and_open() {
        let after_reset = ApEnable { sr: sr::RESET };
        assert!(after_reset.open(AP0) && after_reset.present(ApSel(1)) && !after_reset.open(ApSel(1)));
        assert!(ApEnable { sr: sr::RESET | sr::AP1_ENABLED }.open(ApSel(1)));
        assert!(!ApEnable { sr: u32::MAX }.open(ApSel(200)));
        assert!(after_reset.must_have(ApSel(1)).is_ok() && ApEnable { sr: 0 }.must_have(ApSel(7)).is_ok());
        assert!(matches!(after_reset.must_have(ApSel(7)), Err(H5Error::NoPort { ap: ApSel(7), .. })));
    }

    #[test]
    fn trust_zone_keeps_a_code_that_has_no_name() {
        let device = Family::H562.device();
        assert_eq!(Tzen::from_optsr2(device, 0xB400_0000), Tzen::On);
        assert_eq!(Tzen::from_optsr2(device, 0xC300_0100), Tzen::Off);
        assert_eq!(Tzen::from_optsr2(device, 0x1200_0000), Tzen::Other(0x12));
        assert_eq!(Tzen::from_optsr2(Family::H503.device(), 0), Tzen::Absent);
    }

    #[test]
    fn one_die_may_be_several_families_and_another_die_is_refused() {
        let device = device(0x484).unwrap();
        let id = Identity {
            device,
            named: false,
            dev_id: 0x484,
            rev_id: 0x1007,
            uid: None,
            flash_kib: 1024,
            state: ProductState::OPEN,
            tzen: Tzen::Off,
        };
        assert_eq!(id.families(), [Family::H562, Family::H563, Family::H573]);
        assert_eq!(id.revision(), Some("X"));
        assert_eq!(id.clone().as_family(Family::H573).unwrap().device.family, Family::H573);
        let text = id.must_be_named().unwrap_err().to_string();
        assert!(text.contains("no register tells STM32H562 from STM32H573"), "{text}");
        assert!(id.clone().as_family(Family::H562).unwrap().must_be_named().is_ok());
        let text = id.as_family(Family::H533).unwrap_err().to_string();
        assert!(text.contains("0x478") && text.contains("0x484") && text.contains("STM32H573"), "{text}");
    }

    #[test]
    fn unsupported_and_foreign_devices_are_told_apart() {
        assert!(device(0x47A).unwrap_err().to_string().contains("STM32H5E"));
        assert!(device(0x415).unwrap_err().to_string().contains("no STM32H5"));
    }
}
