/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_walk.h"

void ss_tree_walk(const struct ss_tree *tree, const struct ss_tree_trace *trace,
		  const struct ss_tree_visitor *visitor)
{
	uint32_t at = trace->first;
	unsigned depth = 0;

	while (at != SS_TREE_NONE) {
		const struct ss_tree_span *span = &tree->spans[at];

		if (!(span->flags & SS_TREE_MORE)) {
			visitor->enter(visitor->data, at, depth);
			if (span->first != SS_TREE_NONE) {
				at = span->first;
				depth++;
				continue;
			}
			if (visitor->leave)
				visitor->leave(visitor->data, at, depth);
		} else {
			visitor->more(visitor->data, at, depth);
		}
		while (span->next == SS_TREE_NONE || (span->flags & SS_TREE_MORE)) {
			at = span->parent;
			if (at == SS_TREE_NONE)
				return;
			span = &tree->spans[at];
			depth--;
			if (visitor->leave)
				visitor->leave(visitor->data, at, depth);
		}
		at = span->next;
	}
}

uint64_t ss_tree_more(const struct ss_tree *tree, uint32_t span, uint64_t *ret_errors)
{
	uint64_t count = 0, errors = 0;

	for (; span != SS_TREE_NONE; span = tree->spans[span].next) {
		count++;
		errors += (tree->spans[span].flags & SS_TREE_ERROR) != 0;
	}
	*ret_errors = errors;
	return count;
}
