use crate::export::{Format, Tool, Wanted, export, script};
use crate::script::{AP, Script, lines, st};
use crate::{Options, Secrets, Trace, open, open_with};
use regs::h5::{da, dbgmcu, memory};
use wire::Level;

/// Words that nothing else in a recording is like, and one that says nothing by itself.
const WORDS: [u32; 4] = [0x5EC2_E701, 0xA1B2_C3D4, 0x0BAD_CAFE, 0x0000_0102];

/// A recording of somebody who marks nothing: a secret in RAM, then in OBK storage, and read back; TAR once by itself; an
/// answer to the challenge of the debug authentication.
fn foreign() -> Vec<u8> {
    let mut script = Script::with(Secrets::Shown);
    script.ap1();
    for (n, word) in (0..).zip(WORDS) {
        script.poke(memory::OBK_S + 4 * n, word).peek(memory::OBK_S + 4 * n, word);
    }
    script.poke(0x2000_1000, WORDS[0]).peek(0x2000_1000, WORDS[0]);
    let refused = [&[0x05, 0, 1, AP | 0xC][..], &WORDS[3].to_le_bytes()].concat();
    script.write(AP, 4, memory::OBK).ask(&refused, &[0x05, 0, 2]).ask(&refused, &[0x05, 1, 1]);
    let host = dbgmcu::BASE + dbgmcu::DBG_AUTH_HOST;
    let response = u32::from(da::command::AUTH_RESPONSE) << da::CODE_SHIFT;
    for word in [da::MAGIC_HOST, response, 1, WORDS[1], 0] {
        script.poke(host, word);
    }
    let bytes = script.bytes();
    // Foreign tools write no such line.
    let line = crate::recorder::SHOWN.as_bytes();
    let at = bytes.windows(line.len()).position(|window| window == line).unwrap();
    [&bytes[..at], &vec![b' '; line.len()], &bytes[at + line.len()..]].concat()
}

fn clear() -> Options {
    Options { show_secrets: true, ..Options::default() }
}

fn exported(trace: &Trace, format: Format, level: Level) -> Vec<u8> {
    let mut out = Vec::new();
    export(trace, &Wanted { format, level, marks: true }, &mut out).unwrap();
    out
}

/// A word as people read it and as a packet holds it.
fn forms(word: u32) -> Vec<String> {
    let bytes: Vec<String> = word.to_le_bytes().iter().map(|byte| format!("{byte:02X}")).collect();
    vec![
        wire::Addr(word).to_string(),
        format!("{word:#010X}").replace("0X", "0x"),
        format!("0x{word:x}"),
        bytes.join(" "),
    ]
}

/// All that any view prints of a trace.
fn printed(trace: &Trace) -> Vec<String> {
    let mut all: Vec<String> = Level::ALL.iter().flat_map(|level| lines(trace, *level)).collect();
    for tool in [Tool::OpenOcd, Tool::PyOcd] {
        let mut out = Vec::new();
        script(trace, tool, &mut out).unwrap();
        all.push(String::from_utf8(out).unwrap());
    }
    for level in Level::ALL {
        for format in [Format::Jsonl, Format::Csv, Format::Perfetto] {
            all.push(String::from_utf8_lossy(&exported(trace, format, level)).into_owned());
        }
    }
    all
}

#[track_caller]
fn is_hidden(trace: &Trace) {
    for word in WORDS {
        for form in forms(word) {
            let shown: Vec<String> = printed(trace).into_iter().filter(|text| text.contains(&form)).collect();
            assert_eq!(shown, [""; 0], "{form}");
        }
    }
}

/// Of each word of the storage, how often its access is shown in clear.
fn shown(trace: &Trace) -> Vec<usize> {
    let all = lines(trace, Level::Access);
    let times = |word: u32| all.iter().filter(|line| line.contains(&wire::Addr(word).to_string())).count();
    WORDS.into_iter().map(times).collect()
}

#[test]
fn no_view_shows_what_nobody_marked_unless_it_is_asked_to() {
    let trace = open(&foreign()).unwrap();
    is_hidden(&trace);
    assert_eq!(shown(&open_with(&foreign(), &clear()).unwrap()), [4, 3, 2, 3]);
}

