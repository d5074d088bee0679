# SPDX-License-Identifier: Apache-2.0
"""An object transformed: once by the model's words, once by the method that the model calls."""

import mellea
from mellea.stdlib.components import mify


@mify(fields_include={"name", "moons"}, funcs_include={"renamed"})
class Planet:
    def __init__(self, name: str, moons: int):
        self.name = name
        self.moons = moons

    def renamed(self, name: str):
        """The planet under another name.

        Args:
            name: The name it shall have.
        """
        return Planet(name, self.moons)


with mellea.start_session("openai", "tiny") as m:
    print(m.transform(Planet("Mars", 2), "[reply Planet Ares, 2 moons] Use its Greek name."))
    print(m.transform(Planet("Mars", 2), '[tool renamed {"name": "Ares"}] Use its Greek name.').name)
