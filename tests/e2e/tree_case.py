# SPDX-License-Identifier: Apache-2.0
"""What the tests of `spanshim tree` share: running it off and on a terminal, and a terminal's memory."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import tempfile
import termios
import threading
import unittest

import sample_dump

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMAND = os.path.join(os.path.abspath(os.environ.get("SPANSHIM_BUILD") or os.path.join(SOURCE, "build")),
                       "spanshim")


class TreeCase(unittest.TestCase):
    """A directory for dumps, and the command with an environment of its own."""

    maxDiff = None

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.directory = holder.name

    def write(self, content, name="t.jsonl"):
        path = os.path.join(self.directory, name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else sample_dump.text(content))
        return path

    def sample(self):
        return self.write(sample_dump.lines())

    def environment(self, **changes):
        kept = {name: value for name, value in os.environ.items()
                if name not in ("COLUMNS", "NO_COLOR", "LANG", "LC_CTYPE")}
        kept.update(LC_ALL="C.UTF-8", TERM="xterm")
        kept.update(changes)
        return kept

    def tree(self, *arguments, input=None, **changes):
        """Status, stdout and stderr; off a terminal."""
        done = subprocess.run([COMMAND, "tree", *arguments], env=self.environment(**changes), input=input,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False)
        return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")

    def shown(self, *arguments, **changes):
        """Output of a run without trouble."""
        status, output, errors = self.tree(*arguments, **changes)
        self.assertEqual((status, errors), (0, ""), output)
        return output

    def on_terminal(self, *arguments, **changes):
        """Output on a pseudo-terminal."""
        with Terminal() as terminal:
            with subprocess.Popen([COMMAND, "tree", *arguments], env=self.environment(**changes),
                                  stdout=terminal.slave) as process:
                process.wait(60)
            return terminal.finish()


class Terminal:
    """A pseudo-terminal that remembers everything it was sent."""

    def __init__(self, rows=0, columns=0):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.output = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.finish()
        os.close(self.master)

    def _read(self):
        try:
            while chunk := os.read(self.master, 65536):
                self.output += chunk
        except OSError:  # the other end is closed
            pass

    @property
    def text(self):
        return self.output.decode("utf-8", "replace").replace("\r\n", "\n")

    def finish(self):
        """Everything, once nobody writes any more."""
        if self.slave is not None:
            os.close(self.slave)
            self.slave = None
        self.reader.join(30)
        return self.text

    def screen(self):
        """What stands there in the end: up N lines and clear to the end is all that is understood."""
        lines = []
        for part in re.split(r"(\x1b\[\d+F\x1b\[J)", self.text):
            up = re.match(r"\x1b\[(\d+)F", part)
            if up:
                del lines[len(lines) - int(up[1]):]
            else:
                lines += part.split("\n")[:-1]
        return lines
