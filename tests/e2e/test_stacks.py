# SPDX-License-Identifier: Apache-2.0
"""SPANSHIM_STACKS: whose call it was, symbolised, on no span, on failed ones, or on all."""

from harness import DRIVE, ERROR, LOAD_BINDING, OK, Case, main

SESSION, ACTION = "session load", "action load"
STACK = "code.stacktrace"
FRAME = r"#%d 0x[0-9a-f]+ \S.* \(.+\)"


class Stacks(Case):
    def results(self, stacks):
        """Acts with results 0, 5, 0 and what their spans say."""
        env = {"SPANSHIM_STACKS": stacks} if stacks else {}
        result = self.trace([DRIVE, "results", "0", "5", "0"], bindings=LOAD_BINDING, env=env)
        dump = result.dump
        self.assertEqual(dump.names(), {SESSION: 1, ACTION: 3})
        acts = dump.children(dump.one(SESSION))
        self.assertEqual([act.status for act in acts], [OK, ERROR, OK])
        self.assertEqual((acts[1].attributes["load.code"], acts[1].attributes["error.type"]),
                         (5, "LOAD_REFUSED"))
        return acts

    def assert_stack(self, act):
        """One frame a line, the caller first, down to the program's start."""
        frames = act.attributes[STACK].rstrip("\n").split("\n")
        for number, frame in enumerate(frames):
            self.assertRegex(frame, "^" + FRAME % number + "$")
        self.assertIn("drive)", frames[0])
        self.assertTrue(any(" main+0x" in frame for frame in frames), frames)
        self.assertFalse(any("libspanshim" in frame for frame in frames), frames)

    def test_off(self):
        self.assertFalse(any(STACK in act.attributes for act in self.results("off")))

    def test_default_is_off(self):
        self.assertFalse(any(STACK in act.attributes for act in self.results(None)))

    def test_error(self):
        first, failed, last = self.results("error")
        self.assertNotIn(STACK, first.attributes)
        self.assertNotIn(STACK, last.attributes)
        self.assert_stack(failed)

    def test_all(self):
        for act in self.results("all"):
            self.assert_stack(act)

    def test_through_a_wrapped_call(self):
        """The stack of an act inside another goes on beyond the outer one."""
        result = self.trace([DRIVE, "nested", "3"], bindings=LOAD_BINDING,
                            env={"SPANSHIM_STACKS": "all"})
        deepest = [act for act in result.dump.spans if act.attributes.get("load.level") == 3]
        frames = deepest[0].attributes[STACK].split("\n")
        around = [frame for frame in frames if " load_around+0x" in frame]
        self.assertEqual(len(around), 2, frames)
        self.assertTrue(any(" main+0x" in frame for frame in frames), frames)

    def test_sqlite3(self):
        """A stripped program: frames without a name have their object's."""
        result = self.trace(["sqlite3", ":memory:"], bindings="sqlite3", input=b"SELECT nothing;\n",
                            env={"SPANSHIM_STACKS": "error"})
        self.assertIn("sqlite3)", result.dump.one("action sqlite3").attributes[STACK])


if __name__ == "__main__":
    main()
