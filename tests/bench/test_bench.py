# SPDX-License-Identifier: Apache-2.0
"""scripts/bench itself: every budget has its row, losses are counted exactly, pages and plots are whole.

No figure is judged here: one short turn says nothing of cost. A benchmark that miscounts would.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("SPANSHIM_BUILD") or os.path.join(SOURCE, "build"))
BUDGETS = ["call-1-lttng", "call-1-uftrace", "call-2-lttng", "undeclared", "drain-small",
           "drain-large", "start-up", "mellea", "rings", "drain-memory", "frozen"]
QUICK_PARTS = ["calls", "floors", "undeclared", "drain", "start-up", "memory", "frozen"]
TRACER, OTHER, THIRD = "spanshim", "uftrace PLT hook", "LTTng-UST wrapper"
SVG = "{http://www.w3.org/2000/svg}"


def bench(*arguments):
    return subprocess.run([sys.executable, "-B", os.path.join(SOURCE, "scripts/bench"), "--build",
                           BUILD, "--no-build", *arguments], capture_output=True, text=True)


class Directory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="spanshim-test-bench-")
        cls.addClassCleanup(shutil.rmtree, cls.directory)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.directory, name)

    def check_page(self):
        """The page's plots exist, are XML and have bars within the picture."""
        with open(self.path("page.md"), encoding="utf-8") as text:
            page = text.read()
        plots = re.findall(r"!\[.*?\]\((.*?)\)", page)
        for plot in plots:
            root = xml.etree.ElementTree.parse(self.path(plot)).getroot()
            self.assertEqual(root.tag, SVG + "svg")
            bars = root.findall(SVG + "rect")[1:]
            self.assertTrue(bars, plot)
            for bar in bars:
                x, width = float(bar.get("x")), float(bar.get("width"))
                self.assertLessEqual(x + width, float(root.get("width")), plot)
                self.assertGreater(width, 0, plot)
        return page, plots


