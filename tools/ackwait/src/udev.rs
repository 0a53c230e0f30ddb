//! `udev`: the rules that give probes to whoever is logged in.

use crate::cli::bench::UdevCommand;
use crate::output::Output;
use crate::trouble::Trouble;
use provision::Exit;
use std::fmt::Write as _;
use std::path::Path;

/// Before 73, where TAG+="uaccess" is read.
pub(crate) const FILE: &str = "70-ackwait.rules";

pub(crate) fn udev(command: &UdevCommand, output: &mut Output) -> Result<(), Trouble> {
    match command {
        UdevCommand::Print => output.raw(rules().as_bytes()),
        UdevCommand::Install { to } => {
            let file = to.join(FILE);
            write(&file)?;
            output.say(&format!(
                "{} written; then: udevadm control --reload && udevadm trigger, and plug the probe in anew",
                file.display()
            ));
        }
    }
    Ok(())
}

fn write(file: &Path) -> Result<(), Trouble> {
    std::fs::write(file, rules()).map_err(|e| {
        let exit =
            if e.kind() == std::io::ErrorKind::PermissionDenied { Exit::Permission } else { Exit::Storage };
        Trouble::new(exit, format!("{} cannot be written: {e}", file.display()))
            .next("as root, or `ackwait udev print` and put it there by hand")
    })
}

/// A probe belongs to whoever sits at the machine; nobody else gets it.
fn rules() -> String {
    let mut text = String::from(
        "# Debug probes for whoever is logged in. Written by `ackwait udev`.\n\
         ACTION!=\"add|change\", GOTO=\"ackwait_end\"\n\
         SUBSYSTEM!=\"usb|hidraw\", GOTO=\"ackwait_end\"\n\n\
         # Whatever calls itself CMSIS-DAP.\n\
         ATTRS{product}==\"*CMSIS?DAP*\", TAG+=\"uaccess\"\n\n\
         # Probes by number.\n",
    );
    for (vid, pid) in session::probe_ids() {
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "ATTRS{{idVendor}}==\"{vid:04x}\", ATTRS{{idProduct}}==\"{pid:04x}\", TAG+=\"uaccess\""
        );
    }
    text + "\nLABEL=\"ackwait_end\"\n"
}
