# SPDX-License-Identifier: Apache-2.0
"""The budgets, and what a run says of each: one row a budget, whatever was or was not measured.

A row is {"id", "what", "must", "goal", "measured", "met_must", "met_goal", "lost"}: the last three are
texts or None where nothing was measured. Medians decide; the spread stands beside them.
"""

from . import calls, drain, frozen, mellea, memory, startup, undeclared
from .contestants import LTTNG, OURS, PLAIN, UFTRACE
from .tools import figure, lost_text, median, number, part_of, spread

MIB = float(1 << 20)
FLAT_BYTES = 256 << 10  # of growth from 100,000 to 1,000,000 spans


def row(name, what, must, goal):
    return {"id": name, "what": what, "must": must, "goal": goal, "measured": None,
            "met_must": None, "met_goal": None, "lost": None}


def fill(target, measured, met_must, met_goal, lost="0"):
    target.update(measured=measured, met_must=bool(met_must), met_goal=bool(met_goal), lost=lost)
    return target


def call_ratio(data, name, what, threads, peer, must, goal):
    """Part of what `peer` adds: 1/3 is must=3."""
    target = row(name, what, f"≤ 1/{must}", f"≤ 1/{goal}")
    if not data or not any(runs.get(peer) for runs in data.values()):
        return target
    mode, ratios = calls.lossless(data, threads, peer)
    if not mode:
        target["lost"] = "in every round"
        return target
    runs = data[mode]
    ours, theirs = ([ns for ns, _ in calls.added(runs, who)] for who in (OURS, peer))
    short = peer.split()[0]
    text = (f"{part_of(ratios)}: {median(ours):.1f} ns added, {short} {median(theirs):.1f}; {mode}, "
            f"{len(ratios)} of {len(runs[PLAIN])} rounds")
    lost = (f"{lost_text(*calls.losses(runs, OURS))}; {short} "
            + lost_text(*calls.losses(runs, peer)))
    return fill(target, text, median(ratios) >= must, median(ratios) >= goal, lost)


def undeclared_row(calls_data, data):
    target = row("undeclared", "undeclared calls", "0 (not patched)", "0")
    if not data or not ("slot" in data or "instructions" in data):
        return target
    parts, met = [], True
    if "slot" in data:
        met = not data["patched"]
        parts.append("the GOT leads to " + data["slot"][undeclared.UNDECLARED])
    if "instructions" in data:
        counts = data["instructions"]
        more = counts[undeclared.UNDECLARED] - counts[PLAIN]
        met = met and more == 0
        parts.append(f"{number(more, '{:+.2f}')} instructions a call more")
    if calls_data:
        mode = next(iter(calls_data))
        ns = [ns for ns, _ in calls.added(calls_data[mode], undeclared.UNDECLARED)]
        if ns:
            parts.append(f"{number(median(ns), '{:+.1f}')} ns ({spread(ns)})")
    return fill(target, "; ".join(parts), met, met)


def drain_row(data, name, what, spans, must, goal):
    target = row(name, what, f"{must} M spans/s", f"{goal} M")
    rates = drain.rates(data, spans) if data else []
    if not rates:
        return target
    return fill(target, figure(rates, "{:.2f}") + " M spans/s", median(rates) >= must,
                median(rates) >= goal, f"{drain.lost(data, spans):,}")


def startup_row(data):
    target = row("start-up", "a process that reaches no entry point, the worst of four",
                 "+ ≤ 0.5 ms", "≤ 0.2 ms")
    if not data:
        return target
    command, ms = startup.worst(data)
    each = ", ".join(f"`{name}` {startup.difference(times):+.2f}" for name, times in data.items())
    return fill(target, f"{ms:+.2f} ms (`{command}`); {each}", ms <= 0.5, ms <= 0.2, "–")


def mellea_row(data):
    target = row("mellea", "Mellea act, added time, beside Mellea's own telemetry", "≤ 1/10",
                 "≤ 1/20")
    if not data:
        return target
    ours, theirs = (median(mellea.added(data, name)) for name in (mellea.OURS, mellea.TELEMETRY))
    ratios = mellea.parts(data)
    text = ((part_of(ratios) if ours > 0 else "below the noise")
            + f": {ours:.0f} us an act, Mellea's own {theirs:.0f}")
    met = [theirs > 0 and ours <= theirs / part for part in (10, 20)]
    return fill(target, text, *met, "waits (block)")


def memory_rows(data):
    rings = row("rings", "memory: rings of a process, by default", "≤ 4 MiB", "flat")
    resident = row("drain-memory", "memory: drain resident at 10^6 spans, ring file apart",
                   "≤ 8 MiB", "flat")
    if not data:
        return rings, resident
    least, most = memory.COUNTS
    runs = data["spans"][str(most)]["with"]
    lost = lost_text(*(sum(one[key] for one in runs) for key in ("lost", "calls")))
    pages = [median(memory.ring_pages(data, count)) / MIB for count in (least, most)]
    judged = data["rings"][str(memory.THREADS_JUDGED)] / MIB
    each = ", ".join(f"{size / MIB:.2f} with {threads}" for threads, size in data["rings"].items())
    fill(rings, f"MiB of rings: {each} threads; pages of the ring file {pages[1]:.2f} at 10^6 spans, "
         f"{pages[0]:.2f} at 10^5", judged <= 4,
         judged <= 4 and pages[1] - pages[0] <= FLAT_BYTES / MIB, lost)
    now = [b / MIB for b in memory.drain_bytes(data, most)]
    more = [b / 1024 for b in memory.growth(data)]
    fill(resident, f"{figure(now, '{:.2f}')} MiB; {figure(more, '{:+.0f}')} KiB since 10^5",
         median(now) <= 8, median(now) <= 8 and median(more) <= FLAT_BYTES / 1024, lost)
    return rings, resident


def frozen_row(data):
    target = row("frozen", "recorder frozen, default policy",
                 "host never blocks, exact drop count", "same")
    runs = data.get(OURS) if data else None
    if not runs:
        return target
    met = frozen.never_blocked(runs) and frozen.exact(runs)
    made, recorded, declared = (sum(one[key] for one in runs)
                                for key in ("calls", "recorded", "declared"))
    text = (("never blocked" if frozen.never_blocked(runs) else "blocked")
            + f"; {made:,} calls = {recorded:,} spans + {declared:,} told as lost"
            + ("" if recorded + declared == made else f" + {made - recorded - declared:,} untold"))
    return fill(target, text, met, met, lost_text(made - recorded, made))


def rows(report):
    """One row for each budget."""
    data = report.get("calls")
    return [
        call_ratio(data, "call-1-lttng", "native wrapped call, begin and end, 1 thread, beside LTTng-UST",
                   1, LTTNG, 3, 6),
        call_ratio(data, "call-1-uftrace", "the same, beside uftrace", 1, UFTRACE, 2, 3),
        call_ratio(data, "call-2-lttng", "the same, 2 threads and the drain, beside LTTng-UST", 2, LTTNG, 3,
                   6),
        undeclared_row(data, report.get("undeclared")),
        drain_row(report.get("drain"), "drain-small", "drain, small span to /dev/null, one core",
                  drain.SMALL, 2, 4),
        drain_row(report.get("drain"), "drain-large", "drain, 10 attributes and 2 events",
                  drain.LARGE, 1, 3),
        startup_row(report.get("start-up")),
        mellea_row(report.get("mellea")),
        *memory_rows(report.get("memory")),
        frozen_row(report.get("frozen")),
    ]
