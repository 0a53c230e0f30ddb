//! Debug authentication by certificates: parts with TrustZone on.

use super::part::{Desk, pattern};
use super::*;
use p256::SecretKey;
use p256::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};

/// The key of a small number.
fn key(n: u8) -> SecretKey {
    let mut scalar = [0; 32];
    scalar[31] = n;
    SecretKey::from_slice(&scalar).unwrap()
}

/// Somebody's keys and certificates: the root key is 1, the leaf's 2.
struct Office {
    root_key: String,
    leaf_key: String,
    root: String,
    leaf: String,
    obk: String,
}

impl Desk {
    fn private_key(&self, n: u8) -> String {
        self.file(&format!("key{n}.pem"), key(n).to_pkcs8_pem(LineEnding::LF).unwrap().as_bytes())
    }

    fn public_key(&self, n: u8) -> String {
        let pem = key(n).public_key().to_public_key_pem(LineEnding::LF).unwrap();
        self.file(&format!("pub{n}.pem"), pem.as_bytes())
    }

    /// A chain with a leaf for key 2, made with key 1, and whatever else is said of the leaf.
    fn chain(&self, name: &str, more: &[&str]) -> String {
        let (root, out) = (self.path("root.b64"), self.path(name));
        let (issuer, subject) = (self.private_key(1), self.public_key(2));
        let new = ["da", "cert", "new", "--key", &issuer, "--chain", &root, "--for", &subject, "--out", &out];
        let args = [&new[..], more].concat();
        let done = tool(&args);
        assert_eq!(done.exit, Exit::Done, "{}", done.err);
        out
    }

    fn office(&self, family: &str) -> Office {
        let (root_key, leaf_key) = (self.private_key(1), self.private_key(2));
        let (root, obk) = (self.path("root.b64"), self.path("root.obk"));
        assert_eq!(tool(&["da", "cert", "new", "--key", &root_key, "--out", &root]).exit, Exit::Done);
        let leaf = self.chain("leaf.b64", &[]);
        let made = tool(&["obk", "new", "--family", family, "--cert", &root, "--out", &obk]);
        assert_eq!(made.exit, Exit::Done, "{}", made.err);
        Office { root_key, leaf_key, root, leaf, obk }
    }

    /// Brings a part with TrustZone on to CLOSED, with the office's root key.
    fn closed_with(&self, office: &Office, family: &str) {
        self.done(&["ob", "write", "TZEN=on"]);
        self.done(&["reset"]);
        self.done(&["state", "set", "PROVISIONING"]);
        self.done(&["reset"]);
        self.done(&["obk", "provision", &office.obk, "--family", family, "--cert", &office.leaf]);
        self.done(&["reset"]);
        self.done(&["state", "set", "CLOSED", "--family", family, "--certificate"]);
    }

    /// What survives without power.
    fn memory(&self) -> serde_json::Value {
        serde_json::from_slice::<serde_json::Value>(&self.board()).unwrap()["memory"].clone()
    }

    fn with_chain(&self, args: &[&str], key: &str, chain: &str) -> Done {
        self.run(&[args, &["--key", key, "--cert", chain]].concat())
    }
}

const AUTH: [&str; 4] = ["da", "auth", "--permission", "debug-l1"];
const REGRESS: [&str; 2] = ["da", "regress"];

#[test]
fn with_trust_zone_on_a_closed_part_is_opened_for_debug_shut_again_and_taken_back_to_open() {
    for family in ["h563", "h573", "h523", "h533"] {
        let desk = Desk::of(family);
        let office = desk.office(family);
        desk.closed_with(&office, family);
        assert_eq!(desk.run(&["mem", "read", "0x0C00_0000", "--ap", "1"]).exit, Exit::ApClosed);

        let opened = desk.with_chain(&AUTH, &office.leaf_key, &office.leaf);
        assert_eq!(opened.exit, Exit::Done, "{family}: {}", opened.err);
        assert!(opened.out.contains("Level 1 Intrusive Debug (0x0010): AP1 is open"), "{}", opened.out);
        assert!(opened.err.contains("certificate 2 of 2 (leaf)"), "the plan: {}", opened.err);
        let info = desk.done(&["info"]);
        assert!(info.contains("SPIDEN=1") && info.contains("CLOSED (0x72), TrustZone on"), "{info}");
        let secure = desk.done(&["mem", "read", "0x0C00_0000", "--attr", "secure"]);
        assert!(secure.contains("0xFFFF_FFFF"), "{secure}");

        let shut = desk.done(&["da", "close"]);
        assert!(shut.contains("debug is shut") && shut.contains("CLOSED (0x72)"), "{shut}");
        assert_eq!(desk.run(&["mem", "read", "0x0C00_0000", "--ap", "1"]).exit, Exit::ApClosed);

        let back = desk.with_chain(&REGRESS, &office.leaf_key, &office.leaf);
        assert!(
            back.out.contains("CLOSED (0x72) -> OPEN (0xED): the part took the certificates"),
            "{}",
            back.err
        );
        let status = desk.done(&["status"]);
        assert!(
            status.contains("OPEN (0xED)") && status.contains("off: credentials are passwords"),
            "{status}"
        );
        assert!(desk.done(&["flash", "blank"]).contains("is blank"));
    }
}

