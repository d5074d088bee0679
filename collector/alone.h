/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether the drain is the last thread of its process. libc ends a process with its last thread,
 * but only knows the host's and ours alike; so when the first thread has left (pthread_exit), or
 * may be killed alone (seccomp), the drain watches for itself. Drain thread only.
 */
#ifndef SS_ALONE_H
#define SS_ALONE_H

#include <stdbool.h>
#include <stdint.h>

#define SS_ALONE_MS        20  /* how often to look, once the first thread has left */
#define SS_ALONE_KILLED_MS 250 /* ... and while a seccomp filter might kill it */

/* True when every other thread in /proc/self/task has ended (a first thread that left stays there
 * as a zombie). False when that cannot be read. */
bool ss_alone(uint64_t own_tid);

/* How the first thread ended, as waitpid() would tell it. */
int ss_alone_status(void);

#endif
