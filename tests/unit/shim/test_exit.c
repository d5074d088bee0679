/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/exit.h"
#include "shim/intercept/intercept.h"
#include "shim/process.h"

bool ss_retired; /* shim/hot.h */

/* What happened in the child, seen by its parent. */
static struct {
	int flushes, finishes;
	int hide_real;
} * shared;

void ss_process_main_leaves(void)
{
}

void ss_process_flush(void)
{
	if (shared)
		shared->flushes++;
}

void ss_process_finish(void)
{
	if (shared)
		shared->finishes++;
}

void *ss_intercept_real(const char *name)
{
	return shared && shared->hide_real ? NULL : dlsym(RTLD_NEXT, name);
}

static void map_shared(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	cr_assert_neq(shared, MAP_FAILED);
}

static void unmap_shared(void)
{
	munmap(shared, sizeof(*shared));
	shared = NULL;
}

TestSuite(exit, .init = map_shared, .fini = unmap_shared);

static int status_of(void (*end)(int), int status)
{
	int wait_status;
	pid_t pid = fork();

	if (pid == 0) {
		ss_exit_resolve();
		end(status);
	}
	cr_assert_eq(waitpid(pid, &wait_status, 0), pid);
	return wait_status;
}

static void assert_ends(void (*end)(int), int status, int finish_count)
{
	int wait_status = status_of(end, status);

	cr_assert(WIFEXITED(wait_status));
	cr_assert_eq(WEXITSTATUS(wait_status), status & 0xff);
	cr_assert_eq(shared->finishes, finish_count);
	cr_assert_eq(shared->flushes, 0);
}

Test(exit, underscore_exit)
{
	assert_ends(_exit, 3, 1);
	assert_ends(_exit, 0, 2);
	assert_ends(_exit, 300, 3);
}

Test(exit, c99_exit)
{
	assert_ends(_Exit, 4, 1);
}

Test(exit, without_libc_the_process_ends_all_the_same)
{
	shared->hide_real = 1;
	assert_ends(_exit, 6, 1);
	assert_ends(_Exit, 7, 2);
}

static void call_abort(int unused)
{
	signal(SIGABRT, SIG_DFL);
	abort();
}

Test(exit, abort_flushes_and_dies_of_sigabrt)
{
	int status = status_of(call_abort, 0);

	cr_assert(WIFSIGNALED(status));
	cr_assert_eq(WTERMSIG(status), SIGABRT);
	cr_assert_eq(shared->flushes, 1);
	cr_assert_eq(shared->finishes, 0);
}

static sigjmp_buf back;

static void jump_back(int signal)
{
	siglongjmp(back, 1);
}

static void survive_abort(int status)
{
	signal(SIGABRT, jump_back);
	if (sigsetjmp(back, 1) == 0)
		abort();
	_exit(status);
}

Test(exit, host_may_go_on_after_abort)
{
	int status = status_of(survive_abort, 9);

	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 9);
	cr_assert_eq(shared->flushes, 1);
	cr_assert_eq(shared->finishes, 1);
}
