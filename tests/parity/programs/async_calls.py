# SPDX-License-Identifier: Apache-2.0
"""The asynchronous twins, one after the other."""

import asyncio

from mellea import start_session
from mellea.stdlib.components import Instruction, Message
from mellea.stdlib.requirements import req, simple_validate
from mellea.stdlib.sampling import RejectionSamplingStrategy


async def main():
    with start_session("openai", "tiny") as m:
        print(await m.ainstruct("Tell me about moons", strategy=None, await_result=True))
        print(await m.aact(Message("user", "And the weather?"),
                           strategy=RejectionSamplingStrategy(loop_budget=1)))
        print((await m.achat("Write a haiku")).content)
        print(await m.aact(Instruction("[reply 7] How many?"), await_result=True))
        print([bool(r) for r in await m.avalidate(
            [req("A digit.", validation_fn=simple_validate(str.isdigit))])])


asyncio.run(main())
