# SPDX-License-Identifier: Apache-2.0
"""Makes what stands in for a wrapped function.

Runs in a dictionary of its own with the globals of bindings.py. A wrapper is generated for the
parameters of what it wraps: wrong arguments fail in the call itself, with the same message, and
values are at hand as local variables. What it needs of us is among the constants of its code, so
that it can be the code of the very function that it wraps: this one stays what it is for all who
know it already (registries, partial, pickle), and a copy of it does the work. Which exception or
value comes through is never a wrapper's business. Must not: keep an argument, a result or an item
longer than the call lasts. Valid for Python 3.8.
"""

VARARGS, VARKEYWORDS, GENERATOR, COROUTINE, ITERABLE, ASYNC_GENERATOR = (
    0x04, 0x08, 0x20, 0x80, 0x100, 0x200)  # code flags

# ---- source of wrappers. [name] stands for what fill() is given: a part of a line, or lines. A
# local name that begins with "spanshim_" is set from a constant where it is in NAMES and the like.

FAILED = """\
except:
    spanshim_fail = "spanshim_fail"
    spanshim_deep = "spanshim_deep"
    spanshim_lost = "spanshim_lost"
    try:
        spanshim_fail(spanshim_state, [values])
    except spanshim_deep:
        spanshim_lost[spanshim_state] = [hook_error]
    [leave]
    raise
"""

ONCE = """\
[enter]
try:
    spanshim_result = [call]
[failed]
[late]
[end]
[leave]
return spanshim_result
"""

# A function that is made of an async or a generator function may return what that returns.
LATE = """\
if spanshim_is_lazy(spanshim_type(spanshim_result)):
    spanshim_swap(spanshim_before)
    return spanshim_drive(spanshim_state, spanshim_result, [values])
"""

# The span is current while the generator runs, and not while whoever iterates does.
GENERATED = """\
[enter]
spanshim_step = spanshim_inner.send
spanshim_sent = [None]
try:
    while True:
        spanshim_items = [spanshim_step(spanshim_sent.pop())]
        [each]
        [leave]
        try:
            spanshim_sent = [(yield spanshim_items.pop())]
            spanshim_step = spanshim_inner.send
        except:
            spanshim_sent = [spanshim_thrown()]
            spanshim_step = spanshim_inner.throw
        [resume]
except spanshim_stop as spanshim_error:
    spanshim_result = spanshim_error.value
[failed]
[end]
[leave]
return spanshim_result
"""

GENERATED_ASYNC = """\
[enter]
spanshim_steps = [spanshim_first(spanshim_inner)]
try:
    while True:
        spanshim_items = [await spanshim_steps.pop()]
        [each]
        [leave]
        try:
            spanshim_sent = [(yield spanshim_items.pop())]
            spanshim_step = spanshim_inner.asend
        except:
            spanshim_sent = [spanshim_thrown()]
            spanshim_step = spanshim_inner.athrow
        [resume]
        spanshim_steps = [spanshim_step(spanshim_sent.pop())]
except spanshim_stop_async:
    spanshim_result = None
[failed]
[end]
[leave]
"""

KINDS = {"function": ("def", ONCE), "coroutine": ("async def", ONCE),
         "generator": ("def", GENERATED), "async generator": ("async def", GENERATED_ASYNC)}


def fill(text, parts):
    filled = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped[:1] == "[" and stripped[1:-1] in parts:
            indent = line[:len(line) - len(stripped)]
            filled += [indent + more for more in parts[stripped[1:-1]].splitlines()]
            continue
        for name, part in parts.items():
            line = line.replace("[%s]" % name, part)
        filled.append(line)
    return "\n".join(filled) + "\n"


def first_step(inner):
    """Of an async generator. Its wrapper answers for it: the event loop need not know of it."""
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return inner.__anext__()
    finally:
        sys.set_asyncgen_hooks(*hooks)


def thrown():
    """The exception that is being handled, as if it had not come through the wrapper."""
    error = sys.exc_info()[1]
    strip_own_frame(error)
    return error


NAMES = {
    "spanshim_deep": RecursionError, "spanshim_stop": StopIteration,
    "spanshim_stop_async": StopAsyncIteration, "spanshim_type": type, "spanshim_len": len,
    "spanshim_open": open, "spanshim_close": close, "spanshim_point": point,
    "spanshim_current": current, "spanshim_swap": swap, "spanshim_thrown": thrown,
    "spanshim_first": first_step, "spanshim_lost": lost}


# ---- parameters

