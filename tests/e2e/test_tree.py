# SPDX-License-Identifier: Apache-2.0
"""`spanshim tree`: exact output for handcrafted dumps, and for damaged ones what can still be shown.

What --follow and --json do, and large dumps, are in files of their own.
"""

import subprocess
import time
import unittest

import sample_dump
from sample_dump import attributes, event, line, resource, span
from harness import PATIENCE
from tree_case import COMMAND, TreeCase

HEADER = "trace 0af7651916cd43dd8448eb211c80319c · "
WHEN = " · 2023-11-14 22:13:20 UTC\n"
GOLDEN = HEADER + "5 spans, 1 error, 1 unfinished · 12.3 ms" + WHEN + """\
  12.3 ms  session sqlite3 · sqlite3[1234] · my db.sqlite
   899 µs  ├─ action sqlite3 · 29 SQL bytes
   798 µs  │  └─ stream sqlite3 · row ×128, 872 more dropped
   500 µs  ├─ action sqlite3 · ERROR SQLITE_CONSTRAINT: UNIQUE constraint failed: t.a
  10.3 ms  └─ action sqlite3 · unfinished · ratio=0.5 tags=[a, b]
"""


def chat(number, parent, name, start, end, **more):
    """A call of a model; keys of attributes as they are."""
    listed = attributes(gen_ai__operation__name="chat") + [
        {"key": key, "value": sample_dump.value(content)} for key, content in more.items()]
    return span(number, parent, name, start, end, listed)


