/* SPDX-License-Identifier: Apache-2.0
 *
 * Actions: the span is a call, or lives from a call that opens it to one that closes it, or is the
 * execution of a component.
 * Drain only.
 */
#include "collector/subscribers/tracing.h"

#define BIT(hook) (1ull << SS_HOOK_##hook)
#define HOOKS                                                                   \
	(BIT(NONE) | BIT(COMPONENT_PRE_EXECUTE) | BIT(COMPONENT_POST_SUCCESS) | \
	 BIT(COMPONENT_POST_ERROR))

static const struct ss_tracing_span spans[] = {
	{ .hook = SS_HOOK_COMPONENT_PRE_EXECUTE,
	  .scope = ss_tracing_application,
	  .names = { "action", "action" } },
};

const struct ss_tracing ss_tracing_component = {
	.subscriber = { "tracing.component", HOOKS, ss_tracing_event },
	.spans = spans,
	.span_count = sizeof(spans) / sizeof(*spans),
};
