//! The packet side of debug authentication: discovery, challenge, credential. [H5-DA-4] to [H5-DA-9] [H5-DA-11]

use super::chain::{Anchor, Granted, Progress};
use super::session::Session;
use crate::chip::H5;
use crate::knobs::LifeCycle;
use regs::h5::adac::SOC_ID_LEN;
use regs::h5::da::{command, lifecycle, permission, status, tlv, value};
use regs::h5::obk::payload;
use sha2::{Digest, Sha256};

/// What the ROM does when its answer has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum After {
    /// Wait for the next packet.
    #[default]
    Nothing,
    /// Go on booting.
    Boot,
    /// Erase everything and go back to OPEN.
    Regress,
    /// Erase what is non-secure and go back to TZ-CLOSED.
    RegressPartly,
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) data: Vec<u8>,
    pub(super) after: After,
}

impl Answer {
    fn plain(status: u16) -> Self {
        Answer { status, data: Vec::new(), after: After::Nothing }
    }

    fn data(data: Vec<u8>) -> Self {
        Answer { status: status::SUCCESS, data, after: After::Nothing }
    }
}

/// Version 1.0 of the protocol.
const VERSION: [u8; 4] = [1, 0, 0, 0];
/// Version 2.4.0 of the ROM's debug authentication, as logs of an H563 show it.
const SDA_ID: [u8; 4] = 0x0402u32.to_le_bytes();

impl H5 {
    pub(super) fn command(&mut self, code: u16, data: &[u8], session: &mut Session) -> Answer {
        match code {
            command::DISCOVERY => Answer::data(self.discovery()),
            command::AUTH_START => Answer::data(self.challenge(session)),
            command::AUTH_RESPONSE => self.auth_response(data, session),
            command::CLOSE_SESSION | command::RESUME_BOOT => {
                Answer { after: After::Boot, ..Answer::plain(status::SUCCESS) }
            }
            command::LOCK_DEBUG => self.lock_debug(session),
            command::LCS_CHANGE => Answer::plain(status::UNSUPPORTED),
            _ => Answer::plain(status::INVALID_COMMAND),
        }
    }

    fn discovery(&self) -> Vec<u8> {
        let nv = &self.flash.nv;
        let credential = nv.credential();
        let integrity = if credential.is_some() { value::INTEGRITY_OK } else { value::INTEGRITY_BAD };
        let present = if credential.is_some() { value::HDPL_PRESENT } else { value::HDPL_ABSENT };
        let password = !self.flash.trust_zone();
        let crypto = if password { value::CRYPTO_PASSWORD } else { value::CRYPTO_ECDSA_P256 };
        let permissions = credential.map_or([0; payload::PERMISSIONS_LEN], |c| c.permissions);
        let mut items = Vec::new();
        item(&mut items, tlv::VERSION, &VERSION[..2]);
        item(&mut items, tlv::VENDOR, &value::VENDOR_ST.to_le_bytes());
        item(&mut items, tlv::SOC_CLASS, &u32::from(self.device().dev_id).to_le_bytes());
        item(&mut items, tlv::SOC_ID, &self.soc_id());
        item(&mut items, tlv::SDA_ID, &SDA_ID);
        item(&mut items, tlv::HW_PERMISSION_MASK, &permissions);
        item(&mut items, tlv::LIFECYCLE, &self.lifecycle());
        item(&mut items, tlv::TOKEN_FORMATS, &tlv::TOKEN.to_le_bytes());
        item(&mut items, tlv::CERT_FORMATS, &tlv::CERTIFICATE.to_le_bytes());
        item(&mut items, tlv::CRYPTO_SYSTEMS, &[crypto]);
        item(&mut items, tlv::ST_INTEGRITY, &integrity.to_le_bytes());
        item(&mut items, tlv::ST_HDPL1_STATUS, &present.to_le_bytes());
        item(&mut items, tlv::ST_HDPL2_STATUS, &value::HDPL_ABSENT.to_le_bytes());
        item(&mut items, tlv::ST_HDPL3_STATUS, &value::HDPL_ABSENT.to_le_bytes());
        items
    }

    /// The unique id, then zero.
    fn soc_id(&self) -> [u8; SOC_ID_LEN] {
        let mut soc_id = [0; SOC_ID_LEN];
        soc_id[..self.flash.nv.uid.len()].copy_from_slice(&self.flash.nv.uid);
        soc_id
    }

    /// The product state with Arm's class beside it. Its order is a guess, selectable. [H5-DA-9]
    fn lifecycle(&self) -> [u8; 2] {
        let [exchanged, class] = lifecycle::item(self.state());
        match self.knobs.da_lifecycle {
            LifeCycle::ClassFirst => [value::LIFECYCLE_TAG, self.state().0],
            LifeCycle::ClassSecond => [self.state().0, class],
            LifeCycle::N6 => [exchanged, class],
        }
    }

