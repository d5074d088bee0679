/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_model.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "collector/cli/tree_walk.h"

static struct ss_tree tree;
static char outline[4096];

/* A span of trace 0...trace; parent 0: none. */
static void add(unsigned trace, unsigned id, unsigned parent, unsigned start, unsigned end)
{
	char line[1024], above[64] = "";
	size_t byte;

	if (parent)
		snprintf(above, sizeof(above), "\"parentSpanId\":\"%016x\",", parent);
	snprintf(line, sizeof(line),
		 "{\"resourceSpans\":[{\"resource\":{},\"scopeSpans\":[{\"scope\":{},\"spans\":["
		 "{\"traceId\":\"%032x\",\"spanId\":\"%016x\",%s\"name\":\"s%u\","
		 "\"startTimeUnixNano\":\"%u\",\"endTimeUnixNano\":\"%u\"}]}]}]}",
		 trace, id, above, id, start, end);
	cr_assert_eq(ss_tree_add(&tree, (struct ss_tree_slice){ line, strlen(line) }, 0, 0, &byte),
		     0);
}

static void on_enter(void *data, uint32_t at, unsigned depth)
{
	const struct ss_tree_span *span = &tree.spans[at];

	sprintf(outline + strlen(outline), "%s%x%s", depth ? "(" : "", (unsigned)span->span_id,
		span->flags & SS_TREE_MISSING      ? "?"
		: span->flags & SS_TREE_CONCURRENT ? "="
						   : "");
}

static void on_leave(void *data, uint32_t at, unsigned depth)
{
	strcat(outline, depth ? ")" : " ");
}

static void on_more(void *data, uint32_t at, unsigned depth)
{
	uint64_t errors;

	sprintf(outline + strlen(outline), "+%u", (unsigned)ss_tree_more(&tree, at, &errors));
}

/* "1(2(3))" of the view, traces apart by "|". */
static const char *shown(void)
{
	const struct ss_tree_visitor visitor = { on_enter, on_leave, on_more, NULL };
	uint32_t i;

	cr_assert_eq(ss_tree_link(&tree), 0);
	*outline = '\0';
	for (i = 0; i < tree.shown_trace_count; i++) {
		strcat(outline, i ? "| " : "");
		ss_tree_walk(&tree, &tree.traces[tree.shown_traces[i]], &visitor);
	}
	if (*outline)
		outline[strlen(outline) - 1] = '\0';
	return outline;
}

static void forget_new(void)
{
	while (tree.fresh_count)
		tree.spans[tree.fresh[--tree.fresh_count]].flags &= ~SS_TREE_NEW;
}

Test(tree_model, children_before_parents)
{
	add(1, 3, 2, 30, 40);
	add(1, 4, 2, 25, 28);
	add(1, 2, 1, 20, 50);
	add(1, 1, 0, 10, 60);
	cr_assert_str_eq(shown(), "1(2(4)(3))");
	ss_tree_deinit(&tree);
}

Test(tree_model, missing_parents_gather_their_children)
{
	add(1, 3, 9, 30, 40);
	add(1, 4, 9, 50, 60);
	add(1, 5, 8, 10, 20);
	cr_assert_str_eq(shown(), "8?(5) 9?(3)(4)");
	cr_assert_eq(tree.traces[0].missing, 2);
	ss_tree_deinit(&tree);
}

Test(tree_model, siblings_that_overlap)
{
	add(1, 1, 0, 0, 100);
	add(1, 2, 1, 10, 20);
	add(1, 3, 1, 20, 40);
	add(1, 4, 1, 30, 50);
	add(1, 5, 1, 45, 47);
	add(1, 6, 1, 50, 60);
	cr_assert_str_eq(shown(), "1(2)(3=)(4=)(5=)(6)");
	ss_tree_deinit(&tree);
}

/* Nobody is their own ancestor, whatever order a damaged dump says it in. */
Test(tree_model, rings_are_cut)
{
	add(1, 1, 3, 0, 9);
	add(1, 2, 1, 1, 8);
	add(1, 3, 2, 2, 7);
	add(1, 4, 4, 3, 6);
	add(1, 5, 3, 4, 5);
	cr_assert_str_eq(shown(), "3=(1=(2))(5=) 4=");
	ss_tree_deinit(&tree);
}

Test(tree_model, same_span_twice)
{
	add(1, 1, 0, 0, 9);
	add(1, 1, 0, 0, 9);
	add(2, 1, 0, 5, 9);
	cr_assert_str_eq(shown(), "1 | 1");
	cr_assert_eq(tree.duplicates, 1);
	ss_tree_deinit(&tree);
}

/* A view has what is new, and what is above it. */
Test(tree_model, views)
{
	add(1, 3, 2, 30, 40);
	cr_assert_str_eq(shown(), "2?(3)");
	forget_new();
	add(1, 4, 2, 50, 60);
	add(2, 7, 0, 70, 80);
	cr_assert_str_eq(shown(), "2?(4) | 7");
	forget_new();
	add(1, 2, 1, 20, 70);
	cr_assert_str_eq(shown(), "1?(2)");
	forget_new();
	cr_assert_str_eq(shown(), "");
	ss_tree_deinit(&tree);
}

/* One that ended earlier ran beside it, though it is in no view any more. */
Test(tree_model, overlap_over_views)
{
	add(1, 2, 1, 10, 20);
	shown();
	forget_new();
	add(1, 3, 1, 15, 25);
	cr_assert_str_eq(shown(), "1?(3=)");
	forget_new();
	add(1, 4, 1, 25, 30);
	cr_assert_str_eq(shown(), "1?(4)");
	ss_tree_deinit(&tree);
}

Test(tree_model, limit)
{
	tree.options.limit = 2;
	add(1, 1, 0, 0, 90);
	add(1, 2, 1, 10, 20);
	add(1, 3, 1, 20, 30);
	add(1, 4, 1, 30, 40);
	add(1, 5, 1, 40, 50);
	add(1, 6, 5, 41, 42);
	cr_assert_str_eq(shown(), "1(2)(3)+2");
	ss_tree_deinit(&tree);
}

Test(tree_model, trace_prefix)
{
	unsigned digits;

	for (digits = 1; digits <= 32; digits++) {
		tree.options = (struct ss_tree_options){ .trace_digits = digits };
		/* 30 zeros, then ab */
		tree.options.trace_lo = digits == 31 ? 0xa0 : digits == 32 ? 0xab : 0;
		add(0xab, 1, 0, 0, 9);
		add(0xcd, 1, 0, 0, 9);
		cr_assert_eq(tree.span_count, digits < 31 ? 2 : 1, "%u digits", digits);
		ss_tree_deinit(&tree);
	}
}

Test(tree_model, more_spans_than_memory)
{
	unsigned i;

	tree.options.span_max = 100;
	for (i = 1; i <= 150; i++)
		add(1, i, 0, i, i + 1);
	cr_assert_eq(tree.span_count, 100);
	cr_assert_eq(tree.left_out, 50);
	ss_tree_forget(&tree);
	add(1, 7, 0, 0, 9);
	cr_assert_str_eq(shown(), "7");
	ss_tree_deinit(&tree);
}

/* What a million of them costs is what the help promises. */
Test(tree_model, a_span_is_small)
{
	cr_assert_leq(sizeof(struct ss_tree_span), 64);
	cr_assert_leq(sizeof(struct ss_span_index_slot), 12);
}
