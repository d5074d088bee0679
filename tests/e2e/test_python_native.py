# SPDX-License-Identifier: Apache-2.0
"""One current span, seen from both sides: native calls made by Python code, Python code run by native
calls, on threads, in tasks and in child processes. Every CPython from 3.8 up on the machine.

The programs name what they do, so that each span's parent can be asserted: Python spans by the name that
they are given, statements by their text.
"""

import json

from harness import OK, Case, main, victim
from test_python_sqlite import interpreters

NAME, TEXT = "test.name", "db.query.text"

MODULE = """\
class Session:
    def __init__(self, name):
        self.name = name

    def close(self):
        pass

def act(name, function, *arguments):
    return function(*arguments)

async def act_async(name, function, *arguments):
    return await function(*arguments)
"""
LIBRARY = "MIX = %r\n" % victim("process/libvict_mix.so")

NAME_ATTRIBUTE = [{"key": NAME, "value": "arg 1"}]
PYTHON_ENTRIES = [
    {"python": "acts:Session.__init__", "role": "session", "when": "open", "handle": "self",
     "attributes": NAME_ATTRIBUTE},
    {"python": "acts:Session.close", "role": "session", "when": "close", "handle": "self"},
    {"python": "acts:act", "role": "action", "when": "call", "attributes": NAME_ATTRIBUTE},
    {"python": "acts:act_async", "role": "action", "when": "call", "attributes": NAME_ATTRIBUTE},
]
NATIVE_ENTRIES = [
    {"symbol": "bsearch", "role": "action", "when": "call",
     "args": ["pointer", "pointer", "size", "size", "pointer"], "returns": "pointer",
     "attributes": [{"key": NAME, "value": "arg 3"}]},
    {"symbol": "labs", "role": "action", "when": "call", "args": ["int64"], "returns": "int64",
     "attributes": [{"key": NAME, "value": "arg 1"}]},
    {"symbol": "vict_act", "role": "action", "when": "call", "args": ["int64"], "returns": "int64",
     "attributes": [{"key": NAME, "value": "arg 1"}]},
]

PROBE = "import sys, sqlite3, ctypes; print(sys.implementation.name, sys.version_info >= (3, 8))"
PRELUDE = """\
import asyncio, concurrent.futures, contextvars, ctypes, os, sqlite3, subprocess, sys, threading
from acts import MIX, Session, act, act_async

libc = ctypes.CDLL(None)      # lets go of the GIL
held = ctypes.PyDLL(None)     # does not

def connect():
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False,
                           cached_statements=0)

def query(db, text):
    return db.execute("SELECT '%s'" % text).fetchall()

def search(count, function):
    values = (ctypes.c_long * count)()
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    libc.bsearch(values, values, ctypes.c_size_t(count), ctypes.c_size_t(8),
                 kind(lambda a, b: function() and 0 or 0))

def mix(function, number):
    kind = ctypes.CFUNCTYPE(None)
    ctypes.CDLL(MIX).vict_mix(kind(function), ctypes.c_long(number))

def start(function, *arguments):
    thread = threading.Thread(target=function, args=arguments)
    thread.start()
    return thread
"""


class Tree:
    """A dump by the names that the program gave."""

    def __init__(self, case, dump):
        self.case = case
        self.dump = dump
        self.found = {}
        for span in dump.spans:
            name = span.attributes.get(NAME)
            if name is None and TEXT in span.attributes:
                name = span.attributes[TEXT].replace("SELECT ", "").strip("'")
            self.found.setdefault(name, []).append(span)

    def one(self, name):
        found = self.found.get(name, [])
        self.case.assertEqual(len(found), 1, "%r in %r" % (name, sorted(map(str, self.found))))
        return found[0]

    def parent(self, name):
        """Name of the parent of the span of that name; for sessions of sqlite3 their span's name."""
        parent = self.dump.by_id.get(self.one(name).parent_id)
        if parent is None:
            return None
        return parent.attributes.get(NAME) or parent.attributes.get(TEXT, "").replace(
            "SELECT ", "").strip("'") or parent.name

    def assert_parents(self, expected):
        self.case.assertEqual({name: self.parent(name) for name in expected}, expected)


