//! Whose hands move cables and switches: a simulated board's own, a program's, or a person's.

use crate::trouble::Trouble;
use provision::Exit;
use session::Session;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use wire::{Bench, BenchError, Cable};

/// Whose hands there are.
pub(super) fn bench(program: Option<&Path>, session: &Session) -> Result<Box<dyn Bench>, Trouble> {
    if let Some(program) = program {
        return Ok(Box::new(Program(program.to_owned())));
    }
    if let Some(bench) = session.bench() {
        return Ok(bench);
    }
    if std::io::stdin().is_terminal() {
        return Ok(Box::new(Person));
    }
    let why = "somebody has to move the board's USB cable, and nobody is there";
    Err(Trouble::new(Exit::Confirm, why)
        .next("run it on a terminal, or name a program: `--bench-cmd PROGRAM`"))
}

fn word(cable: Cable) -> &'static str {
    match cable {
        Cable::Out => "out",
        Cable::ChargeOnly => "charge",
        Cable::Data => "data",
    }
}

/// A program that drives relays.
struct Program(PathBuf);

impl Program {
    fn call(&self, what: &str, how: &str) -> Result<(), BenchError> {
        let failed = |why: String| BenchError(format!("{} {what} {how}: {why}", self.0.display()));
        let status =
            Command::new(&self.0).args([what, how]).stdin(Stdio::null()).stdout(Stdio::null()).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(failed(status.to_string())),
            Err(e) => Err(failed(e.to_string())),
        }
    }
}

impl Bench for Program {
    fn cable(&mut self, cable: Cable) -> Result<(), BenchError> {
        self.call("cable", word(cable))
    }

    fn boot0(&mut self, high: bool) -> Result<(), BenchError> {
        self.call("boot0", if high { "high" } else { "low" })
    }

    fn power(&mut self, on: bool) -> Result<(), BenchError> {
        self.call("power", if on { "on" } else { "off" })
    }

    fn press_reset(&mut self, hold: Duration) -> Result<(), BenchError> {
        self.call("reset", &format!("{}ms", hold.as_millis()))
    }
}

/// A person, asked on the terminal.
struct Person;

impl Person {
    fn ask(what: &str) -> Result<(), BenchError> {
        let failed = |e: std::io::Error| BenchError(e.to_string());
        let mut err = std::io::stderr();
        std::io::Write::write_all(&mut err, format!("bench: {what}, then press Enter: ").as_bytes())
            .map_err(failed)?;
        match std::io::stdin().lock().read_line(&mut String::new()).map_err(failed)? {
            0 => Err(BenchError("nobody is there any more".to_owned())),
            _ => Ok(()),
        }
    }
}

impl Bench for Person {
    fn cable(&mut self, cable: Cable) -> Result<(), BenchError> {
        Person::ask(match cable {
            Cable::Out => "pull the cable out of the board's own USB connector",
            Cable::ChargeOnly => {
                "connect the board's own USB connector to a charger, or by a cable without data"
            }
            Cable::Data => "connect the board's own USB connector to a running computer",
        })
    }

    fn boot0(&mut self, high: bool) -> Result<(), BenchError> {
        Person::ask(if high { "tie BOOT0 to VDD" } else { "tie BOOT0 to ground" })
    }

    fn power(&mut self, on: bool) -> Result<(), BenchError> {
        let what = if on { "on again" } else { "off; leave the cable in its own USB connector as it is" };
        Person::ask(&format!("switch the board's supply {what}"))
    }

    fn press_reset(&mut self, hold: Duration) -> Result<(), BenchError> {
        Person::ask(&format!("press the reset button for {} ms", hold.as_millis()))
    }
}
