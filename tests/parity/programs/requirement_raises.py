# SPDX-License-Identifier: Apache-2.0
"""A requirement's own code raises."""

from mellea import start_session
from mellea.stdlib.requirements import req


def broken(_context):
    raise LookupError("the checker has a bug")


with start_session("openai", "tiny") as m:
    try:
        m.instruct("Tell me about moons", requirements=[req("Anything.", validation_fn=broken)])
    except LookupError as error:
        print(error)
