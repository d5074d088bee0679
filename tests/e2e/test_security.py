# SPDX-License-Identifier: Apache-2.0
"""What docs/SAFETY.md promises of files, other users, memory, content and the environment.

Other users need root: without it those tests are skipped, and say so.
"""

import json
import os
import pathlib
import pwd
import random
import re
import shutil
import stat
import subprocess
import tempfile
import unittest
import unittest.mock

from harness import (BUILD, COMMAND, PRELOAD, SIGKILL_STATUS, SOURCE, VICTIM_SOURCES, Case, Dump, main, victim,
                     wait_until)
from local_server import http_server

SQLITE3 = "/usr/bin/sqlite3"
CURL = "/usr/bin/curl"
MARK = b"mark_of_content"
ACTION = "action sqlite3"
ARGUMENT_BYTES_MAX = 131072  # the kernel's, of one string of an environment
NOBODY = pwd.getpwnam("nobody").pw_uid
needs_root = unittest.skipIf(os.geteuid() != 0, "other users need root")
needs_way = unittest.skipIf(  # for programs that run as another user
    any(not os.stat(path).st_mode & 0o001 for path in [BUILD, *map(str, pathlib.Path(BUILD).parents)]),
    "other users cannot reach the build directory")


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def as_user(uid):
    """What to put in front of a command."""
    return ["/usr/bin/setpriv", "--reuid=%d" % uid, "--regid=%d" % uid, "--clear-groups"]


class Security(Case):
    def setUp(self):
        super().setUp()
        os.chmod(self.directory, 0o755)
        self.metrics = self.path("metrics.jsonl")

    def select(self, env=None, argv=(), **options):
        """sqlite3 selects, traced; it shows what it would untraced."""
        full = self.environment("sqlite3", env=dict({"LD_PRELOAD": PRELOAD}, **(env or {})))
        result = self.execute([*argv, SQLITE3, ":memory:", "SELECT 41 + 1"], full, **options)
        self.assertEqual(result.visible, (b"42\n", b"", 0))
        return self.collect(result)

    def public_directory(self):
        """As /tmp is."""
        path = self.make_directory("public")
        os.chmod(path, 0o1777)
        return path

    def start_waiting(self, env=None, argv=()):
        """A sqlite3 that has done something and waits for more."""
        full = self.environment("sqlite3", env=dict({"LD_PRELOAD": PRELOAD}, **(env or {})))
        process = self.start([*argv, SQLITE3, self.path("waiting.db")], full, stdin=subprocess.PIPE)
        process.stdin.write(b"SELECT '%s';\n" % MARK)
        process.stdin.flush()
        process.stdout.readline()
        return process

    def leave_ring(self, argv=(), env=None):
        """The ring file of a process that was killed."""
        process = self.start_waiting(env, argv)
        process.kill()
        process.wait()
        rings = [path for path in self.left_rings() if path.endswith(".ring")]
        self.assertEqual(len(rings), 1)
        return rings[0]


