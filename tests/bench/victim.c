/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls foo() through the PLT from one or more threads, at full speed or at a set rate, and prints
 * what a call took: "calls N ns X burst Y": X is the mean over the threads of each thread's median
 * batch, Y the longest time that one burst of 64 calls took. With `wait` it says "ready" after its
 * warm-up calls and waits for a line on stdin, and again before it ends: time to look at it. Clock
 * and yield go through pointers, not the PLT, so that a tracer of PLT calls sees foo() alone.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/foo.h"

#define BATCHES     20u
#define BURST       64u
#define WARM_CALLS  100u
#define THREADS_MAX 64u

struct worker {
	pthread_t thread;
	uint64_t calls;  /* a multiple of BATCHES * BURST */
	double burst_ns; /* from one burst's start to the next; 0: full speed */
	double median_ns;
	uint64_t longest_ns;
	unsigned cpu;
	int last;
};

static int (*volatile read_clock)(clockid_t, struct timespec *) = clock_gettime;
static int (*volatile yield)(void) = sched_yield;
static pthread_barrier_t ready;

static uint64_t now_ns(void)
{
	struct timespec t;

	read_clock(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pin(unsigned cpu)
{
	cpu_set_t allowed, one;
	unsigned n = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return;
	cpu %= (unsigned)CPU_COUNT(&allowed);
	for (unsigned i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &allowed) || n++ != cpu)
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Time spent in `bursts` bursts; the waits between them do not count. A function of its own, for
 * what counts its instructions. */
static __attribute__((noinline)) uint64_t run_batch(struct worker *w, uint64_t bursts,
						    double *deadline)
{
	uint64_t busy = 0;
	int x = w->last;

	for (uint64_t i = 0; i < bursts; i++) {
		uint64_t t0 = now_ns(), took;

		for (unsigned k = 0; k < BURST; k++)
			x = foo(x);
		took = now_ns() - t0;
		busy += took;
		if (took > w->longest_ns)
			w->longest_ns = took;
		*deadline += w->burst_ns;
		/* the recorder's own thread may need this processor */
		while (w->burst_ns > 0 && now_ns() < (uint64_t)*deadline)
			yield();
	}
	w->last = x;
	return busy;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t per_batch = w->calls / BATCHES;
	double ns[BATCHES], deadline;

	pin(w->cpu);
	for (unsigned i = 0; i < WARM_CALLS; i++)
		w->last = foo(w->last);
	pthread_barrier_wait(&ready); /* all are warm ... */
	pthread_barrier_wait(&ready); /* ... and off they go */
	deadline = (double)now_ns();
	for (unsigned b = 0; b < BATCHES; b++)
		ns[b] = (double)run_batch(w, per_batch / BURST, &deadline) / (double)per_batch;
	qsort(ns, BATCHES, sizeof(ns[0]), compare);
	w->median_ns = (ns[BATCHES / 2 - 1] + ns[BATCHES / 2]) / 2;
	return NULL;
}

static void start(struct worker *w, unsigned cpu, uint64_t calls, double rate)
{
	int error;

	w->cpu = cpu;
	w->calls = calls;
	w->burst_ns = rate > 0 ? BURST * 1e9 / rate : 0;
	error = pthread_create(&w->thread, NULL, work, w);
	if (error) {
		fprintf(stderr, "victim: pthread_create: %s\n", strerror(error));
		exit(1);
	}
}

static void wait_for_line(bool wait)
{
	while (wait && getchar() != '\n' && !feof(stdin))
		;
}

int main(int argc, char **argv)
{
	static struct worker workers[THREADS_MAX];
	unsigned threads = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
	double calls = argc > 2 ? atof(argv[2]) : 0, rate = argc > 3 ? atof(argv[3]) : 0, sum = 0;
	bool wait = argc > 4 && strcmp(argv[4], "wait") == 0;
	uint64_t bursts, total = 0, longest_ns = 0;

	if (!threads || threads > THREADS_MAX || calls <= 0) {
		fprintf(stderr,
			"usage: victim THREADS CALLS-PER-THREAD [CALLS/S-PER-THREAD [wait]]\n");
		return 2;
	}
	bursts = (uint64_t)calls / BURST / BATCHES + 1;
	pthread_barrier_init(&ready, NULL, threads + 1);
	for (unsigned i = 0; i < threads; i++)
		start(&workers[i], i, bursts * BATCHES * BURST, rate);
	pthread_barrier_wait(&ready);
	if (wait) {
		puts("ready");
		fflush(stdout);
	}
	wait_for_line(wait);
	pthread_barrier_wait(&ready);
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		total += workers[i].calls + WARM_CALLS;
		sum += workers[i].median_ns;
		if (workers[i].longest_ns > longest_ns)
			longest_ns = workers[i].longest_ns;
	}
	printf("calls %llu ns %.2f burst %llu\n", (unsigned long long)total, sum / threads,
	       (unsigned long long)longest_ns);
	fflush(stdout);
	wait_for_line(wait);
	return 0;
}
