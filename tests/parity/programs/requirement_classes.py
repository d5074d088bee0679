# SPDX-License-Identifier: Apache-2.0
"""Requirements of several classes at once; some hold, some fail, with a reason and without."""

from mellea import start_session
from mellea.stdlib.requirements import LLMaJRequirement, Requirement, req, simple_validate


class Polite(Requirement):
    """Does not say why it fails."""

    def __init__(self):
        super().__init__("Is polite.", validation_fn=simple_validate(lambda text: "please" in text))


class Long(Requirement):
    """Says why it fails, in other words each time."""

    def __init__(self):
        super().__init__("Is long.", validation_fn=simple_validate(
            lambda text: (len(text) > 100, "only %d letters" % len(text))))


with start_session("openai", "tiny") as m:
    for reply in ("Sit down.", "Sit down, please.", "Go."):
        m.instruct(f"[reply {reply}] Write.", strategy=None)
        results = m.validate([Polite(), Long(), req("[judge no] Rhymes."),
                              LLMaJRequirement("[judge yes] Is kind."),
                              req("Stops.", validation_fn=simple_validate(lambda text: "." in text))])
        print([bool(result) for result in results])
