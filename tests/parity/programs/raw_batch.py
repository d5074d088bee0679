# SPDX-License-Identifier: Apache-2.0
"""A batch of completions that bypasses templates; with a schema; and one that fails."""

import asyncio

from pydantic import BaseModel

from mellea import start_session
from mellea.core import CBlock


class Moons(BaseModel):
    count: int


async def main():
    with start_session("openai", "tiny", max_retries=0) as m:
        for output in await m.backend.generate_from_raw(
                [CBlock("Tell me about moons"), CBlock("[reply 42] Six times seven is")], m.ctx):
            print(output)
        for output in await m.backend.generate_from_raw(
                [CBlock('[usage plain] [reply {"count": 2}] Moons of Mars: ')], m.ctx, format=Moons,
                model_options={"temperature": 0}):
            print(output)
        try:
            await m.backend.generate_from_raw([CBlock("[status 503] Moons")] * 3, m.ctx)
        except Exception as error:
            print(type(error).__name__)


asyncio.run(main())
