/* SPDX-License-Identifier: Apache-2.0
 *
 * The exported wrappers of the functions that end a process without running its exit handlers: the
 * image is finished first. exit() and quick_exit() need none: main.c registers a handler with each.
 * Runs on host threads, in signal handlers and in vfork children.
 * Must not: allocate or lock.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

#include "arch.h"
#include "shim/exit.h"
#include "shim/hot.h"
#include "shim/intercept/intercept.h"
#include "shim/process.h"

#define EXPORTED __attribute__((visibility("default")))

static void (*next__exit)(int), (*next__Exit)(int);

void ss_exit_resolve(void)
{
	next__exit = (void (*)(int))ss_intercept_real("_exit");
	next__Exit = (void (*)(int))ss_intercept_real("_Exit");
}

/* A child that clone made may have no thread-local storage to speak of (Chromium's, for one): the
 * loader's locks, errno and the like are out of its reach. */
static _Noreturn void end_process(void (*next)(int), int status)
{
	ss_process_finish();
	if (next)
		next(status);
	for (;;)
		ss_arch_syscall6(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

EXPORTED void _exit(int status)
{
	end_process(next__exit, status);
}

EXPORTED void _Exit(int status)
{
	end_process(next__Exit, status);
}

/* Thread ends. Only the first thread's matters: the others then decide when the process is over. */
static void leave_thread(void)
{
	if (!ss_retired && syscall(SYS_gettid) == syscall(SYS_getpid))
		ss_process_main_leaves();
}

EXPORTED void pthread_exit(void *value)
{
	void (*function)(void *) = ss_intercept_real("pthread_exit");

	leave_thread();
	if (function)
		function(value);
	for (;;)
		syscall(SYS_exit, 0);
}

EXPORTED void thrd_exit(int value)
{
	void (*function)(int) = ss_intercept_real("thrd_exit");

	leave_thread();
	if (function)
		function(value);
	for (;;)
		syscall(SYS_exit, 0);
}

/* A SIGABRT handler may jump back into the host, so the image is not finished. */
EXPORTED void abort(void)
{
	void (*function)(void) = ss_intercept_real("abort");

	ss_process_flush();
	if (function)
		function();
	for (;;)
		syscall(SYS_exit_group, 128 + SIGABRT);
}