class Files(Security):
    def test_nobody_else_can_read_them(self):
        """Whatever the umask: 0600 is the most."""
        for umask in 0o000, 0o077:
            with self.subTest(umask="%03o" % umask):
                for path in (self.out, self.metrics, self.log):
                    if os.path.exists(path):
                        os.unlink(path)
                os.rmdir(self.rings)  # made by the shim
                old = os.umask(umask)
                try:
                    process = self.start_waiting({"SPANSHIM_METRICS_OUT": self.metrics,
                                                  "SPANSHIM_RING_BYTES": "no size"})
                finally:
                    os.umask(old)
                ring, = self.left_rings()
                self.assertEqual((mode(self.rings), mode(ring)), (0o700, 0o600))
                process.communicate(timeout=60)
                for path in (self.out, self.metrics, self.log):
                    self.assertEqual(mode(path), 0o600, path)

    def test_files_of_the_launcher(self):
        base = self.path("base")
        env = self.environment(env={"SPANSHIM_DIR": base})
        script = self.write("list", "find %s -printf '%%m %%y\\n'\n" % base)
        argv = [COMMAND, "run", "--out", self.out, "--metrics", self.metrics, "--",
                SQLITE3, ":memory:", "SELECT 1", ".system sh " + script]
        old = os.umask(0)
        try:
            result = self.execute(argv, env)
        finally:
            os.umask(old)
        # the base, the run's own directory; its log, if any, and the ring
        self.assertEqual(sorted(result.stdout.split()), [b"1", b"600", b"700", b"700", b"d", b"d", b"f"])
        self.assertEqual((mode(self.out), mode(self.metrics)), (0o600, 0o600))

    def test_what_the_user_may_want(self):
        """A link, a FIFO, a device, stderr."""
        link = self.path("link.jsonl")
        os.symlink(self.out, link)
        self.assertEqual(self.select({"SPANSHIM_OUT": link}).dump.count(ACTION), 1)
        self.assertTrue(os.path.islink(link))
        self.assertEqual(self.select({"SPANSHIM_OUT": "/dev/null"}).log, "")
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.assertEqual(self.select({"SPANSHIM_OUT": fifo}).log, "")
        self.assertIn(b'"action sqlite3"', os.read(reader, 1 << 16))
        os.close(reader)
        env = self.environment("sqlite3", env={"LD_PRELOAD": PRELOAD, "SPANSHIM_OUT": "/dev/stderr"})
        result = self.execute([SQLITE3, ":memory:", "SELECT 42"], env)
        self.assertEqual((result.stdout, result.status), (b"42\n", 0))
        self.assertIn(b'"action sqlite3"', result.stderr)

    def assert_refused(self, path):
        result = self.select({"SPANSHIM_OUT": path}, timeout=30)
        self.assertRegex(result.log, r"spans are lost: cannot write %s: Operation not permitted\n"
                         % re.escape(path))

    @needs_root
    def test_what_somebody_else_planted(self):
        """In a directory like /tmp, at a name that can be guessed."""
        public = self.public_directory()
        precious = self.write("precious", "mine\n")
        planted = {
            "file": lambda path: self.write(path, ""),
            "fifo": os.mkfifo,
            "link": lambda path: os.symlink(precious, path),
            "dangling": lambda path: os.symlink(self.path("not yet"), path),
        }
        for name, plant in planted.items():
            with self.subTest(name):
                path = os.path.join(public, name)
                plant(path)
                os.lchown(path, NOBODY, NOBODY)
                self.assert_refused(path)
                if name == "file":
                    self.assertEqual(os.path.getsize(path), 0)
        with self.subTest("a second name of a file of ours"):
            path = os.path.join(public, "second")
            os.link(precious, path)
            self.assert_refused(path)
        with open(precious, encoding="utf-8") as file:
            self.assertEqual(file.read(), "mine\n")
        self.assertFalse(os.path.exists(self.path("not yet")))

    @needs_root
    def test_planted_log_and_metrics(self):
        public = self.public_directory()
        for variable in "SPANSHIM_LOG", "SPANSHIM_METRICS_OUT":
            with self.subTest(variable):
                path = os.path.join(public, variable)
                self.write(path, "")
                os.chown(path, NOBODY, NOBODY)
                self.select({variable: path, "SPANSHIM_RING_BYTES": "no size"})
                self.assertEqual(os.path.getsize(path), 0)

    @needs_root
    def test_the_directory_of_the_rings(self):
        """Another user's, one that others may write to, or a link: no ring, and the program runs on."""
        other = self.path("other")
        os.mkdir(other, 0o755)
        os.chown(other, NOBODY, NOBODY)
        link = self.path("link")
        os.symlink(self.rings, link)
        not_ours = "it is another user's, or others may write to it"
        for path, why in (other, not_ours), (self.public_directory(), not_ours), (link, "Not a directory"):
            with self.subTest(path):
                if os.path.exists(self.log):
                    os.unlink(self.log)
                result = self.select({"SPANSHIM_DIR": path})
                self.assertEqual(result.dump.spans, [])
                self.assertRegex(result.log, r"\Aspanshim\[\d+\]: nothing is recorded: cannot make a ring "
                                             "file in %s: %s\n\\Z" % (re.escape(path), why))
                ran = self.command("run", "--", SQLITE3, ":memory:", "SELECT 42",
                                   env={"SPANSHIM_DIR": path})
                self.assertEqual(ran.visible, (b"", ("spanshim run: %s: %s\n" % (path, why)).encode(), 2))
                self.assertEqual(os.listdir(path), [])

    @needs_root
    @needs_way
    def test_the_default_directory(self):
        """/dev/shm/spanshim-UID, which anybody can make before its user does."""
        uid = random.randrange(100000, 2**31)
        path = "/dev/shm/spanshim-%d" % uid
        target = self.path("target")
        os.mkdir(target)
        os.chown(target, uid, uid)

        def plant_directory():
            os.mkdir(path, 0o777)
            os.chown(path, NOBODY, NOBODY)

        for plant in plant_directory, lambda: os.symlink(target, path):
            self.addCleanup(subprocess.run, ["rm", "-rf", path], check=True)
            plant()
            cwd = tempfile.mkdtemp(dir=self.directory)
            os.chown(cwd, uid, uid)
            out = os.path.join(cwd, "out.jsonl")
            result = self.select({"SPANSHIM_DIR": "", "SPANSHIM_OUT": out, "SPANSHIM_LOG": os.path.join(cwd, "log")},
                                 as_user(uid), cwd=cwd)
            with open(os.path.join(cwd, "log"), encoding="utf-8") as file:
                self.assertIn(path, file.read())
            self.assertFalse(os.path.exists(out))
            self.assertEqual(os.listdir(target), [])
            subprocess.run(["rm", "-rf", path], check=True)
            self.assertEqual(result.log, "")

    @needs_root
    @needs_way
    def test_root_that_was_given_up(self):
        """Before anything was recorded: then the rings go where those of the new user do."""
        uid = random.randrange(100000, 2**31)
        path = "/dev/shm/spanshim-%d" % uid
        self.addCleanup(subprocess.run, ["rm", "-rf", path], check=True)
        cwd = self.make_directory("theirs")
        os.chown(cwd, uid, uid)
        out = os.path.join(cwd, "out.jsonl")
        env = self.environment("sqlite3", env={"LD_PRELOAD": PRELOAD, "SPANSHIM_DIR": "", "SPANSHIM_OUT": out})
        program = ("import os, sqlite3\nos.setuid(%d)\nsqlite3.connect(':memory:').execute('SELECT 1')\n"
                   "print(os.listdir('/dev/shm/spanshim-%d') != [])" % (uid, uid))
        result = self.execute(["/usr/bin/python3", "-c", program], env, cwd=cwd)
        self.assertEqual(result.visible, (b"True\n", b"", 0))
        self.assertEqual((mode(path), os.stat(path).st_uid), (0o700, uid))
        self.assertEqual(Dump(out).count(ACTION), 1)

    @needs_root
    @needs_way
    def test_rings_of_another_user(self):
        ring = self.leave_ring()
        before, dump = os.stat(ring), Dump(self.out)
        os.chown(ring, NOBODY, NOBODY)
        recovered = self.command("recover", self.rings)
        self.assertEqual(recovered.visible, (
            b"%s: not recovered: it belongs to another user\n" % ring.encode(), b"", 1))
        self.assertEqual((os.stat(ring).st_size, os.stat(ring).st_mtime_ns),
                         (before.st_size, before.st_mtime_ns))
        os.chown(ring, 0, 0)
        os.chmod(self.rings, 0o755)
        refused = self.execute(as_user(NOBODY) + [COMMAND, "recover", ring], self.environment())
        self.assertEqual(refused.visible, (
            b"%s: not recovered: it cannot be opened\n" % ring.encode(), b"", 1))
        self.assertEqual(len(Dump(self.out).spans), len(dump.spans))
        self.assertEqual(self.command("recover", self.rings).status, 0)
        self.assertEqual(Dump(self.out).count("session sqlite3"), 1)

    def test_links_to_rings_are_not_followed(self):
        ring = self.leave_ring()
        moved = self.path("moved.ring")
        os.rename(ring, moved)
        os.symlink(moved, ring)
        recovered = self.command("recover", self.rings)
        self.assertEqual((recovered.stdout, recovered.status),
                         (b"%s: not recovered: it cannot be opened\n" % ring.encode(), 1))
        self.assertTrue(os.path.exists(moved))


    def test_a_ring_file_that_is_removed(self):
        process = self.start_waiting()
        ring, = self.left_rings()
        os.unlink(ring)
        stdout, stderr = process.communicate(b"SELECT 2;\n" * 100, timeout=60)
        self.assertEqual((stdout, stderr, process.returncode), (b"2\n" * 100, b"", 0))
        dump = self.collect(unittest.mock.Mock()).dump
        self.assertEqual((dump.count(ACTION), dump.losses, self.read_log()), (101, {}, ""))
        self.assertEqual(self.left_rings(), [])


