# SPDX-License-Identifier: Apache-2.0
"""What a host shares with us, names of functions and numbers of descriptors: neither side may get the other's."""

import fcntl
import os
import subprocess
import sys

from harness import BUILD, LOAD_BINDING, PRELOAD, Case, Dump, main, unfit

# Says which number open() gave before the dump was open, how the dump's was called, and what open() gives now.
NUMBERS = """
import os, sqlite3, sys
def lowest():
    fd = os.open("/dev/null", os.O_RDONLY)
    os.close(fd)
    return fd
def dumps():
    for fd in os.listdir("/proc/self/fd"):
        try:
            if os.readlink("/proc/self/fd/" + fd) == sys.argv[1]:
                yield fd
        except FileNotFoundError:
            pass
database = sqlite3.connect(":memory:")
before, found = lowest(), []
while not found:
    database.execute("SELECT 1").fetchall()
    found = list(dumps())
print(before, lowest(), len(found), flush=True)
sys.stdin.read()
"""


class Host(Case):
    @unfit("malloc is not libc's: no binding file is compiled beside cJSON", "address", "thread")
    def test_own_cjson(self):
        """A binding file is compiled in the process, so the collector's cJSON is at work in it."""
        argv = [os.path.join(BUILD, "tests", "e2e", "load", "own_cjson")]
        result = self.trace(argv, bindings=LOAD_BINDING)
        self.assert_same_as_untraced(argv, result)
        self.assertEqual((result.status, result.dump.names()), (0, {"action load": 3}))

    def test_numbers_of_descriptors(self):
        """The dump is open for as long as another process has it locked, but not under the number that the host
        gets next: close(0) and open() is how programs redirect their input."""
        argv = [sys.executable, "-I", "-B", "-c", NUMBERS, self.out]
        with open(self.out, "w", encoding="utf-8") as dump:
            fcntl.flock(dump, fcntl.LOCK_EX)
            process = self.start(argv, self.environment("sqlite3", env={"LD_PRELOAD": PRELOAD}), subprocess.PIPE)
            before, now, found = map(int, process.stdout.readline().split())
        process.communicate(timeout=30)
        self.assertEqual((now, found), (before, 1))
        self.assertGreater(Dump(self.out).count("action sqlite3"), 0)


if __name__ == "__main__":
    main()
