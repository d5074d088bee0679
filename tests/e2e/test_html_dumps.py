# SPDX-License-Identifier: Apache-2.0
"""`spanshim html`: dumps that are large, damaged, recovered, of several processes; and where the page goes."""

import json
import os
import re
import resource
import signal
import subprocess
import unittest

import sample_dump
from harness import unfit
from html_case import SELECTED, CommandCase, HtmlCase
from sample_dump import attributes, line, span
from tree_case import COMMAND, Terminal

LARGE = 100_000
LARGE_MEMORY_MB = 64  # a hundred bytes a span, and what a process needs anyway
ROWS_MAX = 80  # of a window of this height
NOTICES = "return [...document.querySelectorAll('#notices details')].map((box) => [...box.querySelectorAll('summary, li')].map((line) => line.textContent))"
THIN = "\u202f"


def write_large(path):
    """One session of many acts, of many chats each; one in a thousand has failed."""
    made = sample_dump.json.dumps(span(1, 0, "SPAN", 0, 0, attributes(
        gen_ai__operation__name="chat", gen_ai__request__model="tiny", gen_ai__usage__output_tokens=3, text="number NUMBER."),
        status={"code": "@code"}))
    made = re.sub(r'"(spanId|startTimeUnixNano|endTimeUnixNano)": "[^"]*"', r'"\1": "@\1"', made)
    before, after = json.dumps(line(["here"])).split('"here"')

    def text(number, parent, name, start, end, bad):
        content = made.replace("SPAN", name).replace("NUMBER", str(number)).replace('"@code"', "2" if bad else "0")
        for key, value in (("spanId", "%016x" % number), ("startTimeUnixNano", sample_dump.START + start),
                           ("endTimeUnixNano", sample_dump.START + end)):
            content = content.replace("@" + key, str(value))
        return content[:-1] + ', "parentSpanId": "%s"}' % ("%016x" % parent if parent else "")

    with open(path, "w", encoding="utf-8") as file:
        batch = [text(1, 0, "session", 0, LARGE * 1000, False)]
        for number in range(2, LARGE + 1):
            act = number - number % 100 + 1 if number % 100 else number - 99
            name, parent = ("act", 1) if number % 100 == 1 else ("chat tiny", act if act != number else 1)
            length = 90_000 if number % 100 == 1 else 100 + number % 700
            batch.append(text(number, parent, name, number * 1000, number * 1000 + length, number % 1000 == 500))
            if len(batch) == 500 or number == LARGE:
                file.write(before + ", ".join(batch) + after + "\n")
                batch = []


