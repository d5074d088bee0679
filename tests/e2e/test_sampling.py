# SPDX-License-Identifier: Apache-2.0
"""Samplers: whole traces in or out, the same ones in every process and as OpenTelemetry's SDK would."""

import json
import os
import random
import sys

from harness import COMMAND, DRIVE, LOAD_BINDING, Case, Dump, main, unfit, wait_until
from mellea_env import NEWEST, needs, python
from metrics_file import MetricsFile

SESSION, ACTION, STREAM = "session sqlite3", "action sqlite3", "stream sqlite3"
PARENT = "00f067aa0ba902b7"
SHELL = ["sqlite3", ":memory:", "SELECT 1"]
# A trace just below and one just at the limit of a ratio of a half.
IN, OUT = "f" * 16 + "7" + "f" * 15, "0" * 16 + "8" + "0" * 15
HALF = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}

PRELUDE = """\
import ctypes, os, sqlite3, subprocess, sys
def use(then=lambda: None):
    db = sqlite3.connect(":memory:", isolation_level=None)
    for i in range(2):
        db.execute("SELECT %d" % i).fetchall()
    then()
    db.close()
"""
# A session for each way to start something, with what it started below it.
FAMILY = PRELUDE + """
SHELL = ["sqlite3", ":memory:", "SELECT 1"]
libc = ctypes.CDLL(None)
libc.popen.restype = ctypes.c_void_p
libc.pclose.argtypes = [ctypes.c_void_p]
def fork(child):
    pid = os.fork()
    if pid == 0:
        child()
        os._exit(0)
    os.waitpid(pid, 0)
sys.stdout.flush()
use(lambda: fork(use))
use(lambda: fork(lambda: os.execvp(SHELL[0], SHELL)))
use(lambda: os.waitpid(os.posix_spawnp(SHELL[0], SHELL, os.environ), 0))
use(lambda: subprocess.run(SHELL, check=True))
use(lambda: subprocess.run([sys.executable, "-I", "-B", "-c", GRANDCHILD], check=True))
use(lambda: libc.system(b"sqlite3 :memory: 'SELECT 1' | cat"))
use(lambda: libc.pclose(libc.popen(b"sqlite3 :memory: 'SELECT 1'", b"w")))
"""
GRANDCHILD = PRELUDE + "use(lambda: subprocess.run(['sqlite3', ':memory:', 'SELECT 1'], check=True))\n"


def limit(ratio):
    """The low halves of trace ids below it are sampled."""
    return round(ratio * 2 ** 64)


def is_sampled(trace_id, ratio):
    return int(trace_id, 16) & (2 ** 64 - 1) < limit(ratio)


def trace_id(low, high=None):
    return "%016x%016x" % (random.getrandbits(64) if high is None else high, low)


def shapes(dump):
    """How many spans of which names each trace has."""
    traces = {}
    for span in dump.spans:
        names = traces.setdefault(span.trace_id, {})
        names[span.name] = names.get(span.name, 0) + 1
    return traces


class Sampling(Case):
    def sampled(self, argv, sampler=None, ratio=None, trace=None, parent=None, bindings="sqlite3",
                via="preload", env=None, **options):
        """Runs argv with these settings into a file of its own."""
        self.out = self.path("out-%d.jsonl" % random.getrandbits(64))
        settings = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": ratio,
                    "SPANSHIM_TRACE_ID": trace, "TRACEPARENT": parent, **(env or {})}
        settings = {name: str(value) for name, value in settings.items() if value is not None}
        result = self.trace(argv, via=via, bindings=bindings, env=settings,
                            remote_parents=[PARENT], **options)
        self.assertEqual(result.status, 0, result.stderr)
        self.assertEqual(result.dump.losses, {})
        self.assertEqual({span.raw["flags"] & 0xff for span in result.dump.spans} - {1}, set())
        if not result.dump.spans:
            self.assertFalse(os.path.exists(self.out), "a file without a span")
        return result

    def program(self, source):
        return [sys.executable, "-I", "-B", self.write("program.py", source)]


