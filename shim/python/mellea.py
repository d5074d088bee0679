# SPDX-License-Identifier: Apache-2.0
"""Mellea's plugin hooks as hook events, told by meaning (shim/field.h), never by attribute name.

Executed by runtime.py when a program imports Mellea, with the `_spanshim` functions as globals:
`patches` names the modules to change right after they are executed. Runs in the host's threads.
Must not: let an error of its own out, change what the host computes, run anything of the host's
that it would not run itself, or hand over content (responses, tool arguments and results, reasons)
while the content gate is closed.

What Mellea tells, and to whom. It asks has_plugins(hook) before it does anything for a hook. Where
a plugin of the user subscribes, all goes its ordinary way and the payload is observed when the
plugins have had it. Where none does, there are two ways to observe:
- has_plugins answers True, Mellea builds the payload and hands it to invoke_hook. The payload is
  then a plain object (`twins` below): no cpex needed, nothing to validate, nothing to fail.
- for hooks where building and handing over would do more than that (`peeks` below), what is wanted
  is read from the caller's variables right there, and the answer stays what it was.

Spans in flight are in plain dictionaries by Mellea's own ids, whose pop is atomic with and without
the interpreter lock. What ends spans that Mellea itself would leave open:
- an action's end ends the generations, samplings and validations that were opened below it, except
  that the thunk of a lazy result may still be waited for: its generation ends when it does. So
  ends a generation whose backend returned a computed result (no hook tells), or was cancelled.
- a stream's end ends its generations in the same way.
- sessions never left, streams and lazy results never consumed stay open: that is what they are,
  and the process's end reports them as unfinished. More than `LIMIT` at a time are not kept: the
  oldest are then ended as abandoned.
"""
import sys
from types import SimpleNamespace

span_open, span_close, span_point = open, close, point
frame_of = sys._getframe
object_new = object.__new__

# Constants F_MODEL, H_STREAMING_START, ... of the dictionaries F and H: one look-up less each.
globals().update(("F_" + name, number) for name, number in F.items())
globals().update(("H_" + name.upper(), number) for name, number in H.items())

LIMIT = 1 << 16  # spans in flight
STREAM = "@@@stream@@@"  # the model option; Mellea's core has it as a literal, too
CO_COROUTINE = 0x80

# What the code of this file can raise itself. Anything else that goes through it was thrown into
# the host (a signal handler's exception, a timeout's) and is the host's.
OURS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    NameError,
    RuntimeError,
    TypeError,
    ValueError,
)

dialect = MELLEA_0_8
scope_version = None
tracing = {"_tracing_enabled": False}  # namespace of mellea.telemetry.tracing, once there is one
helpers = None  # mellea.telemetry._tracing_helpers, newer than 0.7
manager = {"_plugin_manager": None}  # namespace of mellea.plugins.manager
content_limit = 500  # characters
told = set()  # what the log has been told

sessions = {}  # key: session id, of `start_session` with STARTUP behind it
spans = {}  # key: id of an action, a stream, a sampling, a validation, a tool invocation
chats = {}  # key: generation id, also of batches
below = {}  # key: id of an action or stream; [ids of what was opened below it]
around = {}  # key: id of a stream; id of the action that it is in, or None
STARTUP = ":startup"


def tell(text):
    if text not in told:
        told.add(text)
        log(text)


def fault():
    error = sys.exc_info()[1]
    tell("mellea adapter: %s: %s" % (type(error).__name__, error))


def stays_out():
    """Whether the program's own tracing is on: no double telemetry. It may be turned on or off at
    any time; what was open then still ends."""
    if not tracing["_tracing_enabled"]:
        return False
    tell("Mellea's own tracing is on: no spans of it from here")
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


def subscribed(hook):
    """As Mellea's invoke_hook sees it."""
    plugins = manager["_plugin_manager"]
    return plugins is not None and manager["_plugins_enabled"] and plugins.has_hooks_for(hook)


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
    conversation = sys.modules["mellea.telemetry.context"].get_session_id
    return conversation()


def hide_lines(report, summary, seen):
    """Source lines quote what the program says, prompts among it."""
    if report is None or id(report) in seen:
        return
    seen.add(id(report))
    report.stack = summary.from_list([(f.filename, f.lineno, f.name, "") for f in report.stack])
    if getattr(report, "text", None):  # of a SyntaxError
        report.text = None
    hide_lines(report.__cause__, summary, seen)
    hide_lines(report.__context__, summary, seen)
    for member in getattr(report, "exceptions", None) or ():
        hide_lines(member, summary, seen)


