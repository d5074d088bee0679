/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_model.h"

#include <errno.h>
#include <stdlib.h>

static int compare_spans(const void *a, const void *b, void *data)
{
	const struct ss_tree *tree = data;
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	const struct ss_tree_span *x = &tree->spans[i], *y = &tree->spans[k];

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	/* Of two that start together the longer one comes first. */
	if (x->duration_ns != y->duration_ns)
		return x->duration_ns > y->duration_ns ? -1 : 1;
	return (i > k) - (i < k);
}

static int compare_traces(const void *a, const void *b, void *data)
{
	const struct ss_tree *tree = data;
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	const struct ss_tree_trace *x = &tree->traces[i], *y = &tree->traces[k];

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return (i > k) - (i < k);
}

/* Puts a span and what is above it into the view. */
static void choose(struct ss_tree *tree, uint32_t at)
{
	for (; at != SS_TREE_NONE; at = tree->spans[at].parent) {
		struct ss_tree_span *span = &tree->spans[at];

		if (span->shown == tree->view)
			return;
		span->shown = tree->view;
		span->first = span->next = SS_TREE_NONE;
		span->flags &= ~SS_TREE_MORE;
		tree->order[tree->order_count++] = at;
	}
}

/* From the last to the first, so that each goes before those that are there. */
static void build_lists(struct ss_tree *tree)
{
	uint32_t i, *first;

	for (i = tree->order_count; i-- > 0;) {
		struct ss_tree_span *span = &tree->spans[tree->order[i]];
		struct ss_tree_trace *trace = &tree->traces[span->trace];

		if (trace->shown != tree->view) {
			trace->shown = tree->view;
			trace->first = SS_TREE_NONE;
			tree->shown_traces[tree->shown_trace_count++] = span->trace;
		}
		first = span->parent == SS_TREE_NONE ? &trace->first
						     : &tree->spans[span->parent].first;
		span->next = *first;
		*first = tree->order[i];
	}
}

/* Of spans in the order of their start, one overlaps with others if it starts before the latest
 * end so far, or ends after the next one's start. */
static void finish_list(struct ss_tree *tree, uint32_t at)
{
	uint64_t end_ns = 0, count = 0;

	for (; at != SS_TREE_NONE; at = tree->spans[at].next) {
		struct ss_tree_span *span = &tree->spans[at];
		uint64_t ends = span->start_ns + span->duration_ns;

		if (count++ == tree->options.limit && tree->options.limit) {
			span->flags |= SS_TREE_MORE;
			return;
		}
		if (span->start_ns < end_ns ||
		    (span->next != SS_TREE_NONE && tree->spans[span->next].start_ns < ends))
			span->flags |= SS_TREE_CONCURRENT;
		if (ends > end_ns)
			end_ns = ends;
	}
}

static int make_room(struct ss_tree *tree)
{
	void *moved;

	if (tree->order_capacity < tree->span_count) {
		moved = realloc(tree->order, tree->span_count * sizeof(*tree->order));
		if (!moved)
			return -ENOMEM;
		tree->order = moved;
		tree->order_capacity = tree->span_count;
	}
	moved = realloc(tree->shown_traces,
			(tree->trace_count ? tree->trace_count : 1) * sizeof(*tree->shown_traces));
	if (!moved)
		return -ENOMEM;
	tree->shown_traces = moved;
	return 0;
}

int ss_tree_link(struct ss_tree *tree)
{
	uint32_t i;

	if (make_room(tree))
		return -ENOMEM;
	tree->view++;
	tree->order_count = tree->shown_trace_count = 0;
	for (i = 0; i < tree->fresh_count; i++)
		if (tree->spans[tree->fresh[i]].flags & SS_TREE_MATCHED)
			choose(tree, tree->fresh[i]);
	if (tree->order_count)
		qsort_r(tree->order, tree->order_count, sizeof(*tree->order), compare_spans, tree);
	build_lists(tree);
	if (tree->shown_trace_count)
		qsort_r(tree->shown_traces, tree->shown_trace_count, sizeof(*tree->shown_traces),
			compare_traces, tree);
	for (i = 0; i < tree->shown_trace_count; i++)
		finish_list(tree, tree->traces[tree->shown_traces[i]].first);
	for (i = 0; i < tree->order_count; i++)
		finish_list(tree, tree->spans[tree->order[i]].first);
	return 0;
}
