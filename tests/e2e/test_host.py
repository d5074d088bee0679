# SPDX-License-Identifier: Apache-2.0
"""Hosts that have libraries of ours too: neither side may get the other's functions."""

import os

from harness import BUILD, LOAD_BINDING, Case, main


class Host(Case):
    def test_own_cjson(self):
        """A binding file is compiled in the process, so the collector's cJSON is at work in it."""
        argv = [os.path.join(BUILD, "tests", "e2e", "load", "own_cjson")]
        result = self.trace(argv, bindings=LOAD_BINDING)
        self.assert_same_as_untraced(argv, result)
        self.assertEqual((result.status, result.dump.names()), (0, {"action load": 3}))


if __name__ == "__main__":
    main()
