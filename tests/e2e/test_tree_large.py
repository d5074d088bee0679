# SPDX-License-Identifier: Apache-2.0
"""`spanshim tree` on a large dump: memory stays a small part of it, whichever way it comes in."""

import os
import subprocess
import tempfile
import unittest

import sample_dump
from harness import unfit
from sample_dump import attributes, line, span
from tree_case import COMMAND, Terminal, TreeCase

DUMP_MB = 200
MEMORY_MB = 64  # a hundred bytes a span, and what a process needs anyway
PER_TRACE = 2_000


def chat_text():
    """One span as text, with %(name)... where spans differ."""
    made = span(1, 2, "chat tiny", 0, 0, attributes(
        gen_ai__operation__name="chat", gen_ai__request__model="tiny", gen_ai__provider__name="openai",
        gen_ai__usage__input_tokens=12, gen_ai__usage__output_tokens=30, text="x" * 100))
    made.update(traceId="%(trace)032x", spanId="%(id)016x", parentSpanId="%(root)016x",
                startTimeUnixNano="%(start)d", endTimeUnixNano="%(end)d")
    return sample_dump.json.dumps(made)


def write_dump(path):
    """Traces of one root and many chats, roots last. Returns how many of each there are."""
    chat, (before, after) = chat_text(), sample_dump.json.dumps(line(["here"])).split('"here"')
    spans = traces = 0
    with open(path, "w", encoding="utf-8") as file:
        while file.tell() < DUMP_MB * 10**6:
            traces += 1
            root = traces << 32
            for first in range(0, PER_TRACE, 200):
                start = sample_dump.START + spans * 1000
                made = [chat % {"trace": traces, "id": root + 1 + first + number, "root": root,
                                "start": start + number * 10, "end": start + number * 10 + 5}
                        for number in range(200)]
                file.write(before + ", ".join(made) + after + "\n")
                spans += 200
            file.write(before + sample_dump.json.dumps(dict(span(root, 0, "session", 0, 10**12),
                                                            traceId="%032x" % traces)) + after + "\n")
            spans += 1
    return spans, traces


class Large(TreeCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.holder.cleanup)
        cls.dump = os.path.join(cls.holder.name, "large.jsonl")
        cls.spans, cls.traces = write_dump(cls.dump)

    def run_tree(self, *arguments, **streams):
        """Lines on stdout, and the peak of its memory in MB."""
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen([COMMAND, "tree", *arguments], stdout=output,
                                       env=self.environment(TMPDIR=self.holder.name), **streams)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0)
            output.seek(0)
            return sum(1 for _ in output), usage.ru_maxrss / 1024

    def assert_small(self, memory):
        self.assertLess(memory, MEMORY_MB, "of %d spans" % self.spans)

    @unfit("it measures")
    def test_file(self):
        lines, memory = self.run_tree(self.dump)
        self.assertEqual(lines, self.spans + 2 * self.traces - 1)
        self.assert_small(memory)

    @unfit("it measures")
    def test_pipe(self):
        """What cannot be read again is copied to the temporary directory, and nothing stays there."""
        with subprocess.Popen(["cat", self.dump], stdout=subprocess.PIPE) as cat:
            lines, memory = self.run_tree("--limit", "3", "-", stdin=cat.stdout)
        self.assertEqual(lines, 7 * self.traces - 1)
        self.assert_small(memory)
        self.assertEqual(os.listdir(self.holder.name), ["large.jsonl"])

    @unfit("it measures")
    def test_json(self):
        lines, memory = self.run_tree("--json", self.dump)
        self.assertEqual(lines, self.traces)
        self.assert_small(memory)

    @unfit("it measures")
    def test_chrome_trace(self):
        """The same for `spanshim export`; what it writes is as large as what it reads."""
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen([COMMAND, "export", "--format", "chrome", self.dump], stdout=output,
                                       env=self.environment())
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0)
            output.seek(0)
            spans = sum(line.startswith(b'{"ph":"X"') for line in output)
        self.assertEqual(spans, self.spans)
        self.assert_small(usage.ru_maxrss / 1024)

    def test_progress(self):
        """On a terminal one sees how far it is; nothing of it stays."""
        with Terminal(24, 80) as terminal:
            self.run_tree("--min-duration", "1s", self.dump, stderr=terminal.slave)
            text = terminal.finish()
        self.assertRegex(text, r"\d+% .*of 20\d MB")
        self.assertTrue(text.endswith("\r\033[K"), repr(text[-80:]))


if __name__ == "__main__":
    unittest.main()
