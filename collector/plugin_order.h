/* SPDX-License-Identifier: Apache-2.0
 *
 * The events of all rings in one order for plugins: by time, but each span's opening event before
 * its others. What a batch read is held back until the next whole batch: whatever led to an event,
 * in whichever thread, was in its ring before that batch looked, and so has been read by then (see
 * ss_source_look). Drain thread only, plain memory, as much as plugins lag behind.
 */
#ifndef SS_PLUGIN_ORDER_H
#define SS_PLUGIN_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/hook.h"
#include "collector/plugin_spans.h"

struct ss_plugin_chunk;

struct ss_plugin_ref {
	uint64_t time_ns;
	struct ss_plugin_kept *kept;
};

struct ss_plugin_order {
	struct ss_plugin_spans spans;
	struct ss_buffer refs, merged; /* struct ss_plugin_ref[]; the second one is for sorting */
	uint32_t next, sorted, count;  /* refs delivered, in order, in all */
	struct ss_plugin_chunk *filling, *spare;
	struct ss_plugin_kept *last; /* handed out by ss_plugin_order_next */
	uint64_t bytes;              /* of the events that wait */
	uint64_t newest_ns, held_ns; /* of the events read; before the last settling */
	uint64_t settled_ns;         /* events up to here have all that led to them before them */
	uint64_t lost;               /* no memory */
};

/* 0 or -ENOMEM. */
int ss_plugin_order_init(struct ss_plugin_order *order);
void ss_plugin_order_deinit(struct ss_plugin_order *order);

/* Takes in an event. `whole`: with its payload; else what keeps account of spans is enough. */
void ss_plugin_order_take(struct ss_plugin_order *order, const struct ss_hook_event *event,
			  bool whole);

/* A whole batch was read since the last call: what was taken in before that may go. */
void ss_plugin_order_settle(struct ss_plugin_order *order);

/* The next event that may go, valid until the next call; NULL: none. *ret_span is what is known of
 * its span, or NULL. */
const struct ss_hook_event *ss_plugin_order_next(struct ss_plugin_order *order,
						 const struct ss_plugin_span **ret_span);

/* Events that wait; all may be delivered once that was settled twice. */
static inline uint32_t ss_plugin_order_waiting(const struct ss_plugin_order *order)
{
	return order->count - order->next;
}

#endif
