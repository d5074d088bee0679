#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Each check of scripts/check_* on a small good example, where it must pass, and on bad ones, where
it must fail and name the reason. A check that cannot fail checks nothing."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
import unittest.mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
COMPILER = ["cc"]
# Debian's crt objects lack the CET note, so that the linker must be told, as in shim/meson.build
LINK = ["-shared", "-fPIC", "-Wl,-z,ibt,-z,shstk", "-Wl,-z,noexecstack"]


class CheckTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="spanshim-check-")
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def check(self, script, *arguments):
        done = subprocess.run([SCRIPTS / script, *map(str, arguments)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def assert_passes(self, script, *arguments):
        status, output = self.check(script, *arguments)
        self.assertEqual(status, 0, output)

    def assert_fails(self, reason, script, *arguments):
        status, output = self.check(script, *arguments)
        self.assertEqual(status, 1, output)
        self.assertIn(reason, output)

    def compile(self, text, *options, name="object.so"):
        source, made = self.write("source.c", text), self.root / name
        subprocess.run([*COMPILER, "-w", "-O1", "-ffreestanding", *options, "-o", made, source],
                       check=True)
        return made


class Layers(CheckTest):
    def setUp(self):
        super().setUp()
        self.write("shim/event.h", "")
        self.write("shim/context.h", "")
        self.write("collector/collector.h", "")
        self.write("collector/cli/run.h", "")
        self.write("collector/drain.h", '#include "shim/event.h"\n')
        self.write("shim/main.c", '#include "collector/collector.h"\n#include "context.h"\n')
        self.write("collector/cli/run.c", '#include "collector/cli/run.h"\n#include <stdio.h>\n')

    def test_good(self):
        self.assert_passes("check_layers", self.root)

    def test_shim_includes_collector(self):
        self.write("shim/main.c", '#include "collector/drain.h"\n')
        self.assert_fails("collector/drain.h", "check_layers", self.root)

    def test_shim_includes_collector_contract_elsewhere(self):
        self.write("shim/context.c", '#include "collector/collector.h"\n')
        self.assert_fails("shim/context.c", "check_layers", self.root)

    def test_collector_includes_shim_internals(self):
        self.write("collector/drain.c", '#  include "shim/context.h"\n')
        self.assert_fails("shim/context.h", "check_layers", self.root)

    def test_relative_path_does_not_hide_it(self):
        self.write("collector/drain.c", '#include "../shim/context.h"\n')
        self.assert_fails("collector/drain.c", "check_layers", self.root)

    def test_subscriber_includes_command(self):
        self.write("collector/subscribers/tracing.c", '#include "collector/cli/run.h"\n')
        self.assert_fails("collector/cli/", "check_layers", self.root)

    def test_product_includes_tests(self):
        self.write("collector/drain.c", '#include "tests/unit/case.h"\n')
        self.assert_fails("only tests", "check_layers", self.root)

    def test_nothing_there(self):
        self.assert_fails("no sources", "check_layers", self.write("empty/x", "").parent)


class ShimExports(CheckTest):
    @classmethod
    def setUpClass(cls):
        text = (SCRIPTS / "check_exports").read_text(encoding="utf-8")
        names = text.split('"""')[3].split()
        cls.good = "".join(f"void {name}(void) {{}}\n" for name in names)

    def build(self, text, *options):
        return self.compile(text, "-fcf-protection=full", "-nostartfiles", *LINK, *options)

    def test_good(self):
        self.assert_passes("check_exports", "shim", self.build(self.good))

    def test_further_export(self):
        self.assert_fails("exports open64", "check_exports", "shim",
                          self.build(self.good + "void open64(void) {}"))

    def test_missing_export(self):
        self.assert_fails("does not export dlsym", "check_exports", "shim",
                          self.build(self.good.replace(" dlsym(", " ours_dlsym(")))

    def test_versioned_export(self):
        script = self.write("map", "OURS { global: dlsym; };\n")
        self.assert_fails("exports dlsym@@OURS", "check_exports", "shim",
                          self.build(self.good, f"-Wl,--version-script={script}"))

    def test_needs_another_library(self):
        self.assert_fails("needs libm.so.6", "check_exports", "shim",
                          self.build(self.good, "-Wl,--no-as-needed", "-lm"))

    def test_no_cet_note(self):
        made = self.compile(self.good, "-fcf-protection=none", "-nostartfiles", "-shared", "-fPIC")
        self.assert_fails("lacks IBT", "check_exports", "shim", made)

    def test_executable_stack(self):
        self.assert_fails("executable stack", "check_exports", "shim",
                          self.build(self.good, "-Wl,-z,execstack"))

    def test_somebody_elses_clock(self):
        self.assert_fails("calls nanosleep", "check_exports", "shim",
                          self.build(self.good.replace("void popen(void) {}", "int nanosleep(void *, void *);"
                                                       "int popen(void) { return nanosleep(0, 0); }")))

    def test_text_relocation(self):
        moved = '__asm__(".text\\n.quad elsewhere\\n");'
        self.assert_fails("text relocations", "check_exports", "shim",
                          self.build(self.good + moved, "-Wl,-z,notext"))


class CollectorExports(CheckTest):
    def test_good(self):
        made = self.compile("void ss_collector_run(void) {}", *LINK)
        self.assert_passes("check_exports", "collector", made)

    def test_further_export(self):
        made = self.compile("void ss_collector_run(void) {} void cJSON_Parse(void) {}", *LINK)
        self.assert_fails("cJSON_Parse", "check_exports", "collector", made)

    def test_no_export(self):
        made = self.compile("static int x;", *LINK)
        self.assert_fails("exports nothing", "check_exports", "collector", made)


class Hot(CheckTest):
    GOOD = "void ss_other(long); long ss_hot(long x) { ss_other(x); return x * 3; }"
    FLAGS = ("-c", "-mgeneral-regs-only", "-fno-stack-protector")

    def build(self, text, *options):
        return self.compile(text, *(options or self.FLAGS), name="object.o")

    def test_good(self):
        self.assert_passes("check_hot", self.build(self.GOOD))

    def test_thread_pointer_is_no_x87(self):
        text = self.GOOD + " __thread int ss_tls; int ss_get(void) { return ss_tls; }"
        self.assert_passes("check_hot", self.build(text, *self.FLAGS, "-ftls-model=initial-exec"))

    def test_libc_call(self):
        text = "void *memcpy(); void ss_copy(char *a, char *b, long n) { memcpy(a, b, n); }"
        self.assert_fails("memcpy", "check_hot", self.build(text))

    def test_errno(self):
        text = "int *__errno_location(void); void ss_clear(void) { *__errno_location() = 0; }"
        self.assert_fails("__errno_location", "check_hot", self.build(text))

    def test_vector_register(self):
        text = "struct s { long a[4]; }; void ss_copy(struct s *a, struct s *b) { *a = *b; }"
        self.assert_fails("xmm", "check_hot", self.build(text, "-c", "-O2", "-msse2"))

    def test_x87(self):
        for instruction in ("fldz", "fwait", "emms", "fldt (%rdi)", "kmovq %k1, %rax",
                            "vzeroupper", "ldmxcsr (%rdi)", "xsave (%rdi)"):
            with self.subTest(instruction):
                text = f'void ss_f(void) {{ __asm__ volatile("{instruction}"); }}'
                self.assert_fails(instruction.split()[0], "check_hot", self.build(text))

    def test_no_code(self):
        self.assert_fails("no code", "check_hot", self.build("int ss_x;"))

    @unittest.skipUnless(shutil.which("aarch64-linux-gnu-gcc"), "no cross compiler")
    def test_aarch64(self):
        made = self.root / "object.o"
        environment = unittest.mock.patch.dict(os.environ, OBJDUMP="aarch64-linux-gnu-objdump")
        # register names that are addresses, labels or constants there
        good = "void ss_d0(void); int ss_q2; void ss_b1(long x) { if (x > 0xd0) ss_d0(); }"
        with environment:
            for text, expected in [(good, None)] + [
                    ('void ss_f(void) { __asm__ volatile("%s"); }' % code, code.split()[0])
                    for code in ("fmov d0, d1", "movi v7.16b, #1", "ldr q31, [x0]", "msr fpsr, x0",
                                 "stp d8, d9, [sp]", "ptrue p15.b")]:
                with self.subTest(text):
                    subprocess.run(["aarch64-linux-gnu-gcc", "-c", "-O2", "-march=armv8-a+sve", "-xc",
                                    "-o", made, "-"], input=text, text=True, check=True)
                    if expected:
                        self.assert_fails(expected, "check_hot", made)
                    else:
                        self.assert_passes("check_hot", made)

    def linked(self, text):
        """text's functions, as an object that is the hot side and as a library made of it."""
        hot = self.build(text, "-c", "-O2", "-fPIC")
        library = self.root / "linked.so"
        subprocess.run(["gcc", "-shared", "-o", library, hot], check=True)
        return library, hot

    HOT = "void ss_record_enter(void) {{ {} }} void ss_record_exit(void) {{ }}"

    def test_linked(self):
        self.assert_passes("check_hot", "--linked", *self.linked(self.HOT.format("")))

    def test_linked_vector(self):
        text = self.HOT.format('__asm__ volatile("pxor %xmm1, %xmm1");')
        self.assert_fails("xmm1", "check_hot", "--linked", *self.linked(text))

    def test_linked_call(self):
        text = "void abort(void); " + self.HOT.format("abort();")
        self.assert_fails("@plt", "check_hot", "--linked", *self.linked(text))

    def test_linked_without_entry(self):
        self.assert_fails("ss_record_exit", "check_hot", "--linked",
                          *self.linked("void ss_record_enter(void) { }"))


class Sizes(CheckTest):
    def test_limits(self):
        self.write("shim/a.c", "\n" * 600)
        self.write("shim/a.h", "\n" * 150)
        self.assert_passes("check_sizes", self.root)
        for name, lines in (("collector/b.c", 601), ("tests/b.h", 151), ("shim/b.S", 601)):
            with self.subTest(name):
                path = self.write(name, "\n" * lines)
                self.assert_fails(f"{name}: {lines} lines", "check_sizes", self.root)
                path.unlink()


class Format(CheckTest):
    def test_format(self):
        if not shutil.which("clang-format"):
            self.skipTest("clang-format is not installed")
        shutil.copy(ROOT / ".clang-format", self.root)
        self.write("shim/a.c", "int a(void)\n{\n\treturn 0;\n}\n")
        self.assert_passes("check_format", self.root)
        self.write("shim/b.h", "int  b( void );\n")
        self.assert_fails("shim/b.h", "check_format", self.root)

    def test_skipped_without_the_tool(self):
        done = subprocess.run(["/usr/bin/python3", SCRIPTS / "check_format", ROOT],
                              env={**os.environ, "PATH": str(self.root)}, stdout=subprocess.PIPE)
        self.assertEqual(done.returncode, 77)


class Headers(CheckTest):
    def test_headers(self):
        self.write("shim/a.h", "#include <stdint.h>\nuint32_t a(void);\n")
        self.assert_passes("check_headers", self.root, *COMPILER)
        self.write("shim/b.h", "uint32_t b(void);\n")
        self.assert_fails("shim/b.h does not compile", "check_headers", self.root, *COMPILER)


class Paths(CheckTest):
    def test_paths(self):
        self.write("README.md", "To /tmp/x or /path/to/home/x; see shim/wo" + "rk/y and ~/.config.\n")
        self.assert_passes("check_paths", self.root)
        for top in ("root", "home", "work", "Users"):
            with self.subTest(top):
                self.write("docs/x.md", f"see /{top}/someone/x\n")
                self.assert_fails(f"docs/x.md:1: /{top}/s", "check_paths", self.root)

    def test_build_directories_do_not_count(self):
        self.write("a.c", "")
        self.write("build-asan/log", "/ho" + "me/x\n")
        self.assert_passes("check_paths", self.root)


class Man(CheckTest):
    """Pages of a command that has one subcommand, and the pages of commands that are still to come."""

    COMMAND = """#!/bin/sh
    case "$*" in
    --help) printf 'Commands:\\n  dig  digs\\n\\n' ;;
    env) printf 'DEPTH\\n    type     number\\n    default  3\\n    meaning  how deep\\n' ;;
    "dig --help") printf 'Options:\\n  -d, --deep N  deeper\\n      --dry     nothing\\n' ;;
    esac
    """
    OPTIONS = ".Bl -tag -width Ds\n.It Fl d Ar N , Fl Fl deep Ar N\nx\n.It Fl Fl dry\nx\n.El\n"

    def page(self, name, section, options="None.\n", environment="None.\n", description="Digs.\n"):
        text = (".Dd November 30, 2026\n.Dt %s %s\n.Os\n.Sh NAME\n.Nm %s\n.Nd dig\n.Sh SYNOPSIS\n.Nm\n"
                ".Sh DESCRIPTION\n%s.Sh OPTIONS\n%s.Sh ENVIRONMENT\n%s.Sh FILES\nNone.\n.Sh EXIT STATUS\n0.\n"
                ".Sh EXAMPLES\nNone.\n.Sh SEE ALSO\n.Xr %s\n"
                % (name.upper(), section, name, description, options, environment,
                   "cat 1" if name == "spanshim" else "spanshim 1"))
        return self.write("docs/man/%s.%s" % (name, section), text)

    def setUp(self):
        super().setUp()
        self.command = self.write("spanshim", self.COMMAND)
        self.command.chmod(0o755)
        self.page("spanshim", 1, description=".Bl -tag -width Ds\n.It Cm dig\ndigs\n.El\n")
        self.dig = self.page("spanshim-dig", 1, self.OPTIONS)
        self.page("spanshim-environment", 7, environment='.\\" table: begin\n.\\" table: end\n')
        self.assert_fails("--write", "check_man", self.root, self.command)
        self.assert_passes("check_man", self.root, self.command, "--write")

    def test_good(self):
        self.assert_passes("check_man", self.root, self.command)

    def test_table_is_old(self):
        path = self.root / "docs/man/spanshim-environment.7"
        path.write_text(path.read_text().replace("default 3", "default 4"))
        self.assert_fails("its table", "check_man", self.root, self.command)

    def test_options(self):
        self.page("spanshim-dig", 1, self.OPTIONS.replace("Fl Fl dry", "Fl Fl wet"))
        self.assert_fails("option --wet is none", "check_man", self.root, self.command)
        self.assert_fails("option --dry is missing", "check_man", self.root, self.command)

    def test_commands(self):
        self.page("spanshim-fly", 1)
        self.assert_fails("command fly is none", "check_man", self.root, self.command)
        self.dig.unlink()
        self.assert_fails("command dig is missing", "check_man", self.root, self.command)

    def test_text(self):
        self.dig.write_text(self.dig.read_text().replace(".Sh FILES\nNone.\n", "").replace(".Xr spanshim 1",
                                                                                        ".Xr spanshim-bin 1"))
        self.assert_fails("no section FILES", "check_man", self.root, self.command)
        self.assert_fails("refers to spanshim-bin(1)", "check_man", self.root, self.command)

    def test_macros(self):
        if not shutil.which("mandoc"):
            self.skipTest("mandoc is not installed")
        self.page("spanshim-dig", 1, self.OPTIONS, description=".Nonsense\n")
        self.assert_fails("mandoc", "check_man", self.root, self.command)


class UnderValgrind(CheckTest):
    """scripts/under_valgrind, which is to notice what happens in a child of a child."""

    MAIN = """#include <stdlib.h>
    #include <sys/wait.h>
    #include <unistd.h>
    int main(int n, char **v) {
        if (n < 3) {
            int status;
            if (!fork()) execl(v[0], v[0], v[1], "child", NULL);
            wait(&status);
            return *v[1] == 's' ? 5 : 0;
        }
        volatile char *p = malloc(8);
        if (*v[1] == 'w') p[8] = 1;
        if (*v[1] == 'l') p = NULL;
        free((void *)p);
        return 0;
    }"""

    def test_valgrind(self):
        if not shutil.which("valgrind"):
            self.skipTest("valgrind is not installed")
        made = self.compile(self.MAIN, "-O0", "-g", name="program")
        for what, status, reason in (("good", 0, ""), ("status", 5, ""),
                                     ("write", 99, "Invalid write"),
                                     ("leak", 99, "definitely lost")):
            with self.subTest(what):
                got, output = self.check("under_valgrind", made, what)
                self.assertEqual(got, status, output)
                self.assertIn(reason, output)


class Count(CheckTest):
    """scripts/count_tests: the line that scripts/test ends with."""

    def log(self, name, *entries):
        lines = [json.dumps({"name": "t", "stdout": "", **e}) + "\n" for e in entries]
        return self.write(name, "".join(lines))

    def assert_counts(self, expected, status, *logs):
        got, output = self.check("count_tests", *logs)
        self.assertEqual(output.splitlines()[-1], expected, output)
        self.assertEqual(got, status)

    def test_plain_tap_and_unittest(self):
        first = self.log("a.json", {"result": "OK"}, {"result": "SKIP"},
                         {"result": "OK", "stdout": "1..3\nok - a\nok - b\nok - c # SKIP no\n"})
        told = "..\n" + "-" * 70 + "\nRan 5 tests in 0.1s\n\nOK (skipped=2)\n"
        second = self.log("b.json", {"result": "OK", "stderr": told})
        self.assert_counts("6 passed, 0 failed, 4 skipped", 0, first, second)

    def test_failures(self):
        log = self.log("a.json", {"result": "FAIL", "stdout": "ok - a\nnot ok - b\nnot ok - c\n"},
                       {"result": "TIMEOUT"}, {"result": "UNEXPECTEDPASS"},
                       {"result": "FAIL",
                        "stderr": "Ran 3 tests in 1s\n\nFAILED (failures=1, errors=1)\n"})
        self.assert_counts("2 passed, 6 failed, 0 skipped", 1, log)

    def test_a_crash_after_the_last_ok_is_a_failure(self):
        log = self.log("a.json", {"result": "ERROR", "stdout": "ok - a\n"})
        self.assert_counts("1 passed, 1 failed, 0 skipped", 1, log)

    def test_missing_or_empty_log_is_a_failure(self):
        self.assert_counts("0 passed, 2 failed, 0 skipped", 1, self.root / "no.json",
                           self.log("empty.json"))


if __name__ == "__main__":
    unittest.main()
