/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs that end: see exit.c.
 */
#ifndef SS_EXIT_H
#define SS_EXIT_H

/* Looks _exit and _Exit up. Constructor's thread, before any other; until then they are system
 * calls.
 */
void ss_exit_resolve(void);

#endif
