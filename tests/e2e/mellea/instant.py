# SPDX-License-Identifier: Apache-2.0
"""A Mellea backend without a model: answers at once, or chunk by chunk, and fires every hook.

For loads, crashes and costs, where a model server would only be in the way. It computes lazily as the
real backends do.
"""

import asyncio
import datetime

from mellea.core import Backend, GenerateLog, GenerateType, ModelOutputThunk


class Instant(Backend):
    def __init__(self, chunks=("an answer",), pause=0, chunk_done=None):
        """pause: seconds before each chunk; chunk_done(i): called when chunk i is on its way."""
        self._model_id = self.model_id = "instant"
        self._provider = "openai"
        self.chunks, self.pause, self.chunk_done = chunks, pause, chunk_done

    async def _generate_from_context(self, action, ctx, *, format=None, model_options=None,
                                     tool_calls=False):
        output = ModelOutputThunk(None)
        output._gen.start = datetime.datetime.now()
        output._gen.process, output._gen.post_process = self.process, self.post_process
        output._gen.generate_type = GenerateType.ASYNC
        output._call.action, output._call.context = action, ctx.view_for_generation()
        output._call.model_options = model_options
        output.generation.model, output.generation.provider = self._model_id, self._provider
        if self.pause:
            output.generation.streaming = True
            output._gen.generate = asyncio.create_task(self.feed(output._gen.queue))
        else:
            for chunk in (*self.chunks, None):
                output._gen.queue.put_nowait(chunk)
        return output, ctx.add(action).add(output)

    async def feed(self, queue):
        for number, chunk in enumerate(self.chunks):
            await asyncio.sleep(self.pause)
            await queue.put(chunk)
            if self.chunk_done:
                self.chunk_done(number)
        await queue.put(None)

    async def process(self, output, chunk):
        output._underlying_value = (output._underlying_value or "") + chunk

    async def post_process(self, output):
        output.generation.usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
        output.generation.finish_reasons = ["stop"]
        output._generate_log = GenerateLog()

    async def _generate_from_raw(self, *args, **kwargs):
        raise NotImplementedError
