# SPDX-License-Identifier: Apache-2.0
"""A stream in sentences; every check holds.

mellea: 0.8.0
env: MELLEA_GENERATION_CHUNK_EVENTS=1
"""

import asyncio

from mellea import start_session
from mellea.core import Requirement
from mellea.core.requirement import PartialValidationResult
from mellea.stdlib.components import Instruction
from mellea.stdlib.streaming import stream


class NoSwearing(Requirement):
    """Fails at the first bad word."""

    async def _stream_validate(self, chunk, *, backend, ctx):
        if "damn" in chunk:
            return PartialValidationResult("fail", reason="a bad word")
        return PartialValidationResult("unknown")


PROMPT = "[pace 5] Tell me about moons"
POLITE = NoSwearing("Be nice.")


async def main():
    with start_session("openai", "tiny") as m:
        async with await stream(Instruction(PROMPT), m.backend, m.ctx,
                                chunking="sentence", requirements=[POLITE]) as s:
            async for chunk in s:
                print(chunk)
            print(s.full_text, s.completed_normally)


asyncio.run(main())
