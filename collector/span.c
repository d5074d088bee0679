/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/span.h"

#include <errno.h>
#include <string.h>

#include "collector/restore.h"
#include "collector/span_log.h"
#include "collector/span_place.h"
#include "collector/vocabulary.h"

#define FAULTS_MAX 8 /* failed steps kept of one span */

static int list_add(struct ss_id_list *list, uint64_t id)
{
	uint64_t *ids;

	if (ss_buffer_reserve(&list->buffer, (list->count + 1) * sizeof(*ids)) != 0)
		return -ENOMEM;
	ids = list->buffer.base;
	ids[list->count++] = id;
	return 0;
}

/* Marks entries whose spans get all their events from the thread of the call: a CALL of a binding
 * without EVENT entries. Such a span is complete when it is closed, whatever other rings hold. A
 * Python call may go on in other threads. */
static int find_single(struct ss_spans *spans)
{
	const struct ss_image_view *view = spans->view;
	uint32_t b, e;
	uint8_t *single;
	int rc = ss_buffer_reserve(&spans->single, view->entry_count + 1);

	if (rc != 0)
		return rc;
	single = spans->single.base;
	for (b = 0; b < view->binding_count; b++) {
		uint64_t first = view->bindings[b].first_entry;
		uint64_t end = first + view->bindings[b].entry_count;
		bool events = end > view->entry_count;

		for (e = (uint32_t)first; !events && e < end; e++)
			events = view->entries[e].when == SS_WHEN_EVENT;
		for (e = (uint32_t)first; !events && e < end; e++)
			single[e] = view->entries[e].when == SS_WHEN_CALL &&
				    !(view->entries[e].flags & SS_ENTRY_PYTHON);
	}
	return 0;
}

int ss_spans_init(struct ss_spans *spans, struct ss_image_view *view, ss_span_fn complete,
		  void *context)
{
	int rc;

	*spans = (struct ss_spans){ .view = view, .complete = complete, .context = context };
	spans->points_max = view->image->event_count_limit;
	spans->last_ns = view->image->commit[view->image->batch & 1].last_ns;
	spans->orphans = view->image->commit[view->image->batch & 1].orphans;
	rc = ss_spanmap_init(&spans->map);
	if (rc == 0)
		rc = find_single(spans);
	if (rc == 0 && view->live)
		ss_arena_init(&spans->arena, view);
	else if (rc == 0)
		rc = ss_restore_spans(spans);
	if (rc != 0)
		ss_spans_deinit(spans);
	return rc;
}

void ss_spans_deinit(struct ss_spans *spans)
{
	ss_arena_deinit(&spans->arena);
	ss_spanmap_deinit(&spans->map);
	ss_buffer_free(&spans->ready.buffer);
	ss_buffer_free(&spans->late.buffer);
	ss_buffer_free(&spans->halves.buffer);
	ss_buffer_free(&spans->linear);
	ss_buffer_free(&spans->young_log);
	ss_buffer_free(&spans->single);
}

/* False: no memory; counted, the span is as it was. */
static bool keep(struct ss_spans *spans, struct ss_span *span, const struct ss_hook_event *event)
{
	if (ss_span_log_append(spans, span, event))
		return true;
	ss_span_place_lost(spans, event->kind);
	return false;
}

/* Hands the span on and forgets it. */
static void deliver(struct ss_spans *spans, uint32_t index, bool unfinished)
{
	const struct ss_span *span = ss_span_place_at(spans, index);
	uint64_t id = span->id;
	struct ss_span_view view = { .id = id,
				     .log = ss_span_log_linear(spans, span),
				     .bytes = span->now.bytes,
				     .points_dropped = span->now.points_dropped,
				     .attributes_dropped = span->now.attributes_dropped,
				     .end_ns = spans->last_ns,
				     .unfinished = unfinished };

	if (view.log != NULL)
		spans->complete(spans->context, &view);
	else
		ss_span_place_lost(spans, SS_EVENT_CLOSE);
	ss_span_place_forget(spans, id, index);
}

/* Whether a span whose OPEN or CLOSE event this is needs no other ring's events. */
static bool is_alone(const struct ss_spans *spans, const struct ss_hook_event *event)
{
	const uint8_t *single = spans->single.base;

	return spans->mode == SS_SPANS_ALONE ||
	       (event->entry < spans->view->entry_count && single[event->entry]);
}

