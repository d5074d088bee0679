# SPDX-License-Identifier: Apache-2.0
"""Actions of several kinds, with options, with and without a strategy."""

from mellea import start_session
from mellea.backends import ModelOption
from mellea.stdlib.components import Instruction, Message, SimpleComponent
from mellea.stdlib.sampling import RejectionSamplingStrategy

with start_session("openai", "tiny") as m:
    print(m.act(Message("user", "Tell me about moons")))
    print(m.act(Instruction("Write a haiku"), strategy=RejectionSamplingStrategy(loop_budget=1)))
    print(m.act(SimpleComponent(question="what about the weather?"),
                model_options={ModelOption.MAX_NEW_TOKENS: 50}))
    sampled = m.act(Instruction("And another haiku"), return_sampling_results=True,
                    strategy=RejectionSamplingStrategy(loop_budget=2))
    print(sampled.success, len(sampled.sample_generations))
