/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors by semantic class: of generations, batches and streams that ended with an exception. What
 * fails both a generation and its stream counts for each.
 * Drain only.
 */
#include "collector/subscribers/measure.h"

#define BIT(hook) (1ull << SS_HOOK_##hook)
#define HOOKS     (BIT(GENERATION_ERROR) | BIT(GENERATION_BATCH_ERROR) | BIT(STREAMING_END))

static void on_event(void *self, const struct ss_hook_event *event)
{
	struct ss_measure measure;

	if (!ss_measure_begin(&measure, self, event) ||
	    ss_measure_field(&measure, SS_FIELD_ERROR_TYPE) == NULL)
		return;
	ss_measure_label(&measure, measure.is_old ? "error_type" : "mellea.error.category",
			 SS_FIELD_ERROR_CLASS, "unknown");
	ss_measure_model(&measure);
	ss_measure_provider(&measure);
	ss_measure_label(&measure, "error.type", SS_FIELD_ERROR_TYPE, "");
	ss_measure_operation(&measure);
	ss_measure_add(&measure, SS_INSTRUMENT_LLM_ERRORS, 1);
}

const struct ss_subscriber ss_metrics_errors = { "metrics.errors", HOOKS, on_event };
