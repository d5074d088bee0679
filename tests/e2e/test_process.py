# SPDX-License-Identifier: Apache-2.0
"""fork, vfork, spawn, exec and every way to end: nothing lost, nothing doubled, one trace."""

import os
import sys

from harness import (DRIVE, ERROR, LOAD_BINDING, PROCESS_BINDING, PYTHON, WAYS, Case, Dump, main,
                     tallies, unfit, victim)

SESSION, ACTION, STREAM = "session sqlite3", "action sqlite3", "stream sqlite3"

# use(n): one session, n actions of one row each, all closed.
PRELUDE = """\
import ctypes, os, signal, sqlite3, subprocess, sys, threading
def connect():
    return sqlite3.connect(":memory:", isolation_level=None)
def ask(db, n):
    for i in range(n):
        db.execute("SELECT %d" % i).fetchall()
def use(n):
    db = connect()
    ask(db, n)
    db.close()
SQLITE = ["sqlite3", ":memory:", "SELECT 1"]
"""

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Process(Case):
    def program(self, source):
        return [PYTHON, "-I", "-B", self.write("program.py", PRELUDE + source)]

    def trace_program(self, source, status=0, **options):
        result = self.trace(self.program(source), bindings="sqlite3", **options)
        self.assertEqual(result.status, status, result.stderr)
        self.assertEqual(result.dump.losses, {})
        return result

    def assert_counts(self, dump, sessions, actions):
        """Every action had one row."""
        self.assertEqual(dump.names(), {SESSION: sessions, ACTION: actions, STREAM: actions})

    def both(self, source, status=0, check=None, env=None):
        """Under the launcher and under bare LD_PRELOAD (with a recover, where a signal ended it)."""
        for via in WAYS:
            with self.subTest(via=via):
                self.out = self.path(via + ".jsonl")
                if via == "run":
                    dump = self.trace_program(source, status, env=env).dump
                else:
                    dump = self.preloaded(source, status, env)
                check(dump)

    def preloaded(self, source, status, env):
        env = self.environment("sqlite3", env=env)
        result = self.execute(self.traced_command(self.program(source), "preload", "sqlite3", env), env)
        self.assertEqual(result.status, status, result.stderr)
        recovered = self.command("recover", self.rings)
        self.assertEqual(recovered.status, 0, recovered.visible)
        self.assertEqual(self.left_rings(), [])
        self.collect(result)
        self.assertEqual((result.dump.losses, result.dump.inconsistencies()), ({}, []))
        return result.dump


class Forks(Process):
    def test_fork(self):
        source = """
use(3)
pid = os.fork()
if pid == 0:
    use(2)
    os._exit(0)
os.waitpid(pid, 0)
use(1)
"""
        self.both(source, check=lambda dump: self.assert_counts(dump, 3, 6))

    def test_fork_first(self):
        """The child's are the first events at all."""
        source = """
pid = os.fork()
if pid == 0:
    use(2)
    sys.exit(0)
os.waitpid(pid, 0)
"""
        self.both(source, check=lambda dump: self.assert_counts(dump, 1, 2))

    def test_raw_fork(self):
        """The system call itself: no fork handlers run in the child."""
        source = """
use(3)
pid = ctypes.CDLL(None).syscall(57)
if pid == 0:
    use(2)
    os._exit(0)
os.waitpid(pid, 0)
use(1)
"""
        self.both(source, check=lambda dump: self.assert_counts(dump, 3, 6))

    def test_fork_with_a_session_open(self):
        """The child uses what it inherited: its actions are children of the parent's session."""
        source = """
db = connect()
ask(db, 2)
pid = os.fork()
if pid == 0:
    db.execute("SELECT 'child'").fetchall()
    os._exit(0)
os.waitpid(pid, 0)
db.execute("SELECT 'parent'").fetchall()
db.close()
"""
        def check(dump):
            session = dump.one(SESSION)
            self.assertFalse(session.unfinished)
            self.assertEqual(len(dump.children(session, ACTION)), 4)
            self.assertEqual(dump.count(ACTION), 4)
            self.assertEqual(len({resource_pid(span) for span in dump.spans}), 2)
        self.both(source, check=check)

    def test_fork_in_a_threaded_program(self):
        """A library without locks of its own: SQLite's could be held for ever in the child."""
        result = self.trace([DRIVE, "forks", "4", "5000", "50"], bindings=LOAD_BINDING,
                            env={"SPANSHIM_ON_FULL": "block"})
        self.assertEqual((result.status, result.dump.losses), (0, {}))
        self.assertEqual(result.dump.names(), {"action load": 4 * 5000 + 50 * 2})
        self.assertEqual(len({resource_pid(span) for span in result.dump.spans}), 51)

    def test_a_file_each(self):
        self.out = self.path("out-%p.jsonl")
        self.trace_program("""
use(3)
pid = os.fork()
if pid == 0:
    use(2)
    os._exit(0)
os.waitpid(pid, 0)
""")
        dumps = [Dump(self.path(name)) for name in sorted(os.listdir(self.directory))
                 if name.startswith("out-")]
        self.assertEqual(sorted(dump.count(ACTION) for dump in dumps), [2, 3])

    def test_fork_storm(self):
        source = """
for _ in range(40):
    pid = os.fork()
    if pid == 0:
        use(3)
        os._exit(0)
for _ in range(40):
    os.wait()
"""
        self.both(source, check=lambda dump: self.assert_counts(dump, 40, 120))


