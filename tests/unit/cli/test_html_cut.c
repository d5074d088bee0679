/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/html_cut.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "collector/cli/tree_model.h"

static struct ss_tree tree;
static struct ss_html_cut cut;

/* One more span; its id is its number. */
static void add(unsigned trace, unsigned id, unsigned parent, unsigned duration, const char *status)
{
	struct ss_tree_slice line;
	char text[1024];
	size_t byte;

	line.text = text;
	line.bytes = snprintf(
		text, sizeof(text),
		"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"%032x\",\"spanId\":"
		"\"%016x\",\"parentSpanId\":\"%016x\",\"name\":\"n\",\"startTimeUnixNano\":\"1000\","
		"\"endTimeUnixNano\":\"%u\",\"status\":{%s}}]}]}]}",
		trace, id, parent, 1000 + duration, status);
	if (!parent)
		memcpy(strstr(text, "\"parentSpanId\":\"") + 16, "\",     \"xyz\":\"", 14);
	cr_assert_eq(ss_tree_add(&tree, line, 0, 0, &byte), 0, "%s", text);
}

/* The ids that stay, in the order in which they came, as "1 2 3". */
static void assert_kept(uint32_t max, const char *expected)
{
	char kept[256] = "";
	uint32_t i;

	cr_assert_eq(ss_html_cut_choose(&cut, &tree, max), 0);
	cr_assert_eq(ss_tree_link(&tree), 0);
	for (i = 0; i < tree.span_count; i++)
		if (tree.spans[i].shown == tree.view)
			sprintf(kept + strlen(kept), "%s%u", *kept ? " " : "",
				(unsigned)tree.spans[i].span_id);
	cr_assert_str_eq(kept, expected);
}

static void clean(void)
{
	ss_html_cut_deinit(&cut);
	ss_tree_deinit(&tree);
}

#define ERROR "\"code\":2"

/* 1 over 2 (3, 4, 5), 6 (7, 8 with an error); and 9 alone. */
static void make(void)
{
	add(1, 1, 0, 1000, "");
	add(1, 2, 1, 500, "");
	add(1, 3, 2, 30, "");
	add(1, 4, 2, 20, "");
	add(1, 5, 2, 40, "");
	add(1, 6, 1, 5, "");
	add(1, 7, 6, 4, "");
	add(1, 8, 6, 3, ERROR);
	add(2, 9, 0, 1, "");
}

Test(html_cut, all_fit, .init = make, .fini = clean)
{
	assert_kept(9, "1 2 3 4 5 6 7 8 9");
	cr_assert_eq(cut.spans, 0);
	cr_assert_null(cut.of_span);
}

Test(html_cut, no_limit, .init = make, .fini = clean)
{
	assert_kept(0, "1 2 3 4 5 6 7 8 9");
	cr_assert_eq(cut.spans, 0);
}

Test(html_cut, errors_then_the_longest, .init = make, .fini = clean)
{
	assert_kept(5, "1 2 5 6 8");
	cr_assert_eq(cut.spans, 4);
	cr_assert_eq(cut.errors, 0);
	cr_assert_eq(cut.longest_ns, 30);
	cr_assert_eq(cut.of_span[1], 2);
	cr_assert_eq(cut.of_span[5], 1);
	cr_assert_eq(cut.of_span[0], 0);
	cr_assert_eq(cut.of_trace[0], 0);
	cr_assert_eq(cut.of_trace[1], 1);
}

/* An error that does not fit with all that is above it is counted; nothing stays without its
 * parent. */
Test(html_cut, too_few_for_an_error, .init = make, .fini = clean)
{
	assert_kept(2, "1 2");
	cr_assert_eq(cut.spans, 7);
	cr_assert_eq(cut.errors, 1);
	cr_assert_eq(cut.of_span[0], 3);
	cr_assert_eq(cut.of_span[1], 3);
	cr_assert_eq(cut.of_trace[1], 1);
}

/* What a filter left out is not counted. */
Test(html_cut, after_a_filter, .fini = clean)
{
	tree.options.min_duration_ns = 30;
	make();
	assert_kept(3, "1 2 5");
	cr_assert_eq(cut.spans, 1);
	cr_assert_eq(cut.longest_ns, 30);
}

/* A parent that is missing takes its place. */
Test(html_cut, missing_parent, .fini = clean)
{
	add(1, 2, 1, 10, "");
	add(1, 3, 1, 20, "");
	add(1, 5, 4, 5, "");
	assert_kept(2, "1 3");
	cr_assert_eq(cut.spans, 2);
	cr_assert_eq(cut.of_trace[0], 1);
}
