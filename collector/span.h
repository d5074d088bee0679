/* SPDX-License-Identifier: Apache-2.0
 *
 * Assembly of spans from events in any order. A span is a log: its events, one after another, in a
 * chain of arena blocks; what a reader needs to know of it (name, status, limits) is worked out
 * when it is written. A span is complete when it was opened and closed and no event of it can still
 * lie unread in another thread's ring. Drain only. Everything recovery needs is in the arena; the
 * rest here is rebuilt (restore.h).
 */
#ifndef SS_SPAN_H
#define SS_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/arena.h"
#include "collector/hook.h"
#include "collector/spanmap.h"

#define SS_SPAN_LOG_MAX (256u << 10) /* bytes; points and attributes beyond are counted only */

enum ss_span_seen {
	SS_SPAN_OPENED = 1,
	SS_SPAN_CLOSED = 2,
	SS_SPAN_DISCARDED = 8, /* before its opening event was read */
	SS_SPAN_FAULT = 256,   /* times the number of SS_EVENT_STATUS_ONLY points in the log */
};

struct ss_span_state {
	uint32_t bytes; /* of the log */
	uint32_t seen;  /* enum ss_span_seen */
	uint32_t points, points_dropped, attributes_dropped;
};

/* First block of a span. `before` is what recovery takes when `epoch` was not committed. */
struct ss_span {
	uint64_t born, freed; /* as struct ss_block, up to kind */
	uint32_t next;
	uint32_t kind;
	uint64_t id;
	uint64_t epoch; /* of the last change */
	uint32_t tail;  /* last block of the chain */
	uint32_t reserved;
	struct ss_span_state now, before;
	char data[SS_BLOCK_BYTES - 88];
};
_Static_assert(sizeof(struct ss_span) == SS_BLOCK_BYTES, "a span starts as one block");
_Static_assert(offsetof(struct ss_span, kind) == offsetof(struct ss_block, kind), "same start");

#define SS_SPAN_HEAD_BYTES ((uint32_t)sizeof(((struct ss_span *)0)->data))
#define SS_SPAN_MORE_BYTES ((uint32_t)sizeof(((struct ss_block *)0)->data))

/* One event in a log, then its payload. OPEN entries have all of it, others end before parent_id.
 */
struct ss_log_entry {
	uint32_t bytes; /* with payload; multiple of 8 */
	uint8_t kind, flags, status, hook;
	uint64_t time_ns;
	uint32_t entry, tid;
	union {
		int64_t result;
		uint64_t trace_hi;
	};
	uint64_t trace_lo, parent_id;
};
#define SS_LOG_SHORT_BYTES ((uint32_t)offsetof(struct ss_log_entry, trace_lo))

/* A whole span on its way out; valid during the call it is passed to. */
struct ss_span_view {
	uint64_t id;
	const char *log;
	uint32_t bytes;
	uint32_t points_dropped, attributes_dropped;
	uint64_t end_ns; /* unfinished only */
	bool unfinished; /* its process ended before it did */
};
typedef void (*ss_span_fn)(void *context, const struct ss_span_view *span);

/* Where the events being applied come from (see ss_spans_settle). */
enum ss_spans_mode {
	SS_SPANS_ALONE, /* no other ring has anything: a closed span is complete */
	SS_SPANS_MIXED, /* complete at the end of this batch */
	SS_SPANS_LATE,  /* complete at the end of the next batch */
};

struct ss_id_list {
	struct ss_buffer buffer; /* uint64_t[] */
	uint32_t count;
};

struct ss_spans {
	struct ss_arena arena;
	struct ss_spanmap map;
	struct ss_image_view *view;
	uint32_t points_max;
	uint32_t mode; /* enum ss_spans_mode */
	ss_span_fn complete;
	void *context;
	struct ss_id_list ready, late; /* closed, waiting for the other rings */
	struct ss_id_list halves;      /* ids that began without an opening event */
	uint32_t halves_old;           /* the first ones, from before this batch */
	struct ss_buffer linear;       /* a chain, copied together */
	struct ss_span young;          /* see span_place.h; id 0: there is none */
	struct ss_buffer young_log;
	struct ss_buffer single; /* uint8_t[entry_count]: see find_single */
	uint64_t orphans, last_ns;
	uint64_t series_damaged; /* of metrics, in a dead image's arena */
};

/* Limits come from the image. `complete` is called for each complete span, from apply, settle and
 * finish. Loads the arena that a dead image left, if it is one. 0, -ENOMEM, or -EINVAL (that arena
 * is damaged). */
int ss_spans_init(struct ss_spans *spans, struct ss_image_view *view, ss_span_fn complete,
		  void *context);
void ss_spans_deinit(struct ss_spans *spans);

/* Takes in one event. Points that are only observed leave no trace in any span. */
void ss_spans_apply(struct ss_spans *spans, const struct ss_hook_event *event);

/* End of a batch's input: completes what waits. `whole`: every ring was read up to where it stood
 * when the batch began, so that an event left without its opening one since the last batch is an
 * orphan. */
void ss_spans_settle(struct ss_spans *spans, bool whole);

/* The image is dead: completes all that is left, open spans as unfinished; halves become orphans.
 */
void ss_spans_finish(struct ss_spans *spans);

/* The batch is committed. */
void ss_spans_commit(struct ss_spans *spans);

#endif
