//! The README's transcripts: each command is run, and what stands below it must be among what it prints, in that order.

#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A transcript begins with naming its board.
const BEGINS: &str = "```\n$ export ACKWAIT_PROBE=";

fn transcripts() -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(readme).expect("the README");
    let blocks = text.split(BEGINS).skip(1);
    blocks
        .map(|rest| format!("$ export ACKWAIT_PROBE={}", rest.split("```").next().expect("its end")))
        .collect()
}

/// Runs commands in a folder where `ackwait` is the tool of this build; standard output, then standard error.
struct Shell {
    folder: PathBuf,
    probe: String,
}

impl Shell {
    fn answer(&self, command: &str) -> Vec<String> {
        let tool = Path::new(env!("CARGO_BIN_EXE_ackwait")).parent().expect("a folder");
        let path = format!("{}:{}", tool.display(), std::env::var("PATH").expect("a path"));
        let run = Command::new("sh")
            .args(["-c", command])
            .current_dir(&self.folder)
            .env("PATH", path)
            .env("ACKWAIT_PROBE", &self.probe)
            .output()
            .expect("a shell");
        let text = String::from_utf8([run.stderr, run.stdout].concat()).expect("text");
        text.lines().map(ToOwned::to_owned).collect()
    }
}

/// The line as it is written, or, where it ends in dots, its beginning.
fn is_as_written(written: &str, line: &str) -> bool {
    match written.strip_suffix("...") {
        Some(beginning) => line.starts_with(beginning),
        None => line == written,
    }
}

fn check(transcript: &str, folder: &Path) {
    let mut shell = Shell { folder: folder.to_owned(), probe: String::new() };
    let mut answer = Vec::new().into_iter();
    let mut command = "";
    for written in transcript.lines() {
        if let Some(probe) = written.strip_prefix("$ export ACKWAIT_PROBE=") {
            probe.clone_into(&mut shell.probe);
        } else if let Some(next) = written.strip_prefix("$ ") {
            command = next;
            answer = shell.answer(command).into_iter();
        } else if written != "..." {
            assert!(
                answer.any(|line| is_as_written(written, &line)),
                "`{command}` does not print this line any more:\n{written}\nbut:\n{}",
                shell.answer(command).join("\n")
            );
        }
    }
}

#[test]
fn the_transcripts_of_the_readme_are_what_the_commands_print() {
    let all = transcripts();
    assert_eq!(all.len(), 3, "a life, certificates, and a hunt");
    for transcript in all {
        if transcript.contains("openssl") && Command::new("openssl").arg("version").output().is_err() {
            println!("skipped: openssl is not installed");
            continue;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let password = folder.path().join("pw");
        fs::write(&password, "benchpass1\n").expect("a password");
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).expect("its mode");
        fs::write(folder.path().join("fw.bin"), [0x5A; 20_000]).expect("a program");
        check(&transcript, folder.path());
    }
}
