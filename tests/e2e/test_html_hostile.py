# SPDX-License-Identifier: Apache-2.0
"""`spanshim html`: what a dump says is shown and never runs, reorders or hides anything; and that would be noticed."""

import base64
import hashlib
import json
import re
import unittest

import sample_dump
from html_case import HtmlCase
from sample_dump import attributes, event, span

RUN = "window.ran=(window.ran||[]).concat(%d)"
PAYLOADS = [
    "<script>" + RUN + "</script>",
    "</script><script>" + RUN + "</script>",
    "<!--<script>" + RUN + "</script>",
    "--></script></title></style><script>" + RUN + "</script>",
    "<img src=x onerror=\"" + RUN + "\">",
    "\"><svg onload='" + RUN + "'>",
    "'+" + RUN + "+'",
    "`${" + RUN + "}`",
    "javascript:" + RUN,
    "<a href=\"javascript:" + RUN + "\">link</a>",
    "<iframe srcdoc=\"<script>parent." + RUN + "</script>\"></iframe>",
    "<style>*{display:none}</style><meta http-equiv=refresh content=900>",
    "{{" + RUN + "}} @DATA@ @SCRIPT@",
    "__proto__", "constructor", "toString", "hasOwnProperty",
    "\u202egnp.exe\u202c \u2066x\u2069 \u200f", "a\u2028b\u2029c", "a\u0000b\u0007\u001b[31m", "\ufeff\u200b\U000e0041",
]
ZERO = "a\\u0000b"  # how a dump spells it; nothing else can stand in JSON
INVALID = b"bad \xff\xfe\xc3 utf8"
HUGE = "h" * 1_000_000 + "<b>"
# What may stand in no text of the page: see text.js.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
LOOK = """
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), texts = [];
    while (walker.nextNode())
        if (walker.currentNode.parentElement.tagName !== 'SCRIPT') texts.push(walker.currentNode.data);
    const all = [...document.querySelectorAll('*')], made = (names) => all.filter((e) => names.includes(e.localName)).length;
    return {
        ran: window.ran || [], text: texts.join('\\u0001'),
        scripts: all.filter((e) => e.localName === 'script' && e.type !== 'application/octet-stream').length,
        foreign: made(['img', 'iframe', 'a', 'object', 'embed', 'link', 'base', 'video', 'form']), styles: made(['style']),
        handlers: all.filter((e) => e.getAttributeNames().some((name) => name.startsWith('on'))).length,
        addresses: all.filter((e) => ['href', 'src', 'srcdoc', 'action'].some((name) => e.hasAttribute(name))).length,
        titles: all.map((e) => e.title || '').join('\\u0001'),
        loaded: performance.getEntriesByType('resource').map((entry) => entry.name), polluted: ({}).pwned !== undefined}"""


def hostile_dump():
    """Every payload as a name, key, value, event, message, resource, scope, link and state."""
    spans = [span(1, 0, "root", 0, 1000)]
    for n, payload in enumerate(PAYLOADS):
        text = payload % n if "%d" in payload else payload
        spans.append(span(
            n + 2, 1, text, n, 900, [
                {"key": text, "value": {"stringValue": text}},
                {"key": "listed", "value": sample_dump.value([text, text])},
                {"key": "nested", "value": {"kvlistValue": {"values": [{"key": text, "value": {"stringValue": text}}]}}},
                {"key": "error.type", "value": {"stringValue": text}}],
            events=[event(text, 5), event("exception", 6, exception__type=text, exception__message=text, exception__stacktrace=text)],
            status={"code": 2, "message": text}, links=[{"traceId": text, "spanId": text}], traceState=text, kind=text))
    spans.append(span(100, 1, "huge", 0, 10, attributes(huge=HUGE)))
    spans.append(span(101, 1, "ZERO", 0, 10, attributes(zero="ZERO")))
    spans.append(span(102, 1, "INVALID", 0, 10, attributes(invalid="INVALID")))
    of = {"attributes": attributes(service__name=PAYLOADS[0] % 50, process__executable__name=PAYLOADS[4] % 51, process__pid=7)
          + [{"key": PAYLOADS[1] % 52, "value": {"stringValue": PAYLOADS[1] % 53}},
             {"key": "spanshim.dropped." + PAYLOADS[4] % 54, "value": {"intValue": "3"}}]}
    line = {"resourceSpans": [{"resource": of, "scopeSpans": [
        {"scope": {"name": PAYLOADS[1] % 55, "version": PAYLOADS[4] % 56}, "spans": spans}]}]}
    text = json.dumps(line, ensure_ascii=False).encode("utf-8")
    return text.replace(b"ZERO", ZERO.encode()).replace(b"INVALID", INVALID) + b"\n" + b"<script>" + (RUN % 57).encode() + b"</script>\n"


