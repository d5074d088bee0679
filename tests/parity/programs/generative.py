# SPDX-License-Identifier: Apache-2.0
"""Functions whose bodies the model imagines; one returns one of a few words, one a structure."""

from typing import Literal

from pydantic import BaseModel

from mellea import generative, start_session


class Reading(BaseModel):
    degrees: int
    wet: bool


@generative
def mood(text: str) -> Literal["good", "bad"]:
    """How the text sounds. [reply {"result": "good"}]"""


@generative
def read(text: str) -> Reading:
    """The weather in the text. [reply {"result": {"degrees": 7, "wet": true}}]"""


with start_session("openai", "tiny") as m:
    print(mood(m, text="What a day!"))
    print(read(m, text="Seven degrees and rain."))
