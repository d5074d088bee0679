# SPDX-License-Identifier: Apache-2.0
"""Four samples at a time, and a vote."""

from mellea import start_session
from mellea.stdlib.requirements import req, simple_validate
from mellea.stdlib.sampling import MajorityVotingStrategyForMath

number = req("Is a number.", validation_fn=simple_validate(lambda text: text.isdigit()))

with start_session("openai", "tiny") as m:
    print(m.instruct("[reply 42] What is six times seven?", requirements=[number],
                     strategy=MajorityVotingStrategyForMath(number_of_samples=4)))
