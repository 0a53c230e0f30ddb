//! Commands that work on the part: state, flash, option bytes, keys.

use super::*;
use std::path::Path;

/// A board that stays on the bench between commands, and a folder.
pub(super) struct Desk {
    dir: tempfile::TempDir,
    part: &'static str,
}

impl Desk {
    pub(super) fn of(part: &'static str) -> Desk {
        Desk { dir: tempfile::tempdir().unwrap(), part }
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    pub(super) fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        private(Path::new(&path));
        path
    }

    /// The board, with something on top of its scenario.
    pub(super) fn with(&self, more: &str, args: &[&str]) -> Done {
        with(&format!("{},state={}{more}", self.part, self.path("board.json")), args)
    }

    pub(super) fn run(&self, args: &[&str]) -> Done {
        self.with("", args)
    }

    /// A command that must go well.
    pub(super) fn done(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(done.exit, Exit::Done, "{args:?}: {}", done.err);
        done.out
    }

    pub(super) fn board(&self) -> Vec<u8> {
        std::fs::read(self.path("board.json")).unwrap()
    }

    /// A password, its OBK for the family, and the part in PROVISIONING after a reset.
    pub(super) fn provisioning(&self, family: &str) -> (String, String) {
        let password = self.file("pw", b"benchpass1");
        let obk = self.path("da.obk");
        self.done(&["obk", "new", "--family", family, "--password-file", &password, "--out", &obk]);
        self.done(&["state", "set", "PROVISIONING"]);
        self.done(&["reset"]);
        (password, obk)
    }
}

#[cfg(unix)]
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &Path) {}

