# SPDX-License-Identifier: Apache-2.0
"""A stream that is opened and closed unread, and one that is neither read nor closed.

mellea: 0.8.0
"""

import asyncio

from mellea import start_session
from mellea.stdlib.components import Instruction
from mellea.stdlib.streaming import stream


async def main():
    with start_session("openai", "tiny") as m:
        async with await stream(Instruction("[delay 300] Tell me about moons"), m.backend, m.ctx):
            pass
        kept = await stream(Instruction("[delay 300] Tell me about the weather"), m.backend, m.ctx)
        print(kept.completed_normally)


asyncio.run(main())
