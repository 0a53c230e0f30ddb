//! `swdtrace wireshark`: the dissector, and this program as a source of packets.

use crate::{Failure, OK};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The dissector.
const DISSECTOR: &str = include_str!("../wireshark/ackwait.lua");

/// Arguments of `swdtrace wireshark`.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Wireshark {
    /// Put the dissector, and a link to this program, where Wireshark looks for them.
    #[arg(long)]
    install: bool,
    /// Print the dissector (`tshark -X lua_script:FILE`).
    #[arg(long)]
    print: bool,
}

pub(crate) fn run(args: &Wireshark, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Failure> {
    if args.print {
        out.write_all(DISSECTOR.as_bytes())?;
        return Ok(OK);
    }
    let Some(folders) = folders() else {
        return Err(Failure::Record(
            "neither tshark nor $HOME tells where Wireshark looks for plugins".to_owned(),
        ));
    };
    let program = std::env::current_exe()?;
    for path in install(&folders, &program)? {
        let _ = writeln!(err, "swdtrace: {}", path.display());
    }
    Ok(OK)
}

/// Where a user's own plugins are.
struct Folders {
    plugins: PathBuf,
    extcap: PathBuf,
}

fn folders() -> Option<Folders> {
    let told = Command::new("tshark").args(["-G", "folders"]).output().ok();
    let told = told.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let find = |begins: &str| {
        let line = told.lines().find(|line| line.to_lowercase().starts_with(begins))?;
        Some(PathBuf::from(line.split_once(':')?.1.trim())).filter(|path| path.is_absolute())
    };
    let home = || std::env::var_os("HOME").map(PathBuf::from);
    Some(Folders {
        plugins: find("personal lua plugins")
            .or_else(|| Some(home()?.join(".local/lib/wireshark/plugins")))?,
        extcap: find("personal extcap path")
            .or_else(|| find("extcap path"))
            .or_else(|| Some(home()?.join(".local/lib/wireshark/extcap")))?,
    })
}

fn install(folders: &Folders, program: &Path) -> Result<[PathBuf; 2], Failure> {
    let named = |path: &Path| {
        let path = path.to_path_buf();
        move |source| Failure::File { path, source }
    };
    for folder in [&folders.plugins, &folders.extcap] {
        fs::create_dir_all(folder).map_err(named(folder))?;
    }
    let dissector = folders.plugins.join("ackwait.lua");
    fs::write(&dissector, DISSECTOR).map_err(named(&dissector))?;
    let source = folders.extcap.join("swdtrace");
    // An older one may be a link to a program that is gone.
    let _ = fs::remove_file(&source);
    #[cfg(unix)]
    std::os::unix::fs::symlink(program, &source).map_err(named(&source))?;
    #[cfg(not(unix))]
    fs::copy(program, &source).map(|_| ()).map_err(named(&source))?;
    Ok([dissector, source])
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dissector_and_link_are_put_in_place_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders { plugins: folder.path().join("p/q"), extcap: folder.path().join("e") };
        for program in ["/bin/true", "/bin/false"] {
            let [dissector, link] = install(&folders, Path::new(program)).unwrap();
            assert_eq!(fs::read_to_string(dissector).unwrap(), DISSECTOR);
            assert_eq!(fs::read_link(link).unwrap(), Path::new(program));
        }
    }
}
