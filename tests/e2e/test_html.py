# SPDX-License-Identifier: Apache-2.0
"""`spanshim html`: the page as its reader meets it, in a real browser."""

import unittest

import sample_dump
from html_case import DETAILS, SELECTED, HtmlCase
from sample_dump import attributes, event, line, span


def chat(number, parent, start, end, events=(), **more):
    """A call of a model that streams; more: attributes by their suffix after gen_ai."""
    listed = attributes(gen_ai__operation__name="chat", gen_ai__request__model="tiny") + [
        {"key": "gen_ai." + key, "value": sample_dump.value(content)} for key, content in more.items()]
    return span(number, parent, "chat tiny", start, end, listed, events=list(events))


def streams():
    """One trace of a Mellea program: a chat whose chunks are events, in a stream that a check has failed."""
    ms = 1_000_000
    return [line([
        span(1, 0, "session", 0, 100 * ms, attributes(mellea__session__context_type="ChatContext")),
        span(2, 1, "stream", 10 * ms, 90 * ms, events=[
            event("chunk", 30 * ms, chunk_index=0), event("quick_check", 31 * ms, passed=True),
            event("chunk", 50 * ms, chunk_index=1), event("quick_check", 51 * ms, passed=False)]),
        chat(3, 2, 12 * ms, 72 * ms, [event("chunk_processed", (20 + n) * ms) for n in range(40)], **{
            "usage.input_tokens": 44, "usage.output_tokens": 20, "response.time_to_first_chunk": 0.01,
            "response.finish_reasons": ["length"]}),
        chat(4, 2, 40 * ms, 80 * ms, **{"usage.input_tokens": 7, "usage.output_tokens": 1})])]


