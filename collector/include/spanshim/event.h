/* SPDX-License-Identifier: Apache-2.0
 *
 * One event as plugins see it. Included by <spanshim/plugin.h>, which says how to become a plugin.
 * Numbers never change their meaning; later versions append. Plain C89 (with stdint.h), and C++.
 */
#ifndef SPANSHIM_EVENT_H
#define SPANSHIM_EVENT_H

#include <stdint.h>

/* clang-format off */
#define SPANSHIM_HOOKS(X) \
	X(SESSION_PRE_INIT) X(SESSION_POST_INIT) X(SESSION_RESET) X(SESSION_CLEANUP) \
	X(COMPONENT_PRE_EXECUTE) X(COMPONENT_POST_SUCCESS) X(COMPONENT_POST_ERROR) \
	X(GENERATION_PRE_CALL) X(GENERATION_POST_CALL) X(GENERATION_ERROR) X(GENERATION_EVENT) \
	X(STREAMING_START) X(STREAMING_EVENT) X(STREAMING_END) X(GENERATION_BATCH_PRE_CALL) \
	X(GENERATION_BATCH_POST_CALL) X(GENERATION_BATCH_ERROR) X(SAMPLING_LOOP_START) \
	X(SAMPLING_ITERATION) X(SAMPLING_REPAIR) X(SAMPLING_LOOP_END) X(VALIDATION_PRE_CHECK) \
	X(VALIDATION_POST_CHECK) X(TOOL_PRE_INVOKE) X(TOOL_POST_INVOKE) \
	X(ADAPTER_FUNCTION_INVOCATION_COMPLETE) X(ADAPTER_FUNCTION_PHASE_COMPLETE) \
	X(STREAMING_ORCHESTRATION_START) X(STREAMING_ORCHESTRATION_END) X(STARTUP_BEGIN) \
	X(STARTUP_END) X(SESSION_ENTER) X(SESSION_EXIT)

#define SPANSHIM_FIELDS(X) \
	X(CORRELATION_ID) X(EVENT_NAME) X(SCOPE_VERSION) X(OPERATION) X(ERROR_TYPE) \
	X(EXCEPTION_NAME) X(EXCEPTION_STACKTRACE) X(ERROR_CLASS) X(LATENCY_MS) X(SESSION_ID) \
	X(CONVERSATION_ID) X(BACKEND_NAME) X(CONTEXT_TYPE) X(MODEL) X(PROVIDER) \
	X(INTERACTION_COUNT) X(COMPONENT_TYPE) X(HAS_REQUIREMENTS) X(HAS_STRATEGY) \
	X(STRATEGY_TYPE) X(HAS_FORMAT) X(TOOL_CALLS) X(NUM_GENERATE_LOGS) X(SAMPLING_SUCCESS) \
	X(RESPONSE) X(RESPONSE_LENGTH) X(NUM_ACTIONS) X(OUTPUT_TYPE) X(FORMAT_TYPE) \
	X(REQUEST_STREAM) X(STREAMING) X(GENERATION_TOOL_CALLS) X(RESPONSE_MODEL) \
	X(RESPONSE_ID) X(FINISH_REASONS) X(TIME_TO_FIRST_CHUNK) X(INPUT_TOKENS) \
	X(OUTPUT_TOKENS) X(TOTAL_TOKENS) X(CACHE_READ_TOKENS) X(CACHE_CREATION_TOKENS) \
	X(REASONING_TOKENS) X(CONTEXT_SIZE) X(GENERATION_COMPONENT_TYPE) \
	X(GENERATION_CHUNK_INDEX) X(GENERATION_CHUNK_LENGTH) X(SINCE_LAST_CHUNK_MS) \
	X(STREAM_HAS_REQUIREMENTS) X(STREAM_REQUIREMENT_COUNT) X(CHUNKING_STRATEGY) \
	X(STREAM_FULL_LENGTH) X(STREAM_SUCCESS) X(STREAM_CHUNK_INDEX) X(STREAM_CHUNK_LENGTH) \
	X(STREAM_CHECK_PASSED) X(STREAM_CHECK_COUNT) X(STREAM_ERROR_TYPE) \
	X(STREAM_ERROR_DETAIL) X(LOOP_BUDGET) X(SAMPLING_REQUIREMENT_COUNT) X(ITERATIONS_USED) \
	X(SAMPLING_FAILURE_REASON) X(ITERATION) X(ALL_VALIDATIONS_PASSED) X(VALID_COUNT) \
	X(REPAIR_ITERATION) X(REPAIR_TYPE) X(VALIDATION_PASSED) \
	X(VALIDATION_REQUIREMENT_COUNT) X(PASSED_COUNT) X(FAILED_COUNT) X(FAILURE_REASONS) \
	X(TOOL_NAME) X(TOOL_TYPE) X(TOOL_DESCRIPTION) X(TOOL_CALL_ID) X(TOOL_ARGUMENTS_HASH) \
	X(TOOL_ARGUMENTS) X(TOOL_IS_CONTROL_FLOW) X(TOOL_STATUS) X(TOOL_EXECUTION_TIME_MS) \
	X(TOOL_RESULT) X(ADAPTER_NAME) X(ADAPTER_REVISION) X(ADAPTER_BINDING_TYPE) \
	X(ADAPTER_TYPE) X(ADAPTER_OUTCOME) X(ADAPTER_PHASE) X(DURATION_MS) \
	X(CHECKED_REQUIREMENTS) X(CHECKED_RESULTS) X(CHECKED_REASONS) X(COST_USD)
