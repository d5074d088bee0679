# SPDX-License-Identifier: Apache-2.0
"""OpenTelemetry's settings and the content gates, and that docs/ENVIRONMENT.md tells of all there are."""

import ast
import json
import os
import re
import socket
import subprocess
import sys

from harness import (BUILD, COMMAND, DRIVE, ERROR, LOAD_BINDING, PRELOAD, SOURCE, Case, Dump, clean_environment, main,
                     unfit, wait_until)
from local_server import http_server
from mellea_env import NEWEST, OLDER, needs, python
from metrics_file import MetricsFile
from test_python_inject import FIRST_SERVED, found

SESSION, ACTION, STREAM = "session sqlite3", "action sqlite3", "stream sqlite3"
TEXT = "db.query.text"
HERE = os.path.dirname(os.path.abspath(__file__))
TALK = os.path.join(HERE, "python", "talk.json")
OPT_IN = {"OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental"}
MELLEA_GATE = "MELLEA_TRACES_CONTENT"
OTEL_GATE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
QUIET = {"MELLEA_LOGS_LEVEL": "CRITICAL"}

# (settings, content is recorded, lines on the log)
GATES = [
    ({}, False, 0),
    *[({gate: value}, True, 0) for gate in (MELLEA_GATE, OTEL_GATE)
      for value in ("1", "true", "TRUE", "yes", "Yes")],
    *[({gate: value}, False, 0) for gate in (MELLEA_GATE, OTEL_GATE)
      for value in ("", "0", "false", "no")],
    *[({gate: value}, False, 1) for gate in (MELLEA_GATE, OTEL_GATE)
      for value in ("on", "2", "SPAN_ONLY")],
    *[({OTEL_GATE: value, **OPT_IN}, recorded, 0) for value, recorded in (
        ("SPAN_ONLY", True), ("span_only", True), ("SPAN_AND_EVENT", True), ("EVENT_ONLY", False),
        ("NO_CONTENT", False))],
    ({OTEL_GATE: "true", **OPT_IN}, False, 1),
    ({OTEL_GATE: "SPAN_ONLY", "OTEL_SEMCONV_STABILITY_OPT_IN": "http,gen_ai_latest_experimental"}, True, 0),
    ({OTEL_GATE: "SPAN_ONLY", "OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"}, False, 1),
    ({MELLEA_GATE: "1", OTEL_GATE: "NO_CONTENT", **OPT_IN}, True, 0),
    ({MELLEA_GATE: "0", OTEL_GATE: "1"}, True, 0),
]

# Everything that a program could notice, on stdout.
NOTICE = """\
import os, sqlite3, subprocess, sys
db = sqlite3.connect(":memory:", isolation_level=None)
db.execute("SELECT 1").fetchall()
subprocess.run(["sh", "-c", "echo parent $TRACEPARENT"], check=True)
print(len(os.listdir("/proc/self/task")), [type(finder).__name__ for finder in sys.meta_path],
      [name for name in sys.modules if "spanshim" in name])
with open("/proc/self/maps") as file:
    print({name for name in ("cjson", "libunwind", "spanshim-collector") if name in file.read()})
db.close()
"""
MELLEA_NOTICE = NOTICE + """
sys.path.insert(0, %r)
from instant import Instant
from mellea.stdlib.session import MelleaSession
from mellea.stdlib.context import SimpleContext
with MelleaSession(Instant(), SimpleContext()) as session:
    print(session.chat("hello").content)
print(len(os.listdir("/proc/self/task")), [name for name in sys.modules if "spanshim" in name])
""" % os.path.join(HERE, "mellea")

# One act, with something in its response.
MELLEA_ACT = """\
import sys
sys.path.insert(0, %r)
from instant import Instant
from mellea.core import CBlock
from mellea.stdlib.session import MelleaSession
from mellea.stdlib.context import SimpleContext
with MelleaSession(Instant(("a mark of a response",)), SimpleContext()) as session:
    session.act(CBlock("a prompt"), strategy=None)
""" % os.path.join(HERE, "mellea")


class Settings(Case):
    def fresh(self):
        """A dump and a log of its own for what follows."""
        self.runs = getattr(self, "runs", 0) + 1
        self.out, self.log = self.path("%d.jsonl" % self.runs), self.path("%d.log" % self.runs)

    def run_with(self, argv, env=None, bindings="sqlite3", via="preload", **options):
        self.fresh()
        return self.trace(argv, via=via, bindings=bindings, env=env, **options)

    def shell(self, statement="SELECT 1", **settings):
        """The sqlite3 shell under these settings."""
        return self.run_with(["sqlite3", ":memory:", statement], settings)

    def program(self, source, name="program.py"):
        return [sys.executable, "-I", "-B", self.write(name, source)]


