/* SPDX-License-Identifier: Apache-2.0 */
#include "tally.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vict_proc.h"

static struct {
	struct tally_count act, session_open, session_close, session_act, call;
} tally;

static void enter(struct tally_count *count)
{
	__atomic_add_fetch(&count->entered, 1, __ATOMIC_RELAXED);
}

static void leave(struct tally_count *count)
{
	__atomic_add_fetch(&count->returned, 1, __ATOMIC_RELAXED);
}

static void expect(int condition)
{
	if (!condition)
		_exit(99);
}

long tally_act(long n)
{
	long r;

	enter(&tally.act);
	r = vict_act(n);
	leave(&tally.act);
	expect(r == (n < 0 ? -1 : n + 1));
	return r;
}

void *tally_session_open(const char *name)
{
	void *session;

	enter(&tally.session_open);
	session = vict_session_open(name);
	leave(&tally.session_open);
	expect(session != NULL);
	return session;
}

void tally_session_close(void *session)
{
	int r;

	enter(&tally.session_close);
	r = vict_session_close(session);
	leave(&tally.session_close);
	expect(r == 0);
}

long tally_session_act(void *session, long n)
{
	long r;

	enter(&tally.session_act);
	r = vict_session_act(session, n);
	leave(&tally.session_act);
	expect(r == (n < 0 ? -1 : n + 1));
	return r;
}

void tally_call(void (*callback)(void *), void *arg)
{
	long r;

	enter(&tally.call);
	r = vict_call(callback, arg);
	leave(&tally.call);
	expect(r == 1);
}

void tally_reset(void)
{
	memset(&tally, 0, sizeof(tally));
}

void tally_print(const char *process)
{
	static const char count_format[] = ",\"%s\":{\"entered\":%ld,\"returned\":%ld}";
	const struct {
		const char *name;
		const struct tally_count *count;
	} counts[] = {
		{ "vict_act", &tally.act },
		{ "vict_session_open", &tally.session_open },
		{ "vict_session_close", &tally.session_close },
		{ "vict_session_act", &tally.session_act },
		{ "vict_call", &tally.call },
	};
	char line[1024];
	int used =
		snprintf(line, sizeof(line), "{\"process\":\"%s\",\"pid\":%d", process, getpid());

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		used += snprintf(line + used, sizeof(line) - (size_t)used, count_format,
				 counts[i].name, counts[i].count->entered,
				 counts[i].count->returned);
	used += snprintf(line + used, sizeof(line) - (size_t)used, "}\n");
	expect(write(STDOUT_FILENO, line, (size_t)used) == used);
}

const char *tally_self(void)
{
	static char path[PATH_MAX];
	ssize_t bytes = readlink("/proc/self/exe", path, sizeof(path) - 1);

	expect(bytes > 0);
	path[bytes] = '\0';
	return path;
}
