# SPDX-License-Identifier: Apache-2.0
"""SQLite's own tests give the same results, test by test, with and without.

They are those of Debian's source package. Their program, testfixture, is linked to a shared libsqlite3 of the same
build, so that its calls are seen as an ordinary program's are: by the built-in binding, by one that wraps
everything else that the library exports, and by a wide one of what the library and Tcl call. The tests replace
the library's system calls and allocators, let them fail one by one, crash children, and compare exact texts.
Those of the shell drive Debian's own sqlite3.

By default some thirty files. SPANSHIM_HOST_FULL=1: SQLite's "veryquick" suite and what it leaves out of failing
allocations and system calls, crashes and threads. SPANSHIM_SQLITE="wal* fault1": the files of these names.
"""

import concurrent.futures
import difflib
import fnmatch
import glob
import json
import os
import re
import shutil
import tempfile
import threading

import sources
from transparency import SOURCE, WIDE, Transparency, main

FULL = bool(os.environ.get("SPANSHIM_HOST_FULL"))
CHOSEN = os.environ.get("SPANSHIM_SQLITE", "").split()
QUICK = """
    bind blob busy capi2 capi3 crash8 errmsg exec hook incrblob interrupt lock malloc4 malloc8 malloc9 mmap1
    pragma savepoint select1 shared shell1 shell2 stmt symlink syscall sysfault thread1 thread2 trace3 vtab1 wal
""".split()
LEFT_OUT = ["malloc*", "ioerr*", "crash*", "thread*", "*fault*", "async*", "loadext"]  # of "veryquick"
# What Debian's library calls and nearly every program does: what is in the wide binding is not here.
CALLED = "fchmod fcntl64 fstat64 fsync ftruncate64 geteuid getpid lstat64 memcmp mmap64 stat64 strcmp utimes".split()
# what has tests of its own
OPTIONS = " ".join("-DSQLITE_" + option for option in (
    "ENABLE_COLUMN_METADATA", "ENABLE_MEMORY_MANAGEMENT", "ENABLE_STAT4", "ENABLE_UNLOCK_NOTIFY"))
RECIPE = """
libsqlite3.so.0: sqlite3.c
	$(TCC) -shared $(TEMP_STORE) $(TESTFIXTURE_FLAGS) -DSQLITE_NO_SYNC=1 -Wl,-soname,$@ -o $@ $< $(LIBTCL) $(TLIBS)
"""
LIST = """
lassign $argv testdir suite
set argv0 $testdir/list.tcl
set argv [list]
source $testdir/permutations.test
array set options $testspec($suite)
puts [join $options(-files) \\n]
exit
"""
NOISE = re.compile(rb"(?m)^Time: .*\n|\d+ microseconds|\d+ ms|\d+\.\d+ms|0x[0-9a-f]{6,}")  # of any two runs


def fixture():
    """Directory of testfixture and its library."""
    tcl = sorted(glob.glob("/usr/lib/*/tcl8*/tclConfig.sh") + glob.glob("/usr/lib/tcl8*/tclConfig.sh"))
    if not tcl or not shutil.which("tclsh"):
        raise sources.Unavailable("not installed: tcl-dev")
    make = ["make", "-j2", "-f", "Makefile", "-f", "shared.mk"]
    return sources.build(
        sources.unpack("sqlite3"),
        # memory is not to be counted as malloc_usable_size() says, which depends on the heap's past
        ["../source/configure", "ac_cv_func_malloc_usable_size=no", "--with-tcl=" + os.path.dirname(tcl[-1]), "--enable-load-extension",
         "--enable-fts3", "--enable-fts4", "--enable-fts5", "--enable-rtree", "--enable-session", "--disable-static"],
        ["sh", "-c", "printf '%s' \"$1\" > shared.mk", "sh", RECIPE],
        [*make, "CFLAGS=-O1 -fPIC -w", "OPTS=" + OPTIONS, "LTLINK=$(TCC)", "TESTFIXTURE_SRC1=libsqlite3.so.0",
         "TLIBS=-lz -lm -lpthread -ldl -Wl,-rpath,'$$ORIGIN'", "testfixture"])


