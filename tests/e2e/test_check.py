# SPDX-License-Identifier: Apache-2.0
"""`spanshim check`: accepts a sound dump, of spans or of metrics, and says of each of many corruptions where it is."""

import os
import re
import subprocess
import tempfile
import unittest

import sample_dump
import sample_metrics

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMAND = os.path.join(os.path.abspath(os.environ.get("SPANSHIM_BUILD") or os.path.join(SOURCE, "build")),
                       "spanshim")


def place(dump, path):
    """The container and last key of a path like (1, "spans", 0, "name"), from a line's only scope."""
    number, *keys = path
    at = dump[number]["resourceSpans"][0]
    if keys[0] == "spans":
        at = at["scopeSpans"][0]
    for key in keys[:-1]:
        at = at[key]
    return at, keys[-1]


def put(*path_and_value):
    """A corruption that sets one item."""
    *path, content = path_and_value

    def change(dump):
        container, key = place(dump, path)
        container[key] = content
    return change


def drop(*path):
    """A corruption that takes one item away."""
    def change(dump):
        container, key = place(dump, path)
        del container[key]
    return change


def rename(*path_and_key):
    """A corruption that spells a key in another way."""
    *path, new = path_and_key

    def change(dump):
        container, key = place(dump, path)
        container[new] = container.pop(key)
    return change


def add_attribute(number, index, content):
    """A corruption that appends to a span's attributes."""
    def change(dump):
        place(dump, (number, "spans", index, "attributes"))[0]["attributes"].append(content)
    return change


SPAN = "resourceSpans[0].scopeSpans[0].spans"
LONG = "9" * 20

