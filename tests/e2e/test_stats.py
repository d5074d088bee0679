# SPDX-License-Identifier: Apache-2.0
"""`spanshim stats`: exact numbers of handmade dumps, and those of real ones against a count by other means."""

import concurrent.futures
import json
import math
import os
import pty
import subprocess
import unittest

import mellea_env
import sample_dump
import sample_metrics
from harness import COMMAND, SOURCE, Case, clean_environment, main, unfit
from mellea_env import NEWEST, OLDER, needs, python
from sample_dump import attributes, event, line, span

TOUR = os.path.join(SOURCE, "scripts", "tour.py")
PROGRAMS = os.path.join(SOURCE, "tests", "parity", "programs")
MILLISECOND = 10**6
SECOND = 10**9

GOLDEN = """\
9 spans over 4.00 s · 2 errors · 1 unfinished

  total  count      p50      p95      p99      max  unfinished  errors   err%  span
 4.00 s      1   4.00 s   4.00 s   4.00 s   4.00 s           -       0      -  session
 3.00 s      3   1.00 s   1.50 s   1.50 s   1.50 s           1       2  66.7%  chat m
20.0 ms      2  10.0 ms  10.0 ms  10.0 ms  10.0 ms           -       0      -  sampling
5.00 µs      2  2.01 µs  3.00 µs  3.00 µs  3.00 µs           -       0      -  execute_tool f

 total  calls     p50     p95     p99     max  tokens in  out  tokens/s  first p50  first p95  unfinished  errors  model
3.00 s      3  1.00 s  1.50 s  1.50 s  1.50 s         17   30        20     500 ms     500 ms           1       2  m

passed  of   rate  outcome
     1   2  50.0%  sampling · S
     1   2  50.0%  tool · f
"""


def chat(number, start, end, model="m", listed=(), **more):
    return span(number, 1, "chat " + model, start, end, attributes(
        gen_ai__operation__name="chat", gen_ai__request__model=model) + list(listed), **more)


def golden_spans():
    failed = {"code": 2, "message": "no"}
    return [
        span(1, 0, "session", 0, 4 * SECOND),
        chat(2, 0, 1500 * MILLISECOND, listed=attributes(
            gen_ai__usage__input_tokens=7, gen_ai__usage__output_tokens=20,
            gen_ai__response__time_to_first_chunk=0.5)),
        chat(3, 0, 500 * MILLISECOND, status=failed, listed=attributes(gen_ai__usage__input_tokens=10)),
        chat(4, 0, SECOND, status=failed, listed=attributes(gen_ai__response__time_to_first_chunk=0.5)),
        chat(5, 0, 2 * SECOND, status=failed, listed=attributes(
            spanshim__unfinished=True, gen_ai__usage__output_tokens=10)),
        span(6, 1, "sampling", 0, 10 * MILLISECOND, attributes(
            mellea__sampling__strategy_type="S", mellea__sampling__success=True)),
        span(7, 1, "sampling", 0, 9_990_000, attributes(
            mellea__sampling__strategy_type="S", mellea__sampling__success=False)),
        span(8, 1, "execute_tool f", 0, 2_000, attributes(
            gen_ai__tool__name="f", mellea__tool__status="success")),
        span(9, 1, "execute_tool f", 0, 3_000, attributes(
            gen_ai__tool__name="f", mellea__tool__status="error")),
    ]


