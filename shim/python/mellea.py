# SPDX-License-Identifier: Apache-2.0
"""Adapter for Mellea: where its hooks are observed. What they say is in mellea_spans.py and the
files that it includes.

Runs in a dictionary of its own with the globals of runtime.py when a program imports Mellea;
`patches` names the modules to change right after they are executed. Host threads, with the GIL.
Must not: let an error of its own out, or have the host run, compute or wait for anything that it
would not without us.

Mellea asks has_plugins(hook) before it does anything for a hook. Where a plugin of the user
subscribes, all goes its ordinary way, and the payload is observed when the plugins have had it.
Where none does:
- the caller's variables say what the payload would, and the answer stays False (`peeks` below). For
  hooks whose payload is not free: an action's renders the context once more, which for a long chat
  takes milliseconds; a generation's turns absent model options into empty ones, and wants
  attributes that a backend need not have; a failed action's formats the traceback; hooks of plain
  functions go through Mellea's event loop thread, where they wait for whatever that is doing, or
  make a thread and a loop.
- else the answer is True, and Mellea builds the payload and hands it to invoke_hook. The payload is
  a plain object then (`Twin` below): no plugin framework needed, nothing validated, nothing to
  fail.
"""

import sys
from _thread import _local
from types import SimpleNamespace

frame_of = sys._getframe
object_new = object.__new__
COROUTINE = 0x80  # code flag

# What the code of the adapter can raise itself. Anything else that comes through it was thrown into
# the host (by a signal handler, a timeout) and is the host's.
OURS = (ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, MemoryError,
        NameError, RuntimeError, TypeError, ValueError)

# Hooks that say nothing when a plugin has blocked them: what was to begin does not; an action fails
# after all, and another hook tells it.
VOID_IF_BLOCKED = frozenset((
    "component_pre_execute", "component_post_success", "generation_pre_call",
    "generation_batch_pre_call", "streaming_start", "sampling_loop_start", "validation_pre_check",
    "tool_pre_invoke"))

told = SimpleNamespace(**run("mellea_spans", globals()))
handlers, stays_out, spans, chats = told.handlers, told.stays_out, told.spans, told.chats
manager = {"_plugin_manager": None}  # namespace of mellea.plugins.manager, once there is one
expected = _local()  # its `hook`: what a thread builds a payload for because has_plugins said True


def fault():
    error = sys.exc_info()[1]
    told.say("mellea: %s: %s" % (type(error).__name__, message_of(error)))


def is_expected(hook):
    if getattr(expected, "hook", None) != hook:
        return False
    expected.hook = None
    return True


def subscribed(hook):
    """As Mellea's invoke_hook sees it."""
    plugins = manager["_plugin_manager"]
    return plugins is not None and manager["_plugins_enabled"] and plugins.has_hooks_for(hook)


# ---- what callers' variables say

def peek_chat_begin(key, action, options, format, tool_calls, backend):
    told.chat_begins(key, action, options, format, tool_calls, getattr(backend, "_model_id", None),
                     getattr(backend, "_provider", None))


def peek_batch_begin(key, actions, format, tool_calls, backend):
    told.batch_begins(key, len(actions), format, tool_calls, getattr(backend, "_model_id", None),
                      getattr(backend, "_provider", None))


def peek_batch_end(key, usage, milliseconds, backend):
    told.batch_ends(key, usage, milliseconds, getattr(backend, "_model_id", None),
                    getattr(backend, "_provider", None))


def peek_batch_fails(key, error, start, backend):
    told.batch_fails(key, error, (sys.modules["time"].perf_counter() - start) * 1000,
                     getattr(backend, "_model_id", None), getattr(backend, "_provider", None))


def elapsed_ms(output):
    """Since the generation began."""
    start = output._gen.start
    if start is None:
        return None
    return (type(start).now(start.tzinfo) - start).total_seconds() * 1000


def peek_chat_end(output):
    told.chat_ends(output._call.generation_id, output, elapsed_ms(output))


def peek_chat_cancelled(output, error):
    error = RuntimeError("Generation cancelled") if error is None else error
    told.chat_fails(output._call.generation_id, error, output, elapsed_ms(output))


def peek_chat_failed(output, chunks):
    told.chat_fails(output._call.generation_id, chunks[-1], output, elapsed_ms(output))


