# SPDX-License-Identifier: Apache-2.0
"""Tools that fail: one raises, one is given arguments that it cannot take."""

import asyncio

from mellea import start_session
from mellea.backends import ModelOption
from mellea.backends.tools import MelleaTool
from mellea.stdlib.functional import _acall_tools


def divide(dividend: int, divisor: int) -> float:
    """Divides.

    Args:
        dividend: What is divided.
        divisor: By what.
    """
    return dividend / divisor


tools = {ModelOption.TOOLS: [MelleaTool.from_callable(divide)]}


async def main():
    with start_session("openai", "tiny") as m:
        asked = await m.ainstruct('[tool divide {"dividend": 1, "divisor": 0}] '
                                  '[tool divide {"dividend": 6, "divisor": 3}] '
                                  '[tool divide {"numerator": 6}] Divide.',
                                  strategy=None, model_options=tools, tool_calls=True,
                                  await_result=True)
        for message in await _acall_tools(asked, m.backend):
            print(message.content)


asyncio.run(main())
