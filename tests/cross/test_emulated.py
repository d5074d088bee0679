# SPDX-License-Identifier: Apache-2.0
"""What only a processor of another family shows: its counter as the clock, its calling conventions."""

import os
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import (COMMAND, PROCESS_BINDING, Case, main, tallies, victim)  # noqa: E402

CLOCK_OFFSET, COUNTER = 104, 0  # of struct ss_image (shim/image.h): after nonce, pid and uid


class Emulated(Case):
    def test_counter_is_the_clock(self):
        """A process that was killed leaves its ring, which says by which clock; the times are right."""
        before = time.time_ns()
        env = self.environment(PROCESS_BINDING)
        argv = self.traced_command([victim("process/proc_end"), "sigkill", "idle", "50"], "preload",
                                   PROCESS_BINDING, env)
        result = self.execute(argv, env)
        after = time.time_ns()
        self.assertEqual(result.status, 137)
        ring, = self.left_rings()
        with open(ring, "rb") as file:
            header = file.read(128)
        pid, = struct.unpack_from("<I", header, CLOCK_OFFSET - 8)
        self.assertEqual(pid, tallies(result.stdout)[0]["pid"])
        self.assertEqual(struct.unpack_from("<I", header, CLOCK_OFFSET), (COUNTER,))
        recovered = self.command("recover", self.rings)
        self.assertEqual(recovered.status, 0, recovered.visible)
        self.collect(result)
        self.assertEqual(len(result.dump.spans), 50)
        self.assertEqual(result.dump.inconsistencies(), [])
        for span in result.dump.spans:
            self.assertTrue(before <= span.start <= span.end <= after, span)
        self.assert_checks()

    def test_version(self):
        self.assertRegex(self.execute([COMMAND, "--version"]).stdout, rb"^spanshim \d")


if __name__ == "__main__":
    main()
