//! Chains that hold, and each way in which one does not.

use super::super::key::tests::key;
use super::*;
use crate::Integrity;
use proptest::prelude::*;
use regs::h5::state::ProductState;

const ALL: Permissions = Permissions(0x5077);

/// Root, intermediate and leaf for the keys 1, 2 and 3.
fn three() -> Vec<Certificate> {
    [(Role::ROOT, 1, 1), (Role::INTERMEDIATE, 2, 1), (Role::LEAF, 3, 2)]
        .map(|(role, subject, issuer)| {
            Certificate::new(role, key(subject).public(), ALL).signed(&key(issuer))
        })
        .to_vec()
}

fn chain() -> Chain {
    Chain::of(three()).unwrap()
}

fn said(dev_id: u32, soc_id: [u8; 16], permissions: Permissions) -> Discovery {
    Discovery {
        soc_id,
        lifecycle: Some(ProductState::CLOSED),
        integrity: Integrity::OK,
        permissions,
        soc_class: Some(dev_id),
        vendor: None,
        protocol_version: None,
        sda_version: None,
        takes_password: Some(false),
        takes_certificates: Some(true),
        hdpl_status: [None; 3],
        items: Vec::new(),
    }
}

#[test]
fn a_chain_is_read_as_items_and_as_base64_in_one_line_or_several() {
    let bytes: Vec<u8> = chain().items().flat_map(|item| item.to_bytes()).collect();
    assert_eq!(bytes.len(), 3 * 220);
    // As the files of ST's tool begin.
    assert!(chain().to_base64().starts_with("AAABAtQAAAABAAEBAQEAAAAA"));
    let text = chain().to_base64();
    let lines = format!("{}\n{}\r\n", &text[..76], &text[76..]);
    for file in [&bytes[..], text.as_bytes(), lines.as_bytes()] {
        assert_eq!(Chain::read(file), Ok(chain()));
    }
}

#[test]
fn a_root_alone_and_a_root_with_others_grant_what_all_their_masks_hold() {
    let root = Chain::of(three()[..1].to_vec()).unwrap();
    assert_eq!(root.grants(&key(1), Permission::FULL_REGRESSION), Ok(()));
    assert_eq!(chain().grants(&key(3), Permission::TZ_REGRESSION), Ok(()));
    let mut narrow = three();
    narrow[1] = Certificate { permissions: Permissions(0x4040), ..narrow[1].clone() }.signed(&key(1));
    let narrow = Chain::of(narrow).unwrap();
    assert_eq!(narrow.permissions(), Permissions(0x4040));
    assert_eq!(narrow.grants(&key(3), Permission::FULL_REGRESSION), Ok(()));
    let e = narrow.grants(&key(3), Permission::TZ_REGRESSION).unwrap_err();
    assert_eq!(
        e.to_string(),
        "certificate 2 of 3 (intermediate) does not permit To TZ Regression (0x1000): its mask is 0x4040: Full Regression, \
         Level 3 Intrusive Debug"
    );
}

#[test]
fn a_key_of_another_certificate_is_refused_and_both_are_named_without_showing_the_key() {
    let e = chain().grants(&key(2), Permission::FULL_REGRESSION).unwrap_err();
    assert!(matches!(e, ChainError::OtherKey { place: Place { number: 3, of: 3, .. }, .. }), "{e}");
    assert!(e.to_string().contains(&key(2).public().to_string()), "{e}");
}

#[test]
fn roles_out_of_place_are_refused() {
    let role_of = |certificates: &[Certificate]| match Chain::of(certificates.to_vec()).unwrap().check() {
        Err(ChainError::Role { place, wanted }) => (place.number, wanted),
        other => panic!("{other:?}"),
    };
    let all = three();
    assert_eq!(role_of(&all[1..]), (1, "a root"));
    // A chain that was cut: its last one is no leaf.
    assert_eq!(role_of(&all[..2]), (2, "a leaf"));
    assert_eq!(role_of(&[all[0].clone(), all[2].clone(), all[1].clone()]), (2, "an intermediate one"));
}

