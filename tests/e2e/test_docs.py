# SPDX-License-Identifier: Apache-2.0
"""Every command in the documentation runs, and gives what stands there; see documents.py for the marks."""

import contextlib
import glob
import http.server
import os
import re
import shutil
import sqlite3
import subprocess
import threading
import unittest

import documents
import mellea_env
from harness import BUILD, COMMAND, PRELOAD, SOURCE, Case, clean_environment, main

SECONDS = 120
RUN = ("sh", "console")
# Followed by those who come after: Ctrl-C after a while, which is an end in order.
ENDLESS = re.compile(r"^(.*\bspanshim (?:tree|export) .*--follow\b)", re.M)
CTRL_C = r"timeout --preserve-status --signal INT 2 \1"
# What the pages call theirs, here:
PROGRAM = """\
import sqlite3
with sqlite3.connect("my.db") as db:
    print(db.execute("SELECT count(*) FROM planet").fetchone())
"""
MELLEA_PROGRAM = """\
from mellea import start_session
with start_session("openai", "tiny") as m:
    print(m.instruct("Write a haiku.", requirements=["It mentions the night."]))
"""
LIBRARY = """\
#include <stdlib.h>
struct my { int n; };
struct my *my_open(const char *name) { return name ? calloc(1, sizeof(struct my)) : NULL; }
int my_send(struct my *my, const char *text) { my->n++; return text ? 0 : 1; }
void my_close(struct my *my) { free(my); }
"""
USER = """\
struct my;
struct my *my_open(const char *);
int my_send(struct my *, const char *);
void my_close(struct my *);
int main(void) { struct my *my = my_open("x"); my_send(my, "hello"); my_close(my); return 0; }
"""


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes what an OTLP/HTTP endpoint takes."""

    def log_message(self, *_arguments):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.paths.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


@contextlib.contextmanager
def receiver():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.paths = []
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def read(*parts):
    with open(os.path.join(SOURCE, *parts), encoding="utf-8") as file:
        return file.read()


class Documents(Case):
    """A directory with everything that pages name; one page's blocks run in it in their order."""

    def setUp(self):
        super().setUp()
        # not the build directory itself, nor root's rights: a page's commands are somebody's words
        os.mkdir(os.path.join(self.cwd, "build"))
        for path in (COMMAND, PRELOAD):
            os.symlink(path, os.path.join(self.cwd, "build", os.path.basename(path)))
        self.make_databases()
        self.put("my_program.py", PROGRAM)
        self.put("server", "#!/bin/sh\nexec sqlite3 my.db 'SELECT 1'\n", 0o755)
        self.put_package()
        os.mkdir(self.path("bin"))
        # by its path, by which it finds its environment
        self.write("bin/python", '#!/bin/sh\nexec %s "$@"\n' % (mellea_env.python() or "/usr/bin/python3"))
        self.write("bin/sudo", "#!/bin/sh\necho 'sudo: not in a test' >&2\nexit 1\n")
        for name in ("python", "sudo"):
            os.chmod(self.path("bin/" + name), 0o755)
        self.env = dict(self.environment(), PATH=":".join([self.path("bin"), BUILD, os.environ["PATH"]]),
                        PKG_CONFIG_PATH=self.directory, TMPDIR=self.directory, HOME=self.directory)
        del self.env["SPANSHIM_OUT"], self.env["SPANSHIM_LOG"]

    def put_package(self):
        """What pkg-config has once spanshim is installed."""
        self.write("spanshim-plugin.pc", "Name: spanshim-plugin\nDescription: headers\nVersion: 0\nCflags: -I%s\n"
                   % os.path.join(SOURCE, "collector", "include"))

    def put(self, name, text, mode=0o644):
        path = os.path.join(self.cwd, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def make_databases(self):
        for name in ("my.db", "a.db"):
            with contextlib.closing(sqlite3.connect(os.path.join(self.cwd, name))) as db:
                db.executescript("CREATE TABLE planet(name, moons); INSERT INTO planet VALUES ('Mars', 2), ('Earth', 1);")

    def commands(self):
        listed = re.search(r"^Commands:\n(.*?)^$", self.execute([COMMAND, "--help"]).stdout.decode(), re.S | re.M)[1]
        return re.findall(r"^  (\w+)", listed, re.M)

    def make_dumps(self):
        """trace.jsonl, t.jsonl, m.jsonl, metrics.jsonl, traces/: what examples of commands read."""
        for name in ("trace.jsonl", "t.jsonl"):
            result = self.execute([COMMAND, "run", "--out", name, "--metrics", "m.jsonl", "--", "sqlite3", "my.db",
                                   "SELECT * FROM planet"], self.env)
            self.assertEqual(result.status, 0, result.stderr)
        shutil.copy(os.path.join(self.cwd, "m.jsonl"), os.path.join(self.cwd, "metrics.jsonl"))
        os.mkdir(os.path.join(self.cwd, "traces"))
        shutil.copy(os.path.join(self.cwd, "t.jsonl"), os.path.join(self.cwd, "traces"))

    def make_library(self):
        """libmylib.so, ./program that uses it, and its binding, which README.md shows."""
        self.put("mylib.json", next(block.text for block in documents.markdown(read("README.md"))
                                    if block.argument == "mylib.json"))
        self.put("mylib.c", LIBRARY)
        self.put("program.c", USER)
        for argv in (["cc", "-shared", "-fPIC", "-o", "libmylib.so", "mylib.c"],
                     ["cc", "-o", "program", "program.c", "-L.", "-lmylib", "-Wl,-rpath,$ORIGIN"]):
            self.assertEqual(self.execute(argv, self.env).visible, (b"", b"", 0))

    def run_block(self, page, block):
        """Runs a block of commands; of a console block, compares what they print."""
        if block.language == "console" and "mellea" in block.text and not mellea_env.python():
            return
        if block.language == "console":
            pairs = documents.console(block.text)
            script = "".join("echo '@@'\n" + command for command, _ in pairs)
        else:
            pairs, script = [], block.text
        script = documents.with_statuses(ENDLESS.sub(CTRL_C, script))
        script = script.replace("localhost:4318", "127.0.0.1:%d" % self.port)
        self.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:%d" % self.port
        options = "-eu" if block.language == "sh" else "-u"
        result = self.execute(["bash", options, "-o", "pipefail", "-c", "exec 2>&1\n" + script], self.env,
                              timeout=SECONDS)
        text = result.stdout.decode()
        if block.language == "sh":
            self.assertEqual(result.status, 0, "%s, %s:\n%s\n%s" % (page, block, block.text, text))
        outputs = text.split("@@\n")[1:] if pairs else []
        self.assertEqual(len(outputs), len(pairs), text)
        for (command, shown), actual in zip(pairs, outputs):
            self.assertTrue(documents.matches(shown, actual), "%s, %s: $ %s%s\n--- but:\n%s\n--- as compared:\n%s\n---\n%s"
                            % (page, block, command, shown, actual, documents.normalise(shown),
                               documents.normalise(actual)))

    def run_page(self, page, blocks):
        """Every block is run, or marked. Returns how many were run."""
        count = 0
        with receiver() as server:
            self.port = server.server_address[1]
            for block in blocks:
                if block.marker == "file":
                    self.put(block.argument, block.text)
                elif block.marker:
                    self.assertGreater(len(block.argument), 10, "%s, %s: a reason" % (page, block))
                elif block.language in RUN:
                    with self.subTest(page=page, line=block.line):
                        self.run_block(page, block)
                    count += 1
                else:
                    self.assertIsNone(documents.COMMANDS.search(block.text),
                                      "%s, %s: commands that are neither run nor marked" % (page, block))
        return count


class Pages(Documents):
    def run_markdown(self, *parts, at_least=1):
        self.make_dumps()
        self.make_library()
        self.put("slow_acts.c", read("docs", "examples", "plugin", "slow_acts.c"))
        for tree in ("docs/examples", "collector/include"):
            shutil.copytree(os.path.join(SOURCE, tree), os.path.join(self.cwd, tree))
        blocks = documents.markdown(read(*parts))
        self.assertGreaterEqual(self.run_page("/".join(parts), blocks), at_least)

    def test_readme(self):
        python = mellea_env.python()
        if python:
            self.put("my_program.py", MELLEA_PROGRAM)
            with mellea_env.model_server() as url:
                self.env.update(mellea_env.program_environment(url))
                self.run_markdown("README.md", at_least=5)
        else:
            self.run_markdown("README.md", at_least=5)

    def test_bindings(self):
        self.run_markdown("docs", "BINDINGS.md", at_least=4)

    def test_output(self):
        self.run_markdown("docs", "OUTPUT.md", at_least=3)

    def test_plugins(self):
        self.run_markdown("docs", "PLUGINS.md")

    def test_others(self):
        """Pages with few commands, or none."""
        named = {"BINDINGS.md", "OUTPUT.md", "PLUGINS.md"}
        for path in sorted(glob.glob(os.path.join(SOURCE, "docs", "*.md"))):
            if os.path.basename(path) not in named:
                self.run_page(os.path.basename(path), documents.markdown(read(path)))
        self.run_page("CONTRIBUTING.md", documents.markdown(read("CONTRIBUTING.md")))


class Examples(Documents):
    """Of manual pages and --help."""

    def setUp(self):
        super().setUp()
        self.make_dumps()
        self.make_library()

    def test_manual(self):
        pages = sorted(glob.glob(os.path.join(SOURCE, "docs", "man", "*.[17]")))
        for path in pages:
            name = os.path.basename(path)
            command = re.fullmatch(r"spanshim-(\w+)\.1", name)
            if command and command[1] not in self.commands():
                continue
            self.assertGreater(self.run_page(name, documents.manual(read(path))), 0, name)

    def test_help(self):
        for command in [""] + self.commands():
            text = self.execute([COMMAND, *([command] if command else []), "--help"]).stdout.decode()
            self.assertEqual(self.run_page(command + " --help", documents.help_text(text)), 1, command)


class Links(unittest.TestCase):
    """Every link between pages leads to a file and a heading that are there."""

    def test_links(self):
        pages = ["README.md", "CONTRIBUTING.md", "NEWS.md"] + [
            os.path.join("docs", os.path.basename(path)) for path in glob.glob(os.path.join(SOURCE, "docs", "*.md"))]
        count = 0
        for page in pages:
            for target in re.findall(r"\]\(([^)\s]+)\)", read(page)):
                if target.startswith(("http://", "https://")):
                    continue
                path, _, heading = target.partition("#")
                path = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
                self.assertTrue(os.path.exists(os.path.join(SOURCE, path)), "%s: %s" % (page, target))
                if heading:
                    self.assertIn(heading, self.headings(read(path)), "%s: %s" % (page, target))
                count += 1
        self.assertGreater(count, 40)

    @staticmethod
    def headings(text):
        """As a forge names them."""
        text = re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
                for title in re.findall(r"^#+ (.*)$", text, re.M)}


