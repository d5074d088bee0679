# SPDX-License-Identifier: Apache-2.0
"""A recorder that stands still: does the program go on, and is every lost call told?

After its first calls the victim waits; then whoever records is stopped: of spanshim the drain thread
alone (ptrace), of uftrace and LTTng their process (SIGSTOP). The victim makes its calls, as fast as it
can; when it has, or after a while, the recorder goes on, and what arrived is counted.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import tempfile
import threading

from .contestants import (LTTNG, OURS, PLAIN, UFTRACE, Lttng, Spanshim, Uftrace, Victim,
                          has_lttng, has_uftrace, lttng_daemon)
from .tools import Missing, need, say, table

PATIENCE_S = 5
CALLS_FACTOR = 4  # of a full-speed run: more than the 64 MiB that LTTng gets here hold
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000  # __WALL: a thread is waited for as well


def threads_named(pid, name):
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/comm") as text:
            if text.read().strip() == name:
                yield int(task)


def children_named(parent, name):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError), open(f"/proc/{pid}/stat") as text:
            comm, rest = text.read().split("(", 1)[1].rsplit(")", 1)
            if comm == name and int(rest.split()[1]) == parent:
                yield int(pid)


@contextlib.contextmanager
def thread_stopped(tid):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(PTRACE_SEIZE, tid, None, None) or libc.ptrace(PTRACE_INTERRUPT, tid, None, None):
        raise Missing(f"ptrace: {os.strerror(ctypes.get_errno())}")
    os.waitpid(tid, WALL)
    try:
        yield
    finally:
        libc.ptrace(PTRACE_DETACH, tid, None, None)


@contextlib.contextmanager
def processes_stopped(pids):
    if not pids:
        raise Missing("its recorder was not found")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def run(victim, calls, environment, stop, prefix=()):
    """The victim's result, or None where it did not get through. stop(pid): stops the recorder."""
    process = subprocess.Popen([*prefix, *victim.words(1, calls, 0, "wait")], text=True, bufsize=1,
                               cwd=victim.directory, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               env={**os.environ, **environment})
    lines = []
    reader = threading.Thread(target=lambda: lines.append(process.stdout.readline()))
    try:
        if process.stdout.readline() != "ready\n":
            raise Missing("the victim does not start")
        with stop(process.pid):
            process.stdin.write("\n")
            reader.start()
            reader.join(PATIENCE_S)
            through = bool(lines)
    finally:
        if reader.ident:
            reader.join()
        process.communicate("\n")
    result = victim.result(lines[0]) if lines else None
    if not result:
        raise Missing("the victim does not end")
    return {**result, "through": through}


def no_one(pid):
    return contextlib.nullcontext()


def drain_stopped(pid):
    found = list(threads_named(pid, "spanshim"))
    if len(found) != 1:
        raise Missing(f"{len(found)} drain threads were found")
    return thread_stopped(found[0])


def of_spanshim(victim, calls):
    ours = Spanshim(victim)
    result = run(victim, calls, ours.environment, drain_stopped)
    spans, declared = ours.count()
    return {**result, "recorded": spans, "declared": declared}


def of_uftrace(victim, calls):
    tracer = Uftrace(victim)
    result = run(victim, calls, {}, lambda pid: processes_stopped([pid]), tracer.prefix)
    return {**result, "recorded": tracer.count(), "declared": None}


def of_lttng(victim, calls):
    tracer = Lttng(victim)
    with lttng_daemon(victim.directory) as daemon:
        if daemon is None:
            raise Missing("a session daemon that is not ours is running")
        with tracer.tracing():
            result = run(victim, calls, tracer.environment,
                         lambda pid: processes_stopped(list(children_named(daemon,
                                                                           "lttng-consumerd"))))
            lost = tracer.lost(result["calls"])
    # what it says itself is all there is: in events, of which a call has two
    return {**result, "recorded": result["calls"] - lost, "declared": lost}


def measure(options, skip):
    """{variant: [{"through", "ns", "calls", "recorded", "declared", "burst"}]}"""
    need(options.build, "libspanshim.so", "tests/bench/bench-victim")
    ways = {PLAIN: lambda v, calls: {**run(v, calls, {}, no_one), "recorded": 0, "declared": 0},
            OURS: of_spanshim}
    if has_uftrace():
        ways[UFTRACE] = of_uftrace
    if has_lttng(options.build):
        ways[LTTNG] = of_lttng
    results = {name: [] for name in ways}
    for number in range(options.few_rounds):
        say(f"frozen recorder: round {number + 1} of {options.few_rounds}")
        for name, way in list(ways.items()):
            with tempfile.TemporaryDirectory(prefix="spanshim-bench-") as directory:
                try:
                    results[name].append(way(Victim(options.build, directory),
                                             CALLS_FACTOR * options.calls))
                except (Missing, OSError) as reason:
                    skip.append(f"frozen recorder, {name}: {reason}")
                    del ways[name]
    return {name: runs for name, runs in results.items() if runs}


def exact(runs):
    """Whether every call is a span or a declared loss, in every run."""
    return all(run["declared"] is not None and run["recorded"] + run["declared"] == run["calls"]
               for run in runs)


def never_blocked(runs):
    return all(run["through"] for run in runs)


def rows(results):
    for name, runs in results.items():
        if name == PLAIN:
            continue
        for one in runs:
            missing = one["calls"] - one["recorded"]
            yield [name, "yes" if one["through"] else f"no, not in {PATIENCE_S} s",
                   f"{one['ns']:.1f}" if one["through"] else "–",
                   f"{one['burst'] / 1000:.0f}" if one["through"] else "–", f"{one['calls']:,}",
                   f"{one['recorded']:,}", f"{missing:,}",
                   "–" if one["declared"] is None else f"{one['declared']:,}"]


def sections(results):
    return ("### Recorder frozen\n\nWhoever records is stopped while the program calls at full speed, "
            "default policy; then it goes on.\n\n"
            + table(["tracer", "program went on", "ns per call", "longest 64 calls, us",
                     "calls", "recorded", "missing", "told as lost"], rows(results)) + "\n")
