/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/stats_histogram.h"

#include <errno.h>

#include "collector/cli/bump.h"

#define PARTS_BITS 6u
_Static_assert(SS_STATS_HISTOGRAM_PARTS == 1u << PARTS_BITS, "a power of two");

/* Within an octave above 0, `part` is what follows the value's highest bit. */
static unsigned octave_of(uint64_t value, unsigned *ret_part)
{
	unsigned shift = 0;

	if (value >= SS_STATS_HISTOGRAM_PARTS)
		shift = 63 - (unsigned)__builtin_clzll(value) - PARTS_BITS;
	*ret_part = (value >> shift) & (SS_STATS_HISTOGRAM_PARTS - 1);
	return value < SS_STATS_HISTOGRAM_PARTS ? 0 : shift + 1;
}

static uint64_t middle_of(unsigned octave, unsigned part)
{
	unsigned shift = octave ? octave - 1 : 0;
	uint64_t lowest = (uint64_t)(part + (octave ? SS_STATS_HISTOGRAM_PARTS : 0)) << shift;

	return lowest + ((1ull << shift) >> 1);
}

int ss_stats_histogram_add(struct ss_stats_histogram *histogram, struct ss_bump *memory,
			   uint64_t value)
{
	unsigned part, octave = octave_of(value, &part);
	uint64_t **parts = &histogram->octaves[octave];

	if (!*parts)
		*parts = ss_bump_alloc(memory, SS_STATS_HISTOGRAM_PARTS * sizeof(**parts));
	if (!*parts)
		return -ENOMEM;
	(*parts)[part]++;
	if (!histogram->count || value < histogram->min)
		histogram->min = value;
	if (value > histogram->max)
		histogram->max = value;
	histogram->count++;
	histogram->sum += (double)value;
	return 0;
}

uint64_t ss_stats_histogram_total(const struct ss_stats_histogram *histogram)
{
	return histogram->sum < 0x1p64 ? (uint64_t)histogram->sum : UINT64_MAX;
}

uint64_t ss_stats_rank(double percent, uint64_t count)
{
	double exact = percent * (double)count / 100;
	uint64_t rank = (uint64_t)exact;

	rank += (double)rank < exact;
	return rank ? rank : 1;
}

uint64_t ss_stats_histogram_percentile(const struct ss_stats_histogram *histogram, double percent)
{
	uint64_t rank = ss_stats_rank(percent, histogram->count), seen = 0, value;
	unsigned octave, part;

	if (rank >= histogram->count)
		return histogram->max;
	for (octave = 0; octave < sizeof(histogram->octaves) / sizeof(*histogram->octaves);
	     octave++) {
		for (part = 0; histogram->octaves[octave] && part < SS_STATS_HISTOGRAM_PARTS;
		     part++) {
			seen += histogram->octaves[octave][part];
			if (seen < rank)
				continue;
			value = middle_of(octave, part);
			if (value < histogram->min)
				return histogram->min;
			return value > histogram->max ? histogram->max : value;
		}
	}
	return histogram->max;
}
