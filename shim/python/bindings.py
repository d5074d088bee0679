# SPDX-License-Identifier: Apache-2.0
"""Users' Python bindings: puts wrappers where the entries of bindings() say; tells what they see.

Runs in a dictionary of its own with the globals of runtime.py. How a wrapper is made is in
wrapper.py; here is what it does before and after the call (the phases), for the four "when".
Host threads, with the GIL. Errors of ours end here. Valid for Python 3.8.
"""

from _weakref import ref

SESSION, ACTION, STREAM, CHAT = range(4)  # enum ss_role
CALL, OPEN, CLOSE, EVENT = range(4)  # enum ss_when
ARG, NAMED, RESULT, ITEM = range(8, 12)  # enum ss_place, the Python ones
INTS, BOOL, DOUBLES, STRING = (1, 2, 3, 4), 5, (6, 7), 8  # enum ss_type
AT_EXIT, CONTENT, ON_ERROR, EACH = 1, 2, 4, 16  # enum ss_capture_flags

METHOD = type((lambda self: self).__get__(0))
# Types of C callables that a Python function can stand in for.
FUNCTION_LIKE = frozenset((
    "builtin_function_or_method", "method_descriptor", "wrapper_descriptor", "method-wrapper",
    "classmethod_descriptor", "_lru_cache_wrapper", "cython_function_or_method",
    "fused_cython_function"))


class Entry:
    """One tuple of bindings()."""

    def __init__(self, fields):
        (self.index, self.binding, self.module, self.path, self.role, self.when, self.hook_open,
         self.hook_point, self.hook_close, self.hook_error, self.handle, self.parent, self.captures,
         self.event, _) = fields


class Unsuitable(Exception):
    """Why something cannot be wrapped."""


# ---- handles: which span belongs to this object, number or string

handles = {}  # (binding, role, key) -> [(span, weak reference or None)], the innermost last
NESTED_MAX = 16
EXACT = ((str, str.__str__), (int, int.__int__), (float, float.__float__), (bytes, b"".__add__))


def key_of(value):
    """Numbers and strings are themselves, everything else its identity. Runs nothing of theirs."""
    its = type(value)
    if issubclass(its, (str, int, float, bytes)):
        for kind, exact in EXACT:
            if issubclass(its, kind):
                return exact(value)
    return (id(value),)


def remember(entry, value, span):
    """The span is the value's from now on, until it is closed or, if that comes first, until the
    object is gone: then nothing could close it any more."""
    key = entry.binding, entry.role, key_of(value)

    def gone(_):
        for opened, _ in handles.pop(key, ()):
            close(opened, entry.hook_close, OK)

    try:
        reference = ref(value, gone) if type(key[2]) is tuple else None
    except TypeError:
        reference = None
    spans = handles.setdefault(key, [])
    spans.append((span, reference))
    del spans[:-NESTED_MAX]


def look_up(entry, roles, value, take_out=False):
    """The span of the value in the first of these roles that has one, or None."""
    if value is None:
        return None
    its = key_of(value)
    for role in roles:
        key = entry.binding, role, its
        spans = handles.get(key)
        while spans:
            try:  # other threads are here as well
                span, reference = spans.pop() if take_out else spans[-1]
            except IndexError:
                break
            if not spans:
                refilled = handles.pop(key, None)
                if refilled:
                    handles[key] = refilled
            if reference is None or reference() is value:
                return span
            if not take_out:  # of another object, which was at this address
                break
    return None


# ---- captures

def follow(value, path):
    """An item of a dict, list or tuple, else an attribute; and so on. None ends it."""
    for name in path:
        if value is None:
            break
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, (list, tuple)) and name.isdigit():
            value = value[int(name)]
        else:
            value = getattr(value, name)
    return value


def as_string(value):
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else str(value)


def as_int(value):
    """Does not let int() fail: where it says why, CPython may lose what a signal handler raises."""
    if isinstance(value, str) and not value.strip().lstrip("+-").isdigit():
        return None
    return int(value)


def as_it_is(value):
    if isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return value
    return None


def converter(kind):
    """Of an attribute's type: value -> what is recorded; None: nothing."""
    return (as_string if kind == STRING else as_int if kind in INTS else float if kind in DOUBLES
            else bool if kind == BOOL else as_it_is)


def take(captures, values, result=None, failed=False):
    """Pairs for open(), close() and the like. Of captures with one key the first value counts."""
    pairs = []
    for key, length_key, slot, path, convert, flags in captures:
        try:
            value = result if slot is None else values[slot]
            if path:
                value = follow(value, path)
            if value is None or flags & ON_ERROR and not failed:
                continue
            if pairs and (key in pairs[::2] or length_key in pairs[::2]):
                continue
            value = convert(value)
            if value is None:
                continue
            if length_key:
                pairs += length_key, len(value)
            if content or not flags & CONTENT:
                pairs += key, value
        except Exception as error:
            if is_programs(error):
                raise
    return pairs


