//! What people and programs are shown of a discovery and of a provisioning file: the same words in every tool, no secrets.

use crate::text::hex;
use h5::da::{Certificate, Chain, Place};
use h5::obk::{Finding, ObkFile, Severity};
use h5::{Credential, Discovery};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;

/// A word and a text.
pub type Line = (&'static str, String);

fn or_untold<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "not told".to_owned(), |v| v.to_string())
}

/// A discovery for a person.
pub fn discovery_lines(said: &Discovery) -> Vec<Line> {
    let takes = said.takes_password.map(|p| if p { "a password" } else { "certificates" });
    let class = said.soc_class.map(|c| format!("0x{c:03X}"));
    vec![
        ("SOC_ID", hex(&said.soc_id)),
        ("class", or_untold(class)),
        ("lifecycle", or_untold(said.lifecycle)),
        ("integrity", said.integrity.to_string()),
        ("permissions", said.permissions.to_string()),
        ("takes", or_untold(takes)),
        ("protocol", or_untold(said.protocol_version.as_deref())),
        ("ROM", or_untold(said.sda_version.as_deref())),
    ]
}

/// A discovery for a program.
pub fn discovery_json(said: &Discovery) -> Value {
    json!({
        "soc_id": hex(&said.soc_id),
        "soc_class": said.soc_class,
        "lifecycle": said.lifecycle.map(|s| s.to_string()),
        "integrity": format!("0x{:08X}", said.integrity.0),
        "permissions": format!("0x{:X}", said.permissions.0),
        "permission_names": said.permissions.names().collect::<Vec<_>>(),
        "takes_password": said.takes_password,
        "protocol_version": said.protocol_version,
        "sda_version": said.sda_version,
    })
}

fn integrity(file: &ObkFile) -> &'static str {
    match file.integrity_holds() {
        Some(true) => "holds",
        Some(false) => "does not hold",
        None => "none",
    }
}

/// A provisioning file for a person.
pub fn obk_lines(file: &ObkFile) -> Vec<Line> {
    let known = file.known_destination().map_or("unknown", |d| d.name);
    let mut lines = vec![
        ("destination", format!("{} ({known})", file.destination())),
        ("payload", format!("{} bytes", file.payload_len())),
        ("DoEncryption", file.do_encryption().to_string()),
        ("integrity", integrity(file).to_owned()),
    ];
    if let Some(permissions) = file.permissions() {
        lines.push(("permissions", permissions.to_string()));
        lines.push(("credential", file.public_sample().unwrap_or("not shown").to_owned()));
    }
    lines.push(("file SHA-256", hex(&file.fingerprint())));
    lines
}

/// A provisioning file for a program.
pub fn obk_json(file: &ObkFile) -> Value {
    json!({
        "destination": file.destination().to_string(),
        "destination_name": file.known_destination().map(|d| d.name),
        "payload_bytes": file.payload_len(),
        "do_encryption": file.do_encryption(),
        "integrity": integrity(file),
        "permissions": file.permissions().map(|p| format!("0x{:X}", p.0)),
        "public_sample": file.public_sample(),
        "sha256": hex(&file.fingerprint()),
    })
}

/// A finding for a program.
pub fn finding_json(finding: &Finding) -> Value {
    let severity = if finding.severity == Severity::Refuse { "refuse" } else { "warn" };
    json!({ "severity": severity, "rule": finding.rule.word(), "text": finding.text })
}

/// A chain of certificates for a person, one line each.
pub fn chain_lines(chain: &Chain) -> Vec<String> {
    let line = |(place, certificate): (Place, &Certificate)| {
        let class = match certificate.soc_class {
            0 => "any part".to_owned(),
            class => format!("DEV_ID 0x{class:03X}"),
        };
        let bound = match certificate.soc_id {
            [0, ..] if certificate.soc_id == [0; 16] => class,
            id => format!("the part {}", hex(&id)),
        };
        format!(
            "{place}: key {}, for {bound}, permits 0x{:X}",
            certificate.public_key, certificate.permissions.0
        )
    };
    chain.places().map(line).collect()
}

/// A chain of certificates for a program.
pub fn chain_json(chain: &Chain) -> Value {
    let one = |(place, c): (Place, &Certificate)| {
        json!({ "role": place.role.to_string(), "key_sha256": hex(&c.public_key.sha256()),
            "permissions": format!("0x{:X}", c.permissions.0), "soc_class": c.soc_class, "soc_id": hex(&c.soc_id) })
    };
    json!(chain.places().map(one).collect::<Vec<_>>())
}

/// What a lint that refused nothing says of the credential.
pub fn compared(file: &ObkFile, credential: Option<Credential<'_>>) -> &'static str {
    match credential {
        Some(Credential::Password(password)) if file.matches(password) => "; the password opens it",
        Some(Credential::RootKey(key)) if file.matches(key) => "; the root key belongs to it",
        Some(Credential::Password(_)) => {
            "; it holds no credential, so the password has nothing to do with it"
        }
        Some(Credential::RootKey(_)) => "; it holds no credential, so the root key has nothing to do with it",
        None => "; no password was compared",
    }
}

/// Writes a new file that only its owner can reach: a provisioning file holds the password's hash, from which a short password
/// can be found.
///
/// # Errors
/// Those of the system; a file that exists is one of them.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)?.write_all(bytes)
}
