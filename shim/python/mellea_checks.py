# SPDX-License-Identifier: Apache-2.0
"""Streams, samplings, validations, tools, adapter functions: part of mellea_spans.py, in whose
dictionary it runs."""

# ---- streams

@hook
def streaming_start(payload):
    key = payload.streaming_id
    action = enclosing(H_COMPONENT_PRE_EXECUTE)
    if key and opened(spans, H_STREAMING_START, key,
                      F_STREAM_HAS_REQUIREMENTS, payload.has_requirements,
                      F_STREAM_REQUIREMENT_COUNT, payload.requirement_count,
                      F_CHUNKING_STRATEGY, payload.chunking_strategy):
        below[key] = []
        around[key] = action


def completed(success, length):
    return F_EVENT_NAME, "completed", F_STREAM_SUCCESS, success, F_STREAM_FULL_LENGTH, length


# Name of the event's class: pairs of the event.
stream_events = {
    "QuickCheckEvent": lambda event: (
        F_EVENT_NAME, "quick_check",
        F_STREAM_CHUNK_INDEX, event.chunk_index,
        F_STREAM_CHECK_PASSED, event.passed,
        F_STREAM_CHECK_COUNT, len(event.results)),
    "ChunkEvent": lambda event: (
        F_EVENT_NAME, "chunk",
        F_STREAM_CHUNK_INDEX, event.chunk_index,
        F_STREAM_CHUNK_LENGTH, len(event.text)),
    "StreamingDoneEvent": lambda event: (
        F_EVENT_NAME, "streaming_done",
        F_STREAM_FULL_LENGTH, len(event.full_text)),
    "FullValidationEvent": lambda event: (
        F_EVENT_NAME, "full_validation",
        F_STREAM_CHECK_PASSED, event.passed,
        F_STREAM_CHECK_COUNT, len(event.results)),
    "ErrorEvent": lambda event: (
        F_EVENT_NAME, "error",
        F_STREAM_ERROR_TYPE, event.exception_type,
        F_STREAM_ERROR_DETAIL, event.detail),
    "CompletedEvent": lambda event: completed(event.success, len(event.full_text)),
}


@hook
def streaming_event(payload):
    span = spans.get(payload.streaming_id)
    kind = type(payload.event).__name__
    pairs_of = stream_events.get(kind)
    if pairs_of is None:
        observed(span, H_STREAMING_EVENT, F_EVENT_NAME, kind)
        return
    pairs = pairs_of(payload.event)
    if wanted and kind == "QuickCheckEvent":
        pairs += check_pairs(span, H_STREAMING_EVENT, quick_checks(payload))
    marked(span, H_STREAMING_EVENT, *pairs)


def failed_check(reason):
    """Mellea's "Streaming validation failed: REASON": what a requirement says of the text is
    content."""
    reason = reason or ""
    return reason if content else reason.partition(":")[0]


@hook
def streaming_end(payload):
    key = payload.streaming_id
    span = spans.pop(key, None)
    around.pop(key, None)
    settle(key, (), {})
    length = payload.full_text_length
    if dialect == MELLEA_0_7:  # later ones have an event for it
        marked(span, H_STREAMING_EVENT, *completed(payload.success, length))
    pairs = (F_STREAM_FULL_LENGTH, length, F_MODEL, payload.model, F_PROVIDER, payload.provider)
    if wanted:
        pairs += (F_STREAM_SUCCESS, payload.success, *error_pairs(payload.exception))
    if payload.success:
        ended(span, H_STREAMING_END, *pairs)
    else:
        end_failed(span, H_STREAMING_END, payload.exception, failed_check(payload.failure_reason),
                   pairs)


@hook
def streaming_orchestration_start(payload):
    # 0.7 consumes a stream in a task of its own, which began below the generation: what it does
    # from here on is the stream's.
    span = spans.get(payload.streaming_id)
    if span is not None:
        swap(span)
    observed(span, H_STREAMING_ORCHESTRATION_START)


@hook
def streaming_orchestration_end(payload):
    observed(spans.get(payload.streaming_id), H_STREAMING_ORCHESTRATION_END)
    pairs = interrupts(sys.exc_info()[1])
    if pairs:  # cancelled: 0.7 then tells no end of the generation
        settle(payload.streaming_id, pairs, {})


# ---- samplings and validations: no ids in 0.7, and no spans either

@hook
def sampling_loop_start(payload):
    key = getattr(payload, "sampling_id", None)
    pairs = (F_STRATEGY_TYPE, payload.strategy_name or None,
             F_LOOP_BUDGET, payload.loop_budget,
             F_SAMPLING_REQUIREMENT_COUNT, len(payload.requirements))
    if not key:
        observed(current(), H_SAMPLING_LOOP_START, *pairs)
        return
    owner = owner_of_new() if below else None
    if opened(spans, H_SAMPLING_LOOP_START, key, *pairs):
        belongs(key, owner)


@hook
def sampling_iteration(payload):
    pairs = (F_ITERATION, payload.iteration,
             F_ALL_VALIDATIONS_PASSED, payload.all_validations_passed,
             F_VALID_COUNT, payload.valid_count,
             F_VALIDATION_REQUIREMENT_COUNT, payload.total_count)
    span = spans.get(getattr(payload, "sampling_id", None))
    marked(span, H_SAMPLING_ITERATION, F_EVENT_NAME, "iteration",
           F_STRATEGY_TYPE, payload.strategy_name or None, *pairs)


