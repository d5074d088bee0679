# SPDX-License-Identifier: Apache-2.0
"""A stream whose chunks nobody reads, and one that is not even waited for.

mellea: 0.7.0
"""

import asyncio

from mellea import start_session
from mellea.stdlib.components import Instruction
from mellea.stdlib.streaming import stream_with_chunking


async def main():
    with start_session("openai", "tiny") as m:
        s = await stream_with_chunking(Instruction("Tell me about moons"), m.backend, m.ctx)
        await s.acomplete()
        kept = await stream_with_chunking(Instruction("[delay 300] Tell me about the weather"),
                                          m.backend, m.ctx)
        print(kept.completed)


asyncio.run(main())