def stack_of(error):
    try:
        if content:
            return stacktrace_of(error)
        import traceback

        report = traceback.TracebackException(
            type(error), error, error.__traceback__, lookup_lines=False
        )
        strip(report, set())
        hide_lines(report, traceback.StackSummary, set())
        return "".join(report.format())
    except Exception:
        return None


def failure(error):
    """Pairs of an exception. Its text is recorded whatever the gate: so does Mellea."""
    message = message_of(error)
    return (
        K_STATUS_MESSAGE,
        message,
        K_EXCEPTION_MESSAGE,
        message,
        F_ERROR_TYPE,
        type(error).__name__,
        F_EXCEPTION_NAME,
        name_of(error),
        F_EXCEPTION_STACKTRACE,
        stack_of(error),
    )


def classify(error):
    """Pairs of Mellea's semantic class of an error, for metrics. It asks for openai's exceptions
    and imports openai for that: not for us where the program has not."""
    metrics = sys.modules.get("mellea.telemetry.metrics")
    try:
        if error is not None and sys.modules.get("openai") is not None:
            return F_ERROR_CLASS, metrics.classify_error(error)
    except Exception:
        pass
    return ()


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
        F_INPUT_TOKENS,
        get("prompt_tokens"),
        F_OUTPUT_TOKENS,
        get("completion_tokens"),
        F_TOTAL_TOKENS,
        get("total_tokens"),
        F_CACHE_READ_TOKENS,
        cached,
        F_CACHE_CREATION_TOKENS,
        get("cache_creation_input_tokens"),
        F_REASONING_TOKENS,
        reasoning,
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
        F_OPERATION,
        "chat",
        F_MODEL,
        generation.model or None,
        F_PROVIDER,
        generation.provider or None,
        F_RESPONSE_MODEL,
        generation.response_model or None,
        F_RESPONSE_ID,
        generation.response_id or None,
        F_FINISH_REASONS,
        list(reasons) if reasons else None,
        F_TIME_TO_FIRST_CHUNK,
        None if first_ms is None else first_ms / 1000.0,
        F_STREAMING,
        True if generation.streaming else None,
        F_GENERATION_COMPONENT_TYPE,
        class_name(getattr(call, "action", None)),
        F_CONTEXT_SIZE,
        size,
    ) + usage_pairs(generation.usage)


# ---- spans


