//! `man`: a page for the tool and one for each command, out of the same command line.

use crate::cli::Cli;
use crate::output::Output;
use crate::trouble::Trouble;
use clap::CommandFactory as _;
use provision::Exit;
use std::path::Path;

pub(crate) fn man(folder: &Path, output: &mut Output) -> Result<(), Trouble> {
    let pages = std::fs::create_dir_all(folder).and_then(|()| {
        clap_mangen::generate_to(Cli::command(), folder)?;
        Ok(std::fs::read_dir(folder)?.count())
    });
    let pages = pages.map_err(|e| {
        Trouble::new(Exit::Storage, format!("{} cannot be written: {e}", folder.display()))
            .next("name another folder")
    })?;
    output.say(&format!(
        "{pages} pages in {}; `man -l {}`",
        folder.display(),
        folder.join("ackwait.1").display()
    ));
    Ok(())
}
