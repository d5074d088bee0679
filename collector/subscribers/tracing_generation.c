/* SPDX-License-Identifier: Apache-2.0
 *
 * Chats: one request to a model; what arrives meanwhile is an event on it.
 * Drain only.
 */
#include "collector/span.h"
#include "collector/subscribers/tracing.h"

static void on_event(void *self, const struct ss_hook_event *event)
{
	ss_spans_apply(self, event);
}

const struct ss_subscriber ss_tracing_generation = {
	.name = "tracing.generation",
	.hooks = 1ull << SS_HOOK_GENERATION_PRE_CALL | 1ull << SS_HOOK_GENERATION_POST_CALL |
		 1ull << SS_HOOK_GENERATION_ERROR | 1ull << SS_HOOK_GENERATION_EVENT,
	.on_event = on_event,
};
