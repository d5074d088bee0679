# SPDX-License-Identifier: Apache-2.0
"""Says all that a program can see of the functions of kinds.py without looking at frames."""

import asyncio
import contextlib
import copy
import doctest
import functools
import gc
import inspect
import logging
import pickle
import sys
import traceback
import typing
import warnings
import weakref

import kinds

FUNCTIONS = [kinds.function, kinds.positional, kinds.wide, kinds.decorated, kinds.decorated_async,
             kinds.decorated_generator, kinds.coroutine, kinds.old_coroutine, kinds.generator,
             kinds.async_generator, kinds.cached, kinds.Kind.__init__, kinds.Kind.method, kinds.Kind.inherited,
             kinds.Kind.static, kinds.Kind.of_class, kinds.Derived.made, kinds.Kind.later, kinds.Kind.items,
             kinds.Kind.cached_method, kinds.Kind.shared, kinds.Slots.get, kinds.half, kinds.half_async,
             kinds.instance, kinds.bound]


def show(*things):
    print(*things)


def tried(function, *arguments, **options):
    """The value, or the exception with its traceback."""
    try:
        return function(*arguments, **options)
    except BaseException:
        return traceback.format_exc()


def metadata():
    for function in FUNCTIONS:
        show("--", getattr(function, "__name__", None), getattr(function, "__qualname__", None))
        show([check(function) for check in (
            inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction,
            inspect.ismethod, callable)])
        show(tried(inspect.signature, function), (function.__doc__ or "").split("\n")[0])
        show(getattr(function, "__annotations__", None), getattr(function, "__defaults__", None),
             getattr(function, "__kwdefaults__", None))
        show(sorted(name for name in dir(function) if not name.startswith("_")))
    for function in (kinds.function, kinds.decorated, kinds.coroutine, kinds.generator, kinds.Kind.method):
        show(inspect.getsource(function).split("\n")[0], inspect.getmodule(function).__name__,
             typing.get_type_hints(function), function.__code__.co_name, function.__code__.co_firstlineno,
             function.__globals__ is vars(kinds))
    show(kinds.cached.__wrapped__.__name__, kinds.half.func.__name__, kinds.half.args, kinds.half.keywords,
         isinstance(kinds.half, functools.partial), type(kinds.instance) is kinds.Kind)
    for name in ("static", "of_class", "value", "costly", "method", "__init__", "shared"):
        raw = inspect.getattr_static(kinds.Kind, name)
        show(name, type(raw).__name__, raw.__doc__ and raw.__doc__.split("\n")[0], "made" in vars(kinds.Kind))
    show(inspect.signature(kinds.Kind), inspect.getmro(kinds.Derived), asyncio.iscoroutinefunction(kinds.coroutine))
    show([line for line in inspect.getdoc(kinds.generator).split("\n")])
    show([name for name in sys.modules if "spanshim" in name])


def copies():
    for function in (kinds.function, kinds.coroutine, kinds.generator, kinds.cached, kinds.decorated,
                     kinds.Kind.method, kinds.instance.method):
        show(pickle.loads(pickle.dumps(function)) == function, copy.copy(function) == function)
    show(pickle.loads(pickle.dumps(kinds.half))(2), copy.deepcopy(kinds.half)(3), pickle.loads(pickle.dumps(
        kinds.instance)), pickle.loads(pickle.dumps(kinds.root))(4), pickle.loads(pickle.dumps(kinds.half_async)).args)
    show(doctest.testmod(kinds))
    show([(test.name, test.lineno) for test in doctest.DocTestFinder().find(kinds) if test.name != "kinds.root"])


def arguments():
    """Wrong ones: the same error, raised in the same place."""
    for call in (lambda: kinds.function(), lambda: kinds.positional(a=1), lambda: kinds.coroutine(1, 2),
                 lambda: kinds.generator(), lambda: kinds.async_generator(x=1), lambda: kinds.Kind(),
                 lambda: kinds.Kind("a").method(), lambda: kinds.root("x"), lambda: kinds.cached(),
                 lambda: kinds.decorated(third=1), lambda: kinds.half(1, 2, c=object()), lambda: kinds.bound()):
        show(tried(call))
    kinds.function.__defaults__ = (7,)
    show(kinds.function(1))
    kinds.function.__defaults__ = (2,)


