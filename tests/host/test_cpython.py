# SPDX-License-Identifier: Apache-2.0
"""CPython's own tests give the same list of passes, failures and skips, with and without.

By default the newest interpreter, and what takes seconds. SPANSHIM_HOST_FULL chooses: versions of interpreters and names of
tests, as in "3.8 debian test_os"; of what it does not name, all. "all" is hours on two cores. Interpreters are those of pyenv
from 3.8 on, and "debian", /usr/bin/python3 with its tests unpacked.

Some tests depend on luck. A difference is what the traced run gave and none of PLAIN_RUNS plain ones.
"""

import collections
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree

from packages import unpack
from transparency import Transparency, main

FULL = os.environ.get("SPANSHIM_HOST_FULL", "").split()
QUICK = ["test_asyncio.test_subprocess", "test_queue", "test_audit", "test_thread", "test_sys_settrace", "test_context",
         "test_sqlite3", "test_sqlite", "test_atexit"]
LONG = ["test_threading", "test_subprocess", "test_asyncio", "test_ctypes", "test_importlib", "test_multiprocessing_fork",
        "test_multiprocessing_forkserver", "test_multiprocessing_spawn", "test_faulthandler", "test_signal", "test_os",
        "test_posix", "test_socket", "test_concurrent_futures", "test_embed", "test_gc", "test_capi"]
PROCESSES = "test_multiprocessing_"
PYTHON_FUNCTION = b"TestResult.startTest"  # called for each test, and returns before it begins
SIDE_BY_SIDE = 3 if FULL else 2  # they sleep much
PLAIN_RUNS = 4
SECONDS = 3000

# Differences that have to be: (interpreters, test): why.
EXPECTED = {
    ("3.11 3.12 3.13 debian", "test_subprocess.RunFuncTestCase.test_encoding_warning"):
        "a warning names the first caller outside of subprocess.py, and that is our wrapper of Popen.__init__",
}


class Interpreter:
    """Its name, and how it runs its tests. Version 0: it has none."""

    def __init__(self, path, name=""):
        self.path = path
        told = subprocess.run([path, "-c", "import sys, test.test_threading, test.libregrtest;"
                               "print(sys.hexversion, test.__path__[0])"], capture_output=True, text=True, check=False)
        version, self.tests = told.stdout.split() if told.returncode == 0 else ("0", "")
        self.version = int(version) >> 16
        self.name = name or "%d.%d" % divmod(self.version, 256)

    def has(self, test):
        return any(os.path.exists(os.path.join(self.tests, test.replace(".", "/") + end)) for end in (".py", "/__init__.py"))

    def command(self, test, directory):
        """argv, but for the report; None: there is no such test."""
        argv = [self.path, "-m", "test", "-u", "cpu,walltime" if self.version >= 0x30C else "cpu", "--timeout", "900"]
        if self.has(test):
            return [*argv, test]
        if not test.startswith(PROCESSES) or not self.has("_test_multiprocessing"):
            return None
        # 3.11.5 to 3.12.1 do not install the files that name the way to start; regrtest knows those names too well
        name = test.replace(PROCESSES, "test_processes_")
        with open(os.path.join(directory, name + ".py"), "w", encoding="utf-8") as file:
            file.write("from test import _test_multiprocessing\n"
                       "_test_multiprocessing.install_tests_in_module_dict(globals(), %r)\n" % test[len(PROCESSES):])
        return [*argv, "--testdir", directory, name]


def debian():
    """/usr/bin/python3 with Debian's package of its tests, all copied to where it takes it for its own installation."""
    real = os.path.realpath("/usr/bin/python3")
    name = os.path.basename(real)
    root = unpack(name, "lib%s-testsuite" % name)
    if not root:
        return None
    path = os.path.join(root, "usr", "bin", name)
    if not os.path.exists(path):
        shutil.copytree("/usr/lib/" + name, os.path.join(root, "usr", "lib", name), dirs_exist_ok=True)
        os.makedirs(os.path.dirname(path))
        shutil.copy(real, path)
    return Interpreter(path, "debian")


def interpreters():
    """Those that have their tests and are asked for, the newest last."""
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    found = [Interpreter(path) for path in glob.glob(os.path.join(root, "versions", "3.*", "bin", "python3"))]
    found = sorted((each for each in found if each.version >= 0x308), key=lambda each: each.version)
    if FULL or not found:
        found = [each for each in (debian(),) if each and each.version] + found
    names = [word for word in FULL if word != "all" and not word.startswith("test_")]
    unknown = set(names) - {each.name for each in found}
    if unknown:
        raise ValueError("SPANSHIM_HOST_FULL: %s; there are %s" % (
            " ".join(unknown), " ".join(each.name for each in found)))
    return [each for each in found if each.name in names or not names] if FULL else found[-1:]