/* clang-format on */

/* SPANSHIM_HOOK_SESSION_PRE_INIT = 1, and so on in the order above. */
#define SPANSHIM_HOOK_ENUM(name) SPANSHIM_HOOK_##name,
enum spanshim_hook { SPANSHIM_HOOK_NONE, SPANSHIM_HOOKS(SPANSHIM_HOOK_ENUM) SPANSHIM_HOOK_COUNT };
#define SPANSHIM_HOOK_BIT(hook) ((uint64_t)1 << (hook))
#define SPANSHIM_ALL_HOOKS      (~(uint64_t)0)

/* SPANSHIM_FIELD_CORRELATION_ID = 8, and so on. */
#define SPANSHIM_FIELD_ENUM(name) SPANSHIM_FIELD_##name,
enum spanshim_field {
	SPANSHIM_FIELD_NONE, /* an attribute of a binding file's, known by its name */
	SPANSHIM_FIELD_STATUS_MESSAGE,
	SPANSHIM_FIELD_EXCEPTION_TYPE,
	SPANSHIM_FIELD_EXCEPTION_MESSAGE,
	SPANSHIM_FIELD_STACK,
	SPANSHIM_FIELD_BEFORE_FIRST = 7,
	SPANSHIM_FIELDS(SPANSHIM_FIELD_ENUM) SPANSHIM_FIELD_END
};

enum spanshim_kind {
	SPANSHIM_OPEN = 1,   /* a span begins */
	SPANSHIM_CLOSE,      /* it ends, with `status` and perhaps `result` */
	SPANSHIM_POINT,      /* something happens in it */
	SPANSHIM_ATTRIBUTES, /* more is known of it, or the rest of a long value */
	SPANSHIM_DISCARD     /* it turned out to be none */
};
enum spanshim_status {
	SPANSHIM_OK,
	SPANSHIM_ERROR,
	SPANSHIM_EXCEPTION,
	SPANSHIM_CANCELLED,
	SPANSHIM_LONGJMP,
	SPANSHIM_THREAD_EXIT
};
enum spanshim_event_flag {
	SPANSHIM_REMOTE_PARENT = 1, /* open: the parent is in another process */
	SPANSHIM_STATUS_ONLY = 2,   /* point: a failed step, no span event */
	SPANSHIM_NO_RESULT = 4,     /* `result` means nothing */
	SPANSHIM_OBSERVED = 8,      /* point: told to plugins, not in the trace */
	SPANSHIM_INFERRED = 16,     /* close: no hook told it, spanshim concluded it */
	SPANSHIM_STRAY = 256        /* no opening event of its span is known */
};
enum spanshim_type {
	SPANSHIM_INT = 1,
	SPANSHIM_DOUBLE,
	SPANSHIM_BOOL,   /* value.integer, 0 or 1 */
	SPANSHIM_STRING, /* value.text: any bytes, and a NUL behind them */
	SPANSHIM_STACK,  /* value.text: return addresses, uint64_t each, innermost first */
	SPANSHIM_STRINGS /* value.text: for spanshim_next_string */
};
enum spanshim_attribute_flag {
	SPANSHIM_CONTINUES = 1, /* appends to the value of this name that came last for the span */
	SPANSHIM_CUT = 2        /* the value was longer */
};

struct spanshim_text {
	const char *bytes;
	uint32_t size;   /* of this piece */
	uint32_t length; /* of the whole value: more comes with SPANSHIM_CONTINUES, or was cut */
};

struct spanshim_attribute {
	uint32_t field; /* enum spanshim_field */
	uint16_t type;
	uint16_t flags;
	const char *name; /* of a field in lower case ("input_tokens"), or as the binding has it */
	union {
		int64_t integer;
		double real;
		struct spanshim_text text;
	} value;
};

/* Valid, with all it points to, until on_event returns. Strings are never NULL. */
struct spanshim_event {
	uint32_t size;           /* of this struct; later versions append */
	uint32_t attribute_size; /* of each attribute; see spanshim_attribute_at */
	uint32_t attribute_count;
	uint32_t hook, kind, status, flags;
	uint32_t pid, tid;
	const struct spanshim_attribute *attributes;
	uint64_t time_ns; /* unix time */
	uint64_t trace_hi, trace_lo, span_id, parent_id;
	int64_t result; /* close, point: what the call returned */
	const char *hook_name;
	const char *correlation_id; /* the framework's own id of the span; "" if it has none */
	const char *event_name;     /* point: of the span event */
	const char *binding;        /* "sqlite3", "mellea" */
	const char *symbol;         /* "sqlite3_step"; "" for an adapter's events */
	const char *role;           /* "session", "action", "stream", "chat"; "" likewise */
};

#endif
