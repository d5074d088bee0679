# SPDX-License-Identifier: Apache-2.0
"""Bars with whiskers as SVG: cost per call beside the other tracers, and drain throughput.

A group of bars has a title; a bar its median, its min and max, and a note. Text is escaped; nothing but
the figures of the run is drawn.
"""

import math
from xml.sax.saxutils import escape, quoteattr

from . import calls, drain
from .contestants import LTTNG, OURS, PLAIN, UFTRACE
from .tools import median

WIDTH, LEFT, RIGHT, TOP = 860, 230, 170, 64
BAR, GAP, GROUP_GAP, FOOT = 22, 6, 30, 34
COLOURS = {OURS: "#1f6feb", UFTRACE: "#b0752a", LTTNG: "#7a5195"}
OTHER, INK, FAINT, PALE = "#1f6feb", "#24292f", "#d0d7de", "0.35"
MARKS = {"must": "#9a6700", "goal": "#1a7f37"}


def nice_step(most):
    """Distance of about five grid lines, of 1, 2 or 5 times a power of ten."""
    raw = most / 5
    power = 10 ** math.floor(math.log10(raw))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= raw)


class Canvas:
    def __init__(self, most):
        self.most, self.parts, self.y = most, [], TOP

    def x(self, value):
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(value, 0), self.most) / self.most

    def line(self, x1, y1, x2, y2, colour, **more):
        extra = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in more.items())
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'stroke="{colour}"{extra}/>')

    def text(self, x, y, words, anchor="start", size=12, colour=INK, weight="normal"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
                          f'fill="{colour}" font-weight="{weight}">{escape(words)}</text>')

    def bar(self, bar):
        middle, end = self.y + BAR / 2, self.x(bar["median"])
        opacity = f' fill-opacity="{PALE}"' if bar.get("pale") else ""
        self.text(LEFT - 8, middle + 4, bar["label"], "end")
        self.parts.append(f'<rect x="{LEFT}" y="{self.y}" width="{max(end - LEFT, 1):.1f}" '
                          f'height="{BAR}" fill={quoteattr(bar["colour"])}{opacity}/>')
        least, most = self.x(bar["min"]), self.x(bar["max"])
        self.line(least, middle, most, middle, INK)
        for x in (least, most):
            self.line(x, middle - 5, x, middle + 5, INK)
        self.text(max(end, most) + 8, middle + 4, bar["note"])
        self.y += BAR + GAP


def draw(title, unit, groups, marks=()):
    """groups: [(title, bars)]; marks: [(name, value)] are lines over the whole height."""
    values = [bar["max"] for _, bars in groups for bar in bars] + [value for _, value in marks]
    canvas = Canvas(max(values) * 1.02 or 1)
    for name, bars in groups:
        if name:
            canvas.text(LEFT, canvas.y + 12, name, weight="bold")
            canvas.y += 20
        for bar in bars:
            canvas.bar(bar)
        canvas.y += GROUP_GAP - GAP
    bottom = canvas.y - GROUP_GAP / 2
    front, canvas.parts = canvas.parts, []
    step = nice_step(canvas.most)
    for i in range(int(canvas.most / step) + 1):
        x = canvas.x(i * step)
        canvas.line(x, TOP - 6, x, bottom, FAINT)
        canvas.text(x, bottom + 16, f"{i * step:g}", "middle", 11)
    back, canvas.parts = canvas.parts, []
    for name, value in marks:
        x, colour = canvas.x(value), MARKS.get(name, INK)
        canvas.line(x, TOP - 6, x, bottom, colour, stroke_dasharray="5 3", stroke_width="1.5")
        canvas.text(x, TOP - 10, f"{name} {value:g}", "middle", 11, colour)
    canvas.text(LEFT, bottom + 32, unit, size=11)
    canvas.text(16, 26, title, size=15, weight="bold")
    height = bottom + FOOT + 8
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
            f'viewBox="0 0 {WIDTH} {height:.0f}" font-family="sans-serif" role="img">\n'
            f"<title>{escape(title)}</title>\n"
            f'<rect width="100%" height="100%" fill="#ffffff"/>\n'
            + "\n".join(back + front + canvas.parts) + "\n</svg>\n")


def call_bar(runs, name):
    values = [ns for ns, _ in calls.added(runs, name)]
    lost, made = calls.losses(runs, name)
    note = f"{median(values):.0f} ns" + (f", lost {100 * lost / made:.1f} %" if lost else "")
    return {"label": name, "colour": COLOURS[name], "median": median(values), "min": min(values),
            "max": max(values), "note": note, "pale": lost > 0}


def calls_plot(data):
    groups = []
    for mode, runs in data.items():
        if calls.MODES.get(mode, (0, 0))[1]:
            bars = [call_bar(runs, name) for name in COLOURS if runs.get(name) and runs[PLAIN]]
            groups.append((mode, bars))
    groups = [(mode, bars) for mode, bars in groups if bars]
    return groups and draw("What a wrapped call costs: begin and end recorded", "ns added per call; bar: "
                           "median, whisker: min – max of the rounds; pale: calls were lost", groups)


def drain_bar(data, name):
    rates = drain.rates(data, name)
    return {"label": name, "colour": OTHER, "median": median(rates), "min": min(rates),
            "max": max(rates), "note": f"{median(rates):.2f} M/s"}


def drain_plot(data):
    """Small spans and large ones have budgets of their own, hence two plots."""
    for name, first, must, goal in (("small", drain.SMALL, 2, 4), ("large", drain.LARGE, 1, 3)):
        bars = [drain_bar(data, key) for key in data["throughput"]
                if key.startswith("small") == first.startswith("small")]
        if bars:
            kind = "small spans" if name == "small" else "spans of 10 attributes and 2 events"
            yield (f"drain-{name}.svg", f"Drain throughput, {kind}",
                   draw(f"Drain throughput on one core: {kind}",
                        "million spans a second; bar: median of the turns, whisker: min – max",
                        [("", bars)], [("must", must), ("goal", goal)]))


def all_plots(report):
    """(file name, title, SVG) of what was measured."""
    if report.get("calls"):
        svg = calls_plot(report["calls"])
        if svg:
            yield "calls.svg", "Cost of a wrapped call beside uftrace and LTTng-UST", svg
    if report.get("drain"):
        yield from drain_plot(report["drain"])
