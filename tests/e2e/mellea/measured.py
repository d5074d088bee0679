# SPDX-License-Identifier: Apache-2.0
"""Usage: measured.py WHAT... Does each in a process of its own, and no more, so that it is known by how
much metrics should move. Prints "PID WHAT" of each. See ACTS.

With a model server. In the words of both Mellea 0.8 and 0.7.
"""

import asyncio
import os
import signal
import sys

import mellea.backends.openai  # noqa: F401  once for all
from mellea import start_session
from mellea.backends import ModelOption
from mellea.backends.tools import MelleaTool
from mellea.core import Requirement
from mellea.core.requirement import PartialValidationResult
from mellea.stdlib import functional, streaming
from mellea.stdlib.components import Instruction
from mellea.stdlib.requirements import check, req, simple_validate
from mellea.stdlib.sampling import RejectionSamplingStrategy

REASON = "mark_of_a_reason"


class NoSwearing(Requirement):
    async def _stream_validate(self, chunk, *, backend, ctx):
        if "damn" in chunk:
            return PartialValidationResult("fail", reason=REASON)
        return PartialValidationResult("pass")

    if not hasattr(Requirement, "_stream_validate"):  # 0.7
        stream_validate = _stream_validate


async def stream(session, text, **options):
    action = Instruction(text)
    if hasattr(streaming, "stream"):
        async with await streaming.stream(action, session.backend, session.ctx, **options) as chunks:
            async for chunk in chunks:
                yield chunk
        return
    result = await streaming.stream_with_chunking(action, session.backend, session.ctx, **options)
    async for chunk in result.astream():
        yield chunk
    await result.acomplete()


async def read_stream(session, text, **options):
    async for _ in stream(session, text, chunking="sentence", **options):
        pass


async def die_in_stream(session):
    endless = " ".join("Number %d." % i for i in range(1000))
    async for _ in stream(session, "[pace 50] [reply %s] Count." % endless, chunking="sentence"):
        os.kill(os.getpid(), signal.SIGKILL)


def answer(session):
    session.instruct("[reply one two three] Count.", strategy=None)


def answer_streaming(session):
    session.instruct("[reply one two three] Count.", strategy=None, model_options={ModelOption.STREAM: True})


def sampled(session, reasons, budget, reply="one"):
    checks = [check("Has two words.", validation_fn=simple_validate(
        lambda text: len(text.split()) == 2, reason=reason)) for reason in reasons]
    session.instruct("[reply %s] Say two words." % reply, requirements=checks,
                     strategy=RejectionSamplingStrategy(loop_budget=budget))


def judged(session):
    session.instruct("[reply one] Say.", requirements=[req("Is good. [judge no]")],
                     strategy=RejectionSamplingStrategy(loop_budget=1))


def failing(session):
    try:
        session.instruct("[status 500] Say.", strategy=None)
    except Exception:
        pass


def tool(session):
    def divide(dividend: int, divisor: int) -> float:
        """Divides.

        Args:
            dividend: What is divided.
            divisor: By what.
        """
        return dividend / divisor

    asked = session.instruct('[tool divide {"dividend": 1, "divisor": 0}] Divide.', strategy=None,
                             model_options={ModelOption.TOOLS: [MelleaTool.from_callable(divide)]},
                             tool_calls=True)
    functional._call_tools(asked, session.backend)


ACTS = {
    "answer": answer,
    "unpriced": answer,
    "answer_streaming": answer_streaming,
    "passing_stream": lambda session: asyncio.run(read_stream(
        session, "[pace 5] [reply All is well. It is.] Say.", requirements=[NoSwearing("Be nice.")])),
    "failed_check": lambda session: asyncio.run(read_stream(
        session, "[pace 20] [reply All is well. Then damn it. Never said.] Curse.",
        requirements=[NoSwearing("Be nice.")])),
    "repaired": lambda session: sampled(session, [REASON], 3, "one | one two"),
    "exhausted": lambda session: sampled(session, [REASON], 2),
    "long_reasons": lambda session: sampled(session, ["%02d" % i + "\u00e9" * 3000 for i in range(20)], 1),
    "judged": judged,
    "status": failing,
    "tool": tool,
    "kill": lambda session: (sampled(session, [REASON], 2), asyncio.run(die_in_stream(session))),
}


def main():
    for what in sys.argv[1:]:
        sys.stdout.flush()
        child = os.fork()
        if not child:
            with start_session("openai", what if what == "unpriced" else "tiny", max_retries=0) as session:
                ACTS[what](session)
            return
        os.waitpid(child, 0)
        print(child, what)


if "PRICES" in os.environ:
    import litellm  # noqa: F401
main()
