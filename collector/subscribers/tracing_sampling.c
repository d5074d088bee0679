/* SPDX-License-Identifier: Apache-2.0
 *
 * Sampling loops; iterations and repairs are events on the loop's span.
 * Drain only.
 */
#include "collector/subscribers/tracing.h"

#define BIT(hook) (1ull << SS_HOOK_##hook)
#define HOOKS                                                                        \
	(BIT(SAMPLING_LOOP_START) | BIT(SAMPLING_ITERATION) | BIT(SAMPLING_REPAIR) | \
	 BIT(SAMPLING_LOOP_END))

static const struct ss_tracing_span spans[] = {
	{ .hook = SS_HOOK_SAMPLING_LOOP_START,
	  .scope = ss_tracing_application,
	  .names = { "sampling", "sampling" } },
};

const struct ss_tracing ss_tracing_sampling = {
	.subscriber = { "tracing.sampling", HOOKS, ss_tracing_event },
	.spans = spans,
	.span_count = sizeof(spans) / sizeof(*spans),
};
