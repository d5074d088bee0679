# SPDX-License-Identifier: Apache-2.0
"""Repair as a conversation: what failed goes to the model as the next message."""

from mellea import start_session
from mellea.stdlib.context import ChatContext
from mellea.stdlib.requirements import req, simple_validate
from mellea.stdlib.sampling import MultiTurnStrategy

polite = req("Says please.", validation_fn=simple_validate(
    lambda text: "please" in text, reason="[reply Sit down, please.] It was not polite."))

with start_session("openai", "tiny", ctx=ChatContext()) as m:
    print(m.instruct("[reply Sit down.] Invite me in.", requirements=[polite],
                     strategy=MultiTurnStrategy(loop_budget=2)))
