# SPDX-License-Identifier: Apache-2.0
"""scripts/quickstart with a build that exists: the tour prints the tree and says where the dump is."""

import os
import re
import shutil

from harness import BUILD, SOURCE, Case, Dump, clean_environment, main


class Quickstart(Case):
    def setUp(self):
        super().setUp()
        self.checkout = self.make_directory("checkout")
        shutil.copytree(os.path.join(SOURCE, "scripts"), os.path.join(self.checkout, "scripts"))
        os.symlink(BUILD, os.path.join(self.checkout, "build"))

    def quickstart(self, *arguments):
        """Runs the script as if it stood in a checkout that was built before."""
        env = dict(clean_environment(), SPANSHIM_DIR=self.rings, TMPDIR=self.directory)
        script = os.path.join(self.checkout, "scripts", "quickstart")
        return self.execute([script, *arguments], env, timeout=300)

    def dump_named_in(self, text):
        paths = re.findall(r"[^\s'\"]+\.jsonl", text)
        self.assertTrue(paths, "names no dump: " + text)
        return Dump(os.path.join(self.cwd, paths[-1]))

    def test_tour(self):
        result = self.quickstart()
        text = (result.stdout + result.stderr).decode()
        self.assertEqual(result.status, 0, text)
        dump = self.dump_named_in(text)
        self.assertEqual(dump.inconsistencies(), [])
        self.assertEqual(dump.count("session sqlite3"), 1)
        self.assertGreaterEqual(dump.count("action sqlite3"), 3)
        self.assertGreaterEqual(dump.count("stream sqlite3"), 1)
        self.assertTrue(any(span.status for span in dump.named("action sqlite3")), "no failing one")
        self.assert_tree_in(text, dump)

    def assert_tree_in(self, text, dump):
        """The printed tree has every span, children further right than their parents."""
        columns = {name: [] for name in dump.names()}
        for line in text.split("\n"):
            for name in columns:
                if name in line:
                    columns[name].append(line.index(name))
        for name, count in dump.names().items():
            self.assertGreaterEqual(len(columns[name]), count, name)
        self.assertLess(min(columns["session sqlite3"]), min(columns["action sqlite3"]))
        self.assertLess(min(columns["action sqlite3"]), min(columns["stream sqlite3"]))

    def test_users_command(self):
        result = self.quickstart("sqlite3", ":memory:", "SELECT 6 * 7")
        text = (result.stdout + result.stderr).decode()
        self.assertEqual(result.status, 0, text)
        self.assertIn("42", text)
        dump = self.dump_named_in(text)
        self.assertEqual(dump.names(),
                         {"session sqlite3": 1, "action sqlite3": 1, "stream sqlite3": 1})

    def test_users_command_that_fails(self):
        result = self.quickstart("sh", "-c", "exit 3")
        self.assertEqual(result.status, 3, result.visible)


if __name__ == "__main__":
    main()
