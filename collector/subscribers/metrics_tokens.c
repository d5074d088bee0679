/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens in and out, of generations and batches that have ended well and tell their usage.
 * Drain only.
 */
#include "collector/subscribers/measure.h"

#define BIT(hook) (1ull << SS_HOOK_##hook)
#define HOOKS     (BIT(GENERATION_POST_CALL) | BIT(GENERATION_BATCH_POST_CALL))

static const struct {
	uint8_t field;
	uint8_t instruments[2]; /* of 0.8, of 0.7 */
	const char *type;
} rows[] = {
	{ SS_FIELD_INPUT_TOKENS,
	  { SS_INSTRUMENT_TOKEN_USAGE, SS_INSTRUMENT_INPUT_TOKENS_0_7 },
	  "input" },
	{ SS_FIELD_OUTPUT_TOKENS,
	  { SS_INSTRUMENT_TOKEN_USAGE, SS_INSTRUMENT_OUTPUT_TOKENS_0_7 },
	  "output" },
};

static void on_event(void *self, const struct ss_hook_event *event)
{
	struct ss_measure measure, each;
	uint32_t i;

	if (!ss_measure_begin(&measure, self, event))
		return;
	ss_measure_provider(&measure);
	ss_measure_model(&measure);
	ss_measure_operation(&measure);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		double count = ss_measure_number(&measure, rows[i].field);

		each = measure;
		if (!each.is_old)
			ss_measure_text(&each, "gen_ai.token.type", rows[i].type);
		if (count > 0)
			ss_measure_add(&each, rows[i].instruments[each.is_old], count);
	}
}

const struct ss_subscriber ss_metrics_tokens = { "metrics.tokens", HOOKS, on_event };
