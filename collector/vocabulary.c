/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/vocabulary.h"

#include <string.h>

/* Keys that several fields share in a dialect: one pointer each, so that readers compare pointers.
 */
static const char action_type[] = "mellea.action_type";
static const char action_tool_calls[] = "mellea.action.tool_calls";
static const char backend[] = "mellea.backend";
static const char component_type[] = "mellea.component.type";
static const char has_requirements[] = "mellea.has_requirements";
static const char provider_name[] = "gen_ai.provider.name";
static const char validation_passed[] = "mellea.validation.passed";
static const char validation_requirements[] = "mellea.validation.requirement_count";

#define KEY(text)                           \
	{                                   \
		(text), sizeof(text) - 1, 0 \
	}
#define NONE               \
	{                  \
		NULL, 0, 0 \
	}
#define PROVIDER(text)                                          \
	{                                                       \
		(text), sizeof(text) - 1, SS_DIALECT_MELLEA_0_8 \
	}

/* X(field, in Mellea 0.7, in Mellea 0.8). NONE: that version has no such attribute, or no such
 * span; where both are NONE, the field is for metrics, plugins or this side's own use. */
#define ROWS(X)                                                                                 \
	X(CORRELATION_ID, NONE, NONE)                                                           \
	X(EVENT_NAME, NONE, NONE)                                                               \
	X(SCOPE_VERSION, NONE, NONE)                                                            \
	X(OPERATION, KEY("gen_ai.operation.name"), KEY("gen_ai.operation.name"))                \
	X(ERROR_TYPE, KEY("error.type"), KEY("error.type"))                                     \
	X(EXCEPTION_NAME, NONE, NONE)                                                           \
	X(EXCEPTION_STACKTRACE, NONE, NONE)                                                     \
	X(ERROR_CLASS, NONE, NONE)                                                              \
	X(LATENCY_MS, NONE, NONE)                                                               \
	X(SESSION_ID, KEY("mellea.session_id"), KEY("mellea.session.id"))                       \
	X(CONVERSATION_ID, KEY("gen_ai.conversation.id"), KEY("gen_ai.conversation.id"))        \
	X(BACKEND_NAME, KEY(backend), KEY("mellea.session.backend_name"))                       \
	X(CONTEXT_TYPE, KEY("mellea.context_type"), KEY("mellea.session.context_type"))         \
	X(MODEL, KEY("gen_ai.request.model"), KEY("gen_ai.request.model"))                      \
	X(PROVIDER, KEY(provider_name), PROVIDER(provider_name))                                \
	X(INTERACTION_COUNT, NONE, NONE)                                                        \
	X(COMPONENT_TYPE, KEY(action_type), KEY(component_type))                                \
	X(HAS_REQUIREMENTS, KEY(has_requirements), KEY("mellea.action.has_requirements"))       \
	X(HAS_STRATEGY, KEY("mellea.has_strategy"), KEY("mellea.action.has_strategy"))          \
	X(STRATEGY_TYPE, KEY("mellea.strategy_type"), KEY("mellea.sampling.strategy_type"))     \
	X(HAS_FORMAT, KEY("mellea.has_format"), KEY("mellea.action.has_format"))                \
	X(TOOL_CALLS, KEY("mellea.tool_calls"), KEY(action_tool_calls))                         \
	X(NUM_GENERATE_LOGS, KEY("mellea.num_generate_logs"),                                   \
	  KEY("mellea.action.num_generate_logs"))                                               \
	X(SAMPLING_SUCCESS, KEY("mellea.sampling_success"), KEY("mellea.sampling.success"))     \
	X(RESPONSE, KEY("mellea.response"), KEY("mellea.action.response"))                      \
	X(RESPONSE_LENGTH, KEY("mellea.response_length"), KEY("mellea.action.response_length")) \
	X(NUM_ACTIONS, KEY("mellea.num_actions"), KEY("mellea.request.num_actions"))            \
	X(OUTPUT_TYPE, KEY("gen_ai.output.type"), KEY("gen_ai.output.type"))                    \
	X(FORMAT_TYPE, KEY("mellea.format_type"), KEY("mellea.request.format_type"))            \
	X(REQUEST_STREAM, NONE, KEY("gen_ai.request.stream"))                                   \
	X(STREAMING, KEY("mellea.streaming"), NONE)                                             \
	X(GENERATION_TOOL_CALLS, KEY("mellea.tool_calls_enabled"), KEY(action_tool_calls))      \
	X(RESPONSE_MODEL, KEY("gen_ai.response.model"), KEY("gen_ai.response.model"))           \
	X(RESPONSE_ID, KEY("gen_ai.response.id"), KEY("gen_ai.response.id"))                    \
	X(FINISH_REASONS, KEY("gen_ai.response.finish_reasons"),                                \
	  KEY("gen_ai.response.finish_reasons"))                                                \
	X(TIME_TO_FIRST_CHUNK, NONE, KEY("gen_ai.response.time_to_first_chunk"))                \
	X(INPUT_TOKENS, KEY("gen_ai.usage.input_tokens"), KEY("gen_ai.usage.input_tokens"))     \
	X(OUTPUT_TOKENS, KEY("gen_ai.usage.output_tokens"), KEY("gen_ai.usage.output_tokens"))  \
	X(TOTAL_TOKENS, KEY("gen_ai.usage.total_tokens"), KEY("mellea.usage.total_tokens"))     \
	X(CACHE_READ_TOKENS, KEY("gen_ai.usage.cache_read.input_tokens"),                       \
	  KEY("gen_ai.usage.cache_read.input_tokens"))                                          \
	X(CACHE_CREATION_TOKENS, KEY("gen_ai.usage.cache_creation.input_tokens"),               \
	  KEY("gen_ai.usage.cache_creation.input_tokens"))                                      \
	X(REASONING_TOKENS, KEY("gen_ai.usage.reasoning.output_tokens"),                        \
	  KEY("gen_ai.usage.reasoning.output_tokens"))                                          \
	X(CONTEXT_SIZE, KEY("mellea.context_size"), KEY("mellea.request.context_size"))         \
	X(GENERATION_COMPONENT_TYPE, KEY(action_type), KEY(component_type))                     \
	X(GENERATION_CHUNK_INDEX, NONE, KEY("mellea.generation.chunk_index"))                   \
	X(GENERATION_CHUNK_LENGTH, NONE, KEY("mellea.generation.chunk_text_length"))            \
	X(SINCE_LAST_CHUNK_MS, NONE, KEY("mellea.generation.time_since_last_chunk_ms"))         \
	X(STREAM_HAS_REQUIREMENTS, KEY(has_requirements),                                       \
	  KEY("mellea.streaming.has_requirements"))                                             \
	X(STREAM_REQUIREMENT_COUNT, KEY("mellea.requirement_count"),                            \
	  KEY("mellea.streaming.requirement_count"))                                            \
	X(CHUNKING_STRATEGY, KEY("mellea.chunking_strategy"),                                   \
	  KEY("mellea.streaming.chunking_strategy"))                                            \
	X(STREAM_FULL_LENGTH, KEY("mellea.full_text_length"),                                   \
	  KEY("mellea.streaming.full_text_length"))                                             \
	X(STREAM_SUCCESS, KEY("success"), KEY("mellea.streaming.success"))                      \
	X(STREAM_CHUNK_INDEX, KEY("chunk_index"), KEY("mellea.streaming.chunk_index"))          \
	X(STREAM_CHUNK_LENGTH, KEY("text_length"), KEY("mellea.streaming.chunk_text_length"))   \
	X(STREAM_CHECK_PASSED, KEY("passed"), KEY(validation_passed))                           \
	X(STREAM_CHECK_COUNT, KEY("requirement_count"), KEY(validation_requirements))           \
	X(STREAM_ERROR_TYPE, KEY("exception_type"), KEY("mellea.error.type"))                   \
	X(STREAM_ERROR_DETAIL, KEY("detail"), KEY("mellea.error.detail"))                       \
	X(LOOP_BUDGET, NONE, KEY("mellea.sampling.loop_budget"))                                \
	X(SAMPLING_REQUIREMENT_COUNT, NONE, KEY("mellea.sampling.requirement_count"))           \
	X(ITERATIONS_USED, NONE, KEY("mellea.sampling.iterations_used"))                        \
	X(SAMPLING_FAILURE_REASON, NONE, KEY("mellea.sampling.failure_reason"))                 \
	X(ITERATION, NONE, KEY("mellea.sampling.iteration"))                                    \
	X(ALL_VALIDATIONS_PASSED, NONE, KEY("mellea.sampling.all_validations_passed"))          \
	X(VALID_COUNT, NONE, KEY("mellea.validation.valid_count"))                              \
	X(REPAIR_ITERATION, NONE, KEY("mellea.sampling.repair_iteration"))                      \
	X(REPAIR_TYPE, NONE, KEY("mellea.sampling.repair_type"))                                \
	X(VALIDATION_PASSED, NONE, KEY(validation_passed))                                      \
	X(VALIDATION_REQUIREMENT_COUNT, NONE, KEY(validation_requirements))                     \
	X(PASSED_COUNT, NONE, KEY("mellea.validation.passed_count"))                            \
	X(FAILED_COUNT, NONE, KEY("mellea.validation.failed_count"))                            \
	X(FAILURE_REASONS, NONE, KEY("mellea.validation.failure_reasons"))                      \
	X(TOOL_NAME, NONE, KEY("gen_ai.tool.name"))                                             \
	X(TOOL_TYPE, NONE, KEY("gen_ai.tool.type"))                                             \
	X(TOOL_DESCRIPTION, NONE, KEY("gen_ai.tool.description"))                               \
	X(TOOL_CALL_ID, NONE, KEY("gen_ai.tool.call.id"))                                       \
	X(TOOL_ARGUMENTS_HASH, NONE, KEY("mellea.tool.arguments_hash"))                         \
	X(TOOL_ARGUMENTS, NONE, KEY("gen_ai.tool.call.arguments"))                              \
	X(TOOL_IS_CONTROL_FLOW, NONE, KEY("mellea.tool.is_control_flow"))                       \
	X(TOOL_STATUS, NONE, KEY("mellea.tool.status"))                                         \
	X(TOOL_EXECUTION_TIME_MS, NONE, KEY("mellea.tool.execution_time_ms"))                   \
	X(TOOL_RESULT, NONE, KEY("gen_ai.tool.call.result"))                                    \
	X(ADAPTER_NAME, NONE, NONE)                                                             \
	X(ADAPTER_REVISION, NONE, NONE)                                                         \
	X(ADAPTER_BINDING_TYPE, NONE, NONE)                                                     \
	X(ADAPTER_TYPE, NONE, NONE)                                                             \
	X(ADAPTER_OUTCOME, NONE, NONE)                                                          \
	X(ADAPTER_PHASE, NONE, NONE)                                                            \
	X(DURATION_MS, NONE, NONE)                                                              \
	X(CHECKED_REQUIREMENTS, NONE, NONE)                                                     \
	X(CHECKED_RESULTS, NONE, NONE)                                                          \
	X(CHECKED_REASONS, NONE, NONE)                                                          \
	X(COST_USD, NONE, NONE)