class Look(HtmlCase):
    """What is to be seen."""

    def test_tree(self):
        self.page(sample_dump.lines())
        rows = self.rows()
        self.assertEqual([(row["level"], row["name"], row["words"], row["duration"]) for row in rows], [
            (1, "session sqlite3", "sqlite3[1234] · my db.sqlite", "12.3 ms"),
            (2, "action sqlite3", "29 SQL bytes", "899 µs"),
            (3, "stream sqlite3", "row ×128, 872 more dropped", "798 µs"),
            (2, "action sqlite3", "ERROR SQLITE_CONSTRAINT: UNIQUE constraint failed: t.a", "500 µs"),
            (2, "action sqlite3", "unfinished · ratio=0.5 tags=[a, b]", "10.3 ms")])
        self.assertEqual([row["classes"] for row in rows], [[], [], [], ["error"], ["unfinished"]])
        self.assertEqual(self.browser.run("return [...document.querySelectorAll('#rows .badge')].map((b) => b.getAttribute('aria-label'))"),
                         ["error", "unfinished"])
        self.assertEqual(self.browser.run("return document.getElementById('totals').textContent"),
                         "1 trace · 5 spans · 1 error · 1 unfinished")
        self.assertEqual(self.browser.run("return document.title"), "t.jsonl")
        self.assertEqual(self.browser.run("return document.getElementById('notices').childElementCount"), 0)
        self.assertEqual(self.browser.log(), [])

    def test_bars(self):
        """Bars stand where their time is; chunks are strokes in them, and the wait for the first is paler."""
        self.page(streams())
        bars = self.browser.run("""return [...document.querySelectorAll('#rows .row')].map((row) => {
            const bar = row.querySelector('.span'), count = (name) => (row.querySelector('.tick.' + name)?.getAttribute('d').match(/M/g) || []).length;
            return {x: Number(bar.getAttribute('x')), width: Number(bar.getAttribute('width')), chunk: count('chunk'),
                other: count('other'), bad: count('bad'), wait: Number(row.querySelector('.wait')?.getAttribute('width') || 0),
                first: row.querySelectorAll('.first-chunk').length, concurrent: row.querySelectorAll('.concurrent').length}})""")
        whole = bars[0]["width"]
        self.assertGreater(whole, 300)
        for bar, (start, length) in zip(bars, [(0, 1), (0.1, 0.8), (0.12, 0.6), (0.4, 0.4)], strict=True):
            self.assertAlmostEqual(bar["x"] / whole, start, delta=0.01)
            self.assertAlmostEqual(bar["width"] / whole, length, delta=0.01)
        self.assertEqual([bar["chunk"] for bar in bars], [0, 2, 40, 0])
        self.assertEqual([(bar["other"], bar["bad"]) for bar in bars], [(0, 0), (1, 1), (0, 0), (0, 0)])
        self.assertEqual([bar["first"] for bar in bars], [0, 1, 1, 0])
        self.assertAlmostEqual(bars[2]["wait"] / whole, 0.1, delta=0.01)
        self.assertAlmostEqual(bars[1]["wait"] / whole, 0.2, delta=0.01)
        self.assertEqual([bar["concurrent"] for bar in bars], [0, 0, 1, 1])

    def test_chats(self):
        self.page(streams())
        self.assertEqual(self.rows()[2]["words"], "44→20 tokens · first chunk 10.0 ms · 400 tokens/s · length · chunk_processed ×40")
        self.assertEqual(self.browser.run("return document.querySelector('#row-2 .warn').textContent"), "length")
        self.choose("chat tiny")
        self.assertEqual(self.browser.run("return [...document.querySelectorAll('.tile')].map((tile) => [...tile.children].map((c) => c.textContent))"), [
            ["tiny", "model"], ["44 → 20", "tokens in → out"], ["10.0 ms", "first chunk"], ["400", "tokens/s"], ["length", "finish"]])

    def test_details(self):
        """Attributes, events, links, resource and stack trace, of which each can be copied."""
        stack = "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\nValueError: \tno"
        prompt = "first line\n\n    indented " + "long " * 3000 + "end"
        self.page([line([
            span(1, 0, "act", 0, 10, attributes(prompt=prompt, n=3, yes=True, listed=["a", "b"], json='{"a": [1, {"b": 2}]}'),
                 events=[event("exception", 5, exception__type="ValueError", exception__message="no", exception__stacktrace=stack),
                         event("note", 7)],
                 status={"code": 2, "message": "no"}, links=[{"traceId": "f" * 32, "spanId": "e" * 16}])])])
        text = self.choose("act")
        for part in ("ValueError", "span eeeeeeeeeeeeeeee of trace ffffffffffffffffffffffffffffffff", "+5 ns", "+7 ns",
                     "note", "sqlite3[1234]", "process.executable.name", "spanshim.native", '["a","b"]',
                     "2023-11-14 22:13:20.000 UTC"):
            self.assertIn(part, text)
        pre = "return document.querySelector('%s').textContent"
        self.assertEqual(self.browser.run(pre % ".problem pre"), stack)
        self.assertEqual(self.browser.run("return getComputedStyle(document.querySelector('.problem pre')).whiteSpaceCollapse"), "preserve")
        shown = self.browser.run(pre % ".attributes pre")
        self.assertTrue(prompt.startswith(shown) and 1000 < len(shown) < len(prompt))
        self.assertIn('{\n  "a": [\n    1,', text)
        self.browser.run("window.copied = []; navigator.clipboard.writeText = async (text) => window.copied.push(text);"
                         "document.querySelector('.problem .copy').click(); document.querySelector('.attributes .copy').click();"
                         "document.querySelector('.attributes dd .long > button:last-child').click()")
        self.assertEqual(self.browser.run("return window.copied"), [stack, prompt])
        self.assertEqual(self.browser.run(pre % ".attributes pre"), prompt)

    def test_light_and_dark(self):
        """As the system has it, or as chosen, which is remembered; texts stand out in both."""
        contrast = """const light = (text) => { const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
                .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
            const ground = (of) => { for (; ; of = of.parentElement) { const c = getComputedStyle(of).backgroundColor; if (!/, 0\\)/.test(c)) return c } };
            const seen = [...document.querySelectorAll('#rows span, #rows .duration, #totals, #details dt, #details dd, #details p, #details h3, #axis span, .tile span, button, summary')]
                .filter((e) => e.textContent.trim() && !e.disabled && !/fold/.test(e.className));
            const ratios = seen.map((e) => { const a = light(getComputedStyle(e).color), b = light(ground(e)); return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.className + ' ' + e.textContent.slice(0, 30)] });
            return [seen.length, ratios.sort((x, y) => x[0] - y[0])[0], getComputedStyle(document.body).backgroundColor]"""
        self.page(sample_dump.lines())
        self.choose("action sqlite3", 1)
        grounds = {}
        for scheme in ("light", "dark"):
            self.browser.emulate(prefers_color_scheme=scheme)
            count, (worst, where), grounds[scheme] = self.browser.run(contrast)
            self.assertGreater(count, 30)
            self.assertGreaterEqual(worst, 4.5, (scheme, where))
        self.assertNotEqual(grounds["light"], grounds["dark"])
        self.browser.emulate(prefers_color_scheme="light")
        self.browser.click("#theme")
        self.assertEqual(self.browser.run(contrast)[2], grounds["dark"])
        self.browser.reload()
        self.assertEqual(self.browser.run(contrast)[2], grounds["dark"])
        self.browser.press("t")
        self.assertEqual(self.browser.run(contrast)[2], grounds["light"])

    def test_widths_and_paper(self):
        """Nothing sticks out of a narrow window; on paper there are all rows and no tools."""
        self.page([line([span(n + 1, 1 if n else 0, "s%d" % n, n, 1000) for n in range(300)])])
        for width in (900, 1920):
            self.browser.resize(width, 900)
            self.choose("s3")
            self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth - innerWidth"), 0)
            self.assertGreater(self.browser.run("return document.querySelector('#rows').clientHeight"), 100)
            self.browser.press("Escape")
        self.assertLess(len(self.rows()), 100)
        self.browser.run("dispatchEvent(new Event('beforeprint'))")
        self.assertEqual(len(self.rows()), 300)
        self.browser.run("dispatchEvent(new Event('afterprint'))")
        self.assertLess(len(self.rows()), 100)


