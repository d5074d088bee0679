/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of attribute keys: no key of two fields by accident, and exactly those that the two
 * versions of Mellea set (telemetry/tracing.py, tracing_plugins.py and the helpers beside them).
 */
#include "collector/vocabulary.h"

#include <criterion/criterion.h>
#include <string.h>

#include "collector/subscribers/tracing.h"

#define FIELD_NAME(name, type) [SS_FIELD_##name] = #name,
static const char *const names[SS_FIELD_END] = { SS_FIELDS(FIELD_NAME) };

#define OLD ((uint32_t)SS_DIALECT_MELLEA_0_7)
#define NEW ((uint32_t)SS_DIALECT_MELLEA_0_8)

static const char *key(uint32_t dialect, uint32_t field, uint8_t hook, uint8_t kind)
{
	struct ss_vocabulary_place place = { dialect, hook, kind };
	const struct ss_spelling *spelling = ss_vocabulary_spell(place, field);

	if (spelling == NULL)
		return NULL;
	cr_assert_eq(spelling->bytes, strlen(spelling->key));
	return spelling->key;
}

/* Fields that mean the same to a version. */
static const struct {
	uint32_t dialect, a, b;
} shared[] = {
	{ OLD, SS_FIELD_COMPONENT_TYPE, SS_FIELD_GENERATION_COMPONENT_TYPE },
	{ OLD, SS_FIELD_HAS_REQUIREMENTS, SS_FIELD_STREAM_HAS_REQUIREMENTS },
	{ NEW, SS_FIELD_COMPONENT_TYPE, SS_FIELD_GENERATION_COMPONENT_TYPE },
	{ NEW, SS_FIELD_TOOL_CALLS, SS_FIELD_GENERATION_TOOL_CALLS },
	{ NEW, SS_FIELD_STREAM_CHECK_PASSED, SS_FIELD_VALIDATION_PASSED },
	{ NEW, SS_FIELD_STREAM_CHECK_COUNT, SS_FIELD_VALIDATION_REQUIREMENT_COUNT },
	/* In `session`, either tells the backend. */
	{ OLD, SS_FIELD_BACKEND_NAME, SS_FIELD_PROVIDER },
	{ NEW, SS_FIELD_BACKEND_NAME, SS_FIELD_PROVIDER },
};

static bool is_shared(uint32_t dialect, uint32_t a, uint32_t b)
{
	size_t i;

	for (i = 0; i < sizeof(shared) / sizeof(*shared); i++) {
		if (shared[i].dialect == dialect && shared[i].a == a && shared[i].b == b)
			return true;
	}
	return false;
}

static void check_pair(uint32_t dialect, uint32_t a, uint32_t b, uint8_t hook, uint8_t kind)
{
	const char *x = key(dialect, a, hook, kind), *y = key(dialect, b, hook, kind);

	if (x == NULL || y == NULL || strcmp(x, y) != 0)
		return;
	cr_expect(is_shared(dialect, a, b), "%s and %s are both %s", names[a], names[b], x);
	cr_expect_eq(x, y, "%s is in two places: readers compare pointers", x);
}

Test(vocabulary, keys_are_unique)
{
	uint32_t dialect, a, b, hook;

	for (dialect = OLD; dialect <= NEW; dialect++) {
		for (a = SS_KEY_FIELDS; a < SS_FIELD_END; a++) {
			for (b = a + 1; b < SS_FIELD_END; b++) {
				for (hook = 0; hook < SS_HOOK_COUNT; hook++) {
					check_pair(dialect, a, b, (uint8_t)hook, SS_EVENT_OPEN);
					check_pair(dialect, a, b, (uint8_t)hook, SS_EVENT_POINT);
				}
			}
		}
	}
}

/* They are put into JSON as they are. */
Test(vocabulary, keys_need_no_escapes)
{
	uint32_t dialect, field;

	for (dialect = OLD; dialect <= NEW; dialect++) {
		for (field = 0; field < SS_FIELD_END; field++) {
			const char *text = key(dialect, field, SS_HOOK_NONE, SS_EVENT_OPEN);

			if (text != NULL)
				cr_expect_eq(strspn(text, "abcdefghijklmnopqrstuvwxyz_."),
					     strlen(text));
		}
	}
}