static void completed(struct ss_spans *spans, uint32_t index, const struct ss_hook_event *last)
{
	struct ss_id_list *list = spans->mode == SS_SPANS_LATE ? &spans->late : &spans->ready;

	if ((last->kind == SS_EVENT_CLOSE && is_alone(spans, last)) ||
	    spans->mode == SS_SPANS_ALONE ||
	    list_add(list, ss_span_place_at(spans, index)->id) != 0)
		deliver(spans, index, false);
}

static void apply_open(struct ss_spans *spans, uint32_t index, const struct ss_hook_event *event)
{
	struct ss_span *span = ss_span_place_at(spans, index);

	if (span->now.seen & SS_SPAN_OPENED) {
		spans->orphans++;
		return;
	}
	if (!keep(spans, span, event))
		return;
	span->now.seen |= SS_SPAN_OPENED;
	if (span->now.seen & SS_SPAN_DISCARDED)
		ss_span_place_forget(spans, event->span_id, index);
	else if (span->now.seen & SS_SPAN_CLOSED)
		completed(spans, index, event);
}

static void apply_close(struct ss_spans *spans, uint32_t index, const struct ss_hook_event *event)
{
	struct ss_span *span = ss_span_place_at(spans, index);

	if (span->now.seen & SS_SPAN_CLOSED) {
		spans->orphans++;
		return;
	}
	if (!keep(spans, span, event))
		return;
	span->now.seen |= SS_SPAN_CLOSED;
	if (span->now.seen & SS_SPAN_OPENED)
		completed(spans, index, event);
}

static void apply_point(struct ss_spans *spans, struct ss_span *span,
			const struct ss_hook_event *event)
{
	/* Of failed steps the last kept one tells the cause (SQLite's old interface knows it only
	 * at the reset); few are kept, so that memory stays bounded. */
	if (event->flags & SS_EVENT_STATUS_ONLY) {
		if (span->now.seen / SS_SPAN_FAULT < FAULTS_MAX && keep(spans, span, event))
			span->now.seen += SS_SPAN_FAULT;
		return;
	}
	/* Of an adapter's span the last ones are kept, as its framework would: the writer chooses.
	 */
	if (span->now.bytes >= SS_SPAN_LOG_MAX ||
	    (span->now.points >= spans->points_max && !ss_is_dialect(event->entry)))
		span->now.points_dropped++;
	else if (keep(spans, span, event))
		span->now.points++;
}

/* An attribute: not a further piece, nor what the span's status is made of. */
static bool is_counted(const struct ss_hook_event *event, const struct ss_attr *attr)
{
	struct ss_vocabulary_place place = { event->entry, event->hook, event->kind };

	if (attr->flags & SS_ATTR_CONTINUES)
		return false;
	return attr->key >= SS_KEY_RESERVED || ss_vocabulary_spell(place, attr->key) != NULL;
}

static void apply_attributes(struct ss_spans *spans, struct ss_span *span,
			     const struct ss_hook_event *event)
{
	struct ss_attr_iter iter = { event->payload, event->payload + event->payload_bytes };
	const struct ss_attr *attr;
	uint32_t count = 0;

	/* The limit is the writer's: only it can tell which of them replace one another. */
	if (span->now.bytes < SS_SPAN_LOG_MAX) {
		keep(spans, span, event);
		return;
	}
	while ((attr = ss_attr_next(&iter)) != NULL)
		count += is_counted(event, attr);
	span->now.attributes_dropped += count;
}

/* Which framework it is, and its version, as its first event and first span tell. */
static void note_framework(struct ss_image *image, const struct ss_hook_event *event)
{
	struct ss_attr_iter iter = { event->payload, event->payload + event->payload_bytes };
	const struct ss_attr *attr;
	size_t bytes;

	if (image->dialect == 0)
		image->dialect = event->entry;
	if (image->framework_version[0] != '\0')
		return;
	while ((attr = ss_attr_next(&iter)) != NULL) {
		if (attr->key != SS_FIELD_SCOPE_VERSION || attr->type != SS_ATTR_STRING)
			continue;
		bytes = sizeof(image->framework_version) - 1;
		if (attr->s.bytes < bytes)
			bytes = attr->s.bytes;
		memcpy(image->framework_version, attr + 1, bytes);
	}
}

/* Begins the span that the first event of it to come belongs to. False: no memory; counted. */
static bool begin_with(struct ss_spans *spans, const struct ss_hook_event *event,
		       uint32_t *ret_index)
{
	struct ss_span *span;

	if (event->kind == SS_EVENT_OPEN && is_alone(spans, event)) {
		ss_span_place_begin_young(spans, event->span_id);
		*ret_index = SS_SPAN_YOUNG;
		return true;
	}
	span = ss_span_place_begin(spans, event->span_id);
	if (span == NULL) {
		ss_span_place_lost(spans, event->kind);
		return false;
	}
	*ret_index = span->tail;
	if (event->kind == SS_EVENT_OPEN || list_add(&spans->halves, event->span_id) == 0)
		return true;
	ss_span_place_forget(spans, event->span_id, *ret_index);
	ss_span_place_lost(spans, event->kind);
	return false;
}