    /// A fresh challenge: the same board gives the same ones in the same order.
    fn challenge(&self, session: &mut Session) -> Vec<u8> {
        session.count += 1;
        let mut seed = Sha256::new();
        seed.update(self.flash.nv.uid);
        seed.update(self.now.to_le_bytes());
        seed.update(session.count.to_le_bytes());
        let challenge: [u8; value::CHALLENGE_LEN] = seed.finalize().into();
        session.progress = Progress::Challenged(challenge);
        [&VERSION[..], &challenge].concat()
    }

    /// A credential, or a piece of one. What is refused needs a new challenge. [H5-DA-11] [H5-DA-15]
    fn auth_response(&mut self, data: &[u8], session: &mut Session) -> Answer {
        let so_far = std::mem::take(&mut session.progress);
        if so_far == Progress::None {
            return Answer::plain(status::UNAUTHORIZED);
        }
        let Some((kind, bytes)) = first_item(data) else { return Answer::plain(status::INVALID_PARAMETERS) };
        // Passwords belong to TrustZone off, certificates to TrustZone on. [H5-STATE-7]
        let answer = match (kind, so_far, self.flash.trust_zone()) {
            (tlv::ST_PASSWORD, _, false) => self.password(bytes),
            (tlv::CERTIFICATE, so_far, true) => self.certificate(bytes, so_far, session),
            (tlv::TOKEN, Progress::Trusted(trusted), true) => trusted.token(bytes).map(|got| self.grant(got)),
            (tlv::TOKEN, _, true) => None,
            _ => return Answer::plain(status::UNSUPPORTED),
        };
        answer.unwrap_or(Answer::plain(status::FAILURE))
    }

    /// The password, once for each challenge. [H5-DA-6]
    fn password(&self, bytes: &[u8]) -> Option<Answer> {
        let credential = self.flash.nv.credential()?;
        let [p0, p1, p2, p3, ..] = credential.permissions;
        let permitted = u32::from_le_bytes([p0, p1, p2, p3]) & permission::FULL_REGRESSION != 0;
        let right = permitted && Sha256::digest(bytes).as_slice() == credential.hash;
        right.then(|| Answer { after: After::Regress, ..Answer::plain(status::SUCCESS) })
    }

    fn certificate(&self, bytes: &[u8], so_far: Progress, session: &mut Session) -> Option<Answer> {
        let credential = self.flash.nv.credential()?;
        let anchor = Anchor {
            root_hash: credential.hash,
            permissions: u128::from_le_bytes(credential.permissions),
            class: u32::from(self.device().dev_id),
            soc_id: self.soc_id(),
        };
        session.progress = anchor.certificate(bytes, so_far)?;
        Some(Answer::plain(status::NEED_MORE_DATA))
    }

    fn grant(&mut self, granted: Granted) -> Answer {
        let after = match granted {
            Granted::Full => After::Regress,
            Granted::Partial => After::RegressPartly,
            Granted::Debug { level, secure } => {
                self.authorise(level, secure);
                if self.knobs.da_resume_waits { After::Nothing } else { After::Boot }
            }
        };
        Answer { after, ..Answer::plain(status::SUCCESS) }
    }

    /// Takes back what a token opened; the port stays shut until a reset. [H5-DA-20]
    fn lock_debug(&mut self, session: &mut Session) -> Answer {
        self.authorised = None;
        session.locked = true;
        Answer::plain(status::SUCCESS)
    }
}

fn item(items: &mut Vec<u8>, kind: u16, bytes: &[u8]) {
    items.extend([0, 0]);
    items.extend(kind.to_le_bytes());
    // Lossless: items are short.
    items.extend((bytes.len() as u32).to_le_bytes());
    items.extend(bytes);
}

/// Type and bytes of the first item.
fn first_item(data: &[u8]) -> Option<(u16, &[u8])> {
    let head = data.get(..tlv::HEAD)?;
    let kind = u16::from_le_bytes([head[2], head[3]]);
    let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let bytes = data.get(tlv::HEAD..)?.get(..usize::try_from(len).ok()?)?;
    Some((kind, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_two_zero_bytes_type_length_and_bytes() {
        let mut items = Vec::new();
        item(&mut items, tlv::ST_PASSWORD, b"abc");
        assert_eq!(items, b"\x00\x00\x00\x80\x03\x00\x00\x00abc");
        assert_eq!(first_item(&items), Some((tlv::ST_PASSWORD, &b"abc"[..])));
    }

    #[test]
    fn a_cut_item_is_none() {
        let mut items = Vec::new();
        item(&mut items, tlv::ST_PASSWORD, b"abc");
        for len in 0..items.len() {
            assert_eq!(first_item(&items[..len]), None, "{len}");
        }
    }
}
