# SPDX-License-Identifier: Apache-2.0
"""A lazy result that nobody awaits, then an ordinary act."""

import asyncio

from mellea import start_session
from mellea.stdlib.components import Instruction


async def main():
    with start_session("openai", "tiny") as m:
        await m.aact(Instruction("[reply never read] First."))
        print(await m.aact(Instruction("[reply two] Second."), await_result=True))


asyncio.run(main())
