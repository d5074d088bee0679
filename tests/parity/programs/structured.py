# SPDX-License-Identifier: Apache-2.0
"""Output constrained to a schema."""

from pydantic import BaseModel

from mellea import start_session


class Planet(BaseModel):
    name: str
    moons: int


with start_session("openai", "tiny") as m:
    print(m.instruct('[reply {"name": "Mars", "moons": 2}] Describe Mars.', format=Planet,
                     strategy=None))
