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
}
# How often and in which way a tool attaches for a piece of work.
BASE = {("probe-rs", "block"): ("attach", 2), ("probe-rs", "reads"): ("server", 1), ("probe-rs", "polls"): ("server", 1)}


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
        name, times = BASE.get((tool, work), ("attach", 1))
        base = all_lines.get((probe, tool, name), {})
        if "round_trips" not in base:
            return "failed"
        pair = [pair[0] - times * base["round_trips"], pair[1] - times * base["swclk"]]
    return pair


def main():
    lines = load(sys.argv[1:])
    probes = list(dict.fromkeys(probe for probe, _, _ in lines))
    ran = [tool for tool in TOOLS if any(name == tool and "swclk" in line for (_, name, _), line in lines.items())]
    beaten = []
    print("USB round trips (answers that the host took) / SWCLK cycles; what attaching costs is subtracted from the work.\n")
    print(f"| {'probe':<16} | {'work':<31} | " + " | ".join(f"{tool:>19}" for tool in TOOLS) + " |")
    print(f"|{'-' * 18}|{'-' * 33}|" + "|".join(f"{'-' * 20}:" for _ in TOOLS) + "|")
    for probe in probes:
        for work, words in WORKS.items():
            costs = {tool: cost(lines, probe, tool, work) for tool in TOOLS}
            cells = [f"{c[0]} / {c[1]}" if isinstance(c, list) else c for c in costs.values()]
            print(f"| {probe:<16} | {words:<31} | " + " | ".join(f"{cell:>19}" for cell in cells) + " |")
            ours = costs["ackwait"]
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
