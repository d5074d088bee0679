/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_model.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

static int compare_spans(const void *a, const void *b)
{
	const struct ss_tree_span *x = *(struct ss_tree_span *const *)a;
	const struct ss_tree_span *y = *(struct ss_tree_span *const *)b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	/* Of two that start together the longer one comes first; ids make the order total. */
	if (x->end_ns != y->end_ns)
		return x->end_ns > y->end_ns ? -1 : 1;
	return (x->span_id > y->span_id) - (x->span_id < y->span_id);
}

static int find_trace(struct ss_tree *tree, const struct ss_tree_span *span,
		      struct ss_tree_trace **ret_trace)
{
	uint64_t key = ss_span_index_key(span->trace_hi, span->trace_lo, 0);
	uint32_t at = tree->trace_count;
	int r;

	if (tree->trace_count == tree->trace_capacity) {
		uint32_t capacity = tree->trace_capacity ? 2 * tree->trace_capacity : 16;
		void *wider = realloc(tree->traces, capacity * sizeof(*tree->traces));

		if (!wider)
			return -ENOMEM;
		tree->traces = wider;
		tree->trace_capacity = capacity;
	}
	r = ss_span_index_add(&tree->by_trace, key, tree->trace_count, &at);
	if (r && r != -EEXIST)
		return r;
	if (!r)
		tree->traces[tree->trace_count++] = (struct ss_tree_trace){
			.hi = span->trace_hi,
			.lo = span->trace_lo,
			.start_ns = span->start_ns,
		};
	*ret_trace = &tree->traces[at];
	return 0;
}

/* A damaged dump may say that spans are each other's ancestors: such a ring has no root to start
 * from, so it is cut. Marks every span on the way up with `walk`; a mark of an earlier walk leads
 * to a root. */
static void cut_ring(struct ss_tree_span *span, uint32_t walk)
{
	for (; !span->walk; span = span->parent) {
		span->walk = walk;
		if (span->parent && span->parent->walk == walk)
			span->parent = NULL;
		if (!span->parent)
			return;
	}
}

static struct ss_tree_span *find_parent(const struct ss_tree *tree, const struct ss_tree_span *span)
{
	uint32_t at;

	if (!span->parent_id)
		return NULL;
	at = ss_span_index_find(&tree->by_id,
				ss_span_index_key(span->trace_hi, span->trace_lo, span->parent_id));
	return at == SS_SPAN_INDEX_NONE ? NULL : tree->spans[at];
}

static void append(struct ss_tree_list *list, struct ss_tree_span *span, uint64_t limit)
{
	if (limit && list->count >= limit) {
		list->more++;
		list->more_errors += span->error;
		return;
	}
	if (list->last)
		list->last->next = span;
	else
		list->first = span;
	list->last = span;
	list->count++;
}

static int place_span(struct ss_tree *tree, struct ss_tree_span *span)
{
	struct ss_tree_trace *trace;
	int r = find_trace(tree, span, &trace);

	if (r)
		return r;
	trace->spans++;
	trace->errors += span->error && !span->unfinished;
	trace->unfinished += span->unfinished;
	if (span->shown)
		append(span->parent ? &span->parent->children : &trace->roots, span,
		       tree->options.limit);
	return 0;
}

static void filter_span(struct ss_tree *tree, struct ss_tree_span *span)
{
	const struct ss_tree_options *options = &tree->options;

	if (options->errors && !span->error)
		return;
	if (options->name && fnmatch(options->name, span->name, 0) != 0)
		return;
	for (; span && !span->shown; span = span->parent)
		span->shown = true;
}

int ss_tree_link(struct ss_tree *tree)
{
	uint32_t i;
	int r = 0;

	/* Parents first: the index holds positions, which sorting changes. */
	for (i = 0; i < tree->span_count; i++)
		tree->spans[i]->parent = find_parent(tree, tree->spans[i]);
	if (tree->span_count)
		qsort(tree->spans, tree->span_count, sizeof(*tree->spans), compare_spans);
	for (i = 0; i < tree->span_count; i++)
		cut_ring(tree->spans[i], i + 1);
	for (i = 0; i < tree->span_count; i++)
		filter_span(tree, tree->spans[i]);
	for (i = 0; i < tree->span_count && !r; i++)
		r = place_span(tree, tree->spans[i]);
	return r;
}
