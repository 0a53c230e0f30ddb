//! Chains that the ROM takes, and each way in which it does not. Certificates are put together field by field.

use super::*;
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;

/// A certificate or token in the making.
#[derive(Clone)]
pub(crate) struct Draft(pub(crate) Vec<u8>);

/// The key of a small number.
fn key(n: u8) -> SigningKey {
    let mut scalar = [0; 32];
    scalar[31] = n;
    SigningKey::from_slice(&scalar).unwrap()
}

pub(crate) fn public(n: u8) -> [u8; 64] {
    key(n).verifying_key().to_sec1_point(false).as_bytes()[1..].try_into().unwrap()
}

pub(crate) fn certificate(role: u8, subject: u8, permissions: u32) -> Draft {
    let mut bytes = vec![0; c::LEN];
    bytes[..6].copy_from_slice(&[1, 0, 1, 1, role, 1]);
    bytes[c::PERMISSIONS..][..4].copy_from_slice(&permissions.to_le_bytes());
    bytes[c::PUBLIC_KEY..][..64].copy_from_slice(&public(subject));
    Draft(bytes)
}

pub(crate) fn token(permissions: u32) -> Draft {
    let mut bytes = vec![0; t::LEN];
    bytes[..3].copy_from_slice(&[1, 0, 1]);
    bytes[t::PERMISSIONS..][..4].copy_from_slice(&permissions.to_le_bytes());
    Draft(bytes)
}

impl Draft {
    pub(crate) fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Signed as a certificate.
    pub(crate) fn by(mut self, issuer: u8) -> Vec<u8> {
        let signature: Signature = key(issuer).sign(&self.0[..c::SIGNATURE]);
        self.0[c::SIGNATURE..].copy_from_slice(&signature.to_bytes());
        self.0
    }

    /// Signed as a token.
    pub(crate) fn over(mut self, challenge: &[u8], signer: u8) -> Vec<u8> {
        let signature: Signature = key(signer).sign(&[&self.0[..t::SIGNATURE], challenge].concat());
        self.0[t::SIGNATURE..].copy_from_slice(&signature.to_bytes());
        self.0
    }
}

const ALL: u32 = 0x5077;
const CHALLENGE: [u8; 32] = [9; 32];

fn anchor() -> Anchor {
    Anchor {
        root_hash: Sha256::digest(public(1)).into(),
        permissions: ALL.into(),
        class: 0x484,
        soc_id: *b"0123456789AB\0\0\0\0",
    }
}

/// How far these certificates get, one after the other.
fn send(certificates: &[Vec<u8>]) -> Option<Progress> {
    let begun = Progress::Challenged(CHALLENGE);
    certificates.iter().try_fold(begun, |so_far, bytes| anchor().certificate(bytes, so_far))
}

fn root() -> Vec<u8> {
    certificate(role::ROOT, 1, ALL).by(1)
}

fn leaf() -> Draft {
    certificate(role::LEAF, 3, ALL)
}

fn asked(certificates: &[Vec<u8>], token: &[u8]) -> Option<Granted> {
    match send(certificates) {
        Some(Progress::Trusted(trusted)) => trusted.token(token),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_root_alone_and_a_chain_of_three_are_taken_and_their_last_key_signs_the_token() {
    let regress = |signer| token(1 << 14).over(&CHALLENGE, signer);
    assert_eq!(asked(&[root()], &regress(1)), Some(Granted::Full));
    let chain = [root(), certificate(role::INTERMEDIATE, 2, ALL).by(1), leaf().by(2)];
    assert_eq!(asked(&chain, &regress(3)), Some(Granted::Full));
    assert_eq!(asked(&chain, &regress(2)), None);
    assert_eq!(asked(&chain, &token(1 << 12).over(&CHALLENGE, 3)), Some(Granted::Partial));
    let debug = Granted::Debug { level: 2, secure: true };
    assert_eq!(asked(&chain, &token(1 << 5).over(&CHALLENGE, 3)), Some(debug));
    let debug = Granted::Debug { level: 3, secure: false };
    assert_eq!(asked(&chain, &token(1 << 2).over(&CHALLENGE, 3)), Some(debug));
}

#[test]
fn what_one_mask_lacks_is_not_granted() {
    let narrow = [root(), certificate(role::LEAF, 3, 0x4040).by(1)];
    let ask = |permissions| asked(&narrow, &token(permissions).over(&CHALLENGE, 3));
    assert_eq!(ask(1 << 14), Some(Granted::Full));
    assert_eq!(ask(1 << 12), None);
    assert_eq!(ask(0x4040), None, "one thing at a time");
    assert_eq!(ask(0), None);
}

#[test]
fn a_token_over_another_challenge_or_a_cut_one_is_refused() {
    let good = token(1 << 14).over(&CHALLENGE, 1);
    assert_eq!(asked(&[root()], &token(1 << 14).over(&[8; 32], 1)), None);
    for len in 0..good.len() {
        assert_eq!(asked(&[root()], &good[..len]), None, "{len}");
    }
    // Behind an intermediate certificate no token is taken.
    let cut = [root(), certificate(role::INTERMEDIATE, 2, ALL).by(1)];
    assert_eq!(asked(&cut, &token(1 << 14).over(&CHALLENGE, 2)), None);
}

#[test]
fn certificates_out_of_order_with_another_key_or_damaged_are_refused() {
    let refused = |certificates: &[Vec<u8>]| assert_eq!(send(certificates), None);
    refused(&[certificate(role::ROOT, 2, ALL).by(2)]);
    refused(&[certificate(role::ROOT, 1, ALL).by(2)]);
    refused(&[leaf().by(1)]);
    refused(&[root(), root()]);
    refused(&[root(), leaf().by(2)]);
    refused(&[root(), leaf().by(1), certificate(role::LEAF, 4, ALL).by(3)]);
    refused(&[root(), leaf().with(c::VERSION, &[2]).by(1)]);
    refused(&[root(), leaf().with(c::KEY_TYPE, &[2]).by(1)]);
    refused(&[root(), leaf().with(c::EXTENSIONS_LEN, &[4]).by(1)]);
    let leaf = leaf().by(1);
    for len in 0..leaf.len() {
        refused(&[root(), leaf[..len].to_vec()]);
    }
}

#[test]
fn a_certificate_for_another_class_or_part_is_refused() {
    let sent = |draft: Draft| send(&[root(), draft.by(1)]).is_some();
    assert!(sent(leaf().with(c::SOC_CLASS, &0x484u32.to_le_bytes())));
    assert!(!sent(leaf().with(c::SOC_CLASS, &0x478u32.to_le_bytes())));
    assert!(sent(leaf().with(c::SOC_ID, b"0123456789AB")));
    assert!(!sent(leaf().with(c::SOC_ID, b"0123456789AC")));
}

proptest::proptest! {
    #[test]
    fn no_bytes_upset_the_rom(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = anchor().certificate(&bytes, Progress::Challenged(CHALLENGE));
        if let Some(Progress::Trusted(trusted)) = send(&[root()]) {
            assert_eq!(trusted.token(&bytes), None);
        }
    }
}
