/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/spanmap.h"

#include <errno.h>
#include <stddef.h>

#define SLOTS_FIRST 1024u

static int allocate(struct ss_spanmap *map, uint64_t slots)
{
	struct ss_buffer buffer = { 0 };

	if (ss_buffer_reserve(&buffer, slots * sizeof(struct ss_spanmap_slot)) != 0)
		return -ENOMEM;
	*map = (struct ss_spanmap){ .buffer = buffer, .slots = buffer.base, .mask = slots - 1 };
	return 0;
}

int ss_spanmap_init(struct ss_spanmap *map)
{
	return allocate(map, SLOTS_FIRST);
}

void ss_spanmap_deinit(struct ss_spanmap *map)
{
	ss_buffer_free(&map->buffer);
	map->slots = NULL;
}

static void place(struct ss_spanmap *map, uint64_t id, uint64_t value)
{
	uint64_t at = ss_spanmap_home(map, id);

	while (map->slots[at].id != 0)
		at = (at + 1) & map->mask;
	map->slots[at] = (struct ss_spanmap_slot){ id, value };
	map->count++;
}

static int grow(struct ss_spanmap *map)
{
	struct ss_spanmap old = *map;
	uint64_t i;

	if (allocate(map, (old.mask + 1) * 2) != 0)
		return -ENOMEM;
	for (i = 0; i <= old.mask; i++) {
		if (old.slots[i].id != 0)
			place(map, old.slots[i].id, old.slots[i].value);
	}
	ss_spanmap_deinit(&old);
	return 0;
}

int ss_spanmap_add(struct ss_spanmap *map, uint64_t id, uint64_t value)
{
	if (map->count * 2 > map->mask && grow(map) != 0 && map->count == map->mask)
		return -ENOMEM;
	place(map, id, value);
	return 0;
}

/* Closes the gap by moving back what probed past it (Knuth 6.4, algorithm R). */
void ss_spanmap_remove(struct ss_spanmap *map, uint64_t id)
{
	struct ss_spanmap_slot *slot = ss_spanmap_find(map, id);
	uint64_t gap, at;

	if (slot == NULL)
		return;
	gap = (uint64_t)(slot - map->slots);
	for (at = (gap + 1) & map->mask; map->slots[at].id != 0; at = (at + 1) & map->mask) {
		uint64_t home = ss_spanmap_home(map, map->slots[at].id);

		if (((at - home) & map->mask) < ((at - gap) & map->mask))
			continue;
		map->slots[gap] = map->slots[at];
		gap = at;
	}
	map->slots[gap].id = 0;
	map->count--;
}
