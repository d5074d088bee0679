# SPDX-License-Identifier: Apache-2.0
"""Bad bindings, variables, directories: one clear message on the shim's log, the host unaffected."""

import json
import os
import re

from harness import COMMAND, Case, Dump, main

SESSION, ACTION = "session sqlite3", "action sqlite3"
STATEMENT = b"SELECT 1;\nSELECT nothing;\n"
ARGV = ["sqlite3", ":memory:"]


def binding(**changes):
    """A good binding of one entry, with changes in that entry (None takes a key away)."""
    entry = {"symbol": "sqlite3_step", "role": "action", "when": "call", "args": ["pointer"],
             "returns": "int"}
    entry.update(changes)
    entry = {key: value for key, value in entry.items() if value is not None}
    return json.dumps({"spanshim": 1, "name": "bad", "entries": [entry]}, indent=1)


# What is wrong, and what the message must tell: the key (line and file are always looked for) and a
# word of what was expected.
FILES = {
    "empty": ("", "", "JSON"),
    "not JSON": ("{\"spanshim\": 1,\n  \"name\": }", "", "JSON"),
    "cut short": (binding()[:-20], "", "JSON"),
    "something behind": (binding() + "x", "", "JSON"),
    "not UTF-8": (b"{\"spanshim\": 1, \"name\": \"\xff\"}", "", "UTF-8"),
    "an array": ("[]", "", "object"),
    "no version": ("{\"name\": \"bad\", \"entries\": []}", "spanshim", "expected 1"),
    "another version": ("{\"spanshim\": 2, \"name\": \"bad\", \"entries\": []}", "spanshim",
                        "expected 1"),
    "no name": ("{\"spanshim\": 1, \"entries\": []}", "name", "missing"),
    "unknown key": (binding(hadnle="arg 1"), "entries[0].hadnle", "handle"),
    "unknown key at the top": ("{\"spanshim\": 1, \"name\": \"bad\", \"entires\": []}", "entires",
                               "entries"),
    "the same key twice": ("{\"spanshim\": 1, \"name\": \"a\", \"name\": \"b\", \"entries\": []}",
                           "name", "second time"),
    "no symbol": (binding(symbol=None), "entries[0]", "symbol"),
    "symbol is a number": (binding(symbol=7), "entries[0].symbol", "string"),
    "unknown role": (binding(role="sesion"), "entries[0].role", "session"),
    "no role": (binding(role=None), "entries[0].role", "action"),
    "unknown when": (binding(when="sometimes"), "entries[0].when", "call"),
    "unknown type": (binding(args=["integer"]), "entries[0].args[0]", "int"),
    "argument that is not there": (
        binding(attributes=[{"key": "k", "value": "arg 2"}]), "entries[0].attributes[0].value", "arg"),
    "argument 0": (
        binding(attributes=[{"key": "k", "value": "arg 0"}]), "entries[0].attributes[0].value", "arg"),
    "argument -1": (
        binding(attributes=[{"key": "k", "value": "arg -1"}]), "entries[0].attributes[0].value", ""),
    "argument 99999999999": (binding(attributes=[{"key": "k", "value": "arg 99999999999"}]),
                             "entries[0].attributes[0].value", ""),
    "handle that is not there": (binding(when="close", handle="arg 3"), "entries[0].handle", "arg"),
    "result of nothing": (binding(when="open", returns=None, handle="result"), "entries[0].returns",
                          "missing"),
    "key that does not fit": (binding(ends={"is": 1}), "entries[0].ends", "call"),
    "longjmp": (binding(symbol="longjmp"), "entries[0].symbol", "cannot be wrapped"),
    "vfork": (binding(symbol="vfork"), "entries[0].symbol", "cannot be wrapped"),
    "__tls_get_addr": (binding(symbol="__tls_get_addr"), "entries[0].symbol", "cannot be wrapped"),
    "_Unwind_RaiseException": (binding(symbol="_Unwind_RaiseException"), "entries[0].symbol",
                               "cannot be wrapped"),
    "dlsym": (binding(symbol="dlsym"), "entries[0].symbol", "cannot be wrapped"),
}

