# SPDX-License-Identifier: Apache-2.0
"""What Mellea's hooks say, as events and spans: by meaning (shim/field.h), not by attribute name.

Runs in a dictionary of its own with the globals of runtime.py; mellea.py takes the handlers from it
and says when they are called. Each takes a hook's payload or, without "payload" in its head, the
values themselves. Host threads, with the GIL; errors go to the caller. Must not: hand over content
(responses, tool arguments and results, reasons) while the gate is closed.

Spans in flight are in plain dictionaries by Mellea's own ids, whose pop is atomic with and without
the interpreter lock. What ends spans that Mellea itself would leave open:
- an action's end ends the generations, samplings and validations that were opened below it, except
  that the thunk of a lazy result may still be waited for: its generation ends when it does. So ends
  a generation whose backend returned a computed result (no hook tells), or that was cancelled.
- a stream's end ends its generations in the same way.
- a session that is left in another thread or task than it was entered in ends when it cleans up:
  after that, Mellea's own leaving raises.
- sessions never left, streams and lazy results never consumed stay open: that is what they are, and
  the process's end reports them as unfinished. More than LIMIT at a time are not kept: the oldest
  are then ended as abandoned.
"""

import sys
from _thread import get_ident

span_open, span_close, span_point = open, close, point

# Constants F_MODEL, H_STREAMING_START, ... of the dictionaries F and H: one look-up less each.
globals().update(("F_" + name, number) for name, number in F.items())
globals().update(("H_" + name.upper(), number) for name, number in H.items())

LIMIT = 1 << 16  # spans in flight, of a kind
STREAM = "@@@stream@@@"  # the model option; Mellea's core has it as a literal, too
STARTUP = ":startup"

dialect = MELLEA_0_8
scope_version = None
tracing = {"_tracing_enabled": False}  # namespace of mellea.telemetry.tracing, once there is one
helpers = None  # mellea.telemetry._tracing_helpers; 0.7 has none
content_limit = 500  # characters
said = set()  # what the log has been told

sessions = {}  # key: session id; of `start_session`, with STARTUP behind it
entered = {}  # key: as in sessions; where() that was
spans = {}  # key: id of an action, a stream, a sampling, a validation, a tool invocation
chats = {}  # key: generation id, also of batches
below = {}  # key: id of an action or stream; [ids of what was opened below it]
around = {}  # key: id of a stream; id of the action that it is in, or None


def know_version(module):
    """Which Mellea this is, from its executed module telemetry.tracing."""
    global content_limit, dialect, helpers, tracing
    if hasattr(module, "add_streaming_event"):
        dialect = MELLEA_0_7
    helpers = sys.modules.get("mellea.telemetry._tracing_helpers")
    content_limit = getattr(helpers, "_MAX_CONTENT_LEN", content_limit)
    if "_tracing_enabled" in module.__dict__:
        tracing = module.__dict__
        stays_out()


def say(text):
    if text not in said:
        said.add(text)
        log(text)


def stays_out():
    """Whether the program's own tracing is on: no double telemetry. It may be turned on or off at
    any time; what was open then still ends."""
    if not tracing["_tracing_enabled"]:
        return False
    say("Mellea's own tracing is on: no spans of it from here")
    return True


def find_version():
    global scope_version
    version = getattr(sys.modules.get("mellea"), "__version__", None)
    if not isinstance(version, str) or version == "unknown":
        try:
            from importlib.metadata import version as version_of
            version = version_of("mellea")
        except Exception:
            version = ""
    scope_version = version
    return version


# ---- values

def class_name(value):
    return None if value is None else value.__class__.__name__


def plain(value):
    """As Mellea makes any value one that an attribute can have."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [str(item) for item in value]
    return str(value)


def captured(value):
    """Content, cut as Mellea cuts it; None while the gate is closed."""
    if not content or value is None:
        return None
    try:
        text = str(value)
    except Exception:
        return None
    return text[:content_limit] + "..." if len(text) > content_limit else text


def conversation():
    """Replaced by Mellea's own get_session_id when first called."""
    global conversation
    module = sys.modules.get("mellea.telemetry.context")
    conversation = getattr(module, "get_session_id", lambda: None)
    return conversation()


def observed_error(error):
    return () if error is None else (F_ERROR_TYPE, type(error).__name__)


def classify(error):
    """Pairs of Mellea's semantic class of an error, for metrics. It asks for openai's exceptions
    and imports openai for that: not for us where the program has not."""
    try:
        if error is not None and sys.modules.get("openai") is not None:
            return F_ERROR_CLASS, sys.modules["mellea.telemetry.metrics"].classify_error(error)
    except Exception:
        pass
    return ()


