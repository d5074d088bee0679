# SPDX-License-Identifier: Apache-2.0
"""Users' Python bindings on every CPython from 3.8 up: each kind of callable, each "when", and a program
that cannot tell that it is traced.

The programs and what they call are in python/. From 3.11 on, wrappers are not even in tracebacks; before,
their frames are there, and are taken out here before texts are compared.
"""

import functools
import json
import os
import re
import subprocess

from harness import ERROR, OK, Case, clean_environment, main
from test_python_sqlite import interpreters

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python")
OWN_FRAME = re.compile(rb' *File "<spanshim importlib\._bootstrap>".*\n')


def function(span):
    """As the binding names it, without the module."""
    return span.attributes["code.function.name"].split(".", 1)[1]


def told(span):
    """The attributes that the binding asked for."""
    return {key: value for key, value in span.attributes.items()
            if key not in ("thread.id", "code.function.name", "spanshim.unfinished")}


def outline(dump, under=""):
    """[(function, attributes, events, children)] in order of start."""
    spans = sorted((span for span in dump.spans if span.parent_id == under), key=lambda span: span.start)
    return [(function(span), told(span), [(event.name, event.attributes) for event in span.events],
             outline(dump, span.span_id)) for span in spans]


def leaf(name, events=(), children=(), /, **attributes):
    return name, attributes, list(events), list(children)


def items(*values):
    return [("item", {"item": value}) for value in values]


def fun(a, b=2, c=3, result=None, **more):
    return leaf("function", a=a, b=b, c=c, result=a + b + c if result is None else result, **more)


BARE = ("item", {})
KINDS = [
    fun(1), fun(1, 10, 1000, 11111, rest=100, d=10000), fun(5),
    leaf("positional", a="3", b=5.0), leaf("positional", a="x", b=6.0),
    leaf("wide", count=0), leaf("wide", first=9, x=7, count=2),
    leaf("decorated", first=1, second=20, third=30), leaf("decorated", first=1, second=20, third=3),
    leaf("decorated", first=1, second=2, third=30),
    leaf("decorated_generator", items(5, 6), [fun(0), fun(1)], n=2),
    leaf("generator", items(0, 1, 2), n=3),
    leaf("cached", a=2, b=1), leaf("cached", a=2, b=1), leaf("cached", a=2, b=3),
    leaf("Kind.__init__", name="k"), leaf("Kind.__call__", name="k", a=1),
    leaf("Kind.method", a=1, b=1), leaf("Kind.method", a=3, b=4), leaf("Kind.inherited"), leaf("Kind.__secret"),
    leaf("Kind.static", a=3), leaf("Kind.static", a=4),
    leaf("Kind.of_class", **{"class": "Kind", "a": 5}), leaf("Kind.of_class", **{"class": "Derived", "a": 6}),
    leaf("Derived.made", **{"class": "Derived", "a": 8}),
    leaf("Kind.value", set=11), leaf("Kind.value", result=11), leaf("Kind.value"), leaf("Kind.value"),
    leaf("Kind.items", [BARE, BARE], [leaf("Kind.method", a=0, b=1), leaf("Kind.method", a=1, b=1)]),
    leaf("Kind.value", set=1),
    leaf("Kind.cached_method", a=3), leaf("Kind.cached_method", a=3),
    leaf("Kind.costly", result=1001), leaf("Kind.shared", (), [fun(100, 1)], b=1),
    leaf("Kind.shared", (), [fun(100, 2)], b=2),
    leaf("Slots.__init__", a=12), leaf("Slots.get"), leaf("Text.upper"),
    leaf("root", x=16, result=4.0), leaf("join"),
    leaf("half", (), [fun(1, 4, 5)], first=4, b=4, c=5), leaf("half", (), [fun(1, 6, 0)], first=6, b=6, c=0),
    leaf("instance", (), [leaf("Kind.__call__", name="instance", a="i")], a="i"),
    leaf("Kind.__call__", name="other", a="o"),
    leaf("bound", (), [leaf("Kind.method", a=1, b=1)], a=1),
    leaf("coroutine", (), [fun(1)], a=1, result=6),
    leaf("decorated_async", (), [fun(2)], a=2, result=7),
    leaf("old_coroutine", (), [fun(3)], a=3, result=8),
    leaf("Kind.later", (), [leaf("Kind.method", a=4, b=1)]),
    # a chat is never the child of a chat
    leaf("half_async", result=12), leaf("coroutine", (), [fun(7)], a=7, result=12),
    leaf("async_generator", [("item", {"text": "item 0", "square": 0}), ("item", {"text": "item 1", "square": 1})],
         [fun(0), fun(1)], n=2),
]


