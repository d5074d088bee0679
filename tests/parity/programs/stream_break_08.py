# SPDX-License-Identifier: Apache-2.0
"""A stream that its reader leaves after the first chunk, then an ordinary act.

mellea: 0.8.0
"""

import asyncio

from mellea import start_session
from mellea.stdlib.components import Instruction
from mellea.stdlib.streaming import stream


async def main():
    with start_session("openai", "tiny") as m:
        async with await stream(Instruction("[pace 20] Tell me about moons"), m.backend, m.ctx,
                                chunking="sentence") as s:
            async for chunk in s:
                print(chunk)
                break
        print(await m.ainstruct("Write a haiku", strategy=None, await_result=True))


asyncio.run(main())
