//! `swdtrace record`: a recording of whatever a command says to a probe.
//!
//! Our own tools are told to record themselves. What any other program sends is seen by the kernel: Linux' usbmon gives all
//! transfers of a bus to who may read `/dev/usbmonN`, and those of the probe are kept.

pub(crate) mod find;

use crate::output::create;
use crate::{Failure, INCOMPLETE, OK, USAGE};
use find::Found;
use pace::{Received, UsbPatience, receive};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use trace::Monitor;
use trace::read::Device;

/// The variable that tells our tools where to record.
const VARIABLE: &str = "ACKWAIT_TRACE";
/// Tools that record themselves.
const OURS: [&str; 2] = ["ackwait", "h5-provision"];
/// One read of the monitor; a record of it is never longer.
const READ: usize = 1 << 20;

/// Arguments of `swdtrace record`.
#[derive(Debug, clap::Args)]
pub(crate) struct Record {
    /// The recording.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// The probe, as BUS.ADDRESS (`lsusb`), where several are plugged in.
    #[arg(long, value_name = "BUS.ADDRESS")]
    device: Option<Device>,
    /// Overwrite FILE where it is there already.
    #[arg(long)]
    force: bool,
    /// Watch the bus with ackwait and h5-provision too, instead of telling them to record themselves.
    #[arg(long)]
    usbmon: bool,
    /// Where the system lists its USB devices, for tests.
    #[arg(long, hide = true, default_value = "/sys/bus/usb/devices")]
    sysfs: PathBuf,
    /// The folder of the monitors, for tests.
    #[arg(long, hide = true, default_value = "/dev")]
    monitors: PathBuf,
    /// The folder of the monitors' own counts, for tests.
    #[arg(long, hide = true, default_value = "/sys/kernel/debug/usb/usbmon")]
    counts: PathBuf,
    /// What is to be recorded, with its arguments.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(crate) fn run(args: &Record, err: &mut dyn Write) -> Result<u8, Failure> {
    let Some((program, arguments)) = args.command.split_first() else { return Ok(USAGE) };
    make_room(&args.output, args.force)?;
    let mut command = Command::new(program);
    command.args(arguments);
    let ours =
        Path::new(program).file_stem().is_some_and(|name| OURS.iter().any(|ours| name == OsStr::new(ours)));
    if ours && !args.usbmon {
        command.env(VARIABLE, &args.output);
        let signals = Signals::catch()?;
        let mut child = start(&mut command)?;
        let (to, from) = mpsc::channel();
        let code = signals.follow(&mut child, to, &from, &mut |_| Ok(()))?;
        if !args.output.exists() {
            let _ = writeln!(err, "swdtrace: warning: the command recorded nothing");
        }
        Ok(code)
    } else {
        watch(args, &mut command, err)
    }
}

/// What was recorded earlier must not be taken for what is recorded now, and our tools overwrite nothing that their environment
/// names.
fn make_room(output: &Path, force: bool) -> Result<(), Failure> {
    match output.is_file() {
        true if force => named(output, fs::remove_file(output)),
        true => Err(Failure::Record(format!(
            "{} is there already: --force overwrites it; nothing was run",
            output.display()
        ))),
        false => Ok(()),
    }
}

fn start(command: &mut Command) -> Result<Child, Failure> {
    let program = PathBuf::from(command.get_program());
    command.spawn().map_err(|source| Failure::File { path: program, source })
}

/// Records what the kernel sees of the probe while the command runs.
fn watch(args: &Record, command: &mut Command, err: &mut dyn Write) -> Result<u8, Failure> {
    let found = find::probe(&args.sysfs, args.device).map_err(Failure::Record)?;
    let path = args.monitors.join(format!("usbmon{}", found.device.bus));
    let source = File::open(&path).map_err(|e| Failure::Record(cannot_watch(&path, &e)))?;
    let counted = counted(&args.counts, found.device);
    let mut monitor = Monitor::new(found.device);
    let mut file =
        Recording { path: &args.output, file: named(&args.output, create(&args.output))?, bytes: Vec::new() };
    file.bytes = monitor.head(&about(command, &found));
    file.write()?;
    let signals = Signals::catch()?;
    let (to, from) = mpsc::channel();
    let chunks = to.clone();
    // It ends with the process: a read of the monitor cannot be taken back.
    thread::spawn(move || read(source, &chunks));
    // Of a command that never ran there is no recording.
    let mut child = start(command).inspect_err(|_| drop(fs::remove_file(&args.output)))?;
    let code = signals.follow(&mut child, to, &from, &mut |bytes| {
        monitor.take(bytes, &mut file.bytes).map_err(|e| Failure::Record(e.to_string()))?;
        file.write()
    })?;
    let events =
        self::counted(&args.counts, found.device).zip(counted).map(|(end, begin)| end.wrapping_sub(begin));
    let lost = monitor.end(events.map(u64::from), &mut file.bytes);
    file.write()?;
    let (kept, output) = (monitor.kept(), args.output.display());
    let _ = writeln!(err, "swdtrace: {kept} records of {} are in {output}", found.text);
    if kept == 0 {
        let _ = writeln!(
            err,
            "swdtrace: warning: the command said nothing to this probe: is it the right one (--device)?"
        );
    } else {
        let _ = writeln!(err, "swdtrace: secrets are in it as they are (swdtrace redact)");
    }
    if lost > 0 {
        let _ = writeln!(
            err,
            "swdtrace: warning: the kernel lost {lost} records of the bus at least, because they were not read fast enough: \
             the recording has holes; record again with less load on the machine and on the bus"
        );
    }
    Ok(if code == OK && lost > 0 { INCOMPLETE } else { code })
}

