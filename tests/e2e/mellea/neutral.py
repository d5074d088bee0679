# SPDX-License-Identifier: Apache-2.0
"""Usage: neutral.py. Prints what Mellea does and computes, as its parts see it: with a watcher, no
more."""

import asyncio
import datetime
import gc
import sys
import threading
import weakref

from instant import Instant
from mellea.backends.dummy import DummyBackend
from mellea.core import CBlock, ModelOutputThunk
from mellea.stdlib import functional
from mellea.stdlib.context import ChatContext, SimpleContext
from mellea.stdlib.session import MelleaSession

threadsafe, submitted = asyncio.run_coroutine_threadsafe, []


def run_coroutine_threadsafe(coroutine, loop):
    submitted.append(coroutine.__name__)
    return threadsafe(coroutine, loop)


asyncio.run_coroutine_threadsafe = run_coroutine_threadsafe


class Telling(Instant):
    """Prints what it is asked for."""

    async def _generate_from_context(self, action, ctx, *, format=None, model_options=None,
                                     tool_calls=False):
        print("asked", str(action), format, model_options, tool_calls)
        return await super()._generate_from_context(
            action, ctx, format=format, model_options=model_options, tool_calls=tool_calls)

    async def _generate_from_raw(self, actions, ctx, *, format=None, model_options=None,
                                 tool_calls=False):
        print("asked", [str(action) for action in actions], format, model_options, tool_calls)
        if str(actions[0]) == "fail":
            raise LookupError("no such thing")
        return [ModelOutputThunk(str(action)) for action in actions], None


class Nameless(Telling):
    """A backend that does not say which model it has, nor when it began."""

    def __init__(self):
        super().__init__()
        del self._model_id, self._provider

    async def _generate_from_context(self, *args, **kwargs):
        output, context = self._model_id, self._provider = "instant", "openai"
        output, context = await super()._generate_from_context(*args, **kwargs)
        del self._model_id, self._provider
        output._gen.start = datetime.datetime.now(datetime.UTC)
        output._elapsed_ms = None  # whoever calls it fails
        return output, context


class Rendered(ChatContext):
    renders = 0

    def view_for_generation(self):
        Rendered.renders += 1
        return super().view_for_generation()


class Broken(Instant):
    async def process(self, output, chunk):
        raise Marked("processed badly")


class Marked(Exception):
    pass


async def act(backend, context=None, **options):
    return await functional.aact(CBlock("do"), context or SimpleContext(), backend, strategy=None,
                                 **options)


async def acts():
    for options in (None, {}, {"temperature": 1}):
        output, _ = await act(Telling(), model_options=options, await_result=True)
        print(output.value)
    for backend in Telling(), Nameless():
        for words in ("one", "two"), ("fail",):
            try:
                made = await backend.generate_from_raw([CBlock(w) for w in words], SimpleContext())
                print([output.value for output in made])
            except LookupError as error:
                print(repr(error))
    output, _ = await act(Nameless(), await_result=True)
    print(output.value)
    output, _ = await act(DummyBackend(["computed"]))
    print(output.value, output.is_computed())
    await act(Instant(), Rendered(), await_result=True)
    print("renders", Rendered.renders)
    gc.collect()
    gc.disable()
    await failing()
    print("freed without a collection:", freed)
    gc.enable()


freed = []


async def failing():
    try:
        await act(Broken(), await_result=True)
    except Marked as error:
        weakref.finalize(error, freed.append, True)
        print(repr(error), len(error.__traceback__.tb_frame.f_locals))


def sessions():
    with MelleaSession(Telling(), SimpleContext()) as session:
        print(session.act(CBlock("do"), strategy=None).value)
        session.reset()
    session.cleanup()
    print("submitted", submitted)
    print("threads", threading.active_count(), sorted(t.name for t in threading.enumerate()))


asyncio.run(acts())
sessions()
print("traced" if sys.gettrace() or sys.getprofile() else "not traced")
