# SPDX-License-Identifier: Apache-2.0
"""Threads that the program starts itself: synchronous acts on two of them, and an executor's."""

import threading
from concurrent.futures import ThreadPoolExecutor

from mellea import start_session

with start_session("openai", "tiny") as m:
    for n in range(2):
        thread = threading.Thread(target=lambda: print(m.clone().instruct(f"[reply {n}] Say {n}.")))
        thread.start()
        thread.join()
    with ThreadPoolExecutor(1) as pool:
        print(pool.submit(lambda: m.clone().instruct("[reply 2] Say 2.")).result())
