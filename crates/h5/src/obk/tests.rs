use super::*;
use crate::{Password, Permissions, PublicKey, Tzen};
use proptest::prelude::*;
use regs::h5::device::Family;
use sha2::{Digest as _, Sha256};
use wire::Addr;

/// ST's published sample: the default password of the examples, 108 bytes.
const SAMPLE: &str = "0001fd0f6000000000000000\
    5e9bd65fe48ea17e40ae126f76e7c1013a73bf35c95d48975c5d1575a7198442\
    184aa46d813411727da0dc9e64186bb9907289b5aab4b320d26fff5ea45d8e3d\
    7750000000000000000000000000000000000000000000000000000000000000";

fn sample() -> Vec<u8> {
    let digits: Vec<_> = SAMPLE.chars().filter(char::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|d| u8::from_str_radix(&String::from_iter(d), 16).unwrap()).collect()
}

fn password(text: &str) -> Password {
    Password::from_bytes(text.as_bytes()).unwrap()
}

fn built(text: &str) -> ObkFile {
    ObkFile::build(&ObkSpec::new(Family::H562, &password(text)))
}

fn context(password: Option<&Password>) -> LintContext<'_> {
    LintContext {
        family: Family::H562,
        tzen: Tzen::Off,
        credential: password.map(Credential::from),
        production: false,
    }
}

fn refusals(file: &ObkFile, ctx: &LintContext<'_>) -> Vec<ObkRule> {
    let refused = file.lint(ctx).into_iter().filter(|f| f.severity == Severity::Refuse);
    refused.map(|f| f.rule).collect()
}

#[test]
fn st_s_sample_parses_matches_its_password_and_is_built_again_byte_by_byte() {
    let bytes = sample();
    assert_eq!(bytes.len(), 108);
    let file = ObkFile::parse(&bytes).unwrap();
    assert_eq!(file.destination(), Addr(0x0FFD_0100));
    assert_eq!(file.integrity_holds(), Some(true));
    assert_eq!(file.permissions(), Some(Permissions(0x5077)));
    assert!(file.matches_password(&password("0123456789012345")));
    assert!(!file.matches_password(&password("0123456789012346")));
    assert_eq!(file.to_bytes(), bytes);
    assert_eq!(built("0123456789012345").to_bytes(), bytes);
}

#[test]
fn the_public_sample_is_a_warning_on_the_bench_and_refused_in_production() {
    let file = ObkFile::parse(&sample()).unwrap();
    let password = password("0123456789012345");
    let mut ctx = context(Some(&password));
    let findings = file.lint(&ctx);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].severity, findings[0].rule), (Severity::Warn, ObkRule::PublicSample));
    ctx.production = true;
    assert_eq!(refusals(&file, &ctx), [ObkRule::PublicSample]);
}

#[test]
fn a_file_of_our_own_has_nothing_wrong_with_it() {
    let password = password("correct horse");
    let mut ctx = context(Some(&password));
    ctx.production = true;
    assert_eq!(built("correct horse").lint(&ctx), []);
}

#[test]
fn each_fault_is_refused_under_its_own_rule() {
    let right = password("correct horse");
    let good = built("correct horse").to_bytes();
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        refusals(&ObkFile::parse(&bytes).unwrap(), &context(Some(&right)))
    };
    assert_eq!(with(&|b| b[12] ^= 1), [ObkRule::Integrity]);
    assert_eq!(with(&|b| b[8] = 1), [ObkRule::DoEncryption]);
    assert_eq!(with(&|b| b[8] = 7), [ObkRule::Header]);
    assert_eq!(with(&|b| b[3] = 0x08), [ObkRule::Destination]);
    assert_eq!(with(&|b| b[0] = 0x10), [ObkRule::Destination]);
    let short = |b: &mut Vec<u8>| {
        b.truncate(80);
        b[4] = 68;
    };
    let found = with(&short);
    assert!(found.contains(&ObkRule::WrongSize), "{found:?}");
    let other = password("another one");
    assert_eq!(refusals(&built("correct horse"), &context(Some(&other))), [ObkRule::PasswordMismatch]);
}

#[test]
fn trust_zone_on_refuses_a_password_and_no_family_without_obk_takes_a_file() {
    let right = password("correct horse");
    let file = built("correct horse");
    let on = LintContext { tzen: Tzen::On, ..context(Some(&right)) };
    assert_eq!(refusals(&file, &on), [ObkRule::TrustZone]);
    let unknown = LintContext { tzen: Tzen::Other(0x12), ..context(Some(&right)) };
    assert_eq!(refusals(&file, &unknown), [ObkRule::TrustZone]);
    let h503 = LintContext { family: Family::H503, tzen: Tzen::Absent, ..context(Some(&right)) };
    assert_eq!(refusals(&file, &h503), [ObkRule::Destination]);
    // Without the credential nobody can tell: a warning with TrustZone off, and a refusal with it on.
    let warned = file.lint(&context(None));
    assert_eq!(warned.iter().map(|f| f.rule).collect::<Vec<_>>(), [ObkRule::TrustZone]);
    assert_eq!(refusals(&file, &LintContext { tzen: Tzen::On, ..context(None) }), [ObkRule::TrustZone]);
}