/* The span of an event. False: no memory; counted. */
static bool find_span(struct ss_spans *spans, const struct ss_hook_event *event,
		      uint32_t *ret_index)
{
	const struct ss_spanmap_slot *slot;

	if (event->span_id == spans->young.id) {
		*ret_index = SS_SPAN_YOUNG;
		return true;
	}
	ss_span_place_settle(spans);
	slot = ss_spanmap_find(&spans->map, event->span_id);
	if (slot == NULL)
		return begin_with(spans, event, ret_index);
	*ret_index = (uint32_t)slot->value;
	ss_span_log_touch(spans, ss_span_place_at(spans, *ret_index));
	return true;
}

void ss_spans_apply(struct ss_spans *spans, const struct ss_hook_event *event)
{
	struct ss_span *span;
	uint32_t index;

	if (event->time_ns > spans->last_ns)
		spans->last_ns = event->time_ns;
	if (ss_is_dialect(event->entry))
		note_framework(spans->view->image, event);
	if (event->kind == SS_EVENT_POINT && (event->flags & SS_EVENT_OBSERVED))
		return;
	if (!find_span(spans, event, &index))
		return;
	span = ss_span_place_at(spans, index);
	switch (event->kind) {
	case SS_EVENT_OPEN:
		apply_open(spans, index, event);
		break;
	case SS_EVENT_CLOSE:
		apply_close(spans, index, event);
		break;
	case SS_EVENT_POINT:
		apply_point(spans, span, event);
		break;
	case SS_EVENT_ATTR:
		apply_attributes(spans, span, event);
		break;
	case SS_EVENT_DISCARD:
		if (span->now.seen & SS_SPAN_OPENED)
			ss_span_place_forget(spans, event->span_id, index);
		else
			span->now.seen |= SS_SPAN_DISCARDED;
		break;
	default:
		break;
	}
}

static void deliver_list(struct ss_spans *spans, struct ss_id_list *list)
{
	const uint64_t *ids = list->buffer.base;
	uint32_t i;

	for (i = 0; i < list->count; i++) {
		const struct ss_spanmap_slot *slot = ss_spanmap_find(&spans->map, ids[i]);

		/* Gone: discarded after it was closed. */
		if (slot != NULL)
			deliver(spans, (uint32_t)slot->value, false);
	}
	list->count = 0;
}

/* The first `count` ids that began without an opening event; those that still lack it are orphans.
 */
static void drop_halves(struct ss_spans *spans, uint32_t count)
{
	uint64_t *ids = spans->halves.buffer.base;
	uint32_t i;

	for (i = 0; i < count; i++) {
		const struct ss_spanmap_slot *slot = ss_spanmap_find(&spans->map, ids[i]);

		if (slot == NULL ||
		    (ss_span_place_at(spans, (uint32_t)slot->value)->now.seen & SS_SPAN_OPENED))
			continue;
		ss_span_place_forget(spans, ids[i], (uint32_t)slot->value);
		spans->orphans++;
	}
	if (count > 0)
		memmove(ids, ids + count, (spans->halves.count - count) * sizeof(*ids));
	spans->halves.count -= count;
}

void ss_spans_settle(struct ss_spans *spans, bool whole)
{
	struct ss_id_list ready = spans->ready;

	ss_span_place_settle(spans);
	if (!whole)
		return;
	deliver_list(spans, &ready);
	spans->ready = spans->late;
	spans->late = ready;
	drop_halves(spans, spans->halves_old);
	spans->halves_old = spans->halves.count;
}

void ss_spans_finish(struct ss_spans *spans)
{
	uint32_t i, count;

	ss_span_place_settle(spans);
	count = ss_arena_count(&spans->arena);
	deliver_list(spans, &spans->ready);
	deliver_list(spans, &spans->late);
	drop_halves(spans, spans->halves.count);
	spans->halves_old = 0;
	for (i = 0; i < count; i++) {
		const struct ss_span *span = ss_span_place_at(spans, i);

		if (span->kind == SS_BLOCK_SPAN && span->born != 0 && span->freed == 0)
			deliver(spans, i, !(span->now.seen & SS_SPAN_CLOSED));
	}
}

void ss_spans_commit(struct ss_spans *spans)
{
	ss_arena_commit(&spans->arena);
}
