# SPDX-License-Identifier: Apache-2.0
"""Requirements checked in Python; repair tells the model what failed, and the third attempt is good."""

from mellea import start_session
from mellea.stdlib.requirements import req, simple_validate
from mellea.stdlib.sampling import RepairTemplateStrategy

lower = req("All in lower case.", validation_fn=simple_validate(
    lambda text: (text.lower() == text, "there are capitals")))

with start_session("openai", "tiny") as m:
    sampled = m.instruct("[reply OH NO | Oh no | oh yes] Say something.", requirements=[lower],
                         strategy=RepairTemplateStrategy(loop_budget=4), return_sampling_results=True)
    print(sampled.success, len(sampled.sample_generations), sampled.result)