/// The kernel's count of the events of the bus while anybody watches it, in the words `events N` (root may read it).
fn counted(folder: &Path, device: Device) -> Option<u32> {
    let text = fs::read_to_string(folder.join(format!("{}s", device.bus))).ok()?;
    let mut words = text.split_whitespace().skip_while(|word| *word != "events");
    words.nth(1)?.parse().ok()
}

fn about(command: &Command, found: &Found) -> String {
    // Arguments may hold what nobody else should read.
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    format!("tool: {}\nprobe: {}", program.replace('\n', " "), found.text.replace('\n', " "))
}

fn cannot_watch(path: &Path, error: &io::Error) -> String {
    let place = path.display();
    let todo = match error.kind() {
        io::ErrorKind::NotFound => {
            "the kernel's monitor is not loaded; type: sudo modprobe usbmon".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            format!(
                "only root may watch the bus; type: sudo setfacl -m u:$USER:r {place} (until the next boot)"
            )
        }
        _ => error.to_string(),
    };
    format!("{place}: {todo}; nothing was run")
}

fn named<T>(path: &Path, result: io::Result<T>) -> Result<T, Failure> {
    result.map_err(|source| Failure::File { path: path.to_path_buf(), source })
}

/// The file, and what is not in it yet.
struct Recording<'a> {
    path: &'a Path,
    file: File,
    bytes: Vec<u8>,
}

impl Recording<'_> {
    fn write(&mut self) -> Result<(), Failure> {
        named(self.path, self.file.write_all(&self.bytes))?;
        self.bytes.clear();
        Ok(())
    }
}

/// What happens beside the recording.
enum News {
    /// The monitor gave this.
    Bytes(Vec<u8>),
    /// The monitor gives no more.
    Silent(Option<io::Error>),
    /// The command ended.
    Ended(io::Result<ExitStatus>),
}

fn read(mut source: File, to: &Sender<News>) {
    let mut buffer = vec![0; READ];
    loop {
        let news = match source.read(&mut buffer) {
            Ok(0) => News::Silent(None),
            Ok(length) => News::Bytes(buffer.get(..length).unwrap_or_default().to_vec()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => News::Silent(Some(e)),
        };
        let last = matches!(news, News::Silent(_));
        if to.send(news).is_err() || last {
            return;
        }
    }
}

/// Signals that ask to stop. They go on to the command, and the recording ends with it.
struct Signals([(i32, Arc<AtomicBool>); 2]);

impl Signals {
    fn catch() -> Result<Signals, Failure> {
        let signals = [SIGINT, SIGTERM].map(|signal| (signal, Arc::new(AtomicBool::new(false))));
        for (signal, flag) in &signals {
            signal_hook::flag::register(*signal, Arc::clone(flag))
                .map_err(|e| Failure::Record(e.to_string()))?;
        }
        Ok(Signals(signals))
    }

    /// Hands on what the monitor gives until the command has ended and the monitor is still.
    fn follow(
        &self,
        child: &mut Child,
        to: Sender<News>,
        from: &Receiver<News>,
        take: &mut dyn FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u8, Failure> {
        let id = child.id();
        thread::scope(|scope| {
            scope.spawn(move || to.send(News::Ended(child.wait())));
            let (mut code, mut failed) = (None, None);
            loop {
                self.pass_on(id);
                match receive(from, UsbPatience::READ_SLICE) {
                    // The command goes on whatever becomes of the recording.
                    Received::Value(News::Bytes(bytes)) if failed.is_none() => failed = take(&bytes).err(),
                    Received::Value(News::Bytes(_) | News::Silent(None)) => {}
                    Received::Value(News::Silent(Some(e))) => {
                        failed = failed.or(Some(Failure::Record(format!("usbmon: {e}"))))
                    }
                    Received::Value(News::Ended(status)) => {
                        code = Some(status.map(exit_code).unwrap_or(USAGE))
                    }
                    Received::Nothing if code.is_none() => {}
                    Received::Nothing | Received::Ended => break,
                }
            }
            failed.map_or(Ok(code.unwrap_or(USAGE)), Err)
        })
    }

    /// Tells the command what we were told. A terminal tells both by itself.
    fn pass_on(&self, child: u32) {
        for (signal, flag) in &self.0 {
            let asked = flag.swap(false, Ordering::Relaxed);
            if asked && !(*signal == SIGINT && io::stdin().is_terminal()) {
                tell(child, *signal);
            }
        }
    }
}

#[cfg(unix)]
fn tell(child: u32, signal: i32) {
    use rustix::process::{Pid, Signal, kill_process};
    let signal = if signal == SIGINT { Signal::INT } else { Signal::TERM };
    if let Some(pid) = i32::try_from(child).ok().and_then(Pid::from_raw) {
        // It may have ended by itself.
        let _ = kill_process(pid, signal);
    }
}

#[cfg(not(unix))]
fn tell(_: u32, _: i32) {}

/// The command's own exit code, or as shells have it 128 and the signal that ended it.
fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