class Privileged(Security):
    @needs_root
    @needs_way
    def test_a_setuid_program_is_not_traced(self):
        path = os.path.join(BUILD, "setuid-" + os.path.basename(self.directory))  # /tmp may be nosuid
        shutil.copy(SQLITE3, path)
        self.addCleanup(os.unlink, path)
        cwd = self.make_directory("theirs")
        os.chown(cwd, NOBODY, NOBODY)
        env = self.environment("sqlite3", env={
            "LD_PRELOAD": PRELOAD, "SPANSHIM_DIR": os.path.join(cwd, "rings"),
            "SPANSHIM_OUT": os.path.join(cwd, "out"), "SPANSHIM_LOG": os.path.join(cwd, "log")})
        runs = {}
        for name, bits in ("plain", 0o755), ("setuid", 0o4755), ("setgid", 0o2755):
            os.chmod(path, bits)
            result = self.execute(as_user(NOBODY) + [path, ":memory:", "SELECT 42"], env, cwd=cwd)
            self.assertEqual((result.stdout, result.status), (b"42\n", 0), result.stderr)
            runs[name] = sorted(os.listdir(cwd))
            subprocess.run(["rm", "-rf", os.path.join(cwd, "out"), os.path.join(cwd, "rings")], check=True)
        self.assertEqual(runs, {"plain": ["out", "rings"], "setuid": [], "setgid": []})


