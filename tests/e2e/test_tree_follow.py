# SPDX-License-Identifier: Apache-2.0
"""`spanshim tree --follow`: files that are written while one looks on."""

import contextlib
import os
import signal
import subprocess
import threading
import unittest

import sample_dump
from harness import Case, clean_environment, wait_until
from sample_dump import attributes, line, resource, span
from tree_case import COMMAND, Terminal, TreeCase

HEADER = "trace 0af7651916cd43dd8448eb211c80319c · 2023-11-14 22:13:20 UTC"


class Follower:
    """A running `spanshim tree --follow`, and what it has said so far."""

    def __init__(self, arguments, env, stdin=subprocess.DEVNULL, stdout=None):
        self.process = subprocess.Popen([COMMAND, "tree", "--follow", *arguments], env=env, stdin=stdin,
                                        stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE)
        self.output, self.errors = b"", b""
        self.readers = [threading.Thread(target=self._read, args=("errors", self.process.stderr), daemon=True)]
        if not stdout:
            self.readers.append(threading.Thread(target=self._read, args=("output", self.process.stdout),
                                                 daemon=True))
        for reader in self.readers:
            reader.start()

    def _read(self, name, pipe):
        while chunk := os.read(pipe.fileno(), 65536):
            setattr(self, name, getattr(self, name) + chunk)

    @property
    def lines(self):
        return self.output.decode("utf-8").splitlines()

    def wait_for(self, text):
        wait_until(lambda: text.encode() in self.output + self.errors, what=text)

    def end(self, number=signal.SIGINT):
        """Status after that signal, or at its own end."""
        if number:
            self.process.send_signal(number)
        status = self.process.wait(30)
        for reader in self.readers:
            reader.join(30)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()
        return status


