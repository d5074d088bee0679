/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of requirements, one span for all that are checked together.
 * Drain only.
 */
#include "collector/subscribers/tracing.h"

#define BIT(hook) (1ull << SS_HOOK_##hook)
#define HOOKS     (BIT(VALIDATION_PRE_CHECK) | BIT(VALIDATION_POST_CHECK))

static const struct ss_tracing_span spans[] = {
	{ .hook = SS_HOOK_VALIDATION_PRE_CHECK,
	  .scope = ss_tracing_application,
	  .names = { "validation", "validation" } },
};

const struct ss_tracing ss_tracing_validation = {
	.subscriber = { "tracing.validation", HOOKS, ss_tracing_event },
	.spans = spans,
	.span_count = sizeof(spans) / sizeof(*spans),
};
