# SPDX-License-Identifier: Apache-2.0
"""A stream read as typed events.

mellea: 0.8.0
"""

import asyncio

from mellea import start_session
from mellea.stdlib.components import Instruction
from mellea.stdlib.requirements import req, simple_validate
from mellea.stdlib.streaming import stream


async def main():
    with start_session("openai", "tiny") as m:
        brief = req("Is brief.", validation_fn=simple_validate(lambda text: len(text) < 1000))
        async with await stream(Instruction("Tell me about moons"), m.backend, m.ctx,
                                chunking="sentence", requirements=[brief], as_events=True) as s:
            async for event in s:
                print(type(event).__name__)


asyncio.run(main())
