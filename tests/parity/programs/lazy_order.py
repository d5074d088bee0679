# SPDX-License-Identifier: Apache-2.0
"""Three lazy results, awaited in another order than they were asked for.

lasts: 0.06
"""

import asyncio

from mellea import start_session
from mellea.stdlib.components import Instruction


async def main():
    with start_session("openai", "tiny") as m:
        first = await m.aact(Instruction("[delay 60] [reply one] First."))
        second = await m.aact(Instruction("[delay 30] [reply two] Second."))
        third = await m.aact(Instruction("[reply three] Third."))
        for lazy in (third, first, second):
            print(await lazy.avalue())
        print(await (await m.aact(Instruction("[reply four] Fourth."))).avalue())


asyncio.run(main())
