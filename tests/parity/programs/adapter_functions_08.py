# SPDX-License-Identifier: Apache-2.0
"""Adapter functions: embedded in the served model, and with weights that are switched on and off.

mellea: 0.8.0
"""

from mellea import start_session
from mellea.backends.adapters import (Adapter, AdapterSchemaMismatchError, AdapterType, EmbeddedBinding,
                                      Identity, WeightsBinding, get_io_contract)
from mellea.stdlib.components import Message
from mellea.stdlib.components.intrinsic import Intrinsic
from mellea.stdlib.context import ChatContext


class Switch(WeightsBinding):
    """Weights that are there already."""

    binding_type = "server_mediated"
    revision = "abc123"

    def prepare(self):
        pass

    activate = deactivate = release = prepare


def adapter(name, weights, kind="lora"):
    return Adapter(Identity(name, kind, capability=name), get_io_contract(name), weights)



with start_session("openai", "tiny", max_retries=0) as m:
    m.backend.add_adapter(adapter("answerability", EmbeddedBinding(), "alora"),
                          config={"model": None, "response_format": None, "transformations": None})
    for text in ('[reply {"answerability": "answerable"}] Is Mars red?', "Not JSON.", "[status 500]"):
        m.ctx = ChatContext().add(Message("user", text))
        try:
            print(m.act(Intrinsic("answerability", adapter_types=(AdapterType.ALORA,)), strategy=None))
        except Exception as error:
            print(type(error).__name__)
    switched = adapter("answerability", Switch())
    with m.backend.adapter_scope(switched):
        print("on")
    mismatch = AdapterSchemaMismatchError("answerability", frozenset(), frozenset({"answerability"}))
    for error in (mismatch, LookupError("a bug")):
        try:
            with m.backend.adapter_scope(switched):
                raise error
        except Exception as raised:
            print(type(raised).__name__)
