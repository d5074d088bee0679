/* SPDX-License-Identifier: Apache-2.0
 *
 * Is one line of a dump a TracesData or MetricsData as OTLP/JSON wants it? Knows the messages of
 * opentelemetry-proto (trace, metrics, common and resource .proto, 1.x): their keys, the forms of
 * ids, times, numbers and enums. Looks at one line alone; what spans are to each other is
 * check_spans.h, and what a series' points are, check_series.h.
 */
#ifndef SS_CHECK_SHAPE_H
#define SS_CHECK_SHAPE_H

struct cJSON;

/* Where something stands, and what is wrong: path "resourceSpans[0].scopeSpans[0].spans[3].kind",
 * "" for the whole line. Both are valid during the call. */
struct ss_check_sink {
	void (*finding)(void *data, const char *path, const char *text);
	void *data;
};

enum ss_check_signal { SS_CHECK_UNKNOWN, SS_CHECK_TRACES, SS_CHECK_METRICS };

/* Returns the number of findings reported. signal: of the file's lines so far; this one may be the
 * first to tell. */
unsigned ss_check_shape(const struct cJSON *json, enum ss_check_signal *signal,
			const struct ss_check_sink *sink);

#endif
