# SPDX-License-Identifier: Apache-2.0
"""Every program of programs/, twice: with Mellea's own telemetry, and plain under the preload.

Their spans and metrics must be equal but for what differences.json lists with a reason, and every entry
there must occur. The matrix is what scripts/mellea_env made: Mellea's newest and an older version, on each
CPython from 3.11. On 3.11 Mellea's own tree is flat: the reference is then 3.12's. Words on the
command line choose programs by name (gather, "stream_*") and rows of the matrix (0.8.0@3.12). The
table of programs and differences is printed, and kept as parity.txt in the build directory.

A program says in its docstring what is special about it, one a line:
  mellea: VERSION   runs with that version only       env: NAME=VALUE   a variable for it
  status: N         the exit status it must have
  lasts: SECONDS    what its longest generation takes at least
"""

import collections
import concurrent.futures
import contextlib
import fnmatch
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

import compare  # noqa: E402
import compare_metrics  # noqa: E402
import mellea_env  # noqa: E402
from harness import BUILD, COMMAND, PRELOAD, clean_environment  # noqa: E402

SECONDS = 120  # for one run of a program; none takes longer than a few
NEWEST, OLDER = mellea_env.NEWEST, mellea_env.OLDER


class Program:
    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)[:-len(".py")]
        with open(path, encoding="utf-8") as file:
            self.told = dict(re.findall(r"^(mellea|env|status|lasts): (.*)$", file.read(), re.M))
        self.status = int(self.told.get("status", 0))
        self.lasts = float(self.told.get("lasts", 0))
        self.env = dict([self.told["env"].split("=", 1)]) if "env" in self.told else {}


PROGRAMS = [Program(path) for path in sorted(glob.glob(os.path.join(HERE, "programs", "*.py")))]


# What the older version runs on further Pythons, besides the programs that are for it alone, and what
# runs without content, besides those in which content would be.
FEW = {"backend_500", "forked_inside", "gather", "instruct", "lazy_order", "majority_voting",
       "raw_batch", "repair_exhausted", "sessions_interleaved", "start_session_fails", "threads",
       "tool_calls"}
GATED = {"adapter_functions_08", "chat", "error_classes", "generative", "odd_content",
         "repair_multi_turn", "repair_success", "requirement_classes", "requirement_raises",
         "stream_events_08", "stream_exception_08", "stream_failed_check_08",
         "stream_failed_validation_08", "stream_pass_08", "structured", "tool_failure", "validate"}


# The instruments of each version. Each is moved by at least one program.
BOTH = {"mellea.llm.cost.usd", "mellea.llm.errors", "mellea.llm.request.duration",
        "mellea.requirement.checks", "mellea.requirement.failures", "mellea.sampling.attempts",
        "mellea.sampling.failures", "mellea.sampling.successes", "mellea.tool.calls"}
INSTRUMENTS = {
    NEWEST: BOTH | {"gen_ai.client.operation.time_per_output_chunk",
                    "gen_ai.client.operation.time_to_first_chunk", "gen_ai.client.token.usage",
                    "mellea.adapter_function.invocations", "mellea.adapter_function.parse_failures",
                    "mellea.adapter_function.phase_duration"},
    OLDER: BOTH | {"mellea.llm.tokens.input", "mellea.llm.tokens.output", "mellea.llm.ttfb"},
}


class Cell(collections.namedtuple("Cell", "version minor content reference flat")):
    """A row of the matrix. reference: minor version whose telemetry is the reference; flat: no tree."""

    @property
    def word(self):
        return self.version + "@" + self.minor

    def programs(self):
        """Those of the chosen programs that run in this row."""
        for program in chosen():
            if program.told.get("mellea", self.version) == self.version:
                if program.name in FEW or self.is_whole(program) or \
                        self.version == NEWEST and program.name in GATED:
                    yield program

    def is_whole(self, program):
        if self.version == NEWEST:
            return self.content
        return self.minor == self.reference or "mellea" in program.told

    def __str__(self):
        return "Mellea %s, Python %s%s" % (self.version, self.minor,
                                           "" if self.content else ", no content")


def matrix():
    """What there are environments for. Without content: where there is a second Python for references."""
    cells = []
    for version in (NEWEST, OLDER):
        references = [minor for minor in mellea_env.MINORS if mellea_env.python(version, True, minor)]
        for minor in sorted(mellea_env.MINORS, key=lambda minor: int(minor[2:])):
            if not references or not mellea_env.python(version, False, minor):
                continue
            first = references[0]
            cells.append(Cell(version, minor, minor == first or minor not in references,
                              minor if version == NEWEST and minor in references else first,
                              flat=first == "3.11"))
        if version == NEWEST and len(references) == 1:
            cells.append(Cell(version, first, False, first, flat=first == "3.11"))
    return cells


