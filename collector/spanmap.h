/* SPDX-License-Identifier: Apache-2.0
 *
 * Span id -> arena block: open addressing with linear probing, no tombstones. Ids are random, but a
 * forged file's are not, so they are mixed. Drain only; rebuilt in recovery, so plain memory.
 */
#ifndef SS_SPANMAP_H
#define SS_SPANMAP_H

#include <stdint.h>

#include "collector/buffer.h"

struct ss_spanmap_slot {
	uint64_t id; /* 0: empty */
	uint64_t value;
};

struct ss_spanmap {
	struct ss_buffer buffer;
	struct ss_spanmap_slot *slots;
	uint64_t mask, count;
};

/* 0 or -ENOMEM. */
int ss_spanmap_init(struct ss_spanmap *map);
void ss_spanmap_deinit(struct ss_spanmap *map);

/* Adds id (not 0, not there yet). 0 or -ENOMEM. */
int ss_spanmap_add(struct ss_spanmap *map, uint64_t id, uint64_t value);
/* Removes id if it is there. */
void ss_spanmap_remove(struct ss_spanmap *map, uint64_t id);

static inline uint64_t ss_spanmap_home(const struct ss_spanmap *map, uint64_t id)
{
	return (id * 0x9e3779b97f4a7c15ull >> 20) & map->mask;
}

/* Its slot, valid until the next change of the map, or NULL. */
static inline struct ss_spanmap_slot *ss_spanmap_find(const struct ss_spanmap *map, uint64_t id)
{
	uint64_t at = ss_spanmap_home(map, id);

	while (map->slots[at].id != 0) {
		if (map->slots[at].id == id)
			return &map->slots[at];
		at = (at + 1) & map->mask;
	}
	return NULL;
}

#endif
