/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that are interrupted: a storm of signals without SA_RESTART at every thread that the
 * process has, while they call the tests' library and block in system calls; then single signals to
 * a thread that is known to block. Prints what any run of it must: what was done, that calls were
 * interrupted and none failed otherwise, that errno was left alone, whose threads handlers ran on.
 * As the last line: how many acts there were, handlers' included, and signals a second.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/e2e/load/load.h"

#define WORKERS   4
#define ROUNDS    150 /* of a worker in the storm */
#define ACTS      40  /* in each of them */
#define SINGLE    10  /* signals for each kind of call */
#define TASKS_MAX 64
#define BLOCK_NS  300000 /* of a call in the storm, when it is let alone */
#define PERIOD_NS 100000 /* between two signals to a thread */
#define STRANGE   4242   /* no errno of anybody's */

struct worker {
	pthread_t thread;
	int number, pair[2], timer;
	sem_t never;
	long fine, interrupted, failed, spoiled;
};

static __thread bool ours;
static long handled, strangers, acts, sent;
static volatile int blocking; /* which kind of call the single signals' thread is in; 0: none */
static volatile bool storm_ends;
static pid_t target;

static void add(long *count, long n)
{
	__atomic_fetch_add(count, n, __ATOMIC_RELAXED);
}

static void handle(int signal)
{
	int saved_errno = errno;
	long n = __atomic_fetch_add(&handled, 1, __ATOMIC_RELAXED);

	(void)signal;
	if (!ours)
		add(&strangers, 1);
	if (n % 16 == 0) {
		load_act(WORKERS, n);
		add(&acts, 1);
	}
	errno = saved_errno;
}

static void act(struct worker *w, long sequence)
{
	errno = STRANGE;
	load_act(w->number, sequence);
	w->spoiled += errno != STRANGE;
	add(&acts, 1);
}

static void note(struct worker *w, long result)
{
	if (result >= 0 || errno == ETIMEDOUT)
		w->fine++;
	else if (errno == EINTR)
		w->interrupted++;
	else
		w->failed++;
}

static void block_a_little(struct worker *w)
{
	struct timespec time = { 0, BLOCK_NS }, until;
	struct itimerspec once = { .it_value = time };
	unsigned long long expired;

	note(w, nanosleep(&time, NULL));
	note(w, poll(NULL, 0, 1));
	timerfd_settime(w->timer, 0, &once, NULL);
	note(w, read(w->timer, &expired, sizeof(expired)));
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (until.tv_nsec + BLOCK_NS) / 1000000000;
	until.tv_nsec = (until.tv_nsec + BLOCK_NS) % 1000000000;
	note(w, sem_timedwait(&w->never, &until));
}

/* A thread begins with the signal blocked, so that no handler runs before it is known as ours. */
static void block_signal(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	ours = true;
	pthread_sigmask(how, &set, NULL);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	block_signal(SIG_UNBLOCK);
	for (long i = 0; i < ROUNDS; i++) {
		for (long n = 0; n < ACTS; n++)
			act(w, i * ACTS + n);
		block_a_little(w);
	}
	return NULL;
}

/* All but this one, whoever made them. */
static int list_tasks(pid_t tasks[TASKS_MAX])
{
	DIR *directory = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	while (directory && (entry = readdir(directory)) && count < TASKS_MAX)
		if (entry->d_name[0] != '.' && atoi(entry->d_name) != syscall(SYS_gettid))
			tasks[count++] = atoi(entry->d_name);
	if (directory)
		closedir(directory);
	return count;
}

static void *storm(void *arg)
{
	struct timespec period = { 0, PERIOD_NS };
	pid_t tasks[TASKS_MAX];
	int count = 0;

	for (long n = 0; !storm_ends; n++) {
		if (n % 100 == 0)
			count = list_tasks(tasks);
		for (int i = 0; i < count; i++)
			sent += syscall(SYS_tgkill, getpid(), tasks[i], SIGUSR1) == 0;
		nanosleep(&period, NULL);
	}
	return arg;
}

