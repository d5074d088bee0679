# SPDX-License-Identifier: Apache-2.0
"""`spanshim export --format chrome`, checked against what viewers of the format demand: whatever lies on one
track is nested, and nothing is missing."""

import collections
import json
import os
import random

import sample_dump
from export_case import ExportCase
from harness import Dump, main
from sample_dump import attributes, line, span


class Number(float):
    """With the text that it was."""

    def __new__(cls, text):
        made = super().__new__(cls, text)
        made.text = text
        return made


class Trace:
    """A Chrome trace, by kind of event; times in whole nanoseconds."""

    def __init__(self, text):
        self.data = json.loads(text, parse_float=Number)
        self.base = int(self.data["otherData"]["startTimeUnixNano"])
        self.kinds = collections.defaultdict(list)
        for event in self.data["traceEvents"]:
            for key in "ts", "dur":
                if key in event:
                    event[key] = self.nanoseconds(event[key].text)
            self.kinds[event["ph"]].append(event)
        self.spans = {event["args"]["span.id"]: event for event in self.kinds["X"]}

    @staticmethod
    def nanoseconds(text):
        """Of microseconds with exactly three digits behind the point."""
        whole, digits = text.split(".")
        assert len(digits) == 3
        return int(whole) * 1000 + int(digits)

    @staticmethod
    def track(event):
        return event["pid"], event["tid"]

    def tracks(self):
        found = collections.defaultdict(list)
        for event in self.kinds["X"]:
            found[self.track(event)].append(event)
        return found

    def names(self, what):
        """{pid or (pid, tid): name} of the metadata."""
        return {event["pid"] if what == "process_name" else self.track(event): event["args"]["name"]
                for event in self.kinds["M"] if event["name"] == what}

    def problems(self):
        """Where the spans of a track overlap without being nested, in sentences."""
        wrong = []
        for track, events in self.tracks().items():
            stack = []
            for event in events:  # in their order of the file, as viewers sort: by start, stable
                if stack and event["ts"] < stack[-1]["last"]:
                    wrong.append("%s is out of order on %s" % (event["name"], track))
                while stack and stack[-1]["ts"] + stack[-1]["dur"] <= event["ts"]:
                    stack.pop()
                if stack and event["ts"] + event["dur"] > stack[-1]["ts"] + stack[-1]["dur"]:
                    wrong.append("%s reaches out of %s on %s" % (event["name"], stack[-1]["name"], track))
                if stack and stack[-1]["args"]["span.id"] != event["args"].get("span.parent_id"):
                    wrong.append("%s lies in %s, which is not its parent" % (event["name"], stack[-1]["name"]))
                for open_one in stack:
                    open_one["last"] = event["ts"]
                stack.append(dict(event, last=event["ts"]))
        return wrong


