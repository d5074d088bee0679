# SPDX-License-Identifier: Apache-2.0
"""Getting into every CPython on the machine, however it is started; and values on their way out.

What is traced here is one small package, by a binding of a user's. A Python that cannot be served
(before 3.8) must show nothing at all.
"""

import functools
import json
import os
import re
import shutil
import subprocess

from harness import OK, SIGKILL_STATUS, Case, clean_environment, main, unfit
from test_python_sqlite import interpreters

FIRST_SERVED = (3, 8)

WORK = """\
def act(value=None, *more):
    return value

def outer(function):
    return function()

class Session:
    def __init__(self, name):
        self.name = name
    def close(self):
        pass
"""

MAIN = """\
import sys
from watched.work import act
if __name__ == "__main__":
    print(__name__, act(sys.argv[-1]), sys.flags.isolated, sys.flags.no_site, sys.flags.optimize)
"""

ENTRIES = [
    {"python": "watched.work:act", "role": "action", "when": "call",
     "attributes": [{"key": "act.value", "value": "arg 1"}]},
    {"python": "watched.work:outer", "role": "action", "when": "call", "name": "outer"},
    {"python": "watched.work:Session.__init__", "role": "session", "when": "open",
     "handle": "self"},
    {"python": "watched.work:Session.close", "role": "session", "when": "close", "handle": "self"},
] + [
    {"python": "watched.part%d:act" % n, "role": "action", "when": "call", "name": "part%d" % n}
    for n in range(8)
]
ACT, OUTER, SESSION = "action watched", "action outer", "session watched"

# As the interpreter is started; {main} is the file, {root} the directory that the package is in.
HEAD = "import sys; sys.path.insert(0, {root!r}); "
WAYS = {
    "script": ["{main}", "x"],
    "-c": ["-c", HEAD + "from watched.work import act; print(act('x'))"],
    "-m": ["-m", "watched.main", "x"],
    "-I -S -E": ["-I", "-S", "-E", "-c", HEAD + "from watched.work import act; print(act('x'))"],
    "-X dev": ["-X", "dev", "{main}", "x"],
    "-O": ["-OO", "{main}", "x"],
    "-W error": ["-W", "error", "-b", "{main}", "x"],
    "-X tracemalloc": ["-X", "tracemalloc", "{main}", "x"],
    "stdin": ["-", "x"],
}
STDIN = b"from watched.work import act\nimport sys\nprint(act(sys.argv[-1]))\n"

# How programs end. All of them act once before.
ENDS = {
    "exit 3": "sys.exit(3)",
    "exit with text": "sys.exit('that was it')",
    "exception": "raise LookupError('lost')",
    "_exit": "sys.stdout.flush(); os._exit(4)",
    "SIGTERM": "sys.stdout.flush(); os.kill(os.getpid(), 15); time.sleep(60)",
    "interrupt": "sys.stdout.flush(); os.kill(os.getpid(), 2); time.sleep(60)",
    "abort": "sys.stdout.flush(); os.abort()",
}

THREADS = """\
import threading
from watched.work import act, outer
def work():
    for n in range(200):
        act(n)
def start():
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
outer(start)
work()
"""

FORK = """\
import os, sys
from watched.work import act, outer, Session
def fork():
    pid = os.fork()
    if not pid:
        act("child")
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    act("parent")
session = Session("s")
outer(fork)
if not os.fork():
    act("second child")
    session.close()
    act("after")
    sys.exit(0)
os.wait()
session.close()
print("done")
"""

POOL = """\
import multiprocessing, sys
from watched.work import act
if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print(pool.map(act, range(6), 1))
        pool.close()
        pool.join()
"""

RACE = """\
import importlib, sys, threading
sys.setswitchinterval(1e-6)
barrier = threading.Barrier(8)
def work(name):
    barrier.wait()
    importlib.import_module(name).act()
threads = [threading.Thread(target=work, args=("watched.part%d" % n,)) for n in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""

SUBINTERPRETER = """\
import sys
from watched.work import act
for name in "_interpreters", "_xxsubinterpreters":
    try:
        interpreters = __import__(name)
        break
    except ImportError:
        pass
