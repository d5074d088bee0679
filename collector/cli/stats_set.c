/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/stats_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 240u

static int make_room(struct ss_stats_set *set)
{
	uint32_t capacity = set->capacity ? 2 * set->capacity : 64;
	void *wider;

	if (set->count < set->capacity)
		return 0;
	wider = realloc(set->rows, capacity * sizeof(*set->rows));
	if (!wider)
		return -ENOMEM;
	set->rows = wider;
	set->capacity = capacity;
	return 0;
}

int ss_stats_set_find(struct ss_stats_set *set, struct ss_bump *memory, uint64_t key, size_t bytes,
		      uint32_t max, void **ret_row)
{
	uint32_t at = ss_span_index_find(&set->index, key), found;
	void *row;
	int r;

	if (at != SS_SPAN_INDEX_NONE) {
		*ret_row = set->rows[at];
		return 0;
	}
	if (set->count >= max)
		return -ENOSPC;
	r = make_room(set);
	if (r)
		return r;
	row = ss_bump_alloc(memory, bytes);
	if (!row)
		return -ENOMEM;
	r = ss_span_index_add(&set->index, key, set->count, &found);
	if (r)
		return r;
	set->rows[set->count++] = row;
	*ret_row = row;
	return 1;
}

void ss_stats_set_deinit(struct ss_stats_set *set)
{
	ss_span_index_deinit(&set->index);
	free(set->rows);
	*set = (struct ss_stats_set){ 0 };
}

const char *ss_stats_set_text(struct ss_bump *memory, const char *text)
{
	size_t bytes = strnlen(text, TEXT_BYTES);
	char *copy;

	if (!text[bytes])
		return ss_bump_text(memory, text, bytes);
	while (bytes && ((unsigned char)text[bytes] & 0xc0) == 0x80)
		bytes--;
	copy = ss_bump_text(memory, text, bytes + 3);
	if (copy)
		memcpy(copy + bytes, "...", 3);
	return copy;
}