@functools.lru_cache(maxsize=None)
def served():
    """(path, version) of the interpreters that can be traced."""
    found = []
    for python in interpreters():
        probe = subprocess.run([python, "-c", "import sys; print(sys.implementation.name, *sys.version_info[:2])"],
                               env=clean_environment(), stdout=subprocess.PIPE, check=True, timeout=60)
        name, *version = probe.stdout.decode().split()
        if name == "cpython" and tuple(map(int, version)) >= (3, 8):
            found.append((python, tuple(map(int, version))))
    return found


def everywhere(test):
    """The test(self, python, version) with each of them."""
    @functools.wraps(test)
    def run(self):
        self.assertTrue(served())
        for python, version in served():
            with self.subTest(python=python):
                test(self, python, version)
    return run


SESSIONS = """\
from talk import Session, Slotted, work
with Session("a") as a:
    print(a.act("one"))
    b = Session("b")
    b.act("two")
    a.act("three")
    work("still in b")
    a.act("four", lambda: b.act("five"))
    a.act("six", inside=lambda: a.act("seven"))
    b.close()
    work("after b")
work("after a")
c = Session("c")
del c
try:
    Session("")
except ValueError as error:
    print(error)
d = Session("d")
work("again")
d.busy = True
try:
    d.close()
except Exception as error:
    print(repr(error))
slotted = Slotted("slotted")
work("in slotted")
slotted.close()
slotted.close()
work("after slotted")
"""

HANDLES = """\
import asyncio, talk
one = talk.connect(1)
talk.ask(one, "to 1")
talk.work("work", inside=lambda: talk.note("at work"))
talk.note("nowhere")
talk.ask(True, "also to 1")
talk.ask(2, "to nobody")
talk.disconnect(one)
talk.ask(one, "too late")
print(talk.connect(0))
talk.ask(None, "to nobody")
talk.connect(5), talk.ask(5, "outer")
talk.connect(5), talk.ask(5, "inner")
talk.disconnect(5), talk.ask(5, "outer again")
talk.disconnect(5), talk.disconnect(5)
class Name(str):
    def __hash__(self):
        raise RuntimeError("nobody asks me")
    __eq__ = None
asyncio.run(talk.connect_async("x"))
talk.ask(Name("x"), "to x")
talk.disconnect("x")
"""

STREAMS = """\
from talk import Session, work
import gc
s = Session("s")
for word in s.stream("a b"):
    work("with " + word)
for left, right in zip(s.stream("c d"), s.stream("e f")):
    work("with " + left), work("with " + right)
stream = s.stream("g h")
work("with " + next(stream))
del stream
gc.collect()
for word in s.stream("i j"):
    work("with " + word)
    break
stream = s.stream("k l")
work("work k", lambda: next(stream))
stream.close()
stream.close()
work("work m", lambda: list(s.stream("m n")))
s.stream("never")
work("after")
s.close()
"""

TASKS = """\
import asyncio, gc
from talk import Session, work
async def inside(number):
    await asyncio.sleep(0)
    work("inside %d" % number)
async def slowly():
    async for word in s.stream_async("t u"):
        await asyncio.sleep(3600)
async def stuck():
    async for word in s.stream_async("t u"):
        pass
async def main():
    print(await asyncio.gather(*[s.act_async("act %d" % number, lambda n=number: inside(n))
                                  for number in range(8)]))
    async for word in s.stream_async("p q"):
        work("with " + word)
    async for word in s.stream_async("r s"):
        break
    gc.collect()
    await asyncio.sleep(0.01)
    stream = s.stream_async("v w")
    print(await stream.__anext__(), await stream.aclose())
    task = asyncio.ensure_future(stuck())
    await asyncio.sleep(0)
    task.cancel()
    print(await asyncio.gather(task, return_exceptions=True))
    left.append(s.stream_async("x y"))  # for the loop to close
    print(await left[0].__anext__())
    work("z")
    tasks = []
    work("outer", lambda: tasks.append(asyncio.ensure_future(later())))
    await asyncio.gather(*tasks)
    s.stream_async("never")
async def later():
    await asyncio.sleep(0)
    work("in task")  # by now, "outer" is over
left = []
s = Session("s")
asyncio.run(main())
work("after")
s.close()
"""

