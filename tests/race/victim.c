/* SPDX-License-Identifier: Apache-2.0
 *
 * What step.c follows instruction by instruction: a program with known calls, preloaded with the
 * real shim. Between two marks lies what is stepped through. Usage: race_victim SCENARIO [COUNT]
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/load/load.h"
#include "tests/race/victim.h"

static char name[VICTIM_NAME_BYTES + 1];
static volatile long handled;

/* Tells the tracer, which stops this thread here. */
static void mark(void)
{
#if defined(__x86_64__)
	__asm__ volatile("int3");
#endif
}

static void act(long sequence)
{
	load_act(VICTIM_THREAD, sequence);
}

static void session(void)
{
	load_close(load_open(name));
}

static void act_inside(void *sequence)
{
	act((long)sequence);
}

static void nested(long sequence)
{
	load_around(1, act_inside, (void *)sequence);
}

static void act_between_marks(void *sequence)
{
	mark();
	act((long)sequence);
	mark();
}

static void opened(long sequence)
{
	load_around(1, act_between_marks, (void *)sequence);
}

/* The thread's first call, its end, and all that lies between. */
static void *short_life(void *sequence)
{
	mark();
	nested((long)sequence);
	return NULL;
}

static void thread(long sequence)
{
	pthread_t id;

	if (pthread_create(&id, NULL, short_life, (void *)sequence) == 0)
		pthread_join(id, NULL);
}

static void handle(int number)
{
	(void)number;
	act(VICTIM_HANDLED + handled++);
	mark();
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	long count = argc > 2 ? atol(argv[2]) : 1;

	memset(name, 'n', VICTIM_NAME_BYTES);
	signal(SIGUSR1, handle);
	if (strcmp(what, "image") != 0)
		act(0);
	for (long i = 1; i <= count; i++) {
		if (strcmp(what, "opened") != 0)
			mark();
		if (strcmp(what, "thread") == 0)
			thread(i);
		else if (strcmp(what, "session") == 0)
			session();
		else if (strcmp(what, "nested") == 0)
			nested(i);
		else if (strcmp(what, "opened") == 0)
			opened(i);
		else
			act(i);
	}
	mark();
	return 0;
}