class Memory(Security):
    def run_pointers(self):
        """Traced; and the ring file's bytes at its end."""
        env = self.environment(os.path.join(VICTIM_SOURCES, "pointers.json"), env={"LD_PRELOAD": PRELOAD})
        process = self.start([victim("victim_pointers")], env, stdin=subprocess.PIPE)
        # of 22 calls, each an OPEN and a CLOSE: read when they are all in the dump
        wait_until(lambda: os.path.exists(self.out) and len(self.dump().spans) == 22, what="22 spans")
        with open(self.left_rings()[0], "rb") as file:
            ring = file.read()
        stdout, stderr = process.communicate(timeout=60)
        self.assertEqual((stdout, stderr, process.returncode), (b"pointers ok\n", b"", 0))
        return ring

    def dump(self):
        return self.collect(unittest.mock.Mock()).dump

    def test_pointers_to_nothing(self):
        """What cannot be read is left out, and nothing is read but what the binding names."""
        ring = self.run_pointers()
        dump = self.dump()
        texts = [span.attributes.get("po.text") for span in dump.named("action pointers")
                 if span.attributes["code.function.name"] == "po_text"]
        sized = [span.attributes.get("po.sized") for span in dump.named("action pointers")
                 if span.attributes["code.function.name"] == "po_sized"]
        cells = [span.attributes.get("po.cell") for span in dump.named("action pointers")
                 if span.attributes["code.function.name"] == "po_cell"]
        self.assertEqual(texts, [None] * 4 + [None, "aaa", None, "bbb", None, "ccc"])
        self.assertEqual(sized, ["aaaaa", "bbbbb", "ccccc", "shown-part", None])
        self.assertEqual(cells, [None] * 7)
        self.assertIn(b"shown-part", ring)
        self.assertNotIn(b"hidden-part", ring)
        self.assertEqual(dump.inconsistencies(), [])


