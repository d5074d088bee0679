#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An ordinary Mellea program, without a line of telemetry: what scripts/quickstart traces.

Usage: tour.py [MODEL]      OPENAI_BASE_URL and OPENAI_API_KEY say where the model is
"""

import asyncio
import sys

from mellea import start_session
from mellea.backends import ModelOption
from mellea.backends.tools import MelleaTool
from mellea.core import Requirement
from mellea.core.requirement import PartialValidationResult
from mellea.stdlib.components import Instruction
from mellea.stdlib.context import ChatContext
from mellea.stdlib.functional import acall_tools
from mellea.stdlib.requirements import req, simple_validate
from mellea.stdlib.sampling import RejectionSamplingStrategy
from mellea.stdlib.streaming import stream


class NoDigits(Requirement):
    """Looks at each sentence as it arrives."""

    async def _stream_validate(self, chunk, *, backend, ctx):
        if any(character.isdigit() for character in chunk):
            return PartialValidationResult("fail", reason="a digit")
        return PartialValidationResult("pass")


def weather(city: str) -> str:
    """Looks up the weather.

    Args:
        city: Where.
    """
    return f"7 degrees and rain in {city}"


async def main(model):
    with start_session("openai", model, ctx=ChatContext()) as m:
        three_lines = req("It has three lines.", validation_fn=simple_validate(
            lambda text: len(text.splitlines()) == 3))
        print(await m.ainstruct("Write a poem about planets.",
                                requirements=[three_lines, "It mentions the night."],
                                strategy=RejectionSamplingStrategy(loop_budget=3)))

        async with await stream(Instruction("Describe Saturn."), m.backend, m.ctx, chunking="sentence",
                                requirements=[NoDigits("It has no digits.")]) as sentences:
            async for sentence in sentences:
                print(sentence)

        asked = await m.ainstruct("What is the weather in Oslo?", strategy=None, await_result=True,
                                  tool_calls=True,
                                  model_options={ModelOption.TOOLS: [MelleaTool.from_callable(weather)]})
        for result in await acall_tools(asked, m.backend):
            m.ctx = m.ctx.add(result)
        print((await m.achat("So what shall I wear?")).content)


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "tiny"))
