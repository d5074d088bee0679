/* SPDX-License-Identifier: Apache-2.0
 *
 * Usage: thread_acts under-act|under-session|alone|chain pthread|c11 THREADS ACTS
 * THREADS threads act ACTS times each. under-act: started in the main thread's vict_call.
 * under-session: started while the main thread has a session open. alone: with neither.
 * chain: the vict_call's thread starts the first one, which acts and starts the second one in an
 * act of its own (a vict_call), and so on: each is a child of the one before.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

#include "tally.h"

#define THREADS_MAX 4096

struct handle {
	pthread_t posix;
	thrd_t c11;
};

static int use_c11, thread_count, act_count;

static void act(void)
{
	for (int i = 0; i < act_count; i++)
		tally_act(i);
}

static void *run_posix(void *routine)
{
	((void (*)(void))routine)();
	return NULL;
}

static int run_c11(void *routine)
{
	((void (*)(void))routine)();
	return 0;
}

static void start(struct handle *handle, void (*routine)(void))
{
	int failed = use_c11 ? thrd_create(&handle->c11, run_c11, (void *)routine) != thrd_success
			     : pthread_create(&handle->posix, NULL, run_posix, (void *)routine);

	if (failed)
		_exit(95);
}

static void join(struct handle *handle)
{
	if (use_c11)
		thrd_join(handle->c11, NULL);
	else
		pthread_join(handle->posix, NULL);
}

static void run_threads(void *unused)
{
	static struct handle handles[THREADS_MAX];

	(void)unused;
	for (int i = 0; i < thread_count; i++)
		start(&handles[i], act);
	for (int i = 0; i < thread_count; i++)
		join(&handles[i]);
}

static void start_next_link(void *unused);

static void run_link(void)
{
	act();
	if (--thread_count > 0)
		tally_call(start_next_link, NULL);
}

static void start_next_link(void *unused)
{
	struct handle handle;

	(void)unused;
	start(&handle, run_link);
	join(&handle);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	use_c11 = strcmp(argv[2], "c11") == 0;
	thread_count = atoi(argv[3]);
	act_count = atoi(argv[4]);
	if (thread_count < 1 || thread_count > THREADS_MAX)
		return 2;
	if (strcmp(argv[1], "under-act") == 0) {
		tally_call(run_threads, NULL);
	} else if (strcmp(argv[1], "under-session") == 0) {
		void *session = tally_session_open("threads");

		run_threads(NULL);
		tally_session_close(session);
	} else if (strcmp(argv[1], "alone") == 0) {
		run_threads(NULL);
	} else {
		tally_call(start_next_link, NULL);
	}
	tally_print("victim");
	return 0;
}
