# SPDX-License-Identifier: Apache-2.0
"""Compares the metrics of two runs of one program: what Mellea's own telemetry recorded, and spanshim.

A process is a dict: name of an instrument -> what it is (INSTRUMENT) and its series: attributes, as a
sorted tuple of (key, type, value), -> point. A point is {"value": [type, number]} of a counter, or
{"count", "sum", "min", "max", "bounds", "buckets"} of a histogram. Of histograms of seconds, which are
measurements, only bounds and count are compared; the rest must be right in itself, and nothing can
have taken longer than the run. Everything else must be equal. Which process of one run is which of the
other's is found out by what they recorded.
The answer is a list of sentences, none when equal; each begins with "metric".
"""

import bisect
import itertools
import json
import math

from compare import typed, typed_attributes

INSTRUMENT = ("unit", "description", "scope", "service", "kind", "temporality", "monotonic")
TEMPORALITIES = ["UNSPECIFIED", "DELTA", "CUMULATIVE"]


# -- reading ---------------------------------------------------------------------------------------


def series_key(attributes):
    """attributes: key -> [type, value]."""
    return tuple(sorted((key, kind, value) for key, (kind, value) in attributes.items()))


def add_series(process, facts, points):
    """points: pairs of attributes and point."""
    instrument = process.setdefault(facts["name"], dict(facts, series={}))
    if {field: instrument[field] for field in facts} != facts:
        raise ValueError("an instrument has two descriptions: %s, %s" % (instrument, facts))
    for attributes, point in points:
        if instrument["series"].setdefault(series_key(attributes), point) is not point:
            raise ValueError("%s: a series stands twice: %s" % (facts["name"], attributes))


def read_reference(path):
    """Processes that recorded something, as reference/sitecustomize.py wrote them."""
    processes = []
    with open(path, encoding="utf-8") as lines:
        for written in map(json.loads, lines):
            if written["lost"]:
                raise ValueError("%d measurements of the reference are lost" % written["lost"])
            process = {}
            for metric in written["metrics"]:
                points = [(point.pop("attributes"), point) for point in metric.pop("points")]
                add_series(process, metric, points)
            if process:
                processes.append(process)
    return processes


def read_dump(path):
    """Processes of an OTLP/JSON dump: of each its latest lines. Not with the product's own reader."""
    latest = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            for part in json.loads(line)["resourceMetrics"]:
                resource = typed_attributes(part["resource"]["attributes"])
                process, time, found = read_part(part, resource)
                image = process, resource["spanshim.image"][1]
                before, parts = latest.get(image, (0, []))
                if time < before:
                    raise ValueError("a line is older than the one before it")
                latest[image] = time, (parts if time == before else []) + found
    processes = []
    for _, found in latest.values():
        processes.append({})
        for facts, points in found:
            add_series(processes[-1], facts, points)
    return processes


def read_part(part, resource):
    """Process id, time and [(facts, points)] of one element of resourceMetrics."""
    times, found = set(), []
    for scoped in part["scopeMetrics"]:
        for metric in scoped["metrics"]:
            kind = "histogram" if "histogram" in metric else "sum"
            data = metric[kind]
            times |= {int(point["timeUnixNano"]) for point in data["dataPoints"]}
            if any(int(point["startTimeUnixNano"]) > min(times) for point in data["dataPoints"]):
                raise ValueError("%s: starts after its time" % metric["name"])
            found.append(({
                "name": metric["name"],
                "unit": metric.get("unit", ""),
                "description": metric.get("description", ""),
                "scope": [scoped["scope"].get("name", ""), scoped["scope"].get("version", "")],
                "service": resource.get("service.name", ["", None])[1],
                "kind": kind,
                "temporality": TEMPORALITIES[data["aggregationTemporality"]],
                "monotonic": data.get("isMonotonic"),
            }, [(typed_attributes(point.get("attributes", [])), READ[kind](point))
                for point in data["dataPoints"]]))
    if len(times) != 1:
        raise ValueError("a line has %d times" % len(times))
    return resource["process.pid"][1], times.pop(), found


def read_number(point):
    if "asInt" in point:
        return {"value": typed({"intValue": point["asInt"]})}
    return {"value": ["double", point["asDouble"]]}


def read_histogram(point):
    strings = [point["count"], *point["bucketCounts"]]
    if not all(isinstance(count, str) for count in strings):
        raise ValueError("a count is no string: %s" % point)
    return {"count": int(point["count"]), "sum": point["sum"], "min": point["min"], "max": point["max"],
            "bounds": point["explicitBounds"], "buckets": [int(count) for count in point["bucketCounts"]]}


READ = {"sum": read_number, "histogram": read_histogram}


# -- comparing -------------------------------------------------------------------------------------


def shown(key):
    """A series' attributes as text."""
    return "{%s}" % ", ".join("%s=%s" % (name, json.dumps(value, ensure_ascii=False))
                              for name, _, value in key)


