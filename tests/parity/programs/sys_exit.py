# SPDX-License-Identifier: Apache-2.0
"""A program that ends with sys.exit inside a session's block.

status: 7
"""

import sys

from mellea import start_session

with start_session("openai", "tiny") as m:
    print(m.instruct("Tell me about moons"))
    sys.exit(7)
