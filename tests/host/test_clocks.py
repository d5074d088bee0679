# SPDX-License-Identifier: Apache-2.0
"""Clocks that are set, and clocks that lie: spans keep the time as the kernel told it when their process began, and
a program that is told something else is told the same with us as without.

A wall clock that is set back and forth (the vDSO's functions replaced, as the machine's own must be left alone),
libfaketime and another object that answers libc's clock functions, and time namespaces.
"""

import glob
import os
import shutil
import time
import unittest

import packages
from transparency import COMMAND, PRELOAD, Dump, Transparency, main, unfit

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = ["/usr/bin/python3", "-I", "-B"]
ROUNDS, STATEMENTS = 8, 25
HOUR_NS = 3600 * 10**9
# Statements, each with its number; one that is open all the time; and what the program is told of the time. Between
# rounds: what the test does to the clock.
PROGRAM = """
import os, sqlite3, sys, time
db = sqlite3.connect(':memory:', isolation_level=None)
db.execute('CREATE TABLE t(x)')
db.executemany('INSERT INTO t VALUES (?)', [(n,) for n in range(100)])
slow = db.execute('WITH y AS (SELECT x FROM t) SELECT x FROM y')
told = []
def work(round):
    for n in range(%d):
        db.execute('SELECT %%d' %% (round * 1000 + 1000 + n)).fetchall()
        told.append((%s))
for round in range(%d):
    slow.fetchone()
    work(round)
    %s
print(len(slow.fetchall()), told[0], told[-1])
db.close()
%s
"""
EXACT = "time.time(), time.monotonic(), time.perf_counter()"
CHILDS = 99
NUMBERS = [1000 * (round + 1) + n for round in range(ROUNDS) for n in range(STATEMENTS)]


def program(between="pass", told="None", after="print('done')"):
    return PROGRAM % (STATEMENTS, told, ROUNDS, between, after)