class Marks(unittest.TestCase):
    """The reader of pages sees what it should."""

    def test_markdown(self):
        text = "x\n<!-- not run: no reason at all -->\n```sh\na\n```\n\n```\nb\n```\n"
        first, second = documents.markdown(text)
        self.assertEqual((first.language, first.text, first.marker, first.argument, first.line),
                         ("sh", "a\n", "not run", "no reason at all", 3))
        self.assertEqual((second.language, second.text, second.marker), ("", "b\n", ""))

    def test_comparison(self):
        shown = "trace 09654ed1e1ecd9a440799e02ed60b7a1 · 6 spans · 65.7 ms · 2026-11-20 22:37:18 UTC\n  1 ms  a\n…\nz…\n"
        actual = ("trace 19654ed1e1ecd9a440799e02ed60b7a2 · 6 spans · 5.7 s · 2027-01-20 22:37:18 UTC\n"
                  "   2.5 µs  a\nb\nc\nzebra\n")
        self.assertTrue(documents.matches(shown, actual))
        self.assertFalse(documents.matches(shown, actual.replace("6 spans", "7 spans")))
        self.assertFalse(documents.matches(shown, actual + "more\n"))

    def test_statuses(self):
        script = documents.with_statuses("true\nsh -c 'exit 3'  # status 3\n")
        for text, status in ((script, 0), (script.replace("exit 3", "exit 4"), 1)):
            self.assertEqual(subprocess.run(["bash", "-e", "-c", text]).returncode, status)


if __name__ == "__main__":
    main()
