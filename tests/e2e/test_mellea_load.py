# SPDX-License-Identifier: Apache-2.0
"""Mellea under load and under kill -9: every span once, every parent right, memory flat."""

import os
import signal

from harness import ERROR, OK, SIGKILL_STATUS, Case, main, unfit
from mellea_env import NEWEST, OLDER, needs, python

CROWD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mellea", "crowd.py")
STREAM = {NEWEST: "stream", OLDER: "stream_with_chunking"}
COMPONENT = {NEWEST: "mellea.component.type", OLDER: "mellea.action_type"}
CHAT = {NEWEST: "chat instant", OLDER: "chat"}
BLOCK = {"SPANSHIM_ON_FULL": "block"}  # a burst may outrun the drain: here all are counted


class Load(Case):
    def crowd(self, *arguments, version=NEWEST, **options):
        argv = [python(version), "-B", CROWD] + [str(a) for a in arguments]
        return argv, self.trace(argv, env=BLOCK, **options)

    def assert_crowd(self, dump, acts, version):
        """A session with `acts` numbered actions, each with one chat of its own kind below it."""
        session = dump.one("session")
        self.assertEqual(dump.names(),
                         {"session": 1, "action": acts, CHAT[version]: acts})
        key = COMPONENT[version]
        actions = {span.attributes[key]: span for span in dump.named("action")}
        self.assertEqual(set(actions), {"Act%d" % number for number in range(acts)})
        for action in actions.values():
            self.assertEqual((action.parent_id, action.status), (session.span_id, OK))
        for chat in dump.named(CHAT[version]):
            self.assertEqual(chat.parent_id, actions[chat.attributes[key]].span_id)
            self.assertEqual(chat.attributes["gen_ai.usage.output_tokens"], 2)
        self.assertEqual(dump.losses, {})

    def gather(self, version):
        _, result = self.crowd("gather", 1000, version=version)
        self.assertEqual(result.visible, (b"", b"", 0))
        self.assert_crowd(result.dump, 1000, version)

    @needs(NEWEST)
    def test_gather(self):
        self.gather(NEWEST)

    @needs(OLDER)
    def test_gather_older(self):
        self.gather(OLDER)

    @needs(NEWEST)
    def test_threads(self):
        """Bare threads know nothing of the session by Mellea's own means; here they inherit it."""
        _, result = self.crowd("threads", 32, 25)
        self.assertEqual(result.visible, (b"", b"", 0))
        self.assert_crowd(result.dump, 800, NEWEST)

    @needs(NEWEST)
    @unfit("what is freed stays in its quarantine", "address")
    def test_memory(self):
        """20,000 acts need no more memory than 2,000."""
        _, result = self.crowd("resident")
        warm, full = map(int, result.stdout.split())
        self.assertLess(full - warm, 2048, "KiB")
        self.assertEqual(result.dump.count("action"), 22000)
        self.assertEqual(result.dump.count(CHAT[NEWEST]), 22000)
        self.assertEqual(result.dump.losses, {})


class Stream(Case):
    def tree(self, dump, version):
        """session > action > stream > chat, each once, each below the one before."""
        spans = [dump.one(name)
                 for name in ("session", "action", STREAM[version], CHAT[version])]
        self.assertEqual(len(dump.spans), 4)
        self.assertEqual([span.parent_id for span in spans],
                         [""] + [span.span_id for span in spans[:-1]])
        return spans

    def streamed(self, version, *words):
        argv = [python(version), "-B", CROWD, "stream", *words]
        result = self.trace(argv)
        return result, self.tree(result.dump, version)

    def passes(self, version):
        result, spans = self.streamed(version, "one", "two", "three")
        self.assertEqual(result.visible, (b"0\n1\n2\n", b"", 0))
        self.assertEqual([span.status for span in spans], [OK] * 4)
        events = [event.name for event in spans[2].events]
        self.assertEqual(events, ["quick_check", "chunk"] * 3
                         + ["streaming_done", "full_validation", "completed"])

    @needs(NEWEST)
    def test_passes(self):
        self.passes(NEWEST)

    @needs(OLDER)
    def test_passes_older(self):
        self.passes(OLDER)

    def fails(self, version):
        """The quick check of the second word fails: stream ERROR without exception, action with."""
        result, (session, action, stream, chat) = self.streamed(version, "one", "TWO", "three")
        self.assertEqual(result.status, 1)
        self.assertIn(b"RuntimeError: stopped after 1 words", result.stderr)
        self.assertEqual([span.status for span in (session, action, stream)], [ERROR] * 3)
        self.assertEqual([event.name for event in stream.events],
                         ["quick_check", "chunk", "quick_check", "completed"])
        self.assertEqual([event.name for event in action.events], ["exception"])
        self.assertEqual(action.events[0].attributes["exception.type"], "RuntimeError")
        trace = action.events[0].attributes["exception.stacktrace"]
        self.assertIn("in answer\n", trace)
        self.assertNotIn("raise RuntimeError", trace, "source lines are content")
        self.assertEqual(action.message, "stopped after 1 words")
        self.assertEqual(action.attributes["error.type"], "RuntimeError")

    @needs(NEWEST)
    def test_fails(self):
        self.fails(NEWEST)

    @needs(OLDER)
    def test_fails_older(self):
        self.fails(OLDER)

    def killed(self, version, chunks=5):
        """Killed while it streams: all four are in the dump, unfinished, with the chunks so far."""
        full = self.environment()
        argv = self.traced_command([python(version), "-B", CROWD, "stream"], "preload", None, full)
        process = self.start(argv, full)
        while process.stdout.readline() != b"%d\n" % chunks:
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertEqual(128 - process.returncode, SIGKILL_STATUS)
        done = self.command("recover", self.rings)
        self.assertEqual(done.status, 0, done.stderr)
        result = self.collect(done)
        session, action, stream, chat = spans = self.tree(result.dump, version)
        for span in spans:
            self.assertTrue(span.unfinished, span.name)
            self.assertEqual((span.status, span.message),
                             (ERROR, "unfinished: the process ended"))
        seen = [event.name for event in stream.events]
        self.assertGreaterEqual(len(seen), 2 * (chunks - 1))
        self.assertEqual(seen[:6], ["quick_check", "chunk"] * 3)
        self.assertEqual(self.left_rings(), [])

    @needs(NEWEST)
    def test_killed(self):
        self.killed(NEWEST)

    @needs(OLDER)
    def test_killed_older(self):
        self.killed(OLDER)


if __name__ == "__main__":
    main()