class Parameters:
    """Of a wrapper: how they are declared, and passed on."""

    def __init__(self, function, self_name=None):
        self.names, self.keyword_only = [self_name] if self_name else [], []
        self.rest, self.keywords = "spanshim_args", "spanshim_kwargs"
        self.passed = "*spanshim_args, **spanshim_kwargs"
        self.declared = ", ".join(self.names + [self.passed])
        self.exact = False
        if type(function) is FUNCTION and not self_name:
            self.read(function)

    def read(self, function):
        code = function.__code__
        count, end = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
        has_rest, has_keywords = bool(code.co_flags & VARARGS), bool(code.co_flags & VARKEYWORDS)
        names = list(code.co_varnames[:end + has_rest + has_keywords])
        optional = len(function.__defaults__ or ())
        if optional > count or not all(
                name.isidentifier() and not name.startswith("spanshim_") for name in names):
            return
        self.exact = True
        self.keywords = names.pop() if has_keywords else None
        self.rest = names.pop() if has_rest else None
        self.names, self.keyword_only = names[:count], names[count:]
        declared = [name if at < count - optional else name + "=None"
                    for at, name in enumerate(self.names)]
        if code.co_posonlyargcount:
            declared.insert(code.co_posonlyargcount, "/")
        passed = list(self.names)
        if self.rest:
            declared.append("*" + self.rest)
            passed.append("*" + self.rest)
        elif self.keyword_only:
            declared.append("*")
        for name in self.keyword_only:
            declared.append(name + "=None" if name in (function.__kwdefaults__ or ()) else name)
            passed.append("%s=%s" % (name, name))
        if self.keywords:
            declared.append("**" + self.keywords)
            passed.append("**" + self.keywords)
        self.declared, self.passed = ", ".join(declared), ", ".join(passed)

    def all(self):
        return self.names + self.keyword_only + [self.rest, self.keywords]


class Sight:
    """Where the values that an entry asks for are in calls of one function."""

    def __init__(self, entry, function, parameters, has_self):
        self.entry, self.function, self.parameters = entry, function, parameters
        self.has_self = has_self
        self.signature = None
        self.free = {}  # names that the expressions need
        self.expressions = []
        self.before, self.after, self.each = [], [], []
        for key, length_key, place, index, name, path, kind, flags in entry.captures:
            capture = (key, length_key, self.slot(place, index, name), path, converter(kind), flags)
            (self.each if flags & EACH else self.after if flags & AT_EXIT
             else self.before).append(capture)
        self.handle, self.parent = [
            operand and (self.slot(*operand[:3]), operand[3])
            for operand in (entry.handle, entry.parent)]
        self.text = "(%s)" % "".join(expression + ", " for expression in self.expressions)

    def slot(self, place, index, name):
        """Position in the tuple of values; None: it is the result, or the item."""
        if place not in (ARG, NAMED):
            return None
        expression = self.argument(index) if place == ARG else self.named(name)
        if expression not in self.expressions:
            self.expressions.append(expression)
        return self.expressions.index(expression)

    def argument(self, index):
        """0: what the method is called on; n: the n-th argument as the call is written."""
        position = index if self.has_self else index - 1
        if position < 0:
            return "None"
        if position < len(self.parameters.names):
            return self.parameters.names[position]
        for name, at, default in self.described():
            if at == position:
                return self.passed(position, name, default)
        return self.passed(position, None, None)

    def named(self, name):
        if name in self.parameters.all():
            return name
        for other, at, default in self.described():
            if other == name:
                return self.passed(at, name, default)
        if not self.parameters.keywords:
            log("%s:%s has no parameter %s" % (self.entry.module, self.entry.path, name))
        return self.passed(None, name, None)

    def passed(self, position, name, default):
        """Passed on by position, by name, or not at all."""
        rest, keywords, text = self.parameters.rest, self.parameters.keywords, "None"
        if default is not None:
            text = "spanshim_default%d" % len(self.free)
            self.free[text] = lambda: default  # constants must have a hash
            text += "()"
        if name is not None and keywords:
            text = "%s.get(%r, %s)" % (keywords, name, text)
        if position is not None and rest:
            position -= len(self.parameters.names)
            text = "%s[%d] if spanshim_len(%s) > %d else %s" % (
                rest, position, rest, position, text)
        return "(%s)" % text

    def described(self):
        """(name, position or None, default) as the signature says, which sees through wrappers."""
        if self.signature is None:
            self.signature = []
            try:
                import inspect
                for parameter in inspect.signature(self.function).parameters.values():
                    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                        continue
                    at = None if parameter.kind == parameter.KEYWORD_ONLY else len(self.signature)
                    if at is not None and self.parameters.names[:1] == ["spanshim_self"]:
                        at += 1
                    default = parameter.default
                    self.signature.append((
                        parameter.name, at, None if default is parameter.empty else default))
            except Exception:
                pass
        return self.signature