# What is done to the sample; the line and the place of the finding; a word of the message.
CORRUPTIONS = {
    "trace id in capitals": (put(0, "spans", 0, "traceId", sample_dump.TRACE.upper()),
                             1, SPAN + "[0].traceId", "lowercase hex"),
    "trace id in base64": (put(0, "spans", 1, "traceId", "CvdlGRbNQ92ESOshHIAxnA=="),
                           1, SPAN + "[1].traceId", "32"),
    "trace id all zero": (put(0, "spans", 0, "traceId", "0" * 32), 1, SPAN + "[0].traceId", "zero"),
    "span id short": (put(0, "spans", 2, "spanId", "3"), 1, SPAN + "[2].spanId", "16"),
    "span id a number": (put(1, "spans", 0, "spanId", 4), 2, SPAN + "[0].spanId", "16"),
    "span id missing": (drop(1, "spans", 0, "spanId"), 2, SPAN + "[0].spanId", "missing"),
    "span id twice": (put(1, "spans", 1, "spanId", "%016x" % 4), 2, SPAN + "[1].spanId",
                      "used before, on line 2"),
    "parent id all zero": (put(1, "spans", 1, "parentSpanId", "0" * 16), 2, SPAN + "[1].parentSpanId",
                           "zero"),
    "its own parent": (put(1, "spans", 0, "parentSpanId", "%016x" % 4), 2, SPAN + "[0].parentSpanId",
                       "its own parent"),
    "parent of another trace": (put(1, "spans", 0, "traceId", "a" * 32), 2, SPAN + "[0].traceId",
                                "the parent's trace is another"),
    "starts before its parent": (put(1, "spans", 0, "startTimeUnixNano", str(sample_dump.START - 1)),
                                 2, SPAN + "[0].startTimeUnixNano", "1 ns before its parent"),
    "ends before its start": (put(1, "spans", 0, "endTimeUnixNano", str(sample_dump.START)),
                              2, SPAN + "[0].endTimeUnixNano", "ends before it starts"),
    "time as a number": (put(0, "spans", 0, "startTimeUnixNano", sample_dump.START),
                         1, SPAN + "[0].startTimeUnixNano", "string of decimal digits"),
    "time too large": (put(0, "spans", 0, "endTimeUnixNano", LONG), 1, SPAN + "[0].endTimeUnixNano",
                       "decimal digits"),
    "time missing": (drop(0, "spans", 0, "endTimeUnixNano"), 1, SPAN + "[0].endTimeUnixNano", "missing"),
    "event before its span": (put(0, "spans", 2, "events", 5, "timeUnixNano", str(sample_dump.START)),
                              1, SPAN + "[2].events[5].timeUnixNano", "before"),
    "event after its span": (put(0, "spans", 2, "events", 7, "timeUnixNano",
                                 str(sample_dump.START + 800_001)),
                             1, SPAN + "[2].events[7].timeUnixNano", "after"),
    "event without name": (put(0, "spans", 2, "events", 0, "name", ""), 1, SPAN + "[2].events[0].name",
                           "not empty"),
    "key in snake case": (rename(0, "spans", 0, "startTimeUnixNano", "start_time_unix_nano"),
                          1, SPAN + "[0].start_time_unix_nano", 'expected "startTimeUnixNano"'),
    "key with wrong capitals": (rename(0, "spans", 0, "traceId", "traceID"), 1, SPAN + "[0].traceID",
                                'expected "traceId"'),
    "unknown key": (put(0, "spans", 0, "colour", "red"), 1, SPAN + "[0].colour", "unknown key"),
    "key with a blank at its end": (rename(0, "spans", 0, "traceId", "traceId "), 1, SPAN + "[0].traceId ",
                                    "unknown key"),
    "unknown key in the resource": (put(2, "resource", "name", "x"), 3,
                                    "resourceSpans[0].resource.name", "unknown key"),
    "kind by name": (put(0, "spans", 0, "kind", "SPAN_KIND_INTERNAL"), 1, SPAN + "[0].kind", "0 to 5"),
    "kind out of range": (put(0, "spans", 0, "kind", 6), 1, SPAN + "[0].kind", "0 to 5"),
    "status out of range": (put(1, "spans", 0, "status", "code", 3), 2, SPAN + "[0].status.code", "0 to 2"),
    "status not whole": (put(1, "spans", 0, "status", "code", 1.5), 2, SPAN + "[0].status.code", "0 to 2"),
    "attributes as an object": (put(0, "spans", 0, "attributes", {"a": "b"}), 1, SPAN + "[0].attributes",
                                "expected an array"),
    "attribute twice": (add_attribute(0, 0, {"key": "thread.id", "value": {"intValue": "8"}}),
                        1, SPAN + "[0].attributes[3].key", '"thread.id" stands twice'),
    "attribute without value": (add_attribute(0, 0, {"key": "x"}), 1, SPAN + "[0].attributes[3].value",
                                "missing"),
    "value of two kinds": (add_attribute(0, 0, {"key": "x", "value": {"intValue": "8", "boolValue": True}}),
                           1, SPAN + "[0].attributes[3].value", "exactly one"),
    "value as an array": (add_attribute(0, 0, {"key": "x", "value": ["y"]}), 1, SPAN + "[0].attributes[3].value",
                          "expected an object"),
    "value of no kind": (add_attribute(0, 0, {"key": "x", "value": {}}),
                         1, SPAN + "[0].attributes[3].value", "exactly one"),
    "int as a number": (add_attribute(0, 0, {"key": "x", "value": {"intValue": 8}}),
                        1, SPAN + "[0].attributes[3].value.intValue", "string of decimal digits"),
    "int too large": (add_attribute(0, 0, {"key": "x", "value": {"intValue": "9223372036854775808"}}),
                      1, SPAN + "[0].attributes[3].value.intValue", "64-bit"),
    "bool as a string": (add_attribute(0, 0, {"key": "x", "value": {"boolValue": "true"}}),
                         1, SPAN + "[0].attributes[3].value.boolValue", "true or false"),
    "wrong element of an array": (put(1, "spans", 1, "attributes", 2, "value", "arrayValue", "values", 1,
                                      {"stringValue": 5}),
                                  2, SPAN + "[1].attributes[2].value.arrayValue.values[1].stringValue",
                                  "expected a string"),
    "dropped count negative": (put(0, "spans", 2, "droppedEventsCount", -1), 1,
                               SPAN + "[2].droppedEventsCount", "0 to 4294967295"),
    "link without trace": (drop(1, "spans", 0, "links", 0, "traceId"), 2, SPAN + "[0].links[0].traceId",
                           "missing"),
    "spans an object": (put(2, "scopeSpans", {}), 3, "resourceSpans[0].scopeSpans", "expected an array"),
}


METRICS = "resourceMetrics[0].scopeMetrics[0].metrics"
CALLS, DURATION = METRICS + "[0].sum", METRICS + "[1].histogram"


def metric(number, index):
    """A metric of the sample's line `number`."""
    return lambda dump: dump[number]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][index]


def change_point(number, index, point, **changed):
    """A corruption that sets keys of a data point; None takes one away."""
    def change(dump):
        found = metric(number, index)(dump)
        kind, = (key for key in found if key not in ("name", "unit", "description"))
        made = found[kind]["dataPoints"][point]
        made.update(changed)
        for key in [key for key, content in made.items() if content is None]:
            del made[key]
    return change


