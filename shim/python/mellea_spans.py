# SPDX-License-Identifier: Apache-2.0
"""What Mellea's hooks say, as events and spans: by meaning (shim/field.h), not by attribute name.

Runs in a dictionary of its own with the globals of runtime.py, and in the same mellea_acts.py,
mellea_checks.py and, where metrics or plugins want it, mellea_measures.py. mellea.py takes the
handlers and says when they are called. Each takes a hook's payload or, without "payload" in its
head, the values themselves. Host threads, with the GIL; errors go to the caller. Must not:
hand over content (responses, tool arguments and results, reasons) while the gate is closed.

A hook of Mellea's is told even where it has no span to open, mark or end (a span that was lost, or
that Mellea traces itself): then as an observed point. An end that no hook tells is INFERRED.

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
        span_close(span, hook, ERROR | INFERRED,
                   K_STATUS_MESSAGE, "abandoned: nothing told its end")


def observed(span, hook, *pairs):
    """What Mellea makes no span or span event of."""
    if wanted:
        span_point(span, dialect, hook, OBSERVED, *pairs)


def opened(table, hook, key, *pairs):
    version = find_version() if scope_version is None else scope_version
    if tracing["_tracing_enabled"] and stays_out():
        observed(current(), hook, F_CORRELATION_ID, key, F_SCOPE_VERSION, version or None, *pairs)
        return None
    span = span_open(dialect, hook, key, None, F_CORRELATION_ID, key,
                     F_SCOPE_VERSION, version or None, *pairs)
    if span is not None:
        table[key] = span
        if len(table) > LIMIT:
            abandon(table, hook)
    return span


def marked(span, hook, *pairs):
    """A span event, if there is the span."""
    if span is not None:
        span_point(span, dialect, hook, 0, *pairs)
    else:
        observed(current(), hook, *pairs)


def ended(span, hook, *pairs):
    if span is not None:
        span_close(span, hook, OK, *pairs)
    else:
        observed(current(), hook, *pairs)


def end_failed(span, hook, error, message="", pairs=()):
    """An exception's text is recorded whatever the gate: so does Mellea."""
    if span is None:
        observed(current(), hook, *observed_error(error), *pairs)
    elif error is not None:
        span_close(span, hook, EXCEPTION, *pairs, *exception_pairs(error))
    else:
        span_close(span, hook, ERROR, K_STATUS_MESSAGE, message, *pairs)


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
                span_close(span, H_GENERATION_ERROR, EXCEPTION | INFERRED, *pairs)
            elif key in outputs:
                span_close(span, H_GENERATION_POST_CALL, OK | INFERRED,
                           *output_pairs(outputs[key]))
            else:
                span_close(span, H_GENERATION_POST_CALL, OK | INFERRED)
            continue
        span = spans.pop(key, None)
        if span is not None:
            span_close(span, H_COMPONENT_POST_ERROR, (EXCEPTION if pairs else OK) | INFERRED,
                       *pairs)


def interrupts(error):
    """Pairs of what ends everything that was under way: a cancellation, an exit. Other exceptions
    are told by the hooks of the generation that they are from."""
    return () if error is None or isinstance(error, Exception) else exception_pairs(error)


# ---- handlers

handlers = {}  # name of the hook: function of its payload


def hook(function):
    handlers[function.__name__] = function
    return function


def include(name):
    exec(compile(source[name], FILE, "exec"), globals())


if wanted:
    include("mellea_measures")
include("mellea_acts")
include("mellea_checks")
