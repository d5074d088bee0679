# SPDX-License-Identifier: Apache-2.0
"""A session inside another's block, and a clone."""

from mellea import start_session

with start_session("openai", "outer") as outer:
    print(outer.instruct("Tell me about moons", strategy=None))
    with start_session("openai", "inner") as inner:
        print(inner.instruct("Write a haiku", strategy=None))
    print(outer.clone().instruct("And the weather?", strategy=None))