class Ratio(Sampling):
    RATIO = 0.1

    @unfit("a thousand processes")
    def test_many_processes(self):
        """1000 processes, each with a trace of its own: exactly those of the rule are written."""
        ids = [trace_id(random.getrandbits(64)) for _ in range(1000)]
        self.write("ids", "".join(each + "\n" for each in ids))
        argv = ["sh", "-c", "while read id; do SPANSHIM_TRACE_ID=$id %s results 0 1 0; done < %s" % (
            DRIVE, self.path("ids"))]
        dump = self.sampled(argv, "traceidratio", self.RATIO, bindings=LOAD_BINDING).dump
        expected = {each for each in ids if is_sampled(each, self.RATIO)}
        self.assertTrue(50 < len(expected) < 150)
        self.assertEqual(shapes(dump), {each: {"session load": 1, "action load": 3}
                                        for each in expected})

    def test_many_roots(self):
        """400 traces of one process, all of which tell a child which they are: whole or not at all."""
        source = PRELUDE + """
def tell():
    os.waitpid(os.posix_spawn("/usr/bin/printenv", ["printenv", "TRACEPARENT"], os.environ), 0)
for _ in range(400):
    use(tell)
"""
        argv = self.program(source)
        whole = self.sampled(argv, "always_on")
        shape = {SESSION: 1, ACTION: 2, STREAM: 2}
        self.assertEqual(list(shapes(whole.dump).values()), [shape] * 400)
        for sampler in "traceidratio", "parentbased_traceidratio":
            result = self.sampled(argv, sampler, self.RATIO)
            told = [line.split("-") for line in result.stdout.decode().split()]
            self.assertEqual(len({trace for _, trace, _, _ in told}), 400)
            for _, trace, _, flags in told:
                self.assertEqual(flags, "01" if is_sampled(trace, self.RATIO) else "00")
            expected = {trace: shape for _, trace, _, _ in told if is_sampled(trace, self.RATIO)}
            self.assertTrue(expected)
            self.assertEqual(shapes(result.dump), expected)
            spans = {span for _, _, span, flags in told if flags == "01"}
            self.assertEqual(spans, {span.span_id for span in result.dump.named(SESSION)})

    def test_limits(self):
        """Just below and just at the limit of some ratios; none at all and all."""
        for ratio in 0.1, 0.15, 0.7, 1e-05, 0.999999:
            for low, dumped in (0, True), (limit(ratio) - 1, True), (limit(ratio), False):
                with self.subTest(ratio=ratio, low=low):
                    dump = self.sampled(SHELL, "traceidratio", ratio, trace_id(low)).dump
                    self.assertEqual(dump.count(SESSION), dumped)
        for ratio, low in (0, 0), (0, 1), (1, 2 ** 64 - 1), (1, 0):
            dump = self.sampled(SHELL, "traceidratio", ratio, trace_id(low, 1)).dump
            self.assertEqual(dump.count(SESSION), ratio)

    @needs(NEWEST, telemetry=True)
    def test_same_as_the_sdk(self):
        """What OpenTelemetry's own sampler for Python decides of 10^4 random ids, and at its limits."""
        ratios = [0, 1e-05, 0.1, 0.15, 0.5, 2 / 3, 0.999, 1]
        ids = [trace_id(random.getrandbits(64)) for _ in range(10_000)]
        ids += [trace_id(low) for ratio in ratios for low in (limit(ratio) - 1, limit(ratio))
                if 0 <= low < 2 ** 64]
        source = """
import json, sys
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
ratios, ids = json.load(sys.stdin)
json.dump([[TraceIdRatioBased(ratio).should_sample(None, int(each, 16), "").decision.is_sampled()
            for each in ids] for ratio in ratios], sys.stdout)
"""
        argv = [python(NEWEST, True), "-I", "-B", self.write("sdk.py", source)]
        result = self.execute(argv, input=json.dumps([ratios, ids]).encode())
        self.assertEqual(result.status, 0, result.stderr)
        self.assertEqual(json.loads(result.stdout),
                         [[is_sampled(each, ratio) for each in ids] for ratio in ratios])

    def test_unusable(self):
        """A sampler that we do not have, a ratio that is none: said once each, all traces written."""
        for settings, said in (
                ({"sampler": "jaeger_remote"}, ["OTEL_TRACES_SAMPLER=jaeger_remote: expected one of "]),
                ({"sampler": "xray"}, ["OTEL_TRACES_SAMPLER=xray: expected one of "]),
                ({"sampler": "always off"}, ["OTEL_TRACES_SAMPLER=always off: expected one of "]),
                ({"sampler": "traceidratio", "ratio": "10%"},
                 ["OTEL_TRACES_SAMPLER_ARG=10%: expected a number from 0 to 1"]),
                ({"sampler": "traceidratio", "ratio": "-0.1"},
                 ["OTEL_TRACES_SAMPLER_ARG=-0.1: expected a number from 0 to 1"])):
            with self.subTest(**settings):
                result = self.sampled(SHELL, trace=OUT, quiet=False, **settings)
                self.assertEqual(result.dump.count(SESSION), 1)
                lines = result.log.splitlines()
                self.assertEqual(len(lines), len(said), result.log)
                for line, start in zip(lines, said):
                    self.assertIn(": " + start, line)
                os.unlink(self.log)


