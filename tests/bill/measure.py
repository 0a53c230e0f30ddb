#!/usr/bin/env python3
"""Runs the common work with each tool on each simulated probe and writes what it cost, one JSON object a line.

Usage: measure.py FOLDER-OF-BINARIES OUT.jsonl [TOOL...]   (in a guest with vhci_hcd; see tests/bill/run)

A run is one simprobe, plugged in; one tool that attaches and does the work; and simprobe's bill. What is not the work is
measured the same way, and the table subtracts it. pyOCD runs inside this process, because starting it takes longer than all
its work.
"""

import contextlib
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import time

RAM = 0x20000000
SIZE = 0x10000
FLASH = 0x08000000
MIB = 0x100000
TIMES = 1000
KHZ = 4000
KINDS = "cmsis-dap-v2 cmsis-dap-v2-fs cmsis-dap-v1 stlink-v2 stlink-v2-1 stlink-v3"
# Attach only; write and read back 64 KiB; read one word 1000 times; poll one word 1000 times for what never comes.
WORKS = ["attach", "block", "reads", "polls"]
# Asked for by name, as it takes long: "mib", 1 MiB into flash, erased and read back, by who can do it, and into SRAM and read back,
# half by half, by who cannot.
# Runs that only the table wants, to subtract them. ackwait sets CSW with the first access, when the others are done
# attaching, so its 1000 reads are 1001 without one. probe-rs takes two programs for a block, and a server for reads.
MORE = {"ackwait": ["one read", "one poll"], "probe-rs": ["no block", "server"]}


class Failed(Exception):
    """The tool did not do its work."""


