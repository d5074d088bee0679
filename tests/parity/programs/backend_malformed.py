# SPDX-License-Identifier: Apache-2.0
"""The backend's answer is not JSON; its stream ends in the middle."""

from mellea import start_session
from mellea.backends import ModelOption

with start_session("openai", "tiny", max_retries=0) as m:
    for prompt, options in (("[malformed] Tell me about moons", {}),
                            ("[pace 5] [cut 3] Tell me about moons", {ModelOption.STREAM: True}),
                            ("[pace 5] [error 3] Tell me about moons", {ModelOption.STREAM: True})):
        try:
            m.instruct(prompt, model_options=options)
        except Exception as error:
            print(type(error).__name__)
