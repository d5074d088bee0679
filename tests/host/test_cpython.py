# SPDX-License-Identifier: Apache-2.0
"""CPython's own tests give the same list of passes, failures and skips, with and without.

By default the newest interpreter that has them, and what takes seconds. SPANSHIM_HOST_FULL=1: each CPython
from 3.8 on that scripts/mellea_env or pyenv would find, and the tests of processes, threads and imports as well, which
takes an hour.
"""

import glob
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree

from transparency import Transparency, main

FULL = bool(os.environ.get("SPANSHIM_HOST_FULL"))
QUICK = ["test_audit", "test_context", "test_sqlite3", "test_sqlite", "test_thread", "test_sys_settrace", "test_atexit"]
LONG = ["test_threading", "test_subprocess", "test_asyncio", "test_ctypes", "test_importlib", "test_multiprocessing_fork",
        "test_multiprocessing_forkserver", "test_multiprocessing_spawn", "test_faulthandler", "test_gdb", "test_signal",
        "test_os", "test_posix", "test_socket", "test_concurrent_futures", "test_embed", "test_gc", "test_capi"]


def interpreters():
    """{minor: path} of CPythons with a test package."""
    found = {}
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    for path in ["/usr/bin/python3", *glob.glob(os.path.join(root, "versions", "3.*", "bin", "python3"))]:
        told = subprocess.run([path, "-c", "import sys, test.test_threading, test.libregrtest; print(*sys.version_info[:2])"],
                              capture_output=True, text=True, check=False) if os.path.exists(path) else None
        if told and not told.returncode:
            minor = tuple(map(int, told.stdout.split()))
            if minor >= (3, 8):
                found[minor] = path
    return found


def results(path):
    """{test: outcome} of a JUnit file."""
    outcomes = {}
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        outcome = next((child.tag for child in case if child.tag in ("failure", "error", "skipped")), "passed")
        # addresses and the like in the names of subtests
        name = re.sub(r"0x[0-9a-f]+|\d{4,}", "N", "%s.%s" % (case.get("classname"), case.get("name")))
        outcomes.setdefault(name, []).append(outcome)
    return {name: sorted(all_of_it) for name, all_of_it in outcomes.items()}


class CPython(Transparency):
    def run_tests(self, python, tests, env):
        shutil.rmtree(self.cwd)
        os.mkdir(self.cwd, 0o700)
        report = self.path("report.xml")
        if os.path.exists(report):
            os.unlink(report)
        done = self.execute([python, "-m", "test", "--junit-xml", report, "-u", "none", "--timeout", "600", *tests],
                            dict(env, HOME=self.directory), timeout=3000)
        self.assertTrue(os.path.exists(report), done.visible)
        return results(report), done

    def test_own_tests(self):
        found = interpreters()
        if not found:
            self.skipTest("no CPython with its tests is installed")
        for minor in sorted(found) if FULL else [max(found)]:
            python, compared = found[minor], 0
            known = os.path.join(os.path.dirname(subprocess.check_output(
                [python, "-c", "import test; print(test.__file__)"], text=True).strip()))
            for test in QUICK + (LONG if FULL else []):
                if not glob.glob(os.path.join(known, test)) and not glob.glob(os.path.join(known, test + ".py")):
                    continue
                with self.subTest(python=minor, test=test):
                    plain, _ = self.run_tests(python, [test], self.plain_environment())
                    traced, done = self.run_tests(python, [test], self.traced_environment())
                    differences = {name: (plain.get(name), traced.get(name)) for name in set(plain) | set(traced)
                                   if plain.get(name) != traced.get(name)}
                    compared += len(plain)
                    self.assertEqual(differences, {}, done.stdout.decode(errors="replace")[-6000:])
                    print("CPython %d.%d %s: %d tests" % (*minor, test, len(plain)), flush=True)
            self.assertGreater(compared, 300)
        self.assertGreater(self.count_spans(), 100)


if __name__ == "__main__":
    main()
