# SPDX-License-Identifier: Apache-2.0
"""What docs/BINDINGS.md says of Python values: arguments, paths, types, content, handles, moments."""

import json

from harness import ERROR, OK, Case, main

MODULE = """\
import functools, math

class Reply:
    def __init__(self, **members):
        self.__dict__.update(members)

class Quiet:
    @property
    def broken(self):
        raise RuntimeError("not now")

class Talk:
    made = 0

    def __init__(self, model, *rest, temperature=0.5, **options):
        self.model, self.number = model, None
        Talk.made += 1
        self.number = Talk.made

    def ask(self, prompt, limit=3, *more, style="plain", **options):
        return Reply(usage={"total": 7, "items": "a key"}, choices=[Reply(text="first"), {"text": "second"}],
                     none=None, flag=True, ratio=0.25, tags=["a", "b"], mixed=["a", 1],
                     blob=b"caf\\xc3\\xa9", deep=(1, (2, (3,))), quiet=Quiet(), number=-3)

    @classmethod
    def kind(cls, first):
        return cls.__name__

    @staticmethod
    def plain(first, second=2):
        return first

    def __hidden(self, n):
        return n

    def reveal(self):
        return self.__hidden(7)

    @property
    def size(self):
        return 41 + self.number

    def tokens(self, count):
        for n in range(count):
            yield {"text": "t%d" % n, "last": n == count - 1}
        return n

    def note(self, text):
        if text is None:
            raise KeyError("nothing to note")
        return len(text)

    def log(self, line):
        return line.upper()

    def close(self, why="done"):
        if why == "fail":
            raise OSError("busy")
        return why

def add(a, b=10):
    return a + b

def start(name):
    return None if name == "nobody" else name

def stop(name):
    pass

root = math.sqrt

@functools.lru_cache()
def cached(n):
    return n * 2
"""

USAGE = [
    ("first", "arg 1", {}), ("second", "arg 2", {}), ("third", "arg 3", {}),
    ("prompt", "arg prompt", {}), ("limit", "arg limit", {}), ("style", "arg style", {}),
    ("hot", "arg options.hot", {}), ("nothing", "arg nothing", {}),
]
RESULT = [
    ("total", "result.usage.total", {}), ("key", "result.usage.items", {}),
    ("text0", "result.choices.0.text", {}), ("text1", "result.choices.1.text", {}),
    ("text2", "result.choices.2.text", {}), ("none", "result.none", {}),
    ("flag", "result.flag", {}), ("ratio", "result.ratio", {}), ("tags", "result.tags", {}),
    ("mixed", "result.mixed", {}), ("deep", "result.deep.1.1.0", {}),
    ("broken", "result.quiet.broken.more", {}), ("object", "result.quiet", {}),
    ("self", "self.model", {}),
]
TYPES = [
    ("as.string", "result.number", {"type": "string"}), ("as.double", "result.number", {"type": "double"}),
    ("as.bool", "result.number", {"type": "bool"}), ("as.int", "result.ratio", {"type": "int"}),
    ("no.int", "result.tags", {"type": "int"}), ("list.string", "result.mixed", {"type": "string"}),
    ("blob", "result.blob", {"type": "string"}), ("raw.blob", "result.blob", {}),
    ("either", "result.missing", {}), ("either", "result.usage.total", {}), ("either", "arg 1", {}),
    ("secret", "arg 1", {"content": True}), ("secret.blob", "result.blob", {"content": True}),
]


def entry(name, role, when, attributes=(), **members):
    captures = [dict(options, key=key, value=value) for key, value, options in attributes]
    return dict(members, python="shapes:" + name, role=role, when=when, attributes=captures)


