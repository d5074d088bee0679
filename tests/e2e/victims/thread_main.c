/* SPDX-License-Identifier: Apache-2.0
 *
 * Many threads (argv[1], default 16) that call, nest and longjmp (argv[2] rounds, default 2000),
 * while a timer signal makes wrapped calls of its own on an alternate stack, also in the middle of
 * ours. Wrapped calls per round: vi_one 2, vi_call 1, vi_jump 1 (left by longjmp), vi_ten 1; per
 * signal vi_one 1 and vi_ten 1. Prints "signals N" on stdout.
 */
#include "abi.h"
#include "check.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

#define THREADS_MAX 256

static long rounds, bad, signals;

static void count_bad(int is_bad)
{
	if (is_bad)
		__atomic_add_fetch(&bad, 1, __ATOMIC_RELAXED);
}

static void on_alarm(int signal)
{
	__atomic_add_fetch(&signals, 1, __ATOMIC_RELAXED);
	count_bad(vi_one(signal) != signal + 1);
	count_bad(vi_ten(1, 2, 3, 4, 5, 6, 7, 8, 9, 10) != 385);
}

static void jump_once(void *arg)
{
	jmp_buf buffer;

	(void)arg;
	count_bad(vi_one(5) != 6);
	if (setjmp(buffer) == 0)
		vi_jump(&buffer);
}

static void *work(void *arg)
{
	char *stack = malloc(SIGSTKSZ);
	stack_t alternate = { .ss_sp = stack, .ss_size = SIGSTKSZ };

	sigaltstack(&alternate, NULL);
	for (long i = 0; i < rounds; i++) {
		count_bad(vi_one(i) != i + 1);
		vi_call(jump_once, arg);
		count_bad(vi_ten(i, 2, 3, 4, 5, 6, 7, 8, 9, 10) != 384 + i);
	}
	alternate.ss_flags = SS_DISABLE;
	sigaltstack(&alternate, NULL);
	free(stack);
	return NULL;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 16;
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART | SA_ONSTACK };
	struct itimerval every = { { 0, 300 }, { 0, 300 } }, never = { { 0, 0 }, { 0, 0 } };
	pthread_t threads[THREADS_MAX];

	rounds = argc > 2 ? atol(argv[2]) : 2000;
	if (count > THREADS_MAX)
		count = THREADS_MAX;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (int i = 0; i < count; i++)
		CHECK(pthread_create(&threads[i], NULL, work, NULL) == 0);
	for (int i = 0; i < count; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	setitimer(ITIMER_REAL, &never, NULL);
	printf("signals %ld\n", signals);
	CHECK(bad == 0);
	return check_report("thread");
}
