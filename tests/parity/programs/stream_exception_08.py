# SPDX-License-Identifier: Apache-2.0
"""Streams that end in exceptions: the backend's, mid-stream; a check's own; a failing request.

mellea: 0.8.0
"""

import asyncio

from mellea import start_session
from mellea.core import Requirement
from mellea.stdlib.components import Instruction
from mellea.stdlib.streaming import stream


class Broken(Requirement):
    async def _stream_validate(self, chunk, *, backend, ctx):
        raise LookupError("the checker has a bug")


async def attempt(m, prompt, requirements=None):
    try:
        async with await stream(Instruction(prompt), m.backend, m.ctx, chunking="sentence",
                                requirements=requirements) as s:
            async for chunk in s:
                print(chunk)
    except Exception as error:
        print(type(error).__name__)


async def main():
    with start_session("openai", "tiny", max_retries=0) as m:
        await attempt(m, "[pace 20] [error 9] Tell me about moons")
        await attempt(m, "[pace 20] Tell me about moons", [Broken("Anything.")])
        await attempt(m, "[status 500] Tell me about moons")
        await attempt(m, "[pace 20] [cut 9] Tell me about moons")


asyncio.run(main())
