# SPDX-License-Identifier: Apache-2.0
"""Usage: plugins.py. A program with plugins of its own, which block, change and watch; needs
cpex."""

import asyncio

from instant import Instant
from mellea.core import CBlock, GenerateLog, ModelOutputThunk, ModelToolCall
from mellea.backends.tools import MelleaTool
from mellea.plugins import (HookType, PluginViolationError, block, hook, modify, plugin_scope,
                            register)
from mellea.stdlib import functional
from mellea.stdlib.context import SimpleContext
from mellea.stdlib.session import MelleaSession

seen = []


class Asked(Instant):
    async def _generate_from_context(self, action, ctx, *, model_options=None, **options):
        print("asked", str(action), model_options)
        return await super()._generate_from_context(action, ctx, model_options=model_options,
                                                    **options)


class Oddly(Instant):
    """Its log has a prompt of a type that no payload takes."""

    async def post_process(self, output):
        output.generation.usage = None
        output._generate_log = GenerateLog(prompt=12)


@hook(HookType.COMPONENT_PRE_EXECUTE)
async def guard(payload, context):
    if "forbidden" in str(payload.action):
        return block("a forbidden word", code="WORD")
    return None


@hook(HookType.GENERATION_PRE_CALL)
async def warm(payload, context):
    options = {**payload.model_options, "temperature": 2, "@@@stream@@@": True}
    return modify(payload, model_options=options)


@hook(HookType.TOOL_POST_INVOKE)
async def shout(payload, context):
    seen.append(payload.tool_output)
    return modify(payload, tool_output=payload.tool_output.upper())


@hook(HookType.COMPONENT_POST_SUCCESS)
async def strict(payload, context):
    if "closing" in str(payload.action):
        return block("not this one", code="LATE")
    return None


def act(session, text):
    try:
        print(session.act(CBlock(text), strategy=None).value)
    except PluginViolationError as error:
        print(type(error).__name__, error)


def call_tools(backend):
    def greet(name: str) -> str:
        return "hello " + name

    told = {"type": "function",
            "function": {"name": "greet", "description": "Greets.", "parameters": {}}}
    output = ModelOutputThunk("")
    call = ModelToolCall("greet", MelleaTool("greet", greet, told), {"name": "you"})
    output.tool_calls = {"greet": call} if OLD else [call]
    print([message.content for message in functional._call_tools(output, backend)])


OLD = not hasattr(functional, "call_tools")
register([guard, warm])
with MelleaSession(Asked(), SimpleContext()) as session:
    act(session, "allowed")
    act(session, "forbidden")
    with plugin_scope(shout, strict):
        call_tools(session.backend)
        act(session, "closing")
    call_tools(session.backend)
    print(seen)


async def main():
    output, _ = await functional.aact(CBlock("odd"), SimpleContext(), Oddly(), strategy=None,
                                      await_result=True)
    print(output.value, output._generate_log.prompt)
    await functional.aact(CBlock("forbidden to the end"), SimpleContext(), Asked(), strategy=None)


asyncio.run(main())