#[test]
fn a_root_certificate_alone_and_a_chain_of_three_do_as_well() {
    let desk = Desk::of("h563");
    let office = desk.office("h563");
    let three = desk.chain("intermediate.b64", &["--intermediate"]);
    let (leaf, key, subject) = (desk.path("three.b64"), desk.private_key(2), desk.public_key(3));
    let made =
        tool(&["da", "cert", "new", "--key", &key, "--chain", &three, "--for", &subject, "--out", &leaf]);
    assert!(made.out.contains("certificate 2 of 3 (intermediate)"), "{}", made.err);
    assert!(made.out.contains("the chain holds and permits 0x5077"), "{}", made.out);
    for (key, chain) in [(office.root_key.clone(), &office.root), (desk.private_key(3), &leaf)] {
        desk.closed_with(&office, "h563");
        let back = desk.with_chain(&REGRESS, &key, chain);
        assert_eq!(back.exit, Exit::Done, "{}", back.err);
    }
}

#[test]
fn a_partial_regression_erases_what_is_not_secure_and_ends_in_tz_closed() {
    let desk = Desk::of("h563,kib=1024");
    let office = desk.office("h563");
    let image = desk.file("fw.bin", &pattern(16 * 1024));
    // Both in the first bank: a secure sector, and one that is not.
    desk.done(&["flash", "program", &image, "--at", "0x0800_0000"]);
    desk.done(&["ob", "write", "SECWM1_STRT=0", "SECWM1_END=0"]);
    desk.closed_with(&office, "h563");
    let partial = [&REGRESS[..], &["--partial"]].concat();
    let back = desk.with_chain(&partial, &office.leaf_key, &office.leaf);
    assert!(
        back.out.contains(
            "CLOSED (0x72) -> TZ-CLOSED (0xC6): the part took the certificates and erased what is not secure"
        ),
        "{}{}",
        back.out,
        back.err
    );
    assert!(desk.done(&["status"]).contains("TZ-CLOSED (0xC6)"));
    assert!(desk.done(&["mem", "read", "0x0800_2000", "--attr", "non-secure"]).contains("0xFFFF_FFFF"));
    // Secure code is still there, and the credential too.
    assert_eq!(desk.with_chain(&AUTH, &office.leaf_key, &office.leaf).exit, Exit::Done);
    let kept = desk.path("kept.bin");
    desk.done(&["mem", "read", "0x0C00_0000", "8k", "--attr", "secure", "--out", &kept]);
    assert_eq!(std::fs::read(&kept).unwrap(), pattern(8 * 1024));
    let again = desk.with_chain(&partial, &office.leaf_key, &office.leaf);
    assert_eq!(again.exit, Exit::Refused, "{}", again.err);
    assert!(desk.with_chain(&REGRESS, &office.leaf_key, &office.leaf).out.contains("-> OPEN"));
}

#[test]
fn where_tz_closed_keeps_its_port_shut_discovery_proves_the_partial_regression() {
    let desk = Desk::of("h563,kib=1024,tz.closed=shut");
    let office = desk.office("h563");
    desk.closed_with(&office, "h563");
    let partial = [&REGRESS[..], &["--partial"]].concat();
    let back = desk.with_chain(&partial, &office.leaf_key, &office.leaf);
    assert!(back.out.contains("CLOSED (0x72) -> TZ-CLOSED (0xC6)"), "{}{}", back.out, back.err);
    assert!(desk.done(&["da", "discover"]).contains("TZ-CLOSED (0xC6)"));
}

