/* SPDX-License-Identifier: Apache-2.0
 *
 * Usage: thread_nesting nested|recursive|reentrant|failing N
 * nested: a session; in it a vict_call, in that N vict_session_acts and N vict_acts.
 * recursive: vict_call in vict_call, N deep, one vict_act innermost; one more after all have
 * returned. reentrant: in a vict_call a signal arrives N times whose handler acts, on an alternate
 * stack. failing: N acts that fail and N that do not, alternating.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tally.h"

static int count;

static void act_both_ways(void *session)
{
	for (int i = 0; i < count; i++) {
		tally_session_act(session, i);
		tally_act(i);
	}
}

static void run_nested(void)
{
	void *session = tally_session_open("nested");

	tally_call(act_both_ways, session);
	tally_session_close(session);
}

static void go_deeper(void *unused)
{
	if (--count > 0)
		tally_call(go_deeper, unused);
	else
		tally_act(0);
}

static void act_in_handler(int number)
{
	tally_act(number);
}

static void raise_signals(void *unused)
{
	(void)unused;
	for (int i = 0; i < count; i++)
		raise(SIGUSR1);
}

static void run_reentrant(void)
{
	static char stack[65536];
	const stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	const struct sigaction action = { .sa_handler = act_in_handler, .sa_flags = SA_ONSTACK };

	if (sigaltstack(&alternate, NULL) < 0 || sigaction(SIGUSR1, &action, NULL) < 0)
		_exit(95);
	tally_call(raise_signals, NULL);
}

static void run_failing(void)
{
	for (int i = 0; i < count; i++) {
		tally_act(-1 - i);
		tally_act(i);
	}
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	count = atoi(argv[2]);
	if (strcmp(argv[1], "nested") == 0) {
		run_nested();
	} else if (strcmp(argv[1], "recursive") == 0) {
		tally_call(go_deeper, NULL);
		tally_act(1);
	} else if (strcmp(argv[1], "reentrant") == 0) {
		run_reentrant();
	} else {
		run_failing();
	}
	tally_print("victim");
	return 0;
}