class Resource(Settings):
    """What produced the spans."""

    def resource(self, *arguments, **settings):
        result = self.shell(*arguments, **settings)
        resources = [span.resource for span in result.dump.spans]
        self.assertEqual(resources[1:], resources[:-1])
        return resources[0]

    def test_detected(self):
        """Against the system's own words; and no more than these."""
        self.fresh()
        process = self.start(["sqlite3", ":memory:", "SELECT 1"],
                             self.environment("sqlite3", env={"LD_PRELOAD": PRELOAD}))
        process.communicate()
        version = self.command("--version").stdout.decode().split()[1]
        resource = dict(Dump(self.out).one(SESSION).resource)
        self.assertRegex(resource.pop("spanshim.image"), "^[0-9a-f]{16}$")
        self.assertEqual(resource, {
            "service.name": "unknown_service:sqlite3",
            "process.pid": process.pid,
            "process.executable.name": "sqlite3",
            "process.executable.path": os.path.realpath("/usr/bin/sqlite3"),
            "host.name": socket.gethostname(),
            "telemetry.sdk.name": "spanshim",
            "telemetry.sdk.language": "c",
            "telemetry.sdk.version": version})

    def test_service_name(self):
        for settings, name in (
                ({}, "unknown_service:sqlite3"),
                ({"OTEL_SERVICE_NAME": "shop"}, "shop"),
                ({"OTEL_SERVICE_NAME": ""}, "unknown_service:sqlite3"),
                ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=other"}, "other"),
                ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=a%20b"}, "a b"),
                ({"OTEL_SERVICE_NAME": "shop", "OTEL_RESOURCE_ATTRIBUTES": "service.name=other"}, "shop"),
                ({"OTEL_SERVICE_NAME": "a%20b"}, "a%20b")):
            with self.subTest(**settings):
                self.assertEqual(self.resource(**settings)["service.name"], name)

    def test_attributes(self):
        resource = self.resource(OTEL_RESOURCE_ATTRIBUTES=(
            "deployment.environment.name=test, team = a%2Cb%3Dc ,empty=,z%C3%BCrich=%F0%9F%90%8C,twice=1,"
            "twice=2,equals=a=b,service.version=1.2,,"))
        for key, value in {"deployment.environment.name": "test", "team": "a,b=c", "empty": "",
                           "zürich": "🐌", "twice": "2", "equals": "a=b", "service.version": "1.2"}.items():
            self.assertEqual(resource[key], value)

    def test_what_the_user_may_say(self):
        """Detected attributes give way, but those by which readers tell processes and writers apart."""
        said = {"host.name": "h", "process.executable.name": "n", "process.executable.path": "p",
                "process.command_args": "a", "process.runtime.name": "r", "process.runtime.version": "v",
                "process.runtime.description": "d"}
        reserved = ["process.pid", "telemetry.sdk.name", "telemetry.sdk.language", "telemetry.sdk.version",
                    "spanshim.image"]
        text = ",".join(["%s=%s" % pair for pair in said.items()] + [key + "=mine" for key in reserved])
        argv = self.program("import sqlite3; sqlite3.connect(':memory:').execute('SELECT 1').fetchall()\n")
        resource = self.run_with(argv, {"OTEL_RESOURCE_ATTRIBUTES": text,
                                        "SPANSHIM_COMMAND_LINE": "1"}).dump.spans[0].resource
        self.assertEqual({key: resource[key] for key in said}, said)
        self.assertNotIn("mine", resource.values())
        self.assertEqual(set(resource), {*said, *reserved, "service.name"})

    def test_undecodable_attributes(self):
        """As the specification has it: the whole variable is left out, which is said, once."""
        for text in "a=b,c", "a=%zz", "a=%4", "a=%00", "=b", "a=b,%=c":
            with self.subTest(text=text):
                self.fresh()
                result = self.trace(["sqlite3", ":memory:", "SELECT 1"], via="preload", quiet=False,
                                    bindings="sqlite3", env={"OTEL_RESOURCE_ATTRIBUTES": text})
                self.assertNotIn("a", result.dump.spans[0].resource)
                self.assertEqual(len(result.log.splitlines()), 1, result.log)
                self.assertIn("OTEL_RESOURCE_ATTRIBUTES", result.log)

    def test_long_attributes(self):
        """As long as all values together may be."""
        text = ",".join("key.%d=%s" % (i, "x" * 120) for i in range(120))
        resource = self.resource(OTEL_RESOURCE_ATTRIBUTES=text)
        self.assertEqual({key: value for key, value in resource.items() if key.startswith("key.")},
                         dict(item.split("=") for item in text.split(",")))

    def test_metrics(self):
        """Say of what they are the same as spans do."""
        metrics = self.path("metrics.jsonl")
        resource = self.resource(SPANSHIM_METRICS_OUT=metrics, SPANSHIM_COMMAND_LINE="1",
                                 OTEL_SERVICE_NAME="shop", OTEL_RESOURCE_ATTRIBUTES="a=b%20c,host.name=h")
        self.assertEqual(MetricsFile(metrics).only.resource, resource)

    # ---- the command line

    def arguments(self, argv, value="true", **settings):
        result = self.run_with(argv, {"SPANSHIM_COMMAND_LINE": value, **settings}, quiet=False)
        told = {json.dumps(span.resource.get("process.command_args")) for span in result.dump.spans}
        self.assertEqual(len(told), 1)
        return json.loads(told.pop()), result

    def test_command_line(self):
        argv = ["sqlite3", ":memory:", "SELECT 'zwölf', '🐌', '\"\\';", "", "SELECT 2;"]
        for value in "1", "true", "YES":
            self.assertEqual(self.arguments(argv, value)[0], argv)
        for value in "", "0", "false":
            self.assertEqual(self.arguments(argv, value)[0], None)

    def test_command_line_as_the_kernel_has_it(self):
        """Also of a script, of what was run by exec, of a child; and as it was at the start."""
        self.write("script", """#!%s -IB
import ctypes, os, sqlite3, subprocess, sys
def tell():
    with open("/proc/self/cmdline") as file:
        print(os.getpid(), repr(file.read().split("\\0")[:-1]), flush=True)
tell()
if len(sys.argv) == 2:
    os.execv(__file__, [__file__, "again", "and again"])
if os.fork() == 0:
    tell()
libc = ctypes.CDLL(None)
start = int(open("/proc/self/stat").read().rpartition(")")[2].split()[45])
ctypes.memset(start, ord("x"), 10)  # as setproctitle would
sqlite3.connect(":memory:").execute("SELECT 1").fetchall()
sys.stdout.flush()
""" % sys.executable)
        os.chmod(self.path("script"), 0o700)
        result = self.run_with([self.path("script"), "once"], {"SPANSHIM_COMMAND_LINE": "1"})
        told = {}
        for line in result.stdout.decode().splitlines():
            pid, _, words = line.partition(" ")
            told[int(pid)] = ast.literal_eval(words)
        self.assertEqual(len(told), 2)
        self.assertEqual({span.resource["process.pid"]: span.resource["process.command_args"]
                          for span in result.dump.spans}, told)

    def test_command_line_of_any_bytes(self):
        told, result = self.arguments([b"sqlite3", b":memory:", b"SELECT '\xff\xc3(\xe2\x82';"])
        self.assertEqual(result.stdout, b"\xff\xc3(\xe2\x82\n")
        self.assertRegex(told[2], "^SELECT '\ufffd\ufffd\\(\ufffd+';$")

    def test_command_line_too_long(self):
        """Whole arguments, as many as fit; the log says that there are more."""
        for words, kept in ((["SELECT 1;"] * 400, 254), (["SELECT '%s';" % ("x" * 2500)] * 4, 3),
                            (["SELECT '%s';" % ("x" * 9000)], 0), (["SELECT 1;"] * 254, 254)):
            argv = ["sqlite3", ":memory:", *words]
            told, result = self.arguments(argv)
            self.assertEqual(told, argv[:2 + kept])
            self.assertEqual(len(result.log.splitlines()), len(words) > kept, result.log)

    # ---- the runtime

    def test_python(self):
        """Of every CPython here; of native spans, of Python's own, and of both in one process."""
        source = """\
import platform, sqlite3, sys
sys.path.insert(0, %r)
print(sys.implementation.name, platform.python_version(), sys.version, sep="|")
sqlite3.connect(":memory:").execute("SELECT 1").fetchall()
import talk
talk.Session("a").act("b")
""" % os.path.join(HERE, "python")
        program = self.write("runtime.py", source)
        for executable, version, _ in found():
            for bindings in "sqlite3", TALK, "sqlite3:" + TALK:
                with self.subTest(executable=executable, bindings=bindings):
                    result = self.run_with([executable, "-B", program], bindings=bindings,
                                           consistent=False)
                    self.assertEqual(result.status, 0, result.stderr)
                    served = bindings != TALK or version >= FIRST_SERVED
                    self.assertEqual(bool(result.dump.spans), served)
                    for span in result.dump.spans:
                        self.assertEqual([span.resource["process.runtime." + key]
                                          for key in ("name", "version", "description")],
                                         result.stdout.decode().replace("\\n", "\n").strip().split("|"))

    @needs(NEWEST)
    def test_mellea(self):
        for version in filter(python, (NEWEST, OLDER)):
            argv = [python(version), "-B", self.write("act.py", MELLEA_ACT)]
            for settings, name in (({}, "mellea"), ({"OTEL_SERVICE_NAME": "mine"}, "mine"),
                                   ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=ours"}, "ours")):
                dump = self.run_with(argv, {**QUIET, **settings, "SPANSHIM_COMMAND_LINE": "1"}, None).dump
                session = dump.one("session").resource
                self.assertEqual((session["service.name"], session["process.runtime.name"],
                                  session["process.command_args"]), (name, "cpython", argv))


class Content(Settings):
    """Both gates, in all spellings."""

    def test_native(self):
        for settings, recorded, lines in GATES:
            with self.subTest(**settings):
                self.fresh()
                result = self.trace(["sqlite3", ":memory:", "SELECT 1"], via="preload", quiet=False,
                                    bindings="sqlite3", env=settings)
                self.assertEqual(TEXT in result.dump.one(ACTION).attributes, recorded)
                self.assertEqual(len(result.log.splitlines()), lines, result.log)

    @needs(NEWEST)
    def test_mellea(self):
        argv = [python(), "-B", self.write("act.py", MELLEA_ACT)]
        for settings, recorded, lines in (GATES[0], GATES[2], GATES[5], GATES[-9], GATES[-7], GATES[-5]):
            with self.subTest(**settings):
                self.fresh()
                result = self.trace(argv, via="preload", quiet=False, env={**QUIET, **settings})
                action = result.dump.one("action").attributes
                self.assertEqual(action["mellea.action.response_length"], len("a mark of a response"))
                self.assertEqual(action.get("mellea.action.response"),
                                 "a mark of a response" if recorded else None)
                with open(self.out, encoding="utf-8") as file:
                    self.assertEqual("mark" in file.read(), recorded)
                self.assertEqual(len(result.log.splitlines()), lines, result.log)


class Limits(Settings):
    """How much a span may have, and what is said of the rest."""

    def assert_attributes(self, whole, raw, limit):
        """`raw` is `whole`, a span or event, without what is beyond the limit, which it counts."""
        kept = raw.get("attributes", [])
        self.assertEqual(len(kept), min(limit, len(whole["attributes"])))
        self.assertEqual(raw.get("droppedAttributesCount", 0), len(whole["attributes"]) - len(kept))
        for attribute in kept:
            other, = (each for each in whole["attributes"] if each["key"] == attribute["key"])
            if attribute["key"] not in ("thread.id", "exception.stacktrace"):
                self.assertEqual(attribute, other)

    def ordered(self, dump):
        return sorted(dump.spans, key=lambda span: (span.start, -span.end))

    def test_span_attributes(self):
        argv = [DRIVE, "results", "0", "5", "7"]
        whole = self.ordered(self.run_with(argv, bindings=LOAD_BINDING).dump)
        counts = [len(span.attributes) for span in whole]
        self.assertEqual(counts, [3, 4, 6, 6])
        for limit in *range(8), 128:
            for name in "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT":
                with self.subTest(limit=limit, name=name):
                    dump = self.run_with(argv, {name: str(limit)}, LOAD_BINDING).dump
                    for before, span in zip(whole, self.ordered(dump)):
                        self.assert_attributes(before.raw, span.raw, limit)

    def test_span_events(self):
        statement = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 300) SELECT i FROM n"
        for settings, limit in (({}, 128), *(({"OTEL_SPAN_EVENT_COUNT_LIMIT": str(limit)}, limit)
                                             for limit in (0, 1, 127, 299, 300, 1000))):
            with self.subTest(limit=limit):
                stream = self.shell(statement, **settings).dump.one(STREAM)
                self.assertEqual((len(stream.events), stream.dropped_events),
                                 (min(limit, 300), max(300 - limit, 0)))

    def test_an_exception_is_the_last_event(self):
        """It stays, if any event may, and is counted if not."""
        source = """\
import sys
sys.path.insert(0, %r)
import talk
def stream():
    with talk.Session("a") as session:
        session.busy = True
        for _ in session.stream("one two three"):
            pass
        for word in session.stream("four five"):
            raise KeyError(word)
try:
    stream()
except talk.Busy:
    pass
for number in range(3):
    try:
        talk.work("a", lambda: 1 / 0)
    except ZeroDivisionError:
        pass
""" % os.path.join(HERE, "python")
        argv = self.program(source)
        whole = self.ordered(self.run_with(argv, bindings=TALK).dump)
        failed = [span for span in whole if span.events and span.events[-1].name == "exception"]
        self.assertGreater(len(failed), 3)
        unwind = [os.path.join(BUILD, "tests", "e2e", "load", "unwind"), "two"]
        for limit in range(3):
            settings = {"OTEL_SPAN_EVENT_COUNT_LIMIT": str(limit)}
            for span in self.run_with(unwind, settings, LOAD_BINDING).dump.spans:
                if span.status == ERROR:
                    self.assertEqual((len(span.events), span.dropped_events), (limit > 0, limit == 0))
        for limit in range(5):
            limited = self.ordered(self.run_with(argv, {"OTEL_SPAN_EVENT_COUNT_LIMIT": str(limit)},
                                                 TALK).dump)
            for before, span in zip(whole, limited):
                names = [event.name for event in span.events]
                self.assertEqual(len(names), min(limit, len(before.events)))
                self.assertEqual(span.dropped_events, len(before.events) - len(names))
                if limit and before in failed:
                    self.assertEqual(names[-1], "exception")

    def test_event_attributes(self):
        """Of exceptions and of chunks."""
        with http_server() as server:
            argv = ["curl", "-sS", server.url + "/chunks?n=2"]
            chunks = self.run_with(argv, bindings="curl").dump.one("stream curl")
            for limit in range(3):
                span = self.run_with(argv, {"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": str(limit)},
                                     "curl").dump.one("stream curl")
                self.assertEqual(len(span.events), len(chunks.events))
                self.assertEqual(len(span.attributes), len(chunks.attributes))
                for before, event in zip(chunks.raw["events"], span.raw["events"]):
                    self.assert_attributes(before, event, limit)
        source = "import sys\nsys.path.insert(0, %r)\nimport talk\ntry: talk.Session('')\nexcept ValueError: pass\n"
        argv = self.program(source % os.path.join(HERE, "python"))
        whole, = self.run_with(argv, bindings=TALK).dump.spans
        self.assertEqual(len(whole.events[0].attributes), 4)
        for name in "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT":
            for limit in range(6):
                span, = self.run_with(argv, {name: str(limit)}, TALK).dump.spans
                self.assert_attributes(whole.raw["events"][0], span.raw["events"][0], limit)

    def strings(self, dump):
        """All string values of attributes of spans and their events, and of lists in them."""
        for span in dump.spans:
            for attributes in (span.attributes, *(event.attributes for event in span.events)):
                for value in attributes.values():
                    yield from (each for each in (value if isinstance(value, list) else [value])
                                if isinstance(each, str))

    def test_value_length(self):
        """Characters, not bytes; of every string value, but of nothing that is no attribute."""
        statement = "SELECT 'zwölf 🐌 €', missing"
        content = {MELLEA_GATE: "1", "SPANSHIM_STACKS": "all", "OTEL_RESOURCE_ATTRIBUTES": "long=0123456789"}
        for name in "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT":
            for limit in 0, 1, 10, 11, 14, 15, 16, 100:
                with self.subTest(name=name, limit=limit):
                    dump = self.shell(statement, **content, **{name: str(limit)}).dump
                    action = dump.one(ACTION)
                    self.assertEqual(action.attributes[TEXT], statement[:limit])
                    self.assertEqual(action.attributes["db.query.text_length"], len(statement.encode()))
                    self.assertEqual(max(map(len, self.strings(dump))), limit)
                    self.assertEqual((action.message, action.resource["long"]),
                                     ("no such column: missing", "0123456789"))

    def test_links(self):
        """None are ever made: the limit changes nothing."""
        for limit in "", "0", "1":
            dump = self.shell(OTEL_SPAN_LINK_COUNT_LIMIT=limit).dump
            self.assertEqual((dump.names(), [span.links for span in dump.spans]),
                             ({SESSION: 1, ACTION: 1, STREAM: 1}, [[]] * 3))

    def test_the_special_one_goes_before_the_general_one(self):
        result = self.shell("SELECT 'abcdef'", **{
            MELLEA_GATE: "1", "OTEL_ATTRIBUTE_COUNT_LIMIT": "1", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "128",
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "2", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "6"})
        self.assertEqual(result.dump.one(ACTION).attributes[TEXT], "SELECT")

    def test_unusable(self):
        """Said once each; the default is in force."""
        names = ["OTEL_%s_LIMIT" % name for name in (
            "ATTRIBUTE_VALUE_LENGTH", "ATTRIBUTE_COUNT", "EVENT_ATTRIBUTE_COUNT",
            "SPAN_ATTRIBUTE_VALUE_LENGTH", "SPAN_ATTRIBUTE_COUNT", "SPAN_EVENT_COUNT", "SPAN_LINK_COUNT")]
        statement = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 129) SELECT i FROM n"
        for value in "many", "-1", "1.5", "99999999999":
            self.fresh()
            result = self.trace(["sqlite3", ":memory:", statement], via="preload", bindings="sqlite3",
                                env={MELLEA_GATE: "1", **dict.fromkeys(names, value)}, quiet=False)
            self.assertEqual(sorted(re.findall(r"(\w+)=%s: expected" % re.escape(value), result.log)),
                             sorted(names))
            self.assertEqual(result.dump.one(ACTION).attributes[TEXT], statement)
            self.assertEqual(result.dump.one(STREAM).dropped_events, 1)

    @needs(NEWEST)
    def test_mellea(self):
        """All at once: each span has what it has without limits, but for the rest, which is counted."""
        argv = [python(), "-B", os.path.join(HERE, "mellea", "content.py"), "end"]
        env = {**QUIET, MELLEA_GATE: "1"}
        whole = self.ordered(self.run_with(argv, env, None).dump)
        limits = {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "3", "OTEL_SPAN_EVENT_COUNT_LIMIT": "2",
                  "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "1", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "5"}
        dump = self.run_with(argv, {**env, **limits}, None).dump
        limited = self.ordered(dump)
        self.assertEqual(max(map(len, self.strings(dump))), 5)
        self.assertEqual([span.name for span in limited], [span.name for span in whole])
        self.assertTrue(any(len(span.events) > 2 for span in whole))
        for before, span in zip(whole, limited):
            self.assertEqual(len(span.attributes), min(3, len(before.attributes)))
            self.assertEqual(span.raw.get("droppedAttributesCount", 0),
                             len(before.attributes) - len(span.attributes), span)
            self.assertEqual((len(span.events), span.dropped_events),
                             (min(2, len(before.events)), max(0, len(before.events) - 2)), span)
            # as Python's own SDK does: the last ones stay
            for event, kept in zip(before.raw.get("events", [])[-2:], span.raw.get("events", [])):
                count = len(event.get("attributes", []))
                self.assertEqual((kept["name"], len(kept.get("attributes", []))),
                                 (event["name"], min(1, count)))
                self.assertEqual(kept.get("droppedAttributesCount", 0), max(0, count - 1))


class Disabled(Settings):
    """OTEL_SDK_DISABLED and SPANSHIM_DISABLE: nothing at all."""

    WAYS = [("OTEL_SDK_DISABLED", value) for value in ("true", "True", "TRUE")] + \
        [("SPANSHIM_DISABLE", value) for value in ("1", "true", "YES")]

    def assert_inert(self, argv, ways):
        untraced = self.execute(argv, {**clean_environment(), **QUIET})
        self.assertEqual(untraced.status, 0, untraced.stderr)
        for name, value in ways:
            with self.subTest(name=name, value=value):
                metrics = self.path("metrics.jsonl")
                result = self.run_with(argv, {**QUIET, name: value, "SPANSHIM_METRICS_OUT": metrics,
                                              "SPANSHIM_PLUGINS": "/no/such/plugin.so"}, None)
                self.assertEqual(result.visible, untraced.visible)
                self.assertEqual((os.path.exists(self.out), os.path.exists(metrics),
                                  os.path.exists(self.log), os.listdir(self.rings)),
                                 (False, False, False, []))

    def test_native(self):
        self.assert_inert(self.program(NOTICE), self.WAYS)

    @needs(NEWEST)
    def test_mellea(self):
        self.assert_inert([python(), "-B", self.write("notice.py", MELLEA_NOTICE)],
                          [self.WAYS[0], self.WAYS[3]])

    def test_not_disabled(self):
        for settings, lines in (({"OTEL_SDK_DISABLED": "false"}, 0), ({"OTEL_SDK_DISABLED": ""}, 0),
                                ({"OTEL_SDK_DISABLED": "1"}, 1), ({"OTEL_SDK_DISABLED": "yes"}, 1),
                                ({"SPANSHIM_DISABLE": "no"}, 0), ({"SPANSHIM_DISABLE": "on"}, 1)):
            with self.subTest(**settings):
                self.fresh()
                result = self.trace(["sqlite3", ":memory:", "SELECT 1"], via="preload", quiet=False,
                                    bindings="sqlite3", env=settings)
                self.assertEqual(result.dump.count(SESSION), 1)
                self.assertEqual(len(result.log.splitlines()), lines, result.log)


class Mellea(Settings):
    """Mellea's own variables, as far as spanshim goes by what they do."""

    def act(self, env=None, telemetry=False, chunks='("a mark of a response",)', options="", first="",
            quiet=True):
        source = first + MELLEA_ACT.replace('("a mark of a response",)', chunks).replace(
            "strategy=None", "strategy=None" + options)
        argv = [python(NEWEST, telemetry), "-B", self.write("act.py", source)]
        self.fresh()
        metrics = self.path("%d.metrics" % self.runs)
        result = self.trace(argv, via="preload", quiet=quiet,
                            env={**QUIET, "SPANSHIM_METRICS_OUT": metrics, **(env or {})})
        self.assertEqual(result.status, 0, result.stderr)
        result.metrics = MetricsFile(metrics)
        return result

    @staticmethod
    def counts(metrics):
        """{name of a metric: measurements of it}."""
        counts = {}
        for image in metrics.images.values():
            for name in image.units:
                counts[name] = sum(point.count for point in image.named(name))
        return counts

    @needs(NEWEST)
    def test_chunk_events(self):
        for value, events in ("1", 3), ("true", 3), ("0", 0), ("", 0):
            result = self.act({"MELLEA_GENERATION_CHUNK_EVENTS": value}, chunks='("a ", "b ", "c"), 0.001',
                              options=', model_options={"@@@stream@@@": True}')
            chat = result.dump.one("chat instant")
            self.assertEqual([event.name for event in chat.events], ["chunk_processed"] * events)

    @needs(NEWEST, telemetry=True)
    def test_own_metrics(self):
        """Left to Mellea, which the log says, once; the spans are not."""
        mine = self.act(telemetry=True)
        self.assertIn("mellea.llm.request.duration", self.counts(mine.metrics))
        for value in "1", "true":
            theirs = self.act({"MELLEA_METRICS_ENABLED": value}, telemetry=True, quiet=False)
            self.assertEqual(theirs.dump.names(), mine.dump.names())
            self.assertEqual(self.counts(theirs.metrics), {})
            self.assertEqual(len(theirs.log.splitlines()), 1, theirs.log)
            self.assertIn("Mellea's own metrics are on", theirs.log)

    @needs(NEWEST)
    def test_pricing(self):
        """With something that has litellm's name and does what Mellea and spanshim ask of it."""
        self.write("litellm.py", """\
model_cost = {"known": {"input_cost_per_token": 1.0, "output_cost_per_token": 10.0}}
register_model = model_cost.update
def cost_per_token(model, prompt_tokens, completion_tokens, **_):
    price = model_cost[model]
    return (price["input_cost_per_token"] * prompt_tokens, price["output_cost_per_token"] * completion_tokens)
""")
        prices = self.write("prices.json", json.dumps(
            {"instant": {"input_cost_per_token": 2.0, "output_cost_per_token": 3.0}}))
        first = "import sys\nsys.path.insert(0, %r)\nimport litellm\n" % self.directory
        for settings, cost in (({}, None), ({"MELLEA_PRICING_FILE": prices}, 7 * 2.0 + 2 * 3.0),
                               ({"MELLEA_PRICING_FILE": prices, "MELLEA_PRICING_ENABLED": "true"}, 20.0),
                               ({"MELLEA_PRICING_FILE": prices, "MELLEA_PRICING_ENABLED": "false"}, None)):
            with self.subTest(**settings):
                metrics = self.act(settings, first=first).metrics
                found = [point.sum for point in metrics.only.named("mellea.llm.cost.usd")]
                self.assertEqual(found, [] if cost is None else [cost])
                self.assertIn("mellea.llm.request.duration", self.counts(metrics))


class Own(Settings):
    """Variables of spanshim's own that no other test is about."""

    def test_out(self):
        """What is filled in; relative to where the program started; - is stderr."""
        for pattern, expected in (
                ("%e.%p.%n", r"sqlite3\.\d+\.[0-9a-f]{16}"), ("a%%p-%x", "a%p-%x"), ("plain", "plain")):
            with self.subTest(pattern=pattern):
                before = set(os.listdir(self.cwd))
                self.out = os.path.join(self.cwd, "nothing")
                env = self.environment("sqlite3", env={"LD_PRELOAD": PRELOAD, "SPANSHIM_OUT": pattern})
                self.execute(["sqlite3", ":memory:", "SELECT 1"], env)
                name, = set(os.listdir(self.cwd)) - before
                self.assertRegex(name, "^%s$" % expected)
                span = Dump(os.path.join(self.cwd, name)).one(SESSION)
                for part, key in zip(name.split(".")[1:], ("process.pid", "spanshim.image")):
                    self.assertEqual(str(span.resource[key]), part)
        env["SPANSHIM_OUT"] = "-"
        result = self.execute(["sqlite3", ":memory:", "SELECT 1"], env)
        self.assertEqual(result.stdout, b"1\n")
        self.assertEqual(len(json.loads(result.stderr)["resourceSpans"][0]["scopeSpans"][0]["spans"]), 3)

    def test_directory(self):
        """The ring file is there, and nowhere else, while the program runs."""
        rings = self.path("own")
        argv = self.program("import os, sqlite3, sys; sqlite3.connect(':memory:').execute('SELECT 1')\n"
                            "print(os.listdir(%r), os.stat(%r).st_mode & 0o777)\n" % (rings, rings))
        result = self.run_with(argv, {"SPANSHIM_DIR": rings})
        self.assertRegex(result.stdout, rb"^\['\d+-[0-9a-f]{16}\.ring'\] %d\n$" % 0o700)
        self.assertEqual(os.listdir(rings), [])

    def test_ring_bytes(self):
        """The same load loses events with a small ring, and none with a large one."""
        losses = {}
        for size in "64K", "256M":
            self.fresh()
            result = self.trace([DRIVE, "speed", "100000"], bindings=LOAD_BINDING, via="preload", quiet=False,
                                env={"SPANSHIM_RING_BYTES": size, "SPANSHIM_FLUSH_MS": "60000"})
            losses[size] = result.dump.lost("open")
            self.assertEqual(len(result.dump.spans), 100_001 - losses[size])
        self.assertEqual((losses["64K"] > 0, losses["256M"]), (True, 0))

    def test_flush(self):
        """Of two programs at the same time one has written its spans, the other keeps them for now."""
        argv = self.program("""\
import sqlite3, sys
for line in sys.stdin:
    db = sqlite3.connect(":memory:")
    db.execute("SELECT 1").fetchall()
    db.close()
    print("done", flush=True)
""")
        outs, processes = {}, {}
        for ms in "60000", "20":
            outs[ms] = self.path("flush-%s.jsonl" % ms)
            env = self.environment("sqlite3", env={"LD_PRELOAD": PRELOAD, "SPANSHIM_FLUSH_MS": ms,
                                                   "SPANSHIM_OUT": outs[ms]})
            processes[ms] = self.start(argv, env, subprocess.PIPE)
        for step in range(1, 6):
            for ms in "60000", "20":
                processes[ms].stdin.write(b"go\n")
                processes[ms].stdin.flush()
                self.assertEqual(processes[ms].stdout.readline(), b"done\n")
            wait_until(lambda: Dump(outs["20"]).count(SESSION) == step)
            self.assertLessEqual(Dump(outs["60000"]).count(SESSION), 1)  # the drain's first look
        for ms in "60000", "20":
            processes[ms].communicate()
            self.assertEqual(Dump(outs[ms]).names(), {SESSION: 5, ACTION: 5, STREAM: 5})

    def test_metric_interval(self):
        """Lines of metrics while the program runs, or the one at its end."""
        argv = self.program("""\
import sqlite3, sys
for line in sys.stdin:
    sqlite3.connect(":memory:").execute("SELECT 1").fetchall()
    print("done", flush=True)
""")
        for ms, lines in ("20", 3), ("60000", 0), ("", 0):
            metrics = self.path("metrics-%s.jsonl" % ms)
            env = self.environment("sqlite3", env={
                "LD_PRELOAD": PRELOAD, "SPANSHIM_METRICS_OUT": metrics, "SPANSHIM_FLUSH_MS": "1",
                "OTEL_METRIC_EXPORT_INTERVAL": ms})
            process = self.start(argv, env, subprocess.PIPE)
            for step in range(1, 4):
                process.stdin.write(b"go\n")
                process.stdin.flush()
                self.assertEqual(process.stdout.readline(), b"done\n")
                if lines:
                    wait_until(lambda: MetricsFile(metrics).lines >= step)
            process.communicate()
            written = MetricsFile(metrics)
            self.assertTrue(written.lines >= lines if lines else written.lines == 1, written.lines)
            self.assertEqual(sum(point.count for point in written.only.named("spanshim.entry.duration")), 9)

    def test_trace_id(self):
        """Of spans without a parent, in all processes; TRACEPARENT goes before."""
        trace, other, parent = "5" * 32, "6" * 32, "7" * 16
        argv = ["sh", "-c", "sqlite3 :memory: 'SELECT 1'; sqlite3 :memory: 'SELECT 2'"]
        dump = self.run_with(argv, {"SPANSHIM_TRACE_ID": trace}).dump
        self.assertEqual((dump.traces(), len(dump.roots())), ({trace}, 2))
        dump = self.run_with(argv, {"SPANSHIM_TRACE_ID": trace,
                                    "TRACEPARENT": "00-%s-%s-01" % (other, parent)},
                             remote_parents=[parent]).dump
        self.assertEqual((dump.traces(), dump.roots()), ({other}, []))

    def test_previous(self):
        """An image that ended by exec with nothing to recover leaves its ring file to the next one."""
        source = """
import os, sqlite3, sys
db = sqlite3.connect(":memory:")
db.execute("SELECT 1").fetchall()
db.close()
print(os.environ.get("SPANSHIM_PREVIOUS", "")[-5:], flush=True)
if len(sys.argv) == 1:
    os.execv(sys.executable, [sys.executable, "-I", "-B", __file__, "again"])
"""
        result = self.run_with(self.program(source))  # which looks for what is left
        self.assertEqual((result.stdout, result.dump.count(SESSION)), (b"\n.ring\n", 2))

    @unfit("the run time is preloaded, too", "address", "thread")
    def test_preload(self):
        """What is preloaded already stays; one after the other, as the loader takes them."""
        libc = "libc.so.6"
        env = self.environment("sqlite3", env={"LD_PRELOAD": libc})
        shell = 'eval "$(%s env --shell)"; printenv LD_PRELOAD; sqlite3 :memory: "SELECT 1"' % COMMAND
        result = self.execute(["sh", "-c", shell], env)
        self.assertEqual((result.stdout.decode(), result.stderr),
                         ("%s:%s\n1\n" % (PRELOAD, libc), b""))
        self.assertEqual(Dump(self.out).count(SESSION), 1)
        result = self.execute([COMMAND, "run", "printenv", "LD_PRELOAD"], env)
        self.assertEqual(result.stdout.decode(), "%s:%s\n" % (PRELOAD, libc))

    def test_path(self):
        """Where run looks for the program, as a shell would."""
        self.write("cwd/here", "#!/bin/sh\necho $0\n")
        os.chmod(self.path("cwd/here"), 0o700)
        for path, status in ((self.cwd + ":/usr/bin", 0), ("/usr/bin:", 0), ("/usr/bin", 127)):
            env = self.environment(env={"PATH": path})
            self.assertEqual(self.execute([COMMAND, "run", "here"], env).status, status)

    def test_temporary_directory(self):
        """Something is kept there of what comes through a pipe, and of nothing else."""
        self.shell()
        with open(self.out, "rb") as file:
            dump = file.read()
        for directory, status in ((self.make_directory("tmp"), 0), ("", 0), (self.path("no/such"), 2)):
            result = self.command("tree", "-", env={"TMPDIR": directory}, input=dump)
            self.assertEqual((result.status, b"session sqlite3" in result.stdout), (status, status == 0))
            self.assertEqual(self.command("tree", self.out, env={"TMPDIR": directory}).status, 0)
        self.assertEqual(os.listdir(self.path("tmp")), [])

    def test_locale(self):
        """The first of the three that is set says whether lines and signs beyond ASCII may be used."""
        self.run_with(["sqlite3", ":memory:", "SELECT 1"])
        kept = {name: value for name, value in self.environment().items()
                if name != "LANG" and not name.startswith("LC_")}
        for settings, ascii_only in (
                ({}, True), ({"LANG": "C.UTF-8"}, False), ({"LANG": "C"}, True),
                ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, False), ({"LANG": "C.UTF-8", "LC_CTYPE": "C"}, True),
                ({"LC_CTYPE": "C", "LC_ALL": "C.UTF-8"}, False),
                ({"LC_CTYPE": "C.UTF-8", "LC_ALL": "C"}, True)):
            with self.subTest(**settings):
                result = self.execute([COMMAND, "tree", self.out], {**kept, **settings})
                self.assertEqual((result.status, result.stdout.isascii()), (0, ascii_only))


