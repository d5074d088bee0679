/* SPDX-License-Identifier: Apache-2.0
 *
 * Adapter functions (of a model's adapters, not ours): invocations by outcome, answers that could
 * not be parsed, and how long each phase took. 0.7 has none.
 * Drain only.
 */
#include "collector/subscribers/measure.h"

#define BIT(hook) (1ull << SS_HOOK_##hook)
#define HOOKS     (BIT(ADAPTER_FUNCTION_INVOCATION_COMPLETE) | BIT(ADAPTER_FUNCTION_PHASE_COMPLETE))

static void measure_phase(struct ss_measure *measure)
{
	ss_measure_label(measure, "phase", SS_FIELD_ADAPTER_PHASE, "");
	ss_measure_add(measure, SS_INSTRUMENT_ADAPTER_PHASE_DURATION,
		       ss_measure_number(measure, SS_FIELD_DURATION_MS) / 1000);
}

static void measure_invocation(struct ss_measure *measure)
{
	ss_measure_label(measure, "revision", SS_FIELD_ADAPTER_REVISION, "unpinned");
	if (ss_measure_is(measure, SS_FIELD_ADAPTER_OUTCOME, "schema_error"))
		ss_measure_add(measure, SS_INSTRUMENT_ADAPTER_PARSE_FAILURES, 1);
	ss_measure_label(measure, "binding_type", SS_FIELD_ADAPTER_BINDING_TYPE, "unknown");
	ss_measure_label(measure, "adapter_type", SS_FIELD_ADAPTER_TYPE, "unknown");
	ss_measure_label(measure, "outcome", SS_FIELD_ADAPTER_OUTCOME, "");
	ss_measure_add(measure, SS_INSTRUMENT_ADAPTER_INVOCATIONS, 1);
}

static void on_event(void *self, const struct ss_hook_event *event)
{
	struct ss_measure measure;

	if (!ss_measure_begin(&measure, self, event))
		return;
	ss_measure_label(&measure, "name", SS_FIELD_ADAPTER_NAME, "");
	if (event->hook == SS_HOOK_ADAPTER_FUNCTION_PHASE_COMPLETE)
		measure_phase(&measure);
	else
		measure_invocation(&measure);
}

const struct ss_subscriber ss_metrics_adapter = { "metrics.adapter", HOOKS, on_event };
