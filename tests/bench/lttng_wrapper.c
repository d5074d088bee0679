/* SPDX-License-Identifier: Apache-2.0
 *
 * What one would write by hand to trace foo() with LTTng-UST: a preloaded wrapper with a tracepoint
 * before and after the real call. The benchmark's other contestant.
 */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "tests/bench/lttng_events.h"

#include <dlfcn.h>

#include "tests/bench/foo.h"

static int (*real_foo)(int);

__attribute__((constructor)) static void find_real(void)
{
	real_foo = (int (*)(int))dlsym(RTLD_NEXT, "foo");
}

__attribute__((visibility("default"))) int foo(int x)
{
	int result;

	lttng_ust_tracepoint(bench, begin, x);
	result = real_foo(x);
	lttng_ust_tracepoint(bench, end, result);
	return result;
}