class Children(Process):
    """A child program is a child of the span that was current when it was started."""

    def assert_nested(self, start):
        source = "db = connect()\nask(db, 1)\n%s\ndb.close()\n" % start

        def check(dump):
            outer, = [session for session in dump.named(SESSION) if not session.parent_id]
            inner = [session for session in dump.named(SESSION) if session is not outer]
            self.assertEqual([session.parent_id for session in inner], [outer.span_id])
            self.assert_counts(dump, 2, 2)
            self.assertEqual(len(dump.traces()), 1)
        self.both(source, check=check)

    def test_subprocess(self):
        """vfork and exec."""
        self.assert_nested("subprocess.run(SQLITE, check=True, stdout=subprocess.DEVNULL)")

    def test_fork_and_exec(self):
        self.assert_nested("subprocess.run(SQLITE, check=True, stdout=subprocess.DEVNULL, "
                           "preexec_fn=lambda: None)")

    def test_posix_spawn(self):
        self.assert_nested("os.waitpid(os.posix_spawnp('sqlite3', SQLITE, os.environ), 0)")

    def test_posix_spawn_by_path(self):
        self.assert_nested("os.waitpid(os.posix_spawn('/usr/bin/sqlite3', SQLITE, os.environ), 0)")

    def test_system(self):
        self.assert_nested("ctypes.CDLL(None).system(b\"sqlite3 :memory: 'SELECT 1'\")")

    def test_popen(self):
        self.assert_nested("libc = ctypes.CDLL(None)\n"
                           "libc.popen.restype = ctypes.c_void_p\n"
                           "libc.pclose.argtypes = [ctypes.c_void_p]\n"
                           "libc.pclose(libc.popen(b\"sqlite3 :memory: 'SELECT 1' >&2\", b'r'))")

    def test_execve(self):
        self.assert_nested("pid = os.fork()\n"
                           "if pid == 0: os.execve('/usr/bin/sqlite3', SQLITE, os.environ)\n"
                           "os.waitpid(pid, 0)")

    def test_child_without_environment_is_untraced(self):
        result = self.trace_program(
            "use(1)\nsubprocess.run(['/usr/bin/sqlite3'] + SQLITE[1:], env={}, check=True)\nuse(1)\n")
        self.assert_counts(result.dump, 2, 2)

    def test_traceparent_out(self):
        result = self.trace_program("""
db = connect()
print(os.environ.get("TRACEPARENT"))
sys.stdout.flush()
subprocess.run(["sh", "-c", "echo $TRACEPARENT"], check=True)
ctypes.CDLL(None).system(b"echo $TRACEPARENT")
print(os.environ.get("TRACEPARENT"), b"TRACEPARENT" in open("/proc/self/environ", "rb").read())
db.close()
""")
        session = result.dump.one(SESSION)
        expected = "00-%s-%s-01" % (session.trace_id, session.span_id)
        self.assertEqual(result.stdout.decode().split("\n"),
                         ["None", expected, expected, "None False", ""])

    def test_traceparent_in_and_through(self):
        """Handed on by programs that trace nothing."""
        result = self.trace(["sh", "-c", "sqlite3 :memory: 'SELECT 1'"], bindings="sqlite3",
                            env={"TRACEPARENT": "00-%s-%s-01" % (TRACE, PARENT)},
                            remote_parents=[PARENT])
        session = result.dump.one(SESSION)
        self.assertEqual((session.trace_id, session.parent_id), (TRACE, PARENT))

    def test_pipeline_is_one_trace(self):
        command = ("sqlite3 :memory: \"SELECT 'SELECT 1;'; SELECT 'SELECT 2, 3;'\" "
                   "| sqlite3 :memory:")
        result = self.trace(["sh", "-c", command], bindings="sqlite3")
        self.assert_same_as_untraced(["sh", "-c", command], result)
        self.assertEqual(result.stdout, b"1\n2|3\n")
        self.assert_counts(result.dump, 2, 4)
        self.assertEqual(len(result.dump.traces()), 1)
        self.assertEqual(len({resource_pid(span) for span in result.dump.spans}), 2)
        self.assert_checks()