class Families(Sampling):
    """Children follow their parents, however they were started."""

    def family(self, **options):
        return self.sampled(self.program("GRANDCHILD = %r\n" % GRANDCHILD + FAMILY), **options)

    @unfit("a fork ends the drain thread, which keeps its file open for the next one", "address")
    def test_children(self):
        whole = self.family(sampler="always_on", trace=OUT)
        self.assertEqual(whole.dump.names(), {SESSION: 15, ACTION: 24, STREAM: 24})
        for sampler in "traceidratio", "parentbased_traceidratio":
            with self.subTest(sampler=sampler):
                result = self.family(sampler=sampler, ratio=0.5, trace=IN)
                self.assertEqual(result.dump.outline(), whole.dump.outline())
                result = self.family(sampler=sampler, ratio=0.5, trace=OUT)
                self.assertEqual((result.dump.spans, result.stdout), ([], whole.stdout))

    @unfit("a fork ends the drain thread, which keeps its file open for the next one", "address")
    def test_the_flag_decides(self):
        """Children with another sampler, of the kind that asks the parent."""
        for other in "parentbased_always_off", "parentbased_always_on":
            source = FAMILY.replace("SHELL = ", "os.environ['OTEL_TRACES_SAMPLER'] = %r\nSHELL = " % other)
            for trace, flag in (IN, True), (OUT, False):
                with self.subTest(other=other, trace=trace):
                    dump = self.sampled(self.program("GRANDCHILD = %r\n" % GRANDCHILD + source),
                                        "traceidratio", 0.5, trace).dump
                    self.assertEqual(dump.count(SESSION), 15 if flag else 0)

    def test_every_sampler_under_every_parent(self):
        """What a process writes with a sampler, below a parent with a flag."""
        table = {"always_on": (1, 1, 1), "always_off": (0, 0, 0), "traceidratio": (0, 0, 0),
                 "parentbased_always_on": (1, 1, 0), "parentbased_always_off": (0, 1, 0),
                 "parentbased_traceidratio": (0, 1, 0), None: (1, 1, 0)}
        for sampler, expected in table.items():
            for flags, dumped in zip((None, "01", "00"), expected):
                with self.subTest(sampler=sampler, flags=flags):
                    parent = flags and "00-%s-%s-%s" % (OUT, PARENT, flags)
                    dump = self.sampled(SHELL, sampler, 0.5, trace=OUT, parent=parent,
                                        env={"TRACESTATE": "vendor=1"}).dump
                    self.assertEqual(dump.count(SESSION), dumped)
                    for span in dump.spans:
                        self.assertEqual(span.raw.get("traceState"), "vendor=1" if parent else None)

    def test_flag_without_a_span_of_ours(self):
        """A process between, which traces nothing, hands on what it was given."""
        for flags in "00", "01":
            parent = "00-%s-%s-%s" % (OUT, PARENT, flags)
            for sampler in "always_on", "always_off", "parentbased_always_on":
                result = self.sampled(["sh", "-c", "printenv TRACEPARENT"], sampler, parent=parent)
                self.assertEqual(result.stdout.decode().strip(), parent)

    def test_pipeline(self):
        """`spanshim run` gives all it starts one trace, hence one decision; or each root its own."""
        argv = ["sh", "-c", "sqlite3 :memory: 'SELECT 1' | cat; sqlite3 :memory: 'SELECT 2'"]
        for trace, sessions in (IN, 2), (OUT, 0):
            dump = self.sampled(argv, via="run", trace=trace, env=HALF).dump
            self.assertEqual(dump.count(SESSION), sessions)
        for _ in range(4):
            dump = self.sampled(argv, via="run", env=HALF).dump
            self.assertIn(dump.count(SESSION), (0, 2))
        many = ["sh", "-c", "for i in $(seq 60); do sqlite3 :memory: 'SELECT 1'; done"]
        self.out = self.path("separate.jsonl")
        env = self.environment("sqlite3", env=HALF)
        command = self.traced_command(many, "run", "sqlite3", env)
        result = self.execute(command[:2] + ["--separate-traces"] + command[2:], env)
        self.assertEqual(result.status, 0, result.stderr)
        traces = Dump(self.out).traces()
        self.assertTrue(0 < len(traces) < 60)
        self.assertTrue(all(is_sampled(trace, 0.5) for trace in traces))

    @needs(NEWEST)
    def test_mellea(self):
        """Mellea's spans, of several tasks and threads."""
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mellea", "content.py")
        argv = [python(), "-B", path, "end"]
        quiet = {"MELLEA_LOGS_LEVEL": "CRITICAL"}
        whole = self.sampled(argv, "always_on", bindings=None, env=quiet).dump
        self.assertGreater(len(whole.spans), 10)
        dump = self.sampled(argv, "traceidratio", 0.5, IN, bindings=None, env=quiet).dump
        self.assertEqual((dump.names(), dump.traces()), (whole.names(), {IN}))
        dump = self.sampled(argv, "traceidratio", 0.5, OUT, bindings=None, env=quiet).dump
        self.assertEqual(dump.spans, [])