class PythonNative(Case):
    def setUp(self):
        super().setUp()
        self.write("acts.py", MODULE + LIBRARY)
        self.binding = self.write("acts.json", json.dumps({
            "spanshim": 1, "name": "acts", "entries": PYTHON_ENTRIES + NATIVE_ENTRIES}))
        self.number = 0

    served = []  # paths of the CPythons that can be; filled by the first test

    def interpreters(self):
        if not self.served:
            for python in interpreters():
                probe = self.execute([python, "-c", PROBE])
                if probe.stdout == b"cpython True\n":
                    self.served.append(python)
                else:
                    print("not served: %s: %s" % (python, (probe.stdout + probe.stderr)[-100:]))
        self.assertTrue(self.served)
        return self.served

    def trace_program(self, python, source, spans):
        """Runs the program traced; the dump must have that many spans (None: any number)."""
        self.number += 1
        self.out = self.path("%d.jsonl" % self.number)
        program = self.write("program.py", PRELUDE + source)
        argv = [python, "-B", "-W", "ignore", program]  # of forks beside other threads
        result = self.trace(argv, bindings="sqlite3:" + self.binding, content=True)
        self.assertEqual((result.status, result.stderr), (0, b""))
        self.assertEqual(result.dump.losses, {})
        self.assertEqual([s for s in result.dump.spans if s.status != OK and not s.unfinished], [])
        if spans is not None:
            self.assertEqual(len(result.dump.spans), spans, result.dump.names())
        return result, Tree(self, result.dump)

    def everywhere(self, source, expected, spans, more=None):
        for python in self.interpreters():
            with self.subTest(python=python):
                result, tree = self.trace_program(python, source, spans)
                tree.assert_parents(expected)
                if more:
                    more(result, tree)

    def test_statements(self):
        """A statement hangs below the act it is run in; below its connection where that is inside."""
        self.everywhere("""
before = connect()
query(before, "outside")
def inner():
    query(before, "in inner")
def outer():
    query(before, "in outer")
    act("inner", inner)
    query(before, "in outer again")
    own = connect()
    query(own, "own")
    act("after own", query, own, "own, further in")
    query(own, "own again")
    own.close()
act("outer", outer)
query(before, "outside again")
before.close()
""", {
            "outside": "session sqlite3", "in outer": "outer", "inner": "outer", "in inner": "inner",
            "in outer again": "outer", "own": "session sqlite3", "own again": "session sqlite3",
            "after own": "outer", "own, further in": "after own",
            "outside again": "session sqlite3", "outer": None,
        }, 3 + 2 + 8 + 8, self.check_statements)

    def check_statements(self, _result, tree):
        own = tree.one("own")
        session = tree.dump.by_id[own.parent_id]
        self.assertEqual(session.parent_id, tree.one("outer").span_id)
        self.assertEqual(tree.one("own again").parent_id, session.span_id)
        self.assertNotEqual(tree.one("outside").parent_id, session.span_id)

    def test_statements_in_a_python_session(self):
        """A native session goes before Python's, an act before either."""
        self.everywhere("""
before = connect()
session = Session("session")
query(before, "before")
inside = connect()
query(inside, "inside")
act("act", query, inside, "in act")
session.close()
""", {
            "before": "session sqlite3", "inside": "session sqlite3", "act": "session",
            "in act": "act", "session": None,
        }, 2 + 2 + 3 + 3, self.check_session)

    def check_session(self, _result, tree):
        inside = tree.dump.by_id[tree.one("inside").parent_id]
        self.assertEqual(inside.parent_id, tree.one("session").span_id)
        self.assertEqual(tree.dump.by_id[tree.one("before").parent_id].parent_id, "")

    def test_callbacks(self):
        """Native code that runs Python: with the GIL given back (sqlite3) and taken anew (ctypes)."""
        self.everywhere("""
db = connect()
def function(x):
    act("in function", query, db, "nested")
    return x
db.create_function("f", 1, function)
def run():
    db.execute("SELECT f(1)").fetchall()
    search(3, lambda: act("in search", libc.labs, -31))
    libc.labs(-32)
    search(4, lambda: act("in search 2", lambda: held.labs(-33)))
    held.labs(-34)
    search(5, lambda: libc.labs(-35))
    mix(lambda: contextvars.Context().run(act, "elsewhere", libc.labs, -40), 41)
    act("last", search, 6, lambda: search(7, lambda: act("deep", libc.labs, -36)))
act("act", run)
search(8, lambda: act("alone", libc.labs, -37))
libc.labs(-38)
""", {
            "act": None, "in function": "f(1)", "nested": "in function", 3: "act",
            "in search": 3, -31: "in search", -32: "act", 4: "act", "in search 2": 4,
            -33: "in search 2", -34: "act", 5: "act", -35: 5, "elsewhere": None, -40: "elsewhere",
            41: "act", "last": "act", 6: "last", 7: 6, "deep": 7, -36: "deep",
            8: None, "alone": 8, -37: "alone", -38: None,
        }, 24 + 5)

    def test_tasks(self):
        """Eight tasks take turns on a thread; each statement finds its own task's act."""
        source = """
async def work(number, turns):
    for step in range(4):
        query(db, "%d directly %d" % (number, step))
        await asyncio.sleep(0)
        libc.labs(-(100 * number + step + 1))
        held.labs(-(100 * number + step + 11))
        await turns.wait()
        query(db, "%d after %d" % (number, step))
        await loop.run_in_executor(None, query, db, "%d executor %d" % (number, step))
        if hasattr(asyncio, "to_thread"):
            await asyncio.to_thread(query, db, "%d thread %d" % (number, step))

async def all_of_them():
    global loop
    loop = asyncio.get_running_loop()
    turns = asyncio.Event()
    tasks = [asyncio.ensure_future(act_async("task %d" % n, work, n, turns)) for n in range(8)]
    await asyncio.sleep(0.01)
    turns.set()
    await asyncio.gather(*tasks)

db = connect()
asyncio.run(act_async("main", all_of_them))
"""
        for python in self.interpreters():
            with self.subTest(python=python):
                _, tree = self.trace_program(python, source, None)
                kinds = ["directly", "after", "executor", "thread"]
                if not any("thread" in str(name) for name in tree.found):
                    kinds.remove("thread")  # before 3.9
                expected = {"task %d" % n: "main" for n in range(8)}
                for n in range(8):
                    for step in range(4):
                        expected[-(100 * n + step + 1)] = "task %d" % n
                        expected[-(100 * n + step + 11)] = "task %d" % n
                        for kind in kinds:
                            expected["%d %s %d" % (n, kind, step)] = "task %d" % n
                tree.assert_parents(expected)

    def test_loop_thread(self):
        """What is handed to an event loop's thread is in what its sender is in, not in what the loop's
        thread was started in."""
        self.everywhere("""
opened, done = threading.Event(), threading.Event()
loop = asyncio.new_event_loop()
async def work(number):
    libc.labs(number)
    await asyncio.sleep(0)
    libc.labs(number + 1)
def hand_over(name, number):
    asyncio.run_coroutine_threadsafe(act_async(name, work, number), loop).result()
def stranger():
    opened.wait()
    hand_over("strange", 10)
    done.set()
def run():
    start(loop.run_forever)
    opened.set()
    done.wait()
    hand_over("owned", 20)
    act("inner", lambda: [hand_over("handed", 30), start(hand_over, "handed by thread", 40).join()])
    start(hand_over, "by thread", 50).join()
stranger = start(stranger)
act("owner", run)
hand_over("last", 60)
loop.call_soon_threadsafe(loop.stop)
start(lambda: act("runner", asyncio.new_event_loop().run_until_complete, work(70))).join()
act("starter", lambda: start(asyncio.run, act_async("runs", work, 80)).join())
""", {
            "strange": None, 10: "strange", 11: "strange", "owner": None, "owned": "owner",
            20: "owned", 21: "owned", "inner": "owner", "handed": "inner", 30: "handed",
            31: "handed", "handed by thread": "inner", 40: "handed by thread",
            41: "handed by thread", "by thread": "owner", 50: "by thread", 51: "by thread",
            "last": None, 60: "last", 61: "last", "runner": None, 70: "runner", 71: "runner",
            "starter": None, "runs": "starter", 80: "runs", 81: "runs",
        }, 27)

    def test_threads(self):
        """A thread inherits what it was started in, as long as that is open, then what is around it."""
        self.everywhere("""
db = connect()
ended, go = threading.Event(), threading.Event()
def late():
    ended.wait()
    query(db, "late")
    act("late act", libc.labs, -1)
def grandchild():
    libc.labs(-2)
def child():
    libc.labs(-3)
    held.labs(-4)
    act("child act", libc.labs, -5)
    libc.labs(-6)
    start(grandchild).join()
def inner():
    threads.append(start(late))
    start(child).join()
def outer():
    act("inner", inner)
    ended.set()
    threads[0].join()
threads = []
act("outer", outer)
start(lambda: act("after", libc.labs, -7)).join()
def lasts():
    go.wait()
    libc.labs(-8)
    act("orphan", libc.labs, -9)
def starts():
    threads.append(start(lasts))
act("short", starts)
go.set()
threads[1].join()
""", {
            "outer": None, "inner": "outer", -3: "inner", -4: "inner", "child act": "inner",
            -5: "child act", -6: "inner", -2: "inner", "late": "outer", "late act": "outer",
            -1: "late act", "after": None, -7: "after", "short": None, -8: None, "orphan": None,
            -9: "orphan",
        }, 17 + 2)

    def test_pools(self):
        """A pool's thread takes what its submitter is in, or else what it was started in."""
        self.everywhere("""
from multiprocessing.pool import ThreadPool
def first():
    executor.submit(query, db, "first").result()
    pool.apply(query, (db, "pool first"))
def second():
    executor.submit(query, db, "second").result()
    executor.submit(act, "submitted", query, db, "third").result()
db = connect()
executor = concurrent.futures.ThreadPoolExecutor(1)
def outer():
    global pool
    with ThreadPool(1) as pool:
        act("one", first)
        act("two", second)
act("outer", outer)
executor.submit(query, db, "last").result()
executor.shutdown()
""", {
            "outer": None, "one": "outer", "first": "one", "pool first": "outer", "two": "outer",
            "second": "two", "submitted": "two", "third": "submitted", "last": "session sqlite3",
        }, 9 + 6)

    def test_native_threads(self):
        """Started by native code, with the GIL and without, running native code and Python."""
        self.everywhere("""
kind = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
def create(library, routine, argument):
    thread = ctypes.c_ulong()
    assert library.pthread_create(ctypes.byref(thread), None, ctypes.cast(routine, ctypes.c_void_p),
                                  ctypes.c_void_p(argument)) == 0
    libc.pthread_join(thread, None)
def python(argument):
    libc.labs(argument)
    act("act %d" % argument, libc.labs, argument + 1)
    libc.labs(argument + 2)
back = kind(lambda argument: python(argument) and None)
def run():
    create(held, libc.labs, 11)
    create(libc, libc.labs, 12)
    create(held, back, 20)
    create(libc, back, 30)
    search(40, lambda: [create(held, libc.labs, 41), create(libc, back, 50)])
act("run", run)
create(held, libc.labs, 61)
create(libc, back, 70)
""", {
            "run": None, 11: "run", 12: "run", 20: "run", "act 20": "run", 21: "act 20", 22: "run",
            30: "run", "act 30": "run", 31: "act 30", 32: "run", 40: "run", 41: 40, 50: 40,
            "act 50": 40, 51: "act 50", 52: 40, 61: None, 70: None, "act 70": None, 71: "act 70",
            72: None,
        }, 22)

    def test_memory(self):
        """Threads leave none of what they inherited behind."""
        source = """
import gc
def work():
    libc.labs(-1)
def round():
    act("round", lambda: [thread.join() for thread in [start(work) for _ in range(25)]])
def blocks():
    gc.collect()
    return sys.getallocatedblocks()
for _ in range(20):
    round()
before = blocks()
for _ in range(40):
    round()
print(blocks() - before)
"""
        for python in self.interpreters():
            with self.subTest(python=python):
                result, _ = self.trace_program(python, source, 60 * 26)
                print("%s: %s blocks more" % (python, result.stdout.decode().strip()))
                self.assertLess(int(result.stdout), 200)

    def test_children(self):
        """TRACEPARENT is the innermost span of either side."""
        self.everywhere("""
PRINT = "import os; print(os.environ.get('TRACEPARENT', 'none'), flush=True)"
SHELL = "echo ${TRACEPARENT:-none}"
environment = {name: value for name, value in os.environ.items()
               if not name.startswith(("LD_", "SPANSHIM_"))}
def tell(name, function, *arguments, **keywords):
    print(name, end=" ", flush=True)
    function(*arguments, **keywords)
def fork():
    child = os.fork()
    if child == 0:
        os.execve("/bin/sh", ["sh", "-c", SHELL], environment)
    os.waitpid(child, 0)
def spawn():
    os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", SHELL], environment), 0)
async def task(number):
    await asyncio.sleep(0)
    tell("task-%d" % number, subprocess.check_call, ["sh", "-c", SHELL], env=environment)
async def tasks():
    await asyncio.gather(*[act_async("task-%d" % n, task, n) for n in range(3)])
def run():
    tell("act", subprocess.check_call, ["sh", "-c", SHELL], env=environment)
    tell("act", subprocess.check_call, ["sh", "-c", SHELL], env=environment, close_fds=False)
    tell("act", subprocess.check_call, ["sh", "-c", SHELL], env=environment, preexec_fn=os.getpid)
    tell("act", os.system, SHELL)
    tell("act", fork)
    tell("act", spawn)
    start(tell, "act", fork).join()
    search(3, lambda: tell("3", fork))
    search(4, lambda: act("further", tell, "further", fork))
tell("none", fork)
act("act", run)
tell("none", spawn)
asyncio.run(tasks())
tell("none", fork)
""", {"act": None, 3: "act", 4: "act", "further": 4}, 7, self.check_children)

    def check_children(self, result, tree):
        lines = [line.split() for line in result.stdout.decode().splitlines()]
        self.assertEqual([line[0] for line in lines],
                         ["none"] + ["act"] * 7 + ["3", "further", "none"] +
                         ["task-%d" % n for n in range(3)] + ["none"])
        for name, told in lines:
            if name == "none":
                self.assertEqual(told, "none")
                continue
            span = tree.one(int(name) if name.isdigit() else name)
            self.assertEqual(told, "00-%s-%s-01" % (span.trace_id, span.span_id), name)

    def test_forked_child(self):
        """A child's spans are children of what it was forked in, until that child leaves it."""
        self.everywhere("""
import multiprocessing
db = connect()
def child(number):
    libc.labs(number)
    act("child %d" % number, libc.labs, number + 1)
    libc.labs(number + 2)
def fork():
    libc.labs(100)
    pid = os.fork()
    if pid == 0:
        child(200)
        os._exit(0)
    os.waitpid(pid, 0)
    process = multiprocessing.get_context("fork").Process(target=child, args=(300,))
    process.start()
    process.join()
    libc.labs(400)
act("act", fork)
db.close()
""", {
            "act": None, 100: "act", 200: "act", "child 200": "act", 201: "child 200", 202: "act",
            300: "act", "child 300": "act", 301: "child 300", 302: "act", 400: "act",
        }, 12)

    def test_exec(self):
        """The next image of the process goes on in the act."""
        self.everywhere("""
def run():
    libc.labs(1)
    os.execv(sys.executable, [sys.executable, "-B", __file__, "again"])
if len(sys.argv) > 1:
    libc.labs(2)
else:
    act("act", run)
""", {1: "act", 2: "act", "act": None}, 3)

    def test_daemon_threads_at_exit(self):
        """Threads that native code runs in while the interpreter goes away.

        CPython itself may crash then, traced or not (3.9 to 3.12; python/cpython issue 110052): a daemon
        thread that gets the GIL when the others' thread states are freed already looks into its own on
        the way out (take_gil, drop_gil, RESET_GIL_DROP_REQUEST), if the first thread has been waiting
        for the GIL for 5 ms: on a busy machine. Only free() then overwrites what is read there, as it
        does with a block that is too many for malloc's cache of its size. So that cache is made large.
        """
        source = """
busy = threading.Semaphore(0)
def work():
    while True:
        libc.labs(-1)
        act("daemon", libc.labs, -2)
        busy.release()
def run():
    for _ in range(4):
        threading.Thread(target=work, daemon=True).start()
    for _ in range(400):
        busy.acquire()
act("run", run)
print("done")
"""
        for python in self.interpreters():
            with self.subTest(python=python):
                for _ in range(5):
                    self.number += 1
                    self.out = self.path("%d.jsonl" % self.number)
                    program = self.write("program.py", PRELUDE + source)
                    result = self.trace([python, "-B", program], bindings=self.binding, quiet=False,
                                        env={"GLIBC_TUNABLES": "glibc.malloc.tcache_count=127"})
                    self.assertEqual(result.visible, (b"done\n", b"", 0))
                    self.assertGreater(len(result.dump.spans), 1000)


if __name__ == "__main__":
    main()