def abandon(table, hook):
    """The oldest quarter of a table that has grown too long."""
    for key in list(table)[: LIMIT // 4]:
        span = table.pop(key, None)
        below.pop(key, None)
        around.pop(key, None)
        span_close(span, hook, ERROR, K_STATUS_MESSAGE, "abandoned: nothing told its end")


def opened(table, hook, key, *pairs):
    if tracing["_tracing_enabled"] and stays_out():
        return None
    version = find_version() if scope_version is None else scope_version
    span = span_open(
        dialect, hook, key, None, F_CORRELATION_ID, key, F_SCOPE_VERSION, version or None, *pairs
    )
    if span is not None:
        table[key] = span
        if len(table) > LIMIT:
            abandon(table, hook)
    return span


def observed(span, hook, *pairs):
    """Something that Mellea makes no span event of."""
    if not (tracing["_tracing_enabled"] and stays_out()):
        span_point(span, dialect, hook, OBSERVED, *pairs)


def observed_error(error):
    return () if error is None else (F_ERROR_TYPE, type(error).__name__)


def owner_of_new():
    """Id of the innermost action or stream."""
    stream = enclosing(H_STREAMING_START)
    if stream is None:
        return enclosing(H_COMPONENT_PRE_EXECUTE)
    action = enclosing(H_COMPONENT_PRE_EXECUTE)
    return stream if action == around.get(stream) else action


def belongs(key, owner):
    children = below.get(owner)
    if children is not None:
        children.append(key)


def settle(owner, pairs, outputs):
    """Ends what is still open below an action or stream. `pairs`: of the exception that has
    interrupted it all; `outputs`: thunks that came out of it, by generation id."""
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
    are told by the hooks of the generation they are from."""
    return () if error is None or isinstance(error, Exception) else failure(error)


# ---- hooks: what each payload says

handlers = {}  # hook's name: function of the payload


def hook(function):
    handlers[function.__name__] = function
    return function


def begin_action(key, action, requirements, strategy, format, tool_calls):
    if key and opened(
        spans,
        H_COMPONENT_PRE_EXECUTE,
        key,
        F_COMPONENT_TYPE,
        class_name(action),
        F_HAS_REQUIREMENTS,
        bool(requirements),
        F_HAS_STRATEGY,
        strategy is not None,
        F_STRATEGY_TYPE,
        class_name(strategy),
        F_HAS_FORMAT,
        format is not None,
        F_TOOL_CALLS,
        plain(tool_calls),
    ):
        below[key] = []


@hook
def component_pre_execute(p):
    begin_action(p.action_id, p.action, p.requirements, p.strategy, p.format, p.tool_calls_enabled)


def told_response(result):
    """(text or None, its length or None), as Mellea has a result speak."""
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
def component_post_success(p):
    span = spans.pop(p.action_id, None)
    if span is None:
        return
    result, samples = p.result, p.sampling_results
    text, length = told_response(result)
    if not below.get(p.action_id) or is_lazy(result):
        below.pop(p.action_id, None)
    else:
        settle(p.action_id, (), outputs_of(result, samples))
    logs = 1 if p.generate_log is not None else 0
    span_close(
        span,
        H_COMPONENT_POST_SUCCESS,
        OK,
        F_NUM_GENERATE_LOGS,
        logs if samples is None else len(samples),
        F_SAMPLING_SUCCESS,
        p.sampling_success,
        F_RESPONSE,
        captured(text),
        F_RESPONSE_LENGTH,
        length,
        F_LATENCY_MS,
        float(p.latency_ms),
    )


@hook
def component_post_error(p):
    span = spans.pop(p.action_id, None)
    if span is None:
        return
    error = p.error
    if error is None and dialect == MELLEA_0_7:
        error = Exception("unknown error")
    settle(p.action_id, interrupts(error), {})
    end_failed(span, H_COMPONENT_POST_ERROR, error)


def end_failed(span, hook, error, message="", pairs=()):
    if error is not None:
        span_close(span, hook, EXCEPTION, *failure(error), *pairs)
    else:
        span_close(span, hook, ERROR, K_STATUS_MESSAGE, message, *pairs)


def begin_chat(key, action, options, format, tool_calls, model, provider):
    if not key:
        return
    formatted = format is not None
    span = opened(
        chats,
        H_GENERATION_PRE_CALL,
        key,
        F_OPERATION,
        "chat",
        F_MODEL,
        model or None,
        F_PROVIDER,
        provider or None,
        F_GENERATION_COMPONENT_TYPE,
        class_name(action),
        F_HAS_FORMAT,
        formatted,
        F_OUTPUT_TYPE,
        json_type() if formatted else None,
        F_FORMAT_TYPE,
        getattr(format, "__name__", None) if formatted else None,
        F_REQUEST_STREAM,
        True if options and options.get(STREAM, False) else None,
        F_GENERATION_TOOL_CALLS,
        plain(tool_calls),
        F_CONVERSATION_ID,
        conversation(),
    )
    if span is not None and below:
        belongs(key, owner_of_new())


def json_type():
    return "json_schema" if dialect == MELLEA_0_7 else "json"


@hook
def generation_pre_call(p):
    begin_chat(
        p.generation_id,
        p.action,
        p.model_options,
        p.format,
        p.tool_calls,
        getattr(p, "model", None),
        getattr(p, "provider", None),
    )


@hook
def generation_post_call(p):
    pairs = output_pairs(p.model_output) + (F_LATENCY_MS, float(p.latency_ms))
    span = chats.pop(p.generation_id, None)
    if span is not None:
        span_close(span, H_GENERATION_POST_CALL, OK, *pairs)
    else:
        observed(current(), H_GENERATION_POST_CALL, *pairs)


@hook
def generation_error(p):
    output, error = p.model_output, p.exception
    pairs = classify(error)
    if output is not None:
        generation = output.generation
        pairs += (
            F_OPERATION,
            "chat",
            F_MODEL,
            generation.model or None,
            F_PROVIDER,
            generation.provider or None,
            F_LATENCY_MS,
            float(getattr(p, "latency_ms", 0.0)),
        )
    span = chats.pop(p.generation_id, None)
    if span is not None:
        end_failed(span, H_GENERATION_ERROR, error, "", pairs)
    else:
        observed(current(), H_GENERATION_ERROR, *observed_error(error), *pairs)


@hook
def generation_event(p):
    if p.event_name != "chunk_processed":
        observed(chats.get(p.generation_id), H_GENERATION_EVENT, F_EVENT_NAME, p.event_name)
        return
    span = chats.get(p.generation_id)
    if span is not None:
        get = p.data.get
        span_point(
            span,
            dialect,
            H_GENERATION_EVENT,
            0,
            F_EVENT_NAME,
            "chunk_processed",
            F_GENERATION_CHUNK_INDEX,
            get("chunk_index"),
            F_GENERATION_CHUNK_LENGTH,
            get("chunk_text_length"),
            F_SINCE_LAST_CHUNK_MS,
            get("time_since_last_chunk_ms"),
        )


def begin_batch(key, count, format, tool_calls, model, provider):
    if not key:
        return
    formatted = format is not None
    opened(
        chats,
        H_GENERATION_BATCH_PRE_CALL,
        key,
        F_OPERATION,
        "text_completion",
        F_MODEL,
        model or None,
        F_PROVIDER,
        provider or None,
        F_NUM_ACTIONS,
        count,
        F_HAS_FORMAT,
        formatted,
        F_OUTPUT_TYPE,
        json_type() if formatted else None,
        F_FORMAT_TYPE,
        getattr(format, "__name__", None) if formatted else None,
        F_GENERATION_TOOL_CALLS,
        plain(tool_calls),
        F_CONVERSATION_ID,
        conversation(),
    )


@hook
def generation_batch_pre_call(p):
    begin_batch(p.generation_id, p.num_actions, p.format, p.tool_calls, p.model, p.provider)


@hook
def generation_batch_post_call(p):
    span = chats.pop(p.generation_id, None)
    if span is not None:
        pairs = usage_pairs(p.usage)
        span_close(
            span, H_GENERATION_BATCH_POST_CALL, OK, F_LATENCY_MS, float(p.latency_ms), *pairs
        )


@hook
def generation_batch_error(p):
    span = chats.pop(p.generation_id, None)
    if span is not None:
        pairs = (F_LATENCY_MS, float(p.latency_ms)) + classify(p.exception)
        end_failed(span, H_GENERATION_BATCH_ERROR, p.exception, "", pairs)


@hook
def streaming_start(p):
    key = p.streaming_id
    action = enclosing(H_COMPONENT_PRE_EXECUTE)
    if key and opened(
        spans,
        H_STREAMING_START,
        key,
        F_STREAM_HAS_REQUIREMENTS,
        p.has_requirements,
        F_STREAM_REQUIREMENT_COUNT,
        p.requirement_count,
        F_CHUNKING_STRATEGY,
        p.chunking_strategy,
    ):
        below[key] = []
        around[key] = action


def quick_check(event):
    return (
        F_EVENT_NAME,
        "quick_check",
        F_STREAM_CHUNK_INDEX,
        event.chunk_index,
        F_STREAM_CHECK_PASSED,
        event.passed,
        F_STREAM_CHECK_COUNT,
        len(event.results),
    )


def chunk(event):
    return (
        F_EVENT_NAME,
        "chunk",
        F_STREAM_CHUNK_INDEX,
        event.chunk_index,
        F_STREAM_CHUNK_LENGTH,
        len(event.text),
    )


def streaming_done(event):
    return F_EVENT_NAME, "streaming_done", F_STREAM_FULL_LENGTH, len(event.full_text)


def full_validation(event):
    return (
        F_EVENT_NAME,
        "full_validation",
        F_STREAM_CHECK_PASSED,
        event.passed,
        F_STREAM_CHECK_COUNT,
        len(event.results),
    )


def stream_error(event):
    return (
        F_EVENT_NAME,
        "error",
        F_STREAM_ERROR_TYPE,
        event.exception_type,
        F_STREAM_ERROR_DETAIL,
        event.detail,
    )


def completed(event):
    return stream_completed(event.success, len(event.full_text))


def stream_completed(success, length):
    return F_EVENT_NAME, "completed", F_STREAM_SUCCESS, success, F_STREAM_FULL_LENGTH, length


stream_events = {
    "QuickCheckEvent": quick_check,
    "ChunkEvent": chunk,
    "StreamingDoneEvent": streaming_done,
    "FullValidationEvent": full_validation,
    "ErrorEvent": stream_error,
    "CompletedEvent": completed,
}


@hook
def streaming_event(p):
    span = spans.get(p.streaming_id)
    kind = type(p.event).__name__
    describe = stream_events.get(kind)
    if describe is None:
        observed(span, H_STREAMING_EVENT, F_EVENT_NAME, kind)
    elif span is not None:
        span_point(span, dialect, H_STREAMING_EVENT, 0, *describe(p.event))


@hook
def streaming_end(p):
    key = p.streaming_id
    span = spans.pop(key, None)
    if span is None:
        return
    around.pop(key, None)
    settle(key, (), {})
    if dialect == MELLEA_0_7:  # later ones have an event for it
        pairs = stream_completed(p.success, p.full_text_length)
        span_point(span, dialect, H_STREAMING_END, 0, *pairs)
    pairs = (
        F_STREAM_FULL_LENGTH,
        p.full_text_length,
        F_MODEL,
        p.model,
        F_PROVIDER,
        p.provider,
    )
    if p.success:
        span_close(span, H_STREAMING_END, OK, *pairs)
        return
    pairs += classify(p.exception)
    end_failed(span, H_STREAMING_END, p.exception, failed_check(p.failure_reason), pairs)


def failed_check(reason):
    """Mellea's "Streaming validation failed: REASON": what a requirement says of the text is
    content."""
    reason = reason or ""
    return reason if content else reason.partition(":")[0]


@hook
def streaming_orchestration_start(p):
    # 0.7 consumes a stream in a task of its own, which began below the generation: what it does
    # from here on is the stream's.
    span = spans.get(p.streaming_id)
    if span is not None:
        swap(span)
    observed(span, H_STREAMING_ORCHESTRATION_START)


@hook
def streaming_orchestration_end(p):
    observed(spans.get(p.streaming_id), H_STREAMING_ORCHESTRATION_END)


@hook
def sampling_loop_start(p):
    key = getattr(p, "sampling_id", None)  # 0.7 has none, and no span either
    pairs = (
        F_STRATEGY_TYPE,
        p.strategy_name or None,
        F_LOOP_BUDGET,
        p.loop_budget,
        F_SAMPLING_REQUIREMENT_COUNT,
        len(p.requirements),
    )
    if not key:
        observed(current(), H_SAMPLING_LOOP_START, *pairs)
        return
    owner = owner_of_new() if below else None
    if opened(spans, H_SAMPLING_LOOP_START, key, *pairs):
        belongs(key, owner)


@hook
def sampling_iteration(p):
    pairs = (
        F_ITERATION,
        p.iteration,
        F_ALL_VALIDATIONS_PASSED,
        p.all_validations_passed,
        F_VALID_COUNT,
        p.valid_count,
        F_VALIDATION_REQUIREMENT_COUNT,
        p.total_count,
    )
    span = spans.get(getattr(p, "sampling_id", None))
    if span is not None:
        span_point(span, dialect, H_SAMPLING_ITERATION, 0, F_EVENT_NAME, "iteration", *pairs)
    else:
        pairs += (F_STRATEGY_TYPE, p.strategy_name or None)
        observed(current(), H_SAMPLING_ITERATION, *pairs)


@hook
def sampling_repair(p):
    pairs = (
        F_REPAIR_ITERATION,
        p.repair_iteration,
        F_REPAIR_TYPE,
        p.repair_type,
        F_FAILED_COUNT,
        len(p.failed_validations),
    )
    span = spans.get(getattr(p, "sampling_id", None))
    if span is not None:
        span_point(span, dialect, H_SAMPLING_REPAIR, 0, F_EVENT_NAME, "repair", *pairs)
    else:
        observed(current(), H_SAMPLING_REPAIR, *pairs)


@hook
def sampling_loop_end(p):
    error = getattr(p, "exception", None)
    pairs = (
        F_SAMPLING_SUCCESS,
        p.success,
        F_ITERATIONS_USED,
        p.iterations_used,
        F_SAMPLING_FAILURE_REASON,
        p.failure_reason,
    )
    span = spans.pop(getattr(p, "sampling_id", None), None)
    if span is None:
        pairs += (F_STRATEGY_TYPE, p.strategy_name or None)
        observed(current(), H_SAMPLING_LOOP_END, *pairs, *observed_error(error))
    elif error is None:
        span_close(span, H_SAMPLING_LOOP_END, OK, *pairs)
    else:
        end_failed(span, H_SAMPLING_LOOP_END, error)


@hook
def validation_pre_check(p):
    key = getattr(p, "validation_id", None)
    count = len(p.requirements)
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
def validation_post_check(p):
    error = getattr(p, "exception", None)
    span = spans.pop(getattr(p, "validation_id", None), None)
    if span is not None and error is not None:
        end_failed(span, H_VALIDATION_POST_CHECK, error)
        return
    pairs = (
        F_VALIDATION_PASSED,
        p.all_validations_passed,
        F_PASSED_COUNT,
        p.passed_count,
        F_FAILED_COUNT,
        p.failed_count,
        F_FAILURE_REASONS,
        failure_reasons(p.results),
    )
    if span is not None:
        span_close(span, H_VALIDATION_POST_CHECK, OK, *pairs)
    else:
        observed(current(), H_VALIDATION_POST_CHECK, *pairs, *observed_error(error))


def tool_pairs(call):
    pairs = (F_TOOL_NAME, getattr(call, "name", None) or "unknown")
    if helpers is None:
        return pairs
    told = helpers.get_tool_call_attrs(call)
    arguments = None
    if content:
        arguments = captured(helpers._serialize_arguments(getattr(call, "args", None)))
    return pairs + (
        F_OPERATION,
        "execute_tool",
        F_TOOL_TYPE,
        plain(told.get("gen_ai.tool.type")),
        F_TOOL_DESCRIPTION,
        plain(told.get("gen_ai.tool.description")),
        F_TOOL_CALL_ID,
        plain(told.get("gen_ai.tool.call.id")),
        F_TOOL_ARGUMENTS_HASH,
        told.get("mellea.tool.arguments_hash"),
        F_TOOL_ARGUMENTS,
        arguments,
    )


@hook
def tool_pre_invoke(p):
    key = getattr(p, "tool_invocation_id", None)
    pairs = tool_pairs(p.model_tool_call) + (F_TOOL_IS_CONTROL_FLOW, p.is_control_flow)
    if key:
        opened(spans, H_TOOL_PRE_INVOKE, key, *pairs)
    else:
        observed(current(), H_TOOL_PRE_INVOKE, *pairs)


@hook
def tool_post_invoke(p):
    pairs = (
        F_TOOL_STATUS,
        "success" if p.success else "failure",
        F_TOOL_EXECUTION_TIME_MS,
        p.execution_time_ms,
    )
    span = spans.pop(getattr(p, "tool_invocation_id", None), None)
    if span is None:
        pairs += (F_TOOL_NAME, getattr(p.model_tool_call, "name", None) or "unknown")
        observed(current(), H_TOOL_POST_INVOKE, *pairs, *observed_error(p.error))
    elif p.success:
        span_close(span, H_TOOL_POST_INVOKE, OK, *pairs, F_TOOL_RESULT, captured(p.tool_output))
    else:
        end_failed(span, H_TOOL_POST_INVOKE, p.error, "", pairs)


# ---- hooks without spans, their values one by one: also told from callers' variables


def session_told(hook, session, *pairs):
    span = sessions.get(session) or sessions.get((session or "") + STARTUP)
    observed(span, hook, F_SESSION_ID, session, *pairs)


def session_begins(session, backend, model, context_type):
    session_told(
        H_SESSION_PRE_INIT,
        session,
        F_BACKEND_NAME,
        backend,
        F_MODEL,
        model,
        F_CONTEXT_TYPE,
        context_type,
    )


@hook
def session_pre_init(p):
    session_begins(p.session_id, p.backend_name, p.model_id, p.context_type)


@hook
def session_post_init(p):
    session_told(H_SESSION_POST_INIT, p.session_id, F_MODEL, p.model_id)


@hook
def session_reset(p):
    session_told(H_SESSION_RESET, conversation())


def session_cleans(session, count, error):
    session_told(
        H_SESSION_CLEANUP, session, F_INTERACTION_COUNT, count, *observed_error(error)
    )


@hook
def session_cleanup(p):
    session_cleans(p.session_id, p.interaction_count, p.exception)


def phase_completes(name, phase, milliseconds):
    pairs = (F_ADAPTER_NAME, name, F_ADAPTER_PHASE, phase, F_DURATION_MS, float(milliseconds))
    observed(current(), H_ADAPTER_FUNCTION_PHASE_COMPLETE, *pairs)


@hook
def adapter_function_phase_complete(p):
    phase_completes(p.name, p.phase, p.duration_ms)


def invocation_completes(name, revision, binding_type, adapter_type, outcome, error):
    observed(
        current(),
        H_ADAPTER_FUNCTION_INVOCATION_COMPLETE,
        F_ADAPTER_NAME,
        name,
        F_ADAPTER_REVISION,
        revision,
        F_ADAPTER_BINDING_TYPE,
        binding_type,
        F_ADAPTER_TYPE,
        adapter_type,
        F_ADAPTER_OUTCOME,
        outcome,
        *observed_error(error),
    )


@hook
def adapter_function_invocation_complete(p):
    invocation_completes(
        p.name, p.revision, p.binding_type, p.adapter_type, p.outcome, p.error
    )


# ---- hooks that are better observed in the caller

# Hook's name: ways to read it, each the caller's variables that it takes and a function of their
# values. Reasons: an action's payload has a context rendered anew, which for a long chat takes
# milliseconds; a generation's would turn absent model options into empty ones for the backend; and
# hooks of plain functions would go through Mellea's event loop thread, where they wait for whatever
# that is doing, or make threads. A caller whose variables have other names has changed: coroutines
# then get the answer True, plain functions the answer that they would get without us.
peeks = {
    "component_pre_execute": (
        (
            ("action_id", "action", "requirements", "strategy", "format", "tool_calls"),
            begin_action,
        ),
    ),
    "generation_pre_call": (
        (
            ("generation_id", "action", "model_options", "format", "tool_calls", "self"),
            lambda key, action, options, format, tool_calls, backend: begin_chat(
                key, action, options, format, tool_calls, *serves_chat(backend)
            ),
        ),
    ),
    "generation_batch_pre_call": (
        (
            ("gen_id", "actions", "format", "tool_calls", "self"),
            lambda key, actions, format, tool_calls, backend: begin_batch(
                key, len(actions), format, tool_calls, backend._model_id, backend._provider
            ),
        ),
    ),
    "session_pre_init": (
        (
            ("session_id", "backend_name", "model_id_str", "resolved_ctx"),
            lambda session, backend, model, context: session_begins(
                session, backend, model, class_name(context)
            ),
        ),
    ),
    "session_post_init": (
        (
            ("session", "model_id_str"),
            lambda session, model: session_told(
                H_SESSION_POST_INIT, session.id, F_MODEL, model
            ),
        ),
    ),
    "session_reset": ((("self",), lambda session: session_told(H_SESSION_RESET, session.id)),),
    "session_cleanup": (
        (
            ("self", "exception"),
            lambda session, error: session_cleans(
                session.id, session._interaction_count, error
            ),
        ),
    ),
    "adapter_function_phase_complete": (
        (("name", "phase", "duration_ms"), phase_completes),
        (
            ("self", "phase", "duration_s"),
            lambda binding, phase, seconds: phase_completes(binding.name, phase, seconds * 1e3),
        ),
    ),
    "adapter_function_invocation_complete": (
        (
            ("name", "revision", "binding_type", "adapter_type", "outcome", "error"),
            invocation_completes,
        ),
    ),
}


def serves_chat(backend):
    if dialect == MELLEA_0_7:  # says so at the end only
        return None, None
    return backend._model_id, backend._provider


def peek(ways, frame):
    """The answer that has_plugins then gives."""
    variables = frame.f_locals
    for names, tell_of in ways:
        try:
            values = [variables[name] for name in names]
        except KeyError:
            continue
        tell_of(*values)
        return False
    return frame.f_code.co_flags & CO_COROUTINE != 0


# ---- changes to Mellea's modules


def disguise(function, original):
    """`function` looks like the one that it stands for."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        try:
            setattr(function, name, getattr(original, name))
        except AttributeError:
            pass
    function.__dict__.update(getattr(original, "__dict__", ()))
    function.__wrapped__ = original
    if original.__code__.co_flags & CO_COROUTINE and not (
        function.__code__.co_flags & CO_COROUTINE
    ):
        # A plain function that returns the original's coroutine: one frame less, and none in
        # tracebacks. The flag only says so; it does not make the function one.
        code = function.__code__
        function.__code__ = code.replace(co_flags=code.co_flags | CO_COROUTINE)
    function._spanshim = True
    return function


def is_ours(function):
    return getattr(function, "_spanshim", False)


def watched_has_plugins(original):
    def has_plugins(hook_type=None):
        answer = original(hook_type)
        if answer or hook_type is None:
            return answer
        try:
            name = hook_type._value_
            frame = frame_of(1)
            if (
                name not in handlers
                or (tracing["_tracing_enabled"] and stays_out())
                or not frame.f_globals["__name__"].startswith("mellea.")
            ):
                return answer
            ways = peeks.get(name)
            return True if ways is None else peek(ways, frame)
        except OURS:
            fault()
        return answer

    return disguise(has_plugins, original)


async def nothing_to_invoke(payload):
    return None, payload


# Hooks that open a span: none when a plugin blocks what was to come.
OPENING = frozenset(
    (
        "component_pre_execute",
        "generation_pre_call",
        "generation_batch_pre_call",
        "streaming_start",
        "sampling_loop_start",
        "validation_pre_check",
        "tool_pre_invoke",
    )
)


def watched_invoke_hook(original):
    async def invoke_plugins(hook_type, payload, handler, context):
        """The payload as the plugins leave it is what counts."""
        try:
            answer = await original(hook_type, payload, **context)
        except BaseException as error:
            strip_own_frame(error)
            if hook_type._value_ not in OPENING:
                observe(handler, payload)
            raise
        observe(handler, answer[1])
        return answer

    def invoke_hook(hook_type, payload, **context):
        try:
            name = hook_type._value_
            handler = handlers.get(name)
            if handler is not None:
                if isinstance(payload, Twin):
                    handler(payload)
                    # A plugin that has come since has_plugins was asked is too late for this one.
                    return nothing_to_invoke(payload)
                if subscribed(name):
                    return invoke_plugins(hook_type, payload, handler, context)
                handler(payload)
        except OURS:
            fault()
            if isinstance(payload, Twin):
                return nothing_to_invoke(payload)
        return original(hook_type, payload, **context)

    for function in invoke_plugins, nothing_to_invoke:
        function.__name__, function.__qualname__ = original.__name__, original.__qualname__
    return disguise(invoke_hook, original)


def observe(handler, payload):
    try:
        handler(payload)
    except OURS:
        fault()


def patch_manager(module):
    global manager
    if is_ours(module.invoke_hook):
        return
    manager = module.__dict__
    module.invoke_hook = watched_invoke_hook(module.invoke_hook)
    module.has_plugins = watched_has_plugins(module.has_plugins)


class Twin(SimpleNamespace):
    """A payload that no plugin will see: its fields, not validated."""


twins = {}  # payload class: (hook's name, subclass of Twin that has its defaults)


def hook_of(payload_class):
    """component_pre_execute of ComponentPreExecutePayload."""
    name = payload_class.__name__.removesuffix("Payload")
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


def twin_of(payload_class):
    defaults = {}
    fields = getattr(payload_class, "model_fields", None)
    if fields is not None:
        for name, field in fields.items():
            if not field.is_required():
                defaults[name] = field.get_default(call_default_factory=False)
    else:
        for base in reversed(payload_class.__mro__[:-1]):
            for name in base.__dict__.get("__annotations__", ()):
                if name in base.__dict__:
                    defaults[name] = base.__dict__[name]
    known = hook_of(payload_class), type(payload_class.__name__, (Twin,), defaults)
    twins[payload_class] = known
    return known


def patch_base(module):
    """Without the plugin framework, a payload cannot be built; with it, building one validates it.
    Mellea's own code gets a twin where no plugin subscribes; its users, what they always get."""
    payload_base = module.MelleaBasePayload
    if "__new__" in payload_base.__dict__:
        return

    def __new__(_self, *_args, **_kwargs):
        try:
            if _kwargs and frame_of(1).f_globals["__name__"].startswith("mellea."):
                name, twin = twins.get(_self) or twin_of(_self)
                if name in handlers and not subscribed(name):
                    return twin(**_kwargs)
        except OURS:
            fault()
        return object_new(_self)

    __new__.__module__ = payload_base.__module__
    __new__.__qualname__ = payload_base.__qualname__ + ".__new__"
    payload_base.__new__ = __new__


def session_opener(original, hook, suffix, name_pairs):
    def start(session_id, **details):
        span = original(session_id, **details)
        try:
            key = session_id + suffix
            opened(sessions, hook, key, F_SESSION_ID, session_id, *name_pairs(details.get))
        except OURS:
            fault()
        return span

    return disguise(start, original)


def session_closer(original, hook, suffix):
    def finish(session_id, *, exception=None):
        try:
            span = sessions.pop(session_id + suffix, None)
            if span is not None:
                if exception is None:
                    span_close(span, hook, OK)
                else:
                    end_failed(span, hook, exception)
        except OURS:
            fault()
        return original(session_id, exception=exception)

    return disguise(finish, original)


def startup_pairs(get):
    return (
        F_BACKEND_NAME,
        plain(get("backend")),
        F_MODEL,
        plain(get("model_id")),
        F_CONTEXT_TYPE,
        plain(get("context_type")),
    )


def session_pairs(get):
    return F_CONTEXT_TYPE, plain(get("context_type")), F_PROVIDER, plain(get("backend"))


def patch_tracing(module):
    """Mellea calls these itself around a session's two spans, in the caller's thread."""
    global content_limit, dialect, helpers, tracing
    if hasattr(module, "add_streaming_event"):
        dialect = MELLEA_0_7
    helpers = sys.modules.get("mellea.telemetry._tracing_helpers")
    content_limit = getattr(helpers, "_MAX_CONTENT_LEN", content_limit)
    if "_tracing_enabled" in module.__dict__:
        tracing = module.__dict__
        stays_out()
    for name, hook, suffix, pairs in (
        ("start_session_startup_span", H_STARTUP_BEGIN, STARTUP, startup_pairs),
        ("start_session_span", H_SESSION_ENTER, "", session_pairs),
        ("finish_session_startup_span", H_STARTUP_END, STARTUP, None),
        ("finish_session_span", H_SESSION_EXIT, "", None),
    ):
        original = getattr(module, name, None)
        if original is None or is_ours(original):
            continue
        if pairs is not None:
            setattr(module, name, session_opener(original, hook, suffix, pairs))
        else:
            setattr(module, name, session_closer(original, hook, suffix))


patches = {
    "mellea.plugins.base": patch_base,
    "mellea.plugins.manager": patch_manager,
    "mellea.telemetry.tracing": patch_tracing,
}