static long block(struct worker *w, int kind)
{
	struct timespec time = { 1000, 0 };
	char byte;
	fd_set set;

	switch (kind) {
	case 1:
		return read(w->pair[0], &byte, 1);
	case 2:
		return recv(w->pair[0], &byte, 1, 0);
	case 3:
		return poll(&(struct pollfd){ .fd = w->pair[0], .events = POLLIN }, 1, -1);
	case 4:
		FD_ZERO(&set);
		FD_SET(w->pair[0], &set);
		return select(w->pair[0] + 1, &set, NULL, NULL, NULL);
	case 5:
		/* what is left of it is told */
		return nanosleep(&time, &time) < 0 && time.tv_sec > 900 && time.tv_sec < 1000 ? -1
											      : 0;
	case 6:
		return sem_wait(&w->never);
	default:
		return pause();
	}
}

static void *be_interrupted(void *arg)
{
	struct worker *w = arg;

	block_signal(SIG_UNBLOCK);
	target = (pid_t)syscall(SYS_gettid);
	for (int kind = 1; kind <= 7; kind++) {
		w->interrupted = w->failed = w->fine = 0;
		for (int i = 0; i < SINGLE; i++) {
			act(w, kind * SINGLE + i);
			blocking = kind * SINGLE + i;
			note(w, block(w, kind));
			blocking = 0;
		}
		printf("call %d: %ld interrupted, %ld not, %ld failed\n", kind, w->interrupted,
		       w->fine, w->failed);
	}
	storm_ends = true;
	return NULL;
}

static bool sleeps(pid_t tid)
{
	char path[64], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(file);
	return state == 'S';
}

/* One signal for each call that blocks; another one if it came too early. */
static void interrupt(void)
{
	struct timespec moment = { 0, 1000000 };

	while (!storm_ends) {
		int now = blocking;

		if (now && sleeps(target)) {
			syscall(SYS_tgkill, getpid(), target, SIGUSR1);
			for (int ms = 0; ms < 500 && blocking == now && !storm_ends; ms++)
				nanosleep(&moment, NULL);
		}
		nanosleep(&moment, NULL);
	}
}

static void prepare(struct worker *w, int number)
{
	w->number = number;
	w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (w->timer < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, w->pair) ||
	    sem_init(&w->never, 0, 0))
		abort();
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(void)
{
	static struct worker workers[WORKERS + 1];
	struct sigaction action = { .sa_handler = handle };
	pthread_t storming;
	double began;

	block_signal(SIG_BLOCK);
	sigaction(SIGUSR1, &action, NULL);
	setvbuf(stdout, NULL, _IONBF, 0);
	began = seconds();
	pthread_create(&storming, NULL, storm, NULL);
	for (int i = 0; i < WORKERS; i++) {
		prepare(&workers[i], i);
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	block_signal(SIG_UNBLOCK);
	for (int i = 0; i < WORKERS; i++) {
		struct worker *w = &workers[i];

		pthread_join(w->thread, NULL);
		printf("worker %d: %ld calls, interrupted %d, failed %ld, errno spoiled %ld\n", i,
		       w->fine + w->interrupted, w->interrupted > ROUNDS / 2, w->failed,
		       w->spoiled);
	}
	began = seconds() - began;
	storm_ends = true;
	pthread_join(storming, NULL);
	storm_ends = false;
	block_signal(SIG_BLOCK);
	prepare(&workers[WORKERS], WORKERS + 1);
	pthread_create(&workers[WORKERS].thread, NULL, be_interrupted, &workers[WORKERS]);
	interrupt();
	pthread_join(workers[WORKERS].thread, NULL);
	printf("handlers on strange threads: %ld\n", strangers);
	printf("acts %ld signals/s %.0f\n", acts, (double)sent / began);
	return 0;
}