Run = collections.namedtuple("Run", "spans metrics status stdout stderr log left seconds")


class Runner:
    """Runs programs, several at a time, each run once however often it is asked for."""

    def __init__(self, url):
        self.url = url
        self.directory = tempfile.mkdtemp(prefix="spanshim-parity-")
        self.pool = concurrent.futures.ThreadPoolExecutor((os.cpu_count() or 1) + 1)
        self.runs = {}

    def close(self):
        self.pool.shutdown(cancel_futures=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def ask(self, program, version, minor, content, traced):
        key = program.name, version, minor, content, traced
        if key not in self.runs:
            self.runs[key] = self.pool.submit(self.run, program, version, minor, content, traced)
        return self.runs[key]

    def run(self, program, version, minor, content, traced):
        directory = tempfile.mkdtemp(dir=self.directory)
        dump, metrics_dump, rings, log = (os.path.join(directory, name)
                                          for name in ("spans", "metrics", "rings", "log"))
        os.mkdir(rings, 0o700)
        env = {**clean_environment(), **mellea_env.program_environment(self.url), **program.env,
               "MELLEA_TRACES_CONTENT": str(content).lower()}
        if traced:
            env.update(LD_PRELOAD=PRELOAD, SPANSHIM_OUT=dump, SPANSHIM_METRICS_OUT=metrics_dump,
                       SPANSHIM_DIR=rings, SPANSHIM_LOG=log)
        else:
            env.update(MELLEA_TRACES_ENABLED="true", PARITY_SPANS=dump, MELLEA_METRICS_ENABLED="true",
                       PARITY_METRICS=metrics_dump, PYTHONPATH=os.path.join(HERE, "reference"))
        started = time.monotonic()
        done = subprocess.run([mellea_env.python(version, not traced, minor), program.path], env=env,
                              cwd=directory, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=SECONDS)
        seconds = time.monotonic() - started
        spans, metrics = [], []
        if os.path.exists(dump):
            spans = (compare.read_dump if traced else compare.read_reference)(dump)
        if os.path.exists(metrics_dump):
            metrics = (compare_metrics.read_dump if traced
                       else compare_metrics.read_reference)(metrics_dump)
        if traced:
            self.check([path for path in (dump, metrics_dump) if os.path.exists(path)])
        said = ""
        if os.path.exists(log):
            with open(log, encoding="utf-8") as file:
                said = file.read()
        return Run(spans, metrics, done.returncode, done.stdout.decode(), done.stderr.decode(), said,
                   os.listdir(rings), seconds)

    @staticmethod
    def check(dumps):
        if dumps:
            checked = subprocess.run([COMMAND, "check", *dumps], env=clean_environment(), text=True,
                                     capture_output=True, timeout=SECONDS)
            if checked.returncode:
                raise AssertionError("spanshim check: " + checked.stdout + checked.stderr)


class Listed:
    """differences.json: what may differ, and why."""

    def __init__(self):
        with open(os.path.join(HERE, "differences.json"), encoding="utf-8") as file:
            self.entries = json.load(file)
        self.used = collections.Counter()

    def explains(self, cell, program, difference):
        """Whether an entry covers it; * in an entry stands for anything."""
        found = False
        for number, entry in enumerate(self.entries):
            facts = {"programs": program.name, "mellea": cell.version, "python": cell.minor,
                     "content": str(cell.content).lower(), "difference": difference}
            if all(like(entry.get(key, "*"), fact) for key, fact in facts.items()):
                self.used[number] += 1
                found = True
        return found

    def unused(self):
        return [entry for number, entry in enumerate(self.entries) if not self.used[number]]


def like(pattern, text):
    """Only * is special. A pattern may be a list of them."""
    patterns = pattern if isinstance(pattern, list) else [pattern]
    return any(re.fullmatch(".*".join(map(re.escape, each.split("*"))), text, re.S)
               for each in patterns)


class Parity(unittest.TestCase):
    """Gets a class for each row of the matrix, with a test for each program; see load_tests."""

    maxDiff = None
    cell = None

    def compare(self, program):
        cell = self.cell
        reference = state.runner.ask(program, cell.version, cell.reference, cell.content, False).result()
        ours = state.runner.ask(program, cell.version, cell.minor, cell.content, True).result()
        for run in (reference, ours):
            self.assertEqual(run.status, program.status, run.stderr)
        self.assertEqual(ours.stdout, reference.stdout)
        self.assertEqual(ours.log, "", "the shim's log")
        self.assertEqual(ours.left, [], "ring files left behind")
        self.assertTrue(reference.spans, "the reference has no spans")
        in_spans = compare.differences(reference.spans, ours.spans, cell.flat)
        in_metrics = compare_metrics.differences(reference.metrics, ours.metrics, ours.seconds)
        unlisted = [text for text in in_spans + in_metrics
                    if not state.listed.explains(cell, program, text)]
        state.moved[cell.version].update(*reference.metrics)
        state.table[program.name][cell] = "%d:%d %d:%d%s" % (
            len(reference.spans), len(in_spans), compare_metrics.series_count(reference.metrics),
            len(in_metrics), "!%d" % len(unlisted) if unlisted else "")
        self.assertEqual(unlisted, [], "\n" + "\n".join(unlisted))
        if program.lasts:
            self.assertGreaterEqual(compare_metrics.longest(ours.metrics, "mellea.llm.request.duration"),
                                    program.lasts)


class Whole(unittest.TestCase):
    """After all others."""

    def test_every_listed_difference_occurs(self):
        if state.partial:
            self.skipTest("not the whole matrix ran")
        self.assertEqual(state.listed.unused(), [])

    def test_every_instrument_is_moved(self):
        if state.partial:
            self.skipTest("not the whole matrix ran")
        self.assertEqual(state.moved, INSTRUMENTS)

    def test_at_least_twenty_programs(self):
        self.assertGreaterEqual(len(PROGRAMS), 20)


class State:
    """What the tests of one run share."""

    def __init__(self):
        self.runner = self.server = None
        self.listed = Listed()
        self.table = collections.defaultdict(dict)
        self.moved = collections.defaultdict(set)  # version -> instruments that programs moved
        self.cells = matrix()
        self.partial = len(self.cells) < 2 * len(mellea_env.MINORS)


def setUpModule():
    if not state.cells:
        raise unittest.SkipTest("no environments with Mellea: scripts/mellea_env --tests makes them")
    state.server = contextlib.ExitStack()
    state.runner = Runner(state.server.enter_context(mellea_env.model_server()))
    for cell in state.cells:
        for program in cell.programs():
            state.runner.ask(program, cell.version, cell.reference, cell.content, False)
            state.runner.ask(program, cell.version, cell.minor, cell.content, True)


def tearDownModule():
    if not state.runner:
        return
    state.runner.close()
    state.server.close()
    table = "\n".join(table_lines())
    print(table)
    if not state.partial:
        with open(os.path.join(BUILD, "parity.txt"), "w", encoding="utf-8") as file:
            file.write(table + "\n")


def table_lines():
    """Programs x rows of the matrix: spans:differences, metric series:differences, ! and unlisted ones."""
    names = sorted(state.table)
    width = max(map(len, names), default=0)
    yield ""
    for number, cell in enumerate(state.cells, 1):
        yield "%d: %s%s" % (number, cell, "" if cell.minor == cell.reference
                            else ", reference from " + cell.reference)
    yield "each: spans:differences, metric series:differences"
    yield "%-*s  %s" % (width, "", "".join("%-13d" % number for number in range(1, len(state.cells) + 1)))
    for name in names:
        row = "".join("%-13s" % state.table[name].get(cell, "") for cell in state.cells)
        yield "%-*s  %s" % (width, name, row.rstrip())
    yield "listed differences: %d" % len(state.listed.entries)


def chosen():
    patterns = state.patterns or ["*"]
    return [program for program in PROGRAMS
            if any(fnmatch.fnmatchcase(program.name, pattern) for pattern in patterns)]


def load_tests(loader, _tests, _pattern):
    """A class for each row of the matrix."""
    suite = unittest.TestSuite()
    for cell in state.cells:
        methods = {"test_" + program.name: lambda self, program=program: self.compare(program)
                   for program in cell.programs()}
        name = "mellea_%s_python_%s%s" % (cell.version, cell.minor, "" if cell.content else "_no_content")
        suite.addTests(loader.loadTestsFromTestCase(
            type(name.replace(".", "_"), (Parity,), {"cell": cell, **methods})))
    suite.addTests(loader.loadTestsFromTestCase(Whole))
    return suite


state = State()
state.patterns = []

if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    state.partial = state.partial or bool(words)
    state.patterns = [word for word in words if "@" not in word]
    if any("@" in word for word in words):
        state.cells = [cell for cell in state.cells if cell.word in words]
    unittest.main(argv=[sys.argv[0], *(word for word in sys.argv[1:] if word.startswith("-"))],
                  verbosity=2)
