//! `usb_soak PROBE COUNT`: opens and closes a real probe again and again in one process. Every second time it just drops
//! the session, as an error would. The next open must always work, and nothing may be left behind: no file, no thread.

use adi::Attach;
use pace::{Clock, Policy, RealClock};
use session::{Options, Session};
use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::time::Duration;
use wire::Hz;

fn main() -> ExitCode {
    match run() {
        Ok(text) => {
            eprint(&text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprint(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a program by itself")]
fn eprint(text: &str) {
    eprintln!("{text}");
}

fn run() -> Result<String, Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(probe), Some(count)) = (args.next(), args.next()) else {
        return Err("usb_soak PROBE COUNT".into());
    };
    let options = Options {
        probe,
        policy: Policy::default(),
        swclk: Hz::khz(4000),
        trace: None,
        trace_secrets: false,
        tool: "usb_soak".to_owned(),
    };
    // What libraries open once and keep belongs to the first time.
    once(&options, false)?;
    let before = held()?;
    let count: u32 = count.parse()?;
    for n in 1..=count {
        once(&options, n % 2 == 0).map_err(|e| format!("time {n} of {count}: {e}"))?;
    }
    // A thread that was waited for can be counted a moment longer.
    let clock = RealClock::start();
    let mut after = held()?;
    for _ in 0..20 {
        if after == before {
            break;
        }
        clock.sleep(Duration::from_millis(50));
        after = held()?;
    }
    match before == after {
        true => Ok(format!("{count} opens and closes; still {} files and {} threads", after.0, after.1)),
        false => Err(format!("(files, threads) were {before:?}, are {after:?} after {count} times").into()),
    }
}

fn once(options: &Options, close: bool) -> Result<(), Box<dyn Error>> {
    let mut session: Session = session::open(options)?;
    session.adi.attach(&Attach::HOTPLUG)?;
    if close {
        session.close()?;
    }
    Ok(())
}

/// Open files and threads of this process.
fn held() -> Result<(usize, usize), Box<dyn Error>> {
    let count = |folder| fs::read_dir(folder).map(Iterator::count);
    Ok((count("/proc/self/fd")?, count("/proc/self/task")?))
}
