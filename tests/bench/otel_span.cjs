// SPDX-License-Identifier: Apache-2.0
// Usage: otel_span.cjs SPANS. Nanoseconds to start and end a span with OpenTelemetry's JavaScript SDK, no
// exporter and no attribute: the median of 20 batches.
"use strict";
const { BasicTracerProvider } = require("@opentelemetry/sdk-trace-base");

const BATCHES = 20;
const tracer = new BasicTracerProvider().getTracer("bench");
const count = Math.max(Math.floor(Number(process.argv[2]) / BATCHES), 1);
const batches = [];
for (let batch = 0; batch <= BATCHES; batch++) { // the first one warms up
	const begin = process.hrtime.bigint();
	for (let i = 0; i < count; i++)
		tracer.startSpan("a span").end();
	batches.push(Number(process.hrtime.bigint() - begin) / count);
}
const sorted = batches.slice(1).sort((a, b) => a - b);
console.log(((sorted[BATCHES / 2 - 1] + sorted[BATCHES / 2]) / 2).toFixed(1));