# ---- wrappers

def flags_of(function):
    return function.__code__.co_flags if type(function) is FUNCTION else 0


def kind_of(function):
    flags = flags_of(function)
    return ("async generator" if flags & ASYNC_GENERATOR else "coroutine" if flags & COROUTINE
            else "generator" if flags & GENERATOR else "function")


def lazy_types():
    """What a call may return that has not run yet -> the kind of function that it is of."""
    async def items():
        yield

    async def result():
        pass

    waiting = result()
    waiting.close()
    return {type(waiting): "coroutine", type(items()): "async generator",
            type(item for item in ()): "generator"}


LAZY = lazy_types()


class Wrapper:
    """The source of one, and what its free names are."""

    def __init__(self, entry, sight):
        self.entry, self.sight = entry, sight
        begin, end, fail = PHASES[entry.when](entry, sight)

        def each(span, item):
            point(span, entry.index, entry.hook_point, 0, *take(sight.each, (), item))

        self.names = dict(NAMES, spanshim_function=sight.function, spanshim_begin=begin,
                          spanshim_end=end, spanshim_fail=fail, spanshim_each=each, **sight.free)

    def begin_text(self, values):
        entry, sight = self.entry, self.sight
        if entry.when == CALL and not sight.before and not sight.parent:
            return "spanshim_open(%d, %d, None, None)" % (entry.index, entry.hook_open)
        return "spanshim_begin(%s)" % values

    def end_text(self, values):
        entry, sight = self.entry, self.sight
        if entry.when == CALL and not sight.after:
            return "spanshim_close(spanshim_state, %d, %d)" % (entry.hook_close, OK)
        return "spanshim_end(spanshim_state, %s, spanshim_result)" % values

    def each_text(self, flags):
        entry = self.entry
        if entry.when != CALL or not entry.event or flags & ITERABLE:
            return ""
        if self.sight.each:
            return "spanshim_each(spanshim_state, spanshim_items[0])"
        return "spanshim_point(spanshim_state, %d, %d, 0)" % (entry.index, entry.hook_point)

    def parts(self, kind, values, flags):
        parts = {"values": values, "hook_error": str(self.entry.hook_error),
                 "end": self.end_text(values), "each": self.each_text(flags),
                 "late": "", "leave": "", "resume": ""}
        if self.entry.when == CALL and (KINDS[kind][1] is not ONCE or self.sight.parent):
            # close() makes the span's parent current, which need not be what was before.
            parts["leave"] = "spanshim_swap(spanshim_before)"
            parts["resume"] = "spanshim_before = spanshim_swap(spanshim_here)"
        parts["failed"] = fill(FAILED, parts)
        return parts

    def compiled(self, kind, parameters, parts, cells=()):
        """The code of that source, with as many free variables as there are cells."""
        head, text = KINDS[kind]
        body = fill(text, parts)
        used = [name for name in self.names if name in body.replace(parts["failed"], "")]
        lines = ["def spanshim_make(%s):" % ", ".join(cells),
                 "    %s wrapper(%s):" % (head, parameters)]
        if cells:
            lines += ["        if 0:", "            %s" % ", ".join(cells)]
        lines += ["        %s = %r" % (name, name) for name in used]
        lines += ["        " + line for line in body.splitlines()]
        lines += ["    return wrapper"]
        space = {}
        exec(compile("\n".join(lines), FILE, "exec"), space)
        code = space["spanshim_make"](*cells).__code__
        return code.replace(co_consts=tuple(
            self.names.get(constant, constant) if type(constant) is str else constant
            for constant in code.co_consts))

    def make(self, kind, is_late, target, cells):
        """Code of a wrapper for a kind of function, with the parameters of what it wraps."""
        parameters, values = self.sight.parameters, self.sight.text
        parts = self.parts(kind, values, flags_of(self.sight.function))
        call = "spanshim_function(%s)" % parameters.passed
        if kind == "coroutine":
            call = "await " + call
        enter = []
        if target is not None:
            self.names["spanshim_is_target"] = lambda thing: thing is target
            enter += ["if not spanshim_is_target(%s):" % self.sight.argument(0),
                      "    return " + call]
        if KINDS[kind][1] is not ONCE:
            enter += ["spanshim_inner = " + call]
        if is_late or parts["leave"]:
            enter += ["spanshim_before = spanshim_current()"]
        enter += ["spanshim_state = " + self.begin_text(values)]
        if is_late:
            parts["late"] = fill(LATE, parts)
            self.names.update(spanshim_is_lazy=LAZY.__contains__, spanshim_drive=self.driver())
        if parts["leave"] and KINDS[kind][1] is not ONCE:
            enter += ["spanshim_here = spanshim_state or spanshim_before"]
        parts.update(enter="\n".join(enter), call=call)
        return self.compiled(kind, parameters.declared, parts, cells)

    def driver(self):
        """(state, what a function returned that has not run yet, values) -> what to return instead,
        during which the span goes on."""
        drivers = {}

        def drive(state, inner, values):
            try:
                kind = LAZY[type(inner)]
                if kind not in drivers:
                    drivers[kind] = self.make_driver(kind)
                outer = drivers[kind](state, inner, values)
                outer.__name__, outer.__qualname__ = inner.__name__, inner.__qualname__
                return outer
            except Exception:
                close(state[0] if isinstance(state, tuple) else state, self.entry.hook_close, OK)
                return inner
        return drive

    def make_driver(self, kind):
        parts = self.parts(kind, "spanshim_values", 0)
        enter = ""
        if self.entry.when == CALL:
            enter = ("spanshim_here = spanshim_state or spanshim_current()\n"
                     "spanshim_before = spanshim_swap(spanshim_here)")
        parts.update(enter=enter, call="await spanshim_inner")
        code = self.compiled(kind, "spanshim_state, spanshim_inner, spanshim_values", parts)
        return FUNCTION(code, globals())


