/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/load/load.h"

#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct load_session {
	char name[32];
};

EXPORT struct load_session *load_open(const char *name)
{
	struct load_session *session = calloc(1, sizeof(*session));

	if (session)
		strncpy(session->name, name, sizeof(session->name) - 1);
	return session;
}

EXPORT int load_close(struct load_session *session)
{
	free(session);
	return 0;
}

EXPORT int load_act(int thread, long sequence)
{
	return thread < 0 || sequence < 0 ? -1 : 0;
}

EXPORT int load_act_in(struct load_session *session, int thread, long sequence, int result)
{
	return session && thread >= 0 && sequence >= 0 ? result : -1;
}

EXPORT int load_around(int level, load_fn fn, void *arg)
{
	fn(arg);
	return level;
}
