# SPDX-License-Identifier: Apache-2.0
"""docs/OUTPUT.md: its tables have what the sources have, and what real dumps have stands in them."""

import os
import re

import documents
import mellea_env
from harness import SOURCE, Case, Dump, main
from metrics_file import MetricsFile

TYPES = {"STRING": "string", "INT": "int", "BOOL": "bool", "DOUBLE": "double", "STRINGS": "strings"}
# In a table, how a row's first cells are written.
CELL = re.compile(r"`([^`]+)`")
BUCKETS = {
    "powers of 4 from 1 to 67108864": [4.0 ** n for n in range(14)],
    "0.01 · 2ⁿ, to 81.92": [0.01 * 2 ** n for n in range(14)],
    "1, 2.5, 5 per decade, from 1e-6 to 10": sorted({f * 10.0 ** n for n in range(-6, 1) for f in (1, 2.5, 5)} | {10}),
}


def source(*parts):
    with open(os.path.join(SOURCE, *parts), encoding="utf-8") as file:
        return file.read()


def tables(text):
    """The tables of a page: lists of rows, which are lists of cells; without the head."""
    found = []
    for block in re.findall(r"^\|.*\n\|-[-|]*\|\n((?:\|.*\n)+)", text, re.M):
        found.append([[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()])
    return found


def vocabulary():
    """{(key in 0.8, key in 0.7, type)} of collector/vocabulary.c and shim/field.h; "" for none."""
    text = source("collector", "vocabulary.c")
    named = dict(re.findall(r'static const char (\w+)\[\] = "([^"]+)"', text))
    types = dict(re.findall(r"X\((\w+), (\w+)\)", source("shim", "field.h")))
    rows = re.search(r"#define ROWS\(X\)(.*?)\n\n", text.replace("\\\n", " "), re.S)[1]
    key = r"(?:NONE|\w+\((?:\"([^\"]+)\"|(\w+))\))"
    found = set()
    for match in re.finditer(r"X\((\w+),\s*%s,\s*%s\)" % (key, key), rows):
        old, new = (match[n] or named.get(match[n + 1], "") for n in (2, 4))
        if old or new:
            found.add((new, old, TYPES[types[match[1]]]))
    return found


def instruments():
    """[(name, of 0.7, kind, unit, bounds)] of collector/instruments.c."""
    text = source("collector", "instruments.c")
    arrays = {name: [float(bound) for bound in bounds.split(",")]
              for name, bounds in re.findall(r"static const double (\w+)\[\] = \{(.*?)\};", text, re.S)}
    pattern = r'\[SS_INSTRUMENT_(\w+)\] = \{ (COUNTER|HISTOGRAM)\w*(?:\((\w+)\))?, \w+, "([^"]+)",\s*"([^"]+)"'
    return [(name, which.endswith("_0_7"), kind.lower(), unit, arrays.get(array, []))
            for which, kind, array, unit, name in re.findall(pattern, text)]


class Output(Case):
    def setUp(self):
        super().setUp()
        self.page = source("docs", "OUTPUT.md")

    def rows(self, heading):
        """All rows of the tables below a heading, to the next one of its rank."""
        rank = heading.split(" ")[0]
        body = self.page.split("\n%s\n" % heading, 1)[1]
        body = re.split(r"\n#{1,%d} " % len(rank), body, maxsplit=1)[0]
        return [row for table in tables(body) for row in table]

    def attribute_rows(self):
        return [row for row in self.rows("### Spans of Mellea") if row[2] in TYPES.values()]

    def test_attributes(self):
        told = set()
        for new, old, kind, _ in self.attribute_rows():
            new = new.strip("`")
            told.add((new, new if old == "same" else old.strip("`"), kind))
        self.assertEqual(told, vocabulary())
        self.assertGreater(len(told), 70)
        exceptions = re.search(r"exceptions\[\] = \{(.*?)\n\};", source("collector", "vocabulary.c"), re.S)[1]
        for key in re.findall(r'"([^"]+)"', exceptions):
            self.assertIn("`%s`" % key, self.page)

    def test_spans(self):
        told = {name.split(" ")[0] for row in self.rows("### Spans of Mellea") if row[1] in ("application", "backend")
                for name in CELL.findall(row[0])}
        names = set()
        for family in ("session", "component", "generation", "sampling", "streaming", "tool", "validation"):
            text = source("collector", "subscribers", "tracing_%s.c" % family)
            for pair in re.findall(r"\.names = \{ (.*?) \}", text):
                names |= set(re.findall(r'"(\w+)"', pair))
        self.assertEqual(told, names)

    def test_instruments(self):
        told = []
        for name, kind, unit, buckets, _ in self.rows("## Metrics"):
            bounds = BUCKETS.get(buckets) or [float(bound) for bound in buckets.split()]
            told.append((CELL.search(name)[1], name.endswith("(0.7)"), kind, unit.strip("`"), bounds))
        self.assertEqual([row[:4] for row in told], [row[:4] for row in instruments()])
        for row, true in zip(told, instruments()):
            self.assertEqual([round(bound, 9) for bound in row[4]], [round(bound, 9) for bound in true[4]], row)

    def test_losses(self):
        text = source("collector", "losses.c")
        reasons = re.search(r"reasons\[.*?\{(.*?)\};", text, re.S)[1]
        self.assertEqual({CELL.search(row[0])[1] for row in self.rows("### Losses")},
                         set(re.findall(r'"(\w+)"', reasons)) | {"sink"})
        kinds = re.search(r"kinds\[.*?\{(.*?)\};", text, re.S)[1]
        for kind in re.findall(r'"(\w+)"', kinds):
            self.assertIn("`%s`" % kind, self.page)

    def told_keys(self):
        return set(re.findall(r"`([\w.]+)`", self.page))

    def test_a_native_dump(self):
        """Of a shell that ends with its connection open, because a statement fails."""
        metrics = self.path("m.jsonl")
        result = self.trace(["sqlite3", ":memory:", "SELECT 1; SELECT x;"], bindings="sqlite3",
                            env={"SPANSHIM_METRICS_OUT": metrics})
        declared = re.findall(r"attribute ([\w.]+)", self.command("bindings", "sqlite3").stdout.decode())
        declared = set(declared) | {key + "_length" for key in declared} | {"db.system.name", "db.response.status_code"}
        keys = {key for span in result.dump.spans for key in span.attributes} - declared
        self.assertEqual(keys, {"thread.id", "code.function.name", "error.type", "spanshim.unfinished"})
        self.assertLessEqual(keys, self.told_keys())
        self.assertLessEqual(set(result.dump.spans[0].resource), self.told_keys())
        self.assertEqual({span.scope["name"] for span in result.dump.spans}, {"spanshim.native"})
        self.assertEqual(set(MetricsFile(metrics).only.units), {"spanshim.entry.duration", "spanshim.entry.errors"})

    @mellea_env.needs(mellea_env.NEWEST)
    def test_a_mellea_dump(self):
        with mellea_env.model_server() as url:
            result = self.trace([mellea_env.python(mellea_env.NEWEST), os.path.join(SOURCE, "scripts", "tour.py")],
                                env=mellea_env.program_environment(url))
        allowed = {row[0].strip("`") for row in self.attribute_rows()}
        for span in result.dump.spans:
            for keys in [set(span.attributes)] + [set(event.attributes) for event in span.events]:
                self.assertLessEqual(keys, allowed, span.name)
        self.assertLessEqual(set(result.dump.spans[0].resource), self.told_keys())
        self.assertEqual({span.scope["name"] for span in result.dump.spans}, {"mellea.application", "mellea.backend"})


if __name__ == "__main__":
    main()