class Endings(Process):
    def assert_open_session(self, dump, actions, finished_actions=None):
        """A session with all its actions, open when its process ended."""
        session = dump.one(SESSION)
        self.assertTrue(session.unfinished)
        self.assertEqual((session.status, session.message), (ERROR, "unfinished: the process ended"))
        self.assertEqual(len(dump.children(session, ACTION)), actions)
        self.assert_counts(dump, 1, actions)

    def ending(self, how, status):
        self.both("db = connect()\nask(db, 5)\n" + how, status,
                  check=lambda dump: self.assert_open_session(dump, 5))

    def test__exit(self):
        self.ending("os._exit(3)", 3)

    def test_exit_group(self):
        """The system call: no one can flush."""
        self.ending("ctypes.CDLL(None).syscall(231, 4)", 4)

    def test_exit_with_handlers(self):
        self.ending("ctypes.CDLL(None).exit(5)", 5)

    def test_quick_exit(self):
        self.ending("ctypes.CDLL(None).quick_exit(6)", 6)

    def test_abort(self):
        self.ending("os.abort()", 134)

    def test_sigterm(self):
        self.ending("os.kill(os.getpid(), signal.SIGTERM)", 143)

    def test_sigkill(self):
        self.ending("os.kill(os.getpid(), signal.SIGKILL)", 137)

    def test_segmentation_fault(self):
        self.ending("ctypes.string_at(1)", 139)

    def test_other_threads_still_working(self):
        """_exit in the middle of others' work: every session is there, once."""
        source = """
started = threading.Semaphore(0)
def work():
    db = connect()
    started.release()
    while True:
        db.execute("SELECT 1").fetchall()
for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
for _ in range(4):
    started.acquire()
os._exit(0)
"""
        def check(dump):
            self.assertEqual(dump.count(SESSION), 4)
            self.assertTrue(all(session.unfinished for session in dump.named(SESSION)))
        self.both(source, check=check, env={"SPANSHIM_ON_FULL": "block"})

    def test_exec(self):
        """The first image's session ends unfinished; the next image is its child."""
        def check(dump):
            first, = [session for session in dump.named(SESSION) if not session.parent_id]
            second, = dump.children(first, SESSION)
            self.assertTrue(first.unfinished)
            self.assertFalse(second.unfinished)
            self.assertEqual((len(dump.children(first, ACTION)), len(dump.children(second))), (5, 1))
            self.assert_counts(dump, 2, 6)
            self.assertEqual(len({resource_pid(span) for span in dump.spans}), 1)
        self.both("db = connect()\nask(db, 5)\nos.execvp('sqlite3', SQLITE)", check=check)

    def test_exec_of_a_program_that_traces_nothing(self):
        self.both("db = connect()\nask(db, 5)\nos.execvp('true', ['true'])",
                  check=lambda dump: self.assert_open_session(dump, 5))

    def test_exec_without_environment(self):
        self.both("db = connect()\nask(db, 5)\nos.execve('/bin/true', ['true'], {})",
                  check=lambda dump: self.assert_open_session(dump, 5))

    def test_failed_exec_goes_on(self):
        source = """
db = connect()
ask(db, 2)
try:
    os.execv("/no/such/program", ["program"])
except FileNotFoundError:
    ask(connect(), 0)
    db.execute("SELECT 'after'").fetchall()
db.close()
"""
        def check(dump):
            first = [session for session in dump.named(SESSION) if not session.unfinished]
            self.assertEqual(len(dump.children(first[0], ACTION)), 3)
            self.assertEqual(dump.count(ACTION), 3)
        self.both(source, check=check)

    def test_many_execs(self):
        """An image after the other, each with its own spans."""
        source = """
count = int(os.environ.get("COUNT", "0"))
use(2)
if count < 10:
    os.environ["COUNT"] = str(count + 1)
    os.execv(sys.executable, [sys.executable, "-B", sys.argv[0]])
"""
        self.both(source, check=lambda dump: self.assert_counts(dump, 11, 22))

    def test_statuses_of_run(self):
        """The launcher ends as a shell would."""
        for script, status in (("exit 7", 7), ("kill -TERM $$", 143), ("kill -INT $$", 130)):
            self.assertEqual(self.command("run", "--", "sh", "-c", script).status, status, script)
        self.assertEqual(self.command("run", "--", "/no/such/program").status, 127)
        self.assertEqual(self.command("run", "--", "/etc/passwd").status, 126)
        self.assertEqual(self.command("run", "--no-such-option", "--", "true").status, 2)
        self.assertEqual(self.command("run", "--bindings", "nothing", "--", "true").status, 2)

    def test_standard_streams_are_the_childs(self):
        result = self.trace(["cat"], bindings="sqlite3", input=b"in\0and out\n")
        self.assertEqual(result.visible, (b"in\0and out\n", b"", 0))