class Hostile(HtmlCase):
    def make(self):
        """A page with all that is hostile, also where the command line can say it."""
        dump = self.write(hostile_dump(), "<img src=x onerror='%s'>.jsonl" % (RUN % 60))
        other = self.write(sample_dump.lines(), "</script><script>%s<!--" .replace("/", "\u2215") % (RUN % 61))
        page = self.path("page.html")
        status, errors = self.html(dump, other, "-o", page, "--name", "*", "--title", "</title><script>%s</script>\u202e" % (RUN % 62))
        self.assertEqual(status, 1)
        self.assertIn(":2: not JSON at byte 1", errors)
        return page

    def use(self):
        """Goes through all of the page, so that everything of the dump gets into it. What was seen on the way."""
        seen = [self.browser.run(LOOK)]
        count = self.browser.run("return document.querySelectorAll('#rows .row').length")
        self.assertEqual(count, len(PAYLOADS) + 4)
        self.browser.press("Home")
        for _ in range(count):
            self.browser.run("document.querySelectorAll('details').forEach((e) => e.open = true)")
            seen.append(self.browser.run(LOOK))
            self.browser.press("ArrowDown")
            self.browser.run("document.querySelector('#details').hidden && document.querySelector('#rows .selected .name').click()")
            self.browser.wait("""const title = document.querySelector('#details h2'), name = document.querySelector('#rows .selected .name');
                return title && title.textContent === name.textContent""")
        self.browser.type("#search", "script")
        self.browser.wait("return document.querySelector('#rows mark') !== null && !/…/.test(document.getElementById('found').textContent)")
        seen.append(self.browser.run(LOOK))
        return seen

    def complaints(self, seen):
        """All that should not be, of what was seen."""
        found = []
        for look in seen:
            found += ["ran %d" % n for n in look["ran"]] + ["loaded " + name for name in look["loaded"]]
            for key, expected in (("scripts", 1), ("foreign", 1), ("styles", 1), ("handlers", 0), ("addresses", 0), ("polluted", False)):
                if look[key] != expected:
                    found.append("%s: %r" % (key, look[key]))
            found += ["raw %r" % match.group() for match in map(UNSAFE.search, (look["text"].replace("\x01", ""), look["titles"].replace("\x01", ""))) if match]
        return found

    def test_nothing_runs(self):
        page = self.make()
        with open(page, "rb") as file:
            raw = file.read()
        self.assertEqual(len(re.findall(b"<script", raw)), len(re.findall(b"</script>", raw)))
        self.assertEqual(raw.count(b"<script>"), 1)
        self.assertEqual(raw.count(b"window.ran="), 1)  # in the title, escaped
        self.assertEqual(raw.count(b"<title>&lt;/title&gt;&lt;script&gt;window.ran"), 1)
        self.browser.open(page)
        seen = self.use()
        self.assertEqual(self.complaints(seen), [])
        self.assertEqual(self.browser.log(), [])
        text = "".join(look["text"] for look in seen).replace("\x01", "")
        for n, payload in enumerate(PAYLOADS[:13]):
            self.assertIn(payload % n if "%d" in payload else payload, text)
        for n in (50, 51, 52, 53, 54, 55, 56, 60, 61):
            self.assertIn(RUN % n, text)
        self.assertNotIn("native code", text)
        for shown in ("U+202E", "U+2028", "U+0000", "U+FEFF", "bad \ufffd\ufffd\ufffd utf8", "1\u202f000\u202f003 characters"):
            self.assertIn(shown, text)
        self.assertIn("</title><script>%s</script>\ufffd" % (RUN % 62), self.browser.run("return document.title"))

    def mutated(self, page, old, new, policy=True):
        """A page with another script. policy: it names that script's hash; else there is none at all."""
        with open(page, encoding="utf-8") as file:
            text = file.read()
        before, script, after = re.fullmatch(r"(.*<script>)(.*)(</script>\s*</body>.*)", text, re.S).groups()
        self.assertEqual(script.count(old), 1)
        hashes = [base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in (script, script.replace(old, new))]
        self.assertEqual(before.count(hashes[0]), 1)
        before = before.replace(*hashes) if policy else re.sub("<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", before)
        return self.write((before + script.replace(old, new) + after).encode("utf-8"), "mutated.html")

    MARKUP = ("	marked(parts, text.slice(from));\n	return parts;",
              "	parts.append(document.createRange().createContextualFragment(text));\n	return parts;")

    def test_it_would_be_noticed(self):
        """A page that takes texts for markup is found out; its policy alone still keeps them from running."""
        page = self.make()
        self.browser.open(self.mutated(page, *self.MARKUP, policy=False))
        self.assertTrue(set(self.browser.wait("return window.ran", seconds=20)) & set(range(len(PAYLOADS))))
        self.assertTrue(self.complaints([self.browser.run(LOOK)]))
        self.browser.log()
        self.browser.open(self.mutated(page, *self.MARKUP))
        look = self.browser.run(LOOK)
        self.assertEqual(look["ran"], [])
        self.assertTrue([found for found in self.complaints([look]) if found.startswith("foreign")])
        self.assertTrue([said for said in self.browser.log() if "Content Security Policy" in said])

    def test_raw_text_would_be_noticed(self):
        self.browser.open(self.mutated(self.make(), "	if (UNSAFE.test(text)) {", "	if (false) {"))
        self.assertTrue([found for found in self.complaints([self.browser.run(LOOK)]) if found.startswith("raw")])

    def test_script_of_another_hash(self):
        """A page whose script was changed does nothing."""
        with open(self.make(), encoding="utf-8") as file:
            text = file.read()
        self.browser.post("/url", url="about:blank")
        self.browser.post("/url", url="file://" + self.write(text.replace("'use strict';\n", "'use strict';\nwindow.ran = 1;\n").encode(), "changed.html"))
        self.assertEqual(self.browser.run("return [window.ran, document.documentElement.dataset.ready]"), [None, None])
        self.assertTrue([said for said in self.browser.log() if "Content Security Policy" in said])


if __name__ == "__main__":
    unittest.main()