def latency(milliseconds):
    return () if milliseconds is None else (F_LATENCY_MS, float(milliseconds))


def usage_pairs(usage):
    if usage is None:
        return ()
    get = usage.get
    cached = get("cache_read_input_tokens")
    if cached is None:
        details = get("prompt_tokens_details")
        if isinstance(details, dict):
            cached = details.get("cached_tokens")
    reasoning = get("reasoning_tokens")
    if reasoning is None:
        details = get("completion_tokens_details")
        if isinstance(details, dict):
            reasoning = details.get("reasoning_tokens")
    return (
        F_INPUT_TOKENS, get("prompt_tokens"),
        F_OUTPUT_TOKENS, get("completion_tokens"),
        F_TOTAL_TOKENS, get("total_tokens"),
        F_CACHE_READ_TOKENS, cached,
        F_CACHE_CREATION_TOKENS, get("cache_creation_input_tokens"),
        F_REASONING_TOKENS, reasoning,
    )


def output_pairs(output):
    """Pairs of a computed thunk."""
    generation = output.generation
    call = getattr(output, "_call", None)
    size = None
    try:
        context = getattr(call, "context", None)
        size = len(context) if context else 0
    except Exception:
        pass
    reasons = generation.finish_reasons
    first_ms = generation.ttfb_ms
    return (
        F_OPERATION, "chat",
        F_MODEL, generation.model or None,
        F_PROVIDER, generation.provider or None,
        F_RESPONSE_MODEL, generation.response_model or None,
        F_RESPONSE_ID, generation.response_id or None,
        F_FINISH_REASONS, list(reasons) if reasons else None,
        F_TIME_TO_FIRST_CHUNK, None if first_ms is None else first_ms / 1000.0,
        F_STREAMING, True if generation.streaming else None,
        F_GENERATION_COMPONENT_TYPE, class_name(getattr(call, "action", None)),
        F_CONTEXT_SIZE, size,
    ) + usage_pairs(generation.usage)


# ---- spans