def shown_point(point):
    return str(point["value"][1] if "value" in point else point["count"])


def is_measured(instrument):
    return instrument["kind"] == "histogram" and instrument["unit"] == "s"


def faults(point, seconds):
    """What is wrong with a histogram's point in itself, of a run that took so long."""
    bounds, buckets = point["bounds"], point["buckets"]
    if len(buckets) != len(bounds) + 1 or sum(buckets) != point["count"]:
        yield "buckets %s do not make its count, %d" % (buckets, point["count"])
        return
    used = [number for number, count in enumerate(buckets) if count]
    if [bisect.bisect_left(bounds, point[end]) for end in ("min", "max")] != [used[0], used[-1]]:
        yield "min %s and max %s are in other buckets than %s" % (point["min"], point["max"], buckets)
    if point["max"] > seconds:
        yield "max %s is longer than the run, %s" % (point["max"], seconds)
    mean = point["sum"] / point["count"]
    if not 0 < point["min"] <= mean * (1 + 1e-9) or not mean * (1 - 1e-9) <= point["max"]:
        yield "the mean, %s, is not between min %s and max %s" % (mean, point["min"], point["max"])


def equal(reference, ours):
    """Values as they stand in a point; doubles but for how they were added up."""
    if isinstance(reference, list) and reference[:1] == ["double"] == ours[:1]:
        return math.isclose(reference[1], ours[1], rel_tol=1e-9)
    return reference == ours


def point_differences(reference, ours, seconds):
    """seconds: how long the run took, where the point is of durations."""
    fields = ("count", "bounds") if seconds else sorted(reference.keys() | ours.keys())
    for field in fields:
        if not equal(reference.get(field), ours.get(field)):
            yield "%s is %s instead of %s" % (field, ours.get(field), reference.get(field))
    if seconds:
        yield from faults(ours, seconds)


def folded(points):
    """Counters added up, of series whose attributes tell them apart no longer."""
    values = [point["value"] for point in points]
    return {"value": [values[0][0], sum(value for _, value in values)]}


def fold(missing, extra):
    """Series of ours that have fewer attributes than the reference's: [(keys of those, key)]."""
    pairs = []
    for key in sorted(extra, key=len, reverse=True):
        finer = [other for other in missing if set(key) < set(other) and "value" in missing[other]]
        if finer:
            pairs.append((finer, key))
            missing = {other: point for other, point in missing.items() if other not in finer}
    return pairs


def series_differences(reference, ours, seconds):
    """Of one instrument; reference, ours: attributes -> point."""
    missing = {key: point for key, point in reference.items() if key not in ours}
    extra = {key: point for key, point in ours.items() if key not in reference}
    for key in sorted(reference.keys() & ours.keys(), key=str):
        for text in point_differences(reference[key], ours[key], seconds):
            yield "%s: %s" % (shown(key), text)
    for finer, key in fold(missing, extra):
        names = sorted({name for other in finer for name, _, _ in set(other) - set(key)})
        yield "%s: has no %s" % (shown(key), ", ".join(names))
        point = folded([missing.pop(other) for other in finer])
        for text in point_differences(point, extra.pop(key), seconds):
            yield "%s: %s" % (shown(key), text)
    for key, point in missing.items():
        yield "%s: is missing: %s" % (shown(key), shown_point(point))
    for key, point in extra.items():
        yield "%s: is extra: %s" % (shown(key), shown_point(point))


def process_differences(reference, ours, seconds):
    for name in sorted(reference.keys() | ours.keys()):
        what = "metric " + name
        if name not in ours or name not in reference:
            side, word = (ours, "extra") if name in ours else (reference, "missing")
            yield "%s: is %s: %s" % (what, word, " ".join(map(shown, side[name]["series"])))
            continue
        for field in INSTRUMENT:
            if reference[name][field] != ours[name][field]:
                yield "%s: %s is %s instead of %s" % (what, field, ours[name][field],
                                                      reference[name][field])
        for text in series_differences(reference[name]["series"], ours[name]["series"],
                                       seconds if is_measured(reference[name]) else None):
            yield "%s %s" % (what, text)


def differences(reference, ours, seconds=float("inf")):
    """Sentences, none of them when the processes of the two runs recorded the same.

    seconds: how long our run took.
    """
    count = max(len(reference), len(ours))
    reference, ours = (list(side) + [{}] * (count - len(side)) for side in (reference, ours))
    return min(([text for pair in zip(reference, order) for text in process_differences(*pair, seconds)]
                for order in itertools.permutations(ours)), key=len)


def series_count(processes):
    return sum(len(instrument["series"]) for process in processes for instrument in process.values())


def longest(processes, name):
    """The longest duration that a histogram of that name has seen."""
    return max(point["max"] for process in processes if name in process
               for point in process[name]["series"].values())
