# SPDX-License-Identifier: Apache-2.0
"""What only metrics and plugins want of Mellea's hooks: part of mellea_spans.py, in whose dictionary
it runs where there are any. Each event must tell all that its metrics need. Must not: import,
print, log or ask a server, as Mellea's own metrics do (classify_error imports openai, compute_cost
imports litellm and logs); nor hand over content while the gate is closed.
"""

TEXT_MAX = 1020  # bytes of a reason
ARRAY_MAX = 1024  # of an array, 4 bytes before each text: longer ones leave their event (emit.c)
# Providers for whose models litellm asks a server what it knows of them.
ASKED = frozenset(("huggingface", "lemonade", "ollama", "ollama_chat"))


def is_loaded(name):
    """No attribute access that could load a lazy module."""
    module = sys.modules.get(name)
    if module is None or type(module).__name__ == "_LazyModule":
        return False
    return not getattr(getattr(module, "__spec__", None), "_initializing", False)


# ---- Mellea's own metrics

def stays_out_of_metrics(module):
    """If the program's own metrics are on: no double telemetry."""
    if wanted & METRICS and getattr(module, "_metrics_enabled", False):
        own_metrics()
        say("Mellea's own metrics are on: none of them from here")


# ---- errors

def import_loaded(name, *_):
    if not is_loaded(name):
        raise ImportError(name)
    return sys.modules[name]


def without_imports(function):
    """The same function, for which only what is loaded can be imported. An exception of a module
    that is not cannot be raised."""
    names = dict(function.__globals__)
    known = names["__builtins__"]
    names["__builtins__"] = {**(known if isinstance(known, dict) else vars(known)),
                             "__import__": import_loaded}
    return FUNCTION(function.__code__, names, function.__name__, function.__defaults__,
                    function.__closure__)


def classify(error):
    """Mellea's semantic class of an error. Replaced by a copy of Mellea's own function when first
    called."""
    global classify
    classify = without_imports(sys.modules["mellea.telemetry.metrics"].classify_error)
    return classify(error)


def error_pairs(error):
    if error is None:
        return ()
    try:
        return F_ERROR_CLASS, classify(error)
    except Exception as other:
        if is_programs(other):
            raise
        return ()


# ---- generations

def model_pairs(model, provider):
    return F_MODEL, model or None, F_PROVIDER, provider or None


def failed_stream_pairs(generation):
    """0.7 does not measure what has failed, and spells this one on spans."""
    if dialect == MELLEA_0_7:
        return ()
    return F_STREAMING, True if generation.streaming else None


def price(model, provider, usage):
    """What litellm says that it cost, as Mellea's compute_cost asks it. None where the program has
    not loaded litellm, or litellm would do more than look the model up in its table."""
    pricing = sys.modules.get("mellea.telemetry.pricing")
    if not provider or provider in ASKED or not getattr(pricing, "_PRICING_ENABLED", False):
        return None
    if not is_loaded("litellm"):
        return None
    litellm = sys.modules["litellm"]
    if model not in litellm.model_cost and provider + "/" + model not in litellm.model_cost:
        return None
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    parts = litellm.cost_per_token(
        model=model,
        custom_llm_provider=provider,
        prompt_tokens=usage.get("prompt_tokens") or 0,
        completion_tokens=usage.get("completion_tokens") or 0,
        cache_read_input_tokens=cached or 0,
        cache_creation_input_tokens=usage.get("cache_creation_input_tokens") or 0)
    return float(parts[0] + parts[1])


def cost_pairs(model, provider, usage):
    if usage is None:
        return ()
    try:
        return F_COST_USD, price(model or "unknown", provider, usage)
    except Exception as error:
        if is_programs(error):
            raise
        return ()


# ---- requirements

def failure(reason, otherwise):
    """(result, reason): what a requirement says of the output is content."""
    if not reason:
        return "fail", otherwise
    if not content:
        return "withheld", ""
    return "fail", str(reason).encode("utf-8", "replace")[:TEXT_MAX].decode("utf-8", "ignore")


def checks(payload):
    """(requirement, result, reason) of each requirement that a validation has checked."""
    for requirement, result in zip(payload.requirements, payload.results):
        told = "pass", ""
        if not result:
            judged = getattr(requirement, "validation_fn", None) is None
            told = failure(None if judged else getattr(result, "reason", None), "LLM judgment")
        yield (type(requirement).__name__, *told)


def quick_checks(payload):
    """The same, of a chunk."""
    for requirement, result in zip(payload.requirements, payload.event.results):
        told = result.success, ""
        if result.success == "fail":
            told = failure(result.reason, "")
        yield (type(requirement).__name__, *told)


def check_arrays(group):
    requirements, results, reasons = zip(*group)
    return (F_CHECKED_REQUIREMENTS, requirements,
            F_CHECKED_RESULTS, results,
            F_CHECKED_REASONS, reasons if any(reasons) else None)


def check_pairs(span, hook, checked):
    """Pairs of all of them; those for which the event has no room are told before it."""
    group, sizes = [], (0, 0, 0)
    for check in checked:
        added = tuple(size + 4 + len(text.encode("utf-8", "replace"))
                      for size, text in zip(sizes, check))
        if group and max(added) > ARRAY_MAX:
            observed(span, hook, *check_arrays(group))
            group, added = [], tuple(size - before for size, before in zip(added, sizes))
        group.append(check)
        sizes = added
    return check_arrays(group) if group else ()
