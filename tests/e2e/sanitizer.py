# SPDX-License-Identifier: Apache-2.0
"""The end-to-end tests in a build with sanitizers: what they want preloaded, and what they found.

Such a build's shim and collector are instrumented, and its run time has to be in every program that they are in,
behind the shim. Reports go to files, whatever a program does with its stderr; any report fails the test.
"""

import functools
import glob
import json
import os
import subprocess
import tempfile
import unittest

RUNTIMES = {"address": "libasan.so", "thread": "libtsan.so"}  # what must be there before the program
SLOWER = 5  # where something has a time limit


@functools.lru_cache(maxsize=None)
def kinds(build):
    """The build's sanitizers, a set: "address", "undefined", "thread"."""
    try:
        with open(os.path.join(build, "meson-info", "intro-buildoptions.json"), encoding="utf-8") as file:
            options = {option["name"]: option["value"] for option in json.load(file)}
    except FileNotFoundError:  # an installed tree
        return frozenset()
    return frozenset(options["b_sanitize"].split(",")) - {"none", ""}


def patience(build):
    """What time limits are multiplied by."""
    return SLOWER if kinds(build) else 1


@functools.lru_cache(maxsize=None)
def runtimes(build, shim):
    """Paths of the libraries that are preloaded behind the shim."""
    wanted = [RUNTIMES[kind] for kind in kinds(build) if kind in RUNTIMES]
    if not wanted:
        return []
    listed = subprocess.run(["ldd", shim], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [line.split()[2] for line in listed.splitlines() if line.strip().startswith(tuple(wanted))]


def preload(build, shim, list_):
    """That list for LD_PRELOAD, with what is wanted behind it."""
    return ":".join([list_] + [path for path in runtimes(build, shim) if path not in list_.split(":")])


def environment(build, shim):
    """What programs get that are or may be traced, by `spanshim run` for one."""
    return {"LD_PRELOAD": ":".join(runtimes(build, shim))} if runtimes(build, shim) else {}


def options(build, log):
    """The sanitizers' own variables, with reports at log.PID."""
    # Faults are the program's, as ever; ours show in its exit status.
    signals = "".join(":handle_%s=0" % name for name in ("segv", "sigbus", "sigill", "sigfpe", "abort"))
    fatal = ":halt_on_error=1:abort_on_error=1"
    common = "log_path=" + log + signals
    return {
        # Not the first library: the shim is. What a program leaks is its own affair.
        "ASAN_OPTIONS": common + fatal + ":verify_asan_link_order=0:detect_leaks=0",
        "UBSAN_OPTIONS": common + fatal + ":print_stacktrace=1",
        # A forked child may have threads, which ThreadSanitizer does not support, but mostly survives. A
        # first event in a signal handler starts a thread there, which it takes to be unsafe. Threads that a
        # program leaves behind are its own affair.
        "TSAN_OPTIONS": common + ":die_after_fork=0:report_signal_unsafe=0:report_thread_leaks=0:exitcode=0",
    } if kinds(build) else {}


def watch(case, build):
    """From now on until the test ends, a report fails it."""
    if not kinds(build):
        return
    directory = tempfile.mkdtemp(prefix="sanitizer-", dir=case.directory)
    os.chmod(directory, 0o1777)
    os.environ.update(options(build, os.path.join(directory, "report")))
    case.addCleanup(_fail_on_reports, case, directory)


def _fail_on_reports(case, directory):
    reports = []
    for path in sorted(glob.glob(os.path.join(directory, "*"))):
        with open(path, encoding="utf-8", errors="replace") as file:
            reports.append(file.read())
    if reports:
        case.fail("%d reports of a sanitizer:\n%s" % (len(reports), "\n".join(reports)))


def unfit(build, why, *only):
    """Decorator: a test that makes no sense with sanitizers (only: with these), and why."""
    found = kinds(build).intersection(only) if only else kinds(build)
    return unittest.skipIf(found, "in a build with sanitizers: " + why)
