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


def told(data, measured_ns, goals, instructions):
    """What is left between the figure and the floor, and what the goals would ask for."""
    least = min(floor(data), measured_ns)
    text = (f"Of the {measured_ns:.1f} ns that spanshim adds to a call, {least:.1f} ns are this floor, "
            f"{median(data['clock']):.1f} of them for two readings of the clock. The other "
            f"{measured_ns - least:.1f} ns find the declaration, the parent and the thread's state, "
            "make ids, and keep the record of the call in progress that exceptions, `longjmp` and "
            "signal handlers need"
            + (f": {instructions:.0f} instructions, thunk included. " if instructions else ". "))
    for peer, ns, part in goals:
        text += (f"1/{part} of {peer} would be {ns / part:.1f} ns, "
                 f"{abs(ns / part - floor(data)):.1f} ns "
                 f"{'above' if ns / part > floor(data) else 'below'} the floor. ")
    return text + ("\n\nNot done, though it would be faster: one record for a call instead of two, "
                   "which halves stores and reservations, but a span that is open when the process is "
                   "killed would not be there; leaving vector registers unsaved, which the values of "
                   "floating-point arguments need. Tried without effect: prefetching the line of the "
                   "next record for writing.\n\n")


def sections(data, measured_ns=None, goals=(), instructions=None):
    """measured_ns: what spanshim adds to a call in the same run, if that was measured; goals: [(peer,
    ns that it adds, the goal's part of it)]."""
    rows = [[text, figure(data[name])] for name, text in PARTS.items() if data.get(name)]
    return ("### What a wrapped call cannot be below\n\n"
            + table(["part, by itself", "ns, median (min – max)"], rows) + "\n"
            + (told(data, measured_ns, goals, instructions) if measured_ns and floor(data) else ""))
