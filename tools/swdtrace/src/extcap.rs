//! Wireshark's extcap interface: this program as a source of packets.
//!
//! Wireshark asks which interfaces there are, then starts the program with the pipe that it reads from. One interface follows
//! a recording while it grows, whoever writes it (`ackwait --trace`, `simprobe --trace`, `swdtrace record`); each probe on the
//! bus is one too, watched through usbmon.

use crate::record::find;
use crate::{OK, USAGE};
use clap::Parser;
use pace::{Clock as _, RealClock, UsbPatience};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use trace::Monitor;
use trace::read::Device;

/// The interface that follows a file.
const FOLLOW: &str = "ackwait";
/// The interfaces that watch a probe begin so; its place follows.
const WATCH: &str = "ackwait-usb-";
/// One read.
const READ: usize = 1 << 20;

/// What Wireshark says.
#[derive(Debug, Parser)]
#[command(name = "swdtrace", disable_version_flag = true)]
struct Extcap {
    #[arg(long = "extcap-interfaces")]
    interfaces: bool,
    #[arg(long = "extcap-dlts")]
    dlts: bool,
    #[arg(long = "extcap-config")]
    config: bool,
    #[arg(long)]
    capture: bool,
    #[arg(long = "extcap-interface")]
    interface: Option<String>,
    #[arg(long = "extcap-version")]
    _version: Option<String>,
    #[arg(long = "extcap-capture-filter")]
    _filter: Option<String>,
    #[arg(long = "extcap-reload-option")]
    _reload: Option<String>,
    #[arg(long)]
    fifo: Option<PathBuf>,
    /// The recording to follow.
    #[arg(long)]
    file: Option<PathBuf>,
    #[arg(long, default_value = "/sys/bus/usb/devices")]
    sysfs: PathBuf,
}

/// Whether it is Wireshark that asks.
pub(crate) fn is_meant(args: &[OsString]) -> bool {
    args.iter().skip(1).any(|arg| arg == "--capture" || arg.to_string_lossy().starts_with("--extcap-"))
}

pub(crate) fn run(args: &[OsString], out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let asked = match Extcap::try_parse_from(args) {
        Ok(asked) => asked,
        Err(e) => {
            let _ = write!(err, "{e}");
            return USAGE;
        }
    };
    let done = if asked.capture { capture(&asked) } else { answer(&asked, out).map_err(|e| e.to_string()) };
    match done {
        Ok(()) => OK,
        Err(why) => {
            let _ = writeln!(err, "swdtrace: {why}");
            USAGE
        }
    }
}

fn answer(asked: &Extcap, out: &mut dyn Write) -> io::Result<()> {
    if asked.interfaces {
        let version = env!("CARGO_PKG_VERSION");
        writeln!(out, "extcap {{version={version}}}{{display=ackwait}}")?;
        writeln!(out, "interface {{value={FOLLOW}}}{{display=ackwait: a recording while it grows}}")?;
        for found in find::probes(&asked.sysfs) {
            writeln!(
                out,
                "interface {{value={WATCH}{}}}{{display=ackwait: {}}}",
                found.device,
                plain(&found.text)
            )?;
        }
    } else if asked.dlts {
        writeln!(out, "dlt {{number=220}}{{name=USB_LINUX_MMAPPED}}{{display=USB transfers}}")?;
    } else if asked.config && asked.interface.as_deref() == Some(FOLLOW) {
        writeln!(
            out,
            "arg {{number=0}}{{call=--file}}{{display=Recording}}{{type=fileselect}}{{mustexist=false}}{{required=true}}\
             {{tooltip=What --trace of ackwait, h5-provision or simprobe writes}}"
        )?;
    }
    out.flush()
}

/// Without the braces that mean something to Wireshark.
fn plain(text: &str) -> String {
    text.replace(['{', '}'], " ")
}

fn capture(asked: &Extcap) -> Result<(), String> {
    let fifo = asked.fifo.as_ref().ok_or("--fifo is missing")?;
    let mut pipe =
        OpenOptions::new().write(true).open(fifo).map_err(|e| format!("{}: {e}", fifo.display()))?;
    let interface = asked.interface.as_deref().unwrap_or(FOLLOW);
    let done = match interface.strip_prefix(WATCH) {
        Some(device) => watch(device.parse()?, &mut pipe),
        None => {
            let file = asked
                .file
                .as_deref()
                .ok_or("which recording? set it in the options of the interface (--file)")?;
            follow(file, &mut pipe)
        }
    };
    match done {
        // Wireshark has stopped.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|e| e.to_string()),
    }
}