def shown(ns):
    """A duration as the tables have it (test_tree.py has the cases)."""
    for size, unit in ((1, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")):
        if unit == "ns" and ns < 1000:
            return "%d ns" % ns
        value = ns / size
        if unit == "s" and value >= 59.5:
            break
        if unit != "ns" and (unit == "s" or value < 999.5):
            return "%.*f %s" % (2 if value < 9.995 else 1 if value < 99.95 else 0, value, unit)
    seconds = (ns + SECOND // 2) // SECOND
    return "%dm%02ds" % divmod(seconds, 60) if seconds < 3600 else "%dh%02dm" % divmod(seconds // 60, 60)


def exact_percentile(values, percent):
    return sorted(values)[max(1, math.ceil(len(values) * percent / 100)) - 1]


class Stats(Case):
    maxDiff = None

    def setUp(self):
        super().setUp()
        self.environ = dict(clean_environment(), LC_ALL="C.UTF-8", TERM="xterm")
        for name in ("COLUMNS", "NO_COLOR"):
            self.environ.pop(name, None)

    def dump(self, content, name="t.jsonl"):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else sample_dump.text(content))
        return self.path(name)

    def stats(self, *arguments, input=None, **changes):
        """Status, stdout and stderr; off a terminal."""
        result = self.execute([COMMAND, "stats", *arguments], dict(self.environ, **changes), input)
        return result.status, result.stdout.decode(), result.stderr.decode()

    def printed(self, *arguments, **changes):
        """Output of a run without trouble."""
        status, output, errors = self.stats(*arguments, **changes)
        self.assertEqual((status, errors), (0, ""), output)
        return output

    def counted(self, *arguments, **changes):
        """The JSON object of a run without trouble, its rows by name."""
        told = json.loads(self.printed("--json", *arguments, **changes))
        told["spans"] = {row["name"]: row for row in told["spans"]}
        told["models"] = {row["model"]: row for row in told["models"]}
        told["outcomes"] = {(row["source"], row["kind"], row["name"]): (row["passed"], row["total"])
                            for row in told["outcomes"]}
        return told

    def on_terminal(self, *arguments, **changes):
        """stdout and stderr, each on a pseudo-terminal of its own."""
        pairs = [pty.openpty(), pty.openpty()]
        with subprocess.Popen([COMMAND, "stats", *arguments], env=dict(self.environ, **changes),
                              stdout=pairs[0][1], stderr=pairs[1][1]) as process:
            for _, slave in pairs:
                os.close(slave)
            with concurrent.futures.ThreadPoolExecutor() as readers:
                outputs = list(readers.map(self.read_all, [master for master, _ in pairs]))
            process.wait(60)
        return [output.decode().replace("\r\n", "\n") for output in outputs]

    @staticmethod
    def read_all(master):
        output = b""
        try:
            while chunk := os.read(master, 65536):
                output += chunk
        except OSError:  # the other end is closed
            pass
        os.close(master)
        return output

    # --- tables ---

    def test_golden(self):
        name = self.dump([line(golden_spans())])
        self.assertEqual(self.printed(name), GOLDEN)
        plain = self.printed(name, LC_ALL="C")
        self.assertEqual(plain, GOLDEN.replace(" · ", " - ").replace("µs", "us"))

    def test_columns_without_values(self):
        name = self.dump([line([span(1, 0, "session", 0, 5)])])
        self.assertEqual(self.printed(name), """\
1 span over 5 ns · 0 errors

total  count   p50   p95   p99   max  errors  span
 5 ns      1  5 ns  5 ns  5 ns  5 ns       0  session
""")

    def test_order(self):
        spans = [span(1, 0, "a", 0, 5), span(2, 0, "b", 0, 100), span(3, 0, "c", 0, 60), span(4, 0, "c", 0, 60),
                 span(5, 0, "a", 0, 5, status={"code": 2}), span(6, 0, "a", 0, 5)]
        name = self.dump([line(spans)])
        for key, expected in {"total": "cba", "name": "abc", "count": "acb", "errors": "abc", "p99": "bca",
                              "max": "bca"}.items():
            rows = json.loads(self.printed("--json", "--sort", key, name))["spans"]
            self.assertEqual("".join(row["name"] for row in rows), expected, key)
        table = self.printed("-s", "name", name).splitlines()[3:]
        self.assertEqual([row.split()[-1] for row in table], ["a", "b", "c"])

    def test_names(self):
        told = self.counted("--name", "chat*", self.dump([line(golden_spans())]),
                            self.dump(sample_metrics.lines(), "m.jsonl"))
        self.assertEqual((list(told["spans"]), list(told["models"]), told["outcomes"], told["metrics"]),
                         (["chat m"], ["m"], {}, []))
        told = self.counted("--name", "mellea.tool*", self.dump(sample_metrics.lines(), "m.jsonl"))
        self.assertEqual([row["name"] for row in told["metrics"]], ["mellea.tool.calls"] * 2)

    def test_json_has_the_numbers_of_the_tables(self):
        name = self.dump([line(golden_spans())])
        told = self.counted(name)
        for row in GOLDEN.splitlines()[3:7]:
            cells = [cell for cell in row.replace(" s ", "_s ").replace(" ms", "_ms").replace(" µs", "_µs").split()]
            made = told["spans"][row.split("  ")[-1].strip()]
            duration = made["duration_ns"]
            self.assertEqual(
                [cell.replace("_", " ") for cell in cells[:6]],
                [shown(duration["total"]), str(made["count"])] +
                [shown(duration[key]) for key in ("p50", "p95", "p99", "max")])
            self.assertEqual(cells[6:8], [str(made["unfinished"] or "-"), str(made["errors"])])
        model = told["models"]["m"]
        self.assertEqual((model["count"], model["errors"], model["unfinished"], model["input_tokens"],
                          model["output_tokens"]), (3, 2, 1, 17, 30))
        self.assertAlmostEqual(model["tokens_per_second"], 20 / 1.0)
        self.assertEqual(model["time_to_first_chunk_ns"]["p95"], 500 * MILLISECOND)
        self.assertEqual(told["outcomes"], {("spans", "sampling", "S"): (1, 2), ("spans", "tool", "f"): (1, 2)})
        self.assertEqual((told["lost"], told["unreadable_lines"], told["unreadable"]), ({}, 0, []))

    def test_narrow(self):
        """Less important columns go first, then the names' ends; the lines never get too long."""
        spans = golden_spans() + [span(20, 0, "a name that is quite a bit longer than others", 0, 10)]
        name = self.dump([line(spans)])
        wide = self.printed(name).splitlines()
        for width in (150, 120, 100, 80, 60, 45, 30, 10, 1):
            lines = self.printed(name, COLUMNS=str(width)).splitlines()
            self.assertEqual(len(lines), len(wide))
            self.assertLessEqual(max(map(len, lines)), width)
        table = self.printed(name, COLUMNS="60").splitlines()
        self.assertEqual(table[2].split(), ["count", "p50", "max", "errors", "span"])
        self.assertTrue(table[7].endswith("a name that is quite a bit…"), table[7])

    def test_colour(self):
        """Rows with errors are red from the number of errors on; on a terminal only, and not if unwanted."""
        name = self.dump([line(golden_spans())])
        output, errors = self.on_terminal(name, COLUMNS="200")
        self.assertEqual(errors, "")
        self.assertIn("\033[31m     2  66.7%  chat m\033[0m\n", output)
        self.assertEqual(output.count("\033["), 4)
        self.assertEqual(output.replace("\033[31m", "").replace("\033[0m", ""), GOLDEN)
        for changes in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            self.assertEqual(self.on_terminal(name, COLUMNS="200", **changes)[0], GOLDEN)

    def test_untrusted_text(self):
        spans = [span(1, 0, "evil \x1b[2J", 0, 5), chat(2, 0, 5, model="\x1b[1m")]
        metrics = [sample_metrics.counter("c\x1b[0m", [sample_metrics.counted(1, a="\x07")], unit="\x1b")]
        name = self.dump([line(spans)]), self.dump([sample_metrics.line(metrics)], "m.jsonl")
        output = self.printed(*name)
        self.assertNotIn("\x1b", output)
        self.assertIn("evil \\e[2J", output)
        told = json.loads(self.printed("--json", *name))
        self.assertEqual(told["metrics"][0]["attributes"], {"a": "\x07"})

    # --- spans ---

    def test_percentiles(self):
        """Within 1 % of the exact ones, for as many spans as may be."""
        durations = [(number * 7919) % 100_003 * 997 for number in range(20_000)]
        spans = [span(1 + number, 0, "x", 0, length) for number, length in enumerate(durations)]
        told = self.counted(self.dump([line(spans[at:at + 500]) for at in range(0, len(spans), 500)]))["spans"]["x"]
        duration = told["duration_ns"]
        self.assertEqual((told["count"], duration["total"], duration["min"], duration["max"]),
                         (20_000, sum(durations), min(durations), max(durations)))
        for percent in (50, 95, 99):
            exact = exact_percentile(durations, percent)
            self.assertLessEqual(abs(duration["p%d" % percent] - exact), exact / 100)

    def test_vocabularies(self):
        """What Mellea 0.7 and 0.8 call the same things."""
        newer = [
            span(1, 0, "action", 0, 10, attributes(  # the loop's span below it says the same
                mellea__sampling__success=False, mellea__sampling__strategy_type="R")),
            span(2, 1, "sampling", 0, 10, attributes(
                mellea__sampling__success=False, mellea__sampling__strategy_type="R")),
            span(3, 2, "validation", 0, 10, attributes(
                mellea__validation__passed=False, mellea__validation__passed_count=2,
                mellea__validation__failed_count=3)),
            span(4, 0, "stream", 0, 10, events=[
                event("quick_check", 1, mellea__validation__passed=True),
                event("quick_check", 2, mellea__validation__passed=False),
                event("chunk", 3), event("full_validation", 4, mellea__validation__passed=True),
                event("completed", 5, mellea__streaming__success=True)]),
            chat(5, 0, 10, listed=attributes(gen_ai__usage__input_tokens=3, mellea__usage__total_tokens=3)),
        ]
        older = [
            span(1, 0, "action", 0, 10, attributes(mellea__sampling_success=True, mellea__strategy_type="R")),
            span(4, 0, "stream_with_chunking", 0, 10, events=[
                event("quick_check", 1, passed=True), event("quick_check", 2, passed=True),
                event("full_validation", 4, passed=False), event("completed", 5, success=False)]),
            span(5, 0, "chat", 0, 10, attributes(gen_ai__operation__name="text_completion",
                                                 gen_ai__request__model="m", gen_ai__usage__input_tokens=4)),
        ]
        names = self.dump([line(newer)], "8.jsonl"), self.dump([line(older)], "7.jsonl")
        told = self.counted(*names)
        self.assertEqual(told["outcomes"], {
            ("spans", "sampling", "R"): (1, 2), ("spans", "sampling", "stream"): (1, 2),
            ("spans", "requirement", ""): (2, 5), ("spans", "quick_check", ""): (3, 4),
            ("spans", "full_validation", ""): (1, 2)})
        self.assertEqual((told["models"]["m"]["count"], told["models"]["m"]["input_tokens"]), (2, 7))
        self.assertEqual(self.printed(*names).splitlines()[-6:], [
            "passed  of   rate  outcome", "     1   2  50.0%  sampling · R", "     1   2  50.0%  sampling · stream",
            "     2   5  40.0%  requirements", "     3   4  75.0%  quick checks",
            "     1   2  50.0%  full validations"])

    def test_rates_are_never_rounded_to_all_or_nothing(self):
        spans = [span(1 + number, 0, "x", 0, 5, attributes(mellea__sampling_success=number > 0),
                      status={"code": 2 if number == 0 else 0}) for number in range(5000)]
        output = self.printed(self.dump([line(spans)]))
        self.assertIn("99.9%  sampling", output)
        self.assertIn("1  0.1%  x", output)

    def test_several_files(self):
        first = self.dump([line(golden_spans())], "1.jsonl")
        second = self.dump(sample_dump.lines(), "2.jsonl")
        both = self.counted(first, second)
        self.assertEqual({name: row["count"] for name, row in both["spans"].items()}, {
            "session": 1, "chat m": 3, "sampling": 2, "execute_tool f": 2,
            "session sqlite3": 1, "action sqlite3": 2, "stream sqlite3": 1})
        self.assertEqual(both["spans"]["action sqlite3"]["unfinished"], 1)
        with open(second, "rb") as file:
            self.assertEqual(self.counted(first, "-", input=file.read()), both)

    def test_losses(self):
        """Once for each process, whichever of its files says so how often."""
        lost = {"spanshim__dropped__ring_full__open": 12, "spanshim__dropped__exit__point": 1}
        dumps = []
        for pid in (1, 2):
            of = sample_metrics.resource(pid, "%016x" % pid, **lost)
            dumps.append(self.dump([line([span(1, 0, "x", 0, 1)]), line([], of=of)], "t%d.jsonl" % pid))
            dumps.append(self.dump([sample_metrics.line([], of=of)] * 2, "m%d.jsonl" % pid))
        self.assertTrue(self.printed(*dumps).endswith(
            "\n\nevents lost: ring_full.open 24\nevents lost: exit.point 2\n"))
        self.assertEqual(self.counted(*dumps)["lost"], {"ring_full.open": 24, "exit.point": 2})

    # --- metrics ---

    def test_metrics(self):
        name = self.dump(sample_metrics.lines()[:2])
        self.assertEqual(self.printed(name), """\
4 metric series of 1 process

   sum  count    mean      p50      p95      p99     max  histogram
5.55 s      4  1.39 s  ≤100 ms  ≤5.00 s  ≤5.00 s  5.00 s  mellea.llm.request.duration gen_ai.request.model=m

value  counter
    1  mellea.tool.calls status=failure gen_ai.tool.name=f
    3  mellea.tool.calls status=success gen_ai.tool.name=f

value  gauge
    2  queue

passed  of   rate  outcome
     3   4  75.0%  tool · f
""")
        self.assertIn("<=100 ms", self.printed(name, LC_ALL="C"))
        told = self.counted(name)
        self.assertEqual([row for row in told["metrics"] if row["kind"] == "histogram"], [
            {"name": "mellea.llm.request.duration", "unit": "s", "kind": "histogram", "resources": 1,
             "attributes": {"gen_ai.request.model": "m"}, "count": 4, "sum": 5.555, "mean": 1.38875, "min": 0.005,
             "max": 5, "p50_at_most": 0.1, "p95_at_most": 5, "p99_at_most": 5}])
        self.assertEqual(told["outcomes"], {("metrics", "tool", "f"): (3, 4)})

    def test_metrics_of_several_processes(self):
        """The last values of each, added up; where one began again, what it had counted before stays."""
        counter, counted, histogram, recorded = (sample_metrics.counter, sample_metrics.counted,
                                                 sample_metrics.histogram, sample_metrics.recorded)

        def at(time, calls, values, pid, start=0):
            return sample_metrics.line([
                counter("c", [counted(calls, time, start)]), histogram("h", [recorded(values, time=time, start=start)]),
                counter("d", [counted(0.25 * calls, time, start)], unit="USD", temporality=1)],
                of=sample_metrics.resource(pid, "%016x" % pid))
        first = self.dump([at(1, 5, [0.005], 1), at(2, 7, [0.005, 0.5], 1), at(3, 1, [0.05], 1, start=2)], "1.jsonl")
        second = self.dump([at(1, 2, [20.0], 2), at(2, 4, [20.0, 30.0], 2)], "2.jsonl")
        late = self.dump([at(1, 6, [0.005], 1, start=2)], "3.jsonl")  # older than what 1.jsonl ends with
        told = {row["name"]: row for row in self.counted(first, second, late)["metrics"]}
        self.assertEqual((told["c"]["value"], told["c"]["resources"]), (7 + 1 + 4, 2))
        self.assertEqual(told["d"]["value"], 0.25 * (5 + 7 + 1 + 2 + 4 + 6))  # deltas: all of them
        self.assertEqual((told["h"]["count"], told["h"]["min"], told["h"]["max"]), (5, 0.005, 30))
        self.assertAlmostEqual(told["h"]["sum"], 0.505 + 0.05 + 50)
        self.assertEqual((told["h"]["p50_at_most"], told["h"]["p99_at_most"]), (1, 30))
        self.assertIn("6.25 USD  d\n", self.printed(first, second, late))

    def test_metric_outcomes(self):
        counter, counted = sample_metrics.counter, sample_metrics.counted
        metrics = [
            counter("mellea.sampling.attempts", [counted(9, strategy="R")]),
            counter("mellea.sampling.successes", [counted(2, strategy="R"), counted(1, strategy="stream")]),
            counter("mellea.sampling.failures", [counted(1, strategy="R"), counted(4, strategy="never")]),
            counter("mellea.requirement.checks", [counted(10, requirement="Q"), counted(3, requirement="P")]),
            counter("mellea.requirement.failures", [counted(1, requirement="Q", reason="a"),
                                                    counted(2, requirement="Q", reason="b")]),
            counter("mellea.tool.calls", [counted(1, tool="older", status="success"),
                                          counted(2, tool="older", status="failure")])]
        self.assertEqual(self.counted(self.dump([sample_metrics.line(metrics)]))["outcomes"], {
            ("metrics", "sampling", "R"): (2, 3), ("metrics", "sampling", "stream"): (1, 1),
            ("metrics", "sampling", "never"): (0, 4), ("metrics", "requirement", "Q"): (7, 10),
            ("metrics", "requirement", "P"): (3, 3), ("metrics", "tool", "older"): (1, 3)})

    def test_attributes_that_tell_series_apart_come_first(self):
        points = [sample_metrics.counted(1, model="m", kind="in", status="a"),
                  sample_metrics.counted(2, model="m", kind="out")]
        name = self.dump([sample_metrics.line([sample_metrics.counter("c", points), sample_metrics.counter(
            "d", [sample_metrics.counted(3, model="m", kind="in")])])])
        self.assertEqual(self.printed(name).splitlines()[-3:], [
            "    1  c kind=in status=a model=m", "    2  c kind=out model=m", "    3  d model=m kind=in"])

    def test_metrics_on_a_narrow_terminal(self):
        """What a row is stays, before its percentiles."""
        name = self.dump(sample_metrics.lines())
        for width in (120, 100, 80, 60, 20):
            lines = self.printed(name, COLUMNS=str(width)).splitlines()
            self.assertLessEqual(max(map(len, lines)), width)
        table = self.printed(name, COLUMNS="90").splitlines()
        self.assertEqual(table[2].split(), ["sum", "count", "mean", "p50", "histogram"])
        self.assertTrue(table[4].endswith("mellea.llm.request.duration gen_ai.request.model=m"), table[4])

    def test_metrics_of_other_writers(self):
        told = {row["name"]: row for row in self.counted(self.dump([sample_metrics.OTHERS]))["metrics"]}
        self.assertEqual({name: row.get("value", row.get("sum")) for name, row in told.items()}, {
            "exponential": 6, "summary": 6, "no.buckets": 6, "with.exemplar": 1.5, "up.and.down": -3})
        self.assertIsNone(told["no.buckets"]["p50_at_most"])

    def test_both_signals(self):
        traces, metrics = self.dump([line(golden_spans())]), self.dump(sample_metrics.lines(), "m.jsonl")
        self.assertEqual(self.printed(traces, metrics), GOLDEN + "\n" + self.printed(metrics))

    # --- what cannot be read ---

    def test_cut_last_line(self):
        content = sample_dump.text([line(golden_spans())])
        name = self.dump(content + content[:300])
        self.assertEqual(self.stats(name), (1, GOLDEN + "\n%s:2: the last line is cut off\n" % name, ""))

    def test_unreadable_lines(self):
        good = sample_dump.text([line(golden_spans())])
        metrics = sample_dump.text(sample_metrics.lines()[:1])
        bad = [good.replace(b'"name": "chat m"', b'"title": "chat m"'), b"oops\n", b"{}\n",
               metrics.replace(b'"asInt": "2"', b'"asInt": 2'), b'{"a":"' + b"x" * (5 << 20) + b'"}\n']
        name = self.dump(b"".join(bad) + good + b"x\n" * 20)
        status, output, errors = self.stats(name)
        self.assertEqual((status, errors), (1, ""))
        self.assertEqual(output.splitlines()[-11:], [
            name + ":1: 4 spans without a proper name, id or time", name + ":2: not JSON at byte 1",
            name + ":3: no resourceSpans and no resourceMetrics",
            name + ":4: 1 data point without a proper name, time or value", name + ":5: line too long to be read"] +
            ["%s:%d: not JSON at byte 1" % (name, number) for number in range(7, 12)] +
            ["15 more lines that could not be read"])
        status, output, _ = self.stats("--json", name)
        told = json.loads(output)
        self.assertEqual((status, told["unreadable_lines"], len(told["unreadable"])), (1, 25, 10))
        self.assertEqual(told["unreadable"][1], {"file": name, "line": 2, "what": "not JSON at byte 1"})
        self.assertEqual({row["name"]: row["count"] for row in told["spans"]},
                         {"session": 2, "chat m": 3, "sampling": 4, "execute_tool f": 4})

    def test_nothing(self):
        self.assertEqual(self.printed(self.dump(b"")), "no spans and no metrics\n")
        told = self.counted(self.dump(b""))
        self.assertEqual((told["spans"], told["metrics"]), ({}, []))

    def test_no_file_can_be_read(self):
        """Then nothing is said of what is in it; of the others, if there are any."""
        for options in [], ["--json"]:
            self.assertEqual(self.stats(*options, "none.jsonl")[:2], (2, ""))
        status, output, errors = self.stats("none.jsonl", self.dump(b""))
        self.assertEqual((status, output), (2, "no spans and no metrics\n"))
        self.assertIn("none.jsonl: No such file or directory", errors)

    def test_usage(self):
        name = self.dump([line(golden_spans())])
        for arguments in ([], ["--no-such-option", name], ["--sort", "speed", name]):
            status, output, errors = self.stats(*arguments)
            self.assertEqual((status, output), (2, ""), arguments)
            self.assertIn("Try 'spanshim stats --help'.", errors)
        for path, what in (("/no/such/file", "No such file or directory"), ("/", "Is a directory")):
            self.assertEqual(self.stats(path, name), (2, GOLDEN, "spanshim stats: %s: %s\n" % (path, what)))
        self.assertIn("Usage: spanshim stats", self.printed("--help"))
        self.assertIn("stats", self.execute([COMMAND, "--help"]).stdout.decode())

    # --- large files ---

    def large(self, size):
        """A dump of about that size, and how many spans of each name it has."""
        block = sample_dump.text([
            line([span(1 + number, 0, "name %d" % (number % 300), 0, 1000 + number, attributes(
                thread__id=7, db__system__name="sqlite", code__function__name="f%d" % number))
                for number in range(1200)]), line(golden_spans())] + sample_metrics.lines()[:1])
        repeated = size // len(block)
        with open(self.path("large.jsonl"), "wb") as file:
            for _ in range(repeated):
                file.write(block)
        return self.path("large.jsonl"), repeated

    @unfit("it measures")
    def test_memory(self):
        """200 MB need no more memory than any other file."""
        name, repeated = self.large(200_000_000)
        # not ru_maxrss: the kernel hands on that of this process, before exec
        limited = ["sh", "-c", 'ulimit -v "$1" && shift && exec "$@"', "sh", str(48 * 1024)]
        done = self.execute(limited + [COMMAND, "stats", "--json", name], self.environ)
        os.unlink(name)
        self.assertEqual((done.status, done.stderr), (0, b""))
        told = json.loads(done.stdout)
        self.assertEqual(sum(row["count"] for row in told["spans"]), repeated * (1200 + 8))
        # and the limit is one
        self.assertEqual(self.execute(limited + ["sh", "-c", "head -c 99000000 /dev/zero | tail"]).stdout, b"")

    def test_progress(self):
        """On a terminal, of a file; gone in the end. None on what is no terminal, or of a pipe."""
        name, _ = self.large(12_000_000)
        output, errors = self.on_terminal(name)
        self.assertEqual(output.replace("\033[31m", "").replace("\033[0m", ""), self.printed(name))
        self.assertRegex(errors, r"\r\033\[K *\d+% [━─]{24} \d+ of 12 MB, \d+ MB/s  \S*large.jsonl")
        self.assertTrue(errors.endswith("\r\033[K"), errors)
        self.assertNotIn("\n", errors)
        self.assertGreaterEqual(errors.count("\r\033[K"), 3)
        self.assertRegex(self.on_terminal(name, LC_ALL="C")[1], r"% #+-+ \d+ of 12 MB")
        for part in errors.split("\r\033[K"):
            self.assertNotIn("\033", part)
        for part in self.on_terminal(name, COLUMNS="40")[1].split("\r\033[K"):
            self.assertLess(len(part), 40)
        self.assertEqual(self.on_terminal(name, TERM="dumb")[1], "")
        self.assertEqual(self.stats(name)[2], "")
        with open(name, "rb") as file:
            master, slave = pty.openpty()
            with subprocess.Popen([COMMAND, "stats", "-"], env=self.environ, stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, stderr=slave) as process:
                os.close(slave)
                process.communicate(file.read(), 60)
        self.assertEqual(self.read_all(master), b"")

    # --- real programs ---

    def assert_counts(self, told, dump):
        """The spans of a dump, counted here: names, errors, exact totals, percentiles within 1 %."""
        rows = {}
        for made in dump.spans:
            rows.setdefault(made.name, []).append(made)
        self.assertEqual(set(told["spans"]), set(rows))
        for name, spans in rows.items():
            row, finished = told["spans"][name], [made for made in spans if not made.unfinished]
            durations = [made.end - made.start for made in finished]
            self.assertEqual((row["count"], row["errors"], row["unfinished"]), (
                len(finished), sum(made.status == 2 for made in finished), len(spans) - len(finished)))
            self.assertEqual((row["duration_ns"]["total"], row["duration_ns"]["max"]), (
                sum(durations), max(durations)))
            for percent in (50, 95, 99):
                exact = exact_percentile(durations, percent)
                self.assertLessEqual(abs(row["duration_ns"]["p%d" % percent] - exact), exact / 100)

    def test_sqlite3(self):
        metrics = self.path("metrics.jsonl")
        source = b"CREATE TABLE t(a);\n" + b"INSERT INTO t VALUES (1);\n" * 300 + b"SELECT * FROM t;\nSELEKT;\n"
        dump = self.trace(["sqlite3", ":memory:"], bindings="sqlite3", input=source,
                          env={"SPANSHIM_METRICS_OUT": metrics}).dump
        told = self.counted(self.out, metrics)
        self.assert_counts(told, dump)
        self.assertEqual(told["models"], {})
        durations = {row["attributes"]["code.function.name"]: row for row in told["metrics"]
                     if row["name"] == "spanshim.entry.duration"}
        self.assertEqual(sum(row["count"] for row in durations.values()), len(dump.spans))
        self.assertEqual(sum(row["value"] for row in told["metrics"] if row["name"] == "spanshim.entry.errors"),
                         sum(made.status == 2 for made in dump.spans))
        self.assertEqual(self.command("check", "--strict", self.out, metrics).status, 0)

    def mellea(self, program, version):
        metrics = self.path("metrics.jsonl")
        with mellea_env.model_server() as url:
            env = dict(mellea_env.program_environment(url), SPANSHIM_METRICS_OUT=metrics)
            dump = self.trace([python(version), "-B", program], env=env).dump
        return dump, self.counted(self.out, metrics), {
            (row["name"], tuple(row["attributes"].values())): row for row in self.counted(metrics)["metrics"]}

    def assert_tokens(self, told, dump, metrics, histogram):
        """Tokens of the model, as spans and as metrics have them."""
        for kind, key in (("input", "gen_ai.usage.input_tokens"), ("output", "gen_ai.usage.output_tokens")):
            total = sum(made.attributes.get(key, 0) for made in dump.spans)
            self.assertEqual(told["models"]["tiny"][kind + "_tokens"], total)
            found = [row for (name, labels), row in metrics.items()
                     if name == histogram % kind and (kind in labels or kind in name)]
            self.assertEqual(sum(row.get("sum", row.get("value")) for row in found), total)
            self.assertGreater(total, 0)

    @needs(NEWEST)
    def test_mellea(self):
        dump, told, metrics = self.mellea(TOUR, NEWEST)
        self.assert_counts(told, dump)
        self.assert_tokens(told, dump, metrics, "gen_ai.client.token.usage%.0s")
        self.assertEqual(told["models"]["tiny"]["count"], 8)
        self.assertEqual(told["models"]["tiny"]["time_to_first_chunk_ns"]["count"], 1)
        self.assertEqual(told["outcomes"], {
            ("spans", "sampling", "RejectionSamplingStrategy"): (1, 1), ("spans", "sampling", "stream"): (1, 1),
            ("spans", "requirement", ""): (3, 4), ("spans", "quick_check", ""): (3, 3),
            ("spans", "full_validation", ""): (1, 1), ("spans", "tool", "weather"): (1, 1),
            ("metrics", "sampling", "RejectionSamplingStrategy"): (1, 1), ("metrics", "sampling", "stream"): (1, 1),
            ("metrics", "requirement", "Requirement"): (3, 4), ("metrics", "requirement", "NoDigits"): (3, 3),
            ("metrics", "tool", "weather"): (1, 1)})

    @needs(OLDER)
    def test_mellea_older(self):
        dump, told, metrics = self.mellea(os.path.join(PROGRAMS, "repair_success.py"), OLDER)
        self.assert_counts(told, dump)
        self.assert_tokens(told, dump, metrics, "mellea.llm.tokens.%s")
        self.assertEqual(told["outcomes"][("spans", "sampling", "RepairTemplateStrategy")], (1, 1))
        self.assertEqual(told["outcomes"][("metrics", "sampling", "RepairTemplateStrategy")], (1, 1))

    def test_run_writes_metrics(self):
        """`run --metrics`: a pattern, absolute for the program, named in the end; so is the variable's."""
        argv = ["sh", "-c", "cd / && sqlite3 :memory: 'SELECT 1'"]
        result = self.command("run", "-v", "-m", "m-%e.jsonl", "-b", "sqlite3", "--", *argv)
        path = os.path.join(self.cwd, "m-sqlite3.jsonl")
        self.assertIn("spanshim run: metrics are in %s\n" % path, result.stderr.decode())
        self.assertEqual((result.status, result.stdout), (0, b"1\n"))
        self.assertGreater(len(self.counted(path)["metrics"]), 0)
        os.unlink(path)
        self.command("run", "-b", "sqlite3", "--", *argv, env={"SPANSHIM_METRICS_OUT": "m-%e.jsonl"})
        self.assertGreater(len(self.counted(path)["metrics"]), 0)
        result = self.command("run", "-v", "-b", "sqlite3", "--", *argv)
        self.assertNotIn("metrics are in", result.stderr.decode())


if __name__ == "__main__":
    main()
