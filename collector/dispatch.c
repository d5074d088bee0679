/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/dispatch.h"

#include <errno.h>

_Static_assert(SS_HOOK_COUNT <= 64, "a subscriber's hooks are bits of one word");

int ss_dispatch_add(struct ss_dispatch *dispatch, const struct ss_subscriber *subscriber,
		    void *self)
{
	uint32_t hook;

	for (hook = 0; hook < SS_HOOK_COUNT; hook++) {
		if ((subscriber->hooks >> hook & 1) && dispatch->counts[hook] == SS_SUBSCRIBERS_MAX)
			return -ENOSPC;
	}
	for (hook = 0; hook < SS_HOOK_COUNT; hook++) {
		uint32_t *count = &dispatch->counts[hook];

		if (!(subscriber->hooks >> hook & 1))
			continue;
		dispatch->table[hook][*count].on_event = subscriber->on_event;
		dispatch->table[hook][*count].self = self;
		++*count;
	}
	return 0;
}
