# SPDX-License-Identifier: Apache-2.0
"""Stage 2 in the interpreter: patches modules as they are imported, and tells errors.

Runs in the dictionary of the `_spanshim` module, whose C functions (module.c) are its globals:
open, close, point, current, swap, log, ... Host threads, with the GIL. Must not: let an error of
its own out, import what the program might not have (but traceback, and what bindings.py says),
or leave a trace on what it patches beyond the patch. Valid for Python 3.8.

The file name that this is compiled under contains "importlib" and "_bootstrap": warnings and
logging (3.11 on) do not count such frames, so their stacklevel still means the program's own.
"""

import sys

FILE = (lambda: 0).__code__.co_filename
# Import strips these frames from the tracebacks that it lets out; ours lie among them.
IMPORT_FILE = "<frozen importlib._bootstrap>"
FUNCTION = type(lambda: 0)
NO_ERRORS = (GeneratorExit, StopIteration, StopAsyncIteration)
# From 3.11 on a bare `raise` goes on with the traceback that the exception has by then.
STRIPS = sys.version_info >= (3, 11)

registry = {}  # module name -> functions(module) that patch it


def watch(name, function):
    """Has function(module) called after each execution of that module; now, if it is loaded."""
    registry.setdefault(name, []).append(function)
    if name in sys.modules:
        apply(function, name, sys.modules[name])


def apply(function, name, module):
    try:
        function(module)
    except Exception as error:
        log("%s: not patched: %s: %s" % (name, type(error).__name__, message_of(error)))


