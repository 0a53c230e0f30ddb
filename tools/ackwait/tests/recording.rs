//! Recordings that the environment asks for.

use std::path::Path;
use std::process::Command;

fn info(folder: &Path, more: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_ackwait"))
        .args(["info", "--probe", "sim:h562"])
        .args(more)
        .env("ACKWAIT_TRACE", "all.pcapng")
        .current_dir(folder)
        .output()
        .expect("the tool runs");
    assert!(run.status.success(), "{run:?}");
    String::from_utf8(run.stderr).expect("text")
}

#[test]
fn a_recording_that_the_environment_names_replaces_none_and_one_on_the_command_line_does() {
    let dir = tempfile::tempdir().expect("a folder");
    let recorded = |name: &str| std::fs::metadata(dir.path().join(name)).map_or(0, |file| file.len());
    info(dir.path(), &[]);
    std::fs::write(dir.path().join("all.pcapng"), "kept").expect("written");
    let told = info(dir.path(), &[]);
    assert!(told.contains("all.pcapng is there already: recording to all-2.pcapng"), "{told}");
    assert_eq!(recorded("all.pcapng"), 4);
    assert!(recorded("all-2.pcapng") > 100);
    std::fs::write(dir.path().join("mine.pcapng"), "old").expect("written");
    assert!(!info(dir.path(), &["--trace", "mine.pcapng"]).contains("already"));
    assert!(recorded("mine.pcapng") > 100);
}
