# SPDX-License-Identifier: Apache-2.0
"""One of each kind of callable that a binding can name (kinds.json). Knows nothing of spanshim."""

import asyncio
import functools
import logging
import math
import sys
import types
import warnings


def function(a, b=2, *rest, c=3, **more):
    """Adds.

    >>> function(1)
    6
    """
    return a + b + c + sum(rest) + sum(more.values())


def positional(a, /, b: "int" = 5) -> "str":
    return "%s/%s" % (a, b)


def wide(*things, **named):
    return len(things), sorted(named)


def decorate(inner):
    @functools.wraps(inner)
    def outer(*args, **kwargs):
        return inner(*args, **kwargs)
    return outer


@decorate
def decorated(first, second=20, *, third=30):
    return first + second + third


@decorate
async def decorated_async(a):
    await asyncio.sleep(0)
    return function(a)


@decorate
def decorated_generator(n):
    for i in range(n):
        yield function(i)


async def coroutine(a):
    await asyncio.sleep(0)
    return function(a)


@types.coroutine
def old_coroutine(a):
    yield from asyncio.sleep(0).__await__()
    return function(a)


def generator(n):
    """Yields 0 .. n-1; what is sent is in its value."""
    got = []
    for i in range(n):
        got.append((yield i))
    return got


async def async_generator(n):
    for i in range(n):
        await asyncio.sleep(0)
        function(i)
        yield {"text": "item %d" % i, "parts": [i, i * i]}


@functools.lru_cache(maxsize=None)
def cached(a, b=1):
    return a * b


class Base:
    def inherited(self, a):
        return "base %s" % a

    @classmethod
    def made(cls, a):
        return "%s %s" % (cls.__name__, a)


class Kind(Base):
    def __init__(self, name, number=0):
        super().__init__()
        self.name = name
        self.number = number

    def __call__(self, a):
        return "%s called with %s" % (self.name, a)

    def __repr__(self):
        return "<%s>" % self.name

    def method(self, a, b=1):
        return a + b

    def inherited(self, a):
        return __class__.__name__ + " " + super().inherited(a)

    def __secret(self):
        return "secret of %s" % self.name

    def tell(self):
        return self.__secret()

    @staticmethod
    def static(a):
        return -a

    @classmethod
    def of_class(cls, a):
        return cls.__name__, a

    @property
    def value(self):
        """The value."""
        return self.number

    @value.setter
    def value(self, number):
        self.number = number

    @value.deleter
    def value(self):
        self.number = None

    async def later(self, a):
        await asyncio.sleep(0)
        return self.method(a)

    def items(self, n):
        for i in range(n):
            yield self.method(i)

    @functools.lru_cache(maxsize=None)
    def cached_method(self, a):
        return a * 10

    @functools.cached_property
    def costly(self):
        return self.number + 1000

    shared = staticmethod(functools.partial(function, 100))


class Derived(Kind):
    pass


class Slots:
    __slots__ = ("a",)

    def __init__(self, a):
        self.a = a

    def get(self):
        return self.a


class Text(str):
    pass


class Plain:
    pass


root = math.sqrt
join = "-".join
half = functools.partial(function, 1, c=5)
half_async = functools.partial(coroutine, 7)
instance = Kind("instance")
other_instance = Kind("other")
bound = instance.method
number = 42


class Trouble(Exception):
    def __init__(self, code):
        super().__init__("code %d" % code)


def fails(code):
    raise Trouble(code)


def fails_from(code):
    try:
        fails(code)
    except Trouble as error:
        raise LookupError("no luck") from error


async def fails_later():
    await asyncio.sleep(0)
    raise KeyError("later")


def fails_generating(n):
    for i in range(n):
        yield i
    raise OSError(2, "gone")


def ends():
    raise StopIteration(3)


def exits():
    sys.exit(4)


def deep(n):
    return n and deep(n - 1)


def warns():
    warnings.warn("mind", UserWarning, stacklevel=2)


def logs():
    logging.getLogger("kinds").warning("logged", stacklevel=2)
