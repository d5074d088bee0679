# SPDX-License-Identifier: Apache-2.0
"""A result read as it arrives, without the streaming interface.

env: MELLEA_GENERATION_CHUNK_EVENTS=1
"""

import asyncio

from mellea import start_session
from mellea.backends import ModelOption
from mellea.stdlib.components import Instruction


async def main():
    with start_session("openai", "tiny") as m:
        lazy = await m.aact(Instruction("Tell me about moons"),
                            model_options={ModelOption.STREAM: True})
        while not lazy.is_computed():
            await lazy.astream()
        print(lazy)


asyncio.run(main())
