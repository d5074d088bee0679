# SPDX-License-Identifier: Apache-2.0
"""scripts/quickstart with a build that exists: tours print their tree and say where the dump is."""

import os
import re
import shutil
import unittest

import documents
import mellea_env
from harness import BUILD, SOURCE, Case, Dump, clean_environment, main

TOUR_ENVIRONMENT = mellea_env.environments.Environment()
needs_mellea = unittest.skipUnless(TOUR_ENVIRONMENT.made(),
                                   "no %s: scripts/mellea_env makes it" % TOUR_ENVIRONMENT.name)


class Quickstart(Case):
    def setUp(self):
        super().setUp()
        self.checkout = self.make_directory("checkout")
        shutil.copytree(os.path.join(SOURCE, "scripts"), os.path.join(self.checkout, "scripts"))
        os.symlink(BUILD, os.path.join(self.checkout, "build"))

    def quickstart(self, *arguments, **variables):
        """Runs the script as if it stood in a checkout that was built before."""
        env = dict(clean_environment(), SPANSHIM_DIR=self.rings, TMPDIR=self.directory, **variables)
        script = os.path.join(self.checkout, "scripts", "quickstart")
        return self.execute([script, *arguments], env, timeout=300)

    def dump_named_in(self, text):
        paths = re.findall(r"[^\s'\"]+\.jsonl", text)
        self.assertTrue(paths, "names no dump: " + text)
        return Dump(os.path.join(self.cwd, paths[-1]))

    def run_tour(self, *arguments, **variables):
        """What a tour printed, and its dump."""
        result = self.quickstart(*arguments, **variables)
        text = (result.stdout + result.stderr).decode()
        self.assertEqual(result.status, 0, text)
        dump = self.dump_named_in(text)
        self.assertEqual(self.left_rings(), [])
        return text, dump

    @needs_mellea
    def test_tour(self):
        text, dump = self.run_tour(COLUMNS="200")
        self.assertEqual(dump.names(), {
            "start_session": 1, "session": 1, "action": 3, "sampling": 1, "validation": 2,
            "chat tiny": 8, "stream": 1, "execute_tool weather": 1})
        session, action = dump.one("session"), dump.named("action")[0]
        self.assertTrue(all(span.parent_id == session.span_id
                            for span in dump.named("action") + dump.named("stream")))
        self.assertEqual([span.status for span in dump.spans], [0] * len(dump.spans))
        self.assertEqual([event.name for event in dump.one("sampling").events],
                         ["iteration", "repair", "iteration"])
        self.assertEqual(sum(event.name == "chunk" for event in dump.one("stream").events), 3)
        self.assertEqual(action.resource["service.name"], "mellea")
        self.assertIn("OPENAI_BASE_URL=", text)
        self.assert_readme("scripts/quickstart", text)
        self.assert_tree_in(text, dump, ["session", "execute_tool weather", "sampling"])

    def test_native_tour(self):
        text, dump = self.run_tour("native", COLUMNS="200")
        self.assert_native(text, dump)
        self.assert_readme("scripts/quickstart native", text)

    def test_without_pypi(self):
        """Says that there is no Mellea, and gives the native tour."""
        text, dump = self.run_tour(XDG_CACHE_HOME=self.path("cache"), PIP_NO_INDEX="1",
                                   PIP_FIND_LINKS="", PIP_RETRIES="0")
        self.assertIn("no Mellea here", text)
        self.assert_native(text, dump)

    def assert_native(self, text, dump):
        self.assertEqual(dump.inconsistencies(), [])
        self.assertEqual(dump.count("session sqlite3"), 1)
        self.assertGreaterEqual(dump.count("action sqlite3"), 3)
        self.assertGreaterEqual(dump.count("stream sqlite3"), 1)
        self.assertTrue(any(span.status for span in dump.named("action sqlite3")), "no failing one")
        self.assert_tree_in(text, dump, ["session sqlite3", "action sqlite3", "stream sqlite3"])

    def assert_readme(self, command, text):
        """README.md shows this tree."""
        with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
            shown, = [block.text for block in documents.markdown(file.read())
                      if block.text.startswith("$ %s\n" % command)]
        tree = re.compile(r"^trace .*\n(?: .*\n)+", re.M)
        actual = tree.search(text)[0]
        self.assertTrue(documents.matches(tree.search(shown)[0], actual), actual)

    def assert_tree_in(self, text, dump, path):
        """The printed tree has every span; each name of path stands further right than the one before."""
        columns = {name: [] for name in dump.names()}
        for line in text.split("\n"):
            for name in columns:
                if name in line:
                    columns[name].append(line.index(name))
        for name, count in dump.names().items():
            self.assertGreaterEqual(len(columns[name]), count, name)
        self.assertEqual([min(columns[name]) for name in path],
                         sorted({min(columns[name]) for name in path}))

    def test_users_command(self):
        result = self.quickstart("sqlite3", ":memory:", "SELECT 6 * 7")
        text = (result.stdout + result.stderr).decode()
        self.assertEqual(result.status, 0, text)
        self.assertIn("42", text)
        dump = self.dump_named_in(text)
        self.assertEqual(dump.names(),
                         {"session sqlite3": 1, "action sqlite3": 1, "stream sqlite3": 1})

    @needs_mellea
    def test_users_mellea_program(self):
        program = os.path.join(SOURCE, "tests", "parity", "programs", "instruct.py")
        with mellea_env.model_server() as url:
            result = self.quickstart(TOUR_ENVIRONMENT.python, program,
                                     **mellea_env.program_environment(url))
        text = (result.stdout + result.stderr).decode()
        self.assertEqual(result.status, 0, text)
        self.assertEqual(self.dump_named_in(text).names(), {
            "start_session": 1, "session": 1, "action": 1, "sampling": 1, "validation": 1,
            "chat tiny": 1})

    def test_users_command_that_fails(self):
        result = self.quickstart("sh", "-c", "exit 3")
        self.assertEqual(result.status, 3, result.visible)


if __name__ == "__main__":
    main()
