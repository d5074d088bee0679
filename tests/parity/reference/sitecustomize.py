# SPDX-License-Identifier: Apache-2.0
"""Writes the spans of Mellea's own telemetry to the file that PARITY_SPANS names, as JSON lines.

For reference runs: with this directory in PYTHONPATH the interpreter imports it before the program,
which stays as it is. Each span is written when it ends, in the thread that ends it, so that nothing
depends on how the process ends; spans that never end are written at exit, as far as there is one.
"""

import atexit
import json
import os
import sys
import threading


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


def install(path):
    from opentelemetry.sdk import trace

    lock = threading.Lock()
    running = {}

    def write(span, ended):
        line = json.dumps(plain(span, ended)) + "\n"
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)

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


if os.environ.get("PARITY_SPANS") and "mellea" not in sys.modules:
    install(os.environ["PARITY_SPANS"])
