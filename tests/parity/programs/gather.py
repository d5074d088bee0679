# SPDX-License-Identifier: Apache-2.0
"""Eight acts at the same time."""

import asyncio

from mellea import start_session
from mellea.stdlib.components import Instruction
from mellea.stdlib.sampling import RejectionSamplingStrategy


async def main():
    with start_session("openai", "tiny") as m:
        results = await asyncio.gather(*[
            m.aact(Instruction(f"[delay {20 + 5 * n}] [reply word number {n}] Say a word."),
                   strategy=RejectionSamplingStrategy(loop_budget=1))
            for n in range(8)])
        print(sorted(str(result) for result in results))


asyncio.run(main())
