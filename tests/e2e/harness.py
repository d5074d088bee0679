# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: running a program traced and untraced, reading dumps, a server.

Owns no assertion about any one program. Everything runs in a temporary directory of its own, with an
environment free of spanshim's, OpenTelemetry's and the loader's variables, so that tests can run
side by side. Dumps are read here with json alone: the product's own reader must not be its own witness.
"""

import contextlib
import functools
import glob
import json
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import sanitizer

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("SPANSHIM_BUILD") or os.path.join(SOURCE, "build"))
COMMAND = os.path.join(BUILD, "spanshim")
SHIM = os.path.join(BUILD, "libspanshim.so")
PRELOAD = sanitizer.preload(BUILD, SHIM, SHIM)
VICTIMS = os.path.join(BUILD, "tests", "e2e", "victims")
VICTIM_SOURCES = os.path.join(SOURCE, "tests", "e2e", "victims")
PROCESS_BINDING = os.path.join(VICTIM_SOURCES, "process", "vict_proc.json")
DRIVE = os.path.join(BUILD, "tests", "e2e", "load", "drive")
LOAD_BINDING = os.path.join(SOURCE, "tests", "e2e", "load", "load.json")

unfit = functools.partial(sanitizer.unfit, BUILD)  # @unfit(why): not where the build has sanitizers
PATIENCE = sanitizer.patience(BUILD)
SANITIZERS = sanitizer.kinds(BUILD)

# A build for another processor: its programs run through an emulator, which finds what is not the
# build's own below a directory. Children that a program executes are not emulated.
MACHINE = os.environ.get("SPANSHIM_MACHINE") or platform.machine()
EMULATOR = shlex.split(os.environ.get("SPANSHIM_EMULATOR", ""))
SYSROOT = os.environ.get("SPANSHIM_SYSROOT", "")
PYTHON = os.path.join(SYSROOT, "usr/bin/python3.11") if EMULATOR else sys.executable
WAYS = ("preload",) if EMULATOR else ("run", "preload")  # to be traced; the launcher executes

# A job in the background starts with these ignored, and what tests run would inherit that.
for _number in signal.SIGINT, signal.SIGQUIT, signal.SIGHUP:
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)

EVENT_LIMIT = 128  # OpenTelemetry's default for span events
OK, ERROR = 0, 2  # status codes: spanshim never writes 1
LOSS_PREFIX = "spanshim.dropped."
LINE_BYTES_MAX = 512 * 1024 + 256


def victim(name):
    """Path of a victim program that the build made."""
    return os.path.join(VICTIMS, name)


def clean_environment():
    """This process's environment without anything that configures tracing or preloads."""
    kept = {}
    for name, value in os.environ.items():
        if name.startswith(("SPANSHIM_", "OTEL_", "LD_", "MELLEA_")):
            continue
        if name in ("TRACEPARENT", "TRACESTATE", "BAGGAGE") or name.lower().endswith("_proxy"):
            continue
        kept[name] = value
    kept["LC_ALL"] = "C.UTF-8"
    return kept


def emulated(argv, env):
    """The same for a program of the emulated processor; what is preloaded goes in front of it alone."""
    env = dict(env)
    preload = env.pop("LD_PRELOAD", None)
    program = shutil.which(argv[0]) or argv[0]
    inside = os.path.join(SYSROOT, program.lstrip("/"))
    if not program.startswith((BUILD, SYSROOT)) and os.path.exists(inside):
        program = inside
    options = ["-E", "LD_PRELOAD=" + preload] if preload else []
    return EMULATOR + options + [program] + list(argv[1:]), env


def plain_value(value):
    """The Python value of an OTLP/JSON AnyValue."""
    (kind, content), = value.items()
    if kind == "intValue":
        if not isinstance(content, str):
            raise ValueError("intValue is a JSON string, not %r" % (content,))
        return int(content)
    if kind in ("stringValue", "boolValue", "doubleValue"):
        return content
    if kind == "arrayValue":
        return [plain_value(element) for element in content.get("values", [])]
    raise ValueError("unknown kind of value: " + kind)


def plain_attributes(attributes):
    """A dict of an OTLP/JSON attribute list; a key that stands there twice is an error."""
    plain = {}
    for attribute in attributes:
        if attribute["key"] in plain:
            raise ValueError("attribute twice: " + attribute["key"])
        plain[attribute["key"]] = plain_value(attribute["value"])
    return plain


class Event:
    """One span event."""

    __slots__ = ("name", "time", "attributes")

    def __init__(self, raw):
        self.name = raw["name"]
        self.time = int(raw["timeUnixNano"])
        self.attributes = plain_attributes(raw.get("attributes", []))