def of_file(function, file):
    """The same function, said to be from that file."""
    code = function.__code__.replace(co_filename=file)
    copy = FUNCTION(code, function.__globals__, function.__name__, function.__defaults__,
                    function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


# ---- import

def find(name, path=None, target=None):
    """The spec that the other finders have for a module, hooked if there are patches for it."""
    load_adapters(name)
    if name not in registry:
        return None
    for finder in list(sys.meta_path):
        method = getattr(finder, "find_spec", None)
        if method is find_spec:
            continue
        if method is None:
            if sys.version_info < (3, 12) and hasattr(finder, "find_module"):
                return None  # importlib knows how to ask that one, and it comes first
            continue
        spec = method(name, path, target)
        if spec is not None:
            hook(spec.loader, name)
            return spec
    return None


def hook(loader, name):
    """Has the module patched right after its body, before anybody can take a name from it."""
    if type(loader).__name__ == "LazyLoader":
        loader = getattr(loader, "loader", None)
    execute = getattr(loader, "exec_module", None)
    if execute is None or isinstance(loader, type):
        log("%s: not patched: its loader cannot be hooked: %r" % (name, loader))
        return
    waiting = getattr(execute, "spanshim_waiting", None)
    if waiting is not None:  # one loader for many modules
        waiting.add(name)
        return
    waiting = {name}

    def exec_module(module):
        try:  # no attribute access: it would load a lazy module
            executed = object.__getattribute__(module, "__spec__").name
        except AttributeError:
            executed = None
        if executed not in waiting:
            return execute(module)
        waiting.discard(executed)
        if not waiting:
            unhook()
        execute(module)
        module = sys.modules.get(executed, module)
        for function in registry.get(executed, ()):
            apply(function, executed, module)

    def unhook():
        try:
            if loader.exec_module is exec_module:
                del loader.exec_module
        except Exception:
            pass

    exec_module = of_file(exec_module, IMPORT_FILE)
    exec_module.spanshim_waiting = waiting
    try:
        loader.exec_module = exec_module
    except Exception as error:
        log("%s: not patched: its loader cannot be hooked: %s" % (name, message_of(error)))


find = of_file(find, IMPORT_FILE)


def load_adapters(name):
    """Runs the adapter of the framework that the module is of, if it is wanted."""
    adapter = name.partition(".")[0]
    if adapter not in adapters or adapter in loaded:
        return
    loaded.add(adapter)
    try:
        space = run(adapter, globals())
        for module, function in space["patches"].items():
            watch(module, function)
    except Exception as error:
        log("%s is not traced: %s: %s" % (adapter, type(error).__name__, message_of(error)))


loaded = set()


def run(name, space):
    """Globals of an embedded file after running it in a copy of these."""
    space = dict(space)
    exec(compile(source[name], FILE, "exec"), space)
    return space


# ---- exceptions

def is_programs(error):
    """It only came by: a signal handler of the program raised it while code of ours was running.
    Handlers are given the frame that they interrupt."""
    entry = error.__traceback__
    while entry is not None and entry.tb_next is not None:
        interrupted, entry = entry.tb_frame, entry.tb_next
        variables = entry.tb_frame.f_locals
        for name in entry.tb_frame.f_code.co_varnames[:4]:
            value = variables.get(name)
            if type(value) is tuple:  # *args
                value = value[1] if len(value) > 1 else None
            if value is interrupted:
                return True
    return False


def message_of(error):
    try:
        return str(error)
    except Exception as other:
        if is_programs(other):
            raise
        return ""


def name_of(error):
    """As OpenTelemetry writes exception.type."""
    kind = type(error)
    if kind.__module__ and kind.__module__ != "builtins":
        return "%s.%s" % (kind.__module__, kind.__qualname__)
    return kind.__qualname__


def clean(report, seen):
    """Takes our frames out of a traceback.TracebackException and what it is linked to, and source
    lines while the content gate is closed: they quote what the program says, prompts among it."""
    if report is None or id(report) in seen:
        return
    seen.add(id(report))
    stack = report.stack
    frames = [frame for frame in stack if frame.filename != FILE]
    if not content:
        frames = stack.from_list([(f.filename, f.lineno, f.name, "") for f in frames])
        if getattr(report, "text", None):  # of a SyntaxError
            report.text = None
    stack[:] = frames
    clean(report.__cause__, seen)
    clean(report.__context__, seen)
    for member in getattr(report, "exceptions", None) or ():
        clean(member, seen)


def stacktrace_of(error):
    """As traceback.format_exception has it, but for what clean() takes out."""
    import traceback
    options = {"compact": True} if sys.version_info >= (3, 10) else {}
    report = traceback.TracebackException(type(error), error, error.__traceback__,
                                          lookup_lines=content, **options)
    clean(report, set())
    return "".join(report.format())


def exception_pairs(error):
    """What an exception says of the span that it ends, as pairs for close()."""
    pairs = []
    try:
        pairs += F["ERROR_TYPE"], type(error).__name__
        pairs += F["EXCEPTION_NAME"], name_of(error)
        message = message_of(error)
        pairs += K_EXCEPTION_MESSAGE, message, K_STATUS_MESSAGE, message
        pairs += F["EXCEPTION_STACKTRACE"], stacktrace_of(error)
    except Exception as other:
        if is_programs(other):
            raise
    return pairs


def strip_own_frame(error):
    """First thing in a wrapper's `except`: as if the wrapper were not there, where possible."""
    entry = error.__traceback__
    if STRIPS and entry is not None and entry.tb_frame.f_code.co_filename == FILE:
        BaseException.with_traceback(error, entry.tb_next)


# ---- threads

def patch_threads(module):
    """A thread is in what its creator was in; C knows that, Python's copies of contexts do not."""
    inner = module.Thread.__dict__.get("_bootstrap_inner")
    if type(inner) is FUNCTION:
        module.Thread._bootstrap_inner = thread_method(inner)


def patch_executor(module):
    """Work runs in the span that was current where it was submitted."""
    item = module._WorkItem
    create, work = item.__init__, item.run
    if create.__code__.co_filename == FILE:
        return

    def __init__(self, *args, **kwargs):
        create(self, *args, **kwargs)
        try:
            self.spanshim_span = current()
        except Exception:
            pass

    def run(self, *args):
        span = getattr(self, "spanshim_span", self)  # itself: submitted before we were there
        before = swap(span) if span is not self else None
        try:
            return work(self, *args)
        finally:
            if span is not self:
                swap(before)
            # Or an exception, its traceback, this frame and the item would be a cycle.
            del self, args, span, before

    for wrapper, function in (__init__, create), (run, work):
        wrapper.__qualname__, wrapper.__module__ = function.__qualname__, function.__module__
        wrapper.__wrapped__ = function
        setattr(item, function.__name__, wrapper)


def start():
    entries = bindings()
    if entries:
        run("bindings", globals())["start"](entries)
    watch("threading", patch_threads)
    watch("concurrent.futures.thread", patch_executor)


start()
