# SPDX-License-Identifier: Apache-2.0
"""A stream that its reader leaves after the first chunk, then an ordinary act.

mellea: 0.7.0
"""

import asyncio

from mellea import start_session
from mellea.stdlib.components import Instruction
from mellea.stdlib.streaming import stream_with_chunking


async def main():
    with start_session("openai", "tiny") as m:
        s = await stream_with_chunking(Instruction("[pace 20] Tell me about moons"), m.backend, m.ctx)
        async for chunk in s.astream():
            print(chunk)
            break
        await s.acomplete()
        print(await m.ainstruct("Write a haiku", strategy=None, await_result=True))


asyncio.run(main())
