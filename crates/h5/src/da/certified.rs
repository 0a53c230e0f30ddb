//! Authentication by certificates: challenge, chain, token. [H5-DA-14] [H5-DA-15] [H5-DA-16]

use super::chain::Place;
use super::mailbox::Mailbox;
use super::session::{DaError, accepted};
use super::tlv::Tlv;
use super::token::{Challenge, Token};
use super::{Chain, Discovery, Permission, PrivateKey};
use crate::H5Error;
use regs::h5::adac::CHALLENGE_AT;
use regs::h5::da::{command, status, tlv, value};

/// Somebody who may ask for something: a chain, and the private key of its last certificate.
#[derive(Debug, Clone, Copy)]
pub struct Certified<'a> {
    /// The chain.
    pub chain: &'a Chain,
    /// The key that signs the token.
    pub key: &'a PrivateKey,
}

impl Certified<'_> {
    /// Whether it can get `wanted`, as far as can be told without the part.
    pub(super) fn may(&self, wanted: Permission) -> Result<(), H5Error> {
        Ok(self.chain.grants(self.key, wanted).map_err(DaError::Chain)?)
    }

    /// Sends the chain, then a token over the part's challenge. Nothing is sent to a part that cannot take it.
    pub(super) fn authenticate(
        &self,
        mailbox: &mut Mailbox<'_>,
        said: &Discovery,
        wanted: Permission,
    ) -> Result<(), H5Error> {
        if said.takes_certificates == Some(false) {
            return Err(DaError::NoCertificates.into());
        }
        self.chain.fits(said, wanted).map_err(DaError::Chain)?;
        let challenge = challenge(mailbox)?;
        for ((place, _), item) in self.chain.places().zip(self.chain.items()) {
            let answer = mailbox.ask(command::AUTH_RESPONSE, &item.to_bytes(), false)?;
            if answer.status != status::NEED_MORE_DATA {
                return Err(refused(Some(place), answer.status));
            }
        }
        let token = Token::signed(wanted.mask(), &challenge, self.key);
        let item = Tlv { kind: tlv::TOKEN, value: token.to_bytes() };
        match mailbox.decide(command::AUTH_RESPONSE, &item.to_bytes(), false)?.status {
            status::SUCCESS => Ok(()),
            status => Err(refused(None, status)),
        }
    }
}

fn refused(place: Option<Place>, status: u16) -> H5Error {
    let what = place.map_or_else(|| "the token".to_owned(), |place| place.to_string());
    H5Error::ChainRefused { what, status }
}

/// What the part gives to be signed, behind its version and two bytes that are zero.
fn challenge(mailbox: &mut Mailbox<'_>) -> Result<Challenge, H5Error> {
    let data = accepted("AUTH_START", mailbox.ask(command::AUTH_START, &[], false)?)?;
    let found = data.get(CHALLENGE_AT..).filter(|rest| rest.len() == value::CHALLENGE_LEN);
    let found = found.and_then(|rest| rest.try_into().ok());
    Ok(found.ok_or(DaError::Missing("a challenge of 32 bytes"))?)
}
