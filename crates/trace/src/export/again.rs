//! A script with which another tool does the accesses of a trace again, and tells where it reads something else.

use super::accesses::{Place, Step, steps};
use crate::trace::Trace;
use std::collections::BTreeSet;
use std::io::{self, Write};
use wire::{ApSel, Width};

/// Tools that a script can be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tool {
    /// OpenOCD 0.12 and later: Tcl. The adapter is chosen before the script.
    OpenOcd,
    /// pyOCD: Python. The probe is the only one, or named in its arguments.
    PyOcd,
}

/// A wait that has no end ends after so many reads.
const MOST: u32 = 100_000;

/// Writes the script and gives, in words, what is not in it.
///
/// # Errors
/// Those of `out`.
pub fn script(trace: &Trace, tool: Tool, out: &mut dyn Write) -> io::Result<Vec<String>> {
    let (steps, ports) = (steps(trace), Ports(trace.port_addresses()));
    match tool {
        Tool::OpenOcd => openocd(&steps, ports, out)?,
        Tool::PyOcd => pyocd(&steps, ports, out)?,
    }
    let left = steps.iter().filter(|step| matches!(step, Step::Note(_))).count();
    let told = format!("{left} things that happened are only comments: they cannot be done again");
    Ok(if left > 0 { vec![told] } else { Vec::new() })
}

/// What access ports are called: in ADIv6 they have addresses, by our numbers.
#[derive(Debug, Clone, Copy)]
struct Ports<'a>(&'a [u64]);

impl Ports<'_> {
    /// Of ADIv6, which tools must be told.
    fn have_addresses(self) -> bool {
        !self.0.is_empty()
    }

    /// What other tools call the one with this number.
    fn name(self, ap: u8) -> String {
        self.0.get(usize::from(ap)).map_or_else(|| ap.to_string(), |address| format!("{address:#x}"))
    }
}

/// The access ports that are used.
fn used(steps: &[Step]) -> BTreeSet<u8> {
    let port = |step: &Step| match step {
        Step::Write { place, .. } | Step::Read { place, .. } | Step::Until { place, .. } => Some(place.ap.0),
        Step::Register { ap, .. } => ap.map(|ApSel(ap)| ap),
        Step::Reset { .. } | Step::Note(_) => None,
    };
    steps.iter().filter_map(port).collect()
}

const fn bits(width: Width) -> u32 {
    width.bytes() * 8
}

fn listed(values: &[u32], between: &str) -> String {
    let all: Vec<String> = values.iter().map(|value| format!("0x{value:x}")).collect();
    all.join(between)
}

/// A note in a comment, on one line.
fn comment(text: &str) -> String {
    format!("# {}", text.replace(['\n', '\r'], " "))
}

fn openocd(steps: &[Step], ports: Ports<'_>, out: &mut dyn Write) -> io::Result<()> {
    let adi = if ports.have_addresses() { "-adiv6 " } else { "" };
    writeln!(
        out,
        "# The accesses of a recording, made again: openocd -f ADAPTER.cfg -f THIS.tcl\n\
         gdb_port disabled\ntcl_port disabled\ntelnet_port disabled\n\
         swd newdap chip cpu -expected-id 0\ndap create chip.dap {adi}-chain-position chip.cpu"
    )?;
    for ap in used(steps) {
        writeln!(out, "target create chip.ap{ap} mem_ap -dap chip.dap -ap-num {}", ports.name(ap))?;
    }
    writeln!(
        out,
        "set other 0\n\
         proc compare {{what got recorded}} {{\n    global other\n    foreach g $got r $recorded {{\n        \
         if {{$g != $r}} {{ incr other; echo [format \"%s: 0x%08x, recorded 0x%08x\" $what $g $r] }}\n    }}\n}}\n\
         proc reads {{ap at width recorded}} {{\n    \
         compare \"$ap $at\" [$ap read_memory $at $width [llength $recorded]] $recorded\n}}\n\
         proc until {{ap at width mask value}} {{\n    for {{set n 0}} {{$n < {MOST}}} {{incr n}} {{\n        \
         set got [lindex [$ap read_memory $at $width 1] 0]\n        if {{($got & $mask) == $value}} return\n    }}\n    \
         compare \"$ap $at\" [list $got] [list $value]\n}}\n\
         init\npoll off"
    )?;
    for step in steps {
        openocd_step(step, ports, out)?;
    }
    writeln!(out, "echo \"$other reads gave something else\"\nshutdown")
}