#[test]
fn certificates_go_through_an_st_link_as_well() {
    let desk = Desk::of("h563,probe=stlink-v3");
    let office = desk.office("h563");
    desk.closed_with(&office, "h563");
    assert_eq!(desk.with_chain(&AUTH, &office.leaf_key, &office.leaf).exit, Exit::Done);
    assert_eq!(desk.with_chain(&REGRESS, &office.leaf_key, &office.leaf).exit, Exit::Done);
}

#[test]
fn debug_of_a_level_that_the_program_does_not_reach_is_told_and_a_rom_that_goes_on_by_itself_is_understood() {
    let desk = Desk::of("h563");
    let office = desk.office("h563");
    desk.closed_with(&office, "h563");
    let ask = |level: &'static str| ["da", "auth", "--permission", level];
    let high = desk.with_chain(&ask("debug-l3"), &office.leaf_key, &office.leaf);
    assert_eq!(high.exit, Exit::ApClosed, "{}", high.err);
    assert!(high.err.contains("took the token for Level 3 Intrusive Debug"), "{}", high.err);
    for more in [",da.level=boot", ",da.resume=itself,da.level=boot"] {
        let args = [&ask("debug-ns-l3")[..], &["--key", &office.leaf_key, "--cert", &office.leaf]].concat();
        let opened = desk.with(more, &args);
        assert_eq!(opened.exit, Exit::Done, "{more}: {}", opened.err);
    }
    assert!(desk.done(&["info"]).contains("SPIDEN=0"), "non-secure debug only");
}

/// Each of these leaves the part as it was.
#[test]
fn what_cannot_be_granted_is_refused_with_its_reason_and_changes_nothing() {
    let desk = Desk::of("h563");
    let office = desk.office("h563");
    desk.closed_with(&office, "h563");
    let before = desk.memory();
    let narrow = desk.chain("narrow.b64", &["--mask", "0x0040"]);
    let cut = desk.chain("cut.b64", &["--intermediate"]);
    let other_class = desk.chain("class.b64", &["--soc-class", "0x478"]);
    let other_part = desk.chain("part.b64", &["--soc-id", "000102030405060708090a0b00000000"]);
    let (three, other_root) = (desk.private_key(3), desk.path("other.b64"));
    tool(&["da", "cert", "new", "--key", &three, "--out", &other_root]);
    let torn = desk.file("torn.b64", &std::fs::read(&office.leaf).unwrap()[..400]);

    let leaf = &office.leaf_key;
    let cases: [(&str, &str, Exit, &str); 8] = [
        (&three, &office.leaf, Exit::Credential, "the private key belongs to"),
        (leaf, &narrow, Exit::Refused, "certificate 2 of 2 (leaf) does not permit Full Regression"),
        (leaf, &cut, Exit::Refused, "stands where there must be a leaf"),
        (leaf, &other_class, Exit::Refused, "for parts with DEV_ID 0x478, and this has 0x484"),
        (leaf, &other_part, Exit::Refused, "for the part 000102030405060708090a0b00000000"),
        (leaf, &torn, Exit::Usage, "cannot be taken apart"),
        (&three, &other_root, Exit::Authentication, "FAILURE (0x0001) to certificate 1 of 1 (root)"),
        (leaf, &office.leaf_key, Exit::Usage, "neither items nor Base64"),
    ];
    for (key, chain, exit, text) in cases {
        let done = desk.with_chain(&REGRESS, key, chain);
        assert_eq!(done.exit, exit, "{chain}: {}", done.err);
        assert!(done.err.contains(text), "{chain}: {}", done.err);
        assert!(done.err.contains("  next: "), "{}", done.err);
        assert_eq!(desk.memory(), before, "{chain}");
    }
    // With the OBK file at hand the other root is found before anything is sent.
    let compared = ["da", "regress", "--obk", &office.obk];
    let other = desk.with_chain(&compared, &three, &other_root);
    assert_eq!(other.exit, Exit::Credential, "{}", other.err);
    assert!(other.err.contains("no target was touched"), "{}", other.err);
    let password = desk.file("pw", b"benchpass1");
    let wrong = desk.run(&["da", "regress", "--password-file", &password]);
    assert_eq!(wrong.exit, Exit::Unsupported, "{}", wrong.err);
    assert!(wrong.err.contains("takes certificates") && wrong.err.contains("--cert"), "{}", wrong.err);
    assert_eq!(desk.memory(), before);
    assert!(desk.done(&["da", "discover"]).contains("CLOSED (0x72)"));
    assert_eq!(desk.with_chain(&REGRESS, &office.leaf_key, &office.leaf).exit, Exit::Done);
}