class Clocks(Transparency):
    def build(self, name):
        """A preload object of this directory, made."""
        made = self.path(name + ".so")
        done = self.execute(["gcc", "-shared", "-fPIC", "-O2", "-o", made, os.path.join(HERE, name + ".c"), "-ldl"])
        self.assertEqual(done.visible, (b"", b"", 0))
        return made

    def fake_time(self):
        """libfaketime, which is not installed: it is no part of what the tests need."""
        root = packages.unpack("faketime", "libfaketime")
        if not root:
            self.skipTest("libfaketime cannot be had")
        library, = glob.glob(root + "/usr/lib/*/faketime/libfaketimeMT.so.1")
        return library

    def trace_beside(self, other, script, ours_first=True, prefix=(), **variables):
        """Runs a Python program with the other object preloaded, without ours and with; both have to tell the same.
        Returns the dump, and what the program said."""
        path = self.write("program.py", script)
        outcomes = []
        for left in self.out, self.log:
            if os.path.exists(left):
                os.unlink(left)
        self.began_ns = time.time_ns()
        for traced in False, True:
            env = self.environment("sqlite3", content=True) if traced else self.plain_environment()
            objects = ([PRELOAD] if traced else []) + ([other] if other else [])
            preload = ":".join(objects if ours_first else reversed(objects))
            command = [*prefix, "/usr/bin/env", "LD_PRELOAD=" + preload, *PYTHON, path]
            outcomes.append(self.execute(command, dict(env, **variables)).visible)
        self.ended_ns = time.time_ns()
        self.assertEqual(outcomes[1], outcomes[0])
        self.assertEqual((outcomes[1][2], self.read_log()), (0, ""), outcomes[1])
        self.assertEqual(self.left_rings(), [])
        return Dump(self.out), outcomes[0][0].decode()

    def assert_when(self, spans, ahead_ns=0):
        """They were while the program ran, or that much later."""
        for span in spans:
            self.assertLessEqual(self.began_ns + ahead_ns, span.start)
            self.assertLessEqual(span.end, self.ended_ns + ahead_ns)

    def assert_true_to_time(self, dump, children=0, ahead_ns=0):
        """All is there, in order, within its parent, and when it really was; what child processes did so far ahead of
        that. children: how many there are that select the number 99."""
        numbers = {}
        for span in dump.spans:
            text = span.attributes.get("db.query.text", "")
            if text.startswith("SELECT "):
                numbers.setdefault(int(text.split()[1]), []).append(span)
        late = numbers.pop(CHILDS, [])
        self.assertEqual(len(late), children)
        self.assertEqual(sorted(numbers), NUMBERS)
        starts = [span.start for number in NUMBERS for span in numbers[number]]
        self.assertEqual(starts, sorted(starts))
        images = {span.resource["spanshim.image"] for span in late}
        self.assert_when([span for span in dump.spans if span.resource["spanshim.image"] in images], ahead_ns)
        self.assert_when([span for span in dump.spans if span.resource["spanshim.image"] not in images])
        self.assertEqual((dump.inconsistencies(), dump.losses), ([], {}))
        self.assert_children_within(dump, dump.names())
        self.assert_checks()

    # --- the wall clock is set ---

    @unittest.skipUnless(os.uname().machine == "x86_64", "set_clock.c is for x86-64")
    def test_wall_clock_is_set(self):
        """Back, forth, and on and on, while a session, an action and a stream are open."""
        other = self.build("set_clock")
        for name, steps in (("back", [-HOUR_NS]), ("forth", [HOUR_NS]), ("both", [-HOUR_NS, 2 * HOUR_NS]),
                            ("a little", [-10**6, -10**6])):
            with self.subTest(name):
                step = "import ctypes; ctypes.CDLL(None).step_clock(ctypes.c_longlong(%r[round %% %d]))" % (steps, len(steps))
                dump, said = self.trace_beside(other, program(step, told="time.time_ns() // 10**11 * 10**11"))
                if name != "a little":
                    _, first, last = map(int, said.split()[:3])
                    set_ns = sum((steps * ROUNDS)[:ROUNDS - 1])
                    self.assertLess(abs(last - first - set_ns), HOUR_NS // 10, "the program's own clock was not set")
                self.assert_true_to_time(dump)

    @unittest.skipUnless(os.uname().machine == "x86_64", "set_clock.c is for x86-64")
    def test_processes_begin_with_the_time_that_it_is(self):
        """A child's spans are told by the clock as it was set when the child began: by fork, and by exec."""
        other = self.build("set_clock")
        step = "import ctypes; set = ctypes.CDLL(None).step_clock; set(ctypes.c_longlong(%d))\n" % HOUR_NS
        for name, after in (
                ("fork", "pid = os.fork()\nif not pid:\n    child = sqlite3.connect(':memory:')\n"
                         "    child.execute('SELECT 99')\n    os._exit(0)\nprint(os.waitpid(pid, 0)[1])"),
                ("exec", "os.execve('/usr/bin/sqlite3', ['sqlite3', ':memory:', 'SELECT 99'], dict(os.environ, AHEAD_NS='%d'))" % HOUR_NS)):
            with self.subTest(name):
                dump, _ = self.trace_beside(other, program(after=step + "sys.stdout.flush()\n" + after))
                self.assert_true_to_time(dump, 1, HOUR_NS)

    # --- the program is told some other time ---

    def test_answers_that_depend_on_the_number_of_questions(self):
        """Ours would be noticed: of the constructor, of the first event, of the drain, at the end."""
        other = self.build("false_clock")
        for ours_first in True, False:
            with self.subTest(ours_first=ours_first):
                dump, _ = self.trace_beside(other, program("time.sleep(30)", EXACT), ours_first)
                self.assert_true_to_time(dump)

    @unfit("its run time and libfaketime wait for each other", "address", "thread")
    def test_libfaketime(self):
        """Another day, a clock that stands, runs fast, slowly or by questions, a process with another number; and one
        that steps back while the program runs."""
        other = self.fake_time()
        control = self.write("time-now", "+1d")
        leave = "import ctypes; print(ctypes.CDLL(None).unshare(0x10000000))"  # only with no second thread
        step = "open(%r, 'w').write(['-1d', '+400d', '+1d'][round %% 2 if round < %d else 2])" % (control, ROUNDS - 1)
        for name, between, told, variables in (
                ("yesterday", "pass", "time.time_ns() // 10**14", {"FAKETIME": "-3650d"}),
                ("stands", "time.sleep(0.001)", EXACT, {"FAKETIME": "2008-12-24 08:15:42"}),
                ("fast", "time.sleep(1)", "time.gmtime()[0]", {"FAKETIME": "-3650d x100"}),
                ("slow", "pass", "time.gmtime()[0]", {"FAKETIME": "+3650d x0.01"}),
                ("by questions", "pass", EXACT, {"FAKETIME": "@2008-12-24 08:15:42 i2.0"}),
                ("steps", step, "time.gmtime()[:2]", {"FAKETIME_TIMESTAMP_FILE": control, "FAKETIME_NO_CACHE": "1"}),
                ("another number", leave, "os.getpid()", {"FAKETIME": "+0", "FAKETIME_FAKEPID": "4194303"})):
            for ours_first in True, False:
                with self.subTest(name, ours_first=ours_first):
                    dump, _ = self.trace_beside(other, program(between, told), ours_first, **variables)
                    self.assert_true_to_time(dump)

    def test_recover_while_the_clock_stands(self):
        """Of a process that was killed before its drain had seen a second moment."""
        other = self.fake_time()
        env = dict(self.environment("sqlite3", content=True), LD_PRELOAD=PRELOAD + ":" + other, FAKETIME="2008-12-24 08:15:42")
        path = self.write("program.py", program(after="print('through', flush=True); time.sleep(100)"))
        began_ns = time.time_ns()
        process = self.start([*PYTHON, path], env)
        process.stdout.readline()
        process.stdout.readline()
        process.kill()
        process.wait()
        recovered = self.execute([COMMAND, "recover", self.rings], dict(self.environment(), LD_PRELOAD=other, FAKETIME="2008-12-24 08:15:42"), timeout=30)
        self.assertEqual(recovered.status, 0, recovered.visible)
        dump = Dump(self.out)
        self.assertEqual(dump.inconsistencies(), [])
        self.assertGreaterEqual(min(span.start for span in dump.spans), began_ns)
        self.assertEqual(sum(span.attributes.get("db.query.text", "").startswith("SELECT ") for span in dump.spans), len(NUMBERS))

    # --- time namespaces ---

    @unittest.skipUnless(shutil.which("unshare"), "not installed: unshare")
    def test_time_namespaces(self):
        """The other clock, which the drain goes by, begins elsewhere in each."""
        enter = ["unshare", "-U", "-r", "-T", "--monotonic", "1000000", "--boottime", "2000000", "--fork"]
        if self.execute([*enter, "true"]).status:
            self.skipTest("no time namespaces here")
        with self.subTest("program in it"):
            dump, _ = self.trace_beside(None, program(), prefix=enter)
            self.assert_true_to_time(dump)
        with self.subTest("children of the program"):
            after = "import ctypes; print(ctypes.CDLL(None).unshare(0x10000080))\n" \
                    "open('/proc/self/timens_offsets', 'w').write('monotonic 5000000 0\\n')\nsys.stdout.flush()\n" \
                    "pid = os.fork()\nif not pid:\n    child = sqlite3.connect(':memory:')\n    child.execute('SELECT 99').fetchall()\n" \
                    "    child.close()\n    print(time.monotonic() > 5000000, flush=True)\n" \
                    "    os.execv('/usr/bin/sqlite3', ['sqlite3', ':memory:', 'SELECT 99'])\nprint(os.waitpid(pid, 0)[1])"
            dump, said = self.trace_beside(None, program(after=after))
            self.assertIn("True\n", said)
            self.assert_true_to_time(dump, 2)


if __name__ == "__main__":
    main()
