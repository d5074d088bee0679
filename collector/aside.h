/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptors for the drain in a process that counts on its own numbers: close(0) and then open()
 * gives 0 in a program that has, for all it knows, one thread, and what a daemon left closed, or
 * a new program finds open below ten, it has opened itself. A file that the drain has in use, which
 * may be for as long as another process holds its lock, had better not be the lowest free number.
 */
#ifndef SS_ASIDE_H
#define SS_ASIDE_H

/* Takes fd (or a negative error, which comes back), returns it under a number that nobody expects:
 * above those that open() gives most programs and shells ask for, below those at which the
 * kernel's table would have to grow. Where there is none, fd itself. Any thread. */
int ss_aside(int fd);

#endif