def change_metric(number, index, *path_and_value):
    """A corruption that sets one item of a metric."""
    *path, content = path_and_value

    def change(dump):
        container = metric(number, index)(dump)
        for key in path[:-1]:
            container = container[key]
        container[path[-1]] = content
    return change


METRIC_CORRUPTIONS = {
    "a count as a number": (change_point(0, 1, 0, count=2), 1, DURATION + ".dataPoints[0].count",
                            "string of decimal digits"),
    "a negative count": (change_point(0, 1, 0, count="-2"), 1, DURATION + ".dataPoints[0].count", "from 0 on"),
    "buckets as numbers": (change_point(0, 1, 0, bucketCounts=[1, 1, 0, 0]), 1,
                           DURATION + ".dataPoints[0].bucketCounts[0]", "string of decimal digits"),
    "an integer as a number": (change_point(0, 0, 0, asInt=2), 1, CALLS + ".dataPoints[0].asInt",
                               "string of decimal digits"),
    "a double as a string": (change_point(0, 1, 0, sum="0.055"), 1, DURATION + ".dataPoints[0].sum",
                             "expected a number"),
    "two values": (change_point(0, 0, 0, asDouble=2.0), 1, CALLS + ".dataPoints[0]", "exactly one"),
    "no value": (change_point(0, 0, 0, asInt=None), 1, CALLS + ".dataPoints[0]", "exactly one"),
    "no time": (change_point(0, 0, 0, timeUnixNano=None), 1, CALLS + ".dataPoints[0].timeUnixNano", "missing"),
    "time as a number": (change_point(0, 0, 0, timeUnixNano=5), 1, CALLS + ".dataPoints[0].timeUnixNano",
                         "string of decimal digits"),
    "a point before its start": (change_point(0, 0, 0, timeUnixNano=str(sample_dump.START - 1)), 1,
                                 CALLS + ".dataPoints[0].timeUnixNano", "before its start"),
    "too few buckets": (change_point(0, 1, 0, bucketCounts=["1", "1", "0"]), 1,
                        DURATION + ".dataPoints[0].bucketCounts", "3 buckets, expected 4"),
    "buckets without bounds": (change_point(0, 1, 0, explicitBounds=None), 1,
                               DURATION + ".dataPoints[0].bucketCounts", "4 buckets, expected 1"),
    "buckets that do not add up": (change_point(0, 1, 0, bucketCounts=["1", "2", "0", "0"]), 1,
                                   DURATION + ".dataPoints[0].bucketCounts", "hold 3, expected 2 (count)"),
    "bounds that descend": (change_point(0, 1, 0, explicitBounds=[0.1, 0.1, 0.05]), 1,
                            DURATION + ".dataPoints[0].explicitBounds[1]", "more than the bound before"),
    "min above max": (change_point(0, 1, 0, min=0.06), 1, DURATION + ".dataPoints[0].max", "no less than min"),
    "a counter below zero": (change_point(0, 0, 0, asInt="-1"), 1, CALLS + ".dataPoints[0].asInt", "not negative"),
    "temporality by name": (change_metric(0, 0, "sum", "aggregationTemporality", "CUMULATIVE"), 1,
                            CALLS + ".aggregationTemporality", "1 (delta) or 2 (cumulative)"),
    "temporality unspecified": (change_metric(0, 1, "histogram", "aggregationTemporality", 0), 1,
                                DURATION + ".aggregationTemporality", "1 (delta) or 2 (cumulative)"),
    "monotonic as a number": (change_metric(0, 0, "sum", "isMonotonic", 1), 1, CALLS + ".isMonotonic",
                              "true or false"),
    "no name": (change_metric(0, 0, "name", ""), 1, METRICS + "[0].name", "not empty"),
    "a unit that is no string": (change_metric(0, 0, "unit", 1), 1, METRICS + "[0].unit", "expected a string"),
    "two kinds": (change_metric(0, 0, "gauge", {"dataPoints": []}), 1, METRICS + "[0]", "exactly one of sum"),
    "a key in snake case": (change_point(0, 1, 0, bucket_counts=[]), 1, DURATION + ".dataPoints[0].bucket_counts",
                            'expected "bucketCounts"'),
    "an unknown key": (change_metric(0, 1, "buckets", []), 1, METRICS + "[1].buckets", "unknown key"),
    "attributes as an object": (change_point(0, 0, 0, attributes={"a": "b"}), 1, CALLS + ".dataPoints[0].attributes",
                                "expected an array"),
    "an attribute twice": (change_point(0, 0, 0, attributes=sample_dump.attributes(a=1) * 2), 1,
                           CALLS + ".dataPoints[0].attributes[1].key", "twice"),
    "a counter that decreases": (change_point(1, 0, 0, asInt="1"), 2, CALLS + ".dataPoints[0]",
                                 "1, expected no less than on line 1: 2"),
    "a histogram that decreases": (change_point(1, 1, 0, count="1", bucketCounts=["0", "1", "0", "0"]), 2,
                                   DURATION + ".dataPoints[0].count", "1, expected no less than on line 1: 2"),
    "a bucket that decreases": (change_point(1, 1, 0, bucketCounts=["0", "2", "1", "1"]), 2,
                                DURATION + ".dataPoints[0].bucketCounts[0]", "0, expected no less than on line 1: 1"),
    "a series twice": (change_point(0, 0, 1, attributes=sample_dump.attributes(
        status="success", gen_ai__tool__name="f")), 1, CALLS + ".dataPoints[1]", "twice on one line"),
    "exponential: scale too large": (change_point(2, 0, 0, scale=1 << 31), 3,
                                     METRICS + "[0].exponentialHistogram.dataPoints[0].scale", "2147483647"),
    "a summary without count": (change_point(2, 1, 0, count=None), 3, METRICS + "[1].summary.dataPoints[0].count",
                                "missing"),
    "an exemplar with a bad id": (change_point(2, 3, 0, exemplars=[{"timeUnixNano": "5", "spanId": "x"}]), 3,
                                  METRICS + "[3].gauge.dataPoints[0].exemplars[0].spanId", "16"),
}


