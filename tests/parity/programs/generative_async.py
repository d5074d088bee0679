# SPDX-License-Identifier: Apache-2.0
"""Functions that the model imagines, awaited; with a requirement."""

import asyncio

from mellea import generative, start_session
from mellea.stdlib.requirements import req, simple_validate
from mellea.stdlib.sampling import RejectionSamplingStrategy


@generative
async def shout(text: str) -> str:
    """The text in capitals. [reply {"result": "hi"} | {"result": "HI"}]"""


async def main():
    with start_session("openai", "tiny") as m:
        print(await shout(m, text="hi", strategy=RejectionSamplingStrategy(loop_budget=3),
                          requirements=[req("Loud.", validation_fn=simple_validate(
                              lambda text: "HI" in text))]))


asyncio.run(main())
