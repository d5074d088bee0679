# SPDX-License-Identifier: Apache-2.0
"""Streams that end in exceptions: the backend's, mid-stream; a check's own; a failing request.

mellea: 0.7.0
"""

import asyncio

from mellea import start_session
from mellea.core import Requirement
from mellea.stdlib.components import Instruction
from mellea.stdlib.streaming import stream_with_chunking


class Broken(Requirement):
    async def stream_validate(self, chunk, *, backend, ctx):
        raise LookupError("the checker has a bug")


async def attempt(m, prompt, requirements=None):
    try:
        s = await stream_with_chunking(Instruction(prompt), m.backend, m.ctx,
                                       requirements=requirements)
        try:
            async for chunk in s.astream():
                print(chunk)
        finally:
            await s.acomplete()
    except Exception as error:
        print(type(error).__name__)


async def main():
    with start_session("openai", "tiny", max_retries=0) as m:
        await attempt(m, "[pace 20] [error 9] Tell me about moons")
        await attempt(m, "[pace 20] Tell me about moons", [Broken("Anything.")])
        await attempt(m, "[status 500] Tell me about moons")
        await attempt(m, "[pace 20] [cut 9] Tell me about moons")


asyncio.run(main())