class SQLite(Transparency):
    def setUp(self):
        super().setUp()
        try:
            self.fixture = fixture()
        except sources.Unavailable as why:
            self.skipTest(str(why))
        self.tests = os.path.join(os.path.dirname(self.fixture), "source", "test")
        self.program = os.path.join(self.fixture, "testfixture")
        self.local = threading.local()

    def names_of(self, suite):
        """Names of a suite's files."""
        done = self.execute([self.program, self.write("list.tcl", LIST), self.tests, suite])
        self.assertEqual(done.status, 0, done.visible)
        return sorted({os.path.basename(path)[:-len(".test")] for path in done.stdout.decode().split()})

    def files(self):
        if CHOSEN or FULL:
            every, wanted = self.names_of("full"), self.names_of("veryquick")
            chosen = [name for name in every if any(fnmatch.fnmatch(name, pattern) for pattern in CHOSEN or LEFT_OUT)]
            return chosen if CHOSEN else sorted({*wanted, *chosen})
        return QUICK

    def binding(self):
        """All that the library exports and the built-in binding does not have, and what it calls."""
        with open(os.path.join(SOURCE, "shim", "bindings", "sqlite3.json"), encoding="utf-8") as file:
            known = {entry.get("symbol") for entry in json.load(file)["entries"]}
        exported = sources.run(["nm", "-D", "--defined-only", os.path.join(self.fixture, "libsqlite3.so.0")], None)
        symbols = [*sorted(set(re.findall(r" T (sqlite3_\w+)", exported)) - known), *CALLED]
        self.assertGreater(len(symbols), 250)
        self.assertEqual(set(CALLED) & set(WIDE), set())
        entries = [{"symbol": symbol, "role": "action", "when": "call", "name": symbol} for symbol in symbols]
        return self.write("api.json", json.dumps({"spanshim": 1, "name": "api", "entries": entries}))

    def environments(self):
        """Without and with."""
        plain = self.plain_environment()
        traced = self.traced_environment(SPANSHIM_BINDINGS="auto:%s:%s" % (self.wide, self.binding()),
                                         SPANSHIM_STACKS="error" if FULL else "off", MELLEA_TRACES_CONTENT="true",
                                         SPANSHIM_METRICS_OUT=self.path("metrics.jsonl"), OTEL_TRACES_SAMPLER="traceidratio",
                                         OTEL_TRACES_SAMPLER_ARG="0.001" if FULL else "0.01")
        return plain, traced

    def run_file(self, name, env):
        """(status, output without noise) of a file's tests, in a directory of the same name each time."""
        if not hasattr(self.local, "directory"):
            self.local.directory = tempfile.mkdtemp(dir=self.directory)
        work = os.path.join(self.local.directory, "work")
        shutil.rmtree(work, ignore_errors=True)
        os.mkdir(work)
        os.symlink("/usr/bin/sqlite3", os.path.join(work, "sqlite3"))
        done = self.execute([self.program, os.path.join(self.tests, "permutations.test"), "veryquick", name + ".test"],
                            env, cwd=work, timeout=3000)
        return done.status, NOISE.sub(b"", done.stdout + b"\n" + done.stderr)

    def compare_file(self, name, environments):
        """(name, number of tests, whether all were well, how often they ran, "" or what is different).

        What differs is run again: only what no run without gave is a difference. Files that use random numbers
        give other figures now and then, without as well: they are compared without the figures.
        """
        runs = [], []
        for tries in range(1, 5):
            for seen, env in zip(runs, environments):
                seen.append(self.run_file(name, env))
            if set(runs[0]) & set(runs[1]):
                break
        (status, plain), (_, traced) = runs[0][-1], runs[1][-1]
        same = set(runs[0]) & set(runs[1])
        if not same and len(set(runs[0])) > 1:
            same = {re.sub(rb"\d+", b"N", text) for _, text in runs[0]} & {re.sub(rb"\d+", b"N", text) for _, text in runs[1]}
        count = len(re.findall(rb"\.\.\. Ok$|^! \S+ expected:", plain, re.M))
        if same:
            return name, count, status == 0, tries, ""
        lines = ([line.decode(errors="replace") for line in text.splitlines()] for text in (plain, traced))
        difference = list(difflib.unified_diff(*lines, "without", "with", lineterm="", n=1))
        return name, count, status == 0, tries, "\n".join([name, *difference[:60]])

    def test_own_tests(self):
        environments, compared, wrong, failing = self.environments(), 0, [], []
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for name, count, well, tries, difference in pool.map(
                    lambda name: self.compare_file(name, environments), self.files()):
                compared += count
                wrong += [difference] if difference else []
                failing += [] if well else [name]
                print("%s: %d tests%s %s" % (name, count, " (run %d times)" % tries if tries > 1 else "", difference), flush=True)
        calls = self.count_calls("metrics.jsonl")
        print("%d tests, %d calls recorded, %d spans; fail without as well: %s" % (
            compared, sum(calls.values()), self.count_spans(), " ".join(failing) or "none"))
        self.assertEqual(wrong, [])
        self.assertGreater(compared, 100 if CHOSEN else 3000)
        # by each binding
        for symbol in "sqlite3_prepare_v3", "sqlite3_step", "sqlite3_column_text", "pwrite64", "fcntl64":
            self.assertGreater(calls[symbol], 100, symbol)
        log = [line for line in self.read_log().splitlines() if "events lost" not in line]
        self.assertEqual(log, [])


if __name__ == "__main__":
    main()
