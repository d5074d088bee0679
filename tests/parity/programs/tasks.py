# SPDX-License-Identifier: Apache-2.0
"""Acts in tasks, in a task group and in threads that asyncio starts."""

import asyncio

from mellea import start_session
from mellea.stdlib.components import Instruction


async def act(m, n):
    return str(await m.aact(Instruction(f"[delay {30 * n}] [reply {n}] Say {n}."), await_result=True))


async def main():
    with start_session("openai", "tiny") as m:
        tasks = [asyncio.create_task(act(m, n)) for n in (2, 1)]
        print([await task for task in tasks])
        async with asyncio.TaskGroup() as group:
            for n in range(3):
                group.create_task(act(m, n))
        print(await asyncio.to_thread(lambda: str(m.instruct("[reply 9] Say 9.", strategy=None))))


asyncio.run(main())
