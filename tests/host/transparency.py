# SPDX-License-Identifier: Apache-2.0
"""Runs programs without and with the preload and compares all that a user could see.

That is stdout, stderr, exit status, and every file that a program leaves in its directory: name, kind,
mode, content. "With" means all built-in bindings, and a wide one of some sixty functions of libc and other
libraries that nearly every program calls, so that the thunks are really in its way. What spanshim writes
goes to another directory, and a run that gave no span where some are expected is a failure: a shim that
was never there is easily transparent.
"""

import collections
import hashlib
import json
import os
import re
import shutil
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

import harness  # noqa: E402
from harness import BUILD, COMMAND, DRIVE, LOAD_BINDING, PRELOAD, SOURCE, Case, Dump, clean_environment  # noqa: E402

# Called by nearly everything, with every kind of signature: variadic, callbacks, strings, structs behind
# pointers, doubles, blocking calls that signals interrupt, and calls made with locks held.
WIDE = """
    access chdir chmod close closedir connect dup2 fclose fcntl fdopen fflush fgets fopen fputs fread fseek
    fstat ftruncate fwrite getaddrinfo getcwd getenv getline getpwuid gettimeofday glob localtime_r lseek lstat
    mkdir mmap munmap nanosleep open open64 openat openat64 opendir pipe pipe2 poll pow pread64 printf
    pthread_cond_wait pthread_join pthread_mutex_lock pwrite64 qsort read readdir readdir64 readlink recvmsg
    regcomp regexec rename select sendmsg setenv setlocale sigaction sigprocmask snprintf socket stat strcoll
    strtod strtol tcgetattr umask uname unlink usleep utimensat waitpid write
    deflate inflate gzopen gzread crc32 adler32 BZ2_bzCompress lzma_code ZSTD_compressStream2
    PyObject_Call PyEval_EvalCode lua_pcallk Tcl_EvalObjEx XML_Parse pcre2_match_8 SSL_read EVP_DigestUpdate
""".split()
DOUBLES = {"pow": ["double", "double"], "strtod": ["string", "pointer"]}


def wide_binding(path):
    """Writes the wide binding to path. Python entries: functions that most Python programs call."""
    entries = []
    for symbol in WIDE:
        entry = {"symbol": symbol, "role": "action", "when": "call", "name": symbol}
        if symbol in DOUBLES:
            entry.update(args=DOUBLES[symbol], returns="double")
        entries.append(entry)
    for target in ("subprocess:Popen.__init__", "json:loads", "threading:Thread.start", "random:Random.sample",
                   "asyncio.runners:run", "shutil:copyfile", "unittest.result:TestResult.startTest"):
        entries.append({"python": target, "role": "action", "when": "call", "name": target.split(":")[1]})
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"spanshim": 1, "name": "wide", "entries": entries}, file)
    return path


def describe(path):
    """What a user sees of a file."""
    info = os.lstat(path)
    if stat.S_ISLNK(info.st_mode):
        return "link", os.readlink(path)
    if not stat.S_ISREG(info.st_mode):
        return oct(info.st_mode),
    with open(path, "rb") as file:
        return oct(info.st_mode), info.st_size, hashlib.sha256(file.read()).hexdigest()


def leavings(directory, ignored=()):
    """{name: description} of all below a directory."""
    found = {}
    for where, directories, files in os.walk(directory):
        for name in directories + files:
            path = os.path.join(where, name)
            relative = os.path.relpath(path, directory)
            if not any(part in relative for part in ignored):
                found[relative] = describe(path)
    return found


class Transparency(Case):
    """compare() runs steps twice, in directories of the same name."""

    def setUp(self):
        super().setUp()
        self.wide = wide_binding(self.path("wide.json"))

    def traced_environment(self, **changes):
        env = self.environment("auto:" + self.wide)
        env.update(LD_PRELOAD=PRELOAD, **changes)
        return env

    def plain_environment(self):
        return {name: value for name, value in self.environment().items() if not name.startswith("SPANSHIM_")}

    def both(self, steps, prepare=None, ignored=(), timeout=300, **variables):
        """Runs the steps without and with; returns (results, files) of each.

        steps: argument vectors, or functions of (run, directory) for what takes more. ignored: parts of
        names of files that differ between any two runs.
        """
        outcomes = []
        for traced in False, True:
            # the same path both times: programs write it into what they make
            shutil.rmtree(self.cwd)
            os.mkdir(self.cwd, 0o700)
            if prepare:
                prepare(self.cwd)
            env = self.traced_environment(**variables) if traced else dict(clean_environment(), **variables)
            if traced and "LD_PRELOAD" in variables:
                env["LD_PRELOAD"] = PRELOAD + ":" + variables["LD_PRELOAD"]
            results = []
            for step in steps:
                done = self.execute(step, env, timeout=timeout)
                results.append((" ".join(step)[:100],) + done.visible)
            outcomes.append((results, leavings(self.cwd, ignored)))
        return outcomes

    def compare(self, steps, spans=True, status=0, said=None, **options):
        """Asserts that both runs gave the same. spans: how many are expected at least; status: of all steps; said: by
        lines of the log, at least one; there are no others."""
        (plain, plain_files), (traced, traced_files) = self.both(steps, **options)
        for before, after in zip(plain, traced):
            self.assertEqual(after, before)
            if status is not None:
                self.assertEqual(before[3], status, before)
        self.assertEqual(traced_files, plain_files)
        log = [line for line in self.read_log().splitlines() if "events lost" not in line]
        if said:
            self.assertTrue(log)
            log = [line for line in log if not re.search(said, line)]
        self.assertEqual(log, [])
        # of processes that a signal killed
        self.assertEqual(self.command("recover", self.rings).status, 0)
        self.assertEqual(self.left_rings(), [])
        found = self.count_spans()
        print("%s: %d steps, %d files, %d spans" % (self.id().split(".")[-1], len(steps), len(plain_files), found))
        if spans:
            self.assertGreaterEqual(found, int(spans))
        else:
            self.assertEqual(found, 0)
        return plain, traced

    def count_spans(self, path=None):
        """Of the test's dump, or another; without reading all of it as JSON: these are large."""
        path = path or self.out
        if not os.path.exists(path):
            return 0
        count = 0
        with open(path, "rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    self.fail("the dump's last line is not whole")
                count += line.count(b'"spanId":')
        return count

    def count_calls(self, *names):
        """{function: calls} of metrics files of this test, which count what a sampler left out too."""
        last = {}
        for name in names:
            with open(self.path(name), encoding="utf-8") as file:
                for line in file:
                    for resource in json.loads(line)["resourceMetrics"]:
                        last[str(resource["resource"])] = resource
        counts = collections.Counter()
        for resource in last.values():
            for scope in resource["scopeMetrics"]:
                for metric in scope["metrics"]:
                    if metric["name"] == "spanshim.entry.duration":
                        for point in metric["histogram"]["dataPoints"]:
                            counts[harness.plain_attributes(point["attributes"])["code.function.name"]] += int(point["count"])
        return counts


main, unfit = harness.main, harness.unfit
