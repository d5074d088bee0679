/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/html_cut.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/cli/tree_model.h"

static int compare(const void *a, const void *b, void *data)
{
	const struct ss_tree *tree = data;
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	const struct ss_tree_span *x = &tree->spans[i], *y = &tree->spans[k];
	int errors = (y->flags & SS_TREE_ERROR) - (x->flags & SS_TREE_ERROR);

	if (errors)
		return errors;
	if (x->duration_ns != y->duration_ns)
		return x->duration_ns > y->duration_ns ? -1 : 1;
	return (i > k) - (i < k);
}

/* A span and what is above it, as far as that is not kept yet, if there is room for all of them. */
static void keep(struct ss_tree *tree, uint32_t at, uint32_t *room)
{
	uint32_t count = 0, above;

	for (above = at; above != SS_TREE_NONE && !(tree->spans[above].flags & SS_TREE_KEPT);
	     above = tree->spans[above].parent)
		if (++count > *room)
			return;
	for (; at != above; at = tree->spans[at].parent)
		tree->spans[at].flags |= SS_TREE_KEPT;
	*room -= count;
}

static void leave_out(struct ss_html_cut *cut, struct ss_tree *tree, uint32_t at)
{
	struct ss_tree_span *span = &tree->spans[at];
	uint32_t above = span->parent;

	while (above != SS_TREE_NONE && !(tree->spans[above].flags & SS_TREE_KEPT))
		above = tree->spans[above].parent;
	if (above == SS_TREE_NONE)
		cut->of_trace[span->trace]++;
	else
		cut->of_span[above]++;
	span->flags &= ~SS_TREE_MATCHED;
	cut->spans++;
	cut->errors += (span->flags & SS_TREE_ERROR) != 0;
	if (cut->longest_ns < span->duration_ns)
		cut->longest_ns = span->duration_ns;
}

int ss_html_cut_choose(struct ss_html_cut *cut, struct ss_tree *tree, uint32_t max)
{
	uint32_t *order, count = 0, room = max, i;

	if (!max || tree->span_count <= max)
		return 0;
	order = malloc(tree->fresh_count * sizeof(*order));
	cut->of_span = calloc(tree->span_count, sizeof(*cut->of_span));
	cut->of_trace = calloc(tree->trace_count, sizeof(*cut->of_trace));
	if (!order || !cut->of_span || !cut->of_trace) {
		free(order);
		return -ENOMEM;
	}
	for (i = 0; i < tree->fresh_count; i++)
		if (tree->spans[tree->fresh[i]].flags & SS_TREE_MATCHED)
			order[count++] = tree->fresh[i];
	if (count)
		qsort_r(order, count, sizeof(*order), compare, tree);
	for (i = 0; i < count && room; i++)
		keep(tree, order[i], &room);
	for (i = 0; i < count; i++)
		if (!(tree->spans[order[i]].flags & SS_TREE_KEPT))
			leave_out(cut, tree, order[i]);
	free(order);
	return 0;
}

void ss_html_cut_deinit(struct ss_html_cut *cut)
{
	free(cut->of_span);
	free(cut->of_trace);
	*cut = (struct ss_html_cut){ 0 };
}
