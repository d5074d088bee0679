# SPDX-License-Identifier: Apache-2.0
"""What the tests of `spanshim export` share: dumps to send, a home for its state, and its messages."""

import json
import os
import signal

import sample_dump
import sample_metrics
from harness import COMMAND, DRIVE, LOAD_BINDING, Case, clean_environment, wait_until

PER_LINE = 20


def numbered_spans(first, count):
    """Spans with ids from first on, one below the other's trace."""
    return [sample_dump.span(number, 0, "span %d" % number, number, number + 1, sample_dump.attributes(n=number))
            for number in range(first, first + count)]


class ExportCase(Case):
    def setUp(self):
        super().setUp()
        self.state = self.path("state")

    def env(self, **changes):
        return {**clean_environment(), "XDG_STATE_HOME": self.state, **changes}

    def export(self, *arguments, input=None, timeout=120, **changes):
        """Runs the command to its end."""
        return self.execute([COMMAND, "export", *arguments], self.env(**changes), input, timeout, cwd=self.directory)

    def exported(self, *arguments, **changes):
        """A run in which all is well."""
        result = self.export(*arguments, **changes)
        self.assertEqual((result.status, result.stderr), (0, b""), result.visible)
        return result

    def follow(self, *arguments, **changes):
        """A run in the background."""
        return self.start([COMMAND, "export", "--follow", *arguments], self.env(**changes), cwd=self.directory)

    def finish(self, process, status=0):
        """Tells it to stop, and returns what it had said."""
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=60)
        self.assertEqual(process.returncode, status, (stdout, stderr))
        return stdout.decode(), stderr.decode()

    def write_lines(self, lines, name="t.jsonl", mode="wb"):
        with open(self.path(name), mode) as file:
            file.write(sample_dump.text(lines))
        return self.path(name)

    def write_spans(self, count, name="t.jsonl", first=1, mode="wb"):
        """A dump with so many spans; returns their ids."""
        spans = numbered_spans(first, count)
        self.write_lines([sample_dump.line(spans[at:at + PER_LINE]) for at in range(0, count, PER_LINE)], name, mode)
        return [span["spanId"] for span in spans]

    def drive(self, calls, name="t.jsonl"):
        """A dump of a real program; returns its spans' ids."""
        env = self.environment(LOAD_BINDING, env={"SPANSHIM_OUT": self.path(name), "SPANSHIM_ON_FULL": "block"})
        argv = self.traced_command([DRIVE, "speed", str(calls)], "preload", LOAD_BINDING, env)
        result = self.execute(argv, env)
        self.assertEqual(result.status, 0, result.visible)
        ids = ids_of(self.path(name))
        self.assertEqual(len(ids), calls + 1)
        return ids

    def assert_once(self, server, ids):
        """All of these have arrived, no other, and each once."""
        arrivals = server.arrivals()
        self.assertEqual(set(arrivals), set(ids))
        self.assertEqual({span for span, count in arrivals.items() if count != 1}, set())

    def wait_for(self, server, ids):
        wait_until(lambda: set(ids) <= set(server.arrivals()), what="all spans to arrive")


def ids_of(path):
    """Ids of the spans of a dump."""
    with open(path, "rb") as file:
        return [span["spanId"] for line in file for resource in json.loads(line)["resourceSpans"]
                for scope in resource.get("scopeSpans", []) for span in scope["spans"]]


def elements_of(path, key):
    """What all lines have under that key, in their order."""
    with open(path, "rb") as file:
        return [element for line in file for element in json.loads(line)[key]]


def sample_files(case):
    """A dump and a metrics file by hand, with all that there can be."""
    return (case.write_lines(sample_dump.lines(), "sample.jsonl"),
            case.write_lines(sample_metrics.lines(), "metrics.jsonl"))


def state_files(state):
    """Names of what is remembered below a state directory."""
    directory = os.path.join(state, "spanshim", "export")
    return sorted(name for name in os.listdir(directory) if name.endswith(".json")) if os.path.isdir(directory) else []