def value_of(operand, values, result=None):
    """Of a handle or parent; None: there is none."""
    try:
        return operand and follow(result if operand[0] is None else values[operand[0]], operand[1])
    except Exception as error:
        if is_programs(error):
            raise
        return None


# ---- phases: begin(values) -> state, end(state, values, result); fail(state, values) while the
# exception is being handled. What they let through is the program's (is_programs).

class Lost(dict):
    """States of calls that failed so deep in a recursion that nothing more could be called."""
    __hash__ = object.__hash__


lost = Lost()


def find_lost():
    while lost:
        state, hook = lost.popitem()
        close(state[0] if isinstance(state, tuple) else state, hook, EXCEPTION)


def phases_of_call(entry, sight):
    roles = range(entry.role - 1, -1, -1) if entry.role else (SESSION,)

    def begin(values):
        parent, pairs = None, ()
        try:
            if sight.parent:
                parent = look_up(entry, roles, value_of(sight.parent, values))
            pairs = take(sight.before, values)
        except RecursionError:
            pass
        return open(entry.index, entry.hook_open, None, parent, *pairs)

    def end(span, values, result):
        pairs = ()
        try:
            pairs = take(sight.after, values, result)
        except RecursionError:
            pass
        finally:
            close(span, entry.hook_close, OK, *pairs)

    def fail(span, values):
        try:
            error = sys.exc_info()[1]
            strip_own_frame(error)
            find_lost()
            if span is None:
                return
            pairs = take(sight.after, values, None, True)
            if isinstance(error, NO_ERRORS):
                close(span, entry.hook_close, OK, *pairs)
            else:
                close(span, entry.hook_error, EXCEPTION, *pairs, *exception_pairs(error))
        except RecursionError:
            lost[span] = entry.hook_error
        except Exception as error:
            close(span, entry.hook_error, EXCEPTION)
            if is_programs(error):
                raise
    return begin, end, fail


def phases_of_open(entry, sight):
    begin_call, end_call, fail_call = phases_of_call(entry, sight)

    def begin(values):
        before = current()
        return begin_call(values), before

    def end(state, values, result):
        span, before = state
        try:
            value = value_of(sight.handle, values, result)
            if value is None:
                end_call(span, values, result)
            elif span is not None:
                remember(entry, value, span)
                pairs = take(sight.after, values, result)
                if pairs:
                    annotate(span, *pairs)
        except RecursionError:
            pass
        if entry.role != SESSION:  # such are parents only of what names them
            swap(before)

    def fail(state, values):
        fail_call(state[0], values)
    return begin, end, fail


def phases_of_close(entry, sight):
    _, end, fail = phases_of_call(entry, sight)

    def begin(values):
        try:  # before the call: after it another object may be in its place
            return look_up(entry, (entry.role,), value_of(sight.handle, values), take_out=True)
        except RecursionError:
            return None
    return begin, end, fail


def phases_of_event(entry, sight):
    outward = [STREAM, CHAT, ACTION, SESSION]
    outward = outward[outward.index(entry.role):]

    def begin(_):
        return None

    def end(_, values, result):
        try:
            if sight.handle:
                span = look_up(entry, outward, value_of(sight.handle, values))
            else:
                span = current()
            if span is not None:
                pairs = take(sight.after, values, result)
                point(span, entry.index, entry.hook_point, 0, *pairs)
        except RecursionError:
            pass

    _, _, fail = phases_of_call(entry, sight)
    return begin, end, fail


PHASES = {CALL: phases_of_call, OPEN: phases_of_open, CLOSE: phases_of_close,
          EVENT: phases_of_event}

# ---- binding


def is_instance(value, kind):
    """Of a class of functools, if that is there."""
    return isinstance(value, getattr(sys.modules.get("functools"), kind, ()))


wrapper = run("wrapper", globals())
wrap, wrap_in_place = wrapper["wrap"], wrapper["wrap_in_place"]
made = {}  # (id, entry) -> object that is watched; kept, so that its id stays its own


def raw_attribute(owner, name):
    """As it stands in the class (or a base class), the instance or the module."""
    if not isinstance(owner, type):
        try:
            return getattr(owner, name)
        except AttributeError:
            raise Unsuitable("there is no such attribute") from None
    for base in owner.__mro__:
        if name in vars(base):
            if base is object:
                break
            return vars(base)[name]
    raise Unsuitable("the class has none of its own" if hasattr(object, name)
                     else "there is no such attribute")


