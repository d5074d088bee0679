# SPDX-License-Identifier: Apache-2.0
"""docs/BINDINGS.md: its examples are valid, and that of Python gives the tree that stands there."""

import json
import os
import re

import documents
from harness import SOURCE, Case, main

GUIDE = os.path.join(SOURCE, "docs", "BINDINGS.md")
# What the example only declares.
PACKAGE = {
    "__init__.py": "",
    "client.py": """\
import asyncio
from talk.model import Model

class Talk:
    def __init__(self, model, temperature=0.7):
        self.model = Model(model)

    def ask(self, prompt):
        return asyncio.run(self.model.generate(prompt))

    def tokens(self, prompt):
        yield from ("It", "reflects", "it.")

    def close(self):
        self.model = None
""",
    "model.py": """\
class Answer:
    def __init__(self, text, usage):
        self.text, self.usage = text, usage

class Model:
    def __init__(self, name):
        self.name = name

    async def generate(self, prompt):
        if not prompt:
            raise ValueError("nothing asked")
        return Answer("Blue light scatters most.", {"input": 6, "output": 4})
"""}
PROGRAM = """\
from talk.client import Talk
talk = Talk("small-1")
print(talk.ask("Why is the sky blue?").text)
print(*talk.tokens("And the sea?"))
try:
    talk.ask("")
except ValueError as error:
    print("failed:", error)
talk.close()
"""


class Guide(Case):
    def setUp(self):
        super().setUp()
        with open(GUIDE, encoding="utf-8") as file:
            self.blocks = [(block.language, block.text) for block in documents.markdown(file.read())]

    def files(self):
        """The binding files that stand in the guide."""
        return [content for language, content in self.blocks
                if language == "json" and '"spanshim"' in content]

    def test_binding_files_are_valid(self):
        self.assertEqual(len(self.files()), 5)
        for content in self.files():
            checked = self.command("bindings", self.write("example.json", content))
            self.assertEqual((checked.status, checked.stderr), (0, b""))

    def test_other_blocks_are_valid_where_they_belong(self):
        """Fragments: entries and parts of them, put into a file around them."""
        entry = {"symbol": "f", "role": "action", "when": "call"}
        fragments = [c for language, c in self.blocks if language == "json"]
        fragments = [c for c in fragments if '"spanshim"' not in c]
        self.assertEqual(len(fragments), 2)
        for content in fragments:
            if content.startswith('"error"'):
                entries = [dict(entry, **json.loads("{%s}" % content))]
            else:
                entries = json.loads("[%s]" % content)
            whole = {"spanshim": 1, "name": "t", "entries": entries}
            checked = self.command("bindings", self.write("part.json", json.dumps(whole)))
            self.assertEqual((checked.status, checked.stderr), (0, b""), content)

    def test_manual_page_has_all_keys(self):
        with open(os.path.join(SOURCE, "docs", "man", "spanshim-bindings.7"), encoding="utf-8") as file:
            words = set(re.findall(r"[\w.]+", file.read()))
        with open(GUIDE, encoding="utf-8") as file:
            rows = re.findall(r"^\| (`[^|]*) \|", file.read(), re.M)
        keys = {key for row in rows for key in re.findall(r"`\"?(\w+)\"?[^`]*`", row)}
        self.assertGreater(len(keys), 50, keys)
        self.assertEqual(keys - words, {"async"})  # of `async def`, which is no key

    def test_built_in_ones(self):
        listed = self.command("bindings").stdout.decode().splitlines()[1:]
        self.assertEqual([line.split()[0] for line in listed], ["curl", "mellea", "sqlite3"])
        told = self.command("bindings", "mellea").stdout.decode()
        for word in ("start_session", "session", "action", "sampling", "validation",
                     "execute_tool TOOL", "stream", "chat MODEL", "text_completion MODEL"):
            self.assertIn('span "%s"' % word, told)
        json.loads(self.command("bindings", "--json", "mellea").stdout)

    def test_python_functions_are_not_looked_up_in_programs(self):
        checked = self.command("bindings", "--against", "/usr/bin/sqlite3",
                               self.write("talk.json", self.files()[-1]))
        self.assertEqual(checked.status, 1)
        self.assertIn(b"  5 Python functions cannot be looked up in an ELF file\n", checked.stdout)
        checked = self.command("bindings", "--against", "/usr/bin/sqlite3", "mellea", "sqlite3")
        self.assertEqual(checked.status, 0)
        self.assertIn(b"mellea in /usr/bin/sqlite3:\n  traces Python code", checked.stdout)

    def test_a_script_is_no_program(self):
        script = self.write("serve", "#! /usr/bin/perl -w\n" + "#" * 100)
        checked = self.command("bindings", "--against", script, "sqlite3")
        self.assertEqual((checked.status, checked.stderr.decode()), (
            2, "spanshim bindings: %s is a script (#!/usr/bin/perl): name the program that it starts\n" % script))
        checked = self.command("bindings", "--against", self.write("text", "#" * 100), "sqlite3")
        self.assertEqual((checked.status, checked.stderr.decode()),
                         (2, "spanshim bindings: %s: expected a 64-bit ELF file\n" % self.path("text")))

    def test_null_results(self):
        """NULL is the number 0, whatever the pointer is declared as; another pointer is no number."""
        for returns in "pointer", "string":
            for null, expected in (True, ("NO_TEXT", 0, "NO_TEXT")), (False, ("_OTHER", None, None)):
                with self.subTest(returns=returns, null=null):
                    entry = {"symbol": "sqlite3_column_text", "role": "action", "when": "call",
                             "args": ["pointer", "int"], "returns": returns,
                             "error": {"if": {"null": null}, "code": "text.code"}}
                    path = self.write("text.json", json.dumps(
                        {"spanshim": 1, "name": "text", "codes": {"NO_TEXT": 0}, "entries": [entry]}))
                    told = self.command("bindings", path).stdout.decode()
                    self.assertEqual(told.splitlines()[:2], ["text (%s)" % path, "  1 entry, 1 named result code"])
                    self.assertIn("fails if the result is %sNULL\n" % ("" if null else "not "), told)
                    if os.path.exists(self.out):
                        os.unlink(self.out)
                    dump = self.trace(["sqlite3", ":memory:", "SELECT NULL, 'a'"], bindings=path).dump
                    failed = [span for span in dump.spans if "error.type" in span.attributes]
                    self.assertGreaterEqual(len(dump.spans), 2)
                    self.assertTrue(0 < len(failed) < len(dump.spans), len(failed))
                    for span in failed:
                        self.assertEqual((span.attributes["error.type"], span.attributes.get("text.code"),
                                          span.message or None), expected)

    def test_python_example_gives_its_tree(self):
        os.mkdir(self.path("talk"))
        for name, content in PACKAGE.items():
            self.write(os.path.join("talk", name), content)
        program = self.write("program.py", PROGRAM)
        binding = self.write("talk.json", self.files()[-1])
        result = self.trace(["/usr/bin/python3", "-B", program], bindings=binding)
        self.assertEqual(result.stdout, b"Blue light scatters most.\nIt reflects it.\n"
                                        b"failed: nothing asked\n")
        shown = self.command("tree", self.out).stdout.decode("utf-8")
        promised, = [content for language, content in self.blocks
                     if not language and "session talk" in content and "trace " in content]
        self.assertTrue(documents.matches(promised, shown), shown)


if __name__ == "__main__":
    main()
