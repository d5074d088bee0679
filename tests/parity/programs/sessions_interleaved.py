# SPDX-License-Identifier: Apache-2.0
"""Two sessions whose lives overlap: entered one, two; left one, two."""

from mellea import start_session

one = start_session("openai", "first")
two = start_session("openai", "second")
one.__enter__()
two.__enter__()
print(one.instruct("Tell me about moons", strategy=None))
print(two.instruct("Write a haiku", strategy=None))
print(one.instruct("And the weather?", strategy=None))
two.__exit__(None, None, None)
print(one.chat("Tell me about moons").content)
one.__exit__(None, None, None)
