# SPDX-License-Identifier: Apache-2.0
"""What a traced process has resident: spans by the hundred thousand, then by the million.

Read from /proc/PID/smaps of the victim, when it has made its calls and all is drained. The ring file
counts apart: its pages are the kernel's page cache, shared with whoever recovers. How much of it are
rings is what the file system gave it, by threads.
"""

import os
import re
import struct
import subprocess
import tempfile
import time

from .contestants import Spanshim, Victim
from .tools import Missing, figure, need, say, table

COUNTS = (100000, 1000000)
RATE = 500000
THREADS = (1, 2, 16, 64)
THREADS_JUDGED = 16  # a thread above the 22nd gets a ring of 64 KiB more
SETTLE_S = 0.3
MIB = float(1 << 20)


def by_kind(pid):
    """Bytes resident: {"ring", "anonymous", "files"}, and the ring file's path."""
    sizes, kind, ring = {"ring": 0, "anonymous": 0, "files": 0}, "anonymous", None
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as lines:
        for line in lines:
            head = re.match(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+\s*(.*)", line)
            if head:
                kind = "ring" if head[1].endswith(".ring") else \
                    "files" if head[1].startswith("/") else "anonymous"
                ring = head[1] if kind == "ring" else ring
            elif line.startswith("Rss:"):
                sizes[kind] += int(line.split()[1]) << 10
    return sizes, ring


def rings_of(path):
    """Bytes that the file has for rings: all that was allocated, less what is before and behind
    them (shim/image.h, struct ss_image)."""
    with open(path, "rb") as ring:
        magic, _, _, file_bytes, *_, data_off, _ = struct.unpack("<8sII7Q", ring.read(72))
        status = os.fstat(ring.fileno())
    if magic != b"SSSSHIM1":
        raise Missing(f"{path} is no ring file")
    return status.st_blocks * 512 - data_off - (status.st_size - file_bytes)


def run(victim, threads, calls, environment):
    process = subprocess.Popen(victim.words(threads, calls, RATE, "wait"), text=True, bufsize=1,
                               cwd=victim.directory, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               env={**os.environ, **environment})
    try:
        process.stdout.readline()
        process.stdin.write("\n")
        result = victim.result(process.stdout.readline())
        time.sleep(SETTLE_S)
        sizes, ring = by_kind(process.pid)
        sizes["rings"] = rings_of(ring) if ring else 0
    finally:
        process.communicate("\n")
    if not result:
        raise Missing("the victim does not run")
    return {**sizes, "calls": result["calls"]}


def measure(options, skip):
    """{"spans": {calls: {"without": [sizes], "with": [sizes]}}, "rings": {threads: bytes}}"""
    need(options.build, "libspanshim.so", "tests/bench/bench-victim")
    spans = {str(count): {"without": [], "with": []} for count in COUNTS}
    with tempfile.TemporaryDirectory(prefix="spanshim-bench-") as directory:
        victim = Victim(options.build, directory)
        ours = Spanshim(victim)
        for number in range(options.few_rounds):
            say(f"memory: round {number + 1} of {options.few_rounds}")
            for count in COUNTS:
                calls = max(int(count * options.scale), 1)
                spans[str(count)]["without"].append(run(victim, 1, calls, {}))
                sizes = run(victim, 1, calls, ours.environment)
                sizes["lost"] = sizes["calls"] - ours.count()[0]
                spans[str(count)]["with"].append(sizes)
        rings = {str(threads): run(victim, threads, 1, ours.environment)["rings"]
                 for threads in THREADS}
    return {"spans": spans, "rings": rings}


def resident(sizes):
    return sizes["anonymous"] + sizes["files"]


def drain_bytes(results, count):
    """What is resident more than without spanshim, the ring file apart; round by round."""
    both = results["spans"][str(count)]
    return [resident(b) - resident(a) for a, b in zip(both["without"], both["with"])]


def ring_pages(results, count):
    return [sizes["ring"] for sizes in results["spans"][str(count)]["with"]]


def growth(results):
    """Bytes from the fewest spans to the most, round by round."""
    return [b - a for a, b in zip(*(drain_bytes(results, count) for count in COUNTS))]


def sections(results):
    rows = []
    for count, both in results["spans"].items():
        for name, kind in (("anonymous memory", "anonymous"),
                           ("files: spanshim, its collector, the libraries of both", "files")):
            more = [(b[kind] - a[kind]) / MIB for a, b in zip(both["without"], both["with"])]
            rows.append([f"{int(count):,}", name, figure(more, "{:.2f}")])
        pages = [size / MIB for size in ring_pages(results, count)]
        rows.append([f"{int(count):,}", "pages of the ring file", figure(pages, "{:.2f}")])
    rings = [[threads, f"{size / MIB:.2f}"] for threads, size in results["rings"].items()]
    return ("### Memory\n\nMiB resident in the traced process more than in the same one without "
            f"spanshim, {SETTLE_S} s after its last call; one thread at {RATE:,} calls a second. The "
            "ring file holds rings, open spans, names and declarations.\n\n"
            + table(["spans", "what", "MiB, median (min – max)"], rows)
            + "\nRings, by the threads that have made a wrapped call:\n\n"
            + table(["threads", "MiB of rings"], rings) + "\n")
