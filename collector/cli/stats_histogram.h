/* SPDX-License-Identifier: Apache-2.0
 *
 * How values (durations in nanoseconds) are spread, in memory that does not grow with their number:
 * 64 buckets of equal width for each power of two, so that a percentile is off by at most 0.8 %;
 * values below 128 are kept exactly. Memory is the caller's ss_bump. One thread.
 */
#ifndef SS_STATS_HISTOGRAM_H
#define SS_STATS_HISTOGRAM_H

#include <stdint.h>

struct ss_bump;

#define SS_STATS_HISTOGRAM_PARTS 64u /* buckets of one power of two */

struct ss_stats_histogram { /* all zero: empty */
	uint64_t count, min, max;
	double sum;
	uint64_t *octaves[59]; /* [0]: values below 64; [i]: 64 << (i - 1) and up; NULL: none */
};

/* Returns 0, or -ENOMEM with nothing added. */
int ss_stats_histogram_add(struct ss_stats_histogram *histogram, struct ss_bump *memory,
			   uint64_t value);

/* All values together, UINT64_MAX when they are more. */
uint64_t ss_stats_histogram_total(const struct ss_stats_histogram *histogram);

/* The nearest rank, from 1: so many of `count` values make up `percent` % (above 0, at most 100).
 */
uint64_t ss_stats_rank(double percent, uint64_t count);

/* The value of that rank; 0 when empty. */
uint64_t ss_stats_histogram_percentile(const struct ss_stats_histogram *histogram, double percent);

#endif
