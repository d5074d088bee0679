/* SPDX-License-Identifier: Apache-2.0
 *
 * The other ways out of a wrapped call (pthread_cancel, pthread_exit, longjmp) and backtrace()
 * through one. Wrapped calls: vi_block 1, cancelled; vi_call 4, of which 1 is left by pthread_exit
 * and 1 by longjmp; vi_jump 2, left by longjmp; vi_one 2.
 */
#include "abi.h"
#include "check.h"

#include <execinfo.h>
#include <pthread.h>
#include <setjmp.h>
#include <unistd.h>

static jmp_buf buffer;
static int cleaned;

static void clean(void *arg)
{
	(void)arg;
	cleaned++;
}

static void *block(void *arg)
{
	pthread_cleanup_push(clean, arg);
	vi_block();
	pthread_cleanup_pop(0);
	return NULL;
}

static void exit_thread(void *arg)
{
	pthread_exit(arg);
}

static void *leave(void *arg)
{
	vi_call(exit_thread, arg);
	return NULL;
}

static void check_threads(void)
{
	void *result = NULL;
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, block, NULL) == 0);
	usleep(50000);
	CHECK(pthread_cancel(thread) == 0);
	CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
	CHECK(cleaned == 1);
	CHECK(pthread_create(&thread, NULL, leave, &buffer) == 0);
	CHECK(pthread_join(thread, &result) == 0 && result == &buffer);
}

static void jump(void *arg)
{
	vi_jump(arg);
}

static void check_jumps(void)
{
	volatile int jumps = 0;

	if (setjmp(buffer) == 0)
		vi_jump(&buffer);
	else
		jumps++;
	CHECK(vi_one(1) == 2);
	if (setjmp(buffer) == 0)
		vi_call(jump, &buffer);
	else
		jumps++;
	CHECK(vi_one(2) == 3);
	CHECK(jumps == 2);
}

struct trace {
	void *addresses[64];
	int count;
};

static void take_trace(void *arg)
{
	struct trace *trace = arg;

	trace->count = backtrace(trace->addresses, 64);
}

static void take_nested_trace(void *arg)
{
	vi_call(take_trace, arg);
}

/* The frame of this very function must be found behind two wrapped calls. */
__attribute__((noinline)) static void check_backtrace(void)
{
	void *me = __builtin_return_address(0);
	struct trace trace = { .count = 0 };
	int found = 0;

	vi_call(take_nested_trace, &trace);
	for (int i = 0; i < trace.count; i++)
		found += trace.addresses[i] == me;
	CHECK(found == 1);
}

int main(void)
{
	check_backtrace();
	check_threads();
	check_jumps();
	return check_report("leave");
}
