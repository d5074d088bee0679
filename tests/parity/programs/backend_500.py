# SPDX-License-Identifier: Apache-2.0
"""The backend answers 500: to an act, to a sampled one, to a chat; the session goes on."""

from mellea import start_session

with start_session("openai", "tiny", max_retries=0) as m:
    for call in (lambda: m.instruct("[status 500] Tell me about moons"),
                 lambda: m.instruct("[status 429] Tell me about moons", strategy=None),
                 lambda: m.chat("[status 400] Tell me about moons")):
        try:
            call()
        except Exception as error:
            print(type(error).__name__)
    print(m.instruct("Tell me about moons", strategy=None))
