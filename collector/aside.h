/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of the drain's descriptors. open() gives the lowest that is free, and programs count on
 * it: after close(0) they expect 0, having but one thread for all they know. What the drain has
 * open, for as long as another process holds the file's lock, is that number only for a moment.
 */
#ifndef SS_ASIDE_H
#define SS_ASIDE_H

/* Takes fd (negative: comes back, errno untouched); returns the same file under a number from 40
 * on: above what open() gives most programs, below where the kernel's table has to grow. fd itself
 * where there is none. Any thread. */
int ss_aside(int fd);

#endif
