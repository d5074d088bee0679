# SPDX-License-Identifier: Apache-2.0
"""A stream that is left without being closed: the event loop closes it some time later.

mellea: 0.8.0
"""

import asyncio
import gc

from mellea import start_session
from mellea.stdlib.components import Instruction
from mellea.stdlib.streaming import stream


async def first_sentence(m):
    s = await stream(Instruction("[pace 20] Tell me about moons"), m.backend, m.ctx,
                     chunking="sentence")
    async for chunk in s:
        return chunk


async def main():
    with start_session("openai", "tiny") as m:
        print(await first_sentence(m))
        gc.collect()
        await asyncio.sleep(0.1)
        print(await m.ainstruct("Write a haiku", strategy=None, await_result=True))


asyncio.run(main())
