/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads dumps of either signal line by line into ss_stats. What cannot be read is noted there, and
 * reading goes on behind it.
 */
#ifndef SS_STATS_READ_H
#define SS_STATS_READ_H

struct ss_stats;

/* All of a file, "-" being the standard input, with a progress line on a terminal. Returns 0, or
 * -errno when it cannot be opened or read, or -ENOMEM; what was read until then counts. */
int ss_stats_read(struct ss_stats *stats, const char *path);

#endif
