# SPDX-License-Identifier: Apache-2.0
"""Usage: facts.py. Prints what a program can find out about the functions of Mellea that are
watched."""

import asyncio
import gc
import inspect
import traceback
import warnings

import mellea
from mellea.plugins import base, manager
from mellea.plugins.hooks.component import ComponentPreExecutePayload
from mellea.plugins.hooks.generation import GenerationErrorPayload
from mellea.plugins.types import HookType
from mellea.telemetry import tracing

FUNCTIONS = [manager.invoke_hook, manager.has_plugins, tracing.start_session_span,
             tracing.finish_session_span, tracing.start_session_startup_span,
             tracing.finish_session_startup_span]


class Own(base.MelleaBasePayload):
    """A user's own payload."""

    text: str = "none"


def about(function):
    print(function.__module__, function.__qualname__, function.__name__, len(function.__doc__))
    print(inspect.signature(function), inspect.getfullargspec(function))
    print(inspect.iscoroutinefunction(function), asyncio.iscoroutinefunction(function),
          inspect.isfunction(function), inspect.isgeneratorfunction(function))
    print(len(inspect.getsource(function)), inspect.getmodule(function).__name__,
          sorted(function.__annotations__), function.__annotations__.get("return"))


def attempt(what, *arguments, **fields):
    try:
        made = what(*arguments, **fields)
        print(type(made).__name__, isinstance(made, what), getattr(made, "action_id", "-"))
    except Exception as error:
        text = "".join(traceback.format_exception(error))
        print(text.split("For further information")[0])


async def coroutines():
    """Of a user's own call, with a hook that nothing subscribes to."""
    running = manager.invoke_hook(HookType.SESSION_RESET, "a payload")
    print(inspect.iscoroutine(running), running.__name__, running.__qualname__)
    print(await running)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        manager.invoke_hook(HookType.SESSION_RESET, "a payload")
        gc.collect()
    print([str(warning.message) for warning in caught])


for function in FUNCTIONS:
    about(function)
for kind in (base.MelleaBasePayload, ComponentPreExecutePayload, Own):
    print(kind.__name__, inspect.signature(kind), inspect.signature(kind.__init__))
for hook in HookType:
    print(hook.name, manager.has_plugins(hook), manager.has_plugins(hook_type=hook))
print(manager.has_plugins(), manager.has_plugins(None))
attempt(manager.has_plugins, 1, 2, 3)
attempt(ComponentPreExecutePayload, action_id="x", requirements=3)
attempt(ComponentPreExecutePayload, action_id="x")
attempt(GenerationErrorPayload)
attempt(Own, text=3)
attempt(Own, text="words")
attempt(base.MelleaBasePayload, "positional")
asyncio.run(coroutines())
print(sorted(name for name in vars(mellea) if not name.startswith("_")))
