/* SPDX-License-Identifier: Apache-2.0
 *
 * What race_victim (victim.c) does, as its tracer knows it: one act 0 to begin with, then for each
 * i from 1 on: act i; nested, opened, thread: act i inside another one, between two marks, on a
 * thread of its own; session: one opened with a long name, and closed. "image" lacks act 0. SIGUSR1
 * makes an act in its handler, which ends with a mark.
 */
#ifndef RACE_VICTIM_H
#define RACE_VICTIM_H

#define VICTIM_THREAD     7       /* load.thread of all acts */
#define VICTIM_HANDLED    1000000 /* load.sequence of the first act in a handler */
#define VICTIM_NAME_BYTES 1030    /* of a session: too long for its first event */

#endif
