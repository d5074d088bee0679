/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/span_index.h"

#include <errno.h>
#include <stdlib.h>

#define CAPACITY_FIRST 1024u

/* Where key is, or the free slot where it would go. Ids are random, but a handcrafted dump's are
 * not. */
static struct ss_span_index_slot *locate(const struct ss_span_index *index, uint64_t key)
{
	uint64_t hash = (key ^ key >> 32) * 0x9e3779b97f4a7c15ull;
	uint32_t at = (uint32_t)(hash >> 32) & (index->capacity - 1);

	while (index->slots[at].position != SS_SPAN_INDEX_NONE && index->slots[at].key != key)
		at = (at + 1) & (index->capacity - 1);
	return &index->slots[at];
}

uint32_t ss_span_index_find(const struct ss_span_index *index, uint64_t key)
{
	return index->capacity ? locate(index, key)->position : SS_SPAN_INDEX_NONE;
}

static int grow(struct ss_span_index *index)
{
	struct ss_span_index wider = { .capacity = CAPACITY_FIRST, .count = index->count };
	uint32_t i;

	if (index->capacity)
		wider.capacity = 2 * index->capacity;
	wider.slots = malloc(wider.capacity * sizeof(*wider.slots));
	if (!wider.slots)
		return -ENOMEM;
	for (i = 0; i < wider.capacity; i++)
		wider.slots[i].position = SS_SPAN_INDEX_NONE;
	for (i = 0; i < index->capacity; i++)
		if (index->slots[i].position != SS_SPAN_INDEX_NONE)
			*locate(&wider, index->slots[i].key) = index->slots[i];
	free(index->slots);
	*index = wider;
	return 0;
}

int ss_span_index_add(struct ss_span_index *index, uint64_t key, uint32_t position,
		      uint32_t *ret_found)
{
	struct ss_span_index_slot *slot;
	int r = index->count >= index->capacity / 4 * 3 ? grow(index) : 0;

	if (r)
		return r;
	slot = locate(index, key);
	if (slot->position != SS_SPAN_INDEX_NONE) {
		*ret_found = slot->position;
		return -EEXIST;
	}
	slot->key = key;
	slot->position = position;
	index->count++;
	return 0;
}

void ss_span_index_deinit(struct ss_span_index *index)
{
	free(index->slots);
	*index = (struct ss_span_index){ 0 };
}