class Values(Case):
    def trace_shapes(self, entries, program, content=False, quiet=True):
        """The dump of a program that has `from shapes import *` in front."""
        self.write("shapes.py", MODULE)
        whole = {"spanshim": 1, "name": "t", "entries": entries}
        binding = self.write("t.json", json.dumps(whole))
        script = self.write("program.py", "from shapes import *\nimport shapes\n" + program)
        argv = ["/usr/bin/python3", "-B", script]
        result = self.trace(argv, bindings=binding, content=content, quiet=quiet)
        self.assert_same_as_untraced(argv, result)
        return result

    def attributes(self, span):
        return {key: value for key, value in span.attributes.items()
                if key not in ("thread.id", "code.function.name")}

    def one(self, attributes, call, name="Talk.ask", content=False):
        dump = self.trace_shapes([entry(name, "action", "call", attributes)],
                                 "t = Talk('small')\n%s\n" % call, content).dump
        span, = dump.spans
        self.kinds = {a["key"]: list(a["value"]) for a in span.raw["attributes"]}
        return self.attributes(span)

    def test_arguments(self):
        by_position = self.one(USAGE, "t.ask('hello', 4, 'x', style='bold', hot=True)")
        self.assertEqual(by_position, {"first": "hello", "second": 4, "third": "x", "prompt": "hello",
                                       "limit": 4, "style": "bold", "hot": True})

    def test_arguments_by_name_and_left_out(self):
        by_name = self.one(USAGE, "t.ask(prompt='hello')")
        self.assertEqual(by_name, {"first": "hello", "second": 3, "prompt": "hello", "limit": 3,
                                   "style": "plain"})

    def test_functions_and_all_kinds_of_methods_count_alike(self):
        wanted = [("one", "arg 1", {}), ("two", "arg 2", {}), ("result", "result", {})]
        for name, call, expected in (
                ("add", "add(1)", {"one": 1, "two": 10, "result": 11}),
                ("add", "add(b=1, a=2)", {"one": 2, "two": 1, "result": 3}),
                ("Talk.plain", "t.plain(5)", {"one": 5, "two": 2, "result": 5}),
                ("Talk.kind", "Talk.kind(6)", {"one": 6, "result": "Talk"}),
                ("Talk.size", "t.size", {"result": 42}),
                ("Talk.__hidden", "t.reveal()", {"one": 7, "result": 7}),
                ("root", "shapes.root(9.0)", {"one": 9.0, "result": 3.0}),
                ("cached", "cached(4)", {"one": 4, "result": 8})):
            with self.subTest(name=name):
                self.assertEqual(self.one(wanted, call, name), expected)
                self.out += "x"

    def test_self(self):
        wanted = [("name", "self.__name__", {}), ("model", "self.model", {})]
        self.assertEqual(self.one(wanted, "Talk.kind(1)", "Talk.kind"), {"name": "Talk"})
        self.out += "x"
        self.assertEqual(self.one(wanted, "t.size", "Talk.size"), {"model": "small"})
        self.out += "x"
        self.assertEqual(self.one(wanted, "t.plain(1)", "Talk.plain"), {})

    def test_paths(self):
        self.assertEqual(self.one(RESULT, "t.ask('hello')"), {
            "total": 7, "key": "a key", "text0": "first", "text1": "second", "flag": True,
            "ratio": 0.25, "tags": ["a", "b"], "deep": 3, "self": "small"})

    def test_types_and_fallbacks(self):
        found = self.one(TYPES, "t.ask('hello')")
        self.assertEqual(found, {
            "as.string": "-3", "as.double": -3.0, "as.bool": True, "as.int": 0,
            "list.string": "['a', 1]", "blob": "café", "either": 7, "secret_length": 5,
            "secret.blob_length": 4})
        self.assertEqual(self.kinds["as.double"], ["doubleValue"])
        self.assertEqual(self.kinds["as.int"], ["intValue"])

    def test_open_gate(self):
        found = self.one(TYPES, "t.ask('hello')", content=True)
        self.assertEqual((found["secret"], found["secret_length"]), ("hello", 5))
        self.assertEqual((found["secret.blob"], found["secret.blob_length"]), ("café", 4))

    def test_items(self):
        entries = [entry("Talk.tokens", "stream", "call", [
            ("count", "arg count", {}), ("result", "result", {}), ("text", "item.text", {}),
            ("last", "item.last", {})], event="token")]
        dump = self.trace_shapes(entries, "print(list(Talk('m').tokens(3)))\n").dump
        span, = dump.spans
        self.assertEqual(self.attributes(span), {"count": 3, "result": 2})
        self.assertEqual([(event.name, event.attributes) for event in span.events],
                         [("token", {"text": "t%d" % n, "last": n == 2}) for n in range(3)])

    def talk_entries(self):
        return [
            entry("Talk.__init__", "session", "open",
                  [("model", "arg model", {}), ("number", "self.number", {})], handle="self"),
            entry("Talk.ask", "action", "call", parent="self"),
            entry("Talk.note", "session", "event", [("length", "result", {}), ("text", "arg 1", {})],
                  event="note", handle="self"),
            entry("Talk.log", "action", "event", [("line", "result", {})], event="log"),
            entry("Talk.close", "session", "close", [("why", "arg why", {})], handle="self"),
        ]

    def test_sessions(self):
        dump = self.trace_shapes(self.talk_entries(), """\
a, b = Talk("one"), Talk("two")
a.ask("x"), b.ask("x"), a.ask("x")
a.note("four")
try:
    b.note(None)
except KeyError:
    print("not noted")
b.close()
a.log("to what is going on")
try:
    a.close("fail")
except OSError as error:
    print(error)
""").dump
        first, second = sorted(dump.roots() + [s for s in dump.named("session t") if s.parent_id],
                               key=lambda span: span.start)
        self.assertEqual(len(dump.spans), 5)
        # an argument is taken before the call, self.number too: it is not yet there
        self.assertEqual(self.attributes(first), {"model": "one", "why": "fail", "error.type": "OSError"})
        self.assertEqual(self.attributes(second), {"model": "two", "why": "done"})
        self.assertEqual((first.status, first.message), (ERROR, "busy"))
        self.assertEqual(second.status, OK)
        self.assertEqual([s.name for s in dump.children(first) if s.name != "session t"], ["action t"] * 2)
        self.assertEqual([s.name for s in dump.children(second)], ["action t"])
        self.assertEqual([(e.name, e.attributes) for e in first.events if e.name != "exception"],
                         [("note", {"length": 4, "text": "four"}), ("log", {"line": "TO WHAT IS GOING ON"})])
        self.assertEqual([e.name for e in first.events][-1], "exception")
        self.assertEqual(second.events, [])

    def test_handles_by_value(self):
        entries = [entry("start", "session", "open", handle="result"),
                   entry("stop", "session", "close", handle="arg 1"),
                   entry("add", "action", "call", parent="arg 1")]
        dump = self.trace_shapes(entries, """\
start("".join(["job", "1"]))
stop("job1")
start("nobody")
add(1)
""").dump
        sessions = sorted(dump.named("session t"), key=lambda span: span.start)
        self.assertEqual([span.status for span in sessions], [OK, OK])
        self.assertEqual([len(dump.children(span)) for span in sessions], [0, 0])
        self.assertEqual(len(dump.roots()), 3, "both had ended")

    def test_a_lost_object_ends_its_session(self):
        dump = self.trace_shapes(self.talk_entries(), """\
import gc
t = Talk("lost")
t.ask("x")
del t
gc.collect()
Talk.ask(None, "y")
""").dump
        session, = dump.named("session t")
        self.assertEqual((session.status, "spanshim.unfinished" in session.attributes), (OK, False))
        self.assertEqual(len(dump.children(session)), 1)

    def test_only_sessions_stay_current(self):
        entries = [entry("Talk.__init__", "action", "open", handle="self"),
                   entry("add", "chat", "call"), entry("Talk.ask", "chat", "call", parent="self"),
                   entry("Talk.close", "action", "close", handle="self")]
        dump = self.trace_shapes(entries, "t = Talk('m')\nadd(1)\nt.ask('x')\nt.close()\n").dump
        action, = dump.named("action t")
        self.assertEqual([span.attributes["code.function.name"] for span in dump.children(action)],
                         ["shapes.Talk.ask"])
        self.assertEqual(len(dump.roots()), 2)

    def test_what_is_not_there_is_said_and_the_rest_wrapped(self):
        entries = [entry("Talk.gone", "action", "call"), entry("Reply", "action", "call"),
                   entry("add", "action", "call"), entry("Talk.made", "action", "call")]
        result = self.trace_shapes(entries, "print(add(1))\n", quiet=False)
        self.assertEqual(len(result.dump.spans), 1)
        lines = result.log.splitlines()
        self.assertEqual(len(lines), 3, result.log)
        for line, name in zip(lines, ("Talk.gone", "Reply", "Talk.made")):
            self.assertIn("shapes:" + name, line)


if __name__ == "__main__":
    main()
