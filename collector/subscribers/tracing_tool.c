/* SPDX-License-Identifier: Apache-2.0
 *
 * Tool calls.
 * Drain only.
 */
#include "collector/subscribers/tracing.h"

#define BIT(hook) (1ull << SS_HOOK_##hook)
#define HOOKS     (BIT(TOOL_PRE_INVOKE) | BIT(TOOL_POST_INVOKE))

static const struct ss_tracing_span spans[] = {
	{ .hook = SS_HOOK_TOOL_PRE_INVOKE,
	  .scope = ss_tracing_application,
	  .names = { "execute_tool", "execute_tool" },
	  .name_fields = { SS_FIELD_TOOL_NAME, SS_FIELD_TOOL_NAME } },
};

const struct ss_tracing ss_tracing_tool = {
	.subscriber = { "tracing.tool", HOOKS, ss_tracing_event },
	.spans = spans,
	.span_count = sizeof(spans) / sizeof(*spans),
};
