# SPDX-License-Identifier: Apache-2.0
"""What goes wrong around a program does not go wrong because of us: full disks, exhausted limits, closed
descriptors, directories that are read-only or gone, chroot, namespaces, seccomp, storms of signals.

The program does the same as without us; we say at most one line of each kind; what was lost is counted.
"""

import glob
import os
import re
import shutil
import signal
import unittest

from transparency import COMMAND, DRIVE, LOAD_BINDING, PRELOAD, SOURCE, Dump, Transparency, main, unfit

PYTHON = ["/usr/bin/python3", "-I", "-B"]
STATEMENTS = 300
# Statements before and after whatever the test does in between, results on stdout, a database on disk.
PROGRAM = """
import os, sqlite3, sys
def work(name, count):
    db = sqlite3.connect(name, isolation_level=None)
    db.execute('CREATE TABLE IF NOT EXISTS t(x)')
    for n in range(count): db.execute('INSERT INTO t VALUES (%%d)' %% n)
    print(name, db.execute('SELECT count(*), sum(x) FROM t').fetchone())
    db.close()
%s
work(':memory:', %d)
print('done')
"""


class Adversity(Transparency):
    def run_both(self, program, prefix=(), spans=None, log=None, env=(), losses=None, status=0):
        """Runs a Python program without and with; prefix: what to run it by. log: what a line of ours has to say,
        None: there is none; False: if any, no two of a kind. spans: least number in the dump."""
        script = self.write("program.py", program)
        outcomes = []
        for traced in False, True:
            shutil.rmtree(self.cwd)
            os.mkdir(self.cwd, 0o700)
            full = dict(self.environment("sqlite3"), **dict(env)) if traced else self.plain_environment()
            command = [*prefix, *PYTHON, script]
            if traced:
                # the program alone: what runs it is not the question
                command = [*prefix, "/usr/bin/env", "LD_PRELOAD=" + PRELOAD, *PYTHON, script]
            outcomes.append(self.execute(command, full).visible)
        self.assertEqual(outcomes[1], outcomes[0])
        self.assertEqual(outcomes[0][2], status, outcomes[0])
        lines = self.read_log().splitlines()
        kinds = [re.sub(r"\d+", "N", line) for line in lines]
        self.assertEqual(len(kinds), len(set(kinds)), lines)
        if log is None:
            self.assertEqual(lines, [])
        elif log:
            self.assertTrue(any(re.search(log, line) for line in lines), lines)
        if spans is not None:
            self.command("recover", self.rings)
            dump = Dump(self.out)
            lost = sum(dump.losses.values())
            self.assertGreaterEqual(len(dump.spans), spans)
            if losses:
                self.assertGreater(lost, 0)
        return lines

    def program(self, between="pass"):
        return PROGRAM % (between, STATEMENTS)

    def limited(self, limit):
        """Runs with a shell's limit in force."""
        return ["/bin/sh", "-c", limit + '; exec "$@"', "sh"]

    # --- room ---

    def test_output_to_a_full_device(self):
        self.run_both(self.program(), env={"SPANSHIM_OUT": "/dev/full"}, log="cannot write /dev/full: No space left")

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "needs root and unshare")
    def test_full_file_systems(self):
        small = self.make_directory("small")
        mount = ["unshare", "-m", "/bin/sh", "-c",
                 "mount -t tmpfs -o mode=700,size=%s t '%s' && { head -c 60k /dev/zero > '%s/filler' 2>/dev/null; exec \"$@\"; }", "sh"]
        with self.subTest("output"):
            prefix = [*mount[:4], mount[4] % ("64k", small, small), "sh"]
            self.run_both(self.program(), prefix, env={"SPANSHIM_OUT": small + "/out.jsonl"}, log="spans are lost: cannot write .*No space")
        os.unlink(self.log)
        with self.subTest("rings"):
            self.run_both(self.program(), prefix, env={"SPANSHIM_DIR": small}, log="cannot make a ring file in .*No space")

    def out_of_quota(self, calls, when, path):
        """Runs with EDQUOT from these system calls on that file, by number: a quota that is used up meanwhile."""
        if not shutil.which("strace"):
            self.skipTest("not installed: strace")
        return ["strace", "-f", "-qq", "-o", "/dev/null", "-P", path, "-e", "trace=" + calls,
                "-e", "inject=%s:error=EDQUOT:when=%s" % (calls, when)]

    @staticmethod
    def lost(lines):
        """The number of spans that the log says were lost."""
        return sum(int(count) for line in lines for count in re.findall(r"spans lost: (\d+) could not be written", line))

    def test_quota_that_is_used_up(self):
        """Nothing can be written after the first line: what was lost is told, to the last span, and the program does
        not wait for each."""
        program = self.program("import time\nfor n in range(4): work(':memory:', 10); time.sleep(0.3)")
        self.run_both(program)
        whole = len(Dump(self.out).spans)
        self.assertGreater(whole, STATEMENTS + 40)
        self.write("out.jsonl", "")
        lines = self.run_both(program, self.out_of_quota("write", "2+", self.out),
                              log="spans are lost: cannot write .*: Disk quota exceeded")
        dump = Dump(self.out)
        self.assertEqual(dump.lines, 1)
        self.assertEqual(len(dump.spans) + self.lost(lines), whole)

    def test_quota_that_is_raised_in_time(self):
        """Tries for a second, so that nothing is lost."""
        self.write("out.jsonl", "")
        self.run_both(self.program(), self.out_of_quota("write", "1..8", self.out), spans=STATEMENTS)
        self.assertEqual(Dump(self.out).losses, {})
        self.assertEqual(self.left_rings(), [])

    def test_quota_of_the_rings(self):
        """Used up when the ring file is made; and when there is one, and a thread needs a ring."""
        fallocate = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fallocate", "-e", "inject=fallocate:error=EDQUOT:when=%s"]
        if not shutil.which("strace"):
            self.skipTest("not installed: strace")
        with self.subTest("file"):
            self.run_both(self.program(), [*fallocate[:-1], fallocate[-1] % "1+"], spans=0,
                          log="cannot make a ring file in .*Disk quota exceeded")
            self.assertEqual(self.left_rings(), [])
        os.unlink(self.log)
        with self.subTest("ring"):
            lines = self.run_both(self.program(), [*fallocate[:-1], fallocate[-1] % "2+"], spans=0, log="events lost: no_ring")
            self.assertEqual(len(lines), 1)
            self.assertGreaterEqual(Dump(self.out).losses["no_ring.open"], STATEMENTS)

    def test_recover_without_quota(self):
        """Says so, and keeps what is not written yet; the next one writes all."""
        process = self.start([*PYTHON, self.write("program.py", self.program("work(':memory:', 300); os.kill(os.getpid(), 9)"))],
                             dict(self.environment("sqlite3"), LD_PRELOAD=PRELOAD, SPANSHIM_FLUSH_MS="60000"))
        self.assertEqual(process.wait(), -signal.SIGKILL)
        self.write("out.jsonl", "")
        failed = self.execute([*self.out_of_quota("write", "1+", self.out), COMMAND, "recover", self.rings], self.environment())
        self.assertEqual((failed.status, Dump(self.out).spans), (1, []), failed.visible)
        self.assertIn(b"its spans cannot be written: %s: Disk quota exceeded" % self.out.encode(), failed.stdout)
        self.assertEqual(len(self.left_rings()), 1)
        self.run_recover(STATEMENTS)

    def run_recover(self, spans):
        recovered = self.command("recover", self.rings)
        self.assertEqual((recovered.status, self.left_rings()), (0, []), recovered.visible)
        self.assertGreaterEqual(len(Dump(self.out).spans), spans)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare") and shutil.which("setpriv"), "needs root, unshare and setpriv")
    def test_quota_of_a_file_system(self):
        """A real one: tmpfs can have it since Linux 6.6, where the kernel was built so."""
        small = self.make_directory("small")
        mount = "mount -t tmpfs -o mode=777,usrquota,usrquota_block_hardlimit=64k t '%s'" % small
        if self.execute(["unshare", "-m", "/bin/sh", "-c", mount]).status:
            self.skipTest("no quotas on tmpfs here")
        for directory in self.directory, self.cwd:
            os.chmod(directory, 0o777)
        os.chown(self.rings, 65534, 65534)
        prefix = ["unshare", "-m", "/bin/sh", "-c", mount + " && exec setpriv --reuid 65534 --regid 65534 --clear-groups \"$@\"", "sh"]
        os.chmod(self.write("shim.log", ""), 0o666)
        self.run_both(self.program(), prefix, env={"SPANSHIM_OUT": small + "/out.jsonl"}, log="spans are lost: cannot write .*Disk quota exceeded")

    def test_file_size_limit(self):
        """A write or an allocation beyond it would raise SIGXFSZ."""
        for blocks in 0, 1, 64:
            with self.subTest(blocks):
                if os.path.exists(self.log):
                    os.unlink(self.log)
                # at 0 the log can hold nothing either
                self.run_both(self.program(), self.limited("ulimit -f %d" % blocks), log=blocks and "File too large")
                # Python ignores the signal, others die of it
                command = self.limited("ulimit -f %d" % blocks) + ["sqlite3", ":memory:", "SELECT 6 * 7; SELECT 'through'"]
                plain, traced = self.both([command])
                self.assertEqual(traced, plain)
                self.assertEqual(plain[0][0][1:], (b"42\nthrough\n", b"", 0))

    @unfit("its run time wants terabytes", "address", "thread")
    def test_address_space_limit(self):
        for kilobytes in 40000, 90000, 200000:
            with self.subTest(kilobytes):
                if os.path.exists(self.log):
                    os.unlink(self.log)
                self.run_both(self.program(), self.limited("ulimit -v %d" % kilobytes), log=False)

    def test_descriptor_limit(self):
        """None left when the first event comes, and some later on."""
        exhaust = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16)); held = []\n" \
                  "try:\n  while True: held.append(os.open('/dev/null', 0))\nexcept OSError: pass\n" \
                  "work(':memory:', 50)\nos.close(held.pop()); os.close(held.pop()); os.close(held.pop())"
        self.run_both(self.program(exhaust), log=False)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root and setpriv")
    def test_thread_limit(self):
        """No thread can be made: what was recorded waits for `recover`."""
        for directory in self.directory, self.cwd, self.rings:
            os.chmod(directory, 0o777)
        rings = self.make_directory("nobodys")
        os.chown(rings, 65534, 65534)
        lines = self.run_both(
            "import os; os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)\n"
            "import resource; resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))\n" + self.program(),
            env={"SPANSHIM_DIR": rings, "SPANSHIM_LOG": self.write("log-of-nobody", "")}, log=None)
        self.assertEqual(lines, [])

    # --- descriptors ---

    def test_closed_standard_descriptors(self):
        """What the program opens gets the numbers 0 to 2: nothing of ours may end up there."""
        between = "for n in 0, 1, 2: os.close(n)\n" \
                  "files = [os.open(name, os.O_RDWR | os.O_CREAT) for name in ('a', 'b', 'c')]\n" \
                  "sys.stdout = open(files[1], 'w', buffering=1, closefd=False); os.write(files[2], b'own text')"
        (plain, plain_files), (traced, files) = self.both(
            [[*PYTHON, self.write("program.py", self.program(between))],
             ["/bin/sh", "-c", "exec <&- >&- 2>&-; sqlite3 made.db 'create table t(x); insert into t values (1)'; sqlite3 -batch made.db .dump"]])
        self.assertEqual((traced, files), (plain, plain_files))
        self.assertEqual(set(files), {"a", "b", "c", "made.db"})
        self.assertGreater(self.count_spans(), STATEMENTS)

    def test_host_closes_all_descriptors(self):
        between = "work(':memory:', 50)\nos.closerange(3, 1000)\nkept = [open('f%d' % n, 'w') for n in range(20)]\n" \
                  "work('made.db', 50)\nfor n, f in enumerate(kept): f.write('mine %d' % n); f.close()\n" \
                  "print([open('f%d' % n).read() for n in range(20)])"
        self.run_both(self.program(between), spans=STATEMENTS + 100)

    # --- places ---

    def test_directories_that_cannot_be_used(self):
        read_only = self.make_directory("read-only")
        os.chmod(read_only, 0o500)
        for variable, value, log in (
                ("SPANSHIM_OUT", "/proc/nothing/here", "cannot write"), ("SPANSHIM_OUT", self.path("none/out"), "cannot write"),
                ("SPANSHIM_DIR", "/proc/nothing", "cannot make a ring file"), ("SPANSHIM_DIR", self.path("none/at/all"), "cannot make a ring file"),
                ("SPANSHIM_OUT", read_only, "cannot write"), ("SPANSHIM_OUT", "/proc/self/mem", "cannot write|lost")):
            with self.subTest(variable, value=value):
                if os.path.exists(self.log):
                    os.unlink(self.log)
                self.run_both(self.program(), env={variable: value}, log=log)

    def test_directories_that_vanish(self):
        """Of the program's own, of the output, of the rings: after the first events."""
        for name in "cwd", "out", "rings":
            with self.subTest(name):
                if os.path.exists(self.log):
                    os.unlink(self.log)
                gone = self.path("gone")
                os.makedirs(gone)
                where = {"cwd": "os.mkdir('there'); os.chdir('there'); os.rmdir('../there')",
                         "out": "import shutil; shutil.rmtree(%r, True)" % gone,
                         "rings": "import shutil; shutil.rmtree(%r, True)" % gone}[name]
                env = {"out": {"SPANSHIM_OUT": gone + "/out.jsonl"}, "rings": {"SPANSHIM_DIR": gone}}.get(name, {})
                self.run_both(self.program("work(':memory:', 50)\nimport time; time.sleep(0.4)\n" + where), env=env,
                              log="cannot write" if name == "out" else None)
                shutil.rmtree(gone, ignore_errors=True)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_chroot(self):
        """Neither output nor rings can be reached by their names any longer."""
        self.run_both(self.program("work(':memory:', 50)\nos.mkdir('jail'); os.chroot('jail'); os.chdir('/')"),
                      log=False)

    @unittest.skipUnless(shutil.which("unshare"), "not installed: unshare")
    def test_namespaces(self):
        if self.execute(["unshare", "-Ur", "true"]).status:
            self.skipTest("no user namespaces here")
        self.run_both(self.program(), ["unshare", "-Ur"], spans=STATEMENTS)
        # by the program itself, when the drain has a thread already
        between = "import ctypes\nwork(':memory:', 50)\nlibc = ctypes.CDLL(None, use_errno=True)\n" \
                  "print(libc.unshare(0x10000000), ctypes.get_errno(), os.getuid())"
        self.run_both(self.program(between), spans=2 * STATEMENTS)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_identity(self):
        """Changes of user with capabilities kept, which libc carries out on all threads, the drain's too."""
        os.chmod(self.directory, 0o755)
        between = "import ctypes\nwork(':memory:', 50)\nlibc = ctypes.CDLL(None)\nprint(libc.prctl(8, 1, 0, 0, 0))\n" \
                  "os.setresuid(65534, 65534, 65534)\n" \
                  "header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(0xc0, 0xc0, 0, 0, 0, 0)\n" \
                  "print(libc.capset(header, sets)); os.setresgid(65534, 65534, 65534); os.setgroups([])\n" \
                  "print(os.getresuid(), os.getresgid(), os.getgroups())"
        self.run_both(self.program(between), spans=STATEMENTS + 50)

    # --- the kernel says no ---

    def test_seccomp(self):
        """A filter that refuses with EPERM what we would like to call, before the first event and after it."""
        install = self.write("seccomp.py", SECCOMP)
        # membarrier, clone and clone3, openat, fallocate, getrandom, prctl, flock, clock_gettime and nanosleep
        for calls in [324], [56, 435], [285], [318], [73], [157], [257], [228, 35]:
            for early in True, False:
                with self.subTest(calls=calls, early=early):
                    if os.path.exists(self.log):
                        os.unlink(self.log)
                    refuse = "exec(open(%r).read()); refuse(%r)" % (install, calls)
                    program = self.program((refuse if early else "work(':memory:', 50)\n" + refuse))
                    script = self.write("program.py", program)
                    plain = self.execute([*PYTHON, script], self.plain_environment())
                    traced = self.execute(["/usr/bin/env", "LD_PRELOAD=" + PRELOAD, *PYTHON, script], self.environment("sqlite3"))
                    self.assertEqual(traced.visible, plain.visible)
                    self.assertEqual(plain.status, 0, plain.visible)
                    self.command("recover", self.rings)

    def test_signal_storm(self):
        """A handler without SA_RESTART ten thousand times a second, in whatever is going on."""
        between = "import signal\nhits = []\nsignal.signal(signal.SIGALRM, lambda *_: hits.append(1)); signal.siginterrupt(signal.SIGALRM, True)\n" \
                  "signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)\nwork('made.db', 2000)\n" \
                  "import subprocess\nprint(subprocess.run(['sh', '-c', 'echo child; exit 3'], stdout=subprocess.PIPE))\n" \
                  "signal.setitimer(signal.ITIMER_REAL, 0)\nprint(len(hits) > 20)"
        self.run_both(self.program(between), spans=2000)

    def test_interrupted_threads(self):
        """Signals without SA_RESTART at all threads, the drain's too, which takes none: blocking calls return EINTR as
        often as without us, and each act is in the dump, those of the handlers included."""
        library = os.path.dirname(DRIVE)
        program = self.path("storm")
        made = self.execute(["gcc", "-O2", "-I" + SOURCE, "-o", program, os.path.join(SOURCE, "tests", "host", "storm.c"),
                             "-L" + library, "-lload", "-Wl,-rpath," + library, "-pthread"])
        self.assertEqual(made.status, 0, made.visible)
        plain = self.execute([program], self.plain_environment())
        self.assertEqual((plain.stderr, plain.status), (b"", 0))
        # rings so small that threads wait in them as well
        env = dict(self.environment(LOAD_BINDING + ":" + self.wide), LD_PRELOAD=PRELOAD, SPANSHIM_ON_FULL="block", SPANSHIM_RING_BYTES="64K")
        traced = self.start([program], env)
        blocked = set()
        while traced.poll() is None:
            blocked.update(self.blocked_signals(traced.pid))
        out, err = traced.communicate()
        self.assertEqual((err, traced.returncode, self.read_log()), (b"", 0, ""))
        *lines, last = out.decode().splitlines()
        *expected, before = plain.stdout.decode().splitlines()
        print("without: %s; with: %s" % (before, last))
        self.assertEqual(lines, expected)
        # libc keeps 32 and 33 for itself; 9 and 19 cannot be blocked
        self.assertEqual(blocked, {(1 << 64) - 1 & ~sum(1 << number - 1 for number in (9, 19, 32, 33))})
        dump = Dump(self.out)
        acts = [span for span in dump.spans if span.attributes["code.function.name"] == "load_act"]
        self.assertEqual((len(acts), dump.losses, self.left_rings()), (int(last.split()[1]), {}, []))

    @staticmethod
    def blocked_signals(pid):
        """The mask of each thread of ours, once it works."""
        for path in glob.glob("/proc/%d/task/*/status" % pid):
            try:
                with open(path, encoding="utf-8") as file:
                    status = file.read()
            except OSError:
                continue
            if status.startswith("Name:\tspanshim\n"):
                yield int(re.search(r"SigBlk:\s*(\w+)", status).group(1), 16)


SECCOMP = """
import ctypes, struct
def refuse(calls):
    libc = ctypes.CDLL(None, use_errno=True)
    program = [(0x20, 0, 0, 0)]
    for number in calls: program += [(0x15, 0, 1, number), (0x06, 0, 0, 0x00050001)]
    program.append((0x06, 0, 0, 0x7fff0000))
    code = b''.join(struct.pack('HBBI', *line) for line in program)
    held = ctypes.create_string_buffer(code)
    argument = ctypes.create_string_buffer(struct.pack('HP', len(program), ctypes.addressof(held)))
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, argument, 0, 0): raise OSError(ctypes.get_errno())
"""

if __name__ == "__main__":
    main()
