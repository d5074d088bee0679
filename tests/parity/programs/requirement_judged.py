# SPDX-License-Identifier: Apache-2.0
"""Requirements that the model itself judges; the second attempt satisfies them."""

from mellea import start_session
from mellea.stdlib.requirements import req
from mellea.stdlib.sampling import RejectionSamplingStrategy

with start_session("openai", "tiny") as m:
    print(m.instruct("[reply Too long, sadly. | Short.] Write a title.",
                     requirements=[req("[judge no | yes] Is short.")],
                     strategy=RejectionSamplingStrategy(loop_budget=3)))
