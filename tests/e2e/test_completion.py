# SPDX-License-Identifier: Apache-2.0
"""Completion in bash, zsh and fish, asked as the shells ask: every option of --help, values, files, commands."""

import os
import re
import shutil
import unittest

from harness import BUILD, COMMAND, SOURCE, Case, clean_environment, main

HERE = os.path.dirname(os.path.abspath(__file__))
COMPLETIONS = os.path.join(SOURCE, "scripts", "completions")
BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"
BINDINGS = {"curl", "mellea", "sqlite3"}
VALUES = {
    "run --stacks ": {"off", "error", "all"},
    "run --on-full ": {"drop", "block"},
    "tree --color a": {"auto", "always"},
    "stats --sort ": {"total", "name", "count", "errors", "p99", "max"},
    "stats -s p": {"p99"},
}
FILES = {"dump-1.jsonl", "dump-2.jsonl"}


class Shell:
    """What the tests have in common; a shell's class says how to ask it."""

    shell = None

    def setUp(self):
        if not shutil.which(self.shell):
            self.skipTest("no %s here" % self.shell)
        super().setUp()
        for name in FILES:
            self.write(os.path.join("cwd", name), "")
        self.env = dict(clean_environment(), HOME=self.directory, XDG_CONFIG_HOME=self.directory, TERM="dumb",
                        PATH=BUILD + ":" + os.environ["PATH"])

    def ask(self, lines):
        """{line: set of candidates}"""
        raise NotImplementedError

    def answers(self, *lines):
        asked = self.ask(["spanshim " + line for line in lines])
        self.assertEqual(set(asked), {"spanshim " + line for line in lines})
        return {line.split(" ", 1)[1]: candidates for line, candidates in asked.items()}

    def run_script(self, argv, lines=None):
        """Runs a script that prints "= LINE" and candidates."""
        result = self.execute(argv, self.env, None if lines is None else "\n".join(lines + [""]).encode())
        self.assertEqual((result.status, result.stderr), (0, b""), result.stdout)
        answers = {}
        for line in result.stdout.decode().splitlines():
            if line.startswith("= "):
                found = answers[line[2:]] = set()
            else:
                found.add(line)
        return answers

    def commands(self):
        text = self.execute([COMMAND, "--help"]).stdout.decode()
        return set(re.findall(r"^  (\w+)", re.search(r"^Commands:\n(.*?)^$", text, re.S | re.M)[1], re.M))

    def test_commands(self):
        asked = self.answers("", "t")
        self.assertEqual(asked[""], self.commands())
        self.assertEqual(asked["t"], {"tree"})

    def test_options(self):
        """Those that --help has at the beginning of a line, short ones where the shell gives any."""
        commands = sorted(self.commands())
        asked = self.answers(*[command + " -" for command in commands], *[command + " --" for command in commands])
        for command in commands:
            text = self.execute([COMMAND, command, "--help"]).stdout.decode()
            lines = re.findall(r"^ {2,6}(?:(-\w)(?: [A-Z=]+)?, )?(--[\w-]+)", text, re.M)
            long_options = {option for _, option in lines}
            self.assertGreater(len(long_options), 2, text)
            options = long_options | {option for option, _ in lines} - {""}
            self.assertEqual(asked[command + " --"], long_options, command)
            self.assertEqual(asked[command + " -"], options, command)

    def test_values(self):
        asked = self.answers(*VALUES)
        self.assertEqual(asked, VALUES)

    def test_files(self):
        asked = self.answers("tree dump", "check dump-1.jsonl dump", "stats dump", "run --out dump", "recover dump",
                             "bindings --against dump")
        for line, candidates in asked.items():
            self.assertEqual(candidates, FILES, line)
        self.assertEqual(self.answers("env dump")["env dump"] & FILES, set())

    def test_bindings(self):
        asked = self.answers("bindings ", "run --bindings ", "run -b c")
        self.assertLessEqual(BINDINGS, asked["bindings "])
        self.assertLessEqual(BINDINGS | {"auto", "none"} | FILES, asked["run --bindings "])
        self.assertEqual(asked["run -b c"], {"curl"})

    def test_rest_of_a_list(self):
        line = "run -b auto:s"
        self.assertEqual({candidate.rpartition(":")[2] for candidate in self.answers(line)[line]}, {"sqlite3"})

    def test_program_of_run(self):
        lines = ["run sqlite", "run -- sqlite", "run -t -o x --bindings a:b sqlite"]
        for line, candidates in self.answers(*lines).items():
            self.assertIn("sqlite3", candidates, line)
        asked = self.answers("run cat dump", "run -- sqlite3 --", "run -o x sqlite3 --")
        self.assertLessEqual(FILES, asked["run cat dump"])
        for line in ("run -- sqlite3 --", "run -o x sqlite3 --"):
            self.assertEqual({option for option in asked[line] if option in ("--out", "--bindings", "--tree")}, set())


class Bash(Shell, Case):
    shell = "bash"
    further = ()

    def ask(self, lines):
        return self.run_script(["bash", "--norc", os.path.join(HERE, "complete.bash"),
                                os.path.join(COMPLETIONS, "spanshim.bash"), *self.further], lines)


@unittest.skipUnless(os.path.exists(BASH_COMPLETION), "no bash-completion here")
class BashCompletion(Bash):
    """The same where bash-completion is loaded, which knows the program's own options."""

    further = (BASH_COMPLETION,)

    def test_options_of_the_program(self):
        asked = self.answers("run -o x -- sort --rev", "run sort --rev")
        self.assertEqual(list(asked.values()), [{"--reverse"}, {"--reverse"}])


class Zsh(Shell, Case):
    shell = "zsh"

    def ask(self, lines):
        return self.run_script(["zsh", "-f", os.path.join(HERE, "complete.zsh"), COMPLETIONS, self.directory, *lines])


class Fish(Shell, Case):
    shell = "fish"
    source = "source %s; " % os.path.join(COMPLETIONS, "spanshim.fish")

    def ask(self, lines, before=""):
        script = before + self.source + 'for line in $argv; echo "= $line"; complete -C $line; end'
        answers = self.run_script(["fish", "--no-config", "-c", script, *lines])
        return {line: {text.split("\t")[0] for text in found} for line, found in answers.items()}

    def test_options_of_the_program(self):
        for line in ("spanshim run -- flower --", "spanshim run -o x flower --"):
            asked = self.ask([line], "complete -c flower -l petals; ")
            self.assertEqual(asked[line], {"--petals"})

    def test_options_are_described(self):
        result = self.execute(["fish", "--no-config", "-c", self.source + "complete -C 'spanshim run --'"], self.env)
        for line in result.stdout.decode().splitlines():
            self.assertRegex(line, r"^--[\w-]+\t\S")


if __name__ == "__main__":
    main()
