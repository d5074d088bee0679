# SPDX-License-Identifier: Apache-2.0
"""compare.py and compare_metrics.py notice everything that may not differ, and nothing that may."""

import copy
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import compare_metrics  # noqa: E402
from compare import differences, plain_stack  # noqa: E402

UUIDS = ("11111111-2222-3333-4444-555555555555", "99999999-8888-7777-6666-555555555555")
STACK = """Traceback (most recent call last):
  File "/a/lib/python3.12/site-packages/mellea/core/base.py", line 10, in avalue
    await self.astream()
    ^^^^^^^^^^^^^^^^^^^^
ValueError: no"""


def span(name, number, parent=0, start=0, end=0, **fields):
    return {"pid": 1, "trace": "t", "id": str(number), "parent": str(parent) if parent else "",
            "name": name, "scope": ["mellea.application", "1"], "kind": "INTERNAL", "start": start,
            "end": end, "ended": True, "service": "mellea", "attributes": {}, "events": [],
            "status": ["UNSET", ""], **fields}


def sample():
    """session > action > chat, and a second action after it."""
    return [
        span("session", 1, 0, 0, 100, attributes={"id": ["string", UUIDS[0]], "n": ["int", 1]}),
        span("action", 2, 1, 10, 20, attributes={"id": ["string", UUIDS[0]]},
             events=[["chunk", {"length": ["int", 5]}], ["done", {}]]),
        span("chat", 3, 2, 11, 19, attributes={"gen_ai.response.time_to_first_chunk": ["double", 0.1]},
             status=["ERROR", "no"],
             events=[["exception", {"exception.stacktrace": ["string", STACK]}]]),
        span("action", 4, 1, 30, 40, attributes={"last": ["bool", True]}),
    ]


