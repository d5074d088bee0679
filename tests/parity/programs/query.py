# SPDX-License-Identifier: Apache-2.0
"""A question about an object, which itself is a component."""

import mellea
from mellea.stdlib.components import mify


@mify(fields_include={"name", "moons"})
class Planet:
    def __init__(self, name: str, moons: int):
        self.name = name
        self.moons = moons


with mellea.start_session("openai", "tiny") as m:
    print(m.query(Planet("Mars", 2), "How many moons has it?"))
