/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls load.h's functions in known numbers and tells on stdout what it did. Knows nothing of
 * spanshim.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/e2e/load/load.h"

#define THREADS_MAX 64
#define PAUSE_ACTS  100

struct worker {
	pthread_t thread;
	int number;
	long acts;
	struct load_session *session; /* NULL: acts without one */
	long done;
};

/* How far a thread has come, in memory that outlives a kill. */
struct counters {
	_Alignas(64) volatile long begun;
	volatile long ended;
	volatile long promised; /* ended before the process began to end by itself */
};

static struct counters *counters;
static struct worker workers[THREADS_MAX];
static int worker_count;
static useconds_t pause_us; /* after every PAUSE_ACTS acts */

static void *work(void *arg)
{
	struct worker *w = arg;
	long done = 0;

	for (long i = 0; i < w->acts; i++) {
		if (w->session)
			done += load_act_in(w->session, w->number, i, 0) == 0;
		else
			done += load_act(w->number, i) == 0;
	}
	w->done = done;
	return NULL;
}

static void *count(void *arg)
{
	struct worker *w = arg;
	struct counters *own = &counters[w->number];

	for (long i = 0; i < w->acts; i++) {
		__atomic_store_n(&own->begun, i + 1, __ATOMIC_RELAXED);
		load_act_in(w->session, w->number, i, 0);
		__atomic_store_n(&own->ended, i + 1, __ATOMIC_RELAXED);
		if (pause_us && i % PAUSE_ACTS == PAUSE_ACTS - 1)
			usleep(pause_us);
	}
	return NULL;
}

static void run_workers(void *routine)
{
	for (int i = 0; i < worker_count; i++)
		pthread_create(&workers[i].thread, NULL, *(void *(**)(void *))routine, &workers[i]);
	for (int i = 0; i < worker_count; i++)
		pthread_join(workers[i].thread, NULL);
}

static void set_workers(int threads, long acts, struct load_session *session, int every)
{
	worker_count = threads < THREADS_MAX ? threads : THREADS_MAX;
	for (int i = 0; i < worker_count; i++)
		workers[i] = (struct worker){ .number = i,
					      .acts = acts,
					      .session = i % every == 0 ? session : NULL };
}

/* THREADS ACTS: odd threads act under the span that started them, even ones under the session */
static int threads(char **argv)
{
	struct load_session *session = load_open("threads");
	void *(*routine)(void *) = work;
	long done = 0;

	set_workers(atoi(argv[0]), atol(argv[1]), session, 2);
	load_around(-1, run_workers, &routine);
	load_close(session);
	for (int i = 0; i < worker_count; i++)
		done += workers[i].done;
	printf("acts %ld\n", done);
	return 0;
}

/* Ends the process while its threads work. */
static int end_by(const char *how, char *self)
{
	for (int i = 0; i < worker_count; i++)
		counters[i].promised = __atomic_load_n(&counters[i].ended, __ATOMIC_RELAXED);
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "_exit"))
		_exit(3);
	if (!strcmp(how, "exec"))
		execl("/proc/self/exe", self, "nested", "1", NULL);
	raise(atoi(how));
	return 1;
}

/* THREADS FILE PAUSE_US [MS END]: keeps count in FILE, of acts under one session, until killed; or
 * after MS ends itself: by "abort", "_exit", "exec", or a signal's number */
static int kill_me(char **argv)
{
	struct load_session *session = load_open("kill");
	void *(*routine)(void *) = count;
	int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
	size_t bytes = THREADS_MAX * sizeof(*counters);

	if (fd < 0 || ftruncate(fd, (off_t)bytes))
		return 1;
	counters = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counters == MAP_FAILED)
		return 1;
	pause_us = (useconds_t)atoi(argv[2]);
	set_workers(atoi(argv[0]), INT64_MAX, session, 1);
	if (!argv[3] || !argv[4]) {
		run_workers(&routine);
		return 0;
	}
	for (int i = 0; i < worker_count; i++)
		pthread_create(&workers[i].thread, NULL, count, &workers[i]);
	usleep((useconds_t)atoi(argv[3]) * 1000);
	return end_by(argv[4], argv[0]);
}

