# SPDX-License-Identifier: Apache-2.0
"""Mellea's default backend: an act, a stream, a tool, a batch and an error."""

import asyncio

from mellea import start_session
from mellea.backends import ModelOption
from mellea.backends.tools import MelleaTool
from mellea.core import CBlock
from mellea.stdlib.functional import _acall_tools


def weather(city: str) -> str:
    """Looks the weather up.

    Args:
        city: Where.
    """
    return "rain in " + city


async def main():
    with start_session() as m:
        print(m.instruct("Tell me about moons"))
        print(m.instruct("[pace 5] Write a haiku", strategy=None,
                         model_options={ModelOption.STREAM: True}))
        asked = m.instruct("What is the weather in Oslo?", strategy=None, tool_calls=True,
                           model_options={ModelOption.TOOLS: [MelleaTool.from_callable(weather)]})
        print([message.content for message in await _acall_tools(asked, m.backend)])
        print([str(output) for output in await m.backend.generate_from_raw(
            [CBlock("Moons"), CBlock("[reply 42] Six times seven is")], m.ctx)])
        try:
            m.instruct("[status 500] Tell me about moons", strategy=None)
        except Exception as error:
            print(type(error).__name__)


asyncio.run(main())
