# SPDX-License-Identifier: Apache-2.0
"""Metrics of declared entry points: the same as what their spans add up to, whatever happens to the program."""

import bisect
import json
import os
import random
import sys
import time

from harness import COMMAND, DRIVE, LOAD_BINDING, SIGKILL_STATUS, Case, Dump, Result, main, wait_until
from local_server import chunk_body, http_server, refused_url
from metrics_file import MetricsFile

DURATION, ERRORS = "spanshim.entry.duration", "spanshim.entry.errors"
BOUNDS = [step * 10 ** power for power in range(-6, 1) for step in (1, 2.5, 5)] + [10]

SCRIPT = """\
CREATE TABLE t(a INTEGER PRIMARY KEY);
INSERT INTO t VALUES(1), (2), (3);
SELECT a FROM t;
SELECT a FROM t WHERE a > 1;
INSERT INTO t VALUES(1);
INSERT INTO t VALUES(2);
SELECT * FROM nowhere;
"""

FAMILY = """\
import os, sqlite3, sys
def use(n, close=True):
    db = sqlite3.connect(":memory:", isolation_level=None)
    for i in range(n):
        db.execute("SELECT %d" % i).fetchall()
    if close:
        db.close()
    return db
use(5)
sys.stdout.flush()
pid = os.fork()
if pid == 0:
    kept = use(3, CLOSE)
    os.execvp("sqlite3", ["sqlite3", ":memory:", "SELECT 1; SELECT 2"])
os.waitpid(pid, 0)
use(1)
"""


def entries_of(span):
    """What says in metrics whose span it is; a span's name begins with the role."""
    return span.attributes["code.function.name"], span.name.split(" ")[0]


def expected_of(spans):
    """({entry: durations in ns}, {(*entry, error.type): count}) of spans."""
    durations, errors = {}, {}
    for span in spans:
        key = entries_of(span)
        if not span.unfinished:
            durations.setdefault(key, []).append(span.end - span.start)
        if "error.type" in span.attributes:
            key = (*key, span.attributes["error.type"])
            errors[key] = errors.get(key, 0) + 1
    return durations, errors


