/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/restore.h"

#include <errno.h>
#include <stdbool.h>

#include "collector/metrics.h"
#include "collector/span.h"

/* Undoes what the uncommitted batch did to one block. Stores are ordered so that being killed here
 * leaves a block that a second run undoes the same way. */
static void roll_back(struct ss_block *block, uint64_t batch)
{
	struct ss_span *span = (struct ss_span *)block;

	if (block->born > batch)
		block->born = 0;
	if (block->freed > batch)
		block->freed = 0;
	if (block->born == 0 || block->freed != 0 || block->kind != SS_BLOCK_SPAN ||
	    span->epoch <= batch)
		return;
	span->now = span->before;
	ss_arena_order();
	span->epoch = batch;
}

static bool is_live(const struct ss_block *block, uint32_t kind)
{
	return block->born != 0 && block->freed == 0 && block->kind == kind;
}

/* Follows a chain that keeps `bytes`, of which `first` are in its head, marking its blocks in
 * `used`. Its last block, or SS_NO_BLOCK: damaged. */
static uint32_t walk(struct ss_arena *arena, uint32_t head, uint64_t first, uint64_t bytes,
		     uint8_t *used)
{
	uint32_t count = ss_arena_count(arena), index = head;
	struct ss_block *block = ss_arena_block(arena, head);
	uint64_t kept;

	if (used[head])
		return SS_NO_BLOCK;
	used[head] = 1;
	for (kept = first; kept < bytes; kept += SS_SPAN_MORE_BYTES) {
		index = block->next;
		if (index >= count || used[index])
			return SS_NO_BLOCK;
		block = ss_arena_block(arena, index);
		if (!is_live(block, SS_BLOCK_DATA))
			return SS_NO_BLOCK;
		used[index] = 1;
	}
	block->next = SS_NO_BLOCK;
	return index;
}

static int enlist(struct ss_id_list *list, uint64_t id)
{
	if (ss_buffer_reserve(&list->buffer, (list->count + 1) * sizeof(id)) != 0)
		return -ENOMEM;
	((uint64_t *)list->buffer.base)[list->count++] = id;
	return 0;
}

static int adopt(struct ss_spans *spans, uint32_t index)
{
	const struct ss_span *span = (const struct ss_span *)ss_arena_block(&spans->arena, index);
	int rc = ss_spanmap_add(&spans->map, span->id, index);

	if (rc == 0 && !(span->now.seen & SS_SPAN_OPENED))
		rc = enlist(&spans->halves, span->id);
	else if (rc == 0 && (span->now.seen & SS_SPAN_CLOSED))
		rc = enlist(&spans->ready, span->id);
	return rc;
}

static bool is_sound_span(struct ss_spans *spans, uint32_t index, uint8_t *used)
{
	struct ss_span *span = (struct ss_span *)ss_arena_block(&spans->arena, index);
	uint32_t tail;

	if (span->now.bytes > 2 * SS_SPAN_LOG_MAX || span->id == 0)
		return false;
	tail = walk(&spans->arena, index, SS_SPAN_HEAD_BYTES, span->now.bytes, used);
	if (tail == SS_NO_BLOCK || ss_spanmap_find(&spans->map, span->id) != NULL)
		return false;
	span->tail = tail;
	return true;
}

static bool is_sound_series(struct ss_spans *spans, uint32_t index, uint8_t *used)
{
	const struct ss_series_block *head = (void *)ss_arena_block(&spans->arena, index);

	return head->bytes <= SS_LABELS_BYTES_MAX &&
	       walk(&spans->arena, index, sizeof(head->data), head->bytes, used) != SS_NO_BLOCK;
}

static void drop(struct ss_spans *spans, uint32_t index, uint8_t *used, uint64_t *count)
{
	++*count;
	used[index] = 1;
	ss_arena_block(&spans->arena, index)->born = 0;
}

static int adopt_all(struct ss_spans *spans, uint8_t *used)
{
	uint32_t i, count = ss_arena_count(&spans->arena);
	int rc = 0;

	for (i = 0; i < count && rc == 0; i++) {
		const struct ss_block *block = ss_arena_block(&spans->arena, i);

		if (is_live(block, SS_BLOCK_SPAN)) {
			if (is_sound_span(spans, i, used))
				rc = adopt(spans, i);
			else
				drop(spans, i, used, &spans->orphans);
		} else if (is_live(block, SS_BLOCK_SERIES) && !is_sound_series(spans, i, used)) {
			drop(spans, i, used, &spans->series_damaged);
		}
	}
	return rc;
}

/* After the series: each keeps the value it has; one that belongs to none is damaged. */
static void keep_values(struct ss_spans *spans, uint8_t *used)
{
	enum { HAS_VALUE = 2 };
	uint32_t i, count = ss_arena_count(&spans->arena);

	for (i = 0; i < count; i++) {
		const struct ss_block *block = ss_arena_block(&spans->arena, i);

		if (used[i] || !is_live(block, SS_BLOCK_VALUE) || block->next >= count ||
		    !is_live(ss_arena_block(&spans->arena, block->next), SS_BLOCK_SERIES) ||
		    used[block->next] == HAS_VALUE)
			continue;
		used[i] = 1;
		used[block->next] = HAS_VALUE;
	}
}

int ss_restore_spans(struct ss_spans *spans)
{
	uint64_t batch = spans->view->image->batch;
	struct ss_buffer used = { 0 };
	uint32_t i, count;
	int rc = ss_arena_load(&spans->arena, spans->view);

	if (rc != 0)
		return rc;
	count = ss_arena_count(&spans->arena);
	rc = ss_buffer_reserve(&used, count + 1);
	if (rc != 0)
		return rc;
	for (i = 0; i < count; i++)
		roll_back(ss_arena_block(&spans->arena, i), batch);
	rc = adopt_all(spans, used.base);
	keep_values(spans, used.base);
	for (i = count; rc == 0 && i-- > 0;) {
		if (!((uint8_t *)used.base)[i])
			ss_arena_reclaim(&spans->arena, i);
	}
	ss_buffer_free(&used);
	return rc;
}