class Compare(unittest.TestCase):
    def changed(self, change, flat=False):
        """The differences that one change makes; it is noticed from either side."""
        ours = copy.deepcopy(sample())
        change(ours)
        found = differences(sample(), ours, flat)
        self.assertEqual(bool(found), bool(differences(ours, sample(), flat)))
        return found

    def assert_found(self, change, *sentences):
        self.assertEqual(self.changed(change), list(sentences))

    def test_what_may_differ(self):
        def change(spans):
            for each in spans:
                each.update(pid=2, trace="u", id="x" + each["id"],
                            parent=each["parent"] and "x" + each["parent"],
                            start=each["start"] * 3 + 7, end=each["end"] * 3 + 7)
            for each in spans[:2]:
                each["attributes"]["id"][1] = UUIDS[1]
            spans[2]["attributes"]["gen_ai.response.time_to_first_chunk"][1] = 0.7
            spans[2]["events"][0][1]["exception.stacktrace"][1] = STACK.replace(
                "/a/lib/python3.12", "/b/c/lib/python3.11").replace("line 10", "line 11").replace(
                    "    ^^^^^^^^^^^^^^^^^^^^\n", "")
            spans.reverse()
        self.assertEqual(self.changed(change), [])

    def test_fields(self):
        for field, value in (("kind", "CLIENT"), ("scope", ["mellea.backend", "1"]),
                             ("service", "x"), ("ended", False), ("status", ["ERROR", "why"])):
            with self.subTest(field):
                found = self.changed(lambda spans: spans[0].update({field: value}))
                self.assertEqual(len(found), 1)
                self.assertTrue(found[0].startswith("session: %s is " % field), found)

    def test_attributes(self):
        self.assert_found(lambda spans: spans[0]["attributes"].update(n=["int", 2]),
                          "session: attribute n is int 2 instead of int 1")
        self.assert_found(lambda spans: spans[0]["attributes"].update(n=["double", 1.0]),
                          "session: attribute n is double 1.0 instead of int 1")
        self.assert_found(lambda spans: spans[0]["attributes"].pop("n"),
                          "session: attribute n is missing: int 1")
        self.assert_found(lambda spans: spans[3]["attributes"].update(more=["array", []]),
                          "session > action: attribute more is extra: array []")

    def test_the_type_of_a_time(self):
        found = self.changed(lambda spans: spans[2]["attributes"].update(
            {"gen_ai.response.time_to_first_chunk": ["int", 1]}))
        self.assertEqual(len(found), 1)

    def test_ids_that_are_confused(self):
        found = self.changed(lambda spans: spans[1]["attributes"].update(id=["string", UUIDS[1]]))
        self.assertEqual(len(found), 1)

    def test_events(self):
        self.assert_found(lambda spans: spans[1]["events"].reverse(),
                          "session > action: events are ['done', 'chunk'] instead of ['chunk', 'done']")
        self.assert_found(lambda spans: spans[1]["events"][0][1].update(length=["int", 6]),
                          "session > action: event 0 (chunk) attribute length is int 6 instead of int 5")
        found = self.changed(lambda spans: spans[2]["events"][0][1].update(
            {"exception.stacktrace": ["string", STACK.replace("avalue", "astream")]}))
        self.assertEqual(len(found), 1)

    def test_tree(self):
        self.assert_found(lambda spans: spans[2].update(parent="4"),
                          "session > action > chat: is not session > action > chat")
        self.assert_found(lambda spans: spans[2].update(parent="1"),
                          "session > chat: is not session > action > chat")
        self.assert_found(lambda spans: spans[1].update(parent=""), "action: is not session > action")
        self.assert_found(lambda spans: spans.pop(3), "session > action: is missing")
        self.assert_found(lambda spans: spans.append(span("action", 9, 1, 50, 60)),
                          "session > action: is extra")
        self.assertEqual(self.changed(lambda spans: spans[2].update(parent="4"), flat=True), [])

    def test_what_moved_is_compared_as_well(self):
        found = self.changed(lambda spans: spans[2].update(parent="1", kind="CLIENT"))
        self.assertEqual(found, ["session > chat: is not session > action > chat",
                                 "session > chat: kind is CLIENT instead of INTERNAL"])

    def test_order_of_siblings(self):
        self.assert_found(lambda spans: spans[3].update(start=1, end=2),
                          "session > action: comes after the next action")

    def test_concurrent_siblings_have_no_order(self):
        def concurrent(first, second):
            return [span("session", 1, 0, 0, 100)] + [
                span("action", 2 + number, 1, 10 + number, 90, attributes={"n": ["int", value]})
                for number, value in enumerate((first, second))]
        self.assertEqual(differences(concurrent(1, 2), concurrent(2, 1)), [])
        self.assertEqual(len(differences(concurrent(1, 2), concurrent(1, 1))), 1)

    def test_a_parent_that_is_nowhere(self):
        ours = sample()
        ours[2]["parent"] = "77"
        with self.assertRaises(ValueError):
            differences(sample(), ours)

    def test_stack(self):
        self.assertEqual(plain_stack(STACK), "Traceback (most recent call last):\n"
                         "mellea/core/base.py avalue\nValueError: no")
        self.assertEqual(plain_stack(STACK.replace("in avalue", "in <listcomp>")),
                         "Traceback (most recent call last):\nValueError: no")



def instrument(name, unit, series, kind="sum"):
    return {"name": name, "unit": unit, "description": "Some.", "scope": ["mellea.metrics", "1"],
            "service": "mellea", "kind": kind, "temporality": "CUMULATIVE",
            "monotonic": True if kind == "sum" else None, "series": series}


def attributes(**values):
    return compare_metrics.series_key({key: ["string", value] for key, value in values.items()})


def recorded(values, bounds):
    return {"count": len(values), "sum": sum(values), "min": min(values), "max": max(values),
            "bounds": bounds, "buckets": [
                sum(low < value <= high for value in values)
                for low, high in zip([float("-inf"), *bounds], [*bounds, float("inf")])]}


LATE, EARLY = attributes(requirement="R", reason="late"), attributes(requirement="R", reason="early")
OTHER, MODEL = attributes(requirement="S", reason="late"), attributes(model="tiny")


def measured_process():
    """One of every kind."""
    made = [
        instrument("checks", "{check}", {attributes(requirement="R"): {"value": ["int", 5]}}),
        instrument("failures", "{failure}", {LATE: {"value": ["int", 2]}, EARLY: {"value": ["int", 1]},
                                             OTHER: {"value": ["int", 4]}}),
        instrument("cost", "USD", {MODEL: {"value": ["double", 0.3]}}),
        instrument("tokens", "{token}", {MODEL: recorded([3, 17, 64], [1, 4, 16, 64])}, "histogram"),
        instrument("duration", "s", {MODEL: recorded([0.05, 0.5], [0.1, 1])}, "histogram"),
    ]
    return {each["name"]: each for each in made}