class Content(Security):
    """Without a gate it is in no file at any time; in all other ways it was there to be found."""

    def everything(self):
        """Names of the files in which it is found."""
        found = set()
        for top, _, names in os.walk(self.directory):
            for name in names:
                path = os.path.join(top, name)
                if not name.endswith(".db") and os.path.isfile(path):
                    with open(path, "rb") as file:
                        if MARK in file.read():
                            found.add(os.path.basename(path).rpartition(".")[2])
        return found

    def files_with_content(self, make, env):
        """As the process waits, after its death, and after the recovery."""
        for path in self.out, self.metrics, self.log:
            if os.path.exists(path):
                os.unlink(path)
        process = make(dict({"SPANSHIM_METRICS_OUT": self.metrics, "SPANSHIM_FLUSH_MS": "20"}, **env))
        wait_until(lambda: os.path.exists(self.out), what="a dump")
        found = self.everything()
        process.kill()
        process.wait()
        found |= self.everything()
        recovered = self.command("recover", self.rings)
        self.assertEqual(recovered.status, 0, recovered.visible)
        self.assertGreater(len(self.collect(unittest.mock.Mock()).dump.spans), 0)
        self.assertTrue(os.path.exists(self.metrics))
        return found | self.everything()

    def check(self, make):
        self.assertEqual(self.files_with_content(make, {}), set())
        for gate in "MELLEA_TRACES_CONTENT", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT":
            self.assertEqual(self.files_with_content(make, {gate: "true"}), {"ring", "jsonl"})

    def test_sqlite3(self):
        self.check(self.start_waiting)

    def test_curl(self):
        with http_server() as server:
            url = server.url + "/chunks?n=1&bytes=100&" + MARK.decode()

            def make(env):
                full = self.environment("curl", env=dict({"LD_PRELOAD": PRELOAD}, **env))
                return self.start([CURL, "-s", url, "-d", MARK.decode(), server.url + "/echo",
                                   "--next", "-s", server.url + "/slow?ms=60000"], full)

            self.check(make)


class Terminal(Security):
    """Names that came from elsewhere are shown without what a terminal would obey."""

    EVIL = "\x1b]0;evil\x07\x9b31m"

    def assert_plain(self, result, name):
        for text in result.stdout.decode(), result.stderr.decode():
            self.assertNotRegex(text, r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
        self.assertIn(name, result.stdout.decode() + result.stderr.decode())

    def test_the_log(self):
        """What `run` prints at the end of it: U+009B begins a sequence as ESC [ does."""
        result = self.command("run", "--", SQLITE3, ":memory:", "SELECT 1", 
                              env={"SPANSHIM_LOG": "", "SPANSHIM_RING_BYTES": "\x9b31m"})
        self.assertEqual((result.stdout, result.status), (b"1\n", 0))
        self.assertIn(b"SPANSHIM_RING_BYTES=", result.stderr)
        self.assertNotIn("\x9b", result.stderr.decode())

    def test_bindings(self):
        binding = self.write("b.json", json.dumps({
            "spanshim": 1, "name": "b", "description": "it is " + self.EVIL,
            "entries": [{"symbol": "sqlite3_open", "role": "action", "when": "call"}]}))
        self.assert_plain(self.command("bindings", binding), "it is ")
        self.assert_plain(self.command("bindings", self.path(self.EVIL + "b.json")), "b.json")
        program = self.path(self.EVIL + "program")
        shutil.copy(SQLITE3, program)
        self.assert_plain(self.command("bindings", "--against", program, binding), "program")

    def test_dumps(self):
        """Names, values, keys, and the file's own name; each command has something to complain of."""
        evil = {self.EVIL: 1, "name": self.EVIL}
        attributes = [{"key": self.EVIL, "value": {"stringValue": self.EVIL}}, {"key": self.EVIL, "value": evil}]
        span = dict(evil, traceId="0af7651916cd43dd8448eb211c80319c", spanId="00000000000000a1", kind=1,
                    startTimeUnixNano="17", endTimeUnixNano="19", attributes=attributes,
                    events=[dict(evil, timeUnixNano="18", attributes=attributes)],
                    status={"code": 2, "message": self.EVIL}, parentSpanId=self.EVIL)
        good = dict(span, spanId="00000000000000a2", parentSpanId="")
        metric = dict(evil, unit=self.EVIL, sum={"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [
            {"attributes": attributes, "startTimeUnixNano": "1", "timeUnixNano": "2", "asInt": "3"},
            {"attributes": attributes, "startTimeUnixNano": "1", "timeUnixNano": "2", "asInt": self.EVIL}]})
        lines = {"spans": {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [
                     {"scope": evil, "spans": [span, good]}]}]},
                 "metrics": {"resourceMetrics": [{"resource": {"attributes": attributes}, "scopeMetrics": [
                     {"scope": evil, "metrics": [metric]}]}]}}
        for what, line in lines.items():
            path = self.write(self.EVIL + what, json.dumps(line) + "\n" + self.EVIL + "\n")
            for command in ("tree",), ("tree", "--attributes", "--events"), ("tree", "--json"), ("stats",), ("check",):
                with self.subTest(what, command=command):
                    result = self.command(*command, path)
                    self.assertEqual(result.status, 1)
                    self.assert_plain(result, what + ":2: ")

    def test_rings(self):
        program = self.path(self.EVIL + "program")
        shutil.copy(SQLITE3, program)
        env = self.environment("sqlite3", env={"LD_PRELOAD": PRELOAD, "SPANSHIM_OUT": self.path("%e.jsonl")})
        killed = self.execute([program, ":memory:", "SELECT 1", ".system kill -9 $PPID"], env)
        self.assertEqual(killed.status, SIGKILL_STATUS)
        with open(os.path.join(self.rings, self.EVIL + ".ring"), "w", encoding="utf-8") as file:
            file.write("no ring at all" * 10000)
        self.assert_plain(self.command("recover", "--dry-run", self.rings), "program[")
        recovered = self.command("recover", self.rings)
        self.assert_plain(recovered, "program[")
        self.assert_plain(recovered, "it is not a ring file")
        self.assert_plain(self.command("recover", self.path(self.EVIL)), "No such file")


