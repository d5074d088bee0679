/* SPDX-License-Identifier: Apache-2.0
 *
 * What the points of a series are to each other, over all files of one `spanshim check`: cumulative
 * ones never decrease while their start stays the same, and a line has one point of each series.
 * Keeps the last point of each series, not the points. One thread.
 */
#ifndef SS_CHECK_SERIES_H
#define SS_CHECK_SERIES_H

#include <stdint.h>

#include "collector/cli/bump.h"
#include "collector/cli/span_index.h"

struct cJSON;
struct ss_check_sink;

struct ss_check_series { /* all zero: empty */
	struct ss_check_known_series *known;
	uint32_t count, capacity;
	struct ss_span_index by_key;
	struct ss_bump memory; /* of the buckets */
};

struct ss_check_seen { /* in one file; all zero: nothing */
	struct ss_span_index metrics, series;
};

/* Looks at all points of a line that can be read. Returns 0, or -ENOMEM. */
int ss_check_series_add(struct ss_check_series *series, const struct cJSON *json, uint32_t file,
			uint64_t line, struct ss_check_seen *seen,
			const struct ss_check_sink *sink);

void ss_check_series_deinit(struct ss_check_series *series);
void ss_check_seen_deinit(struct ss_check_seen *seen);

#endif
