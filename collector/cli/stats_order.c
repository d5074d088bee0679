/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/stats_print.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cli/stats_model.h"

const char *const ss_stats_sort_names[SS_STATS_SORTS] = {
	[SS_STATS_BY_TOTAL] = "total",   [SS_STATS_BY_NAME] = "name", [SS_STATS_BY_COUNT] = "count",
	[SS_STATS_BY_ERRORS] = "errors", [SS_STATS_BY_P99] = "p99",   [SS_STATS_BY_MAX] = "max",
};

static double key_of(const struct ss_stats_row *row, enum ss_stats_sort sort)
{
	switch (sort) {
	case SS_STATS_BY_COUNT:
		return (double)row->count;
	case SS_STATS_BY_ERRORS:
		return (double)row->errors;
	case SS_STATS_BY_P99:
		return (double)ss_stats_histogram_percentile(&row->duration, 99);
	case SS_STATS_BY_MAX:
		return (double)row->duration.max;
	case SS_STATS_BY_NAME:
		return 0;
	default:
		return row->duration.sum;
	}
}

static int compare_rows(const void *a, const void *b, void *sort)
{
	const struct ss_stats_row *x = *(void *const *)a, *y = *(void *const *)b;
	double of_x = key_of(x, *(enum ss_stats_sort *)sort);
	double of_y = key_of(y, *(enum ss_stats_sort *)sort);

	if (of_x != of_y)
		return of_x > of_y ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int compare_outcomes(const void *a, const void *b)
{
	const struct ss_stats_outcome *x = *(void *const *)a, *y = *(void *const *)b;

	return x->kind != y->kind ? (int)x->kind - (int)y->kind : strcmp(x->name, y->name);
}

/* By name, then by attributes in their order. */
static int compare_series(const void *a, const void *b)
{
	const struct ss_stats_series *x = *(void *const *)a, *y = *(void *const *)b;
	int order = strcmp(x->name, y->name);
	uint32_t i;

	if (!order && x->kind != y->kind)
		order = (int)x->kind - (int)y->kind;
	for (i = 0; !order && i < x->label_count && i < y->label_count; i++) {
		order = strcmp(x->labels[i].key, y->labels[i].key);
		if (!order)
			order = strcmp(x->labels[i].text, y->labels[i].text);
	}
	return order ? order : (int)x->label_count - (int)y->label_count;
}

static void sort_set(struct ss_stats_set *set, int (*compare)(const void *a, const void *b))
{
	if (set->count)
		qsort(set->rows, set->count, sizeof(*set->rows), compare);
}

void ss_stats_order(struct ss_stats *stats, enum ss_stats_sort sort)
{
	if (stats->names.count)
		qsort_r(stats->names.rows, stats->names.count, sizeof(*stats->names.rows),
			compare_rows, &sort);
	if (stats->models.count)
		qsort_r(stats->models.rows, stats->models.count, sizeof(*stats->models.rows),
			compare_rows, &sort);
	sort_set(&stats->outcomes, compare_outcomes);
	sort_set(&stats->metric_outcomes, compare_outcomes);
	sort_set(&stats->series, compare_series);
}
