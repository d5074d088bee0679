# SPDX-License-Identifier: Apache-2.0
"""What the documentation says to type, and what it shows: blocks of pages, and how output is compared.

In Markdown, a fenced block of the language `sh` is commands, `console` commands after "$ " with their
output. A comment on the line above the fence says what else is to be known of a block:

  <!-- not run: REASON -->   it cannot be run here
  <!-- file: NAME -->        no commands: it is the file NAME, for the blocks that follow
  <!-- output: REASON -->    no commands: it shows what is compared elsewhere, or differs each time

`# status N` at the end of a command is the exit status it has. "…" on a line of its own stands for any
lines, at the end of a line for the rest of it. Manual pages have their commands in the literal blocks of
EXAMPLES, --help after "Example:".
"""

import re

COMMANDS = re.compile(r"^(\$ |(build/)?spanshim |scripts/|sudo |LD_PRELOAD=)", re.M)


class Block:
    """A fenced block: language, text, line number, and what the comment above it says."""

    def __init__(self, language, text, line, marker=("", "")):
        self.language, self.text, self.line = language, text, line
        self.marker, self.argument = marker

    def __str__(self):
        return "line %d" % self.line


def markdown(text):
    """The fenced blocks of a page."""
    blocks = []
    pattern = re.compile(r"(?:^<!-- (not run|file|output): (.*?) -->\n)?^( *)```(\w*)\n(.*?)^ *```$", re.S | re.M)
    for match in pattern.finditer(text):
        body = "".join(line[len(match[3]):] for line in match[5].splitlines(True))
        blocks.append(Block(match[4], body, text.count("\n", 0, match.start(5)), (match[1] or "", match[2] or "")))
    return blocks


def manual(text):
    """The commands of a manual page, from the literal blocks of EXAMPLES."""
    at = text.index(".Sh EXAMPLES\n")
    end = text.index("\n.Sh ", at + 1)
    blocks = []
    for match in re.finditer(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed$", text[at:end], re.S | re.M):
        body = match[1].replace("\\e", "\\").replace("\\-", "-").replace("\\&", "")
        blocks.append(Block("sh", body, text.count("\n", 0, at + match.start(1)) + 1))
    return blocks


def help_text(text):
    """The commands of a --help, after "Example:" or "Examples:", to the next empty line."""
    found = re.search(r"^Examples?:\n((?:  .*\n)+)", text, re.M)
    return [Block("sh", re.sub("^  ", "", found[1], flags=re.M), 0)] if found else []


def with_statuses(script):
    """A script in which `# status N` is checked."""
    return re.sub(r"^(.*?) *# status (\d+)$", r"{ status=0; \1 || status=$?; test $status = \2; }", script, flags=re.M)


def console(text):
    """(command, output) pairs of a console block; a command goes on after a backslash or with "> "."""
    pairs = []
    for line in text.splitlines(True):
        if line.startswith("$ "):
            pairs.append([line[2:], ""])
        elif pairs and not pairs[-1][1] and (line.startswith("> ") or pairs[-1][0].endswith("\\\n")):
            pairs[-1][0] += line[2:] if line.startswith("> ") else line
        elif pairs:
            pairs[-1][1] += line
        else:
            raise ValueError("output before a command: " + line)
    return [tuple(pair) for pair in pairs]


def normalise(text):
    """What two runs have in common: times, ids, sizes of columns and names of temporary files go."""
    text = re.sub(r"\b[0-9a-f]{32}\b|\b[0-9a-f]{16}\b", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "DATE", text)
    text = re.sub(r"/tmp/\S+", "/tmp/PATH", text)
    text = re.sub(r"http://127\.0\.0\.1:\d+", "URL", text)
    text = re.sub(r"\b(python[\d.]*|[\w.-]+)\[\d+\]", lambda m: ("python" if "python" in m[1] else m[1]) + "[N]", text)
    text = re.sub(r"\d[\d.]*(?= tokens/s)", "N", text)
    text = re.sub(r"\b\d[\d.]* ?(ns|µs|us|ms|s)\b", "T", text)
    text = re.sub(r"\d{9,}", "N", text)
    text = re.sub(r'"version": "[\d.]+"', '"version": "N"', text)
    return re.sub(r"[ \t]+", " ", text).strip()


def matches(shown, actual):
    """Whether actual output is what a page shows."""
    pattern = ""
    for line in normalise(shown).splitlines():
        line = line.strip()
        if line == "…":
            pattern += r"(.*\n)*?"
        elif line.endswith("…"):
            pattern += re.escape(line[:-1].rstrip()) + r".*\n"
        else:
            pattern += re.escape(line) + r"\n"
    actual = "".join(line.strip() + "\n" for line in normalise(actual).splitlines())
    return re.fullmatch(pattern, actual) is not None
