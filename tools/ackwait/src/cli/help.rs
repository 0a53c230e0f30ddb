//! The help of the tool: one screen of 80 columns and 24 rows. What each option of [`How`](super::How) means stands there and
//! in the manual, and not again below each command.

use super::Cli;
use clap::{Arg, ArgAction, Command, CommandFactory as _};

/// The first page.
const PAGE: &str = "\
The whole STM32H5 by hand, through a CMSIS-DAP or ST-Link probe

Usage: ackwait COMMAND [OPTIONS]           `ackwait COMMAND --help` says more

  list info status        probes; who is there; its state and what may be next
  mem dp ap core          memory and registers by name; halt, run, step, sample
  reset seq               NRST or SYSRESETREQ; raw bits on SWDIO
  flash ob state          erase, program, verify; option bytes; product state
  obk otp da              provisioning files; debug authentication, regression
  doctor hunt survey      what is wrong; why a write times out; are notes true
  policy exit-codes       what is waited for; what an exit code means
  completions man udev    for the shell, for man, for Linux

  -p, --probe PROBE       VID:PID[:SERIAL], SERIAL, usb:BUS-PORT, tcp:HOST:PORT,
                          sim:SCENARIO, replay:FILE, @alias; none: the only one
      --connect MODE      hotplug (as it is), normal (halts), under-reset, pulse
      --ap N --speed KHZ  access port (auto), SWCLK (4000)
      --policy NAME|FILE --set KEY=VALUE   what to wait (`ackwait policy show`)
      --trace FILE --bill --dry-run        record; what it cost; show, do not do
      --format text|json  how data is printed; everything else goes to stderr
Nothing halts, resets or writes unless asked. Numbers: 10, 0x1F, 0b1, 1_000.
In the environment: ACKWAIT_PROBE, _CONNECT, _AP, _SPEED, _TRACE, _FORMAT.
";

/// The command line as it is parsed: its help is short.
pub(crate) fn command() -> Command {
    let command = Cli::command().mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg });
    short(command).override_help(PAGE)
}

/// A command with help of one line for each option, which leaves to the first page what is the same for all.
fn short(command: Command) -> Command {
    let own = command.get_after_help().map(ToString::to_string);
    let after = own.unwrap_or_else(|| "Probe, access port, waits, output: `ackwait --help`".to_owned());
    let help = Arg::new("help").short('h').long("help").action(ArgAction::HelpShort).help("Print help");
    command
        .mut_subcommands(short)
        .disable_help_subcommand(true)
        .disable_help_flag(true)
        .arg(help)
        .after_help(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every help, with the words that lead to it.
    fn helps(command: &mut Command, path: &str, found: &mut Vec<(String, String)>) {
        found.push((path.to_owned(), command.render_help().to_string()));
        for sub in command.get_subcommands_mut() {
            let path = format!("{path} {}", sub.get_name());
            helps(sub, &path, found);
        }
    }

    fn all() -> Vec<(String, String)> {
        let mut command = command();
        command.build();
        let mut found = Vec::new();
        helps(&mut command, "ackwait", &mut found);
        found
    }

    #[test]
    fn every_help_fits_eighty_columns_and_all_but_the_longest_fit_twenty_four_rows() {
        let mut wrong = Vec::new();
        for (path, help) in all() {
            let rows = help.trim_end().lines().count();
            let long = path.starts_with("ackwait hunt ") || path == "ackwait da cert new";
            let most = if long { 48 } else { 24 };
            // clap breaks no line of usage.
            let lines = help.lines().filter(|line| !line.starts_with("Usage:"));
            let columns = lines.map(|line| line.chars().count()).max().unwrap_or_default();
            if rows > most || columns > 80 {
                wrong.push(format!("{path}: {rows} rows, {columns} columns\n{help}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn the_first_page_names_every_command_and_every_option_that_all_commands_have() {
        let words: Vec<_> = PAGE.split([' ', '\n', ',']).collect();
        let command = Cli::command();
        for sub in command.get_subcommands() {
            assert!(words.contains(&sub.get_name()), "{}", sub.get_name());
        }
        for option in command.get_arguments().filter_map(Arg::get_long) {
            let told =
                ["help", "version"].contains(&option) || words.contains(&format!("--{option}").as_str());
            assert!(told, "--{option}");
        }
    }
}
