# SPDX-License-Identifier: Apache-2.0
"""An independent reader of dumps: the official protobuf definitions decide what a TracesData or MetricsData is.

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
from opentelemetry.proto.metrics.v1 import metrics_pb2
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


def convert_ids(owner):
    """Turns the ids of a span, a link or an exemplar into what protobuf's mapping wants."""
    for key in ID_DIGITS:
        if key in owner:
            owner[key] = base64_id(key, owner[key])


def refuse_numbers(point):
    """64-bit integers are strings: protobuf's own parser would take numbers as well."""
    for key in ("startTimeUnixNano", "timeUnixNano", "count", "asInt", "zeroCount"):
        if not isinstance(point.get(key, ""), str):
            raise ValueError("%s: expected a string, not %r" % (key, point[key]))
    for count in point.get("bucketCounts", []):
        if not isinstance(count, str):
            raise ValueError("bucketCounts: expected strings, not %r" % (count,))


def read_line(line):
    """The TracesData or MetricsData of one line."""
    data = json.loads(line.decode("utf-8"), object_pairs_hook=unique_keys)
    for resource_spans in data.get("resourceSpans", []):
        for scope_spans in resource_spans.get("scopeSpans", []):
            for span in scope_spans.get("spans", []):
                for owner in [span] + span.get("links", []):
                    convert_ids(owner)
    for resource_metrics in data.get("resourceMetrics", []):
        for scope_metrics in resource_metrics.get("scopeMetrics", []):
            for metric in scope_metrics.get("metrics", []):
                for point in [point for kind in metric.values() if isinstance(kind, dict)
                              for point in kind.get("dataPoints", [])]:
                    refuse_numbers(point)
                    for exemplar in point.get("exemplars", []):
                        convert_ids(exemplar)
    message = metrics_pb2.MetricsData if "resourceMetrics" in data else trace_pb2.TracesData
    return json_format.ParseDict(data, message(), ignore_unknown_fields=False)


def spans_of(traces):
    """All spans of a TracesData."""
    for resource_spans in traces.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            yield from scope_spans.spans


def check_point(metric, point):
    """What the definitions say in words only, of a point of a metric."""
    if not point.time_unix_nano or point.start_time_unix_nano > point.time_unix_nano:
        raise ValueError("%s: from %d to %d" % (metric.name, point.start_time_unix_nano, point.time_unix_nano))
    keys = [attribute.key for attribute in point.attributes]
    if len(set(keys)) != len(keys):
        raise ValueError("%s: an attribute twice: %s" % (metric.name, keys))
    kind = metric.WhichOneof("data")
    if kind in ("sum", "gauge") and not point.WhichOneof("value"):
        raise ValueError("%s: no value" % metric.name)
    if kind == "histogram":
        bounds = list(point.explicit_bounds)
        if bounds != sorted(set(bounds)) or len(point.bucket_counts) != len(bounds) + 1 or \
                sum(point.bucket_counts) != point.count:
            raise ValueError("%s: buckets %s, bounds %s, count %d" % (
                metric.name, point.bucket_counts, bounds, point.count))


def read_metrics(data, summary):
    """Adds the points of a MetricsData; of the sums and histograms' counts, those of the last line stay."""
    for resource_metrics in data.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                kind = metric.WhichOneof("data")
                if not metric.name or not kind:
                    raise ValueError("a metric without name or data: %r" % metric.name)
                if kind in ("sum", "histogram") and not getattr(metric, kind).aggregation_temporality:
                    raise ValueError("%s: no temporality" % metric.name)
                total = 0
                for point in getattr(metric, kind).data_points:
                    check_point(metric, point)
                    summary["points"] += 1
                    total += point.count if kind == "histogram" else point.as_int or point.as_double
                summary["metrics"][metric.name] = total


def read_file(path):
    """Lines, spans, events, attributes, traces and metrics of a dump."""
    summary = {"lines": 0, "spans": 0, "events": 0, "attributes": 0, "names": {}, "points": 0, "metrics": {}}
    traces = set()
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                if not line.endswith(b"\n"):
                    raise ValueError("no newline at the end")
                parsed = read_line(line)
                if isinstance(parsed, metrics_pb2.MetricsData):
                    read_metrics(parsed, summary)
            except (ValueError, AttributeError, TypeError, json_format.ParseError) as error:
                raise SystemExit("%s:%d: %s" % (path, number, error)) from error
            summary["lines"] += 1
            if isinstance(parsed, metrics_pb2.MetricsData):
                continue
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
