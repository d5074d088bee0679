/* SPDX-License-Identifier: Apache-2.0
 *
 * Usage: proc_exec idle|inside|failing|thread N
 * Acts once, replaces itself by itself with N - 1, and so on until N is 0; every image prints a
 * line, named imageN, before it goes. idle: between calls. inside: in a vict_call, which never
 * returns (but in the last image). failing: tries to exec a file that is not there, in a vict_call,
 * N times, and goes on after each. thread: as inside, on a second thread, while the first one waits
 * for it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tally.h"

static const char *mode;
static int left;

static void print(void)
{
	char name[32];

	snprintf(name, sizeof(name), "image%d", left);
	tally_print(name);
}

static void exec_self(void *unused)
{
	char number[16];

	(void)unused;
	print();
	if (left == 0)
		return;
	snprintf(number, sizeof(number), "%d", left - 1);
	execl(tally_self(), "proc_exec", mode, number, NULL);
	_exit(97);
}

static void exec_nothing(void *unused)
{
	char *const args[] = { "nothing", NULL };

	(void)unused;
	errno = 0;
	if (execvp("/nonexistent/program", args) != -1 || errno != ENOENT)
		_exit(96);
}

static void *exec_on_thread(void *unused)
{
	tally_call(exec_self, unused);
	return NULL;
}

static int fail(void)
{
	while (left > 0) {
		tally_call(exec_nothing, NULL);
		tally_act(left--);
	}
	print();
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc != 3)
		return 2;
	mode = argv[1];
	left = atoi(argv[2]);
	if (strcmp(mode, "failing") == 0)
		return fail();
	tally_act(left);
	if (strcmp(mode, "idle") == 0) {
		exec_self(NULL);
		return 0;
	}
	if (strcmp(mode, "inside") == 0) {
		tally_call(exec_self, NULL);
		return 0;
	}
	return pthread_create(&thread, NULL, exec_on_thread, NULL) || pthread_join(thread, NULL);
}