else:
    sys.exit("none here")
act("before")
one = interpreters.create()
run = getattr(interpreters, "run_string", None) or interpreters.exec
run(one, "import sys; sys.path.insert(0, %r); from watched.work import act; act('inside');"
         "print([f for f in sys.meta_path if '_spanshim' in repr(f)])" % sys.path[0])
interpreters.destroy(one)
act("after")
print("done")
"""

RELOAD = """\
import importlib, sys
from watched import work
work.act(1)
for _ in range(3):
    importlib.reload(work)
work.act(2)
importlib.invalidate_caches()
with open(sys.argv[1], "w") as file:
    print(sum("_spanshim" in repr(finder) for finder in sys.meta_path),
          "_spanshim" in sys.modules, file=file)
"""

NEVER_CLOSED = """\
from watched.work import act, Session
kept = [Session("s") for _ in range(20000)]
act("innermost")
print(len(kept))
"""

VALUES = """\
import enum
from watched.work import act
class Number(enum.IntEnum):
    SEVEN = 7
class Text(str):
    pass
class Real(float):
    pass
for value in (True, False, 0, -2 ** 63, 2 ** 63 - 1, 2 ** 63, 1.5, -0.0, 1e300, "", "text", "caf\\u00e9 \\U0001f600",
              "lone \\udc80!", Number.SEVEN, Text("derived"), Real(2.5), ["a", "b\\udcff"], ("c",), [], ["d", 1],
              None, b"bytes", {}, object(), "\\0x", ["long" * 1000] * 20, "z" * 200000, [""] * 200):
    act(value)
