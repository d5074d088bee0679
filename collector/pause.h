/* SPDX-License-Identifier: Apache-2.0
 *
 * When the drain sleeps, and what wakes it. Each ring's wake_level says from how many records on
 * its thread wakes the drain: never while it runs, when a quarter full while it collects a batch,
 * at the first record when there is nothing to do. Drain thread only. Must not: spin (a spinning
 * reader costs the producers three times as much).
 */
#ifndef SS_PAUSE_H
#define SS_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/drain.h"

struct ss_pause {
	struct ss_drain *drain;
	bool barrier; /* membarrier works: sleeping without bound is safe */
};

void ss_pause_init(struct ss_pause *pause, struct ss_drain *drain);

/* No ring wakes the drain any more. Before a batch. */
void ss_pause_end(const struct ss_pause *pause);

/* Sleeps up to flush_ms, less when a ring is a quarter full or the host wants something after
 * `wake` was read. */
void ss_pause_collect(const struct ss_pause *pause, uint32_t wake);

/* Sleeps until there is a first event, the host asks for something after `wake` was read, or
 * limit_ms (0: none) have passed. True: an event came. */
bool ss_pause_idle(const struct ss_pause *pause, uint32_t wake, uint32_t limit_ms);

/* True when some ring is at least a quarter full. */
bool ss_pause_pressed(const struct ss_pause *pause);

#endif
