# SPDX-License-Identifier: Apache-2.0
"""Sessions, actions, generations: part of mellea_spans.py, in whose dictionary it runs."""

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
    if span is None and not wanted:
        return
    result, samples = payload.result, payload.sampling_results
    text, length = response_of(result)
    if not below.get(key) or is_lazy(result):
        below.pop(key, None)
    else:
        settle(key, (), outputs_of(result, samples))
    logs = 1 if payload.generate_log is not None else 0
    ended(span, H_COMPONENT_POST_SUCCESS,
          F_NUM_GENERATE_LOGS, logs if samples is None else len(samples),
          F_SAMPLING_SUCCESS, payload.sampling_success,
          F_RESPONSE, captured(text),
          F_RESPONSE_LENGTH, length,
          *latency(payload.latency_ms))


def action_fails(key, error):
    span = spans.pop(key, None)
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
    if wanted:
        pairs += cost_pairs(output.generation.model, output.generation.provider,
                            output.generation.usage)
    ended(chats.pop(key, None), H_GENERATION_POST_CALL, *pairs)


@hook
def generation_post_call(payload):
    chat_ends(payload.generation_id, payload.model_output, payload.latency_ms)


def chat_fails(key, error, output, milliseconds):
    pairs = error_pairs(error) if wanted else ()
    if output is not None:
        generation = output.generation
        pairs += (F_OPERATION, "chat",
                  F_MODEL, generation.model or None,
                  F_PROVIDER, generation.provider or None,
                  *latency(milliseconds))
        if wanted:
            pairs += failed_stream_pairs(generation)
    end_failed(chats.pop(key, None), H_GENERATION_ERROR, error, "", pairs)


@hook
def generation_error(payload):
    chat_fails(payload.generation_id, payload.exception, payload.model_output,
               getattr(payload, "latency_ms", None))


@hook
def generation_event(payload):
    span = chats.get(payload.generation_id)
    if payload.event_name != "chunk_processed":
        observed(span, H_GENERATION_EVENT, F_EVENT_NAME, payload.event_name)
    else:
        get = payload.data.get
        marked(span, H_GENERATION_EVENT,
               F_EVENT_NAME, "chunk_processed",
               F_GENERATION_CHUNK_INDEX, get("chunk_index"),
               F_GENERATION_CHUNK_LENGTH, get("chunk_text_length"),
               F_SINCE_LAST_CHUNK_MS, get("time_since_last_chunk_ms"),
               *(model_pairs(payload.model, payload.provider) if wanted else ()))


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


def batch_ends(key, usage, milliseconds, model, provider):
    pairs = usage_pairs(usage) + latency(milliseconds)
    if wanted:
        pairs += model_pairs(model, provider) + cost_pairs(model, provider, usage)
    ended(chats.pop(key, None), H_GENERATION_BATCH_POST_CALL, *pairs)


@hook
def generation_batch_post_call(payload):
    batch_ends(payload.generation_id, payload.usage, payload.latency_ms, payload.model,
               payload.provider)


def batch_fails(key, error, milliseconds, model, provider):
    pairs = latency(milliseconds)
    if wanted:
        pairs += model_pairs(model, provider) + error_pairs(error)
    end_failed(chats.pop(key, None), H_GENERATION_BATCH_ERROR, error, "", pairs)


@hook
def generation_batch_error(payload):
    batch_fails(payload.generation_id, payload.exception, payload.latency_ms, payload.model,
                payload.provider)
