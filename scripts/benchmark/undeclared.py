# SPDX-License-Identifier: Apache-2.0
"""Calls of functions that nobody declared cost nothing: shown, not timed.

The victim is stopped after its first calls and the word of its GOT through which it calls foo() is
read: it points into foo's own library, or into spanshim. And callgrind counts the instructions of a
call, which repeat exactly: untraced, undeclared, declared.
"""

import glob
import os
import re
import shutil
import subprocess
import tempfile

from .contestants import BINDING, PLAIN, Spanshim, Victim
from .tools import Missing, need, number, preload, say, table

DECLARED = "spanshim, foo declared"
UNDECLARED = "spanshim, foo not declared"
BATCH = 64 * 20  # the victim makes a multiple of this many calls


def slot_offset(program):
    """Where in the program the address of foo is, from its relocations."""
    done = subprocess.run(["readelf", "-rW", program], capture_output=True, text=True)
    found = re.search(r"^([0-9a-f]+)\s.*R_\w+_(?:JUMP_SLO|GLOB_DAT)\w*\s.*\bfoo\b", done.stdout,
                      re.M)
    if not found:
        raise Missing("readelf finds no relocation of foo")
    return int(found[1], 16)


def mappings(pid):
    with open(f"/proc/{pid}/maps", encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            first, end = (int(part, 16) for part in words[0].split("-"))
            yield first, end, os.path.basename(words[5]) if len(words) > 5 else ""


def slot_owner(pid, program, offset):
    """Which file is mapped where the slot points."""
    base = min(first for first, _, name in mappings(pid) if name == os.path.basename(program))
    with open(f"/proc/{pid}/mem", "rb") as memory:
        memory.seek(base + offset)
        target = int.from_bytes(memory.read(8), "little")
    return next((name for first, end, name in mappings(pid) if first <= target < end), "nothing")


def look(victim, environment):
    """The owner of what the victim calls foo through, after its first calls."""
    process = subprocess.Popen(victim.words(1, BATCH, 0, "wait"), text=True, cwd=victim.directory,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, env={**os.environ, **environment})
    try:
        if process.stdout.readline() != "ready\n":
            raise Missing("the victim does not start")
        return slot_owner(process.pid, victim.program, slot_offset(victim.program))
    finally:
        process.communicate("\n\n")


def count(victim, environment, calls):
    """Instructions of the victim's own thread while it makes its calls, by callgrind."""
    out = os.path.join(victim.directory, "callgrind")
    words = ["valgrind", "--tool=callgrind", "--separate-threads=yes",
             "--toggle-collect=run_batch", f"--callgrind-out-file={out}",
             *victim.words(1, calls, 0)]
    done = subprocess.run(words, env={**os.environ, **environment}, cwd=victim.directory,
                          capture_output=True, text=True)
    counts = []
    for path in glob.glob(out + "-*"):
        with open(path, encoding="utf-8") as text:
            found = re.search(r"^(?:summary|totals): (\d+)", text.read(), re.M)
        os.unlink(path)
        counts.append(int(found[1]) if found else 0)
    if done.returncode or not any(counts):
        raise Missing("callgrind: " + (done.stderr.strip().splitlines() or ["no output"])[-1])
    return max(counts)  # of all threads only one is ever in there


def instructions(victim, environments):
    """{variant: instructions per call}: what more calls take, so that beginnings cancel out."""
    if not shutil.which("valgrind"):
        raise Missing("valgrind is not installed")
    result = {}
    for name, environment in environments.items():
        say(f"instructions: {name}")
        few, more = (count(victim, environment, calls) for calls in (BATCH - 1, 3 * BATCH - 1))
        result[name] = (more - few) / (2 * BATCH)
    return result


def measure(options, skip):
    need(options.build, "libspanshim.so", "tests/bench/bench-victim")
    result = {}
    with tempfile.TemporaryDirectory(prefix="spanshim-bench-") as directory:
        victim = Victim(options.build, directory)
        # room for all: under callgrind the drain is slow
        declared = {**Spanshim(victim).environment, "SPANSHIM_OUT": "/dev/null",
                    "SPANSHIM_RING_BYTES": "64M"}
        environments = {PLAIN: {}, UNDECLARED: {**declared, "SPANSHIM_BINDINGS": "auto"},
                        DECLARED: {**declared, "SPANSHIM_BINDINGS": BINDING}}
        for key, what in (("slot", lambda: {name: look(victim, environment)
                                            for name, environment in environments.items()}),
                          ("instructions", lambda: instructions(victim, environments))):
            try:
                result[key] = what()
            except (Missing, OSError) as reason:
                skip.append(f"undeclared calls, {key}: {reason}")
    result["patched"] = "slot" in result and \
        result["slot"][UNDECLARED] == os.path.basename(preload(options.build))
    return result


def sections(data):
    slots, counts = data.get("slot", {}), data.get("instructions", {})
    if not slots and not counts:
        return ""
    plain = counts.get(PLAIN)
    rows = [[name, f"`{slots[name]}`" if name in slots else "–",
             f"{counts[name]:.2f}" if name in counts else "–",
             number(counts[name] - plain, "{:+.2f}") if name in counts else "–"]
            for name in (slots or counts)]
    return ("### Undeclared calls\n\n"
            "Where the word of the GOT points through which the victim calls `foo`, read from its "
            "memory while it runs, and the instructions of a call and of the loop around it, as "
            "callgrind counts them. Undeclared is with all built-in bindings active.\n\n"
            + table(["variant", "the call goes to", "instructions per call", "added"], rows) + "\n")
