# SPDX-License-Identifier: Apache-2.0
"""A session entered on one thread and left on another, which Mellea answers with an exception."""

import threading

from mellea import start_session

m = start_session("openai", "tiny")
m.__enter__()
print(m.instruct("Tell me about moons"))


def leave():
    try:
        m.__exit__(None, None, None)
    except ValueError as error:
        print(type(error).__name__)


thread = threading.Thread(target=leave)
thread.start()
thread.join()

with start_session("openai", "small") as other:
    print(other.instruct("Write a haiku"))
