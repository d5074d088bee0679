/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/plugin_spans.h"

#include <string.h>

#include "shim/field.h"

int ss_plugin_spans_init(struct ss_plugin_spans *spans)
{
	*spans = (struct ss_plugin_spans){ 0 };
	return ss_spanmap_init(&spans->map);
}

static struct ss_plugin_span *record_at(const struct ss_plugin_spans *spans, uint32_t index)
{
	return (struct ss_plugin_span *)spans->records.base + index;
}

void ss_plugin_spans_deinit(struct ss_plugin_spans *spans)
{
	uint32_t i;

	for (i = 0; i < spans->count; i++)
		ss_buffer_free(&record_at(spans, i)->long_id);
	ss_spanmap_deinit(&spans->map);
	ss_buffer_free(&spans->records);
	ss_buffer_free(&spans->unused);
}

/* An index without a span; count where there is none. */
static uint32_t take(struct ss_plugin_spans *spans)
{
	uint64_t count = (uint64_t)spans->count + 1;

	if (spans->unused_count > 0)
		return ((uint32_t *)spans->unused.base)[--spans->unused_count];
	/* Room to give each of them back is made now: giving back cannot fail. */
	if (spans->count == SS_PLUGIN_SPANS_MAX ||
	    ss_buffer_reserve(&spans->records, count * sizeof(struct ss_plugin_span)) != 0 ||
	    ss_buffer_reserve(&spans->unused, count * sizeof(uint32_t)) != 0)
		return SS_PLUGIN_SPANS_MAX;
	return spans->count++;
}

static void give(struct ss_plugin_spans *spans, uint32_t index)
{
	((uint32_t *)spans->unused.base)[spans->unused_count++] = index;
}

static void set_correlation(struct ss_plugin_span *span, const struct ss_attr *attr)
{
	char *id = span->id;

	/* A piece of an id is none. */
	if (attr->type != SS_ATTR_STRING || attr->flags & (SS_ATTR_CUT | SS_ATTR_CONTINUES))
		return;
	if (attr->s.bytes >= sizeof(span->id)) {
		if (ss_buffer_reserve(&span->long_id, attr->s.bytes + 1) != 0)
			return;
		id = span->long_id.base;
	}
	memcpy(id, attr + 1, attr->s.bytes);
	id[attr->s.bytes] = '\0';
}

void ss_plugin_spans_add(struct ss_plugin_spans *spans, const struct ss_hook_event *event,
			 const void *opening)
{
	struct ss_attr_iter iter = { event->payload, event->payload + event->payload_bytes };
	const struct ss_attr *attr;
	struct ss_plugin_span *span;
	uint32_t index;

	if (ss_spanmap_find(&spans->map, event->span_id) != NULL)
		return;
	index = take(spans);
	if (index == SS_PLUGIN_SPANS_MAX)
		return;
	if (ss_spanmap_add(&spans->map, event->span_id, index) != 0) {
		give(spans, index);
		return;
	}
	span = record_at(spans, index);
	*span = (struct ss_plugin_span){ .trace_hi = event->trace_hi,
					 .trace_lo = event->trace_lo,
					 .parent_id = event->parent_id,
					 .opening = opening,
					 .hook = event->hook };
	while ((attr = ss_attr_next(&iter)) != NULL) {
		if (attr->key == SS_FIELD_CORRELATION_ID)
			set_correlation(span, attr);
	}
}

struct ss_plugin_span *ss_plugin_spans_find(const struct ss_plugin_spans *spans, uint64_t id)
{
	const struct ss_spanmap_slot *slot = id ? ss_spanmap_find(&spans->map, id) : NULL;

	return slot != NULL ? record_at(spans, (uint32_t)slot->value) : NULL;
}

void ss_plugin_spans_forget(struct ss_plugin_spans *spans, uint64_t id)
{
	const struct ss_spanmap_slot *slot = id ? ss_spanmap_find(&spans->map, id) : NULL;

	if (slot == NULL)
		return;
	ss_buffer_free(&record_at(spans, (uint32_t)slot->value)->long_id);
	give(spans, (uint32_t)slot->value);
	ss_spanmap_remove(&spans->map, id);
}

const char *ss_plugin_span_correlation(const struct ss_plugin_span *span)
{
	return span->long_id.base != NULL ? span->long_id.base : span->id;
}