def abandon(table, hook):
    """Ends the oldest quarter of a table that has grown too long."""
    for key in list(table)[:LIMIT // 4]:
        span = table.pop(key, None)
        for more in below, around, entered:
            more.pop(key, None)
        span_close(span, hook, ERROR, K_STATUS_MESSAGE, "abandoned: nothing told its end")


def opened(table, hook, key, *pairs):
    if tracing["_tracing_enabled"] and stays_out():
        return None
    version = find_version() if scope_version is None else scope_version
    span = span_open(dialect, hook, key, None, F_CORRELATION_ID, key,
                     F_SCOPE_VERSION, version or None, *pairs)
    if span is not None:
        table[key] = span
        if len(table) > LIMIT:
            abandon(table, hook)
    return span


def end_failed(span, hook, error, message="", pairs=()):
    """An exception's text is recorded whatever the gate: so does Mellea."""
    if error is not None:
        span_close(span, hook, EXCEPTION, *exception_pairs(error), *pairs)
    else:
        span_close(span, hook, ERROR, K_STATUS_MESSAGE, message, *pairs)


def observed(span, hook, *pairs):
    """Something that Mellea makes no span event of."""
    if not (tracing["_tracing_enabled"] and stays_out()):
        span_point(span, dialect, hook, OBSERVED, *pairs)


def owner_of_new():
    """Id of the innermost action or stream."""
    stream = enclosing(H_STREAMING_START)
    action = enclosing(H_COMPONENT_PRE_EXECUTE)
    return stream if stream is not None and action == around.get(stream) else action


def belongs(key, owner):
    children = below.get(owner)
    if children is not None:
        children.append(key)


def settle(owner, pairs, outputs):
    """Ends what is still open below an action or stream. `pairs`: of the exception that has
    interrupted it all, or none; `outputs`: thunks that came out of it, by generation id."""
    for key in below.pop(owner, ()):
        span = chats.pop(key, None)
        if span is not None:
            if pairs:
                span_close(span, H_GENERATION_ERROR, EXCEPTION, *pairs)
            elif key in outputs:
                span_close(span, H_GENERATION_POST_CALL, OK, *output_pairs(outputs[key]))
            else:
                span_close(span, H_GENERATION_POST_CALL, OK)
            continue
        span = spans.pop(key, None)
        if span is not None:
            span_close(span, H_COMPONENT_POST_ERROR, EXCEPTION if pairs else OK, *pairs)


def interrupts(error):
    """Pairs of what ends everything that was under way: a cancellation, an exit. Other exceptions
    are told by the hooks of the generation that they are from."""
    return () if error is None or isinstance(error, Exception) else exception_pairs(error)


# ---- handlers

handlers = {}  # name of the hook: function of its payload


def hook(function):
    handlers[function.__name__] = function
    return function


# ---- actions

def action_begins(key, action, requirements, strategy, format, tool_calls):
    if key and opened(
            spans, H_COMPONENT_PRE_EXECUTE, key,
            F_COMPONENT_TYPE, class_name(action),
            F_HAS_REQUIREMENTS, bool(requirements),
            F_HAS_STRATEGY, strategy is not None,
            F_STRATEGY_TYPE, class_name(strategy),
            F_HAS_FORMAT, format is not None,
            F_TOOL_CALLS, plain(tool_calls)):
        below[key] = []


@hook
def component_pre_execute(payload):
    action_begins(payload.action_id, payload.action, payload.requirements, payload.strategy,
                  payload.format, payload.tool_calls_enabled)


def response_of(result):
    """(text, its length) as Mellea has a result speak, or (None, None)."""
    if result is None:
        return None, None
    try:
        value = getattr(result, "value", None)
        text = str(value) if value else str(result)
        return text, len(text)
    except Exception:
        return None, None


def is_lazy(result):
    try:
        return not result.is_computed()
    except Exception:
        return False


def outputs_of(result, samples):
    outputs = {}
    for output in (result, *(samples or ())):
        key = getattr(getattr(output, "_call", None), "generation_id", None)
        if key is not None:
            outputs[key] = output
    return outputs


@hook
def component_post_success(payload):
    key = payload.action_id
    span = spans.pop(key, None)
    if span is None:
        return
    result, samples = payload.result, payload.sampling_results
    text, length = response_of(result)
    if not below.get(key) or is_lazy(result):
        below.pop(key, None)
    else:
        settle(key, (), outputs_of(result, samples))
    logs = 1 if payload.generate_log is not None else 0
    span_close(span, H_COMPONENT_POST_SUCCESS, OK,
               F_NUM_GENERATE_LOGS, logs if samples is None else len(samples),
               F_SAMPLING_SUCCESS, payload.sampling_success,
               F_RESPONSE, captured(text),
               F_RESPONSE_LENGTH, length,
               *latency(payload.latency_ms))


def action_fails(key, error):
    span = spans.pop(key, None)
    if span is None:
        return
    if error is None and dialect == MELLEA_0_7:
        error = Exception("unknown error")
    settle(key, interrupts(error), {})
    end_failed(span, H_COMPONENT_POST_ERROR, error)


@hook
def component_post_error(payload):
    action_fails(payload.action_id, payload.error)


# ---- generations

def format_pairs(format):
    if format is None:
        return F_HAS_FORMAT, False
    return (F_HAS_FORMAT, True,
            F_OUTPUT_TYPE, "json_schema" if dialect == MELLEA_0_7 else "json",
            F_FORMAT_TYPE, getattr(format, "__name__", None))


def chat_begins(key, action, options, format, tool_calls, model, provider):
    if not key:
        return
    if dialect == MELLEA_0_7:  # says so at the end only
        model = provider = None
    span = opened(
        chats, H_GENERATION_PRE_CALL, key,
        F_OPERATION, "chat",
        F_MODEL, model or None,
        F_PROVIDER, provider or None,
        F_GENERATION_COMPONENT_TYPE, class_name(action),
        F_REQUEST_STREAM, True if options and options.get(STREAM, False) else None,
        F_GENERATION_TOOL_CALLS, plain(tool_calls),
        F_CONVERSATION_ID, conversation(),
        *format_pairs(format))
    if span is not None and below:
        belongs(key, owner_of_new())


@hook
def generation_pre_call(payload):
    chat_begins(payload.generation_id, payload.action, payload.model_options, payload.format,
                payload.tool_calls, getattr(payload, "model", None),
                getattr(payload, "provider", None))


def chat_ends(key, output, milliseconds):
    pairs = output_pairs(output) + latency(milliseconds)
    span = chats.pop(key, None)
    if span is not None:
        span_close(span, H_GENERATION_POST_CALL, OK, *pairs)
    else:
        observed(current(), H_GENERATION_POST_CALL, *pairs)


@hook
def generation_post_call(payload):
    chat_ends(payload.generation_id, payload.model_output, payload.latency_ms)


def chat_fails(key, error, output, milliseconds):
    pairs = classify(error)
    if output is not None:
        generation = output.generation
        pairs += (F_OPERATION, "chat",
                  F_MODEL, generation.model or None,
                  F_PROVIDER, generation.provider or None,
                  *latency(milliseconds))
    span = chats.pop(key, None)
    if span is not None:
        end_failed(span, H_GENERATION_ERROR, error, "", pairs)
    else:
        observed(current(), H_GENERATION_ERROR, *observed_error(error), *pairs)


@hook
def generation_error(payload):
    chat_fails(payload.generation_id, payload.exception, payload.model_output,
               getattr(payload, "latency_ms", None))


@hook
def generation_event(payload):
    span = chats.get(payload.generation_id)
    if payload.event_name != "chunk_processed":
        observed(span, H_GENERATION_EVENT, F_EVENT_NAME, payload.event_name)
    elif span is not None:
        get = payload.data.get
        span_point(span, dialect, H_GENERATION_EVENT, 0,
                   F_EVENT_NAME, "chunk_processed",
                   F_GENERATION_CHUNK_INDEX, get("chunk_index"),
                   F_GENERATION_CHUNK_LENGTH, get("chunk_text_length"),
                   F_SINCE_LAST_CHUNK_MS, get("time_since_last_chunk_ms"))


def batch_begins(key, count, format, tool_calls, model, provider):
    if key:
        opened(chats, H_GENERATION_BATCH_PRE_CALL, key,
               F_OPERATION, "text_completion",
               F_MODEL, model or None,
               F_PROVIDER, provider or None,
               F_NUM_ACTIONS, count,
               F_GENERATION_TOOL_CALLS, plain(tool_calls),
               F_CONVERSATION_ID, conversation(),
               *format_pairs(format))


@hook
def generation_batch_pre_call(payload):
    batch_begins(payload.generation_id, payload.num_actions, payload.format, payload.tool_calls,
                 payload.model, payload.provider)


def batch_ends(key, usage, milliseconds):
    span = chats.pop(key, None)
    if span is not None:
        span_close(span, H_GENERATION_BATCH_POST_CALL, OK,
                   *usage_pairs(usage), *latency(milliseconds))


@hook
def generation_batch_post_call(payload):
    batch_ends(payload.generation_id, payload.usage, payload.latency_ms)


def batch_fails(key, error, milliseconds):
    span = chats.pop(key, None)
    if span is not None:
        end_failed(span, H_GENERATION_BATCH_ERROR, error, "",
                   latency(milliseconds) + classify(error))


@hook
def generation_batch_error(payload):
    batch_fails(payload.generation_id, payload.exception, payload.latency_ms)


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
    elif span is not None:
        span_point(span, dialect, H_STREAMING_EVENT, 0, *pairs_of(payload.event))


def failed_check(reason):
    """Mellea's "Streaming validation failed: REASON": what a requirement says of the text is
    content."""
    reason = reason or ""
    return reason if content else reason.partition(":")[0]


@hook
def streaming_end(payload):
    key = payload.streaming_id
    span = spans.pop(key, None)
    if span is None:
        return
    around.pop(key, None)
    settle(key, (), {})
    length = payload.full_text_length
    if dialect == MELLEA_0_7:  # later ones have an event for it
        span_point(span, dialect, H_STREAMING_END, 0, *completed(payload.success, length))
    pairs = (F_STREAM_FULL_LENGTH, length, F_MODEL, payload.model, F_PROVIDER, payload.provider)
    if payload.success:
        span_close(span, H_STREAMING_END, OK, *pairs)
    else:
        end_failed(span, H_STREAMING_END, payload.exception, failed_check(payload.failure_reason),
                   pairs + classify(payload.exception))


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
    if span is not None:
        span_point(span, dialect, H_SAMPLING_ITERATION, 0, F_EVENT_NAME, "iteration", *pairs)
    else:
        observed(current(), H_SAMPLING_ITERATION,
                 F_STRATEGY_TYPE, payload.strategy_name or None, *pairs)


@hook
def sampling_repair(payload):
    pairs = (F_REPAIR_ITERATION, payload.repair_iteration,
             F_REPAIR_TYPE, payload.repair_type,
             F_FAILED_COUNT, len(payload.failed_validations))
    span = spans.get(getattr(payload, "sampling_id", None))
    if span is not None:
        span_point(span, dialect, H_SAMPLING_REPAIR, 0, F_EVENT_NAME, "repair", *pairs)
    else:
        observed(current(), H_SAMPLING_REPAIR, *pairs)


@hook
def sampling_loop_end(payload):
    error = getattr(payload, "exception", None)
    pairs = (F_SAMPLING_SUCCESS, payload.success,
             F_ITERATIONS_USED, payload.iterations_used,
             F_SAMPLING_FAILURE_REASON, payload.failure_reason)
    span = spans.pop(getattr(payload, "sampling_id", None), None)
    if span is None:
        observed(current(), H_SAMPLING_LOOP_END, F_STRATEGY_TYPE, payload.strategy_name or None,
                 *pairs, *observed_error(error))
    elif error is None:
        span_close(span, H_SAMPLING_LOOP_END, OK, *pairs)
    else:
        end_failed(span, H_SAMPLING_LOOP_END, error)


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
    if span is not None and error is not None:
        end_failed(span, H_VALIDATION_POST_CHECK, error)
        return
    pairs = (F_VALIDATION_PASSED, payload.all_validations_passed,
             F_PASSED_COUNT, payload.passed_count,
             F_FAILED_COUNT, payload.failed_count,
             F_FAILURE_REASONS, failure_reasons(payload.results))
    if span is not None:
        span_close(span, H_VALIDATION_POST_CHECK, OK, *pairs)
    else:
        observed(current(), H_VALIDATION_POST_CHECK, *pairs, *observed_error(error))


# ---- tools: no ids in 0.7 either

def tool_pairs(call):
    pairs = F_TOOL_NAME, getattr(call, "name", None) or "unknown"
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
    pairs = (F_TOOL_STATUS, "success" if payload.success else "failure",
             F_TOOL_EXECUTION_TIME_MS, payload.execution_time_ms)
    span = spans.pop(getattr(payload, "tool_invocation_id", None), None)
    if span is None:
        name = getattr(payload.model_tool_call, "name", None) or "unknown"
        observed(current(), H_TOOL_POST_INVOKE,
                 F_TOOL_NAME, name, *pairs, *observed_error(payload.error))
    elif payload.success:
        span_close(span, H_TOOL_POST_INVOKE, OK,
                   *pairs, F_TOOL_RESULT, captured(payload.tool_output))
    else:
        end_failed(span, H_TOOL_POST_INVOKE, payload.error, "", pairs)


# ---- sessions: spans from the calls that Mellea makes itself, hooks without

def where():
    """The calling thread and task."""
    asyncio = sys.modules.get("asyncio")
    task = None
    if asyncio is not None and asyncio._get_running_loop() is not None:
        task = asyncio.current_task()
    return get_ident(), id(task)


def startup_begins(session, get):
    opened(sessions, H_STARTUP_BEGIN, session + STARTUP,
           F_SESSION_ID, session,
           F_BACKEND_NAME, plain(get("backend")),
           F_MODEL, plain(get("model_id")),
           F_CONTEXT_TYPE, plain(get("context_type")))


def startup_ends(session, error):
    end_session(session + STARTUP, H_STARTUP_END, error)


def session_begins(session, get):
    if opened(sessions, H_SESSION_ENTER, session,
              F_SESSION_ID, session,
              F_CONTEXT_TYPE, plain(get("context_type")),
              F_PROVIDER, plain(get("backend"))):
        entered[session] = where()


def session_ends(session, error):
    end_session(session, H_SESSION_EXIT, error)


def end_session(key, hook, error):
    entered.pop(key, None)
    span = sessions.pop(key, None)
    if span is None:
        return
    if error is None:
        span_close(span, hook, OK)
    else:
        end_failed(span, hook, error)


def session_observed(hook, session, *pairs):
    span = sessions.get(session) or sessions.get((session or "") + STARTUP)
    observed(span, hook, F_SESSION_ID, session, *pairs)


def session_inits(session, backend, model, context_type):
    session_observed(H_SESSION_PRE_INIT, session, F_BACKEND_NAME, backend, F_MODEL, model,
                     F_CONTEXT_TYPE, context_type)


@hook
def session_pre_init(payload):
    session_inits(payload.session_id, payload.backend_name, payload.model_id, payload.context_type)


@hook
def session_post_init(payload):
    session_observed(H_SESSION_POST_INIT, payload.session_id, F_MODEL, payload.model_id)


@hook
def session_reset(payload):
    session_observed(H_SESSION_RESET, conversation())


@hook
def session_cleanup(payload):
    session_observed(H_SESSION_CLEANUP, payload.session_id,
                     F_INTERACTION_COUNT, payload.interaction_count,
                     *observed_error(payload.exception))


def session_cleans(session, error):
    """In the thread or task that leaves it."""
    session_observed(H_SESSION_CLEANUP, session.id,
                     F_INTERACTION_COUNT, session._interaction_count, *observed_error(error))
    if session.id in entered and entered[session.id] != where():
        session_ends(session.id, error)


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
