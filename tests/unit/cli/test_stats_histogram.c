/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/stats_histogram.h"

#include <stdlib.h>

#include <criterion/criterion.h>

#include "collector/cli/bump.h"

#define VALUES 20000

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Every percentile is within 1 % of the exact one, of the nearest rank. */
static void assert_percentiles(uint64_t *values, size_t count)
{
	static const double percents[] = { 0.01, 1, 10, 25, 50, 75, 90, 95, 99, 99.9, 100 };
	struct ss_stats_histogram histogram = { 0 };
	struct ss_bump memory = { 0 };
	double sum = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		cr_assert_eq(ss_stats_histogram_add(&histogram, &memory, values[i]), 0);
		sum += (double)values[i];
	}
	qsort(values, count, sizeof(*values), compare);
	cr_assert_eq(histogram.count, count);
	cr_assert_eq(histogram.min, values[0]);
	cr_assert_eq(histogram.max, values[count - 1]);
	cr_assert_float_eq(histogram.sum, sum, sum / 1e9);
	for (i = 0; i < sizeof(percents) / sizeof(*percents); i++) {
		size_t rank = ss_stats_rank(percents[i], count);
		uint64_t exact = values[rank - 1];
		uint64_t told = ss_stats_histogram_percentile(&histogram, percents[i]);

		cr_assert((told > exact ? told - exact : exact - told) <= exact / 100,
			  "p%g of %zu: %llu, exactly %llu", percents[i], count,
			  (unsigned long long)told, (unsigned long long)exact);
	}
	ss_bump_deinit(&memory);
}

Test(stats_histogram, against_exact_percentiles)
{
	uint64_t *values = malloc(VALUES * sizeof(*values));
	size_t i;

	srand48(1);
	for (i = 0; i < VALUES; i++) /* all magnitudes alike */
		values[i] = (uint64_t)mrand48() << 32 >> lrand48() % 60;
	assert_percentiles(values, VALUES);
	for (i = 0; i < VALUES; i++) /* two humps */
		values[i] = (uint64_t)(i % 10 ? 1e6 + drand48() * 1e5 : 3e9 + drand48() * 1e9);
	assert_percentiles(values, VALUES);
	for (i = 0; i < VALUES; i++)
		values[i] = i;
	assert_percentiles(values, VALUES);
	for (i = 0; i < VALUES; i++)
		values[i] = i * i * i * i;
	assert_percentiles(values, VALUES);
	assert_percentiles(values, 7);
	free(values);
}

Test(stats_histogram, few_values_are_exact)
{
	struct ss_stats_histogram histogram = { 0 };
	struct ss_bump memory = { 0 };

	cr_assert_eq(ss_stats_histogram_percentile(&histogram, 50), 0);
	ss_stats_histogram_add(&histogram, &memory, 123456789);
	cr_assert_eq(ss_stats_histogram_percentile(&histogram, 50), 123456789);
	cr_assert_eq(ss_stats_histogram_percentile(&histogram, 99), 123456789);
	ss_stats_histogram_add(&histogram, &memory, 5);
	cr_assert_eq(ss_stats_histogram_percentile(&histogram, 50), 5);
	cr_assert_eq(ss_stats_histogram_percentile(&histogram, 51), 123456789);
	ss_bump_deinit(&memory);
}

Test(stats_histogram, extremes)
{
	uint64_t values[] = { 0, 1, 63, 64, 127, 128, UINT64_MAX / 2, UINT64_MAX };

	assert_percentiles(values, sizeof(values) / sizeof(*values));
}

Test(stats_histogram, ranks)
{
	cr_assert_eq(ss_stats_rank(50, 1), 1);
	cr_assert_eq(ss_stats_rank(50, 2), 1);
	cr_assert_eq(ss_stats_rank(50, 3), 2);
	cr_assert_eq(ss_stats_rank(95, 20), 19);
	cr_assert_eq(ss_stats_rank(95, 100), 95);
	cr_assert_eq(ss_stats_rank(99, 100), 99);
	cr_assert_eq(ss_stats_rank(99, 101), 100);
	cr_assert_eq(ss_stats_rank(0.001, 10), 1);
}
