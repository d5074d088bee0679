/* SPDX-License-Identifier: Apache-2.0
 *
 * Fields of hook payloads: what an adapter (shim/python/) tells of an event, by meaning and not by
 * the name that some version of a framework gives it. collector/vocabulary.c spells each one as an
 * attribute; fields without an attribute are for metrics and plugins. They are attribute keys below
 * SS_KEY_RESERVED (event.h). Order is the file format: append only. Names are those of Mellea's
 * payloads where there is one.
 */
#ifndef SS_FIELD_H
#define SS_FIELD_H

#include "shim/attr.h"

/* X(NAME, type): the type a value has; STRINGS is an array. "content": only recorded while a
 * content gate is open. */
#define SS_FIELDS(X)                                                                            \
	/* any event */                                                                         \
	X(CORRELATION_ID, STRING) /* OPEN: the framework's own id of session, action, ... */    \
	X(EVENT_NAME, STRING)     /* POINT: name of the span event */                           \
	X(SCOPE_VERSION, STRING)  /* OPEN: version of the traced framework */                   \
	X(OPERATION, STRING)      /* chat, text_completion, execute_tool */                     \
	X(ERROR_TYPE, STRING)     /* exception's class, unqualified */                          \
	X(EXCEPTION_NAME, STRING) /* qualified */                                               \
	X(EXCEPTION_STACKTRACE, STRING)                                                         \
	X(ERROR_CLASS, STRING) /* semantic class, for metrics */                                \
	X(LATENCY_MS, DOUBLE)                                                                   \
	/* session */                                                                           \
	X(SESSION_ID, STRING)                                                                   \
	X(CONVERSATION_ID, STRING)                                                              \
	X(BACKEND_NAME, STRING)                                                                 \
	X(CONTEXT_TYPE, STRING)                                                                 \
	X(MODEL, STRING)                                                                        \
	X(PROVIDER, STRING) /* as the framework has it; the vocabulary normalises */            \
	X(INTERACTION_COUNT, INT)                                                               \
	/* component */                                                                         \
	X(COMPONENT_TYPE, STRING)                                                               \
	X(HAS_REQUIREMENTS, BOOL)                                                               \
	X(HAS_STRATEGY, BOOL)                                                                   \
	X(STRATEGY_TYPE, STRING)                                                                \
	X(HAS_FORMAT, BOOL)                                                                     \
	X(TOOL_CALLS, BOOL) /* tool calling is enabled for the action */                        \
	X(NUM_GENERATE_LOGS, INT)                                                               \
	X(SAMPLING_SUCCESS, BOOL)                                                               \
	X(RESPONSE, STRING) /* content */                                                       \
	X(RESPONSE_LENGTH, INT)                                                                 \
	/* generation */                                                                        \
	X(NUM_ACTIONS, INT)                                                                     \
	X(OUTPUT_TYPE, STRING)                                                                  \
	X(FORMAT_TYPE, STRING)                                                                  \
	X(REQUEST_STREAM, BOOL)        /* asked for */                                          \
	X(STREAMING, BOOL)             /* the output did stream */                              \
	X(GENERATION_TOOL_CALLS, BOOL) /* tool calling is enabled for the generation */         \
	X(RESPONSE_MODEL, STRING)                                                               \
	X(RESPONSE_ID, STRING)                                                                  \
	X(FINISH_REASONS, STRINGS)                                                              \
	X(TIME_TO_FIRST_CHUNK, DOUBLE) /* seconds */                                            \
	X(INPUT_TOKENS, INT)                                                                    \
	X(OUTPUT_TOKENS, INT)                                                                   \
	X(TOTAL_TOKENS, INT)                                                                    \
	X(CACHE_READ_TOKENS, INT)                                                               \
	X(CACHE_CREATION_TOKENS, INT)                                                           \
	X(REASONING_TOKENS, INT)                                                                \
	X(CONTEXT_SIZE, INT)                                                                    \
	X(GENERATION_COMPONENT_TYPE, STRING)                                                    \
	X(GENERATION_CHUNK_INDEX, INT)                                                          \
	X(GENERATION_CHUNK_LENGTH, INT)                                                         \
	X(SINCE_LAST_CHUNK_MS, DOUBLE)                                                          \
	/* streaming */                                                                         \
	X(STREAM_HAS_REQUIREMENTS, BOOL)                                                        \
	X(STREAM_REQUIREMENT_COUNT, INT)                                                        \
	X(CHUNKING_STRATEGY, STRING)                                                            \
	X(STREAM_FULL_LENGTH, INT)                                                              \
	X(STREAM_SUCCESS, BOOL)                                                                 \
	X(STREAM_CHUNK_INDEX, INT)                                                              \
	X(STREAM_CHUNK_LENGTH, INT)                                                             \
	X(STREAM_CHECK_PASSED, BOOL)                                                            \
	X(STREAM_CHECK_COUNT, INT) /* requirements checked */                                   \
	X(STREAM_ERROR_TYPE, STRING)                                                            \
	X(STREAM_ERROR_DETAIL, STRING)                                                          \
	/* sampling */                                                                          \
	X(LOOP_BUDGET, INT)                                                                     \
	X(SAMPLING_REQUIREMENT_COUNT, INT)                                                      \
	X(ITERATIONS_USED, INT)                                                                 \
	X(SAMPLING_FAILURE_REASON, STRING)                                                      \
	X(ITERATION, INT)                                                                       \
	X(ALL_VALIDATIONS_PASSED, BOOL)                                                         \
	X(VALID_COUNT, INT)                                                                     \
	X(REPAIR_ITERATION, INT)                                                                \
	X(REPAIR_TYPE, STRING)                                                                  \
	/* validation */                                                                        \
	X(VALIDATION_PASSED, BOOL)                                                              \
	X(VALIDATION_REQUIREMENT_COUNT, INT)                                                    \
	X(PASSED_COUNT, INT)                                                                    \
	X(FAILED_COUNT, INT)                                                                    \
	X(FAILURE_REASONS, STRINGS) /* content */                                               \
	/* tool */                                                                              \
	X(TOOL_NAME, STRING)                                                                    \
	X(TOOL_TYPE, STRING)                                                                    \
	X(TOOL_DESCRIPTION, STRING)                                                             \
	X(TOOL_CALL_ID, STRING)                                                                 \
	X(TOOL_ARGUMENTS_HASH, STRING)                                                          \
	X(TOOL_ARGUMENTS, STRING) /* content */                                                 \
	X(TOOL_IS_CONTROL_FLOW, BOOL)                                                           \
	X(TOOL_STATUS, STRING)                                                                  \
	X(TOOL_EXECUTION_TIME_MS, INT)                                                          \
	X(TOOL_RESULT, STRING) /* content */                                                    \
	/* adapter function */                                                                  \
	X(ADAPTER_NAME, STRING)                                                                 \
	X(ADAPTER_REVISION, STRING)                                                             \
	X(ADAPTER_BINDING_TYPE, STRING)                                                         \
	X(ADAPTER_TYPE, STRING)                                                                 \
	X(ADAPTER_OUTCOME, STRING)                                                              \
	X(ADAPTER_PHASE, STRING)                                                                \
	X(DURATION_MS, DOUBLE)                                                                  \
	/* for metrics and plugins alone */                                                     \
	X(CHECKED_REQUIREMENTS, STRINGS) /* classes of the requirements checked, in order */    \
	X(CHECKED_RESULTS, STRINGS)      /* of each: pass, fail, unknown, or withheld: it       \
					    failed for a reason that is content, gate closed */ \
	X(CHECKED_REASONS, STRINGS)      /* of each, "" where it did not fail; content */       \
	X(COST_USD, DOUBLE)              /* by the traced program's own price source */

#define SS_FIELD_ENUM(name, type) SS_FIELD_##name,
enum ss_field { SS_FIELD_BEFORE_FIRST = SS_KEY_FIELDS - 1, SS_FIELDS(SS_FIELD_ENUM) SS_FIELD_END };
#undef SS_FIELD_ENUM
_Static_assert((int)SS_FIELD_END <= (int)SS_KEY_RESERVED,
	       "fields are keys below the string offsets");

#endif
