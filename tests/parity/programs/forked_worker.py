# SPDX-License-Identifier: Apache-2.0
"""A worker made by fork before Mellea did anything in the parent; then the parent has a session too."""

import os

from mellea import start_session

pid = os.fork()
if pid:
    print("worker:", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
with start_session("openai", "parent" if pid else "worker") as m:
    print(m.instruct("Tell me about moons"))
