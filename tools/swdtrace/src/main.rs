//! See the library of the same name.

use std::io::{BufWriter, stderr, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    env_logger::init();
    let mut out = BufWriter::new(stdout().lock());
    ExitCode::from(swdtrace::run(std::env::args_os(), &mut out, &mut stderr().lock()))
}