#[test]
fn a_part_for_passwords_is_not_sent_certificates() {
    let desk = Desk::of("h562");
    let office = desk.office("h562");
    let (password, obk) = desk.provisioning("h562");
    desk.done(&["obk", "provision", &obk, "--family", "h562", "--password-file", &password]);
    desk.done(&["reset"]);
    desk.done(&["state", "set", "CLOSED", "--family", "h562"]);
    let before = desk.memory();
    let wrong = desk.with_chain(&REGRESS, &office.leaf_key, &office.leaf);
    assert_eq!(wrong.exit, Exit::Unsupported, "{}", wrong.err);
    assert!(wrong.err.contains("takes a password, not certificates"), "{}", wrong.err);
    assert_eq!(desk.with_chain(&AUTH, &office.leaf_key, &office.leaf).exit, Exit::Unsupported);
    assert_eq!(desk.memory(), before);
}

#[test]
fn certificates_and_trust_zone_off_are_kept_apart_before_a_part_is_closed() {
    let desk = Desk::of("h563");
    let office = desk.office("h563");
    let lint = |tzen| {
        tool(&["obk", "lint", &office.obk, "--family", "h563", "--tzen", tzen, "--cert", &office.root])
    };
    assert!(lint("on").out.contains("the root key belongs to it"));
    assert_eq!(lint("off").exit, Exit::Refused);
    assert_eq!(tool(&["obk", "match", &office.obk, "--cert", &office.leaf]).exit, Exit::Done);
    let other = desk.path("other.b64");
    tool(&["da", "cert", "new", "--key", &desk.private_key(9), "--out", &other]);
    assert_eq!(tool(&["obk", "match", &office.obk, "--cert", &other]).exit, Exit::Credential);
    desk.done(&["state", "set", "PROVISIONING"]);
    desk.done(&["reset"]);
    let args = ["obk", "provision", &office.obk, "--family", "h563", "--cert", &office.leaf];
    let refused = desk.run(&args);
    assert_eq!(refused.exit, Exit::Refused, "{}", refused.err);
    assert!(refused.err.contains("TZEN is off"), "{}", refused.err);
}

#[test]
fn a_private_key_is_neither_printed_nor_recorded_and_its_file_must_be_ones_own() {
    let desk = Desk::of("h563");
    let office = desk.office("h563");
    desk.closed_with(&office, "h563");
    // A key whose bytes can be looked for.
    let secret = SecretKey::from_slice(&[0xA5; 32]).unwrap();
    let pem = secret.to_sec1_pem(LineEnding::LF).unwrap();
    let own = desk.file("own.pem", pem.as_bytes());
    let public =
        desk.file("own_pub.pem", secret.public_key().to_public_key_pem(LineEnding::LF).unwrap().as_bytes());
    let chain = desk.path("own.b64");
    let new = ["da", "cert", "new", "--key", &office.root_key, "--chain", &office.root, "--for", &public];
    assert_eq!(tool(&[&new[..], &["--out", &chain]].concat()).exit, Exit::Done);
    let trace = desk.path("auth.pcapng");
    let args =
        [&AUTH[..], &["--key", &own, "--cert", &chain, "--trace", &trace, "--format", "json"]].concat();
    let done = desk.run(&args);
    let told = json(&done);
    assert_eq!((&told["schema"], &told["ap1_open"]), (&"ackwait.da-auth/1".into(), &true.into()));
    let recorded = std::fs::read(&trace).unwrap();
    for place in [done.out.as_bytes(), done.err.as_bytes(), &recorded, &desk.board()] {
        assert!(!place.windows(16).any(|bytes| bytes == [0xA5; 16]));
        let text = String::from_utf8_lossy(place).to_lowercase();
        assert!(!text.contains("a5a5a5a5a5a5") && !text.contains("private key"));
    }
    // What the trace shows of it: packets by name, and no password.
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(swdtrace::run(["swdtrace", "show", "--level", "5", &trace], &mut out, &mut err), 0);
    let shown = String::from_utf8(out).unwrap();
    for text in [
        "AUTH_RESPONSE with a certificate (root)",
        "AUTH_RESPONSE with a certificate (leaf)",
        "AUTH_RESPONSE with a token for Level 1 Intrusive Debug",
        "RESUME_BOOT",
    ] {
        assert!(shown.contains(text), "no {text} in\n{shown}");
    }
    open_to_others(&own);
    let made = tool(&["da", "cert", "new", "--key", &own, "--out", &desk.path("x.b64")]);
    assert_eq!(made.exit, Exit::Permission, "{}", made.err);
    assert!(made.err.contains("the key file") && made.err.contains("chmod 600"), "{}", made.err);
}

