/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/otlp.h"

#include <errno.h>
#include <string.h>

#include "collector/otlp_value.h"
#include "collector/resource.h"

#define SCOPE_NAME     "spanshim.native"
#define LINE_SUFFIX    "]}]}]}\n"
#define CONSTANTS_MAX  128u
#define HEADINGS_BYTES 65536u
/* Bits of Span.flags: W3C sampled; parent's remoteness is known; it is remote. */
#define FLAG_SAMPLED    1u
#define FLAG_HAS_REMOTE 0x100u
#define FLAG_REMOTE     0x200u

int ss_otlp_init(struct ss_otlp *otlp, const struct ss_image_view *view, ss_line_fn line,
		 void *context)
{
	const char *state = ss_image_string(view, view->image->tracestate_str);
	size_t fragments = SS_FRAGMENTS * sizeof(struct ss_fragment);
	size_t headings = SS_HEADINGS * sizeof(struct ss_heading);

	*otlp = (struct ss_otlp){ .view = view, .line = line, .context = context };
	if (ss_json_init(&otlp->json, SS_LINE_TARGET * 2) != 0 ||
	    ss_json_init(&otlp->prefix, 0) != 0 || ss_json_init(&otlp->state, 0) != 0 ||
	    ss_json_init(&otlp->headings_text, 0) != 0 ||
	    ss_buffer_reserve(&otlp->memory, fragments + headings + sizeof(struct ss_parts)) != 0) {
		ss_otlp_deinit(otlp);
		return -ENOMEM;
	}
	otlp->fragments = otlp->memory.base;
	otlp->headings = (struct ss_heading *)(otlp->fragments + SS_FRAGMENTS);
	otlp->parts = (struct ss_parts *)(otlp->headings + SS_HEADINGS);
	ss_json_raw(&otlp->prefix, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
	ss_resource_write(&otlp->prefix, view, &otlp->resource_ignored);
	ss_json_raw(&otlp->prefix, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"" SCOPE_NAME
				   "\",\"version\":\"" SS_VERSION "\"},\"spans\":[");
	if (*state != '\0') {
		ss_json_raw(&otlp->state, "\"traceState\":");
		ss_json_string(&otlp->state, state, strlen(state), UINT32_MAX);
		ss_json_raw(&otlp->state, ",");
	}
	return 0;
}

void ss_otlp_deinit(struct ss_otlp *otlp)
{
	ss_json_deinit(&otlp->json);
	ss_json_deinit(&otlp->prefix);
	ss_json_deinit(&otlp->state);
	ss_json_deinit(&otlp->headings_text);
	ss_buffer_free(&otlp->joined);
	ss_buffer_free(&otlp->memory);
}

/* In pieces that ss_json_bytes takes. */
static void append(struct ss_json *json, const struct ss_json *from, size_t start, size_t bytes)
{
	const char *text = ss_json_text(from) + start;

	while (bytes > 0) {
		size_t part = bytes < SS_JSON_BYTES_MIN ? bytes : SS_JSON_BYTES_MIN;

		ss_json_bytes(json, text, part);
		text += part;
		bytes -= part;
	}
}

static void write_heading(struct ss_otlp *otlp, struct ss_heading *heading, uint32_t index)
{
	const struct ss_image_view *view = otlp->view;
	const struct ss_entry *entry = ss_image_entry(view, index);
	const struct ss_binding *binding = entry ? ss_image_binding(view, entry) : NULL;
	struct ss_json *json = &otlp->headings_text;
	uint32_t i, name;

	name = entry == NULL                  ? 0
	       : entry->when == SS_WHEN_EVENT ? entry->stream_name
					      : entry->span_name;
	heading->start = (uint32_t)ss_json_length(json);
	ss_otlp_text(json, ss_image_string(view, name));
	heading->name_bytes = (uint32_t)ss_json_length(json) - heading->start;
	ss_json_raw(json, ",{\"key\":\"code.function.name\",\"value\":{\"stringValue\":");
	ss_otlp_text(json, ss_image_string(view, entry ? entry->symbol : 0));
	ss_json_raw(json, "}}");
	heading->attribute_count = 2; /* this one and thread.id */
	for (i = 0; binding != NULL && i < binding->constant_count && i < CONSTANTS_MAX; i++) {
		uint64_t at = (uint64_t)binding->first_constant + i;

		if (at >= view->constant_count)
			break;
		ss_json_raw(json, ",{\"key\":");
		ss_otlp_text(json, ss_image_string(view, view->constants[at].key));
		ss_json_raw(json, ",\"value\":{\"stringValue\":");
		ss_otlp_text(json, ss_image_string(view, view->constants[at].value));
		ss_json_raw(json, "}}");
		heading->attribute_count++;
	}
	heading->bytes = (uint32_t)ss_json_length(json) - heading->start;
	heading->entry = index + 1;
}

/* The entry's ready-made text, valid until the next call. */
static const struct ss_heading *heading_of(struct ss_otlp *otlp, uint32_t index)
{
	struct ss_heading *heading = &otlp->headings[index % SS_HEADINGS];

	if (heading->entry == index + 1 && heading->entry != 0)
		return heading;
	if (ss_json_length(&otlp->headings_text) > HEADINGS_BYTES) {
		memset(otlp->headings, 0, SS_HEADINGS * sizeof(*heading));
		otlp->headings_text.p = ss_json_text(&otlp->headings_text);
	}
	write_heading(otlp, heading, index);
	return heading;
}

static void write_ids(struct ss_otlp *otlp, const struct ss_log_entry *open, uint64_t id)
{
	struct ss_json *json = &otlp->json;
	uint32_t flags = FLAG_SAMPLED | FLAG_HAS_REMOTE;

	ss_json_raw(json, "{\"traceId\":\"");
	ss_json_hex(json, open->trace_hi);
	ss_json_hex(json, open->trace_lo);
	ss_json_raw(json, "\",\"spanId\":\"");
	ss_json_hex(json, id);
	if (open->parent_id != 0) {
		ss_json_raw(json, "\",\"parentSpanId\":\"");
		ss_json_hex(json, open->parent_id);
	}
	ss_json_raw(json, "\",");
	append(json, &otlp->state, 0, ss_json_length(&otlp->state));
	if (open->flags & SS_EVENT_PARENT_REMOTE)
		flags |= FLAG_REMOTE;
	ss_json_raw(json, "\"flags\":");
	ss_json_uint(json, flags);
}

static void write_times(struct ss_json *json, const struct ss_parts *parts,
			const struct ss_span_view *span)
{
	uint64_t start = parts->open->time_ns;
	uint64_t end = parts->close != NULL ? parts->close->time_ns : span->end_ns;

	ss_json_raw(json, ",\"kind\":1,\"startTimeUnixNano\":\"");
	ss_json_uint(json, start);
	ss_json_raw(json, "\",\"endTimeUnixNano\":\"");
	ss_json_uint(json, end > start ? end : start);
}

static uint32_t write_attributes(struct ss_otlp *otlp, const struct ss_heading *heading,
				 const struct ss_fault *fault, bool unfinished, bool bare)
{
	struct ss_json *json = &otlp->json;
	const struct ss_parts *parts = otlp->parts;
	uint32_t count = heading->attribute_count, max = otlp->view->image->attribute_count_limit;
	uint32_t i;

	ss_json_raw(json, "\",\"attributes\":[{\"key\":\"thread.id\",\"value\":{\"intValue\":\"");
	ss_json_uint(json, parts->open->tid);
	ss_json_raw(json, "\"}}");
	append(json, &otlp->headings_text, heading->start + heading->name_bytes,
	       heading->bytes - heading->name_bytes);
	if (unfinished)
		ss_json_raw(json,
			    ",{\"key\":\"spanshim.unfinished\",\"value\":{\"boolValue\":true}}");
	ss_otlp_fault_attributes(otlp, fault);
	for (i = 0; i < parts->attribute_count && count < max && !bare; i++, count++) {
		ss_json_raw(json, ",");
		ss_otlp_attribute(otlp, parts->attributes[i]);
	}
	ss_json_raw(json, "]");
	return parts->attribute_count - i + parts->attributes_dropped;
}

static void write_count(struct ss_json *json, const char *key, uint32_t count)
{
	if (count == 0)
		return;
	ss_json_raw(json, ",\"");
	ss_json_bytes(json, key, strlen(key));
	ss_json_raw(json, "\":");
	ss_json_uint(json, count);
}

static uint32_t write_events(struct ss_otlp *otlp, const struct ss_fault *fault, bool bare)
{
	struct ss_json *json = &otlp->json;
	const struct ss_parts *parts = otlp->parts;
	uint32_t i = 0, count = bare ? 0 : parts->point_count;

	if (count == 0 && !fault->exception)
		return parts->point_count;
	ss_json_raw(json, ",\"events\":[");
	for (i = 0; i < count; i++) {
		if (i > 0)
			ss_json_raw(json, ",");
		ss_otlp_event(otlp, parts->points[i]);
	}
	if (fault->exception) {
		if (i > 0)
			ss_json_raw(json, ",");
		ss_otlp_exception(otlp, fault);
	}
	ss_json_raw(json, "]");
	return parts->point_count - count;
}

static void write_status(struct ss_otlp *otlp, const struct ss_fault *fault, bool failed)
{
	struct ss_json *json = &otlp->json;

	if (!failed) {
		ss_json_raw(json, ",\"status\":{}}");
		return;
	}
	ss_json_raw(json, ",\"status\":{");
	if (fault->message_value != SS_NO_VALUE) {
		ss_json_raw(json, "\"message\":");
		ss_otlp_pieces(otlp, fault->message_value);
		ss_json_raw(json, ",");
	} else if (fault->message != NULL) {
		ss_json_raw(json, "\"message\":");
		ss_json_string(json, fault->message, fault->message_bytes, otlp->value_max);
		ss_json_raw(json, ",");
	}
	ss_json_raw(json, "\"code\":2}}");
}

static void write_span(struct ss_otlp *otlp, const struct ss_span_view *span, bool bare)
{
	struct ss_json *json = &otlp->json;
	const struct ss_heading *heading = heading_of(otlp, otlp->parts->open->entry);
	struct ss_fault fault;
	uint32_t dropped;

	ss_fault_read(&fault, otlp->view, otlp->parts, span);
	write_ids(otlp, otlp->parts->open, span->id);
	ss_json_raw(json, ",\"name\":");
	append(json, &otlp->headings_text, heading->start, heading->name_bytes);
	write_times(json, otlp->parts, span);
	dropped = write_attributes(otlp, heading, &fault, span->unfinished, bare);
	write_count(json, "droppedAttributesCount", dropped + span->attributes_dropped);
	dropped = write_events(otlp, &fault, bare);
	write_count(json, "droppedEventsCount", dropped + span->points_dropped);
	write_status(otlp, &fault, fault.type != NULL || span->unfinished);
}

/* Shorter and shorter texts until the span fits a line; the last try has none at all. */
static bool write_fitting(struct ss_otlp *otlp, const struct ss_span_view *span, size_t room)
{
	static const uint32_t texts[] = { UINT32_MAX, 131072, 16384, 1024, 64, 64 };
	const uint32_t tries = sizeof(texts) / sizeof(*texts);
	uint32_t limit = otlp->view->image->attribute_value_limit, i;
	struct ss_json *json = &otlp->json;
	size_t start = ss_json_length(json);

	for (i = 0; i < tries; i++) {
		otlp->value_max = texts[i] < limit ? texts[i] : limit;
		write_span(otlp, span, i == tries - 1);
		if (json->failed)
			return false;
		if (ss_json_length(json) - start <= room)
			return true;
		json->p = ss_json_text(json) + start;
	}
	return false;
}

bool ss_otlp_span(struct ss_otlp *otlp, const struct ss_span_view *span)
{
	struct ss_json *json = &otlp->json;
	size_t prefix = ss_json_length(&otlp->prefix), room = SS_LINE_MAX - sizeof(LINE_SUFFIX) - 1;
	size_t start = ss_json_length(json);

	if (ss_parts_read(otlp->parts, span) != 0)
		return false;
	/* A line that is still open is at most SS_LINE_TARGET long, or just begun. */
	room -= prefix > SS_LINE_TARGET ? prefix : SS_LINE_TARGET;
	if (otlp->span_count == 0)
		append(json, &otlp->prefix, 0, prefix);
	else
		ss_json_raw(json, ",");
	if (!write_fitting(otlp, span, room)) {
		json->failed = false;
		/* Out of memory: what was in the line is gone too. */
		if (start > ss_json_length(json))
			otlp->span_count = 0, start = 0;
		json->p = ss_json_text(json) + start;
		return false;
	}
	otlp->span_count++;
	if (ss_json_length(json) > SS_LINE_TARGET)
		ss_otlp_flush(otlp);
	return true;
}

void ss_otlp_flush(struct ss_otlp *otlp)
{
	struct ss_json *json = &otlp->json;

	if (otlp->span_count == 0)
		return;
	ss_json_raw(json, LINE_SUFFIX);
	otlp->line(otlp->context, ss_json_text(json), ss_json_length(json), otlp->span_count);
	otlp->span_count = 0;
	json->p = ss_json_text(json);
}

void ss_otlp_counts(struct ss_otlp *otlp, const struct ss_otlp_count *counts, uint32_t count)
{
	struct ss_json *json = &otlp->json;
	bool ignored;
	uint32_t i;

	ss_otlp_flush(otlp);
	ss_json_raw(json, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
	ss_resource_write(json, otlp->view, &ignored);
	for (i = 0; i < count; i++) {
		ss_json_raw(json, ",");
		ss_resource_int(json, counts[i].key, (int64_t)counts[i].value);
	}
	ss_json_raw(json, "]},\"scopeSpans\":[]}]}\n");
	if (!json->failed)
		otlp->line(otlp->context, ss_json_text(json), ss_json_length(json), 0);
	json->failed = false;
	json->p = ss_json_text(json);
}
