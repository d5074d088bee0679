/* SPDX-License-Identifier: Apache-2.0
 *
 * Usage: proc_kill COUNTER_FILE THREADS PAUSE_US
 * THREADS threads act until somebody kills the process, PAUSE_US microseconds apart (0: no pause),
 * under the main thread's vict_call, which never returns. A line ("victim") is printed when all are
 * at it. COUNTER_FILE, THREADS * 64 bytes, is mapped shared and so survives: per thread two native
 * 64-bit numbers, acts entered and acts returned, counted by the victim itself right before and
 * after each.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tally.h"
#include "vict_proc.h"

#define STARTED_ACTS 100

struct counters {
	_Alignas(64) uint64_t entered;
	uint64_t returned;
};

static struct counters *all;
static int thread_count, pause_us;

static void *act_on(void *own)
{
	struct counters *counters = own;

	for (;;) {
		__atomic_store_n(&counters->entered, counters->entered + 1, __ATOMIC_RELEASE);
		if (vict_act(1) != 2)
			_exit(99);
		__atomic_store_n(&counters->returned, counters->returned + 1, __ATOMIC_RELEASE);
		if (pause_us > 0)
			usleep((useconds_t)pause_us);
	}
}

static int all_started(void)
{
	for (int i = 0; i < thread_count; i++)
		if (__atomic_load_n(&all[i].returned, __ATOMIC_ACQUIRE) < STARTED_ACTS)
			return 0;
	return 1;
}

static void start_threads(void *unused)
{
	(void)unused;
	for (int i = 0; i < thread_count; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, act_on, &all[i]) != 0)
			_exit(95);
	}
	while (!all_started())
		usleep(1000);
	tally_print("victim");
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	size_t bytes;
	int fd;

	if (argc != 4)
		return 2;
	thread_count = atoi(argv[2]);
	pause_us = atoi(argv[3]);
	bytes = (size_t)thread_count * sizeof(*all);
	fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		return 3;
	all = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (all == MAP_FAILED)
		return 3;
	tally_call(start_threads, NULL);
	return 0;
}