class Tree(TreeCase):
    def test_golden(self):
        self.assertEqual(self.shown(self.sample()), GOLDEN)

    def test_ascii(self):
        output = self.shown(self.sample(), LC_ALL="C")
        self.assertEqual(output.splitlines()[2:5], [
            "   899 us  |- action sqlite3 - 29 SQL bytes",
            "   798 us  |  `- stream sqlite3 - row x128, 872 more dropped",
            "   500 us  |- action sqlite3 - ERROR SQLITE_CONSTRAINT: UNIQUE constraint failed: t.a"])
        self.assertTrue(output.isascii())

    def test_colour(self):
        """By severity only, on a terminal only, and not when the user says no."""
        name = self.sample()
        coloured = self.on_terminal("--width", "0", name)
        dim, red, yellow, end = "\033[2m", "\033[31m", "\033[33m", "\033[0m"
        self.assertEqual(coloured.splitlines(), [
            HEADER + "5 spans, " + red + "1 error" + end + ", " + yellow + "1 unfinished" + end + dim
            + " · 12.3 ms" + WHEN[:-1] + end,
            "  12.3 ms  session sqlite3" + dim + " · sqlite3[1234] · my db.sqlite" + end,
            "   899 µs  " + dim + "├─ " + end + "action sqlite3" + dim + " · 29 SQL bytes" + end,
            "   798 µs  " + dim + "│  └─ " + end + "stream sqlite3" + dim + " · row ×128, 872 more dropped" + end,
            "   500 µs  " + dim + "├─ " + end + red
            + "action sqlite3 · ERROR SQLITE_CONSTRAINT: UNIQUE constraint failed: t.a" + end,
            "  10.3 ms  " + dim + "└─ " + end + yellow + "action sqlite3 · unfinished" + end
            + dim + " · ratio=0.5 tags=[a, b]" + end])
        for sequence in (dim, red, yellow, end):
            coloured = coloured.replace(sequence, "")
        self.assertEqual(coloured, GOLDEN)
        self.assertEqual(self.on_terminal("--width", "0", name, NO_COLOR="1"), GOLDEN)
        self.assertEqual(self.on_terminal("--width", "0", name, TERM="dumb"), GOLDEN)
        self.assertEqual(self.on_terminal("--width", "0", "--color", "never", name), GOLDEN)
        self.assertEqual(self.shown("--color", "always", name), self.on_terminal("--width", "0", name))

    def test_warnings(self):
        """What did not go as it should, without being an error, is yellow."""
        spans = [
            chat(1, 0, "chat m", 0, 10**9, **{"gen_ai.usage.output_tokens": 5,
                                              "gen_ai.response.finish_reasons": ["length"]}),
            span(2, 0, "validation", 1, 2, attributes(
                mellea__validation__passed=False, mellea__validation__passed_count=1,
                mellea__validation__requirement_count=3)),
            span(3, 0, "sampling", 2, 3, attributes(
                mellea__sampling__success=False, mellea__sampling__iterations_used=3,
                mellea__sampling__loop_budget=3))]
        output = self.shown("--color", "always", self.write([line(spans)]))
        self.assertIn("\033[33mlength\033[0m", output)
        self.assertIn("\033[33m1 of 3 passed\033[0m", output)
        self.assertIn("\033[33mno success\033[0m", output)
        self.assertIn("3 of 3 iterations", output)

    def test_width(self):
        name = self.sample()
        self.assertEqual(self.shown("--width", "40", name), """\
trace 0af7651916cd43dd8448eb211c80319c …
  12.3 ms  session sqlite3 · sqlite3[12…
   899 µs  ├─ action sqlite3 · 29 SQL b…
   798 µs  │  └─ stream sqlite3 · row ×…
   500 µs  ├─ action sqlite3 · ERROR SQ…
  10.3 ms  └─ action sqlite3 · unfinish…
""")
        self.assertEqual(self.shown("--width", "40", name), self.shown(name, COLUMNS="40"))
        for width in (1, 2, 5, 12, 30, 77, 90):
            for options in ((), ("--attributes", "--events")):
                lines = self.shown("--width", str(width), *options, name).splitlines()
                self.assertLessEqual(max(map(len, lines)), width)
        wide = self.write([line([span(1, 0, "日本語日本語日本語", 0, 1)])])
        self.assertEqual(self.shown("-w", "20", wide).splitlines()[1], "     1 ns  日本語日…")

    def test_terminal_widths(self):
        """A trace of a Mellea program, as terminals of several widths show it."""
        spans = [
            span(1, 0, "session", 0, 214_000_000, attributes(
                mellea__session__id="5e359a03-99e7", mellea__session__context_type="ChatContext",
                gen_ai__provider__name="openai")),
            span(2, 1, "action", 10, 168_000_000, attributes(
                mellea__component__type="Instruction", mellea__action__has_format=False,
                mellea__action__tool_calls=True, mellea__action__response_length=82)),
            chat(3, 2, "chat tiny", 20, 145_000_020, **{
                "gen_ai.request.model": "tiny", "gen_ai.provider.name": "openai",
                "mellea.component.type": "Instruction", "gen_ai.usage.input_tokens": 22,
                "gen_ai.usage.output_tokens": 14, "gen_ai.usage.cache_read.input_tokens": 5,
                "gen_ai.usage.reasoning.output_tokens": 0,
                "gen_ai.response.time_to_first_chunk": 0.045, "gen_ai.response.finish_reasons": ["stop"]}),
            span(4, 1, "execute_tool f", 170_000_000, 170_052_900, attributes(
                gen_ai__operation__name="execute_tool", gen_ai__tool__name="f",
                gen_ai__tool__call__arguments='{"city": "Oslo"}', gen_ai__tool__call__result="rain"))]
        name = self.write([line(spans)])
        self.assertEqual(self.shown("-w", "120", name), HEADER + "4 spans · 214 ms" + WHEN + """\
   214 ms  session · sqlite3[1234] · ChatContext · openai
   168 ms  ├─ action · Instruction · tools · 82 characters
   145 ms  │  └─ chat tiny · 22→14 tokens · first chunk 45.0 ms · 140 tokens/s · stop · 5 cached
  52.9 µs  └─ execute_tool f · “{"city": "Oslo"}” → “rain”
""")
        self.assertEqual(self.shown("-w", "60", name).splitlines(), [
            HEADER + "4 spans · 214 ms ·…",
            "   214 ms  session · sqlite3[1234] · ChatContext · openai",
            "   168 ms  ├─ action · Instruction · tools · 82 characters",
            "   145 ms  │  └─ chat tiny · 22→14 tokens · first chunk 45.…",
            '  52.9 µs  └─ execute_tool f · “{"city": "Oslo"}” → “rain”'])
        self.assertEqual(self.shown("-w", "60", name, LC_ALL="C").splitlines(), [
            HEADER.replace("·", "-") + "4 spans - 214 ms...",
            "   214 ms  session - sqlite3[1234] - ChatContext - openai",
            "   168 ms  |- action - Instruction - tools - 82 characters",
            "   145 ms  |  `- chat tiny - 22->14 tokens - first chunk ...",
            '  52.9 us  `- execute_tool f - "{"city": "Oslo"}" -> "rain"'])

    def test_deep_on_a_narrow_terminal(self):
        """There is always room for a name."""
        spans = [span(1 + depth, depth, "level%d" % depth, depth, 100) for depth in range(40)]
        lines = self.shown("-w", "60", self.write([line(spans)])).splitlines()[1:]
        for depth, text in enumerate(lines):
            self.assertIn("level%d" % depth, text)
        self.assertIn("(32 more) ", lines[39])

    def test_concurrent_siblings(self):
        """They hang on a double line."""
        spans = [span(1, 0, "all", 0, 100), span(2, 1, "alone", 0, 10), span(3, 1, "a", 10, 30),
                 span(4, 3, "below", 11, 12), span(5, 1, "b", 20, 25), span(6, 1, "next", 30, 40),
                 span(7, 1, "c", 50, 60), span(8, 1, "d", 55, 65)]
        name = self.write([line(spans)])
        self.assertEqual([text[11:] for text in self.shown(name).splitlines()[2:]], [
            "├─ alone", "╞═ a", "│  └─ below", "╞═ b", "├─ next", "╞═ c", "╘═ d"])
        self.assertEqual([text[11:] for text in self.shown(name, LC_ALL="C").splitlines()[2:]], [
            "|- alone", "|= a", "|  `- below", "|= b", "|- next", "|= c", "`= d"])

    def test_events(self):
        spans = [span(1, 0, "stream x", 0, 5_000_000, droppedEventsCount=1, events=[
            event("chunk", 1_000_000, length=12, text="a b"), event("done", 2_500_000)])]
        name = self.write([line(spans)])
        self.assertEqual(self.shown(name).splitlines()[1],
                         "  5.00 ms  stream x · sqlite3[1234] · chunk, done, 1 more dropped")
        self.assertEqual(self.shown("--events", name).splitlines()[1:], [
            "  5.00 ms  stream x · sqlite3[1234]",
            '                +1.00 ms chunk length=12 text="a b"',
            "                +2.50 ms done",
            "                1 more dropped"])

    def test_events_of_errors(self):
        """An exception says no more than the error, unless one wants to know."""
        spans = [dict(span(1, 0, "f", 0, 5_000_000, attributes(error__type="KeyError"), events=[
            event("exception", 1_000_000, exception__type="KeyError", exception__message="'x'",
                  exception__stacktrace="Traceback:\n  line 1", exception__escaped="False")]),
                      status={"code": 2, "message": "'x'"})]
        name = self.write([line(spans)])
        self.assertEqual(self.shown(name).splitlines()[1:],
                         ["  5.00 ms  f · ERROR KeyError: 'x' · sqlite3[1234]"])
        self.assertEqual(self.shown("-e", name).splitlines()[2:],
                         ["                +1.00 ms exception type=KeyError message='x'"])
        self.assertEqual(self.shown("-e", "-a", name).splitlines()[2:], [
            "                span 0000000000000001",
            "                error.type: KeyError",
            "                +1.00 ms exception",
            "                  exception.type: KeyError",
            "                  exception.message: 'x'",
            "                  exception.stacktrace: Traceback:",
            "                      line 1",
            "                  exception.escaped: False"])

    def test_generations(self):
        """Of calls of a model: what it was, how much, how fast, why it ended; the rest as of any span."""
        request, response = "gen_ai.request.model", "gen_ai.response.model"
        spans = [
            span(1, 0, "session", 0, 10**10),
            chat(2, 1, "chat m-1", 1, 2_000_000_001, **{
                request: "m-1", response: "m-1", "gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 30,
                "mellea.usage.total_tokens": 42, "gen_ai.response.time_to_first_chunk": 0.5,
                "gen_ai.usage.reasoning.output_tokens": 4,
                "gen_ai.response.finish_reasons": ["stop"], "gen_ai.conversation.id": "s",
                "gen_ai.provider.name": "openai"}),
            chat(3, 1, "chat", 3_000_000_000, 4_000_000_000, **{
                request: "m-1", response: "m-1-2024", "gen_ai.usage.output_tokens": 30,
                "gen_ai.response.finish_reasons": ["stop", "length"]}),
            dict(chat(4, 1, "chat", 5 * 10**9, 5 * 10**9 + 1, **{"gen_ai.response.finish_reasons": []}),
                 status={"code": 2}),
            span(5, 1, "execute_tool f", 6 * 10**9, 6 * 10**9 + 1, attributes(
                gen_ai__operation__name="execute_tool", gen_ai__tool__name="f", gen_ai__request__model="x"))]
        self.assertEqual(self.shown(self.write([line(spans)])).splitlines()[2:], [
            "   2.00 s  ├─ chat m-1 · 12→30 tokens · first chunk 500 ms · 20 tokens/s · stop · 4 reasoning"
            " · openai",
            "   1.00 s  ├─ chat · m-1 · ?→30 tokens · 30 tokens/s · stop, length · gen_ai.response.model=m-1-2024",
            "     1 ns  ├─ chat · ERROR",
            "     1 ns  └─ execute_tool f · x"])
        self.assertIn("12->30 tokens - first chunk", self.shown(self.write([line(spans)]), LC_ALL="C"))

    def test_words(self):
        """Of others' attributes key and value; no false booleans but telling ones; nothing twice."""
        spans = [
            span(1, 0, "a", 0, 9, attributes(
                city="Oslo", verbose=False, cached=True, login__success=False, code__lineno=3, n=1)),
            span(2, 1, "b", 1, 2, attributes(city="Oslo", n=1, label="two words", empty="")),
            span(3, 1, "c", 3, 4, attributes(db__query__text="SELECT 1", db__query__text_length=8)),
            span(4, 1, "d", 5, 6, attributes(http__response__status_code=200, one=1, two=2, three=3, four=4,
                                             five=5, six=6, seven=7))]
        self.assertEqual(self.shown(self.write([line(spans)])).splitlines()[1:], [
            "     9 ns  a · sqlite3[1234] · city=Oslo cached=true login.success=false n=1",
            '     1 ns  ├─ b · n=1 label="two words" empty=""',
            "     1 ns  ├─ c · “SELECT 1”",
            "     1 ns  └─ d · HTTP 200 · one=1 two=2 three=3 four=4 five=5 six=6"])

    def test_several_scopes(self):
        """A line may hold spans of several scopes."""
        data = line([span(1, 0, "session", 0, 9)])
        other = line([span(2, 1, "chat", 1, 2)])["resourceSpans"][0]["scopeSpans"][0]
        other["scope"] = {"name": "mellea.backend"}
        data["resourceSpans"][0]["scopeSpans"].append(other)
        self.assertEqual(self.shown(self.write([data])).splitlines()[1:], [
            "     9 ns  session · sqlite3[1234]", "     1 ns  └─ chat"])

    def test_attributes(self):
        output = self.shown("--attributes", "-w", "44", self.write([line([
            dict(span(1, 0, "a", 0, 1, attributes(thread__id=7, off=False, code__stacktrace="#0 f\n#1 main")),
                 links=[{"traceId": "f" * 32, "spanId": "e" * 16}]),
            span(2, 1, "b", 0, 1, attributes(text="the quick brown fox jumps over the dog"))])]))
        self.assertEqual(output.splitlines()[1:], [
            "     1 ns  a · sqlite3[1234]",
            "           │    span 0000000000000001",
            "           │    link to span eeeeeeeeeeeeee…",
            "           │    thread.id: 7",
            "           │    off: false",
            "           │    code.stacktrace: #0 f",
            "           │      #1 main",
            "     1 ns  └─ b",
            "                   span 0000000000000002",
            "                   text: the quick brown fox",
            "                          jumps over the dog"])

    def test_long_values(self):
        """Whole, on as many lines as they take."""
        text = "".join("%05d" % number for number in range(6000))
        output = self.shown("--attributes", "-w", "80", self.write([line([
            span(1, 0, "a", 0, 1, attributes(text=text))])]))
        lines = [part.strip() for part in output.splitlines()[3:]]
        self.assertEqual("".join(lines), "text: " + text)
        unlimited = self.shown("--attributes", "-w", "0", self.write([line([
            span(1, 0, "a", 0, 1, attributes(text=text))])]))
        self.assertEqual("".join(part.strip() for part in unlimited.splitlines()[3:]), "text: " + text)

    def test_filters(self):
        name = self.sample()
        lines = GOLDEN.splitlines()
        above, above_stream = "  12.3 ms  session sqlite3 · sqlite3[1234]", "   899 µs  └─ action sqlite3"
        self.assertEqual(self.shown("--errors", name).splitlines(), [lines[0], above, lines[4], lines[5]])
        stream = [lines[0], above, above_stream, lines[3].replace("│", " ")]
        for pattern in ("stream", "stream*", "*re?m*", "[s]tream sqlite3"):
            self.assertEqual(self.shown("--name", pattern, name).splitlines(), stream, pattern)
        self.assertEqual(self.shown("--min-duration", "600us", "-n", "act", name).splitlines(),
                         [lines[0], above, lines[2], lines[5]])
        for time_text in ("898.1us", "0.8981ms", "0.0008981s", "898100ns"):
            self.assertEqual(len(self.shown("-m", time_text, name).splitlines()), 4, time_text)
        for trace in (sample_dump.TRACE, "0af7", "0AF7", sample_dump.TRACE[:17]):
            self.assertEqual(self.shown("--trace", trace, name), GOLDEN)

    def test_context_is_dim(self):
        output = self.shown("--name", "stream", "--color", "always", self.sample()).splitlines()
        self.assertEqual(output[1], "\033[2m  12.3 ms  session sqlite3 · sqlite3[1234]\033[0m")
        self.assertEqual(output[3], "   798 µs  \033[2m   └─ \033[0mstream sqlite3\033[2m"
                         " · row ×128, 872 more dropped\033[0m")

    def test_nothing_to_show(self):
        name = self.sample()
        for arguments, why in ((("--name", "nothing*", name), "none of 5 spans matches"),
                               (("--name", "Session", name), "none of 5 spans matches"),
                               (("--min-duration", "1h", name), "none of 5 spans matches"),
                               (("--trace", "1" * 32, name), "no trace has such an id"),
                               ((self.write(b"", "empty"),), "there are no spans")):
            self.assertEqual(self.tree(*arguments), (0, "", "spanshim tree: " + why + "\n"))

    def test_limit(self):
        output = self.shown("--limit", "1", self.sample())
        self.assertEqual(output.splitlines()[2:], [
            "   899 µs  ├─ action sqlite3 · 29 SQL bytes",
            "   798 µs  │  └─ stream sqlite3 · row ×128, 872 more dropped",
            "           └─ 2 more, 2 errors"])

    def test_missing_parents(self):
        """Their children stand together; of whom a parent is that another program has, nobody knows."""
        spans = [span(7, 0x77, "action a", 0, 10), span(8, 7, "action b", 1, 5),
                 span(9, 0x99, "action c", 2, 4, flags=0x301), span(10, 0x77, "action d", 20, 25)]
        name = self.write([line(spans)])
        self.assertEqual(self.shown(name), HEADER + "4 spans, 2 missing · 25 ns" + WHEN + """\
  missing  span 0000000000000077 · sqlite3[1234]
    10 ns  ├─ action a
     4 ns  │  └─ action b
     5 ns  └─ action d
   remote  span 0000000000000099
     2 ns  └─ action c · sqlite3[1234]
""")
        self.assertIn("\033[33m  missing  span 0000000000000077", self.shown("--color", "always", name))

    def test_parents_in_a_ring(self):
        spans = [span(1, 3, "a", 0, 9), span(2, 1, "b", 1, 8), span(3, 2, "c", 2, 7), span(4, 4, "d", 3, 6),
                 span(5, 3, "e", 4, 5)]
        lines = self.shown(self.write([line(spans)])).splitlines()
        self.assertEqual(len(lines), 6, lines)
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
        expected[3:4] = ["   798 µs  │  ╞═ stream sqlite3 · row ×128, 872 more dropped",
                         "  1.00 µs  │  ╘═ session curl · curl[99]"]
        self.assertEqual(output.splitlines(), expected + [
            "", "trace " + "b" * 32 + " · 1 span · 1.00 s · 2023-11-14 22:13:21 UTC",
            "   1.00 s  session x · sqlite3[1234]",
            "", "spans that stand in the dumps more than once: 3"])

    def test_finished_after_all(self):
        """Of a span that stands there twice, once unfinished, the end is the better story."""
        lost = span(1, 0, "a", 0, 5, attributes(spanshim__unfinished=True), status={"code": 2})
        whole = span(1, 0, "a", 0, 9)
        for order in ([lost, whole], [whole, lost]):
            lines = self.shown(self.write([line(order)])).splitlines()
            self.assertEqual(lines, [HEADER + "1 span · 9 ns" + WHEN[:-1], "     9 ns  a · sqlite3[1234]", "",
                                     "spans that stand in the dumps more than once: 1"])

    def test_many_files(self):
        """More than a process may have open by default."""
        names = [self.write([line([span(1 + number, 0, "a", number, number + 1)])], "%d.jsonl" % number)
                 for number in range(400)]
        done = subprocess.run(["sh", "-c", 'ulimit -S -n 256; exec "$@"', "sh", COMMAND, "tree", *names],
                              env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(len(done.stdout.splitlines()), 401)

    def test_metrics(self):
        name = self.write(b'{"resourceMetrics":[]}\n')
        self.assertEqual(self.tree(name), (1, name + ":1: metrics, not spans: see 'spanshim stats'\n", ""))

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
        self.assertEqual(output.splitlines()[1], "     1 ns  evil \\e[2J\\a ?31m ? · ERROR \\e[0m\\r"
                         " · sqlite3[1234] · text=a\\e]0;t\\a\\x7f")

    def test_untrusted_text_everywhere(self):
        bad = "\x1b[31m\u009b1m\u202e\x07"
        spans = [span(1, 0, bad, 0, 10**9, [{"key": bad, "value": {"stringValue": bad}}]
                      + attributes(error__type=bad, db__query__text=bad), events=[event(bad, 1, **{bad: bad})],
                      status={"code": 2, "message": bad}, links=[{"traceId": bad, "spanId": bad}]),
                 chat(2, 1, "chat", 1, 2, **{
                     "gen_ai.request.model": bad, "gen_ai.usage.input_tokens": bad,
                     "gen_ai.response.finish_reasons": [bad]})]
        of = resource(7, bad)
        name = self.write([line(spans, of=of), line([], of=resource(**{"spanshim.dropped." + bad: 3}))])
        for options in ((), ("-a",), ("-e",), ("-a", "-e", "-w", "20"), ("--json",)):
            output = self.shown(*options, name)
            for character in "\x1b\u009b\u202e\x07":
                self.assertNotIn(character, output, options)

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
        self.assertLess(time.monotonic() - started, 30 * PATIENCE)
        self.assertEqual(len(lines), 1 + len(spans))
        self.assertEqual(sum("═ action" in text for text in lines), count)
        self.assertIn("(19974 more) ", lines[-1])

    def test_standard_input(self):
        """Whether it is a pipe or a file, and where in it one begins."""
        content = sample_dump.text(sample_dump.lines())
        self.assertEqual(self.tree("-", input=content), (0, GOLDEN, ""))
        with open(self.write(b"something else\n" + content), "rb", buffering=0) as file:
            file.read(len(b"something else\n"))
            done = subprocess.run([COMMAND, "tree", "-"], env=self.environment(), timeout=60, check=False,
                                  stdin=file, stdout=subprocess.PIPE)
        self.assertEqual(done.stdout.decode("utf-8"), GOLDEN)

    def test_usage(self):
        name = self.sample()
        for arguments in ([], ["--no-such-option", name], ["--limit", "0", name], ["--width", "x", name],
                          ["--trace", "12x", name], ["--trace", "1" * 33, name], ["--color", "blue", name],
                          ["--min-duration", "10", name], ["--min-duration", "ms", name],
                          ["--min-duration", "-1ms", name], ["--follow", "--json", name]):
            status, output, errors = self.tree(*arguments)
            self.assertEqual((status, output), (2, ""), arguments)
            self.assertIn("Try 'spanshim tree --help'.", errors)
        status, output, errors = self.tree("/no/such/file", name)
        self.assertEqual((status, output), (2, GOLDEN))
        self.assertEqual(errors, "spanshim tree: /no/such/file: No such file or directory\n")
        self.assertIn("Usage: spanshim tree", self.shown("--help"))


if __name__ == "__main__":
    unittest.main()