/// Copies a file that grows, from when it is there until nobody reads any more.
fn follow(path: &Path, to: &mut File) -> io::Result<()> {
    let clock = RealClock::start();
    let mut buffer = vec![0; READ];
    let mut file = None;
    loop {
        let length = match &mut file {
            None => {
                file = found(File::open(path))?;
                0
            }
            Some(file) => file.read(&mut buffer)?,
        };
        match length {
            0 if is_left(to) => return Err(io::ErrorKind::BrokenPipe.into()),
            0 => clock.sleep(UsbPatience::READ_SLICE),
            length => to.write_all(buffer.get(..length).unwrap_or_default())?,
        }
    }
}

/// No file yet is no error.
fn found(opened: io::Result<File>) -> io::Result<Option<File>> {
    match opened {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// Whether nobody reads the pipe any more. A write would say so too, but a recording that has stopped growing brings none.
#[cfg(unix)]
fn is_left(pipe: &File) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut asked = [PollFd::new(pipe, PollFlags::empty())];
    let answered = poll(&mut asked, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    answered.is_ok() && asked.iter().any(|pipe| pipe.revents().contains(PollFlags::ERR))
}

/// Wireshark ends the program itself where a pipe cannot be asked.
#[cfg(not(unix))]
fn is_left(_: &File) -> bool {
    false
}

/// Hands on what the kernel sees of a device.
fn watch(device: Device, to: &mut dyn Write) -> io::Result<()> {
    let mut source = File::open(format!("/dev/usbmon{}", device.bus))?;
    let mut monitor = Monitor::new(device);
    let mut packets = monitor.head("tool: swdtrace");
    let mut buffer = vec![0; READ];
    loop {
        to.write_all(&packets)?;
        packets.clear();
        let length = source.read(&mut buffer)?;
        let bytes = buffer.get(..length).unwrap_or_default();
        monitor.take(bytes, &mut packets).map_err(io::Error::other)?;
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::thread;

    fn asked(args: &[&str]) -> (u8, String) {
        let mut out = Vec::new();
        let code = crate::run([&["swdtrace"], args].concat(), &mut out, &mut Vec::new());
        (code, String::from_utf8(out).unwrap())
    }

    #[test]
    fn wireshark_is_told_of_the_interfaces_their_link_type_and_their_options() {
        let (code, out) = asked(&["--extcap-interfaces", "--extcap-version=4.0"]);
        assert_eq!(code, 0);
        assert!(out.starts_with("extcap {version="), "{out}");
        assert!(out.contains("\ninterface {value=ackwait}{display="), "{out}");
        let (_, out) = asked(&["--extcap-dlts", "--extcap-interface", "ackwait"]);
        assert!(out.starts_with("dlt {number=220}"), "{out}");
        let (_, out) = asked(&["--extcap-config", "--extcap-interface", "ackwait"]);
        assert!(out.contains("{call=--file}") && out.contains("{type=fileselect}"), "{out}");
        let (_, out) = asked(&["--extcap-config", "--extcap-interface", "ackwait-usb-3.7"]);
        assert_eq!(out, "");
        assert_eq!(asked(&["--capture", "--extcap-interface", "ackwait"]).0, 2, "no pipe");
    }

    #[test]
    fn a_recording_is_followed_from_before_it_is_there_until_nobody_reads_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let [file, fifo] = ["a.pcapng", "fifo"].map(|name| folder.path().join(name));
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let args = [file.display().to_string(), fifo.display().to_string()];
        let capture = thread::spawn(move || {
            asked(&["--capture", "--extcap-interface", "ackwait", "--fifo", &args[1], "--file", &args[0]]).0
        });
        let mut reader = File::open(&fifo).unwrap();
        let append = |bytes: &[u8]| {
            OpenOptions::new().create(true).append(true).open(&file).unwrap().write_all(bytes).unwrap();
        };
        for piece in [b"one", b"two"] {
            append(piece);
            let mut heard = [0; 3];
            reader.read_exact(&mut heard).unwrap();
            assert_eq!(&heard, piece);
        }
        drop(reader);
        assert_eq!(capture.join().unwrap(), 0);
        fs::remove_file(file).unwrap();
    }
}
