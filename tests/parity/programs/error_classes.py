# SPDX-License-Identifier: Apache-2.0
"""Failures of many classes, which Mellea's error metric sorts into a few: of the backend and others'."""

from openai.resources.chat import AsyncCompletions

from mellea import start_session
from mellea.stdlib.components import Instruction


class QuotaRateLimited(Exception):
    pass


class GatewayTimeout(Exception):
    pass


class UnauthorizedCaller(Exception):
    pass


class ContentPolicyViolated(Exception):
    pass


class NetworkUnreachable(Exception):
    pass


class ServerBusy(Exception):
    pass


def failing(error):
    async def create(*_args, **_kwargs):
        raise error
    return create


with start_session("openai", "tiny", max_retries=0) as m:
    for status in (401, 403, 404, 409, 422):
        try:
            m.act(Instruction(f"[status {status}] Tell me about moons"), strategy=None)
        except Exception as error:
            print(type(error).__name__)
    for raised in (QuotaRateLimited("a"), GatewayTimeout("b"), UnauthorizedCaller("c"),
                   ContentPolicyViolated("d"), NetworkUnreachable("e"), ServerBusy("f"),
                   ConnectionResetError("g"), TimeoutError("h"), MemoryError("i")):
        AsyncCompletions.create = failing(raised)
        try:
            m.act(Instruction("Tell me about moons"), strategy=None)
        except Exception as error:
            print(type(error).__name__)
