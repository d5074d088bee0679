/* SPDX-License-Identifier: Apache-2.0
 *
 * A sampling profiler inside the process: SIGPROF takes a backtrace at any instruction of the way
 * through a wrapped call, and must always get back to main. Goes on until it has argv[1] samples
 * (default 50, which takes 0.2 s). Prints "calls N", the number of wrapped calls (vi_one), on
 * stdout.
 */
#include "abi.h"
#include "check.h"

#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

static volatile long samples, lost;
static char *caller; /* return address of work, in main */

static void sample(int signal)
{
	void *addresses[64];
	int count = backtrace(addresses, 64), found = 0;

	(void)signal;
	for (int i = 0; i < count; i++)
		found |= addresses[i] == caller;
	samples++;
	lost += !found;
}

__attribute__((noinline)) static long work(long wanted)
{
	struct itimerval every = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
	long calls = 0;

	caller = __builtin_return_address(0);
	setitimer(ITIMER_PROF, &every, NULL);
	while (samples < wanted) {
		CHECK(vi_one(calls) == calls + 1);
		calls++;
	}
	setitimer(ITIMER_PROF, &never, NULL);
	return calls;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = sample, .sa_flags = SA_RESTART };
	long wanted = argc > 1 ? atol(argv[1]) : 50;
	void *first[2];

	backtrace(first, 2); /* loads libgcc_s outside the handler */
	sigaction(SIGPROF, &action, NULL);
	printf("calls %ld\n", work(wanted));
	fprintf(stderr, "%ld samples, %ld without main\n", samples, lost);
	CHECK(lost == 0);
	return check_report("profile");
}
