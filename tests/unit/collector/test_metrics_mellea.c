/* SPDX-License-Identifier: Apache-2.0
 *
 * Events of Mellea's hooks in, series out: every family, in the words of both versions.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "adapted.h"
#include "collector/instruments.h"

#define OBSERVED SS_EVENT_OBSERVED

static struct ss_image_view view;

static void setup(void)
{
	const char *reason = "";
	char path[160];

	ring = 0;
	fixture_make(&fixture, 1, 65536);
	snprintf(path, sizeof(path), "%s/metrics", fixture.directory);
	fixture_metrics(&fixture, path);
	cr_assert_eq(ss_image_attach(fixture.image, &view, &reason), 0, "%s", reason);
	cr_assert_eq(ss_drain_init(&drain, &view), 0);
}

static void teardown(void)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/metrics", fixture.directory);
	finish();
	remove(path);
	end();
}

TestSuite(metrics_mellea, .init = setup, .fini = teardown);

/* All series: a line "name key=text ...: sum" each, histograms with "count x sum". */
static const char *series(void)
{
	static char said[8192];
	struct ss_metric_series one;
	uint64_t cursor = 0;
	size_t used = 0;
	uint32_t i;

	said[0] = '\0';
	while (ss_drain_batch(&drain) > 0)
		;
	while (ss_metrics_next(drain.metrics, &cursor, &one)) {
		const struct ss_instrument *instrument = &ss_instruments[one.instrument];

		used += (size_t)sprintf(said + used, "%s", instrument->name);
		for (i = 0; i < one.label_count; i++) {
			const struct ss_label *label = &one.labels[i];
			int bytes = (int)label->bytes;

			used += (size_t)sprintf(said + used, " %s=", label->key);
			if (label->type == SS_LABEL_BOOL)
				used += (size_t)sprintf(said + used,
							label->flag ? "true" : "false");
			else
				used += (size_t)sprintf(said + used, "'%.*s'", bytes, label->text);
		}
		if (instrument->kind == SS_INSTRUMENT_HISTOGRAM)
			used += (size_t)sprintf(said + used, ": %d x", (int)one.value->count);
		else
			used += (size_t)sprintf(said + used, ":");
		used += (size_t)sprintf(said + used, " %g\n", one.value->sum);
		cr_assert_lt(used, sizeof(said) - 2048);
	}
	return said;
}

static void generation(struct payload *payload)
{
	text(payload, SS_FIELD_MODEL, "m-1");
	text(payload, SS_FIELD_PROVIDER, "watsonx");
}

/* --- generations: tokens, latency, cost, errors --- */

static void end_generation(uint32_t dialect, uint8_t hook, int is_streaming)
{
	struct payload payload = { 0 };

	generation(&payload);
	payload_int(&payload, SS_FIELD_INPUT_TOKENS, 12);
	payload_int(&payload, SS_FIELD_OUTPUT_TOKENS, 5);
	payload_double(&payload, SS_FIELD_LATENCY_MS, 250);
	payload_double(&payload, SS_FIELD_TIME_TO_FIRST_CHUNK, 0.125);
	payload_double(&payload, SS_FIELD_COST_USD, 0.5);
	if (is_streaming)
		payload_bool(&payload, SS_FIELD_STREAMING, 1);
	close_span(dialect, hook, 7, SS_STATUS_OK, &payload);
}

#define REQUEST_NEW "gen_ai.request.model='m-1' gen_ai.provider.name='ibm.watsonx.ai' "
#define REQUEST_OLD "gen_ai.request.model='m-1' gen_ai.provider.name='watsonx'"
#define USAGE_NEW   "gen_ai.provider.name='ibm.watsonx.ai' gen_ai.request.model='m-1' "
#define USAGE_OLD   "gen_ai.provider.name='watsonx' gen_ai.request.model='m-1'"