"""
SKIPPED = "no value"

EMBEDDING = """\
#include <stdio.h>
void Py_Initialize(void);
int Py_FinalizeEx(void);
int PyRun_SimpleString(const char *);
int main(int argc, char **argv)
{
	for (int i = 0; i < 3; i++) {
		Py_Initialize();
		if (PyRun_SimpleString(argv[1]) != 0)
			return 1;
		printf("%d\\n", Py_FinalizeEx());
		fflush(stdout);
	}
	return 0;
}
"""
EMBEDDED = """\
import sys
sys.path.insert(0, {root!r})
from watched.work import act, Session
act('x')
kept = Session('s')
print('ran', flush=True)
"""


def found():
    """[(interpreter, (3, 12), how it was found)], CPythons only."""
    known = []
    for python, path in interpreters().items():
        said = subprocess.run([python, "-I", "-c", "import sys; print(*sys.version_info[:2],"
                               " sys.implementation.name)"], env=clean_environment(),
                              stdout=subprocess.PIPE, check=True).stdout.split()
        if said[2] == b"cpython":
            known.append((python, (int(said[0]), int(said[1])), path))
        else:
            print("not a CPython: %s" % path)
    return sorted(known, key=lambda each: each[1])


def typed(span, key):
    """Type and content of an attribute as OTLP/JSON has them."""
    for attribute in span.raw["attributes"]:
        if attribute["key"] == key:
            (kind, content), = attribute["value"].items()
            if kind == "arrayValue":
                content = [element["stringValue"] for element in content["values"]]
            return kind[:-len("Value")], content
    return SKIPPED


def served(test):
    """Runs a test for each interpreter that is to be traced, as a subtest of its own."""
    @functools.wraps(test)
    def each(self):
        pythons = [python for python in self.pythons if python[1] >= FIRST_SERVED]
        self.assertTrue(pythons, "no CPython %d.%d or later here" % FIRST_SERVED)
        for python, version, path in pythons:
            with self.subTest(python=path):
                self.fresh()
                test(self, python, version)
    return each


class Inject(Case):
    pythons = None
    runs = 0

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("watched"))
        for name, text in ("__init__", ""), ("work", WORK), ("main", MAIN):
            self.write("watched/%s.py" % name, text)
        self.binding = self.write("watched.json", json.dumps(
            {"spanshim": 1, "name": "watched", "entries": ENTRIES}))
        if Inject.pythons is None:
            Inject.pythons = found()

    def fresh(self):
        """A dump and a log of its own for what follows."""
        self.runs += 1
        self.out, self.log = self.path("%d.jsonl" % self.runs), self.path("%d.log" % self.runs)

    def variables(self):
        return {"PYTHONPATH": self.directory, "PYTHONDONTWRITEBYTECODE": "1"}

    def run_both(self, argv, input=None, env=None, via="preload", quiet=True, same=True):
        """Traced and untraced: the user sees the same. The traced run's result."""
        env = dict(self.variables(), **env or {})
        traced = self.trace(argv, via=via, bindings=self.binding, env=env, input=input, quiet=quiet)
        if same:
            untraced = self.execute(argv, dict(clean_environment(), **env), input)
            self.assertEqual(traced.visible, untraced.visible)
        return traced

    def run_text(self, python, text, *arguments, **options):
        program = self.write("program.py", text)
        return self.run_both([python, program, *arguments], **options)

    def words(self, way):
        return [word.format(main=self.path("watched/main.py"), root=self.directory)
                for word in WAYS[way]]

    # ---- ways to start

    @served
    def test_ways(self, python, _version):
        for way in WAYS:
            with self.subTest(way=way):
                self.fresh()
                result = self.run_both([python, *self.words(way)],
                                       input=STDIN if way == "stdin" else None)
                self.assertEqual(result.status, 0, result.stderr)
                self.assertEqual(result.dump.one(ACT).attributes["act.value"], "x")
                self.assertEqual(len(result.dump.spans), 1)

    @served
    def test_allocators(self, python, _version):
        """The hook was added with one allocator and is removed under another."""
        for allocator in "malloc", "malloc_debug", "debug", "pymalloc":
            self.fresh()
            result = self.run_both([python, *self.words("script")],
                                   env={"PYTHONMALLOC": allocator})
            self.assertEqual((result.status, result.dump.names()), (0, {ACT: 1}), result.stderr)

    @served
    def test_launcher(self, python, _version):
        self.assertEqual(self.run_both([python, *self.words("script")], via="run").dump.names(),
                         {ACT: 1})

    @served
    def test_virtual_environment(self, python, version):
        place = self.path("venv%d" % self.runs)
        made = self.execute([python, "-m", "venv", "--without-pip", place])
        if made.status:
            print("no venv module: %s: %s" % (python, made.stdout.decode().strip()[:200]))
            return
        inside = os.path.join(place, "bin", "python")
        self.assertEqual(self.run_both([inside, *self.words("script")]).dump.names(), {ACT: 1})

    @served
    def test_import_times(self, python, _version):
        """The list of what is imported, and in which order, is the program's own."""
        argv = [python, "-X", "importtime", self.path("watched/main.py"), "x"]
        traced = self.run_both(argv, same=False)
        untraced = self.execute(argv, dict(clean_environment(), **self.variables()))
        imported = [[re.sub(rb"[\d|]", b" ", line).split()[-1] for line in each.stderr.split(b"\n")
                     if line.startswith(b"import time:")] for each in (traced, untraced)]
        self.assertEqual(imported[0], imported[1])
        self.assertEqual((traced.stdout, traced.status, traced.dump.names()),
                         (untraced.stdout, 0, {ACT: 1}))

    def test_not_served(self):
        old = [python for python in self.pythons if python[1] < FIRST_SERVED]
        if not old:
            print("skipped: no Python 3 before 3.8 here")
        for python, _, path in old:
            with self.subTest(python=path):
                result = self.run_both([python, *self.words("script")])
                self.assertEqual((result.status, result.dump.spans), (0, []), result.stderr)
                self.assertEqual(os.listdir(self.rings), [])

    @served
    def test_nothing_imported(self, python, _version):
        """No target: no file, no thread, and the interpreter's threads as they were."""
        threads = "import os; print(len(os.listdir('/proc/self/task')))"
        result = self.run_both([python, "-c", threads])
        self.assertEqual((result.stdout, result.dump.lines), (b"1\n", 0))
        self.assertFalse(os.path.exists(self.out))

    # ---- ends

    @served
    def test_ends(self, python, _version):
        for name, end in ENDS.items():
            with self.subTest(end=name):
                self.fresh()
                program = self.write("program.py", "import os, sys, time\nfrom watched.work import"
                                     " act\nprint(act('x'))\n%s\n" % end)
                result = self.run_both([python, program], via="run",
                                       quiet=name not in ("SIGTERM", "abort"))
                self.assertNotEqual(result.status, SIGKILL_STATUS)
                self.assertEqual(result.dump.names(), {ACT: 1})
                self.assertEqual(result.dump.one(ACT).status, OK)

    # ---- processes, threads, interpreters

    @unfit("its run time has a thread, which Python counts", "thread")
    @served
    def test_fork(self, python, _version):
        """Children's spans hang below what was open; what the parent opened is the parent's to end.
        From 3.12 on a fork with several threads is warned of: ours is none of the program's."""
        result = self.run_text(python, FORK)
        self.assertEqual((result.stdout, result.stderr), (b"done\n", b""))
        dump = result.dump
        session, outer = dump.one(SESSION), dump.one(OUTER)
        self.assertEqual((session.status, outer.status), (OK, OK))
        self.assertEqual(outer.parent_id, session.span_id)
        parents = {span.attributes["act.value"]: span.parent_id for span in dump.named(ACT)}
        self.assertEqual(parents, {"child": outer.span_id, "parent": outer.span_id,
                                   "second child": session.span_id, "after": ""})
        self.assertEqual(len(dump.spans), 6)
        self.assertEqual(len({span.resource["process.pid"] for span in dump.spans}), 3)

    @served
    def test_fork_with_threads(self, python, version):
        """That warning comes where the program has threads of its own."""
        text = ("import os, threading\nfrom watched.work import act\nact(1)\nend = threading.Event()\n"
                "thread = threading.Thread(target=end.wait)\nthread.start()\npid = os.fork()\n"
                "if not pid: os._exit(0)\nos.waitpid(pid, 0)\nend.set()\nthread.join()\n")
        program = self.write("program.py", text)
        result = self.run_both([python, program], same=False)
        untraced = self.execute([python, program], dict(clean_environment(), **self.variables()))
        self.assertEqual(re.sub(rb"pid=\d+", b"", result.stderr),
                         re.sub(rb"pid=\d+", b"", untraced.stderr))
        self.assertEqual(b"multi-threaded" in result.stderr, version >= (3, 12))
        self.assertEqual((result.status, result.dump.names()), (0, {ACT: 1}))

    @served
    def test_multiprocessing(self, python, _version):
        for method in "fork", "spawn", "forkserver":
            with self.subTest(method=method):
                self.fresh()
                result = self.run_text(python, POOL, method)
                self.assertEqual(result.stdout, b"[0, 1, 2, 3, 4, 5]\n", result.stderr)
                self.assertEqual(sorted(span.attributes["act.value"] for span in result.dump.spans),
                                 [0, 1, 2, 3, 4, 5])

    @served
    def test_threads(self, python, _version):
        dump = self.run_text(python, THREADS, env={"SPANSHIM_ON_FULL": "block"}).dump
        outer = dump.one(OUTER)
        parents = [span.parent_id for span in dump.named(ACT)]
        self.assertEqual((parents.count(outer.span_id), parents.count("")), (1600, 200))
        self.assertEqual((len(dump.spans), dump.losses), (1801, {}))

    @served
    def test_first_imports_at_once(self, python, _version):
        """All threads wait for the one that gets our side ready."""
        for n in range(8):
            self.write("watched/part%d.py" % n, "def act(): pass\n")
        dump = self.run_text(python, RACE).dump
        self.assertEqual(dump.names(), {"action part%d" % n: 1 for n in range(8)})

    @served
    def test_subinterpreters(self, python, version):
        result = self.run_text(python, SUBINTERPRETER)
        if b"none here" in result.stderr:
            print("no subinterpreters: %s" % python)
            return
        self.assertEqual((result.stdout, result.status), (b"[]\ndone\n", 0), result.stderr)
        self.assertEqual([span.attributes["act.value"] for span in result.dump.spans],
                         ["before", "after"])

    @served
    def test_initialised_again(self, python, version):
        """A program with the interpreter in it, which it starts and ends several times."""
        compiler = shutil.which("cc") or shutil.which("gcc")
        where = ("import sysconfig as s; print(s.get_config_var('LIBDIR'), s.get_config_var('VERSION'),"
                 " s.get_config_var('Py_ENABLE_SHARED'), sys.base_prefix, sep='\\n')")
        said = self.execute([python, "-I", "-c", "import sys; " + where]).stdout.decode().split("\n")
        library = os.path.join(said[0], "libpython%s.so" % said[1])
        if not compiler or said[2] != "1" or not os.path.exists(library):
            print("skipped: no shared library of %s, or no compiler" % python)
            return
        program = self.path("embedding%d" % self.runs)
        made = self.execute([compiler, "-x", "c", self.write("embedding.c", EMBEDDING), "-x", "none",
                             library, "-Wl,-rpath," + said[0], "-o", program])
        self.assertEqual(made.status, 0, made.stderr)
        for env in {"PYTHONHOME": said[3]}, {"PYTHONHOME": said[3], "PYTHONMALLOC": "debug"}:
            self.fresh()
            result = self.run_both([program, EMBEDDED.format(root=self.directory)], env=env)
            self.assertEqual((result.stdout, result.status), (b"ran\n0\n" * 3, 0), result.stderr)
            self.assertEqual(result.dump.count(ACT), 1)

    # ---- modules

    @served
    def test_reload(self, python, _version):
        """One finder, whatever is reloaded."""
        result = self.run_text(python, RELOAD, self.path("finders"))
        with open(self.path("finders"), encoding="utf-8") as file:
            untraced = file.read()
        self.assertEqual((result.status, untraced), (0, "0 False\n"), result.stderr)
        self.assertEqual(result.dump.names(), {ACT: 2})
        self.trace([python, self.path("program.py"), self.path("finders")], via="preload",
                   bindings=self.binding, env=self.variables())
        with open(self.path("finders"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "1 False\n")

    # ---- spans and values

    @served
    def test_sessions_never_closed(self, python, _version):
        """Each is inside the one before; the interpreter's end lets go of all of them at once."""
        result = self.run_text(python, NEVER_CLOSED, env={"SPANSHIM_ON_FULL": "block"})
        self.assertEqual((result.stdout, result.status), (b"20000\n", 0), result.stderr)
        dump = result.dump
        self.assertEqual(dump.names(), {SESSION: 20000, ACT: 1})
        depth, span = 0, dump.one(ACT)
        while span.parent_id:
            span, depth = dump.by_id[span.parent_id], depth + 1
        self.assertEqual(depth, 20000)

    @served
    def test_values(self, python, _version):
        expected = [
            ("bool", True), ("bool", False), ("int", "0"), ("int", str(-2 ** 63)),
            ("int", str(2 ** 63 - 1)), SKIPPED, ("double", 1.5), ("double", 0), ("double", 1e300),
            ("string", ""), ("string", "text"), ("string", "caf\u00e9 \U0001f600"),
            ("string", "lone ?!"), ("int", "7"), ("string", "derived"), ("double", 2.5),
            ("array", ["a", "b?"]), ("array", ["c"]), ("array", []), SKIPPED, SKIPPED, SKIPPED,
            SKIPPED, SKIPPED, ("string", "\0x"), ("array", ["long" * 1000] * 20),
            ("string", "z" * 200000), ("array", [""] * 128)]
        dump = self.run_text(python, VALUES).dump
        spans = sorted(dump.spans, key=lambda span: span.start)
        self.assertEqual([typed(span, "act.value") for span in spans], expected)
        self.assertEqual((dump.names(), {span.status for span in spans}),
                         ({ACT: len(expected)}, {OK}))


if __name__ == "__main__":
    main()
