/* SPDX-License-Identifier: Apache-2.0
 *
 * A preload object of somebody else's that answers libc's clocks and sleeps: each question moves
 * time on by a millisecond, some set it back an hour, and sleeping takes no time. So what the
 * program sees depends on how often anybody asks. At the end it says how often that was.
 */
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ll
#define BEGIN_NS (1000000000ll * NS_PER_S)
#define BACK_NS  (3600ll * NS_PER_S)

static long asked;
static pid_t first;

static long long now_ns(void)
{
	long n = __atomic_add_fetch(&asked, 1, __ATOMIC_RELAXED);

	return BEGIN_NS + n * 1000000ll - (n / 20 % 2 ? BACK_NS : 0);
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	long long ns = now_ns();

	(void)clock;
	*ret_time = (struct timespec){ ns / NS_PER_S, ns % NS_PER_S };
	return 0;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
	long long ns = now_ns();

	(void)zone;
	*ret_time = (struct timeval){ ns / NS_PER_S, ns % NS_PER_S / 1000 };
	return 0;
}

time_t time(time_t *ret_time)
{
	time_t now = now_ns() / NS_PER_S;

	if (ret_time)
		*ret_time = now;
	return now;
}

static int sleep_no_time(void)
{
	__atomic_add_fetch(&asked, 1, __ATOMIC_RELAXED);
	return 0;
}

int nanosleep(const struct timespec *time, struct timespec *ret_left)
{
	(void)time;
	(void)ret_left;
	return sleep_no_time();
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
		    struct timespec *ret_left)
{
	(void)clock;
	(void)flags;
	(void)time;
	(void)ret_left;
	return sleep_no_time();
}

int usleep(useconds_t us)
{
	(void)us;
	return sleep_no_time();
}

__attribute__((constructor)) static void begin(void)
{
	first = getpid();
}

__attribute__((destructor)) static void end(void)
{
	if (getpid() == first)
		fprintf(stderr, "false clock: asked %ld times\n", asked);
}
