/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_retry.h"

#include <criterion/criterion.h>

Test(export_retry, twice_as_long_each_time_up_to_a_limit)
{
	struct ss_export_retry least = { 0 }, most = { 0 };
	uint32_t upper = SS_EXPORT_RETRY_FIRST_MS, tries, half;

	for (tries = 0; tries < 12; tries++) {
		half = upper / 2;
		/* From half to all of it, whatever the dice say. */
		cr_assert_eq(ss_export_retry_next(&least, 0, 0), half);
		cr_assert_eq(ss_export_retry_next(&most, 0, half), upper);
		upper = upper > SS_EXPORT_RETRY_MAX_MS / 2 ? SS_EXPORT_RETRY_MAX_MS : 2 * upper;
	}
	cr_assert_eq(upper, SS_EXPORT_RETRY_MAX_MS);
}

Test(export_retry, jitter_stays_within)
{
	uint32_t random = 1, i;

	for (i = 0; i < 1000; i++) {
		struct ss_export_retry retry = { .upper_ms = 400 };
		uint64_t wait_ms = ss_export_retry_next(&retry, 0, random);

		cr_assert(wait_ms >= 400 && wait_ms <= 800, "%lu", (unsigned long)wait_ms);
		random = random * 1664525u + 1013904223u;
	}
}

Test(export_retry, as_the_server_says)
{
	struct ss_export_retry retry = { 0 };

	cr_assert_eq(ss_export_retry_next(&retry, 7, 0), 7000);
	cr_assert_eq(ss_export_retry_next(&retry, 7, 99), 7099);
	/* Never sooner than it says, and never for ever. */
	cr_assert_eq(ss_export_retry_next(&retry, UINT64_MAX, 0), 86400000);
	/* What it did not say goes on as before. */
	cr_assert_eq(ss_export_retry_next(&retry, 0, 0), SS_EXPORT_RETRY_FIRST_MS * 8 / 2);
}