# Name of the hook: ways to read it, each the names of variables and a function of their values. A
# caller that has none of these sets has changed: a coroutine then gets the answer True, a plain
# function the one that it would get without us.
peeks = {
    "component_pre_execute": (
        (("action_id", "action", "requirements", "strategy", "format", "tool_calls"),
         told.action_begins),),
    "component_post_error": (
        (("action_id", "exc"), told.action_fails),),
    "generation_pre_call": (
        (("generation_id", "action", "model_options", "format", "tool_calls", "self"),
         peek_chat_begin),),
    "generation_post_call": (
        (("self", "do_set_computed"), lambda output, _: peek_chat_end(output)),),
    "generation_error": (
        (("generation_id", "e"), lambda key, error: told.chat_fails(key, error, None, None)),
        (("self", "error"), peek_chat_cancelled),
        (("self", "chunks"), peek_chat_failed)),
    "generation_batch_pre_call": (
        (("gen_id", "actions", "format", "tool_calls", "self"), peek_batch_begin),),
    "generation_batch_post_call": (
        (("gen_id", "usage", "latency_ms", "self"), peek_batch_end),),
    "generation_batch_error": (
        (("gen_id", "e", "_start", "self"), peek_batch_fails),),
    "session_pre_init": (
        (("session_id", "backend_name", "model_id_str", "resolved_ctx"),
         lambda session, backend, model, context: told.session_inits(
             session, backend, model, type(context).__name__)),),
    "session_post_init": (
        (("session", "model_id_str"),
         lambda session, model: told.session_observed(
             H["session_post_init"], session.id, F["MODEL"], model)),),
    "session_reset": (
        (("self",), lambda session: told.session_observed(H["session_reset"], session.id)),),
    "session_cleanup": (
        (("self", "exception"), told.session_cleans),),
    "adapter_function_phase_complete": (
        (("name", "phase", "duration_ms"), told.phase_completes),
        (("self", "phase", "duration_s"),
         lambda binding, phase, seconds: told.phase_completes(
             binding.name, phase, seconds * 1000))),
    "adapter_function_invocation_complete": (
        (("name", "revision", "binding_type", "adapter_type", "outcome", "error"),
         told.invocation_completes),),
}


def peek(ways, frame):
    """The answer that has_plugins then gives."""
    variables = frame.f_locals
    try:
        for names, observe in ways:
            try:
                values = [variables[name] for name in names]
            except KeyError:
                continue
            observe(*values)
            return False
    finally:
        if type(variables) is dict:  # until 3.12 a snapshot, which the frame keeps
            variables.clear()
    return frame.f_code.co_flags & COROUTINE != 0


# ---- Mellea's functions

def sign(function, original):
    try:
        function.__signature__ = sys.modules["inspect"].signature(original)
    except (KeyError, TypeError, ValueError):
        pass


