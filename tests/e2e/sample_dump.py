# SPDX-License-Identifier: Apache-2.0
"""A handcrafted dump for the tests of the commands that read dumps: one session with all that a span can have."""

import copy
import json

TRACE = "0af7651916cd43dd8448eb211c80319c"
START = 1_700_000_000 * 10**9  # 2023-11-14 22:13:20 UTC


def value(content):
    """An AnyValue."""
    if isinstance(content, bool):
        return {"boolValue": content}
    if isinstance(content, int):
        return {"intValue": str(content)}
    if isinstance(content, float):
        return {"doubleValue": content}
    if isinstance(content, list):
        return {"arrayValue": {"values": [value(element) for element in content]}}
    return {"stringValue": content}


def attributes(**named):
    """An attribute list; a double underscore in a name stands for a dot."""
    return [{"key": key.replace("__", "."), "value": value(content)} for key, content in named.items()]


def span(number, parent, name, start, end, listed=(), **more):
    """A span with id `number`; start and end in ns after START."""
    made = {"traceId": TRACE, "spanId": "%016x" % number, "name": name, "kind": 1,
            "startTimeUnixNano": str(START + start), "endTimeUnixNano": str(START + end),
            "attributes": list(listed), "status": {}}
    if parent:
        made["parentSpanId"] = "%016x" % parent
    made.update(more)
    return made


def event(name, time, **named):
    """A span event; time in ns after START."""
    return {"timeUnixNano": str(START + time), "name": name, "attributes": attributes(**named)}


def resource(pid=1234, program="sqlite3", **named):
    """A resource of one process."""
    return {"attributes": attributes(service__name="unknown_service:" + program, process__pid=pid,
                                     process__executable__name=program, **named)}


def line(spans, of=None):
    """The TracesData of one line."""
    return {"resourceSpans": [{"resource": of or resource(), "scopeSpans": [
        {"scope": {"name": "spanshim.native", "version": "0.1.0"}, "spans": spans}]}]}


SPANS = [
    span(1, 0, "session sqlite3", 0, 12_345_678,
         attributes(thread__id=7, db__system__name="sqlite", db__namespace="my db.sqlite")),
    span(2, 1, "action sqlite3", 1_000, 900_000,
         attributes(thread__id=7, db__system__name="sqlite", db__query__text_length=29)),
    span(3, 2, "stream sqlite3", 2_000, 800_000,
         events=[event("row", 3_000 + number, n=number) for number in range(128)],
         droppedEventsCount=872),
    span(4, 1, "action sqlite3", 1_000_000, 1_500_000,
         attributes(db__response__status_code=19, error__type="SQLITE_CONSTRAINT"),
         status={"code": 2, "message": "UNIQUE constraint failed: t.a"},
         links=[{"traceId": "f" * 32, "spanId": "e" * 16, "flags": 1}]),
    span(5, 1, "action sqlite3", 2_000_000, 12_345_678,
         attributes(spanshim__unfinished=True, ratio=0.5, tags=["a", "b"]),
         status={"code": 2, "message": "unfinished: the process ended"}),
]


def lines():
    """The sample: three lines, the last one with nothing but a resource. The caller may change it."""
    return copy.deepcopy([line(SPANS[:3]), line(SPANS[3:]), line([])])


def text(dump):
    """The bytes of a dump."""
    return "".join(json.dumps(data, ensure_ascii=False) + "\n" for data in dump).encode("utf-8")