def rows(text):
    """The cells of the rows of a Markdown table, without its head and without the marks of code."""
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.replace("`", "").replace("\\|", "|").strip()
                   for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


class Document(Settings):
    """docs/ENVIRONMENT.md against what the programs say of themselves."""

    def setUp(self):
        super().setUp()
        with open(os.path.join(SOURCE, "docs", "ENVIRONMENT.md"), encoding="utf-8") as file:
            self.read, self.scripts = file.read().split("## Tests and scripts")

    def printed(self, **settings):
        """What `spanshim env` prints: {name: {"type": ..., ...}}; a choice's type is its choices."""
        result = self.command("env", env=settings)
        table = {}
        for line in result.stdout.decode().splitlines():
            if line.startswith("    "):
                key, _, value = line.strip().partition(" ")
                table[name][key] = value.strip()
            elif not line.startswith("# "):
                name = line
                self.assertNotIn(name, table)
                table[name] = {}
        for row in table.values():
            if "choices" in row:
                row["type"] = row.pop("choices").replace("|", ", ")
        return result.status, table

    def test_rows(self):
        """Each variable once, as `spanshim env` has it, in its order."""
        _, table = self.printed()
        expected = [[name, row["type"], row.get("default", ""), row["meaning"]] for name, row in table.items()]
        self.assertEqual([row[:4] for row in rows(self.read)], expected)

    def test_proofs(self):
        """Each row names tests that are there."""
        for name, *_, proofs in rows(self.read):
            self.assertTrue(proofs, name)
            for proof in proofs.split(", "):
                path, _, test = proof.partition("::")
                group, _, method = test.partition(".")
                with open(os.path.join(SOURCE, "tests", path), encoding="utf-8") as file:
                    classes = {node.name: {part.name for part in node.body
                                           if isinstance(part, ast.FunctionDef)}
                               for node in ast.parse(file.read()).body if isinstance(node, ast.ClassDef)}
                self.assertTrue(method.startswith("test_"), proof)
                self.assertIn(method, classes.get(group, ()), "%s: no %s" % (name, proof))

    def test_sources(self):
        """Whatever the sources read is in the table that `spanshim env` prints."""
        _, table = self.printed()
        read = set()
        for top in "shim", "collector":
            for directory, _, names in os.walk(os.path.join(SOURCE, top)):
                for name in names:
                    with open(os.path.join(directory, name), encoding="utf-8") as file:
                        read.update(re.findall(r'(?:getenv\(|environ(?:\.get\(|\[))"(\w+)"', file.read()))
        self.assertIn("NO_COLOR", read)
        self.assertEqual(read - set(table), set())

    def test_scripts(self):
        """What the tests and scripts read, each once."""
        read = set()
        for top in "scripts", "tests":
            for directory, _, names in os.walk(os.path.join(SOURCE, top)):
                for name in names:
                    read |= self.read_by(os.path.join(directory, name))
        named = [row[0] for row in rows(self.scripts)]
        self.assertEqual(sorted(named), sorted(read))

    def read_by(self, path):
        """Names of the variables that a Python program or shell script asks for."""
        with open(path, "rb") as file:
            text = file.read().decode("utf-8", "replace")
        if text.startswith(("#!/bin/sh", "#!/bin/bash", "#!/usr/bin/env bash")):
            return set(re.findall(r"\$\{([A-Z_]+):-", text)) - set(re.findall(r"coproc (\w+)", text))
        if not path.endswith(".py") and not re.match("#!.*python", text):
            return set()
        asked = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("os.environ.get", "os.getenv"):
                asked.add(node.args[0])
            elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ" and \
                    isinstance(node.ctx, ast.Load):
                asked.add(node.slice)
        return {node.value for node in asked if isinstance(node, ast.Constant)}

    def test_values(self):
        """How each is set now, and whether that is any good."""
        status, table = self.printed(OTEL_SERVICE_NAME="shop", OTEL_TRACES_SAMPLER="xray", COLUMNS="70",
                                     MELLEA_TRACES_ENABLED="true", TRACESTATE="")
        self.assertEqual(status, 1)
        self.assertEqual((table["OTEL_SERVICE_NAME"]["value"], table["COLUMNS"]["value"],
                          table["MELLEA_TRACES_ENABLED"]["value"]), ("shop", "70", "true"))
        self.assertNotIn("value", table["TRACESTATE"])
        self.assertEqual([name for name, row in table.items() if "invalid" in row], ["OTEL_TRACES_SAMPLER"])
        self.assertEqual(table["OTEL_TRACES_SAMPLER"]["value"], "xray")
        self.assertIn("the default is in force", table["OTEL_TRACES_SAMPLER"]["invalid"])
        self.assertEqual(self.printed()[0], 0)


if __name__ == "__main__":
    main()