class CompareMetrics(unittest.TestCase):
    def found(self, change):
        """The differences that one change makes; it is noticed from either side."""
        ours = [measured_process()]
        change(ours[0])
        self.assertTrue(compare_metrics.differences(ours, [measured_process()]))
        return compare_metrics.differences([measured_process()], ours)

    def assert_found(self, change, *sentences):
        self.assertEqual(self.found(change), ["metric " + sentence for sentence in sentences])

    def test_what_may_differ(self):
        ours = measured_process()
        ours["duration"]["series"][MODEL] = recorded([0.01, 7.0], [0.1, 1])
        ours["cost"]["series"][MODEL]["value"][1] = 0.1 + 0.2
        self.assertEqual(compare_metrics.differences([measured_process()], [ours]), [])

    def test_instruments(self):
        for field, value in (("unit", "1"), ("description", "x"), ("scope", ["mellea.metrics", "2"]),
                             ("service", "x"), ("temporality", "DELTA"), ("monotonic", False)):
            with self.subTest(field):
                found = self.found(lambda process: process["checks"].update({field: value}))
                self.assertEqual(len(found), 1)
                self.assertTrue(found[0].startswith("metric checks: %s is " % field), found)
        self.assert_found(lambda process: process.pop("cost"), 'cost: is missing: {model="tiny"}')
        self.assert_found(lambda process: process.update(
            more=instrument("more", "1", {(): {"value": ["int", 1]}})), "more: is extra: {}")

    def test_counters(self):
        def change(value):
            return lambda process: process["checks"]["series"][attributes(requirement="R")].update(
                value=value)
        self.assert_found(change(["int", 6]),
                          """checks {requirement="R"}: value is ['int', 6] instead of ['int', 5]""")
        self.assert_found(change(["double", 5.0]),
                          """checks {requirement="R"}: value is ['double', 5.0] instead of ['int', 5]""")
        self.assertEqual(len(self.found(
            lambda process: process["cost"]["series"][MODEL].update(value=["double", 0.30001]))), 1)

    def test_attributes(self):
        def rename(key):
            def change(process):
                series = process["failures"]["series"]
                series[key] = series.pop(OTHER)
            return change
        missing = 'failures {reason="late", requirement="S"}: is missing: 4'
        self.assert_found(rename(attributes(requirement="T", reason="late")), missing,
                          'failures {reason="late", requirement="T"}: is extra: 4')
        self.assert_found(rename(attributes(requirement="S", reason="late", more="")), missing,
                          'failures {more="", reason="late", requirement="S"}: is extra: 4')
        self.assert_found(rename(compare_metrics.series_key(
            {"requirement": ["bool", "S"], "reason": ["string", "late"]})), missing,
            'failures {reason="late", requirement="S"}: is extra: 4')
        self.assert_found(lambda process: process["failures"]["series"].pop(OTHER), missing)

    def test_attributes_that_are_left_out(self):
        """They leave no more to see than that, unless what is left is counted wrong."""
        def without(value):
            def change(process):
                series = process["failures"]["series"]
                del series[LATE], series[EARLY]
                series[attributes(requirement="R")] = {"value": ["int", value]}
            return change
        self.assertEqual(compare_metrics.differences([measured_process()], [self.changed(without(3))]),
                         ['metric failures {requirement="R"}: has no reason'])
        self.assertEqual(compare_metrics.differences([measured_process()], [self.changed(without(2))]),
                         ['metric failures {requirement="R"}: has no reason',
                          """metric failures {requirement="R"}: value is ['int', 2] """
                          "instead of ['int', 3]"])

    @staticmethod
    def changed(change):
        process = measured_process()
        change(process)
        return process

    def test_histograms(self):
        for name in ("tokens", "duration"):
            with self.subTest(name):
                self.assertIn("metric %s {model=\"tiny\"}: bounds is " % name, self.found(
                    lambda process: process[name]["series"][MODEL]["bounds"].__setitem__(0, 0.07))[0])
                point = recorded([0.05] * 4, [0.1, 1])
                self.assertIn("count is 4 instead of ", "".join(self.found(
                    lambda process: process[name]["series"].update({MODEL: point}))))

    def test_histograms_of_counts(self):
        for values, field in (([3, 17, 63], "sum"), ([2, 17, 65], "min"), ([4, 17, 63], "max")):
            found = self.found(lambda process: process["tokens"]["series"].update(
                {MODEL: recorded(values, [1, 4, 16, 64])}))
            self.assertIn('metric tokens {model="tiny"}: %s is ' % field, "\n".join(found))
        self.assertEqual(len(self.found(
            lambda process: process["tokens"]["series"][MODEL].update(buckets=[0, 1, 1, 1, 0]))), 1)

    def test_histograms_of_durations_are_right_in_themselves(self):
        for fields in ({"sum": 0}, {"sum": 1.2}, {"min": 0.3}, {"max": 1.1}, {"buckets": [1, 2, 0]},
                       {"buckets": [1, 1]}, {"buckets": [0, 2, 0]}, {"min": 0, "sum": 0.5}):
            with self.subTest(fields):
                ours = self.changed(lambda process: process["duration"]["series"][MODEL].update(fields))
                self.assertTrue(compare_metrics.differences([measured_process()], [ours]))

    def test_durations_longer_than_the_run(self):
        for seconds, found in ((0.6, 0), (0.4, 1)):
            self.assertEqual(len(compare_metrics.differences([measured_process()], [measured_process()],
                                                             seconds)), found)

    def test_processes(self):
        """They are told apart by what they recorded; one too many or too few is noticed."""
        other = self.changed(lambda process: process.pop("tokens"))
        self.assertEqual(compare_metrics.differences([measured_process(), other],
                                                     [other, measured_process()]), [])
        self.assertEqual(len(compare_metrics.differences([measured_process(), other],
                                                         [measured_process()])), len(other))
        self.assertEqual(len(compare_metrics.differences([], [other])), len(other))
        self.assertEqual(compare_metrics.differences([other, other], [other, measured_process()]),
                         ['metric tokens: is extra: {model="tiny"}'])


