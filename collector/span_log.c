/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/span_log.h"

#include <errno.h>
#include <string.h>

void ss_span_log_free(struct ss_spans *spans, uint32_t index)
{
	while (index != SS_NO_BLOCK) {
		uint32_t next = ss_arena_block(&spans->arena, index)->next;

		ss_arena_give(&spans->arena, index);
		index = next;
	}
}

void ss_span_log_touch(struct ss_spans *spans, struct ss_span *span)
{
	if (span->epoch == spans->arena.epoch)
		return;
	span->before = span->now;
	ss_arena_order();
	span->epoch = spans->arena.epoch;
	ss_arena_order();
}

/* Where byte `bytes` of the log goes in its last block; *ret_room: how many fit there. */
static char *log_end(struct ss_spans *spans, struct ss_span *span, uint32_t bytes,
		     uint32_t *ret_room)
{
	uint32_t used;

	if (bytes < SS_SPAN_HEAD_BYTES) {
		*ret_room = SS_SPAN_HEAD_BYTES - bytes;
		return span->data + bytes;
	}
	used = (bytes - SS_SPAN_HEAD_BYTES) % SS_SPAN_MORE_BYTES;
	*ret_room = used == 0 ? 0 : SS_SPAN_MORE_BYTES - used;
	return ss_arena_block(&spans->arena, span->tail)->data + used;
}

/* Behind the log's end, chaining new blocks as needed. The log's length is the caller's to change.
 */
static int copy_in(struct ss_spans *spans, struct ss_span *span, uint32_t at, const char *from,
		   uint32_t bytes)
{
	while (bytes > 0) {
		uint32_t room, part;
		char *to = log_end(spans, span, at, &room);

		if (room == 0) {
			uint32_t index = ss_arena_take(&spans->arena, SS_BLOCK_DATA);

			if (index == SS_NO_BLOCK)
				return -ENOMEM;
			ss_arena_block(&spans->arena, span->tail)->next = index;
			span->tail = index;
			to = ss_arena_block(&spans->arena, index)->data;
			room = SS_SPAN_MORE_BYTES;
		}
		part = bytes < room ? bytes : room;
		memcpy(to, from, part);
		from += part;
		bytes -= part;
		at += part;
	}
	return 0;
}

static uint32_t fixed_bytes(const struct ss_hook_event *event)
{
	return event->kind == SS_EVENT_OPEN ? (uint32_t)sizeof(struct ss_log_entry)
					    : SS_LOG_SHORT_BYTES;
}

static void fill(struct ss_log_entry *entry, const struct ss_hook_event *event)
{
	entry->bytes = fixed_bytes(event) + ((event->payload_bytes + 7) & ~7u);
	entry->kind = event->kind;
	entry->flags = event->flags;
	entry->status = event->status;
	entry->hook = event->hook;
	entry->time_ns = event->time_ns;
	entry->entry = event->entry;
	entry->tid = event->tid;
	if (event->kind != SS_EVENT_OPEN) {
		entry->result = event->result;
		return;
	}
	entry->trace_hi = event->trace_hi;
	entry->trace_lo = event->trace_lo;
	entry->parent_id = event->parent_id;
}

/* In one piece, in plain memory. */
static bool append_young(struct ss_spans *spans, const struct ss_hook_event *event)
{
	uint32_t at = spans->young.now.bytes, fixed = fixed_bytes(event);
	struct ss_log_entry *entry;

	if (ss_buffer_reserve(&spans->young_log, at + fixed + SS_EVENT_PAYLOAD_MAX) != 0)
		return false;
	entry = (struct ss_log_entry *)((char *)spans->young_log.base + at);
	fill(entry, event);
	memcpy((char *)entry + fixed, event->payload, entry->bytes - fixed);
	spans->young.now.bytes = at + entry->bytes;
	return true;
}

bool ss_span_log_append(struct ss_spans *spans, struct ss_span *span,
			const struct ss_hook_event *event)
{
	uint32_t fixed = fixed_bytes(event), tail = span->tail, at = span->now.bytes;
	struct ss_log_entry entry;

	if (span == &spans->young)
		return append_young(spans, event);
	fill(&entry, event);
	if (copy_in(spans, span, at, (const char *)&entry, fixed) != 0 ||
	    copy_in(spans, span, at + fixed, event->payload, entry.bytes - fixed) != 0) {
		ss_span_log_free(spans, ss_arena_block(&spans->arena, tail)->next);
		ss_arena_block(&spans->arena, tail)->next = SS_NO_BLOCK;
		span->tail = tail;
		return false;
	}
	ss_arena_order();
	span->now.bytes = at + entry.bytes;
	return true;
}

bool ss_span_log_settle(struct ss_spans *spans, struct ss_span *span)
{
	const struct ss_span *young = &spans->young;

	if (copy_in(spans, span, 0, spans->young_log.base, young->now.bytes) != 0)
		return false;
	ss_arena_order();
	span->now = young->now;
	return true;
}

const char *ss_span_log_linear(struct ss_spans *spans, const struct ss_span *span)
{
	uint32_t left = span->now.bytes, index = span->next, part = SS_SPAN_HEAD_BYTES;
	char *to;

	if (span == &spans->young)
		return spans->young_log.base;
	if (left <= SS_SPAN_HEAD_BYTES)
		return span->data;
	if (ss_buffer_reserve(&spans->linear, left) != 0)
		return NULL;
	to = spans->linear.base;
	memcpy(to, span->data, part);
	for (left -= part, to += part; left > 0; left -= part, to += part) {
		const struct ss_block *block = ss_arena_block(&spans->arena, index);

		part = left < SS_SPAN_MORE_BYTES ? left : SS_SPAN_MORE_BYTES;
		memcpy(to, block->data, part);
		index = block->next;
	}
	return spans->linear.base;
}
