/* SPDX-License-Identifier: Apache-2.0
 *
 * Actions: the span is a call, or lives from a call that opens it to one that closes it.
 * Drain only.
 */
#include "collector/span.h"
#include "collector/subscribers/tracing.h"

static void on_event(void *self, const struct ss_hook_event *event)
{
	ss_spans_apply(self, event);
}

const struct ss_subscriber ss_tracing_component = {
	.name = "tracing.component",
	.hooks = 1ull << SS_HOOK_NONE | 1ull << SS_HOOK_COMPONENT_PRE_EXECUTE |
		 1ull << SS_HOOK_COMPONENT_POST_SUCCESS | 1ull << SS_HOOK_COMPONENT_POST_ERROR,
	.on_event = on_event,
};
