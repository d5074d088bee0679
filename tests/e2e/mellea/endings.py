# SPDX-License-Identifier: Apache-2.0
"""Usage: endings.py computed|cancelled|dropped|toggled|raises|exits|tests. Ends of spans and of a
program."""

import asyncio
import sys
import unittest

from instant import Instant
from mellea.backends.dummy import DummyBackend
from mellea.core import CBlock
from mellea.stdlib import functional
from mellea.stdlib.context import SimpleContext
from mellea.stdlib.session import MelleaSession
from mellea.telemetry import tracing


def act(backend, **options):
    return functional.aact(CBlock("do"), SimpleContext(), backend, strategy=None, **options)


async def computed():
    """The backend answers with a computed thunk: no hook tells the generation's end."""
    output, _ = await act(DummyBackend(["an answer"]))
    print(output.value)


async def cancelled():
    task = asyncio.create_task(act(Instant(pause=60), await_result=True))
    await asyncio.sleep(0.05)
    task.cancel()
    print(await asyncio.gather(task, return_exceptions=True))


async def dropped():
    """Lazy results: one awaited after all, one never."""
    first, _ = await act(Instant())
    await act(Instant())
    print(await first.avalue())


async def toggled():
    """As when a program sets its own tracing up after a while."""
    first, _ = await act(Instant())
    tracing._tracing_enabled = True
    await act(Instant(), await_result=True)
    print(await first.avalue())
    tracing._tracing_enabled = False
    await act(Instant(), await_result=True)


class Tests(unittest.TestCase):
    def test_act(self):
        with MelleaSession(Instant(), SimpleContext()) as session:
            self.assertEqual(session.act(CBlock("do"), strategy=None).value, "an answer")

    def test_failure(self):
        with MelleaSession(DummyBackend([]), SimpleContext()) as session:
            with self.assertRaisesRegex(Exception, "no more than 0 calls"):
                session.act(CBlock("do"), strategy=None)


def main(how):
    if how == "tests":
        unittest.main(argv=sys.argv[:1])
    elif how in ("raises", "exits"):
        with MelleaSession(Instant(), SimpleContext()) as session:
            session.act(CBlock("do"), strategy=None)
            if how == "exits":
                sys.exit(3)
            raise KeyError("gone")
    else:
        asyncio.run(globals()[how]())


if __name__ == "__main__":
    main(sys.argv[1])