def metrics_line(time, value, pid=1, image="a", start=5):
    """A line with one counter, as OTLP/JSON has it."""
    def attribute(key, kind, value):
        return {"key": key, "value": {kind: value}}
    point = {"attributes": [attribute("k", "stringValue", "v")], "startTimeUnixNano": str(start),
             "timeUnixNano": str(time), "asInt": value}
    metric = {"name": "n", "unit": "u", "description": "d", "sum": {
        "dataPoints": [point], "aggregationTemporality": 2, "isMonotonic": True}}
    return {"resourceMetrics": [{
        "resource": {"attributes": [attribute("process.pid", "intValue", str(pid)),
                                    attribute("spanshim.image", "stringValue", image)]},
        "scopeMetrics": [{"scope": {"name": "s"}, "metrics": [metric]}]}]}


class ReadMetrics(unittest.TestCase):
    def read(self, *lines):
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
            file.flush()
            return compare_metrics.read_dump(file.name)

    def values(self, *lines):
        return [point["value"] for process in self.read(*lines)
                for point in process["n"]["series"].values()]

    def test_the_latest_lines_of_each_image(self):
        self.assertEqual(self.values(metrics_line(10, "1"), metrics_line(11, "5", pid=2, image="b"),
                                     metrics_line(12, "3"), metrics_line(13, "1", image="c")),
                         [["int", 3], ["int", 5], ["int", 1]])

    def test_what_no_reader_takes(self):
        for lines in ([metrics_line(10, 1)], [metrics_line(10, "1"), metrics_line(9, "2")],
                      [metrics_line(10, "1"), metrics_line(10, "1")], [metrics_line(10, "1", start=11)]):
            with self.assertRaises(ValueError):
                self.read(*lines)

    def test_a_reference_that_lost_something(self):
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
            file.write('{"pid": 1, "lost": 1, "metrics": []}\n')
            file.flush()
            with self.assertRaises(ValueError):
                compare_metrics.read_reference(file.name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
