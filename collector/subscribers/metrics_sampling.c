/* SPDX-License-Identifier: Apache-2.0
 *
 * Sampling: attempts, and how loops came out; a stream is a loop of one attempt that nobody counts.
 * A loop that raised has no outcome.
 * Drain only.
 */
#include "collector/subscribers/measure.h"

#define BIT(hook) (1ull << SS_HOOK_##hook)
#define HOOKS     (BIT(SAMPLING_ITERATION) | BIT(SAMPLING_LOOP_END) | BIT(STREAMING_END))

static void measure_outcome(struct ss_measure *measure, uint32_t field)
{
	ss_measure_add(measure,
		       ss_measure_flag(measure, field) ? SS_INSTRUMENT_SAMPLING_SUCCESSES
						       : SS_INSTRUMENT_SAMPLING_FAILURES,
		       1);
}

static void on_event(void *self, const struct ss_hook_event *event)
{
	struct ss_measure measure;

	if (!ss_measure_begin(&measure, self, event))
		return;
	if (event->hook == SS_HOOK_STREAMING_END) {
		ss_measure_text(&measure, "strategy",
				measure.is_old ? "stream_with_chunking" : "stream");
		measure_outcome(&measure, SS_FIELD_STREAM_SUCCESS);
		return;
	}
	ss_measure_label(&measure, "strategy", SS_FIELD_STRATEGY_TYPE, "unknown");
	if (event->hook == SS_HOOK_SAMPLING_ITERATION)
		ss_measure_add(&measure, SS_INSTRUMENT_SAMPLING_ATTEMPTS, 1);
	else if (ss_measure_field(&measure, SS_FIELD_ERROR_TYPE) == NULL)
		measure_outcome(&measure, SS_FIELD_SAMPLING_SUCCESS);
}

const struct ss_subscriber ss_metrics_sampling = { "metrics.sampling", HOOKS, on_event };