class Probe:
    """A simulated probe on the USB of this machine."""

    def __init__(self, binaries, kind):
        self.kind, self.binaries = kind, binaries

    def __enter__(self):
        command = [f"{self.binaries}/simprobe", "--probe", self.kind, "--scenario", "h563", "--attach"]
        command += ["--bill", "bill.json", "--dump", f"{RAM:#x}:{SIZE:#x}=sram.bin"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline().split()
        if not ready or ready[0] != "ready":
            raise Failed("simprobe is not ready")
        self.serial = ready[-1]
        for _ in range(400):
            for path in glob.glob("/sys/bus/usb/devices/*/serial"):
                if read(path) == self.serial:
                    folder = os.path.dirname(path)
                    self.vid, self.pid = read(f"{folder}/idVendor"), read(f"{folder}/idProduct")
                    time.sleep(0.3)  # hidraw and usbfs nodes follow the device.
                    return self
            time.sleep(0.05)
        raise Failed("the probe does not appear on the bus")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def bill(self):
        with open("bill.json", encoding="utf-8") as file:
            return json.load(file)


def read(path):
    with contextlib.suppress(OSError), open(path, encoding="utf-8") as file:
        return file.read().strip()
    return ""


def run(command, text=None, codes=(0,)):
    """Runs a tool, which must end with one of these codes."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode not in codes:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise Failed(f"{command[0]} ends with {done.returncode}: {' / '.join(words[-3:])}")
    return done.stdout + done.stderr


def served(command, port, lines):
    """Runs a GDB server and puts these requests to it, with the client of tests/vm."""
    client = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../vm/gdb.py")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            return run([sys.executable, client, str(port)], text=lines)
        finally:
            server.terminate()


def ackwait(probe, work):
    watch, never = ["mem", "watch", hex(RAM), "--reads"], ["--value", "0xFFFFFFFF"]
    words = {
        "attach": ["ap", "read", "CSW"],
        "block": ["mem", "write", hex(RAM), "--in", "pattern.bin", "--verify"],
        "one read": [*watch, "1"],
        "reads": [*watch, str(TIMES + 1)],
        "one poll": [*watch, "1", *never],
        "polls": [*watch, str(TIMES + 1), *never],
        "mib": ["flash", "program", "mib.bin", "--at", hex(FLASH)],
    }[work]
    where = ["--probe", probe.serial, "--ap", "1", "--speed", str(KHZ)]
    run([f"{probe.binaries}/ackwait", *words, *where], codes=(30,) if "poll" in work else (0,))


def openocd(probe, work):
    if probe.kind.startswith("stlink"):
        adapter = f"adapter driver st-link; st-link vid_pid 0x{probe.vid} 0x{probe.pid}; transport select dapdirect_swd"
    else:
        backend = "hid" if probe.kind == "cmsis-dap-v1" else "usb_bulk"
        adapter = f"adapter driver cmsis-dap; cmsis_dap_backend {backend}; transport select swd"
    loop = f"for {{set i 0}} {{$i < {TIMES}}} {{incr i}}"
    words = {
        "attach": "",
        "block": f"load_image pattern.bin {RAM:#x} bin; dump_image back.bin {RAM:#x} {SIZE:#x}",
        "reads": f"{loop} {{ read_memory {RAM:#x} 32 1 }}",
        "polls": f"{loop} {{ if {{[read_memory {RAM:#x} 32 1] == 0xffffffff}} break }}",
        "mib": "; ".join(
            f"load_image half{n}.bin {RAM:#x} bin; dump_image back{n}.bin {RAM:#x} {MIB // 2:#x}" for n in range(2)
        ),
    }[work]
    with open("session.cfg", "w", encoding="utf-8") as file:
        file.write(
            f"{adapter}\nadapter serial {probe.serial}\nadapter speed {KHZ}\nswd newdap chip cpu -expected-id 0\n"
            "dap create chip.dap -chain-position chip.cpu\ntarget create chip.cpu cortex_m -dap chip.dap -ap-num 1\n"
            f"init\npoll off\n{words}\nshutdown\n"
        )
    run(["openocd", "-f", "session.cfg"])


def pyocd(probe, work):
    from pyocd.core.helpers import ConnectHelper

    options = {"connect_mode": "attach", "frequency": KHZ * 1000, "resume_on_disconnect": False, "no_config": True}
    session = ConnectHelper.session_with_chosen_probe(
        unique_id=probe.serial, target_override="cortex_m", options=options, blocking=False
    )
    if session is None:
        raise Failed("pyocd finds no probe")
    with session:
        target = session.target
        if work == "block":
            with open("pattern.bin", "rb") as file:
                target.write_memory_block8(RAM, file.read())
            with open("back.bin", "wb") as file:
                file.write(bytes(target.read_memory_block8(RAM, SIZE)))
        elif work == "mib":
            for half in halves():
                target.write_memory_block8(RAM, half)
                if bytes(target.read_memory_block8(RAM, len(half))) != half:
                    raise Failed("other bytes are read than were written")
        elif work == "reads":
            for _ in range(TIMES):
                target.read32(RAM)
        elif work == "polls":
            for _ in range(TIMES):
                if target.read32(RAM) == 0xFFFFFFFF:
                    break


def probe_rs(probe, work):
    where = ["--chip", "STM32H563ZITx", "--probe", f"{probe.vid}:{probe.pid}:{probe.serial}", "--protocol", "swd"]
    where += ["--speed", str(KHZ), "--non-interactive"]
    if work in ("block", "no block"):
        with open("pattern.bin" if work == "block" else os.devnull, "rb") as file:
            words = [f"0x{int.from_bytes(word, 'little'):08x}" for word in iter(lambda: file.read(4), b"")]
        run(["probe-rs", "write", "b32", hex(RAM), *words, *where])
        back = ["--output", "back.bin", "--format", "binary"]
        run(["probe-rs", "read", "b32", hex(RAM), str(len(words)), *back, *where])
    elif work == "mib":
        image = ["--binary-format", "bin", "--base-address", hex(FLASH)]
        run(["probe-rs", "download", *image, "--verify", "--disable-progressbars", "mib.bin", *where])
    elif work == "attach":
        run(["probe-rs", "read", "b32", hex(RAM), "0", *where])
    else:
        reads = "" if work == "server" else f"m{RAM:x},4\n" * TIMES
        said = served(["probe-rs", "gdb", "--gdb-connection-string", "127.0.0.1:1337", *where], 1337, f"?\n{reads}")
        if work != "server" and len(said.splitlines()) < TIMES:
            raise Failed(f"its server does not answer all reads: {said[-300:]}")


TOOLS = {"ackwait": ackwait, "openocd": openocd, "pyocd": pyocd, "probe-rs": probe_rs}


def here(tool, binaries):
    """Why a tool cannot be measured."""
    if tool == "ackwait":
        return None
    if tool == "pyocd":
        try:
            import pyocd as _
        except ImportError:
            return "not installed"
        return None
    return None if shutil.which(tool) else "not installed"


def halves():
    """The two halves of the megabyte: what SRAM takes at a time."""
    with open("mib.bin", "rb") as file:
        data = file.read()
    return data[: MIB // 2], data[MIB // 2 :]


def same(wanted, found, otherwise):
    with open(wanted, "rb") as want, open(found, "rb") as got:
        if want.read() != got.read():
            raise Failed(otherwise)


def measure(binaries, kind, tool, work):
    for name in ("bill.json", "back.bin", "sram.bin"):
        with contextlib.suppress(OSError):
            os.remove(name)
    began = time.monotonic()
    with Probe(binaries, kind) as probe:
        TOOLS[tool](probe, work)
    took = time.monotonic() - began
    bill = probe.bill()
    if work == "block":
        same("pattern.bin", "sram.bin", "the chip holds other bytes than were written")
        if tool != "ackwait":  # which compares by itself
            same("pattern.bin", "back.bin", "other bytes are read than were written")
    if work == "mib" and tool == "openocd":
        for n in range(2):
            same(f"half{n}.bin", f"back{n}.bin", "other bytes are read than were written")
    return {"round_trips": bill["usb"]["round_trips"], "swclk": bill["swclk"]["total"], "seconds": round(took, 1)}


def main():
    binaries, out, *tools = sys.argv[1:]
    with open("pattern.bin", "wb") as file:
        file.write(os.urandom(SIZE))
    with open("mib.bin", "wb") as file:
        file.write(os.urandom(MIB))
    for n, half in enumerate(halves()):
        with open(f"half{n}.bin", "wb") as file:
            file.write(half)
    works = (os.environ.get("ACKWAIT_BILL_WORKS") or " ".join(WORKS)).split()
    with open(out, "a", encoding="utf-8") as results:
        for tool in tools or TOOLS:
            missing = here(tool, binaries)
            for kind in (os.environ.get("ACKWAIT_BILL_PROBES") or KINDS).split():
                for work in [work for work in MORE.get(tool, []) if works == WORKS] + works:
                    line = {"probe": kind, "tool": tool, "work": work}
                    try:
                        line |= {"missing": missing} if missing else measure(binaries, kind, tool, work)
                    except Exception as error:  # pylint: disable=broad-except  # Whatever it is, the others go on.
                        line["failed"] = f"{type(error).__name__}: {error}"
                    print(json.dumps(line), file=results, flush=True)
                    print(json.dumps(line), flush=True)


main()