def partial_of(raw, entry):
    """A functools.partial remains one, with what it is made of."""
    its = type(raw)
    call = wrap(raw, entry, True, self_name="spanshim_self")
    kind = type(its)(its.__name__, (its,), {
        "__slots__": (), "__module__": its.__module__, "__qualname__": its.__qualname__,
        "__doc__": its.__doc__, "__call__": call, "__reduce__": lambda self: raw.__reduce__(),
        "__repr__": lambda self: repr(raw)})
    new = kind(raw.func, *raw.args, **raw.keywords)
    vars(new).update(vars(raw))
    return new


def of_callable(raw, entry, has_self):
    """What to put in the place of something that can be called; itself, if it is watched now."""
    kind = type(raw)
    if kind is FUNCTION:
        if (raw.__module__, raw.__qualname__) == (entry.module, entry.path):
            if is_bound(raw, entry) or wrap_in_place(raw, entry, has_self):
                return bound(raw, entry)
        return wrap(raw, entry, has_self)  # it is known by another name
    if is_instance(raw, "partial"):
        return partial_of(raw, entry)
    if kind is METHOD:
        return kind(wrap(raw.__func__, entry, True), raw.__self__)
    if kind.__name__ in FUNCTION_LIKE:
        return wrap(raw, entry, has_self)
    if not callable(raw):
        raise Unsuitable("it cannot be called")
    # Its class's __call__ asks whether it is called on this object.
    call = raw_attribute(kind, "__call__")
    if type(call) is not FUNCTION or not wrap_in_place(call, entry, True, raw):
        raise Unsuitable("it is of type %s" % kind.__name__)
    return bound(raw, entry)


def replacement(raw, entry, owner):
    """What to put in its place; itself, if it is watched now."""
    in_class, kind = isinstance(owner, type), type(raw)
    if isinstance(raw, type):
        raise Unsuitable("it is a class: name its __init__")
    if isinstance(raw, (staticmethod, classmethod)):
        has_self = isinstance(raw, classmethod)
        function = of_callable(raw.__func__, entry, has_self)
        return raw if function is raw.__func__ else kind(function)
    if isinstance(raw, property):
        for part, put in ("fget", "getter"), ("fset", "setter"), ("fdel", "deleter"):
            its = getattr(raw, part)
            function = its and of_callable(its, entry, True)
            if function is not its:
                raw = getattr(raw, put)(function)
        return raw
    if is_instance(raw, "cached_property"):
        function = of_callable(raw.func, entry, True)
        return raw if function is raw.func else kind(function)
    binds = in_class and hasattr(kind, "__get__")
    new = of_callable(raw, entry, binds)
    return staticmethod(new) if in_class and not binds and type(new) is FUNCTION else new


def bound(thing, entry):
    made[id(thing), entry.index] = thing
    return thing


def is_bound(thing, entry):
    """A reload left it in place."""
    return (id(thing), entry.index) in made


def keep_pickling(new, raw, entry):
    """Functions are pickled by name. One that is known by another elsewhere is found here now."""
    found = sys.modules.get(new.__module__)
    for part in str(new.__qualname__).split("."):
        found = getattr(found, part, None)
    if found is raw:
        new.__module__, new.__qualname__ = entry.module, entry.path


def bind(module, entry):
    *owners, name = entry.path.split(".")
    owner = module
    for part in owners:
        owner = getattr(owner, part, None)
        if owner is None:
            raise Unsuitable("there is no such attribute")
    if isinstance(owner, type) and name.startswith("__") and not name.endswith("__"):
        name = "_%s%s" % (owner.__name__.lstrip("_"), name)
    raw = raw_attribute(owner, name)
    if is_bound(raw, entry):
        return
    new = replacement(raw, entry, owner)
    if new is raw and (not isinstance(owner, type) or name in vars(owner)):
        return
    setattr(owner, name, bound(new, entry))
    if hasattr(new, "__set_name__"):
        new.__set_name__(owner, name)
    if owner is module and type(new) is FUNCTION:
        keep_pickling(new, raw, entry)


def patch_of(entries):
    def patch(module):
        for entry in entries:
            try:
                bind(module, entry)
            except Exception as error:
                log("%s:%s cannot be wrapped: %s" % (entry.module, entry.path, message_of(error)))
    return patch


def start(tuples):
    """Has each module's entries bound when it is loaded."""
    by_module = {}
    for fields in tuples:
        entry = Entry(fields)
        by_module.setdefault(entry.module, []).append(entry)
    for name, entries in by_module.items():
        watch(name, patch_of(entries))
