/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/span_index.h"

#include <errno.h>

#include <criterion/criterion.h>

Test(span_index, empty)
{
	struct ss_span_index index = { 0 };

	cr_assert_eq(ss_span_index_find(&index, 1), SS_SPAN_INDEX_NONE);
	ss_span_index_deinit(&index);
}

Test(span_index, finds_what_was_added)
{
	struct ss_span_index index = { 0 };
	uint32_t i, found;

	/* Neighbouring keys, as a handcrafted dump has them, and far ones. */
	for (i = 0; i < 50000; i++)
		cr_assert_eq(ss_span_index_add(&index, i & 1 ? i : (uint64_t)i << 40, i, &found),
			     0);
	cr_assert_eq(index.count, 50000);
	for (i = 0; i < 50000; i++)
		cr_assert_eq(ss_span_index_find(&index, i & 1 ? i : (uint64_t)i << 40), i);
	cr_assert_eq(ss_span_index_find(&index, 50001), SS_SPAN_INDEX_NONE);
	ss_span_index_deinit(&index);
}

Test(span_index, first_one_stays)
{
	struct ss_span_index index = { 0 };
	uint32_t found = 99;

	cr_assert_eq(ss_span_index_add(&index, 7, 1, &found), 0);
	cr_assert_eq(ss_span_index_add(&index, 7, 2, &found), -EEXIST);
	cr_assert_eq(found, 1);
	cr_assert_eq(ss_span_index_find(&index, 7), 1);
	cr_assert_eq(index.count, 1);
	ss_span_index_deinit(&index);
}

Test(span_index, key_depends_on_all_parts)
{
	uint64_t key = ss_span_index_key(1, 2, 3);

	cr_assert_neq(key, ss_span_index_key(2, 1, 3));
	cr_assert_neq(key, ss_span_index_key(1, 2, 4));
	cr_assert_neq(key, ss_span_index_key(1, 3, 3));
	cr_assert_eq(key, ss_span_index_key(1, 2, 3));
}
