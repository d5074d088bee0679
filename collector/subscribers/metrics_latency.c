/* SPDX-License-Identifier: Apache-2.0
 *
 * How long generations and batches took, those that failed as well from 0.8 on; of streams also the
 * time to the first chunk, and to each further one where the program has Mellea tell chunks.
 * Drain only.
 */
#include "collector/subscribers/measure.h"

#define BIT(hook) (1ull << SS_HOOK_##hook)
#define FAILURES  (BIT(GENERATION_ERROR) | BIT(GENERATION_BATCH_ERROR))
#define HOOKS                                                                     \
	(BIT(GENERATION_POST_CALL) | BIT(GENERATION_BATCH_POST_CALL) | FAILURES | \
	 BIT(GENERATION_EVENT))

static void add_generation_labels(struct ss_measure *measure)
{
	ss_measure_model(measure);
	ss_measure_provider(measure);
	ss_measure_operation(measure);
}

static void measure_chunk(struct ss_measure *measure, double milliseconds)
{
	add_generation_labels(measure);
	ss_measure_add(measure, SS_INSTRUMENT_TIME_PER_OUTPUT_CHUNK, milliseconds / 1000);
}

static void measure_duration(struct ss_measure *measure, double milliseconds)
{
	bool has_failed = FAILURES >> measure->event->hook & 1;

	if (has_failed && measure->is_old)
		return;
	add_generation_labels(measure);
	ss_measure_bool(measure, measure->is_old ? "streaming" : "gen_ai.request.stream",
			ss_measure_flag(measure, SS_FIELD_STREAMING));
	if (has_failed)
		ss_measure_label(measure, "error.type", SS_FIELD_ERROR_TYPE, "unknown");
	ss_measure_add(measure,
		       measure->is_old ? SS_INSTRUMENT_REQUEST_DURATION_0_7
				       : SS_INSTRUMENT_REQUEST_DURATION,
		       milliseconds / 1000);
}

static void measure_first_chunk(struct ss_measure *measure, double seconds)
{
	add_generation_labels(measure);
	ss_measure_add(measure,
		       measure->is_old ? SS_INSTRUMENT_TTFB_0_7 : SS_INSTRUMENT_TIME_TO_FIRST_CHUNK,
		       seconds);
}

static void on_event(void *self, const struct ss_hook_event *event)
{
	struct ss_measure measure, each;

	if (!ss_measure_begin(&measure, self, event))
		return;
	each = measure;
	if (event->hook == SS_HOOK_GENERATION_EVENT) {
		measure_chunk(&each, ss_measure_number(&each, SS_FIELD_SINCE_LAST_CHUNK_MS));
		return;
	}
	measure_duration(&each, ss_measure_number(&each, SS_FIELD_LATENCY_MS));
	each = measure;
	if (event->hook == SS_HOOK_GENERATION_POST_CALL &&
	    ss_measure_flag(&each, SS_FIELD_STREAMING))
		measure_first_chunk(&each, ss_measure_number(&each, SS_FIELD_TIME_TO_FIRST_CHUNK));
}

const struct ss_subscriber ss_metrics_latency = { "metrics.latency", HOOKS, on_event };
