//! Opening and closing a session.

use crate::cli::Recording;
use crate::console::Output;
use crate::trouble::Trouble;
use pace::Policy;
use provision::journal::Folder;
use session::{Closing, Options, Session};
use std::path::{Path, PathBuf};
use wire::Hz;

/// Tool and version, for headers and records.
pub(crate) const TOOL: &str = "h5-provision";

pub(crate) fn open(
    probe: &str,
    policy: &Policy,
    swclk: Hz,
    recording: &Recording,
    output: &mut Output,
) -> Result<Session, Trouble> {
    if let Some(path) = recording.trace.as_ref().filter(|_| recording.trace_secrets) {
        output.say(&format!("warning: {} will hold passwords and keys as they are", path.display()));
    }
    let options = Options {
        probe: probe.to_owned(),
        policy: policy.clone(),
        swclk,
        trace: recording.trace.clone(),
        trace_secrets: recording.trace_secrets,
        tool: TOOL.to_owned(),
    };
    // From here on a signal must not end the process at any place.
    (output.catch_signals)(output);
    session::open(&options).map_err(Trouble::opening)
}

/// The flight recorder, for a command that keeps no files.
pub(crate) fn show_flight(session: &Session, output: &mut Output) {
    output.say("the last accesses:");
    let flight = session.adi.flight().to_string();
    flight.lines().for_each(|line| output.say(&format!("  {line}")));
}

/// Ends a session. What goes wrong here is said, and changes the end of a command only where there was none.
pub(crate) fn close(session: Session, output: &mut Output) -> Result<Closing, Trouble> {
    session.close().map_err(|e| {
        let trouble = Trouble::closing(e);
        output.say(&format!("closing the session: {}", trouble.text));
        trouble
    })
}

/// The folder of the journals.
pub(crate) fn shelf(given: Option<&PathBuf>) -> Result<Folder, Trouble> {
    given
        .cloned()
        .or_else(|| session::state_folder("journal"))
        .map(Folder)
        .ok_or_else(|| provision::journal::StoreError::NoPlace.into())
}

/// Where the flight recorder goes: beside the trace, the record, or the journal.
pub(crate) fn flight_file(
    trace: Option<&PathBuf>,
    record: Option<&PathBuf>,
    shelf: &Path,
    uid: Option<&str>,
) -> PathBuf {
    let beside = |path: &PathBuf, ending: &str| {
        let mut name = path.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    };
    // A record is of many parts: one part's evidence is not written over by the next one's.
    let uid = uid.unwrap_or("unknown");
    let with_part = format!(".{uid}.flight.txt");
    let by_part = || shelf.join(format!("{uid}.flight.txt"));
    let beside_trace = trace.map(|path| beside(path, ".flight.txt"));
    beside_trace.or_else(|| record.map(|path| beside(path, &with_part))).unwrap_or_else(by_part)
}
