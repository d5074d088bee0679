/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that does a bit of everything and prints only what is the same in every run: threads
 * with SQLite connections of their own, callbacks, a fork, a spawn, signals on an alternate stack
 * while other calls are in progress, a profiling timer that takes backtraces, errno across calls.
 * test_binaries.py builds it in many ways. Its status is 0 unless something was not as it should
 * be.
 */
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS    4
#define STATEMENTS 200

extern char **environ;
static int samples, traps; /* of all threads */

static void on_profile(int signal)
{
	void *frames[64];
	int error = errno;

	if (backtrace(frames, 64) > 1)
		__atomic_add_fetch(&samples, 1, __ATOMIC_RELAXED);
	errno = error;
}

static void on_usr1(int signal)
{
	__atomic_add_fetch(&traps, 1, __ATOMIC_RELAXED);
}

static int sum_of_host(void *sum, int columns, char **values, char **names)
{
	*(long *)sum += atol(values[0]);
	return 0;
}

static void *work(void *argument)
{
	long number = (long)argument, sum = 0, refused = 0;
	char statement[128], *message = NULL;
	sqlite3 *db;

	if (sqlite3_open(":memory:", &db))
		return (void *)-1;
	sqlite3_exec(db, "CREATE TABLE t(x INTEGER UNIQUE)", NULL, NULL, NULL);
	for (long i = 0; i < STATEMENTS; i++) {
		snprintf(statement, sizeof(statement), "INSERT INTO t VALUES (%ld)",
			 i % 50 ? i * number : 0);
		refused += sqlite3_exec(db, statement, NULL, NULL, &message) != SQLITE_OK;
		sqlite3_free(message);
		message = NULL;
		if (i % 10 == 0)
			pthread_kill(pthread_self(), SIGUSR1);
	}
	sqlite3_exec(db, "SELECT x FROM t", sum_of_host, &sum, NULL);
	sqlite3_close(db);
	return (void *)(sum * 1000 + refused);
}

static int compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

static int run_threads(void)
{
	pthread_t threads[THREADS];
	void *result;

	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)(i + 1)))
			return 1;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		printf("thread %d: %ld\n", i, (long)result);
	}
	return 0;
}

static int run_children(void)
{
	char *argv[] = { "sh", "-c", "echo spawned; exit 5", NULL };
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		printf("child: %ld\n", (long)work((void *)7));
		fflush(stdout);
		_exit(3);
	}
	waitpid(pid, &status, 0);
	printf("forked: %d\n", WEXITSTATUS(status));
	fflush(stdout);
	if (posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ))
		return 1;
	waitpid(pid, &status, 0);
	printf("spawned: %d\n", WEXITSTATUS(status));
	return 0;
}

int main(int argc, char **argv)
{
	static char stack[64 * 1024];
	struct sigaction profile = { .sa_handler = on_profile,
				     .sa_flags = SA_RESTART | SA_ONSTACK },
			 usr1 = { .sa_handler = on_usr1, .sa_flags = SA_RESTART };
	struct itimerval timer = { { 0, 1000 }, { 0, 1000 } }, off = { { 0, 0 }, { 0, 0 } };
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	long numbers[1000], i;
	void *frames[2];
	int failed;

	backtrace(frames, 2); /* loads the unwinder now, not in the handler */
	sigaltstack(&alternate, NULL);
	sigaction(SIGPROF, &profile, NULL);
	sigaction(SIGUSR1, &usr1, NULL);
	if (argc < 2)
		setitimer(ITIMER_PROF, &timer, NULL);
	failed = run_threads();
	for (i = 0; i < 1000; i++)
		numbers[i] = i * 7919 % 1000;
	qsort(numbers, 1000, sizeof(*numbers), compare);
	for (i = 0; i < 1000; i++)
		failed |= numbers[i] != i;
	errno = 0;
	if (fopen("/nothing/here", "r") || errno != ENOENT)
		failed = 1;
	failed |= run_children();
	setitimer(ITIMER_PROF, &off, NULL);
	printf("signals: %d, sorted: %s, setting: %s\n", traps, failed ? "no" : "yes",
	       getenv("SETTING") ? getenv("SETTING") : "-");
	fprintf(stderr, "to the end\n");
	return failed;
}
