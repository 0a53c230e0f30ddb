//! What `diff` says of values that it must not show, and of those that it could not compare.

use super::compared;
use std::time::Duration;
use trace::{ClockKind, Header, Recorder, Secrets};
use wire::{Record, Secret, Sink, TransferKind};

/// A block of sixteen words, each with this value, marked as a secret.
fn secret_block(value: u8, secrets: Secrets) -> Vec<u8> {
    let header = Header::new("test", "1.0", ClockKind::Virtual);
    let mut recorder = Recorder::in_memory(&header, secrets).unwrap();
    let set_up = [5, 0, 3, 8, 0, 0, 0, 1, 1, 0x12, 0, 0, 0x23, 5, 0, 0, 0, 0x20];
    super::exchange(&mut recorder, 1, 0, &set_up, &[5, 3, 1]);
    let words = [&[6, 0, 16, 0, 0xD][..], &[value; 64]].concat();
    let (at, kind, length) = (Duration::from_micros(200), TransferKind::Bulk, words.len());
    let secret = &Secret(std::iter::once(5..69).collect());
    recorder.record(Record::Submit {
        at,
        urb: 2,
        endpoint: 4,
        kind,
        setup: None,
        length,
        data: &words,
        secret,
    });
    let (data, secret) = (&[6, 16, 0, 1][..], &Secret::NONE);
    let at = Duration::from_micros(300);
    recorder.record(Record::Complete {
        at,
        urb: 3,
        endpoint: 0x85,
        kind,
        status: 0,
        length: 4,
        data,
        secret,
    });
    recorder.into_bytes()
}

const FORMS: [&str; 4] = ["text", "unified", "json", "html"];

#[test]
fn secrets_in_clear_that_differ_are_told_with_their_length_in_every_form() {
    let (one, other) = (secret_block(0xA5, Secrets::Shown), secret_block(0x5A, Secrets::Shown));
    for form in FORMS {
        let (code, out, _) = compared(&one, &other, &["--format", form]);
        assert_eq!(code, 1, "{form}: {out}");
        assert!(out.contains("secrets differ, "), "{form}: {out}");
        let shown = out.to_uppercase();
        assert!(!shown.contains("A5A5") && !shown.contains("5A5A"), "{form}: {out}");
    }
    let (_, out, _) = compared(&one, &other, &["--width", "200"]);
    let line = out.lines().find(|line| line.starts_with("! ")).unwrap();
    assert_eq!(
        line.matches("write, 64 bytes, first «secret» (secrets differ, 64 bytes)").count(),
        2,
        "{out}"
    );
    let (code, out, _) = compared(&one, &one, &[]);
    assert_eq!(code, 0);
    assert!(out.ends_with("\nthe same\n") && !out.contains("masked as secrets"), "{out}");
}

#[test]
fn values_that_were_not_compared_are_counted_in_every_form() {
    let (one, other) = (secret_block(0xA5, Secrets::Masked), secret_block(0x5A, Secrets::Shown));
    let told = "16 written values are masked as secrets in one of the recordings at least";
    for form in FORMS {
        let (code, out, err) = compared(&one, &other, &["--format", form]);
        assert_eq!(code, 0, "{form}: {out}");
        if form == "json" {
            let value: serde_json::Value = serde_json::from_str(&out).unwrap();
            assert_eq!(value["not_compared"]["written"]["masked"], 16);
        } else {
            assert!(out.contains(told) || err.contains(told), "{form}: {out}{err}");
        }
    }
    let (_, out, _) = compared(&one, &other, &[]);
    assert!(out.ends_with("the same, as far as both show it\n"), "{out}");
}

/// What nobody marked, to OBK storage: as usbmon records it.
fn unmarked(value: u8) -> Vec<u8> {
    let mut monitored =
        Recorder::in_memory(&Header::new("test", "1.0", ClockKind::Real), Secrets::Shown).unwrap();
    let set_up = [5, 0, 3, 8, 0, 0, 0, 1, 1, 0x12, 0, 0, 0x23, 5, 0, 1, 0xFD, 0x0F];
    super::exchange(&mut monitored, 1, 0, &set_up, &[5, 3, 1]);
    let word = [&[5, 0, 1, 0xD][..], &[0x11, 0x22, 0x33, value]].concat();
    super::exchange(&mut monitored, 2, 200, &word, &[5, 1, 1]);
    monitored.into_bytes()
}

#[test]
fn what_nobody_marked_is_shown_by_no_command_that_is_not_asked_to() {
    let (one, other) = (unmarked(0xA5), unmarked(0x5A));
    let told = |text: &str| {
        ["A533_2211", "A5332211", "11 22 33 A5"].iter().any(|form| text.to_uppercase().contains(form))
    };
    for form in FORMS {
        let (code, out, _) = compared(&one, &other, &["--format", form]);
        assert!(code == 1 && out.contains("secrets differ, 4 bytes") && !told(&out), "{form}: {out}");
        let (_, out, _) = compared(&one, &other, &["--format", form, "--show-secrets"]);
        assert!(told(&out), "{form}: {out}");
    }
    for level in ["0", "1", "2", "3", "4", "5"] {
        for form in ["text", "jsonl"] {
            let show = |more: &[&str]| {
                super::on(&one, &[&["show", "--level", level, "--format", form], more].concat()).1
            };
            assert!(!told(&show(&[])), "{level}: {}", show(&[]));
            // A list of commands says how many words there are, and not which.
            assert!(
                level == "1" || level == "5" || told(&show(&["--show-secrets"])),
                "{level}: {}",
                show(&["--show-secrets"])
            );
        }
    }
    for command in [&["stat"][..], &["lint"], &["replay", "--as", "openocd"], &["export", "--to", "csv"]] {
        assert!(!told(&super::on(&one, command).1), "{command:?}");
    }
    let (_, script, _) = super::on(&one, &["replay", "--as", "openocd", "--show-secrets"]);
    assert!(script.contains("0xa5332211"), "{script}");
}
