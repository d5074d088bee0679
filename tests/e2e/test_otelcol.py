# SPDX-License-Identifier: Apache-2.0
"""A real OpenTelemetry Collector: what it is sent by `spanshim export`, and what it reads from dumps itself,
is what stands in them. scripts/test makes it, from tests/e2e/otelcol."""

import json
import os
import signal
import socket
import unittest
import urllib.error
import urllib.request

from export_case import ExportCase, elements_of, sample_files
from harness import BUILD, COMMAND, main, wait_until

COLLECTOR = os.path.join(BUILD, "otelcol")
CONFIG = """
receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:%(port)d
  otlpjsonfile:
    include: ["%(dumps)s/*.jsonl"]
    start_at: beginning
    poll_interval: 50ms
    include_file_name: false
exporters:
  file/traces: {path: "%(out)s/traces.json", flush_interval: 50ms}
  file/metrics: {path: "%(out)s/metrics.json", flush_interval: 50ms}
service:
  telemetry:
    logs: {level: error}
    metrics: {level: none}
  pipelines:
    traces: {receivers: [%(receiver)s], exporters: [file/traces]}
    metrics: {receivers: [%(receiver)s], exporters: [file/metrics]}
"""


def normal_value(value):
    """An AnyValue as a pair of its kind and its Python value, 64-bit integers as such."""
    if not value:
        return None
    (kind, content), = value.items()
    if kind == "arrayValue":
        return kind, [normal_value(element) for element in content.get("values", [])]
    return kind, int(content) if kind == "intValue" else content


def normal_attributes(attributes):
    return sorted((attribute["key"], normal_value(attribute["value"])) for attribute in attributes)


def normal(item):
    """A span, event, link, metric or point without what is there by default, in one spelling."""
    if isinstance(item, list):
        return [normal(element) for element in item]
    if not isinstance(item, dict):
        return int(item) if isinstance(item, str) and item.isdigit() else item
    kept = {}
    for key, value in item.items():
        if key in ("attributes", "filteredAttributes"):
            value = normal_attributes(value)
        elif key in ("traceId", "spanId", "parentSpanId", "name", "description", "unit", "message", "traceState"):
            pass
        else:
            value = normal(value)
        if value not in (0, "", [], {}, None, False):
            kept[key] = value
    return kept


def spans_of(elements):
    """{id: (resource, scope, span)} of resourceSpans."""
    found = {}
    for resource in elements:
        for scope in resource.get("scopeSpans", []):
            for span in scope.get("spans", []):
                assert span["spanId"] not in found
                found[span["spanId"]] = (normal(resource["resource"]), normal(scope.get("scope", {})), normal(span))
    return found


def metrics_of(elements):
    """(resource, scope, metric) of resourceMetrics, in an order of their own."""
    found = [(normal(resource["resource"]), normal(scope.get("scope", {})), normal(metric)) for resource in elements
             for scope in resource.get("scopeMetrics", []) for metric in scope.get("metrics", [])]
    return sorted(found, key=lambda part: json.dumps(part, sort_keys=True))