class Span:
    """One span of a dump. Attributes and events are made when first asked for: dumps can be large."""

    __slots__ = ("raw", "resource", "scope", "span_id", "trace_id", "parent_id", "name",
                 "_attributes", "_events")

    def __init__(self, raw, resource, scope):
        self.raw = raw
        self.resource = resource
        self.scope = scope
        self.span_id = raw["spanId"]
        self.trace_id = raw["traceId"]
        self.parent_id = raw.get("parentSpanId", "")
        self.name = raw["name"]
        self._attributes = None
        self._events = None

    @property
    def attributes(self):
        if self._attributes is None:
            self._attributes = plain_attributes(self.raw.get("attributes", []))
        return self._attributes

    @property
    def events(self):
        if self._events is None:
            self._events = [Event(event) for event in self.raw.get("events", [])]
        return self._events

    @property
    def dropped_events(self):
        return int(self.raw.get("droppedEventsCount", 0))

    @property
    def status(self):
        return self.raw.get("status", {}).get("code", OK)

    @property
    def message(self):
        return self.raw.get("status", {}).get("message", "")

    @property
    def start(self):
        return int(self.raw["startTimeUnixNano"])

    @property
    def end(self):
        return int(self.raw["endTimeUnixNano"])

    @property
    def links(self):
        return self.raw.get("links", [])

    @property
    def unfinished(self):
        return self.attributes.get("spanshim.unfinished", False)

    def __repr__(self):
        return "<%s %s under %s status %r %r>" % (
            self.name, self.span_id, self.parent_id or "-", self.status, self.attributes)


