# SPDX-License-Identifier: Apache-2.0
"""A program that raises inside a session's block, and nobody catches it.

status: 1
"""

from mellea import start_session

with start_session("openai", "tiny") as m:
    if "95" in str(m.instruct("Tell me about moons")):
        raise ValueError("too many moons")