#[cfg(unix)]
fn open_to_others(path: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
}

#[test]
fn a_rehearsal_shows_the_accesses_and_leaves_the_part_alone() {
    let desk = Desk::of("h563");
    let office = desk.office("h563");
    desk.closed_with(&office, "h563");
    let before = desk.memory();
    let dry = desk.with_chain(&[&REGRESS[..], &["--dry-run"]].concat(), &office.leaf_key, &office.leaf);
    assert_eq!(dry.exit, Exit::Done, "{}", dry.err);
    assert!(dry.out.contains("DBG_AUTH_HOST") && dry.err.contains("nothing was written"), "{}", dry.err);
    assert_eq!(desk.memory(), before);
}

#[test]
fn permissions_go_by_their_words_and_regressions_have_their_own_command() {
    let ask = |word: &'static str| tool(&["da", "auth", "--key", "k", "--cert", "c", "--permission", word]);
    let wrong = ask("full-regression");
    assert_eq!(wrong.exit, Exit::Usage);
    assert!(wrong.err.contains("debug-l3") && wrong.err.contains("da regress"), "{}", wrong.err);
    assert!(!ask("everything").err.contains("da regress"));
    assert_eq!(tool(&["da", "regress"]).exit, Exit::Usage);
    assert_eq!(tool(&["da", "regress", "--key", "k"]).exit, Exit::Usage);
    assert_eq!(tool(&["da", "regress", "--password-file", "p", "--partial"]).exit, Exit::Usage);
}

/// Another witness for keys and signatures.
#[test]
fn openssl_s_keys_are_taken_and_openssl_finds_the_signatures_good() {
    use std::process::Command;
    if Command::new("openssl").arg("version").output().is_err() {
        println!("skipped: openssl is not installed");
        return;
    }
    let desk = Desk::of("h563");
    let openssl = |args: &[&str]| {
        let done = Command::new("openssl").args(args).output().unwrap();
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
        done.stdout
    };
    // With its parameters in front of the key, as it writes them unless told otherwise.
    let key = desk.file("openssl.pem", &openssl(&["ecparam", "-name", "prime256v1", "-genkey"]));
    let public = desk.file("openssl_pub.pem", &openssl(&["ec", "-in", &key, "-pubout"]));
    let root = desk.path("root.b64");
    assert_eq!(tool(&["da", "cert", "new", "--key", &key, "--out", &root]).exit, Exit::Done);
    let item = openssl(&["base64", "-d", "-A", "-in", &desk.file("line", one_line(&root).as_bytes())]);
    assert_eq!((item.len(), &item[..8]), (220, &[0, 0, 1, 2, 212, 0, 0, 0][..]));
    let (signed, signature) = (&item[8..156], &item[156..220]);
    let der = desk.file("signature.der", &der(signature));
    let message = desk.file("signed.bin", signed);
    let verdict = openssl(&["dgst", "-sha256", "-verify", &public, "-signature", &der, &message]);
    assert_eq!(String::from_utf8_lossy(&verdict).trim(), "Verified OK");
}

fn one_line(path: &str) -> String {
    std::fs::read_to_string(path).unwrap().split_whitespace().collect()
}

/// Two numbers of 32 bytes as ASN.1 has them.
fn der(signature: &[u8]) -> Vec<u8> {
    let number = |bytes: &[u8]| {
        let skip = bytes.iter().take_while(|byte| **byte == 0).count();
        let sign: &[u8] = if bytes[skip] >= 0x80 { &[0] } else { &[] };
        let body = [sign, &bytes[skip..]].concat();
        [&[2, body.len() as u8], &body[..]].concat()
    };
    let both = [number(&signature[..32]), number(&signature[32..])].concat();
    [&[0x30, both.len() as u8], &both[..]].concat()
}
