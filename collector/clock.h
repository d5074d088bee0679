/* SPDX-License-Identifier: Apache-2.0
 *
 * Ticks of the image's clock -> unix time. A line through knots (ticks, unix ns): one knot when the
 * image was made (by the shim), one at each batch. Every event is older than its batch's knot, so
 * times are interpolated, the same ticks always give the same time, and order is kept. Wall-clock
 * steps do not matter: the offset of CLOCK_REALTIME to CLOCK_MONOTONIC is the image's, taken by the
 * shim with the first knot. Drain only.
 */
#ifndef SS_CLOCK_H
#define SS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "shim/ring.h"

#define SS_CLOCK_KNOTS 256u

struct ss_timebase {
	uint32_t kind;      /* enum ss_clock */
	uint32_t count;     /* of knots; at least 2 once initialised */
	uint64_t offset_ns; /* unix = CLOCK_MONOTONIC + this */
	uint64_t slope;     /* of the last segment, ns a tick times 2^60 */
	bool beyond;        /* recovery: times after the last knot follow the last segment's line */
	struct ss_calibration knots[SS_CLOCK_KNOTS];
};

/* Where time is had from, instead of the kernel by a system call. Never from libc's functions: a
 * program may be run with others in their place (libfaketime), which must not notice us. */
void ss_clock_source(int (*source)(clockid_t clock, struct timespec *ret_time));

/* A signal's handler cuts it short. */
void ss_clock_sleep_ms(uint32_t ms);

/* CLOCK_MONOTONIC. */
uint64_t ss_clock_monotonic_ns(void);

/* Ticks now. */
uint64_t ss_clock_ticks(uint32_t kind);

/* For a live image: takes calibration[0] from it and adds a first knot. */
void ss_clock_init(struct ss_timebase *base, struct ss_image *image);

/* For a dead image: knots from its calibration; without a second one, the tick's length is measured
 * now (1 ms). `calibration` may be anything: times are then wrong but the functions are safe. */
void ss_clock_init_dead(struct ss_timebase *base, const struct ss_image *image);

/* Adds a knot for now, and notes it in image->calibration (seqlock) for recovery. */
void ss_clock_calibrate(struct ss_timebase *base, struct ss_image *image);

/* Unix ns for ticks older than the last segment. */
uint64_t ss_clock_convert_slow(const struct ss_timebase *base, uint64_t ticks);

/* Unix time in ns. */
static inline uint64_t ss_clock_convert(const struct ss_timebase *base, uint64_t ticks)
{
	const struct ss_calibration *from = &base->knots[base->count - 2];

	if (__builtin_expect(ticks < from->ticks || ticks > from[1].ticks, 0))
		return ss_clock_convert_slow(base, ticks);
	return from->unix_ns +
	       (uint64_t)(((unsigned __int128)(ticks - from->ticks) * base->slope) >> 60);
}

#endif
