# SPDX-License-Identifier: Apache-2.0
"""A library for talking to a model: sessions, acts, streams and chats (talk.json)."""

import asyncio


class Busy(Exception):
    pass


class Session:
    def __init__(self, name):
        if not name:
            raise ValueError("a session needs a name")
        self.name = name
        self.busy = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.busy:
            raise Busy(self.name)

    def act(self, text, inside=None):
        """Asks the model; what is given is done meanwhile."""
        answer = self.chat("chat of " + text)
        return (answer, inside()) if inside else answer

    def chat(self, text):
        return {"message": {"content": text.upper()}, "tokens": [len(text), 7]}

    async def act_async(self, text, inside=None):
        await asyncio.sleep(0)
        answer = await self.chat_async("chat of " + text)
        return (answer, await inside()) if inside else answer

    async def chat_async(self, text):
        await asyncio.sleep(0)
        return text.upper()

    def stream(self, text):
        try:
            for word in text.split():
                note("word")
                yield word
        finally:
            note("left")

    async def stream_async(self, text):
        try:
            for word in text.split():
                await asyncio.sleep(0)
                note("word")
                yield word
        finally:
            await asyncio.sleep(0)
            note("left")


class Slotted:
    """Has no weak references."""
    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name

    def close(self):
        pass


def connect(number):
    return number if number else None


async def connect_async(name):
    await asyncio.sleep(0)
    return name


def ask(connection, text):
    return note(text)


def disconnect(connection):
    return connection


def note(text):
    return text


def work(text, inside=None):
    return inside() if inside else text


def shout(prompt, reason=None, *, extra=None):
    return Reply(prompt.upper())


class Reply:
    def __init__(self, text):
        self.text = text

    @property
    def broken(self):
        raise RuntimeError("no such thing")