Test(metrics_mellea, generations_of_the_newer)
{
	end_generation(NEW, SS_HOOK_GENERATION_POST_CALL, 0);
	end_generation(NEW, SS_HOOK_GENERATION_POST_CALL, 1);
	end_generation(NEW, SS_HOOK_GENERATION_POST_CALL, 1);
	end_generation(NEW, SS_HOOK_GENERATION_BATCH_POST_CALL, 0);
	cr_expect_str_eq(
		series(),
		"gen_ai.client.token.usage " USAGE_NEW "gen_ai.operation.name='chat' "
		"gen_ai.token.type='input': 3 x 36\n"
		"gen_ai.client.token.usage " USAGE_NEW "gen_ai.operation.name='chat' "
		"gen_ai.token.type='output': 3 x 15\n"
		"gen_ai.client.token.usage " USAGE_NEW "gen_ai.operation.name='text_completion' "
		"gen_ai.token.type='input': 1 x 12\n"
		"gen_ai.client.token.usage " USAGE_NEW "gen_ai.operation.name='text_completion' "
		"gen_ai.token.type='output': 1 x 5\n"
		"mellea.llm.request.duration " REQUEST_NEW "gen_ai.operation.name='chat' "
		"gen_ai.request.stream=false: 1 x 0.25\n"
		"mellea.llm.request.duration " REQUEST_NEW "gen_ai.operation.name='chat' "
		"gen_ai.request.stream=true: 2 x 0.5\n"
		"mellea.llm.request.duration " REQUEST_NEW
		"gen_ai.operation.name='text_completion' "
		"gen_ai.request.stream=false: 1 x 0.25\n"
		"gen_ai.client.operation.time_to_first_chunk " REQUEST_NEW
		"gen_ai.operation.name='chat': 2 x 0.25\n"
		"mellea.llm.cost.usd " REQUEST_NEW "gen_ai.operation.name='chat': 1.5\n"
		"mellea.llm.cost.usd " REQUEST_NEW
		"gen_ai.operation.name='text_completion': 0.5\n");
}

Test(metrics_mellea, generations_of_the_older)
{
	end_generation(OLD, SS_HOOK_GENERATION_POST_CALL, 1);
	end_generation(OLD, SS_HOOK_GENERATION_BATCH_POST_CALL, 0);
	cr_expect_str_eq(series(),
			 "mellea.llm.cost.usd " REQUEST_OLD ": 1\n"
			 "mellea.llm.tokens.input " USAGE_OLD ": 24\n"
			 "mellea.llm.tokens.output " USAGE_OLD ": 10\n"
			 "mellea.llm.request.duration " REQUEST_OLD " streaming=true: 1 x 0.25\n"
			 "mellea.llm.request.duration " REQUEST_OLD " streaming=false: 1 x 0.25\n"
			 "mellea.llm.ttfb " REQUEST_OLD ": 1 x 0.125\n");
}

Test(metrics_mellea, what_a_generation_does_not_tell)
{
	struct payload nothing = { 0 }, nought = { 0 };

	point(NEW, SS_HOOK_GENERATION_POST_CALL, 0, OBSERVED, &nothing);
	cr_expect_str_eq(series(), "");
	payload_int(&nought, SS_FIELD_INPUT_TOKENS, 0);
	text(&nought, SS_FIELD_MODEL, "");
	payload_double(&nought, SS_FIELD_LATENCY_MS, -1);
	payload_double(&nought, SS_FIELD_COST_USD, 0);
	point(OLD, SS_HOOK_GENERATION_POST_CALL, 0, OBSERVED, &nought);
	cr_expect_str_eq(series(), "mellea.llm.cost.usd gen_ai.request.model='unknown' "
				   "gen_ai.provider.name='unknown': 0\n");
}

static void fail_generation(uint32_t dialect, uint8_t hook)
{
	struct payload early = { 0 }, late = { 0 };

	text(&early, SS_FIELD_ERROR_TYPE, "KeyError");
	text(&early, SS_FIELD_ERROR_CLASS, "unknown");
	close_span(dialect, hook, 7, SS_STATUS_EXCEPTION, &early);
	generation(&late);
	text(&late, SS_FIELD_ERROR_CLASS, "timeout");
	payload_double(&late, SS_FIELD_LATENCY_MS, 500);
	text(&late, SS_FIELD_ERROR_TYPE, "TimeoutError");
	close_span(dialect, hook, 8, SS_STATUS_EXCEPTION, &late);
}

