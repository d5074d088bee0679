# SPDX-License-Identifier: Apache-2.0
"""Usage: otel_span.py SPANS. Nanoseconds to start and end a span with OpenTelemetry's Python SDK, no
exporter and no attribute: the median of 20 batches."""

import statistics
import sys
import time

from opentelemetry.sdk.trace import TracerProvider

BATCHES = 20

tracer = TracerProvider().get_tracer("bench")
count = max(int(sys.argv[1]) // BATCHES, 1)
batches = []
for _ in range(BATCHES + 1):  # the first one warms up
    begin = time.perf_counter_ns()
    for _ in range(count):
        tracer.start_span("a span").end()
    batches.append((time.perf_counter_ns() - begin) / count)
print(f"{statistics.median(batches[1:]):.1f}")
