//! What a trace is exported to as a script for pyOCD is done again by pyOCD, on a simulated probe behind a socket.

use crate::exports::{BYTES, recorded, to_ram};
use crate::rig::{Served, run, succeeds, tool};
use std::fs;
use std::path::PathBuf;
use trace::export::{Tool, script};

/// pyOCD knows probes on USB only. This gives it one behind a socket, as OpenOCD's `cmsis-dap backend tcp` has it, and runs a
/// script: `tcp.py SCRIPT PORT`.
const OVER_TCP: &str = "
import runpy, socket, struct, sys
from pyocd.probe.pydapaccess import dap_access_cmsis_dap
from pyocd.probe.pydapaccess.interface.interface import Interface

class Tcp(Interface):
    is_bulk = True

    def open(self):
        self.socket = socket.create_connection(('127.0.0.1', PORT))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self.socket.close()

    def write(self, data):
        self.socket.sendall(struct.pack('<IHBB', 0x00504144, len(data), 1, 0) + bytes(data))

    def exactly(self, count):
        data = b''
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError('the probe has gone')
            data += more
        return data

    def read(self):
        _, length, _, _ = struct.unpack('<IHBB', self.exactly(8))
        return self.exactly(length)

PORT = int(sys.argv.pop())
probe = Tcp()
probe.serial_number = 'tcp'
dap_access_cmsis_dap._get_interfaces = lambda: [probe]
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
";

/// The Python that pyOCD is installed in: the one beside its command.
fn python() -> Option<PathBuf> {
    tool("pyocd", &["pyocd"], |command| succeeds(command, &["--version"]))?;
    let path = std::env::var_os("PATH")?;
    let beside = std::env::split_paths(&path).find(|folder| folder.join("pyocd").is_file())?.join("python3");
    Some(if beside.is_file() { beside } else { PathBuf::from("python3") })
}

#[test]
fn pyocd_does_the_accesses_of_a_recording_again() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let trace = recorded(folder.path(), "h562");
    let mut again = Vec::new();
    script(&trace, Tool::PyOcd, &mut again).expect("a script");
    fs::write(path("again.py"), again).expect("a file");
    fs::write(path("tcp.py"), OVER_TCP).expect("a file");
    let usb = path("pyocd.pcapng").display().to_string();
    let served =
        Served::new(&["--dap-tcp", "0", "--probe", "cmsis-dap-v2", "--scenario", "h562", "--trace", &usb]);
    let python = python.display().to_string();
    let text = run(folder.path(), &python, &["tcp.py", "again.py", &served.port]);
    served.end();
    assert!(text.contains("0 reads gave something else"), "{text}");
    let theirs = trace::open(&fs::read(usb).expect("a recording")).expect("a recording");
    assert_eq!(to_ram(&theirs), to_ram(&trace));
    assert_eq!(to_ram(&trace).len(), BYTES / 4);
}
