/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/restore.h"

#include <errno.h>
#include <stdbool.h>

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

/* Follows a span's chain as far as its log reaches, marking its blocks in `used`. False: damaged.
 */
static bool walk(struct ss_spans *spans, uint32_t head, uint8_t *used)
{
	struct ss_span *span = (struct ss_span *)ss_arena_block(&spans->arena, head);
	uint32_t count = ss_arena_count(&spans->arena), index = head, bytes = SS_SPAN_HEAD_BYTES;
	struct ss_block *block = ss_arena_block(&spans->arena, head);

	if (span->now.bytes > 2 * SS_SPAN_LOG_MAX || span->id == 0 || used[head])
		return false;
	used[head] = 1;
	while (bytes < span->now.bytes) {
		index = block->next;
		if (index >= count || used[index])
			return false;
		block = ss_arena_block(&spans->arena, index);
		if (block->born == 0 || block->freed != 0 || block->kind != SS_BLOCK_DATA)
			return false;
		used[index] = 1;
		bytes += SS_SPAN_MORE_BYTES;
	}
	block->next = SS_NO_BLOCK;
	span->tail = index;
	return true;
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

static int adopt_all(struct ss_spans *spans, uint8_t *used)
{
	uint32_t i, count = ss_arena_count(&spans->arena);
	int rc = 0;

	for (i = 0; i < count && rc == 0; i++) {
		struct ss_block *block = ss_arena_block(&spans->arena, i);
		const struct ss_span *span = (const struct ss_span *)block;

		if (block->born == 0 || block->freed != 0 || block->kind != SS_BLOCK_SPAN)
			continue;
		if (walk(spans, i, used) && ss_spanmap_find(&spans->map, span->id) == NULL) {
			rc = adopt(spans, i);
			continue;
		}
		spans->orphans++;
		used[i] = 1;
		block->born = 0;
	}
	return rc;
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
	for (i = count; rc == 0 && i-- > 0;) {
		if (!((uint8_t *)used.base)[i])
			ss_arena_reclaim(&spans->arena, i);
	}
	ss_buffer_free(&used);
	return rc;
}
