# SPDX-License-Identifier: Apache-2.0
"""How many spans one core drains: tests/bench/drain_bench.c and plugin_bench.c, in turns.

And the instructions that a span takes, by callgrind: they repeat where times do not.
"""

import os
import re
import shutil
import subprocess
import tempfile

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


def count(program, number, fillings, directory):
    """(instructions, spans) of all the draining of a row."""
    out = os.path.join(directory, "callgrind.out")
    done = subprocess.run(["valgrind", "--tool=callgrind", "--toggle-collect=ss_drain_batch",
                           f"--callgrind-out-file={out}", program, str(number), str(fillings)],
                          capture_output=True, text=True)
    collected, line = re.search(r"Collected\s*:\s*(\d+)", done.stderr), LINE.search(done.stdout)
    if done.returncode or not collected or not line:
        raise Missing("callgrind: " + (done.stderr.strip().splitlines() or ["no output"])[-1])
    return int(collected[1]), int(line[5])


def instructions(program, names):
    """{row: instructions a span}: what more fillings take, so that beginnings cancel out."""
    if not shutil.which("valgrind"):
        raise Missing("valgrind is not installed")
    result = {}
    with tempfile.TemporaryDirectory(prefix="spanshim-bench-") as directory:
        for number, name in enumerate(names):
            say(f"instructions: drain, {name}")
            few, more = (count(program, number, fillings, directory) for fillings in (2, 4))
            result[name] = (more[0] - few[0]) / (more[1] - few[1])
    return result


def measure(options, skip):
    need(options.build, "tests/bench/drain-bench")
    program = os.path.join(options.build, "tests/bench/drain-bench")
    result = {"throughput": {}, "plugins": {}, "instructions": {}}
    for number in range(options.rounds):
        say(f"drain: round {number + 1} of {options.rounds}")
        turn(program, options.fillings, result["throughput"])
    try:
        result["instructions"] = instructions(program, [SMALL] if options.quick
                                              else list(result["throughput"]))
    except Missing as reason:
        skip.append(f"instructions of the drain: {reason}")
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
             f"{data['instructions'][name]:,.0f}" if name in data.get("instructions", {}) else "–",
             f"{turns[0]['spans']:,}", f"{lost(data, name):,}"]
            for name, turns in data["throughput"].items()]
    text = ("### Drain throughput\n\nMillions of spans a second on one core, from the ring to a line "
            "of OTLP/JSON. A turn fills and drains rings of 1 MiB over and over, and counts the "
            "draining alone. To `/dev/null` unless the row says otherwise.\n\n"
            + table(["spans", "M spans/s, median of the turns (min – max)", "fillings, min – max",
                     "instructions a span", "spans a turn", "events lost"], rows) + "\n")
    if data["plugins"]:
        text += ("With a plugin that wants every event and does nothing:\n\n"
                 + table(["spans", "ns an event without", "with"],
                         [[name, f"{one['without']:.0f}", f"{one['with']:.0f}"]
                          for name, one in data["plugins"].items()]) + "\n")
    return text
