/* SPDX-License-Identifier: Apache-2.0
 *
 * Visits the spans of a trace in a view, parents before children. Recurses nowhere, so that a chain
 * of a hundred thousand spans is no trouble.
 */
#ifndef SS_TREE_WALK_H
#define SS_TREE_WALK_H

#include <stdint.h>

#include "collector/cli/tree_model.h"

struct ss_tree_visitor {
	void (*enter)(void *data, uint32_t span, unsigned depth);
	/* After the children; NULL: nothing to do. */
	void (*leave)(void *data, uint32_t span, unsigned depth);
	/* Instead of span and all siblings after it: beyond the limit. */
	void (*more)(void *data, uint32_t span, unsigned depth);
	void *data;
};

void ss_tree_walk(const struct ss_tree *tree, const struct ss_tree_trace *trace,
		  const struct ss_tree_visitor *visitor);

/* How many spans a flag SS_TREE_MORE stands for, and how many of them are errors. */
uint64_t ss_tree_more(const struct ss_tree *tree, uint32_t span, uint64_t *ret_errors);

#endif
