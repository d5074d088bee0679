# SPDX-License-Identifier: Apache-2.0
"""What a wrapped call costs: spanshim and the other tracers take turns, mode by mode."""

import contextlib
import tempfile

from .contestants import (BLOCK, LTTNG, OURS, PLAIN, UFTRACE, UNDECLARED, Lttng, Plain, Spanshim,
                          Victim, lttng_daemon, peers)
from .tools import Missing, figure, lost_text, median, need, number, say, spread, table

# threads, calls per second and thread; 0: as fast as it goes. The faster paced ones come first: a
# budget is read from the first mode in which nobody lost anything.
MODES = {
    "1 thread, 2 M calls/s": (1, 2000000),
    "1 thread, 0.5 M calls/s": (1, 500000),
    "2 threads, 1 M calls/s each": (2, 1000000),
    "2 threads, 0.25 M calls/s each": (2, 250000),
    "1 thread, full speed": (1, 0),
    "2 threads, full speed": (2, 0),
}


def contestants(victim, skip):
    return [Plain(victim), Spanshim(victim), Spanshim(victim, BLOCK, SPANSHIM_ON_FULL="block"),
            Spanshim(victim, UNDECLARED, bindings="auto"), *peers(victim, skip)]


def turn(variants, options, results, skip):
    for mode, (threads, rate) in MODES.items():
        count = int(rate * options.seconds) if rate else options.calls
        for variant in list(variants):
            try:
                results[mode][variant.name].append(variant.run(threads, count, rate))
            except Missing as reason:
                if variant.name == PLAIN:
                    raise
                skip.append(f"{variant.name}: {reason}")
                variants.remove(variant)


def measure(options, skip):
    need(options.build, "libspanshim.so", "tests/bench/bench-victim")
    with tempfile.TemporaryDirectory(prefix="spanshim-bench-") as directory, \
            contextlib.ExitStack() as stack:
        variants = contestants(Victim(options.build, directory), skip)
        if any(isinstance(v, Lttng) for v in variants):
            try:
                stack.enter_context(lttng_daemon(directory))
            except Missing as reason:
                skip.append(f"LTTng-UST: {reason}")
                variants = [v for v in variants if not isinstance(v, Lttng)]
        results = {mode: {v.name: [] for v in variants} for mode in MODES}
        for number in range(options.rounds):
            say(f"calls: round {number + 1} of {options.rounds}")
            turn(variants, options, results, skip)
    return results


def added(runs, name):
    """[(ns added, lost)] of the rounds that both this variant and the untraced one have."""
    return [(run["ns"] - plain["ns"], run["lost"])
            for run, plain in zip(runs.get(name, []), runs[PLAIN])]


def ratios(runs, name, ours=OURS):
    """Theirs over ours, of the rounds in which neither lost a call."""
    return [theirs / mine for (theirs, lost), (mine, mine_lost)
            in zip(added(runs, name), added(runs, ours)) if mine > 0 and not lost + mine_lost]


def lossless(results, threads, name):
    """(mode, ratios) of the fastest paced mode in which at least half of the rounds have a ratio;
    else of the one with most of them."""
    best = None, []
    for mode, (count, rate) in MODES.items():
        if count != threads or not rate or mode not in results:
            continue
        found = ratios(results[mode], name)
        if found and 2 * len(found) >= len(results[mode][PLAIN]):
            return mode, found
        if len(found) > len(best[1]):
            best = mode, found
    return best


def losses(runs, name):
    made = sum(run["calls"] for run in runs[name])
    return sum(run["lost"] for run in runs[name]), made


def rows(runs):
    for name, results in runs.items():
        if not results:
            continue
        base = name == PLAIN
        shown = [run["ns"] for run in results] if base else [ns for ns, _ in added(runs, name)]
        ratio = ratios(runs, name) if name in (BLOCK, UFTRACE, LTTNG) else []
        yield [name, number(median(shown)) + (" (the call)" if base else ""), spread(shown),
               f"{figure(ratio)}; n = {len(ratio)}" if ratio else "–",
               lost_text(*losses(runs, name))]


def sections(results):
    text = ("### A wrapped call\n\n"
            "Nanoseconds added to a call of a function that does nothing, begin and end recorded. "
            "Ratio: what it adds over what spanshim adds, in the n rounds in which neither lost a "
            "call. A call that is lost costs less, so a figure with losses is no cost.\n\n")
    for mode, runs in results.items():
        text += f"{mode}:\n\n" + table(["variant", "ns added, median", "min – max",
                                         "ratio, median (min – max)", "calls lost"], rows(runs))
        text += "\n"
    return text
