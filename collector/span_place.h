/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the spans are that events have told of: in the arena, found by id; except one, the young
 * one. It is the span that was opened last, as long as no event of another span has come since:
 * most have no spans within and are complete before one does. It is in plain memory, its log in one
 * piece; recovery finds its events in the ring, so it must be in the arena before the batch is
 * committed. Part of span.c's work, same rules.
 */
#ifndef SS_SPAN_PLACE_H
#define SS_SPAN_PLACE_H

#include <stdint.h>

#include "collector/span.h"

#define SS_SPAN_YOUNG SS_NO_BLOCK /* in place of a block */

/* The span that begins with block `index`. */
static inline struct ss_span *ss_span_place_at(struct ss_spans *spans, uint32_t index)
{
	return index == SS_SPAN_YOUNG ? &spans->young
				      : (struct ss_span *)ss_arena_block(&spans->arena, index);
}

/* A new, empty span in the arena, its block in tail; NULL: no memory. */
struct ss_span *ss_span_place_begin(struct ss_spans *spans, uint64_t id);

/* A new, empty span that is the young one; there must be none. */
void ss_span_place_begin_young(struct ss_spans *spans, uint64_t id);

/* Moves the young one, if there is one, to the arena; without memory its events are counted as
 * lost. */
void ss_span_place_settle_slow(struct ss_spans *spans);
static inline void ss_span_place_settle(struct ss_spans *spans)
{
	if (spans->young.id != 0)
		ss_span_place_settle_slow(spans);
}

/* Gives a span's memory back. */
void ss_span_place_forget(struct ss_spans *spans, uint64_t id, uint32_t index);

/* An event for which there was no memory: the loss goes where the host's threads count theirs. */
void ss_span_place_lost(struct ss_spans *spans, uint32_t kind);

#endif
