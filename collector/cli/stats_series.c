/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/stats_model.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/dump.h"
#include "collector/instruments.h"

struct point { /* a resource's last one of a series: what of it is in the series' sum */
	uint64_t start_ns, time_ns, count;
	double sum;
	uint32_t bound_count;
	uint64_t *buckets; /* NULL: none */
};

/* --- the series itself --- */

static int keep_labels(struct ss_stats *stats, struct ss_stats_series *series,
		       const struct cJSON *list)
{
	const struct cJSON *cursor = NULL;
	struct ss_dump_attr attr;
	char text[64];
	uint32_t count = 0;

	while (ss_dump_read_attr(list, &cursor, &attr))
		count++;
	series->labels = ss_bump_alloc(&stats->memory, count * sizeof(*series->labels));
	if (!series->labels)
		return -ENOMEM;
	for (cursor = NULL; ss_dump_read_attr(list, &cursor, &attr);) {
		struct ss_stats_label *label = &series->labels[series->label_count++];

		snprintf(text, sizeof(text), "(list)");
		if (attr.type == SS_DUMP_INT)
			snprintf(text, sizeof(text), "%" PRId64, attr.integer);
		else if (attr.type == SS_DUMP_BOOL)
			snprintf(text, sizeof(text), "%s", attr.integer ? "true" : "false");
		else if (attr.type == SS_DUMP_DOUBLE)
			snprintf(text, sizeof(text), "%.17g", attr.number);
		label->quoted = attr.type == SS_DUMP_STRING || attr.type == SS_DUMP_OTHER ||
				(attr.type == SS_DUMP_DOUBLE && !isfinite(attr.number));
		label->key = ss_stats_set_text(&stats->memory, attr.key);
		label->text = ss_stats_set_text(&stats->memory,
						attr.type == SS_DUMP_STRING ? attr.text : text);
		if (!label->key || !label->text)
			return -ENOMEM;
	}
	return 0;
}

static int make_series(struct ss_stats *stats, struct ss_stats_series *series,
		       const struct ss_dump_point *point)
{
	series->name = ss_stats_set_text(&stats->memory, point->name);
	series->unit = ss_stats_set_text(&stats->memory, point->unit);
	series->kind = point->kind;
	if (!series->name || !series->unit)
		return -ENOMEM;
	return keep_labels(stats, series, point->attributes);
}

/* Room for the buckets of a series, or of a point, at the first that has any. */
static int make_buckets(struct ss_stats *stats, struct ss_stats_series *series,
			const struct ss_dump_point *point)
{
	uint32_t count = point->bound_count;

	series->bounds = ss_bump_alloc(&stats->memory, (count + 1) * sizeof(*series->bounds));
	series->buckets = ss_bump_alloc(&stats->memory, (count + 1) * sizeof(*series->buckets));
	if (!series->bounds || !series->buckets)
		return -ENOMEM;
	memcpy(series->bounds, point->bounds, count * sizeof(*series->bounds));
	series->bound_count = count;
	return 0;
}

/* --- adding up --- */

static void add_extremes(struct ss_stats_series *series, const struct ss_dump_point *point)
{
	if (point->has_min && !isnan(point->min) &&
	    (!series->has_min || point->min < series->min)) {
		series->min = point->min;
		series->has_min = true;
	}
	if (point->has_max && !isnan(point->max) &&
	    (!series->has_max || point->max > series->max)) {
		series->max = point->max;
		series->has_max = true;
	}
}

static int add_buckets(struct ss_stats *stats, struct ss_stats_series *series, struct point *last,
		       const struct ss_dump_point *point)
{
	uint32_t count = point->bound_count, i;

	if (!series->bounds && !series->mixed && make_buckets(stats, series, point))
		return -ENOMEM;
	if (series->mixed || count != series->bound_count ||
	    memcmp(series->bounds, point->bounds, count * sizeof(*series->bounds)) != 0) {
		series->mixed = true;
		return 0;
	}
	if (!last->buckets) {
		last->buckets = ss_bump_alloc(&stats->memory, (count + 1) * sizeof(*last->buckets));
		last->bound_count = count;
	}
	if (!last->buckets)
		return -ENOMEM;
	for (i = 0; i <= count; i++) {
		series->buckets[i] += point->buckets[i] - last->buckets[i];
		last->buckets[i] = point->buckets[i];
	}
	return 0;
}

/* A new start, or less than before: it began again, and what was added so far stays. */
static bool began_again(const struct point *last, const struct ss_dump_point *point)
{
	if (!point->cumulative || point->start_ns != last->start_ns || point->count < last->count)
		return true;
	return point->monotonic && point->sum < last->sum;
}

static int add_up(struct ss_stats *stats, struct ss_stats_series *series, struct point *last,
		  const struct ss_dump_point *point)
{
	int r = 0;

	if (began_again(last, point)) {
		last->count = 0;
		last->sum = 0;
		if (last->buckets)
			memset(last->buckets, 0, (last->bound_count + 1) * sizeof(*last->buckets));
	}
	add_extremes(series, point);
	if (point->buckets)
		r = add_buckets(stats, series, last, point);
	if (point->kind != SS_DUMP_SUM)
		series->count += point->count - last->count;
	if (point->has_sum && !isnan(point->sum)) {
		series->has_sum = true;
		series->sum += point->sum - last->sum;
		last->sum = point->sum;
	}
	last->count = point->count;
	last->start_ns = point->start_ns;
	last->time_ns = point->time_ns;
	return r;
}

