# SPDX-License-Identifier: Apache-2.0
"""How many spans one core drains: tests/bench/drain_bench.c and plugin_bench.c, in turns."""

import os
import re
import subprocess

from .tools import Missing, figure, need, output, say, spread, table

LINE = re.compile(r"^(.*?)\s+([\d.]+) M spans/s \(([\d.]+)-([\d.]+)\), (\d+) spans, "
                  r"(\d+) events lost", re.M)
PLUGIN_LINE = re.compile(r"^(.*?)\s+([\d.]+) ns an event, ([\d.]+) with a plugin", re.M)
ROWS_MAX = 100
SMALL, LARGE = "small, 1 ring", "10 attributes, 2 events, 1 ring"


def turn(program, fillings, result):
    """Row by row, so that one process's memory is not the next row's."""
    for number in range(ROWS_MAX):
        done = subprocess.run([program, str(number), str(fillings)], capture_output=True, text=True)
        if done.returncode == 2 and number > 0:
            return  # no such row
        found = LINE.search(done.stdout)
        if done.returncode or not found:
            raise Missing(f"drain-bench {number}: status {done.returncode}: {done.stderr.strip()}")
        name, rate, least, most, spans, lost = found.groups()
        one = {"rate": float(rate), "min": float(least), "max": float(most), "spans": int(spans),
               "lost": int(lost)}
        result.setdefault(name, []).append(one)


def measure(options, skip):
    need(options.build, "tests/bench/drain-bench")
    result = {"throughput": {}, "plugins": {}}
    for number in range(options.rounds):
        say(f"drain: round {number + 1} of {options.rounds}")
        turn(os.path.join(options.build, "tests/bench/drain-bench"), options.fillings,
             result["throughput"])
    plugins(options, result["plugins"], skip)
    return result


def plugins(options, result, skip):
    program = os.path.join(options.build, "tests/bench/plugin-bench")
    try:
        text = output([program, str(options.plugin_turns), str(options.fillings)]) if os.path.exists(program) else ""
    except (Missing, subprocess.SubprocessError) as reason:
        skip.append(f"plugins: {reason}")
        return
    for name, without, with_one in PLUGIN_LINE.findall(text):
        result[name] = {"without": float(without), "with": float(with_one)}
    if not result:
        skip.append("plugins: plugin-bench is not built, or says nothing that can be read")


def rates(data, name):
    return [one["rate"] for one in data.get("throughput", {}).get(name, [])]


def lost(data, name):
    return sum(one["lost"] for one in data["throughput"][name])


def sections(data):
    rows = [[name, figure(rates(data, name), "{:.2f}"),
             f"{min(one['min'] for one in turns):.2f} – {max(one['max'] for one in turns):.2f}",
             f"{turns[0]['spans']:,}", f"{lost(data, name):,}"]
            for name, turns in data["throughput"].items()]
    text = ("### Drain throughput\n\nMillions of spans a second on one core, from the ring to a line "
            "of OTLP/JSON. A turn fills and drains rings of 1 MiB over and over, and counts the "
            "draining alone. To `/dev/null` unless the row says otherwise.\n\n"
            + table(["spans", "M spans/s, median of the turns (min – max)", "fillings, min – max",
                     "spans a turn", "events lost"], rows) + "\n")
    if data["plugins"]:
        text += ("With a plugin that wants every event and does nothing:\n\n"
                 + table(["spans", "ns an event without", "with"],
                         [[name, f"{one['without']:.0f}", f"{one['with']:.0f}"]
                          for name, one in data["plugins"].items()]) + "\n")
    return text
