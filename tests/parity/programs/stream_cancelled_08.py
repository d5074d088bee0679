# SPDX-License-Identifier: Apache-2.0
"""A task that is cancelled while it waits for the next chunk.

mellea: 0.8.0
"""

import asyncio

from mellea import start_session
from mellea.stdlib.components import Instruction
from mellea.stdlib.streaming import stream


async def read(m, started):
    async with await stream(Instruction("[pace 40] [reply First. Second third fourth fifth sixth "
                                        "seventh eighth ninth tenth eleventh twelfth.] Count."),
                            m.backend, m.ctx, chunking="sentence") as s:
        async for chunk in s:
            print(chunk)
            started.set()


async def main():
    with start_session("openai", "tiny") as m:
        started = asyncio.Event()
        task = asyncio.create_task(read(m, started))
        await started.wait()
        await asyncio.sleep(0.05)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            print("cancelled")


asyncio.run(main())
