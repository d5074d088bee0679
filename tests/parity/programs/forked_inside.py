# SPDX-License-Identifier: Apache-2.0
"""A worker made by fork inside a session's block; it has a session of its own, inside the parent's."""

import asyncio
import os

from mellea import start_session


async def work():
    with start_session("openai", "worker") as m:
        print(await m.ainstruct("Write a haiku", strategy=None, await_result=True), flush=True)


with start_session("openai", "parent") as outer:
    pid = os.fork()
    if pid == 0:
        asyncio.run(work())
        os._exit(0)
    print("worker:", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    print(outer.instruct("Tell me about moons", strategy=None))
