/* SPDX-License-Identifier: Apache-2.0
 *
 * Tool calls, by tool and by how they ended.
 * Drain only.
 */
#include "collector/subscribers/measure.h"

#define HOOKS (1ull << SS_HOOK_TOOL_POST_INVOKE)

static void on_event(void *self, const struct ss_hook_event *event)
{
	struct ss_measure measure;

	if (!ss_measure_begin(&measure, self, event))
		return;
	ss_measure_label(&measure, measure.is_old ? "tool" : "gen_ai.tool.name", SS_FIELD_TOOL_NAME,
			 "unknown");
	ss_measure_label(&measure, "status", SS_FIELD_TOOL_STATUS, "unknown");
	ss_measure_add(&measure, SS_INSTRUMENT_TOOL_CALLS, 1);
}

const struct ss_subscriber ss_metrics_tools = { "metrics.tools", HOOKS, on_event };