def results(path):
    """{test: outcomes} of a JUnit file."""
    outcomes = collections.defaultdict(list)
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        # addresses and the like in the names of subtests
        name = re.sub(r"0x[0-9a-f]+|\d{4,}", "N", ".".join(filter(None, (case.get("classname"), case.get("name")))))
        outcomes[name].append(next((child.tag for child in case if child.tag in ("failure", "error", "skipped")), "passed"))
    return {name: tuple(sorted(each)) for name, each in outcomes.items()}


class Job:
    """One test of one interpreter, in a directory of its own."""

    def __init__(self, case, interpreter, test):
        self.case = case
        self.test = test
        self.title = "CPython %s %s" % (interpreter.name, test)
        self.interpreter = interpreter
        self.directory = tempfile.mkdtemp(prefix="t", dir=case.directory)
        self.argv = interpreter.command(test, self.directory)
        self.plain = []  # what each plain run gave

    def path(self, name):
        return os.path.join(self.directory, name)

    def run(self, env):
        """({test: outcomes}, what it said)."""
        for name in "cwd", "tmp":
            shutil.rmtree(self.path(name), ignore_errors=True)
            os.mkdir(self.path(name), 0o700)
        report = self.path("report.xml")
        try:
            done = self.case.execute([*self.argv[:3], "--junit-xml", report, *self.argv[3:]],
                                     dict(env, HOME=self.directory, TMPDIR=self.path("tmp")), timeout=SECONDS,
                                     cwd=self.path("cwd"))
        except subprocess.TimeoutExpired:
            return {"report": "none after %d s" % SECONDS}, ""
        said = done.stdout.decode(errors="replace")[-6000:]
        if not os.path.exists(report):
            return {"report": "none, status %d" % done.status}, said
        found = results(report)
        os.unlink(report)
        return found, said

    def run_plain(self):
        self.plain.append(self.run(self.case.plain_environment())[0])

    def run_traced(self):
        """What it gave and what it said."""
        os.mkdir(self.path("rings"), 0o700)
        return self.run(self.case.traced_environment(SPANSHIM_DIR=self.path("rings"), SPANSHIM_OUT=self.path("out.jsonl"),
                                                     SPANSHIM_LOG=self.path("shim.log")))

    def count_spans(self):
        """All, and those of PYTHON_FUNCTION."""
        spans, python = 0, 0
        if os.path.exists(self.path("out.jsonl")):
            with open(self.path("out.jsonl"), "rb") as file:
                for line in file:
                    spans += line.count(b'"spanId":')
                    python += line.count(b'"name":"action %s"' % PYTHON_FUNCTION)
        return spans, python

    def differences(self, traced):
        """{test: (outcomes of the plain runs, of the traced one)}"""
        expected = [test for names, test in EXPECTED if self.interpreter.name in names.split()]
        found = {}
        for name in set(traced).union(*self.plain):
            plain = {run.get(name) for run in self.plain}
            if traced.get(name) not in plain and not any(name.endswith(test) for test in expected):
                found[name] = plain, traced.get(name)
        return found

    def compare(self):
        """A line to print and what is wrong, "" if nothing is."""
        self.run_plain()
        traced, said = self.run_traced()
        while self.differences(traced) and len(self.plain) < PLAIN_RUNS:
            self.run_plain()
        spans, python = self.count_spans()
        wrong = ""
        if self.differences(traced):
            wrong = "%s: %s\n%s" % (self.title, self.differences(traced), said)
        elif not python and ("passed",) in traced.values():
            wrong = self.title + ": Python was not traced"
        shutil.rmtree(self.directory, ignore_errors=True)
        return "%s: %d tests, %d plain runs, %d spans, %d of Python functions" % (
            self.title, len(traced), len(self.plain), spans, python), wrong


class CPython(Transparency):
    def test_own_tests(self):
        found = interpreters()
        if not found:
            self.skipTest("no CPython with its tests is installed")
        tests = [word for word in FULL if word.startswith("test_")] or QUICK + (LONG if FULL else [])
        jobs = [Job(self, interpreter, test) for test in tests for interpreter in found]
        jobs = [job for job in jobs if job.argv]
        self.assertTrue(jobs, "no such tests")
        wrong = []
        with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            for done in concurrent.futures.as_completed([pool.submit(job.compare) for job in jobs]):
                line, fault = done.result()
                print(line, flush=True)
                wrong += [fault] if fault else []
        self.assertEqual("\n".join(wrong), "")
        if not FULL:
            self.assertGreater(sum(len(job.plain[0]) for job in jobs), 300)


if __name__ == "__main__":
    main()