@hook
def sampling_repair(payload):
    pairs = (F_REPAIR_ITERATION, payload.repair_iteration,
             F_REPAIR_TYPE, payload.repair_type,
             F_FAILED_COUNT, len(payload.failed_validations))
    span = spans.get(getattr(payload, "sampling_id", None))
    marked(span, H_SAMPLING_REPAIR, F_EVENT_NAME, "repair", *pairs)


@hook
def sampling_loop_end(payload):
    error = getattr(payload, "exception", None)
    span = spans.pop(getattr(payload, "sampling_id", None), None)
    if error is not None:
        end_failed(span, H_SAMPLING_LOOP_END, error)
        return
    ended(span, H_SAMPLING_LOOP_END,
          F_STRATEGY_TYPE, payload.strategy_name or None,
          F_SAMPLING_SUCCESS, payload.success,
          F_ITERATIONS_USED, payload.iterations_used,
          F_SAMPLING_FAILURE_REASON, payload.failure_reason)


@hook
def validation_pre_check(payload):
    key = getattr(payload, "validation_id", None)
    count = len(payload.requirements)
    if not key:
        observed(current(), H_VALIDATION_PRE_CHECK, F_VALIDATION_REQUIREMENT_COUNT, count)
        return
    owner = owner_of_new() if below else None
    if opened(spans, H_VALIDATION_PRE_CHECK, key, F_VALIDATION_REQUIREMENT_COUNT, count):
        belongs(key, owner)


def failure_reasons(results):
    """Content: what requirements say of the output, one each that says anything."""
    if not content:
        return None
    reasons = [captured(result.reason) for result in results if not result and result.reason]
    return reasons or None


@hook
def validation_post_check(payload):
    error = getattr(payload, "exception", None)
    span = spans.pop(getattr(payload, "validation_id", None), None)
    if error is not None:
        end_failed(span, H_VALIDATION_POST_CHECK, error)
        return
    pairs = ()
    if wanted:
        pairs = check_pairs(span, H_VALIDATION_POST_CHECK, checks(payload))
    ended(span, H_VALIDATION_POST_CHECK, *pairs,
          F_VALIDATION_PASSED, payload.all_validations_passed,
          F_PASSED_COUNT, payload.passed_count,
          F_FAILED_COUNT, payload.failed_count,
          F_FAILURE_REASONS, failure_reasons(payload.results))


# ---- tools: no ids in 0.7 either

def tool_name(call):
    return getattr(call, "name", None) or "unknown"


def tool_pairs(call):
    pairs = F_TOOL_NAME, tool_name(call)
    if helpers is None:
        return pairs
    told = helpers.get_tool_call_attrs(call)
    arguments = None
    if content:
        arguments = captured(helpers._serialize_arguments(getattr(call, "args", None)))
    return pairs + (
        F_OPERATION, "execute_tool",
        F_TOOL_TYPE, plain(told.get("gen_ai.tool.type")),
        F_TOOL_DESCRIPTION, plain(told.get("gen_ai.tool.description")),
        F_TOOL_CALL_ID, plain(told.get("gen_ai.tool.call.id")),
        F_TOOL_ARGUMENTS_HASH, told.get("mellea.tool.arguments_hash"),
        F_TOOL_ARGUMENTS, arguments,
    )


@hook
def tool_pre_invoke(payload):
    key = getattr(payload, "tool_invocation_id", None)
    pairs = tool_pairs(payload.model_tool_call) + (F_TOOL_IS_CONTROL_FLOW, payload.is_control_flow)
    if key:
        opened(spans, H_TOOL_PRE_INVOKE, key, *pairs)
    else:
        observed(current(), H_TOOL_PRE_INVOKE, *pairs)


@hook
def tool_post_invoke(payload):
    pairs = (F_TOOL_NAME, tool_name(payload.model_tool_call),
             F_TOOL_STATUS, "success" if payload.success else "failure",
             F_TOOL_EXECUTION_TIME_MS, payload.execution_time_ms)
    span = spans.pop(getattr(payload, "tool_invocation_id", None), None)
    if payload.success:
        ended(span, H_TOOL_POST_INVOKE, *pairs, F_TOOL_RESULT, captured(payload.tool_output))
    else:
        end_failed(span, H_TOOL_POST_INVOKE, payload.error, "", pairs)


# ---- adapter functions

def phase_completes(name, phase, milliseconds):
    observed(current(), H_ADAPTER_FUNCTION_PHASE_COMPLETE,
             F_ADAPTER_NAME, name, F_ADAPTER_PHASE, phase, F_DURATION_MS, float(milliseconds))


@hook
def adapter_function_phase_complete(payload):
    phase_completes(payload.name, payload.phase, payload.duration_ms)


def invocation_completes(name, revision, binding_type, adapter_type, outcome, error):
    observed(current(), H_ADAPTER_FUNCTION_INVOCATION_COMPLETE,
             F_ADAPTER_NAME, name,
             F_ADAPTER_REVISION, revision,
             F_ADAPTER_BINDING_TYPE, binding_type,
             F_ADAPTER_TYPE, adapter_type,
             F_ADAPTER_OUTCOME, outcome,
             *observed_error(error))


@hook
def adapter_function_invocation_complete(payload):
    invocation_completes(payload.name, payload.revision, payload.binding_type, payload.adapter_type,
                         payload.outcome, payload.error)
