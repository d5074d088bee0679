# SPDX-License-Identifier: Apache-2.0
"""What the parts of a wrapped call cost by themselves on this machine: how much no code could save.

tests/bench/floors.c measures; here is what it means. The parts overlap in the processor, so they do
not add up, and the last row, all of them together, is what is below the real figure.
"""

import os

from .tools import figure, median, need, output, say, table

PARTS = {
    "clock": "two readings of the clock (`rdtsc`)",
    "records": "two 64-byte records stored in a ring that nobody reads",
    "thunk": "the thunk with two empty ends",
    "clock_records": "clock and records",
    "thunk_clock_records": "thunk, clock and records: the floor of a wrapped call",
}


def measure(options, skip):
    need(options.build, "tests/bench/bench-floors")
    result = {}
    for number in range(options.rounds):
        say(f"floors: round {number + 1} of {options.rounds}")
        text = output([os.path.join(options.build, "tests/bench/bench-floors")])
        for line in text.splitlines():
            name, ns = line.split()
            result.setdefault(name, []).append(float(ns))
    return result


def floor(data):
    """ns of all parts together, or None."""
    return median(data["thunk_clock_records"]) if data.get("thunk_clock_records") else None


def sections(data, measured_ns=None):
    """measured_ns: what spanshim adds to a call in the same run, if that was measured."""
    rows = [[text, figure(data[name])] for name, text in PARTS.items() if name in data]
    told = ""
    if measured_ns and floor(data):
        told = (f"Of the {measured_ns:.1f} ns that spanshim adds, "
                f"{min(floor(data), measured_ns):.1f} ns are this floor, and "
                f"{median(data['clock']):.1f} ns of it are the clock: with two readings of it, and "
                "records that survive a crash at each end, no tracer can be below. "
                f"The other {max(measured_ns - floor(data), 0):.1f} ns find the declaration, the "
                "parent and the thread's state, make an id, and keep the record of the call in "
                "progress that exceptions, `longjmp` and signals need.\n\n")
    return ("### What a wrapped call cannot be below\n\n"
            + table(["part, by itself", "ns, median (min – max)"], rows) + "\n" + told)
