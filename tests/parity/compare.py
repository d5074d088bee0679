# SPDX-License-Identifier: Apache-2.0
"""Compares the spans of two runs of one program: what Mellea's own telemetry made, and what spanshim did.

A span is a dict, the same from either side: name, scope, kind, start, end, ended, service, attributes
(key -> [type, value]), events ([name, attributes]), status ([code, message]), id, parent. Only ids, times
and durations may differ; they are taken out first. So are line numbers and source lines in stack traces,
whose frames are compared by file and function: spanshim records source lines only with a content gate.
The answer is a list of sentences, none when equal.
"""

import json
import re

TIMES = {  # values that are measurements: only their type is compared
    "gen_ai.response.time_to_first_chunk",
    "mellea.generation.time_since_last_chunk_ms",
    "mellea.tool.execution_time_ms",
}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
FRAME = re.compile(r'\s*File "(?P<file>.*)", line \d+, in (?P<function>.*)')
COMPREHENSIONS = ("<listcomp>", "<dictcomp>", "<setcomp>")  # have frames of their own before 3.12
INSTALLED = re.compile(r".*/(?:site-packages|lib/python3\.\d+|parity/programs)/")
KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
CODES = ["UNSET", "OK", "ERROR"]


# -- reading ---------------------------------------------------------------------------------------


def read_reference(path):
    """Spans that reference/sitecustomize.py wrote."""
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def typed(value):
    """[type, value] of an OTLP/JSON AnyValue."""
    (kind, content), = value.items()
    if kind == "intValue":
        if not isinstance(content, str):
            raise ValueError("intValue is no string: %r" % content)
        return ["int", int(content)]
    if kind == "arrayValue":
        return ["array", [typed(element) for element in content.get("values", [])]]
    return [{"stringValue": "string", "boolValue": "bool", "doubleValue": "double"}[kind], content]


def typed_attributes(attributes):
    made = {attribute["key"]: typed(attribute["value"]) for attribute in attributes}
    if len(made) != len(attributes):
        raise ValueError("an attribute stands twice: %s" % attributes)
    return made


def read_dump(path):
    """Spans of an OTLP/JSON dump. Not with the product's reader, which must not be its own witness."""
    spans = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            for part in json.loads(line)["resourceSpans"]:
                resource = typed_attributes(part["resource"]["attributes"])
                lost = [key for key in resource if key.startswith("spanshim.dropped.")]
                if lost:
                    raise ValueError("the dump declares losses: %s" % lost)
                for scoped in part["scopeSpans"]:
                    spans += [from_otlp(raw, resource, scoped["scope"]) for raw in scoped["spans"]]
    return spans


def from_otlp(raw, resource, scope):
    attributes = typed_attributes(raw.get("attributes", []))
    unfinished = attributes.pop("spanshim.unfinished", ["bool", False])[1]
    # of what never ended the SDK can only say that it still runs; spanshim says so in the status
    status = {} if unfinished else raw.get("status", {})
    return {
        "pid": resource["process.pid"][1],
        "trace": raw["traceId"],
        "id": raw["spanId"],
        "parent": raw.get("parentSpanId", ""),
        "name": raw["name"],
        "scope": [scope.get("name", ""), scope.get("version", "")],
        "kind": KINDS[raw["kind"]],
        "start": int(raw["startTimeUnixNano"]),
        "end": int(raw["endTimeUnixNano"]),
        "ended": not unfinished,
        "service": resource.get("service.name", ["", None])[1],
        "attributes": attributes,
        "events": [[event["name"], typed_attributes(event.get("attributes", []))]
                   for event in raw.get("events", [])],
        "status": [CODES[status.get("code", 0)], status.get("message", "")],
    }


# -- taking out what may differ --------------------------------------------------------------------


def plain_stack(text):
    """A stack trace without paths, line positions and source lines."""
    kept = []
    for line in text.splitlines():
        frame = FRAME.fullmatch(line)
        if frame and frame["function"] in COMPREHENSIONS:
            continue
        if frame:
            kept.append("%s %s" % (INSTALLED.sub("", frame["file"]), frame["function"]))
        elif line and not line.startswith("  "):
            kept.append(line)
    return "\n".join(kept)


class Normal:
    """Values without the ids, times and places of one run."""

    def __init__(self):
        self.ids = {}

    def uuid(self, match):
        return "<id %d>" % self.ids.setdefault(match[0], len(self.ids) + 1)

    def value(self, key, value):
        kind, content = value
        if key in TIMES:
            return [kind, "<time>"]
        if kind == "array":
            return [kind, [self.value(key, element) for element in content]]
        if kind == "string":
            if key == "exception.stacktrace":
                content = plain_stack(content)
            content = ADDRESS.sub("<address>", UUID.sub(self.uuid, content))
        return [kind, content]

    def attributes(self, attributes):
        return {key: self.value(key, attributes[key]) for key in sorted(attributes)}

    def span(self, span):
        return dict(span, attributes=self.attributes(span["attributes"]),
                    events=[[name, self.attributes(attributes)] for name, attributes in span["events"]],
                    status=[span["status"][0], self.value("", ["string", span["status"][1]])[1]])


