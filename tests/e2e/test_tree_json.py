# SPDX-License-Identifier: Apache-2.0
"""`spanshim tree --json`: the dump's own spans, nested; keys are a promise."""

import json
import os
import unittest

import mellea_env
import sample_dump
from harness import Case, Dump
from sample_dump import attributes, line, span
from tree_case import TreeCase

KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"]


def flat(spans, parent=None):
    """All spans of a nested list, with their parents."""
    for each in spans:
        yield each, parent
        yield from flat(each["children"], each)


class TreeJson(TreeCase):
    def json(self, *arguments):
        return [json.loads(text) for text in self.shown("--json", *arguments).splitlines()]

    def test_keys(self):
        """What scripts rely on."""
        trace, = self.json(self.sample())
        self.assertEqual({key: value for key, value in trace.items() if key != "roots"}, {
            "traceId": sample_dump.TRACE, "spans": 5, "errors": 1, "unfinished": 1, "missing": 0,
            "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000012345678"})
        session, = trace["roots"]
        self.assertEqual({key: value for key, value in session.items() if key != "children"}, {
            "spanId": "0000000000000001", "name": "session sqlite3", "kind": "internal",
            "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000012345678",
            "durationNs": 12345678, "status": "ok",
            "attributes": {"thread.id": 7, "db.system.name": "sqlite", "db.namespace": "my db.sqlite"},
            "events": [], "scope": {"name": "spanshim.native", "version": "0.1.0"},
            "resource": {"service.name": "unknown_service:sqlite3", "process.pid": 1234,
                         "process.executable.name": "sqlite3"}})
        first, failed, lost = session["children"]
        self.assertEqual(first["children"][0]["droppedEventsCount"], 872)
        self.assertEqual(first["children"][0]["events"][1],
                         {"name": "row", "timeUnixNano": "1700000000000003001", "attributes": {"n": 1}})
        self.assertEqual((failed["status"], failed["message"], failed["parentSpanId"]),
                         ("error", "UNIQUE constraint failed: t.a", "0000000000000001"))
        self.assertEqual(failed["links"], [{"traceId": "f" * 32, "spanId": "e" * 16, "attributes": {}}])
        self.assertEqual((lost["unfinished"], lost["attributes"]["tags"], lost["attributes"]["ratio"]),
                         (True, ["a", "b"], 0.5))
        for each, _ in flat(trace["roots"]):
            self.assertNotIn("context", each)
            self.assertEqual("unfinished" in each, each is lost)
            self.assertEqual("resource" in each, each is session)

    def test_values(self):
        """Of every kind; texts that a terminal might obey are escaped, and still the same."""
        text = "\x1b[31m \x7f \u009b \u202e \" \\ \n \t é 日 \U0001f600"
        nested = {"kvlistValue": {"values": attributes(a=1, b=[True, "x"])}}
        listed = attributes(big=2**63 - 1, small=-2**63, ratio=0.1, huge=1e300, no=False, empty="", text=text)
        listed += [{"key": "map", "value": nested}, {"key": "nothing", "value": {}},
                   {"key": "bytes", "value": {"bytesValue": "AAE="}}, {"key": "no", "value": {"intValue": "5"}}]
        name = self.write([line([span(1, 0, text, 0, 1, listed)])])
        output = self.shown("--json", name)
        for character in "\x1b\x7f\u009b\u202e":
            self.assertNotIn(character, output)
        root, = json.loads(output)["roots"]
        self.assertEqual(root["name"], text)
        self.assertEqual(root["attributes"], {
            "big": 2**63 - 1, "small": -2**63, "ratio": 0.1, "huge": 1e300, "no": False, "empty": "",
            "text": text, "map": {"a": 1, "b": [True, "x"]}, "nothing": None, "bytes": "AAE="})

    def test_missing_and_filtered(self):
        spans = [span(2, 1, "a", 0, 10), span(3, 2, "b", 1, 5), span(4, 9, "c", 2, 4, flags=0x301)]
        trace, = self.json("--name", "b", self.write([line(spans)]))
        missing, = trace["roots"]
        self.assertEqual(missing, {"spanId": "0000000000000001", "missing": True,
                                   "resource": missing["resource"], "scope": missing["scope"],
                                   "children": missing["children"]})
        above, = missing["children"]
        self.assertTrue(above["context"])
        self.assertNotIn("context", above["children"][0])
        self.assertEqual((trace["spans"], trace["missing"]), (3, 2))

    def test_limit(self):
        trace, = self.json("--limit", "1", self.sample())
        self.assertEqual(trace["roots"][0]["children"][1], {"more": 2, "errors": 2})

    def test_trouble_goes_to_stderr(self):
        name = self.write(sample_dump.text(sample_dump.lines()) + b"oops\n")
        status, output, errors = self.tree("--json", name)
        self.assertEqual((status, errors), (1, name + ":4: not JSON at byte 1\n"))
        self.assertEqual(len(output.splitlines()), 1)