#define ROW(field, old, new) [SS_FIELD_##field - SS_KEY_FIELDS] = { old, new },
static const struct ss_spelling rows[SS_FIELD_END - SS_KEY_FIELDS][SS_DIALECTS] = { ROWS(ROW) };

/* A row twice is a warning (override-init), so that as many rows as fields are all of them. */
#define ONE(field, old, new) +1
_Static_assert(ROWS(ONE) == SS_FIELD_END - SS_KEY_FIELDS, "a field without a row");

/* Where a version spells a field in another way on some events. */
static const struct {
	uint32_t dialect;
	uint8_t field, hook, kind; /* hook SS_HOOK_NONE, kind SS_EVENT_NONE: any */
	struct ss_spelling spelling;
} exceptions[] = {
	{ SS_DIALECT_MELLEA_0_7, SS_FIELD_MODEL, SS_HOOK_STARTUP_BEGIN, SS_EVENT_NONE,
	  KEY("mellea.model_id") },
	/* The span `session` has its backend under the name of `start_session` in 0.7, and as the
	 * provider in 0.8, whichever of the two fields the adapter tells. */
	{ SS_DIALECT_MELLEA_0_7, SS_FIELD_PROVIDER, SS_HOOK_SESSION_ENTER, SS_EVENT_NONE,
	  KEY(backend) },
	{ SS_DIALECT_MELLEA_0_8, SS_FIELD_BACKEND_NAME, SS_HOOK_SESSION_ENTER, SS_EVENT_NONE,
	  PROVIDER(provider_name) },
	{ SS_DIALECT_MELLEA_0_7, SS_FIELD_STREAM_FULL_LENGTH, SS_HOOK_NONE, SS_EVENT_POINT,
	  KEY("full_text_length") },
	/* What metrics need of an event, and spans have elsewhere or not at all. */
	{ SS_DIALECT_MELLEA_0_7, SS_FIELD_STREAM_SUCCESS, SS_HOOK_STREAMING_END, SS_EVENT_CLOSE,
	  NONE },
	{ SS_DIALECT_MELLEA_0_8, SS_FIELD_STREAM_SUCCESS, SS_HOOK_STREAMING_END, SS_EVENT_CLOSE,
	  NONE },
	{ SS_DIALECT_MELLEA_0_8, SS_FIELD_STRATEGY_TYPE, SS_HOOK_SAMPLING_ITERATION, SS_EVENT_POINT,
	  NONE },
	{ SS_DIALECT_MELLEA_0_8, SS_FIELD_MODEL, SS_HOOK_GENERATION_EVENT, SS_EVENT_POINT, NONE },
	{ SS_DIALECT_MELLEA_0_8, SS_FIELD_PROVIDER, SS_HOOK_GENERATION_EVENT, SS_EVENT_POINT,
	  NONE },
	/* 0.8 has it on actions only. */
	{ SS_DIALECT_MELLEA_0_8, SS_FIELD_HAS_FORMAT, SS_HOOK_GENERATION_PRE_CALL, SS_EVENT_NONE,
	  NONE },
	{ SS_DIALECT_MELLEA_0_8, SS_FIELD_HAS_FORMAT, SS_HOOK_GENERATION_BATCH_PRE_CALL,
	  SS_EVENT_NONE, NONE },
};