#[test]
fn a_root_key_makes_a_certificate_file_that_needs_trust_zone_on() {
    let (key, other) = (PublicKey([7; 64]), PublicKey([8; 64]));
    let file = ObkFile::build(&ObkSpec::new(Family::H563, &key));
    assert!(file.matches_root_key(&key) && !file.matches_root_key(&other));
    assert_eq!(file.to_bytes()[12 + 0x20..12 + 0x40], Sha256::digest([7; 64])[..]);
    let with = |tzen, key| LintContext {
        family: Family::H563,
        tzen,
        credential: Some(Credential::RootKey(key)),
        production: true,
    };
    assert_eq!(file.lint(&with(Tzen::On, &key)), []);
    assert_eq!(refusals(&file, &with(Tzen::Off, &key)), [ObkRule::TrustZone]);
    assert_eq!(refusals(&file, &with(Tzen::On, &other)), [ObkRule::RootKeyMismatch]);
}

#[test]
fn permissions_without_full_regression_are_refused() {
    let right = password("correct horse");
    for mask in [0, 0x1077] {
        let spec = ObkSpec { permissions: Permissions(mask), ..ObkSpec::new(Family::H562, &right) };
        assert_eq!(refusals(&ObkFile::build(&spec), &context(Some(&right))), [ObkRule::Permissions]);
    }
}

#[test]
fn crypto_parts_need_encryption_and_an_unknown_family_is_warned_about() {
    let right = password("correct horse");
    let file = ObkFile::build(&ObkSpec::new(Family::H573, &right));
    assert_eq!(file.do_encryption(), 1);
    let ctx = |family| LintContext { family, ..context(Some(&right)) };
    assert_eq!(file.lint(&ctx(Family::H573)), []);
    assert_eq!(refusals(&built("correct horse"), &ctx(Family::H573)), [ObkRule::DoEncryption]);
    let warned = file.lint(&ctx(Family::H523));
    assert_eq!(
        warned.iter().map(|f| (f.severity, f.rule)).collect::<Vec<_>>(),
        [(Severity::Warn, ObkRule::DoEncryption)]
    );
}

#[test]
fn lengths_that_disagree_are_errors_with_the_rule_wrong_size() {
    let bytes = sample();
    assert_eq!(ObkFile::parse(&bytes[..11]), Err(ObkError::TooShort { len: 11 }));
    let short = ObkFile::parse(&bytes[..80]).unwrap_err();
    assert_eq!(short, ObkError::WrongSize { announced: 0x60, found: 68 });
    assert_eq!(short.rule(), ObkRule::WrongSize);
    assert!(short.to_string().contains("wrong size"));
    assert_eq!(ObkFile::parse(&[0; 12]), Err(ObkError::Empty));
    for len in 0..bytes.len() {
        assert!(ObkFile::parse(&bytes[..len]).is_err(), "{len}");
    }
}

#[test]
fn neither_debug_output_nor_findings_show_the_payload() {
    let file = ObkFile::parse(&sample()).unwrap();
    let text = format!("{file:?} {:?}", file.lint(&context(Some(&password("wrong one")))));
    assert!(
        !text.to_ascii_lowercase().contains("184aa46d")
            && !text.contains("132, 74")
            && !text.contains("24, 74")
    );
    assert!(text.contains("96 bytes"), "{text}");
}

proptest! {
    #[test]
    fn any_bytes_parse_or_fail_and_what_parses_is_written_back(
        head in any::<[u8; 4]>(),
        flag in any::<u32>(),
        payload in prop::collection::vec(any::<u8>(), 1..300),
        junk in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut bytes = head.to_vec();
        bytes.extend(u32::try_from(payload.len()).unwrap().to_le_bytes());
        bytes.extend(flag.to_le_bytes());
        bytes.extend(&payload);
        let file = ObkFile::parse(&bytes).unwrap();
        prop_assert_eq!(file.to_bytes(), bytes);
        let password = password("correct horse");
        let _ = file.lint(&context(Some(&password)));
        let _ = ObkFile::parse(&junk).map(|f| f.lint(&context(None)));
    }

    #[test]
    fn every_password_makes_a_file_that_matches_it_and_no_other(
        a in prop::collection::vec(any::<u8>(), 4..=16),
        b in prop::collection::vec(any::<u8>(), 4..=16),
        mask in any::<u128>(),
    ) {
        let [pa, pb] = [&a, &b].map(|p| Password::from_bytes(p).unwrap());
        let spec = ObkSpec { permissions: Permissions(mask), ..ObkSpec::new(Family::H563, &pa) };
        let file = ObkFile::parse(&ObkFile::build(&spec).to_bytes()).unwrap();
        prop_assert!(file.matches_password(&pa) && file.integrity_holds() == Some(true));
        prop_assert_eq!(file.permissions(), Some(Permissions(mask)));
        prop_assert_eq!(file.matches_password(&pb), a == b);
    }
}
