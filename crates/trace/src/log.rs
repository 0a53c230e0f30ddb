//! Text logs of other tools: OpenOCD, pyOCD, probe-rs, STM32CubeProgrammer and SEGGER's J-Link software. [TRACE-8]
//!
//! A log is recognised by its content. Each tool shows something else, so a log gives events from the lowest level that its
//! lines show, and a warning says what they do not show:
//!
//! | log | begins at | not shown |
//! |---|---|---|
//! | pyOCD, `-L '*.trace=debug'` | 0, the USB packets | transfers on endpoint 0 |
//! | pyOCD, `-L 'pyocd.coresight.*.trace=debug'` | 3 | how it was done, acks |
//! | probe-rs, `RUST_LOG=probe_rs=trace`, CMSIS-DAP | 0 | times (unless the log has them); zeros at the end of a packet are put back |
//! | the same, J-Link through `jaylink` | 0 | times |
//! | the same, ST-Link | 3 | what was read, the data of blocks, status, times |
//! | OpenOCD `-d4`, CMSIS-DAP | 2 | DAP_WriteABORT, pins, repetitions inside the probe |
//! | OpenOCD `-d4`, bit by bit | 2 | pins |
//! | OpenOCD `-d4`, ST-Link | 3 | memory accesses other than single words |
//! | OpenOCD `-d3` | 3 | everything but single words and blocks without data |
//! | STM32CubeProgrammer `-vb 3` | 3 | all but the first word of a block, status |
//! | J-Link log | 3 | transactions, which access port, data of longer blocks |
//!
//! A last line without an end is taken for cut off, and not read: half a number is another number. The order of an event is the number of its line. Times have the resolution of the log, and begin with its first event.

mod cube;
mod intake;
mod jlink;
mod line;
mod openocd;
mod probe_rs;
mod pyocd;
#[cfg(test)]
mod tests;

use crate::TraceError;
use intake::Intake;
pub(crate) use intake::Logged;
use std::io::{BufRead, BufReader, Read};

/// Whose log it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tool {
    /// OpenOCD.
    OpenOcd,
    /// pyOCD.
    PyOcd,
    /// probe-rs.
    ProbeRs,
    /// STM32CubeProgrammer.
    CubeProgrammer,
    /// SEGGER's J-Link software.
    JLink,
}

impl std::fmt::Display for Tool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Tool::OpenOcd => "OpenOCD",
            Tool::PyOcd => "pyOCD",
            Tool::ProbeRs => "probe-rs",
            Tool::CubeProgrammer => "STM32CubeProgrammer",
            Tool::JLink => "SEGGER J-Link",
        })
    }
}

impl Tool {
    /// Whose log these bytes are.
    pub(crate) fn of_head(bytes: &[u8]) -> Option<Tool> {
        Tool::of(bytes.get(..HEAD).unwrap_or(bytes))
    }

    /// Whose log begins so.
    pub(crate) fn of(head: &[u8]) -> Option<Tool> {
        let text = String::from_utf8_lossy(head);
        text.lines().find_map(|line| Tool::of_line(&line::plain(line)))
    }

    fn of_line(line: &str) -> Option<Tool> {
        let is = |found: bool, tool| found.then_some(tool);
        is(line.starts_with("Open On-Chip Debugger ") || openocd::Line::of(line).is_some(), Tool::OpenOcd)
            .or_else(|| is(probe_rs::is_line(line), Tool::ProbeRs))
            .or_else(|| {
                is(line.contains("STM32CubeProgrammer v") || cube::is_line(line), Tool::CubeProgrammer)
            })
            .or_else(|| is(line.starts_with("SEGGER J-Link") || jlink::Line::of(line).is_some(), Tool::JLink))
            .or_else(|| is(pyocd::Line::of(line).is_some(), Tool::PyOcd))
    }
}

/// Makes events of the lines of one tool.
trait Lines {
    /// One line, without its end and without colours.
    fn line(&mut self, line: &str, intake: &mut Intake);

    /// There are no more.
    fn end(&mut self, _intake: &mut Intake) {}
}

/// Bytes that tell whose log it is.
const HEAD: usize = 4096;

/// A longer line is no line of a log.
const LONGEST: u64 = 1 << 20;

/// Reads a log line by line.
pub(crate) fn read(tool: Tool, source: &mut dyn Read) -> Result<Logged, TraceError> {
    let mut intake = Intake::new(tool);
    let mut lines: Box<dyn Lines> = match tool {
        Tool::OpenOcd => Box::<openocd::OpenOcd>::default(),
        Tool::PyOcd => Box::<pyocd::PyOcd>::default(),
        Tool::ProbeRs => Box::<probe_rs::ProbeRs>::default(),
        Tool::CubeProgrammer => Box::<cube::Cube>::default(),
        Tool::JLink => Box::<jlink::JLink>::default(),
    };
    let mut source = BufReader::new(source);
    let mut bytes = Vec::new();
    while intake.has_room() {
        bytes.clear();
        let got = source.by_ref().take(LONGEST).read_until(b'\n', &mut bytes).map_err(TraceError::Source)?;
        if got == 0 {
            break;
        }
        intake.next_line(got);
        if bytes.last() != Some(&b'\n') {
            intake.cut_in_a_line();
            break;
        }
        let text = String::from_utf8_lossy(&bytes);
        lines.line(line::plain(text.trim_end_matches(['\r', '\n'])).as_ref(), &mut intake);
    }
    lines.end(&mut intake);
    Ok(intake.finish())
}