class Environment(Security):
    def test_longest_values(self):
        """Each variable, as long as the kernel lets it be: named on the log, and nothing else."""
        with open(os.path.join(SOURCE, "docs", "ENVIRONMENT.md"), encoding="utf-8") as file:
            table = file.read().partition("## The traced program")[2].partition("\n## ")[0]
        names = re.findall(r"^\| `([A-Z0-9_]+)`", table, re.M)
        self.assertGreater(len(names), 25)
        for name in names:
            with self.subTest(name):
                value = "x" * (ARGUMENT_BYTES_MAX - len(name) - 2)
                result = self.select({name: value})
                if os.path.exists(self.log):
                    os.unlink(self.log)
                if name != "SPANSHIM_LOG":
                    self.assertRegex(result.log, r"\Aspanshim\[\d+\]: %s=x{200}\.\.\.: "
                                     r"expected .*; the default is used\n\Z" % name)


class Document(unittest.TestCase):
    def test_proofs(self):
        """Each test that docs/SAFETY.md names is there, and each promise names one."""
        with open(os.path.join(SOURCE, "docs", "SAFETY.md"), encoding="utf-8") as file:
            rows = [line for line in file if line.startswith("| ") and "proved by" not in line]
        self.assertGreater(len(rows), 20)
        for row in rows:
            proofs = re.findall(r"`([a-z0-9]+/[\w/]+\.(?:c|py))(?:::(\w+)\.(\w+))?`", row.split(" | ")[-1])
            self.assertTrue(proofs, row)
            for path, group, test in proofs:
                with open(os.path.join(SOURCE, "tests", path), encoding="utf-8") as file:
                    text = file.read()
                if not group:
                    self.assertRegex(text, "LLVMFuzzerTestOneInput|int main")
                elif path.endswith(".c"):
                    self.assertRegex(text, r"\bTest\(%s, %s\b" % (group, test))
                else:
                    self.assertRegex(text, r"(?s)\nclass %s\(.*\n    def %s\(" % (group, test))


if __name__ == "__main__":
    main()
