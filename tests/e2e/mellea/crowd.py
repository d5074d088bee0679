# SPDX-License-Identifier: Apache-2.0
"""Usage: crowd.py gather ACTS | threads THREADS ACTS | stream [WORD...] | resident. Loads for test_mellea_load.py.

Every act carries its own number in its component's class name (spans show it as component type), and a
chat's parent must be that act.
"""

import asyncio
import resource
import sys
import threading

from instant import Instant
from mellea import MelleaSession
from mellea.core import (CBlock, ComputedModelOutputThunk, GenerateLog, PartialValidationResult, Requirement,
                         SamplingResult, SamplingStrategy, ValidationResult)
from mellea.stdlib import functional
from mellea.stdlib.context import SimpleContext


def numbered(number):
    """An act whose component type is its number."""
    return type("Act%d" % number, (CBlock,), {})("a question")


async def act(number, backend):
    await asyncio.sleep(0)
    await functional.aact(numbered(number), SimpleContext(), backend, strategy=None,
                          await_result=True)


async def gather(count):
    backend = Instant()
    with MelleaSession(backend, SimpleContext()):
        await asyncio.gather(*(act(number, backend) for number in range(count)))


def threads(count, acts):
    backend = Instant()
    with MelleaSession(backend, SimpleContext()) as session:
        def work(first):
            for number in range(first, first + acts):
                functional.act(numbered(number), session.ctx, backend, strategy=None)
        workers = [threading.Thread(target=work, args=(i * acts,)) for i in range(count)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()


async def answer(action, backend, context, requirement):
    """Streams one answer, whichever streaming interface this Mellea has; the thunk it gave."""
    from mellea.stdlib import streaming
    if hasattr(streaming, "stream"):
        streamer = await streaming.stream(action, backend, context, chunking="word",
                                          requirements=[requirement])
        words = [word async for word in streamer]
        thunk = streamer.mot
    else:
        result = await streaming.stream_with_chunking(action, backend, context, chunking="word",
                                                      requirements=[requirement])
        words = [word async for word in result.astream()]
        await result.acomplete()
        thunk = None if result.streaming_failures else result.as_thunk
    if thunk is None:
        raise RuntimeError("stopped after %d words" % len(words))
    return thunk


class Streaming(SamplingStrategy):
    """An act's strategy that streams: session > action > stream > chat."""

    async def sample(self, action, context, backend, requirements, **options):
        thunk = await answer(action, backend, context, Plain("no shouting"))
        generation = ComputedModelOutputThunk(thunk)
        generation._generate_log = GenerateLog(is_final_result=True)
        return SamplingResult(0, True, sample_generations=[generation],
                              sample_validations=[[]], sample_actions=[action],
                              sample_contexts=[context.add(action).add(generation)])


class Plain(Requirement):
    """Checked on every chunk; content to wait when asked about the whole."""

    async def check(self, chunk, *, backend, ctx):
        return PartialValidationResult("fail" if chunk.isupper() else "unknown", reason=chunk)

    # The method to override changed its name after 0.7.
    if hasattr(Requirement, "_stream_validate"):
        _stream_validate = check
    else:
        stream_validate = check

    async def validate(self, backend, ctx, **options):
        return ValidationResult(True)


async def stream(*words, pause=0.02):
    """An act that streams; without `words` for a long time, and says so after each chunk."""
    chunks = [word + " " for word in words] or [f"word{i} " for i in range(10000)]
    backend = Instant(chunks, pause, lambda number: print(number, flush=True))
    with MelleaSession(backend, SimpleContext()) as session:
        await functional.aact(CBlock("a question"), session.ctx, backend, strategy=Streaming(),
                              await_result=True)


def resident():
    """Peak memory in KiB after a warm-up, and after ten times as many acts."""
    async def some(count, backend):
        for number in range(count):
            await functional.aact(CBlock("a question"), SimpleContext(), backend, strategy=None,
                                  await_result=True)
    backend = Instant()
    for count in (2000, 20000):
        asyncio.run(some(count, backend))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)


kind, *numbers = sys.argv[1:]
if kind in ("gather", "stream"):
    asyncio.run(gather(int(*numbers)) if kind == "gather" else stream(*numbers))
else:
    {"threads": threads, "resident": resident}[kind](*map(int, numbers))
