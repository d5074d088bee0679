# SPDX-License-Identifier: Apache-2.0
"""A conversation of three turns, reset, and a fourth."""

from mellea import start_session
from mellea.stdlib.context import ChatContext

with start_session("openai", "tiny", ctx=ChatContext()) as m:
    print(m.chat("Tell me about moons").content)
    print(m.chat("[usage plain] And the weather?").content)
    print(m.chat("[usage none] [finish length] Go on").content)
    m.reset()
    print(m.chat("Tell me about moons").content)
