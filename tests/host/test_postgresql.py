# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL's own tests give the same results, with and without: those of the server, and those of isolation.

They are those of Debian's source package, on the server of Debian's packages of the same version, which is not
installed. initdb, postmaster, backends, parallel workers, psql and the test drivers are traced, with the wide
binding and one of what PL/pgSQL calls the server for: errors leave such calls by a long jump. All runs as
another user, as the server refuses to run as root.

By default a dozen tests of each. SPANSHIM_HOST_FULL=1: all of the parallel schedule, and of that of isolation.
"""

import glob
import json
import os
import re
import shutil

import sources
from transparency import Transparency, main

FULL = bool(os.environ.get("SPANSHIM_HOST_FULL"))
# One line runs at a time, its tests side by side.
QUICK = {
    "regress": """
test: test_setup
test: create_index create_function_c
test: plpgsql triggers copy2 portals jsonb xml prepared_xacts async lock largeobject
""",
    "isolation": """
test: read-only-anomaly
test: deadlock-simple
test: lock-committed-update
test: async-notify
test: vacuum-conflict
test: temp-schema-cleanup
test: nowait
""",
}
PATHS = """
#define PGBINDIR "/usr/lib/postgresql/bin"
#define PGSHAREDIR "/usr/share/postgresql"
#define SYSCONFDIR ""
#define INCLUDEDIR ""
#define PKGINCLUDEDIR ""
#define INCLUDEDIRSERVER ""
#define LIBDIR ""
#define PKGLIBDIR ""
#define LOCALEDIR ""
#define DOCDIR ""
#define HTMLDIR ""
#define MANDIR ""
"""
NOBODY = 65534


def fetched():
    """(directory of source/ and packages/, major version)."""
    told = sources.run(["apt-cache", "depends", "postgresql"], None)
    major = re.search(r"Depends: postgresql-(\d+)", told)
    if not major:
        raise sources.Unavailable("apt knows no postgresql")
    names = [name % major[1] for name in ("postgresql-%s", "postgresql-client-%s", "postgresql-server-dev-%s")]
    return sources.unpack("postgresql-" + major[1], *names, "libpq5"), major[1]


def built(directory, major, kind):
    """Directory of the test driver, and of what the server loads for its tests."""
    libpq, = glob.glob(directory + "/packages/usr/lib/*/libpq.so.5")
    libraries = ["../packages/usr/lib/postgresql/%s/lib/lib%s.a" % (major, name) for name in ("pgfeutils", "pgcommon", "pgport")]
    compile_c = ["gcc", "-O1", "-w", "-I.", "-I../packages/usr/include/postgresql/%s/server" % major, "-I../source/src/include",
                 "-I../source/src/interfaces/libpq", "-I../source/src/test/regress", "-I../source/src/test/isolation",
                 '-DHOST_TUPLE="linux"', '-DSHELLPROG="/bin/sh"']
    commands = [["sh", "-c", "printf '%s' \"$1\" > pg_config_paths.h", "sh", PATHS]]
    programs = {"regress": {"pg_regress": ["regress/pg_regress.c", "regress/pg_regress_main.c"]},
                "isolation": {"pg_isolation_regress": ["regress/pg_regress.c", "isolation/isolation_main.c"],
                              "isolationtester": ["isolation/isolationtester.c", "isolation/specparse.c"]}}[kind]
    for name, files in programs.items():
        commands.append([*compile_c, "-o", name, *("../source/src/test/" + file for file in files), *libraries, libpq])
    if kind == "regress":
        commands.append([*compile_c, "-shared", "-fPIC", "-o", "regress.so", "../source/src/test/regress/regress.c"])
        commands.append(["sh", "-c", "cp ../packages/usr/lib/postgresql/%s/lib/refint.so ../packages/usr/lib/postgresql/%s/lib/autoinc.so ."
                         % (major, major)])
    return sources.build(directory, *commands)


def outcomes(stdout):
    """{test: ok or not} of what a driver prints, before PostgreSQL 16 and since."""
    found = {name: verdict for name, verdict in re.findall(r"(?m)^(?:test|    ) ?(\S+) +\.\.\. (ok|FAILED)", stdout)}
    found.update({name: verdict for verdict, name in re.findall(r"(?m)^(ok|not ok) +\d+ +[-+] (\S+)", stdout)})
    return found


class PostgreSQL(Transparency):
    def prepare(self, kind):
        """A copy of all that is needed, where any user may read it."""
        if os.geteuid() == 0 and not shutil.which("setpriv"):
            self.skipTest("root, and no setpriv")
        try:
            directory, major = fetched()
            made = built(directory, major, kind)
        except sources.Unavailable as why:
            self.skipTest(str(why))
        os.chmod(self.directory, 0o755)
        os.chmod(self.rings, 0o700)
        self.packages = self.path("packages")
        shutil.copytree(directory + "/packages", self.packages, symlinks=True)
        shutil.copytree("%s/source/src/test/%s" % (directory, kind), self.path(kind))
        shutil.copytree(made, self.path("made"))
        self.bin = "%s/usr/lib/postgresql/%s/bin" % (self.packages, major)
        self.libraries, = glob.glob(self.packages + "/usr/lib/*-linux-*")
        told = self.execute([self.bin + "/postgres", "--version"])
        if told.status:  # of its libraries, those that nothing here has needed are not installed
            self.skipTest(told.stderr.decode())
        print(told.stdout.decode().strip())
        os.mkdir(self.path("spans"))

    def binding(self):
        """What procedural languages and C functions call the server for, errors that leave by a long jump included."""
        asked = set()
        for path in [os.path.dirname(self.bin) + "/lib/plpgsql.so", *glob.glob(self.path("made/regress.so"))]:
            asked.update(re.findall(r"(?m) U (\w+)$", sources.run(["nm", "-D", path], None)))
        has = set(re.findall(r"(?m) T (\w+)$", sources.run(["nm", "-D", self.bin + "/postgres"], None)))
        self.assertIn("errfinish", asked & has)
        entries = [{"symbol": symbol, "role": "action", "when": "call", "name": symbol} for symbol in sorted(asked & has)]
        return self.write("server.json", json.dumps({"spanshim": 1, "name": "server", "entries": entries}))

    def give_away(self):
        for path in [self.cwd, self.rings, self.path("spans")]:
            os.chown(path, NOBODY if os.geteuid() == 0 else -1, -1)

    def own_tests(self, kind, driver, schedule):
        self.prepare(kind)
        schedule = self.path(kind) + "/" + schedule if FULL else self.write("schedule", QUICK[kind])
        drop = ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups"] if os.geteuid() == 0 else []
        seen = []
        for traced in False, True:
            shutil.rmtree(self.cwd)
            os.mkdir(self.cwd, 0o755)
            self.give_away()
            env = self.plain_environment()
            preload = []
            if traced:
                # few of the spans: the metrics count all calls
                env = self.traced_environment(
                    SPANSHIM_BINDINGS="auto:%s:%s" % (self.wide, self.binding()), SPANSHIM_OUT=self.path("spans/%e-%p.jsonl"),
                    SPANSHIM_METRICS_OUT=self.path("spans/%e-%p.metrics"), SPANSHIM_LOG=self.path("spans/log"),
                    OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG="0.01")
                # not setpriv, which is root's
                preload = ["/usr/bin/env", "LD_PRELOAD=" + env.pop("LD_PRELOAD")]
            env.update(LD_LIBRARY_PATH=self.libraries, HOME=self.cwd)
            done = self.execute(
                [*drop, *preload, self.path("made/" + driver), "--temp-instance=" + self.path("cwd/instance"),
                 "--bindir=" + self.bin, "--dlpath=" + self.path("made"), "--inputdir=" + self.path(kind),
                 "--outputdir=" + self.cwd, "--max-concurrent-tests=20", "--schedule=" + schedule], env, timeout=3000)
            said = done.stdout.decode(errors="replace")
            differences = ""
            if os.path.exists(self.path("cwd/regression.diffs")):
                with open(self.path("cwd/regression.diffs"), encoding="utf-8", errors="replace") as file:
                    differences = re.sub(r"(?m)^(---|\+\+\+) .*", "", file.read())
            with open(self.path("cwd/log/postmaster.log"), encoding="utf-8", errors="replace") as file:
                crashes = [line for line in file if re.search(r"PANIC|terminated by signal|crash of another", line)]
            seen.append((done.status, outcomes(said), crashes, differences))
            self.assertGreater(len(seen[-1][1]), 5, said[-3000:])
        self.report(kind, *seen)

    def report(self, kind, plain, traced):
        processes = glob.glob(self.path("spans/*.metrics"))
        calls = self.count_calls(*processes)
        spans = sum(map(self.count_spans, glob.glob(self.path("spans/*.jsonl"))))
        print("%s: %d tests, fail without as well: %s; %d calls recorded in %d processes, %d spans" % (
            kind, len(plain[1]), " ".join(name for name, verdict in plain[1].items() if verdict != "ok") or "none",
            sum(calls.values()), len(processes), spans))
        for before, after in zip(plain, traced):
            self.assertEqual(after, before)
        self.assertEqual(plain[2], [])
        for symbol in ["close", "read", "getenv"] + ["SPI_prepare_extended", "errfinish", "palloc"] * (kind == "regress"):
            self.assertGreater(calls[symbol], 50, (symbol, calls))
        self.assertGreater(spans, 100)
        with open(self.path("spans/log"), "a+", encoding="utf-8") as file:
            file.seek(0)
            self.assertEqual([line for line in file if "events lost" not in line], [])
        self.assertEqual(self.left_rings(), [])

    def test_regress(self):
        self.own_tests("regress", "pg_regress", "parallel_schedule")

    def test_isolation(self):
        self.own_tests("isolation", "pg_isolation_regress", "isolation_schedule")


if __name__ == "__main__":
    main()