int ss_stats_add_point(struct ss_stats *stats, const struct ss_dump_point *point)
{
	uint64_t key = ss_span_index_key(point->series_key, point->resource_key, 0);
	void *series = NULL, *last = NULL, *resource;
	int r, made;

	if (stats->name && fnmatch(stats->name, point->name, 0) != 0)
		return 0;
	r = ss_stats_set_find(&stats->resources, &stats->memory, point->resource_key, 1,
			      SS_STATS_POINTS_MAX, &resource);
	if (r >= 0)
		r = ss_stats_set_find(&stats->series, &stats->memory, point->series_key,
				      sizeof(struct ss_stats_series), SS_STATS_SERIES_MAX, &series);
	if (r == 1 && make_series(stats, series, point))
		return -ENOMEM;
	made = r < 0 ? r
		     : ss_stats_set_find(&stats->points, &stats->memory, key, sizeof(struct point),
					 SS_STATS_POINTS_MAX, &last);
	if (made == -ENOSPC) {
		stats->left_out++;
		return 0;
	}
	if (made < 0)
		return made;
	((struct ss_stats_series *)series)->resources += made;
	/* An older line than the one that counts already says nothing new. */
	if (point->cumulative && !made && point->time_ns < ((struct point *)last)->time_ns)
		return 0;
	if (point->kind == SS_DUMP_GAUGE) { /* the latest of all */
		struct ss_stats_series *gauge = series;

		if (point->time_ns >= gauge->time_ns && !isnan(point->sum))
			gauge->sum = point->sum;
		gauge->has_sum = true;
		gauge->time_ns = point->time_ns > gauge->time_ns ? point->time_ns : gauge->time_ns;
		return 0;
	}
	return add_up(stats, series, last, point);
}

bool ss_stats_series_percentile(const struct ss_stats_series *series, double percent,
				double *ret_value)
{
	uint64_t total = 0, rank, seen = 0;
	uint32_t i;

	if (series->mixed || !series->buckets)
		return false;
	for (i = 0; i <= series->bound_count; i++)
		total += series->buckets[i];
	rank = ss_stats_rank(percent, total);
	for (i = 0; total && i < series->bound_count; i++) {
		seen += series->buckets[i];
		if (seen < rank)
			continue;
		*ret_value = series->bounds[i];
		if (series->has_max && series->max < *ret_value)
			*ret_value = series->max;
		return true;
	}
	if (!total || !series->has_max)
		return false;
	*ret_value = series->max;
	return true;
}

/* --- outcomes: how many of which went well --- */

static const char *label_of(const struct ss_stats_series *series, const char *key)
{
	uint32_t i;

	for (i = 0; i < series->label_count; i++)
		if (!strcmp(series->labels[i].key, key))
			return series->labels[i].text;
	return NULL;
}

static uint64_t whole(const struct ss_stats_series *series)
{
	return series->sum > 0 && series->sum < 9e18 ? (uint64_t)(series->sum + 0.5) : 0;
}

static bool is(const struct ss_stats_series *series, enum ss_instrument_id instrument)
{
	const char *name = ss_instruments[instrument].name;

	return name && !strcmp(series->name, name);
}

/* Requirements: what was checked passed, and then each failure takes one away. */
static int add_series_outcome(struct ss_stats *stats, const struct ss_stats_series *series)
{
	const char *strategy = label_of(series, "strategy"), *tool, *status;
	const char *requirement = label_of(series, "requirement");
	uint64_t value = whole(series);
	struct ss_stats_set *set = &stats->metric_outcomes;

	strategy = strategy ? strategy : "";
	requirement = requirement ? requirement : "";
	if (is(series, SS_INSTRUMENT_SAMPLING_SUCCESSES))
		return ss_stats_add_outcome(stats, set, SS_STATS_SAMPLING, strategy, value, value);
	if (is(series, SS_INSTRUMENT_SAMPLING_FAILURES))
		return ss_stats_add_outcome(stats, set, SS_STATS_SAMPLING, strategy, 0, value);
	if (is(series, SS_INSTRUMENT_REQUIREMENT_CHECKS))
		return ss_stats_add_outcome(stats, set, SS_STATS_REQUIREMENT, requirement, value,
					    value);
	if (is(series, SS_INSTRUMENT_REQUIREMENT_FAILURES))
		return ss_stats_add_outcome(stats, set, SS_STATS_REQUIREMENT, requirement,
					    0 - value, 0);
	if (!is(series, SS_INSTRUMENT_TOOL_CALLS))
		return 0;
	tool = label_of(series, "gen_ai.tool.name");
	if (!tool)
		tool = label_of(series, "tool");
	status = label_of(series, "status");
	return ss_stats_add_outcome(stats, set, SS_STATS_TOOL, tool ? tool : "",
				    status && !strcmp(status, "success") ? value : 0, value);
}

int ss_stats_finish(struct ss_stats *stats)
{
	uint32_t i;
	int r = 0;

	for (i = 0; i < stats->series.count && !r; i++)
		r = add_series_outcome(stats, stats->series.rows[i]);
	for (i = 0; i < stats->metric_outcomes.count; i++) {
		struct ss_stats_outcome *outcome = stats->metric_outcomes.rows[i];

		if (outcome->passed > outcome->total) /* failures without their checks */
			outcome->passed = 0;
	}
	return r;
}

void ss_stats_deinit(struct ss_stats *stats)
{
	ss_stats_set_deinit(&stats->names);
	ss_stats_set_deinit(&stats->models);
	ss_stats_set_deinit(&stats->outcomes);
	ss_stats_set_deinit(&stats->metric_outcomes);
	ss_stats_set_deinit(&stats->series);
	ss_stats_set_deinit(&stats->points);
	ss_stats_set_deinit(&stats->resources);
	ss_stats_set_deinit(&stats->reported);
	ss_bump_deinit(&stats->memory);
}
