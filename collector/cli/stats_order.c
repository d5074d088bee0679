/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/stats_print.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cli/stats_model.h"

#define LABELS_MAX 32u /* of a series, that are put in order */

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

static const struct ss_stats_label *find_label(const struct ss_stats_series *series,
					       const char *key)
{
	uint32_t i;

	for (i = 0; i < series->label_count; i++)
		if (!strcmp(series->labels[i].key, key))
			return &series->labels[i];
	return NULL;
}

/* Whether all series of an instrument, count ones from `series` on, have the label. */
static bool is_common(void *const *series, uint32_t count, const struct ss_stats_label *label)
{
	const struct ss_stats_label *other;
	uint32_t i;

	for (i = 0; i < count; i++) {
		other = find_label(series[i], label->key);
		if (!other || strcmp(other->text, label->text) != 0)
			return false;
	}
	return true;
}

/* Puts what tells a series from others of its instrument before what all of them have: the end of a
 * long line may be cut. common: labels of the instrument's first series. */
static void order_labels(struct ss_stats_series *series, const struct ss_stats_label *first,
			 uint32_t first_count, const bool *common)
{
	struct ss_stats_label label;
	uint32_t i, k, telling = 0;
	bool is_telling;

	for (i = 0; i < series->label_count; i++) {
		label = series->labels[i];
		is_telling = true;
		for (k = 0; k < first_count; k++)
			if (common[k] && !strcmp(first[k].key, label.key))
				is_telling = false;
		if (!is_telling)
			continue;
		memmove(&series->labels[telling + 1], &series->labels[telling],
			(i - telling) * sizeof(label));
		series->labels[telling++] = label;
	}
}

/* Of one instrument's series. */
static void order_all_labels(void *const *series, uint32_t count)
{
	struct ss_stats_label first[LABELS_MAX];
	const struct ss_stats_series *of = series[0];
	uint32_t first_count = of->label_count < LABELS_MAX ? of->label_count : LABELS_MAX, i;
	bool common[LABELS_MAX];

	if (count < 2)
		return;
	for (i = 0; i < first_count; i++) {
		first[i] = of->labels[i];
		common[i] = is_common(series, count, &first[i]);
	}
	for (i = 0; i < count; i++)
		order_labels(series[i], first, first_count, common);
}

static void order_series(struct ss_stats_set *set)
{
	uint32_t from, to;

	for (from = 0; from < set->count; from = to) {
		const struct ss_stats_series *first = set->rows[from], *next;

		for (to = from + 1; to < set->count; to++) {
			next = set->rows[to];
			if (strcmp(first->name, next->name) != 0)
				break;
		}
		order_all_labels(set->rows + from, to - from);
	}
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
	order_series(&stats->series);
}
