/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/check_spans.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "collector/dump.h"

struct adding {
	struct ss_check_spans *spans;
	struct ss_span_index *traces;
	const struct ss_check_relation_sink *sink;
	struct ss_check_place place;
};

static int note_span(struct adding *adding, const struct ss_dump_span *span)
{
	struct ss_check_spans *spans = adding->spans;
	uint32_t found;
	int r;

	if (spans->count == spans->capacity) {
		uint32_t capacity = spans->capacity ? 2 * spans->capacity : 1024;
		void *wider = realloc(spans->known, capacity * sizeof(*spans->known));

		if (!wider)
			return -ENOMEM;
		spans->known = wider;
		spans->capacity = capacity;
	}
	r = ss_span_index_add(adding->traces, ss_span_index_key(span->trace_hi, span->trace_lo, 0),
			      0, &found);
	if (r && r != -EEXIST)
		return r;
	r = ss_span_index_add(&spans->by_id, span->span_id, spans->count, &found);
	if (r == -EEXIST) {
		char text[80];

		snprintf(text, sizeof(text), "span id used before, on line %" PRIu64,
			 spans->known[found].place.line);
		adding->sink->finding(adding->sink->data, &adding->place, "spanId", text, false);
	} else if (r) {
		return r;
	}
	spans->known[spans->count++] = (struct ss_check_known){
		.trace_hi = span->trace_hi,
		.trace_lo = span->trace_lo,
		.span_id = span->span_id,
		.parent_id = span->parent_id,
		.start_ns = span->start_ns,
		.place = adding->place,
		.parent_remote = span->parent_remote,
	};
	return 0;
}

static const cJSON *first_element(const cJSON *object, const char *key)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, key);

	return list ? list->child : NULL;
}

static int add_scope(struct adding *adding, const cJSON *scope)
{
	const cJSON *item;
	int count = 0;

	adding->place.span = 0;
	for (item = first_element(scope, "spans"); item; item = item->next) {
		struct ss_dump_span span = { 0 };

		if (!ss_dump_read_span(item, &span) && note_span(adding, &span))
			return -ENOMEM;
		adding->place.span++;
		count++;
	}
	return count;
}

int ss_check_spans_add(struct ss_check_spans *spans, const struct cJSON *json, uint32_t file,
		       uint64_t line, struct ss_span_index *traces,
		       const struct ss_check_relation_sink *sink)
{
	struct adding adding = { .spans = spans, .traces = traces, .sink = sink };
	const cJSON *resource, *scope;
	int total = 0, r;

	adding.place = (struct ss_check_place){ .file = file, .line = line };
	for (resource = first_element(json, "resourceSpans"); resource; resource = resource->next) {
		adding.place.scope = 0;
		for (scope = first_element(resource, "scopeSpans"); scope; scope = scope->next) {
			r = add_scope(&adding, scope);
			if (r < 0)
				return r;
			total += r;
			adding.place.scope++;
		}
		adding.place.resource++;
	}
	return total;
}

static void check_parent(const struct ss_check_known *span, const struct ss_check_known *parent,
			 const struct ss_check_relation_sink *sink)
{
	char text[120];

	if (parent == span) {
		sink->finding(sink->data, &span->place, "parentSpanId",
			      "the span is its own parent", false);
		return;
	}
	if (parent->trace_hi != span->trace_hi || parent->trace_lo != span->trace_lo) {
		snprintf(text, sizeof(text),
			 "the parent's trace is another: %016" PRIx64 "%016" PRIx64,
			 parent->trace_hi, parent->trace_lo);
		sink->finding(sink->data, &span->place, "traceId", text, false);
	}
	if (span->start_ns < parent->start_ns) {
		snprintf(text, sizeof(text), "starts %" PRIu64 " ns before its parent",
			 parent->start_ns - span->start_ns);
		sink->finding(sink->data, &span->place, "startTimeUnixNano", text, false);
	}
}

void ss_check_spans_finish(const struct ss_check_spans *spans,
			   const struct ss_check_relation_sink *sink)
{
	uint32_t i, at;
	char text[80];

	for (i = 0; i < spans->count; i++) {
		const struct ss_check_known *span = &spans->known[i];

		if (!span->parent_id)
			continue;
		at = ss_span_index_find(&spans->by_id, span->parent_id);
		if (at != SS_SPAN_INDEX_NONE) {
			check_parent(span, &spans->known[at], sink);
		} else if (!span->parent_remote) {
			snprintf(text, sizeof(text),
				 "the parent %016" PRIx64 " is in none of the files",
				 span->parent_id);
			sink->finding(sink->data, &span->place, "parentSpanId", text, true);
		}
	}
}

void ss_check_spans_deinit(struct ss_check_spans *spans)
{
	free(spans->known);
	ss_span_index_deinit(&spans->by_id);
	*spans = (struct ss_check_spans){ 0 };
}