class Follow(TreeCase):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.directory, "t.jsonl")

    @contextlib.contextmanager
    def following(self, *arguments, **streams):
        follower = Follower(arguments, self.environment(), **streams)
        try:
            yield follower
        finally:
            if follower.process.poll() is None:
                follower.process.kill()
                follower.end(0)

    def append(self, *spans, path=None):
        with open(path or self.path, "ab") as file:
            file.write(sample_dump.text([line(list(spans))]))

    def test_as_spans_end(self):
        """Parents that have not ended are pending, and repeated when something else came between."""
        with self.following(self.path) as follower:
            follower.wait_for("t.jsonl is not there yet")
            self.append(span(3, 2, "chat a", 20, 30))
            follower.wait_for("chat a")
            self.append(span(4, 2, "chat b", 40, 50))
            follower.wait_for("chat b")
            self.append(span(9, 8, "other", 45, 55))
            follower.wait_for("other")
            self.append(span(5, 2, "chat c", 60, 70))
            follower.wait_for("chat c")
            self.append(span(2, 1, "action", 10, 80))
            follower.wait_for("action")
            self.append(span(1, 0, "session", 0, 90))
            follower.wait_for("session")
            self.assertEqual(follower.end(), 0)
        self.assertEqual(follower.lines, [
            HEADER,
            "  pending  span 0000000000000002 · sqlite3[1234]",
            "    10 ns  ├─ chat a",
            "    10 ns  ├─ chat b",
            "  pending  span 0000000000000008 · sqlite3[1234]",
            "    10 ns  ├─ other",
            "  pending  span 0000000000000002 · sqlite3[1234]",
            "    10 ns  ├─ chat c",
            "  pending  span 0000000000000001 · sqlite3[1234]",
            "    70 ns  ├─ action · span 0000000000000002",
            "    90 ns  session · sqlite3[1234] · span 0000000000000001",
            "",
            "spans still pending: 1"])
        self.assertEqual(follower.errors.decode(), "spanshim tree: %s is not there yet\n" % self.path)

    def test_traces_take_turns(self):
        other = {"traceId": "b" * 32}
        with self.following(self.path) as follower:
            self.append(span(2, 1, "a1", 10, 20))
            follower.wait_for("a1")
            self.append(span(3, 0, "b1", 30, 40, **other))
            follower.wait_for("b1")
            self.append(span(4, 1, "a2", 50, 60))
            follower.wait_for("a2")
            self.assertEqual(follower.end(signal.SIGTERM), 0)
        self.assertEqual(follower.lines[:9], [
            HEADER, "  pending  span 0000000000000001 · sqlite3[1234]", "    10 ns  ├─ a1", "",
            "trace " + "b" * 32 + " · 2023-11-14 22:13:20 UTC", "    10 ns  b1 · sqlite3[1234]", "",
            HEADER, "  pending  span 0000000000000001 · sqlite3[1234]"])

    def test_what_is_there_already(self):
        """The same tree as without --follow."""
        self.write(sample_dump.lines())
        with self.following(self.path) as follower:
            follower.wait_for("unfinished")
            follower.end()
        self.assertEqual(follower.lines[1:], self.shown(self.path).splitlines()[1:])

    def test_overlap_with_what_is_gone(self):
        with self.following(self.path) as follower:
            self.append(span(2, 1, "first", 10, 20))
            follower.wait_for("first")
            self.append(span(3, 1, "second", 15, 25))
            follower.wait_for("second")
            follower.end()
        self.assertEqual(follower.lines[3], "    10 ns  ╞═ second")

    def test_half_a_line(self):
        """It is one once its newline is there; what never gets one is cut off."""
        text = sample_dump.text([line([span(1, 0, "late", 0, 9)])])
        with self.following(self.path) as follower:
            self.append(span(7, 0, "early", 0, 5))
            follower.wait_for("early")
            with open(self.path, "ab", buffering=0) as file:
                before = self.bytes_read(follower)
                file.write(text[:200])
                wait_until(lambda: self.bytes_read(follower) >= before + 200, what="the first half")
                file.write(text[200:])
            follower.wait_for("late")
            before = self.bytes_read(follower)
            with open(self.path, "ab") as file:
                file.write(text[:100])
            wait_until(lambda: self.bytes_read(follower) >= before + 100, what="the cut line")
            self.assertEqual(follower.end(), 1)
        self.assertEqual(follower.lines[3:], ["", self.path + ":3: the last line is cut off"])
        self.assertEqual(follower.lines[:3],
                         [HEADER, "     5 ns  early · sqlite3[1234]", "     9 ns  late · sqlite3[1234]"])

    @staticmethod
    def bytes_read(follower):
        with open("/proc/%d/io" % follower.process.pid, encoding="ascii") as io:
            return int(io.readline().split()[1])

    def test_truncated(self):
        with self.following(self.path) as follower:
            self.append(span(2, 1, "before", 10, 20), span(3, 1, "too", 11, 12))
            follower.wait_for("before")
            os.truncate(self.path, 0)
            follower.wait_for("was truncated")
            self.append(span(4, 1, "after", 30, 40))
            follower.wait_for("after")
            self.append(span(1, 0, "root", 0, 50))
            follower.wait_for("root")
            self.assertEqual(follower.end(), 0)
        self.assertIn("    10 ns  ├─ after", follower.lines)
        self.assertEqual(follower.lines[-1], "    50 ns  root · sqlite3[1234] · span 0000000000000001")

    def test_rotated(self):
        """What came under the old name is read to its end, and parents are still known."""
        with self.following(self.path) as follower:
            self.append(span(2, 1, "before", 10, 20))
            follower.wait_for("before")
            self.append(span(3, 1, "last", 21, 22))
            os.rename(self.path, self.path + ".1")
            follower.wait_for("last")
            self.append(span(4, 1, "after", 30, 40))
            follower.wait_for("was replaced")
            follower.wait_for("after")
            self.assertEqual(follower.end(), 0)
        self.assertEqual([text[11:] for text in follower.lines[2:5]], ["├─ before", "├─ last", "├─ after"])

    def test_several_files(self):
        """One trace, over the files of several processes."""
        other = self.path + "2"
        with self.following(self.path, other) as follower:
            self.append(span(2, 1, "a", 10, 20))
            follower.wait_for("a\n")
            with open(other, "wb") as file:
                file.write(sample_dump.text([line([span(3, 1, "b", 30, 40)], of=resource(99, "curl"))]))
            follower.wait_for("b · curl[99]")
            self.append(span(1, 0, "root", 0, 50))
            follower.wait_for("root")
            follower.end()
        self.assertEqual(follower.lines[3], "    10 ns  ├─ b · curl[99]")

    def test_filters(self):
        with self.following("--errors", self.path) as follower:
            self.append(span(2, 1, "fine", 10, 20))
            self.append(dict(span(3, 1, "wrong", 30, 40), status={"code": 2, "message": "m"}))
            follower.wait_for("wrong")
            self.append(span(1, 0, "root", 0, 50))
            self.append(dict(span(5, 4, "worse", 60, 70), status={"code": 2}))
            follower.wait_for("worse")
            follower.end()
        self.assertEqual(follower.lines[:5], [
            HEADER, "  pending  span 0000000000000001 · sqlite3[1234]", "    10 ns  ├─ wrong · ERROR m",
            "  pending  span 0000000000000004 · sqlite3[1234]", "    10 ns  ├─ worse · ERROR"])

    def test_pipe(self):
        """Ends with its standard input."""
        with self.following("-", stdin=subprocess.PIPE) as follower:
            follower.process.stdin.write(sample_dump.text([line([span(2, 1, "a", 10, 20)])]))
            follower.process.stdin.flush()
            follower.wait_for("├─ a")
            follower.process.stdin.write(sample_dump.text([line([span(1, 0, "root", 0, 30)])]) + b'{"reso')
            follower.process.stdin.close()
            follower.process.stdin = None
            self.assertEqual(follower.end(0), 1)
        self.assertEqual(follower.lines[3:], ["    30 ns  root · sqlite3[1234] · span 0000000000000001", "",
                                              "-:3: the last line is cut off"])

    def test_nobody_reads(self):
        """As in `spanshim tree -f FILE | head`."""
        reader, writer = os.pipe()
        with self.following(self.path, stdout=writer) as follower:
            os.close(writer)
            follower.wait_for("is not there yet")
            os.close(reader)
            self.assertEqual(follower.end(0), 0)

    def test_unreadable(self):
        with self.following(self.directory) as follower:
            self.assertEqual(follower.end(0), 2)
        self.assertIn(b"Is a directory", follower.errors)