EXECUTORS = """\
import asyncio, gc, weakref
from talk import Session, work
from concurrent.futures import ThreadPoolExecutor
class Thing:
    pass
def fails(thing):
    raise ValueError("in the pool")
with ThreadPoolExecutor(2) as pool:
    with Session("a") as a:
        work("outer", lambda: pool.submit(work, "submitted").result())
        print(list(pool.map(work, ["mapped 1", "mapped 2"])))
        print(pool.submit(lambda: work("nested", lambda: work("in nested"))).result())
        gc.disable()
        thing = Thing()
        reference = weakref.ref(thing)
        future = pool.submit(fails, thing)
        try:
            future.result()
        except ValueError:
            import traceback
            traceback.print_exc()
        del future, thing
        pool.submit(int).result(), pool.submit(int).result()
        print(reference())
        gc.enable()
    pool.submit(work, "alone").result()
async def inside():
    await asyncio.get_running_loop().run_in_executor(None, work, "executor")
    if hasattr(asyncio, "to_thread"):
        await asyncio.to_thread(work, "to_thread")
async def main():
    session = Session("b")
    await session.act_async("loop", inside)
    session.close()
asyncio.run(main())
work("last")
"""

CONTENT = """\
import glob, os
from talk import shout
shout("secret", reason=["secret"])
shout("42", extra=5.25)
pages = [open(path, "rb").read() for path in glob.glob(os.environ["SPANSHIM_DIR"] + "/**", recursive=True)
         if os.path.isfile(path)]
assert pages
print(any(b"SEC" + b"RET" in page.upper() for page in pages))
"""

INTERRUPTED = """\
import signal
from talk import Session, shout
class Interruption(Exception):
    pass
class Awkward:
    def __getattr__(self, name):
        for _ in range(100):
            pass
        raise AttributeError(name)
    __str__ = __class__ = property(lambda self: 1 // 0)
raised = caught = 0
def interrupt(*_):
    global raised
    raised += 1
    raise Interruption
signal.signal(signal.SIGALRM, interrupt)
session = Session("s")
awkward = Awkward()
for _ in range(100):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        while True:
            session.chat("a"), shout("text", awkward)
    except Interruption:
        caught += 1
print(raised, caught)
"""

IMPORTS = """\
import importlib, importlib.machinery, importlib.util, traceback
sys.path.insert(0, %r)
print(importlib.util.find_spec("again").name)
import again
again.f("first"), again.kept("kept 1"), again.registry["f"]("by registry")
kept = again.kept
importlib.reload(again)
print(again.kept is kept)
again.f("second"), again.kept("kept 2")
importlib.reload(again)
again.f("third"), again.kept("kept 3")
print("exec_module" in vars(again.__spec__.loader), again.__loader__ is again.__spec__.loader)
try:
    import failing
except ValueError:
    traceback.print_exc()
print("failing" in sys.modules)
spec = importlib.util.find_spec("lazy")
spec.loader = importlib.util.LazyLoader(spec.loader)
module = importlib.util.module_from_spec(spec)
sys.modules["lazy"] = module
spec.loader.exec_module(module)
print("lazy is not loaded")
module.f("lazily")
class Finder:
    def __init__(self, wanted):
        self.wanted = wanted
    def find_spec(self, name, path=None, target=None):
        if name == self.wanted:
            print("asked for", name)
            return importlib.util.spec_from_file_location(name, sys.path[0] + "/found.py")
sys.meta_path.append(Finder("elsewhere"))
import elsewhere
elsewhere.f("elsewhere")
sys.meta_path.insert(0, Finder("found"))  # comes before ours: what it finds we do not see
import found
found.f("found")
try:
    import again.nothing
except ImportError:
    traceback.print_exc()
"""

SHELF = """\
import functools
from json import dumps
registry = {}
def register(function):
    registry[function.__name__] = function
    return function
@register
def f(a):
    return a
g = functools.partial(f, "partial")
def h(a="default", function=f):
    return function(a)
alias = f
class C:
    def m(self, a):
        def inner():
            return __class__.__name__ + a
        return inner() + super().__repr__()[:1]
    alias = m
known = {C.m: 1}
def outer(word):
    @register
    def closure(a):
        return word + a
    return closure
"""

