# SPDX-License-Identifier: Apache-2.0
"""Every kind of dump, read with the official protobuf definitions (otlp_reader.py)."""

import json
import os
import subprocess
import unittest

from harness import BUILD, DRIVE, LOAD_BINDING, Case, Dump, main
from local_server import http_server

PYTHON = os.path.join(BUILD, "venv-otlp", "bin", "python")
READER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "otlp_reader.py")


@unittest.skipUnless(os.path.exists(PYTHON), "no %s: scripts/test makes it" % PYTHON)
class Otlp(Case):
    def assert_readable(self, dump):
        """The independent reader finds what harness.Dump found, and so does `spanshim check`."""
        read = self.execute([PYTHON, "-B", READER, self.out])
        self.assertEqual((read.status, read.stderr), (0, b""))
        self.assertEqual(json.loads(read.stdout)[self.out], {
            "lines": dump.lines,
            "spans": len(dump.spans),
            "events": sum(len(span.events) for span in dump.spans),
            "attributes": sum(len(span.attributes) for span in dump.spans),
            "names": dump.names(),
            "traces": len(dump.traces()),
            "points": 0,
            "metrics": {},
        })
        self.assertGreater(len(dump.spans), 0)
        self.assert_checks()

    def trace_and_read(self, argv, **options):
        dump = self.trace(argv, **options).dump
        self.assert_readable(dump)
        return dump

    def test_sqlite_with_content_errors_and_rows(self):
        source = ("SELECT 'zwölf 🐌 \"\\\u0001\u007f';\nSELEKT;\n"
                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 300) "
                  "SELECT i FROM n;\n").encode() + b"SELECT '\xff\xc3';\n"
        dump = self.trace_and_read(["sqlite3", ":memory:"], bindings="sqlite3", content=True,
                                   input=source)
        self.assertEqual(dump.count("action sqlite3"), 4)

    def test_curl(self):
        with http_server() as server:
            dump = self.trace_and_read(["curl", "-sS", server.url + "/chunks?n=5"], bindings="curl",
                                       content=True)
        self.assertEqual(dump.count("stream curl"), 1)

    def test_exceptions_and_stacks(self):
        argv = [os.path.join(BUILD, "tests", "e2e", "load", "unwind"), "two"]
        dump = self.trace_and_read(argv, bindings=LOAD_BINDING, env={"SPANSHIM_STACKS": "all"})
        self.assertEqual(sum(len(span.events) for span in dump.spans), 2)

    def test_losses(self):
        env = {"SPANSHIM_RING_BYTES": "64K"}
        dump = self.trace_and_read([DRIVE, "threads", "8", "10000"], bindings=LOAD_BINDING, env=env,
                                   quiet=False)
        self.assertGreater(dump.lost("open"), 0)

    def test_many_lines(self):
        dump = self.trace_and_read([DRIVE, "speed", "20000"], bindings=LOAD_BINDING,
                                   env={"SPANSHIM_ON_FULL": "block"})
        self.assertEqual(len(dump.spans), 20_001)
        self.assertGreater(dump.lines, 10)

    def test_killed(self):
        counters = self.path("counters")
        env = self.environment(LOAD_BINDING)
        argv = self.traced_command([DRIVE, "kill", "2", counters, "1000"], "preload", LOAD_BINDING, env)
        process = self.start(argv, env)
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        process.kill()
        process.communicate()
        self.assertEqual(self.command("recover", self.rings).status, 0)
        dump = Dump(self.out)
        self.assertTrue(dump.one("session load").unfinished)
        self.assert_readable(dump)

    def test_several_processes_and_a_parent_elsewhere(self):
        parent = "00f067aa0ba902b7"
        dump = self.trace_and_read(
            ["sh", "-c", "for i in 1 2 3; do sqlite3 :memory: 'SELECT 1' & done; wait"],
            bindings="sqlite3", remote_parents=[parent],
            env={"TRACEPARENT": "00-4bf92f3577b34da6a3ce929d0e0e4736-%s-01" % parent,
                 "TRACESTATE": "vendor=1,other=2"})
        self.assertEqual(dump.count("session sqlite3"), 3)


if __name__ == "__main__":
    main()