class Chrome(ExportCase):
    def chrome(self, *paths, status=0, errors=b"", **options):
        result = self.export("--format", "chrome", *paths, **options)
        self.assertEqual((result.status, result.stderr), (status, errors), result.stdout[:500])
        return Trace(result.stdout)

    def of_lines(self, lines, **options):
        return self.chrome(self.write_lines(lines), **options)

    def assert_whole(self, trace, dump):
        """All spans and events of a dump, with all that they say, on tracks that a viewer can show."""
        self.assertEqual(trace.problems(), [])
        self.assertEqual(len(trace.kinds["X"]), len(dump.spans))
        self.assertEqual(set(trace.spans), set(dump.by_id))
        events = collections.defaultdict(list)
        for event in trace.kinds["i"]:
            events[event["name"], event["ts"], trace.track(event)].append(event["args"])
        for one in dump.spans:
            shown = trace.spans[one.span_id]
            self.assertEqual((shown["name"], shown["ts"] + trace.base, shown["dur"]), (one.name, one.start, one.end - one.start))
            args = dict(shown["args"])
            self.assertEqual((args.pop("span.trace_id"), args.pop("span.id"), args.pop("span.parent_id", "")),
                             (one.trace_id, one.span_id, one.parent_id))
            self.assertEqual((args.pop("span.status"), args.pop("span.message", "")), (
                "ERROR" if one.status == 2 else "OK", one.message))
            self.assertEqual(args, one.attributes)
            self.assertEqual(shown.get("cname"), "bad" if one.unfinished else "terrible" if one.status == 2 else None)
            self.assertIn("unfinished" if one.unfinished else "span", shown["cat"].split(","))
            for event in one.events:
                self.assertIn(event.attributes, events[event.name, event.time - trace.base, trace.track(shown)])
        self.assertEqual(len(trace.kinds["i"]), sum(len(one.events) for one in dump.spans))
        self.assert_arrows(trace, dump)
        self.assertEqual(set(trace.names("thread_name")), set(trace.tracks()))
        self.assertEqual(set(trace.names("process_name")), {pid for pid, _ in trace.tracks()})

    def assert_arrows(self, trace, dump):
        """From the start of each parent that is on another track to its child's, and no others."""
        expected = []
        for one in dump.spans:
            child, parent = trace.spans[one.span_id], trace.spans.get(one.parent_id)
            if parent and trace.track(child) != trace.track(parent):
                expected.append((trace.track(parent), parent["ts"], trace.track(child), child["ts"]))
        starts = {event["id"]: event for event in trace.kinds["s"]}
        ends = {event["id"]: event for event in trace.kinds["f"]}
        self.assertEqual((len(starts), set(starts)), (len(trace.kinds["s"]), set(ends)))
        self.assertEqual(sorted(expected), sorted(
            (trace.track(start), start["ts"], trace.track(ends[number]), ends[number]["ts"])
            for number, start in starts.items()))

    def test_sample(self):
        trace = self.of_lines(sample_dump.lines())
        dump = Dump(self.path("t.jsonl"))
        self.assertEqual(len(trace.tracks()), 1)
        self.assertEqual(trace.names("process_name"), {1: "sqlite3[1234]"})
        self.assertEqual(list(trace.names("thread_name").values()), ["session sqlite3"])
        self.assertEqual(trace.data["displayTimeUnit"], "ns")
        self.assert_whole(trace, dump)

    def test_real_program(self):
        """Several processes, one of them killed, with events and errors."""
        env = self.environment("sqlite3", content=True, env={"SPANSHIM_STACKS": "error"})
        script = ("for i in 1 2 3; do sqlite3 :memory: 'SELECT 1; SELECT 2; SELECT nope' & done; "
                  "sqlite3 :memory: 'SELECT 3' '.system kill -9 $PPID'; wait")
        self.execute(self.traced_command(["sh", "-c", script], "run", "sqlite3", env), env)
        dump = Dump(self.out)
        trace = self.chrome(self.out)
        self.assertGreater(sum(one.unfinished for one in dump.spans), 0)
        self.assertEqual(len(trace.names("process_name")), 4)
        self.assert_whole(trace, dump)

    def test_concurrent_siblings(self):
        """Each overlapping one on a track of its own; tracks are used again; what fits stays at its parent's."""
        trace = self.of_lines([line([
            span(1, 0, "root", 0, 1000), span(2, 1, "a", 10, 500), span(3, 1, "b", 20, 300), span(4, 1, "c", 30, 200),
            span(5, 3, "in b", 25, 290), span(6, 1, "d", 310, 900), span(7, 2, "in a", 20, 490), span(8, 1, "e", 501, 999)])])
        self.assert_whole(trace, Dump(self.path("t.jsonl")))
        track = {event["name"]: event["tid"] for event in trace.kinds["X"]}
        self.assertEqual(track["root"], track["a"])
        self.assertEqual(track["a"], track["in a"])
        self.assertEqual(track["b"], track["in b"])
        self.assertEqual(track["root"], track["e"])
        self.assertEqual(len(set(track.values())), 3)
        self.assertEqual(track["d"], track["b"])

    def test_children_that_outlive_their_parents(self):
        trace = self.of_lines([line([span(1, 0, "root", 0, 100), span(2, 1, "longer", 50, 150), span(3, 1, "later", 120, 130),
                                     span(4, 2, "in longer", 60, 150), span(5, 0, "empty", 40, 40)])])
        self.assert_whole(trace, Dump(self.path("t.jsonl")))
        self.assertNotEqual(trace.spans["%016x" % 1]["tid"], trace.spans["%016x" % 2]["tid"])

    def test_parents_in_other_processes_and_nowhere(self):
        trace = self.of_lines([
            line([span(1, 0, "here", 0, 100)]),
            line([span(2, 1, "there", 10, 90), span(3, 77, "orphan", 20, 30)], of=sample_dump.resource(99, "curl"))])
        self.assertEqual(sorted(trace.names("process_name").values()), ["curl[99]", "sqlite3[1234]"])
        self.assertEqual(trace.spans["%016x" % 3]["args"]["span.parent_id"], "%016x" % 77)
        self.assert_whole(trace, Dump(self.path("t.jsonl")))

    def test_random_trees(self):
        chance = random.Random(3)
        for round_number in range(4):
            spans = []
            for number in range(1, 1500):
                start = chance.randint(0, 3000)
                spans.append(span(number, chance.randint(0, number - 1), "s%d" % (number % 7), start,
                                  start + chance.choice((0, 1, 5, 50, 500, 3000))))
            chance.shuffle(spans)
            with self.subTest(round_number):
                trace = self.of_lines([line(spans[at:at + 100], of=sample_dump.resource(at % 3 + 1))
                                       for at in range(0, len(spans), 100)])
                self.assert_whole(trace, Dump(self.path("t.jsonl")))

    def test_many_at_once(self):
        """As many tracks as spans go on at a time, no more."""
        spans = [span(number + 1, 0, "s", number * 10, number * 10 + 20_000) for number in range(10_000)]
        trace = self.of_lines([line(spans)])
        self.assertEqual(trace.problems(), [])
        self.assertEqual(len(trace.tracks()), 2_000)

    def test_untrusted_text(self):
        """Of any text, escaped; and a value of each kind."""
        name = "a\"\\\n\u0001\u001b[31m\u202e</script>🐌"
        nested = [{"key": "k", "value": {"kvlistValue": {"values": attributes(x=1) + attributes(x=2)}}},
                  {"key": "b", "value": {"bytesValue": "AAE="}}, {"key": "big", "value": {"intValue": str(2**63 - 1)}}]
        losses = {"spanshim__dropped__ring_full__\u001b[31m": 3}
        trace = self.of_lines([line([span(1, 0, name, 0, 10, attributes(**{name.replace("_", ""): name}) + nested)],
                                    of=sample_dump.resource(**losses))],
                              errors="spanshim export: events lost: ring_full.\\e[31m: 3\n".encode())
        event = trace.spans["%016x" % 1]
        self.assertEqual((event["name"], event["args"][name]), (name, name))
        self.assertEqual((event["args"]["k"], event["args"]["b"], event["args"]["big"]), ({"x": 1}, "AAE=", 2**63 - 1))
        self.assertEqual(trace.data["otherData"]["ring_full.\u001b[31m"], "3 events lost")

    def test_output(self):
        self.write_lines(sample_dump.lines())
        printed = self.export("--format", "perfetto", "t.jsonl").stdout
        result = self.exported("--format", "chrome", "-o", "t.json", "t.jsonl")
        self.assertEqual(result.stdout, b"")
        with open(self.path("t.json"), "rb") as file:
            self.assertEqual(file.read(), printed)
        with open(self.path("t.jsonl"), "rb") as file:
            self.assertEqual(self.exported("--format", "chrome", "-", input=file.read()).stdout, printed)
        for output, text in (("./t.jsonl", b"is one of the files to read"), ("no/such", b"No such file")):
            result = self.export("--format", "chrome", "-o", output, "t.jsonl")
            self.assertEqual(result.status, 2)
            self.assertIn(text, result.stderr)
        self.assertGreater(os.path.getsize(self.path("t.jsonl")), 1000)
        self.assertEqual(self.export("--format", "chrome", "-o", "/dev/full", "t.jsonl").status, 2)

    def test_trouble(self):
        self.write_lines(sample_dump.lines())
        with open(self.path("t.jsonl"), "ab") as file:
            file.write(b"{]\n")
        trace = self.chrome("t.jsonl", status=1, errors=b"t.jsonl:4: not JSON at byte 2\n")
        self.assertEqual(len(trace.kinds["X"]), 5)
        self.write("empty.jsonl", "")
        trace = self.chrome("empty.jsonl", errors=b"spanshim export: there are no spans\n")
        self.assertEqual(trace.data["traceEvents"], [])
        self.assertEqual(self.export("--format", "chrome", "no/such").status, 2)


if __name__ == "__main__":
    main()