class Check(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.directory = holder.name

    def write(self, content, name="t.jsonl"):
        path = os.path.join(self.directory, name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else sample_dump.text(content))
        return path

    def check(self, *arguments):
        done = subprocess.run([COMMAND, "check", *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def assert_finding(self, content, number, path, words):
        name = self.write(content)
        status, output, errors = self.check(name)
        self.assertEqual((status, errors), (1, ""), output)
        expected = "%s:%d: %s" % (name, number, path + ": " if path else "")
        found = [line for line in output.splitlines() if line.startswith(expected) and words in line]
        self.assertTrue(found, "no %r... %r in:\n%s" % (expected, words, output))
        counts = r"(\d+ spans? in \d+ traces?|\d+ metrics?, \d+ series), \d+ lines?: \d+ findings?"
        self.assertRegex(output, re.escape(name) + ": " + counts)

    def test_sound(self):
        name = self.write(sample_dump.lines())
        self.assertEqual(self.check(name), (0, "%s: 5 spans in 1 trace, 3 lines: ok\n" % name, ""))
        self.assertEqual(self.check("--strict", "-q", name), (0, "", ""))

    def test_several_scopes(self):
        dump = sample_dump.lines()
        scopes = dump[0]["resourceSpans"][0]["scopeSpans"]
        other = sample_dump.span(6, 1, "chat", 1_000, 2_000, sample_dump.attributes(reasons=["a", "b"], none=[]))
        scopes.append({"scope": {"name": "mellea.backend"}, "spans": [other]})
        name = self.write(dump)
        self.assertEqual(self.check("--strict", name), (0, "%s: 6 spans in 1 trace, 3 lines: ok\n" % name, ""))
        other["kind"] = "3"
        self.assert_finding(dump, 1, "resourceSpans[0].scopeSpans[1].spans[0].kind", "expected a span kind")

    def test_standard_input(self):
        done = subprocess.run([COMMAND, "check", "-"], input=sample_dump.text(sample_dump.lines()),
                              stdout=subprocess.PIPE, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, b"-: 5 spans in 1 trace, 3 lines: ok\n"))

    def test_corruptions(self):
        for name, (change, number, path, words) in CORRUPTIONS.items():
            with self.subTest(name):
                dump = sample_dump.lines()
                change(dump)
                self.assert_finding(dump, number, path, words)

    def test_corrupted_text(self):
        good = sample_dump.text(sample_dump.lines())
        first, second, third = good.splitlines(keepends=True)
        metrics = b'{"resourceMetrics":[]}\n'
        cases = {
            "cut in the last line": (good[:-40], 3, "", "newline"),
            "cut before the newline": (good[:-1], 3, "", "newline"),
            "no JSON": (first + b"spans\n" + third, 2, "", "not JSON at byte 1"),
            "two values on a line": (first[:-1] + second, 1, "", "not JSON at byte"),
            "an array": (first + b"[]\n", 2, "", "expected an object"),
            "an empty line": (first + b"\n" + second, 2, "", "empty line"),
            "not UTF-8": (first.replace(b"my db", b"my\xff\xfedb"), 1, "", "not UTF-8"),
            "surrogate": (first.replace(b"my db", b"my\xed\xa0\x80db"), 1, "", "not UTF-8"),
            "control character": (first.replace(b"my db", b"my\x01db"), 1, "", "control character 0x01"),
            "another signal": (first + metrics, 2, "resourceMetrics", "one signal"),
            "a key twice": (first.replace(b'"kind": 1', b'"kind": 1, "kind": 1', 1), 1, SPAN + "[0].kind",
                            "twice"),
            "a line too long": (first.replace(b"my db", b"x" * (1 << 20)), 1, "", "expected at most 1048576"),
            "a line far too long": (second + first.replace(b"my db", b"x" * (9 << 20)), 2, "",
                                    "expected at most 1048576"),
        }
        for name, (content, number, path, words) in cases.items():
            with self.subTest(name):
                self.assert_finding(content, number, path, words)

    def test_sound_metrics(self):
        name = self.write(sample_metrics.lines())
        self.assertEqual(self.check("--strict", name), (0, "%s: 8 metrics, 9 series, 3 lines: ok\n" % name, ""))
        self.assertEqual(self.check("--strict", "-q", name), (0, "", ""))

    def test_corrupted_metrics(self):
        for name, (change, number, path, words) in METRIC_CORRUPTIONS.items():
            with self.subTest(name):
                dump = sample_metrics.lines()
                change(dump)
                self.assert_finding(dump, number, path, words)

    def test_metrics_that_begin_again(self):
        """Less than before is in order where the series has a new start, is a delta, or of another process."""
        calls, counted = sample_metrics.counter, sample_metrics.counted
        other = sample_metrics.resource(pid=7)
        sound = [
            [calls("c", [counted(5, time=3)]), calls("c", [counted(4, time=4, start=2)])],
            [calls("c", [counted(5, time=3)], temporality=1), calls("c", [counted(4, time=4)], temporality=1)],
            [calls("c", [counted(5, time=3)]), calls("c", [counted(4, time=2)])],  # an older one, written late
            [calls("c", [counted(5, time=3)], monotonic=False), calls("c", [counted(4, time=4)], monotonic=False)],
        ]
        for pair in sound:
            name = self.write([sample_metrics.line([metric]) for metric in pair])
            self.assertEqual(self.check(name)[0], 0, pair)
        pair = [calls("c", [counted(5, time=3)]), calls("c", [counted(4, time=4)])]
        name = self.write([sample_metrics.line(pair[:1]), sample_metrics.line(pair[1:], of=other)])
        self.assertEqual(self.check(name), (0, name + ": 1 metric, 2 series, 2 lines: ok\n", ""))

    def test_metrics_over_files(self):
        """A process goes on in another file; its resource may say more by then."""
        first = self.write([sample_metrics.line([sample_metrics.counter("c", [sample_metrics.counted(5, time=3)])])],
                           "1.jsonl")
        second = self.write([sample_metrics.line([sample_metrics.counter("c", [sample_metrics.counted(4, time=4)])],
                                                 of=sample_metrics.resource(host__name="h"))], "2.jsonl")
        status, output, _ = self.check(first, second)
        self.assertEqual(status, 1)
        self.assertIn("%s:1: %s.dataPoints[0]: 4, expected no less than on line 1: 5" % (second, CALLS), output)
        self.assertIn(first + ": 1 metric, 1 series, 1 line: ok", output)

    def test_signals(self):
        """One signal per file; files of both may be checked together."""
        metrics, traces = sample_metrics.lines(), sample_dump.lines()
        both = dict(metrics[1], **traces[2])
        for dump, number, path, words in [
                (metrics[:1] + traces[:1], 2, "resourceSpans", "one signal, and this one metrics"),
                (metrics[:1] + traces[:1], 2, "resourceMetrics", "missing"),
                (metrics[:1] + [both], 2, "resourceSpans", "one signal, and this one metrics"),
                (traces[:1] + [both], 2, "resourceMetrics", "one signal, and this one traces"),
                ([both], 1, "resourceMetrics", "one signal, and this one traces"),
                ([{}], 1, "", "expected resourceSpans or resourceMetrics"),
                ([{"resourceLogs": []}], 1, "resourceLogs", "neither traces nor metrics")]:
            self.assert_finding(dump, number, path, words)
        names = self.write(metrics, "m.jsonl"), self.write(traces, "t.jsonl")
        status, output, _ = self.check("--strict", *names)
        self.assertEqual((status, output.splitlines()), (0, [
            names[0] + ": 8 metrics, 9 series, 3 lines: ok", names[1] + ": 5 spans in 1 trace, 3 lines: ok"]))

    def test_line_length_limit(self):
        """1 MiB with the newline passes, one byte more does not."""
        first = sample_dump.text(sample_dump.lines()).splitlines(keepends=True)[0]
        fill = (1 << 20) - len(first) + len(b"my db")
        self.assertEqual(self.check(self.write(first.replace(b"my db", b"x" * fill)))[0], 0)
        self.assert_finding(first.replace(b"my db", b"x" * (fill + 1)), 1, "", "1048577 bytes")

    def test_escape_sequences_are_not_printed(self):
        dump = sample_dump.lines()
        dump[0]["resourceSpans"][0]["\x1b[31mred"] = 1
        _, output, _ = self.check(self.write(dump))
        self.assertNotIn("\x1b", output)
        self.assertIn("\\x1b[31mred: unknown key", output)

    def test_missing_parent(self):
        dump = sample_dump.lines()
        orphan = dump[1]["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
        orphan["parentSpanId"] = "0000000000000099"
        name = self.write(dump)
        status, output, _ = self.check(name)
        self.assertEqual(status, 0)
        self.assertEqual(output.splitlines(), [
            "%s:2: %s[0].parentSpanId: warning: the parent 0000000000000099 is in none of the files"
            % (name, SPAN),
            "%s: 5 spans in 1 trace, 3 lines: ok, 1 warning" % name])
        self.assertEqual(self.check("--strict", name)[0], 1)
        self.assertEqual(self.check("--strict", "--allow-missing-parents", name)[0], 0)
        orphan["flags"] = 0x301  # its parent is known to be remote
        self.assertEqual(self.check("--strict", self.write(dump))[0], 0)
        orphan["flags"] = 0x101  # known to be of this process
        self.assertEqual(self.check("--strict", self.write(dump))[0], 1)

    def test_parent_in_another_file(self):
        first, second, _ = sample_dump.lines()
        names = self.write([second], "2.jsonl"), self.write([first], "1.jsonl")
        status, output, _ = self.check("--strict", *names)
        self.assertEqual((status, output.splitlines()), (0, [
            names[0] + ": 2 spans in 1 trace, 1 line: ok", names[1] + ": 3 spans in 1 trace, 1 line: ok"]))

    def test_span_id_twice_over_files(self):
        first = self.write(sample_dump.lines(), "1.jsonl")
        second = self.write(sample_dump.lines()[:1], "2.jsonl")
        status, output, _ = self.check(first, second)
        self.assertEqual(status, 1)
        self.assertIn("%s:1: %s[0].spanId: span id used before" % (second, SPAN), output)
        self.assertIn(first + ": 5 spans in 1 trace, 3 lines: ok", output)
        self.assertIn(second + ": 3 spans in 1 trace, 1 line: 3 findings", output)

    def test_losses(self):
        dump = sample_dump.lines()
        dump[2]["resourceSpans"][0]["resource"] = sample_dump.resource(
            spanshim__dropped__ring_full__open=12)
        name = self.write(dump)
        status, output, _ = self.check(name)
        self.assertEqual(status, 0)
        self.assertIn("%s:3: warning: events lost: ring_full.open 12\n" % name, output)
        status, output, _ = self.check("--strict", name)
        self.assertEqual(status, 1)
        self.assertIn("%s:3: events lost: ring_full.open 12\n" % name, output)

    def test_usage(self):
        self.assertEqual(self.check()[0], 2)
        self.assertEqual(self.check("--no-such-option")[0], 2)
        sound = self.write(sample_dump.lines())
        status, output, errors = self.check("/no/such/file", sound)
        self.assertEqual(status, 2)
        self.assertIn("spanshim check: /no/such/file: No such file", errors)
        self.assertIn("ok", output)
        self.assertEqual(self.check("--help")[0], 0)

    def test_empty_file(self):
        name = self.write(b"")
        self.assertEqual(self.check(name), (0, name + ": 0 spans in 0 traces, 0 lines: ok\n", ""))


if __name__ == "__main__":
    unittest.main()
