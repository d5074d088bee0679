/* SPDX-License-Identifier: Apache-2.0
 *
 * What generations and batches cost, where the program's own price source has said so.
 * Drain only.
 */
#include "collector/subscribers/measure.h"

#define BIT(hook) (1ull << SS_HOOK_##hook)
#define HOOKS     (BIT(GENERATION_POST_CALL) | BIT(GENERATION_BATCH_POST_CALL))

static void on_event(void *self, const struct ss_hook_event *event)
{
	struct ss_measure measure;

	if (!ss_measure_begin(&measure, self, event))
		return;
	ss_measure_model(&measure);
	ss_measure_provider(&measure);
	ss_measure_operation(&measure);
	ss_measure_add(&measure, SS_INSTRUMENT_LLM_COST,
		       ss_measure_number(&measure, SS_FIELD_COST_USD));
}

const struct ss_subscriber ss_metrics_cost = { "metrics.cost", HOOKS, on_event };
