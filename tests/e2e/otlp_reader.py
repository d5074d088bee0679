# SPDX-License-Identifier: Apache-2.0
"""An independent reader of dumps: the official protobuf definitions decide what a TracesData is.

Needs the packages opentelemetry-proto and protobuf. Run as a program it reads the files it is given and
prints a JSON summary, or says on stderr which line is wrong and exits with status 1.

OTLP/JSON is protobuf's JSON mapping with one exception: trace and span ids are hex, not base64. So ids are
turned into base64 first, strictly, and unknown keys are errors.
"""

import base64
import json
import re
import sys

from google.protobuf import json_format
from opentelemetry.proto.trace.v1 import trace_pb2

ID_DIGITS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}


def base64_id(key, value):
    """The base64 form of an id in hex; "" stands for no parent."""
    if key == "parentSpanId" and value == "":
        return ""
    digits = ID_DIGITS[key]
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{%d}" % digits, value):
        raise ValueError("%s: expected %d lowercase hex digits, not %r" % (key, digits, value))
    if not int(value, 16):
        raise ValueError("%s: all zero" % key)
    return base64.b64encode(bytes.fromhex(value)).decode("ascii")


def unique_keys(pairs):
    """Refuses objects with a key twice, which json would let pass."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice in one object: %s" % [key for key, _ in pairs])
    return made


def convert_ids(span):
    """Turns the ids of a span and of its links into what protobuf's mapping wants."""
    for owner in [span] + span.get("links", []):
        for key in ID_DIGITS:
            if key in owner:
                owner[key] = base64_id(key, owner[key])


def read_line(line):
    """The TracesData of one line."""
    data = json.loads(line.decode("utf-8"), object_pairs_hook=unique_keys)
    for resource_spans in data.get("resourceSpans", []):
        for scope_spans in resource_spans.get("scopeSpans", []):
            for span in scope_spans.get("spans", []):
                convert_ids(span)
    return json_format.ParseDict(data, trace_pb2.TracesData(), ignore_unknown_fields=False)


def spans_of(traces):
    """All spans of a TracesData."""
    for resource_spans in traces.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            yield from scope_spans.spans


def read_file(path):
    """Lines, spans, events, attributes and traces of a dump."""
    summary = {"lines": 0, "spans": 0, "events": 0, "attributes": 0, "names": {}}
    traces = set()
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                if not line.endswith(b"\n"):
                    raise ValueError("no newline at the end")
                parsed = read_line(line)
            except (ValueError, AttributeError, TypeError, json_format.ParseError) as error:
                raise SystemExit("%s:%d: %s" % (path, number, error)) from error
            summary["lines"] += 1
            for span in spans_of(parsed):
                if len(span.trace_id) != 16 or len(span.span_id) != 8:
                    raise SystemExit("%s:%d: a span without ids" % (path, number))
                summary["spans"] += 1
                summary["events"] += len(span.events)
                summary["attributes"] += len(span.attributes)
                summary["names"][span.name] = summary["names"].get(span.name, 0) + 1
                traces.add(span.trace_id)
    summary["traces"] = len(traces)
    return summary


def main(paths):
    """Prints the summaries of all files, by path."""
    if not paths:
        raise SystemExit("usage: otlp_reader.py FILE...")
    print(json.dumps({path: read_file(path) for path in paths}, indent=2, sort_keys=True))


if __name__ == "__main__":
    main(sys.argv[1:])