class Equal(Case):
    """The nested trees of real programs' dumps hold what the dumps hold, read by another reader."""

    def assert_equal_to_dump(self, path):
        dump = Dump(path)
        done = self.command("tree", "--json", path)
        self.assertEqual((done.status, done.stderr), (0, b""))
        traces = [json.loads(text) for text in done.stdout.splitlines()]
        self.assertEqual({trace["traceId"] for trace in traces}, dump.traces())
        seen = 0
        for trace in traces:
            for each, parent in flat(trace["roots"]):
                seen += 1
                self.assert_same(each, dump.by_id[each["spanId"]], trace, parent)
        self.assertEqual(seen, len(dump.spans))
        self.assertEqual(sum(trace["spans"] for trace in traces), len(dump.spans))
        self.assertEqual(sum(trace["errors"] for trace in traces), sum(
            bool(each.status) and not each.unfinished for each in dump.spans))

    def assert_same(self, each, other, trace, parent):
        self.assertEqual(trace["traceId"], other.trace_id)
        self.assertEqual(parent["spanId"] if parent else "", other.parent_id)
        self.assertEqual(each.get("parentSpanId", ""), other.parent_id)
        self.assertEqual((each["name"], each["attributes"]), (other.name, other.attributes))
        self.assertEqual((int(each["startTimeUnixNano"]), int(each["endTimeUnixNano"])),
                         (other.start, other.end))
        self.assertEqual(each["durationNs"], other.end - other.start)
        self.assertEqual(each["kind"], KINDS[other.raw["kind"]])
        self.assertEqual((each["status"], each.get("message", "")),
                         ("error" if other.status else "ok", other.message))
        self.assertEqual([(event["name"], int(event["timeUnixNano"]), event["attributes"])
                          for event in each["events"]],
                         [(event.name, event.time, event.attributes) for event in other.events])
        self.assertEqual(each.get("droppedEventsCount", 0), other.dropped_events)
        self.assertEqual(each.get("unfinished", False), bool(other.unfinished))
        if "resource" in each:
            self.assertEqual((each["resource"], each["scope"]["name"]), (other.resource, other.scope["name"]))
        self.assertEqual([link["spanId"] for link in each.get("links", [])],
                         [link["spanId"] for link in other.links])
        starts = [int(child["startTimeUnixNano"]) for child in each["children"]]
        self.assertEqual(starts, sorted(starts))

    def test_sqlite3(self):
        self.trace(["sqlite3", self.path("a.db"), "CREATE TABLE t(a)",
                    "INSERT INTO t SELECT value FROM generate_series(1, 300)", "SELECT * FROM t",
                    "SELECT b FROM t"], quiet=False)
        self.assert_equal_to_dump(self.out)

    def test_recovered(self):
        """After a SIGKILL."""
        self.trace(["sqlite3", ":memory:", "SELECT 1", ".system kill -9 $PPID"], quiet=False)
        self.assertTrue(any(each.unfinished for each in Dump(self.out).spans))
        self.assert_equal_to_dump(self.out)
        self.assertIn("unfinished".encode(), self.command("tree", self.out).stdout)

    @mellea_env.needs()
    def test_mellea(self):
        program = os.path.join(mellea_env.SCRIPTS, "tour.py")
        with mellea_env.model_server() as url:
            self.trace([mellea_env.python(), program], content=True,
                       env=mellea_env.program_environment(url))
        self.assert_equal_to_dump(self.out)


if __name__ == "__main__":
    unittest.main()
