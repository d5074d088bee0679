/* SPDX-License-Identifier: Apache-2.0
 *
 * Usage: thread_session SESSIONS ACTS
 * Opens SESSIONS sessions on one thread, uses each ACTS times on a second one, closes them on a
 * third: no thread is an ancestor of another in between.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "tally.h"

#define SESSIONS_MAX 1024

static void *sessions[SESSIONS_MAX];
static int session_count, act_count;

static void *open_all(void *unused)
{
	for (int i = 0; i < session_count; i++)
		sessions[i] = tally_session_open("moving");
	return unused;
}

static void *use_all(void *unused)
{
	for (int i = 0; i < act_count; i++)
		for (int j = 0; j < session_count; j++)
			tally_session_act(sessions[j], i);
	return unused;
}

static void *close_all(void *unused)
{
	for (int i = 0; i < session_count; i++)
		tally_session_close(sessions[i]);
	return unused;
}

int main(int argc, char **argv)
{
	static void *(*const steps[])(void *) = { open_all, use_all, close_all };

	if (argc != 3)
		return 2;
	session_count = atoi(argv[1]);
	act_count = atoi(argv[2]);
	if (session_count < 1 || session_count > SESSIONS_MAX)
		return 2;
	for (int i = 0; i < 3; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, steps[i], NULL) || pthread_join(thread, NULL))
			return 3;
	}
	tally_print("victim");
	return 0;
}
