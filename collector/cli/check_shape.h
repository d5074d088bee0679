/* SPDX-License-Identifier: Apache-2.0
 *
 * Is one line of a dump a TracesData as OTLP/JSON wants it? Knows the messages of
 * opentelemetry-proto (trace, common and resource .proto, 1.x): their keys, the forms of ids,
 * times, numbers and enums. Looks at one line alone; what spans are to each other is check_spans.h.
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

/* Returns the number of findings reported. */
unsigned ss_check_shape(const struct cJSON *json, const struct ss_check_sink *sink);

#endif
