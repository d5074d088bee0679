# SPDX-License-Identifier: Apache-2.0
"""A program of another libc meets the shim built for glibc: it runs as ever, and the log says why."""

import shutil
import subprocess
import unittest

from harness import PROCESS_BINDING, Case, main, unfit

# Goes through each kind of function that the shim has one of its own for.
PROGRAM = """
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

static void *run(void *arg) { return arg; }
static int run_c11(void *arg) { thrd_exit(arg != NULL); }
static void last(void) { puts("last"); fflush(stdout); }

int main(int argc, char **argv)
{
	pthread_t posix;
	thrd_t c11;
	void *result = NULL;
	Dl_info info;
	int status, made = 0;
	pid_t child;

	if (argc > 1) {
		puts(argv[1]);
		_exit(3);
	}
	atexit(last);
	made += pthread_create(&posix, NULL, run, argv) == 0 && pthread_join(posix, &result) == 0 &&
		result == argv;
	made += thrd_create(&c11, run_c11, argv) == thrd_success &&
		thrd_join(c11, &status) == thrd_success && status == 1;
	made += dlsym(RTLD_DEFAULT, "strlen") == (void *)strlen;
	made += dladdr(main, &info) != 0 && dlsym(RTLD_DEFAULT, "gnu_get_libc_version") == NULL;
	printf("%d made\\n", made);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		execl(argv[0], argv[0], "child", NULL);
		_exit(4);
	}
	waitpid(child, &status, 0);
	printf("%d\\n", WEXITSTATUS(status));
	fflush(stdout);
	return system("exit 5") == 5 << 8 ? 7 : 8;
}
"""


@unfit("their run time is for glibc")
@unittest.skipUnless(shutil.which("musl-gcc"), "no musl-gcc")
class Musl(Case):
    def setUp(self):
        super().setUp()
        self.program = self.path("program")
        subprocess.run(["musl-gcc", "-o", self.program, self.write("program.c", PROGRAM)], check=True)

    def test_program_runs_as_ever(self):
        for via in ("run", "preload"):
            with self.subTest(via=via):
                result = self.trace([self.program], via=via, bindings=PROCESS_BINDING, quiet=False)
                self.assertEqual(result.visible, (b"4 made\nchild\n3\nlast\n", b"", 7))
                self.assertEqual(result.dump.spans, [])

    def test_log_says_why(self):
        result = self.trace([self.program], bindings=PROCESS_BINDING, quiet=False)
        lines = [line for line in result.log.splitlines() if "nothing is traced" in line]
        self.assertEqual(len(lines), 2, result.log)  # the program and itself again
        for line in lines:
            self.assertRegex(line, r"^spanshim\[\d+\]: nothing is traced: the program's libc is not "
                                   r"glibc, for which spanshim was built$")


if __name__ == "__main__":
    main()
