# SPDX-License-Identifier: Apache-2.0
"""Mellea as the host of the adapter: it does and says what it would without, and content stays its
own."""

import os
import re

from harness import BUILD, ERROR, OK, SIGKILL_STATUS, Case, clean_environment, main
from mellea_env import MINORS, NEWEST, OLDER, needs, python

PROGRAMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mellea")
QUIET = {"MELLEA_LOGS_LEVEL": "CRITICAL"}  # its log lines have times
VERSIONS = (NEWEST, OLDER)
LIMIT = 500  # characters that Mellea keeps of a content
with open(os.path.join(PROGRAMS, "content.py"), encoding="utf-8") as file:
    MARKS = dict(re.findall(r'"([a-z ]+)": "(mark_of_\w+)"', file.read()))
GATES = ({"MELLEA_TRACES_CONTENT": "1"},
         {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"})


class Adapter(Case):
    def program(self, name, *arguments, version=NEWEST, telemetry=False, minor=None):
        path = os.path.join(PROGRAMS, name + ".py")
        return [python(version, telemetry, minor), "-B", path, *arguments]

    def same(self, argv, **options):
        """Traces it; what it shows is the same untraced."""
        env = {**QUIET, **options.pop("env", {})}
        traced = self.trace(argv, via="preload", env=env, **options)
        untraced = self.execute(argv, {**clean_environment(), **env})
        self.assertEqual(self.shown(traced), self.shown(untraced))
        return traced

    @staticmethod
    def shown(result):
        """Whether a future was waited for, or was done already, is up to the scheduler."""
        waited = re.compile(rb'(futures/_base.py", line )\d+, in result')
        return result.stdout, waited.sub(rb"\1N, in result", result.stderr), result.status

    def each(self, telemetry=False):
        """(version, minor) of each environment of that kind."""
        for version in VERSIONS:
            for minor in MINORS:
                if python(version, telemetry, minor):
                    yield version, minor

    # ---- the host

    @needs(NEWEST)
    def test_facts(self):
        """Names, signatures, flags, sources, coroutines, payloads of its own: as they are without
        us."""
        for telemetry in (False, True):
            for version, minor in self.each(telemetry):
                with self.subTest(version=version, minor=minor, telemetry=telemetry):
                    result = self.same(self.program("facts", version=version, minor=minor,
                                                    telemetry=telemetry))
                    self.assertEqual(result.status, 0, result.stderr)
                    refused = b"ImportError: This class requires the ContextForge plugin framework"
                    self.assertEqual(refused in result.stdout, not telemetry)

    @needs(NEWEST)
    def test_neutral(self):
        """Model options, contexts, backends, threads and the event loop see no watcher."""
        for telemetry in (False, True):
            for version, minor in self.each(telemetry):
                with self.subTest(version=version, minor=minor, telemetry=telemetry):
                    result = self.same(self.program("neutral", version=version, minor=minor,
                                                    telemetry=telemetry))
                    self.assertEqual(result.status, 0, result.stderr)
                    chat = "chat" if version == OLDER else "chat instant"
                    names = result.dump.names()
                    self.assertEqual((names["action"], names["session"]), (8, 1))
                    batches = [name for name in names if name.startswith("text_completion")]
                    self.assertEqual(sum(map(names.get, batches)), 4)
                    self.assertGreaterEqual(names[chat], 6)
                    self.assertFalse([span for span in result.dump.spans if span.unfinished])
                    os.remove(self.out)

    @needs(NEWEST)
    def test_ends_of_a_program(self):
        for version in VERSIONS:
            for how, status, message in ("raises", 1, "'gone'"), ("exits", 3, "3"):
                if not python(version):
                    continue
                with self.subTest(how, version=version):
                    result = self.same(self.program("endings", how, version=version))
                    session = result.dump.one("session")
                    self.assertEqual((result.status, session.status, session.message),
                                     (status, ERROR, message))
                    self.assertFalse(session.unfinished)
                    os.remove(self.out)

    @needs(NEWEST)
    def test_unit_tests(self):
        """A test file passes as it did; only the seconds that it took differ."""
        argv = self.program("endings", "tests")
        traced = self.trace(argv, via="preload", env=QUIET)
        untraced = self.execute(argv, {**clean_environment(), **QUIET})
        seconds = re.compile(rb"in [0-9.]+s")
        self.assertEqual([seconds.sub(b"in Xs", part) for part in traced.visible[:2]],
                         [seconds.sub(b"in Xs", part) for part in untraced.visible[:2]])
        self.assertEqual((traced.status, traced.dump.count("session")), (0, 2))

    @needs(NEWEST)
    def test_pytest(self):
        """The same under pytest, with its capture and assertion rewriting, where there is one."""
        argv = [python(), "-B", "-m", "pytest", "-p", "no:cacheprovider", "-v", "--durations=0",
                os.path.join(PROGRAMS, "endings.py")]
        aside = {**QUIET, "PYTHONPATH": os.path.join(BUILD, "pytest")}
        untraced = self.execute(argv, {**clean_environment(), **aside})
        if b"No module named pytest" in untraced.stderr:
            self.skipTest("no pytest: scripts/test puts one aside")
        traced = self.trace(argv, via="preload", env=aside)
        outcomes = re.compile(rb"endings.py::\S+ \w+|\d+ passed")
        self.assertEqual(outcomes.findall(traced.stdout), outcomes.findall(untraced.stdout))
        self.assertEqual((traced.status, traced.stderr), (untraced.status, untraced.stderr))
        self.assertEqual((traced.status, traced.dump.count("session")), (0, 2))

    # ---- ends that Mellea does not tell

    def ending(self, how, version, **options):
        result = self.same(self.program("endings", how, version=version), **options)
        return result.dump, [span for span in result.dump.spans if span.name.startswith("chat")]

    @needs(NEWEST)
    def test_computed(self):
        """A generation that came computed ends with its action."""
        for version in filter(python, VERSIONS):
            dump, (chat,) = self.ending("computed", version)
            action = dump.one("action")
            self.assertEqual((action.status, chat.status, chat.unfinished), (OK, OK, False))
            self.assertEqual(chat.parent_id, action.span_id)
            os.remove(self.out)

    @needs(NEWEST)
    def test_cancelled(self):
        for version in filter(python, VERSIONS):
            dump, (chat,) = self.ending("cancelled", version)
            for span in dump.one("action"), chat:
                self.assertEqual((span.status, span.attributes["error.type"], span.unfinished),
                                 (ERROR, "CancelledError", False))
                self.assertEqual([event.name for event in span.events], ["exception"])
            os.remove(self.out)

    @needs(NEWEST)
    def test_lazy(self):
        for version in filter(python, VERSIONS):
            dump, chats = self.ending("dropped", version)
            self.assertEqual([span.status for span in dump.named("action")], [OK, OK])
            self.assertEqual(sorted(chat.unfinished for chat in chats), [False, True])
            awaited, = (chat for chat in chats if not chat.unfinished)
            self.assertEqual(awaited.attributes["gen_ai.usage.output_tokens"], 2)
            os.remove(self.out)

    # ---- the program's own tracing

    @needs(NEWEST, telemetry=True)
    def test_own_tracing(self):
        """No double telemetry: nothing is written, and the log says why, once."""
        for version in VERSIONS:
            if not python(version, True):
                continue
            argv = self.program("content", "end", version=version, telemetry=True)
            result = self.same(argv, env={"MELLEA_TRACES_ENABLED": "true"}, quiet=False)
            self.assertEqual((result.status, result.dump.spans), (0, []))
            self.assertEqual(result.log.count("Mellea's own tracing is on"), 1)
            self.assertEqual(len(result.log.splitlines()), 1)
            os.remove(self.log)

    @needs(NEWEST)
    def test_own_tracing_toggled(self):
        """While it is on, nothing begins; what is under way ends."""
        dump, chats = self.ending("toggled", NEWEST, quiet=False)
        self.assertEqual((dump.names()), {"action": 2, "chat instant": 2})
        self.assertFalse([span for span in dump.spans if span.unfinished])
        self.assertEqual([chat.attributes["gen_ai.usage.output_tokens"] for chat in chats], [2, 2])

    # ---- the plugin framework

    @needs(NEWEST, telemetry=True)
    def test_plugins(self):
        """Plugins decide: what they block is no span, what they change is what spans tell."""
        for version, minor in self.each(telemetry=True):
            with self.subTest(version=version, minor=minor):
                argv = self.program("plugins", version=version, telemetry=True, minor=minor)
                result = self.same(argv, content=True)
                self.assertEqual(result.status, 1)
                self.assertTrue(result.stderr.rstrip().endswith(
                    b"Plugin blocked component_pre_execute: [WORD] a forbidden word"))
                names = result.dump.names()
                self.assertEqual((names["session"], names["action"]), (1, 3))
                late, = (span for span in result.dump.named("action") if span.status == ERROR)
                self.assertEqual(late.attributes["error.type"], "PluginViolationError")
                if version == NEWEST:
                    self.assertEqual([span.attributes["gen_ai.request.stream"]
                                      for span in result.dump.named("chat instant")], [True] * 3)
                    tools = result.dump.named("execute_tool greet")
                    self.assertEqual({span.attributes["gen_ai.tool.call.result"] for span in tools},
                                     {"HELLO YOU", "hello you"})
                os.remove(self.out)

    # ---- content

    def marks(self, text):
        return {what for what, mark in MARKS.items() if mark in text}

    def read(self, *paths):
        content = b""
        for path in paths:
            with open(path, "rb") as file:
                content += file.read()
        return content.decode("utf-8", "replace")

    def killed(self, version, env):
        """Marks in the ring file of a program that kills itself, and in what is recovered from
        it."""
        argv = self.program("content", "kill", version=version)
        full = self.environment(env={**QUIET, **env})
        result = self.execute(self.traced_command(argv, "preload", None, full), full)
        self.assertEqual(result.status, SIGKILL_STATUS, result.stderr)
        left = [path for path in self.left_rings() if os.path.isfile(path)]
        self.assertTrue(left)
        in_ring = self.marks(self.read(*left))
        recovered = self.command("recover", self.rings)
        self.assertEqual(recovered.status, 0, recovered.visible)
        return in_ring, self.marks(self.read(self.out))

    @needs(NEWEST)
    def test_content_stays(self):
        """Without a gate none of it is in the dump nor, at any time, in the ring file."""
        for version, minor in self.each():
            with self.subTest(version=version, minor=minor):
                result = self.same(self.program("content", "end", version=version, minor=minor))
                self.assertEqual(result.status, 0, result.stderr)
                self.assertEqual(self.marks(self.read(self.out)), {"text"})
                action = next(span for span in result.dump.named("action") if span.status == OK)
                key = "mellea.%sresponse_length" % ("" if version == OLDER else "action.")
                length = 30 * len(MARKS["response"] + " in an answer ")
                self.assertEqual(action.attributes[key], length)
                failed = result.dump.one("stream_with_chunking" if version == OLDER else "stream")
                self.assertEqual((failed.status, failed.message),
                                 (ERROR, "Streaming validation failed"))
                os.remove(self.out)
        metrics = self.path("metrics.jsonl")  # then more is told
        for version in filter(python, VERSIONS):
            self.assertEqual(self.killed(version, {"SPANSHIM_METRICS_OUT": metrics}), ({"text"}, {"text"}))
            self.assertEqual(self.marks(self.read(metrics)), set())
            os.remove(metrics)
            os.remove(self.out)

    @needs(NEWEST)
    def test_content_is_told(self):
        """With either gate it is there, cut as Mellea cuts it. A prompt is in no attribute of
        Mellea's."""
        told = {NEWEST: {"response", "tool argument", "tool result", "reason", "line", "text"},
                OLDER: {"response", "reason", "line", "text"}}
        for version in filter(python, VERSIONS):
            for gate in GATES:
                with self.subTest(version=version, gate=gate):
                    result = self.same(self.program("content", "end", version=version), env=gate)
                    self.assertEqual(self.marks(self.read(self.out)), told[version])
                    for text in self.contents(result.dump, version):
                        self.assertEqual((len(text), text[-3:]), (LIMIT + 3, "..."))
                    os.remove(self.out)
            self.assertEqual(self.killed(version, GATES[0]), (told[version], told[version]))
            os.remove(self.out)

    def contents(self, dump, version):
        action = min(dump.named("action"), key=lambda span: span.start)
        if version == OLDER:
            return [action.attributes["mellea.response"]]
        tool = dump.one("execute_tool look").attributes
        checked = next(span for span in dump.named("validation")
                       if "mellea.validation.failure_reasons" in span.attributes)
        return [action.attributes["mellea.action.response"], tool["gen_ai.tool.call.arguments"],
                tool["gen_ai.tool.call.result"],
                *checked.attributes["mellea.validation.failure_reasons"]]


if __name__ == "__main__":
    main()
