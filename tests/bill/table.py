#!/usr/bin/env python3
"""Prints the results of measure.py as one table. Ends with 1 where another tool did a piece of work cheaper than ackwait.

Usage: table.py RESULTS.jsonl...
"""

import json
import sys

TOOLS = ["ackwait", "openocd", "pyocd", "probe-rs"]
WORKS = {
    "attach": "attach, detach",
    "block": "64 KiB SRAM written, read back",
    "reads": "one word read 1000 times",
    "polls": "one word polled 1000 times",
    "mib": "1 MiB flash (* SRAM), read back",
}
# What is subtracted from a piece of work, where it is not attaching: see MORE in measure.py.
BASE = {
    ("ackwait", "reads"): "one read",
    ("ackwait", "polls"): "one poll",
    ("probe-rs", "block"): "no block",
    ("probe-rs", "reads"): "server",
    ("probe-rs", "polls"): "server",
}

# Clocks that 64 KiB take both ways, whoever moves them: 46 for a word, and for TAR once a KiB.
FLOOR = 2 * 46 * (16384 + 64)


def load(paths):
    lines = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            lines += [json.loads(line) for line in file if line.strip()]
    return {(line["probe"], line["tool"], line["work"]): line for line in lines}


def cost(all_lines, probe, tool, work):
    """Round trips and SWCLK cycles of the work alone, or why there are none."""
    line = all_lines.get((probe, tool, work))
    if line is None:
        return "-"
    if "round_trips" not in line:
        return "failed" if "failed" in line else line["missing"]
    pair = [line["round_trips"], line["swclk"]]
    if work != "attach":
        base = all_lines.get((probe, tool, BASE.get((tool, work), "attach")), {})
        if "round_trips" not in base:
            return "failed"
        pair = [pair[0] - base["round_trips"], pair[1] - base["swclk"]]
    return pair


def row(first, second, cells):
    print(f"| {first:<16} | {second:<31} | " + " | ".join(f"{cell:>19}" for cell in cells) + " |")


def main():
    lines = load(sys.argv[1:])
    probes = list(dict.fromkeys(probe for probe, _, _ in lines))
    ran = [tool for tool in TOOLS if any(name == tool and "swclk" in line for (_, name, _), line in lines.items())]
    beaten = []
    print("USB round trips (answers that the host took) / SWCLK cycles; what attaching costs is subtracted from the work.\n")
    row("probe", "work", TOOLS)
    print(f"|{'-' * 18}|{'-' * 33}|" + "|".join(f"{'-' * 20}:" for _ in TOOLS) + "|")
    for probe in probes:
        for work, words in WORKS.items():
            costs = {tool: cost(lines, probe, tool, work) for tool in TOOLS}
            if all(c == "-" for c in costs.values()):
                continue
            star = {"mib": ["openocd", "pyocd"]}.get(work, [])
            cells = [f"{c[0]} / {c[1]}{' *'[: 2 * (tool in star)]}" if isinstance(c, list) else c for tool, c in costs.items()]
            row(probe, words, cells)
            if work == "block":
                over = [f"{c[1] / FLOOR - 1:+.2%}" if isinstance(c, list) else c for c in costs.values()]
                row(probe, f"... cycles over {FLOOR}", over)
            ours = costs["ackwait"] if work != "mib" else None  # Each does it in a way of its own: a row to be read.
            for tool, theirs in costs.items():
                for index, unit in enumerate(["round trips", "SWCLK cycles"]):
                    if isinstance(ours, list) and isinstance(theirs, list) and theirs[index] < ours[index]:
                        beaten.append(f"{probe}, {words}: {tool} takes {theirs[index]} {unit}, ackwait {ours[index]}")
    failed = [line for line in lines.values() if "failed" in line]
    for line in failed:
        print(f"\nfailed: {line['tool']} on {line['probe']}, {line['work']}: {line['failed']}")
    against = ", ".join(tool for tool in ran if tool != "ackwait")
    print("\n" + ("\n".join(beaten) if beaten else f"Nothing of {against} costs less than ackwait's."))
    sys.exit(1 if beaten or any(line["tool"] == "ackwait" for line in failed) else 0)


main()
