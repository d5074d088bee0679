# SPDX-License-Identifier: Apache-2.0
"""Calls each function of kinds.py once or twice; says on stdout what came of it."""

import asyncio
import sys

import kinds
from kinds import function


def show(*things):
    print(*things)


def main():
    show(function(1), function(1, 10, 100, c=1000, d=10000), function(a=5))
    show(kinds.positional(3), kinds.positional("x", b=6))
    show(kinds.wide(), kinds.wide(9, 8, x=7))
    show(kinds.decorated(1), kinds.decorated(1, third=3), kinds.decorated(second=2, first=1))
    show(list(kinds.decorated_generator(2)))
    show(list(kinds.generator(3)))
    show(kinds.cached(2), kinds.cached(2), kinds.cached(2, b=3), kinds.cached.cache_info())
    kind = kinds.Kind("k", number=7)
    show(kind(1), kind.method(1), kind.method(b=4, a=3), kind.inherited(2), kind.tell())
    show(kind.static(3), kinds.Kind.static(4), kind.of_class(5), kinds.Derived.of_class(6))
    show(kinds.Kind.made(7), kinds.Derived.made(8))
    kind.value = 11
    show(kind.value)
    del kind.value
    show(kind.value, list(kind.items(2)))
    kind.value = 1
    show(kind.cached_method(3), kind.cached_method(3), kinds.Kind.cached_method.cache_info())
    show(kind.costly, kind.costly, kind.shared(b=1), kinds.Kind.shared(2))
    slots = kinds.Slots(12)
    show(slots.get(), kinds.Text("abc").upper())
    show(kinds.root(16), kinds.join(["a", "b"]), kinds.half(4), kinds.half(b=6, c=0))
    show(kinds.instance("i"), kinds.other_instance("o"), kinds.bound(1), kinds.bound.__self__)
    asyncio.run(main_async(kind))
    sys.stdout.flush()


async def main_async(kind):
    show(await kinds.coroutine(1), await kinds.decorated_async(2), await kinds.old_coroutine(3))
    show(await kind.later(4), await kinds.half_async())
    show([item async for item in kinds.async_generator(2)])


main()