class Use(HtmlCase):
    """What can be done."""

    def test_keys(self):
        self.page(sample_dump.lines())
        press, selected = self.browser.press, lambda: self.browser.run(SELECTED)
        press("ArrowDown", "ArrowDown", "ArrowDown")
        self.assertEqual(selected(), "stream sqlite3")
        press("ArrowLeft")
        self.assertEqual(selected(), "action sqlite3")
        press("ArrowLeft")
        self.wait_names(["session sqlite3", "action sqlite3", "action sqlite3", "action sqlite3"])
        self.assertEqual(self.browser.run("return document.querySelector('#rows .selected').getAttribute('aria-expanded')"), "false")
        press("ArrowRight")
        self.browser.wait("return document.querySelectorAll('#rows .row').length === 5")
        press("ArrowRight")
        self.assertEqual(selected(), "stream sqlite3")
        press("Enter")
        self.assertIn("stream sqlite3", self.browser.wait(DETAILS))
        press("Escape")
        self.assertEqual(self.browser.run(DETAILS), "")
        press("c")
        self.wait_names(["session sqlite3"])
        press("2")
        self.wait_names(["session sqlite3", "action sqlite3", "action sqlite3", "action sqlite3"])
        press("x", "End")
        self.browser.wait("return document.querySelector('#rows .row:last-child.selected')")
        press("Home", "e")
        self.browser.wait("return document.querySelector('#rows .selected.error')")
        press("e")
        self.browser.wait("return document.querySelector('#rows .selected.unfinished')")
        press("E")
        self.browser.wait("return document.querySelector('#rows .selected.error')")
        press("?")
        self.assertTrue(self.browser.run("return document.getElementById('keys').open"))
        self.assertGreater(self.browser.run("return document.querySelectorAll('#keys dt').length"), 15)
        press("ArrowDown", "Escape")
        self.assertFalse(self.browser.run("return document.getElementById('keys').open"))
        self.assertTrue(self.browser.run("return document.querySelector('#rows .selected.error') !== null"))

    def test_collapse_by_mouse(self):
        self.page(sample_dump.lines())
        self.browser.click("#row-0 .fold")
        self.wait_names(["session sqlite3"])
        self.assertEqual(self.browser.run("return document.querySelector('.folded').textContent"), "4 below, 2 errors")
        self.browser.click("#expand")
        self.browser.wait("return document.querySelectorAll('#rows .row').length === 5")
        self.browser.run("const depth = document.getElementById('depth'); depth.value = '2'; depth.dispatchEvent(new Event('change'))")
        self.browser.wait("return document.querySelectorAll('#rows .row').length === 4")
        self.browser.click("#collapse")
        self.wait_names(["session sqlite3"])

    def test_search(self):
        """In names, keys, values, events and status messages; what is above a match stays, dimmed."""
        self.page([line([
            span(1, 0, "root", 0, 100), span(2, 1, "Über", 1, 10), span(3, 1, "b", 2, 10, attributes(some__key="plain")),
            span(4, 3, "c", 3, 10, attributes(text='say "hello"\nthere')), span(5, 1, "d", 4, 10, events=[event("e", 5, why="because")]),
            span(6, 1, "f", 5, 10, attributes(number=271828), status={"code": 2, "message": "went wrong"})])])
        everything = self.names()
        for text, names in (("über", ["root", "Über"]), ("SOME.KEY", ["root", "b"]), ('"hello"', ["root", "b", "c"]),
                            ("because", ["root", "d"]), ("271828", ["root", "f"]), ("went wrong", ["root", "f"]),
                            ("stringValue", []), ("nowhere", [])):
            self.browser.type("#search", text)
            self.wait_names(names)
            self.browser.wait("return document.getElementById('found').textContent === arguments[0]",
                              "1 match" if names else "0 matches")
            self.assertEqual([row["name"] for row in self.rows() if "context" in row["classes"]], names[:-1])
        self.browser.type("#search", "über")
        self.wait_names(["root", "Über"])
        self.assertEqual(self.browser.run("return document.querySelector('#rows mark').textContent"), "Über")
        self.browser.press("Enter")
        self.assertEqual(self.browser.run(SELECTED), "Über")
        self.browser.press("/", "Escape")
        self.wait_names(everything)
        self.assertEqual(self.browser.run("return document.activeElement.id"), "rows")

    def test_only_errors(self):
        self.page(sample_dump.lines())
        self.browser.click("#errors")
        self.browser.wait("return document.querySelectorAll('#rows .row').length === 3")
        self.assertEqual([row["classes"] for row in self.rows()], [["context"], ["error"], ["unfinished"]])
        self.assertEqual(self.browser.run("return document.getElementById('errors').getAttribute('aria-pressed')"), "true")
        self.browser.press("f")
        self.browser.wait("return document.querySelectorAll('#rows .row').length === 5")

    def test_link(self):
        """The address says trace and span, survives a reload, and opens what is folded away or filtered out."""
        others = [dict(span(1, 0, "other", 0, 10), traceId="%032x" % 7), dict(span(2, 1, "below", 0, 10), traceId="%032x" % 7)]
        page = self.page(sample_dump.lines() + [line(others)], fragment="#%032x/%016x" % (7, 2))
        self.assertEqual(self.browser.run(SELECTED), "below")
        self.assertEqual(self.names(), ["other", "below"])
        self.browser.press("[")
        self.choose("stream sqlite3")
        self.assertEqual(self.browser.run("return location.hash"), "#%s/%016x" % (sample_dump.TRACE, 3))
        self.browser.reload()
        self.assertEqual(self.browser.run(SELECTED), "stream sqlite3")
        self.assertIn("stream sqlite3", self.browser.wait(DETAILS))
        self.browser.press("c", "f")
        self.browser.run("location.hash = arguments[0]", "#%s/%016x" % (sample_dump.TRACE, 2))
        self.browser.wait(SELECTED + " === 'action sqlite3'")
        for nonsense in ("#nonsense", "#" + "0" * 32 + "/" + "1" * 16, "#%s/<img>" % sample_dump.TRACE):
            self.browser.open(page, nonsense)
            self.assertEqual(len(self.rows()), 5)

    def test_traces(self):
        """They are listed; a search tells where it found something."""
        self.page([line([dict(span(1, 0, "root%d" % n, n * 10**9, (n + 1) * 10**9, attributes(which="n%d." % n)),
                              traceId="%032x" % (n + 1)) for n in range(200)])])
        listed = "return [...document.querySelectorAll('.trace-item')].map((item) => item.querySelector('.name').textContent)"
        items = self.browser.run(listed)
        self.assertEqual(items[:3], ["root0", "root1", "root2"])
        self.assertLess(len(items), 40)
        self.browser.click(".trace-item:nth-child(3)")
        self.wait_names(["root2"])
        self.browser.press("]")
        self.wait_names(["root3"])
        self.browser.type("#search", "n137.")
        self.browser.wait("return document.querySelectorAll('.trace-item').length === 1")
        self.assertEqual(self.browser.run(listed), ["root137"])
        self.browser.press("Enter")
        self.wait_names(["root137"])
        self.browser.press("/", "Escape")
        self.browser.wait("return document.querySelectorAll('.trace-item').length > 1")
        self.browser.run("location.hash = '#%032x'" % 51)
        self.browser.wait("return document.querySelector('.trace-item.selected .name')?.textContent === 'root50'")

    def test_zoom(self):
        self.page(streams())
        marks = "return [...document.querySelectorAll('#axis .mark')].map((mark) => mark.textContent)"
        width = "return Number(document.querySelector('#row-2 .span').getAttribute('width'))"
        before, wide = self.browser.run(marks), self.browser.run(width)
        self.assertEqual(before[:2], ["0", "20.0 ms"])
        self.browser.press("+")
        self.browser.wait("return !document.getElementById('lens').hidden")
        self.assertNotEqual(self.browser.run(marks), before)
        self.browser.wait(width + " > arguments[0] * 1.2", wide)
        self.browser.press("0")
        self.browser.wait("return document.getElementById('lens').hidden")
        self.assertEqual(self.browser.run(marks), before)
        self.browser.pointer("#axis", (-50, 0), "down", (0, 0), (50, 0), "up")
        self.browser.wait("return !document.getElementById('lens').hidden")
        share = self.browser.run("return parseFloat(document.getElementById('lens').style.width)")
        expected = self.browser.run("return 100 / (document.getElementById('axis').clientWidth - 12) * 100")
        self.assertAlmostEqual(share, expected, delta=1)
        self.browser.press("0")
        self.choose("chat tiny")
        self.browser.press("z")
        self.browser.wait("return !document.getElementById('lens').hidden")
        self.assertAlmostEqual(self.browser.run("return parseFloat(document.getElementById('lens').style.width)"), 60 * 1.2, delta=0.1)
        self.browser.pointer("#axis", (0, 0), "down", "up", "down", "up")
        self.browser.wait("return document.getElementById('lens').hidden")


if __name__ == "__main__":
    unittest.main()
