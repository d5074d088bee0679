# SPDX-License-Identifier: Apache-2.0
"""Metrics files (OTLP/JSON lines of MetricsData) for tests, read with json alone.

Every line is checked on its own: cumulative sums and histograms, integers as strings, one more bucket
than bounds, buckets that add up. Lines of one image must not go back in time or in any value.
"""

import json
import os

from harness import LINE_BYTES_MAX, LOSS_PREFIX, plain_attributes


class Point:
    """One data point: .count (of a counter: its value), .sum, .min, .max, .buckets, .bounds."""

    def __init__(self, raw, kind):
        self.attributes = plain_attributes(raw["attributes"])
        self.start, self.time = whole(raw["startTimeUnixNano"]), whole(raw["timeUnixNano"])
        self.buckets = self.bounds = None
        if kind == "sum":
            self.count = self.sum = whole(raw["asInt"]) if "asInt" in raw else raw["asDouble"]
            return
        self.count, self.sum = whole(raw["count"]), raw["sum"]
        self.min, self.max = raw["min"], raw["max"]
        self.buckets = [whole(count) for count in raw["bucketCounts"]]
        self.bounds = raw["explicitBounds"]
        if len(self.buckets) != len(self.bounds) + 1 or sum(self.buckets) != self.count:
            raise ValueError("buckets: %r" % raw)


class Image:
    """The metrics of one process image: .series {(name, attributes): Point} after its last line."""

    def __init__(self, resource):
        self.resource = resource
        self.series = {}
        self.scopes = {}  # name of the metric -> its scope
        self.units = {}
        self.times = []  # of its lines
        self.losses = {}

    def add(self, time, series):
        if self.times and time < self.times[-1]:
            raise ValueError("a line of %d after one of %d" % (time, self.times[-1]))
        self.times.append(time)
        for key, point in series.items():
            before = self.series.get(key)
            if before and (point.count < before.count or point.sum < before.sum
                           or point.start != before.start):
                raise ValueError("%s went from %s to %s" % (key, before.count, point.count))
        self.series.update(series)

    def named(self, name):
        """[Point] of one metric."""
        return [point for (metric, _), point in self.series.items() if metric == name]


class MetricsFile:
    """.images {spanshim.image: Image} of one or more files. A missing file has none."""

    def __init__(self, *paths):
        self.images = {}
        self.lines = 0
        for path in paths:
            if os.path.exists(path):
                with open(path, "rb") as file:
                    self.read(file.read())

    def read(self, content):
        if content and not content.endswith(b"\n"):
            raise ValueError("last line is not whole")
        for line in content.splitlines():
            if len(line) > LINE_BYTES_MAX:
                raise ValueError("a line of %d bytes" % len(line))
            self.lines += 1
            self.read_line(json.loads(line))
        return self

    def read_line(self, data):
        found, = data["resourceMetrics"]
        resource = plain_attributes(found["resource"]["attributes"])
        image = self.images.setdefault(resource["spanshim.image"], Image(resource))
        image.losses.update({key[len(LOSS_PREFIX):]: value for key, value in resource.items()
                             if key.startswith(LOSS_PREFIX)})
        series = {}
        for scope in found["scopeMetrics"]:
            for metric in scope["metrics"]:
                image.scopes[metric["name"]] = scope["scope"]
                image.units[metric["name"]] = metric["unit"]
                for point in points(metric):
                    key = metric["name"], tuple(sorted(point.attributes.items()))
                    if key in series:
                        raise ValueError("twice: %s" % (key,))
                    series[key] = point
        time, = {point.time for point in series.values()}
        image.add(time, series)

    @property
    def only(self):
        """The only image."""
        image, = self.images.values()
        return image


def whole(text):
    """A 64-bit integer of OTLP/JSON."""
    if not isinstance(text, str):
        raise ValueError("not a string: %r" % (text,))
    return int(text)


def points(metric):
    kind, = {"sum", "histogram"} & set(metric)
    body = metric[kind]
    if body["aggregationTemporality"] != 2 or (kind == "sum" and body["isMonotonic"] is not True):
        raise ValueError("not cumulative and monotonic: %r" % metric)
    return [Point(raw, kind) for raw in body["dataPoints"]]