const struct ss_spelling *ss_vocabulary_spell(struct ss_vocabulary_place place, uint32_t field)
{
	const struct ss_spelling *spelling;
	uint32_t i;

	if (!ss_is_dialect(place.dialect) || field < SS_KEY_FIELDS || field >= SS_FIELD_END)
		return NULL;
	spelling = &rows[field - SS_KEY_FIELDS][place.dialect - SS_DIALECT_BASE];
	for (i = 0; i < sizeof(exceptions) / sizeof(*exceptions); i++) {
		if (exceptions[i].field == field && exceptions[i].dialect == place.dialect &&
		    (exceptions[i].hook == SS_HOOK_NONE || exceptions[i].hook == place.hook) &&
		    (exceptions[i].kind == SS_EVENT_NONE || exceptions[i].kind == place.kind))
			spelling = &exceptions[i].spelling;
	}
	return spelling->key != NULL ? spelling : NULL;
}

static bool is(const char *word, const char *name, size_t bytes)
{
	return strlen(word) == bytes && memcmp(word, name, bytes) == 0;
}

const char *ss_vocabulary_provider(uint32_t dialect, const char *name, size_t bytes)
{
	if (dialect == SS_DIALECT_MELLEA_0_8 && is("watsonx", name, bytes))
		return "ibm.watsonx.ai";
	return NULL;
}

bool ss_vocabulary_is_remote(uint32_t dialect, const char *name, size_t bytes)
{
	static const char *const remote[] = { "openai", "ollama", "watsonx", "litellm" };
	uint32_t i;

	/* 0.7 says INTERNAL of all. */
	for (i = 0; dialect == SS_DIALECT_MELLEA_0_8 && i < 4; i++) {
		if (is(remote[i], name, bytes))
			return true;
	}
	return false;
}

const char *ss_vocabulary_service(uint32_t dialect)
{
	return ss_is_dialect(dialect) ? "mellea" : NULL;
}
