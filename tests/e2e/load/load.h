/* SPDX-License-Identifier: Apache-2.0
 *
 * A library with declared entry points (load.json), for tests that need many calls of known number
 * and content. Knows nothing of spanshim. Any thread.
 */
#ifndef LOAD_H
#define LOAD_H

struct load_session;
typedef void (*load_fn)(void *arg);

struct load_session *load_open(const char *name);
int load_close(struct load_session *session);

/* An act of the calling thread. Returns 0. */
int load_act(int thread, long sequence);

/* An act of a session, whichever thread calls. Returns `result`. */
int load_act_in(struct load_session *session, int thread, long sequence, int result);

/* An act during which fn(arg) runs. Returns level, which is a name for the act and no more. */
int load_around(int level, load_fn fn, void *arg);

#endif