Test(metrics_mellea, failures_of_the_newer)
{
	fail_generation(NEW, SS_HOOK_GENERATION_ERROR);
	fail_generation(NEW, SS_HOOK_GENERATION_BATCH_ERROR);
	cr_expect_str_eq(
		series(),
		"mellea.llm.request.duration " REQUEST_NEW "gen_ai.operation.name='chat' "
		"gen_ai.request.stream=false error.type='TimeoutError': 1 x 0.5\n"
		"mellea.llm.request.duration " REQUEST_NEW
		"gen_ai.operation.name='text_completion' "
		"gen_ai.request.stream=false error.type='TimeoutError': 1 x 0.5\n"
		"mellea.llm.errors mellea.error.category='unknown' gen_ai.request.model='unknown' "
		"gen_ai.provider.name='unknown' error.type='KeyError' "
		"gen_ai.operation.name='chat': 1\n"
		"mellea.llm.errors mellea.error.category='timeout' " REQUEST_NEW
		"error.type='TimeoutError' gen_ai.operation.name='chat': 1\n"
		"mellea.llm.errors mellea.error.category='unknown' gen_ai.request.model='unknown' "
		"gen_ai.provider.name='unknown' error.type='KeyError' "
		"gen_ai.operation.name='text_completion': 1\n"
		"mellea.llm.errors mellea.error.category='timeout' " REQUEST_NEW
		"error.type='TimeoutError' gen_ai.operation.name='text_completion': 1\n");
}

Test(metrics_mellea, failures_of_the_older)
{
	fail_generation(OLD, SS_HOOK_GENERATION_ERROR);
	fail_generation(OLD, SS_HOOK_GENERATION_BATCH_ERROR);
	cr_expect_str_eq(series(),
			 "mellea.llm.errors error_type='unknown' gen_ai.request.model='unknown' "
			 "gen_ai.provider.name='unknown' error.type='KeyError': 2\n"
			 "mellea.llm.errors error_type='timeout' " REQUEST_OLD
			 " error.type='TimeoutError': 2\n");
}

Test(metrics_mellea, chunks)
{
	struct payload first = { 0 }, second = { 0 };

	generation(&first);
	text(&first, SS_FIELD_EVENT_NAME, "chunk_processed");
	second = first;
	payload_double(&second, SS_FIELD_SINCE_LAST_CHUNK_MS, 40);
	open_span(NEW, SS_HOOK_GENERATION_PRE_CALL, 7, NULL);
	point(NEW, SS_HOOK_GENERATION_EVENT, 7, 0, &first);
	point(NEW, SS_HOOK_GENERATION_EVENT, 7, 0, &second);
	point(NEW, SS_HOOK_GENERATION_EVENT, 0, OBSERVED, &second);
	cr_expect_str_eq(series(), "gen_ai.client.operation.time_per_output_chunk " REQUEST_NEW
				   "gen_ai.operation.name='chat': 2 x 0.08\n");
}

/* --- streams, samplings --- */

static void end_streams(uint32_t dialect)
{
	struct payload passed = { 0 }, failed = { 0 }, raised = { 0 };

	generation(&passed);
	failed = raised = passed;
	payload_bool(&passed, SS_FIELD_STREAM_SUCCESS, 1);
	close_span(dialect, SS_HOOK_STREAMING_END, 1, SS_STATUS_OK, &passed);
	payload_bool(&failed, SS_FIELD_STREAM_SUCCESS, 0);
	close_span(dialect, SS_HOOK_STREAMING_END, 2, SS_STATUS_ERROR, &failed);
	close_span(dialect, SS_HOOK_STREAMING_END, 3, SS_STATUS_ERROR, &failed);
	payload_bool(&raised, SS_FIELD_STREAM_SUCCESS, 0);
	text(&raised, SS_FIELD_ERROR_TYPE, "ValueError");
	text(&raised, SS_FIELD_ERROR_CLASS, "unknown");
	close_span(dialect, SS_HOOK_STREAMING_END, 4, SS_STATUS_EXCEPTION, &raised);
}

Test(metrics_mellea, streams_of_the_newer)
{
	end_streams(NEW);
	cr_expect_str_eq(series(), "mellea.llm.errors mellea.error.category='unknown' " REQUEST_NEW
				   "error.type='ValueError' gen_ai.operation.name='chat': 1\n"
				   "mellea.sampling.successes strategy='stream': 1\n"
				   "mellea.sampling.failures strategy='stream': 3\n");
}

Test(metrics_mellea, streams_of_the_older)
{
	end_streams(OLD);
	cr_expect_str_eq(series(), "mellea.llm.errors error_type='unknown' " REQUEST_OLD
				   " error.type='ValueError': 1\n"
				   "mellea.sampling.successes strategy='stream_with_chunking': 1\n"
				   "mellea.sampling.failures strategy='stream_with_chunking': 3\n");
}

