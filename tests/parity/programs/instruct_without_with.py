# SPDX-License-Identifier: Apache-2.0
"""A session that is not a context manager: closed by hand, and one that is never closed."""

from mellea import start_session

m = start_session("openai", "tiny")
print(m.instruct("What is the weather in {{city}}?", user_variables={"city": "Oslo"},
                 icl_examples=["It rains."], grounding_context={"season": "autumn"}))
m.cleanup()

other = start_session("openai", "small", model_options={"temperature": 0})
print(other.instruct("[reply Sunny.] And in Rome?", strategy=None))
