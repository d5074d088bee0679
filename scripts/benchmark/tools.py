# SPDX-License-Identifier: Apache-2.0
"""What all parts use: progress, statistics, tables, the build, facts of the machine."""

import datetime
import os
import platform
import re
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Missing(Exception):
    """What a part needs is not here; the text says what. The part is skipped, by name."""


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def preload(build):
    return os.path.join(build, "libspanshim.so")


def built(build, path):
    return os.path.exists(os.path.join(build, path))


def need(build, *paths):
    for path in paths:
        if not built(build, path):
            raise Missing(f"{os.path.basename(path)} is not built")


def make(build, targets):
    for target in targets:
        done = subprocess.run(["meson", "compile", "-C", build, target], capture_output=True,
                              text=True)
        if done.returncode:
            lines = done.stdout.strip().splitlines() or ["meson says nothing"]
            say(f"{target} cannot be built here: {lines[-1]}")


def output(words, **options):
    """stdout of a command that must succeed."""
    done = subprocess.run(words, capture_output=True, text=True, **options)
    if done.returncode:
        raise Missing(f"{os.path.basename(words[0])}: status {done.returncode}: "
                      + (done.stderr.strip().splitlines() or ["no message"])[-1])
    return done.stdout


def median(values):
    return statistics.median(values)


def number(value, form="{:.1f}"):
    """As text; what rounds to zero has no sign."""
    text = form.format(value)
    return text.replace("-", "").replace("+", "") if not float(text.replace(",", "")) else text


def spread(values, form="{:.1f}"):
    return " – ".join(number(v, form) for v in (min(values), max(values)))


def figure(values, form="{:.1f}"):
    """`median (min – max)`."""
    return f"{number(median(values), form)} ({spread(values, form)})"


def part_of(ratios):
    """`1/3.1 (1/2.9 – 1/3.4)` of ratios theirs / ours."""
    least, most = min(ratios), max(ratios)
    return f"1/{median(ratios):.1f} (1/{least:.1f} – 1/{most:.1f})"


def lost_text(lost, made):
    return f"{lost:,} of {made:,} ({100 * lost / made:.1f} %)" if lost else "0"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def first_line(path, default="?"):
    try:
        with open(path, encoding="utf-8") as lines:
            return lines.readline().strip()
    except OSError:
        return default


def distribution():
    try:
        with open("/etc/os-release", encoding="utf-8") as lines:
            found = re.search(r'^PRETTY_NAME="?([^"\n]*)', lines.read(), re.M)
            return found[1] if found else "?"
    except OSError:
        return "?"


def machine():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            model = re.search(r"model name\s*: (.*)", info.read())
    except OSError:
        model = None
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"date": datetime.datetime.now().isoformat(sep=" ", timespec="minutes"),
            "processor": model[1] if model else platform.machine(),
            "processors": len(os.sched_getaffinity(0)), "memory_gib": round(memory / 2**30, 1),
            "system": distribution(), "kernel": platform.release(), "libc": platform.libc_ver()[1],
            "clock": first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            "load": round(os.getloadavg()[0], 2)}
