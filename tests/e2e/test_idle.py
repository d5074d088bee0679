# SPDX-License-Identifier: Apache-2.0
"""A process that reaches no entry point: no thread, no further library, no file, hardly any time."""

import os
import statistics
import subprocess
import sys
import time

from harness import PRELOAD, Case, main, unfit, wait_until

STARTS = 300


def mapped_files(pid):
    """Paths of the files that a process maps."""
    with open("/proc/%d/maps" % pid, encoding="utf-8") as maps:
        return {line.split(None, 5)[5].strip() for line in maps if line.count("/")}


def descriptors(pid):
    return sorted(os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid))


@unfit("it measures")
class Idle(Case):
    def observe(self, argv, env, ready):
        """Threads, mapped files and open descriptors of a running program once it is ready."""
        process = self.start(argv, env, subprocess.PIPE)
        try:
            if ready:
                self.assertEqual(process.stdout.readline(), ready)
            else:
                wait_until(lambda: self.sleeping(process.pid), what="the program reads its input")
            return (len(os.listdir("/proc/%d/task" % process.pid)), mapped_files(process.pid),
                    [path.split("[")[0] for path in descriptors(process.pid)])
        finally:
            out, err = process.communicate(timeout=30)
            self.assertEqual((process.returncode, err), (0, b""), out)

    @staticmethod
    def sleeping(pid):
        with open("/proc/%d/syscall" % pid, encoding="utf-8") as file:
            return file.read().split()[0] == "0"  # read

    def assert_idle(self, argv, ready=b""):
        plain = self.environment(bindings="auto")
        traced = dict(plain, LD_PRELOAD=PRELOAD)
        threads, files, descriptors_plain = self.observe(argv, plain, ready)
        threads_traced, files_traced, descriptors_traced = self.observe(argv, traced, ready)
        self.assertEqual(threads, 1)
        self.assertEqual(threads_traced, 1)
        self.assertEqual(files_traced - files, {os.path.realpath(PRELOAD)})
        self.assertEqual(descriptors_traced, descriptors_plain)
        self.assertEqual(os.listdir(self.rings), [])
        self.assertEqual(os.listdir(self.cwd), [])
        self.assertFalse(os.path.exists(self.out))
        self.assertEqual(self.read_log(), "")

    def test_program_without_any_library(self):
        self.assert_idle(["cat"])

    def test_python(self):
        self.assert_idle([sys.executable, "-I", "-B", "-c",
                          "import sys; print('ready', flush=True); sys.stdin.read()"], b"ready\n")

    def test_python_that_only_loads_the_extension(self):
        """Patched entry points, none of them called."""
        self.assert_idle([sys.executable, "-I", "-B", "-c",
                          "import sqlite3, sys; print('ready', flush=True); sys.stdin.read()"],
                         b"ready\n")

    def test_linked_program_before_its_first_call(self):
        self.assert_idle(["sqlite3", ":memory:"])

    def test_default_directory_is_not_made(self):
        env = self.environment(env={"LD_PRELOAD": PRELOAD})
        del env["SPANSHIM_OUT"], env["SPANSHIM_DIR"]
        before = os.path.exists("/dev/shm/spanshim-%d" % os.getuid())
        self.assertEqual(self.execute(["true"], env).visible, (b"", b"", 0))
        self.assertEqual(os.path.exists("/dev/shm/spanshim-%d" % os.getuid()), before)
        self.assertEqual(os.listdir(self.cwd), [])

    def test_start_up_time_is_printed(self):
        """Interleaved; told, not judged: the machine may be busy."""
        for argv in (["true"], ["sqlite3", "-version"], ["curl", "--version"]):
            plain = self.environment(bindings="auto")
            traced = dict(plain, LD_PRELOAD=PRELOAD)
            times = {"without": [], "with": []}
            for _ in range(STARTS if argv == ["true"] else STARTS // 10):
                for name, env in (("without", plain), ("with", traced)):
                    started = time.perf_counter()
                    subprocess.run(argv, env=env, stdout=subprocess.DEVNULL, check=True)
                    times[name].append(time.perf_counter() - started)
            medians = {name: statistics.median(each) * 1000 for name, each in times.items()}
            print("start-up of %s: %.3f ms, traced %.3f ms, added %.3f ms"
                  % (argv[0], medians["without"], medians["with"],
                     medians["with"] - medians["without"]))
        self.assertEqual(os.listdir(self.rings), [])


if __name__ == "__main__":
    main()