static const char *const keys_old[] = {
	"gen_ai.operation.name",
	"error.type",
	"mellea.session_id",
	"gen_ai.conversation.id",
	"mellea.backend",
	"mellea.context_type",
	"gen_ai.request.model",
	"gen_ai.provider.name",
	"mellea.action_type",
	"mellea.has_requirements",
	"mellea.has_strategy",
	"mellea.strategy_type",
	"mellea.has_format",
	"mellea.tool_calls",
	"mellea.num_generate_logs",
	"mellea.sampling_success",
	"mellea.response",
	"mellea.response_length",
	"mellea.num_actions",
	"gen_ai.output.type",
	"mellea.format_type",
	"mellea.streaming",
	"mellea.tool_calls_enabled",
	"gen_ai.response.model",
	"gen_ai.response.id",
	"gen_ai.response.finish_reasons",
	"gen_ai.usage.input_tokens",
	"gen_ai.usage.output_tokens",
	"gen_ai.usage.total_tokens",
	"gen_ai.usage.cache_read.input_tokens",
	"gen_ai.usage.cache_creation.input_tokens",
	"gen_ai.usage.reasoning.output_tokens",
	"mellea.context_size",
	"mellea.requirement_count",
	"mellea.chunking_strategy",
	"mellea.full_text_length",
	/* of span events */
	"success",
	"chunk_index",
	"text_length",
	"passed",
	"requirement_count",
	"exception_type",
	"detail",
};

static const char *const keys_new[] = {
	"gen_ai.operation.name",
	"error.type",
	"mellea.session.id",
	"gen_ai.conversation.id",
	"mellea.session.backend_name",
	"mellea.session.context_type",
	"gen_ai.request.model",
	"gen_ai.provider.name",
	"mellea.component.type",
	"mellea.action.has_requirements",
	"mellea.action.has_strategy",
	"mellea.sampling.strategy_type",
	"mellea.action.has_format",
	"mellea.action.tool_calls",
	"mellea.action.num_generate_logs",
	"mellea.sampling.success",
	"mellea.action.response",
	"mellea.action.response_length",
	"mellea.request.num_actions",
	"gen_ai.output.type",
	"mellea.request.format_type",
	"gen_ai.request.stream",
	"gen_ai.response.model",
	"gen_ai.response.id",
	"gen_ai.response.finish_reasons",
	"gen_ai.response.time_to_first_chunk",
	"gen_ai.usage.input_tokens",
	"gen_ai.usage.output_tokens",
	"mellea.usage.total_tokens",
	"gen_ai.usage.cache_read.input_tokens",
	"gen_ai.usage.cache_creation.input_tokens",
	"gen_ai.usage.reasoning.output_tokens",
	"mellea.request.context_size",
	"mellea.generation.chunk_index",
	"mellea.generation.chunk_text_length",
	"mellea.generation.time_since_last_chunk_ms",
	"mellea.streaming.has_requirements",
	"mellea.streaming.requirement_count",
	"mellea.streaming.chunking_strategy",
	"mellea.streaming.full_text_length",
	"mellea.streaming.success",
	"mellea.streaming.chunk_index",
	"mellea.streaming.chunk_text_length",
	"mellea.validation.passed",
	"mellea.validation.requirement_count",
	"mellea.error.type",
	"mellea.error.detail",
	"mellea.sampling.loop_budget",
	"mellea.sampling.requirement_count",
	"mellea.sampling.iterations_used",
	"mellea.sampling.failure_reason",
	"mellea.sampling.iteration",
	"mellea.sampling.all_validations_passed",
	"mellea.validation.valid_count",
	"mellea.sampling.repair_iteration",
	"mellea.sampling.repair_type",
	"mellea.validation.passed_count",
	"mellea.validation.failed_count",
	"mellea.validation.failure_reasons",
	"gen_ai.tool.name",
	"gen_ai.tool.type",
	"gen_ai.tool.description",
	"gen_ai.tool.call.id",
	"mellea.tool.arguments_hash",
	"gen_ai.tool.call.arguments",
	"mellea.tool.is_control_flow",
	"mellea.tool.status",
	"mellea.tool.execution_time_ms",
	"gen_ai.tool.call.result",
};

static void expect_keys(uint32_t dialect, const char *const *keys, size_t count)
{
	bool seen[128] = { false };
	uint32_t field;
	size_t i;

	for (field = SS_KEY_FIELDS; field < SS_FIELD_END; field++) {
		const char *text = key(dialect, field, SS_HOOK_NONE, SS_EVENT_OPEN);

		for (i = 0; text != NULL && i < count && strcmp(keys[i], text) != 0; i++)
			;
		cr_expect(text == NULL || i < count, "%s is not expected", text);
		if (text != NULL && i < count)
			seen[i] = true;
	}
	for (i = 0; i < count; i++)
		cr_expect(seen[i], "%s is no field's", keys[i]);
}

