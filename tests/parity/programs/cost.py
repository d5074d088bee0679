# SPDX-License-Identifier: Apache-2.0
"""A price source that knows one model and not the other: it stands in for litellm, already imported."""

import importlib.machinery
import sys
import types


def cost_per_token(model, prompt_tokens, completion_tokens, cache_read_input_tokens, **_others):
    if model not in litellm.model_cost:
        raise KeyError(model)
    return prompt_tokens * 0.03 - cache_read_input_tokens * 0.01, completion_tokens * 0.07


litellm = types.ModuleType("litellm")
litellm.__spec__ = importlib.machinery.ModuleSpec("litellm", None)
litellm.cost_per_token = cost_per_token
litellm.model_cost = {"dear": {}}
sys.modules["litellm"] = litellm

from mellea import start_session  # noqa: E402
from mellea.core import CBlock  # noqa: E402
from mellea.helpers import _run_async_in_thread  # noqa: E402

for model in ("dear", "unknown"):
    with start_session("openai", model) as m:
        print(m.instruct("Tell me about moons"))
        print(m.instruct("[usage plain] Write a haiku"))
        print(m.instruct("[usage none] What about the weather?"))
        print(*_run_async_in_thread(m.backend.generate_from_raw([CBlock("Moons of Mars: ")], m.ctx)))
