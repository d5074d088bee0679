# SPDX-License-Identifier: Apache-2.0
"""One session, one instruction."""

from mellea import start_session

with start_session("openai", "tiny") as m:
    print(m.instruct("Which planet has the most moons?"))
