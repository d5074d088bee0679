/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs that sandbox themselves: see sandbox.c.
 */
#ifndef SS_SANDBOX_H
#define SS_SANDBOX_H

/* Looks the real functions up. Constructor's thread, before any other; until then they are system
 * calls. */
void ss_sandbox_resolve(void);

/* What syscall.S jumps to, and what it passes all else on to; NULL: not looked up yet. */
long ss_sandbox_syscall(long number, long a, long b, long c, long d, long e, long f);
extern long (*ss_sandbox_next_syscall)(long, ...);

#endif