def errors():
    show(tried(kinds.fails, 3))
    show(tried(kinds.fails_from, 4))
    show(tried(asyncio.run, kinds.fails_later())[-30:])
    show(tried(list, kinds.fails_generating(2)))
    show(tried(kinds.ends))
    show(tried(kinds.exits))
    with contextlib.suppress(RecursionError):
        kinds.deep(100000)
    show(kinds.deep(10))
    try:
        kinds.fails(5)
    except kinds.Trouble as error:
        show(error.args, error.__context__, error.__cause__, error.__traceback__.tb_frame.f_code.co_name)
        reference = weakref.ref(error)
    gc.collect()
    show(reference())
    try:
        raise KeyError("outer")
    except KeyError:
        try:
            kinds.fails(6)
        except kinds.Trouble as error:
            show(repr(error.__context__))
    with open("kinds.out", "w") as file:
        print(tried(kinds.fails, 1), file=file)


def warned():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        kinds.warns()
        for warning in caught:
            show(warning.filename.rpartition("/")[2], warning.lineno, warning.category.__name__)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        kinds.coroutine(1)
        gc.collect()
        show([str(warning.message) for warning in caught])
    logging.basicConfig(stream=sys.stdout, format="%(filename)s %(lineno)d %(funcName)s %(message)s")
    if sys.version_info >= (3, 11):
        kinds.logs()


def generators():
    g = kinds.generator(3)
    show(inspect.getgeneratorstate(g), g.__name__, g.__qualname__, next(g), inspect.getgeneratorstate(g))
    show(g.send("x"), tried(g.throw, ValueError("thrown")), inspect.getgeneratorstate(g))
    show(tried(g.send, None), tried(next, g), g.close())
    g = kinds.generator(2)
    show(tried(g.send, 1), g.close(), list(g))
    g = kinds.generator(2)
    next(g), next(g)
    show(tried(g.send, "last"))

    def delegates():
        got = yield from kinds.generator(2)
        show("got", got)
        yield "end"

    g = delegates()
    show(next(g), g.send("a"), g.send("b"), tried(next, g))
    g = delegates()
    next(g)
    show(tried(g.throw, KeyError("through")))
    kinds.generator(5)
    first = next(iter(kinds.generator(5)))
    show(first, inspect.isgenerator(kinds.generator(1)))
    g = kinds.async_generator(1)
    show(inspect.isasyncgen(g), g.__name__)
    c = kinds.coroutine(1)
    show(inspect.iscoroutine(c), inspect.isawaitable(c), c.__name__, inspect.getcoroutinestate(c))
    c.close()
    show(inspect.getcoroutinestate(c))


async def stop(generator):
    async for item in generator:
        return item


async def asynchronous():
    show(await stop(kinds.async_generator(3)))
    g = kinds.async_generator(3)
    show(await g.__anext__(), await g.asend(None))
    try:
        await g.athrow(ValueError("thrown"))
    except ValueError:
        show(traceback.format_exc())
    g = kinds.async_generator(3)
    show(await g.__anext__(), await g.aclose(), [item async for item in g])
    task = asyncio.ensure_future(kinds.coroutine(1))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError as error:
        show("cancelled", error.args)
    show(await asyncio.gather(kinds.coroutine(1), kinds.fails_later(), return_exceptions=True))
    try:
        await asyncio.wait_for(kinds.old_coroutine(2), 10)
    finally:
        show("done")
    left.append(kinds.async_generator(3))
    show(await left[0].__anext__())


left = []


def main():
    for part in (metadata, copies, arguments, errors, warned, generators):
        show("=====", part.__name__)
        part()
    asyncio.run(asynchronous())
    show(len(sys.argv), sys.getrecursionlimit())
    sys.stdout.flush()
    kinds.fails_from(9)


main()
