/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions: a span from a handle's first call to its last; a reset is an event on it.
 * Drain only.
 */
#include "collector/span.h"
#include "collector/subscribers/tracing.h"

static void on_event(void *self, const struct ss_hook_event *event)
{
	ss_spans_apply(self, event);
}

const struct ss_subscriber ss_tracing_session = {
	.name = "tracing.session",
	.hooks = 1ull << SS_HOOK_SESSION_PRE_INIT | 1ull << SS_HOOK_SESSION_POST_INIT |
		 1ull << SS_HOOK_SESSION_RESET | 1ull << SS_HOOK_SESSION_CLEANUP,
	.on_event = on_event,
};