KNOWN = """\
sys.path.insert(0, %r)
import json, pickle, shelf
print(shelf.registry["f"]("registry"), shelf.g(), shelf.h(), shelf.alias("alias"), shelf.alias is shelf.f)
print(pickle.loads(pickle.dumps(shelf.f))("pickled"), pickle.loads(pickle.dumps(shelf.g)).args)
print(shelf.C().m("method"), shelf.C().alias("alias method"), shelf.known[shelf.C.m])
print(shelf.outer("closure")(""), shelf.f("closure"))
print(shelf.dumps("json"), json.dumps("not this one"))
"""


class PythonBindings(Case):
    def setUp(self):
        super().setUp()
        self.number = 0

    def run_program(self, python, program, binding="kinds", status=0, same=True, version=(3, 11), finished=True,
                    **options):
        """Traces a program of python/, or one that is given as text; also runs it untraced."""
        self.number += 1
        self.out, self.log = self.path("%d.jsonl" % self.number), self.path("%d.log" % self.number)
        if "\n" in program:
            program = self.write("program.py", "import sys; sys.path.insert(0, %r)\n" % HERE + program)
        else:
            program = os.path.join(HERE, program)
        argv = [python, "-B", program]
        if not binding.endswith(".json"):
            binding = os.path.join(HERE, binding + ".json")
        result = self.trace(argv, via="preload", bindings=binding, **options)
        self.assertEqual(result.status, status, result.visible)
        if same:
            untraced = self.execute(argv)
            visible = result.visible
            if version < (3, 11):
                visible = tuple(OWN_FRAME.sub(b"", part) if isinstance(part, bytes) else part for part in visible)
            self.assertEqual(visible, untraced.visible)
        self.assertEqual(result.dump.losses, {})
        if finished:
            self.assertEqual([span for span in result.dump.spans if span.unfinished], [])
        return result

    def bindings(self, *entries):
        return self.write("some.json", json.dumps({"spanshim": 1, "name": "some", "entries": list(entries)}))

    def by_name(self, dump):
        """Spans by the "name" that they were given."""
        found = {}
        for span in dump.spans:
            self.assertNotIn(span.attributes["name"], found)
            found[span.attributes["name"]] = span
        return found

    def assert_parents(self, dump, expected):
        spans = self.by_name(dump)
        parents = {name: span.parent_id and dump.by_id[span.parent_id].attributes["name"]
                   for name, span in spans.items()}
        self.assertEqual(parents, expected)
        return spans

    def assert_exception(self, span, kind, message):
        """The span is ERROR, with the exception as OpenTelemetry records it."""
        self.assertEqual((span.status, span.message), (ERROR, message))
        self.assertEqual(span.attributes["error.type"], kind.rpartition(".")[2])
        event = span.events[-1]
        self.assertEqual(event.name, "exception")
        told = dict(event.attributes)
        trace = told.pop("exception.stacktrace")
        self.assertEqual(told, {"exception.type": kind, "exception.message": message,
                                "exception.escaped": "False"})
        self.assertNotIn("spanshim", trace)
        return trace

    @everywhere
    def test_sessions(self, python, version):
        """Whose child: by handle, by what is going on in the session of the handle, by the context."""
        result = self.run_program(python, SESSIONS, "talk", version=version)
        spans = self.assert_parents(result.dump, {
            "a": "", "one": "a", "chat of one": "one", "b": "a", "two": "b", "chat of two": "two",
            "three": "a", "chat of three": "three", "still in b": "b",
            "four": "a", "chat of four": "four", "five": "b", "chat of five": "five",
            "six": "a", "chat of six": "six", "seven": "six", "chat of seven": "seven",
            "after b": "a", "after a": "", "c": "", "": "", "d": "", "again": "d",
            "slotted": "", "in slotted": "slotted", "after slotted": ""})
        self.assertEqual({name for name, span in spans.items() if span.status != OK}, {"", "d"})
        self.assert_exception(spans[""], "ValueError", "a session needs a name")
        self.assert_exception(spans["d"], "talk.Busy", "d")
        self.assertEqual([spans[name].attributes["busy"] for name in "abd"], [False, False, True])
        self.assertEqual(spans["a"].name, "session talk")
        self.assertLess(spans["c"].end, spans["d"].start)  # the object was gone
        self.assertEqual(told(spans["one"]), {"name": "one", "content": "CHAT OF ONE"})
        self.assertEqual(told(spans["chat of one"]), {"name": "chat of one", "tokens.in": 11, "tokens.out": 7.0})

    @everywhere
    def test_handles(self, python, version):
        """Numbers and strings; the same one opened twice; none at all; events of a handle and without."""
        result = self.run_program(python, HANDLES, "talk", version=version)
        spans = sorted(result.dump.spans, key=lambda span: span.start)
        shown = [(span.attributes["name"], span.parent_id and result.dump.by_id[span.parent_id].attributes["name"],
                  span.status, [(event.name, event.attributes["text"]) for event in span.events])
                 for span in spans]
        self.assertEqual(shown, [
            ("1", "", OK, [("asked", "to 1"), ("asked", "also to 1")]),
            ("work", "", OK, [("note", "at work")]),
            ("0", "", OK, []),
            ("5", "", OK, [("asked", "outer"), ("asked", "outer again")]),
            ("5", "", OK, [("asked", "inner")]),
            ("x", "", OK, [("asked", "to x")]),
        ])
        self.assertLess(spans[4].end, spans[3].end)

    @everywhere
    def test_streams(self, python, version):
        """A generator's span is current while it runs, and not while whoever iterates does."""
        result = self.run_program(python, STREAMS, "talk", version=version)
        parents = {"s": "", "a b": "s", "c d": "s", "e f": "s", "g h": "s", "i j": "s",
                   "k l": "work k", "m n": "work m"}
        parents.update({"with " + word: "s" for word in "abcdefgi"})
        parents.update({"work m": "s", "work k": "s", "after": "s"})
        spans = self.assert_parents(result.dump, parents)

        def events(name):
            return [event.attributes.get("word", event.attributes.get("text")) for event in spans[name].events]
        self.assertEqual(events("a b"), ["word", "a", "word", "b", "left"])
        self.assertEqual(events("c d"), ["word", "c", "word", "d", "left"])
        self.assertEqual(events("g h"), ["word", "g", "left"])
        self.assertEqual(events("i j"), ["word", "i", "left"])
        self.assertEqual(events("k l"), ["word", "k", "left"])
        self.assertEqual([event.name for event in spans["a b"].events], ["note", "chunk", "note", "chunk", "note"])
        self.assertEqual({span.status for span in result.dump.spans}, {OK})

    @everywhere
    def test_tasks(self, python, version):
        result = self.run_program(python, TASKS, "talk", version=version)
        parents = {"s": "", "p q": "s", "with p": "s", "with q": "s", "r s": "s", "t u": "s", "v w": "s", "x y": "s",
                   "z": "s", "in task": "s", "outer": "s", "after": "s"}
        for number in range(8):
            parents.update({"act %d" % number: "s", "chat of act %d" % number: "act %d" % number,
                            "inside %d" % number: "act %d" % number})
        spans = self.assert_parents(result.dump, parents)
        for name, words in ("p q", "pq"), ("r s", "r"), ("v w", "v"), ("x y", "x"):
            self.assertEqual([event.attributes.get("word", event.attributes.get("text"))
                              for event in spans[name].events],
                             [text for word in words for text in ("word", word)] + ["left"], name)
        self.assertEqual({name for name, span in spans.items() if span.status != OK}, {"t u"})
        self.assertEqual(spans["t u"].attributes["error.type"], "CancelledError")

    @everywhere
    def test_executors(self, python, version):
        """Work that a pool's thread does belongs to who submitted it."""
        for first in "import concurrent.futures\n", "\n":
            result = self.run_program(python, first + EXECUTORS, "talk", version=version)
            parents = {"a": "", "outer": "a", "submitted": "outer", "mapped 1": "a", "mapped 2": "a", "nested": "a",
                       "in nested": "nested", "alone": "", "b": "", "loop": "b", "chat of loop": "loop",
                       "executor": "loop", "last": ""}
            if version >= (3, 9):
                parents["to_thread"] = "loop"
            self.assert_parents(result.dump, parents)

    @everywhere
    def test_content(self, python, version):
        """Content is nowhere with the gate closed, in no form, not even in the ring; lengths are."""
        lengths = [{"prompt_length": 6, "reply_length": 6, "reason_length": 10},
                   {"prompt_length": 2, "reply_length": 2, "extra_length": 4, "length": 42}]
        content = [{"prompt": "secret", "reply": "SECRET", "reason": "['secret']"},
                   {"prompt": "42", "reply": "42", "extra": "5.25"}]
        for is_open in False, True:
            result = self.run_program(python, CONTENT, "talk", same=False, version=version, content=is_open)
            self.assertEqual(result.stdout, b"True\n" if is_open else b"False\n")
            spans = sorted(result.dump.spans, key=lambda span: span.start)
            self.assertEqual([told(span) for span in spans],
                             [dict(length, **text) if is_open else length for length, text in zip(lengths, content)])
            with open(self.out, "rb") as file:
                self.assertEqual(b"SECRET" in file.read().upper(), is_open)

    @everywhere
    def test_interrupted(self, python, version):
        """What a signal handler raises always arrives, even if it interrupts wrappers, whose own errors do
        not. Those that it interrupts may stay open."""
        result = self.run_program(python, INTERRUPTED, "talk", version=version, finished=False,
                                  env={"SPANSHIM_RING_BYTES": "64M"})
        self.assertEqual(result.stdout, b"100 100\n")
        self.assertGreater(len(result.dump.spans), 100)

    @everywhere
    def test_not_possible(self, python, version):
        """What cannot be wrapped: one line on the log, everything else as ever."""
        targets = ["kinds:missing", "kinds:Missing.method", "kinds:Kind.missing", "kinds:Kind", "kinds:number",
                   "kinds:Plain.__init__", "collections:deque.append", "no_such_module:function",
                   "kinds:function"]
        entries = [{"python": target, "role": "action", "when": "call"} for target in targets]
        entries[-1]["attributes"] = [{"key": "self", "value": "arg nothing"}]
        entries.append({"python": "kinds:coroutine", "role": "chat", "when": "call",
                        "attributes": [{"key": "b", "value": "arg b"}]})
        result = self.run_program(python, "use_kinds.py", self.bindings(*entries), quiet=False, version=version)
        self.assertEqual({function(span) for span in result.dump.spans}, {"function", "coroutine"})
        said = sorted(re.sub("^spanshim[^:]*: ", "", line) for line in result.log.splitlines())
        deque = [line for line in said if "deque" in line]
        self.assertEqual([line for line in said if line not in deque], [
            "kinds:Kind cannot be wrapped: it is a class: name its __init__",
            "kinds:Kind.missing cannot be wrapped: there is no such attribute",
            "kinds:Missing.method cannot be wrapped: there is no such attribute",
            "kinds:Plain.__init__ cannot be wrapped: the class has none of its own",
            "kinds:coroutine has no parameter b",
            "kinds:missing cannot be wrapped: there is no such attribute",
            "kinds:number cannot be wrapped: it cannot be called"])
        self.assertEqual(len(deque), 1)
        self.assertRegex(deque[0], "^collections:deque.append cannot be wrapped: .*(set attributes of|immutable type)")

    @everywhere
    def test_imports(self, python, version):
        """Reloaded, looked for only, lazy, failing, by a finder of the program's own."""
        self.write("again.py", "import sys\ndef f(name):\n    return name\nregistry = {'f': f}\n"
                               "if 'kept' not in globals():\n    def kept(name):\n        return name\n")
        self.write("lazy.py", "print('lazy is loaded')\ndef f(name):\n    return name\n")
        self.write("failing.py", "import again\nagain.f('before')\nraise ValueError('not importable')\n")
        self.write("found.py", "def f(name):\n    return name\n")
        binding = self.bindings(*[
            {"python": target, "role": "action", "when": "call",
             "attributes": [{"key": "name", "value": "arg name"}]}
            for target in ("again:f", "again:kept", "lazy:f", "failing:f", "found:f", "elsewhere:f")])
        result = self.run_program(python, IMPORTS % self.directory, binding, version=(3, 11))
        self.assertEqual(sorted(span.attributes["name"] for span in result.dump.spans), sorted([
            "first", "kept 1", "by registry", "second", "kept 2", "third", "kept 3", "before", "lazily", "elsewhere"]))

    @everywhere
    def test_known_already(self, python, version):
        """Functions that others know before they are wrapped are the same functions afterwards."""
        self.write("shelf.py", SHELF)
        binding = self.bindings(
            {"python": "shelf:f", "role": "action", "when": "call", "attributes": [{"key": "name", "value": "arg a"}]},
            {"python": "shelf:C.m", "role": "action", "when": "call",
             "attributes": [{"key": "name", "value": "arg a"}]},
            {"python": "shelf:dumps", "role": "action", "when": "call",
             "attributes": [{"key": "name", "value": "arg obj"}]})
        result = self.run_program(python, KNOWN % self.directory, binding, version=version)
        self.assertEqual(sorted(span.attributes["name"] for span in result.dump.spans), sorted([
            "registry", "partial", "default", "alias", "pickled", "method", "alias method", "closure", "json"]))

    @everywhere
    def test_kinds(self, python, version):
        result = self.run_program(python, "use_kinds.py", version=version)
        self.assertEqual(outline(result.dump), KINDS)
        self.assertEqual({span.status for span in result.dump.spans}, {OK})
        self.assertEqual({span.name for span in result.dump.spans},
                         {"action kinds", "chat kinds", "stream kinds"})
        self.assertEqual({span.scope["name"] for span in result.dump.spans}, {"spanshim.native"})

    @everywhere
    def test_host(self, python, version):
        """Everything that a program can ask of functions, and every way to use them, gives the same."""
        result = self.run_program(python, "host.py", status=1, version=version)
        self.assertGreater(len(result.dump.spans), 400)  # most of them are kinds.deep's
        self.assertEqual(sum(b"spanshim" in line for line in result.stdout.splitlines()) == 0,
                         version >= (3, 11))
        self.check_errors(result.dump, version)

    def check_errors(self, dump, version):
        """Of the exceptions in host.py."""
        kinds = {}
        for span in dump.spans:
            kinds.setdefault(function(span), []).append(span)
        for code, span in zip((3, 4, 5, 6, 1, 9), kinds["fails"]):
            trace = self.assert_exception(span, "kinds.Trouble", "code %d" % code)
            self.assertEqual(span.attributes["code"], code)
            self.assertNotIn("result", span.attributes)
            lines = ("T" + trace.rpartition("\nT")[2]).splitlines() if code == 6 else trace.splitlines()
            self.assertEqual(lines[0], "Traceback (most recent call last):")
            self.assertRegex(lines[1], r'  File ".*/python/kinds.py", line \d+, in fails')
            self.assertEqual(lines[-1], "kinds.Trouble: code %d" % code)
            self.assertNotIn("raise Trouble", trace, "source lines are content")
        trace = self.assert_exception(kinds["fails_from"][0], "LookupError", "no luck")
        self.assertIn("\n\nThe above exception was the direct cause of the following exception:\n\n", trace)
        self.assertEqual(trace.count("in fails_from"), 2)
        self.assert_exception(kinds["fails_later"][0], "KeyError", "'later'")
        self.assert_exception(kinds["fails_generating"][0], "FileNotFoundError", "[Errno 2] gone")
        self.assertEqual([event.name for event in kinds["fails_generating"][0].events],
                         ["item", "item", "exception"])
        self.assertEqual((kinds["ends"][0].status, kinds["ends"][0].events), (OK, []))
        self.assert_exception(kinds["exits"][0], "SystemExit", "4")
        self.assertTrue({span.status for span in kinds["deep"]}, {OK, ERROR})
        self.check_generators(kinds)

    def check_generators(self, kinds):
        """Closed and thrown into: an end is no error, an exception is one."""
        ended = [(span.status, span.attributes.get("error.type"), len(span.events)) for span in kinds["generator"]]
        self.assertEqual(ended, [(ERROR, "ValueError", 3), (OK, None, 2), (OK, None, 2), (ERROR, "KeyError", 2),
                                 (OK, None, 1)])
        ended = [(span.status, span.attributes.get("error.type"), len(span.events))
                 for span in kinds["async_generator"]]
        self.assertEqual(ended, [(OK, None, 1), (ERROR, "ValueError", 3), (OK, None, 1), (OK, None, 1)])
        cancelled = [span for span in kinds["coroutine"] if span.status == ERROR]
        self.assertEqual([span.attributes["error.type"] for span in cancelled], ["CancelledError"])


if __name__ == "__main__":
    main()
