# SPDX-License-Identifier: Apache-2.0
"""Validation apart from sampling: in Python and by the model; one holds, one does not."""

from mellea import start_session
from mellea.stdlib.requirements import req, simple_validate

brief = req("Is brief.", validation_fn=simple_validate(lambda text: len(text) < 20, reason="too long"))

with start_session("openai", "tiny") as m:
    m.instruct("Tell me about moons", strategy=None)
    for result in m.validate([brief]):
        print(bool(result), result.reason)
    for result in m.validate([req("[judge yes] Mentions Jupiter.")]):
        print(bool(result))
