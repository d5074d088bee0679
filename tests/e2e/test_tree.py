# SPDX-License-Identifier: Apache-2.0
"""`spanshim tree`: exact output for handcrafted dumps, and for damaged ones what can still be shown."""

import os
import pty
import subprocess
import tempfile
import time
import unittest

import sample_dump
from sample_dump import attributes, event, line, resource, span

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMAND = os.path.join(os.path.abspath(os.environ.get("SPANSHIM_BUILD") or os.path.join(SOURCE, "build")),
                       "spanshim")

HEADER = "trace 0af7651916cd43dd8448eb211c80319c · 2023-11-14 22:13:20 UTC · "
GOLDEN = HEADER + """5 spans, 1 error, 1 unfinished
  12.3 ms  session sqlite3 · sqlite3[1234] · db.system.name=sqlite db.namespace="my db.sqlite"
   899 µs  ├─ action sqlite3 · db.query.text_length=29
   798 µs  │  └─ stream sqlite3 · row ×128, 872 more dropped
   500 µs  ├─ action sqlite3 · ERROR SQLITE_CONSTRAINT: UNIQUE constraint failed: t.a · db.response.status_code=19
  10.3 ms  └─ action sqlite3 · unfinished · ratio=0.5 tags=[a, b]
"""


class Tree(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.directory = holder.name

    def write(self, content, name="t.jsonl"):
        path = os.path.join(self.directory, name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else sample_dump.text(content))
        return path

    def environment(self, **changes):
        kept = {name: value for name, value in os.environ.items()
                if name not in ("COLUMNS", "NO_COLOR", "LANG", "LC_CTYPE")}
        kept.update(LC_ALL="C.UTF-8", TERM="xterm")
        kept.update(changes)
        return kept

    def tree(self, *arguments, **changes):
        """Status, stdout and stderr; off a terminal."""
        done = subprocess.run([COMMAND, "tree", *arguments], env=self.environment(**changes),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False)
        return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")

    def on_terminal(self, *arguments, **changes):
        """Output on a pseudo-terminal."""
        master, slave = pty.openpty()
        with subprocess.Popen([COMMAND, "tree", *arguments], env=self.environment(**changes),
                              stdout=slave) as process:
            os.close(slave)
            output = b""
            try:
                while chunk := os.read(master, 65536):
                    output += chunk
            except OSError:  # the other end is closed
                pass
            process.wait(60)
        os.close(master)
        return output.decode("utf-8").replace("\r\n", "\n")

    def shown(self, *arguments, **changes):
        """Output of a run without trouble."""
        status, output, errors = self.tree(*arguments, **changes)
        self.assertEqual((status, errors), (0, ""), output)
        return output

    def sample(self):
        return self.write(sample_dump.lines())

    def test_golden(self):
        self.assertEqual(self.shown(self.sample()), GOLDEN)

    def test_ascii(self):
        output = self.shown(self.sample(), LC_ALL="C")
        self.assertEqual(output.splitlines()[2:5], [
            "   899 us  |- action sqlite3 - db.query.text_length=29",
            "   798 us  |  `- stream sqlite3 - row x128, 872 more dropped",
            "   500 us  |- action sqlite3 - ERROR SQLITE_CONSTRAINT: UNIQUE constraint failed: t.a"
            " - db.response.status_code=19"])
        self.assertTrue(output.isascii())

    def test_colour(self):
        """By severity only, on a terminal only, and not when the user says no."""
        name = self.sample()
        coloured = self.on_terminal("--width", "0", name)
        self.assertIn("├─ \033[31maction sqlite3 · ERROR SQLITE_CONSTRAINT", coloured)
        self.assertIn("└─ \033[33maction sqlite3 · unfinished", coloured)
        self.assertEqual(coloured.count("\033["), 4)
        plain = coloured.replace("\033[31m", "").replace("\033[33m", "").replace("\033[0m", "")
        self.assertEqual(plain, GOLDEN)
        self.assertEqual(self.on_terminal("--width", "0", name, NO_COLOR="1"), GOLDEN)
        self.assertEqual(self.on_terminal("--width", "0", name, TERM="dumb"), GOLDEN)
        self.assertEqual(self.on_terminal("--width", "0", "--color", "never", name), GOLDEN)
        self.assertEqual(self.shown("--color", "always", name), coloured)

    def test_width(self):
        name = self.sample()
        self.assertEqual(self.shown("--width", "40", name), """\
trace 0af7651916cd43dd8448eb211c80319c …
  12.3 ms  session sqlite3 · sqlite3[12…
   899 µs  ├─ action sqlite3 · db.query…
   798 µs  │  └─ stream sqlite3 · row ×…
   500 µs  ├─ action sqlite3 · ERROR SQ…
  10.3 ms  └─ action sqlite3 · unfinish…
""")
        self.assertEqual(self.shown("--width", "40", name), self.shown(name, COLUMNS="40"))
        for width in (1, 2, 5, 12, 30, 77, 90):
            lines = self.shown("--width", str(width), name).splitlines()
            self.assertLessEqual(max(map(len, lines)), width)
        wide = self.write([line([span(1, 0, "日本語日本語日本語", 0, 1)])])
        self.assertEqual(self.shown("-w", "20", wide).splitlines()[1], "     1 ns  日本語日…")

    def test_events(self):
        spans = [span(1, 0, "stream x", 0, 5_000_000, droppedEventsCount=1, events=[
            event("chunk", 1_000_000, length=12, text="a b"), event("done", 2_500_000)])]
        name = self.write([line(spans)])
        self.assertEqual(self.shown(name).splitlines()[1],
                         "   5.00 ms  stream x · sqlite3[1234] · chunk, done, 1 more dropped"[1:])
        self.assertEqual(self.shown("--events", name).splitlines()[1:], [
            "  5.00 ms  stream x · sqlite3[1234]",
            '                +1.00 ms chunk length=12 text="a b"',
            "                +2.50 ms done",
            "                1 more dropped"])

    def test_generations(self):
        """Of calls of a model: what it was, how much, how fast, why it ended; the rest as of any span."""
        def chat(number, name, start, end, **more):
            made = [{"key": key, "value": sample_dump.value(content)} for key, content in more.items()]
            return span(number, 1, name, start, end, attributes(gen_ai__operation__name="chat") + made)

        request, response = "gen_ai.request.model", "gen_ai.response.model"
        spans = [
            span(1, 0, "session", 0, 10**10),
            chat(2, "chat m-1", 1, 2_000_000_001, **{
                request: "m-1", response: "m-1", "gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 30,
                "mellea.usage.total_tokens": 42, "gen_ai.response.time_to_first_chunk": 0.5,
                "gen_ai.response.finish_reasons": ["stop"], "gen_ai.conversation.id": "s",
                "gen_ai.provider.name": "openai"}),
            chat(3, "chat", 2, 1_000_000_002, **{
                request: "m-1", response: "m-1-2024", "gen_ai.usage.output_tokens": 30,
                "gen_ai.response.finish_reasons": ["stop", "length"]}),
            dict(chat(4, "chat", 3, 4, **{"gen_ai.response.finish_reasons": []}), status={"code": 2}),
            span(5, 1, "execute_tool f", 4, 5, attributes(
                gen_ai__operation__name="execute_tool", gen_ai__tool__name="f", gen_ai__request__model="x"))]
        self.assertEqual(self.shown(self.write([line(spans)])).splitlines()[2:], [
            "   2.00 s  ├─ chat m-1 · 12→30 tokens · first chunk 500 ms · 20 tokens/s · stop"
            " · gen_ai.provider.name=openai",
            "   1.00 s  ├─ chat · m-1 · ?→30 tokens · 30 tokens/s · stop, length · gen_ai.response.model=m-1-2024",
            "     1 ns  ├─ chat · ERROR",
            "     1 ns  └─ execute_tool f · gen_ai.request.model=x"])
        self.assertIn("12->30 tokens - first chunk", self.shown(self.write([line(spans)]), LC_ALL="C"))

    def test_several_scopes(self):
        """A line may hold spans of several scopes."""
        data = line([span(1, 0, "session", 0, 9)])
        other = line([span(2, 1, "chat", 1, 2)])["resourceSpans"][0]["scopeSpans"][0]
        other["scope"] = {"name": "mellea.backend"}
        data["resourceSpans"][0]["scopeSpans"].append(other)
        self.assertEqual(self.shown(self.write([data])).splitlines()[1:], [
            "     9 ns  session · sqlite3[1234]", "     1 ns  └─ chat"])

    def test_attributes(self):
        output = self.shown("--attributes", self.write([line([
            span(1, 0, "a", 0, 1, attributes(thread__id=7, code__stacktrace="#0 f\n#1 main")),
            span(2, 1, "b", 0, 1)])]))
        self.assertEqual(output.splitlines()[1:], [
            "     1 ns  a · sqlite3[1234]",
            "           │    thread.id: 7",
            "           │    code.stacktrace: #0 f",
            "           │      #1 main",
            "     1 ns  └─ b"])

    def test_filters(self):
        name = self.sample()
        lines = GOLDEN.splitlines()
        self.assertEqual(self.shown("--errors", name).splitlines(), [lines[0], lines[1], lines[4], lines[5]])
        self.assertEqual(self.shown("--name", "stream*", name).splitlines(),
                         [lines[0], lines[1], lines[2].replace("├", "└"), lines[3].replace("│", " ")])
        self.assertEqual(self.shown("--name", "nothing*", name), "")
        self.assertEqual(self.shown("--trace", sample_dump.TRACE, name), GOLDEN)
        self.assertEqual(self.shown("--trace", "1" * 32, name), "")

    def test_limit(self):
        output = self.shown("--limit", "1", self.sample())
        self.assertEqual(output.splitlines()[2:], [
            "   899 µs  ├─ action sqlite3 · db.query.text_length=29",
            "   798 µs  │  └─ stream sqlite3 · row ×128, 872 more dropped",
            "           └─ 2 more, 2 errors"])

    def test_missing_parents(self):
        spans = [span(7, 0x77, "action a", 0, 10), span(8, 7, "action b", 1, 5),
                 span(9, 0x99, "action c", 2, 4, flags=0x301)]
        self.assertEqual(self.shown(self.write([line(spans)])), HEADER + """3 spans
    10 ns  action a · sqlite3[1234] · parent 0000000000000077 is not here
     4 ns  └─ action b
     2 ns  action c · sqlite3[1234] · remote parent 0000000000000099 is not here
""")

    def test_parents_in_a_ring(self):
        spans = [span(1, 3, "a", 0, 9), span(2, 1, "b", 1, 8), span(3, 2, "c", 2, 7), span(4, 4, "d", 3, 6),
                 span(5, 3, "e", 4, 5)]
        lines = self.shown(self.write([line(spans)])).splitlines()
        self.assertEqual(len(lines), 6)
        for name in "abcde":
            self.assertEqual(sum((" %s" % name) in text for text in lines[1:]), 1, lines)

    def test_several_files(self):
        """One trace over the files of several processes; a span that stands in two is shown once."""
        sample = sample_dump.lines()
        child = line([span(6, 2, "session curl", 5_000, 6_000)], of=resource(99, "curl"))
        other = line([span(7, 0, "session x", 10**9, 2 * 10**9, traceId="b" * 32)])
        first = self.write(sample[:1] + [other], "1.jsonl")
        second = self.write([child] + sample, "2.jsonl")
        output = self.shown(first, second)
        expected = GOLDEN.replace("5 spans", "6 spans").splitlines()
        expected[3:4] = ["   798 µs  │  ├─ stream sqlite3 · row ×128, 872 more dropped",
                         "  1.00 µs  │  └─ session curl · curl[99]"]
        self.assertEqual(output.splitlines(), expected + [
            "", "trace " + "b" * 32 + " · 2023-11-14 22:13:21 UTC · 1 span",
            "   1.00 s  session x · sqlite3[1234]",
            "", "spans that stand in the dumps more than once: 3"])

    def test_losses(self):
        lost = [line([], of=resource(pid, spanshim__dropped__ring_full__open=12,
                                     spanshim__dropped__exit__point=1)) for pid in (1, 2)]
        output = self.shown(self.write(sample_dump.lines() + lost))
        self.assertEqual(output, GOLDEN + "\nevents lost: ring_full.open 24\nevents lost: exit.point 2\n")

    def test_cut_last_line(self):
        content = sample_dump.text(sample_dump.lines()[:2])
        name = self.write(content + content[:300])
        self.assertEqual(self.tree(name), (1, GOLDEN + "\n%s:3: the last line is cut off\n" % name, ""))

    def test_unreadable_lines(self):
        good = sample_dump.text(sample_dump.lines()).splitlines(keepends=True)
        nameless = good[1].replace(b'"name": "action', b'"title": "action')
        name = self.write(good[0] + b"oops\n" + b"{}\n" + nameless + good[1] + b"x\n" * 20)
        status, output, _ = self.tree(name)
        self.assertEqual(status, 1)
        self.assertTrue(output.startswith(GOLDEN))
        lines = output[len(GOLDEN):].splitlines()
        self.assertEqual(lines[:5], ["", name + ":2: not JSON at byte 1", name + ":3: no resourceSpans",
                                     name + ":4: 2 spans without a proper name, id or time",
                                     name + ":6: not JSON at byte 1"])
        self.assertEqual(lines[-1], "13 more lines that could not be read")

    def test_untrusted_text(self):
        """Nothing in a dump reaches the terminal as an escape sequence."""
        spans = [span(1, 0, "evil \x1b[2J\x07 \u009b31m \u202e", 0, 1,
                      attributes(text="a\x1b]0;t\x07\x7f"), status={"code": 2, "message": "\x1b[0m\r"})]
        output = self.shown(self.write([line(spans)]))
        self.assertEqual(output.splitlines()[1], "     1 ns  evil \\e[2J\\a ?31m ? · sqlite3[1234] · "
                         "ERROR \\e[0m\\r · text=a\\e]0;t\\a\\x7f")

    def test_durations(self):
        cases = {0: "0 ns", 999: "999 ns", 1_000: "1.00 µs", 9_994: "9.99 µs", 99_940: "99.9 µs",
                 999_499: "999 µs", 999_500: "1.00 ms", 12_345_678: "12.3 ms", 999_499_999: "999 ms",
                 999_500_000: "1.00 s", 59_499_999_999: "59.5 s", 59_500_000_000: "1m00s", 3_599 * 10**9: "59m59s",
                 3_600 * 10**9: "1h00m", 100 * 3_600 * 10**9: "100h00m"}
        spans = [span(1 + number, 0, "x", number, number + length) for number, length in enumerate(cases)]
        lines = self.shown(self.write([line(spans)])).splitlines()[1:]
        self.assertEqual([text[:11].rstrip() for text in lines], [text.rjust(9) for text in cases.values()])

    def test_wide(self):
        """A hundred thousand spans under one, and a chain of twenty thousand."""
        count = 100_000
        spans = [span(1, 0, "session", 0, 10**9)]
        spans += [span(2 + number, 1, "action", number, number + 5) for number in range(count)]
        spans += [span(10**6 + number, 10**6 + number - 1 if number else 0, "deep", number, 10**9)
                  for number in range(20_000)]
        name = self.write([line(spans[at:at + 1000]) for at in range(0, len(spans), 1000)])
        started = time.monotonic()
        lines = self.shown(name).splitlines()
        self.assertLess(time.monotonic() - started, 30)
        self.assertEqual(len(lines), 1 + len(spans))
        self.assertEqual(sum("─ action" in text for text in lines), count)
        self.assertIn("(19974 more) ", lines[-1])

    def test_standard_input(self):
        done = subprocess.run([COMMAND, "tree", "-"], env=self.environment(), timeout=60, check=False,
                              input=sample_dump.text(sample_dump.lines()), stdout=subprocess.PIPE)
        self.assertEqual(done.stdout.decode("utf-8"), GOLDEN)

    def test_usage(self):
        name = self.sample()
        for arguments in ([], ["--no-such-option", name], ["--limit", "0", name], ["--width", "x", name],
                          ["--trace", "12", name], ["--color", "blue", name]):
            status, output, errors = self.tree(*arguments)
            self.assertEqual((status, output), (2, ""), arguments)
            self.assertIn("Try 'spanshim tree --help'.", errors)
        status, output, errors = self.tree("/no/such/file", name)
        self.assertEqual((status, output), (2, GOLDEN))
        self.assertEqual(errors, "spanshim tree: /no/such/file: No such file or directory\n")
        self.assertIn("Usage: spanshim tree", self.shown("--help"))


if __name__ == "__main__":
    unittest.main()
