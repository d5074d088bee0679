# SPDX-License-Identifier: Apache-2.0
"""Programs that sandbox themselves with seccomp and allow exactly what they call: killed at anything else.

The victim does the same as without us; what it did before is written out, what it does afterwards waits
for `recover`; what cannot be recorded is counted; one line on the log says so.
"""

import ctypes
import ctypes.util
import os
import re
import signal
import sys
import unittest

from harness import PRELOAD, PROCESS_BINDING, SOURCE, Case, Dump, main, unfit, victim

SANDBOX = victim("process/proc_sandbox")
SIGSYS_STATUS = 128 + signal.SIGSYS
LIBSECCOMP = ctypes.util.find_library("seccomp")
WAYS = ("prctl", "seccomp", "tsync") + (("library",) if LIBSECCOMP else ())
WAITS = "a seccomp filter forbids .*: nothing more is written out by this process; when it has ended, run 'spanshim recover' with "

# Runs a program under a filter that allows the named calls alone: NAMES PROGRAM ARGUMENT...
LAUNCH = """
import ctypes, os, sys
lib = ctypes.CDLL(%r)
lib.seccomp_init.restype = ctypes.c_void_p
context = ctypes.c_void_p(lib.seccomp_init(0x80000000))
for name in sys.argv[1].split(","):
    number = lib.seccomp_syscall_resolve_name(name.encode())
    assert number != -1, name
    lib.seccomp_rule_add(context, 0x7fff0000, number, 0)
assert lib.seccomp_load(context) == 0
os.execv(sys.argv[2], sys.argv[2:])
"""
# What the loader, libc and a Python that executes another program call.
START = "execve arch_prctl set_tid_address exit_group rt_sigreturn".split()

# Such a program makes system calls of its own all the time, whatever the shim does.
FORBIDS = "its run time makes calls that the filter forbids"
OWN_CALLS = unfit(FORBIDS, "address")


def promised():
    """The calls that docs/SAFETY.md names."""
    with open(os.path.join(SOURCE, "docs", "SAFETY.md"), encoding="utf-8") as file:
        block = re.search(r"<!-- calls: .*? -->\n```\n(.*?)```", file.read(), re.S)
    return block[1].split()


def judged():
    """The calls that filters are tried on."""
    with open(os.path.join(SOURCE, "shim", "seccomp_filter.c"), encoding="utf-8") as file:
        return set(re.findall(r"^\tCALL\((\w+)", file.read(), re.M))