class Dump:
    """The spans and losses of one or more dump files. A missing file is an empty dump."""

    def __init__(self, *paths):
        self.spans = []
        self.losses = {}  # "ring_full.open" -> count
        self.lines = 0
        for path in paths:
            if os.path.exists(path):
                self._read(path)
        self.by_id = {span.span_id: span for span in self.spans}

    def _read(self, path):
        with open(path, "rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    raise ValueError("%s: last line is not whole" % path)
                if len(line) > LINE_BYTES_MAX:
                    raise ValueError("%s: a line of %d bytes" % (path, len(line)))
                self.lines += 1
                self._read_line(json.loads(line))

    def _read_line(self, data):
        for resource_spans in data["resourceSpans"]:
            resource = plain_attributes(resource_spans["resource"].get("attributes", []))
            for key, value in resource.items():
                if key.startswith(LOSS_PREFIX):
                    reason = key[len(LOSS_PREFIX):]
                    self.losses[reason] = self.losses.get(reason, 0) + value
            for scope_spans in resource_spans.get("scopeSpans", []):
                scope = scope_spans.get("scope", {})
                for raw in scope_spans["spans"]:
                    self.spans.append(Span(raw, resource, scope))

    def named(self, name):
        return [span for span in self.spans if span.name == name]

    def count(self, name):
        return sum(span.name == name for span in self.spans)

    def one(self, name):
        """The only span of that name."""
        found = self.named(name)
        if len(found) != 1:
            raise AssertionError("%d spans named %r, expected 1; all: %s"
                                 % (len(found), name, self.names()))
        return found[0]

    def names(self):
        """Span names with their counts."""
        counts = {}
        for span in self.spans:
            counts[span.name] = counts.get(span.name, 0) + 1
        return counts

    def children(self, parent, name=None):
        """Spans directly under parent, in order of their start."""
        found = [span for span in self.spans
                 if span.parent_id == parent.span_id and name in (None, span.name)]
        return sorted(found, key=lambda span: span.start)

    def roots(self):
        return [span for span in self.spans if not span.parent_id]

    def traces(self):
        return {span.trace_id for span in self.spans}

    def lost(self, kind):
        """Events of that kind ("open", "close", "point", ...) counted as dropped, all reasons."""
        return sum(count for reason, count in self.losses.items() if reason.endswith("." + kind))

    def inconsistencies(self, remote_parents=()):
        """What is wrong with ids, parents and times, as a list of sentences."""
        wrong = []
        if len(self.by_id) != len(self.spans):
            wrong.append("%d spans, %d ids" % (len(self.spans), len(self.by_id)))
        for span in self.spans:
            wrong += ["%s: %s" % (span, problem) for problem in self._problems(span, remote_parents)]
            if len(wrong) > 10:
                break
        return wrong

    def _problems(self, span, remote_parents):
        problems = []
        if not re.fullmatch("[0-9a-f]{16}", span.span_id) or not int(span.span_id, 16):
            problems.append("span id")
        if not re.fullmatch("[0-9a-f]{32}", span.trace_id) or not int(span.trace_id, 16):
            problems.append("trace id")
        if not 0 < span.start <= span.end:
            problems.append("starts at %d, ends at %d" % (span.start, span.end))
        if span.status not in (OK, ERROR):
            problems.append("status")
        client = span.scope["name"] == "mellea.backend"  # a model in another process, or in this one
        if span.raw.get("kind") not in ((1, 3) if client else (1,)):
            problems.append("kind")
        parent = self.by_id.get(span.parent_id)
        if span.parent_id and not parent and span.parent_id not in remote_parents:
            problems.append("parent is not in the dump")
        if parent and parent.trace_id != span.trace_id:
            problems.append("parent is in another trace")
        if parent and parent.start > span.start:
            problems.append("starts before its parent")
        return problems

    def outline(self, span=None):
        """The tree as nested (name, [children]) tuples in order of start: for small dumps."""
        under = sorted(self.roots(), key=lambda s: s.start) if span is None else self.children(span)
        return [(child.name, self.outline(child)) for child in under]


class Result:
    """What a run gave: stdout, stderr (bytes), status as a shell would say it, dump, seconds."""

    def __init__(self, stdout=b"", stderr=b"", code=0, seconds=0):
        self.stdout = stdout
        self.stderr = stderr
        self.status = 128 - code if code < 0 else code
        self.seconds = seconds
        self.dump = None
        self.log = ""

    @property
    def visible(self):
        """What a user sees."""
        return self.stdout, self.stderr, self.status


class Case(unittest.TestCase):
    """A temporary directory for each test, and ways to run programs in it."""

    maxDiff = 4000

    def setUp(self):
        for path in (COMMAND, SHIM):
            if not os.path.exists(path):
                raise AssertionError("not built: " + path)
        self.directory = tempfile.mkdtemp(prefix="spanshim-e2e-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        sanitizer.watch(self, BUILD)
        self.cwd = self.make_directory("cwd")
        self.rings = self.make_directory("rings")
        self.out = self.path("out.jsonl")
        self.log = self.path("shim.log")

    def make_directory(self, name):
        path = self.path(name)
        os.mkdir(path, 0o700)
        return path

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, content):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(content)
        return self.path(name)

    def environment(self, bindings=None, content=False, env=None):
        """The environment of a traced program, without LD_PRELOAD."""
        full = clean_environment()
        full.update(sanitizer.environment(BUILD, SHIM))
        full.update(SPANSHIM_DIR=self.rings, SPANSHIM_OUT=self.out, SPANSHIM_LOG=self.log)
        if bindings is not None:
            full["SPANSHIM_BINDINGS"] = bindings
        if content:
            full["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "true"
        full.update(env or {})
        if "LD_PRELOAD" in (env or {}):
            full["LD_PRELOAD"] = sanitizer.preload(BUILD, SHIM, env["LD_PRELOAD"])
        return full

    def traced_command(self, argv, via, bindings, env):
        """argv and environment that trace a program: under the launcher or with bare LD_PRELOAD."""
        if via == "preload":
            env["LD_PRELOAD"] = PRELOAD
            return list(argv)
        assert via == "run", via
        if EMULATOR:  # the launcher executes the program
            return self.traced_command(argv, "preload", bindings, env)
        options = ["--out", env["SPANSHIM_OUT"]]
        if bindings is not None:
            options += ["--bindings", bindings]
        return [COMMAND, "run"] + options + ["--"] + list(argv)

    def execute(self, argv, env=None, input=None, timeout=120, cwd=None):
        """Runs argv as it is. Without env: a clean one, untraced."""
        started = time.monotonic()
        process = self.start(argv, clean_environment() if env is None else env, subprocess.PIPE, cwd)
        try:
            stdout, stderr = process.communicate(b"" if input is None else input, timeout * PATIENCE)
        finally:
            end_group(process)
        if EMULATOR:  # it tells of signals that end a program
            stderr = re.sub(rb"(?m)^qemu: uncaught target signal .*\n", b"", stderr)
        return Result(stdout, stderr, process.returncode, time.monotonic() - started)

    def start(self, argv, env, stdin=subprocess.DEVNULL, cwd=None):
        """Starts argv as the leader of a process group of its own, which the test's end kills."""
        if EMULATOR:
            argv, env = emulated(argv, env)
        if argv[0] == COMMAND:
            env = {**sanitizer.environment(BUILD, SHIM), **env}
        process = subprocess.Popen(argv, env=env, cwd=cwd or self.cwd, stdin=stdin,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True)
        self.addCleanup(self.discard, process)
        return process

    @staticmethod
    def discard(process):
        end_group(process)
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()

    def trace(self, argv, via="run", bindings=None, content=False, env=None, input=None, timeout=120,
              quiet=True, remote_parents=(), consistent=True):
        """Runs argv traced; its dump is checked for consistency and nothing may be left behind.

        quiet: the shim's log must be empty.
        """
        full = self.environment(bindings, content, env)
        result = self.execute(self.traced_command(argv, via, bindings, full), full, input, timeout)
        if "thread" in SANITIZERS and self.left_rings():  # forked children have no drain
            self.command("recover", self.rings)
        self.collect(result)
        self.assertEqual(self.left_rings(), [], "ring files left behind")
        if quiet:
            self.assertEqual(result.log, "")
        if consistent:
            self.assertEqual(result.dump.inconsistencies(remote_parents), [])
        return result

    def collect(self, result):
        """Reads what a traced run wrote."""
        result.dump = Dump(self.out)
        result.log = self.read_log()
        return result

    def read_log(self):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, encoding="utf-8") as file:
            return file.read()

    def left_rings(self):
        return sorted(glob.glob(os.path.join(self.rings, "**"), recursive=True))[1:]

    def command(self, *arguments, env=None, input=None, timeout=120):
        """Runs the spanshim command."""
        full = self.environment(env=env)
        return self.execute([COMMAND] + list(arguments), full, input, timeout)

    def assert_same_as_untraced(self, argv, result, input=None, before=None):
        """The traced run's stdout, stderr and status equal those of an untraced run.

        before: called first, to put back what the traced run changed.
        """
        if before:
            before()
        untraced = self.execute(argv, input=input)
        self.assertEqual(result.visible, untraced.visible)
        return untraced

    def assert_tally(self, dump, lines, images=False, late=0):
        """The dump agrees with what victims counted of their own calls (tallies()).

        By process and function: a span for each call entered, ended OK for each that returned (a
        session: that was closed), with ERROR for the others. images: lines of one process are of different images, not cumulative.
        late: so many calls returned after their process's last line.
        """
        expected = {}
        for line in lines:
            closed = line["vict_session_close"]["returned"]
            for function, counts in line.items():
                if isinstance(counts, dict) and function != "vict_session_close":
                    key = line["pid"], function
                    if function == "vict_session_open":
                        counts["returned"] = closed
                    before = expected.get(key, (0, 0)) if images else (0, 0)
                    expected[key] = (before[0] + counts["entered"], before[1] + counts["returned"])
        found = {}
        for span in dump.spans:
            key = span.resource["process.pid"], span.attributes["code.function.name"]
            entered, returned = found.get(key, (0, 0))
            found[key] = (entered + 1, returned + (span.status == OK))
        for key in list(expected):
            # a call that was entered before a fork returns in the child as well
            expected[key] = (expected[key][0], min(expected[key]))
            if not expected[key][0]:
                del expected[key]
        self.assertEqual({key: entered for key, (entered, _) in found.items()},
                         {key: entered for key, (entered, _) in expected.items()})
        self.assertEqual(sum(returned for _, returned in found.values()),
                         sum(returned for _, returned in expected.values()) + late)

    def assert_checks(self, path=None):
        """`spanshim check` finds nothing wrong with the dump."""
        checked = self.command("check", path or self.out)
        self.assertEqual(checked.status, 0, checked.visible)

    def assert_children_within(self, dump, names):
        """Every span of these names lies, in time, within its parent."""
        for span in dump.spans:
            parent = dump.by_id.get(span.parent_id)
            if parent and span.name in names:
                self.assertLessEqual(parent.start, span.start, span)
                self.assertLessEqual(span.end, parent.end, span)


def end_group(process):
    """Kills what is left of a process group: a launcher that is killed leaves its child running."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def tallies(stdout):
    """What the process victims say they did: one dict a line."""
    return [json.loads(line) for line in stdout.decode().splitlines()]


def wait_until(condition, seconds=30, what="condition"):
    """Polls; the clock is only the limit, never the measure."""
    limit = time.monotonic() + seconds * PATIENCE
    while not condition():
        if time.monotonic() > limit:
            raise AssertionError("%s: not within %s s" % (what, seconds))
        time.sleep(0.01)


SIGKILL_STATUS = 128 + signal.SIGKILL


def main():
    sys.stdout.reconfigure(line_buffering=True)
    unittest.main(verbosity=2)