@unittest.skipUnless(os.path.exists(COLLECTOR), "no %s: scripts/test makes it where there is Go" % COLLECTOR)
class Collector(ExportCase):
    def setUp(self):
        super().setUp()
        self.dumps, self.received = self.make_directory("dumps"), self.make_directory("received")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = "http://127.0.0.1:%d" % self.port

    def collector(self, receiver):
        """Starts it with one receiver."""
        config = self.write("config.yaml", CONFIG % {"port": self.port, "dumps": self.dumps, "out": self.received,
                                                     "receiver": receiver})
        return self.start([COLLECTOR, "--config", "file:" + config], self.env())

    def is_up(self):
        try:
            urllib.request.urlopen(self.url)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def end(self, collector):
        """It writes out what it has."""
        collector.send_signal(signal.SIGTERM)
        _, stderr = collector.communicate(timeout=60)
        self.assertEqual((collector.returncode, stderr), (0, b""))

    def got(self, name, key):
        return elements_of(os.path.join(self.received, name + ".json"), key)

    def make_dumps(self):
        """By hand, of a real program with content and errors, of one that was killed, and metrics of both kinds."""
        sample_files(self)
        names = ["sample.jsonl", "metrics.jsonl"]
        for name, input in (("sqlite", "SELECT 'zwölf 🐌', 1.5;\nSELEKT;\nCREATE TABLE t(a);"),
                            ("killed", "SELECT 1;\n.system kill -9 $PPID\n")):
            argv, env = ["sqlite3", ":memory:"], self.environment("sqlite3", content=True, env={
                "SPANSHIM_OUT": self.path(name + ".jsonl"), "SPANSHIM_STACKS": "all",
                "SPANSHIM_METRICS_OUT": self.path(name + "-metrics.jsonl")})
            argv = self.traced_command(argv, "run", "sqlite3", env)
            self.execute(argv, env, input=input.encode())
            names += [name + ".jsonl", name + "-metrics.jsonl"]
        spans = [element for name in names if "metrics" not in name
                 for element in elements_of(self.path(name), "resourceSpans")]
        metrics = [element for name in names if "metrics" in name
                   for element in elements_of(self.path(name), "resourceMetrics")]
        self.assertGreater(len(spans_of(spans)), 12)
        self.assertGreater(len(metrics_of(metrics)), 12)
        return names, spans, metrics

    def assert_received(self, spans, metrics):
        self.assertEqual(spans_of(self.got("traces", "resourceSpans")), spans_of(spans))
        self.assertEqual(metrics_of(self.got("metrics", "resourceMetrics")), metrics_of(metrics))

    def test_sent(self):
        names, spans, metrics = self.make_dumps()
        collector = self.collector("otlp")
        wait_until(self.is_up, what="the Collector")
        for compression, files in (("gzip", names[:3]), ("none", names[3:])):
            self.exported("--endpoint", self.url, "--compression", compression, *files)
        self.exported("--endpoint", self.url, *names)
        self.end(collector)
        self.assert_received(spans, metrics)

    def test_read_by_itself(self):
        names, spans, metrics = self.make_dumps()
        for name in names:
            os.rename(self.path(name), os.path.join(self.dumps, name))
        collector = self.collector("otlpjsonfile")

        def all_there():
            return all(os.path.exists(os.path.join(self.received, name)) for name in ("traces.json", "metrics.json")) \
                and self.count_received() == (len(spans_of(spans)), len(metrics_of(metrics)))
        wait_until(all_there, what="all spans and metrics")
        self.end(collector)
        self.assert_received(spans, metrics)

    def count_received(self):
        try:
            return (len(spans_of(self.got("traces", "resourceSpans"))),
                    len(metrics_of(self.got("metrics", "resourceMetrics"))))
        except ValueError:  # a line that is being written
            return None

    def test_refused(self):
        """What it does not take for OTLP costs no other line."""
        ids = self.write_spans(60)
        with open(self.path("t.jsonl"), "rb") as file:
            lines = file.readlines()
        lines.insert(1, b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"no hex","spanId":7}]}]}]}\n')
        with open(self.path("t.jsonl"), "wb") as file:
            file.writelines(lines)
        collector = self.collector("otlp")
        wait_until(self.is_up, what="the Collector")
        result = self.export("--endpoint", self.url, "t.jsonl")
        self.assertEqual(result.status, 1)
        self.assertRegex(result.stderr.decode(), r"^spanshim export: t.jsonl:2: 1 span refused: .*status 400: .+\n$")
        self.end(collector)
        self.assertEqual(set(spans_of(self.got("traces", "resourceSpans"))), set(ids))

    def test_beside_a_run(self):
        collector = self.collector("otlp")
        wait_until(self.is_up, what="the Collector")
        argv = [COMMAND, "run", "--dir", self.rings, "--out", self.path("r-%p.jsonl"), "--export", self.url, "--",
                "sh", "-c", "for i in 1 2 3; do sqlite3 :memory: 'SELECT 1' & done; wait"]
        result = self.execute(argv, self.env())
        self.assertEqual((result.status, result.stderr), (0, b""))
        self.end(collector)
        spans = [element for name in os.listdir(self.directory) if name.startswith("r-")
                 for element in elements_of(self.path(name), "resourceSpans")]
        self.assertEqual(len(spans_of(spans)), 9)
        self.assertEqual(spans_of(self.got("traces", "resourceSpans")), spans_of(spans))


if __name__ == "__main__":
    main()