class Dumps(HtmlCase):
    def notices(self):
        return self.browser.run(NOTICES)

    @unfit("it measures")
    def test_large(self):
        """Only what is in sight is in the page; the end, an error and one text among all are found; memory is a small part."""
        dump, page = self.path("large.jsonl"), self.path("large.html")
        write_large(dump)
        with subprocess.Popen([COMMAND, "html", dump, "-o", page]) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        self.assertLess(usage.ru_maxrss / 1024, LARGE_MEMORY_MB)
        self.assertLess(os.path.getsize(page), os.path.getsize(dump) / 5)
        self.browser.open(page)
        few = lambda: self.assertLess(self.browser.run("return document.querySelectorAll('*').length"), 40 * ROWS_MAX)
        self.assertEqual(self.browser.run("return document.getElementById('totals').textContent"),
                         "1 trace · 100{0}000 spans · 100 errors".format(THIN))
        few()
        self.browser.press("End")
        self.browser.wait("return document.querySelector('#rows .selected .words')?.textContent.includes('number %d.')" % LARGE)
        few()
        self.browser.run("document.getElementById('rows').scrollTop = document.getElementById('rows').scrollHeight / 2")
        self.browser.wait("const row = document.querySelector('#rows .row'); return row && Number(row.dataset.row) > 40000 && Number(row.dataset.row) < 60000")
        few()
        self.browser.press("Home", "e")
        self.browser.wait("return document.querySelector('#rows .selected.error .words')?.textContent.includes('number 500.')")
        self.browser.type("#search", "number 77777.")
        self.browser.wait("return document.getElementById('found').textContent === '1 match'")
        self.wait_names(["session", "act", "chat tiny"])
        self.browser.press("Escape", "c")
        self.browser.wait("return document.querySelectorAll('#rows .row').length === 1")
        self.browser.press("2")
        self.browser.wait("return document.querySelectorAll('#rows .row').length > 20")
        few()

    def test_cut(self):
        """Above --spans the errors stay, then the longest; what is left out is told exactly, where it was and in all."""
        spans = [span(1, 0, "root", 0, 10**9), span(2, 1, "parent", 0, 10**6)]
        spans += [span(10 + n, 2, "n%d" % n, n, n + 1000 + n,
                       status={"code": 2} if n in (3, 5) else {}) for n in range(100)]
        spans += [dict(span(7, 0, "elsewhere", 0, 5), traceId="%032x" % 9)]
        told = (0, "spanshim html: 93 of 103 spans are left out, 0 of them with errors; none took longer than 1.09 µs: "
                   "--trace, --errors, --min-duration or --name choose, --spans 0 takes all\n")
        self.page([line(spans)], "--spans", "10", expected=told)
        self.browser.press("End")
        self.assertEqual([row["name"] for row in self.rows()],
                         ["root", "parent", "n3", "n5", "n94", "n95", "n96", "n97", "n98", "n99", "⋯92 spans left out"])
        self.assertEqual(self.browser.run(SELECTED), "n99")
        self.assertEqual(self.notices(), [["93 of 103 spans left out", "all with errors are here, and all that are unfinished",
                                           "none of them took longer than 1.09 µs",
                                           "spanshim html --trace, --errors, --min-duration or --name chooses others; --spans 0 takes all"]])
        self.page([line(spans)], "--spans", "3", expected=(0, told[1].replace("93 of 103", "100 of 103").replace("0 of them", "1 of them")
                                                          .replace("1.09", "1.10")))
        self.assertEqual([row["name"] for row in self.rows()], ["root", "parent", "n5", "⋯99 spans left out"])
        self.page([line(spans)], "--spans", "0")
        self.assertEqual(self.browser.run("return document.getElementById('totals').textContent"), "2 traces · 103 spans · 2 errors")
        self.assertEqual(self.notices(), [])

    def test_filters(self):
        """Those of `spanshim tree`; the page says that it has not all."""
        self.page(sample_dump.lines(), "--errors", "--min-duration", "1ms")
        self.assertEqual([(row["name"], row["classes"]) for row in self.rows()],
                         [("session sqlite3", ["context"]), ("action sqlite3", ["unfinished"])])
        self.assertEqual(self.notices(), [["only some of 5 spans", "--errors", "--min-duration 1ms"]])
        self.page(sample_dump.lines(), "--limit", "1")
        self.assertEqual(self.names(), ["session sqlite3", "action sqlite3", "stream sqlite3", "⋯2 spans left out, 2 errors"])
        self.page([line([span(1, 0, "root", 0, 9), span(2, 1, "a", 1, 2), span(3, 1, "b", 2, 3), span(4, 3, "c", 2, 3),
                         span(5, 4, "d", 2, 3, status={"code": 2}), span(6, 1, "e", 4, 5), span(7, 0, "other", 6, 7)])], "--limit", "1")
        self.assertEqual(self.names(), ["root", "a", "⋯4 spans left out, 1 error", "⋯1 span left out"])

    def test_losses(self):
        lost = sample_dump.resource(spanshim__dropped__ring_full__open=1200, spanshim__dropped__too_long=3)
        self.page([line(sample_dump.SPANS, lost)])
        self.assertEqual(self.notices(), [["1%s203 events lost" % THIN, "ring_full.open: 1%s200" % THIN, "too_long: 3"]])

    def test_damaged(self):
        """A line that cannot be read is named, the others are shown; so is a dump that ends in the middle of one."""
        text = sample_dump.text(sample_dump.lines())
        dump = self.write(b"nonsense\n" + text[:-200 - len(text.splitlines()[2])])
        page = self.path("page.html")
        problems = [dump + ":1: not JSON at byte 1", dump + ":3: the last line is cut off"]
        self.assertEqual(self.html(dump, "-o", page), (1, "".join(problem + "\n" for problem in problems)))
        self.browser.open(page)
        self.assertEqual(self.names(), ["session sqlite3", "action sqlite3", "stream sqlite3"])
        self.assertEqual(self.notices(), [["2 lines could not be read"] + problems])

    def test_missing_parents(self):
        self.page([line([span(2, 1, "child", 5, 10), dict(span(3, 9, "far", 6, 9), flags=0x300)])])
        self.assertEqual([(row["name"], row["words"]) for row in self.rows()], [
            ("span %016x" % 1, "missing: it is in none of the files · sqlite3[1234]"), ("child", ""),
            ("span %016x" % 9, "remote: another program’s"), ("far", "sqlite3[1234]")])
        self.assertIn("child", self.choose("child"))

    def test_absurd(self):
        """Spans thousands deep, and times that nothing has: what can be shown is shown, and every key works."""
        deep = [span(n + 1, n, "d%d" % n, n, 10_000) for n in range(5_000)]
        odd = [span(1, 0, "", 5, 1), dict(span(2, 1, "dawn", 0, 0), startTimeUnixNano="0", endTimeUnixNano=str(2**64 - 1)),
               span(3, 3, "own parent", 0, 1), dict(span(4, 1, "kinds", 0, 1), kind=99, attributes={"no": "list"}, events="none", links=[None, 3]),
               dict(span(5, 1, "values", 0, 1), attributes=[{"key": "a"}, {"key": "b", "value": None}, {"key": "c", "value": {}},
                                                            {"key": "d", "value": {"arrayValue": {}}}, {"key": "e", "value": {"bytesValue": "AA=="}}])]
        self.page([line(deep), line([dict(item, traceId="%032x" % 9) for item in odd])])
        self.browser.press("]")
        self.browser.press("End")
        self.browser.wait(SELECTED + " === 'd4999'")
        self.assertEqual(self.browser.run("return document.querySelector('#rows .selected').getAttribute('aria-level')"), "5000")
        self.browser.press("ArrowLeft", "3", "+", "z", "a", "d", "0", "e", "n", "x", "Home", "Enter", "[")
        for name in ("dawn", "own parent", "kinds", "values"):
            self.assertIn(name, self.choose(name))
            self.browser.press("z", "0")
        self.assertIn("AA==", self.browser.run("return document.getElementById('details').textContent"))
        self.assertEqual(self.browser.log(), [])

    def test_several_files(self):
        """Spans of one trace in two files are one tree; a span that stands twice is shown once."""
        lines = sample_dump.lines()
        first, second, page = self.write(lines[:1], "a.jsonl"), self.write(lines, "b.jsonl"), self.path("p.html")
        self.assertEqual(self.html(first, second, "-o", page), (0, ""))
        self.browser.open(page)
        self.assertEqual(len(self.rows()), 5)
        self.assertEqual(self.notices(), [["3 spans more than once in the dumps", "shown once"], ["2 files", first, second]])

    def test_empty(self):
        self.page(b"", expected=(0, "spanshim html: there are no spans\n"))
        self.assertEqual(self.rows(), [])
        self.assertEqual(self.browser.run("return document.getElementById('rows').dataset.empty"), "There are no spans.")
        self.assertEqual(self.browser.run("return document.getElementById('totals').textContent"), "0 traces · 0 spans")
        self.browser.press("ArrowDown", "e", "c", "0", "?")
        self.assertEqual(self.browser.log(), [])

    @unfit("it preloads nothing for them", "address", "thread")
    def test_recovered(self):
        """What `spanshim run` writes of a program that was killed."""
        dump = self.path("killed.jsonl")
        done = subprocess.run([COMMAND, "run", "--out", dump, "--", "sqlite3", ":memory:", "SELECT 1", ".system kill -9 $PPID"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)
        self.assertEqual(done.returncode, 128 + signal.SIGKILL)
        self.assertEqual(self.html(dump, "-o", self.path("p.html")), (0, ""))
        self.browser.open(self.path("p.html"))
        rows = self.rows()
        self.assertEqual([row["name"] for row in rows], ["session sqlite3", "action sqlite3", "stream sqlite3"])
        self.assertEqual(rows[0]["classes"], ["unfinished"])
        text = self.choose("session sqlite3")
        self.assertIn("Unfinished", text)
        self.assertIn("spanshim.unfinished", text)


class Output(CommandCase):
    """Where the page goes."""

    def names_there(self):
        return sorted(os.listdir(self.directory))

    def test_standard_output(self):
        dump, page = self.write(sample_dump.lines()), self.path("page.html")
        self.assertEqual(self.html(dump, "--output", page), (0, ""))
        with open(page, "rb") as file:
            expected = file.read()
        for arguments in ((dump,), (dump, "-o", "-")):
            self.assertEqual(subprocess.run([COMMAND, "html", *arguments], stdout=subprocess.PIPE, check=True).stdout, expected)
        done = subprocess.run([COMMAND, "html", "-", "--title", "t.jsonl"], input=sample_dump.text(sample_dump.lines()),
                              stdout=subprocess.PIPE, check=True)
        self.assertTrue(done.stdout.startswith(b"<!DOCTYPE html>") and done.stdout.endswith(b"</html>\n"))

    def test_terminal(self):
        dump = self.write(sample_dump.lines())
        with Terminal() as terminal:
            self.assertEqual(self.html(dump, stdout=terminal.slave), (2, (
                "spanshim html: the page is nothing for a terminal: name a file for it with --output\n"
                "Try 'spanshim html --help'.\n")))
            self.assertEqual(terminal.finish(), "")

    def test_whole_or_not_at_all(self):
        """A file that cannot be written to its end leaves what was there, and nothing else."""
        dump = self.write([line([span(n + 1, 0, "s", n, n + 1, attributes(noise=os.urandom(500).hex())) for n in range(500)])])
        page = self.path("page.html")
        with open(page, "w", encoding="ascii") as file:
            file.write("before")
        small = lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)))
        status, errors = self.html(dump, "-o", page, preexec_fn=small)
        self.assertEqual((status, errors), (2, "spanshim html: %s: File too large\n" % page))
        self.assertEqual(self.names_there(), ["page.html", "t.jsonl"])
        with open(page, encoding="ascii") as file:
            self.assertEqual(file.read(), "before")
        self.assertEqual(self.html(dump, "-o", page), (0, ""))
        self.assertEqual(self.names_there(), ["page.html", "t.jsonl"])
        self.assertGreater(os.path.getsize(page), 300_000)

    def test_full_device(self):
        with open("/dev/full", "wb") as full:
            status, errors = self.html(self.write(sample_dump.lines()), stdout=full)
        self.assertEqual(status, 2)
        self.assertIn("No space left on device", errors)
        self.assertEqual(self.html(self.path("t.jsonl"), "-o", "/dev/full"), (2, "spanshim html: /dev/full: No space left on device\n"))

    def test_link_stays(self):
        """A symbolic link still leads to the page; the mode is the user's default."""
        dump, page = self.write(sample_dump.lines()), self.path("page.html")
        os.symlink("real.html", page)
        with open(self.path("real.html"), "w", encoding="ascii"):
            pass
        self.assertEqual(self.html(dump, "-o", page, preexec_fn=lambda: os.umask(0o027)), (0, ""))
        self.assertTrue(os.path.islink(page))
        self.assertEqual(os.stat(page).st_mode & 0o777, 0o640)
        self.assertGreater(os.path.getsize(page), 10_000)

    def test_errors(self):
        dump, page = self.write(sample_dump.lines()), self.path("page.html")
        hint = "Try 'spanshim html --help'.\n"
        for arguments, expected in (
                ((), "spanshim html: no file given\n" + hint),
                ((dump, "-o", dump), "spanshim html: --output %s: that is one of the dumps\n" % dump + hint),
                ((dump, "--spans", "x"), "spanshim html: --spans x: expected a number\n" + hint),
                ((dump, "--limit", "0"), "spanshim html: --limit 0: expected a number above 0\n" + hint),
                ((dump, "--min-duration", "5"), "spanshim html: --min-duration 5: expected a time with its unit, as 10ms or 1.5s\n" + hint),
                ((dump, "-o", self.directory), "spanshim html: %s: Is a directory\n" % self.directory),
                ((dump, "-o", self.path("no/page.html")), "spanshim html: %s: No such file or directory\n" % self.path("no/page.html")),
                ((self.path("none.jsonl"), "-o", page), "spanshim html: %s: No such file or directory\n" % self.path("none.jsonl"))):
            self.assertEqual(self.html(*arguments, stdout=subprocess.DEVNULL), (2, expected))
        self.assertEqual(self.names_there(), ["t.jsonl"])
        status, errors = self.html(self.path("none.jsonl"), dump, "-o", page)
        self.assertEqual((status, errors), (2, "spanshim html: %s: No such file or directory\n" % self.path("none.jsonl")))
        self.assertEqual(self.names_there(), ["page.html", "t.jsonl"])


if __name__ == "__main__":
    unittest.main()
