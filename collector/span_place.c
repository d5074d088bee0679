/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/span_place.h"

#include "collector/span_log.h"

struct ss_span *ss_span_place_begin(struct ss_spans *spans, uint64_t id)
{
	uint32_t index = ss_arena_take(&spans->arena, SS_BLOCK_SPAN);
	struct ss_span *span;

	if (index == SS_NO_BLOCK)
		return NULL;
	span = ss_span_place_at(spans, index);
	span->id = id;
	span->epoch = spans->arena.epoch;
	span->tail = index;
	span->now = (struct ss_span_state){ 0 };
	if (ss_spanmap_add(&spans->map, id, index) == 0)
		return span;
	ss_arena_give(&spans->arena, index);
	return NULL;
}

void ss_span_place_begin_young(struct ss_spans *spans, uint64_t id)
{
	spans->young.id = id;
	spans->young.now = (struct ss_span_state){ 0 };
}

static bool settle(struct ss_spans *spans)
{
	struct ss_span *span = ss_span_place_begin(spans, spans->young.id);
	uint32_t index;

	if (span == NULL)
		return false;
	index = span->tail;
	if (ss_span_log_settle(spans, span))
		return true;
	ss_span_place_forget(spans, span->id, index);
	return false;
}

void ss_span_place_settle_slow(struct ss_spans *spans)
{
	const char *log = spans->young_log.base;
	uint32_t at, bytes = spans->young.now.bytes;

	if (!settle(spans)) {
		for (at = 0; at < bytes; at += ((const struct ss_log_entry *)(log + at))->bytes)
			ss_span_place_lost(spans, ((const struct ss_log_entry *)(log + at))->kind);
	}
	spans->young.id = 0;
}

void ss_span_place_forget(struct ss_spans *spans, uint64_t id, uint32_t index)
{
	if (index == SS_SPAN_YOUNG) {
		spans->young.id = 0;
		return;
	}
	ss_spanmap_remove(&spans->map, id);
	ss_span_log_free(spans, index);
}

void ss_span_place_lost(struct ss_spans *spans, uint32_t kind)
{
	__atomic_fetch_add(&spans->view->image->dropped[SS_DROP_ASSEMBLY][kind], 1,
			   __ATOMIC_RELAXED);
}