class QuickRun(Directory):
    """One short turn of every part that needs neither Mellea nor a network."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        only = [word for part in QUICK_PARTS for word in ("--only", part)]
        cls.done = bench("--quick", *only, "--json", cls.path("all.json"), "--write",
                         cls.path("page.md"))
        with open(cls.path("all.json"), encoding="utf-8") as text:
            cls.report = json.load(text)
        cls.rows = {row["id"]: row for row in cls.report["budgets"]}

    def test_every_budget_has_its_row(self):
        self.assertEqual(self.done.returncode, 0, self.done.stderr)
        self.assertEqual([row["id"] for row in self.report["budgets"]], BUDGETS)
        for name in ("undeclared", "drain-small", "drain-large", "start-up", "rings",
                     "drain-memory", "frozen"):
            self.assertIsNotNone(self.rows[name]["measured"], (name, self.report["skipped"]))
        self.assertIsNone(self.rows["mellea"]["measured"])
        self.assertNotIn("failed", "".join(self.report["skipped"]))

    def test_peers_are_measured_or_named(self):
        skipped = "\n".join(self.report["skipped"])
        for tool, variant in (("uftrace", OTHER), ("lttng", THIRD)):
            for mode, runs in self.report["calls"].items():
                if variant not in runs or len(runs[variant]) != 1:
                    self.assertIn(tool.lower(), skipped.lower(), mode)

    def test_losses_are_exact(self):
        seen = 0
        for runs in self.report["calls"].values():
            for name in (TRACER, "spanshim, SPANSHIM_ON_FULL=block"):
                (run,) = runs[name]
                self.assertEqual(run["lost"], run["declared"])
                seen += 1
            self.assertEqual(runs["spanshim, SPANSHIM_ON_FULL=block"][0]["lost"], 0)
        self.assertEqual(seen, 12)

    def test_frozen_drain_stops_nobody(self):
        (run,) = self.report["frozen"][TRACER]
        self.assertTrue(run["through"])
        # the calls are more than a ring holds, so that some had to go
        self.assertGreater(run["declared"], 0)
        self.assertEqual(run["recorded"] + run["declared"], run["calls"])
        self.assertTrue(self.rows["frozen"]["met_must"])

    def test_undeclared_calls_are_untouched(self):
        slots = self.report["undeclared"]["slot"]
        self.assertEqual(slots["spanshim, foo not declared"], "libbenchfoo.so")
        self.assertEqual(slots["spanshim, foo declared"], "libspanshim.so")
        counts = self.report["undeclared"].get("instructions")
        if counts is None:
            self.assertIn("valgrind is not installed", "".join(self.report["skipped"]))
            return
        self.assertEqual(counts["spanshim, foo not declared"], counts["not traced"])
        self.assertGreater(counts["spanshim, foo declared"], counts["not traced"])

    def test_floors_and_memory(self):
        self.assertGreater(self.report["floors"]["clock"][0], 0)
        rings = self.report["memory"]["rings"]
        # a quarter of 4 MiB for each of the first two threads, then a sixteenth for four, a 64th each
        self.assertEqual([rings[n] >> 10 for n in ("1", "2", "16", "64")], [1024, 2048, 3712, 6784])

    def test_page_and_plots(self):
        page, plots = self.check_page()
        self.assertEqual([os.path.basename(plot) for plot in plots],
                         ["calls.svg", "drain-small.svg", "drain-large.svg"])
        table = page.split("## Budgets")[1].split("## Details")[0]
        self.assertEqual(table.count("\n| "), len(BUDGETS) + 1)
        self.assertNotRegex(page, r"\bnan\b|-0\.0\b")


def made_up(lost_in_second=0):
    """A report as --json writes it: three rounds, the second one with losses."""
    def runs(*ns, lost=0):
        return [{"ns": value, "calls": 1000, "lost": lost if i == 1 else 0, "burst": 1}
                for i, value in enumerate(ns)]
    mode = {"not traced": runs(2, 2, 2), TRACER: runs(32, 22, 42, lost=lost_in_second),
            OTHER: runs(92, 92, 92), THIRD: runs(122, 182, 202)}
    drain = [{"rate": rate, "min": 1, "max": 9, "spans": 10, "lost": 0} for rate in (4.5, 3.5, 2.5)]
    return {"machine": {"date": "2026-01-01 00:00", "processor": "P <&>", "processors": 2,
                        "memory_gib": 1, "system": "S", "kernel": "K", "libc": "1", "clock": "tsc",
                        "load": 0.0},
            "settings": {"rounds": 3, "quick": False}, "skipped": ["something: not here"], "calls": {"1 thread, 2 M calls/s": mode},
            "drain": {"throughput": {"small, 1 ring": drain}, "plugins": {}},
            "frozen": {TRACER: [{"through": True, "ns": 1.0, "burst": 1, "calls": 100,
                                 "recorded": 60, "declared": 39}]}}


class FromMeasurements(Directory):
    """What is made of figures, from figures whose outcome is known."""

    def judged(self, report):
        with open(self.path("in.json"), "w", encoding="utf-8") as out:
            json.dump(report, out)
        done = bench("--from", self.path("in.json"), "--json", self.path("out.json"), "--write",
                     self.path("page.md"))
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("out.json"), encoding="utf-8") as text:
            rows = {row["id"]: row for row in json.load(text)["budgets"]}
        return rows

    def test_ratios_and_verdicts(self):
        rows = self.judged(made_up())
        # 90/30, 90/20, 90/40 and 120/30, 180/20, 200/40
        self.assertIn("1/3.0 (1/2.2 – 1/4.5)", rows["call-1-uftrace"]["measured"])
        self.assertTrue(rows["call-1-uftrace"]["met_goal"])
        self.assertIn("1/5.0 (1/4.0 – 1/9.0)", rows["call-1-lttng"]["measured"])
        self.assertTrue(rows["call-1-lttng"]["met_must"])
        self.assertFalse(rows["call-1-lttng"]["met_goal"])
        self.assertEqual(rows["call-1-lttng"]["lost"], "0; LTTng-UST 0")
        self.assertEqual(rows["drain-small"]["measured"], "3.50 (2.50 – 4.50) M spans/s")
        self.assertTrue(rows["drain-small"]["met_must"])
        self.assertFalse(rows["drain-small"]["met_goal"])
        for name in ("call-2-lttng", "drain-large", "mellea", "rings"):
            self.assertIsNone(rows[name]["measured"], name)

    def test_a_round_with_losses_gives_no_ratio(self):
        rows = self.judged(made_up(lost_in_second=250))
        # 90/30 and 90/40; 120/30 and 200/40
        self.assertIn("1/2.6 (1/2.2 – 1/3.0)", rows["call-1-uftrace"]["measured"])
        self.assertIn("1/4.5 (1/4.0 – 1/5.0)", rows["call-1-lttng"]["measured"])
        self.assertIn("2 of 3 rounds", rows["call-1-lttng"]["measured"])
        self.assertEqual(rows["call-1-lttng"]["lost"], "250 of 3,000 (8.3 %); LTTng-UST 0")
        page, _ = self.check_page()
        self.assertIn("| spanshim | 30.0 | 20.0 – 40.0 | – | 250 of 3,000 (8.3 %) |", page)

    def test_an_untold_loss_is_no_exact_count(self):
        row = self.judged(made_up())["frozen"]
        self.assertFalse(row["met_must"])
        self.assertIn("100 calls = 60 spans + 39 told as lost + 1 untold", row["measured"])
        self.assertEqual(row["lost"], "40 of 100 (40.0 %)")

    def test_page_names_what_is_missing(self):
        self.judged(made_up())
        page, plots = self.check_page()
        self.assertIn("- something: not here\n", page)
        self.assertEqual(page.count("| not measured |"), 7)
        self.assertEqual([os.path.basename(plot) for plot in plots],
                         ["calls.svg", "drain-small.svg"])


class BadUse(Directory):
    def test_what_is_no_measurement(self):
        for name, text in (("cut", '{"machine": 1'), ("list", "[]"), ("empty", "{}")):
            with open(self.path(name), "w", encoding="utf-8") as out:
                out.write(text)
        for arguments in (["--from", self.path("cut")], ["--from", self.path("list")],
                          ["--from", self.path("empty")], ["--from", self.path("missing")],
                          ["--only", "nothing"], ["--rounds", "0"]):
            done = bench(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertEqual(done.stdout, "")
            self.assertNotIn("Traceback", done.stderr)

    def test_no_build_directory(self):
        done = subprocess.run([sys.executable, "-B", os.path.join(SOURCE, "scripts/bench"),
                               "--build", self.directory], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("is not a build directory", done.stderr)


if __name__ == "__main__":
    unittest.main()
