//! See the library of the same name.

use std::process::ExitCode;
use std::sync::mpsc;

fn main() -> ExitCode {
    env_logger::init();
    let (stop, stopped) = mpsc::channel();
    simprobe::stop_on_signals(stop);
    ExitCode::from(simprobe::run(
        std::env::args_os(),
        &mut std::io::stdout(),
        &mut std::io::stderr(),
        stopped,
    ))
}
