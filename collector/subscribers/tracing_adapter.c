/* SPDX-License-Identifier: Apache-2.0
 *
 * Adapter functions (of a model's adapters, not ours): no version makes spans of them.
 * Drain only.
 */
#include "collector/subscribers/tracing.h"

#define BIT(hook) (1ull << SS_HOOK_##hook)
#define HOOKS     (BIT(ADAPTER_FUNCTION_INVOCATION_COMPLETE) | BIT(ADAPTER_FUNCTION_PHASE_COMPLETE))

const struct ss_tracing ss_tracing_adapter = {
	.subscriber = { "tracing.adapter", HOOKS, ss_tracing_event },
};
