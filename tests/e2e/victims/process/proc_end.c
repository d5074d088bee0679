/* SPDX-License-Identifier: Apache-2.0
 *
 * Usage: proc_end HOW idle|inside ACTS
 * Acts ACTS times, prints its line ("victim"), and ends: between calls, or in a vict_call that does
 * not return. HOW: return (idle only), exit, _exit, _Exit, quick_exit, abort, sigterm, sigsegv,
 * sigkill, raw (the exit_group system call), thread (exit() on a second thread, status 8),
 * last-thread (the main thread leaves by pthread_exit; another one acts ACTS times more and is the
 * last to end), handled-abort (a SIGABRT handler jumps back; ACTS more acts and a second line,
 * "survivor", follow). at-exit, at-quick-exit: as exit and quick_exit, with an exit handler that
 * acts once and prints a line, "handler". Exit status where nothing else is said: 7.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tally.h"

static const char *how;
static int acts;
static sigjmp_buf back;

static void act(void)
{
	for (int i = 0; i < acts; i++)
		tally_act(i);
}

static int is(const char *name)
{
	return strcmp(how, name) == 0;
}

static void jump_back(int number)
{
	siglongjmp(back, number);
}

static void at_exit(void)
{
	tally_act(1);
	tally_print("handler");
}

static void *exit_on_thread(void *unused)
{
	(void)unused;
	exit(8);
}

static void *act_on_after_main(void *main_thread)
{
	pthread_join(*(pthread_t *)main_thread, NULL);
	act();
	tally_print("last");
	return NULL;
}

static void end_by_thread(void)
{
	static pthread_t self, other;

	self = pthread_self();
	if (pthread_create(&other, NULL, is("thread") ? exit_on_thread : act_on_after_main, &self))
		_exit(95);
	if (is("thread"))
		pthread_join(other, NULL);
	pthread_exit(NULL);
}

static void end_by_signal(void)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = { { "sigterm", SIGTERM }, { "sigsegv", SIGSEGV }, { "sigkill", SIGKILL } };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (is(signals[i].name))
			kill(getpid(), signals[i].number);
}

static void end(void *unused)
{
	(void)unused;
	tally_print("victim");
	if (is("exit") || is("at-exit"))
		exit(7);
	if (is("_exit"))
		_exit(7);
	if (is("_Exit"))
		_Exit(7);
	if (is("quick_exit") || is("at-quick-exit"))
		quick_exit(7);
	if (is("raw"))
		syscall(SYS_exit_group, 7);
	if (is("thread") || is("last-thread"))
		end_by_thread();
	if (is("abort"))
		abort();
	if (is("handled-abort") && sigsetjmp(back, 1) == 0)
		abort();
	end_by_signal();
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	how = argv[1];
	acts = atoi(argv[3]);
	if (is("at-exit"))
		atexit(at_exit);
	if (is("at-quick-exit"))
		at_quick_exit(at_exit);
	if (is("handled-abort"))
		signal(SIGABRT, jump_back);
	act();
	if (strcmp(argv[2], "inside") == 0)
		tally_call(end, NULL);
	else
		end(NULL);
	if (is("handled-abort")) {
		act();
		tally_print("survivor");
	}
	return 7;
}