/* THREADS MS: acts without end; main returns after MS */
static int leave(char **argv)
{
	set_workers(atoi(argv[0]), INT64_MAX, NULL, 1);
	for (int i = 0; i < worker_count; i++)
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	usleep((useconds_t)atoi(argv[1]) * 1000);
	return 0;
}

/* ACTS: acts of one thread; prints how long they took */
static int speed(char **argv)
{
	struct load_session *session = load_open("speed");
	struct timespec from, to;
	long acts = atol(argv[0]);

	load_act_in(session, 0, 0, 0);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (long i = 1; i < acts; i++)
		load_act_in(session, 0, i, 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	load_close(session);
	printf("acts %ld ns %lld\n", acts,
	       (to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec - from.tv_nsec);
	fflush(stdout); /* whoever waits for this line must not wait for the end */
	return 0;
}

static void *open_one(void *arg)
{
	*(struct load_session **)arg = load_open("handover");
	return NULL;
}

static void *act_one(void *arg)
{
	load_act_in(*(struct load_session **)arg, 1, 1, 0);
	return NULL;
}

static void *close_one(void *arg)
{
	load_close(*(struct load_session **)arg);
	return NULL;
}

static void in_thread(void *(*routine)(void *), void *arg)
{
	pthread_t thread;

	pthread_create(&thread, NULL, routine, arg);
	pthread_join(thread, NULL);
}

/* opened on one thread, used on another, closed on a third; COUNT times */
static int handover(char **argv)
{
	for (long i = atol(argv[0]); i > 0; i--) {
		struct load_session *session = NULL;

		in_thread(open_one, &session);
		in_thread(act_one, &session);
		in_thread(close_one, &session);
	}
	return 0;
}

struct level {
	int number, last;
};

static void go_deeper(void *arg)
{
	struct level *level = arg;
	struct level next = { level->number + 1, level->last };

	if (level->number == level->last)
		return;
	load_around(next.number, go_deeper, &next);
	load_act(next.number, 0); /* after the nested one: its parent is the enclosing level */
}

/* DEPTH: acts nested in one another, and one more beside each */
static int nested(char **argv)
{
	struct level top = { 0, atoi(argv[0]) };

	go_deeper(&top);
	return 0;
}

static void *grandchild(void *arg)
{
	load_act(2, 0);
	return arg;
}

static void *child(void *arg)
{
	load_act(1, 0);
	in_thread(grandchild, NULL);
	return arg;
}

static void have_child(void *arg)
{
	in_thread(child, arg);
}

/* a thread started in an act, one started by that thread, and one started after the act */
static int inheritance(char **argv)
{
	load_around(0, have_child, NULL);
	in_thread(grandchild, NULL);
	load_act(0, 0);
	return 0;
}

/* CODES...: one act each, with that result */
static int results(char **argv)
{
	struct load_session *session = load_open("results");

	for (int i = 0; argv[i]; i++)
		load_act_in(session, 0, i, atoi(argv[i]));
	load_close(session);
	return 0;
}

/* THREADS ACTS FORKS: threads act while the main thread forks children, each of which acts twice */
static int forks(char **argv)
{
	int status;

	set_workers(atoi(argv[0]), atol(argv[1]), NULL, 1);
	for (int i = 0; i < worker_count; i++)
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	for (int i = atoi(argv[2]); i > 0; i--) {
		pid_t pid = fork();

		if (pid == 0) {
			load_act(THREADS_MAX, 0);
			load_act(THREADS_MAX, 1);
			_exit(0);
		}
		if (waitpid(pid, &status, 0) != pid || status)
			return 1;
	}
	for (int i = 0; i < worker_count; i++)
		pthread_join(workers[i].thread, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(char **argv);
		int arguments;
	} modes[] = {
		{ "threads", threads, 2 }, { "kill", kill_me, 3 },
		{ "speed", speed, 1 },     { "handover", handover, 1 },
		{ "nested", nested, 1 },   { "inheritance", inheritance, 0 },
		{ "results", results, 1 }, { "forks", forks, 3 },
		{ "leave", leave, 2 },
	};

	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(argv[1], modes[i].name) && argc - 2 >= modes[i].arguments)
			return modes[i].run(argv + 2);
	fprintf(stderr, "usage: drive MODE ARGUMENT...\n");
	return 2;
}
