# SPDX-License-Identifier: Apache-2.0
"""Every Python 3 on the machine, through its own sqlite3 module (a dlopened extension)."""

import glob
import os
import subprocess

from harness import ERROR, EVENT_LIMIT, OK, Case, clean_environment, main

SESSION, ACTION, STREAM = "session sqlite3", "action sqlite3", "stream sqlite3"
TEXT, CODE = "db.query.text", "db.response.status_code"

# Autocommit, because versions differ in how they begin and commit. A statement stays prepared in the
# connection's cache: executed twice, it is one action with two streams.
PROGRAM = """\
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)")
db.executemany("INSERT INTO t VALUES(?, ?)", [(n, "row %d" % n) for n in range(300)])
print(len(db.execute("SELECT * FROM t WHERE a < 5").fetchall()))
print(len(db.execute("SELECT * FROM t").fetchall()))
print(len(db.execute("SELECT * FROM t WHERE a < 5").fetchall()))
for text in "INSERT INTO t VALUES(1, 'again')", "SELECT * FROM nowhere":
    try:
        db.execute(text)
    except sqlite3.Error as error:
        print(type(error).__name__, error)
db.close()
other = sqlite3.connect(":memory:", isolation_level=None)
print(other.execute("SELECT 42").fetchall())
other.close()
"""

# text, rows of each execution that had any, status, code, message
FIRST = [
    ("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)", [], OK, None, ""),
    ("INSERT INTO t VALUES(?, ?)", [], OK, None, ""),
    ("SELECT * FROM t WHERE a < 5", [5, 5], OK, None, ""),
    ("SELECT * FROM t", [300], OK, None, ""),
    ("INSERT INTO t VALUES(1, 'again')", [], ERROR, 19, "UNIQUE constraint failed: t.a"),
    ("SELECT * FROM nowhere", [], ERROR, 1, "no such table: nowhere"),
]
SECOND = [("SELECT 42", [1], OK, None, "")]


def interpreters():
    """{real path of an interpreter: how it was found}, of Python 3 alone."""
    patterns = [os.path.join(directory, name)
                for directory in os.environ.get("PATH", "").split(":")
                for name in ("python3", "python3.[0-9]", "python3.[0-9][0-9]")]
    patterns += [os.path.expanduser("~/.pyenv/versions/*/bin/python3"), "/usr/bin/python3"]
    found = {}
    for path in sorted(path for pattern in patterns for path in glob.glob(pattern)):
        try:
            said = subprocess.run([path, "-c", "import sys; print(sys.executable)"], timeout=60,
                                  env=clean_environment(), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, check=False)
        except OSError as error:
            print("not an interpreter: %s (%s)" % (path, error))
            continue
        if said.returncode:  # a version manager's stub for a version that is not selected
            print("not an interpreter: %s (%s)" % (path, said.stderr.decode().strip().split("\n")[0]))
            continue
        found.setdefault(os.path.realpath(said.stdout.decode().strip()), path)
    return found


class PythonSqlite(Case):
    def trace_python(self, python):
        name = python.replace("/", "_")
        self.out = self.path(name + ".jsonl")
        program = self.write("program.py", PROGRAM)
        argv = [python, "-I", "-B", program]
        result = self.trace(argv + [self.path(name + "-1.db")], bindings="sqlite3", content=True)
        untraced = self.execute(argv + [self.path(name + "-2.db")])
        self.assertEqual(result.visible, untraced.visible)
        self.assertEqual(result.status, 0, result.stderr)
        return result.dump

    def assert_session(self, dump, session, expected):
        self.assertEqual((session.status, session.parent_id), (OK, ""))
        actions = dump.children(session)
        self.assertEqual([action.attributes[TEXT] for action in actions], [e[0] for e in expected])
        for action, (text, rows, status, code, message) in zip(actions, expected):
            self.assertEqual(action.name, ACTION)
            self.assertEqual((action.status, action.message), (status, message), text)
            self.assertEqual(action.attributes.get(CODE), code, text)
            streams = dump.children(action)
            self.assertEqual([len(s.events) + s.dropped_events for s in streams], rows, text)
            for stream in streams:
                self.assertEqual((stream.name, stream.status), (STREAM, OK))
                self.assertLessEqual(len(stream.events), EVENT_LIMIT)

    def test_every_interpreter(self):
        found = interpreters()
        self.assertIn(os.path.realpath("/usr/bin/python3"), found)
        for python, path in found.items():
            probe = self.execute([python, "-c", "import sqlite3"])
            if probe.status:
                print("no sqlite3 module: %s: %s" % (path, probe.stderr.decode().strip()[-200:]))
                continue
            print("traced: %s" % path)
            with self.subTest(python=path):
                dump = self.trace_python(python)
                sessions = sorted(dump.named(SESSION), key=lambda span: span.start)
                self.assertEqual(len(sessions), 2)
                self.assert_session(dump, sessions[0], FIRST)
                self.assert_session(dump, sessions[1], SECOND)
                self.assertEqual(len(dump.spans), 2 + 7 + 4)
                self.assertEqual(dump.losses, {})


if __name__ == "__main__":
    main()
