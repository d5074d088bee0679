/* SPDX-License-Identifier: Apache-2.0 */
#include "vict_proc.h"

#include <stdlib.h>

#define EXPORTED __attribute__((visibility("default")))

struct session {
	const char *name;
	long acts;
};

EXPORTED long vict_act(long n)
{
	return n < 0 ? -1 : n + 1;
}

EXPORTED void *vict_session_open(const char *name)
{
	struct session *session = calloc(1, sizeof(*session));

	if (session)
		session->name = name;
	return session;
}

EXPORTED int vict_session_close(void *session)
{
	free(session);
	return 0;
}

EXPORTED long vict_session_act(void *session, long n)
{
	__atomic_add_fetch(&((struct session *)session)->acts, 1, __ATOMIC_RELAXED);
	return n < 0 ? -1 : n + 1;
}

EXPORTED long vict_call(void (*callback)(void *), void *arg)
{
	callback(arg);
	return 1;
}
