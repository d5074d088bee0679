# SPDX-License-Identifier: Apache-2.0
"""What the tests of `spanshim html` share: running it, and its page in a browser."""

import json
import os
import subprocess
import tempfile
import unittest

import browser
import sample_dump
from browser import Browser
from tree_case import COMMAND

ROWS = """return [...document.querySelectorAll('#rows .row')].map((row) => ({
    name: row.querySelector('.name') ? row.querySelector('.name').textContent : row.textContent,
    words: row.querySelector('.words') ? row.querySelector('.words').textContent : '',
    duration: row.querySelector('.duration').textContent, level: Number(row.getAttribute('aria-level')),
    classes: [...row.classList].filter((name) => name !== 'row'), row: Number(row.dataset.row)}))"""
SELECTED = "return (document.querySelector('#rows .row.selected .name') || {}).textContent"
DETAILS = "const box = document.getElementById('details'); return box.hidden ? '' : box.querySelector('h2') && box.textContent"


class CommandCase(unittest.TestCase):
    """A directory, and the command with an environment of its own."""

    maxDiff = None

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.directory = holder.name

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, content, name="t.jsonl"):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else sample_dump.text(content))
        return self.path(name)

    def html(self, *arguments, **streams_):
        """Status and stderr."""
        done = subprocess.run([COMMAND, "html", *arguments], stderr=subprocess.PIPE, timeout=120, check=False,
                              env=dict(os.environ, LC_ALL="C.UTF-8"), **streams_)
        return done.returncode, done.stderr.decode("utf-8")


@unittest.skipUnless(browser.DRIVER and browser.BROWSER, "no chromium and chromedriver here: scripts/setup --tests")
class HtmlCase(CommandCase):
    """One browser for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        super().setUp()
        self.browser.resize(1400, 900)
        self.browser.emulate(prefers_color_scheme="light")

    def page(self, content, *options, expected=(0, ""), fragment=""):
        """Opens the page of a dump."""
        page = self.path("page.html")
        self.assertEqual(self.html(self.write(content), "-o", page, *options), expected)
        self.browser.open(page, fragment)
        return page

    def rows(self):
        return self.browser.run(ROWS)

    def names(self):
        return [row["name"] for row in self.rows()]

    def wait_names(self, names):
        self.browser.wait("return JSON.stringify([...document.querySelectorAll('#rows .row .name')]"
                          ".map((name) => name.textContent)) === arguments[0]", json.dumps(names, separators=(",", ":"), ensure_ascii=False),
                          seconds=20)

    def choose(self, name, nth=0):
        """Clicks the row of that name; what the details say."""
        row = self.browser.wait("""const name = [...document.querySelectorAll('#rows .row .name')].filter((name) =>
            name.textContent === arguments[0])[arguments[1]]; return name && [Number(name.closest('.row').dataset.row)]""", name, nth)[0]
        self.browser.click("#row-%d .name" % row)
        return self.browser.wait(
            "const box = document.getElementById('details'), title = box.querySelector('h2');"
            "return document.querySelector('#row-%d.selected') && !box.hidden && title && box.textContent" % row)