def disguise(function, original):
    """Makes `function` look like the one that it stands for."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        try:
            setattr(function, name, getattr(original, name))
        except AttributeError:
            pass
    function.__dict__.update(getattr(original, "__dict__", ()))
    function.__wrapped__ = original
    sign(function, original)  # for those who do not look behind __wrapped__
    code = function.__code__
    if original.__code__.co_flags & COROUTINE:
        # A plain function that returns the original's coroutine: one frame less, none in
        # tracebacks. The flag only says what comes out of it; it takes more than that to make it a
        # coroutine function.
        function.__code__ = code.replace(co_flags=code.co_flags | COROUTINE)
    return function


def is_ours(function):
    return function.__code__.co_filename == FILE


def watch_has_plugins(original):
    def has_plugins(hook_type=None, *more, **context):
        try:
            answer = original(hook_type, *more, **context)
        except BaseException as error:
            strip_own_frame(error)
            raise
        if answer or hook_type is None:
            return answer
        try:
            name = hook_type._value_
            if name not in handlers or stays_out() and not (wanted or chats or spans):
                return answer
            frame = frame_of(1)
            if not frame.f_globals.get("__name__", "").startswith("mellea."):
                return answer  # others' code gets the payloads that it gets without us
            ways = peeks.get(name)
            if ways is None or peek(ways, frame):
                expected.hook = name
                return True
        except OURS:
            fault()
        return answer

    return disguise(has_plugins, original)


def observe(handler, payload):
    try:
        handler(payload)
    except OURS:
        fault()


async def nothing_to_invoke(payload):
    return None, payload


def watch_invoke_hook(original):
    async def invoke_plugins(hook_type, payload, handler, more, context):
        try:
            answer = await original(hook_type, payload, *more, **context)
        except BaseException as error:
            strip_own_frame(error)
            if hook_type._value_ not in VOID_IF_BLOCKED:
                observe(handler, payload)
            raise
        observe(handler, answer[1])
        return answer

    def invoke_hook(hook_type, payload, *more, **context):
        try:
            name = hook_type._value_
            handler = handlers.get(name)
            if handler is not None:
                if isinstance(payload, Twin):  # too late for a plugin that has come since
                    observe(handler, payload)
                    return nothing_to_invoke(payload)
                if subscribed(name):
                    return invoke_plugins(hook_type, payload, handler, more, context)
                handler(payload)
        except OURS:
            fault()
        try:
            return original(hook_type, payload, *more, **context)
        except BaseException as error:  # wrong arguments
            strip_own_frame(error)
            raise

    for function in invoke_plugins, nothing_to_invoke:
        function.__name__, function.__qualname__ = original.__name__, original.__qualname__
    return disguise(invoke_hook, original)


def patch_manager(module):
    global manager
    if not is_ours(module.invoke_hook):
        manager = module.__dict__
        module.invoke_hook = watch_invoke_hook(module.invoke_hook)
        module.has_plugins = watch_has_plugins(module.has_plugins)


# ---- payloads

class Twin(SimpleNamespace):
    """Stands for a payload that no plugin will see: its fields, not validated."""


twins = {}  # payload class: (name of its hook, subclass of Twin with its defaults)


def hook_of(payload_class):
    """component_pre_execute, of ComponentPreExecutePayload."""
    name = payload_class.__name__.removesuffix("Payload")
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


def twin_of(payload_class):
    defaults = {}
    for base in reversed(payload_class.__mro__):
        for name in base.__dict__.get("__annotations__", ()):
            if name in base.__dict__:
                defaults[name] = base.__dict__[name]
    for name, field in (getattr(payload_class, "model_fields", None) or {}).items():
        if not field.is_required():
            defaults[name] = field.get_default(call_default_factory=False)
    known = hook_of(payload_class), type(payload_class.__name__, (Twin,), defaults)
    twins[payload_class] = known
    return known


def patch_base(module):
    """Without the plugin framework, a payload cannot be built; with it, building one validates it.
    Where it is built only because we said so, it is a twin; else what it is without us. By __new__,
    not __init__: what that raises then has no frame of ours in its traceback."""
    payload_base = module.MelleaBasePayload
    if "__new__" in payload_base.__dict__:
        return

    def __new__(_self, *_args, **_kwargs):
        try:
            if _kwargs and getattr(expected, "hook", None):
                name, twin = twins.get(_self) or twin_of(_self)
                if is_expected(name):
                    return twin(**_kwargs)
        except OURS:
            fault()
        return object_new(_self)

    sign(__new__, payload_base.__init__)
    __new__.__module__ = payload_base.__module__
    __new__.__qualname__ = payload_base.__qualname__ + ".__new__"
    payload_base.__new__ = __new__


# ---- the calls that Mellea makes itself around a session's two spans, in the caller's thread

def watch_opening(original, begin):
    def start(session_id, *more, **details):
        try:
            span = original(session_id, *more, **details)
        except BaseException as error:
            strip_own_frame(error)
            raise
        try:
            begin(session_id, details.get)
        except OURS:
            fault()
        return span

    return disguise(start, original)


def watch_closing(original, end):
    def finish(session_id, *more, **details):
        try:
            end(session_id, details.get("exception"))
        except OURS:
            fault()
        try:
            return original(session_id, *more, **details)
        except BaseException as error:
            strip_own_frame(error)
            raise

    return disguise(finish, original)


def patch_tracing(module):
    told.know_version(module)
    for name, watch_call, observe_call in (
            ("start_session_startup_span", watch_opening, told.startup_begins),
            ("finish_session_startup_span", watch_closing, told.startup_ends),
            ("start_session_span", watch_opening, told.session_begins),
            ("finish_session_span", watch_closing, told.session_ends)):
        original = getattr(module, name, None)
        if original is not None and not is_ours(original):
            setattr(module, name, watch_call(original, observe_call))


patches = {
    "mellea.plugins.base": patch_base,
    "mellea.plugins.manager": patch_manager,
    "mellea.telemetry.tracing": patch_tracing,
}
if wanted:
    patches["mellea.telemetry.metrics"] = told.stays_out_of_metrics