# Variable: values that mean nothing. The default is used and the program is traced all the same.
ENVIRONMENT = {
    "SPANSHIM_RING_BYTES": ("banana", "-1", "0", "1", "99999999999999999999", "1e6", "4 M"),
    "SPANSHIM_ON_FULL": ("perhaps", "DROP,block"),
    "SPANSHIM_FLUSH_MS": ("-1", "soon", "0", "99999999999999999999", "0x10"),
    "SPANSHIM_STACKS": ("yes", "errors"),
    "SPANSHIM_TRACE_ID": ("0" * 32, "xyz", "f" * 31),
    "OTEL_SPAN_EVENT_COUNT_LIMIT": ("many", "-5"),
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": ("1.5", "-1"),
    "SPANSHIM_DISABLE": ("perhaps",),
    "OTEL_SDK_DISABLED": ("1",),
}


class BadInput(Case):
    def setUp(self):
        super().setUp()
        self.expected = self.execute(ARGV, input=STATEMENT).visible

    def run_shell(self, **variables):
        """The shell under bare LD_PRELOAD, its variables bad; what a user sees must not change."""
        env = self.environment(env=variables)
        argv = self.traced_command(ARGV, "preload", None, env)
        result = self.collect(self.execute(argv, env, STATEMENT))
        self.assertEqual(result.visible, self.expected)
        return result

    def one_message(self, result):
        """The only line of the log, without its prefix."""
        lines = result.log.splitlines()
        self.assertEqual(len(lines), 1, result.log)
        match = re.fullmatch(r"spanshim\[\d+\]: (\S.*)", lines[0])
        self.assertTrue(match, lines[0])
        return match.group(1)

    def test_binding_files(self):
        for name, (content, key, expected) in FILES.items():
            with self.subTest(name=name):
                path = self.path("bad-binding.json")
                with open(path, "wb") as file:
                    file.write(content if isinstance(content, bytes) else content.encode())
                if os.path.exists(self.log):
                    os.unlink(self.log)
                self.assert_refused(path, key, expected)

    def assert_refused(self, path, key, expected):
        result = self.run_shell(SPANSHIM_BINDINGS=path)
        message = self.one_message(result)
        at = re.search(re.escape(path) + r":(\d+): ", message)
        self.assertTrue(at, message)
        said = message[at.start():]
        self.assertIn(": " + key, said)
        self.assertIn(expected, said)
        self.assertEqual((result.dump.spans, self.left_rings()), ([], []))
        checked = self.command("bindings", path)
        self.assertEqual((checked.status, checked.stdout), (2, b""))
        self.assertIn(said, checked.stderr.decode())
        self.assertEqual(len(checked.stderr.splitlines()), 1, checked.stderr)

    def test_line_number(self):
        path = self.write("lines.json", binding(role="sesion"))
        line = 1 + binding(role="sesion").split("\n").index('   "role": "sesion",')
        checked = self.command("bindings", path)
        self.assertIn("%s:%d: entries[0].role: " % (path, line), checked.stderr.decode())

    def test_good_binding_is_accepted(self):
        """So that the others are refused for what is wrong with them."""
        path = self.write("good.json", binding())
        self.assertEqual(self.command("bindings", path).status, 0)
        result = self.run_shell(SPANSHIM_BINDINGS=path)
        self.assertEqual((result.log, result.dump.names()), ("", {"action bad": 2}))

    def test_no_such_binding(self):
        for value in ("sqlite4", "/no/such/file.json", self.cwd + "/", "sqlite3:nothing", "/dev/zero"):
            with self.subTest(value=value):
                if os.path.exists(self.log):
                    os.unlink(self.log)
                result = self.run_shell(SPANSHIM_BINDINGS=value)
                self.assertIn(value.rsplit(":", 1)[-1], self.one_message(result))
                self.assertEqual(result.dump.spans, [])
                checked = self.command("bindings", value.rsplit(":", 1)[-1])
                self.assertEqual(checked.status, 2, checked.visible)

    def test_launcher_refuses_bad_bindings(self):
        """Before it runs anything: status 2, the message on stderr."""
        path = self.write("bad.json", binding(role="sesion"))
        marker = self.path("marker")
        result = self.command("run", "--bindings", path, "--out", self.out, "--", "touch", marker)
        self.assertEqual(result.status, 2)
        self.assertIn("entries[0].role", result.stderr.decode())
        self.assertFalse(os.path.exists(marker))

    def test_environment(self):
        for name, values in ENVIRONMENT.items():
            for value in values:
                with self.subTest(name=name, value=value):
                    self.clear()
                    result = self.run_shell(**{name: value})
                    message = self.one_message(result)
                    self.assertIn("%s=%s" % (name, value), message)
                    self.assertIn("expected", message)
                    self.assertEqual((result.dump.count(SESSION), result.dump.count(ACTION)), (1, 2))
                    self.assertEqual(result.dump.inconsistencies(), [])

    def clear(self):
        for path in (self.log, self.out):
            if os.path.exists(path):
                os.unlink(path)

    def test_all_at_once(self):
        result = self.run_shell(**{name: values[0] for name, values in ENVIRONMENT.items()})
        self.assertEqual(len(result.log.splitlines()), len(ENVIRONMENT), result.log)
        self.assertEqual(result.dump.count(SESSION), 1)

    def test_very_long_values(self):
        for name in ("SPANSHIM_OUT", "SPANSHIM_DIR", "SPANSHIM_BINDINGS", "OTEL_SERVICE_NAME",
                     "OTEL_RESOURCE_ATTRIBUTES", "SPANSHIM_TRACE_ID", "TRACEPARENT"):
            with self.subTest(name=name):
                self.clear()
                result = self.run_shell(**{name: "/x" * 50_000})
                self.assertTrue(result.log)
                self.assertLess(len(result.log), 10_000)

    def test_empty_values_are_unset(self):
        result = self.run_shell(**dict.fromkeys(ENVIRONMENT, ""))
        self.assertEqual((result.log, result.dump.count(SESSION)), ("", 1))

    def test_log_to_stderr_when_asked(self):
        env = self.environment(env={"SPANSHIM_BINDINGS": "sqlite4", "SPANSHIM_LOG": "stderr"})
        argv = self.traced_command(ARGV, "preload", None, env)
        result = self.execute(argv, env, STATEMENT)
        self.assertEqual((result.stdout, result.status), (self.expected[0], self.expected[2]))
        added = result.stderr.replace(self.expected[1], b"")
        self.assertRegex(added, rb"\Aspanshim\[\d+\]: .*sqlite4.*\n\Z")

    def test_silent_without_a_log(self):
        env = self.environment(env={"SPANSHIM_BINDINGS": "sqlite4"})
        del env["SPANSHIM_LOG"]
        argv = self.traced_command(ARGV, "preload", None, env)
        self.assertEqual(self.execute(argv, env, STATEMENT).visible, self.expected)

    def assert_spans_lost(self, result, out):
        """Said when it happens, and at the end with their number; each once, and no file is left."""
        lines = [re.sub(r"^spanshim\[\d+\]: ", "", line) for line in result.log.splitlines()]
        self.assertEqual(len(lines), 2, result.log)
        self.assertRegex(lines[0], "^spans are lost: cannot write %s: ." % re.escape(out))
        self.assertRegex(lines[1], r"^spans lost: 4 could not be written to %s$" % re.escape(out))
        self.assertEqual(self.left_rings(), [])

    def test_output_that_cannot_be_made(self):
        for out in ("/no/such/directory/out.jsonl", self.log + "/out.jsonl", self.cwd):
            with self.subTest(out=out):
                self.clear()
                self.assert_spans_lost(self.run_shell(SPANSHIM_OUT=out), out)

    def test_output_is_full(self):
        self.assert_spans_lost(self.run_shell(SPANSHIM_OUT="/dev/full"), "/dev/full")

    def test_directory_that_cannot_be_made(self):
        self.write("file", "")
        for directory in (self.path("file"), self.path("file") + "/below", "/proc/nothing"):
            with self.subTest(directory=directory):
                self.clear()
                result = self.run_shell(SPANSHIM_DIR=directory)
                self.assertIn(directory, self.one_message(result))
                self.assertEqual(result.dump.spans, [])

    def test_log_that_cannot_be_written(self):
        result = self.run_shell(SPANSHIM_LOG="/no/such/directory/log", SPANSHIM_BINDINGS="sqlite4")
        self.assertEqual(result.log, "")

    def test_collector_is_missing(self):
        """The object alone, copied elsewhere: it says so and steps aside."""
        lone = os.path.join(self.make_directory("lone"), "libspanshim.so")
        with open(os.path.join(os.path.dirname(COMMAND), "libspanshim.so"), "rb") as source:
            with open(lone, "wb") as target:
                target.write(source.read())
        env = self.environment("sqlite3", env={"LD_PRELOAD": lone})
        result = self.collect(self.execute(ARGV, env, STATEMENT))
        self.assertEqual(result.visible, self.expected)
        self.assertIn("libspanshim-collector.so", result.log)
        recovered = self.command("recover", self.rings)
        self.assertEqual(recovered.status, 0, recovered.visible)
        self.assertEqual(Dump(self.out).count(SESSION), 1)


if __name__ == "__main__":
    main()
