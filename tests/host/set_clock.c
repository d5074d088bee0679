/* SPDX-License-Identifier: Apache-2.0
 *
 * A preload object that sets the wall clock of its process as settimeofday would set the machine's:
 * not libc's functions are replaced, which only some would call, but those of the kernel's vDSO,
 * which answer all. x86-64 only.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S   1000000000ll
#define PAGE_BYTES 4096ul

static long long ahead_ns;

static int told(clockid_t clock, struct timespec *ret_time)
{
	long r = syscall(SYS_clock_gettime, clock, ret_time);
	long long ns;

	if (r || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
		return (int)r;
	ns = ret_time->tv_sec * NS_PER_S + ret_time->tv_nsec + ahead_ns;
	*ret_time = (struct timespec){ ns / NS_PER_S, ns % NS_PER_S };
	return 0;
}

static int told_of_day(struct timeval *ret_time, void *zone)
{
	struct timespec now;

	(void)zone;
	told(CLOCK_REALTIME, &now);
	if (ret_time)
		*ret_time = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
	return 0;
}

static time_t told_time(time_t *ret_time)
{
	struct timespec now;

	told(CLOCK_REALTIME, &now);
	if (ret_time)
		*ret_time = now.tv_sec;
	return now.tv_sec;
}

/* The function's first instructions become a jump. */
static void replace(void *vdso, const char *name, void *with)
{
	static const unsigned char load[] = { 0x48, 0xb8 }, jump[] = { 0xff, 0xe0 };
	unsigned char *at = dlsym(vdso, name);
	void *page = (void *)((uintptr_t)at & ~(PAGE_BYTES - 1));

	if (!at || mprotect(page, 2 * PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC))
		abort();
	memcpy(at, load, 2);
	memcpy(at + 2, &with, 8);
	memcpy(at + 10, jump, 2);
}

/* Before anybody has asked what time it is: preloaded objects' constructors run in reverse order.
 */
__attribute__((constructor)) static void begin(void)
{
	void *vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_NOLOAD);
	const char *ahead = getenv("AHEAD_NS");

	if (!vdso)
		abort();
	ahead_ns = ahead ? atoll(ahead) : 0;
	replace(vdso, "__vdso_clock_gettime", (void *)told);
	replace(vdso, "__vdso_gettimeofday", (void *)told_of_day);
	replace(vdso, "__vdso_time", (void *)told_time);
}

__attribute__((visibility("default"))) void step_clock(long long ns)
{
	ahead_ns += ns;
}
