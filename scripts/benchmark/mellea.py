# SPDX-License-Identifier: Apache-2.0
"""An act of a Mellea program: what spanshim adds to it, and what Mellea's own telemetry does."""

import os
import subprocess

from .tools import ROOT, Missing, figure, median, need, output, part_of, preload, say, table

TELEMETRY, OURS = "Mellea's telemetry, no exporter", "spanshim"
TELEMETRY_METRICS, OURS_METRICS = "Mellea's telemetry and metrics", "spanshim with metrics"
PLAIN = "plain"
# Each of ours is compared with the one before it.
VARIANTS = (PLAIN, TELEMETRY, OURS, TELEMETRY_METRICS, OURS_METRICS)


def environment(build, name):
    """What each variant adds to the environment."""
    if "spanshim" in name:
        added = {"LD_PRELOAD": preload(build), "SPANSHIM_OUT": "/dev/null",
                 "SPANSHIM_ON_FULL": "block"}
        return {**added, "SPANSHIM_METRICS_OUT": "/dev/null"} if "metrics" in name else added
    added = {"MELLEA_TRACES_ENABLED": "true"} if "telemetry" in name else {}
    return {**added, "MELLEA_METRICS_ENABLED": "true"} if "metrics" in name else added


def python(telemetry):
    """An environment with the newest pinned Mellea."""
    spec = ("+telemetry" if telemetry else "") + "@3.12"
    done = subprocess.run([os.path.join(ROOT, "scripts/mellea_env"), spec], capture_output=True,
                          text=True)
    words = done.stdout.split()
    if done.returncode or not words:
        raise Missing("no environment with Mellea: "
                      + (done.stderr.strip().splitlines() or ["no message"])[-1])
    return words[-1]


def measure(options, skip):
    """{variant: [us per act]}: the variants take turns; an act is an action and a chat span."""
    need(options.build, "libspanshim.so")
    pythons = {name: python("telemetry" in name) for name in VARIANTS}
    results = {name: [] for name in VARIANTS}
    for number in range(options.rounds):
        say(f"acts of a Mellea program: round {number + 1} of {options.rounds}")
        for name in VARIANTS:
            text = output([pythons[name], "-B", os.path.join(ROOT, "tests/bench/mellea_act.py"),
                           str(options.acts), "1"],
                          env={**os.environ, **environment(options.build, name)})
            results[name].append(float(text))
    return results


def added(results, name):
    return [value - plain for value, plain in zip(results[name], results[PLAIN])]


def parts(results, ours=OURS):
    """What Mellea's own telemetry adds over what spanshim adds, round by round."""
    theirs = VARIANTS[VARIANTS.index(ours) - 1]
    return [a / b for a, b in zip(added(results, theirs), added(results, ours)) if b > 0]


def sections(results):
    rows = []
    for name, values in results.items():
        found = parts(results, name) if "spanshim" in name else []
        rows.append([name, f"{median(values):.1f}",
                     "–" if name == PLAIN else figure(added(results, name)),
                     part_of(found) if found else "–"])
    return ("### An act of a Mellea program\n\nMicroseconds of an act (an action with its chat) "
            "against a backend that answers at once. spanshim writes its spans, to `/dev/null`; "
            "Mellea's telemetry makes them, and exports nothing.\n\n"
            + table(["variant", "us per act, median", "added, median (min – max)",
                     "part of what the one above adds"], rows) + "\n")
