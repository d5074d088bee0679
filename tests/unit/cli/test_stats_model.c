/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/stats_model.h"

#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <criterion/criterion.h>

#include "collector/dump.h"

/* However many names there are, so many rows and one for all others. */
Test(stats_model, names_are_bounded)
{
	struct ss_stats stats = { 0 };
	struct ss_dump_span span = { .start_ns = 1, .end_ns = 11, .message = "" };
	struct ss_stats_row *last;
	char name[400];
	unsigned i;

	span.name = name;
	for (i = 0; i < SS_STATS_NAMES_MAX + 500; i++) {
		snprintf(name, sizeof(name), "%u%0300d", i, 0);
		span.error = i % 2;
		cr_assert_eq(ss_stats_add_span(&stats, &span), 0);
	}
	snprintf(name, sizeof(name), "%u%0300d", 7, 0);
	cr_assert_eq(ss_stats_add_span(&stats, &span), 0);
	cr_assert_eq(stats.names.count, SS_STATS_NAMES_MAX + 1);
	cr_assert_eq(stats.spans, SS_STATS_NAMES_MAX + 501);
	last = stats.names.rows[SS_STATS_NAMES_MAX];
	cr_assert_str_eq(last->name, "(other)");
	cr_assert(last->count == 500 && last->errors == 250 && last->duration.sum == 5000);
	last = stats.names.rows[7];
	cr_assert_eq(last->count, 2);
	cr_assert_lt(strlen(last->name), 250);
	ss_stats_deinit(&stats);
}

Test(stats_model, outcomes_are_bounded)
{
	struct ss_stats stats = { 0 };
	struct ss_stats_outcome *last;
	char name[40];
	unsigned i;

	for (i = 0; i < SS_STATS_NAMES_MAX + 10; i++) {
		snprintf(name, sizeof(name), "%u", i);
		cr_assert_eq(
			ss_stats_add_outcome(&stats, &stats.outcomes, SS_STATS_TOOL, name, 1, 2),
			0);
	}
	cr_assert_eq(stats.outcomes.count, SS_STATS_NAMES_MAX + 1);
	last = stats.outcomes.rows[SS_STATS_NAMES_MAX];
	cr_assert(last->passed == 10 && last->total == 20);
	ss_stats_deinit(&stats);
}

static void add_value(struct ss_stats *stats, uint64_t series, uint64_t resource, uint64_t time_ns,
		      double value)
{
	const struct ss_dump_point point = {
		.kind = SS_DUMP_SUM,
		.cumulative = true,
		.monotonic = true,
		.has_sum = true,
		.name = "calls",
		.unit = "",
		.scope_name = "",
		.series_key = series,
		.resource_key = resource,
		.start_ns = 1,
		.time_ns = time_ns,
		.count = 1,
		.sum = value,
	};

	cr_assert_eq(ss_stats_add_point(stats, &point), 0);
}

/* The last value of each process, added up; what is too much is counted. */
Test(stats_model, series)
{
	struct ss_stats stats = { 0 };
	struct ss_stats_series *first;
	unsigned i;

	for (i = 0; i < SS_STATS_SERIES_MAX + 5; i++)
		add_value(&stats, i + 1, 1, 2, 3);
	cr_assert_eq(stats.series.count, SS_STATS_SERIES_MAX);
	cr_assert_eq(stats.left_out, 5);
	add_value(&stats, 1, 2, 2, 4);
	add_value(&stats, 1, 1, 3, 10);
	add_value(&stats, 1, 1, 2, 9); /* older */
	first = stats.series.rows[0];
	cr_assert_eq(first->sum, 14);
	cr_assert_eq(first->resources, 2);
	add_value(&stats, 1, 1, 4, 2); /* began again, without saying so */
	cr_assert_eq(first->sum, 16);
	ss_stats_deinit(&stats);
}

static void add_histogram(struct ss_stats *stats, uint64_t resource, const double *bounds,
			  const uint64_t *buckets, uint32_t bound_count, uint64_t count)
{
	struct ss_dump_point point = {
		.kind = SS_DUMP_HISTOGRAM,
		.cumulative = true,
		.name = "durations",
		.unit = "s",
		.scope_name = "",
		.series_key = 1,
		.resource_key = resource,
		.time_ns = 2,
		.count = count,
		.bound_count = bound_count,
		.bounds = bounds,
		.buckets = buckets,
	};

	cr_assert_eq(ss_stats_add_point(stats, &point), 0);
}

Test(stats_model, percentiles_from_buckets)
{
	const double bounds[] = { 1, 2, 4 }, others[] = { 1, 3, 4 };
	const uint64_t some[] = { 10, 0, 9, 0 }, more[] = { 0, 0, 0, 1 };
	struct ss_stats stats = { 0 };
	struct ss_stats_series *series;
	double value = 0;

	add_histogram(&stats, 1, bounds, some, 3, 19);
	series = stats.series.rows[0];
	cr_assert(ss_stats_series_percentile(series, 50, &value) && value == 1);
	cr_assert(ss_stats_series_percentile(series, 53, &value) && value == 4);
	add_histogram(&stats, 2, bounds, more, 3, 1);
	cr_assert(ss_stats_series_percentile(series, 95, &value) && value == 4);
	cr_assert_not(ss_stats_series_percentile(series, 96, &value));
	series->has_max = true;
	series->max = 3.5;
	cr_assert(ss_stats_series_percentile(series, 95, &value) && value == 3.5);
	cr_assert(ss_stats_series_percentile(series, 99, &value) && value == 3.5);
	cr_assert_eq(series->count, 20);
	add_histogram(&stats, 3, others, some, 3, 19); /* other buckets: they cannot be added up */
	cr_assert_eq(series->count, 39);
	cr_assert_not(ss_stats_series_percentile(series, 50, &value));
	ss_stats_deinit(&stats);
}
