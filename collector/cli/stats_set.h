/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of one kind, found by a key: what `spanshim stats` counts by span name, model, series.
 * Bounded: past its limit a set takes no more keys but those that its owner has set aside for all
 * the rest. One thread.
 */
#ifndef SS_STATS_SET_H
#define SS_STATS_SET_H

#include <stddef.h>
#include <stdint.h>

#include "collector/cli/bump.h"
#include "collector/cli/span_index.h"

struct ss_stats_set { /* all zero: empty */
	struct ss_span_index index;
	void **rows; /* in the order in which they came */
	uint32_t count, capacity;
};

/* The row of key. Returns 0 when it is there, 1 when it was made (all zero, `bytes` of memory),
 * -ENOSPC when it would be made but there are `max` already, or -ENOMEM. */
int ss_stats_set_find(struct ss_stats_set *set, struct ss_bump *memory, uint64_t key, size_t bytes,
		      uint32_t max, void **ret_row);

/* Frees the set; the rows are memory's. */
void ss_stats_set_deinit(struct ss_stats_set *set);

/* A copy of text, cut to what a table can show; NULL when memory is gone. */
const char *ss_stats_set_text(struct ss_bump *memory, const char *text);

#endif