/// Bytes that tell where they belong.
pub(super) fn pattern(len: u32) -> Vec<u8> {
    (0..len).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[test]
fn status_says_what_the_state_means_what_is_next_and_what_it_does_not_know() {
    let desk = Desk::of("h562");
    let open = desk.done(&["status"]);
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in
        ["OPEN (0xED)", "state set PROVISIONING", "unknown: `ackwait da discover`", "FLASH_OPTCR", "off: "]
    {
        assert!(flat(&open).contains(text), "no {text} in\n{open}");
    }
    desk.provisioning("h562");
    let provisioning = desk.done(&["status"]);
    for text in [
        "normal on the way",
        "state set CLOSED",
        "da regress",
        "LOCKED (0x5C) by `ackwait state set LOCKED --family NAME`: for ever",
    ] {
        assert!(flat(&provisioning).contains(text), "no {text} in\n{provisioning}");
    }
    assert!(!provisioning.contains("TZ-CLOSED"), "only with TrustZone: {provisioning}");
    let all = json(&desk.run(&["status", "--format", "json"]));
    assert_eq!(
        (&all["schema"], &all["state"], &all["credential"]),
        (&"ackwait.status/1".into(), &"PROVISIONING".into(), &"unknown".into())
    );
    assert!(open.lines().chain(provisioning.lines()).all(|line| line.chars().count() <= 80));
}

#[test]
fn the_whole_life_by_hand_goes_from_open_to_closed_and_back_on_every_family_with_obk() {
    for (part, family) in
        [("h562", "h562"), ("h563", "h563"), ("h523", "h523"), ("h533", "h533"), ("h573", "h573")]
    {
        let desk = Desk::of(part);
        let (password, obk) = desk.provisioning(family);
        let args = ["obk", "provision", &obk, "--family", family, "--password-file", &password];
        let provisioned = desk.done(&args);
        assert!(provisioned.contains("96 bytes to 0x0FFD_0100"), "{part}: {provisioned}");
        desk.done(&["reset"]);
        let said = desk.done(&["da", "discover"]);
        assert!(said.contains("whole (0xEAEA_EAEA)"), "{part}: {said}");
        let closed = desk.done(&["state", "set", "CLOSED", "--family", family]);
        assert!(
            closed.contains("PROVISIONING (0x17) -> CLOSED (0x72): proven by discovery"),
            "{part}: {closed}"
        );
        let status = desk.done(&["status"]);
        assert!(status.contains("not readable: AP1 is shut"), "{part}: {status}");
        let shut = desk.run(&["mem", "read", "0x0800_0000", "--ap", "1"]);
        assert_eq!(shut.exit, Exit::ApClosed, "{part}: {}", shut.err);
        let open = desk.done(&["da", "regress", "--password-file", &password]);
        assert!(open.contains("CLOSED (0x72) -> OPEN (0xED)"), "{part}: {open}");
        assert!(desk.done(&["status"]).contains("OPEN (0xED)"), "{part}");
    }
}

#[test]
fn an_h503_is_closed_by_a_hash_in_its_otp_and_opened_by_the_password() {
    let desk = Desk::of("h503");
    let password = desk.file("pw", b"benchpass1");
    let accept = "--accept-irreversible=OTP,LOCKBL";
    let early = desk.run(&["otp", "program", "--password-file", &password, accept]);
    assert_eq!(early.exit, Exit::Unsupported, "{}", early.err);
    desk.done(&["state", "set", "PROVISIONING"]);
    desk.done(&["reset"]);
    assert!(desk.done(&["otp", "read"]).contains("0 of 32 half-words written, not locked"));
    let asked = desk.run(&["otp", "program", "--password-file", &password]);
    assert_eq!(asked.exit, Exit::Confirm, "{}", asked.err);
    assert!(desk.done(&["otp", "program", "--password-file", &password, accept]).contains("read back"));
    assert!(desk.done(&["otp", "program", "--password-file", &password, accept]).contains("already"));
    let other = desk.file("other", b"otherpass2");
    assert_eq!(desk.run(&["otp", "program", "--password-file", &other, accept]).exit, Exit::Verify);
    assert_eq!(desk.run(&["otp", "lock", "0"]).exit, Exit::Confirm);
    assert!(desk.done(&["otp", "lock", "0", accept]).contains("LOCKBL"));
    assert!(desk.done(&["otp", "read"]).contains("16 of 32 half-words written, locked for ever"));
    desk.done(&["reset"]);
    assert!(desk.done(&["state", "set", "CLOSED"]).contains("proven by discovery"));
    assert!(desk.done(&["da", "regress", "--password-file", &password]).contains("-> OPEN"));
}

#[test]
fn a_part_without_a_credential_is_not_closed() {
    let desk = Desk::of("h562");
    desk.provisioning("h562");
    let refused = desk.run(&["state", "set", "CLOSED", "--family", "h562"]);
    assert_eq!(refused.exit, Exit::Integrity, "{}", refused.err);
    assert!(
        refused.err.contains("must not be shut") && refused.err.contains("obk provision"),
        "{}",
        refused.err
    );
    assert!(desk.done(&["state", "get"]).contains("PROVISIONING"));
}

#[test]
fn moves_that_are_not_known_to_work_and_moves_for_ever_are_refused() {
    let desk = Desk::of("h562");
    let skipped = desk.run(&["state", "set", "CLOSED", "--family", "h562"]);
    assert_eq!(skipped.exit, Exit::Refused, "{}", skipped.err);
    assert!(skipped.err.contains("ackwait status"), "{}", skipped.err);
    assert_eq!(desk.run(&["state", "set", "NOWHERE"]).exit, Exit::Usage);
    assert!(desk.done(&["state", "set", "OPEN"]).contains("already so"));
    desk.provisioning("h562");
    assert_eq!(desk.run(&["state", "set", "OPEN"]).exit, Exit::Refused);
    let before = desk.done(&["ob", "export"]);
    let asked = desk.run(&["state", "set", "LOCKED", "--family", "h562"]);
    assert_eq!(asked.exit, Exit::Confirm, "{}", asked.err);
    assert!(asked.err.contains("--accept-irreversible=LOCKED"), "{}", asked.err);
    assert_eq!(desk.done(&["ob", "export"]), before);
    let locked = desk.done(&["state", "set", "0x5C", "--family", "h562", "--accept-irreversible=LOCKED"]);
    assert!(locked.contains("LOCKED (0x5C)"), "{locked}");
    desk.done(&["reset"]);
    assert_ne!(desk.run(&["da", "discover"]).exit, Exit::Done);
}

#[test]
fn option_bytes_are_read_changed_old_to_new_exported_and_compared() {
    let desk = Desk::of("h562");
    assert_eq!(desk.done(&["ob", "read", "tzen", "BOR_LEV"]), "TZEN = 0xC3 (off)\nBOR_LEV = 0x0\n");
    let export = desk.path("ob.txt");
    desk.done(&["ob", "export", "--out", &export]);
    let written = desk.done(&["ob", "write", "BOR_LEV=2", "IWDG_SW=0"]);
    assert!(written.contains("BOR_LEV 0x0 -> 0x2\nIWDG_SW 0x1 -> 0x0\n"), "{written}");
    assert!(desk.done(&["ob", "write", "BOR_LEV=2"]).contains("nothing was written"));
    let diff = desk.done(&["ob", "diff", &export]);
    assert_eq!(diff, "BOR_LEV 0x2 -> 0x0\nIWDG_SW 0x0 -> 0x1\n");
    desk.done(&["ob", "write", "--in", &export]);
    assert!(desk.done(&["ob", "diff", &export]).contains("holds what"));
    assert!(desk.run(&["ob", "write", "TZEN=on"]).err.contains("note: TZEN on"));
    let all = json(&desk.run(&["ob", "read", "TZEN", "--format", "json"]));
    assert_eq!(all["options"][0]["word"], "on");
    assert!(desk.done(&["ob", "repair"]).contains("nothing was written"));
}

#[test]
fn option_bytes_that_are_for_ever_need_their_name_and_the_state_has_its_own_door() {
    let desk = Desk::of("h562");
    let cases: [(&str, Exit, &str); 6] = [
        ("LOCKBL=1", Exit::Confirm, "--accept-irreversible=LOCKBL"),
        ("SECBOOT_LOCK=0xB4", Exit::Confirm, "cannot be taken back"),
        ("PRODUCT_STATE=0x72", Exit::Refused, "state set"),
        ("BOOT_UBE=0xB4", Exit::Usage, "no option byte"),
        ("BOR_LEV=9", Exit::Usage, "no value of BOR_LEV"),
        ("BOR_LEV", Exit::Usage, "NAME=VALUE"),
    ];
    for (wish, exit, text) in cases {
        let done = desk.run(&["ob", "write", wish]);
        assert_eq!(done.exit, exit, "{wish}: {}", done.err);
        assert!(done.err.contains(text), "{wish}: {}", done.err);
    }
    assert!(desk.done(&["ob", "write", "LOCKBL=1", "--accept-irreversible", "lockbl"]).contains("LOCKBL"));
    let back = desk.run(&["ob", "write", "LOCKBL=0"]);
    assert_eq!(back.exit, Exit::Options, "{}", back.err);
}

#[test]
fn provisioning_files_are_made_shown_checked_and_matched() {
    let desk = Desk::of("h562");
    let (password, other) = (desk.file("pw", b"benchpass1"), desk.file("other", b"otherpass2"));
    let obk = desk.path("da.obk");
    let new =
        ["obk", "new", "--device", "H573", "--password-file", &password, "--mask", "0x5077", "-o", &obk];
    assert!(tool(&new).out.contains("108 bytes for STM32H573"));
    assert_eq!(tool(&new).exit, Exit::Storage, "it exists");
    let shown = tool(&["obk", "inspect", &obk]).out;
    assert!(shown.contains("DoEncryption   1") && shown.contains("not shown"), "{shown}");
    let lint = |family, password: &str| {
        tool(&["obk", "lint", &obk, "--family", family, "--password-file", password])
    };
    assert!(lint("H573", &password).out.contains("the password opens it"));
    assert_eq!(lint("H562", &password).exit, Exit::Refused, "encryption");
    assert_eq!(lint("H573", &other).exit, Exit::Credential);
    assert_eq!(
        tool(&["obk", "lint", &obk, "--family", "H573", "--tzen", "on", "--password-file", &password]).exit,
        Exit::Refused
    );
    assert_eq!(tool(&["obk", "match", &obk, "--password-file", &password]).exit, Exit::Done);
    let wrong = tool(&["obk", "match", &obk, "--password-file", &other, "--format", "json"]);
    assert_eq!((wrong.exit, &json(&wrong)["matches"]), (Exit::Credential, &false.into()));
    for text in [&shown, &wrong.out, &wrong.err] {
        assert!(!text.contains("benchpass1") && !text.contains("otherpass2"));
    }
}

#[test]
fn a_credential_goes_in_in_provisioning_only_and_only_where_the_family_is_named() {
    let desk = Desk::of("h562");
    let password = desk.file("pw", b"benchpass1");
    let obk = desk.path("da.obk");
    desk.done(&["obk", "new", "--family", "H562", "--password-file", &password, "-o", &obk]);
    let open = desk.run(&["obk", "provision", &obk, "--family", "H562"]);
    assert_eq!(open.exit, Exit::Refused, "{}", open.err);
    desk.done(&["state", "set", "PROVISIONING"]);
    desk.done(&["reset"]);
    let unnamed = desk.run(&["obk", "provision", &obk]);
    assert_eq!(unnamed.exit, Exit::Usage, "{}", unnamed.err);
    assert!(unnamed.err.contains("STM32H573"), "{}", unnamed.err);
    let crypto = desk.run(&["obk", "provision", &obk, "--family", "H573"]);
    assert_eq!(crypto.exit, Exit::Refused, "{}", crypto.err);
    let other = desk.run(&["obk", "provision", &obk, "--family", "H533"]);
    assert_eq!(other.exit, Exit::WrongDevice, "{}", other.err);
    for route in ["direct", "rss-command", "rsslib"] {
        desk.done(&["obk", "provision", &obk, "--family", "H562", "--route", route]);
    }
}

#[test]
fn a_wrong_password_changes_nothing() {
    let desk = Desk::of("h562");
    let (_, obk) = desk.provisioning("h562");
    desk.done(&["obk", "provision", &obk, "--family", "H562"]);
    desk.done(&["reset"]);
    desk.done(&["state", "set", "CLOSED", "--family", "h562"]);
    let wrong = desk.file("wrong", b"wrongpass9");
    let refused = desk.run(&["da", "regress", "--password-file", &wrong]);
    assert_eq!(refused.exit, Exit::Authentication, "{}", refused.err);
    assert!(desk.done(&["da", "discover"]).contains("CLOSED"));
}

#[test]
fn flash_is_erased_programmed_verified_read_and_found_blank() {
    let desk = Desk::of("h562");
    let image = desk.file("fw.bin", &pattern(20_000));
    assert!(desk.done(&["flash", "blank"]).contains("is blank"));
    let first = desk.done(&["flash", "program", &image, "--at", "0x0800_2000"]);
    assert!(first.contains("3 sectors erased, programmed and read back"), "{first}");
    let again = desk.done(&["flash", "program", &image, "--at", "0x0800_2000"]);
    assert!(again.contains("3 of 3 sectors held their data already"), "{again}");
    assert!(desk.done(&["flash", "verify", &image, "--at", "0x0800_2000"]).contains("equal"));
    let out = desk.path("out.bin");
    desk.done(&["flash", "read", "0x0800_2000", "20000", "--out", &out]);
    assert_eq!(std::fs::read(&out).unwrap(), pattern(20_000));
    let blank = desk.run(&["flash", "blank", "0x0800_0000", "32k"]);
    assert_eq!(blank.exit, Exit::Verify, "{}", blank.err);
    assert!(blank.err.contains("0x0800_2000"), "{}", blank.err);
    assert!(desk.done(&["flash", "erase", "0x0800_2000", "16k"]).contains("2 sectors"));
    let differs = desk.run(&["flash", "verify", &image, "--at", "0x0800_2000"]);
    assert_eq!(differs.exit, Exit::Verify, "{}", differs.err);
    desk.done(&["flash", "erase", "--all"]);
    assert!(desk.done(&["flash", "blank"]).contains("is blank"));
}

#[test]
fn flash_that_does_not_fit_or_is_protected_is_told_before_or_by_its_flag() {
    let desk = Desk::of("h562");
    let image = desk.file("fw.bin", &pattern(100));
    let cases: [(&[&str], Exit); 6] = [
        (&["flash", "program", &image], Exit::Usage),
        (&["flash", "program", &image, "--at", "0x2000_0000"], Exit::Usage),
        (&["flash", "program", "/nowhere/fw.bin", "--at", "0x0800_0000"], Exit::Usage),
        (&["flash", "erase", "0x0800_0010", "8k"], Exit::Usage),
        (&["flash", "erase"], Exit::Usage),
        (&["flash", "read", "0x0900_0000", "16", "--out", "/nowhere/x"], Exit::Usage),
    ];
    for (args, exit) in cases {
        let done = desk.run(args);
        assert_eq!(done.exit, exit, "{args:?}: {}", done.err);
    }
    desk.done(&["ob", "write", "WRPSG1=0xFFFF_FFFE"]);
    let protected = desk.run(&["flash", "program", &image, "--at", "0x0800_0000"]);
    assert_eq!(protected.exit, Exit::FlashFlags, "{}", protected.err);
    assert!(protected.err.contains("WRPERR"), "{}", protected.err);
}

#[test]
fn a_dry_run_shows_the_accesses_and_leaves_the_board_as_it_is() {
    let desk = Desk::of("h562");
    let image = desk.file("fw.bin", &pattern(9000));
    desk.done(&["ob", "write", "BOR_LEV=1"]);
    let before = desk.board();
    let shown = desk.done(&["ob", "write", "BOR_LEV=2", "--dry-run"]);
    for text in ["* 32-bit write of 0x4002_200C (FLASH_OPTKEYR)", "OPTSTRT", "FLASH_OPTSR_PRG"] {
        assert!(shown.contains(text), "no {text} in\n{shown}");
    }
    let flash = desk.done(&["flash", "program", &image, "--at", "0x0800_0000", "--dry-run"]);
    assert!(flash.contains("FLASH_NSKEYR") && flash.contains("2048 words"), "{flash}");
    let mem = desk.done(&["mem", "write", "0x2000_0000", "1", "--dry-run"]);
    assert!(mem.contains("* 32-bit write of 0x2000_0000"), "{mem}");
    for args in [
        &["state", "set", "PROVISIONING", "--dry-run"][..],
        &["reset", "--dry-run"],
        &["core", "halt", "--dry-run"],
        &["flash", "erase", "--all", "--dry-run"],
        &["da", "discover", "--dry-run"],
        &["seq", "line-reset", "--dry-run"],
    ] {
        let done = desk.run(args);
        assert_eq!(done.exit, Exit::Done, "{args:?}: {}", done.err);
        assert!(done.err.contains("dry run"), "{args:?}: {}", done.err);
    }
    assert_eq!(desk.run(&["state", "set", "CLOSED", "--dry-run"]).exit, Exit::Refused);
    assert!(desk.board() == before, "the board changed");
    let all = json(&desk.run(&["ob", "write", "BOR_LEV=3", "--dry-run", "--format", "json"]));
    assert_eq!(all["schema"], "ackwait.dry-run/1");
}

#[test]
fn with_trust_zone_on_flash_is_worked_on_through_the_secure_side_and_passwords_are_refused() {
    let desk = Desk::of("h562");
    assert!(desk.done(&["ob", "write", "TZEN=on"]).contains("TZEN 0xC3 (off) -> 0xB4 (on)"));
    desk.done(&["reset"]);
    assert!(desk.done(&["status"]).contains("credentials are certificates"));
    let image = desk.file("fw.bin", &pattern(9000));
    desk.done(&["flash", "program", &image, "--at", "0x0C00_0000"]);
    assert!(desk.done(&["flash", "verify", &image, "--at", "0x0800_0000"]).contains("equal"));
    let (password, obk) = (desk.file("pw", b"benchpass1"), desk.path("da.obk"));
    desk.done(&["obk", "new", "--family", "H562", "--password-file", &password, "-o", &obk]);
    desk.done(&["state", "set", "PROVISIONING"]);
    desk.done(&["reset"]);
    let args = ["obk", "provision", &obk, "--family", "H562", "--password-file", &password];
    let refused = desk.run(&args);
    assert_eq!(refused.exit, Exit::Refused, "{}", refused.err);
    assert!(refused.err.contains("TrustZone"), "{}", refused.err);
}

#[test]
fn what_a_reset_left_of_an_option_change_is_told_and_repaired() {
    let desk = Desk::of("h562");
    desk.done(&["info"]);
    let cut = desk.with(",cut=busy:1:middle", &["ob", "write", "BOR_LEV=2"]);
    assert_ne!(cut.exit, Exit::Done, "{}", cut.out);
    let status = desk.done(&["status"]);
    assert!(status.contains("need a repair"), "{status}");
    assert!(desk.done(&["ob", "repair"]).contains("selectors are repaired"));
    assert!(!desk.done(&["status"]).contains("need a repair"));
}