Test(metrics_mellea, samplings)
{
	struct payload named = { 0 }, passed = { 0 }, failed = { 0 }, raised = { 0 };

	text(&named, SS_FIELD_STRATEGY_TYPE, "Rejection");
	passed = failed = raised = named;
	point(NEW, SS_HOOK_SAMPLING_ITERATION, 1, 0, &named);
	point(OLD, SS_HOOK_SAMPLING_ITERATION, 0, OBSERVED, &named);
	point(OLD, SS_HOOK_SAMPLING_ITERATION, 0, OBSERVED, NULL);
	payload_bool(&passed, SS_FIELD_SAMPLING_SUCCESS, 1);
	close_span(NEW, SS_HOOK_SAMPLING_LOOP_END, 1, SS_STATUS_OK, &passed);
	payload_bool(&failed, SS_FIELD_SAMPLING_SUCCESS, 0);
	point(OLD, SS_HOOK_SAMPLING_LOOP_END, 0, OBSERVED, &failed);
	text(&raised, SS_FIELD_ERROR_TYPE, "ValueError");
	close_span(NEW, SS_HOOK_SAMPLING_LOOP_END, 2, SS_STATUS_EXCEPTION, &raised);
	cr_expect_str_eq(series(), "mellea.sampling.attempts strategy='Rejection': 2\n"
				   "mellea.sampling.attempts strategy='unknown': 1\n"
				   "mellea.sampling.successes strategy='Rejection': 1\n"
				   "mellea.sampling.failures strategy='Rejection': 1\n");
}

/* --- requirements --- */

static const char *const classes[] = { "Short", "Polite", "Short", "Short", "Polite" };
static const char *const results[] = { "fail", "pass", "unknown", "withheld", "fail" };
static const char *const reasons[] = { "too long", "", "", "", "" };

Test(metrics_mellea, requirements)
{
	struct payload open = { 0 }, closed = { 0 }, unlike = { 0 };

	payload_strings(&open, SS_FIELD_CHECKED_REQUIREMENTS, classes, 5);
	closed = open;
	payload_strings(&open, SS_FIELD_CHECKED_RESULTS, results, 5);
	payload_strings(&open, SS_FIELD_CHECKED_REASONS, reasons, 5);
	close_span(NEW, SS_HOOK_VALIDATION_POST_CHECK, 1, SS_STATUS_OK, &open);
	point(OLD, SS_HOOK_STREAMING_EVENT, 1, 0, &open);
	cr_expect_str_eq(series(),
			 "mellea.requirement.checks requirement='Short': 6\n"
			 "mellea.requirement.checks requirement='Polite': 4\n"
			 "mellea.requirement.failures requirement='Short' "
			 "reason='too long': 2\n"
			 "mellea.requirement.failures requirement='Short': 2\n"
			 "mellea.requirement.failures requirement='Polite' reason='': 2\n");
	/* Arrays that do not match, or are no arrays: as far as they go. */
	payload_strings(&closed, SS_FIELD_CHECKED_RESULTS, results, 1);
	close_span(NEW, SS_HOOK_VALIDATION_POST_CHECK, 2, SS_STATUS_OK, &closed);
	text(&unlike, SS_FIELD_CHECKED_REQUIREMENTS, "Short");
	payload_bytes(&unlike, SS_FIELD_CHECKED_RESULTS, SS_ATTR_STRINGS, "\xff\xff\xff\xff", 4, 0);
	close_span(NEW, SS_HOOK_VALIDATION_POST_CHECK, 3, SS_STATUS_OK, &unlike);
	cr_expect_str_eq(series(),
			 "mellea.requirement.checks requirement='Short': 7\n"
			 "mellea.requirement.checks requirement='Polite': 4\n"
			 "mellea.requirement.failures requirement='Short' "
			 "reason='too long': 2\n"
			 "mellea.requirement.failures requirement='Short': 2\n"
			 "mellea.requirement.failures requirement='Polite' reason='': 2\n"
			 "mellea.requirement.failures requirement='Short' reason='': 1\n");
}

/* --- tools, adapter functions --- */

Test(metrics_mellea, tools)
{
	struct payload payload = { 0 };

	text(&payload, SS_FIELD_TOOL_NAME, "look");
	text(&payload, SS_FIELD_TOOL_STATUS, "failure");
	close_span(NEW, SS_HOOK_TOOL_POST_INVOKE, 1, SS_STATUS_EXCEPTION, &payload);
	point(OLD, SS_HOOK_TOOL_POST_INVOKE, 0, OBSERVED, &payload);
	open_span(NEW, SS_HOOK_TOOL_PRE_INVOKE, 2, &payload);
	cr_expect_str_eq(series(), "mellea.tool.calls gen_ai.tool.name='look' status='failure': 1\n"
				   "mellea.tool.calls tool='look' status='failure': 1\n");
}

