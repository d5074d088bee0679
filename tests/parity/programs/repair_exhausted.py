# SPDX-License-Identifier: Apache-2.0
"""A requirement that no attempt satisfies: the budget is used up, the program goes on."""

from mellea import start_session
from mellea.stdlib.requirements import check, simple_validate
from mellea.stdlib.sampling import RepairTemplateStrategy

with start_session("openai", "tiny") as m:
    sampled = m.instruct("[reply one | two] Say three words.",
                         requirements=[check("Has three words.", validation_fn=simple_validate(
                             lambda text: len(text.split()) == 3, reason="too few words"))],
                         strategy=RepairTemplateStrategy(loop_budget=3), return_sampling_results=True)
    print(sampled.success, len(sampled.sample_generations))