Test(vocabulary, keys_are_those_of_the_versions)
{
	expect_keys(OLD, keys_old, sizeof(keys_old) / sizeof(*keys_old));
	expect_keys(NEW, keys_new, sizeof(keys_new) / sizeof(*keys_new));
}

Test(vocabulary, keys_that_depend_on_the_event)
{
	cr_expect_str_eq(key(OLD, SS_FIELD_MODEL, SS_HOOK_STARTUP_BEGIN, SS_EVENT_OPEN),
			 "mellea.model_id");
	cr_expect_str_eq(
		key(OLD, SS_FIELD_STREAM_FULL_LENGTH, SS_HOOK_STREAMING_END, SS_EVENT_POINT),
		"full_text_length");
	cr_expect_str_eq(
		key(OLD, SS_FIELD_STREAM_FULL_LENGTH, SS_HOOK_STREAMING_END, SS_EVENT_CLOSE),
		"mellea.full_text_length");
	cr_expect_str_eq(key(OLD, SS_FIELD_HAS_FORMAT, SS_HOOK_GENERATION_PRE_CALL, SS_EVENT_OPEN),
			 "mellea.has_format");
	cr_expect_null(key(NEW, SS_FIELD_HAS_FORMAT, SS_HOOK_GENERATION_PRE_CALL, SS_EVENT_OPEN));
	cr_expect_null(
		key(NEW, SS_FIELD_HAS_FORMAT, SS_HOOK_GENERATION_BATCH_PRE_CALL, SS_EVENT_OPEN));
	/* For metrics: what Mellea's spans do not have there. */
	cr_expect_null(key(OLD, SS_FIELD_STREAM_SUCCESS, SS_HOOK_STREAMING_END, SS_EVENT_CLOSE));
	cr_expect_null(key(NEW, SS_FIELD_STREAM_SUCCESS, SS_HOOK_STREAMING_END, SS_EVENT_CLOSE));
	cr_expect_null(
		key(NEW, SS_FIELD_STRATEGY_TYPE, SS_HOOK_SAMPLING_ITERATION, SS_EVENT_POINT));
	cr_expect_null(key(NEW, SS_FIELD_MODEL, SS_HOOK_GENERATION_EVENT, SS_EVENT_POINT));
	cr_expect_null(key(NEW, SS_FIELD_PROVIDER, SS_HOOK_GENERATION_EVENT, SS_EVENT_POINT));
}

Test(vocabulary, forged_numbers)
{
	cr_expect_null(key(NEW + 1, SS_FIELD_MODEL, SS_HOOK_NONE, SS_EVENT_OPEN));
	cr_expect_null(key(OLD - 1, SS_FIELD_MODEL, SS_HOOK_NONE, SS_EVENT_OPEN));
	cr_expect_null(key(0, SS_FIELD_MODEL, SS_HOOK_NONE, SS_EVENT_OPEN));
	cr_expect_null(key(NEW, SS_KEY_FIELDS - 1, SS_HOOK_NONE, SS_EVENT_OPEN));
	cr_expect_null(key(NEW, SS_FIELD_END, SS_HOOK_NONE, SS_EVENT_OPEN));
	cr_expect_null(key(NEW, UINT32_MAX, 255, 255));
	cr_expect_null(ss_tracing_span_of(255));
	cr_expect_null(ss_vocabulary_service(0));
	cr_expect_null(ss_vocabulary_service(NEW + 1));
}

Test(vocabulary, providers)
{
	cr_expect_str_eq(ss_vocabulary_provider(NEW, "watsonx", 7), "ibm.watsonx.ai");
	cr_expect_null(ss_vocabulary_provider(NEW, "watsonx", 6));
	cr_expect_null(ss_vocabulary_provider(NEW, "openai", 6));
	cr_expect_null(ss_vocabulary_provider(OLD, "watsonx", 7));
	cr_expect(ss_vocabulary_is_remote(NEW, "litellm", 7));
	cr_expect_not(ss_vocabulary_is_remote(NEW, "litellm", 0));
	cr_expect_not(ss_vocabulary_is_remote(OLD, "openai", 6));
}

/* Every hook has a subscriber that knows it, and opens a span only where one is opened. */
Test(vocabulary, families)
{
	struct ss_dispatch dispatch = { 0 };
	uint32_t hook, spans = 0;

	cr_assert_eq(ss_tracing_subscribe(&dispatch, NULL), 0);
	for (hook = 0; hook < SS_HOOK_COUNT; hook++) {
		cr_expect_eq(dispatch.counts[hook], 1, "hook %u", hook);
		spans += ss_tracing_span_of((uint8_t)hook) != NULL;
	}
	cr_expect_eq(spans, 9);
}
