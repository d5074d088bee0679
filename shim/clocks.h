/* SPDX-License-Identifier: Apache-2.0
 *
 * Time as the kernel tells it, and sleeping by it. Programs run with objects preloaded that answer
 * libc's clock_gettime and nanosleep in their own way (libfaketime): times of spans must not follow
 * those, and they must not notice that somebody else asks, since some count the questions. Any
 * thread.
 */
#ifndef SS_CLOCKS_H
#define SS_CLOCKS_H

#include <stdint.h>
#include <time.h>

/* Looks for the kernel's own function. Constructor, once. */
void ss_clocks_find(void);

/* As clock_gettime: 0, or not. */
int ss_clocks_read(clockid_t clock, struct timespec *ret_time);

/* ss_clocks_read in ns. */
uint64_t ss_clocks_ns(clockid_t clock);

/* enum ss_clock: what events of a new image are timed by. */
uint32_t ss_clocks_choose(void);

/* What an image begins with: ticks of its clock, the wall clock, and CLOCK_MONOTONIC, read as good
 * as at once, though the thread may lose the processor. */
struct ss_calibration;
void ss_clocks_begin(uint32_t clock, struct ss_calibration *ret_start, uint64_t *ret_mono_ns);

/* A signal's handler cuts it short. */
void ss_clocks_sleep_us(uint32_t us);

#endif