#[test]
fn a_signature_that_does_not_hold_is_named_with_its_place() {
    let mut all = three();
    all[2] = all[2].clone().signed(&key(9));
    let e = Chain::of(all).unwrap().check().unwrap_err();
    assert!(e.to_string().contains("certificate 3 of 3 (leaf)"), "{e}");
    let mut all = three();
    all[0] = all[0].clone().signed(&key(9));
    let e = Chain::of(all).unwrap().check().unwrap_err();
    assert!(e.to_string().contains("its own"), "{e}");
    let mut all = three();
    all[1].signature[63] ^= 1;
    assert!(matches!(
        Chain::of(all).unwrap().check(),
        Err(ChainError::Signature { place: Place { number: 2, .. }, .. })
    ));
}

#[test]
fn a_chain_belongs_to_the_obk_with_the_hash_of_its_root_key() {
    use crate::obk::ObkSpec;
    let family = regs::h5::device::Family::H563;
    let (own, other) = (key(1).public(), key(2).public());
    let obk =
        |key, mask| ObkFile::build(&ObkSpec { permissions: Permissions(mask), ..ObkSpec::new(family, key) });
    let ask = Permission::FULL_REGRESSION;
    assert_eq!(chain().fits_obk(&obk(&own, 0x5077), ask), Ok(()));
    assert_eq!(chain().fits_obk(&obk(&other, 0x5077), ask), Err(ChainError::OtherRoot(own.to_string())));
    let e = chain().fits_obk(&obk(&own, 0x1077), ask).unwrap_err();
    assert!(e.to_string().starts_with("the OBK file does not permit Full Regression"), "{e}");
}

#[test]
fn certificates_bound_to_a_class_or_a_part_fit_nothing_else() {
    let ask = Permission::FULL_REGRESSION;
    let id = *b"0123456789AB\0\0\0\0";
    let mut bound = three();
    bound[2] = Certificate { soc_class: 0x484, soc_id: id, ..bound[2].clone() }.signed(&key(2));
    let bound = Chain::of(bound).unwrap();
    assert_eq!(bound.check(), Ok(()));
    assert_eq!(bound.fits(&said(0x484, id, ALL), ask), Ok(()));
    assert!(matches!(
        bound.fits(&said(0x478, id, ALL), ask),
        Err(ChainError::OtherClass { class: 0x484, dev_id: 0x478, .. })
    ));
    assert!(matches!(bound.fits(&said(0x484, [1; 16], ALL), ask), Err(ChainError::OtherPart { .. })));
    // Some parts do not tell who they are in CLOSED: the part itself will judge.
    assert_eq!(bound.fits(&said(0x484, [0; 16], ALL), ask), Ok(()));
    assert_eq!(chain().fits(&said(0x478, [1; 16], Permissions(0)), ask), Ok(()));
    let e = chain().fits(&said(0x484, id, Permissions(0x1077)), ask).unwrap_err();
    assert!(e.to_string().starts_with("the part does not permit"), "{e}");
}

#[test]
fn files_that_hold_no_chain_are_named() {
    let read = |file: &[u8]| Chain::read(file).unwrap_err();
    assert_eq!(read(b""), ChainError::Empty);
    assert_eq!(read(b"-----BEGIN CERTIFICATE-----"), ChainError::NotBase64);
    let token = Tlv { kind: 0x0200, value: vec![0; 120] }.to_bytes();
    assert_eq!(read(&token), ChainError::NoCertificate { number: 1, what: "TOKEN".to_owned() });
    let short = Tlv { kind: 0x0201, value: vec![1; 12] }.to_bytes();
    assert!(matches!(read(&short), ChainError::Malformed { number: 1, .. }));
    let mut cut: Vec<u8> = chain().items().flat_map(|item| item.to_bytes()).collect();
    cut.truncate(300);
    assert!(matches!(read(&cut), ChainError::Items(TlvError::TooLong { at: 220, .. })));
}

proptest! {
    #[test]
    fn any_file_is_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
        let _ = Chain::read(&bytes).map(|chain| chain.check());
    }

    #[test]
    fn a_chain_file_cut_anywhere_is_an_error_or_its_beginning(len in 0usize..660) {
        let bytes: Vec<u8> = chain().items().flat_map(|item| item.to_bytes()).collect();
        if let Ok(read) = Chain::read(&bytes[..len]) {
            prop_assert!(read.count() < 3 && read.check().is_err() != (read.count() == 1));
        }
    }
}