class Native(Case):
    def setUp(self):
        super().setUp()
        self.metrics = self.path("metrics.jsonl")

    def environment(self, bindings=None, content=False, env=None):
        return super().environment(bindings, content, {"SPANSHIM_METRICS_OUT": self.metrics, **(env or {})})

    def assert_image(self, image, spans, binding, killed=False):
        """Counts, sums, extremes and buckets are those of the spans; so are errors.

        killed: the spans of the last lines may have been written before the kill, and counted after it, by
        recovery's clock, which gives times a few nanoseconds off. Counts are exact all the same.
        """
        durations, errors = expected_of(spans)
        found = {(point.attributes["code.function.name"], point.attributes["spanshim.role"]): point
                 for point in image.named(DURATION)}
        self.assertEqual({key: point.count for key, point in found.items()},
                         {key: len(values) for key, values in durations.items()})
        for key, point in found.items():
            seconds = [ns / 1e9 for ns in durations[key]]
            self.assertAlmostEqual(point.sum, sum(seconds), delta=(1e-2 if killed else 1e-9) * sum(seconds))
            if killed:
                continue
            buckets = [0] * (len(BOUNDS) + 1)
            for value in seconds:
                buckets[bisect.bisect_left(point.bounds, value)] += 1
            self.assertEqual((point.buckets, point.min, point.max), (buckets, min(seconds), max(seconds)), key)
            for bound, wanted in zip(point.bounds, BOUNDS, strict=True):
                self.assertAlmostEqual(bound, wanted, delta=wanted * 1e-12)
        self.assertEqual({(point.attributes["code.function.name"], point.attributes["spanshim.role"],
                           point.attributes["error.type"]): point.count for point in image.named(ERRORS)},
                         errors)
        self.assertEqual({point.attributes["spanshim.binding"] for point in image.series.values()}, {binding})
        self.assertLessEqual(set(image.units.items()), {(DURATION, "s"), (ERRORS, "{error}")})
        self.assertEqual({scope["name"] for scope in image.scopes.values()}, {"spanshim.native"})
        resource = {key: value for key, value in image.resource.items() if not key.startswith("spanshim.dropped")}
        self.assertEqual(resource, spans[0].resource)

    def assert_metrics(self, dump, binding, images=1, killed=False):
        """Image by image. Returns the metrics."""
        metrics = MetricsFile(self.metrics)
        spans = {}
        for span in dump.spans:
            spans.setdefault(span.resource["spanshim.image"], []).append(span)
        self.assertEqual(set(metrics.images), set(spans))
        self.assertEqual(len(spans), images)
        for name, image in metrics.images.items():
            self.assert_image(image, spans[name], binding, killed)
        self.assert_checks(self.metrics)
        return metrics

    def trace_metrics(self, argv, binding, images=1, **options):
        result = self.trace(argv, bindings=binding, **options)
        result.metrics = self.assert_metrics(result.dump, os.path.basename(binding).removesuffix(".json"), images)
        return result

    def test_sqlite_shell(self):
        argv = ["sqlite3", ":memory:"]
        result = self.trace_metrics(argv, "sqlite3", input=SCRIPT.encode())
        self.assert_same_as_untraced(argv, result, input=SCRIPT.encode())
        image = result.metrics.only
        self.assertEqual(result.metrics.lines, 1)
        self.assertEqual({point.attributes["error.type"]: point.count for point in image.named(ERRORS)},
                         {"SQLITE_CONSTRAINT": 2, "SQLITE_ERROR": 1})
        by_role = {point.attributes["spanshim.role"]: point for point in image.named(DURATION)}
        self.assertEqual({role: point.count for role, point in by_role.items()},
                         {"session": 1, "action": 7, "stream": 2})
        self.assertEqual(by_role["stream"].attributes["code.function.name"], "sqlite3_step")

    def test_curl(self):
        with http_server() as server:
            urls = [server.url + "/chunks?n=3", refused_url(), server.url + "/status/500"]
            result = self.trace_metrics(["curl", "-sSf", *urls], "curl")
        self.assertEqual(result.stdout, b"".join(chunk_body(n, 100) for n in range(3)))
        self.assertEqual({point.attributes["error.type"]: point.count
                          for point in result.metrics.only.named(ERRORS)},
                         {"CURLE_COULDNT_CONNECT": 1, "CURLE_HTTP_RETURNED_ERROR": 1})

    def test_python_entries(self):
        binding = self.write("talk.json", json.dumps({
            "spanshim": 1, "name": "talk", "entries": [
                {"python": "talk:Talk.ask", "role": "chat", "when": "call"},
                {"python": "talk:Talk.tell", "role": "stream", "when": "call"}]}))
        self.write("talk.py", "class Talk:\n"
                   "    def ask(self, n):\n        return 1 // n\n"
                   "    def tell(self, n):\n        yield from range(n)\n")
        program = self.write("program.py", "import talk\nt = talk.Talk()\n"
                             "for n in (1, 2, 0, 3, 0):\n"
                             "    try:\n        t.ask(n)\n"
                             "    except ZeroDivisionError:\n        pass\n"
                             "    list(t.tell(n))\n")
        image = self.trace_metrics([sys.executable, "-B", program], binding).metrics.only
        self.assertEqual({(point.attributes["code.function.name"], point.attributes["spanshim.role"]): point.count
                          for point in image.named(DURATION)},
                         {("talk.Talk.ask", "chat"): 5, ("talk.Talk.tell", "stream"): 5})
        self.assertEqual([(point.attributes["error.type"], point.count) for point in image.named(ERRORS)],
                         [("ZeroDivisionError", 2)])

    def test_many_threads(self):
        result = self.trace_metrics([DRIVE, "threads", "8", "5000"], LOAD_BINDING,
                                    env={"SPANSHIM_ON_FULL": "block"})
        self.assertEqual(sum(point.count for point in result.metrics.only.named(DURATION)), 40_002)

    def test_losses_are_told(self):
        result = self.trace_metrics([DRIVE, "threads", "8", "20000"], LOAD_BINDING, quiet=False,
                                    env={"SPANSHIM_RING_BYTES": "64K"})
        self.assertGreater(result.dump.lost("open"), 0)
        self.assertEqual(result.metrics.only.losses, result.dump.losses)

    def test_no_file_unless_asked(self):
        for asked in (None, ""):
            env = {} if asked is None else {"SPANSHIM_METRICS_OUT": asked}
            full = super().environment("sqlite3", env=env)
            argv = self.traced_command(["sqlite3", ":memory:", "SELECT 1"], "preload", "sqlite3", full)
            self.assertEqual(self.execute(argv, full).status, 0)
            self.assertEqual(os.listdir(self.cwd), [])
            self.assertFalse(os.path.exists(self.metrics))
        self.assertEqual(Dump(self.out).count("action sqlite3"), 2)

    def test_no_file_without_anything_to_tell(self):
        self.trace(["sqlite3", "-version"], bindings="sqlite3")
        self.assertFalse(os.path.exists(self.metrics))

    def test_pattern(self):
        self.trace(["sqlite3", ":memory:", "SELECT 1"], bindings="sqlite3",
                   env={"SPANSHIM_METRICS_OUT": self.path("%e-%p.jsonl")})
        pid = Dump(self.out).spans[0].resource["process.pid"]
        self.metrics = self.path("sqlite3-%d.jsonl" % pid)
        self.assert_metrics(Dump(self.out), "sqlite3")

    def test_stderr(self):
        result = self.trace(["sqlite3", ":memory:", "SELECT 1"], bindings="sqlite3",
                            env={"SPANSHIM_METRICS_OUT": "-"})
        self.assertEqual(result.stdout, b"1\n")
        image = MetricsFile().read(result.stderr).only
        self.assert_image(image, result.dump.spans, "sqlite3")

    def test_forked_and_execed(self):
        """Three images: the parent, its child, and what the child executes."""
        for close in (True, False):
            with self.subTest(close=close):
                self.out, self.metrics = self.path("out-%s" % close), self.path("metrics-%s" % close)
                program = self.write("program.py", FAMILY.replace("CLOSE", str(close)))
                result = self.trace_metrics([sys.executable, "-I", "-B", program], "sqlite3", images=3)
                self.assertEqual(result.status, 0, result.stderr)
                actions = sorted(point.count for image in result.metrics.images.values()
                                 for point in image.named(DURATION)
                                 if point.attributes["spanshim.role"] == "action")
                # statements of a connection that is open when the child execs have no end
                self.assertEqual(actions, [2, 3, 6] if close else [2, 6])

    # --- at an interval, and killed ---

    def start_victim(self, via, env=None):
        """Acts on until it is killed; returns once its metrics have been written at least twice."""
        for path in (self.out, self.metrics):
            if os.path.exists(path):
                os.unlink(path)
        full = self.environment(LOAD_BINDING, env={"SPANSHIM_ON_FULL": "block", "SPANSHIM_FLUSH_MS": "5",
                                                   "OTEL_METRIC_EXPORT_INTERVAL": "20", **(env or {})})
        argv = [DRIVE, "kill", "4", self.path("counters"), "1000"]
        process = self.start(self.traced_command(argv, via, LOAD_BINDING, full), full)
        wait_until(lambda: MetricsFile(self.metrics).lines >= 2, what="two lines of metrics")
        return process

    def assert_killed(self):
        """Counted is what was recovered, after lines that never went back."""
        metrics = self.assert_metrics(self.collect(Result()).dump, "load", killed=True)
        self.assertGreaterEqual(len(metrics.only.times), 3)
        return sum(point.count for point in metrics.only.named(DURATION))

    def test_interval_then_killed_under_run(self):
        for number in range(8):
            with self.subTest(number=number):
                process = self.start_victim("run")
                time.sleep(random.uniform(0, 0.05))
                with open("/proc/%d/task/%d/children" % (process.pid, process.pid), encoding="utf-8") as file:
                    child = int(file.read())
                os.kill(child, 9)
                process.communicate(timeout=60)
                self.assertEqual(process.returncode, SIGKILL_STATUS)
                print("killed: %d durations, as many spans" % self.assert_killed())
                self.assertEqual(self.left_rings(), [])

    def test_killed_then_recovered(self):
        """A recovery that is killed itself can be run again; one more adds nothing."""
        for number in range(6):
            with self.subTest(number=number):
                process = self.start_victim("preload")
                time.sleep(random.uniform(0, 0.05))
                process.kill()
                process.communicate(timeout=60)
                recover = self.start([COMMAND, "recover", self.rings], self.environment())
                time.sleep(random.uniform(0, 0.02))
                recover.kill()
                recover.wait()
                for _ in range(2):
                    self.assertEqual(self.command("recover", self.rings).status, 0)
                    self.assert_killed()
                self.assertEqual(self.left_rings(), [])

    def test_abort_without_recovery(self):
        """What an aborting program has told is written before it goes."""
        program = self.write("program.py", "import os, sqlite3\n"
                             "db = sqlite3.connect(':memory:', isolation_level=None)\n"
                             "for i in range(9):\n    db.execute('SELECT %d' % i).fetchall()\n"
                             "db.close()\ndb = sqlite3.connect(':memory:')\nos.abort()\n")
        env = self.environment("sqlite3")
        argv = self.traced_command([sys.executable, "-I", "-B", program], "preload", "sqlite3", env)
        self.execute(argv, env)
        counts = {point.attributes["spanshim.role"]: point.count
                  for point in MetricsFile(self.metrics).only.named(DURATION)}
        self.assertEqual(counts, {"session": 1, "action": 9, "stream": 9})
        self.assertEqual(self.command("recover", self.rings).status, 0)
        self.assert_metrics(Dump(self.out), "sqlite3", killed=True)

    # --- nowhere to write ---

    def test_full_disk(self):
        argv = ["sqlite3", ":memory:"]
        result = self.trace(argv, bindings="sqlite3", input=SCRIPT.encode(), quiet=False,
                            env={"SPANSHIM_METRICS_OUT": "/dev/full", "OTEL_METRIC_EXPORT_INTERVAL": "1"})
        self.assert_same_as_untraced(argv, result, input=SCRIPT.encode())
        self.assertEqual(result.dump.count("action sqlite3"), 7)
        line, = result.log.splitlines()
        self.assertIn("metrics are lost: cannot write /dev/full: No space left on device", line)

    def test_recovery_waits_for_a_place_to_write(self):
        directory = self.path("later")
        self.metrics = os.path.join(directory, "metrics.jsonl")
        program = [sys.executable, "-I", "-B", "-c", "import os, sqlite3\n"
                   "db = sqlite3.connect(':memory:', isolation_level=None)\n"
                   "db.execute('SELECT 1').fetchall()\nos.kill(os.getpid(), 9)\n"]
        env = self.environment("sqlite3")
        self.assertEqual(self.execute(self.traced_command(program, "preload", "sqlite3", env), env).status,
                         SIGKILL_STATUS)
        for _ in range(2):
            recovered = self.command("recover", self.rings)
            self.assertEqual(recovered.status, 1, recovered.visible)
            self.assertIn(b"its metrics cannot be written: %s: No such file or directory" % self.metrics.encode(), recovered.stdout)
            self.assertEqual(len(self.left_rings()), 1)
        os.mkdir(directory)
        self.assertEqual(self.command("recover", self.rings).status, 0)
        self.assertEqual(self.left_rings(), [])
        dump = Dump(self.out)
        self.assertEqual(dump.names(), {"session sqlite3": 1, "action sqlite3": 1, "stream sqlite3": 1})
        self.assert_metrics(dump, "sqlite3", killed=True)


if __name__ == "__main__":
    main()
