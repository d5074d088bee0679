/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes hook events into the calling thread's ring: sizes them, reserves, fills, commits, or
 * counts the loss. Long strings go on in ATTR events of their own. Must not: call libc or touch
 * vector registers (hot side).
 */
#ifndef SS_EMIT_H
#define SS_EMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/value.h"

/* For what is called often from one place, and seldom from others. */
#define inlined inline __attribute__((always_inline))

#define SS_EMIT_MANY_MAX 64 /* their fixed parts alone still fit the smallest ring's headroom */

/* An event to be. `taken` may be NULL when count is 0. */
struct ss_emission {
	uint64_t time;
	uint64_t span_id;
	const struct ss_span_ref *parent; /* OPEN: parent and trace; its span_id is 0 for a root */
	int64_t result;                   /* CLOSE, POINT */
	const struct ss_taken *taken;
	uint32_t count;
	uint32_t entry;
	uint8_t kind; /* enum ss_event_kind */
	uint8_t hook;
	uint8_t flags;
	uint8_t status;
};

/* Counts an event that could not even be tried. */
void ss_emit_lost(struct ss_thread *thread, uint32_t reason, uint32_t kind);

/* The drain looks now for what there is: events, or what the host asks of it. Any thread;
 * signal-safe; keeps errno. */
void ss_image_wake_drain(struct ss_image *image);

/* Emits it, with SS_TAKEN_MAX attributes at most. False: lost, and counted by reason and kind. Any
 * thread whose ss_thread is ready; signal-safe. */
bool ss_emit(struct ss_thread *thread, const struct ss_emission *emission);

/* As ss_emit, with up to SS_EMIT_MANY_MAX attributes; sizes[emission->count] is scratch. */
bool ss_emit_many(struct ss_thread *thread, const struct ss_emission *emission, uint32_t *sizes);

/* Records of an event with that payload, its first included. */
static inline uint32_t ss_emit_records(uint32_t payload_bytes)
{
	return 1 + (payload_bytes + SS_RECORD_BYTES - 1) / SS_RECORD_BYTES;
}

static inline void ss_emit_head(struct ss_event *event, const struct ss_emission *e,
				uint32_t payload_bytes, uint32_t tid)
{
	event->kind = e->kind;
	event->hook = e->hook;
	event->records = (uint16_t)ss_emit_records(payload_bytes);
	event->time = e->time;
	event->span_id = e->span_id;
	event->entry = e->entry;
	event->payload_bytes = (uint16_t)payload_bytes;
	event->flags = e->flags;
	event->status = e->status;
	if (e->kind == SS_EVENT_OPEN) {
		event->open.parent_id = e->parent->span_id;
		event->open.trace_hi = e->parent->trace_hi;
		event->open.trace_lo = e->parent->trace_lo;
		event->open.tid = tid;
		return;
	}
	event->close.result = e->result;
	event->close.tid = tid;
}

/* Emits an event without attributes; else as ss_emit. Inline, so that it is never built in memory
 * before it is in the ring: `emission` must not be given to anybody else. */
static inlined bool ss_emit_bare(struct ss_thread *thread, const struct ss_emission *emission)
{
	struct ss_ring *ring = thread->ring;
	struct ss_event *event;
	uint64_t position;

	if (unlikely(!ring)) {
		ss_emit_lost(thread, SS_DROP_NO_RING, emission->kind);
		return false;
	}
	if (unlikely(!ss_ring_reserve(ring, 1, emission->kind == SS_EVENT_CLOSE, &position))) {
		ss_emit_lost(thread, SS_DROP_RING_FULL, emission->kind);
		return false;
	}
	event = ss_ring_record(ss_image, ring, position);
	ss_emit_head(event, emission, 0, thread->tid);
	ss_ring_commit(ring, event, position);
	return true;
}

#endif
