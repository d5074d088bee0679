# SPDX-License-Identifier: Apache-2.0
"""What else gives a begin and an end of a call: OpenTelemetry's SDKs, ltrace. For orientation."""

import os
import re
import shutil
import subprocess
import tempfile

from . import mellea
from .contestants import Victim
from .tools import ROOT, Missing, figure, median, output, say, table

JS_PACKAGE = "@opentelemetry/sdk-trace-base@2.12.1"
PYTHON_SDK, JS_SDK = "OpenTelemetry SDK, Python", "OpenTelemetry SDK, JavaScript"
LTRACE = "ltrace"
LTRACE_CALLS = 5000


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "spanshim", "otel-js")


def install_js():
    """Into a directory of its own in the user's cache, when asked to."""
    if not shutil.which("npm"):
        return
    os.makedirs(cache(), exist_ok=True)
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", cache(), JS_PACKAGE,
                    "@opentelemetry/api@1"], stdout=subprocess.DEVNULL, check=False)


def python_ns(options):
    return float(output([mellea.python(True), "-B", os.path.join(ROOT, "tests/bench/otel_span.py"),
                         str(options.sdk_spans)]))


def js_ns(options):
    if not shutil.which("node"):
        raise Missing("node is not installed")
    modules = os.path.join(cache(), "node_modules")
    if not os.path.isdir(os.path.join(modules, "@opentelemetry")):
        raise Missing("its package is not installed; --install does that")
    return float(output(["node", os.path.join(ROOT, "tests/bench/otel_span.cjs"),
                         str(options.sdk_spans)], env={**os.environ, "NODE_PATH": modules}))


def ltrace_ns(options):
    if not shutil.which("ltrace"):
        raise Missing("not installed")
    calls = max(int(LTRACE_CALLS * options.scale), 1)
    with tempfile.TemporaryDirectory(prefix="spanshim-bench-") as directory:
        victim, out = Victim(options.build, directory), os.path.join(directory, "ltrace.out")
        plain = victim.run(1, calls, 0)["ns"]
        traced = victim.run(1, calls, 0, prefix=["ltrace", "-f", "-e", "foo", "-o", out])
        with open(out, encoding="utf-8", errors="replace") as lines:
            seen = len(re.findall(r"\bfoo\(", lines.read()))
    if seen < traced["calls"]:
        raise Missing(f"it saw {seen} of {traced['calls']} calls")
    return traced["ns"] - plain


def measure(options, skip):
    """{name: [ns of one begin and end]}"""
    ways = {PYTHON_SDK: python_ns, JS_SDK: js_ns, LTRACE: ltrace_ns}
    results = {name: [] for name in ways}
    for number in range(options.few_rounds):
        say(f"SDKs and ltrace: round {number + 1} of {options.few_rounds}")
        for name, way in list(ways.items()):
            try:
                results[name].append(way(options))
            except (Missing, ValueError) as reason:
                skip.append(f"{name}: {reason}")
                del ways[name]
    skip.append("uprobes: not measured by this script; they need root and the kernel's tracefs")
    return {name: values for name, values in results.items() if values}


def sections(results, ours_ns=None):
    """ours_ns: what spanshim adds to a call in the same run."""
    if not results:
        return ""
    rows = [[name, figure(values, "{:,.0f}"),
             f"{median(values) / ours_ns:,.0f}" if ours_ns else "–"]
            for name, values in results.items()]
    return ("### Other ways to a begin and an end\n\nA span started and ended with an SDK, sampled, no "
            "exporter, no attribute; a call seen by ltrace.\n\n"
            + table(["what", "ns, median (min – max)", "times what spanshim adds"], rows) + "\n")
