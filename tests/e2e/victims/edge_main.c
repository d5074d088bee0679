/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads at an edge: wrapped calls that a cancellation is waiting for, or finds at any
 * instruction, threads with the smallest stack, and such whose first call comes on an alternate
 * one. argv[1] says which. Wrapped calls: "pending" vi_one 4; "asynchronous" vi_call 1, cancelled,
 * vi_one 1; "small" vi_one 3, vi_none 1, vi_plugged 1; "late" vi_one 2; "alternate" vi_one 4,
 * vi_jump 600, all left by longjmp.
 */
#include "abi.h"
#include "check.h"

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_barrier_t barrier;
static atomic_int spinning;
static int returned;
static char plugin[PATH_MAX];

/* vi_one is no cancellation point, so it has to return. */
static void *call_with_cancellation_pending(void *arg)
{
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	pthread_barrier_wait(&barrier); /* about to be cancelled */
	pthread_barrier_wait(&barrier); /* it was */
	pthread_setcancelstate(state, NULL);
	CHECK(vi_one((long)arg) == (long)arg + 1);
	returned++;
	pthread_testcancel();
	return NULL;
}

static void cancel_before_call(long number)
{
	pthread_t thread;
	void *result;

	CHECK(pthread_create(&thread, NULL, call_with_cancellation_pending, (void *)number) == 0);
	pthread_barrier_wait(&barrier);
	CHECK(pthread_cancel(thread) == 0);
	pthread_barrier_wait(&barrier);
	CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
}

/* The process's first wrapped call of all, then the first of other threads. */
static void check_pending(void)
{
	pthread_barrier_init(&barrier, NULL, 2);
	for (long i = 1; i <= 3; i++)
		cancel_before_call(i);
	CHECK(returned == 3);
	CHECK(vi_one(4) == 5);
}

static void spin(void *arg)
{
	(void)arg;
	for (;;)
		spinning++;
}

static void *spin_inside(void *arg)
{
	int type;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	vi_call(spin, arg);
	return NULL;
}

static void check_asynchronous(void)
{
	pthread_t thread;
	void *result;

	CHECK(pthread_create(&thread, NULL, spin_inside, NULL) == 0);
	while (!spinning)
		usleep(1000);
	CHECK(pthread_cancel(thread) == 0);
	CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
	CHECK(vi_one(1) == 2);
}

/* dlopen and dlsym are where objects are searched for what is declared. */
static void *work_on_small_stack(void *arg)
{
	long (*run)(void), (*plugged)(long);
	void *handle;

	CHECK(vi_one(1) == 2);
	handle = dlopen(plugin, RTLD_NOW);
	CHECK(handle);
	run = (long (*)(void))dlsym(handle, "vi_plugin_run");
	plugged = (long (*)(long))dlsym(handle, "vi_plugged");
	CHECK(run && run() == 3009);
	CHECK(plugged && plugged(4) == 8);
	pthread_exit(arg); /* loads what unwinds */
}

static void check_small(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	void *result;

	pthread_attr_init(&attributes);
	CHECK(pthread_attr_setstacksize(&attributes, (size_t)sysconf(_SC_THREAD_STACK_MIN)) == 0);
	CHECK(pthread_create(&thread, &attributes, work_on_small_stack, plugin) == 0);
	CHECK(pthread_join(thread, &result) == 0 && result == plugin);
	pthread_attr_destroy(&attributes);
}

static int is_late;

/* Behind all that the program registered with atexit, and behind other libraries' destructors. */
__attribute__((destructor(101))) static void call_late(void)
{
	if (is_late && vi_one(2) != 3)
		_exit(1);
}

static void on_signal(int number)
{
	CHECK(vi_one(number) == number + 1);
}

/* As often as records of calls in progress would be used up, did they stay with what was left. */
static void *jump_often(void *arg)
{
	char *stack = malloc(SIGSTKSZ);
	stack_t alternate = { .ss_sp = stack, .ss_size = SIGSTKSZ };

	CHECK(sigaltstack(&alternate, NULL) == 0);
	raise(SIGUSR1);
	for (volatile int i = 0; i < 300; i++) {
		jmp_buf buffer;

		if (setjmp(buffer) == 0)
			vi_jump(&buffer);
	}
	CHECK(vi_one(1) == 2);
	alternate.ss_flags = SS_DISABLE;
	sigaltstack(&alternate, NULL);
	free(stack);
	return arg;
}

static void check_alternate(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };
	pthread_t thread;

	sigaction(SIGUSR1, &action, NULL);
	CHECK(pthread_create(&thread, NULL, jump_often, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	jump_often(NULL);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	char directory[PATH_MAX - NAME_MAX] = "";

	CHECK(readlink("/proc/self/exe", directory, sizeof(directory) - 1) > 0);
	snprintf(plugin, sizeof(plugin), "%s/plug/libvictim_plugin.so", dirname(directory));
	is_late = !strcmp(mode, "late");
	if (!strcmp(mode, "pending"))
		check_pending();
	else if (!strcmp(mode, "asynchronous"))
		check_asynchronous();
	else if (!strcmp(mode, "small"))
		check_small();
	else if (!strcmp(mode, "alternate"))
		check_alternate();
	else
		CHECK(is_late && vi_one(1) == 2);
	return check_report("edge");
}
