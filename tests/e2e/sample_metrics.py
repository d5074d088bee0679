# SPDX-License-Identifier: Apache-2.0
"""Handcrafted metrics for the tests of the commands that read dumps: lines of a process, with every kind of metric."""

import bisect
import copy

from sample_dump import START, attributes

SECONDS = [0.01, 0.1, 1.0]


def resource(pid=1234, image="00000000000000a1", **named):
    """A resource of one process image."""
    return {"attributes": attributes(service__name="mellea", process__pid=pid, spanshim__image=image, **named)}


def point(labels, time=1, start=0, **more):
    """A data point; times in seconds after START."""
    made = {"attributes": attributes(**labels), "startTimeUnixNano": str(START + start * 10**9),
            "timeUnixNano": str(START + time * 10**9)}
    made.update(more)
    return made


def counted(value, time=1, start=0, **labels):
    """A point of a counter."""
    number = {"asDouble": value} if isinstance(value, float) else {"asInt": str(value)}
    return point(labels, time, start, **number)


def recorded(values, bounds=tuple(SECONDS), time=1, start=0, **labels):
    """A point of a histogram in which values were recorded."""
    buckets = [0] * (len(bounds) + 1)
    for value in values:
        buckets[bisect.bisect_left(bounds, value)] += 1
    more = {"min": min(values), "max": max(values)} if values else {}
    return point(labels, time, start, count=str(len(values)), sum=sum(values), explicitBounds=list(bounds),
                 bucketCounts=[str(bucket) for bucket in buckets], **more)


def counter(name, points, unit="{call}", temporality=2, monotonic=True):
    return {"name": name, "description": "a sum", "unit": unit,
            "sum": {"dataPoints": points, "aggregationTemporality": temporality, "isMonotonic": monotonic}}


def histogram(name, points, unit="s", temporality=2):
    return {"name": name, "description": "a histogram", "unit": unit,
            "histogram": {"dataPoints": points, "aggregationTemporality": temporality}}


def gauge(name, points, unit="1"):
    return {"name": name, "unit": unit, "gauge": {"dataPoints": points}}


def line(metrics, of=None, scope="mellea.metrics"):
    """The MetricsData of one line."""
    return {"resourceMetrics": [{"resource": of or resource(), "scopeMetrics": [
        {"scope": {"name": scope, "version": "0.8.0"}, "metrics": metrics}]}]}


def _line_at(time, calls, durations):
    return line([
        counter("mellea.tool.calls", [counted(calls, time, gen_ai__tool__name="f", status="success"),
                                      counted(1, time, gen_ai__tool__name="f", status="failure")]),
        histogram("mellea.llm.request.duration", [recorded(durations, time=time, gen_ai__request__model="m")]),
        gauge("queue", [counted(time, time)]),
    ])


LINES = [_line_at(1, 2, [0.005, 0.05]), _line_at(2, 3, [0.005, 0.05, 0.5, 5.0])]

OTHERS = line([  # what other writers have
    {"name": "exponential", "exponentialHistogram": {"aggregationTemporality": 1, "dataPoints": [
        point({}, count="3", sum=6.0, min=1.0, max=3.0, scale=-1, zeroCount="0", zeroThreshold=0.0,
              positive={"offset": -2, "bucketCounts": ["1", "2"]}, negative={"offset": 0, "bucketCounts": []})]}},
    {"name": "summary", "summary": {"dataPoints": [
        point({}, count="3", sum=6.0, quantileValues=[{"quantile": 0.5, "value": 2.0}])]}},
    histogram("no.buckets", [point({}, count="3", sum=6.0)]),
    gauge("with.exemplar", [dict(counted(1.5), exemplars=[
        {"filteredAttributes": attributes(a="b"), "timeUnixNano": str(START), "asDouble": 1.5,
         "spanId": "00000000000000a1", "traceId": "0" * 31 + "1"}], flags=0),
                            point({"b": 1}, flags=1)]),
    counter("up.and.down", [counted(-3)], monotonic=False),
], of={"attributes": attributes(service__name="other")}, scope="other")


def lines():
    """The sample: two lines of one process, one of another writer's. The caller may change it."""
    return copy.deepcopy(LINES + [OTHERS])
