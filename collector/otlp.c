/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/otlp.h"

#include <errno.h>
#include <string.h>

#include "collector/otlp_head.h"
#include "collector/otlp_key.h"
#include "collector/otlp_value.h"
#include "collector/resource.h"

#define LINE_SUFFIX "]}]}]}\n"
/* Span.flags: W3C sampled (1), and whether the parent is remote (0x200) is known (0x100). */
#define FLAGS_LOCAL  "\"flags\":257"
#define FLAGS_REMOTE "\"flags\":769"
/* Room for a run of short pieces, of constant text, ids and times. */
#define RUN_MAX 256u

static void write_prefix(struct ss_otlp *otlp)
{
	struct ss_json *prefix = &otlp->prefix;

	otlp->dialect = otlp->view->image->dialect;
	prefix->p = ss_json_text(prefix);
	ss_json_raw(prefix, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
	ss_resource_write(prefix, otlp->view, &otlp->resource_ignored);
	ss_json_raw(prefix, "]},\"scopeSpans\":[");
}

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
	write_prefix(otlp);
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

static void write_ids(struct ss_otlp *otlp, const struct ss_log_entry *open, uint64_t id)
{
	struct ss_json *json = &otlp->json;
	char *p = ss_json_begin(json, RUN_MAX);

	p = ss_put_raw(p, "{\"traceId\":\"");
	p = ss_put_hex(ss_put_hex(p, open->trace_hi), open->trace_lo);
	p = ss_put_raw(p, "\",\"spanId\":\"");
	p = ss_put_hex(p, id);
	if (open->parent_id != 0) {
		p = ss_put_raw(p, "\",\"parentSpanId\":\"");
		p = ss_put_hex(p, open->parent_id);
	}
	p = ss_put_raw(p, "\",");
	if (ss_json_length(&otlp->state) > 0) {
		ss_json_end(json, p);
		ss_otlp_append(json, &otlp->state, 0, ss_json_length(&otlp->state));
		p = ss_json_begin(json, RUN_MAX);
	}
	p = open->flags & SS_EVENT_PARENT_REMOTE ? ss_put_raw(p, FLAGS_REMOTE)
						 : ss_put_raw(p, FLAGS_LOCAL);
	ss_json_end(json, ss_put_raw(p, ",\"name\":"));
}

static void write_times(struct ss_otlp *otlp, const struct ss_span_view *span)
{
	const struct ss_parts *parts = otlp->parts;
	struct ss_json *json = &otlp->json;
	uint64_t start = parts->open->time_ns;
	uint64_t end = parts->close != NULL ? parts->close->time_ns : span->end_ns;
	char *p = ss_json_begin(json, RUN_MAX);

	/* SPAN_KIND_CLIENT, SPAN_KIND_INTERNAL */
	if (ss_is_dialect(parts->open->entry) && ss_otlp_is_client(otlp))
		p = ss_put_raw(p, ",\"kind\":3,\"startTimeUnixNano\":\"");
	else
		p = ss_put_raw(p, ",\"kind\":1,\"startTimeUnixNano\":\"");
	p = ss_put_time(&otlp->time, p, start);
	p = ss_put_raw(p, "\",\"endTimeUnixNano\":\"");
	p = ss_put_time(&otlp->time, p, end > start ? end : start);
	ss_json_end(json, ss_put_raw(p, "\",\"attributes\":["));
}

/* thread.id, code.function.name and the binding's constants. Returns how many the limit drops. */
static uint32_t write_common(struct ss_otlp *otlp, const struct ss_heading *heading, bool any,
			     uint32_t *room)
{
	struct ss_json *json = &otlp->json;
	uint32_t dropped = heading->attributes_dropped;
	char *p;

	*room -= heading->attribute_count; /* which leaves out at least one */
	if (*room > 0) {
		p = ss_json_begin(json, RUN_MAX);
		if (any)
			*p++ = ',';
		p = ss_put_raw(p, "{\"key\":\"thread.id\",\"value\":{\"intValue\":\"");
		p = ss_put_uint(p, otlp->parts->open->tid);
		ss_json_end(json, ss_put_raw(p, "\"}}"));
		--*room;
	} else {
		dropped++;
	}
	ss_otlp_append(json, &otlp->headings_text, heading->start + heading->name_bytes,
		       heading->bytes - heading->name_bytes);
	return dropped;
}

/* heading NULL: an adapter's span has nothing but its own. Returns how many are not written. */
static uint32_t write_attributes(struct ss_otlp *otlp, const struct ss_heading *heading,
				 const struct ss_fault *fault, bool unfinished, bool bare)
{
	uint32_t room = otlp->view->image->attribute_count_limit, dropped = 0;
	const struct ss_parts *parts = otlp->parts;
	struct ss_json *json = &otlp->json;
	bool any = unfinished && room > 0;

	if (any) {
		ss_json_raw(json,
			    "{\"key\":\"spanshim.unfinished\",\"value\":{\"boolValue\":true}}");
		room--;
	} else {
		dropped += unfinished;
	}
	if (heading != NULL) {
		dropped += write_common(otlp, heading, any, &room);
		dropped += ss_otlp_fault_attributes(otlp, fault, &room);
		any = true;
	}
	dropped += ss_otlp_attributes(otlp, bare ? 0 : room, !any);
	ss_json_raw(json, "]");
	return dropped + parts->attributes_dropped;
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

/* The exception is the last event and stays, if any may. Of an adapter's span the last ones do, as
 * in Python's OpenTelemetry: all are kept until here. Of others the first ones, as its
 * specification has it. */
static uint32_t write_events(struct ss_otlp *otlp, const struct ss_fault *fault, bool bare)
{
	uint32_t room = otlp->view->image->event_count_limit, first = 0, i, written = 0;
	const struct ss_parts *parts = otlp->parts;
	struct ss_json *json = &otlp->json;
	bool exception = fault->exception && room > 0;
	uint32_t count;

	room -= exception;
	count = bare ? 0 : parts->point_count < room ? parts->point_count : room;
	if (ss_is_dialect(parts->open->entry))
		first = parts->point_count - count;
	if (count > 0 || exception)
		ss_json_raw(json, ",\"events\":[");
	for (i = first; written < count; i++, written++) {
		if (written > 0)
			ss_json_raw(json, ",");
		ss_otlp_event(otlp, parts->points[i]);
	}
	if (exception) {
		if (written > 0)
			ss_json_raw(json, ",");
		ss_otlp_exception(otlp, fault);
	}
	if (count > 0 || exception)
		ss_json_raw(json, "]");
	return parts->point_count - count + (fault->exception && !exception);
}

static void write_status(struct ss_otlp *otlp, const struct ss_fault *fault)
{
	struct ss_json *json = &otlp->json;

	if (!fault->failed) {
		ss_json_raw(json, ",\"status\":{}}");
		return;
	}
	ss_json_raw(json, ",\"status\":{");
	if (fault->message.bytes > 0) {
		ss_json_raw(json, "\"message\":");
		ss_otlp_fault_text(otlp, &fault->message, otlp->message_max);
		ss_json_raw(json, ",");
	}
	ss_json_raw(json, "\"code\":2}}");
}

static void write_span(struct ss_otlp *otlp, const struct ss_span_view *span, bool bare)
{
	struct ss_json *json = &otlp->json;
	const struct ss_heading *heading = ss_otlp_heading(otlp);
	struct ss_fault fault;
	uint32_t dropped;

	ss_fault_read(&fault, otlp->view, otlp->parts, span);
	write_ids(otlp, otlp->parts->open, span->id);
	if (heading != NULL)
		ss_otlp_append(json, &otlp->headings_text, heading->start, heading->name_bytes);
	else
		ss_otlp_name(otlp);
	write_times(otlp, span);
	dropped = write_attributes(otlp, heading, &fault, span->unfinished, bare);
	write_count(json, "droppedAttributesCount", dropped + span->attributes_dropped);
	dropped = write_events(otlp, &fault, bare);
	write_count(json, "droppedEventsCount", dropped + span->points_dropped);
	write_status(otlp, &fault);
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
		otlp->message_max = texts[i];
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

/* The prefix, if the line is to begin; the scope, if it is another; else a comma. */
static void begin_span(struct ss_otlp *otlp)
{
	if (otlp->span_count == 0) {
		ss_otlp_append(&otlp->json, &otlp->prefix, 0, ss_json_length(&otlp->prefix));
		otlp->scope.name = NULL;
	}
	ss_otlp_scope(otlp);
}

bool ss_otlp_span(struct ss_otlp *otlp, const struct ss_span_view *span)
{
	struct ss_json *json = &otlp->json;
	size_t room = SS_LINE_MAX - sizeof(LINE_SUFFIX) - SS_SCOPE_MAX, prefix, start;
	struct ss_otlp_scope scope;

	if (ss_parts_read(otlp->parts, span) != 0)
		return false;
	if (otlp->dialect != otlp->view->image->dialect) {
		ss_otlp_flush(otlp);
		write_prefix(otlp);
	}
	prefix = ss_json_length(&otlp->prefix);
	if (prefix > SS_LINE_MAX / 2) /* a damaged ring file's: no resource of ours is that long */
		return false;
	start = ss_json_length(json);
	scope = otlp->scope;
	/* A line that is still open is at most SS_LINE_TARGET long, or just begun. */
	room -= prefix > SS_LINE_TARGET ? prefix : SS_LINE_TARGET;
	begin_span(otlp);
	if (!write_fitting(otlp, span, room)) {
		json->failed = false;
		/* Out of memory: what was in the line is gone too. */
		if (start > ss_json_length(json))
			otlp->span_count = 0, start = 0;
		json->p = ss_json_text(json) + start;
		otlp->scope = scope;
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
	if (!json->failed && ss_json_length(json) <= SS_LINE_MAX)
		otlp->line(otlp->context, ss_json_text(json), ss_json_length(json), 0);
	json->failed = false;
	json->p = ss_json_text(json);
}
