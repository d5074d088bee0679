# SPDX-License-Identifier: Apache-2.0
"""A stream in sentences; every check holds.

mellea: 0.7.0
env: MELLEA_GENERATION_CHUNK_EVENTS=1
"""

import asyncio

from mellea import start_session
from mellea.core import Requirement
from mellea.core.requirement import PartialValidationResult
from mellea.stdlib.components import Instruction
from mellea.stdlib.streaming import stream_with_chunking


class NoSwearing(Requirement):
    """Fails at the first bad word."""

    async def stream_validate(self, chunk, *, backend, ctx):
        if "damn" in chunk:
            return PartialValidationResult("fail", reason="a bad word")
        return PartialValidationResult("unknown")


PROMPT = "[pace 5] Tell me about moons"
POLITE = NoSwearing("Be nice.")


async def main():
    with start_session("openai", "tiny") as m:
        s = await stream_with_chunking(Instruction(PROMPT), m.backend, m.ctx,
                                       chunking="sentence", requirements=[POLITE])
        async for chunk in s.astream():
            print(chunk)
        await s.acomplete()
        print(s.full_text, s.completed)


asyncio.run(main())
