# SPDX-License-Identifier: Apache-2.0
"""Texts that are long, empty, not ASCII; a tool that returns no string and is given much."""

from mellea import start_session
from mellea.backends import ModelOption
from mellea.backends.tools import MelleaTool
from mellea.stdlib.functional import _call_tools
from mellea.stdlib.requirements import req, simple_validate
from mellea.stdlib.sampling import RejectionSamplingStrategy


def repeat(text: str, times: int) -> dict:
    """Repeats a text. Grüße, 世界.

    Args:
        text: What.
        times: How often.
    """
    return {"repeated": [text] * times, "néé": None}


with start_session("openai", "tïny 🐌") as m:
    for reply in ("x" * 499, "y" * 500, "z" * 501, "é" * 600, "🐌" * 501, "tab\tquote\"\\ end", "|"):
        print(len(str(m.instruct(f"[reply {reply}] Say it.", strategy=None))))
    m.instruct("[reply short] Say it.", strategy=RejectionSamplingStrategy(loop_budget=2),
               requirements=[req("Is long.", validation_fn=simple_validate(
                   lambda text: False, reason="naïve " * 100))])
    asked = m.instruct('[tool repeat {"times": 60, "text": "zwölf 🐌"}] Repeat.', strategy=None,
                       model_options={ModelOption.TOOLS: [MelleaTool.from_callable(repeat)]},
                       tool_calls=True)
    print(len(_call_tools(asked, m.backend)[0].content))
