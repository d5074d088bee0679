# SPDX-License-Identifier: Apache-2.0
"""What preloading costs a process that reaches no entry point: from spawn to exit, in turns."""

import os
import shutil
import statistics
import time

from .tools import median, need, preload, say, table

PROGRAMS = [["true"], ["sqlite3", "-version"], ["curl", "--version"], ["python3", "-c", "pass"]]


def run_ms(words, environment):
    begin = time.perf_counter()
    pid = os.posix_spawn(words[0], words, environment, file_actions=[
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    os.waitpid(pid, 0)
    return (time.perf_counter() - begin) * 1000


def find(name):
    # Debian's own programs, not what a version manager puts in front of them
    return shutil.which(name, path="/usr/bin:/bin") or shutil.which(name)


def measure(options, skip):
    """{command: {"without": [ms], "with": [ms]}}"""
    need(options.build, "libspanshim.so")
    without = {k: v for k, v in os.environ.items() if not k.startswith("SPANSHIM_")}
    preloaded = {**without, "LD_PRELOAD": preload(options.build), "SPANSHIM_OUT": "/dev/null"}
    results = {}
    for words in PROGRAMS:
        say(f"start-up: {words[0]}")
        program = find(words[0])
        if not program:
            skip.append(f"start-up of {words[0]}: not installed")
            continue
        times = results[" ".join(words)] = {"without": [], "with": []}
        for _ in range(options.starts):
            times["without"].append(run_ms([program, *words[1:]], without))
            times["with"].append(run_ms([program, *words[1:]], preloaded))
    return results


def difference(times):
    """ms added: of the medians, for a single start varies by more than that."""
    return median(times["with"]) - median(times["without"])


def worst(results):
    """(command, ms) of the program that pays most."""
    command = max(results, key=lambda name: difference(results[name]))
    return command, difference(results[command])


def rows(results):
    for command, times in results.items():
        each = [b - a for a, b in zip(times["without"], times["with"])]
        quarters = statistics.quantiles(each, n=4) if len(each) > 1 else [each[0]] * 3
        yield [f"`{command}`", f"{median(times['without']):.2f}", f"{median(times['with']):.2f}",
               f"{difference(times):+.2f}", f"{quarters[0]:+.2f} – {quarters[2]:+.2f}",
               str(len(each))]


def sections(results):
    return ("### Start-up\n\nMilliseconds from spawn to exit, all built-in bindings active, no entry "
            "point reached.\n\n"
            + table(["program", "without", "with spanshim", "difference of the medians",
                     "middle half of the differences", "starts"], rows(results))
            + "\nThe loader maps one object more, and the tables of each object that the program has are "
            "walked once: as Debian builds them, `true` has 3, sqlite3 8, curl 33. In a Python process "
            "the hooks for imports come on top. That is what is left above the goal.\n\n")
