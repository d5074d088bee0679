# SPDX-License-Identifier: Apache-2.0
"""A stream read as typed events, in words.

mellea: 0.7.0
"""

import asyncio

from mellea import start_session
from mellea.stdlib.components import Instruction
from mellea.stdlib.streaming import stream_with_chunking


async def main():
    with start_session("openai", "tiny") as m:
        s = await stream_with_chunking(Instruction("[reply one two three] Count."), m.backend, m.ctx,
                                       chunking="word")
        async for event in s.events():
            print(type(event).__name__)
        await s.acomplete()


asyncio.run(main())
