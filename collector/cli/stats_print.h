/* SPDX-License-Identifier: Apache-2.0
 *
 * What `spanshim stats` shows of ss_stats: tables (stats_print.c) or one JSON object
 * (stats_json.c), with the same numbers in both.
 */
#ifndef SS_STATS_PRINT_H
#define SS_STATS_PRINT_H

#include <stdio.h>

struct ss_stats;
struct ss_stats_style;

enum ss_stats_sort {
	SS_STATS_BY_TOTAL,
	SS_STATS_BY_NAME,
	SS_STATS_BY_COUNT,
	SS_STATS_BY_ERRORS,
	SS_STATS_BY_P99,
	SS_STATS_BY_MAX,
	SS_STATS_SORTS,
};

/* As --sort has them. */
extern const char *const ss_stats_sort_names[SS_STATS_SORTS];

/* Orders names and models as asked for, the rest by name. */
void ss_stats_order(struct ss_stats *stats, enum ss_stats_sort sort);

/* What an outcome's kind is called: words for people, and as a JSON value. */
extern const char *const ss_stats_outcome_words[];
extern const char *const ss_stats_outcome_keys[];

/* Return 0, or -ENOMEM. */
int ss_stats_print(const struct ss_stats *stats, const struct ss_stats_style *style);
int ss_stats_print_json(const struct ss_stats *stats, FILE *file);

#endif
