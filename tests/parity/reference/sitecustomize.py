# SPDX-License-Identifier: Apache-2.0
"""Writes what Mellea's own telemetry records, as JSON lines: spans to the file that PARITY_SPANS names,
metrics to PARITY_METRICS.

For reference runs: with this directory in PYTHONPATH the interpreter imports it before the program,
which stays as it is. Each span is written when it ends, in the thread that ends it, so that nothing
depends on how the process ends; spans that never end are written at exit, as far as there is one.
Metrics are one line for each process, written when it exits. Mellea records them in background tasks
that nobody waits for: here they are waited for, before their loop ends or the process does.
"""

import atexit
import json
import os
import sys
import threading
import time

WAIT_SECONDS = 10  # for background tasks; they take milliseconds


def typed(value):
    """[type, value] as OTLP tells types apart."""
    if isinstance(value, (list, tuple)):
        return ["array", [typed(element) for element in value]]
    for kind, name in ((bool, "bool"), (int, "int"), (float, "double"), (str, "string")):
        if isinstance(value, kind):
            return [name, value]
    return [type(value).__name__, str(value)]


def attributes(mapping):
    return {key: typed(value) for key, value in (mapping or {}).items()}


def plain(span, ended):
    """A finished or unfinished span of the SDK, as the comparison reads it."""
    context, scope = span.get_span_context(), span.instrumentation_scope
    return {
        "pid": os.getpid(),
        "trace": "%032x" % context.trace_id,
        "id": "%016x" % context.span_id,
        "parent": "%016x" % span.parent.span_id if span.parent else "",
        "name": span.name,
        "scope": [scope.name, scope.version or ""],
        "kind": span.kind.name,
        "start": span.start_time,
        "end": span.end_time or 0,
        "ended": ended,
        "service": span.resource.attributes.get("service.name"),
        "attributes": attributes(span.attributes),
        "events": [[event.name, attributes(event.attributes)] for event in span.events],
        "status": [span.status.status_code.name, span.status.description or ""],
    }


def append(path, data):
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, json.dumps(data).encode() + b"\n")
    finally:
        os.close(file)


def record_spans(path):
    from opentelemetry.sdk import trace

    lock = threading.Lock()
    running = {}

    def write(span, ended):
        append(path, plain(span, ended))

    class Recorder(trace.SpanProcessor):
        def on_start(self, span, parent_context=None):
            with lock:
                running[span.get_span_context().span_id] = span

        def on_end(self, span):
            with lock:
                running.pop(span.get_span_context().span_id, None)
            write(span, True)

    def write_running():
        for span in list(running.values()):
            write(span, False)

    def forget_parents():
        nonlocal lock
        lock = threading.Lock()
        running.clear()  # spans of the parent are the parent's

    original = trace.TracerProvider.__init__

    def __init__(self, *args, **kwargs):
        original(self, *args, **kwargs)
        self.add_span_processor(Recorder())

    trace.TracerProvider.__init__ = __init__
    atexit.register(write_running)
    os.register_at_fork(after_in_child=forget_parents)


def plain_point(point, histogram):
    """A data point of the SDK, as the comparison reads it."""
    made = {"attributes": attributes(point.attributes)}
    if histogram:
        made.update(count=point.count, sum=point.sum, min=point.min, max=point.max,
                    bounds=list(point.explicit_bounds), buckets=list(point.bucket_counts))
    else:
        made.update(value=typed(point.value))
    return made


def plain_metrics(data):
    """Everything that a reader of the SDK has collected."""
    return [{
        "name": metric.name,
        "unit": metric.unit,
        "description": metric.description,
        "scope": [scoped.scope.name, scoped.scope.version or ""],
        "service": resource.resource.attributes.get("service.name"),
        "kind": type(metric.data).__name__.lower(),
        "temporality": metric.data.aggregation_temporality.name,
        "monotonic": getattr(metric.data, "is_monotonic", None),
        "points": [plain_point(point, hasattr(point, "bucket_counts"))
                   for point in metric.data.data_points],
    } for resource in (data.resource_metrics if data else [])
        for scoped in resource.scope_metrics for metric in scoped.metrics]


class Background:
    """The tasks in which Mellea's plugin framework calls those that it does not wait for."""

    def __init__(self):
        import asyncio.runners

        from cpex.framework import manager

        self.tasks = set()
        self.lost = 0
        start = manager.PluginExecutor._fire_and_forget_tasks
        cancel = asyncio.runners._cancel_all_tasks

        def start_noted(*args, **kwargs):
            started = start(*args, **kwargs)
            for task in started:
                self.tasks.add(task)
                task.add_done_callback(self.done)
            return started

        def wait_and_cancel(loop):
            own = [task for task in list(self.tasks) if task.get_loop() is loop]
            if own:
                loop.run_until_complete(asyncio.wait(own, timeout=WAIT_SECONDS))
            cancel(loop)

        manager.PluginExecutor._fire_and_forget_tasks = start_noted
        asyncio.runners._cancel_all_tasks = wait_and_cancel  # what asyncio.run does at its end
        os.register_at_fork(after_in_child=self.tasks.clear)  # they run in the parent

    def done(self, task):
        self.tasks.discard(task)
        if task.cancelled() or task.result() is not None:  # cancelled, or an error of the plugin's
            self.lost += 1

    def wait(self):
        """For those whose loop runs in another thread, such as Mellea's own."""
        limit = time.monotonic() + WAIT_SECONDS
        while self.tasks and time.monotonic() < limit:
            time.sleep(0.002)
        self.lost += len(self.tasks)


def record_metrics(path):
    from opentelemetry.sdk import metrics
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    original, original_exit = metrics.MeterProvider.__init__, os._exit
    readers = []

    def write():
        while readers:
            reader, background = readers.pop()
            background.wait()
            append(path, {"pid": os.getpid(), "lost": background.lost,
                          "metrics": plain_metrics(reader.get_metrics_data())})

    def __init__(self, metric_readers=(), **kwargs):
        reader = InMemoryMetricReader()
        original(self, metric_readers=[*metric_readers, reader], **kwargs)
        readers.append((reader, Background()))
        atexit.register(write)

    def _exit(status):
        write()
        original_exit(status)

    metrics.MeterProvider.__init__ = __init__
    os._exit = _exit


if os.environ.get("PARITY_SPANS") and "mellea" not in sys.modules:
    record_spans(os.environ["PARITY_SPANS"])
    record_metrics(os.environ["PARITY_METRICS"])