class OnTerminal(TreeCase):
    """The last trace is drawn anew in its place, as long as it is shorter than the screen."""

    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.directory, "t.jsonl")

    def follow(self, rows, spans, *arguments, columns=80):
        """The screen, after one span at a time has been seen."""
        with Terminal(rows, columns) as terminal:
            follower = Follower([*arguments, self.path], self.environment(), stdout=terminal.slave)
            for each in spans:
                with open(self.path, "ab") as file:
                    file.write(sample_dump.text([line([each])]))
                wait_until(lambda name=each["name"]: name in terminal.text, what=each["name"])
            self.assertEqual(follower.end(), 0)
            terminal.finish()
            return terminal

    SPANS = [span(3, 2, "chat-a", 20, 30), span(2, 1, "act-a", 10, 40), span(5, 4, "chat-b", 60, 70),
             span(4, 1, "act-b", 50, 80), span(1, 0, "session", 0, 90)]

    def test_drawn_anew(self):
        screen = self.follow(24, self.SPANS, "--color", "never").screen()
        self.assertEqual(screen, [HEADER] + self.shown(self.path).splitlines()[1:])

    def test_longer_than_the_screen(self):
        """From then on it grows downwards."""
        terminal = self.follow(5, self.SPANS, "--color", "never")
        self.assertEqual(terminal.screen(), [
            HEADER,
            "  pending  span 0000000000000001 · sqlite3[1234]",
            "    30 ns  ├─ act-a",
            "    10 ns  │  └─ chat-a",
            "  pending  span 0000000000000004 · sqlite3[1234]",
            "    10 ns  ├─ chat-b",
            "    30 ns  ├─ act-b · span 0000000000000004",
            "    90 ns  session · sqlite3[1234] · span 0000000000000001"])

    def test_two_traces(self):
        """The last one is drawn anew, the one before stays as it is."""
        spans = self.SPANS[:2] + [span(6, 0, "second", 100, 110, traceId="b" * 32), self.SPANS[4]]
        screen = self.follow(24, spans, "--color", "never").screen()
        self.assertEqual(screen, [
            HEADER, "  pending  span 0000000000000001 · sqlite3[1234]", "    30 ns  ├─ act-a",
            "    10 ns  │  └─ chat-a", "", HEADER,
            "    90 ns  session · sqlite3[1234] · span 0000000000000001", "",
            "trace " + "b" * 32 + " · 2023-11-14 22:13:20 UTC", "    10 ns  second · sqlite3[1234]"])

    def test_colour(self):
        terminal = self.follow(24, self.SPANS[:1] + [
            span(9, 0, "lost", 1, 2, attributes(spanshim__unfinished=True), status={"code": 2})])
        self.assertIn("\033[33m  pending  span 0000000000000002\033[0m", terminal.text)
        self.assertIn("\033[33mlost · unfinished\033[0m", terminal.text)


class Live(Case):
    """A traced program, followed while it runs."""

    def test_program(self):
        env = dict(clean_environment(), TERM="xterm")
        follower = Follower([self.out], env)
        try:
            self.trace(["sqlite3", self.path("a.db"), "CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2)",
                        "SELECT * FROM t"])
            follower.wait_for("session sqlite3")
            self.trace(["sqlite3", self.path("a.db"), "SELECT * FROM t", ".system kill -9 $PPID"], quiet=False)
            follower.wait_for("unfinished")
            self.assertEqual(follower.end(), 0)
        finally:
            follower.process.kill()
        named = [text for text in follower.lines if "sqlite3" in text and "pending" not in text]
        self.assertEqual(sum("action sqlite3" in text for text in named), 4)
        self.assertEqual(sum("stream sqlite3 · row ×2" in text for text in named), 2)
        self.assertEqual(sum("session sqlite3" in text for text in named), 2)
        self.assertEqual(sum(text.startswith("trace ") for text in follower.lines), 2)


if __name__ == "__main__":
    unittest.main()