fn openocd_step(step: &Step, ports: Ports<'_>, out: &mut dyn Write) -> io::Result<()> {
    let named = |place: &Place| format!("chip.ap{} 0x{:08x} {}", place.ap.0, place.at.0, bits(place.width));
    match step {
        Step::Write { place, values } => {
            let (ap, at, bits) = (place.ap.0, place.at.0, bits(place.width));
            writeln!(out, "chip.ap{ap} write_memory 0x{at:08x} {bits} {{{}}}", listed(values, " "))
        }
        Step::Read { place, values } => writeln!(out, "reads {} {{{}}}", named(place), listed(values, " ")),
        Step::Until { place, mask, value, count } => {
            writeln!(out, "until {} 0x{mask:x} 0x{value:x} ;# {count} reads", named(place))
        }
        Step::Register { ap: None, offset, write: true, value } => {
            writeln!(out, "chip.dap dpreg 0x{offset:x} 0x{value:x}")
        }
        Step::Register { ap: None, offset, write: false, value } => {
            writeln!(out, "compare \"DP 0x{offset:x}\" [chip.dap dpreg 0x{offset:x}] 0x{value:x}")
        }
        Step::Register { ap: Some(ApSel(ap)), offset, write: true, value } => {
            writeln!(out, "chip.dap apreg {} 0x{offset:x} 0x{value:x}", ports.name(*ap))
        }
        Step::Register { ap: Some(ApSel(ap)), offset, write: false, value } => {
            let name = ports.name(*ap);
            writeln!(out, "compare \"AP{ap} 0x{offset:x}\" [chip.dap apreg {name} 0x{offset:x}] 0x{value:x}")
        }
        Step::Reset { low } => writeln!(out, "adapter {} srst", if *low { "assert" } else { "deassert" }),
        Step::Note(text) => writeln!(out, "{}", comment(text)),
    }
}

fn pyocd(steps: &[Step], ports: Ports<'_>, out: &mut dyn Write) -> io::Result<()> {
    let address = if ports.have_addresses() { "APv2Address" } else { "APv1Address" };
    writeln!(
        out,
        "\"\"\"The accesses of a recording, made again: python THIS.py [UNIQUE-ID]\"\"\"\n\
         import sys\n\
         from pyocd.core.helpers import ConnectHelper\n\
         from pyocd.coresight.ap import {address}\n\n\
         other = 0\n\n\n\
         def compare(what, got, recorded):\n    global other\n    for g, r in zip(got, recorded):\n        \
         if g != r:\n            other += 1\n            print(f\"{{what}}: {{g:#010x}}, recorded {{r:#010x}}\")\n\n\n\
         def reads(ap, at, bits, recorded):\n    \
         compare(f\"{{at:#010x}}\", [ap.read_memory(at + n * bits // 8, bits) for n in range(len(recorded))], recorded)\n\n\n\
         def writes(ap, at, bits, values):\n    for n, value in enumerate(values):\n        \
         ap.write_memory(at + n * bits // 8, value, bits)\n\n\n\
         def until(ap, at, bits, mask, value):\n    for _ in range({MOST}):\n        got = ap.read_memory(at, bits)\n        \
         if got & mask == value:\n            return\n    compare(f\"{{at:#010x}}\", [got], [value])\n\n\n\
         options = {{\"target_override\": \"cortex_m\", \"connect_mode\": \"attach\", \"resume_on_disconnect\": False}}\n\
         unique_id = sys.argv[1] if len(sys.argv) > 1 else None\n\
         with ConnectHelper.session_with_chosen_probe(unique_id=unique_id, options=options) as session:\n    \
         dp = session.target.dp"
    )?;
    for ap in used(steps) {
        writeln!(out, "    ap{ap} = session.target.aps[{address}({})]", ports.name(ap))?;
    }
    for step in steps {
        write!(out, "    ")?;
        pyocd_step(step, out)?;
    }
    writeln!(out, "print(f\"{{other}} reads gave something else\")")
}

fn pyocd_step(step: &Step, out: &mut dyn Write) -> io::Result<()> {
    let named = |place: &Place| format!("ap{}, 0x{:08x}, {}", place.ap.0, place.at.0, bits(place.width));
    match step {
        Step::Write { place, values } => {
            writeln!(out, "writes({}, [{}])", named(place), listed(values, ", "))
        }
        Step::Read { place, values } => writeln!(out, "reads({}, [{}])", named(place), listed(values, ", ")),
        Step::Until { place, mask, value, count } => {
            writeln!(out, "until({}, 0x{mask:x}, 0x{value:x})  # {count} reads", named(place))
        }
        Step::Register { ap, offset, write: true, value } => {
            writeln!(out, "{}.write_reg(0x{offset:x}, 0x{value:x})", port(*ap))
        }
        Step::Register { ap, offset, write: false, value } => {
            let port = port(*ap);
            writeln!(out, "compare(\"{port} 0x{offset:x}\", [{port}.read_reg(0x{offset:x})], [0x{value:x}])")
        }
        Step::Reset { low } => {
            writeln!(out, "session.probe.assert_reset({})", if *low { "True" } else { "False" })
        }
        Step::Note(text) => writeln!(out, "{}", comment(text)),
    }
}

fn port(ap: Option<ApSel>) -> String {
    ap.map_or_else(|| "dp".to_owned(), |ApSel(ap)| format!("ap{ap}"))
}
