/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin that does what BEHAVE says, in its own words below. BEHAVE_MS: how long it sleeps.
 */
#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include <spanshim/plugin.h>

static const char *way;

static int is(const char *name)
{
	return way && strcmp(way, name) == 0;
}

static void sleep_ms(void)
{
	const char *text = getenv("BEHAVE_MS");
	long ms = text ? atol(text) : 1000;
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&time, &time) != 0)
		;
}

static int init(const struct spanshim_host *host, void **ret_state)
{
	(void)ret_state;
	way = getenv("BEHAVE");
	if (is("init fails"))
		return -ENOTCONN;
	if (is("init returns garbage"))
		return 42;
	if (is("init exits"))
		pthread_exit(NULL);
	if (is("init sleeps"))
		sleep_ms();
	if (is("talks"))
		for (int i = 0; i < 100; i++)
			host->log(host, "line\nof mine");
	return 0;
}

static int change_thread(void)
{
	sigset_t none;

	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	fesetround(FE_UPWARD);
	prctl(PR_SET_NAME, "mine");
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	return 0;
}

static int cancel_itself(void)
{
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	pthread_cancel(pthread_self());
	pthread_testcancel();
	return 0;
}

static int on_event(void *state, const struct spanshim_event *event)
{
	(void)state;
	(void)event;
	if (is("garbage"))
		return 7;
	if (is("big garbage"))
		return -2000000000;
	if (is("error"))
		return -ENOSPC;
	if (is("exits"))
		pthread_exit(NULL);
	if (is("cancels"))
		return cancel_itself();
	if (is("cancels later")) { /* not heeded: it would be in one of spanshim's own calls */
		pthread_cancel(pthread_self());
		return 0;
	}
	if (is("changes"))
		return change_thread();
	if (is("sleeps"))
		sleep_ms();
	return 0;
}

static void fini(void *state)
{
	(void)state;
	if (is("fini exits"))
		pthread_exit(NULL);
	if (is("fini sleeps"))
		sleep_ms();
}

const struct spanshim_plugin spanshim_plugin = {
	SPANSHIM_PLUGIN_ABI,
	sizeof(struct spanshim_plugin),
	"behave",
	SPANSHIM_ALL_HOOKS,
	init,
	on_event,
	fini,
};
