//! A simulated probe behind a socket, tools that may be missing, transcripts.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

/// Longer than any session here takes on a busy machine.
const PATIENCE: &str = "240s";

/// A simulated probe in a thread of this process.
pub(crate) struct Served {
    pub(crate) port: String,
    stop: Sender<()>,
    thread: JoinHandle<(u8, String)>,
}

/// Standard output, handed on line by line.
struct Lines(Sender<String>, Vec<u8>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.extend_from_slice(bytes);
        while let Some(end) = self.1.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.1.drain(..=end).collect();
            // Nobody reads on after the first line.
            let _ = self.0.send(String::from_utf8_lossy(&line).trim().to_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Served {
    /// `simprobe` with these arguments, at a free port.
    pub(crate) fn new(args: &[&str]) -> Served {
        let (stop, stopped) = mpsc::channel();
        let (lines, out): (_, Receiver<String>) = mpsc::channel();
        let args: Vec<String> =
            ["simprobe", "--for", PATIENCE].iter().chain(args).map(|arg| (*arg).to_owned()).collect();
        let thread = thread::spawn(move || {
            let mut err = Vec::new();
            let code = simprobe::run(args, &mut Lines(lines, Vec::new()), &mut err, stopped);
            (code, String::from_utf8_lossy(&err).into_owned())
        });
        let mut thread = Some(thread);
        let ended = |_| thread.take().map(JoinHandle::join);
        let ready = out.recv().map_err(ended).expect("simprobe is ready");
        let address = ready.split(' ').nth(2).expect("an address");
        let port = address.rsplit(':').next().expect("a port").to_owned();
        Served { port, stop, thread: thread.expect("it runs") }
    }

    /// Ends it, as Ctrl-C does.
    pub(crate) fn end(self) {
        let _ = self.stop.send(());
        let (code, err) = self.thread.join().expect("simprobe panicked");
        assert_eq!((code, err.as_str()), (0, ""));
    }
}

/// A tool by the name under which it can be required, if one of these commands is it. Says why not.
#[expect(clippy::print_stdout, reason = "a test says why it is skipped")]
pub(crate) fn tool(
    required_as: &str,
    commands: &[&'static str],
    is_it: impl Fn(&str) -> bool,
) -> Option<&'static str> {
    let found = commands.iter().find(|command| is_it(command)).copied();
    if found.is_none() {
        let required = std::env::var("ACKWAIT_INTEROP_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|name| name == required_as),
            "{required_as} is required: none of {commands:?} on the PATH is it"
        );
        println!("skipped: {required_as} is not installed (none of {commands:?} on the PATH is it)");
    }
    found
}

/// Runs a command to its end; what it printed on both outputs, in order. It must end with 0.
pub(crate) fn run(folder: &Path, command: &str, args: &[&str]) -> String {
    let (reader, writer) = io::pipe().expect("a pipe");
    let mut child = Command::new("timeout");
    child.arg(PATIENCE).arg(command).args(args).current_dir(folder).stdin(Stdio::null());
    child.stdout(writer.try_clone().expect("a pipe")).stderr(writer);
    let mut running = child.spawn().expect("coreutils' timeout");
    drop(child); // it holds the writing ends
    let text = io::read_to_string(reader).expect("text");
    let ended = running.wait().expect("an end");
    assert!(ended.success(), "{command} {args:?}: {ended}\n{text}");
    text
}

/// Whether a command can be run at all, and ends with 0.
pub(crate) fn succeeds(command: &str, args: &[&str]) -> bool {
    let mut command = Command::new(command);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The text must be what the golden file holds.
pub(crate) fn golden(name: &str, text: &str) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "golden", &format!("{name}.txt")].iter().collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return fs::write(&path, text).expect("the golden file is written");
    }
    let held = fs::read_to_string(&path).expect("the golden file");
    assert_eq!(text, held, "this is not what {} holds (UPDATE_GOLDEN=1 accepts it)", path.display());
}
