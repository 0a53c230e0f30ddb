//! The notes as data against the notes as prose, and every citation in this crate against both.

use regs::h5::{dbgmcu, flash, icache, option::OPTION_BYTES, pwr, rcc, sbs, state, usb};
use regs::{Confidence, ap, dp, m33, note};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One note as it stands in a Markdown file.
#[derive(Debug, PartialEq, Eq)]
struct Prose {
    claim: String,
    confidence: String,
    check: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vendor-notes")
}

fn prose() -> BTreeMap<String, Prose> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder()).expect("vendor-notes is beside the crates") {
        let path = entry.expect("a folder entry").path();
        let is_topic =
            path.extension().is_some_and(|e| e == "md") && path.file_stem().is_some_and(|s| s != "README");
        if is_topic {
            read_topic(&path, &mut all);
        }
    }
    all
}

fn read_topic(path: &Path, all: &mut BTreeMap<String, Prose>) {
    let text = std::fs::read_to_string(path).expect("a readable topic");
    let file = path.display();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(heading) = line.strip_prefix("### ") else { continue };
        let split = heading.split_once(" · ");
        assert!(split.is_some(), "{file}: {heading}: no claim");
        let (id, claim) = split.unwrap_or_default();
        let mut labelled = |label: &str| {
            let line = lines.next().unwrap_or_default();
            let value = line.strip_prefix(label).map(str::trim).unwrap_or_default();
            assert!(!value.is_empty(), "{file}: {id}: no `{label}`");
            value.to_owned()
        };
        let confidence = labelled("Confidence:");
        labelled("Source:");
        let check = labelled("Check:");
        let before = all.insert(id.to_owned(), Prose { claim: claim.to_owned(), confidence, check });
        assert_eq!(before, None, "{id} stands twice");
    }
}

#[test]
fn prose_and_data_say_the_same_in_both_directions() {
    let mut prose = prose();
    for note in note::NOTES {
        let found = prose.remove(note.id.0).unwrap_or_else(|| panic!("{} has no heading", note.id));
        let data = Prose {
            claim: note.claim.to_owned(),
            confidence: note.confidence.word().to_owned(),
            check: note.check.to_owned(),
        };
        assert_eq!(found, data, "{}", note.id);
    }
    let left: Vec<_> = prose.keys().collect();
    assert!(left.is_empty(), "headings without data: {left:?}");
}

#[test]
fn ids_are_unique_and_can_be_found() {
    let ids: BTreeSet<_> = note::NOTES.iter().map(|n| n.id).collect();
    assert_eq!(ids.len(), note::NOTES.len());
    assert_eq!(note::find("H5-FLASH-2").map(|n| n.confidence), Some(Confidence::Svd));
    assert_eq!(note::find("H5-FLASH-999"), None);
}

#[test]
fn confidence_words_read_back() {
    for note in note::NOTES {
        assert_eq!(Confidence::from_word(note.confidence.word()), Some(note.confidence));
    }
    assert_eq!(Confidence::from_word("certain"), None);
}

#[test]
fn the_table_of_files_in_the_readme_names_every_topic() {
    let readme = std::fs::read_to_string(folder().join("README.md")).expect("a README");
    for entry in std::fs::read_dir(folder()).expect("vendor-notes is beside the crates") {
        let name = entry.expect("a folder entry").file_name().to_string_lossy().into_owned();
        assert!(name == "README.md" || readme.contains(&format!("`{name}`")), "{name} is not in the README");
    }
}

#[test]
fn every_table_row_cites_a_note_that_exists() {
    let tables = [
        dp::REGISTERS,
        ap::REGISTERS,
        m33::REGISTERS,
        flash::REGISTERS,
        sbs::REGISTERS,
        dbgmcu::REGISTERS,
        rcc::REGISTERS,
        usb::REGISTERS,
        pwr::REGISTERS,
        icache::REGISTERS,
    ];
    let registers = tables.into_iter().flatten().map(|r| (r.name, r.note));
    let options = OPTION_BYTES.iter().map(|o| (o.name, o.note));
    let moves = state::MOVES.iter().map(|m| ("move", m.note));
    for (name, id) in registers.chain(options).chain(moves) {
        assert!(note::find(id).is_some(), "{name} cites {id}");
    }
}

/// `[H5-FLASH-3]` -> `H5-FLASH-3`; other things in brackets are passed over.
fn citations(text: &str) -> Vec<&str> {
    let is_id = |s: &str| {
        let (head, number) = s.rsplit_once('-').unwrap_or(("", ""));
        !head.is_empty()
            && head.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
            && head.starts_with(|c: char| c.is_ascii_uppercase())
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
    };
    text.split('[')
        .skip(1)
        .filter_map(|rest| rest.split_once(']'))
        .map(|(id, _)| id)
        .filter(|id| is_id(id))
        .collect()
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a source folder") {
        let path = entry.expect("a folder entry").path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn every_citation_in_this_crate_exists() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut count = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a readable source");
        for id in citations(&text) {
            assert!(note::find(id).is_some(), "{} cites {id}", file.display());
            count += 1;
        }
    }
    assert!(count > 50, "only {count} citations found: the search is broken");
}

#[test]
fn citations_are_told_from_other_brackets() {
    assert_eq!(citations("a [H5-OB-3] b [`x`] [0x12-3] [ADI-1] [UTF-8"), ["H5-OB-3", "ADI-1"]);
}