class Rest(Sampling):
    """What has to do with sampling, and what has not."""

    def test_killed(self):
        """What is recovered obeys the decision of the process that was killed."""
        for trace, dumped in (IN, True), (OUT, False):
            with self.subTest(trace=trace):
                counters = self.path("counters" + trace)
                self.out = self.path("killed-%s.jsonl" % trace)
                env = self.environment(LOAD_BINDING, env={**HALF, "SPANSHIM_TRACE_ID": trace})
                argv = self.traced_command([DRIVE, "kill", "1", counters, "1000"], "preload",
                                           LOAD_BINDING, env)
                process = self.start(argv, env)
                wait_until(lambda: os.path.exists(counters) and self.left_rings())
                wait_until(lambda: any(self.read(counters)))
                process.kill()
                process.communicate()
                recovered = self.command("recover", self.rings)
                self.assertEqual((recovered.status, self.left_rings()), (0, []))
                dump = Dump(self.out)
                self.assertEqual(dump.count("session load"), dumped)
                self.assertEqual(os.path.exists(self.out), dumped)
                if dumped:
                    self.assertTrue(dump.one("session load").unfinished)

    def read(self, path):
        with open(path, "rb") as file:
            return file.read()

    def test_always_off(self):
        """No file, no loss, nothing on the log; the program does what it does."""
        argv = self.program(PRELUDE + "for _ in range(50): use()\nprint('done')\n")
        for sampler in "always_off", "parentbased_always_off":
            result = self.sampled(argv, sampler)
            self.assertEqual((result.dump.spans, result.log), ([], ""))
            self.assert_same_as_untraced(argv, result)

    def test_a_run_that_writes_nothing_says_why(self):
        argv = [COMMAND, "run", "--dir", self.rings, "--out", self.out, "--verbose", "--", "sqlite3", ":memory:", "SELECT 1"]
        result = self.execute(argv, self.environment(env={"OTEL_TRACES_SAMPLER": "always_off"}))
        self.assertEqual((result.stdout, result.stderr),
                         (b"1\n", b"spanshim run: nothing was written (OTEL_TRACES_SAMPLER=always_off)\n"))

    def test_metrics_count_everything(self):
        """With no trace written, a tenth, or all: the same counts."""
        for sampler, ratio in ("always_on", None), ("traceidratio", 0.1), ("always_off", None):
            with self.subTest(sampler=sampler):
                metrics = self.path("metrics-%s.jsonl" % sampler)
                argv = self.program(PRELUDE + "for _ in range(200): use()\n")
                self.sampled(argv, sampler, ratio, env={"SPANSHIM_METRICS_OUT": metrics})
                counts = {}
                for point in MetricsFile(metrics).only.named("spanshim.entry.duration"):
                    role = point.attributes["spanshim.role"]
                    counts[role] = counts.get(role, 0) + point.count
                self.assertEqual(counts, {"session": 200, "action": 400, "stream": 400})


if __name__ == "__main__":
    main()
