# SPDX-License-Identifier: Apache-2.0
"""Usage: mellea_act.py ACTS ROUNDS. Acts against a backend that answers at once.

Prints, for each round, the microseconds that one act took: what is left is Mellea itself and whatever
watches it. One event loop, one act after another, so that no thread hop blurs the difference.
"""

import asyncio
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e", "mellea"))

from instant import Instant  # noqa: E402
from mellea.core import CBlock  # noqa: E402
from mellea.stdlib import functional  # noqa: E402
from mellea.stdlib.context import SimpleContext  # noqa: E402


async def main(acts, rounds):
    backend, context = Instant(), SimpleContext()
    for number in range(rounds + 1):
        begin = time.perf_counter()
        for _ in range(acts):
            await functional.aact(CBlock("a question"), context, backend, strategy=None,
                                  await_result=True)
        if number:  # the first one warms up
            print(f"{(time.perf_counter() - begin) / acts * 1e6:.2f}", flush=True)


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