class Victims(Case):
    """Native programs that count their own calls; the dump must agree, call by call."""

    def both(self, name, *arguments, status=0, images=False, late=0, processes=1):
        """Runs the victim under the launcher and under bare LD_PRELOAD; returns the dumps."""
        dumps = []
        for via in WAYS:
            with self.subTest(via=via, victim=name, arguments=arguments):
                self.out = self.path("-".join((via, name) + arguments) + ".jsonl")
                env = self.environment(PROCESS_BINDING)
                argv = self.traced_command([victim("process/" + name), *arguments], via,
                                           PROCESS_BINDING, env)
                result = self.execute(argv, env, timeout=30)
                self.assertEqual((result.status, result.stderr), (status, b""))
                if via == "preload":
                    recovered = self.command("recover", self.rings)
                    self.assertEqual(recovered.status, 0, recovered.visible)
                self.collect(result)
                self.assertEqual(result.log, "")
                self.assertEqual(self.left_rings(), [])
                lines = tallies(result.stdout)
                self.assertEqual(len({line["pid"] for line in lines}), processes)
                self.assertEqual((result.dump.losses, result.dump.inconsistencies()), ({}, []))
                self.assert_tally(result.dump, lines, images, late)
                if via == "run":
                    self.assertEqual(len(result.dump.traces()), 1)
                dumps.append(result.dump)
        return dumps

    def test_fork(self):
        for how in ("_exit", "exit", "return"):
            self.both("proc_fork", "fork", how, processes=2)
            self.both("proc_fork", "inside", how, processes=2)
            self.both("proc_fork", "twice", how, processes=3)

    def test_raw_fork(self):
        for how in ("_exit", "exit", "return"):
            self.both("proc_fork", "raw", how, processes=2)

    def test_spawn(self):
        for how in ("vfork", "spawn", "spawnp"):
            for dump in self.both("proc_spawn", how, "20", processes=2):
                self.assert_under_call(dump, 20)

    def test_popen(self):
        for dump in self.both("proc_spawn", "popen", "20", processes=2):
            self.assert_under_call(dump, 20)

    def test_system_pipeline(self):
        for dump in self.both("proc_spawn", "system", "20", processes=3):
            self.assert_under_call(dump, 40)

    def assert_under_call(self, dump, acts):
        """The children's acts are under the act that started the children."""
        call, = [span for span in dump.spans if span.attributes["code.function.name"] == "vict_call"]
        self.assertEqual(len(dump.children(call)), acts)

    def test_exec(self):
        for dump in self.both("proc_exec", "inside", "5", images=True, late=1):
            calls = [span for span in dump.spans
                     if span.attributes["code.function.name"] == "vict_call"]
            calls.sort(key=lambda span: span.start)
            self.assertEqual([call.unfinished for call in calls], [True] * 5 + [False])
            for outer, inner in zip(calls, calls[1:]):
                self.assertEqual(inner.parent_id, outer.span_id)

    def test_exec_between_calls(self):
        self.both("proc_exec", "idle", "5", images=True)

    def test_exec_on_another_thread(self):
        self.both("proc_exec", "thread", "5", images=True, late=1)

    def test_exec_that_fails(self):
        for dump in self.both("proc_exec", "failing", "5", images=True):
            self.assertFalse(any(span.unfinished for span in dump.spans))

    def test_endings(self):
        for how, status in (("exit", 7), ("_exit", 7), ("_Exit", 7), ("quick_exit", 7),
                            ("at-exit", 7), ("at-quick-exit", 7), ("raw", 7), ("abort", 134),
                            ("sigterm", 143), ("sigsegv", 139), ("sigkill", 137), ("thread", 8),
                            ("handled-abort", 7)):
            for where in ("idle", "inside"):
                self.both("proc_end", how, where, "50", status=status)
        self.both("proc_end", "return", "idle", "50", status=7)

    @unfit("it does not know that the first thread may be joined", "thread")
    def test_last_thread(self):
        """The main thread leaves first; the process ends with its last thread, status 0."""
        for where in ("idle", "inside"):
            self.both("proc_end", "last-thread", where, "50")


def resource_pid(span):
    return span.resource["process.pid"]


if __name__ == "__main__":
    main()