#[test]
fn what_is_not_secret_is_shown_as_before() {
    let (hidden, clear) = (open(&foreign()).unwrap(), open_with(&foreign(), &clear()).unwrap());
    for level in Level::ALL {
        let (hidden, clear) = (lines(&hidden, level), lines(&clear, level));
        assert_eq!(hidden.len(), clear.len(), "{level:?}");
        let veiled = |line: &str| line.contains("«secret»") || line.contains("··");
        let changed: Vec<_> = hidden.iter().zip(&clear).filter(|(a, b)| a != b && !veiled(a)).collect();
        assert_eq!(changed, [], "{level:?}");
    }
    let kept = lines(&hidden, Level::Access).iter().filter(|line| !line.contains("secret")).count();
    assert_eq!(kept, 4, "the mailbox is shown but for the answer: {:?}", lines(&hidden, Level::Access));
}

#[test]
fn pins_and_lists_hide_what_packets_hide() {
    let source = open_with(&foreign(), &clear()).unwrap();
    for format in [Format::Vcd, Format::Sr, Format::Pcapng] {
        let bare = exported(&source, format, Level::Transaction);
        let trace = open(&bare).unwrap();
        is_hidden(&trace);
        assert_eq!(shown(&open_with(&bare, &clear()).unwrap()), [4, 3, 2, 3], "{format:?}");
    }
}

#[test]
fn an_export_holds_masks_and_says_so_where_it_has_a_place() {
    for format in [Format::Vcd, Format::Sr, Format::Pcapng] {
        let file = exported(&open(&foreign()).unwrap(), format, Level::Transaction);
        let again = open_with(&file, &clear()).unwrap();
        assert_eq!(shown(&again), [0, 0, 0, 0], "{format:?}");
        assert_eq!(again.secrets() == Secrets::Masked, format == Format::Pcapng);
    }
}

#[test]
fn an_st_link_shows_no_secret_in_blocks_and_in_single_registers() {
    let mut script = Script::with(Secrets::Shown);
    let [a, b, c, d] = memory::OBK_S.to_le_bytes();
    let words: Vec<u8> = WORDS.iter().flat_map(|word| word.to_le_bytes()).collect();
    script.send(&st(&[0xF2, 0x08, a, b, c, d, 16, 0, 1])).send(&words);
    script.ask(&st(&[0xF2, 0x3E]), &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    script.ask(&st(&[0xF2, 0x36, a, b, c, d, 1]), &[&[0x80, 0, 0, 0][..], &words[..4]].concat());
    script.ask(&st(&[&[0xF2, 0x35, a, b, c, d][..], &words[12..], &[1]].concat()), &[0x80, 0]);
    is_hidden(&open(&script.bytes()).unwrap());
    assert_eq!(shown(&open_with(&script.bytes(), &clear()).unwrap()).iter().sum::<usize>(), 3);
}

#[test]
fn what_a_recorder_marked_is_shown_where_it_is_asked_for_and_held_in_clear() {
    let with = |secrets| {
        let mut script = Script::with(secrets);
        let request = [&[0x05, 0, 1, AP | 0xC][..], &WORDS[0].to_le_bytes()].concat();
        script.ap1().write(AP, 4, 0x2000_0000);
        script.send_secret(&request, &wire::Secret(std::iter::once(4..8).collect())).receive(&[0x05, 1, 1]);
        script.bytes()
    };
    is_hidden(&open(&with(Secrets::Shown)).unwrap());
    assert_eq!(shown(&open_with(&with(Secrets::Shown), &clear()).unwrap())[0], 1);
    let masked = open_with(&with(Secrets::Masked), &clear()).unwrap();
    assert!(lines(&masked, Level::Access)[0].contains("«secret»"), "a mask is no value");
}

#[test]
fn foreign_secrets_are_compared_and_not_shown() {
    use crate::diff::{Equality, diff};
    let other = {
        let mut bytes = foreign();
        let word = WORDS[2].to_le_bytes();
        let places: Vec<usize> = (0..bytes.len() - 4).filter(|at| bytes[*at..*at + 4] == word).collect();
        places.into_iter().for_each(|at| bytes[at..at + 4].copy_from_slice(&0x1357_9BDF_u32.to_le_bytes()));
        bytes
    };
    let (a, b) = (open(&foreign()).unwrap(), open(&other).unwrap());
    let found = diff(&a, &b, Equality::Accesses).unwrap();
    assert_eq!((found.hunks.len(), found.unseen.is_empty()), (1, true));
    let texts: Vec<String> = found.a.iter().map(|item| item.text(&a, found.level)).collect();
    assert!(forms(WORDS[2]).iter().all(|form| !texts.iter().any(|text| text.contains(form))), "{texts:?}");
    let [crate::diff::Row::Changed(n, m)] = found.hunks[0].rows[..] else { panic!("{:?}", found.hunks) };
    assert_eq!(found.differing_secret(n, m), Some(4));
}
