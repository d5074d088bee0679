/* SPDX-License-Identifier: Apache-2.0
 *
 * The library whose calls the process and thread victims make; vict_proc.json declares them. It
 * stands for any library with session and act functions and knows nothing of spanshim.
 */
#ifndef VICT_PROC_H
#define VICT_PROC_H

/* Returns n + 1, or -1 for a negative n: an error. */
long vict_act(long n);

/* A session; NULL when there is no memory. */
void *vict_session_open(const char *name);
int vict_session_close(void *session);
/* As vict_act, in a session. */
long vict_session_act(void *session, long n);

/* Calls callback(arg) and returns 1. */
long vict_call(void (*callback)(void *), void *arg);

#endif
