# SPDX-License-Identifier: Apache-2.0
"""Usage: content.py end|kill. Marks every kind of content, then ends or kills itself with all of it
told.

The markers: see MARKS. Exceptions' texts are no content: Mellea's telemetry records them always.
"""

import asyncio
import os
import signal
import sys

from instant import Instant
from mellea.backends.tools import MelleaTool
from mellea.core import CBlock, ModelOutputThunk, ModelToolCall, Requirement
from mellea.core.requirement import PartialValidationResult
from mellea.stdlib import functional, streaming
from mellea.stdlib.context import ChatContext, SimpleContext
from mellea.stdlib.requirements import req, simple_validate
from mellea.stdlib.sampling import RejectionSamplingStrategy
from mellea.stdlib.session import MelleaSession

MARKS = {"prompt": "mark_of_a_prompt", "response": "mark_of_a_response",
         "tool argument": "mark_of_an_argument", "tool result": "mark_of_a_result",
         "reason": "mark_of_a_reason", "line": "mark_of_a_line", "text": "mark_of_a_text"}
PROMPT, RESPONSE, ARGUMENT, RESULT, REASON, LINE, TEXT = MARKS.values()


class Failing(Instant):
    async def process(self, output, chunk):
        raise RuntimeError("a text with " + TEXT)


class Picky(Requirement):
    async def _stream_validate(self, chunk, *, backend, ctx):
        return PartialValidationResult("fail", reason="streaming, " + REASON)

    if not hasattr(Requirement, "_stream_validate"):  # 0.7
        stream_validate = _stream_validate


def call_tools(backend):
    def look(where: str) -> dict:
        return {"found": [RESULT] * 30}

    told = {"type": "function",
            "function": {"name": "look", "description": "Looks.", "parameters": {}}}
    call = ModelToolCall("look", MelleaTool("look", look, told), {"where": ARGUMENT * 30})
    output = ModelOutputThunk("")
    output.tool_calls = [call] if hasattr(functional, "call_tools") else {"look": call}
    functional._call_tools(output, backend)


async def stream(backend):
    action, context, picky = CBlock(PROMPT), SimpleContext(), Picky("be good")
    if hasattr(streaming, "stream"):
        async with await streaming.stream(action, backend, context, chunking="word",
                                          requirements=[picky]) as streamer:
            async for _ in streamer:
                pass
    else:
        result = await streaming.stream_with_chunking(action, backend, context, chunking="word",
                                                      requirements=[picky])
        await result.acomplete()


def main():
    backend = Instant(("%s in an answer " % RESPONSE * 30,))
    with MelleaSession(backend, ChatContext()) as session:
        session.act(CBlock(PROMPT), strategy=None)
        reason = REASON + "!" * 600
        never = req("is good", validation_fn=simple_validate(lambda text: (False, reason)))
        session.instruct(PROMPT, requirements=[never],
                         strategy=RejectionSamplingStrategy(loop_budget=2))
        call_tools(backend)
    asyncio.run(stream(Instant(("%s in a stream. " % RESPONSE, "More. "), pause=0.001)))
    try:
        with MelleaSession(Failing(), SimpleContext()) as session:
            session.act(CBlock("mark_of_a_line"), strategy=None)
    except RuntimeError:
        pass
    if sys.argv[1] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)


main()
