# SPDX-License-Identifier: Apache-2.0
"""compare.py notices everything that may not differ, and nothing that may."""

import copy
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
