//! Tests of the house itself: the arrows between the layers, the notes that the code cites, the length of files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace root").to_path_buf()
}

/// The layers, left to right. A crate may name only crates that stand left of its own layer.
const LAYERS: &[&[&str]] = &[
    &["wire", "regs", "pace"],
    &["cmsis-dap", "stlink", "adi"],
    &["probe", "h5", "trace", "sim", "usbip"],
    &["session"],
    &["provision", "hunt"],
    &["ackwait", "h5-provision", "swdtrace", "simprobe", "tests"],
];

/// Arrows that the order of layers would allow and that are forbidden all the same.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("sim", "adi", "the simulator never names the driver"),
    ("usbip", "adi", "the exporter never names the driver"),
    ("trace", "adi", "a trace is derived from what was recorded, not from what the driver thinks"),
    ("provision", "sim", "a job runs on any probe"),
    ("hunt", "sim", "the experiment sees only the probe"),
    ("provision", "probe", "a job reaches the probe through the session"),
    ("h5-provision", "sim", "the production binary names no probe; the session does"),
    ("h5-provision", "probe", "the production binary names no probe; the session does"),
];

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

/// What each workspace member names in its own dependencies (tests may name more).
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let mut arrows = BTreeMap::new();
    for folder in ["crates", "tools"] {
        for entry in fs::read_dir(root().join(folder)).expect("a folder of crates") {
            let path = entry.expect("an entry").path();
            let manifest = fs::read_to_string(path.join("Cargo.toml")).expect("a manifest");
            let manifest: toml::Table = manifest.parse().expect("TOML");
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let named = manifest.get("dependencies").and_then(|d| d.as_table()).into_iter().flatten();
            let named = named.map(|(dependency, _)| dependency.clone()).filter(|d| layer(d).is_some());
            arrows.insert(name, named.collect());
        }
    }
    arrows
}

#[test]
fn every_arrow_points_left() {
    let arrows = arrows();
    assert!(arrows.len() >= 10, "the manifests were not found");
    let mut wrong = Vec::new();
    for (from, to) in arrows.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to))) {
        let (Some(here), Some(there)) = (layer(from), layer(to)) else {
            panic!("{from} is in no layer: add it to LAYERS");
        };
        if there >= here {
            wrong.push(format!("{from} names {to}, which does not stand left of it"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_forbidden_arrows_are_not_there() {
    let arrows = arrows();
    for (from, to, why) in FORBIDDEN {
        if let Some(named) = arrows.get(*from) {
            assert!(!named.contains(*to), "{from} names {to}: {why}");
        }
    }
}

#[test]
fn only_the_probe_crate_may_name_the_usb_libraries() {
    for folder in ["crates", "tools"] {
        for entry in fs::read_dir(root().join(folder)).expect("a folder of crates") {
            let path = entry.expect("an entry").path();
            if path.ends_with("probe") {
                continue;
            }
            let manifest = fs::read_to_string(path.join("Cargo.toml")).expect("a manifest");
            for library in ["rusb", "hidapi"] {
                assert!(!manifest.contains(library), "{} names {library}", path.display());
            }
        }
    }
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("target") {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn all_rust_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["crates", "tools", "tests"] {
        rust_files(&root().join(folder), &mut found);
    }
    found
}

/// Whether a word in brackets looks like a note id: capital letters and digits, dashes, a number at the end.
fn is_note_id(word: &str) -> bool {
    let Some((topic, number)) = word.rsplit_once('-') else { return false };
    let topic_fits = topic.starts_with(|c: char| c.is_ascii_uppercase())
        && topic.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-');
    topic_fits
        && number.starts_with(|c: char| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_alphanumeric())
}

fn cited(text: &str) -> impl Iterator<Item = &str> {
    text.split('[').skip(1).filter_map(|rest| rest.split(']').next()).filter(|word| is_note_id(word))
}

fn noted() -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for entry in fs::read_dir(root().join("vendor-notes")).expect("vendor-notes") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("text");
        for heading in text.lines().filter_map(|line| line.strip_prefix("### ")) {
            let id = heading.split_whitespace().next().expect("an id").to_owned();
            assert!(is_note_id(&id), "`{heading}` does not begin with a note id");
            assert!(ids.insert(id.clone()), "{id} stands twice");
        }
    }
    ids
}

#[test]
fn every_note_that_the_code_cites_exists() {
    let noted = noted();
    let mut citations = 0;
    let mut missing = Vec::new();
    for file in all_rust_files() {
        let text = fs::read_to_string(&file).expect("text");
        for id in cited(&text) {
            citations += 1;
            if !noted.contains(id) {
                missing.push(format!("{} cites [{id}]", file.display()));
            }
        }
    }
    assert!(citations > 100, "only {citations} citations were found: is the search broken?");
    assert!(missing.is_empty(), "not in vendor-notes/:\n{}", missing.join("\n"));
}

#[test]
fn the_search_for_citations_finds_what_it_should_and_nothing_else() {
    let found: Vec<_> = cited("a [H5-OB-3] b [x] [ADI-1](y) `[0x10]` [u8] [H5-TIMEOUT-16] [A-b]").collect();
    assert_eq!(found, ["H5-OB-3", "ADI-1", "H5-TIMEOUT-16"]);
}

#[test]
fn every_note_says_confidence_source_and_how_to_check_it() {
    const CONFIDENCE: &[&str] =
        &["verified", "svd", "employee", "user", "third-party", "inferred", "memory", "guess"];
    let mut notes = 0;
    for entry in fs::read_dir(root().join("vendor-notes")).expect("vendor-notes") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("text");
        for note in text.split("\n### ").skip(1) {
            let id = note.split_whitespace().next().unwrap_or_default();
            let value = |key: &str| {
                note.lines().find_map(|line| line.strip_prefix(key)).map(str::trim).filter(|v| !v.is_empty())
            };
            let confidence = value("Confidence:").unwrap_or_else(|| panic!("{id} has no confidence"));
            let word = confidence.split([' ', ',', ';', '(']).next().unwrap_or_default();
            assert!(CONFIDENCE.contains(&word), "{id}: `{confidence}` is no confidence");
            assert!(value("Source:").is_some(), "{id} has no source");
            assert!(value("Check:").is_some(), "{id} does not say how to check it");
            notes += 1;
        }
    }
    assert!(notes > 60, "only {notes} notes");
}

#[test]
fn no_file_is_longer_than_600_lines_unless_it_is_a_table() {
    let long: Vec<_> = all_rust_files()
        .into_iter()
        .filter(|file| {
            let text = fs::read_to_string(file).expect("text");
            text.lines().count() > 600 && !text.contains("//! Table")
        })
        .collect();
    assert!(long.is_empty(), "split these: {long:?}");
}

#[test]
fn time_is_read_and_spent_in_pace_only() {
    // clippy's disallowed-methods says so with a reason; this holds for whoever does not run clippy.
    let words: Vec<String> = ["Instant::", "SystemTime::", "thread::"]
        .iter()
        .zip(["now(", "now(", "sleep("])
        .map(|(a, b)| format!("{a}{b}"))
        .collect();
    for file in all_rust_files().into_iter().filter(|file| !file.starts_with(root().join("crates/pace"))) {
        let text = fs::read_to_string(&file).expect("text");
        for word in &words {
            assert!(!text.contains(word), "{} uses {word})", file.display());
        }
    }
}