def unpartial(function):
    while is_instance(function, "partial"):
        function = function.func
    return function


def innermost(function):
    """What a chain of wrappers is around."""
    for _ in range(50):
        inner = unpartial(function)
        inner = getattr(inner, "__wrapped__", inner)
        if inner is function:
            break
        function = inner
    return function


def code_of(function, entry, has_self, self_name=None, target=None, cells=()):
    """Code that does what `function` does, watched, and its parameters. has_self: its first one is
    what it is called on; self_name: it has a `self` more; target: calls on other objects than this
    one are not watched."""
    if not callable(function):
        raise Unsuitable("it cannot be called")
    parameters = Parameters(function, self_name)
    wrapper = Wrapper(entry, Sight(entry, function, parameters, has_self))
    kind = kind_of(unpartial(function))
    if target is not None and KINDS[kind][1] is not ONCE:
        raise Unsuitable("calling it makes a generator")
    is_late = kind == "function" and kind_of(innermost(function)) != kind
    code = wrapper.make(kind, is_late, target, cells)
    if type(function) is not FUNCTION:
        return code, parameters
    its = function.__code__
    changes = {"co_name": its.co_name, "co_firstlineno": its.co_firstlineno,
               "co_flags": code.co_flags | its.co_flags & ITERABLE}
    if hasattr(its, "co_qualname"):
        changes["co_qualname"] = its.co_qualname
    return code.replace(**changes), parameters


def dress(new, function):
    """As functools.wraps does; of a built-in object also its public methods (cache_info)."""
    names = ["__module__", "__name__", "__qualname__", "__doc__", "__type_params__",
             "__annotate__" if hasattr(new, "__annotate__") else "__annotations__"]
    vars(new).update(getattr(function, "__dict__", None) or {})
    if type(function) is not FUNCTION:
        names += [name for name in dir(type(function)) if not name.startswith("_")]
    for name in names:
        try:
            setattr(new, name, getattr(function, name))
        except (AttributeError, TypeError):
            pass
    # What the program put there itself it may want to call.
    vars(new).setdefault("__wrapped__", function)


def wrap(function, entry, has_self, self_name=None):
    """A function that stands in for `function`."""
    code, parameters = code_of(function, entry, has_self, self_name)
    new = FUNCTION(code, getattr(innermost(function), "__globals__", globals()))
    new.__module__, new.__qualname__ = None, entry.path
    new.__name__ = entry.path.rpartition(".")[2]
    if parameters.exact:
        new.__defaults__, new.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    dress(new, function)
    return new


def wrap_in_place(function, entry, has_self, target=None):
    """Gives the function a wrapper's code; false if that cannot be."""
    cells = function.__code__.co_freevars
    if not all(name.isidentifier() for name in cells):
        return False
    worker = FUNCTION(function.__code__, function.__globals__, function.__name__,
                      function.__defaults__, function.__closure__)
    worker.__kwdefaults__ = function.__kwdefaults__
    dress(worker, function)
    if worker.__wrapped__ is function:
        del worker.__wrapped__
    code, parameters = code_of(worker, entry, has_self, None, target, cells)
    if not parameters.exact or len(code.co_freevars) != len(cells):
        return False
    function.__code__ = code
    vars(function).setdefault("__wrapped__", worker)
    return True
