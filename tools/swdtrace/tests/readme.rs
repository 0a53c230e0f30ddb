//! The README's transcript: OpenOCD and our driver do the same job on the simulator, and each command is run on what was
//! recorded of them. `UPDATE_README=1` accepts what they print.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

const BEGINS: &str = "<!-- transcript begins -->\n```console\n";
const ENDS: &str = "```\n<!-- transcript ends -->";
const JOB: (&str, &str) = ("<!-- job begins -->\n```tcl\n", "```\n<!-- job ends -->");
/// Longer than OpenOCD takes on a busy machine, in seconds.
const PATIENCE: &str = "240";

fn readme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

fn between<'a>(text: &'a str, (begins, ends): (&str, &str)) -> &'a str {
    let (_, rest) = text.split_once(begins).expect("its beginning");
    rest.split_once(ends).expect("its end").0
}

/// An OpenOCD that knows CMSIS-DAP over TCP. Says why there is none.
#[expect(clippy::print_stdout, reason = "a test says why it is skipped")]
fn openocd() -> Option<&'static str> {
    let knows = |name: &&str| {
        let mut command = Command::new(name);
        command.args(["-c", "adapter driver cmsis-dap; cmsis-dap backend tcp; shutdown"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = ["openocd-esp32", "openocd"].into_iter().find(knows);
    if found.is_none() {
        let required = std::env::var("ACKWAIT_INTEROP_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|name| name == "openocd-tcp"),
            "an OpenOCD with CMSIS-DAP over TCP is required"
        );
        println!("skipped: no OpenOCD on the PATH knows CMSIS-DAP over TCP");
    }
    found
}

/// Hands on what is written, line by line.
struct Lines(mpsc::Sender<String>, Vec<u8>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.1.extend_from_slice(bytes);
        while let Some(end) = self.1.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.1.drain(..=end).collect();
            // Nobody reads on after the first line.
            let _ = self.0.send(String::from_utf8_lossy(&line).trim().to_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// OpenOCD does the job on a simulated probe, and that is recorded.
fn record_openocd(openocd: &str, folder: &Path, job: &str) {
    let (stop, stopped) = mpsc::channel();
    let (lines, out): (_, Receiver<String>) = mpsc::channel();
    let trace = folder.join("openocd.pcapng").display().to_string();
    let args = ["simprobe", "--dap-tcp", "0", "--scenario", "h562", "--for", "240s", "--trace", &trace];
    let args: Vec<String> = args.map(str::to_owned).to_vec();
    let served =
        thread::spawn(move || simprobe::run(args, &mut Lines(lines, Vec::new()), &mut Vec::new(), stopped));
    let ready = out.recv().expect("simprobe is ready");
    let port = ready.split(' ').nth(2).and_then(|address| address.rsplit(':').next()).expect("a port");
    fs::write(folder.join("job.cfg"), job.replace("PORT", port)).expect("a file");
    let mut command = Command::new("timeout");
    command.args([PATIENCE, openocd, "-f", "job.cfg"]).current_dir(folder).stdin(Stdio::null());
    let done = command.output().expect("it runs");
    stop.send(()).expect("simprobe is still there");
    assert_eq!(served.join().expect("its end"), 0);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// A command of the transcript, with its files in this folder.
fn answer(command: &str, folder: &Path) -> String {
    let home = format!("{}/", folder.display());
    let is_file = |word: &str| [".pcapng", ".bin"].iter().any(|end| word.ends_with(end));
    let words = command.split_whitespace();
    let args: Vec<String> = words.map(|w| if is_file(w) { home.clone() + w } else { w.to_owned() }).collect();
    let text = match args.first().map(String::as_str) {
        Some("swdtrace") => {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            swdtrace::run(args, &mut out, &mut err);
            [err, out].concat()
        }
        tool => {
            assert_eq!(tool, Some("ackwait"), "the transcript may run these two tools only");
            let (out, written) = mpsc::channel();
            let errors = out.clone();
            let mut output = ackwait::Output::new(Box::new(Sent(out)), Box::new(Sent(errors)));
            ackwait::run_with(args.into_iter().map(Into::into), &mut output);
            drop(output);
            written.iter().flatten().collect()
        }
    };
    String::from_utf8(text).expect("text").replace(&home, "")
}

/// A stream into a channel.
struct Sent(mpsc::Sender<Vec<u8>>);

impl std::io::Write for Sent {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.send(bytes.to_vec()).map_err(std::io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_transcript_of_the_readme_is_what_the_commands_print() {
    let Some(openocd) = openocd() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let text = fs::read_to_string(readme()).expect("the README");
    let job: Vec<u8> = (0..1024u32).map(|n| n.to_le_bytes()[0] ^ 0x5A).collect();
    fs::write(folder.path().join("job.bin"), job).expect("a file");
    record_openocd(openocd, folder.path(), between(&text, JOB));
    let written = between(&text, (BEGINS, ENDS));
    let mut real = String::new();
    for command in written.lines().filter_map(|line| line.strip_prefix("$ ")) {
        real += &format!("$ {command}\n{}", answer(command, folder.path()));
    }
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(readme(), text.replace(written, &real)).expect("written");
        return;
    }
    for (n, (written, real)) in written.lines().zip(real.lines()).enumerate() {
        assert_eq!(written, real, "line {} of the transcript", n + 1);
    }
    assert_eq!(written.lines().count(), real.lines().count());
    let diff = real.lines().filter(|line| line.starts_with('+') || line.starts_with('-')).count();
    assert!((1..60).contains(&diff), "a short difference, not {diff} lines:\n{real}");
    let lint = answer("swdtrace lint openocd.pcapng --connect hotplug --format json", folder.path());
    assert!(lint.contains("\"hotplug-halt\"") && lint.contains("DHCSR write C_DEBUGEN=1"), "{lint}");
}

#[test]
fn the_readme_names_every_subcommand() {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(swdtrace::run(["swdtrace", "--help"], &mut out, &mut err), 0);
    let help = String::from_utf8(out).expect("text");
    let text = fs::read_to_string(readme()).expect("the README");
    let (_, commands) = help.split_once("Commands:\n").expect("commands");
    let begins = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    for line in commands.lines().take_while(|line| !line.is_empty()).filter(begins) {
        let name = line.split_whitespace().next().expect("a name");
        assert!(name == "help" || text.contains(&format!("`swdtrace {name}`")), "{name}");
    }
}