class Node:
    """A span in its tree. twin: the node of the other side it was compared with."""

    def __init__(self, span):
        self.span = span
        self.name = span["name"]
        self.children = []
        self.parent = None
        self.twin = None

    def path(self):
        return (self.parent.path() + " > " if self.parent and self.parent.parent else "") + self.name

    def walk(self):
        for child in self.children:
            yield child
            yield from child.walk()


def tree(spans):
    """The root, which is no span, of a forest."""
    normal = Normal()
    ordered = sorted(spans, key=lambda span: (span["start"], span["id"]))
    nodes = {span["id"]: Node(normal.span(span)) for span in ordered}
    if len(nodes) != len(spans):
        raise ValueError("span ids are not unique")
    root = Node({"name": "", "start": 0})
    for node in nodes.values():
        node.parent = nodes.get(node.span["parent"], root)
        if node.span["parent"] and node.parent is root:
            raise ValueError("%s: its parent is not there" % node.name)
        node.parent.children.append(node)
    return root


# -- comparing -------------------------------------------------------------------------------------


def shown(value):
    text = json.dumps(value[1], ensure_ascii=False)
    return "%s %s" % (value[0], text if len(text) < 400 else text[:400] + "…")


def attribute_differences(what, reference, ours):
    for key in sorted(reference.keys() | ours.keys()):
        if key not in ours:
            yield "%s %s is missing: %s" % (what, key, shown(reference[key]))
        elif key not in reference:
            yield "%s %s is extra: %s" % (what, key, shown(ours[key]))
        elif reference[key] != ours[key]:
            yield "%s %s is %s instead of %s" % (what, key, shown(ours[key]), shown(reference[key]))


def span_differences(reference, ours):
    """Of the spans alone, without their children."""
    for field in ("name", "scope", "kind", "ended", "service"):
        if reference[field] != ours[field]:
            yield "%s is %s instead of %s" % (field, ours[field], reference[field])
    if reference["status"] != ours["status"]:
        yield "status is %s instead of %s" % (ours["status"], reference["status"])
    yield from attribute_differences("attribute", reference["attributes"], ours["attributes"])
    names = [name for name, _ in reference["events"]]
    our_names = [name for name, _ in ours["events"]]
    if names != our_names:
        yield "events are %s instead of %s" % (our_names, names)
    else:
        for number, ((name, theirs), (_, mine)) in enumerate(zip(reference["events"], ours["events"])):
            yield from attribute_differences("event %d (%s) attribute" % (number, name), theirs, mine)


def cost(reference, ours):
    """How unlike two subtrees are, to find out who is whose twin."""
    own = len(list(span_differences(reference.span, ours.span)))
    if reference.name != ours.name:
        own += 100
    own += 2 * abs(len(reference.children) - len(ours.children))
    return own + sum(cost(a, b) for a, b in zip(reference.children, ours.children))


def match(references, ours):
    """Pairs of alike siblings, then who is left over on either side."""
    candidates = sorted(
        ((cost(a, b), abs(i - j), i, j) for i, a in enumerate(references) for j, b in enumerate(ours)
         if a.name == b.name))
    pairs, taken, used = [], set(), set()
    for _, _, i, j in candidates:
        if i not in taken and j not in used:
            taken.add(i)
            used.add(j)
            pairs.append((i, j))
    pairs.sort()
    return ([(references[i], ours[j]) for i, j in pairs],
            [a for i, a in enumerate(references) if i not in taken],
            [b for j, b in enumerate(ours) if j not in used])


def order_differences(pairs):
    """Siblings that were one after the other must still be; concurrent ones are a multiset."""
    for index, (reference, ours) in enumerate(pairs):
        for later, our_later in pairs[index + 1:]:
            if reference.span["end"] <= later.span["start"] and \
                    ours.span["start"] > our_later.span["start"]:
                yield "%s: comes after the next %s" % (reference.path(), later.name)


class Comparison:
    def __init__(self, reference, ours):
        self.reference, self.ours = reference, ours
        self.missing, self.extra, self.found = [], [], []
        self.descend(self.reference, self.ours)
        self.moved()

    def descend(self, reference, ours):
        pairs, missing, extra = match(reference.children, ours.children)
        self.missing += missing
        self.extra += extra
        self.found += order_differences(pairs)
        for a, b in pairs:
            self.pair(a, b)

    def pair(self, reference, ours):
        reference.twin, ours.twin = ours, reference
        self.found += ["%s: %s" % (ours.path(), text)
                       for text in span_differences(reference.span, ours.span)]
        self.descend(reference, ours)

    def moved(self):
        """What is missing in one place and extra in another is the same span under another parent."""
        while True:
            pairs, self.missing, self.extra = match(self.missing, self.extra)
            if not pairs:
                break
            for reference, ours in pairs:
                self.found.append("%s: is not %s" % (ours.path(), reference.path()))
                self.pair(reference, ours)
        # inside what is left over there may be something that only moved
        missing = [node for top in self.missing for node in [top, *top.walk()]]
        extra = [node for top in self.extra for node in [top, *top.walk()]]
        self.found += ["%s: is missing" % node.path() for node in missing]
        self.found += ["%s: is extra" % node.path() for node in extra]


def differences(reference, ours, flat=False):
    """Sentences, none of them when the spans of the two runs are equal. flat: but for the tree."""
    if flat:
        reference, ours = ([dict(span, parent="") for span in spans] for spans in (reference, ours))
    return Comparison(tree(reference), tree(ours)).found
