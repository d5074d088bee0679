# SPDX-License-Identifier: Apache-2.0
"""The backend does not answer in time."""

import asyncio

from mellea import start_session
from mellea.stdlib.components import Instruction


async def main():
    with start_session("openai", "tiny", max_retries=0, timeout=0.3) as m:
        try:
            m.instruct("[hang] Tell me about moons", strategy=None)
        except Exception as error:
            print(type(error).__name__)
        try:
            act = m.aact(Instruction("[hang] And the weather?"), await_result=True)
            await asyncio.wait_for(act, 0.1)
        except TimeoutError:
            print("gave up")


asyncio.run(main())
