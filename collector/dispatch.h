/* SPDX-License-Identifier: Apache-2.0
 *
 * Events go to subscribers by hook number. The seam between the drain, which reads rings, and what
 * is made of the events. Drain only. Subscribers must not keep pointers into the event.
 */
#ifndef SS_DISPATCH_H
#define SS_DISPATCH_H

#include "collector/hook.h"

#define SS_SUBSCRIBERS_MAX 8u /* per hook */

typedef void (*ss_subscriber_fn)(void *self, const struct ss_hook_event *event);

struct ss_subscriber {
	const char *name;
	uint64_t hooks; /* bit 1ull << enum ss_hook */
	ss_subscriber_fn on_event;
};

struct ss_dispatch {
	uint32_t counts[SS_HOOK_COUNT];
	struct {
		ss_subscriber_fn on_event;
		void *self;
	} table[SS_HOOK_COUNT][SS_SUBSCRIBERS_MAX];
};

/* Calls subscriber->on_event(self, ...) for its hooks from now on. 0, or -ENOSPC when a hook has
 * too many; then nothing was added. */
int ss_dispatch_add(struct ss_dispatch *dispatch, const struct ss_subscriber *subscriber,
		    void *self);

/* event->hook is below SS_HOOK_COUNT. */
static inline void ss_dispatch_event(const struct ss_dispatch *dispatch,
				     const struct ss_hook_event *event)
{
	uint32_t i, count = dispatch->counts[event->hook];

	for (i = 0; i < count; i++)
		dispatch->table[event->hook][i].on_event(dispatch->table[event->hook][i].self,
							 event);
}

#endif
