//! What a file seems to be that no reader takes, so that whoever gave it knows what to do.

/// What is read, for messages.
pub(crate) const READ: &str = "read are pcapng and pcap (usbmon, USBPcap, macOS), sigrok .sr, VCD, CSV of sigrok and Saleae, a folder of \
                               Saleae's digital_N.bin, and logs of OpenOCD, pyOCD, probe-rs, STM32CubeProgrammer and J-Link";

/// Bytes of an unknown file that are shown.
const SHOWN: usize = 8;
/// Letters of an unknown text that are shown.
const LETTERS: usize = 40;

/// Beginnings of files that somebody may hand us, and what they are.
const KNOWN: [(&[u8], &str); 12] = [
    (b"\x1F\x8B", "it is compressed by gzip: unpack it first (gunzip)"),
    (b"\x28\xB5\x2F\xFD", "it is compressed by zstd: unpack it first (unzstd)"),
    (b"\xFD7zXZ", "it is compressed by xz: unpack it first (unxz)"),
    (b"BZh", "it is compressed by bzip2: unpack it first (bunzip2)"),
    (b"7z\xBC\xAF", "it is a 7z archive: unpack it first"),
    (b"\x7FELF", "it is a program (ELF)"),
    (b"MZ", "it is a program (Windows)"),
    (b"%PDF", "it is a PDF document"),
    (b"\x89PNG", "it is a picture (PNG)"),
    (b"<!DOCTYPE", "it is an HTML page"),
    (b"t_ns,until_ns,", "it is an export as CSV, which is not read again: export as pcapng for that"),
    (b":10", "it looks like an Intel HEX file"),
];

/// What a file seems to be that begins so.
pub(crate) fn describe(head: &[u8]) -> String {
    let known = KNOWN.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, what)| (*what).to_owned());
    let what = known.or_else(|| exported(head)).unwrap_or_else(|| match text(head) {
        _ if head.is_empty() => "it is empty".to_owned(),
        Some(text) => format!("it is text that begins with {text:?}"),
        None => {
            let bytes: Vec<String> = head.iter().take(SHOWN).map(|byte| format!("{byte:02X}")).collect();
            format!("it begins with the bytes {}", bytes.join(" "))
        }
    });
    format!("{what}; {READ}")
}

/// Our own JSON Lines.
fn exported(head: &[u8]) -> Option<String> {
    let line = String::from_utf8_lossy(head.get(..head.len().min(4096))?).lines().next()?.to_owned();
    let ours = line.starts_with('{') && line.contains("\"kind\":\"trace\"");
    ours.then(|| {
        "it is an export as JSON Lines, which is not read again: export as pcapng for that".to_owned()
    })
}

/// The first letters of a text.
fn text(head: &[u8]) -> Option<String> {
    let head = head.get(..head.len().min(4 * LETTERS))?;
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The head may end within a letter.
        Err(e) => std::str::from_utf8(head.get(..e.valid_up_to())?).ok()?,
    };
    let plain = |c: char| !c.is_control() || c.is_ascii_whitespace();
    let whole = valid.len() + 4 > head.len() && !valid.is_empty() && valid.chars().all(plain);
    whole.then(|| valid.lines().next().unwrap_or_default().chars().take(LETTERS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_file_is_told_by_what_it_begins_with() {
        let told = |head: &[u8]| describe(head).split("; ").next().unwrap().to_owned();
        assert_eq!(told(b""), "it is empty");
        assert_eq!(told(b"no recording"), "it is text that begins with \"no recording\"");
        assert_eq!(told("läuft\nweiter".as_bytes()), "it is text that begins with \"läuft\"");
        assert_eq!(told(&[0, 1, 2, 0xFE]), "it begins with the bytes 00 01 02 FE");
        assert!(told(b"\x1F\x8B\x08").contains("gunzip"));
        assert!(told(b"{\"comment\":\"\",\"kind\":\"trace\",\"level\":4}\n").contains("export as pcapng"));
        assert!(told(b"t_ns,until_ns,level,kind\r\n").contains("export as pcapng"));
        assert!(describe(b"x").ends_with(READ));
    }
}
