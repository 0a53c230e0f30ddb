//! The README's transcript: each command in it is run, and what it prints is compared line by line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const BEGINS: &str = "<!-- transcript begins -->\n```console\n";
const ENDS: &str = "```\n<!-- transcript ends -->";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace root").to_path_buf()
}

/// What `| grep 'TEXT'` or `| sed -n '/A/,/B/p'` leaves.
fn filtered(text: &str, filter: &str) -> String {
    let quoted = filter.split('\'').nth(1).expect("a quoted pattern");
    let mut inside = false;
    let range = quoted.strip_prefix('/').and_then(|q| q.strip_suffix("/p")).and_then(|q| q.split_once("/,/"));
    let kept = text.lines().filter(|line| match range {
        None => line.contains(quoted),
        Some((from, to)) => {
            let ends = inside && line.contains(to);
            let shown = inside || line.contains(from);
            inside = shown && !ends;
            shown
        }
    });
    kept.map(|line| format!("{line}\n")).collect()
}

/// Runs one command of the transcript in this folder.
fn answer(command: &str, folder: &Path) -> String {
    let (command, filter) = command.split_once(" | ").map_or((command, None), |(c, f)| (c, Some(f)));
    let (command, errors) = command.strip_suffix(" 2>&1").map_or((command, false), |c| (c, true));
    let mut words = command.split_whitespace();
    let text = match words.next() {
        Some("h5-provision") => {
            let run = Command::new(env!("CARGO_BIN_EXE_h5-provision"))
                .args(words)
                .current_dir(folder)
                .env("XDG_STATE_HOME", folder.join("state"))
                .output()
                .expect("it runs");
            let kept = if errors { [run.stdout, run.stderr].concat() } else { run.stdout };
            String::from_utf8(kept).expect("text")
        }
        tool => {
            assert_eq!(tool, Some("swdtrace"), "the transcript may run these two tools only");
            let words: Vec<_> =
                words.map(|w| if w.ends_with(".pcapng") { path(folder, w) } else { w.into() }).collect();
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let args = ["swdtrace".to_owned()].into_iter().chain(words);
            assert_eq!(swdtrace::run(args, &mut out, &mut err), 0, "{}", String::from_utf8_lossy(&err));
            String::from_utf8(out).expect("text")
        }
    };
    filter.map_or(text.clone(), |filter| filtered(&text, filter))
}

fn path(folder: &Path, file: &str) -> String {
    folder.join(file).to_string_lossy().into_owned()
}

#[test]
fn the_transcript_of_the_readme_is_what_the_commands_print() {
    let folder = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink(root().join("tools"), folder.path().join("tools")).expect("a link");
    let readme = root().join("README.md");
    let text = fs::read_to_string(&readme).expect("the README");
    let (before, rest) = text.split_once(BEGINS).expect("a transcript");
    let (written, after) = rest.split_once(ENDS).expect("its end");
    let mut real = String::new();
    for command in written.lines().filter_map(|line| line.strip_prefix("$ ")) {
        real += &format!("$ {command}\n{}", answer(command, folder.path()));
    }
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(&readme, format!("{before}{BEGINS}{real}{ENDS}{after}")).expect("written");
        return;
    }
    for (n, (written, real)) in written.lines().zip(real.lines()).enumerate() {
        assert_eq!(written, real, "line {} of the transcript", n + 1);
    }
    assert_eq!(written.lines().count(), real.lines().count());
    assert!(real.lines().count() > 30, "that is not much of a transcript:\n{real}");
}

#[test]
fn the_readme_names_the_two_commands_that_the_transcript_and_the_checks_run() {
    let text = fs::read_to_string(root().join("README.md")).expect("the README");
    let command =
        text.lines().find(|l| l.starts_with("cargo run --release --bin h5-provision -- ")).expect("it");
    let shown = command.replace("cargo run --release --bin h5-provision -- ", "$ h5-provision ");
    assert!(text.lines().any(|line| line == shown), "the transcript does not show `{shown}`");
    let checks = fs::read_to_string(root().join(".ci/run")).expect("the checks");
    assert!(text.contains("cargo test --workspace") && checks.contains("cargo test --workspace"));
}

#[test]
fn the_job_and_the_steps_of_the_tools_readme_are_those_of_the_tool() {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("the README");
    let job = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a job");
    let job = provision::Job::parse(job, Path::new("job.toml")).expect("a job that is taken");
    assert!(job.production && job.require_nrst && job.steps.contains_key(&provision::Step::Obk));
    let steps = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let real: Vec<_> =
        provision::Step::RUN.iter().map(|step| step.name()).filter(|s| *s != "record").collect();
    assert_eq!(steps.collect::<Vec<_>>(), real);
}
