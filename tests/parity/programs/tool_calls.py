# SPDX-License-Identifier: Apache-2.0
"""The model calls tools: one with arguments, one twice; their results go back to it."""

from mellea import start_session
from mellea.backends import ModelOption
from mellea.backends.tools import MelleaTool
from mellea.stdlib.context import ChatContext
from mellea.stdlib.functional import _call_tools


def weather(city: str, days: int = 1) -> str:
    """Looks the weather up.

    Args:
        city: Where.
        days: For how many days.
    """
    return f"rain in {city} for {days} days"


def now() -> str:
    """Tells the time."""
    return "half past four"


tools = {ModelOption.TOOLS: [MelleaTool.from_callable(weather), MelleaTool.from_callable(now)]}

with start_session("openai", "tiny", ctx=ChatContext()) as m:
    asked = m.instruct('[tool weather {"city": "Oslo", "days": 3}] [tool now] [tool now {}] Say.',
                       strategy=None, model_options=tools, tool_calls=True)
    for message in _call_tools(asked, m.backend):
        print(message.content)
        m.ctx = m.ctx.add(message)
    print(m.chat("[reply Take a coat.] What do I wear?").content)