static void invoke(const char *revision, const char *outcome)
{
	struct payload payload = { 0 };

	text(&payload, SS_FIELD_ADAPTER_NAME, "answerability");
	text(&payload, SS_FIELD_ADAPTER_REVISION, revision);
	text(&payload, SS_FIELD_ADAPTER_BINDING_TYPE, "embedded");
	text(&payload, SS_FIELD_ADAPTER_TYPE, "lora");
	text(&payload, SS_FIELD_ADAPTER_OUTCOME, outcome);
	point(NEW, SS_HOOK_ADAPTER_FUNCTION_INVOCATION_COMPLETE, 0, OBSERVED, &payload);
}

Test(metrics_mellea, adapter_functions)
{
	struct payload phase = { 0 };

	invoke("abc", "success");
	invoke("", "schema_error");
	text(&phase, SS_FIELD_ADAPTER_NAME, "answerability");
	text(&phase, SS_FIELD_ADAPTER_PHASE, "prepare");
	payload_double(&phase, SS_FIELD_DURATION_MS, 2000);
	point(NEW, SS_HOOK_ADAPTER_FUNCTION_PHASE_COMPLETE, 0, OBSERVED, &phase);
	cr_expect_str_eq(
		series(),
		"mellea.adapter_function.invocations name='answerability' revision='abc' "
		"binding_type='embedded' adapter_type='lora' outcome='success': 1\n"
		"mellea.adapter_function.invocations name='answerability' revision='unpinned' "
		"binding_type='embedded' adapter_type='lora' outcome='schema_error': 1\n"
		"mellea.adapter_function.phase_duration name='answerability' phase='prepare': 1 x 2\n"
		"mellea.adapter_function.parse_failures name='answerability' "
		"revision='unpinned': 1\n");
}

/* --- what is none of theirs --- */

Test(metrics_mellea, what_no_hook_told)
{
	struct ss_event inferred = { .kind = SS_EVENT_CLOSE,
				     .hook = SS_HOOK_GENERATION_ERROR,
				     .flags = SS_EVENT_INFERRED | SS_EVENT_NO_RESULT,
				     .status = SS_STATUS_EXCEPTION,
				     .span_id = 7,
				     .entry = NEW };
	struct payload payload = { 0 };

	generation(&payload);
	text(&payload, SS_FIELD_ERROR_TYPE, "CancelledError");
	payload_double(&payload, SS_FIELD_LATENCY_MS, 250);
	open_span(NEW, SS_HOOK_GENERATION_ERROR, 7, &payload);
	annotate(NEW, SS_HOOK_GENERATION_ERROR, 7, &payload);
	inferred.time = fixture.now++;
	cr_assert_neq(fixture_put(&fixture, 0, &inferred, &payload), UINT64_MAX);
	/* Natively declared entries have hooks, too. */
	close_span(FIX_CALL, SS_HOOK_STREAMING_END, 8, SS_STATUS_ERROR, &payload);
	cr_expect_str_eq(series(), "");
}

Test(metrics_mellea, the_programs_own)
{
	end_generation(NEW, SS_HOOK_GENERATION_BATCH_POST_CALL, 0);
	cr_expect_neq(*series(), '\0');
	fixture.image->own_metrics = 1;
	fail_generation(NEW, SS_HOOK_GENERATION_ERROR);
	cr_expect_null(strstr(series(), "mellea.llm.errors"));
}

/* Of a view (mellea/telemetry/metrics.py) or of none. */
Test(metrics_mellea, every_instrument)
{
	uint32_t id;

	for (id = SS_INSTRUMENT_TOKEN_USAGE; id < SS_INSTRUMENTS; id++) {
		const struct ss_instrument *instrument = &ss_instruments[id];
		uint32_t i;

		cr_assert_not_null(instrument->name, "%u", id);
		cr_expect_eq(instrument->kind == SS_INSTRUMENT_HISTOGRAM,
			     instrument->bounds != NULL, "%s", instrument->name);
		for (i = 1; i < instrument->bound_count; i++)
			cr_expect_lt(instrument->bounds[i - 1], instrument->bounds[i], "%s",
				     instrument->name);
	}
}
