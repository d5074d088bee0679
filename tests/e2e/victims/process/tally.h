/* SPDX-License-Identifier: Apache-2.0
 *
 * What a victim did, counted by itself: calls entered and returned, by function, and one JSON line
 * about it on stdout. A test holds the dump against these numbers.
 * A line is one write(2), so that a fork never prints it twice and processes never mix theirs.
 */
#ifndef TALLY_H
#define TALLY_H

struct tally_count {
	long entered, returned;
};

/* As the functions of vict_proc.h, counted. A wrong result ends the victim with status 99. */
long tally_act(long n);
void *tally_session_open(const char *name);
void tally_session_close(void *session);
long tally_session_act(void *session, long n);
void tally_call(void (*callback)(void *), void *arg);

/* In a new process: begins at nought. */
void tally_reset(void);

/* {"process":"NAME","pid":N,"vict_act":{"entered":N,"returned":N},...} with every function. */
void tally_print(const char *process);

/* Path of the running victim, for those that start themselves again. */
const char *tally_self(void);

#endif
