# SPDX-License-Identifier: Apache-2.0
"""Every kind of metrics file, read with the official protobuf definitions (otlp_reader.py)."""

import json
import os
import subprocess
import unittest

import mellea_env
from harness import BUILD, DRIVE, LOAD_BINDING, SOURCE, Case, main
from local_server import http_server
from mellea_env import NEWEST, OLDER, needs, python

PYTHON = os.path.join(BUILD, "venv-otlp", "bin", "python")
READER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "otlp_reader.py")
PROGRAMS = os.path.join(SOURCE, "tests", "parity", "programs")
OFTEN = {"OTEL_METRIC_EXPORT_INTERVAL": "20"}
BLOCK = {"SPANSHIM_ON_FULL": "block"}


@unittest.skipUnless(os.path.exists(PYTHON), "no %s: scripts/test makes it" % PYTHON)
class MetricsOtlp(Case):
    def setUp(self):
        super().setUp()
        self.metrics = self.path("metrics.jsonl")

    def read(self, strict="--strict"):
        """What the independent reader finds; every line passes, and passes `spanshim check` as well."""
        read = self.execute([PYTHON, "-B", READER, self.metrics])
        self.assertEqual((read.status, read.stderr), (0, b""))
        checked = self.command("check", strict, self.metrics)
        self.assertEqual(checked.status, 0, checked.stdout)
        summary = json.loads(read.stdout)[self.metrics]
        told = json.loads(self.command("stats", "--json", self.metrics).stdout)["metrics"]
        totals = {}
        for row in told:
            totals[row["name"]] = totals.get(row["name"], 0) + row.get("value", row.get("count"))
        self.assertEqual(set(totals), set(summary["metrics"]))
        self.assertGreater(summary["points"], 0)
        return summary, totals

    def trace_metrics(self, argv, env=None, **options):
        return self.trace(argv, env=dict(env or {}, SPANSHIM_METRICS_OUT=self.metrics), **options).dump

    def test_sqlite3(self):
        source = b"CREATE TABLE t(a);\n" + b"INSERT INTO t VALUES ('zw\xc3\xb6lf');\n" * 20 + b"SELEKT;\n"
        dump = self.trace_metrics(["sqlite3", ":memory:"], bindings="sqlite3", input=source)
        summary, totals = self.read()
        self.assertEqual(summary["metrics"], totals)
        self.assertEqual(totals, {"spanshim.entry.duration": len(dump.spans),
                                  "spanshim.entry.errors": sum(span.status == 2 for span in dump.spans)})

    def test_many_lines(self):
        """An export every now and then: each later line has at least what the ones before had."""
        dump = self.trace_metrics([DRIVE, "speed", "200000"], bindings=LOAD_BINDING,
                                  env=dict(OFTEN, **BLOCK))
        summary, totals = self.read()
        self.assertGreater(summary["lines"], 1)
        self.assertEqual(totals["spanshim.entry.duration"], len(dump.spans))
        self.assertEqual(summary["metrics"], totals)

    def test_several_processes(self):
        dump = self.trace_metrics(["sh", "-c", "for i in 1 2 3; do sqlite3 :memory: 'SELECT 1' & done; wait"],
                                  bindings="sqlite3")
        summary, totals = self.read()
        self.assertEqual((summary["lines"], totals["spanshim.entry.duration"]), (3, len(dump.spans)))

    def test_curl(self):
        with http_server() as server:
            dump = self.trace_metrics(["curl", "-sS", server.url + "/chunks?n=5"], bindings="curl", content=True)
        _, totals = self.read()
        self.assertEqual(totals["spanshim.entry.duration"], len(dump.spans))

    def test_killed(self):
        env = self.environment(LOAD_BINDING, env=dict(BLOCK, SPANSHIM_METRICS_OUT=self.metrics))
        argv = self.traced_command([DRIVE, "kill", "2", self.path("counters"), "1000"], "preload", LOAD_BINDING, env)
        process = self.start(argv, env)
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        process.kill()
        process.communicate()
        self.assertEqual(self.command("recover", self.rings).status, 0)
        summary, totals = self.read()
        self.assertEqual(summary["metrics"], totals)
        self.assertGreater(totals["spanshim.entry.duration"], 0)

    def test_losses(self):
        dump = self.trace_metrics([DRIVE, "threads", "8", "10000"], bindings=LOAD_BINDING, quiet=False,
                                  env={"SPANSHIM_RING_BYTES": "64K"})
        self.assertGreater(dump.lost("open"), 0)
        summary, totals = self.read(strict="--quiet")
        self.assertEqual(summary["metrics"], totals)
        lost = json.loads(self.command("stats", "--json", self.out, self.metrics).stdout)["lost"]
        self.assertEqual(lost, dump.losses)

    def mellea(self, program, version, content=False):
        with mellea_env.model_server() as url:
            return self.trace_metrics([python(version), "-B", program], content=content,
                                      env=mellea_env.program_environment(url))

    @needs(NEWEST)
    def test_mellea(self):
        dump = self.mellea(os.path.join(SOURCE, "scripts", "tour.py"), NEWEST)
        summary, totals = self.read()
        self.assertEqual(summary["metrics"], totals)
        chats = [span for span in dump.spans if span.name.startswith("chat")]
        self.assertEqual(totals, {
            "gen_ai.client.token.usage": 2 * len(chats), "mellea.llm.request.duration": len(chats),
            "gen_ai.client.operation.time_to_first_chunk": 1, "mellea.requirement.checks": 7,
            "mellea.requirement.failures": 1, "mellea.sampling.attempts": 2, "mellea.sampling.successes": 2,
            "mellea.tool.calls": 1})

    @needs(NEWEST)
    def test_mellea_with_content_that_is_odd(self):
        self.mellea(os.path.join(PROGRAMS, "odd_content.py"), NEWEST, content=True)
        self.read()

    @needs(OLDER)
    def test_mellea_older(self):
        dump = self.mellea(os.path.join(PROGRAMS, "repair_success.py"), OLDER)
        summary, totals = self.read()
        self.assertEqual(summary["metrics"], totals)
        for kind in ("input", "output"):
            self.assertEqual(totals["mellea.llm.tokens." + kind], sum(
                span.attributes.get("gen_ai.usage.%s_tokens" % kind, 0) for span in dump.spans))


if __name__ == "__main__":
    main()