@unfit(FORBIDS, "thread")
class Sandbox(Case):
    def both(self, *words, spans, lost=0, log=None, status=0, refused=False, via="preload"):
        """Runs the victim without and with; spans and lost: how many after `recover`; log: of the only line."""
        for path in (self.out, self.log):
            if os.path.exists(path):
                os.unlink(path)
        argv = [SANDBOX, *words]
        plain = self.execute(argv)
        self.assertEqual(plain.status, status, plain.visible)
        env = self.environment(PROCESS_BINDING)
        traced = self.execute(self.traced_command(argv, via, PROCESS_BINDING, env), env, timeout=30)
        self.assertEqual(traced.visible, plain.visible)
        lines = self.read_log().splitlines()
        if refused:
            self.assertRegex(lines.pop(), "the kernel refused that: all goes on as before")
        self.assertEqual(len(lines), 1 if log else 0, lines)
        if log:
            self.assertRegex(lines[0], r"spanshim\[\d+\]: " + log)
        if log and not refused and via == "preload":
            self.assertEqual(self.command("recover", self.rings).status, 0)
        self.assertEqual(self.left_rings(), [])
        dump = Dump(self.out)
        self.assertEqual(dump.inconsistencies(), [])
        self.assertEqual((len(dump.spans), dump.lost("open")), (spans, lost), dump.losses)
        return dump

    @OWN_CALLS
    def test_filters_of_what_the_program_calls(self):
        for way in WAYS:
            for action in "process", "thread", "trap":
                with self.subTest(way, action=action):
                    self.both(way, action, "5+7", spans=12, log=WAITS)
                    self.both(way, action, "+7", spans=7, log=WAITS)

    @OWN_CALLS
    def test_under_run(self):
        self.both("prctl", "process", "5+7", spans=12, log=WAITS, via="run")

    def test_strict_mode(self):
        """The kernel takes the processor's counter away as well."""
        self.both("strict", "process", "5+7", spans=5, lost=7, log="the program may not read the clock any more: nothing more is recorded")
        self.both("strict", "process", "+7", spans=0, lost=7, log="the program may not read the clock any more: ")

    @OWN_CALLS
    def test_children_and_threads(self):
        """That sandbox themselves; and that were made by a sandboxed one, which cannot be recorded any more."""
        for way in WAYS:
            with self.subTest(way):
                self.both(way, "process", "5F+7", spans=12, log=WAITS)
                self.both(way, "process", "5T+7", spans=12, log=WAITS)
                self.both(way, "process", "5+7f3t4", spans=12, lost=7, log=WAITS)

    @OWN_CALLS
    def test_children_without_thread_local_storage(self):
        """By which Chromium changes into an empty directory for good."""
        self.both("prctl", "process", "c5c", spans=5)
        self.both("prctl", "process", "5c-c5", spans=10)
        for bindings in "none", "auto":
            done = self.execute([SANDBOX, "prctl", "process", "c"], dict(self.environment(bindings), LD_PRELOAD=PRELOAD))
            self.assertEqual(done.visible, (b"the bare child ended\ndone\n", b"", 0))

    def test_full_ring(self):
        for count in 1000, 200000:
            with self.subTest(count):
                self.execute([SANDBOX, "prctl", "process", "5+%d" % count],
                             dict(self.environment(PROCESS_BINDING), LD_PRELOAD=PRELOAD, SPANSHIM_ON_FULL="block"))
                self.command("recover", self.rings)
                dump = Dump(self.out)
                self.assertEqual(len(dump.spans) + dump.lost("open"), 5 + count)
                self.assertEqual(dump.lost("open") > 0, count > 1000)
                os.unlink(self.out)

    @OWN_CALLS
    def test_memory_that_cannot_be_probed_is_not_read(self):
        dump = self.both("prctl", "process", "s1+s3", spans=6, log=WAITS)
        names = [span.attributes.get("vict.name") for span in dump.spans if span.name.startswith("session")]
        self.assertEqual(sorted(names, key=str), [None, "a name on the heap"])

    def test_filters_that_let_us_be(self):
        for way in WAYS[:3]:
            for action in "process", "thread", "trap":
                with self.subTest(way, action=action):
                    self.both(way, action, "5-7f3t4", spans=19)

    def test_refused_filters(self):
        """Nothing has changed: all is written out by the process itself."""
        self.both("seccomp", "process", "5!7t3", spans=15, log=WAITS, refused=True)
        self.both("seccomp", "process", "!7", spans=7, log=WAITS, refused=True)

    def test_programs_that_break_their_own_rules(self):
        """Killed as without us: the drain does not keep alive what a filter killed by threads."""
        for action in "process", "thread", "trap":
            with self.subTest(action):
                self.both("prctl", action, "5+7p", spans=12, log=WAITS, status=SIGSYS_STATUS)
        self.both("prctl", "thread", "5-7p", spans=12, status=SIGSYS_STATUS)
        self.both("prctl", "thread", "-7p", spans=7, status=SIGSYS_STATUS)
        # under a filter that was there before the program
        done = self.execute([SANDBOX, "prctl", "thread", "-x/usr/bin/env", "env", "LD_PRELOAD=" + PRELOAD, SANDBOX, "prctl", "thread", "9p"],
                            self.environment(PROCESS_BINDING), timeout=30)
        self.assertEqual(done.status, SIGSYS_STATUS)
        self.assertEqual(self.left_rings(), [])
        self.assertEqual(len(Dump(self.out).spans), 7 + 9)

    def test_what_a_sandboxed_program_executes(self):
        """It lives under the filter, from its constructors on: nothing of ours happens there."""
        plan = "prctl", "process", "3"
        self.both("prctl", "process", "5=7x" + SANDBOX, "sandbox", *plan, spans=12, log=WAITS)
        self.both("prctl", "process", "5=7y%s %s" % (SANDBOX, " ".join(plan)), spans=12, log=WAITS)
        self.both("seccomp", "process", "5!7x" + SANDBOX, "sandbox", *plan, spans=15, log=WAITS, refused=True)

    def test_the_list_of_calls(self):
        self.assertEqual(set(promised()), judged())

    @unittest.skipUnless(LIBSECCOMP, "not installed: libseccomp")
    @OWN_CALLS
    def test_filters_that_allow_what_the_list_says(self):
        """A filter that kills at all else, from the beginning on: the program is traced as if there were none."""
        launch = self.write("launch.py", LAUNCH % LIBSECCOMP)
        names = ",".join(START + promised() + ["wait4"])
        env = self.environment(PROCESS_BINDING, env={"SPANSHIM_METRICS_OUT": self.path("metrics")})
        for program, spans in (("5t3f4", 12), ("s5", 6)):
            done = self.execute([sys.executable, "-I", launch, names, "/usr/bin/env", "LD_PRELOAD=" + PRELOAD, SANDBOX, "prctl", "thread", program], env)
            self.assertEqual(done.status, 0, done.visible)
            self.assertEqual((self.left_rings(), self.read_log()), ([], ""))
            self.assertEqual(len(Dump(self.out).spans), spans)
            os.unlink(self.out)


if __name__ == "__main__":
    main()
